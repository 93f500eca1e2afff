//! The scan task: reads one page of a kind by its list.
//!
//! # Guarantees
//! `complete` exactly when the last list of the kind has no next page. Pages that go in a circle
//! are refused. A refusal of a request with a cursor starts the pass again, since a cursor expires;
//! one of a request with a token asks for a full pass.

use super::list::{self, Body, Place, Wanted};
use super::rows::Items;
use super::{About, Answer, Refusals, Source, answer};
use crate::contract::{
    Effect, Failure, Given, Outcome, Page, RemoteRef, Reply, Restart, Scan, Send, Since, Step,
};
use crate::state;
use serde::{Deserialize, Serialize};

/// The state of a page that was asked for.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct State {
    kind: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    parent: Option<RemoteRef>,
    place: Place,
    size: u32,
    /// The pass is one by token.
    #[serde(default)]
    by_token: bool,
}

/// Requests a page.
pub(crate) fn start(about: &About, task: &Scan, given: &Given) -> Result<Step, Failure> {
    let kind = about.known(&task.kind)?;
    let place = match &task.cursor {
        None => Place::default(),
        Some(bytes) => state::decode(bytes)?,
    };
    let list = kind.list_at(place.list)?;
    list.takes(&task.since)?;
    let parent = task.parent.as_ref().map_or("", |parent| parent.id.as_str());
    if kind.parent.is_some() == parent.is_empty() {
        let is = if parent.is_empty() { "only under a parent" } else { "as a whole" };
        return Err(Failure::Bug(format!("{} are listed {is}", kind.name)));
    }
    let size = task.page_size.clamp(1, list.most);
    let values = [("parent", parent)];
    let wanted = Wanted { since: &task.since, size, place: &place, values: &values, given };
    let request = list.call(wanted)?.request(&values, given, about.first_origin())?;
    let by_token = matches!(task.since, Since::Token(_));
    let state =
        State { kind: task.kind.clone(), parent: task.parent.clone(), place, size, by_token };
    let state = super::adapter::encode(&super::adapter::State::Scan(state))?;
    Ok(Step::Send(Send { request, state, effect: Effect::Safe, secrets: Vec::new() }))
}

/// Reads the page.
pub(crate) fn resume(
    about: &About,
    state: State,
    given: &Given,
    reply: Reply,
    refusals: Refusals,
) -> Result<Step, Failure> {
    let kind = about.known(&state.kind)?;
    let list = kind.list_at(state.place.list)?;
    let response = answer::response(reply)?;
    let answer = Answer::new(&response);
    if let Some(failure) = answer.own_failure(refusals, kind.permission) {
        return Err(failure);
    }
    if let Some(failure) = answer.refusal(kind.permission) {
        return Err(match failure {
            _ if state.place.at.is_some() && list::is_stale(&answer) => {
                Failure::Restart(Restart::Pass)
            }
            _ if state.by_token && list::is_stale(&answer) => Failure::Restart(Restart::Everything),
            other => other,
        });
    }
    let body = Body::of(&response)?;
    let rows = body.rows(list.rows)?;
    let source = Source { kind: kind.name, parent: state.parent.as_ref(), given };
    let mut items = Items::new(about, kind);
    for row in rows.iter() {
        items.read(&response.body, row, &source)?;
    }
    let mut next = list.next(&state.place, &body, rows.len(), state.size, &response)?;
    let further = state.place.list.saturating_add(1);
    if next.is_none() && kind.list_at(further).is_ok() {
        next = Some(Place::list(further));
    }
    let checkpoint = match (&next, list.token) {
        (None, Some((_, pointer))) => body.token(pointer)?,
        _ => None,
    };
    let page = Page {
        masks: items.masks(),
        items: items.items,
        complete: next.is_none(),
        next: next.map(|place| state::encode(&place)).transpose()?,
        checkpoint,
    };
    Ok(Step::Done(Outcome::page(page, items.problems)))
}
