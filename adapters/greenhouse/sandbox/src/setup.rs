//! The company's set-up as its admins change it: rows set, added and deleted on their screens.
//!
//! A deletion differs by collection (harvest-v3.md §9.6, §9.7, webhooks.md §4): a post or a stage
//! stays as an inactive row; a department or an office is removed with all below it, and a closed
//! job with its posts and stages.

use serde_json::{Map, Value};

use crate::model::Touch;
use crate::model::cell::Cell;
use crate::refusal::Refusal;
use crate::schema::{FieldKind, Kind};
use crate::writes::WriteContext;

/// The columns of some values, and whether their change sets the stamp.
struct Cells {
    cells: Vec<(&'static str, Cell)>,
    touch: Touch,
}

/// Sets columns of a row.
pub(crate) fn set(
    context: &mut WriteContext<'_>,
    collection: &str,
    id: i64,
    values: &Map<String, Value>,
) -> Result<i64, Refusal> {
    let kind = Kind::named(collection).ok_or(Refusal::NotFound)?;
    if !context.model.has(kind, id) {
        return Err(Refusal::NotFound);
    }
    let Cells { cells, touch } = cells(kind, values)?;
    context.model.set(kind, id, touch, &cells);
    Ok(id)
}

/// Adds a row; columns that are not named are empty.
pub(crate) fn add(
    context: &mut WriteContext<'_>,
    collection: &str,
    values: &Map<String, Value>,
) -> Result<i64, Refusal> {
    let kind = Kind::named(collection).ok_or(Refusal::NotFound)?;
    let Cells { cells, .. } = cells(kind, values)?;
    Ok(context.model.insert(kind, &cells))
}

/// Deletes a record of the set-up.
pub(crate) fn delete(
    context: &mut WriteContext<'_>,
    collection: &str,
    id: i64,
) -> Result<i64, Refusal> {
    let kind = Kind::named(collection).ok_or(Refusal::NotFound)?;
    if !context.model.has(kind, id) {
        return Err(Refusal::NotFound);
    }
    let inactive = ("active", Cell::Bool(false));
    match kind {
        Kind::JobPosts => {
            if context.model.flag(kind, id, "live") {
                return Err(Refusal::invalid("base", "post is live"));
            }
            context.model.set(kind, id, Touch::Stamp, &[inactive]);
        }
        Kind::JobInterviewStages => {
            context.model.set(kind, id, Touch::Stamp, &[inactive]);
        }
        Kind::Departments | Kind::Offices => {
            for place in [vec![id], below(context, kind, id)].concat() {
                context.model.remove(kind, place);
            }
        }
        Kind::Jobs => {
            if context.model.text(kind, id, "status") != Some("closed") {
                return Err(Refusal::invalid("base", "job is not closed"));
            }
            if !context.model.find(Kind::Applications, "job_id", id).is_empty() {
                return Err(Refusal::invalid("base", "job has applications"));
            }
            for child in [Kind::JobPosts, Kind::JobInterviewStages, Kind::Openings] {
                for row in context.model.find(child, "job_id", id) {
                    context.model.remove(child, row);
                }
            }
            context.model.remove(kind, id);
        }
        _ => return Err(Refusal::invalid("collection", "has no deletion of its own")),
    }
    Ok(id)
}

/// Lists the places below one, from the top down.
fn below(context: &WriteContext<'_>, kind: Kind, id: i64) -> Vec<i64> {
    let mut found = context.model.find(kind, "parent_id", id);
    let mut at = 0;
    while let Some(place) = found.get(at).copied() {
        let children = context.model.find(kind, "parent_id", place);
        found.extend(children.into_iter().filter(|child| *child != id));
        at = at.saturating_add(1);
        // A place is its own ancestor only in rows that a test made.
        if at > context.model.count(kind) {
            break;
        }
    }
    found
}

fn cells(kind: Kind, values: &Map<String, Value>) -> Result<Cells, Refusal> {
    let endpoint = kind.endpoint().ok_or(Refusal::NotFound)?;
    let mut cells = Vec::new();
    let mut touch = Touch::Stamp;
    for (name, value) in values {
        let field = endpoint.fields.iter().find(|field| field.name == name);
        let field = field.filter(|field| field.kind != FieldKind::Map && field.name != "id");
        let field = field.ok_or_else(|| Refusal::invalid(name, "cannot be set"))?;
        if field.name == "updated_at" {
            touch = Touch::Leave;
        }
        let ids = value
            .as_array()
            .and_then(|list| list.iter().map(Value::as_i64).collect::<Option<Vec<i64>>>());
        let cell = match (field.kind, value) {
            (_, Value::Null) => Cell::Null,
            (_, Value::Bool(value)) => Cell::Bool(*value),
            (FieldKind::Time, Value::String(text)) => {
                atsync_sandbox::parse_ms(text).map_or(Cell::Null, Cell::Time)
            }
            (_, Value::String(text)) => text.as_str().into(),
            (_, Value::Number(number)) => number.as_i64().into(),
            (_, Value::Array(_)) => {
                ids.filter(|ids| !ids.is_empty()).map_or_else(|| Cell::json(value), Cell::from)
            }
            (_, Value::Object(_)) => return Err(Refusal::invalid(name, "cannot be set")),
        };
        cells.push((field.name, cell));
    }
    Ok(Cells { cells, touch })
}
