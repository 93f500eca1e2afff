//! Settles writes in doubt, by probes.
//!
//! # Expected flow
//! After a start, every `sending` intent is in doubt. Each intent in doubt is probed: a record that
//! is found is linked; an absent one that must be visible by now is sent again, unless the
//! operation's class is `unsafe`; an inconclusive probe leaves it in doubt until a person decides.
//! A probe that finds something counts at once; one that finds nothing counts only when the settle
//! window is over. An inconclusive probe is repeated after a wait that doubles and is kept with the
//! intent ([`look_again_ms`]), so that an intent that nothing resolves costs a request an hour and
//! not one a round. When the target of a change is missing, its deletion is confirmed by the rules
//! of a sweep: an intent about a deleted record ends by itself.
//!
//! A created record may have become part of another one (a merge), which no longer looks like it.
//! So before a create is sent again, the ATS is probed as before any create. A record that is found
//! then, whoever made it, ends the doubt, and the next plan decides about it.
//!
//! A request that left several times is sent again at growing intervals, and after five times waits
//! for a person ([`crate::journal::sends`]).
//!
//! # Guarantees
//! Nothing is sent again before a probe has shown that it is absent while the records that it
//! depends on existed ([`super::absence`]), and nothing for a candidate who is deleted or
//! anonymised by then. When several records fit, those that other paths are linked to do not keep
//! an intent in doubt.
//!
//! # Bounds
//! [`SETTLE_TOTAL_MAX_MS`] a settling, [`ABSENCE_TOTAL_MAX_MS`] for an absence that is nearly
//! proven; an intent that is due later is left for a later settling.

use super::Settler;
use super::defer::Turn;
use super::resend::Resend;
use crate::error::{Error, ErrorKind};
use crate::journal::{Intent, IntentState, look_again_ms};
use crate::reconcile::execute::{UnclearOutcome, intent_span};
use crate::reconcile::progress::Progress;
use crate::reconcile::reports::SettleReport;
use tracing::Instrument;

/// The longest sleep before the journal is read again: another task may have resolved an intent.
/// Arbitrary.
const SLEEP_MAX_MS: u64 = 15_000;

/// How long one settling may take in all before the rest is left for the next run. Arbitrary:
/// longer than any settle window known.
const SETTLE_TOTAL_MAX_MS: u64 = 180_000;

/// The same for a record that is absent and whose parents are still to be confirmed. Arbitrary:
/// longer than any settle window and the delay of the kind above it together.
const ABSENCE_TOTAL_MAX_MS: u64 = 300_000;

impl Settler {
    /// Settles the open intents, waiting for settle windows when sending again is allowed.
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
            report.blocked = 0;
            for intent in open {
                let id = intent.id;
                let turn = match self.turn(intent, resend, &mut report).await {
                    Err(error) if self.executor.is_erased(&error, id).await? => Turn::Closed,
                    turn => turn?,
                };
                match turn {
                    Turn::Closed => {}
                    Turn::Blocked => {
                        report.open += 1;
                        report.blocked += 1;
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
            // An intent that is due after this settling is left for a later one: waiting for it
            // would delay everything else.
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
        let Some(_held) = self.context.underway.hold(&intent.path) else {
            return Ok(Turn::Again {
                at_ms: self.context.clock.now_ms().saturating_add(look_again_ms(0)),
            });
        };
        // The task that held it may have ended it since it was read.
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
            // This process sends one write at a time per path and is not sending now: an earlier
            // process did.
            IntentState::Sending => {
                UnclearOutcome::EngineStopped.log(&self.context.name, &intent);
                let to = IntentState::InDoubt {
                    reason: "the engine stopped while it was on its way".to_owned(),
                    probe_after_ms: self.context.clock.now_ms(),
                    probes: 0,
                    blocked: false,
                    absent: None,
                };
                self.executor.advance(&intent, to, Vec::new(), false).await?
            }
            IntentState::InDoubt { blocked: true, .. } => return Ok(Turn::Blocked),
            IntentState::InDoubt { probe_after_ms, probes, absent, .. } => {
                let now_ms = self.context.clock.now_ms();
                let at_ms = intent.probe_due_ms(*probe_after_ms, *probes, now_ms);
                // An intent whose target was deleted, by a sweep or a hint, has nothing to wait
                // for.
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
        let span = intent_span(&self.context.name, &intent);
        self.probe_intent(intent, &rule, resend, report).instrument(span).await
    }

    /// How many open intents only a person can resolve.
    pub(crate) async fn blocked_intents(&self) -> Result<u64, Error> {
        let open = self.context.store.open_intents().await?;
        let blocked = open
            .iter()
            .filter(|intent| matches!(intent.state, IntentState::InDoubt { blocked: true, .. }));
        Ok(u64::try_from(blocked.count()).unwrap_or(u64::MAX))
    }

    /// When the next intent is to be probed; none when no probe may resolve one.
    pub(crate) async fn next_probe_ms(&self) -> Result<Option<u64>, Error> {
        let open = self.context.store.open_intents().await?;
        let now_ms = self.context.clock.now_ms();
        let due = open.iter().filter_map(|intent| match intent.state {
            IntentState::Sending => Some(now_ms),
            IntentState::InDoubt { blocked: false, probe_after_ms, probes, .. } => {
                Some(intent.probe_due_ms(probe_after_ms, probes, now_ms))
            }
            _ => None,
        });
        Ok(due.min())
    }
}
