//! The probe task: did the write happen? Reads only.
//!
//! `first_sent_ms: none` is the probe before a create: an equal record is `found`, `matched`, and
//! the engine decides whether to adopt it. With a time it settles a write in doubt: a record that
//! was created before that time, less [`crate::instant::SKEW_MS`], belongs to another write, unless
//! Greenhouse itself allows only one of its kind (a tag's name, a user's address, one application
//! of a candidate to a job; pitfalls.md 1): then the existing record is the answer. Several matches
//! are reported, and none is chosen. `marked` is returned only for a candidate whose marker field
//! has the mark's text. [`candidate`], [`application`], [`background`] and [`made`] search new
//! records, [`target`] compares an existing record.

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
    /// When the write was first sent.
    sent_ms: Option<u64>,
    hunt: Hunt,
}

impl Continued for State {
    const TASK: &str = "probe";
}

/// The record to find.
#[derive(Debug, Serialize, Deserialize)]
enum Hunt {
    Candidate(Box<candidate::Hunt>),
    Application(Box<application::Hunt>),
    Background(Box<background::Hunt>),
    Made(made::Hunt),
    Target(Box<target::Hunt>),
}

/// Begins a probe.
pub(crate) fn start(probe: Probe, given: &Given) -> Result<Step, Failure> {
    let settings = Settings::of(given)?;
    let op = Op::decode(&probe.operation)?;
    let sent = Sent { first_ms: probe.first_sent_ms, now_ms: given.now_ms };
    let next = match op {
        Op::CandidateCreate { input, .. } => {
            candidate::begin(input, &settings, given.mark.as_ref(), sent)?
                .map(|hunt| Hunt::Candidate(Box::new(hunt)))
        }
        Op::ApplicationCreate { input, .. } => {
            application::begin(input)?.map(|hunt| Hunt::Application(Box::new(hunt)))
        }
        op => match (background::begin(&op)?, made::Want::of(&op)?) {
            (Some(next), _) => next.map(|hunt| Hunt::Background(Box::new(hunt))),
            (None, Some(want)) => made::begin(want).map(Hunt::Made),
            (None, None) => target::begin(op)?.map(|hunt| Hunt::Target(Box::new(hunt))),
        },
    };
    step(next, probe.first_sent_ms)
}

/// Continues a probe.
pub(crate) fn resume(state: State, given: &Given, reply: Reply) -> Result<Step, Failure> {
    let response: Response = answer::response(reply)?;
    let sent = Sent { first_ms: state.sent_ms, now_ms: given.now_ms };
    let next = match state.hunt {
        Hunt::Candidate(hunt) => {
            hunt.next(&response, sent)?.map(|hunt| Hunt::Candidate(Box::new(hunt)))
        }
        Hunt::Application(hunt) => {
            hunt.next(&response, sent)?.map(|hunt| Hunt::Application(Box::new(hunt)))
        }
        Hunt::Background(hunt) => {
            hunt.next(&response, sent)?.map(|hunt| Hunt::Background(Box::new(hunt)))
        }
        Hunt::Made(hunt) => hunt.next(&response, sent)?.map(Hunt::Made),
        Hunt::Target(hunt) => hunt
            .next(&response, sent, &Settings::of(given)?)?
            .map(|hunt| Hunt::Target(Box::new(hunt))),
    };
    step(next, state.sent_ms)
}

fn step(next: Next<Hunt>, sent_ms: Option<u64>) -> Result<Step, Failure> {
    match next {
        Next::Done(probed) => Ok(Step::Done(Outcome::Probed(probed))),
        Next::Look(request, hunt) => fits(request::look(*request, &State { sent_ms, hunt })?),
    }
}
