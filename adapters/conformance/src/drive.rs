//! Runs one task of an adapter: calls it, sends its requests, and keeps every step.
//!
//! Each call is made twice and compared, so that an adapter whose answer depends on more than its
//! arguments shows at once. The rules of a task (one request that changes something in a write,
//! several in an idempotent one, none elsewhere; an outcome of the task's own kind) are checked
//! here, apart from the engine's own guard, before a request is sent.
//!
//! Bounds: [`STEPS_MAX`] steps of one task.

use crate::report::Promise;
use crate::stage::{decoded, mac};
use crate::wire::Courier;
use atsync::model::contract::{
    Algorithm, Body, Continuation, Effect, Failure, Given, Outcome, Registering, Registration,
    Reply, Request, Response, Step, Task, Verify, Written,
};
use atsync::model::manifest::{EffectClass, WebhookSecret};
use atsync::{Adapter, AdapterError};
use serde_json::{Map, Value};
use std::fmt::Debug;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Steps of one task, as the engine allows them.
pub const STEPS_MAX: usize = 200;

/// The answer of one call, or the end of a task that the adapter broke.
pub type Answer = Result<Result<Step, Failure>, Breach>;

/// A promise that an adapter broke by an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Breach {
    /// The promise.
    pub promise: Promise,
    /// What happened.
    pub what: String,
}

impl Breach {
    pub(crate) fn new(promise: Promise, what: impl Into<String>) -> Self {
        Self { promise, what: what.into() }
    }

    /// A fault that the adapter runtime noticed.
    fn of(error: &AdapterError) -> Self {
        let promise = match error {
            AdapterError::Limit(_) => Promise::Limits,
            AdapterError::Trap(_) => Promise::NoTrap,
            _ => Promise::Contract,
        };
        let said = match error {
            AdapterError::Trap(crash) => crash.said(),
            _ => None,
        };
        match said {
            Some(said) => Self::new(promise, format!("{error}: {said}")),
            None => Self::new(promise, error.to_string()),
        }
    }
}

/// A request of a task and its answer.
#[derive(Clone, Debug)]
pub struct Turn {
    /// The request.
    pub request: Request,
    /// What it does to the ATS, by the adapter.
    pub effect: Effect,
    /// What the adapter keeps until the answer.
    pub state: Continuation,
    /// The answer; none when it did not come.
    pub reply: Option<Response>,
}

/// The end of a task.
#[derive(Clone, Debug, PartialEq)]
pub enum End {
    /// An outcome.
    Outcome(Outcome),
    /// A classified failure.
    Failure(Failure),
    /// A request was not answered, or not sent: the sentence says why.
    Unanswered(String),
    /// The adapter broke a promise.
    Breach(Breach),
}

/// A task that was run.
#[derive(Clone, Debug)]
pub struct Run {
    /// The task.
    pub task: Task,
    /// Its context, the same in each call.
    pub given: Given,
    /// The requests in order.
    pub turns: Vec<Turn>,
    /// The signatures that were to be checked.
    pub checks: Vec<Verify>,
    /// The end.
    pub end: End,
}

impl Run {
    /// Whether the adapter trapped or panicked.
    pub fn is_trap(&self) -> bool {
        matches!(&self.end, End::Breach(breach) if breach.promise == Promise::NoTrap)
    }

    /// The turn whose request changes the ATS.
    pub fn change(&self) -> Option<&Turn> {
        self.turns.iter().find(|turn| turn.effect == Effect::Unsafe)
    }
}

/// Calls an adapter and counts the calls.
#[derive(Debug)]
pub struct Driver {
    adapter: Arc<dyn Adapter>,
    courier: Arc<dyn Courier>,
    /// What webhooks may be signed with. The first is that of webhooks that are registered.
    secrets: Vec<String>,
    calls: AtomicU64,
    requests: AtomicU64,
}

impl Driver {
    /// For an adapter and what answers it. No webhook is signed.
    pub fn new(adapter: Arc<dyn Adapter>, courier: Arc<dyn Courier>) -> Self {
        let (secrets, calls, requests) = Default::default();
        Self { adapter, courier, secrets, calls, requests }
    }

    /// Takes webhooks for signed that one of these secrets signed.
    #[must_use]
    pub fn signed_with(mut self, secrets: Vec<String>) -> Self {
        self.secrets = secrets;
        self
    }

    /// The adapter.
    pub fn adapter(&self) -> &Arc<dyn Adapter> {
        &self.adapter
    }

