//! Detects changes by other users between the plan and the write: a field with the policy `yield`
//! is not overwritten, and an entry that changed is not removed.
//!
//! A plan decides by the values that it saw. Where the host's policy keeps changes of other users,
//! the input lists for each field the values that it may show without such a change (`seen`): the
//! value that the plan saw, and the one that the engine wrote last. The reader that made the plan's
//! record also reads the row right before the write. If the row shows another value, nothing is
//! sent, and the next plan decides. Greenhouse takes no precondition, so a change within the time
//! of one request is still lost (pitfalls.md 4). Contact lists are merged entry by entry with the
//! new read, so only the type of a replaced entry can be overwritten.

use crate::kinds;
use crate::page::Rows;
use crate::read::Read;
use crate::write::normal::contact;
use crate::write::op::{Op, target_of};
use crate::write::row;
use crate::write::words::ContactList;
use atsync_adapter::contract::Failure;
use atsync_adapter::model::normal;
use atsync_adapter::rows::Element;
use serde_json::Value;

/// Refuses to overwrite a field that another user changed since the plan.
///
/// # Errors
/// [`Failure::Conflict`], which names the first such field.
pub(crate) fn unchanged(op: &Op, row: &Value) -> Result<(), Failure> {
    let Some((seen, (collection, id))) =
        op.seen().filter(|seen| !seen.is_empty()).zip(target_of(op))
    else {
        return Ok(());
    };
    let unreadable = || {
        Failure::Protocol(format!(
            "the row of {collection}/{id} cannot be compared with what the plan saw"
        ))
    };
    let kind = kinds::of_collection(collection).ok_or_else(unreadable)?;
    let text = row.to_string();
    let read = kind.reader.map(|read| read(&Element::of(&text)));
    let Some(Ok(Read::Record(record))) = read else {
        return Err(unreadable());
    };
    let record: Value = serde_json::from_str(&record.body).map_err(|_| unreadable())?;
    match seen.iter().find(|(field, may_show)| !shows(&record, field, may_show)) {
        None => Ok(()),
        Some((field, _)) => Err(changed(collection, id, field, "overwritten")),
    }
}

/// Refuses to remove a record that another user changed since the plan. `rows`: the answer to its
/// id. A record that does not show is left to the request, which succeeds where it was deleted. A
/// field that does not show any more, such as a school whose option was deleted, is not compared.
///
/// # Errors
/// [`Failure::Conflict`], which names the first such field.
pub(crate) fn still_there(op: &Op, rows: &Rows) -> Result<(), Failure> {
    let Some((seen, (collection, id))) = op.seen().zip(target_of(op)) else { return Ok(()) };
    if let Some(problem) = rows.problems.iter().find(|problem| problem.field.is_none()) {
        return Err(Failure::Protocol(format!(
            "the row of {collection}/{id} cannot be compared with what the plan saw: {}",
            problem.message
        )));
    }
    let Some(item) = rows.items.iter().find(|item| item.id == id) else { return Ok(()) };
    let known = usize::try_from(item.mask).ok().and_then(|mask| rows.masks.get(mask));
    let record: Value = serde_json::from_str(&item.body).map_err(|error| {
        Failure::Bug(format!("a record that the reader made is not JSON: {error}"))
    })?;
    let is_known = |field: &String| known.is_some_and(|known| known.contains(field));
    let is_changed = |(field, may_show): &(&String, &Vec<Value>)| {
        is_known(field) && !shows(&record, field, may_show)
    };
    match seen.iter().find(is_changed) {
        None => Ok(()),
        Some((field, _)) => Err(changed(collection, id, field, "removed")),
    }
}

fn changed(collection: &str, id: &str, field: &str, not: &str) -> Failure {
    Failure::Conflict(format!(
        "`{field}` of {collection}/{id} has changed since the plan was made, so it is not {not}; \
         the next plan decides"
    ))
}

