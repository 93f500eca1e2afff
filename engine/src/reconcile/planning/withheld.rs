//! Steps that are planned and may not be sent now, and what the record's status says of them.
//!
//! A step is withheld when its write is in doubt, was abandoned or failed too often, or when the
//! record is only observed or paused. The steps that depend on it, or on what it makes, are
//! withheld with it, and a note gives the reason, so that a plan never ends without one.

use super::Planner;
use crate::error::Error;
use crate::journal::{Came, GivenUpBy, Intent, IntentState, Leave};
use crate::plan::{Finding, FindingKind, RecordPlan, Step};
use crate::reason::{ConditionType, Reason};
use crate::reconcile::rows::named;
use crate::store::{Condition, DesiredRow, DesiredStatus, Mode, StatusUpdate};
use serde_json::Value;
use std::collections::BTreeSet;

/// Intents of one record that are read to find the abandoned ones. Arbitrary, above what one record
/// has in a year.
const INTENTS_MAX: usize = 500;

/// The reasons of a write that is not sent again by itself.
const EXHAUSTED: [Reason; 2] = [Reason::RefusedTooOften, Reason::IgnoredTooOften];

/// The reasons of notes on a record that differs although no step is due.
const NOT_IN_STEP: [Reason; 13] = [
    Reason::InDoubt,
    Reason::OwnWriteHidden,
    Reason::GivenUp,
    Reason::RefusedTooOften,
    Reason::IgnoredTooOften,
    Reason::Refused,
    Reason::Unread,
    Reason::Ignored,
    Reason::ObservedOnly,
    Reason::NotOptedIn,
    Reason::NotSupported,
    Reason::NotPlanned,
    Reason::NotSeen,
];

impl Planner {
    /// Removes the steps that may not be sent now.
    pub(crate) async fn withhold(
        &self,
        planned: &mut RecordPlan,
        open: &[Intent],
    ) -> Result<(), Error> {
        withhold_in_doubt(planned, open);
        self.withhold_abandoned(planned).await?;
        self.withhold_refused(planned).await
    }

    /// Removes steps that were abandoned: they are not sent until the desired record changes.
    async fn withhold_abandoned(&self, planned: &mut RecordPlan) -> Result<(), Error> {
        if planned.steps.is_empty() {
            return Ok(());
        }
        let intents = self.context.store.intents_of(&planned.key, INTENTS_MAX).await?;
        let mut seen = BTreeSet::new();
        let mut held = BTreeSet::new();
        for intent in intents {
            // Only the newest intent of a path and operation counts.
            if !seen.insert((intent.path.clone(), intent.operation.clone())) {
                continue;
            }
            let IntentState::Abandoned { reason, by } = &intent.state else { continue };
            let planned_again = |step: &Step| {
                step.path == intent.path
                    && step.operation == intent.operation
                    && self.blocks(&intent, *by, step)
            };
            if intent.generation != planned.generation || !planned.steps.iter().any(planned_again) {
                continue;
            }
            let message = format!(
                "{}: {} (intent {}) was given up: {reason}. It is not sent again; declare the \
                 record anew with a change, or adopt what is there",
                intent.path, intent.operation, intent.id
            );
            planned.findings.push(Finding {
                kind: FindingKind::Note,
                path: intent.path.clone(),
                reason: Reason::GivenUp,
                message,
            });
            held.insert(intent.path);
        }
        drop_steps(planned, held);
        Ok(())
    }

    /// Whether an abandoned intent blocks a step. One for a record that was merged since does not
    /// block a step for the merged record; neither does a create that the engine abandoned below a
    /// record that no longer exists.
    fn blocks(&self, abandoned: &Intent, by: GivenUpBy, step: &Step) -> bool {
        match (&abandoned.target, &step.target, by) {
            // The row that shows at last tells whether the change happened.
            (Some(_), _, GivenUpBy::Unshown) => false,
            // A step that probes first finds what the abandoned create made.
            (None, _, GivenUpBy::Unshown) => !step.probe_first,
            (Some(before), Some(now), _) => before == now,
            (None, None, GivenUpBy::Engine) => match serde_json::from_str(&abandoned.input) {
                Ok(Value::Object(input)) => {
                    let now = named(self.context.manifest(), &step.input);
                    named(self.context.manifest(), &input).iter().all(|before| {
                        now.contains(before) || !now.iter().any(|now| now.kind == before.kind)
                    })
                }
                _ => true,
            },
            _ => true,
        }
    }

