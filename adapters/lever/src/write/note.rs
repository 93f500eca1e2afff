//! Notes: added, never changed.

use super::{ACTOR, Match, REFUSED, VISIBLE_WITHIN_MS, mark, needs_actor, single};
use crate::common;
use crate::notes::{self, Field};
use atsync_adapter::kit::*;
use atsync_adapter::model::normal;
use serde::{Deserialize, Serialize};

pub(super) const CREATE: Operation = Operation::new("notes.create", EffectClass::Probeable, create)
    .members(&[
        ("application", FieldMode::CreateOnly),
        ("body", FieldMode::CreateOnly),
        ("visibility", FieldMode::CreateOnly),
    ])
    .required(&["application", "body"])
    .refused(REFUSED)
    .permissions(&["notes:write", "notes:read"])
    .calls(2)
    .probe(find, VISIBLE_WITHIN_MS);

const NOTES: List = common::pages("/opportunities/{application}/notes");

#[derive(Deserialize)]
struct New {
    application: String,
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

fn create(ats: &mut Ats<'_>, op: &Op<'_>) -> Result<Applied, Stop> {
    needs_actor(ats)?;
    let new: New = op.input()?;
    let secret = new.visibility.is_some_and(|visibility| visibility != "public");
    let body = Body { value: new.body, secret, created_at: mark(op) };
    let ask = Ask::post("/opportunities/{application}/notes").query(ACTOR);
    let ask = ask.with("application", new.application.as_str()).json(&body);
    let id = ats.send(ask, |answer| {
        let id = answer.id("/data/noteId").or_else(|_| answer.id("/data/id"))?;
        Ok(String::from(id))
    })?;
    Ok(op.made(Id::join([new.application, id])))
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
    let (wanted, mark) = (normal::text(&new.body), mark(op));
    let found = ats.search(&NOTES, &[("application", &new.application)], |row: Row| {
        let is_marked = mark.is_some() && row.created_at == mark;
        let is_same = notes::body(row.fields).is_some_and(|body| normal::text(&body) == wanted);
        let ids = vec![String::from(row.id)];
        (is_marked || is_same).then(|| Match { is_marked, ids }.id())
    })?;
    Ok(single(op, &found, |id| Id::join([new.application.as_str(), id])))
}
