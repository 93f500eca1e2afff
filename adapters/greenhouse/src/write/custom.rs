//! Writes values of custom fields: their written form, their comparison, and the complete set that
//! preserves the values of other users.
//!
//! Greenhouse takes a list of `{name_key, value}` and returns a map by key; a select is written as
//! option ids and read as labels (harvest-v3.md §7, pitfalls.md 32). It is unknown whether a PATCH
//! merges by field or replaces all (pitfalls.md 5), so the adapter sends the complete set, which is
//! right in both cases. The values of other users are sent back as they were read, member for
//! member; only a label becomes the id of its option, and a user its id. A stored value in a form
//! that a new value cannot have is odd: it is sent back too, and is left out only if Greenhouse
//! refuses the set with it and the plan named it (see [`crate::write::edit`]). Two values are
//! unsendable and block the whole set: a file, which has no written form, and a value that the plan
//! saw and the row no longer shows.

use crate::answer::invalid;
use crate::read::value as read;
use crate::request::id_number;
use crate::write::input::CustomInput;
use crate::write::row;
use atsync_adapter::contract::Failure;
use atsync_adapter::model::normal;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// The prefix of a custom field's key in a path.
pub(crate) const CUSTOM: &str = "custom_fields.";

/// A set of custom values that is to be written.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Merge {
    /// Keys and values that can be sent unchanged.
    pub(crate) ready: Vec<(String, Value)>,
    /// Stored options of other users whose labels must become option ids.
    pub(crate) stored_options: Vec<StoredOption>,
    /// Stored values of other users that cannot be sent back, with the reason.
    pub(crate) unsendable: Vec<(String, String)>,
    /// Keys of other users' values in a form that a new value cannot have.
    pub(crate) odd: Vec<String>,
    /// Keys of other users' values in the set, each with Greenhouse's word for its type.
    pub(crate) foreign: Vec<(String, String)>,
}

/// A stored option.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct StoredOption {
    /// The field.
    pub(crate) key: String,
    /// Whether several labels are allowed.
    pub(crate) multi: bool,
    /// The selected labels.
    pub(crate) labels: Vec<String>,
}

impl StoredOption {
    /// Returns the value as it was read.
    pub(crate) fn as_read(&self) -> Value {
        match self.labels.as_slice() {
            [one] if !self.multi => json!(one),
            labels => json!(labels),
        }
    }
}

/// The custom fields of a PATCH.
#[derive(Clone, Debug)]
pub(crate) struct CustomEdit {
    /// The `field_type` of the definitions.
    pub(crate) field_type: &'static str,
    /// The set.
    pub(crate) merge: Merge,
    /// The keys that the row shows.
    pub(crate) shown: Vec<String>,
}

impl CustomEdit {
    /// Makes an edit with the keys that the stored map shows.
    pub(crate) fn new(field_type: &'static str, merge: Merge, stored: &Value) -> Self {
        let shown = stored.as_object().map(|map| map.keys().cloned().collect()).unwrap_or_default();
        Self { field_type, merge, shown }
    }
}

/// Builds the set to send for the desired values; `None` when Greenhouse has them already.
///
/// `complete` preserves the other stored values; without it only the desired values are sent, which
/// is right only where a PATCH merges by field. `must_show` has the paths of values that the plan
/// saw: if the row lacks one, it is hidden rather than cleared, and the set would erase it.
pub(crate) fn merge(
    stored: &Value,
    wanted: &[CustomInput],
    complete: bool,
    must_show: &[String],
) -> Result<Option<Merge>, Failure> {
    if !wanted.iter().any(|wanted| differs(stored, wanted)) {
        return Ok(None);
    }
    let mut merge = Merge::default();
    for wanted in wanted {
        if !complete && !differs(stored, wanted) {
            continue;
        }
        merge.ready.push((wanted.key.clone(), written(wanted)?));
    }
    let others = stored
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(key, _)| !wanted.iter().any(|wanted| wanted.key == **key));
    for (key, field) in others.filter(|_| complete) {
        let kept = kept(field);
        if !matches!(kept, Kept::Empty) {
            if oddity_of_field(field).is_some() {
                merge.odd.push(key.clone());
            }
            merge.foreign.push((key.clone(), row::text(field, "type").to_owned()));
        }
        match kept {
            Kept::Empty => {}
            Kept::Ready(value) => merge.ready.push((key.clone(), value)),
            Kept::Labels { multi, labels } => {
                merge.stored_options.push(StoredOption { key: key.clone(), multi, labels })
            }
            Kept::Unsendable(why) => merge.unsendable.push((key.clone(), why)),
        }
    }
    let seen = must_show.iter().filter_map(|path| path.strip_prefix(CUSTOM));
    let is_missing =
        |key: &&str| stored.get(*key).is_none() && !wanted.iter().any(|wanted| wanted.key == **key);
    for key in seen.filter(is_missing).filter(|_| complete) {
        merge.unsendable.push((
            key.to_owned(),
            "it held a value when the plan was made, and the row does not show it now".to_owned(),
        ));
    }
    Ok(Some(merge))
}

