//! An adapter as its author writes it in Rust: three functions of plain data.
//!
//! The SDK turns it into a component; a host can also link it in and pass it to the engine.

use crate::contract::{Continuation, Failure, Given, Reply, Step, Task};
use crate::manifest::Manifest;

/// An adapter for one ATS.
///
/// # Guarantees that the engine gives
/// Each call may run in a fresh instance. `resume` is called with the state of the step that the
/// reply belongs to, and only with a complete reply. `given` is as fresh at `resume` as at `start`.
///
/// # What the engine checks
/// A `write` task sends exactly one `unsafe` request, any other task none. Outcome and task belong
/// together. Limits on sizes hold.
pub trait PureAdapter {
    /// What this adapter is. Constant.
    fn describe() -> Manifest;

    /// Begins a task.
    ///
    /// # Errors
    /// A [`Failure`] says why the task failed, which decides what the engine does next.
    fn start(task: Task, given: &Given) -> Result<Step, Failure>;

    /// Continues after a reply.
    ///
    /// # Errors
    /// As for [`PureAdapter::start`].
    fn resume(state: Continuation, given: &Given, reply: Reply) -> Result<Step, Failure>;
}
