//! What is in doubt is settled by looking.
//!
//! # Expected flow
//! After a start every `sending` intent is in doubt. A doubt is probed: what is found is taken
//! over; what is absent although it would show by now is sent again, unless the operation's class
//! is `unsafe`; what cannot be told stays in doubt until a person decides. A probe that finds
//! something counts at once; one that finds nothing counts only when the settle window is over. One
//! that tells nothing is repeated after a wait that doubles and is kept with the intent
//! ([`look_again_ms`]), so that a doubt which nothing resolves costs a request an hour and not one
//! a round. When what a change was made to does not show, it is asked for as a sweep would
//! ([`Reconciler::prove_gone`]): a doubt about what is gone ends by itself.
//!
//! What a creation made may have become part of another record (a merge), which no longer looks
//! like it. So before a creation is sent again the ATS is asked once more as before any creation;
//! what is there then, whoever made it, ends the doubt and is the next plan's to judge.
//!
//! A request that left several times is sent again less and less often, and after five times waits
//! for a person ([`crate::journal::sends`]).
//!
//! # Guarantees
//! Nothing is sent again before a probe has shown that it is not there while what it hangs on was
//! ([`super::absence`]), and nothing for a candidate who is deleted or anonymised by then. Where
//! several records may be it, or one that nothing tells, those that other paths hold keep nobody
//! waiting.
//!
//! # Bounds
//! [`SETTLE_TOTAL_MAX_MS`] a settling, [`ABSENCE_TOTAL_MAX_MS`] for what is nearly proven; what is
//! due later is left for a later one.

use super::Settler;
use super::defer::Turn;
use super::resend::Resend;
use crate::error::{Error, ErrorKind};
use crate::journal::{Intent, IntentState, look_again_ms};
use crate::reconcile::execute::UnclearOutcome;
use crate::reconcile::progress::Progress;
use crate::reconcile::reports::SettleReport;

/// The longest sleep before the journal is looked at again: somebody else may have resolved a
/// doubt. Arbitrary.
const SLEEP_MAX_MS: u64 = 15_000;

/// How long one settling may take in all before the rest is left for the next run. Arbitrary:
/// longer than any settle window known.
const SETTLE_TOTAL_MAX_MS: u64 = 180_000;

/// The same for a record that is absent and whose parents are still to be confirmed. Arbitrary:
/// longer than any settle window and the delay of the kind above it together.
const ABSENCE_TOTAL_MAX_MS: u64 = 300_000;

impl Settler {
    /// Settles what is open, waiting for settle windows where sending again is allowed.
    pub(crate) async fn settle(&self, resend: Resend) -> Result<SettleReport, Error> {
        let mut report = SettleReport::default();
        let started_ms = self.context.clock.steady_ms();
        loop {
            let open = self.context.store.open_intents().await?;
            if resend != Resend::Never && !open.is_empty() {
                self.requests.verify_tenant_once().await?;
            }
            let mut due: Vec<(u64, u64)> = Vec::new();
            report.open = 0;
            report.stuck = 0;
            for intent in open {
                match self.turn(intent, resend, &mut report).await? {
                    Turn::Closed => {}
                    Turn::Blocked => {
                        report.open += 1;
                        report.stuck += 1;
                    }
                    Turn::Again { at_ms } => {
                        report.open += 1;
                        due.push((at_ms, SETTLE_TOTAL_MAX_MS));
                    }
                    Turn::Absent { at_ms } => {
                        report.open += 1;
                        due.push((at_ms, ABSENCE_TOTAL_MAX_MS));
                    }
                }
            }
            let now_ms = self.context.clock.now_ms();
            let passed_ms = self.context.clock.steady_ms().saturating_sub(started_ms);
            // What is due only after this settling is left for a later one: waiting for it would
            // hold up everything else.
            let in_time = |(at_ms, total_ms): &(u64, u64)| {
                at_ms.saturating_sub(now_ms) < total_ms.saturating_sub(passed_ms)
            };
            let next_ms = due.into_iter().filter(in_time).map(|(at_ms, _)| at_ms).min();
            let waits = resend == Resend::Allowed && !self.context.holds_effects();
            let Some(next_ms) = next_ms.filter(|_| waits) else {
                return Ok(report);
            };
            let wait_ms = next_ms.saturating_sub(now_ms).clamp(1, SLEEP_MAX_MS);
            let open = usize::try_from(report.open).unwrap_or(usize::MAX);
            self.context.report(&Progress::Settling { open, wait_ms });
            self.context.wait(wait_ms).await;
        }
    }

    async fn turn(
        &self,
        intent: Intent,
        resend: Resend,
        report: &mut SettleReport,
    ) -> Result<Turn, Error> {
        let Some(_held) = self.context.underway.hold(&intent.host) else {
            return Ok(Turn::Again {
                at_ms: self.context.clock.now_ms().saturating_add(look_again_ms(0)),
            });
        };
        // Whoever held it may have ended it since it was read.
        let intent = match self.context.store.intent(intent.id).await? {
            Some(now) if now.state.is_open() => now,
            _ => return Ok(Turn::Closed),
        };
        let Some(rule) = self.context.manifest().operation(&intent.operation).cloned() else {
            let message = format!(
                "intent {} is for {}, which the adapter no longer has",
                intent.id, intent.operation
            );
            return Err(self.context.error(ErrorKind::Adapter, message));
        };
        let intent = match &intent.state {
            // This process sends one effect at a time per path and is not sending now: it is a
            // trace of an earlier one.
            IntentState::Sending => {
                UnclearOutcome::EngineStopped.log(&self.context.name, &intent);
                let to = IntentState::InDoubt {
                    reason: "the engine stopped while it was on its way".to_owned(),
                    probe_after_ms: self.context.clock.now_ms(),
                    probes: 0,
                    stuck: false,
                    absent: None,
                };
                self.executor.advance(&intent, to, Vec::new(), false).await?
            }
            IntentState::InDoubt { stuck: true, .. } => return Ok(Turn::Blocked),
            IntentState::InDoubt { probe_after_ms, probes, absent, .. } => {
                let now_ms = self.context.clock.now_ms();
                let at_ms = intent.probe_due_ms(*probe_after_ms, *probes, now_ms);
                // What is proven gone by now, by a sweep or a hint, has nothing to wait for.
                if at_ms > now_ms && !self.has_tombstone(&intent).await? {
                    return Ok(match absent {
                        Some(_) => Turn::Absent { at_ms },
                        None => Turn::Again { at_ms },
                    });
                }
                intent
            }
            _ => intent,
        };
        self.probe_intent(intent, &rule, resend, report).await
    }

    /// How many open intents only a person can resolve.
    pub(crate) async fn blocked_intents(&self) -> Result<u64, Error> {
        let open = self.context.store.open_intents().await?;
        let stuck = open
            .iter()
            .filter(|intent| matches!(intent.state, IntentState::InDoubt { stuck: true, .. }));
        Ok(u64::try_from(stuck.count()).unwrap_or(u64::MAX))
    }

    /// When the next doubt is to be looked into; none when there is none that looking may resolve.
    pub(crate) async fn next_probe_ms(&self) -> Result<Option<u64>, Error> {
        let open = self.context.store.open_intents().await?;
        let now_ms = self.context.clock.now_ms();
        let due = open.iter().filter_map(|intent| match intent.state {
            IntentState::Sending => Some(now_ms),
            IntentState::InDoubt { stuck: false, probe_after_ms, probes, .. } => {
                Some(intent.probe_due_ms(probe_after_ms, probes, now_ms))
            }
            _ => None,
        });
        Ok(due.min())
    }
}
