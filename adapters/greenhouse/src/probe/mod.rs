//! The probe task: did it happen? Reads only.
//!
//! `first_sent_ms: none` is the look before something is made: whatever is equal is `found`,
//! `matched`, and adopting it is the engine's policy. With a time it settles a doubt: what was made
//! before that time, less [`crate::instant::SKEW_MS`], is somebody else's, unless Greenhouse itself
//! allows only one of its kind (a tag's name, a user's address, one application of a person to a
//! job; pitfalls.md 1), where the one is the answer whoever made it. Several that fit are never
//! guessed between. `marked` is claimed only for a candidate whose marker field carries the mark's
//! text. [`candidate`] and [`application`] look for those two, [`made`] for all other new records,
//! [`target`] compares what an existing record looks like now.

mod application;
mod candidate;
mod made;
mod target;

use crate::answer;
use crate::instant;
use crate::request;
use crate::settings::Settings;
use crate::state;
use crate::write::fits;
use crate::write::op::Op;
use crate::write::row;
use crate::write::sent::subject;
use atsync_adapter::contract::{
    Certainty, Failure, Found, Given, Link, Outcome, Probe, Probed, RemoteRef, Reply, Request,
    Response, Step,
};
use atsync_adapter::model::kinds;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// How long a new or changed record may stay invisible. Greenhouse does not say (harvest-v3.md §7
/// [?]); v1 told to poll every 30 s.
fn visible_within_ms(kind: &str) -> u64 {
    if matches!(kind, kinds::CANDIDATES | kinds::APPLICATIONS) { 30_000 } else { 10_000 }
}

/// How long a row that is only a message is waited for. v1 spoke of minutes (harvest-v1.md §6);
/// arbitrary beyond that.
const MAKING_MS_MAX: u64 = 10 * 60 * 1000;

/// Where a probe stands between two looks.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct State {
    /// When the write was first sent.
    sent_ms: Option<u64>,
    hunt: Hunt,
}

/// What is being looked for.
#[derive(Debug, Serialize, Deserialize)]
enum Hunt {
    Candidate(Box<candidate::Hunt>),
    Application(Box<application::Hunt>),
    Made(made::Hunt),
    Target(Box<target::Hunt>),
}

/// What a look leads to.
enum Next {
    /// Another look.
    Look(Box<Request>, Hunt),
    /// An answer.
    Done(Probed),
}

/// Begins a probe.
pub(crate) fn start(probe: Probe, given: &Given) -> Result<Step, Failure> {
    let settings = Settings::of(given)?;
    let op = Op::decode(&probe.operation)?;
    let sent = Sent { first_ms: probe.first_sent_ms, now_ms: given.now_ms };
    let next = match op {
        Op::CandidateCreate { input, .. } => {
            candidate::begin(input, &settings, given.mark.as_ref(), sent)?
        }
        Op::ApplicationCreate { input, .. } => application::begin(input)?,
        op => match made::Want::of(&op)? {
            Some(want) => made::begin(want),
            None => target::begin(op)?,
        },
    };
    step(next, probe.first_sent_ms)
}

/// Goes on with a probe.
pub(crate) fn resume(state: State, given: &Given, reply: Reply) -> Result<Step, Failure> {
    let response: Response = answer::response(reply)?;
    let sent = Sent { first_ms: state.sent_ms, now_ms: given.now_ms };
    let next = match state.hunt {
        Hunt::Candidate(hunt) => hunt.next(&response, sent)?,
        Hunt::Application(hunt) => hunt.next(&response, sent)?,
        Hunt::Made(hunt) => hunt.next(&response, sent)?,
        Hunt::Target(hunt) => hunt.next(&response, sent, &Settings::of(given)?)?,
    };
    step(next, state.sent_ms)
}

fn step(next: Next, sent_ms: Option<u64>) -> Result<Step, Failure> {
    match next {
        Next::Done(probed) => Ok(Step::Done(Outcome::Probed(probed))),
        Next::Look(request, hunt) => {
            let state = state::State::Probe(Box::new(State { sent_ms, hunt }));
            fits(request::look(*request, &state)?)
        }
    }
}

/// When the write in doubt was first sent; `None` when nothing was sent yet.
#[derive(Clone, Copy, Debug)]
struct Sent {
    first_ms: Option<u64>,
    now_ms: u64,
}

impl Sent {
    /// The earliest time that what it made can carry.
    fn earliest_ms(self) -> Option<u64> {
        self.first_ms.map(|sent| sent.saturating_sub(instant::SKEW_MS))
    }

    /// Whether what it made may still be in the making.
    fn is_recent(self) -> bool {
        self.first_ms.is_some_and(|sent| self.now_ms.saturating_sub(sent) < MAKING_MS_MAX)
    }

    /// Whether a row can have been made by it. A row without a readable time can.
    fn can_have_made(self, row: &Value) -> bool {
        let created = instant::parse(row::text(row, "created_at"));
        match (self.earliest_ms(), created) {
            (Some(earliest), Some(created)) => created >= earliest,
            _ => true,
        }
    }
}

fn look(request: Request, hunt: Hunt) -> Next {
    Next::Look(Box::new(request), hunt)
}

fn found(links: Vec<Link>, certainty: Certainty) -> Next {
    Next::Done(Probed::Found(Found { links, certainty }))
}

fn absent(kind: &str) -> Next {
    Next::Done(Probed::Absent(visible_within_ms(kind)))
}

fn blind(why: &str) -> Next {
    Next::Done(Probed::Blind(why.to_owned()))
}

fn ambiguous(kind: &str, ids: &[String]) -> Next {
    Next::Done(Probed::Ambiguous(ids.iter().map(|id| RemoteRef::new(kind, id.as_str())).collect()))
}

/// One fits, none does, or several do.
fn matched(kind: &str, ids: &[String]) -> Next {
    match ids {
        [] => absent(kind),
        [id] => found(vec![subject(kind, id.clone())], Certainty::Matched),
        several => ambiguous(kind, several),
    }
}
