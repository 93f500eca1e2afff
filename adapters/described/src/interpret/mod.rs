//! The interpreter: runs a task by a baked description.
//!
//! `start` and `resume` are those of an adapter: a task or a reply goes in, a request or an outcome
//! comes out. Each file is one task. Nothing is kept between calls but the continuation.
//!
//! A description that was validated cannot make the interpreter fail by a mistake of its own; a
//! fault of an expression costs the row or the member that it was evaluated for. Where a whole task
//! depends on one (a path, a fingerprint), the task fails as `protocol`: the ATS's answer lacks
//! what the description reads.

mod answer;
mod check;
mod fetch;
mod ground;
mod hook;
mod paging;
mod probe;
mod raw;
mod record;
mod refuse;
pub(crate) mod request;
mod scan;
mod state;
mod tenant;
mod write;

use crate::baked::{Baked, Common};
use crate::expression::{Engine, Escape, Fault};
use atsync_adapter::Manifest;
use atsync_adapter::contract::{Continuation, Failure, Given, Reply, Response, Step, Task};
use state::State;

/// Compiles a request, to see what it reads.
#[cfg(feature = "host")]
pub(crate) fn request_plan<'e>(
    request: &crate::description::Request,
    engine: &'e Engine,
) -> Result<request::Plan<'e>, Fault> {
    request::Plan::compiled(request, engine, "")
}

/// What a task works with.
#[derive(Debug)]
pub(crate) struct Context<'b> {
    pub(crate) baked: Baked<'b>,
    pub(crate) common: Common,
    pub(crate) engine: Engine,
}

impl<'b> Context<'b> {
    fn of(text: &'b str, escapes: &'static [Escape]) -> Result<Self, Failure> {
        let baked = Baked::read(text)?;
        let common = baked.common()?;
        Ok(Self { baked, common, engine: Engine::new(escapes) })
    }
}

/// The manifest of a baked description.
///
/// # Errors
/// [`Failure::Bug`] when the text is no baked description.
pub fn describe(baked: &str) -> Result<Manifest, Failure> {
    Baked::read(baked)?.manifest()
}

/// Begins a task.
///
/// # Errors
/// As for [`atsync_adapter::PureAdapter::start`].
pub fn start(
    baked: &str,
    escapes: &'static [Escape],
    task: Task,
    given: &Given,
) -> Result<Step, Failure> {
    let context = Context::of(baked, escapes)?;
    match task {
        Task::Scan(task) => scan::start(&context, &task, given),
        Task::Fetch(task) => fetch::start(&context, task, given),
        Task::Write(task) => write::start(&context, task, given),
        Task::Probe(task) => probe::start(&context, task, given),
        Task::Check(id) => check::start(&context, &id, given),
        Task::Hook(task) => hook::start(&context, task, given),
        Task::DescribeTenant => tenant::start(&context, given),
        Task::Register(_) => {
            Err(Failure::Bug("a described adapter registers no webhooks by the ATS's API".into()))
        }
    }
}

/// Continues a task.
///
/// # Errors
/// As for [`atsync_adapter::PureAdapter::resume`].
pub fn resume(
    baked: &str,
    escapes: &'static [Escape],
    state: Continuation,
    given: &Given,
    reply: Reply,
) -> Result<Step, Failure> {
    let context = Context::of(baked, escapes)?;
    match (State::decode(&state)?, reply) {
        (State::Hook(state), Reply::Verified(is_signed)) => Ok(hook::resume(state, is_signed)),
        (State::Scan(state), Reply::Response(reply)) => {
            scan::resume(&context, &state, given, &reply)
        }
        (State::Fetch(state), Reply::Response(reply)) => {
            fetch::resume(&context, state, given, &reply)
        }
        (State::Write(state), Reply::Response(reply)) => {
            write::resume(&context, state, given, &reply)
        }
        (State::Probe(state), Reply::Response(reply)) => {
            probe::resume(&context, state, given, &reply)
        }
        (State::Check(id), Reply::Response(reply)) => check::resume(&context, &id, given, &reply),
        (State::Tenant, Reply::Response(reply)) => tenant::resume(&context, given, &reply),
        _ => Err(Failure::Bug("a reply to a step that was not taken".into())),
    }
}

/// A mistake of the description itself.
pub(crate) fn mistake(fault: Fault) -> Failure {
    Failure::Bug(format!("the description: {fault}"))
}

/// What an answer lacks that the description reads.
pub(crate) fn lacking(fault: Fault) -> Failure {
    Failure::Protocol(format!("the answer is not as described: {fault}"))
}

/// Whether a response is an answer that the ATS accepted.
pub(crate) fn is_success(response: &Response) -> bool {
    (200..300).contains(&response.status)
}
