//! Waits until an earlier write of the same record is visible.
//!
//! An ATS may show a write late. A whole list that is merged with a stale read would take the
//! engine's own last change back, and a create may not find the parent that was made a moment ago.
//! So such a write waits: until a probe finds the earlier one, or for the settle window at most.

use super::Executor;
use crate::error::Error;
use crate::journal::{Intent, IntentState};
use crate::path;
use crate::reconcile::order::Order;
use crate::transport::Priority;
use atsync_model::contract::{Operation, Outcome, Probe, Probed, Task};
use atsync_model::manifest::{FieldMode, OperationRule};

/// Intents of a record among which its last write is searched.
const OWN_WRITES_MAX: usize = 50;

/// The first pause between two probes for our own last write; doubled each time.
const OWN_WRITE_PAUSE_FIRST_MS: u64 = 500;

impl Executor {
    /// Waits until the last write to the same record is visible, or must be. A list that is written
    /// as a whole is merged with a fresh read, and a read that does not show our own last write
    /// would take it back. False when it waited and the last write is not visible.
    pub(super) async fn await_own_write(
        &self,
        order: &Order,
        rule: &OperationRule,
    ) -> Result<bool, Error> {
        if order.operation.target.is_none()
            || !rule.fields.iter().any(|field| field.mode == FieldMode::ReplaceAll)
        {
            return Ok(true);
        }
        let window_ms = self.context.settle_window_ms.unwrap_or(rule.settle_window_ms);
        let intents = self.context.store.intents_of(&order.path, OWN_WRITES_MAX).await?;
        let same = |intent: &&Intent| {
            intent.target == order.operation.target && intent.operation == rule.name
        };
        let Some(last) = intents
            .iter()
            .filter(same)
            .find(|intent| matches!(intent.state, IntentState::Applied { .. }))
        else {
            return Ok(true);
        };
        Ok(!self.await_shown(last, window_ms).await || self.shows(last).await)
    }

    /// Waits until the step before an order is visible: the last one that made or changed the same
    /// path. False when it is visible already, so that waiting does not help, and when there is
    /// none.
    pub(crate) async fn await_step_before(&self, order: &Order) -> Result<bool, Error> {
        let key = path::key(&order.path);
        let intents = self.context.store.intents_of(key, OWN_WRITES_MAX).await?;
        let is_before = |intent: &&Intent| {
            matches!(intent.state, IntentState::Applied { .. })
                && (intent.path == order.path
                    || intent.makes.values().any(|made| *made == order.path))
        };
        let Some(last) = intents.iter().find(is_before) else { return Ok(false) };
        let Some(rule) = self.context.manifest().operation(&last.operation) else {
            return Ok(false);
        };
        let window_ms = self.context.settle_window_ms.unwrap_or(rule.settle_window_ms);
        Ok(self.await_shown(last, window_ms).await)
    }

    /// Waits until the parent of a new record is visible, if the engine made it. False when there
    /// is nothing to wait for.
    pub(super) async fn await_parent(&self, order: &Order) -> Result<bool, Error> {
        if order.operation.target.is_some() {
            return Ok(false);
        }
        let key = path::key(&order.path);
        let intents = self.context.store.intents_of(key, OWN_WRITES_MAX).await?;
        let holds = |made: &String| path::above(&order.path).any(|above| above == made.as_str());
        let made_it = |intent: &&Intent| {
            matches!(intent.state, IntentState::Applied { .. }) && intent.makes.values().any(holds)
        };
        let Some(last) = intents.iter().find(made_it) else { return Ok(false) };
        let Some(rule) = self.context.manifest().operation(&last.operation) else {
            return Ok(false);
        };
        let window_ms = self.context.settle_window_ms.unwrap_or(rule.settle_window_ms);
        Ok(self.await_shown(last, window_ms).await)
    }

    /// Waits until a probe finds what an intent wrote, or its window is over. Returns whether it
    /// had to wait.
    async fn await_shown(&self, last: &Intent, window_ms: u64) -> bool {
        let mut left_ms = last.last_sent.left_ms(window_ms, &self.context.moments.now());
        let mut pause_ms = OWN_WRITE_PAUSE_FIRST_MS;
        let mut waited = false;
        while left_ms > 0 && !self.context.holds_effects() && !self.shows(last).await {
            waited = true;
            let wait_ms = pause_ms.min(left_ms);
            self.context.wait(wait_ms).await;
            left_ms = left_ms.saturating_sub(wait_ms);
            pause_ms = pause_ms.saturating_mul(2);
        }
        waited
    }

    /// Whether a probe finds what an intent wrote. A probe that fails finds nothing, so the caller
    /// waits.
    async fn shows(&self, intent: &Intent) -> bool {
        let operation = Operation {
            name: intent.operation.clone(),
            target: intent.target.clone(),
            input: intent.input.clone(),
        };
        let task = Task::Probe(Probe {
            operation,
            first_sent_ms: Some(intent.first_sent.earliest_ms(&self.context.moments.now())),
        });
        match self.requests.drive_marked(task, intent.mark.clone(), Priority::Interactive).await {
            Ok(finished) => matches!(finished.outcome, Outcome::Probed(Probed::Found(_))),
            Err(_) => false,
        }
    }
}
