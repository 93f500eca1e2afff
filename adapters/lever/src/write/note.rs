//! Notes: added, never changed.
//!
//! Lever has notes on opportunities alone. A note that names no application goes to the person's
//! oldest opportunity. It stays the oldest whatever is added, so a probe searches the same one,
//! unless the person was merged with another one meanwhile.

use super::{ACTOR, Match, REFUSED, VISIBLE_WITHIN_MS, mark, needs_actor, single};
use crate::common::{self, CONFIDENTIALITY};
use crate::notes::{self, Field};
use atsync_adapter::kit::*;
use atsync_adapter::model::normal;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub(super) const CREATE: Operation = Operation::new("notes.create", EffectClass::Probeable, create)
    .members(&[
        ("candidate", FieldMode::CreateOnly),
        ("application", FieldMode::CreateOnly),
        ("body", FieldMode::CreateOnly),
        ("visibility", FieldMode::CreateOnly),
    ])
    .required(&["candidate", "body"])
    .refused(REFUSED)
    .permissions(&["notes:write", "notes:read", "opportunities:read"])
    .calls(4)
    .probe(find, VISIBLE_WITHIN_MS);

const NOTES: List = common::pages("/opportunities/{application}/notes");

#[derive(Deserialize)]
struct New {
    candidate: String,
    application: Option<String>,
    body: String,
    visibility: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    value: String,
    secret: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    created_at: Option<u64>,
}

/// The person's opportunities, archived and confidential ones included.
const OPPORTUNITIES: Ask = Ask::get("/opportunities").query(&[
    ("contact_id", "{candidate}"),
    ("limit", "100"),
    CONFIDENTIALITY,
]);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Opportunities {
    data: Vec<Opportunity>,
    has_next: Option<bool>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Opportunity {
    id: Id,
    contact: Option<Value>,
    created_at: Option<u64>,
}

/// The opportunity that has the note: the application, or else the person's oldest opportunity.
fn opportunity(ats: &mut Ats<'_>, new: &New) -> Result<String, Stop> {
    if let Some(application) = &new.application {
        return Ok(application.clone());
    }
    ats.read(OPPORTUNITIES.with("candidate", new.candidate.as_str()), |answer| {
        let shown: Opportunities = answer.json()?;
        if shown.has_next == Some(true) {
            let message = "the candidate has more opportunities than a page shows";
            return Err(Failure::Protocol(message.into()));
        }
        // A filter that is ignored shows everybody's.
        let is_own = |one: &Opportunity| {
            one.contact.as_ref().and_then(Value::as_str) == Some(new.candidate.as_str())
        };
        let own = shown.data.into_iter().filter(is_own);
        let dated = own.filter_map(|one| Some((one.created_at?, String::from(one.id))));
        // A search may not show yet what was created a moment ago.
        dated.min().map(|(_, id)| id).ok_or_else(|| {
            Failure::NotFound("no opportunity of the candidate is shown for the note".into())
        })
    })
}

fn create(ats: &mut Ats<'_>, op: &Op<'_>) -> Result<Applied, Stop> {
    needs_actor(ats)?;
    let new: New = op.input()?;
    let opportunity = opportunity(ats, &new)?;
    let secret = new.visibility.is_some_and(|visibility| visibility != "public");
    let body = Body { value: new.body, secret, created_at: mark(op) };
    let ask = Ask::post("/opportunities/{application}/notes").query(ACTOR);
    let ask = ask.with("application", opportunity.as_str()).json(&body);
    let id = ats.send(ask, |answer| {
        let id = answer.id("/data/noteId").or_else(|_| answer.id("/data/id"))?;
        Ok(String::from(id))
    })?;
    Ok(op.made(Id::join([opportunity, id])))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    id: Id,
    #[serde(default)]
    fields: Vec<Field>,
    created_at: Option<u64>,
}

/// Did it happen? The note with the mark is the one; without it, one of the same text.
fn find(ats: &mut Ats<'_>, op: &Op<'_>) -> Result<Probed, Stop> {
    let new: New = op.input()?;
    let opportunity = opportunity(ats, &new)?;
    let (wanted, mark) = (normal::text(&new.body), mark(op));
    let found = ats.search(&NOTES, &[("application", &opportunity)], |row: Row| {
        let is_marked = mark.is_some() && row.created_at == mark;
        let is_same = notes::body(row.fields).is_some_and(|body| normal::text(&body) == wanted);
        let ids = vec![String::from(row.id)];
        (is_marked || is_same).then(|| Match { is_marked, ids }.id())
    })?;
    Ok(single(op, &found, |id| Id::join([opportunity.as_str(), id])))
}
