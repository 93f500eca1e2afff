//! Members of a row as Greenhouse answered it, read tolerantly.
//!
//! Missing, `null` and empty are the same here: the reference says that nullable members come in all three ways (harvest-v3.md §3). Ids are
//! JSON numbers; an id that comes as text is accepted. Unknown members are never looked at.

use serde_json::Value;

/// A text; empty when there is none.
pub(crate) fn text<'a>(row: &'a Value, member: &str) -> &'a str {
    row.get(member).and_then(Value::as_str).unwrap_or("")
}

/// An id in unified form.
pub(crate) fn id(row: &Value, member: &str) -> Option<String> {
    row.get(member).and_then(id_of)
}

/// A value that is an id.
pub(crate) fn id_of(value: &Value) -> Option<String> {
    match value {
        Value::Number(number) => number.as_u64().map(|id| id.to_string()),
        Value::String(text) if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) => Some(text.clone()),
        _ => None,
    }
}

/// A flag; `None` when it is not said.
pub(crate) fn flag(row: &Value, member: &str) -> Option<bool> {
    row.get(member).and_then(Value::as_bool)
}

/// A list; empty when there is none.
pub(crate) fn list<'a>(row: &'a Value, member: &str) -> &'a [Value] {
    row.get(member).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// The ids of a list, in order.
pub(crate) fn ids(row: &Value, member: &str) -> Vec<String> {
    list(row, member).iter().filter_map(id_of).collect()
}

/// Whether this is the stub `{id?, message}` of a candidate that is not to be read as an empty candidate (harvest-v3.md §7).
pub(crate) fn is_stub(row: &Value) -> bool {
    !text(row, "message").is_empty() && text(row, "first_name").is_empty() && text(row, "last_name").is_empty()
}
