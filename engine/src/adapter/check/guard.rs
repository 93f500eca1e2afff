//! One task from its first step to its outcome.
//!
//! # Guarantees
//! Once [`TaskGuard::step`] has allowed a step, at most one `unsafe` request was allowed in this
//! task, and only if it is a `write` or changes a webhook (several in a `write` of an operation
//! that the manifest calls idempotent); an outcome fits the task; a write is
//! reported as applied only after its request, and as unneeded only without one. A link is followed
//! once: a second time would repeat a page, so pages that name each other end the task (after the
//! write they may be read once more). The driver calls it *before* it executes a step. Left out:
//! sizes and forms, see [`super::answer`].

use super::{AdapterError, bounded, broke};
use crate::adapter::limits::STEPS_MAX;
use crate::adapter::promise::{BrokenPromise, Promise};
use atsync_model::contract::{
    Effect, Fetched, Outcome, Page, Registering, Registration, Response, Send, Step, Target, Task,
    Written,
};
use atsync_model::manifest::{EffectClass, Manifest};
use std::collections::BTreeSet;

/// The parts of the task that are needed later.
#[derive(Debug)]
enum Subject {
    Scan(String),
    Fetch {
        kind: String,
        ids: BTreeSet<String>,
    },
    Probe,
    /// The operation and its target, for messages.
    Write(String),
    Check,
    Hook,
    Tenant,
    /// A list of webhooks.
    Webhooks,
    /// A change of one webhook, and whether it is a removal.
    Webhook {
        is_removal: bool,
    },
}

/// Follows one task.
#[derive(Debug)]
pub struct TaskGuard {
    subject: Subject,
    steps: u32,
    changed: bool,
    /// The write may send several `unsafe` requests: its operation is idempotent.
    may_repeat: bool,
    /// Links that were followed since the task began, or since its write.
    followed: BTreeSet<String>,
    /// The adapter and the largest page that its manifest promises, of the kind that is scanned.
    page_max: Option<(String, u32)>,
}

impl TaskGuard {
    /// For a task that is about to start.
    pub fn new(task: &Task) -> Self {
        let subject = match task {
            Task::Scan(scan) => Subject::Scan(scan.kind.clone()),
            Task::Fetch(fetch) => Subject::Fetch {
                kind: fetch.kind.clone(),
                ids: fetch.ids.iter().cloned().collect(),
            },
            Task::Probe(_) => Subject::Probe,
            Task::Write(write) => {
                let target = write.operation.target.as_ref().map(|target| format!(" of {target}"));
                Subject::Write(format!("{}{}", write.operation.name, target.unwrap_or_default()))
            }
            Task::Check(_) => Subject::Check,
            Task::Hook(_) => Subject::Hook,
            Task::DescribeTenant => Subject::Tenant,
            Task::Register(Registering::List) => Subject::Webhooks,
            Task::Register(registering) => {
                Subject::Webhook { is_removal: matches!(registering, Registering::Remove(_)) }
            }
        };
        Self {
            subject,
            steps: 0,
            changed: false,
            may_repeat: false,
            followed: BTreeSet::new(),
            page_max: None,
        }
    }

    /// For a task that is about to start, with the promises of the manifest.
    pub fn held_to(manifest: &Manifest, task: &Task) -> Self {
        let mut guard = Self::new(task);
        if let Subject::Scan(kind) = &guard.subject {
            guard.page_max = manifest.kind(kind).map(|rule| (manifest.name.clone(), rule.page_max));
        }
        if let Task::Write(write) = task {
            let rule = manifest.operation(&write.operation.name);
            guard.may_repeat = rule.is_some_and(|rule| rule.class == EffectClass::Idempotent);
        }
        guard
    }

    /// Whether an `unsafe` request was allowed. From then on the state of the ATS is unknown.
    pub fn changed(&self) -> bool {
        self.changed
    }

    /// Checks and records a step, before it is executed. `reply` is the response that the step
    /// answers; `None` for the first step and after a `verify`.
    ///
    /// # Errors
    /// [`AdapterError::Contract`] for a step that does not belong to this task,
    /// [`AdapterError::Limit`] for one too many, [`AdapterError::Circle`] for a link that was
    /// followed before.
    pub fn step(&mut self, step: &Step, reply: Option<&Response>) -> Result<(), AdapterError> {
        self.steps = self.steps.saturating_add(1);
        bounded(
            "steps of one task",
            usize::try_from(self.steps).unwrap_or(usize::MAX),
            STEPS_MAX as usize,
        )?;
        match step {
            Step::Send(send) => self.send(send),
            Step::Verify(_) if matches!(self.subject, Subject::Hook) => Ok(()),
            Step::Verify(_) => Err(broke("a signature is to be checked, and there is no webhook")),
            Step::Transfer(_) => {
                Err(broke("file transfers are reserved; this engine does not offer them"))
            }
            Step::Done(outcome) => self.done(outcome, reply),
        }
    }

