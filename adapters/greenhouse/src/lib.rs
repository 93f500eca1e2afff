//! The Greenhouse adapter: Harvest v3 as the engine's contract wants it.
//!
//! [`Greenhouse`] is a pure function: a task in, a request or an outcome out. Where to look:
//! [`kinds`] is the table of everything that can be read, [`wire`] how Greenhouse writes its JSON, `read` how a row becomes a unified record;
//! `scan`, `fetch`, `check`, `hook` and `tenant` are one task each; `write` and `probe` carry operations out and find out whether they happened.
//! [`request`] and [`answer`] are what they all share: how to ask, and what a refusal means. [`manifest`] says all of it as data.
//!
//! Facts about Greenhouse are cited by section of the project's reference, "harvest-v3.md §4 [ok]": `[ok]` stated officially or recorded,
//! `[2nd]` read by somebody else, `[?]` unconfirmed, so that both readings must work here.
//!
//! Left out: sending, pacing, credentials (the engine's), Harvest v1 and v2 (they no longer answer), demographic data (never by default).

pub mod answer;
mod probe;
pub mod request;
pub mod settings;
pub mod state;
mod write;

use atsync_adapter::contract::{Continuation, Failure, Given, Reply, Step, Task};
use atsync_adapter::{Adapter, Manifest};
use state::State;

/// The adapter.
#[derive(Clone, Copy, Debug)]
pub struct Greenhouse;

impl Adapter for Greenhouse {
    fn describe() -> Manifest {
        Manifest {
            name: "greenhouse".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            title: "Greenhouse".into(),
            contract: atsync_adapter::CONTRACT.into(),
            origins: Vec::new(),
            auth: Vec::new(),
            rates: Vec::new(),
            kinds: Vec::new(),
            operations: Vec::new(),
            permissions: Vec::new(),
            settings_schema: settings::schema(),
            lossy: Vec::new(),
        }
    }

    fn start(task: Task, given: &Given) -> Result<Step, Failure> {
        match task {
            Task::Write(task) => write::start(task, given),
            Task::Probe(task) => probe::start(task, given),
            _ => Err(Failure::Bug("the read half is on its way".into())),
        }
    }

    fn resume(state: Continuation, given: &Given, reply: Reply) -> Result<Step, Failure> {
        match State::decode(&state)? {
            State::Write(state) => write::resume(*state, given, reply),
            State::Probe(state) => probe::resume(*state, given, reply),
        }
    }
}

atsync_adapter::export_adapter!(Greenhouse);
