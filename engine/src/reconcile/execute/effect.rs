//! One write: recorded as an intent, sent once, judged.
//!
//! # Expected flow
//! 1. The adapter's write task runs; its reads are sent like any other.
//! 2. When it names its one `unsafe` request, the intent is written durably as `sending`. Then the
//!    request leaves, if it still may when its turn has come ([`super::gate`]).
//! 3. The outcome is judged from the transport's facts first: nothing left is `not_sent`; no
//!    complete answer, or a 5xx, is `in_doubt`, whatever the adapter would say. The adapter reads a
//!    complete answer, but a refusal counts only for a 2xx or for a status that the manifest lists
//!    for the operation. A trap while reading leaves the write in doubt.
//! 4. Outcome, links and events are written in one transaction ([`super::journal`]).
//!
//! # Guarantees
//! A request that may have arrived never counts as one that did not. At most one intent is open per
//! path and operation. An erasure waits for no write: it empties the intent, and the outcome that
//! comes later is not stored.

use super::Executor;
use super::gate::OrderGate;
use super::journal::EffectEnd;
use super::links::touched;
use super::span::intent_span;
use super::unclear::UnclearOutcome;
use crate::adapter::{TaskGuard, promise};
use crate::error::Error;
use crate::journal::{Intent, IntentState};
use crate::reconcile::order::{Order, Touched};
use crate::reconcile::requests::{STEPS_MAX, TaskError};
use crate::store::{LinkHow, StoreError};
use crate::transport::{Delivery, Priority};
use atsync_model::contract::{
    Applied, Effect, Failure, Link, Mark, Outcome, RemoteRef, Reply, Request, Response, Step, Task,
    Write, Written,
};
use atsync_model::manifest::OperationRule;
use serde_json::Value;
use std::collections::BTreeMap;
use tracing::Instrument;

/// Why the outcome of a write is not stored.
const ERASED: &str = "the candidate was erased while this write was under way; what it made in the \
                      ATS has to be deleted there";

/// What an answer means for the journal.
enum Judgement {
    Applied(Applied),
    Refused(Failure),
    InDoubt(UnclearOutcome, String),
    Read { request: Box<Request>, state: Vec<u8>, effect: Effect },
}

impl Executor {
    /// Carries an order out. `rule` is the manifest's rule for its operation.
    ///
    /// A create whose parent the adapter does not find is tried once more when the engine made that
    /// parent a moment ago and it was not visible yet.
    pub(crate) async fn perform(
        &self,
        order: &Order,
        rule: &OperationRule,
    ) -> Result<EffectEnd, Error> {
        let end = self.perform_once(order, rule).await?;
        match &end {
            EffectEnd::NotSent(TaskError::Failed(Failure::NotFound(_)))
                if self.await_parent(order).await? =>
            {
                self.perform_once(order, rule).await
            }
            _ => Ok(end),
        }
    }