    fn send(&mut self, send: &Send) -> Result<(), AdapterError> {
        if let (Target::Link(link), "GET") = (&send.request.target, send.request.method.as_str())
            && !self.followed.insert(link.clone())
        {
            return Err(AdapterError::Circle);
        }
        match (send.effect, &self.subject) {
            (Effect::Safe, _) => Ok(()),
            (Effect::Scratch, Subject::Write(_)) => Ok(()),
            (Effect::Scratch, _) => {
                Err(broke("a request that leaves something behind in a task that only looks"))
            }
            (Effect::Unsafe, Subject::Write(what)) if self.changed && !self.may_repeat => {
                Err(broke(format!(
                    "a second request that changes the ATS in one write: {what}; it was not sent"
                )))
            }
            (Effect::Unsafe, Subject::Webhook { .. }) if self.changed => {
                Err(broke("a second request that changes the ATS for one webhook; it was not sent"))
            }
            (Effect::Unsafe, Subject::Write(_) | Subject::Webhook { .. }) => {
                self.changed = true;
                self.followed.clear();
                Ok(())
            }
            (Effect::Unsafe, _) => {
                Err(broke("a request that changes the ATS in a task that only looks"))
            }
            (Effect::Consuming, _) => {
                Err(broke("reads that consume are reserved; this engine does not offer them"))
            }
        }
    }

    fn done(&self, outcome: &Outcome, reply: Option<&Response>) -> Result<(), AdapterError> {
        match (&self.subject, outcome) {
            (Subject::Scan(kind), Outcome::Page(page) | Outcome::FlawedPage((page, _))) => {
                self.rows(kind, page)?;
                spans(page.items.iter().filter_map(|item| item.raw.as_ref()), reply)
            }
            (
                Subject::Fetch { kind, ids },
                Outcome::Fetched(fetched) | Outcome::FlawedFetched((fetched, _)),
            ) => {
                spans(fetched.items.iter().filter_map(|item| item.raw.as_ref()), reply)?;
                asked(kind, ids, fetched)
            }
            (Subject::Write(_), Outcome::Written(written)) => self.written(written),
            (Subject::Webhook { is_removal }, Outcome::Registration(found)) => {
                self.registration(*is_removal, found)
            }
            (
                Subject::Webhooks,
                Outcome::Registration(Registration::Listed(_) | Registration::Unlisted),
            )
            | (Subject::Probe, Outcome::Probed(_))
            | (Subject::Check, Outcome::Checked(_))
            | (Subject::Hook, Outcome::Hooked(_))
            | (Subject::Tenant, Outcome::Tenant(_)) => Ok(()),
            _ => Err(broke("an outcome that is another task's")),
        }
    }

    /// A page has at most as many records of the requested kind as the manifest says. It may
    /// include records of other kinds, and the ATS may show one of them twice.
    fn rows(&self, kind: &str, page: &Page) -> Result<(), AdapterError> {
        let Some((adapter, page_max)) = &self.page_max else { return Ok(()) };
        let rows = page
            .items
            .iter()
            .filter(|item| item.kind == kind)
            .map(|item| &item.id)
            .collect::<BTreeSet<_>>()
            .len();
        if rows <= usize::try_from(*page_max).unwrap_or(usize::MAX) {
            return Ok(());
        }
        Err(AdapterError::Promise(Box::new(BrokenPromise {
            adapter: adapter.clone(),
            operation: format!("a page of {kind}"),
            promise: Promise::PageMax { page_max: *page_max, rows },
        })))
    }

    /// A change of a webhook is reported as done only after its request.
    fn registration(&self, is_removal: bool, found: &Registration) -> Result<(), AdapterError> {
        match found {
            Registration::Refused(_) => Ok(()),
            Registration::Kept(_) if is_removal => {
                Err(broke("a webhook was to be removed, and is said to be kept"))
            }
            Registration::Removed if !is_removal => {
                Err(broke("a webhook was not to be removed, and is said to be"))
            }
            Registration::Kept(_) | Registration::Removed | Registration::Unclear(_)
                if self.changed =>
            {
                Ok(())
            }
            Registration::Kept(_) | Registration::Removed | Registration::Unclear(_) => {
                Err(broke("a webhook is said to be changed, and no request for it was sent"))
            }
            Registration::Listed(_) | Registration::Unlisted => {
                Err(broke("an outcome that is another task's"))
            }
        }
    }

    fn written(&self, written: &Written) -> Result<(), AdapterError> {
        match (written, self.changed) {
            (Written::Applied(_) | Written::Pending(_) | Written::Unclear(_), false) => {
                Err(broke("a write has an effect, and no request that changes the ATS was sent"))
            }
            (Written::Unneeded(_), true) => {
                Err(broke("a write was unneeded, and a request that changes the ATS was sent"))
            }
            (Written::Applied(_) | Written::Pending(_) | Written::Unclear(_), true)
            | (Written::Unneeded(_), false)
            | (Written::Refused(_), _) => Ok(()),
        }
    }
}

/// A missing id was requested and was not returned. Further records may be returned: they only add
/// information.
fn asked(kind: &str, ids: &BTreeSet<String>, fetched: &Fetched) -> Result<(), AdapterError> {
    if !fetched.missing.iter().all(|id| ids.contains(id)) {
        return Err(broke("an id is missing that was not asked for"));
    }
    let missing: BTreeSet<&str> = fetched.missing.iter().map(String::as_str).collect();
    if fetched.items.iter().any(|item| item.kind == kind && missing.contains(item.id.as_str())) {
        return Err(broke("a record came and is said to be missing"));
    }
    Ok(())
}

/// Positions in the reply that the driver has, which need not be the one that the adapter runtime
/// had.
fn spans<'a>(
    mut spans: impl Iterator<Item = &'a atsync_model::contract::Span>,
    reply: Option<&Response>,
) -> Result<(), AdapterError> {
    let bytes = reply.map_or(0, |reply| u64::try_from(reply.body.len()).unwrap_or(u64::MAX));
    if spans.all(|span| u64::from(span.offset) + u64::from(span.length) <= bytes) {
        return Ok(());
    }
    Err(broke("a record points outside of the reply"))
}