    /// Calls of the adapter, and requests that were sent.
    pub fn counted(&self) -> (u64, u64) {
        (self.calls.load(Ordering::Relaxed), self.requests.load(Ordering::Relaxed))
    }

    /// Begins a task.
    pub fn start(&self, task: &Task, given: &Given) -> Answer {
        self.twice(|| self.adapter.start(task.clone(), given.clone()))
    }

    /// Continues a task.
    pub fn resume(&self, state: &Continuation, given: &Given, reply: &Reply) -> Answer {
        self.twice(|| self.adapter.resume(state.clone(), given.clone(), reply.clone()))
    }

    /// Continues a task with a response.
    pub fn read(&self, state: &Continuation, given: &Given, response: &Response) -> Answer {
        self.resume(state, given, &Reply::Response(response.clone()))
    }

    fn twice(&self, call: impl Fn() -> Result<Result<Step, Failure>, AdapterError>) -> Answer {
        self.calls.fetch_add(2, Ordering::Relaxed);
        let first = call().map_err(|error| Breach::of(&error))?;
        let second = call().map_err(|error| Breach::of(&error))?;
        if first == second {
            return Ok(first);
        }
        let what = "two calls with the same arguments gave different answers; an adapter has no \
            clock, no entropy and no memory of its own";
        Err(Breach::new(Promise::Determinism, what))
    }

    /// Whether the task may send several requests that change the ATS: a write of an operation
    /// that the manifest calls idempotent.
    fn may_repeat(&self, task: &Task) -> bool {
        let Task::Write(write) = task else { return false };
        let rule = self.adapter.manifest().operation(&write.operation.name);
        rule.is_some_and(|rule| rule.class == EffectClass::Idempotent)
    }

    /// Sends a request.
    ///
    /// # Errors
    /// A sentence, when no complete answer came.
    pub async fn send(&self, request: &Request, effect: Effect) -> Result<Response, String> {
        self.requests.fetch_add(1, Ordering::Relaxed);
        self.courier.send(request, effect).await
    }

    /// Runs a task to its end.
    pub async fn run(&self, task: Task, given: &Given) -> Run {
        let answer = self.start(&task, given);
        self.follow(task, given, answer, Vec::new()).await
    }

    /// Runs a task to its end from one of its answers.
    pub async fn follow(
        &self,
        task: Task,
        given: &Given,
        mut answer: Answer,
        mut turns: Vec<Turn>,
    ) -> Run {
        let mut checks = Vec::new();
        let end = loop {
            let step = match answer {
                Ok(Ok(step)) => step,
                Ok(Err(failure)) => break End::Failure(failure),
                Err(breach) => break End::Breach(breach),
            };
            if let Err(breach) = allowed(&task, self.may_repeat(&task), &turns, &step) {
                break End::Breach(breach);
            }
            match step {
                Step::Send(send) => {
                    let reply = match self.sealed(&task, &send.request, send.effect) {
                        Some(sealed) => self.send(&sealed, send.effect).await,
                        None => self.send(&send.request, send.effect).await,
                    };
                    let response = reply.as_ref().ok().cloned();
                    let (request, effect, state) = (send.request, send.effect, send.state);
                    turns.push(Turn { request, effect, state: state.clone(), reply: response });
                    match reply {
                        Ok(response) => answer = self.read(&state, given, &response),
                        Err(why) => break End::Unanswered(why),
                    }
                }
                Step::Verify(verify) => {
                    let is_signed = self.secrets.iter().any(|secret| matches(&verify, secret));
                    answer = self.resume(&verify.state, given, &Reply::Verified(is_signed));
                    checks.push(verify);
                    if checks.len() > STEPS_MAX {
                        break End::Breach(too_many());
                    }
                }
                Step::Transfer(_) => {
                    let what = "a file is to be transferred, which is reserved";
                    break End::Breach(Breach::new(Promise::Contract, what));
                }
                Step::Done(outcome) => break End::Outcome(outcome),
            }
        };
        Run { task, given: given.clone(), turns, checks, end }
    }

