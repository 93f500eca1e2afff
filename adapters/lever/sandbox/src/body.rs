//! Reads bodies of writes: closed sets of members, each of one type.
//!
//! A form is a line of `name:kind` words; `!` after the name marks a member that must be given. A
//! member that is not in the form is refused, and so is null, except where a kind ends in `?`.

use atsync_sandbox::Request;
use serde_json::{Map, Value};

use crate::refusal::Refusal;

/// The most entries of a list.
const LIST_MAX: usize = 500;
/// The longest text.
const TEXT_CHARS_MAX: usize = 100_000;
/// The types of a telephone number.
const PHONES: [&str; 5] = ["mobile", "home", "work", "skype", "other"];

/// A checked body.
#[derive(Debug, Clone, Default)]
pub(crate) struct Body(Map<String, Value>);

impl Body {
    /// Reads JSON and checks it against a form.
    pub(crate) fn read(request: &Request<'_>, form: &str) -> Result<Self, Refusal> {
        let kind = request.header("content-type").unwrap_or("application/json");
        if !kind.to_ascii_lowercase().starts_with("application/json") {
            return Err(Refusal::bad("the sandbox reads only application/json"));
        }
        let bytes = if request.body.is_empty() { b"{}" } else { request.body };
        let Ok(Value::Object(map)) = serde_json::from_slice(bytes) else {
            return Err(Refusal::bad("body must be a JSON object"));
        };
        let fields: Vec<(&str, bool, &str)> = form.split_whitespace().filter_map(field).collect();
        if let Some(name) = map.keys().find(|key| !fields.iter().any(|(name, ..)| name == key)) {
            return Err(Refusal::bad(format!("\"{name}\" is not allowed")));
        }
        for (name, required, kind) in fields {
            match map.get(name) {
                None if required => return Err(Refusal::bad(format!("\"{name}\" is required"))),
                None => {}
                Some(value) if fits(value, kind) => {}
                Some(_) => return Err(Refusal::bad(format!("\"{name}\" is not valid"))),
            }
        }
        Ok(Self(map))
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.as_str()
    }

    pub(crate) fn int(&self, name: &str) -> Option<i64> {
        self.0.get(name)?.as_i64()
    }

    pub(crate) fn texts(&self, name: &str) -> Vec<String> {
        let list = self.0.get(name).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        list.iter().filter_map(Value::as_str).map(str::to_owned).collect()
    }
}

fn field(word: &str) -> Option<(&str, bool, &str)> {
    let (name, kind) = word.split_once(':')?;
    Some(name.strip_suffix('!').map_or((name, false, kind), |name| (name, true, kind)))
}

fn fits(value: &Value, kind: &str) -> bool {
    if let Some(kind) = kind.strip_suffix('?') {
        return value.is_null() || fits(value, kind);
    }
    let list = |check: &dyn Fn(&Value) -> bool| {
        value.as_array().is_some_and(|list| list.len() <= LIST_MAX && list.iter().all(check))
    };
    match kind {
        "text" => value.as_str().is_some_and(|text| text.len() <= TEXT_CHARS_MAX),
        "bool" => value.is_boolean(),
        "ms" => value.as_i64().is_some_and(|at_ms| at_ms >= 0),
        "texts" => list(&Value::is_string),
        "phones" => list(&|one| {
            let kind = one.get("type").map_or(Some("other"), Value::as_str);
            one.get("value").is_some_and(Value::is_string)
                && kind.is_some_and(|kind| PHONES.contains(&kind))
        }),
        "map" => value.is_object(),
        "list" => list(&|_| true),
        _ => true,
    }
}
