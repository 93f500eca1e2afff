//! The Greenhouse adapter: Harvest v3 by the engine's contract.
//!
//! [`Greenhouse`] is a pure function: it receives a task and returns a request or an outcome.
//! [`kinds`] is the table of the kinds with a unified shape, [`raw`] that of all other lists,
//! `wire` parses Greenhouse's JSON, `read` turns a row into a unified record, `named` fetches the
//! names of its options; `scan`, `fetch`, `check`,
//! `hook`, `register` and `tenant` are one task each; `write` sends operations and `probe` finds
//! out whether they happened. All of them share [`request`], which builds requests, and [`answer`],
//! which reads refusals. [`manifest`] describes the adapter as data.
//!
//! Comments cite facts about Greenhouse by section of the project's reference, "harvest-v3.md §4
//! \[ok\]": `[ok]` is stated officially or recorded, `[2nd]` reported by a third party, `[?]`
//! unconfirmed, so both readings must work here.
//!
//! Demographic and EEOC data are read only where a setting names them.
//!
//! Left out: sending, pacing and credentials (the engine does these), Harvest v1 and v2 (they no
//! longer answer).

pub mod answer;
mod check;
mod fetch;
mod hook;
mod instant;
pub mod kind;
pub mod kinds;
pub mod manifest;
mod named;
mod page;
mod probe;
pub mod raw;
mod read;
mod register;
pub mod request;
mod scan;
pub mod settings;
mod state;
mod tenant;
mod wire;
mod write;

use atsync_adapter::contract::{Continuation, Failure, Given, Reply, Step, Task};
use atsync_adapter::{Manifest, PureAdapter};
use serde::Deserialize;

/// A task between two steps, by the name that its continuation carries.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum State {
    Scan(scan::State),
    Fetch(fetch::State),
    Check(check::State),
    Hook(hook::State),
    Tenant(tenant::State),
    Register(register::State),
    Write(Box<write::State>),
    Sent(write::sent::Sent),
    Probe(Box<probe::State>),
}

/// The adapter for Greenhouse.
#[derive(Clone, Copy, Debug)]
pub struct Greenhouse;

impl PureAdapter for Greenhouse {
    fn describe() -> Manifest {
        manifest::manifest()
    }

    fn start(task: Task, given: &Given) -> Result<Step, Failure> {
        answer::cut(match task {
            Task::Scan(task) => scan::start(task, given),
            Task::Fetch(task) => fetch::start(task, given),
            Task::Check(permission) => check::start(&permission, given),
            Task::Hook(task) => hook::start(task),
            Task::DescribeTenant => tenant::start(given),
            Task::Register(task) => register::start(task),
            Task::Write(task) => write::start(task, given),
            Task::Probe(task) => probe::start(task, given),
        })
    }

    fn resume(state: Continuation, given: &Given, reply: Reply) -> Result<Step, Failure> {
        answer::cut(atsync_adapter::state::decode(&state).and_then(|state| match state {
            State::Scan(state) => scan::resume(state, reply),
            State::Fetch(state) => fetch::resume(state, reply),
            State::Check(state) => check::resume(state, given, reply),
            State::Hook(state) => hook::resume(state, reply),
            State::Tenant(state) => tenant::resume(state, given, reply),
            State::Register(state) => register::resume(state, reply),
            State::Write(state) => write::resume(*state, given, reply),
            State::Sent(sent) => write::sent(sent, reply),
            State::Probe(state) => probe::resume(*state, given, reply),
        }))
    }
}

#[cfg(feature = "component")]
atsync_adapter::export_adapter!(Greenhouse);
