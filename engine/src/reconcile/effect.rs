//! One effect: journalled, sent once, judged.
//!
//! # Expected flow
//! 1. The adapter's write task runs; its reads go out like any other.
//! 2. When it names its one `unsafe` request, the intent is written durably as `sending`. Then the
//!    request leaves, if it still may when its turn has come ([`super::gate`]).
//! 3. What became of it is judged from the transport's facts first: nothing left = `not_sent`; no
//!    complete answer, or 5xx = `in_doubt`, whatever the adapter would say. A complete answer is
//!    for the adapter to read, but a refusal counts only for a 2xx or for a status that the
//!    manifest lists for the operation. A trap while reading it is a doubt.
//! 4. Outcome, links and events are written in one transaction.
//!
//! # Guarantees
//! A request that may have arrived is never taken for one that did not. At most one intent is open
//! per path and operation.

use super::Reconciler;
use super::doubt::Doubt;
use super::drive::{STEPS_MAX, TaskError};
use super::gate::OrderGate;
use super::gather::remote;
use super::order::{Order, Touched};
use crate::adapter::TaskGuard;
use crate::adapter::promise::{self, Asked, BrokenPromise};
use crate::error::Error;
use crate::journal::{Intent, IntentId, IntentState, Moment};
use crate::path;
use crate::plan::unseen;
use crate::store::{Cause, Change, ChangeWhat, IntentAdvance, LinkHow, LinkRow, StoreError};
use crate::transport::{Delivery, NotSent, Priority};
use atsync_model::contract::{
    Applied, Body, Effect, Failure, Link, Mark, Operation, Outcome, Probe, Probed, RemoteRef,
    Reply, Request, Step, Target, Task, Write, Written,
};
use atsync_model::manifest::{FieldMode, OperationRule};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// How an effect ended.
#[derive(Debug)]
pub(super) enum EffectEnd {
    /// It happened, or was there already. The records that it made or touched.
    Done { touched: Vec<Touched>, warnings: Vec<String>, sent: bool },
    /// Refused; nothing was changed.
    Refused(Failure),
    /// Nobody knows yet, and why.
    InDoubt(String),
    /// It did not leave, or a read before it failed; nothing was changed.
    NotSent(TaskError),
    /// An intent for the same object is open.
    Busy(IntentId),
    /// The desired record has moved on; plan again.
    Stale(String),
}

/// The journal's verdict on an answer.
enum Judgement {
    Applied(Applied),
    Refused(Failure),
    InDoubt(Doubt, String),
    Read { request: Box<Request>, state: Vec<u8>, effect: Effect },
}

/// Intents of a record among which its last write is looked for.
const OWN_WRITES_MAX: usize = 50;
/// The first pause between two looks for our own last write; doubled each time.
const OWN_WRITE_PAUSE_FIRST_MS: u64 = 500;
/// How long a request may take from its intent to its last byte: the session's wait for the budget,
/// a renewal and the exchange itself.
pub(super) const SEND_WAIT_MAX_MS: u64 = 300_000;

