//! Writes custom field values: a list of `{name_key | custom_field_id, value}`, each value checked
//! by its field's type, selects by option id.
//!
//! They are stored as written; [`crate::model::render`] turns option ids into labels.

use serde_json::Value;

use super::WriteContext;
use crate::body::Body;
use crate::model::cell::Cell;
use crate::model::render::ids_text;
use crate::quirks::{CustomFieldsPatch, OddValues};
use crate::refusal::Refusal;
use crate::schema::Kind;

/// Returns the cell after a write, given the former one.
pub(super) fn apply(
    context: &WriteContext<'_>,
    field_type: &str,
    list: &Value,
    former: &Cell,
    patch: bool,
) -> Result<Cell, Refusal> {
    let keep = patch && context.quirks.custom_fields_patch == CustomFieldsPatch::Merge;
    merged(context, field_type, list, former.fields(), if keep { former.fields() } else { &[] })
}

/// Returns the cell after a user's edit on screen: some fields change and the others stay, whatever
/// the switch says.
pub(crate) fn edited(
    context: &WriteContext<'_>,
    field_type: &str,
    list: &Value,
    former: &Cell,
) -> Result<Cell, Refusal> {
    merged(context, field_type, list, former.fields(), former.fields())
}

fn merged(
    context: &WriteContext<'_>,
    field_type: &str,
    list: &Value,
    held: &[(i64, Box<str>)],
    kept: &[(i64, Box<str>)],
) -> Result<Cell, Refusal> {
    let entries =
        list.as_array().ok_or_else(|| Refusal::invalid("custom_fields", "must be a list"))?;
    let mut values = kept.to_vec();
    for entry in entries {
        let entry = Body::check(entry, "name_key:text custom_field_id:int value:any")?;
        if let Some((field_id, value)) = taken_back(context, field_type, &entry, held) {
            values.retain(|(id, _)| *id != field_id);
            values.push((field_id, value));
            continue;
        }
        let field_id = field_of(context, field_type, &entry)?;
        values.retain(|(id, _)| *id != field_id);
        match entry.get("value") {
            None => return Err(Refusal::invalid("custom_fields", "value is missing")),
            Some(Value::Null) => {}
            Some(value) => values.push((field_id, stored(context, field_id, value)?)),
        }
    }
    Ok(Cell::Fields(values.into()))
}

/// Accepts a stored value unchanged, even if its field or option is archived or a new value cannot
/// have its form.
fn taken_back(
    context: &WriteContext<'_>,
    field_type: &str,
    entry: &Body,
    held: &[(i64, Box<str>)],
) -> Option<(i64, Box<str>)> {
    if context.quirks.odd_values != OddValues::TakenBack {
        return None;
    }
    let model = &context.model;
    let ids = match (entry.int("custom_field_id"), entry.text("name_key")) {
        (Some(id), None) => vec![id],
        (None, Some(key)) => model.find_text(Kind::CustomFields, "name_key", key),
        _ => return None,
    };
    let id = ids
        .into_iter()
        .find(|id| model.text(Kind::CustomFields, *id, "field_type") == Some(field_type))?;
    let (_, text) = held.iter().find(|(field, _)| *field == id)?;
    let value: Value = serde_json::from_str(text).ok()?;
    (entry.get("value") == Some(&value)).then(|| (id, text.clone()))
}

fn field_of(context: &WriteContext<'_>, field_type: &str, entry: &Body) -> Result<i64, Refusal> {
    let model = &context.model;
    let ids = match (entry.int("custom_field_id"), entry.text("name_key")) {
        (Some(id), None) => vec![id],
        (None, Some(key)) => model.find_text(Kind::CustomFields, "name_key", key),
        _ => {
            return Err(Refusal::invalid(
                "custom_fields",
                "must name exactly one of name_key and custom_field_id",
            ));
        }
    };
    ids.into_iter()
        .find(|id| {
            model.text(Kind::CustomFields, *id, "field_type") == Some(field_type)
                && model.flag(Kind::CustomFields, *id, "active")
        })
        .ok_or_else(|| {
            Refusal::invalid("custom_fields", "contains an unknown or inactive custom field")
        })
}

fn stored(context: &WriteContext<'_>, field_id: i64, value: &Value) -> Result<Box<str>, Refusal> {
    let model = &context.model;
    let option = |value: &Value| {
        value.as_i64().filter(|id| {
            model.int(Kind::CustomFieldOptions, *id, "custom_field_id") == Some(field_id)
                && model.flag(Kind::CustomFieldOptions, *id, "active")
        })
    };
    let holds = |keys: &[&str]| {
        value.as_object().is_some_and(|map| {
            map.len() == keys.len() && keys.iter().all(|key| map.contains_key(*key))
        })
    };
    let value_type = model.text(Kind::CustomFields, field_id, "value_type").unwrap_or_default();
    let good = match value_type {
        "single_select" => {
            return option(value).map(|id| id.to_string().into()).ok_or_else(|| unfit(value_type));
        }
        "multi_select" => {
            let ids: Option<Vec<i64>> =
                value.as_array().and_then(|list| list.iter().map(option).collect());
            return ids.map(|ids| ids_text(&ids)).ok_or_else(|| unfit(value_type));
        }
        "yes_no" => value.is_boolean(),
        "number" => value.is_number(),
        "user" => value.as_i64().is_some_and(|id| model.has(Kind::Users, id)),
        "currency" => holds(&["amount", "currency_code"]),
        "currency_range" => holds(&["min_amount", "max_amount", "currency_code"]),
        "number_range" => holds(&["min_value", "max_value"]),
        "date" => value.as_str().is_some_and(|text| atsync_sandbox::parse_ms(text).is_some()),
        _ => value.is_string(),
    };
    if good { Ok(value.to_string().into()) } else { Err(unfit(value_type)) }
}

fn unfit(value_type: &str) -> Refusal {
    Refusal::invalid("custom_fields", format!("has a value that does not fit {value_type}"))
}