    async fn perform_once(&self, order: &Order, rule: &OperationRule) -> Result<EffectEnd, Error> {
        if !self.await_own_write(order, rule).await? && adds_to_a_list(&order.operation.input) {
            // It may be visible in another form, which this plan does not know: added now, it would
            // exist twice.
            let reason = "what was written before does not show as it was written; the next plan \
                looks at what shows";
            return Ok(EffectEnd::Stale(reason.to_owned()));
        }
        let task = Task::Write(Write {
            operation: order.operation.clone(),
            observed: self.observed_body(order).await?,
        });
        let mark = match &order.again {
            Some(intent) => intent.mark.clone(),
            None => Mark { text: self.context.entropy.id(), time_ms: self.context.mark_time_ms() },
        };
        let given = self.requests.given(Some(mark.clone()), None).await?;
        let mut guard = TaskGuard::held_to(self.context.manifest(), &task);
        let mut reply = None;
        let mut step = match self.requests.start(task, given.clone()).await {
            Ok(Ok(step)) => step,
            Ok(Err(failure)) => return Ok(EffectEnd::NotSent(TaskError::Failed(failure))),
            Err(error) => return Ok(EffectEnd::NotSent(error.into())),
        };
        for _ in 0..STEPS_MAX {
            if let Err(error) = guard.step(&step, reply.as_ref()) {
                return Ok(EffectEnd::NotSent(error.into()));
            }
            let send = match step {
                Step::Send(send) if send.effect == Effect::Unsafe => {
                    return self
                        .send_effect(order, rule, mark, send.request, send.state, guard)
                        .await;
                }
                Step::Send(send) => send,
                Step::Done(outcome) => return self.ended_without_effect(order, outcome).await,
                Step::Verify(_) | Step::Transfer(_) => {
                    let error = crate::adapter::AdapterError::Contract(
                        "a step that a write cannot have".into(),
                    );
                    return Ok(EffectEnd::NotSent(error.into()));
                }
            };
            let priority = Priority::Interactive;
            let response =
                match self.requests.send_proven(&send.request, send.effect, priority).await {
                    Ok(Delivery::Answered(response)) => response,
                    Ok(Delivery::NotSent(reason)) => {
                        return Ok(EffectEnd::NotSent(TaskError::NotSent(reason)));
                    }
                    Ok(Delivery::Unclear(reason)) => {
                        return Ok(EffectEnd::NotSent(TaskError::Unclear(reason)));
                    }
                    Err(error) => return Ok(EffectEnd::NotSent(TaskError::Tenant(error))),
                };
            reply = Some(response.clone());
            step = match self
                .requests
                .resume(send.state, given.clone(), Reply::Response(response))
                .await
            {
                Ok(Ok(step)) => step,
                Ok(Err(failure)) => return Ok(EffectEnd::NotSent(TaskError::Failed(failure))),
                Err(error) => return Ok(EffectEnd::NotSent(error.into())),
            };
        }
        let error = crate::adapter::AdapterError::Contract(format!(
            "it took more than {STEPS_MAX} steps for one task"
        ));
        Ok(EffectEnd::NotSent(error.into()))
    }

    async fn observed_body(&self, order: &Order) -> Result<Option<String>, Error> {
        let Some(target) = &order.operation.target else { return Ok(None) };
        Ok(self.context.store.observed(target).await?.map(|row| row.body))
    }

    /// The record for which a create is said to be unneeded, when neither the store knows it nor
    /// the ATS shows it.
    async fn not_shown(&self, order: &Order, links: &[Link]) -> Result<Option<RemoteRef>, Error> {
        if order.operation.target.is_some() {
            return Ok(None);
        }
        for link in links.iter().filter(|link| link.role == promise::SUBJECT) {
            let remote = RemoteRef::new(link.kind.as_str(), link.id.as_str());
            let can_be_asked =
                self.context.manifest().kind(&remote.kind).is_some_and(|rule| rule.ids_max > 0);
            let is_known = self.context.store.observed(&remote).await?.is_some_and(|row| !row.gone);
            if is_known || !can_be_asked {
                continue;
            }
            let ids = [remote.id.clone()];
            let missing = self
                .ingest
                .fetch(&remote.kind, &ids, &BTreeMap::new(), Priority::Interactive)
                .await?;
            if !missing.is_empty() {
                return Ok(Some(remote));
            }
        }
        Ok(None)
    }

