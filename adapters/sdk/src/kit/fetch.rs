//! The fetch task: reads single records by id.
//!
//! A fetch is either one request for one id, or a list that takes ids. The first answers 404 or 410
//! for a record that is gone; the second leaves it out. Left out: one request after the other for
//! several ids, whose records a continuation could not hold; such a kind takes one id at a time.

use super::list::Body;
use super::rows::Items;
use super::{About, Answer, Ask, Call, Kind, List, Refusals, Source, answer};
use crate::contract::{
    Effect, Failure, Fetch as Task, Fetched, Given, Outcome, RemoteRef, Reply, Send, Step,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

/// How records are read by id.
#[derive(Clone, Copy, Debug)]
pub struct Fetch {
    pub(crate) ask: Ask,
    pub(crate) at: &'static str,
    /// The parameter with the ids, what separates them, and how many it takes.
    pub(crate) many: Option<(&'static str, &'static str, u32)>,
}

impl Fetch {
    /// One record by a GET of this path, which has the placeholder `{id}`.
    pub const fn get(path: &'static str) -> Self {
        Self::by(Ask::get(path))
    }

    /// One record by this request, which has the placeholder `{id}`. The manifest lists a POST as
    /// safe.
    pub const fn by(ask: Ask) -> Self {
        Self { ask, at: "", many: None }
    }

    /// Up to `most` records by a list, with their ids in one parameter, joined by `separator`.
    pub const fn list(
        list: List,
        parameter: &'static str,
        separator: &'static str,
        most: u32,
    ) -> Self {
        Self { ask: list.ask, at: list.rows, many: Some((parameter, separator, most)) }
    }

    /// Says where the record lies in the answer: a JSON pointer, such as `/data`.
    pub const fn at(mut self, pointer: &'static str) -> Self {
        self.at = pointer;
        self
    }
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct State {
    kind: String,
    ids: Vec<String>,
}

/// Requests the records.
pub(crate) fn start(about: &About, task: &Task, given: &Given) -> Result<Step, Failure> {
    let kind = about.known(&task.kind)?;
    let no_fetch = || Failure::Bug(format!("{} are not read by {} ids", kind.name, task.ids.len()));
    let fetch = kind.fetch.ok_or_else(no_fetch)?;
    let mut call = Call::from(fetch.ask);
    let first = task.ids.first().ok_or_else(no_fetch)?;
    let values = [("id", first.as_str())];
    match fetch.many {
        None if task.ids.len() > 1 => return Err(no_fetch()),
        None => {}
        Some((parameter, separator, _)) => {
            call.add(vec![(parameter, Value::from(task.ids.join(separator)))], &values, given)?;
        }
    }
    let request = call.request(&values, given, about.first_origin())?;
    let state = State { kind: task.kind.clone(), ids: task.ids.clone() };
    let state = super::adapter::encode(&super::adapter::State::Fetch(state))?;
    Ok(Step::Send(Send { request, state, effect: Effect::Safe, secrets: Vec::new() }))
}

/// Reads the records.
pub(crate) fn resume(
    about: &About,
    state: State,
    given: &Given,
    reply: Reply,
    refusals: Refusals,
) -> Result<Step, Failure> {
    let kind = about.known(&state.kind)?;
    let fetch = kind.fetch.ok_or_else(|| Failure::Bug(format!("{} have no fetch", kind.name)))?;
    let response = answer::response(reply)?;
    let answer = Answer::new(&response);
    let mut items = Items::new(about, kind);
    let parent = parent(kind, &state.ids);
    let source = Source { kind: kind.name, parent: parent.as_ref(), given };
    match answer.failure(refusals, kind.permission) {
        Some(Failure::NotFound(_) | Failure::Gone(_)) if fetch.many.is_none() => {}
        Some(failure) => return Err(failure),
        None if fetch.many.is_some() => {
            for row in Body::of(&response)?.rows(fetch.at)?.iter() {
                items.read(&response.body, row, &source)?;
            }
        }
        None => items.read(&response.body, one(&response, fetch.at)?, &source)?,
    }
    // Records of other kinds in the row, and rows that were not asked for, come with their scans.
    items.items.retain(|item| item.kind == kind.name && state.ids.contains(&item.id));
    let known = |id: &String| {
        items.items.iter().any(|item| item.id == *id)
            || items.problems.iter().any(|problem| problem.id.as_ref().is_none_or(|of| of == id))
    };
    let missing = state.ids.iter().filter(|id| !known(id)).cloned().collect();
    let masks = items.masks();
    let fetched = Fetched { items: items.items, masks, missing };
    Ok(Step::Done(Outcome::fetched(fetched, items.problems)))
}

/// The parent of a record that is listed under one and is asked for by a composite id, which begins
/// with the parent's.
fn parent(kind: &Kind, ids: &[String]) -> Option<RemoteRef> {
    let (of, id) = (kind.parent?, ids.first()?);
    id.rsplit_once('/').map(|(parent, _)| RemoteRef::new(of, parent))
}

fn one<'a>(
    response: &'a crate::contract::Response,
    pointer: &str,
) -> Result<&'a RawValue, Failure> {
    let whole: &RawValue = serde_json::from_str(answer::text(response)?)
        .map_err(|error| answer::unreadable(response, &error))?;
    if pointer.is_empty() {
        return Ok(whole);
    }
    Body::of(response)?
        .at(pointer)
        .ok_or_else(|| Failure::Protocol(format!("the answer has no record at `{pointer}`")))
}
