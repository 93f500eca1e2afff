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
//! ([`super::absence`]), and nothing for a candidate who is deleted or anonymised by then.
//! Where several records may be it, or one that nothing tells, those that other paths hold keep
//! nobody waiting.
//!
//! # Bounds
//! [`SETTLE_TOTAL_MAX_MS`] a settling, [`ABSENCE_TOTAL_MAX_MS`] for what is nearly proven; what is
//! due later is left for a later one.

use super::absence::Absence;
use super::doubt::Doubt;
use super::drive::TaskError;
use super::effect::{EffectEnd, touched};
use super::look::several;
use super::order::{Order, Touched};
use super::{Progress, Reconciler};
use crate::error::{Error, ErrorKind};
use crate::journal::sends::send_wait_ms;
use crate::journal::{GivenUpBy, Intent, IntentState, Moment, look_again_ms};
use crate::plan::RELEASED;
use crate::store::{Cause, LinkHow, LinkRow};
use crate::transport::Priority;
use atsync_model::contract::{Failure, Link, Outcome, Probe, Probed, RemoteRef, Task};
use atsync_model::manifest::{EffectClass, OperationRule};

/// The longest sleep before the journal is looked at again: somebody else may have resolved a
/// doubt. Arbitrary.
const SLEEP_MAX_MS: u64 = 15_000;
/// How long one settling may take in all before the rest is left for the next run. Arbitrary:
/// longer than any settle window known.
const SETTLE_TOTAL_MAX_MS: u64 = 180_000;
/// The same for a record that is absent and whose parents are still to be confirmed.
/// Arbitrary: longer than any settle window and the delay of the kind above it together.
const ABSENCE_TOTAL_MAX_MS: u64 = 300_000;

/// What settling brought.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct SettleReport {
    /// Found to have happened.
    pub found: u64,
    /// Not there, and sent again.
    pub sent_again: u64,
    /// Refused when sent again.
    pub refused: u64,
    /// Still in doubt.
    pub open: u64,
    /// Of those, the ones that only a person or the host can resolve.
    pub stuck: u64,
    /// Records that were made or touched; the caller reads them back.
    #[serde(skip)]
    pub(crate) touched: Vec<Touched>,
}

/// Whether settling may send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Resend {
    /// What is proven absent is sent again, and what is due soon is waited for.
    Allowed,
    /// What is proven absent is sent again; what is not due yet is left for later.
    Due,
    /// Only look.
    Never,
}

/// What stands where a creation would be made, whoever made it.
enum Place {
    Free,
    Held(Vec<RemoteRef>),
    /// Several may be it, or nothing tells.
    Unclear(Vec<RemoteRef>),
}

enum Turn {
    Closed,
    Again {
        at_ms: u64,
    },
    /// The record is absent; its parents are confirmed at this time.
    Absent {
        at_ms: u64,
    },
    Stuck,
}