/// Returns the stored values that a set is merged with.
///
/// # Errors
/// [`Failure::Protocol`] when values are desired and the row does not show the stored ones: a set
/// without them would erase them. `null`, which is documented for "none", suffices where nothing is
/// sent, or where a PATCH merges and so erases nothing.
pub(crate) fn stored<'a>(
    row: &'a Value,
    member: &str,
    wanted: &[CustomInput],
    complete: bool,
) -> Result<&'a Value, Failure> {
    if let Some(values) = row::shown_values(row, member) {
        return Ok(values);
    }
    if wanted.is_empty() {
        return Ok(&Value::Null);
    }
    match row.get(member) {
        Some(null @ Value::Null)
            if !complete || !wanted.iter().any(|wanted| differs(null, wanted)) =>
        {
            Ok(null)
        }
        Some(Value::Null) => Err(Failure::Protocol(format!(
            "`{member}` is null, which does not show the values of other users, and an update may \
             replace the whole set: nothing is written; the \
             setting custom_fields_reading = \"merge\" lifts this"
        ))),
        _ => Err(row::not_shown(member)),
    }
}

/// Builds the attribute `custom_fields` in its written form.
pub(crate) fn attribute(values: &[(String, Value)]) -> Value {
    values.iter().map(|(key, value)| json!({ "name_key": key, "value": value })).collect()
}

/// Converts a desired value to its written form (harvest-v3.md §9.11, "Values by type").
pub(crate) fn written(wanted: &CustomInput) -> Result<Value, Failure> {
    let field = format!("custom_fields.{}", wanted.key);
    let value = &wanted.value;
    let wrong =
        || invalid(field.as_str(), format!("this is not a value of type {}", wanted.r#type));
    if value.is_null() {
        return Ok(Value::Null);
    }
    let option = |value: &Value| {
        row::id(value, "id").ok_or_else(wrong).and_then(|id| id_number(&field, &id))
    };
    match wanted.r#type.as_str() {
        "number" => decimal(value).ok_or_else(wrong),
        "boolean" => value.as_bool().map(Value::Bool).ok_or_else(wrong),
        "single" | "user" => option(value),
        "multi" => {
            let chosen = value.as_array().ok_or_else(wrong)?;
            Ok(Value::Array(chosen.iter().map(option).collect::<Result<_, _>>()?))
        }
        "money" => {
            renamed(value, &[("amount", "amount"), ("currency", "currency_code")]).ok_or_else(wrong)
        }
        "money_range" => renamed(
            value,
            &[("min", "min_amount"), ("max", "max_amount"), ("currency", "currency_code")],
        )
        .ok_or_else(wrong),
        "range" => renamed(value, &[("min", "min_value"), ("max", "max_value")]).ok_or_else(wrong),
        "text" | "long_text" | "url" | "date" | "date_time" => {
            value.as_str().map(|text| Value::String(text.to_owned())).ok_or_else(wrong)
        }
        other => Err(invalid(field, format!("values of type {other} cannot be written"))),
    }
}

/// Whether the stored values differ from the desired one, by the model's comparison.
pub(crate) fn differs(stored: &Value, wanted: &CustomInput) -> bool {
    let field = stored.get(&wanted.key).unwrap_or(&Value::Null);
    // A value without its type is read as one of the desired type.
    let kind = match row::text(field, "type") {
        "" => wanted.r#type.as_str(),
        source => read::unified_type(source),
    };
    let (_, held) = read::read_value(kind, value_of(field).clone());
    !normal::same(&wanted.r#type, &held, &wanted.value)
}

/// The way in which a stored value can be sent back.
enum Kept {
    Empty,
    /// Unchanged; only an option or a user becomes an id.
    Ready(Value),
    Labels {
        multi: bool,
        labels: Vec<String>,
    },
    Unsendable(String),
}

fn kept(field: &Value) -> Kept {
    let Some(value) = shown_value(field) else {
        return Kept::Unsendable("its value is not shown".to_owned());
    };
    if is_empty(value) {
        return Kept::Empty;
    }
    match row::text(field, "type") {
        kind if read::unified_type(kind) == "file" => {
            Kept::Unsendable(format!("a stored value of type {kind} has no written form"))
        }
        "single_select" => match selected_one(value) {
            Some(Selected::Id(id)) => Kept::Ready(id),
            Some(Selected::Label(label)) => Kept::Labels { multi: false, labels: vec![label] },
            None => Kept::Ready(value.clone()),
        },
        "multi_select" => match selected_many(value) {
            Some((labels, ids)) if labels.is_empty() => Kept::Ready(Value::Array(ids)),
            Some((labels, ids)) if ids.is_empty() => Kept::Labels { multi: true, labels },
            _ => Kept::Ready(value.clone()),
        },
        "user" => match user(value).and_then(|id| id.parse::<u64>().ok()) {
            Some(id) => Kept::Ready(id.into()),
            None => Kept::Ready(value.clone()),
        },
        _ => Kept::Ready(value.clone()),
    }
}

/// Explains why a new value cannot have the form of a stored one; `None` if it can.
///
/// The reader reports it, the plan names it first, and the writer leaves out no other value.
pub(crate) fn oddity(source: &str, value: &Value) -> Option<&'static str> {
    if is_empty(value) {
        return None;
    }
    let unless = |is_usual: bool, why: &'static str| (!is_usual).then_some(why);
    let number = |member: &str| value.get(member).is_some_and(|part| decimal(part).is_some());
    let text = |member: &str| value.get(member).is_some_and(Value::is_string);
    let has = |members: usize| value.as_object().is_some_and(|object| object.len() == members);
    match source {
        "single_select" => unless(selected_one(value).is_some(), "no option"),
        "multi_select" => {
            let is_usual = selected_many(value)
                .is_some_and(|(labels, ids)| labels.is_empty() || ids.is_empty());
            unless(is_usual, "no list of options")
        }
        "user" => unless(row::id_of(value).is_some(), "a user in another form than an id"),
        "currency" => unless(
            has(2) && number("amount") && text("currency_code"),
            "no amount with a currency alone",
        ),
        "currency_range" => unless(
            has(3) && number("min_amount") && number("max_amount") && text("currency_code"),
            "no range with two ends and a currency alone",
        ),
        "number_range" => {
            let is_usual = has(2) && number("min_value") && number("max_value");
            unless(is_usual, "no range with two ends alone")
        }
        "number" => unless(value.is_number(), "no number"),
        "yes_no" => unless(value.is_boolean(), "neither yes nor no"),
        "date" => {
            unless(value.as_str().is_some_and(|text| normal::date(text).is_some()), "no date")
        }
        "short_text" | "long_text" | "rich_text" | "url" => unless(value.is_string(), "no text"),
        // A file is unsendable, and blocks the set rather than being odd.
        kind if read::unified_type(kind) == "file" => None,
        _ => Some("a form that is not known"),
    }
}

/// Calls [`oddity`] for a member of the map of values in a row.
pub(crate) fn oddity_of_field(field: &Value) -> Option<&'static str> {
    oddity(row::text(field, "type"), value_of(field))
}

