//! The writes: which method and path has which effect under which scope. This file only routes;
//! each effect has its own file.
//!
//! There is no idempotency: a creation that is sent twice is carried out twice, and a known e-mail
//! address only means that both opportunities belong to one contact.

mod changes;
mod contacts;
mod notes;
mod opportunities;

use atsync_sandbox::{Answer, Request};
use serde_json::{Value, json};

use crate::model::{Model, texts};
use crate::query::Query;
use crate::quirks::{ClientTime, Quirks};
use crate::refusal::Refusal;
use crate::render::{Render, Seen};

pub(crate) use changes::{archive, move_to};
pub(crate) use contacts::{edit as edit_contact, merge};
pub(crate) use notes::add as add_note;
pub(crate) use opportunities::{New, create};

/// The state that a write changes.
pub(crate) struct Writing<'a> {
    pub(crate) model: &'a mut Model,
    pub(crate) quirks: &'a Quirks,
    /// The user whom the write names as its author.
    pub(crate) actor: Option<String>,
    /// Whether it finds confidential records.
    pub(crate) confidential: bool,
}

/// A write that exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Route {
    /// The endpoint, as its scope names it.
    pub(crate) endpoint: &'static str,
    deed: Deed,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Deed {
    Create,
    Move,
    Archive,
    /// Adds to a list, or removes from it: `tags`, `sources` or `links`.
    Change {
        list: &'static str,
        adds: bool,
    },
    EditContact,
    AddNote,
    DeleteNote,
    Apply,
}

/// Finds the write for a method and path segments below `/v1/`.
pub(crate) fn route(method: &str, segments: &[&str]) -> Option<Route> {
    let change = |list, adds| ("opportunities", Deed::Change { list, adds });
    let (endpoint, deed) = match (method, segments) {
        ("POST", ["opportunities"]) => ("opportunities", Deed::Create),
        ("PUT", ["opportunities", _, "stage"]) => ("opportunities", Deed::Move),
        ("PUT", ["opportunities", _, "archived"]) => ("opportunities", Deed::Archive),
        ("POST", ["opportunities", _, "addTags"]) => change("tags", true),
        ("POST", ["opportunities", _, "removeTags"]) => change("tags", false),
        ("POST", ["opportunities", _, "addSources"]) => change("sources", true),
        ("POST", ["opportunities", _, "removeSources"]) => change("sources", false),
        ("POST", ["opportunities", _, "addLinks"]) => change("links", true),
        ("POST", ["opportunities", _, "removeLinks"]) => change("links", false),
        ("POST", ["opportunities", _, "notes"]) => ("notes", Deed::AddNote),
        ("DELETE", ["opportunities", _, "notes", _]) => ("notes", Deed::DeleteNote),
        ("PUT", ["contacts", _]) => ("contacts", Deed::EditContact),
        ("POST", ["postings", _, "apply"]) => ("postings", Deed::Apply),
        _ => return None,
    };
    Some(Route { endpoint, deed })
}

impl Route {
    /// Whether it applies to a posting, which has a budget of its own.
    pub(crate) fn is_apply(self) -> bool {
        self.deed == Deed::Apply
    }
}

/// Carries out a write.
pub(crate) fn perform(
    context: &mut Writing<'_>,
    route: Route,
    segments: &[&str],
    request: &Request<'_>,
) -> Result<Answer, Refusal> {
    let query = Query::of(request);
    let known: &[&str] = match route.deed {
        Deed::Create => &["perform_as", "parse", "perform_as_posting_owner", "include", "expand"],
        Deed::AddNote => &["perform_as", "note_id"],
        Deed::Apply => &["send_confirmation_email"],
        _ => &["perform_as", "include", "expand"],
    };
    query.check(known, context.quirks.unknown_parameters_pass)?;
    context.actor = actor(context.model, &query)?;
    let id = segments.get(1).copied().unwrap_or_default();
    let needs_actor =
        matches!(route.deed, Deed::Create | Deed::Move | Deed::Archive | Deed::AddNote);
    let by_owner =
        route.deed == Deed::Create && query.flag("perform_as_posting_owner")?.unwrap_or(false);
    if needs_actor && context.actor.is_none() && !by_owner {
        return Err(Refusal::bad("\"perform_as\" is required"));
    }
    if segments.first() == Some(&"opportunities") && segments.len() > 1 {
        context.must_find(id)?;
    }
    match route.deed {
        Deed::Create => opportunities::create_request(context, request, by_owner),
        Deed::Apply => opportunities::apply_request(context, request, id),
        Deed::Move => changes::move_request(context, request, id),
        Deed::Archive => changes::archive_request(context, request, id),
        Deed::Change { list, adds } => changes::list_request(context, request, id, list, adds),
        Deed::EditContact => contacts::edit_request(context, request, id),
        Deed::AddNote => notes::add_request(context, request, id, query.one("note_id")?),
        Deed::DeleteNote => {
            notes::delete(context, id, segments.last().copied().unwrap_or_default())
        }
    }
}

fn actor(model: &Model, query: &Query) -> Result<Option<String>, Refusal> {
    let Some(id) = query.one("perform_as")? else { return Ok(None) };
    let user = model.get("users", id);
    let active = user.is_some_and(|user| user.get("deactivatedAt").is_none_or(Value::is_null));
    if active {
        return Ok(Some(id.to_owned()));
    }
    Err(Refusal::bad("\"perform_as\" is not an active user"))
}

impl Writing<'_> {
    /// Refuses with 404 unless the opportunity exists and the key may see it.
    fn must_find(&self, id: &str) -> Result<(), Refusal> {
        let confidential = self.model.text("opportunities", id, "confidentiality");
        match confidential {
            Some("confidential") if !self.confidential => Err(Refusal::NotFound("Opportunity")),
            Some(_) => Ok(()),
            None => Err(Refusal::NotFound("Opportunity")),
        }
    }

    /// Makes the acting user a follower.
    fn follow(&mut self, opportunity: &str) {
        let Some(actor) = self.actor.clone() else { return };
        let held = self.model.get("opportunities", opportunity);
        let mut followers = held.map(|held| texts(held, "followers")).unwrap_or_default();
        if !followers.contains(&actor) {
            followers.push(actor);
            self.model.set("opportunities", opportunity, json!({"followers": followers}));
        }
    }

    /// Returns what is stored of a time that the client chose.
    fn client_time(&self, given_ms: Option<i64>) -> i64 {
        match (given_ms, self.quirks.client_time) {
            (Some(at_ms), ClientTime::Exact) => at_ms,
            (Some(at_ms), ClientTime::WholeSeconds) => at_ms - at_ms.rem_euclid(1000),
            _ => self.model.now_ms(),
        }
    }

    /// Shows an opportunity after a write.
    fn shown(&self, id: &str, seen: Seen) -> Value {
        let render = Render { model: self.model, unknown_field: self.quirks.unknown_field };
        let held = self.model.get("opportunities", id);
        held.map(|held| render.opportunity(held, seen)).unwrap_or_default()
    }
}

fn data(status: u16, shown: &Value) -> Answer {
    Answer::value(status, &json!({"data": shown}))
}
