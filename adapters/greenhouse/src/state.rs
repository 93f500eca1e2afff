//! What the adapter needs to know again when the reply to a step comes.
//!
//! Each task module owns the type of its own continuation and names its task
//! ([`Continued::TASK`]); the crate's root reads the name and calls the task. JSON, so that a
//! recorded run can be read; the engine's limit is 64 KiB, and every type holds ids and links only,
//! never rows. Left out: secrets (there are none to hold) and anything that `given` brings again.

use atsync_adapter::contract::{Continuation, Failure};
use serde::Serialize;
use std::collections::BTreeMap;

/// Where a task stands between two steps.
pub(crate) trait Continued: Serialize + Sized {
    /// The task, as the continuation names it.
    const TASK: &'static str;

    /// As the bytes of a step: an object with the task's name as its one member.
    fn encode(&self) -> Result<Continuation, Failure> {
        atsync_adapter::state::encode(&BTreeMap::from([(Self::TASK, self)]))
    }
}
