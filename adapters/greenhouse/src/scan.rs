//! The scan task: reads one page of a kind.
//!
//! # Expected flow
//! The first page has the walk's own parameters, `per_page` and, for changes only, a closed window
//! over `updated_at` (harvest-v3.md §3.1, §3.2 \[2nd\]). A next page is the URL of the `Link`
//! header and nothing else; that of the last page is absent, or present and empty: one was
//! recorded, the other documented (§4 \[ok\]). When a scan ends and the kind has a further one (job
//! posts: active, then deleted), the cursor names the scan instead of a URL. A page may be shorter
//! than requested and still have a next page.
//!
//! # Guarantees
//! `complete` exactly when the last scan has no next page. A page that has itself as the next page
//! is refused, since the scan would never end.
//!
//! Rows that name options by id need further requests, for the names ([`crate::named`]).
//!
//! Left out: order. Rows come by falling id, so only a completed scan proves anything (§3.2).

use crate::kinds::{self, Kind};
use crate::named::{self, Naming, Reading};
use crate::state::Continued;
use crate::{answer, request, settings};
use atsync_adapter::contract::{Failure, Field, Given, Outcome, Page, Reply, Scan, Since, Step};
use atsync_adapter::link;
use serde::{Deserialize, Serialize};

/// The parameters of the page's request.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct State {
    kind: String,
    at: Cursor,
    /// The page, kept while the names of its options are requested.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    unnamed: Option<Unnamed>,
}

/// A page without the names of its options.
#[derive(Debug, Serialize, Deserialize)]
struct Unnamed {
    next: Option<Cursor>,
    naming: Naming,
}

impl Continued for State {
    const TASK: &str = "scan";
}

/// The state of a pass, as stored in `next`.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
struct Cursor {
    /// The index of the kind's scan.
    walk: usize,
    /// The page's URL; absent for a scan's first page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    link: Option<String>,
}

/// Requests the page.
pub(crate) fn start(task: Scan, given: &Given) -> Result<Step, Failure> {
    let kind = known(&task.kind)?;
    settings::opted_in(kind, given)?;
    if task.parent.is_some() {
        return Err(Failure::Bug(format!("{} are not listed under a parent", kind.name)));
    }
    let at = match &task.cursor {
        None => Cursor::default(),
        Some(bytes) => atsync_adapter::state::decode(bytes)?,
    };
    let request = match &at.link {
        Some(link) if !link::can_be_followed(link) => {
            return Err(Failure::Bug("the link of a cursor is empty or too long".into()));
        }
        Some(link) => request::follow(link.clone()),
        None => request::get(kind.collection, first_page(kind, &at, &task)?),
    };
    request::safe(request, &State { kind: task.kind, at, unnamed: None })
}

/// Reads the page.
pub(crate) fn resume(state: State, reply: Reply) -> Result<Step, Failure> {
    let kind = known(&state.kind)?;
    let response = answer::response(reply)?;
    if let Some(unnamed) = state.unnamed {
        let reading = named::read(kind, &response, Some(unnamed.naming))?;
        return page_of(reading, state.kind, state.at, unnamed.next);
    }
    if !(200..300).contains(&response.status) {
        let read = if state.at.link.is_some() { answer::cursor_refusal } else { answer::refusal };
        return Err(read(&response, &kind.permission()));
    }
    let reading = named::read(kind, &response, None)?;
    let next = match link::next(&response)? {
        Some(link) if state.at.link.as_ref() == Some(&link) => {
            return Err(Failure::Protocol(format!(
                "a page of {} has itself as the next page",
                kind.collection
            )));
        }
        Some(link) => Some(Cursor { walk: state.at.walk, link: Some(link) }),
        None if state.at.walk + 1 < kind.walks.len() => {
            Some(Cursor { walk: state.at.walk + 1, link: None })
        }
        None => None,
    };
    page_of(reading, state.kind, state.at, next)
}

/// Returns the page, or the request for its missing names.
fn page_of(
    reading: Reading,
    kind: String,
    at: Cursor,
    next: Option<Cursor>,
) -> Result<Step, Failure> {
    let rows = match reading {
        Reading::Ask(request, naming) => {
            let unnamed = Some(Unnamed { next, naming });
            return request::safe(*request, &State { kind, at, unnamed });
        }
        Reading::Done(rows) => rows,
    };
    let page = Page {
        items: rows.items,
        masks: rows.masks,
        complete: next.is_none(),
        next: next.map(|cursor| atsync_adapter::state::encode(&cursor)).transpose()?,
        checkpoint: None,
    };
    Ok(Step::Done(Outcome::page(page, rows.problems)))
}

fn known(name: &str) -> Result<&'static Kind, Failure> {
    kinds::named(name).ok_or_else(|| {
        Failure::Bug(format!("a scan of a kind that the manifest does not name: {name}"))
    })
}

/// Builds the query of a scan's first page.
fn first_page(kind: &Kind, at: &Cursor, task: &Scan) -> Result<Vec<Field>, Failure> {
    let walk = kind
        .walks
        .get(at.walk)
        .ok_or_else(|| Failure::Bug(format!("{} have no walk {}", kind.name, at.walk)))?;
    let mut query: Vec<Field> =
        walk.iter().map(|(name, value)| Field::new(*name, *value)).collect();
    match &task.since {
        Since::Everything => {}
        Since::Window(_) if !kind.windowed => {
            return Err(Failure::Bug(format!("{} have no list of changes", kind.name)));
        }
        Since::Window(window) => {
            query.push(Field::new("updated_at", format!("gte|{}|lte|{}", window.from, window.to)))
        }
        Since::Token(_) => return Err(Failure::Bug("Greenhouse has no change tokens".into())),
    }
    query.push(Field::new("per_page", task.page_size.clamp(1, kind.page_max).to_string()));
    Ok(query)
}