impl Reconciler {
    /// Carries an order out. `rule` is the manifest's rule for its operation.
    ///
    /// A creation whose parent the adapter does not find is tried once more when the engine made
    /// that parent a moment ago and it did not show yet.
    pub(super) async fn perform(
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
            // It may show in another form, as which this plan does not know it: added now, it would
            // be there twice.
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
            None => Mark { text: self.entropy.id(), time_ms: self.mark_time_ms() },
        };
        let given = self.given(Some(mark.clone()), None);
        let mut guard = TaskGuard::new(&task);
        let mut reply = None;
        let mut step = match self.start(task, given.clone()).await {
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
            let response = match self.send_proven(&send.request, send.effect, priority).await {
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
            step = match self.resume(send.state, given.clone(), Reply::Response(response)).await {
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

    /// A list that is written as a whole is merged with a fresh read, and a read that does not show
    /// our own last write yet would take that back. So the next write to the same record waits
    /// until the last one shows, or until it must. False where it waited and the last one does not
    /// show.
    async fn await_own_write(&self, order: &Order, rule: &OperationRule) -> Result<bool, Error> {
        if order.operation.target.is_none()
            || !rule.fields.iter().any(|field| field.mode == FieldMode::ReplaceAll)
        {
            return Ok(true);
        }
        let window_ms = self.settle_window_ms.unwrap_or(rule.settle_window_ms);
        let intents = self.store.intents_of(&order.host, OWN_WRITES_MAX).await?;
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

    /// Waits until the step before an order shows: the last one that made or changed the same path.
    /// False where it shows already, so that waiting is of no use, and where there is none.
    pub(super) async fn await_step_before(&self, order: &Order) -> Result<bool, Error> {
        let key = path::key(&order.host);
        let intents = self.store.intents_of(key, OWN_WRITES_MAX).await?;
        let is_before = |intent: &&Intent| {
            matches!(intent.state, IntentState::Applied { .. })
                && (intent.host == order.host
                    || intent.makes.values().any(|made| *made == order.host))
        };
        let Some(last) = intents.iter().find(is_before) else { return Ok(false) };
        let Some(rule) = self.adapter.manifest().operation(&last.operation) else {
            return Ok(false);
        };
        let window_ms = self.settle_window_ms.unwrap_or(rule.settle_window_ms);
        Ok(self.await_shown(last, window_ms).await)
    }

    /// Waits until what a new record belongs to shows, where the engine made that. False where
    /// there is nothing to wait for.
    async fn await_parent(&self, order: &Order) -> Result<bool, Error> {
        if order.operation.target.is_some() {
            return Ok(false);
        }
        let key = path::key(&order.host);
        let intents = self.store.intents_of(key, OWN_WRITES_MAX).await?;
        let holds = |made: &String| path::above(&order.host).any(|above| above == made.as_str());
        let made_it = |intent: &&Intent| {
            matches!(intent.state, IntentState::Applied { .. }) && intent.makes.values().any(holds)
        };
        let Some(last) = intents.iter().find(made_it) else { return Ok(false) };
        let Some(rule) = self.adapter.manifest().operation(&last.operation) else {
            return Ok(false);
        };
        let window_ms = self.settle_window_ms.unwrap_or(rule.settle_window_ms);
        Ok(self.await_shown(last, window_ms).await)
    }

    /// Waits until a look finds what an intent wrote, or its window is over. Whether it had to
    /// wait.
    async fn await_shown(&self, last: &Intent, window_ms: u64) -> bool {
        let mut left_ms = last.last_sent.left_ms(window_ms, &self.now());
        let mut pause_ms = OWN_WRITE_PAUSE_FIRST_MS;
        let mut waited = false;
        while left_ms > 0 && !self.holds_effects() && !self.shows(last).await {
            waited = true;
            let wait_ms = pause_ms.min(left_ms);
            self.wait(wait_ms).await;
            left_ms = left_ms.saturating_sub(wait_ms);
            pause_ms = pause_ms.saturating_mul(2);
        }
        waited
    }

    /// Whether a look finds what an intent wrote. A look that does not work out finds nothing;
    /// whoever asks waits instead.
    async fn shows(&self, intent: &Intent) -> bool {
        let operation = Operation {
            name: intent.operation.clone(),
            target: intent.target.clone(),
            input: intent.input.clone(),
        };
        let task = Task::Probe(Probe {
            operation,
            first_sent_ms: Some(intent.first_sent.earliest_ms(&self.now())),
        });
        match self.drive_marked(task, intent.mark.clone(), Priority::Interactive).await {
            Ok(finished) => matches!(finished.outcome, Outcome::Probed(Probed::Found(_))),
            Err(_) => false,
        }
    }

    async fn observed_body(&self, order: &Order) -> Result<Option<String>, Error> {
        let Some(target) = &order.operation.target else { return Ok(None) };
        Ok(self.store.observed(target).await?.map(|row| row.body))
    }

    /// A record that a creation is said to be unneeded for, and that neither the store knows nor
    /// the ATS shows.
    async fn not_shown(&self, order: &Order, links: &[Link]) -> Result<Option<RemoteRef>, Error> {
        if order.operation.target.is_some() {
            return Ok(None);
        }
        for link in links.iter().filter(|link| link.role == promise::SUBJECT) {
            let remote = RemoteRef::new(link.kind.as_str(), link.id.as_str());
            let can_be_asked =
                self.adapter.manifest().kind(&remote.kind).is_some_and(|rule| rule.ids_max > 0);
            let is_known = self.store.observed(&remote).await?.is_some_and(|row| !row.gone);
            if is_known || !can_be_asked {
                continue;
            }
            let ids = [remote.id.clone()];
            let missing =
                self.fetch(&remote.kind, &ids, &BTreeMap::new(), Priority::Interactive).await?;
            if !missing.is_empty() {
                return Ok(Some(remote));
            }
        }
        Ok(None)
    }

    /// The adapter ended the task before its effect: nothing was left to do, or it refused.
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
                    None => self.store.put_links(links).await?,
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
        if let Some(reason) = self.sends_nothing() {
            return Ok(EffectEnd::Stale(reason.to_owned()));
        }
        let intent = match self.open_intent(order, &mark, &request).await {
            Ok(intent) => intent,
            Err(StoreError::IntentOpen(id)) => return Ok(EffectEnd::Busy(id)),
            Err(StoreError::Stale(reason)) => return Ok(EffectEnd::Stale(reason)),
            Err(error) => return Err(error.into()),
        };
        tracing::debug!(connection = %self.name, intent = intent.id, operation = %intent.operation,
            attempt = intent.attempt, "sending");
        let given = self.given(Some(mark), None);
        let gate = OrderGate { reconciler: self, order };
        let mut effect = Effect::Unsafe;
        let (mut request, mut state) = (request, state);
        for _ in 0..STEPS_MAX {
            let delivered = match effect {
                Effect::Unsafe => {
                    self.session
                        .execute_through(&gate, &request, effect, Priority::Interactive)
                        .await
                }
                _ => match self.send_proven(&request, effect, Priority::Interactive).await {
                    Ok(delivery) => delivery,
                    Err(error) => {
                        let reason = error.to_string();
                        return self.in_doubt(&intent, Doubt::NotReadAfter, reason).await;
                    }
                },
            };
            let response = match delivered {
                Delivery::Answered(response) => response,
                Delivery::NotSent(reason) if effect == Effect::Unsafe => {
                    return self.not_sent(order, &intent, reason).await;
                }
                Delivery::NotSent(reason) => {
                    return self.in_doubt(&intent, Doubt::NotReadAfter, reason.to_string()).await;
                }
                Delivery::Unclear(reason) => {
                    let doubt = if effect == Effect::Unsafe {
                        Doubt::NoAnswer
                    } else {
                        Doubt::NotReadAfter
                    };
                    return self.in_doubt(&intent, doubt, reason).await;
                }
            };
            let status = response.status;
            if status >= 500 {
                return self
                    .in_doubt(&intent, Doubt::ServerError, format!("the answer was {status}"))
                    .await;
            }
            let listed = rule.refused_statuses.contains(&status) || effect != Effect::Unsafe;
            let copy = response.clone();
            let answer = self.resume(state, given.clone(), Reply::Response(response)).await;
            let judged = match answer {
                Ok(Ok(step)) => match guard.step(&step, Some(&copy)) {
                    Ok(()) => judge(step, status, listed),
                    Err(error) => Judgement::InDoubt(Doubt::from(&error), error.to_string()),
                },
                Ok(Err(failure))
                    if effect == Effect::Unsafe && listed && !(200..300).contains(&status) =>
                {
                    Judgement::Refused(failure)
                }
                Ok(Err(failure)) => {
                    Judgement::InDoubt(Doubt::UndocumentedAnswer, failure.to_string())
                }
                Err(error) => Judgement::InDoubt(Doubt::from(&error), error.to_string()),
            };
            match judged {
                Judgement::Applied(applied) => return self.applied(order, &intent, applied).await,
                Judgement::Refused(failure) => {
                    let about_credential = matches!(
                        failure,
                        Failure::Auth(_) | Failure::Denied(_) | Failure::Misconfigured(_)
                    );
                    let to = IntentState::Refused {
                        reason: failure.to_string(),
                        passing: matches!(failure, Failure::Quota(_)),
                        credential: about_credential.then(|| self.session.credential_mark()),
                    };
                    self.advance(&intent, to, Vec::new(), false).await?;
                    return Ok(EffectEnd::Refused(failure));
                }
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
            Doubt::AdapterFault,
            format!("it took more than {STEPS_MAX} steps for one task"),
        )
        .await
    }

    async fn open_intent(
        &self,
        order: &Order,
        mark: &Mark,
        request: &Request,
    ) -> Result<Intent, StoreError> {
        let at = self.moment();
        if let Some(intent) = &order.again {
            let advance = IntentAdvance {
                id: intent.id,
                attempt: intent.attempt,
                to: IntentState::Sending,
                links: Vec::new(),
                changes: Vec::new(),
                at,
            };
            return self.store.advance_intent(advance).await;
        }
        let intent = Intent {
            id: 0,
            host: order.host.clone(),
            operation: order.operation.name.clone(),
            target: order.operation.target.clone(),
            input: order.operation.input.clone(),
            makes: order.makes.clone(),
            applied: order.applied.clone(),
            digest: digest(request),
            mark: mark.clone(),
            generation: order.generation,
            attempt: 1,
            first_sent: at,
            last_sent: at,
            changed: at,
            tries: Vec::new(),
            state: IntentState::Sending,
        };
        self.store.begin_intent(intent).await
    }

    /// Whether an answer names what the manifest promises of the operation.
    pub(super) fn kept(&self, order: &Order, links: &[Link]) -> Result<(), Box<BrokenPromise>> {
        let asked = Asked {
            operation: &order.operation.name,
            target: order.operation.target.as_ref(),
            makes: order.makes.contains_key(promise::SUBJECT),
        };
        promise::kept(self.adapter.manifest(), asked, links)
    }

    async fn applied(
        &self,
        order: &Order,
        intent: &Intent,
        applied: Applied,
    ) -> Result<EffectEnd, Error> {
        if let Err(broken) = self.kept(order, &applied.links) {
            // It is said to have happened: sent again, it would happen twice. A person looks what
            // there is.
            Doubt::BrokenPromise.log(&self.name, intent);
            let to = IntentState::InDoubt {
                reason: broken.to_string(),
                probe_after_ms: self.clock.now_ms(),
                probes: 0,
                stuck: true,
                absent: None,
            };
            self.advance(intent, to, Vec::new(), false).await?;
            return Ok(EffectEnd::InDoubt(broken.to_string()));
        }
        let links = self.links(order, &applied.links, LinkHow::Created).await?;
        let links = self.with_unseen(order, intent.id, links).await?;
        let touched = touched(order, &applied.links);
        let to = IntentState::Applied { links: touched.clone(), by_probe: false };
        self.advance_with(intent, to, links, order.ends(), moved(&applied.links, intent.id))
            .await?;
        let touched = Touched::by(order, Some(intent.id), touched);
        Ok(EffectEnd::Done { touched, warnings: applied.warnings, sent: true })
    }

    /// The links that hold once an intent was answered as done, with the note that its effect is
    /// yet to show.
    async fn with_unseen(
        &self,
        order: &Order,
        id: IntentId,
        mut links: Vec<LinkRow>,
    ) -> Result<Vec<LinkRow>, Error> {
        if order.ends() {
            return Ok(links);
        }
        let before = self.store.link(&order.host).await?;
        if !links.iter().any(|link| link.host == order.host) {
            links.extend(before.clone());
        }
        let before = before.map(|link| link.applied).unwrap_or_default();
        for link in links.iter_mut().filter(|link| link.host == order.host) {
            unseen::note(&mut link.applied, &before, &order.operation.name, id);
        }
        Ok(links)
    }

    async fn not_sent(
        &self,
        order: &Order,
        intent: &Intent,
        reason: NotSent,
    ) -> Result<EffectEnd, Error> {
        // An earlier attempt of the same intent may have arrived: then it stays in doubt.
        if order.again.is_some() {
            Doubt::NotSentAgain.log(&self.name, intent);
            let to = IntentState::InDoubt {
                reason: format!("sent before without an answer; this time {reason}"),
                probe_after_ms: self.clock.now_ms(),
                probes: 0,
                stuck: false,
                absent: None,
            };
            self.advance(intent, to, Vec::new(), false).await?;
            return Ok(EffectEnd::InDoubt(reason.to_string()));
        }
        let to = IntentState::NotSent { reason: reason.to_string() };
        self.advance(intent, to, Vec::new(), false).await?;
        Ok(EffectEnd::NotSent(TaskError::NotSent(reason)))
    }

    async fn in_doubt(
        &self,
        intent: &Intent,
        doubt: Doubt,
        reason: String,
    ) -> Result<EffectEnd, Error> {
        doubt.log(&self.name, intent);
        let to = IntentState::InDoubt {
            reason: reason.clone(),
            probe_after_ms: self.clock.now_ms(),
            probes: 0,
            stuck: false,
            absent: None,
        };
        self.advance(intent, to, Vec::new(), false).await?;
        Ok(EffectEnd::InDoubt(reason))
    }

    pub(super) async fn advance(
        &self,
        intent: &Intent,
        to: IntentState,
        links: Vec<LinkRow>,
        ends: bool,
    ) -> Result<Intent, Error> {
        self.advance_with(intent, to, links, ends, Vec::new()).await
    }

    async fn advance_with(
        &self,
        intent: &Intent,
        to: IntentState,
        links: Vec<LinkRow>,
        ends: bool,
        changes: Vec<Change>,
    ) -> Result<Intent, Error> {
        let now = self.moment();
        let at = match &to {
            // The store takes this for the latest moment at which the request can have left. A life
            // that finds an intent of an earlier one may come long after: no request waits longer
            // than this for its turn.
            IntentState::InDoubt { .. } if intent.last_sent.life != now.life => {
                let latest_ms = intent.last_sent.wall_ms.saturating_add(SEND_WAIT_MAX_MS);
                Moment { wall_ms: now.wall_ms.min(latest_ms), ..intent.last_sent }
            }
            _ => now,
        };
        let mut links = links;
        if ends {
            // The link ends when the ATS no longer shows what was taken away: until then it says
            // whose it was.
            let link = self.store.link(&intent.host).await?;
            links.extend(link.map(|mut link| {
                unseen::note_removed(&mut link.applied, intent.id);
                link
            }));
        }
        let advance = IntentAdvance {
            id: intent.id,
            attempt: intent.attempt,
            to,
            links,
            changes: changes
                .into_iter()
                .map(|change| Change { at_ms: at.wall_ms, ..change })
                .collect(),
            at,
        };
        Ok(self.store.advance_intent(advance).await?)
    }

    /// The links that hold once an order is done.
    pub(super) async fn links(
        &self,
        order: &Order,
        made: &[Link],
        how: LinkHow,
    ) -> Result<Vec<LinkRow>, Error> {
        let since_ms = self.clock.now_ms();
        let mut links = Vec::new();
        for (role, host) in &order.makes {
            let Some(link) = made.iter().find(|link| link.role == *role) else { continue };
            let applied = order.applied.get(host).cloned().unwrap_or_default();
            let remote = remote(&link.kind, &link.id);
            // What is found again stays what it was: the engine's own, if the engine made it.
            let known = self.store.link(host).await?.filter(|known| known.remote == remote);
            let (how, since_ms) =
                known.map_or((how, since_ms), |known| (known.how, known.since_ms));
            links.push(LinkRow { host: host.clone(), remote, how, applied, since_ms });
        }
        for (host, applied) in &order.applied {
            if links.iter().any(|link| link.host == *host)
                || order.makes.values().any(|made| made == host)
            {
                continue;
            }
            let known = self.store.link(host).await?;
            let (remote, how, since_ms) = match (known, &order.operation.target) {
                (Some(link), _) => (link.remote, link.how, link.since_ms),
                (None, Some(target)) => (target.clone(), LinkHow::Adopted, since_ms),
                (None, None) => continue,
            };
            links.push(LinkRow {
                host: host.clone(),
                remote,
                how,
                applied: applied.clone(),
                since_ms,
            });
        }
        Ok(links)
    }
}

/// Whether an input adds entries to a list that has entries of others.
fn adds_to_a_list(input: &str) -> bool {
    let input: Value = serde_json::from_str(input).unwrap_or_default();
    input.get("add").and_then(Value::as_object).is_some_and(|add| !add.is_empty())
}

fn judge(step: Step, status: u16, listed: bool) -> Judgement {
    let complete = (200..300).contains(&status);
    match step {
        Step::Done(Outcome::Written(written)) => match written {
            Written::Applied(applied) | Written::Unneeded(applied) if complete || listed => {
                Judgement::Applied(applied)
            }
            Written::Refused(failure) if complete || listed => Judgement::Refused(failure),
            Written::Applied(_) | Written::Unneeded(_) => {
                Judgement::InDoubt(Doubt::UndocumentedAnswer, format!("the answer was {status}"))
            }
            Written::Refused(failure) => Judgement::InDoubt(
                Doubt::UndocumentedAnswer,
                format!("the answer was {status}: {failure}"),
            ),
            Written::Pending(handle) => {
                Judgement::InDoubt(Doubt::AcceptedForLater, format!("accepted for later: {handle}"))
            }
            Written::Unclear(reason) => Judgement::InDoubt(Doubt::AdapterUnsure, reason),
        },
        Step::Send(send) => Judgement::Read {
            request: Box::new(send.request),
            state: send.state,
            effect: send.effect,
        },
        _ => Judgement::InDoubt(
            Doubt::AdapterFault,
            "the adapter did not say what the answer means".to_owned(),
        ),
    }
}

/// The records that an order made or changed.
pub(super) fn touched(order: &Order, made: &[Link]) -> Vec<RemoteRef> {
    let mut touched: Vec<RemoteRef> =
        made.iter().map(|link| remote(&link.kind, &link.id)).collect();
    if let Some(target) = &order.operation.target
        && !touched.contains(target)
    {
        touched.push(target.clone());
    }
    touched
}

/// The event that says a record lives on under another id.
fn moved(made: &[Link], intent: IntentId) -> Vec<Change> {
    let find = |role: &str| made.iter().find(|link| link.role == role);
    let (Some(from), Some(to)) = (find("converted_from"), find("subject")) else {
        return Vec::new();
    };
    let mut after = Map::new();
    after.insert("id".to_owned(), Value::String(to.id.clone()));
    vec![Change {
        serial: 0,
        at_ms: 0,
        kind: from.kind.clone(),
        id: from.id.clone(),
        what: ChangeWhat::Moved,
        before: Map::new(),
        after,
        cause: Cause::Applied { intent },
    }]
}

/// SHA-256 over what the request says: method, goal and body.
pub(crate) fn digest(request: &Request) -> String {
    let mut hash = Sha256::new();
    let mut feed = |text: &[u8]| {
        hash.update(u64::try_from(text.len()).unwrap_or(u64::MAX).to_be_bytes());
        hash.update(text);
    };
    feed(request.method.as_bytes());
    feed(request.origin.as_bytes());
    match &request.target {
        Target::Path(path) => {
            feed(path.path.as_bytes());
            for field in &path.query {
                feed(field.name.as_bytes());
                feed(field.value.as_bytes());
            }
        }
        Target::Link(url) => feed(url.as_bytes()),
    }
    match &request.body {
        Body::None => {}
        Body::Json(text) => feed(text.as_bytes()),
        Body::Form(fields) => {
            for field in fields {
                feed(field.name.as_bytes());
                feed(field.value.as_bytes());
            }
        }
        Body::Bytes((_, bytes)) => feed(bytes),
        Body::Multipart(parts) => parts.iter().for_each(|part| feed(&part.bytes)),
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}
