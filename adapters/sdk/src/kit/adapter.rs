//! An adapter of the upper layer: what it is, as data, and the few functions that data cannot be.

use super::ats::Kept;
use super::operation::Asked;
use super::{About, Answer, fetch, hook, operation, permission, scan};
use crate::contract::{Continuation, Failure, Given, Reply, Step, Task};
use crate::{Manifest, state};
use serde::{Deserialize, Serialize};

/// An adapter for one ATS.
///
/// [`ABOUT`](Adapter::ABOUT) says everything that data can say; the functions have a meaning that
/// fits most ATSs. [`adapter!`](crate::adapter) makes the type a component, and a
/// [`PureAdapter`](crate::PureAdapter) for tests.
pub trait Adapter {
    /// What the adapter is and can do.
    const ABOUT: About;

    /// Reads a failure that the ATS reports in a way of its own, from any answer: of status 200, by
    /// a code, by a text. `None` leaves it to the usual reading of the status
    /// ([`Answer::refusal`]).
    fn failure(answer: &Answer<'_>) -> Option<Failure> {
        let _ = answer;
        None
    }

    /// Takes a task over: the steps are the adapter's own, without the SDK. `None` leaves it to the
    /// SDK.
    fn start_by_hand(task: &Task, given: &Given) -> Option<Result<Step, Failure>> {
        let _ = (task, given);
        None
    }

    /// Continues a task that [`Adapter::start_by_hand`] took over.
    ///
    /// # Errors
    /// As for [`PureAdapter::resume`](crate::PureAdapter::resume).
    fn resume_by_hand(state: Continuation, given: &Given, reply: Reply) -> Result<Step, Failure> {
        let _ = (state, given, reply);
        Err(Failure::Bug("a task that was not taken over".into()))
    }

    /// Changes the manifest: for what [`About`] does not have. What it sets is checked when the
    /// engine loads the adapter, not when it is built.
    fn manifest(manifest: &mut Manifest) {
        let _ = manifest;
    }
}

/// A function that reads failures of the ATS's own.
pub(crate) type Refusals = fn(&Answer<'_>) -> Option<Failure>;

/// A task between two steps.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum State {
    Scan(scan::State),
    Fetch(fetch::State),
    Operation { of: Asked, kept: Kept },
    Check { permission: String, kept: Kept },
    Account { kept: Kept },
    Hook(hook::Checking),
}

pub(crate) fn encode(state: &State) -> Result<Continuation, Failure> {
    crate::state::encode(state)
}

/// The first byte of a state that is the adapter's own; no JSON begins with it.
const BY_HAND: u8 = 0;

/// The manifest of an adapter. For [`adapter!`](crate::adapter).
#[doc(hidden)]
pub fn describe<A: Adapter>() -> Manifest {
    let mut manifest = A::ABOUT.manifest();
    A::manifest(&mut manifest);
    manifest
}

/// Starts a task. For [`adapter!`](crate::adapter).
#[doc(hidden)]
pub fn start<A: Adapter>(task: Task, given: &Given) -> Result<Step, Failure> {
    if let Some(step) = A::start_by_hand(&task, given) {
        return step.map(by_hand);
    }
    let about = &A::ABOUT;
    match task {
        Task::Scan(task) => scan::start(about, &task, given),
        Task::Fetch(task) => fetch::start(about, &task, given),
        Task::Write(task) => {
            let of = Asked::write(task.operation)?;
            operation::run(about, of, Kept::default(), given, None, A::failure)
        }
        Task::Probe(task) => {
            operation::run(about, Asked::probe(task)?, Kept::default(), given, None, A::failure)
        }
        Task::Check(id) => permission::run(about, &id, Kept::default(), given, None, A::failure),
        Task::DescribeTenant => {
            permission::identify(about, Kept::default(), given, None, A::failure)
        }
        Task::Hook(task) => match &about.hook {
            Some(hook) => hook::start(hook, task),
            None => Err(Failure::Bug("the adapter reads no webhooks".into())),
        },
        Task::Register(_) => Err(Failure::Bug("the adapter registers no webhooks".into())),
    }
}

/// Continues a task. For [`adapter!`](crate::adapter).
#[doc(hidden)]
pub fn resume<A: Adapter>(
    state: Continuation,
    given: &Given,
    reply: Reply,
) -> Result<Step, Failure> {
    if let Some((&BY_HAND, own)) = state.split_first() {
        return A::resume_by_hand(own.to_vec(), given, reply).map(by_hand);
    }
    let about = &A::ABOUT;
    let response = |reply| super::answer::response(reply).map(Some);
    match state::decode(&state)? {
        State::Scan(state) => scan::resume(about, state, given, reply, A::failure),
        State::Fetch(state) => fetch::resume(about, state, given, reply, A::failure),
        State::Operation { of, kept } => {
            operation::run(about, of, kept, given, response(reply)?, A::failure)
        }
        State::Check { permission, kept } => {
            permission::run(about, &permission, kept, given, response(reply)?, A::failure)
        }
        State::Account { kept } => {
            permission::identify(about, kept, given, response(reply)?, A::failure)
        }
        State::Hook(state) => hook::resume(state, reply),
    }
}

/// Marks the state of a step as the adapter's own.
fn by_hand(mut step: Step) -> Step {
    match &mut step {
        Step::Send(crate::contract::Send { state, .. })
        | Step::Verify(crate::contract::Verify { state, .. })
        | Step::Transfer(crate::contract::Transfer { state, .. }) => state.insert(0, BY_HAND),
        Step::Done(_) => {}
    }
    step
}
