//! What the adapter needs to know again when the reply to a step comes: one enum, a variant per
//! task.
//!
//! Each task module owns the type of its own continuation. JSON, so that a recorded run can be
//! read; the engine's limit is 64 KiB, and every variant holds ids and links only, never rows. Left
//! out: secrets (there are none to hold) and anything that `given` brings again.

use crate::{check, fetch, hook, probe, scan, tenant, write};
use atsync_adapter::contract::{Continuation, Failure};
use serde::{Deserialize, Serialize};

/// Where a task stands between two steps.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum State {
    /// A page was asked for.
    Scan(scan::State),
    /// Records were asked for by their ids.
    Fetch(fetch::State),
    /// A permission is being found out about.
    Check(check::State),
    /// A webhook's signature is being checked.
    Hook(hook::State),
    /// The tenant is being recognised.
    Tenant(tenant::State),
    /// A write between its reads and its one effect.
    Write(Box<write::State>),
    /// A probe between its looks.
    Probe(Box<probe::State>),
}

impl State {
    /// As the bytes of a step.
    pub(crate) fn encode(&self) -> Result<Continuation, Failure> {
        atsync_adapter::state::encode(self)
    }

    /// Back from the bytes.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, Failure> {
        atsync_adapter::state::decode(bytes)
    }
}
