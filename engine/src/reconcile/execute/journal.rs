//! Outcomes of a write, recorded in the journal with links and events.
//!
//! Outcome, links and events are one transaction. An outcome that cannot be known is recorded as in
//! doubt, with a reason.

use super::Executor;
use super::links::touched;
use super::unclear::UnclearOutcome;
use crate::error::Error;
use crate::journal::{Intent, IntentId, IntentState, Moment};
use crate::path::Path;
use crate::plan::unseen;
use crate::reconcile::delays::SEND_WAIT_MAX_MS;
use crate::reconcile::order::{Order, Touched};
use crate::reconcile::requests::TaskError;
use crate::store::{Cause, Change, ChangeWhat, IntentAdvance, LinkHow, LinkRow, StoreError};
use crate::transport::NotSent;
use atsync_model::contract::{Applied, Body, Failure, Link, Mark, Request, Target};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

/// How a write ended.
#[derive(Debug)]
pub(crate) enum EffectEnd {
    /// It happened, or nothing was left to do. The records that it made or touched.
    Done { touched: Vec<Touched>, warnings: Vec<String>, sent: bool },
    /// Refused, as the ATS answered.
    Refused(Failure),
    /// Its outcome is unknown, and why.
    InDoubt(String),
    /// It did not leave, or a read before it failed; nothing was changed.
    NotSent(TaskError),
    /// An intent for the same object is open.
    Busy(IntentId),
    /// The desired record has changed meanwhile; plan again.
    Stale(String),
}

impl Executor {
    pub(super) async fn open_intent(
        &self,
        order: &Order,
        mark: &Mark,
        request: &Request,
    ) -> Result<Intent, StoreError> {
        let at = self.context.moments.moment();
        if let Some(intent) = &order.again {
            let advance = IntentAdvance {
                id: intent.id,
                attempt: intent.attempt,
                to: IntentState::Sending,
                links: Vec::new(),
                changes: Vec::new(),
                at,
                sent_by: self.context.component(),
            };
            return self.context.store.advance_intent(advance).await;
        }
        let intent = Intent {
            id: 0,
            path: order.path.clone(),
            operation: order.operation.name.clone(),
            target: order.operation.target.clone(),
            input: order.operation.input.clone(),
            makes: order.makes.clone(),
            applied: order.applied.clone(),
            digest: digest(request),
            mark: mark.clone(),
            generation: order.generation,
            attempt: 1,
            first_sent: at,
            last_sent: at,
            changed: at,
            tries: Vec::new(),
            planned_by: order.planned_by.clone(),
            sent_by: self.context.component(),
            state: IntentState::Sending,
        };
        self.context.store.begin_intent(intent).await
    }

    pub(super) async fn applied(
        &self,
        order: &Order,
        intent: &Intent,
        applied: Applied,
    ) -> Result<EffectEnd, Error> {
        if let Err(broken) = self.kept(order, &applied.links) {
            // The ATS says that it happened: sent again, it would happen twice. A person decides.
            UnclearOutcome::BrokenPromise.log(&self.context.name, intent);
            let to = IntentState::InDoubt {
                reason: broken.to_string(),
                probe_after_ms: self.context.clock.now_ms(),
                probes: 0,
                blocked: true,
                absent: None,
            };
            self.advance(intent, to, Vec::new(), false).await?;
            return Ok(EffectEnd::InDoubt(broken.to_string()));
        }
        let links = self.links(order, &applied.links, LinkHow::Created).await?;
        let links = self.with_unseen(order, intent.id, links).await?;
        let touched = touched(order, &applied.links);
        let to = IntentState::Applied { links: touched.clone(), by_probe: false };
        self.advance_with(intent, to, links, order.ends(), moved(&applied.links, intent.id))
            .await?;
        let touched = Touched::by(order, Some(intent.id), touched);
        Ok(EffectEnd::Done { touched, warnings: applied.warnings, sent: true })
    }

    /// The links of an intent that was answered as done, with the note that its effect is not
    /// visible yet.
    async fn with_unseen(
        &self,
        order: &Order,
        id: IntentId,
        mut links: Vec<LinkRow>,
    ) -> Result<Vec<LinkRow>, Error> {
        if order.ends() {
            return Ok(links);
        }
        let before = self.context.store.link(&order.path).await?;
        if !links.iter().any(|link| link.path == order.path) {
            links.extend(before.clone());
        }
        let before = before.map(|link| link.applied).unwrap_or_default();
        for link in links.iter_mut().filter(|link| link.path == order.path) {
            unseen::note(&mut link.applied, &before, &order.operation.name, id);
        }
        Ok(links)
    }

    pub(super) async fn not_sent(
        &self,
        order: &Order,
        intent: &Intent,
        reason: NotSent,
    ) -> Result<EffectEnd, Error> {
        // An earlier attempt of the same intent may have arrived: then it stays in doubt.
        if order.again.is_some() {
            UnclearOutcome::NotSentAgain.log(&self.context.name, intent);
            let to = IntentState::InDoubt {
                reason: format!("sent before without an answer; this time {reason}"),
                probe_after_ms: self.context.clock.now_ms(),
                probes: 0,
                blocked: false,
                absent: None,
            };
            self.advance(intent, to, Vec::new(), false).await?;
            return Ok(EffectEnd::InDoubt(reason.to_string()));
        }
        let to = IntentState::NotSent { reason: reason.to_string() };
        self.advance(intent, to, Vec::new(), false).await?;
        Ok(EffectEnd::NotSent(TaskError::NotSent(reason)))
    }