/// A stored option: a label, as every source reports it, or an option id, should a tenant return
/// one.
enum Selected {
    Id(Value),
    Label(String),
}

fn selected_one(value: &Value) -> Option<Selected> {
    match value {
        Value::String(label) => Some(Selected::Label(label.clone())),
        Value::Number(_) => Some(Selected::Id(value.clone())),
        Value::Object(_) => {
            value.get("id").filter(|id| id.is_number()).map(|id| Selected::Id(id.clone()))
        }
        _ => None,
    }
}

/// Splits a list of options into labels and ids.
fn selected_many(value: &Value) -> Option<(Vec<String>, Vec<Value>)> {
    let (mut labels, mut ids) = (Vec::new(), Vec::new());
    for one in value.as_array()? {
        match selected_one(one)? {
            Selected::Label(label) => labels.push(label),
            Selected::Id(id) => ids.push(id),
        }
    }
    Some((labels, ids))
}

/// Returns the value inside `{name, type, value}`; null when there is none.
fn value_of(field: &Value) -> &Value {
    shown_value(field).unwrap_or(&Value::Null)
}

/// Returns the value inside `{name, type, value}`; a bare value is returned unchanged.
///
/// `None` for an entry that is null or has no member `value`, unlike one whose value is null.
fn shown_value(field: &Value) -> Option<&Value> {
    match field {
        Value::Null => None,
        Value::Object(members)
            if ["type", "name"].iter().any(|member| members.contains_key(*member)) =>
        {
            members.get("value")
        }
        _ => Some(field),
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(list) => list.is_empty(),
        _ => false,
    }
}

fn decimal(value: &Value) -> Option<Value> {
    match value {
        Value::Number(_) => Some(value.clone()),
        Value::String(text) => serde_json::from_str(text.trim()).ok().filter(Value::is_number),
        _ => None,
    }
}

/// Returns a user's id, from an id or from an object with one.
fn user(value: &Value) -> Option<String> {
    row::id_of(value).or_else(|| row::id(value, "id")).or_else(|| row::id(value, "user_id"))
}

/// Renames the members to Greenhouse's, numbers as numbers; `None` when a number is not one.
fn renamed(value: &Value, members: &[(&str, &str)]) -> Option<Value> {
    let mut made = Map::new();
    for (unified, written) in members {
        let Some(member) = value.get(*unified).filter(|member| !member.is_null()) else { continue };
        let member = if *unified == "currency" {
            member.is_string().then(|| member.clone())?
        } else {
            decimal(member)?
        };
        made.insert((*written).to_owned(), member);
    }
    (!made.is_empty()).then_some(Value::Object(made))
}

#[cfg(test)]
#[path = "custom_tests.rs"]
mod tests;