    /// The request that registers a webhook, with the secret that the adapter never has.
    fn sealed(&self, task: &Task, request: &Request, effect: Effect) -> Option<Request> {
        let Task::Register(Registering::Create(_) | Registering::Change(_)) = task else {
            return None;
        };
        let rule = self.adapter.manifest().webhooks.as_ref()?;
        let (WebhookSecret::Given { member }, Body::Json(text), Effect::Unsafe) =
            (&rule.secret, &request.body, effect)
        else {
            return None;
        };
        let mut body: Map<String, Value> = serde_json::from_str(text).ok()?;
        drop(body.insert(member.clone(), self.secrets.first()?.as_str().into()));
        Some(Request { body: Body::Json(Value::Object(body).to_string()), ..request.clone() })
    }
}

/// Whether a secret made one of the signatures. Not in constant time: the senders are tests.
fn matches(asked: &Verify, secret: &str) -> bool {
    let code = mac(asked.algorithm, secret.as_bytes(), &asked.message);
    asked.candidates.iter().any(|candidate| match asked.algorithm {
        Algorithm::Plain => candidate == secret,
        _ => decoded(candidate, asked.encoding).is_some_and(|given| given == code),
    })
}

fn too_many() -> Breach {
    Breach::new(Promise::Limits, format!("the task takes more than {STEPS_MAX} steps"))
}

/// Whether a task may take a step after these turns.
fn allowed(task: &Task, may_repeat: bool, turns: &[Turn], step: &Step) -> Result<(), Breach> {
    let is_change = match task {
        Task::Write(_) => true,
        Task::Register(registering) => !matches!(registering, Registering::List),
        _ => false,
    };
    let changed = turns.iter().any(|turn| turn.effect == Effect::Unsafe);
    if turns.len() >= STEPS_MAX {
        return Err(too_many());
    }
    match step {
        Step::Send(send) => match send.effect {
            Effect::Unsafe if !is_change => Err(Breach::new(
                Promise::OneChange,
                format!(
                    "a task that only looks sends a request that changes the ATS: {} {}",
                    send.request.method,
                    shown_target(&send.request)
                ),
            )),
            Effect::Unsafe if changed && !may_repeat => Err(Breach::new(
                Promise::OneChange,
                "a second request that changes the ATS in one task; it was not sent",
            )),
            Effect::Scratch if !matches!(task, Task::Write(_)) => Err(Breach::new(
                Promise::OneChange,
                "a task that only looks sends a request that leaves something behind",
            )),
            _ => Ok(()),
        },
        Step::Verify(_) if !matches!(task, Task::Hook(_)) => Err(Breach::new(
            Promise::Contract,
            "a signature is to be checked, and there is no webhook",
        )),
        Step::Done(outcome) => fits(task, changed, outcome),
        Step::Verify(_) | Step::Transfer(_) => Ok(()),
    }
}

/// Whether an outcome is the task's.
fn fits(task: &Task, changed: bool, outcome: &Outcome) -> Result<(), Breach> {
    let fits = match (task, outcome) {
        (Task::Scan(_), Outcome::Page(_) | Outcome::FlawedPage(_))
        | (Task::Fetch(_), Outcome::Fetched(_) | Outcome::FlawedFetched(_))
        | (Task::Probe(_), Outcome::Probed(_))
        | (Task::Check(_), Outcome::Checked(_))
        | (Task::Hook(_), Outcome::Hooked(_))
        | (Task::DescribeTenant, Outcome::Tenant(_)) => true,
        (Task::Write(_), Outcome::Written(written)) => {
            return match (written, changed) {
                (Written::Applied(_) | Written::Pending(_) | Written::Unclear(_), false) => {
                    Err(Breach::new(
                        Promise::OneChange,
                        "a write is said to have had an effect, and no request that changes the \
                         ATS was sent",
                    ))
                }
                (Written::Unneeded(_), true) => Err(Breach::new(
                    Promise::OneChange,
                    "a write is said to be unneeded after its request was sent",
                )),
                _ => Ok(()),
            };
        }
        (Task::Register(Registering::List), Outcome::Registration(found)) => {
            matches!(found, Registration::Listed(_) | Registration::Unlisted)
        }
        (Task::Register(Registering::Remove(_)), Outcome::Registration(found)) => !matches!(
            found,
            Registration::Listed(_) | Registration::Unlisted | Registration::Kept(_)
        ),
        (Task::Register(_), Outcome::Registration(found)) => !matches!(
            found,
            Registration::Listed(_) | Registration::Unlisted | Registration::Removed
        ),
        _ => false,
    };
    if fits {
        return Ok(());
    }
    Err(Breach::new(Promise::Contract, "the outcome is another task's"))
}

fn shown_target(request: &Request) -> String {
    crate::show::target(&request.target)
}
