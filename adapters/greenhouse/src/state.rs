//! The state of a task between a step and its reply.
//!
//! Each task module owns the type of its own continuation and names its task ([`Continued::TASK`]);
//! the crate's root reads the name and calls the task. The format is JSON, so that a recorded run
//! can be read. The engine's limit is 64 KiB, and most types hold ids and links only. Left out:
//! secrets (there are none) and the contents of `given`.

use atsync_adapter::contract::{Continuation, Failure};
use serde::Serialize;
use std::collections::BTreeMap;

/// The state of a task between two steps.
pub(crate) trait Continued: Serialize + Sized {
    /// The task, as the continuation names it.
    const TASK: &'static str;

    /// Encodes the state as the bytes of a step: an object with the task's name as its one member.
    fn encode(&self) -> Result<Continuation, Failure> {
        atsync_adapter::state::encode(&BTreeMap::from([(Self::TASK, self)]))
    }
}
