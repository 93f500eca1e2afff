//! Custom fields, their options, and values.
//!
//! A value does not name the type of its field, so its form is read: Ashby's forms differ, but for
//! a date and a text that looks like one.

use crate::value::{changes, sparse};
use atsync_adapter::kit::*;
use atsync_adapter::model::normal;
use atsync_adapter::model::unified::{CustomValue, CustomValues, Word};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

pub(crate) const CUSTOM_FIELDS: Kind = Kind::of::<Field>("custom_fields")
    .fields(&["name", "key", "applies_to", "type", "private", "required", "active"])
    .expected(&["name", "applies_to", "type", "active"])
    .list(changes("/customField.list", "{}"))
    .fetch(
        Fetch::by(Ask::post("/customField.info").body(r#"{"customFieldId": "{id}"}"#))
            .at("/results"),
    )
    .permission("hiringProcessMetadataRead");

pub(crate) const CUSTOM_FIELD_OPTIONS: Kind = Kind::of::<Field>("custom_field_options")
    .fields(&["name", "custom_field", "active", "order", "external_id"])
    .inside("custom_fields")
    .permission("hiringProcessMetadataRead");

const OBJECTS: Words = Words(&[
    ("Candidate", "candidate"),
    ("Application", "application"),
    ("Job", "job"),
    ("Opening", "opening"),
    ("Offer", "offer"),
]);

const TYPES: Words = Words(&[
    ("String", "text"),
    ("LongText", "long_text"),
    ("Number", "number"),
    ("Boolean", "boolean"),
    ("Date", "date"),
    ("ValueSelect", "single"),
    ("MultiValueSelect", "multi"),
    ("Currency", "money"),
    ("NumberRange", "range"),
    ("CompensationRange", "money_range"),
    ("Url", "url"),
    ("UUID", "text"),
]);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Field {
    id: Id,
    title: Got<String>,
    object_type: Got<String>,
    field_type: Got<String>,
    is_private: Got<bool>,
    is_required: Got<bool>,
    is_archived: Got<bool>,
    selectable_values: Got<Vec<Choice>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Choice {
    value: String,
    #[serde(default)]
    label: Option<String>,
    #[serde(default)]
    is_archived: bool,
}

impl Row for Field {
    fn record(self, _: &Source<'_>) -> Record {
        let field = self.id.clone();
        let option = |(order, one): (usize, Choice)| {
            Record::of("custom_field_options", Id::join([field.as_str(), &one.value]))
                .value("name", one.label.as_deref().unwrap_or(&one.value))
                .value("custom_field", field.clone().reference())
                .value("active", !one.is_archived)
                .value("order", order)
                .value("external_id", &one.value)
        };
        let choices = self.selectable_values.value().into_iter().flatten();
        let options: Vec<Record> = choices.enumerate().map(option).collect();
        let record = Record::new(self.id)
            .field("name", self.title)
            // Titles can change and need not be unique.
            .value("key", field.as_str())
            .field("applies_to", self.object_type.word(&OBJECTS))
            .field("type", self.field_type.word(&TYPES).map(unknown))
            .field("private", sparse(self.is_private))
            .field("required", sparse(self.is_required))
            .field("active", self.is_archived.map(|is_archived| !is_archived));
        options.into_iter().fold(record, Record::and)
    }
}

/// A type that the table lacks is one that the model calls `unknown`.
fn unknown(mut of: Word<'static>) -> Word<'static> {
    if of.value == "other" {
        of.value = "unknown".into();
    }
    of
}

/// The values of a record.
pub(crate) type Values = Vec<Held>;

/// A value that a record has, as Ashby writes it.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Held {
    pub(crate) id: Id,
    #[serde(default)]
    title: Option<String>,
    #[serde(default)]
    value_label: Value,
    #[serde(default)]
    pub(crate) value: Value,
}

/// The values by the ids of their fields.
pub(crate) fn values(all: Values) -> CustomValues<'static> {
    all.into_iter()
        .map(|held| {
            let (kind, value) = read(&held);
            let value = CustomValue { name: held.title.map(Into::into), kind: kind.into(), value };
            (String::from(held.id).into(), value)
        })
        .collect()
}

/// The type that a value's form shows, and the value in the model's form.
pub(crate) fn read(held: &Held) -> (&'static str, Value) {
    let option = |value: &str, label: Option<&str>| {
        let id = Id::join([held.id.as_str(), value]);
        json!({"id": id, "label": label.unwrap_or(value)})
    };
    match (&held.value, &held.value_label) {
        (Value::Bool(_), _) => ("boolean", held.value.clone()),
        (Value::Number(_), _) => ("number", held.value.clone()),
        (Value::String(value), Value::String(label)) => ("single", option(value, Some(label))),
        (Value::String(text), _) if normal::date(text).is_some() => ("date", text.as_str().into()),
        // No field of Ashby has a time of day, so such a value is of a field with a date.
        (Value::String(text), _) if ms_of(text).is_some() => {
            ("date", text.chars().take(10).collect::<String>().into())
        }
        (Value::String(text), _) => ("text", text.as_str().into()),
        (Value::Array(values), labels) => {
            let label = |at: usize| labels.get(at).and_then(Value::as_str);
            let texts = values.iter().enumerate();
            let options = texts.filter_map(|(at, value)| Some(option(value.as_str()?, label(at))));
            ("multi", options.collect::<Vec<_>>().into())
        }
        (Value::Object(members), _) => ranged(members),
        (Value::Null, _) => ("unknown", Value::Null),
    }
}

fn ranged(members: &serde_json::Map<String, Value>) -> (&'static str, Value) {
    let of = |name: &str| members.get(name).cloned().unwrap_or_default();
    let currency = of("currencyCode");
    match (members.contains_key("minValue"), currency.is_null()) {
        (true, true) => ("range", json!({"min": of("minValue"), "max": of("maxValue")})),
        (true, false) => (
            "money_range",
            json!({"min": of("minValue"), "max": of("maxValue"), "currency": currency}),
        ),
        (false, _) if members.contains_key("value") => {
            ("money", json!({"amount": of("value"), "currency": currency}))
        }
        _ => ("unknown", members.clone().into()),
    }
}
