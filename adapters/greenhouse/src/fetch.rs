//! The fetch task: reads records by their ids.
//!
//! The only way to request one record is the filter `ids` (harvest-v3.md §3 \[2nd\]); the answer
//! omits an unknown, deleted or invisible id. A filter takes 50 ids (§3.1 \[ok\]), which is also
//! the manifest's limit, so one request is enough. Job posts are the exception: no source says
//! whether `ids` shows a deleted one, so ids that the first request does not show are requested
//! again with `active=false`. Rows of two answers cannot be returned together (a raw record is a
//! span of the *last* reply), so job posts are fetched one at a time.
//!
//! Left out: whether a record that is not shown is deleted. The engine decides that.

use crate::kinds::{self, Kind};
use crate::named::{self, Naming, Reading};
use crate::state::Continued;
use crate::{answer, request, settings};
use atsync_adapter::contract::{
    Failure, Fetch, Fetched, Field, Given, Outcome, Reply, Request, Step,
};
use serde::{Deserialize, Serialize};

/// The requested ids.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct State {
    kind: String,
    /// Each id once.
    ids: Vec<String>,
    /// The requested texts that cannot be ids of Greenhouse.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    impossible: Vec<String>,
    /// The index of the kind's scan whose parameters were used.
    walk: usize,
    /// The rows, kept while the names of their options are requested.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    naming: Option<Naming>,
}

impl Continued for State {
    const TASK: &str = "fetch";
}

/// Requests the records.
pub(crate) fn start(task: Fetch, given: &Given) -> Result<Step, Failure> {
    let kind = known(&task.kind)?;
    settings::opted_in(kind, given)?;
    let mut wanted: Vec<String> = Vec::new();
    let mut impossible: Vec<String> = Vec::new();
    for id in task.ids {
        let list = if request::is_id(&id) { &mut wanted } else { &mut impossible };
        if !list.contains(&id) {
            list.push(id);
        }
    }
    if wanted.is_empty() {
        return Ok(Step::Done(Outcome::Fetched(Fetched {
            items: Vec::new(),
            masks: Vec::new(),
            missing: impossible,
        })));
    }
    if wanted.len() > usize::try_from(kind.ids_max).unwrap_or(usize::MAX) {
        return Err(Failure::Bug(format!(
            "a fetch of {} {}, more than the limit of {}",
            wanted.len(),
            kind.name,
            kind.ids_max
        )));
    }
    ask(kind, State { kind: task.kind, ids: wanted, impossible, walk: 0, naming: None })
}

/// Reads the reply, and sends another request where one cannot show every record.
pub(crate) fn resume(mut state: State, reply: Reply) -> Result<Step, Failure> {
    let kind = known(&state.kind)?;
    let response = answer::response(reply)?;
    let naming = state.naming.take();
    if naming.is_none() {
        answer::accepted(&response, &kind.permission())?;
    }
    let rows = match named::read(kind, &response, naming)? {
        Reading::Ask(request, naming) => {
            return request::safe(*request, &State { naming: Some(naming), ..state });
        }
        Reading::Done(rows) => rows,
    };
    if rows.items.is_empty() && state.walk + 1 < kind.walks.len() {
        return ask(kind, State { walk: state.walk + 1, ..state });
    }
    if rows.items.iter().any(|item| !state.ids.contains(&item.id)) {
        return Err(Failure::Protocol(format!(
            "a request for {} by id returned other records",
            kind.collection
        )));
    }
    // A row that cannot be read proves that its record exists.
    let unread = |id: &String| rows.problems.iter().any(|problem| problem.id.as_ref() == Some(id));
    let shown = |id: &String| rows.items.iter().any(|item| item.id == *id) || unread(id);
    let mut missing: Vec<String> = state.ids.iter().filter(|id| !shown(id)).cloned().collect();
    if rows.problems.iter().any(|problem| problem.id.is_none()) {
        // The unread row may be any of them.
        missing.clear();
    }
    if rows.nameless > 0 && !missing.is_empty() {
        // A stub without an id may be any of the records, and it exists, so none may be reported as
        // missing.
        return Err(Failure::Unavailable(format!(
            "{} of the {} are still being created",
            rows.nameless, kind.name
        )));
    }
    missing.extend(state.impossible);
    let fetched = Fetched { items: rows.items, masks: rows.masks, missing };
    Ok(Step::Done(Outcome::fetched(fetched, rows.problems)))
}

fn known(name: &str) -> Result<&'static Kind, Failure> {
    kinds::named(name).ok_or_else(|| {
        Failure::Bug(format!("a fetch of a kind that the manifest does not name: {name}"))
    })
}

fn ask(kind: &Kind, state: State) -> Result<Step, Failure> {
    let ids: Vec<&str> = state.ids.iter().map(String::as_str).collect();
    let request: Request = if kind.walks.len() == 1 {
        kinds::by_ids(kind.collection, &ids)?
    } else {
        let walk = kind.walks.get(state.walk).copied().unwrap_or_default();
        let mut query: Vec<Field> =
            walk.iter().map(|(name, value)| Field::new(*name, *value)).collect();
        query.push(request::ids("ids", &ids)?);
        request::get(kind.collection, query)
    };
    request::safe(request, &state)
}
