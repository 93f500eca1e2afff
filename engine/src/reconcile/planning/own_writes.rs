//! A record that was declared anew while its observation may be older than the engine's own last
//! change of it is not planned yet.
//!
//! An ATS may show a change late, within the time that the manifest states for its kind. What is
//! read before that may be the record as it was: a value that the host declared, changed and
//! declared again would then be called in step, and the value in between would stay for good; what
//! the engine took off itself would be called a recruiter's deed. Nothing in the read tells the two
//! apart, and a merge into a fresh read would be a merge into an old one. So the record waits until
//! the change shows, or must: the plan says so, and the record stays to be looked at.
//!
//! A change has shown when a read since it brought the record in with a difference, as the
//! read-back of each write does with an ATS that is not late; such a record waits for nothing. What
//! was taken off is not read back, and what holds it (a candidate's tags) may still show it, so a
//! removal waits for its whole delay.
//!
//! Bounds: [`INTENTS_MAX`] intents of a record, the longest delay of its kinds. Left out:
//! creations, whose look waits by itself ([`super::look`]), but for what can be removed again; of
//! two changes close to each other the second, once the first shows.

use super::Planner;
use crate::error::Error;
use crate::journal::{Intent, IntentState};
use crate::path;
use crate::plan::{Finding, FindingKind, RecordPlan};
use crate::reason::Reason;
use crate::reconcile::delays::{CLOCK_GRAIN_MS, done_by};

/// The verb of operations that take something away.
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
        // What was written for this very declaration is what it still asks for.
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
                    Finding { kind: FindingKind::Note, host: key.to_owned(), reason, message };
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

    /// For how long the ATS may still show what was there before a change; 0 for what is none.
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

    /// Whether everything that a change touched came in with a difference since it was sent.
    async fn shows_since(&self, intent: &Intent) -> Result<bool, Error> {
        let IntentState::Applied { links, .. } = &intent.state else { return Ok(true) };
        let rule = self.context.manifest().operation(&intent.operation);
        let is_removal = rule.is_some_and(|rule| rule.verb == DELETE);
        let holder = match is_removal {
            true => self.context.store.link(path::key(&intent.host)).await?,
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