/// Whether a field of a record shows one of these values.
fn shows(record: &Value, field: &str, may_show: &[Value]) -> bool {
    if let Some(key) = field.strip_prefix("custom_fields.") {
        let held =
            record.get("custom_fields").and_then(|values| values.get(key)).unwrap_or(&Value::Null);
        let kind = held.get("type").and_then(Value::as_str).unwrap_or("unknown");
        let value = held.get("value").unwrap_or(&Value::Null);
        return may_show.iter().any(|seen| seen == value || normal::same(kind, value, seen));
    }
    if let Some(list) = ContactList::ALL.into_iter().find(|list| list.member() == field) {
        return has_types(record, field, list, may_show);
    }
    let path = if field == "private" { "privacy.private" } else { field };
    let shown =
        path.split('.').try_fold(record, |part, member| part.get(member)).unwrap_or(&Value::Null);
    let is_empty = |value: &Value| {
        value.is_null() || value.as_str().is_some_and(|text| text.trim().is_empty())
    };
    let is_it = |shown: &Value, seen: &Value| match (shown.as_str(), seen.as_str()) {
        (Some(shown), Some(seen)) => normal::text(shown) == normal::text(seen),
        _ => shown == seen,
    };
    let fits = |shown: &Value| {
        may_show.iter().any(|seen| is_it(shown, seen) || (is_empty(shown) && is_empty(seen)))
    };
    match shown {
        // A reference is compared by its id, or by its name where it shows no id; a word by its
        // meaning.
        Value::Object(members) => {
            ["id", "name", "value"].iter().find_map(|name| members.get(*name)).is_none_or(fits)
        }
        shown => fits(shown),
    }
}

/// Whether each of these entries in a list has one of the types that are listed for it.
fn has_types(record: &Value, field: &str, list: ContactList, may_show: &[Value]) -> bool {
    let form = |entry: &Value| contact(list, row::text(entry, "value"));
    let kind = |entry: &Value| {
        entry.get("type").map(|kind| kind.get("value").unwrap_or(kind)).cloned().unwrap_or_default()
    };
    row::list(record, field).iter().all(|entry| {
        let mut named = may_show.iter().filter(|seen| form(seen) == form(entry)).peekable();
        named.peek().is_none() || named.any(|seen| kind(seen) == kind(entry))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_field_is_compared_with_what_the_plan_saw_by_normal_form() {
        let record = json!({
            "title": "Engineer ", "name": {"first": "Ada"}, "privacy": {"private": false},
                "source": {"id": "7"},
            "stage": {"name": "Review"}, "outcome": {"value": "active", "source": "in_process"},
            "phones": [{"value": "+44 1", "type": {"value": "work"}}, {"value": "+44 2"}],
            "custom_fields": {"n": {"type": "number", "value": "7.0"},
                "c": {"type": "single", "value": {"label": "A"}}},
        });
        for (field, seen, same) in [
            ("title", json!(["Engineer"]), true),
            ("title", json!([null, "Painter"]), false),
            ("company", json!([null]), true),
            ("company", json!(["X"]), false),
            ("name.first", json!(["Ada"]), true),
            ("private", json!([false]), true),
            ("private", json!([true]), false),
            ("source", json!(["7", "8"]), true),
            ("source", json!([null]), false),
            ("stage", json!(["12", "Review"]), true),
            ("outcome", json!(["active"]), true),
            ("outcome", json!(["rejected"]), false),
            ("custom_fields.n", json!([7]), true),
            ("custom_fields.n", json!([8]), false),
            ("custom_fields.c", json!(["A"]), true),
            ("custom_fields.c", json!([null]), false),
            (
                "phones",
                json!([{"value": "441", "type": "home"}, {"value": "441", "type": "work"}]),
                true,
            ),
            ("phones", json!([{"value": "441", "type": "home"}]), false),
            (
                "phones",
                json!([{"value": "442", "type": null}, {"value": "443", "type": "home"}]),
                true,
            ),
            ("custom_fields.none", json!([null]), true),
        ] {
            assert_eq!(shows(&record, field, seen.as_array().unwrap()), same, "{field} {seen}");
        }
    }
}