impl Reconciler {
    /// Settles what is open, waiting for settle windows where sending again is allowed.
    pub(crate) async fn settle(&self, resend: Resend) -> Result<SettleReport, Error> {
        let mut report = SettleReport::default();
        let started_ms = self.clock.steady_ms();
        loop {
            let open = self.store.open_intents().await?;
            if resend != Resend::Never && !open.is_empty() {
                self.verify_tenant_once().await?;
            }
            let mut due: Vec<(u64, u64)> = Vec::new();
            report.open = 0;
            report.stuck = 0;
            for intent in open {
                match self.turn(intent, resend, &mut report).await? {
                    Turn::Closed => {}
                    Turn::Stuck => {
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
            let now_ms = self.clock.now_ms();
            let passed_ms = self.clock.steady_ms().saturating_sub(started_ms);
            // What is due only after this settling is left for a later one: waiting for it would
            // hold up everything else.
            let in_time = |(at_ms, total_ms): &(u64, u64)| {
                at_ms.saturating_sub(now_ms) < total_ms.saturating_sub(passed_ms)
            };
            let next_ms = due.into_iter().filter(in_time).map(|(at_ms, _)| at_ms).min();
            let waits = resend == Resend::Allowed && !self.holds_effects();
            let Some(next_ms) = next_ms.filter(|_| waits) else {
                return Ok(report);
            };
            let wait_ms = next_ms.saturating_sub(now_ms).clamp(1, SLEEP_MAX_MS);
            let open = usize::try_from(report.open).unwrap_or(usize::MAX);
            self.report(&Progress::Settling { open, wait_ms });
            self.wait(wait_ms).await;
        }
    }

    async fn turn(
        &self,
        intent: Intent,
        resend: Resend,
        report: &mut SettleReport,
    ) -> Result<Turn, Error> {
        let Some(_held) = self.underway.hold(&intent.host) else {
            return Ok(Turn::Again { at_ms: self.clock.now_ms().saturating_add(look_again_ms(0)) });
        };
        // Whoever held it may have ended it since it was read.
        let intent = match self.store.intent(intent.id).await? {
            Some(now) if now.state.is_open() => now,
            _ => return Ok(Turn::Closed),
        };
        let Some(rule) = self.adapter.manifest().operation(&intent.operation).cloned() else {
            let message = format!(
                "intent {} is for {}, which the adapter no longer has",
                intent.id, intent.operation
            );
            return Err(self.error(ErrorKind::Adapter, message));
        };
        let intent = match &intent.state {
            // This process sends one effect at a time per path and is not sending now: it is a
            // trace of an earlier one.
            IntentState::Sending => {
                Doubt::EngineStopped.log(&self.name, &intent);
                let to = IntentState::InDoubt {
                    reason: "the engine stopped while it was on its way".to_owned(),
                    probe_after_ms: self.clock.now_ms(),
                    probes: 0,
                    stuck: false,
                    absent: None,
                };
                self.advance(&intent, to, Vec::new(), false).await?
            }
            IntentState::InDoubt { stuck: true, .. } => return Ok(Turn::Stuck),
            IntentState::InDoubt { probe_after_ms, probes, absent, .. } => {
                let now_ms = self.clock.now_ms();
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
        self.probe_doubt(intent, &rule, resend, report).await
    }

    async fn probe_doubt(
        &self,
        intent: Intent,
        rule: &OperationRule,
        resend: Resend,
        report: &mut SettleReport,
    ) -> Result<Turn, Error> {
        let order = Order::of(&intent);
        let first_sent_ms = intent.first_sent.earliest_ms(&self.now());
        let task = Task::Probe(Probe {
            operation: order.operation.clone(),
            first_sent_ms: Some(first_sent_ms),
        });
        let finished = match self
            .drive_marked(task, intent.mark.clone(), Priority::Interactive)
            .await
        {
            Ok(finished) => finished,
            Err(error) => {
                let is_missing =
                    matches!(&error, TaskError::Failed(Failure::NotFound(_) | Failure::Gone(_)));
                if is_missing && self.target_is_gone(&intent).await? {
                    let reason = "what it changes is proven to be gone".to_owned();
                    return self.give_up(&intent, reason).await;
                }
                return self.put_off(&intent, error).await;
            }
        };
        let Outcome::Probed(probed) = finished.outcome else {
            return Err(
                self.error(ErrorKind::Adapter, "the adapter answered a probe with something else")
            );
        };
        match probed {
            // What another path holds was not made by this intent.
            Probed::Found(found)
                if intent.target.is_none()
                    && self.are_others(&order, &refs(&found.links)).await? =>
            {
                self.absent(intent, rule, 0, resend, report).await
            }
            Probed::Found(found) if self.kept(&order, &found.links).is_err() => {
                let broken = self.kept(&order, &found.links).err().map(|broken| broken.to_string());
                self.stick(&intent, broken.unwrap_or_default()).await
            }
            Probed::Found(found) => {
                let links = self.links(&order, &found.links, LinkHow::Probed).await?;
                let touched = touched(&order, &found.links);
                let to = IntentState::Applied { links: touched.clone(), by_probe: true };
                self.advance(&intent, to, links, order.ends()).await?;
                report.found += 1;
                report.touched.extend(Touched::by(&order, Some(intent.id), touched));
                Ok(Turn::Closed)
            }
            Probed::Absent(visible_within_ms) => {
                self.absent(intent, rule, visible_within_ms, resend, report).await
            }
            // None of them is ours alone, so what was made is not there by itself any more, if it
            // ever was.
            Probed::Ambiguous(refs) if self.are_others(&order, &refs).await? => {
                self.absent(intent, rule, 0, resend, report).await
            }
            Probed::Ambiguous(refs) => self.ambiguous(intent, rule, &refs, report).await,
            Probed::Blind(reason) => self.stick(&intent, reason).await,
        }
    }

    /// Whether the record that the intent changes is proven to be gone or to live on under another
    /// id: whether the change happened is all one then.
    async fn target_is_gone(&self, intent: &Intent) -> Result<bool, Error> {
        let Some(target) = &intent.target else { return Ok(false) };
        match self.store.observed(target).await? {
            Some(row) if row.gone => Ok(true),
            Some(row) => self.prove_gone(&row, |proof| Cause::Doubted { proof }).await,
            None => Ok(false),
        }
    }

    async fn has_tombstone(&self, intent: &Intent) -> Result<bool, Error> {
        let Some(target) = &intent.target else { return Ok(false) };
        Ok(self.store.observed(target).await?.is_some_and(|row| row.gone))
    }

    /// How many open intents only a person can resolve.
    pub(crate) async fn waiting_for_person(&self) -> Result<u64, Error> {
        let open = self.store.open_intents().await?;
        let stuck = open
            .iter()
            .filter(|intent| matches!(intent.state, IntentState::InDoubt { stuck: true, .. }));
        Ok(u64::try_from(stuck.count()).unwrap_or(u64::MAX))
    }

    /// When the next doubt is to be looked into; none when there is none that looking may resolve.
    pub(crate) async fn next_look_ms(&self) -> Result<Option<u64>, Error> {
        let open = self.store.open_intents().await?;
        let now_ms = self.clock.now_ms();
        let due = open.iter().filter_map(|intent| match intent.state {
            IntentState::Sending => Some(now_ms),
            IntentState::InDoubt { stuck: false, probe_after_ms, probes, .. } => {
                Some(intent.probe_due_ms(probe_after_ms, probes, now_ms))
            }
            _ => None,
        });
        Ok(due.min())
    }

    /// Looking, or sending again, came to nothing. What ails the connection ends the settling; what
    /// ails this one doubt leaves it for later, since one record must not stop all others.
    async fn put_off(&self, intent: &Intent, error: TaskError) -> Result<Turn, Error> {
        let what = format!("whether {} happened cannot be told", intent.operation);
        let failure = self.own_failure(error, &what).await?;
        let reason = format!("{what}: {}", self.explain_own(&failure));
        self.wait_for_another_look(intent, reason).await
    }

    /// Keeps an intent in doubt for a reason; the wait until the next probe doubles.
    async fn wait_for_another_look(&self, intent: &Intent, reason: String) -> Result<Turn, Error> {
        let at_ms = self.clock.now_ms().saturating_add(look_again_ms(probes(intent)));
        let to = IntentState::InDoubt {
            reason,
            probe_after_ms: at_ms,
            probes: probes(intent).saturating_add(1),
            stuck: false,
            absent: None,
        };
        self.advance(intent, to, Vec::new(), false).await?;
        Ok(Turn::Again { at_ms })
    }

    /// Abandons an intent whose target or parent no longer exists.
    async fn give_up(&self, intent: &Intent, reason: String) -> Result<Turn, Error> {
        let to = IntentState::Abandoned { reason, by: GivenUpBy::Engine };
        self.advance(intent, to, Vec::new(), false).await?;
        Ok(Turn::Closed)
    }

    async fn stick(&self, intent: &Intent, reason: String) -> Result<Turn, Error> {
        let to = IntentState::InDoubt {
            reason,
            probe_after_ms: self.clock.now_ms(),
            probes: probes(intent).saturating_add(1),
            stuck: true,
            absent: None,
        };
        self.advance(intent, to, Vec::new(), false).await?;
        Ok(Turn::Stuck)
    }

    /// Whether each of these records is held by another path.
    pub(super) async fn are_others(
        &self,
        order: &Order,
        refs: &[RemoteRef],
    ) -> Result<bool, Error> {
        for found in refs {
            let links = self.store.links_to(found).await?;
            // A path that is no longer declared holds nothing.
            let holds = |link: &&LinkRow| !link.applied.contains_key(RELEASED);
            if !links
                .iter()
                .filter(holds)
                .any(|link| !order.makes.values().any(|host| *host == link.host))
            {
                return Ok(false);
            }
        }
        Ok(!refs.is_empty())
    }

    /// What stands where a creation that shows nowhere would be made once more, whoever made it.
    async fn stands_in_its_place(&self, intent: &Intent) -> Result<Place, TaskError> {
        if intent.target.is_some() {
            return Ok(Place::Free);
        }
        let task =
            Task::Probe(Probe { operation: Order::of(intent).operation, first_sent_ms: None });
        Ok(match self.drive(task, None, Priority::Interactive).await?.outcome {
            Outcome::Probed(Probed::Found(found)) => Place::Held(refs(&found.links)),
            Outcome::Probed(Probed::Ambiguous(refs)) => Place::Unclear(refs),
            _ => Place::Free,
        })
    }

    /// Records exist that this create may have made, or somebody else. Once the create must show,
    /// a record that would prevent a new create, whoever made it, ends the doubt: the next plan
    /// links one that fits, and blocks the record where several do. So the create is not sent
    /// again, and a recruiter who removes the others needs to tell nobody. Without such a record,
    /// and for an operation that must not be repeated, a person decides.
    async fn ambiguous(
        &self,
        intent: Intent,
        rule: &OperationRule,
        refs: &[RemoteRef],
        report: &mut SettleReport,
    ) -> Result<Turn, Error> {
        if intent.target.is_some() || rule.class == EffectClass::Unsafe {
            return self.stick(&intent, several(refs)).await;
        }
        let window_ms = self.settle_window_ms.unwrap_or(rule.settle_window_ms);
        let left_ms = intent.last_sent.left_ms(window_ms, &self.now());
        if left_ms > 0 {
            return self.look_later(&intent, left_ms.min(look_again_ms(probes(&intent)))).await;
        }
        match self.stands_in_its_place(&intent).await {
            Ok(Place::Held(there) | Place::Unclear(there)) => {
                self.leave_to_plan(&intent, there, report).await
            }
            Ok(Place::Free) => self.stick(&intent, several(refs)).await,
            Err(error) => self.put_off(&intent, error).await,
        }
    }

    /// Ends a doubt by what stands in its place. It is not linked: whether it is the one, and may
    /// be held, is for the plan to say.
    async fn leave_to_plan(
        &self,
        intent: &Intent,
        there: Vec<RemoteRef>,
        report: &mut SettleReport,
    ) -> Result<Turn, Error> {
        let to = IntentState::Applied { links: there.clone(), by_probe: true };
        self.advance(intent, to, Vec::new(), false).await?;
        report.found += 1;
        report.touched.extend(there.into_iter().map(|remote| Touched {
            remote,
            intent: None,
            ended: false,
        }));
        Ok(Turn::Closed)
    }

    /// Keeps a doubt open until the next look.
    async fn look_later(&self, intent: &Intent, wait_ms: u64) -> Result<Turn, Error> {
        self.look_later_since(intent, wait_ms, None).await
    }

    /// As [`Self::look_later`]; `absent` is when a probe first found nothing.
    async fn look_later_since(
        &self,
        intent: &Intent,
        wait_ms: u64,
        absent: Option<Moment>,
    ) -> Result<Turn, Error> {
        let at_ms = self.clock.now_ms().saturating_add(wait_ms);
        let to = IntentState::InDoubt {
            reason: doubt(intent),
            probe_after_ms: at_ms,
            probes: probes(intent).saturating_add(1),
            stuck: false,
            absent,
        };
        self.advance(intent, to, Vec::new(), false).await?;
        Ok(match absent {
            Some(_) => Turn::Absent { at_ms },
            None => Turn::Again { at_ms },
        })
    }

    async fn absent(
        &self,
        intent: Intent,
        rule: &OperationRule,
        visible_within_ms: u64,
        resend: Resend,
        report: &mut SettleReport,
    ) -> Result<Turn, Error> {
        let window_ms =
            self.settle_window_ms.unwrap_or_else(|| visible_within_ms.max(rule.settle_window_ms));
        let now_ms = self.clock.now_ms();
        let left_ms = intent.last_sent.left_ms(window_ms, &self.now());
        if left_ms > 0 {
            return self.look_later(&intent, left_ms.min(look_again_ms(probes(&intent)))).await;
        }
        if rule.class == EffectClass::Unsafe {
            let reason = "it does not show, but sending it again could do harm".to_owned();
            return self.stick(&intent, reason).await;
        }
        if resend == Resend::Never {
            return Ok(Turn::Again { at_ms: now_ms });
        }
        if intent.is_spent() {
            let reason = intent.spent();
            return self.stick(&intent, reason).await;
        }
        let wait_ms = send_wait_ms(intent.attempt);
        let left_ms = intent.last_sent.left_ms(wait_ms, &self.now());
        if left_ms > 0 {
            return self.look_later(&intent, left_ms).await;
        }
        let since = match intent.state {
            IntentState::InDoubt { absent: Some(since), .. } => since,
            _ => self.moment(),
        };
        match self.absence(&intent, since).await? {
            Absence::Proven => {}
            Absence::NotYet { left_ms } => {
                let wait_ms = left_ms.min(look_again_ms(probes(&intent)));
                return self.look_later_since(&intent, wait_ms, Some(since)).await;
            }
            Absence::Hidden(remote) => {
                let reason = format!(
                    "the ATS returns neither what {} would have made nor {remote}, its parent",
                    intent.operation
                );
                return self.wait_for_another_look(&intent, reason).await;
            }
        }
        if let Some(reason) = self.nobody_left(&Order::of(&intent)).await? {
            return self
                .give_up(&intent, format!("the ATS does not return it, and {reason}"))
                .await;
        }
        match self.stands_in_its_place(&intent).await {
            Ok(Place::Free) => {}
            Ok(Place::Held(there) | Place::Unclear(there)) => {
                return self.leave_to_plan(&intent, there, report).await;
            }
            Err(error) => return self.put_off(&intent, error).await,
        }
        report.sent_again += 1;
        let order = Order::of(&intent);
        match self.perform(&order, rule).await? {
            EffectEnd::Done { touched, .. } => {
                report.touched.extend(touched);
                Ok(Turn::Closed)
            }
            EffectEnd::Refused(_) => {
                report.refused += 1;
                Ok(Turn::Closed)
            }
            EffectEnd::InDoubt(_) => {
                Ok(Turn::Again { at_ms: self.clock.now_ms().saturating_add(look_again_ms(0)) })
            }
            // It is proven absent, and its input is refused by now, for example because its target
            // is gone: no doubt is left. What may pass, such as an answer that cannot be read or a
            // right that is missing, gives no wish up.
            EffectEnd::NotSent(TaskError::Failed(failure)) if refuses_the_input(&failure) => {
                report.refused += 1;
                self.give_up(&intent, format!("it did not happen, and now: {failure}")).await
            }
            EffectEnd::NotSent(error) => self.put_off(&intent, error).await,
            EffectEnd::Busy(_) | EffectEnd::Stale(_) => {
                Ok(Turn::Again { at_ms: self.clock.now_ms().saturating_add(look_again_ms(0)) })
            }
        }
    }
}

/// Whether a failure is about what was asked for, and would be the same another time.
fn refuses_the_input(failure: &Failure) -> bool {
    matches!(
        failure,
        Failure::NotFound(_)
            | Failure::Gone(_)
            | Failure::Moved(_)
            | Failure::Conflict(_)
            | Failure::Misread(_)
            | Failure::Invalid(_)
    )
}

fn refs(links: &[Link]) -> Vec<RemoteRef> {
    links.iter().map(|link| RemoteRef::new(link.kind.as_str(), link.id.as_str())).collect()
}

fn probes(intent: &Intent) -> u32 {
    match intent.state {
        IntentState::InDoubt { probes, .. } => probes,
        _ => 0,
    }
}

fn doubt(intent: &Intent) -> String {
    match &intent.state {
        IntentState::InDoubt { reason, .. } => reason.clone(),
        _ => String::new(),
    }
}
