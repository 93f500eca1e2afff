//! Finds out what happened to one write in doubt, and settles it when that is certain.

use super::Settler;
use super::absence::Absence;
use super::defer::{Turn, probes};
use super::resend::Resend;
use crate::error::{Error, ErrorKind};
use crate::journal::sends::send_wait_ms;
use crate::journal::{GivenUpBy, Intent, IntentState, look_again_ms};
use crate::reconcile::execute::{EffectEnd, refs, several, touched};
use crate::reconcile::order::{Order, Touched};
use crate::reconcile::reports::SettleReport;
use crate::reconcile::requests::TaskError;
use crate::store::{Cause, LinkHow};
use crate::transport::Priority;
use atsync_model::contract::{Failure, Outcome, Probe, Probed, RemoteRef, Task};
use atsync_model::manifest::{EffectClass, OperationRule};

/// What exists in the place of a create, whoever made it.
enum Place {
    Free,
    Held(Vec<RemoteRef>),
    /// Several records may be it, or the probe is inconclusive.
    Unclear(Vec<RemoteRef>),
}

/// What became of the target of a write in doubt.
enum Fate {
    /// It exists, or nothing is known.
    Open,
    /// It is confirmed as deleted or moved: it does not matter whether the change happened.
    Deleted,
    /// The ATS has never returned it, although its visibility delay is over.
    NeverShown,
}

impl Settler {
    pub(super) async fn probe_intent(
        &self,
        intent: Intent,
        rule: &OperationRule,
        resend: Resend,
        report: &mut SettleReport,
    ) -> Result<Turn, Error> {
        let order = Order::of(&intent);
        let first_sent_ms = intent.first_sent.earliest_ms(&self.context.moments.now());
        let task = Task::Probe(Probe {
            operation: order.operation.clone(),
            first_sent_ms: Some(first_sent_ms),
        });
        let finished = match self
            .requests
            .drive_marked(task, intent.mark.clone(), Priority::Interactive)
            .await
        {
            Ok(finished) => finished,
            Err(error) => {
                let is_missing =
                    matches!(&error, TaskError::Failed(Failure::NotFound(_) | Failure::Gone(_)));
                let fate = if is_missing { self.fate(&intent, rule).await? } else { Fate::Open };
                match fate {
                    Fate::Deleted => {
                        let reason = "what it changes is proven to be gone".to_owned();
                        return self.abandon(&intent, reason).await;
                    }
                    Fate::NeverShown => {
                        let reason = "the ATS never returned what it changes".to_owned();
                        return self.abandon_by(&intent, reason, GivenUpBy::Unshown).await;
                    }
                    Fate::Open => return self.defer_failed(&intent, error).await,
                }
            }
        };
        let Outcome::Probed(probed) = finished.outcome else {
            return Err(self
                .context
                .error(ErrorKind::Adapter, "the adapter answered a probe with something else"));
        };
        match probed {
            // A record that another path is linked to was not made by this intent.
            Probed::Found(found)
                if intent.target.is_none()
                    && self.executor.are_others(&order, &refs(&found.links)).await? =>
            {
                self.absent(intent, rule, 0, resend, report).await
            }
            Probed::Found(found) if self.executor.kept(&order, &found.links).is_err() => {
                let broken =
                    self.executor.kept(&order, &found.links).err().map(|broken| broken.to_string());
                self.block(&intent, broken.unwrap_or_default()).await
            }
            Probed::Found(found) => {
                let links = self.executor.links(&order, &found.links, LinkHow::Probed).await?;
                let touched = touched(&order, &found.links);
                let to = IntentState::Applied { links: touched.clone(), by_probe: true };
                self.executor.advance(&intent, to, links, order.ends()).await?;
                report.found += 1;
                report.touched.extend(Touched::by(&order, Some(intent.id), touched));
                Ok(Turn::Closed)
            }
            Probed::Absent(visible_within_ms) => {
                self.absent(intent, rule, visible_within_ms, resend, report).await
            }
            // Every match is linked elsewhere; treat our record as absent.
            Probed::Ambiguous(refs) if self.executor.are_others(&order, &refs).await? => {
                self.absent(intent, rule, 0, resend, report).await
            }
            Probed::Ambiguous(refs) => self.ambiguous(intent, rule, &refs, report).await,
            Probed::Blind(reason) => self.block(&intent, reason).await,
        }
    }

