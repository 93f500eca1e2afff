//! A record that was declared again waits until the engine's own last change of it is visible.
//!
//! An ATS may show a change late, within the time that the manifest states for its kind. A read
//! before that may return the record as it was. Then a value that the host declared, changed and
//! declared again would count as in step, and the value in between would stay for good; and what
//! the engine removed itself would count as a recruiter's change. Nothing in the read distinguishes
//! the two, and a merge into a fresh read would be a merge into an old one. So the record waits
//! until the change is visible, or must be: the plan says so, and the record stays dirty.
//!
//! A change is visible when a read after it ingested the record with a difference. The read-back of
//! each write does that with an ATS that is not late, and such a record does not wait. A removed
//! record is not read back, and the record that holds it (a candidate with tags) may still show it,
//! so a removal waits for its whole delay.
//!
//! Bounds: [`INTENTS_MAX`] intents of a record, the longest delay of its kinds. Left out:
//! creations, whose probe waits itself, except of records that can be removed again; of two changes
//! close to each other the second one, once the first is visible.

use super::Planner;
use crate::error::Error;
use crate::journal::{Intent, IntentState};
use crate::path;
use crate::plan::{Finding, FindingKind, RecordPlan};
use crate::reason::Reason;
use crate::reconcile::delays::{CLOCK_GRAIN_MS, done_by};

/// The verb of operations that delete.
const DELETE: &str = "delete";

/// Intents of a record that are read. More than a rate budget lets through within the delays known.
const INTENTS_MAX: usize = 1_000;

impl Planner {
    /// The plan of a record that must not be planned yet, because of what was written for it; none
    /// when it may.
    pub(super) async fn awaits_own_write(
        &self,
        key: &str,
        generation: u64,
    ) -> Result<Option<RecordPlan>, Error> {
        let intents = self.context.store.intents_of(key, INTENTS_MAX).await?;
        // A write for this very declaration is what the declaration still asks for.
        for intent in intents.into_iter().filter(|intent| intent.generation < generation) {
            let left_ms = self.hides_ms(&intent);
            if left_ms > 0 && !self.shows_since(&intent).await? {
                let reason = Reason::OwnWriteHidden.to_owned();
                let message = format!(
                    "{key}: {} was sent so lately that the ATS need not show it yet; the record is \
                     planned once it must, in {} s",
                    intent.operation,
                    left_ms.div_ceil(1_000)
                );
                let finding =
                    Finding { kind: FindingKind::Note, path: key.to_owned(), reason, message };
                let findings = vec![finding];
                let plan = RecordPlan {
                    key: key.to_owned(),
                    generation,
                    findings,
                    look_again: true,
                    ..RecordPlan::default()
                };
                return Ok(Some(plan));
            }
        }
        Ok(None)
    }

    /// For how long the ATS may still show the record as it was before an intent; 0 when the intent
    /// changed nothing.
    fn hides_ms(&self, intent: &Intent) -> u64 {
        let manifest = self.context.manifest();
        let Some(rule) = manifest.operation(&intent.operation) else { return 0 };
        let can_be_removed = || {
            manifest.operations.iter().any(|other| other.kind == rule.kind && other.verb == DELETE)
        };
        let is_change = intent.target.is_some() || can_be_removed();
        if !is_change || !matches!(intent.state, IntentState::Applied { .. }) {
            return 0;
        }
        let delay_ms = manifest.kind(&rule.kind).map_or(0, |kind| kind.visible_within_ms);
        let delay_ms = self.context.settle_window_ms.unwrap_or(delay_ms);
        done_by(intent)
            .left_ms(delay_ms.saturating_add(CLOCK_GRAIN_MS), &self.context.moments.now())
    }

    /// Whether every record that an intent touched was ingested with a difference since it was
    /// sent.
    async fn shows_since(&self, intent: &Intent) -> Result<bool, Error> {
        let IntentState::Applied { links, .. } = &intent.state else { return Ok(true) };
        let rule = self.context.manifest().operation(&intent.operation);
        let is_removal = rule.is_some_and(|rule| rule.verb == DELETE);
        let holder = match is_removal {
            true => self.context.store.link(path::key(&intent.path)).await?,
            false => None,
        };
        let holder = holder.map(|link| link.remote);
        let touched =
            intent.target.iter().chain(links).filter(|_| !is_removal).chain(holder.iter());
        for remote in touched {
            let row = self.context.store.observed(remote).await?;
            if row.is_none_or(|row| row.changed_ms < intent.last_sent.wall_ms) {
                return Ok(false);
            }
        }
        Ok(true)
    }
}
