//! The write task. Placeholder until the write half is merged.

use atsync_adapter::contract::{Failure, Given, Reply, Step, Write};
use serde::{Deserialize, Serialize};

/// Where a write stands between two steps.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct State {}

/// Begins.
pub(crate) fn start(_: Write, _: &Given) -> Result<Step, Failure> {
    Err(Failure::Bug("the write half is not merged yet".into()))
}

/// Goes on.
pub(crate) fn resume(_: State, _: &Given, _: Reply) -> Result<Step, Failure> {
    Err(Failure::Bug("the write half is not merged yet".into()))
}