    /// What became of the target of an intent that a probe did not find. A target that is deleted,
    /// or that the ATS has not returned once when its visibility delay is over, ends the doubt: no
    /// read can ever tell whether the change happened. An operation that must not be repeated stays
    /// in doubt, since the target may be hidden and show again.
    async fn fate(&self, intent: &Intent, rule: &OperationRule) -> Result<Fate, Error> {
        let Some(target) = &intent.target else { return Ok(Fate::Open) };
        let is_deleted = match self.context.store.observed(target).await? {
            Some(row) if row.gone => true,
            Some(row) => {
                self.deletions.confirm_deleted(&row, |proof| Cause::Doubted { proof }).await?
            }
            None => {
                let shown_ms = self.context.manifest().kind(&target.kind);
                let shown_ms = shown_ms.map_or(0, |rule| rule.visible_within_ms);
                let window_ms = self
                    .context
                    .settle_window_ms
                    .unwrap_or_else(|| shown_ms.max(rule.settle_window_ms));
                let left_ms = intent.last_sent.left_ms(window_ms, &self.context.moments.now());
                return Ok(if left_ms == 0 && rule.class != EffectClass::Unsafe {
                    Fate::NeverShown
                } else {
                    Fate::Open
                });
            }
        };
        Ok(if is_deleted { Fate::Deleted } else { Fate::Open })
    }

    pub(super) async fn has_tombstone(&self, intent: &Intent) -> Result<bool, Error> {
        let Some(target) = &intent.target else { return Ok(false) };
        Ok(self.context.store.observed(target).await?.is_some_and(|row| row.gone))
    }

    /// Probes for what exists in the place of a create that is not visible, whoever made it.
    async fn stands_in_its_place(&self, intent: &Intent) -> Result<Place, TaskError> {
        if intent.target.is_some() {
            return Ok(Place::Free);
        }
        let task =
            Task::Probe(Probe { operation: Order::of(intent).operation, first_sent_ms: None });
        Ok(match self.requests.drive(task, None, Priority::Interactive).await?.outcome {
            Outcome::Probed(Probed::Found(found)) => Place::Held(refs(&found.links)),
            Outcome::Probed(Probed::Ambiguous(refs)) => Place::Unclear(refs),
            _ => Place::Free,
        })
    }

    /// Settles a create of which several records may be the result. Once the create must be
    /// visible, a record that would prevent a new create, whoever made it, ends the doubt: the next
    /// plan links one that fits, and blocks the record when several do. So the create is not sent
    /// again, and a recruiter who removes the others needs no further step. Without such a record,
    /// and for an operation that must not be repeated, a person decides.
    async fn ambiguous(
        &self,
        intent: Intent,
        rule: &OperationRule,
        refs: &[RemoteRef],
        report: &mut SettleReport,
    ) -> Result<Turn, Error> {
        if intent.target.is_some() || rule.class == EffectClass::Unsafe {
            return self.block(&intent, several(refs)).await;
        }
        let window_ms = self.context.settle_window_ms.unwrap_or(rule.settle_window_ms);
        let left_ms = intent.last_sent.left_ms(window_ms, &self.context.moments.now());
        if left_ms > 0 {
            return self.probe_later(&intent, left_ms.min(look_again_ms(probes(&intent)))).await;
        }
        match self.stands_in_its_place(&intent).await {
            Ok(Place::Held(there) | Place::Unclear(there)) => {
                self.leave_to_plan(&intent, there, report).await
            }
            Ok(Place::Free) => self.block(&intent, several(refs)).await,
            Err(error) => self.defer_failed(&intent, error).await,
        }
    }

    /// Ends a doubt by the records in its place. They are not linked: the next plan decides whether
    /// one fits.
    async fn leave_to_plan(
        &self,
        intent: &Intent,
        there: Vec<RemoteRef>,
        report: &mut SettleReport,
    ) -> Result<Turn, Error> {
        let to = IntentState::Applied { links: there.clone(), by_probe: true };
        self.executor.advance(intent, to, Vec::new(), false).await?;
        report.found += 1;
        report.touched.extend(there.into_iter().map(|remote| Touched {
            remote,
            intent: None,
            ended: false,
        }));
        Ok(Turn::Closed)
    }

