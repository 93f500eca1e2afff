//! Reads members of a row, tolerantly.
//!
//! For texts, missing, `null` and empty are the same. Flags and lists keep them apart: a write
//! replaces lists and sets of values as a whole, so the row must show them with every entry
//! ([`shown_contacts`], [`shown_values`]). A list that is missing or `null`, or an entry without a
//! value, hides stored values of other users, and a PATCH made from it would erase those. Ids are
//! JSON numbers; an id as text is accepted too. Unknown members are ignored.

use crate::request;
use serde_json::Value;

/// Returns a text; empty when there is none.
pub(crate) fn text<'a>(row: &'a Value, member: &str) -> &'a str {
    row.get(member).and_then(Value::as_str).unwrap_or("")
}

/// Returns an id in unified form.
pub(crate) fn id(row: &Value, member: &str) -> Option<String> {
    row.get(member).and_then(id_of)
}

/// Converts a value that is an id.
pub(crate) fn id_of(value: &Value) -> Option<String> {
    match value {
        Value::Number(number) => {
            number.as_u64().map(|id| id.to_string()).filter(|id| request::is_id(id))
        }
        Value::String(text) if request::is_id(text) => Some(text.clone()),
        _ => None,
    }
}

/// Returns a flag; `None` when it is missing.
pub(crate) fn flag(row: &Value, member: &str) -> Option<bool> {
    row.get(member).and_then(Value::as_bool)
}

/// Returns a list; empty when there is none.
pub(crate) fn list<'a>(row: &'a Value, member: &str) -> &'a [Value] {
    row.get(member).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// Returns a contact list that the row shows: a list of objects that each have a value. `None` for
/// anything else.
pub(crate) fn shown_contacts<'a>(row: &'a Value, member: &str) -> Option<&'a [Value]> {
    let has_value = |entry: &Value| {
        entry.get("value").is_some_and(|value| value.is_string() || value.is_number())
    };
    let entries = row.get(member)?.as_array()?;
    entries.iter().all(has_value).then_some(entries)
}

/// Returns the map of custom values that the row shows; `None` for anything else.
///
/// `null` is documented (openapi: `custom_fields` of every row), but shows no value that would have
/// to be sent back.
pub(crate) fn shown_values<'a>(row: &'a Value, member: &str) -> Option<&'a Value> {
    row.get(member).filter(|values| values.is_object())
}

/// Refuses to replace values that the row does not show.
pub(crate) fn not_shown(what: &str) -> atsync_adapter::contract::Failure {
    atsync_adapter::contract::Failure::Protocol(format!(
        "`{what}` is not shown in a form that can be read, and an update replaces it as a whole: \
         nothing is written"
    ))
}

/// Returns the ids of a list, in order.
pub(crate) fn ids(row: &Value, member: &str) -> Vec<String> {
    list(row, member).iter().filter_map(id_of).collect()
}

/// Whether a row is the stub `{id?, message}` of a candidate, which is not an empty candidate
/// (harvest-v3.md §7).
pub(crate) fn is_stub(row: &Value) -> bool {
    !text(row, "message").is_empty()
        && text(row, "first_name").is_empty()
        && text(row, "last_name").is_empty()
}

/// Whether a candidate's personal data were erased, wholly or in part: the row shows both names,
/// and both are blank.
///
/// Neither the API nor Greenhouse's screens allow a candidate without a name, so only an
/// anonymisation removes it (pitfalls.md 25).
pub(crate) fn is_erased(row: &Value) -> bool {
    ["first_name", "last_name"]
        .iter()
        .all(|name| row.get(name).is_some() && text(row, name).trim().is_empty())
}