    /// Records a refusal. One for want of a right names the credential that was refused.
    pub(super) async fn refused(
        &self,
        intent: &Intent,
        failure: Failure,
    ) -> Result<EffectEnd, Error> {
        let about_credential =
            matches!(failure, Failure::Auth(_) | Failure::Denied(_) | Failure::Misconfigured(_));
        let to = IntentState::Refused {
            reason: failure.to_string(),
            passing: matches!(failure, Failure::Quota(_)),
            credential: about_credential.then(|| self.context.session.credential_mark()),
        };
        self.advance(intent, to, Vec::new(), false).await?;
        Ok(EffectEnd::Refused(failure))
    }

    pub(super) async fn in_doubt(
        &self,
        intent: &Intent,
        doubt: UnclearOutcome,
        reason: String,
    ) -> Result<EffectEnd, Error> {
        doubt.log(&self.context.name, intent);
        let to = IntentState::InDoubt {
            reason: reason.clone(),
            probe_after_ms: self.context.clock.now_ms(),
            probes: 0,
            blocked: false,
            absent: None,
        };
        self.advance(intent, to, Vec::new(), false).await?;
        Ok(EffectEnd::InDoubt(reason))
    }

    pub(crate) async fn advance(
        &self,
        intent: &Intent,
        to: IntentState,
        links: Vec<LinkRow>,
        ends: bool,
    ) -> Result<Intent, Error> {
        self.advance_with(intent, to, links, ends, Vec::new()).await
    }

    async fn advance_with(
        &self,
        intent: &Intent,
        to: IntentState,
        links: Vec<LinkRow>,
        ends: bool,
        changes: Vec<Change>,
    ) -> Result<Intent, Error> {
        let now = self.context.moments.moment();
        let at = match &to {
            // The store takes this as the latest moment at which the request can have left. A life
            // that finds an intent of an earlier one may begin long after: no request waits longer
            // than this for its turn.
            IntentState::InDoubt { .. } if intent.last_sent.life != now.life => {
                let latest_ms = intent.last_sent.wall_ms.saturating_add(SEND_WAIT_MAX_MS);
                Moment { wall_ms: now.wall_ms.min(latest_ms), ..intent.last_sent }
            }
            _ => now,
        };
        let mut links = links;
        if ends {
            // The link ends when the ATS no longer shows the deleted record: until then it says
            // whose it was.
            let link = self.context.store.link(&intent.path).await?;
            links.extend(link.map(|mut link| {
                unseen::note_removed(&mut link.applied, intent.id);
                link
            }));
        }
        let advance = IntentAdvance {
            id: intent.id,
            attempt: intent.attempt,
            to,
            links,
            changes: changes
                .into_iter()
                .map(|change| Change { at_ms: at.wall_ms, ..change })
                .collect(),
            at,
            sent_by: None,
        };
        Ok(self.context.store.advance_intent(advance).await?)
    }

    /// Whether an outcome was refused by the store because the candidate was erased since the
    /// intent was read.
    pub(crate) async fn is_erased(&self, error: &Error, id: IntentId) -> Result<bool, Error> {
        if !matches!(error.cause(), Some(StoreError::Stale(_))) {
            return Ok(false);
        }
        let held = self.context.store.intent(id).await?;
        Ok(held.is_some_and(|intent| Path::of(&intent.path) == Path::Erased))
    }
}

/// The event that a record continues under another id.
fn moved(made: &[Link], intent: IntentId) -> Vec<Change> {
    let find = |role: &str| made.iter().find(|link| link.role == role);
    let (Some(from), Some(to)) = (find("converted_from"), find("subject")) else {
        return Vec::new();
    };
    let mut after = Map::new();
    after.insert("id".to_owned(), Value::String(to.id.clone()));
    vec![Change {
        serial: 0,
        at_ms: 0,
        kind: from.kind.clone(),
        id: from.id.clone(),
        what: ChangeWhat::Moved,
        before: Map::new(),
        after,
        cause: Cause::Applied { intent },
    }]
}

/// SHA-256 over method, target and body of a request.
pub(crate) fn digest(request: &Request) -> String {
    let mut hash = Sha256::new();
    let mut feed = |text: &[u8]| {
        hash.update(u64::try_from(text.len()).unwrap_or(u64::MAX).to_be_bytes());
        hash.update(text);
    };
    feed(request.method.as_bytes());
    feed(request.origin.as_bytes());
    match &request.target {
        Target::Path(path) => {
            feed(path.path.as_bytes());
            for field in &path.query {
                feed(field.name.as_bytes());
                feed(field.value.as_bytes());
            }
        }
        Target::Link(url) => feed(url.as_bytes()),
    }
    match &request.body {
        Body::None => {}
        Body::Json(text) => feed(text.as_bytes()),
        Body::Form(fields) => {
            for field in fields {
                feed(field.name.as_bytes());
                feed(field.value.as_bytes());
            }
        }
        Body::Bytes((_, bytes)) => feed(bytes),
        Body::Multipart(parts) => parts.iter().for_each(|part| feed(&part.bytes)),
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}
