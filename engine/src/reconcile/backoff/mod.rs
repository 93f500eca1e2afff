//! Backoff: when a write may be sent again.
//!
//! Two things count: what the journal holds of the sends that failed ([`crate::journal`]), and the
//! failures before a send, which are kept in memory ([`early`]). A credential that is given again,
//! and a check that finds every right, clear what was refused for want of a right.
//!
//! The planner asks before it plans a step; the applier asks before it sends one and reports how it
//! ended. Left out: the backoff of probes, which each intent in doubt keeps.

mod early;

use crate::error::Error;
use crate::journal::sends::may_leave;
use crate::journal::{CredentialGiven, Leave, Moment, Wanted};
use crate::plan::{Step, unseen};
use crate::reconcile::context::Context;
use crate::reconcile::delays::CLOCK_GRAIN_MS;
use crate::reconcile::order::{Order, deletes};
use atsync_model::contract::RemoteRef;
use early::EarlyFailures;
use serde_json::Value;
use std::sync::{Arc, Mutex, PoisonError};

/// When a write may be sent again.
pub(crate) struct Backoff {
    context: Arc<Context>,
    /// The writes that failed before they left.
    early: EarlyFailures,
    /// When the host last gave the credential again, or a check last found every right.
    rights_given: Mutex<Option<Moment>>,
}

impl Backoff {
    pub(crate) fn new(context: Arc<Context>, rights_given: Option<Moment>) -> Self {
        Self { context, early: EarlyFailures::default(), rights_given: Mutex::new(rights_given) }
    }

    /// A right was restored, or the host gave a credential: what was refused for want of a right is
    /// tried again.
    pub(crate) fn rights_given(&self) {
        self.early.forget();
        *self.rights_given.lock().unwrap_or_else(PoisonError::into_inner) =
            Some(self.context.moments.moment());
    }

    /// Records that a step failed before it left.
    pub(crate) fn failed(&self, step: &Step, generation: u64, reason: &str) {
        self.early.failed(step, generation, reason, self.context.clock.steady_ms());
    }

    /// Records that a step left, or was not needed.
    pub(crate) fn left(&self, step: &Step) {
        self.early.left(step);
    }

    /// The credential in use.
    fn credential(&self) -> CredentialGiven {
        let at = *self.rights_given.lock().unwrap_or_else(PoisonError::into_inner);
        CredentialGiven { mark: self.context.session.credential_mark(), at }
    }
}

/// Intents of a path and below it among which its refusals are counted.
const REFUSALS_MAX: usize = 200;

impl Backoff {
    /// Whether the results of earlier sends let the order's request leave.
    pub(crate) async fn leave(&self, order: &Order) -> Result<Leave, Error> {
        let input = serde_json::from_str(&order.operation.input).unwrap_or(Value::Null);
        self.leave_for(
            &order.path,
            &order.operation.name,
            &order.operation.target,
            (order.generation, &input),
        )
        .await
    }

    /// For how long a record may stay visible that the operation deletes; none for any other
    /// operation.
    fn ends_within_ms(&self, operation: &str) -> Option<u64> {
        let manifest = self.context.manifest();
        let rule = manifest.operation(operation).filter(|_| deletes(operation))?;
        let shown_within_ms =
            manifest.kind(&rule.kind).map_or(rule.settle_window_ms, |kind| kind.visible_within_ms);
        Some(
            self.context.settle_window_ms.unwrap_or(shown_within_ms).saturating_add(CLOCK_GRAIN_MS),
        )
    }

    /// As [`Self::leave`], for a planned step.
    pub(crate) async fn leave_for(
        &self,
        path: &str,
        operation: &str,
        target: &Option<RemoteRef>,
        (generation, input): (u64, &Value),
    ) -> Result<Leave, Error> {
        let link = self.context.store.link(path).await?;
        let unseen_since = link.and_then(|link| unseen::since(&link.applied, operation));
        let intents = self.context.store.intents_of(path, REFUSALS_MAX).await?;
        let own = intents.iter().filter(|intent| {
            intent.path == path && intent.operation == operation && intent.target == *target
        });
        let (ends_within_ms, credential) = (self.ends_within_ms(operation), &self.credential());
        let now_ms = self.context.clock.now_ms();
        Ok(
            match may_leave(
                own,
                Wanted { generation, input, unseen_since, ends_within_ms, credential },
                now_ms,
            ) {
                Leave::Now => self.early.leave(
                    path,
                    operation,
                    generation,
                    (self.context.clock.steady_ms(), now_ms),
                ),
                kept => kept,
            },
        )
    }
}