    /// Removes steps whose writes failed: they are sent again at growing intervals, and after some
    /// times not by themselves.
    async fn withhold_refused(&self, planned: &mut RecordPlan) -> Result<(), Error> {
        let mut held = BTreeSet::new();
        for step in &planned.steps {
            let desired = (planned.generation, &Value::Object(step.input.clone()));
            let leave =
                self.backoff.leave_for(&step.path, &step.operation, &step.target, desired).await?;
            if let Some(finding) = refused(&leave, &step.path, &step.operation) {
                planned.findings.push(finding);
                held.insert(step.path.clone());
            }
        }
        drop_steps(planned, held);
        Ok(())
    }

    /// As [`Self::withhold_refused`], for the steps that several records depend on.
    pub(super) async fn withhold_refused_shared(
        &self,
        planned: &mut RecordPlan,
        shared: &[Step],
    ) -> Result<(), Error> {
        let mut held = BTreeSet::new();
        for step in shared {
            let desired = (0, &Value::Object(step.input.clone()));
            let leave =
                self.backoff.leave_for(&step.path, &step.operation, &step.target, desired).await?;
            if let Some(finding) = refused(&leave, &step.path, &step.operation) {
                planned.findings.push(finding);
                held.insert(step.path.clone());
            }
        }
        drop_steps(planned, held);
        Ok(())
    }
}

/// Whether the record differs although no step is due.
pub(crate) fn is_withheld(planned: &RecordPlan) -> bool {
    let conflict = planned.findings.iter().any(|finding| finding.kind == FindingKind::Conflict);
    conflict || NOT_IN_STEP.iter().any(|reason| planned.note(*reason).is_some())
}

/// Whether a finding is the note of a withheld step.
pub(crate) fn is_withheld_note(finding: &Finding) -> bool {
    finding.kind == FindingKind::Note && NOT_IN_STEP.contains(&finding.reason)
}

/// The note of a write that is not sent again by itself and waits for a person.
pub(crate) fn exhausted(planned: &RecordPlan) -> Option<&Finding> {
    EXHAUSTED.iter().find_map(|reason| planned.note(*reason))
}

/// Whether a record's status says that a write waits for a person.
pub(crate) fn is_exhausted(status: &DesiredStatus) -> bool {
    status
        .conditions
        .iter()
        .any(|condition| condition.status && EXHAUSTED.contains(&condition.reason))
}

/// The note of a step whose sends failed and that does not leave now.
fn refused(leave: &Leave, path: &str, operation: &str) -> Option<Finding> {
    let reason = match leave {
        Leave::Now => return None,
        Leave::Later { came: Came::Refused, .. } => Reason::Refused,
        Leave::Later { came: Came::Ignored, .. } => Reason::Ignored,
        Leave::Unread { .. } => Reason::Unread,
        Leave::Person { came: Came::Refused, .. } => Reason::RefusedTooOften,
        Leave::Person { came: Came::Ignored, .. } => Reason::IgnoredTooOften,
    };
    let message = leave.why_not(path, operation)?;
    Some(Finding { kind: FindingKind::Note, path: path.to_owned(), reason, message })
}

/// The conditions of a record that has no steps.
pub(super) fn status(planned: &RecordPlan, row: &DesiredRow, now_ms: u64) -> DesiredStatus {
    let find = |kind: FindingKind| planned.findings.iter().find(|finding| finding.kind == kind);
    let mut conditions = Vec::new();
    let mut push = |kind: ConditionType, status: bool, reason: Reason, message: &str| {
        let since_ms = row
            .status
            .conditions
            .iter()
            .find(|known| known.kind == kind && known.status == status && known.reason == reason)
            .map_or(now_ms, |known| known.since_ms);
        conditions.push(Condition { kind, status, reason, message: message.to_owned(), since_ms });
    };
    match find(FindingKind::Blocked) {
        Some(finding) => {
            push(
                ConditionType::Synced,
                false,
                Reason::Blocked,
                &format!("it waits until {}", finding.until()),
            );
            push(ConditionType::Blocked, true, finding.reason, &finding.message);
        }
        None => match find(FindingKind::Conflict) {
            Some(finding) => push(ConditionType::Synced, false, Reason::Conflict, &finding.message),
            None if let Some(finding) =
                NOT_IN_STEP.iter().find_map(|reason| planned.note(*reason)) =>
            {
                push(ConditionType::Synced, false, finding.reason, &finding.message);
                if finding.reason == Reason::InDoubt {
                    push(ConditionType::InDoubt, true, finding.reason, &finding.message);
                }
                if EXHAUSTED.contains(&finding.reason) {
                    push(ConditionType::Blocked, true, finding.reason, &finding.message);
                }
            }
            None => {
                push(ConditionType::Synced, true, Reason::InStep, "the ATS holds what is desired")
            }
        },
    }
    if let Some(finding) = find(FindingKind::Drifted).or(find(FindingKind::Conflict)) {
        push(ConditionType::Drifted, true, finding.reason, &finding.message);
    }
    DesiredStatus { observed_generation: planned.generation, conditions }
}