    /// Judges a task that ended before its effect: nothing was left to do, or the adapter refused.
    async fn ended_without_effect(
        &self,
        order: &Order,
        outcome: Outcome,
    ) -> Result<EffectEnd, Error> {
        match outcome {
            Outcome::Written(Written::Unneeded(applied) | Written::Applied(applied)) => {
                if let Err(broken) = self.kept(order, &applied.links) {
                    return Ok(EffectEnd::NotSent(
                        crate::adapter::AdapterError::Promise(broken).into(),
                    ));
                }
                if let Some(hidden) = self.not_shown(order, &applied.links).await? {
                    let text = format!(
                        "{} is said to be unneeded since {hidden} is there, which the ATS does not \
                         show",
                        order.operation.name
                    );
                    return Ok(EffectEnd::NotSent(
                        crate::adapter::AdapterError::Contract(text).into(),
                    ));
                }
                let links = self.links(order, &applied.links, LinkHow::Adopted).await?;
                let touched = touched(order, &applied.links);
                match &order.again {
                    Some(intent) => {
                        let state = IntentState::Applied { links: touched.clone(), by_probe: true };
                        self.advance(intent, state, links, order.ends()).await?;
                    }
                    None => self.context.store.put_links(links).await?,
                }
                let intent = order.again.as_ref().map(|intent| intent.id);
                let touched = Touched::by(order, intent, touched);
                Ok(EffectEnd::Done { touched, warnings: applied.warnings, sent: false })
            }
            Outcome::Written(Written::Refused(failure)) => {
                Ok(EffectEnd::NotSent(TaskError::Failed(failure)))
            }
            _ => {
                let error = crate::adapter::AdapterError::Contract(
                    "a write ended without an effect and without a reason".into(),
                );
                Ok(EffectEnd::NotSent(error.into()))
            }
        }
    }

    async fn send_effect(
        &self,
        order: &Order,
        rule: &OperationRule,
        mark: Mark,
        request: Request,
        state: Vec<u8>,
        mut guard: TaskGuard,
    ) -> Result<EffectEnd, Error> {
        if let Some(reason) = self.context.sends_nothing() {
            return Ok(EffectEnd::Stale(reason.to_owned()));
        }
        let intent = match self.open_intent(order, &mark, &request).await {
            Ok(intent) => intent,
            Err(StoreError::IntentOpen(id)) => return Ok(EffectEnd::Busy(id)),
            Err(StoreError::Stale(reason)) => return Ok(EffectEnd::Stale(reason)),
            Err(error) => return Err(error.into()),
        };
        let span = intent_span(&self.context.name, &intent);
        let sent = async {
            tracing::debug!("sending");
            let given = self.requests.given(Some(mark), None).await?;
            let mut effect = Effect::Unsafe;
            let (mut request, mut state) = (request, state);
            for turn in 0..STEPS_MAX {
                let is_later = turn > 0;
                let delivered = self.deliver(order, &intent, &request, effect, is_later).await?;
                let response = match delivered {
                    Ok(response) => response,
                    Err(end) => return Ok(end),
                };
                let status = response.status;
                let is_listed = rule.refused_statuses.contains(&status) || effect != Effect::Unsafe;
                let copy = response.clone();
                let answer =
                    self.requests.resume(state, given.clone(), Reply::Response(response)).await;
                let judged = match answer {
                    Ok(Ok(step)) => match guard.step(&step, Some(&copy)) {
                        Ok(()) => judge(step, status, is_listed),
                        Err(error) => {
                            Judgement::InDoubt(UnclearOutcome::from(&error), error.to_string())
                        }
                    },
                    Ok(Err(failure))
                        if effect == Effect::Unsafe
                            && is_listed
                            && !(200..300).contains(&status) =>
                    {
                        Judgement::Refused(failure)
                    }
                    Ok(Err(failure)) => {
                        Judgement::InDoubt(UnclearOutcome::UndocumentedAnswer, failure.to_string())
                    }
                    Err(error) => {
                        Judgement::InDoubt(UnclearOutcome::from(&error), error.to_string())
                    }
                };
                match judged {
                    Judgement::Applied(applied) => {
                        return self.applied(order, &intent, applied).await;
                    }
                    // What the write sent before stands. Sent again, it goes on where it ended.
                    Judgement::Refused(failure) if is_later && effect == Effect::Unsafe => {
                        let reason = format!("a part of it was carried out: {failure}");
                        return self.in_doubt(&intent, UnclearOutcome::AdapterUnsure, reason).await;
                    }
                    Judgement::Refused(failure) => return self.refused(&intent, failure).await,
                    Judgement::InDoubt(doubt, reason) => {
                        return self.in_doubt(&intent, doubt, reason).await;
                    }
                    Judgement::Read { request: next, state: next_state, effect: next_effect } => {
                        request = *next;
                        state = next_state;
                        effect = next_effect;
                    }
                }
            }
            self.in_doubt(
                &intent,
                UnclearOutcome::AdapterFault,
                format!("it took more than {STEPS_MAX} steps for one task"),
            )
            .await
        };
        match sent.instrument(span.clone()).await {
            Err(error) if self.is_erased(&error, intent.id).await? => {
                tracing::warn!(parent: &span, "{ERASED}");
                Ok(EffectEnd::Stale(ERASED.to_owned()))
            }
            ended => ended,
        }
    }

