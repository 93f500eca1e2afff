//! The probe before a create: does the record exist, and is a negative answer conclusive?
//!
//! An ATS may show a new record late, each kind within the time that the manifest states for it. So
//! a probe that finds nothing counts only when it began later than that after the last write that
//! can have created the record: the create of its parent (a field may have come with its options, a
//! candidate with an application), a write that carried records of the kind, an earlier create of
//! the same thing, even a refused one. Until then the probe is repeated at growing intervals; then
//! the record is created.
//!
//! The journal says when the engine made the parent, so the rule survives a restart; a parent that
//! a user made has its own `created_at`. A parent that this run made needs no probe, since no user
//! can have added to it, and an old one needs no wait, so an ordinary create costs no more. A
//! record that is created again because its candidate was merged away is probed for until the merge
//! must be visible. Of the writes for an erased candidate the journal keeps only operations and
//! times, so any of them that can have created a record of the kind counts: the candidate may be
//! declared again.
//!
//! # Bounds
//! One wait is as long as the kind's delay at most, however the clocks jump. Left out: a record
//! that is invisible for longer than the manifest says; an update of the parent that carries no
//! records of the kind, since it creates none.

use super::Applier;
use super::precaution::Precaution;
use super::work::Work;
use crate::clock::shown_ms;
use crate::error::{Error, ErrorKind};
use crate::plan::{FOUND_ON, is_made_once};
use crate::reconcile::delays::PAUSE_FIRST_MS;
use crate::reconcile::execute::several;
use crate::reconcile::order::{Order, Touched};
use crate::reconcile::progress::Progress;
use crate::reconcile::reports::StepEnd;
use crate::store::LinkHow;
use crate::transport::Priority;
use atsync_model::contract::{Outcome, Probe, Probed, RemoteRef, Task};
use serde_json::{Map, Value};

/// The result of one probe.
enum Seen {
    /// The step ends with it.
    Ended(StepEnd),
    /// No record exists, and the probe is conclusive.
    Absent,
    /// No probe is conclusive.
    Blind,
}

impl Applier {
    /// Probes before a create, until the answer is conclusive. None: nothing exists; create it.
    pub(super) async fn probe_before_create(
        &self,
        order: &Order,
        precaution: Precaution,
        work: &mut Work,
    ) -> Result<Option<StepEnd>, Error> {
        let mut pause_ms = PAUSE_FIRST_MS;
        loop {
            let began_ms = self.context.clock.steady_ms();
            match self.probe(order, work).await? {
                Seen::Ended(end) => return Ok(Some(end)),
                Seen::Blind => return Ok(None),
                Seen::Absent => {}
            }
            if began_ms >= precaution.until_ms {
                return Ok(None);
            }
            let left_ms = precaution.until_ms.saturating_sub(self.context.clock.steady_ms());
            let wait_ms = pause_ms.min(left_ms);
            tracing::debug!(connection = %self.context.name, operation = %order.operation.name,
                left_ms, "nothing shows yet; looking again");
            self.context.report(&Progress::Looking {
                path: order.path.clone(),
                operation: order.operation.name.clone(),
                why: precaution.why.words(),
                wait_ms,
                until_ms: shown_ms(self.context.clock.as_ref(), precaution.until_ms),
            });
            self.context.wait(wait_ms).await;
            if let Some(why) = self.context.why_held() {
                return Ok(Some(StepEnd::NotSent { reason: why.to_owned() }));
            }
            pause_ms = pause_ms.saturating_mul(2);
        }
    }

    /// Probes after a refusal, which may mean that the record exists already.
    pub(super) async fn probe_after_refusal(
        &self,
        order: &Order,
        work: &mut Work,
    ) -> Result<Option<StepEnd>, Error> {
        Ok(match self.probe(order, work).await? {
            Seen::Ended(end) => Some(end),
            Seen::Absent | Seen::Blind => None,
        })
    }

    async fn probe(&self, order: &Order, work: &mut Work) -> Result<Seen, Error> {
        let task = Task::Probe(Probe { operation: order.operation.clone(), first_sent_ms: None });
        let finished = match self.requests.drive(task, None, Priority::Interactive).await {
            Ok(finished) => finished,
            Err(error) => {
                let what = format!("{}: looking before {}", order.path, order.operation.name);
                let failure = self.requests.own_failure(error, &what).await?;
                work.failed_before_send = true;
                return Ok(Seen::Ended(StepEnd::NotSent {
                    reason: self.requests.explain_own(&failure),
                }));
            }
        };
        match finished.outcome {
            Outcome::Probed(Probed::Found(found)) => {
                let refs: Vec<RemoteRef> = found
                    .links
                    .iter()
                    .map(|link| RemoteRef::new(link.kind.as_str(), link.id.as_str()))
                    .collect();
                if self.executor.are_doubles(order, &refs).await? {
                    return Ok(Seen::Absent);
                }
                if self.executor.are_others(order, &refs).await? {
                    let ids: Vec<String> = refs.iter().map(RemoteRef::to_string).collect();
                    let reason = format!(
                        "{} would be it, and another path is linked to that",
                        ids.join(", ")
                    );
                    return Ok(Seen::Ended(StepEnd::NotSent { reason }));
                }
                if let Err(broken) = self.executor.kept(order, &found.links) {
                    return Ok(Seen::Ended(StepEnd::NotSent { reason: broken.to_string() }));
                }
                let mut links = self.executor.links(order, &found.links, LinkHow::Adopted).await?;
                for link in &mut links {
                    // The engine wrote nothing of it; the next plan compares. A record that cannot
                    // be changed keeps what it was probed by: a later plan may mean something else
                    // by its path.
                    if !is_made_once(&link.remote.kind) {
                        link.applied = Map::new();
                    }
                    let before = self.context.store.link(&link.path).await?;
                    if let Some(before) = before.filter(|before| before.remote == link.remote) {
                        link.applied.extend(before.applied);
                        link.applied.extend(whom(order).map(|id| (FOUND_ON.to_owned(), id)));
                    }
                    work.made.insert(link.path.clone(), link.remote.clone());
                    work.touched.push(Touched {
                        remote: link.remote.clone(),
                        intent: None,
                        ended: false,
                    });
                }
                self.context.store.put_links(links).await?;
                Ok(Seen::Ended(StepEnd::Adopted))
            }
            Outcome::Probed(Probed::Ambiguous(refs))
                if self.executor.are_doubles(order, &refs).await? =>
            {
                Ok(Seen::Absent)
            }
            Outcome::Probed(Probed::Ambiguous(refs)) => {
                let reason = format!("{}; nothing is made", several(&refs));
                Ok(Seen::Ended(StepEnd::NotSent { reason }))
            }
            Outcome::Probed(Probed::Absent(_)) => Ok(Seen::Absent),
            Outcome::Probed(Probed::Blind(why)) => {
                // As the contract says: no probe can tell, so nothing prevents the create.
                tracing::debug!(connection = %self.context.name, operation = %order.operation.name,
                    why, "made without a look");
                Ok(Seen::Blind)
            }
            _ => Err(self
                .context
                .error(ErrorKind::Adapter, "the adapter answered a probe with something else")),
        }
    }
}

/// The candidate that an order names.
fn whom(order: &Order) -> Option<Value> {
    let input = serde_json::from_str::<Value>(&order.operation.input).ok()?;
    input.get("candidate").cloned()
}