/// The paths that steps depend on.
pub(super) fn waited_for(steps: &[Step]) -> BTreeSet<String> {
    steps.iter().flat_map(|step| step.after.iter().cloned()).collect()
}

/// Removes the steps whose writes are in doubt, and those that depend on them.
fn withhold_in_doubt(planned: &mut RecordPlan, open: &[Intent]) {
    let mut held: BTreeSet<String> = BTreeSet::new();
    for intent in open {
        let of_it =
            |path: &String| *path == intent.path || intent.makes.values().any(|made| made == path);
        let concerns = |step: &Step| of_it(&step.path) || step.after.iter().any(of_it);
        if planned.steps.iter().any(concerns) || intent.path == planned.key {
            held.insert(intent.path.clone());
            held.extend(intent.makes.values().cloned());
            let message = match &intent.state {
                IntentState::InDoubt { blocked: true, reason, .. } => format!(
                    "{}: {} (intent {id}) waits for a person: {reason}. Decide with \
                     `Connection::resolve`, intent {id}: adopt, retry or abandon",
                    intent.path,
                    intent.operation,
                    id = intent.id
                ),
                _ => format!(
                    "{}: whether {} (intent {}) happened is not known yet; the next apply, sync or \
                     settle looks, and nothing is sent again before that",
                    intent.path, intent.operation, intent.id
                ),
            };
            planned.findings.push(Finding {
                kind: FindingKind::Note,
                path: intent.path.clone(),
                reason: Reason::InDoubt.to_owned(),
                message,
            });
        }
    }
    drop_steps(planned, held);
}

/// Removes the steps of these paths and the steps that depend on them or on a record that they
/// make.
fn drop_steps(planned: &mut RecordPlan, mut held: BTreeSet<String>) {
    if held.is_empty() {
        return;
    }
    planned.steps.retain(|step| {
        let waits = held.contains(&step.path) || step.after.iter().any(|path| held.contains(path));
        if waits {
            held.insert(step.path.clone());
            held.extend(step.makes.values().cloned());
        }
        !waits
    });
}

/// Why a record of this mode is not written to, and the way out; none for a managed one.
pub(crate) fn mode_withholds(mode: Mode) -> Option<&'static str> {
    match mode {
        Mode::Managed => None,
        Mode::Paused => Some("the record is paused; take it up again with `Connection::resume`"),
        Mode::ObservedOnly => {
            Some("the record is only observed; have it written again with `Connection::resume`")
        }
    }
}

/// Turns the steps of a record that is paused or only observed into notes.
pub(crate) fn only_observe(planned: &mut (RecordPlan, Vec<Step>), mode: Mode) {
    let Some(why) = mode_withholds(mode) else { return };
    let (record, shared) = planned;
    shared.clear();
    for step in std::mem::take(&mut record.steps) {
        let fields: Vec<&str> = step.fields.iter().map(|field| field.field.as_str()).collect();
        let what =
            if fields.is_empty() { String::new() } else { format!(" of {}", fields.join(", ")) };
        let message = format!(
            "{}: {}{what} ({}) is withheld, since {why}",
            step.path, step.operation, step.reason
        );
        let (path, reason) = (step.path, Reason::ObservedOnly);
        record.findings.push(Finding { kind: FindingKind::Note, path, reason, message });
    }
}

/// The status of a paused record. It stays dirty, so that the first plan after a resume includes
/// it.
pub(super) fn paused(row: &DesiredRow, now_ms: u64) -> Option<StatusUpdate> {
    let known = row
        .status
        .conditions
        .iter()
        .find(|condition| condition.kind == ConditionType::Paused && condition.status);
    if known.is_some() && row.status.observed_generation == row.generation {
        return None;
    }
    let conditions = vec![Condition {
        kind: ConditionType::Paused,
        status: true,
        reason: Reason::Paused,
        message: "it is left alone until it is resumed".to_owned(),
        since_ms: known.map_or(now_ms, |known| known.since_ms),
    }];
    let status = DesiredStatus { observed_generation: row.generation, conditions };
    Some(StatusUpdate {
        key: row.key.clone(),
        generation: row.generation,
        status,
        dirty: true,
        dirt: row.dirt,
    })
}