    /// Sends a request of a write whose intent is open: the write itself, a later part of it, or a
    /// read after it. The inner error is how the write ended, when no complete answer came.
    async fn deliver(
        &self,
        order: &Order,
        intent: &Intent,
        request: &Request,
        effect: Effect,
        is_later: bool,
    ) -> Result<Result<Response, EffectEnd>, Error> {
        let priority = Priority::Interactive;
        let is_write = effect == Effect::Unsafe;
        let delivered = if is_write {
            let gate = OrderGate { executor: self, order };
            Ok(self.context.session.execute_through(&gate, request, effect, priority).await)
        } else {
            self.requests.send_proven(request, effect, priority).await
        };
        let (why, reason) = match delivered {
            Ok(Delivery::Answered(response)) if response.status < 500 => return Ok(Ok(response)),
            Ok(Delivery::Answered(response)) => {
                (UnclearOutcome::ServerError, format!("the answer was {}", response.status))
            }
            Ok(Delivery::NotSent(reason)) if is_write && !is_later => {
                return self.not_sent(order, intent, reason).await.map(Err);
            }
            Ok(Delivery::NotSent(reason)) => (UnclearOutcome::NotReadAfter, reason.to_string()),
            Ok(Delivery::Unclear(reason)) if is_write => (UnclearOutcome::NoAnswer, reason),
            Ok(Delivery::Unclear(reason)) => (UnclearOutcome::NotReadAfter, reason),
            Err(error) => (UnclearOutcome::NotReadAfter, error.to_string()),
        };
        self.in_doubt(intent, why, reason).await.map(Err)
    }
}

/// Whether an input adds entries to a list that has entries of others.
fn adds_to_a_list(input: &str) -> bool {
    let input: Value = serde_json::from_str(input).unwrap_or_default();
    input.get("add").and_then(Value::as_object).is_some_and(|add| !add.is_empty())
}

fn judge(step: Step, status: u16, is_listed: bool) -> Judgement {
    let complete = (200..300).contains(&status);
    match step {
        Step::Done(Outcome::Written(written)) => match written {
            Written::Applied(applied) | Written::Unneeded(applied) if complete || is_listed => {
                Judgement::Applied(applied)
            }
            Written::Refused(failure) if complete || is_listed => Judgement::Refused(failure),
            Written::Applied(_) | Written::Unneeded(_) => Judgement::InDoubt(
                UnclearOutcome::UndocumentedAnswer,
                format!("the answer was {status}"),
            ),
            Written::Refused(failure) => Judgement::InDoubt(
                UnclearOutcome::UndocumentedAnswer,
                format!("the answer was {status}: {failure}"),
            ),
            Written::Pending(handle) => Judgement::InDoubt(
                UnclearOutcome::AcceptedForLater,
                format!("accepted for later: {handle}"),
            ),
            Written::Unclear(reason) => Judgement::InDoubt(UnclearOutcome::AdapterUnsure, reason),
        },
        Step::Send(send) => Judgement::Read {
            request: Box::new(send.request),
            state: send.state,
            effect: send.effect,
        },
        _ => Judgement::InDoubt(
            UnclearOutcome::AdapterFault,
            "the adapter did not say what the answer means".to_owned(),
        ),
    }
}
