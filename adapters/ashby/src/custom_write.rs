//! Custom values as Ashby takes them, and what of them a record does not show yet.
//!
//! `customField.setValues` sets the named values and leaves the others as they are; null clears.
//! The values of one record are set by one request, since requests at the same time overwrite each
//! other.

use crate::custom::{Held, read};
use atsync_adapter::kit::*;
use atsync_adapter::model::normal;
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// A custom value of an input.
#[derive(Deserialize)]
pub(crate) struct Custom {
    id: String,
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    value: Value,
}

/// The values that differ from what the record shows, as `customField.setValues` takes them.
pub(crate) fn missing(wanted: &[Custom], held: &[Held]) -> Result<Vec<Value>, Failure> {
    let mut all = Vec::new();
    for one in wanted {
        let there = held.iter().find(|held| held.id.as_str() == one.id);
        let shown = there.map_or(Value::Null, |there| read(there).1);
        if !normal::same(&one.kind, &shown, &one.value) {
            let value = written(one, there.map(|there| &there.value))?;
            all.push(json!({"fieldId": one.id, "fieldValue": value}));
        }
    }
    Ok(all)
}

/// Ends with a conflict where a value is none of those that the plan allows.
pub(crate) fn guard(
    wanted: &[Custom],
    held: &[Held],
    seen: &Map<String, Value>,
) -> Result<(), Failure> {
    for one in wanted {
        let Some(allowed) = seen.get(&format!("custom_fields.{}", one.id)) else { continue };
        let there = held.iter().find(|held| held.id.as_str() == one.id);
        let shown = there.map_or(Value::Null, |there| read(there).1);
        let mut allowed = allowed.as_array().into_iter().flatten();
        if !allowed.any(|allowed| normal::same(&one.kind, allowed, &shown)) {
            let message = "a custom value was changed by another user since the plan was made";
            return Err(Failure::Conflict(message.to_owned()));
        }
    }
    Ok(())
}

/// Sends the values of one record.
pub(crate) fn send(
    ats: &mut Ats<'_>,
    op: &Op<'_>,
    object: &'static str,
    values: &[Value],
) -> Result<(), Stop> {
    if values.is_empty() {
        return Ok(());
    }
    let sent = json!({"objectId": op.target(), "objectType": object, "values": values});
    ats.send(Ask::post("/customField.setValues").json(&sent), |_| Ok(()))
}

/// A value in Ashby's form.
fn written(one: &Custom, there: Option<&Value>) -> Result<Value, Failure> {
    let value = &one.value;
    let member = |name: &str| value.get(name).and_then(number);
    let is_empty = value.is_null() || value.as_array().is_some_and(Vec::is_empty);
    let made = match one.kind.as_str() {
        _ if is_empty => Some(Value::Null),
        "text" | "long_text" | "url" | "date" => value.as_str().map(Value::from),
        "boolean" => value.as_bool().map(Value::from),
        "number" => number(value),
        "single" => option(value),
        "multi" => value.as_array().and_then(|all| all.iter().map(option).collect()),
        "money" => member("amount")
            .map(|amount| json!({"value": amount, "currencyCode": value.get("currency")})),
        "range" => member("min")
            .zip(member("max"))
            .map(|(min, max)| json!({"type": "number-range", "minValue": min, "maxValue": max})),
        // The model has no interval of pay: the one that is there stays.
        "money_range" => member("min").zip(member("max")).map(|(min, max)| {
            let interval = there.and_then(|there| there.get("interval")?.as_str());
            json!({"type": "compensation-range", "minValue": min, "maxValue": max,
                "currencyCode": value.get("currency"), "interval": interval.unwrap_or("NONE")})
        }),
        _ => None,
    };
    made.ok_or_else(|| {
        let message = format!("Ashby takes no value of the type {} in this form", one.kind);
        Failure::Invalid(vec![FieldError { field: "custom_fields".to_owned(), message }])
    })
}

/// An option's own value: its id names the field first.
fn option(value: &Value) -> Option<Value> {
    let id = value.get("id")?.as_str()?;
    Some(id.split_once('/').map_or(id, |(_, own)| own).into())
}

/// A number, which the model may have as a text.
fn number(value: &Value) -> Option<Value> {
    match value {
        Value::Number(_) => Some(value.clone()),
        Value::String(text) => {
            serde_json::from_str::<serde_json::Number>(text.trim()).ok().map(Value::Number)
        }
        _ => None,
    }
}
