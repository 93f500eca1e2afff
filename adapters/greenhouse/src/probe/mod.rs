//! The probe task. Placeholder until the write half is merged.

use atsync_adapter::contract::{Failure, Given, Probe, Reply, Step};
use serde::{Deserialize, Serialize};

/// Where a probe stands between two steps.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct State {}

/// Begins.
pub(crate) fn start(_: Probe, _: &Given) -> Result<Step, Failure> {
    Err(Failure::Bug("the probe half is not merged yet".into()))
}

/// Goes on.
pub(crate) fn resume(_: State, _: &Given, _: Reply) -> Result<Step, Failure> {
    Err(Failure::Bug("the probe half is not merged yet".into()))
}