    /// Decides about a write that a probe did not find: wait, block, abandon, leave it to the next
    /// plan, or send it again.
    async fn absent(
        &self,
        intent: Intent,
        rule: &OperationRule,
        visible_within_ms: u64,
        resend: Resend,
        report: &mut SettleReport,
    ) -> Result<Turn, Error> {
        let window_ms = self
            .context
            .settle_window_ms
            .unwrap_or_else(|| visible_within_ms.max(rule.settle_window_ms));
        let now_ms = self.context.clock.now_ms();
        let left_ms = intent.last_sent.left_ms(window_ms, &self.context.moments.now());
        if left_ms > 0 {
            return self.probe_later(&intent, left_ms.min(look_again_ms(probes(&intent)))).await;
        }
        if rule.class == EffectClass::Unsafe {
            let reason = "it does not show, but sending it again could do harm".to_owned();
            return self.block(&intent, reason).await;
        }
        if resend == Resend::Never {
            return Ok(Turn::Again { at_ms: now_ms });
        }
        if self.context.holds_effects() {
            return self.probe_later(&intent, look_again_ms(probes(&intent))).await;
        }
        if intent.is_spent() {
            let reason = intent.spent();
            return self.block(&intent, reason).await;
        }
        let wait_ms = send_wait_ms(intent.attempt);
        let left_ms = intent.last_sent.left_ms(wait_ms, &self.context.moments.now());
        if left_ms > 0 {
            return self.probe_later(&intent, left_ms).await;
        }
        let since = match intent.state {
            IntentState::InDoubt { absent: Some(since), .. } => since,
            _ => self.context.moments.moment(),
        };
        match self.absence(&intent, since).await? {
            Absence::Proven => {}
            Absence::NotYet { left_ms } => {
                let wait_ms = left_ms.min(look_again_ms(probes(&intent)));
                return self.probe_later_since(&intent, wait_ms, Some(since)).await;
            }
            Absence::Hidden(remote) => {
                let reason = format!(
                    "the ATS returns neither what {} would have made nor {remote}, its parent",
                    intent.operation
                );
                return self.defer(&intent, reason).await;
            }
            Absence::NeverShown(remote) => {
                let reason = format!("the ATS never returned {remote}, its parent");
                return self.abandon_by(&intent, reason, GivenUpBy::Unshown).await;
            }
        }
        if let Some(reason) = self.executor.why_moot(&Order::of(&intent)).await? {
            return self
                .abandon(&intent, format!("the ATS does not return it, and {reason}"))
                .await;
        }
        match self.stands_in_its_place(&intent).await {
            Ok(Place::Held(there) | Place::Unclear(there))
                if !self.executor.are_doubles(&Order::of(&intent), &there).await? =>
            {
                return self.leave_to_plan(&intent, there, report).await;
            }
            Ok(_) => {}
            Err(error) => return self.defer_failed(&intent, error).await,
        }
        self.send_again(intent, rule, report).await
    }

    /// Sends a write again that is proven absent.
    async fn send_again(
        &self,
        intent: Intent,
        rule: &OperationRule,
        report: &mut SettleReport,
    ) -> Result<Turn, Error> {
        report.sent_again += 1;
        let order = Order::of(&intent);
        let later =
            || Turn::Again { at_ms: self.context.clock.now_ms().saturating_add(look_again_ms(0)) };
        match self.executor.perform(&order, rule).await? {
            EffectEnd::Done { touched, .. } => {
                report.touched.extend(touched);
                Ok(Turn::Closed)
            }
            EffectEnd::Refused(_) => {
                report.refused += 1;
                Ok(Turn::Closed)
            }
            EffectEnd::InDoubt(_) => Ok(later()),
            // It is proven absent, and its input is refused by now, for example because its target
            // was deleted: no doubt is left. A failure that may pass, such as an unreadable answer
            // or a missing right, does not abandon it.
            EffectEnd::NotSent(TaskError::Failed(failure)) if refuses_the_input(&failure) => {
                report.refused += 1;
                self.abandon(&intent, format!("it did not happen, and now: {failure}")).await
            }
            EffectEnd::NotSent(error) => self.defer_failed(&intent, error).await,
            EffectEnd::Busy(_) | EffectEnd::Stale(_) => Ok(later()),
        }
    }
}

/// Whether a failure concerns the input, and would occur again.
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
