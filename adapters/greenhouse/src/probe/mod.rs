//! The probe task: did the write happen? Reads only.
//!
//! `first_sent_ms: none` is the probe before a create: an equal record is `found`, `matched`, and
//! the engine decides whether to adopt it. With a time it settles a write in doubt: a record that
//! was created before that time, less [`crate::instant::SKEW_MS`], belongs to another write, unless
//! Greenhouse itself allows only one such record (a tag's name, a user's address, one application
//! of a candidate to a job; pitfalls.md 1): then the existing record is the result. Several matches
//! are reported, and none is chosen. Only a candidate whose marker field has the mark's text is
//! `marked`. [`candidate`], [`application`], [`background`] and [`made`] search new records,
//! [`target`] compares an existing record.

mod application;
mod background;
mod candidate;
mod made;
mod next;
mod target;

use crate::answer;
use crate::request;
use crate::settings::Settings;
use crate::state::Continued;
use crate::write::op::Op;
use crate::write::steps::fits;
use atsync_adapter::contract::{Failure, Given, Outcome, Probe, Reply, Response, Step};
use next::{Next, Sent};
use serde::{Deserialize, Serialize};

/// The state of a probe between two requests.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct State {
    /// The time when the write was first sent.
    sent_ms: Option<u64>,
    search: Search,
}

impl Continued for State {
    const TASK: &str = "probe";
}

/// The record to find.
#[derive(Debug, Serialize, Deserialize)]
enum Search {
    Candidate(Box<candidate::Search>),
    Application(Box<application::Search>),
    Background(Box<background::Search>),
    Made(made::Search),
    Target(Box<target::Search>),
}

/// Begins a probe.
pub(crate) fn start(probe: Probe, given: &Given) -> Result<Step, Failure> {
    let settings = Settings::of(given)?;
    let op = Op::decode(&probe.operation)?;
    let sent = Sent { first_ms: probe.first_sent_ms, now_ms: given.now_ms };
    let next = match op {
        Op::CandidateCreate { input, .. } => {
            candidate::begin(input, &settings, given.mark.as_ref(), sent)?
                .map(|search| Search::Candidate(Box::new(search)))
        }
        Op::ApplicationCreate { input, .. } => {
            application::begin(input)?.map(|search| Search::Application(Box::new(search)))
        }
        op => match (background::begin(&op)?, made::Want::of(&op)?) {
            (Some(next), _) => next.map(|search| Search::Background(Box::new(search))),
            (None, Some(want)) => made::begin(want).map(Search::Made),
            (None, None) => target::begin(op)?.map(|search| Search::Target(Box::new(search))),
        },
    };
    step(next, probe.first_sent_ms)
}

/// Continues a probe.
pub(crate) fn resume(state: State, given: &Given, reply: Reply) -> Result<Step, Failure> {
    let response: Response = answer::response(reply)?;
    let sent = Sent { first_ms: state.sent_ms, now_ms: given.now_ms };
    let next = match state.search {
        Search::Candidate(search) => {
            search.next(&response, sent)?.map(|search| Search::Candidate(Box::new(search)))
        }
        Search::Application(search) => {
            search.next(&response, sent)?.map(|search| Search::Application(Box::new(search)))
        }
        Search::Background(search) => {
            search.next(&response, sent)?.map(|search| Search::Background(Box::new(search)))
        }
        Search::Made(search) => search.next(&response, sent)?.map(Search::Made),
        Search::Target(search) => search
            .next(&response, sent, &Settings::of(given)?)?
            .map(|search| Search::Target(Box::new(search))),
    };
    step(next, state.sent_ms)
}

fn step(next: Next<Search>, sent_ms: Option<u64>) -> Result<Step, Failure> {
    match next {
        Next::Done(probed) => Ok(Step::Done(Outcome::Probed(probed))),
        Next::Ask(request, search) => fits(request::safe(*request, &State { sent_ms, search })?),
    }
}
