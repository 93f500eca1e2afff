//! Reads custom fields: their values on other records, their definitions and their options.
//!
//! Values are a map from `name_key` to `{name, type, value}` (harvest-v3.md §3, REC \[ok\]), or
//! `null` for none (openapi); a list is neither, so the values stay unknown. Selects are read as
//! labels (§7 \[2nd\]). Types and members differ by channel: `yes_no` or `boolean`, `currency_code`
//! or `unit`, `min_amount` or `min_value` (pitfalls.md C33), so all of them are accepted. A value
//! that does not have its type's shape is kept unchanged, as `unknown`; so is one without name and
//! type. A value that is not valid JSON data is `unreadable`, neither a value nor empty.
//! `odd_forms` lists each value in a form that a new value cannot have, by the rule of the writer
//! ([`crate::write::custom::oddity`]), so that a plan can state first what an update may have to
//! leave out. Empty is `null`, whether Greenhouse writes `null`, `""` or `[]`.
//!
//! Left out: the option's id of a select value; the row does not have it.

use super::value::{read_value, unified_type};
use super::{Read, Unreadable, record, word_of};
use crate::wire::{Got, Id, Lacking, Str, Time, row};
use crate::write::custom::{oddity, oddity_of_field};
use atsync_adapter::rows::Element;
use atsync_model::unified::{
    CustomField, CustomFieldOption, CustomValue, CustomValues, OddForms, Ref, Text, UNREADABLE,
};
use serde::de::{Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

/// The member `custom_fields` of a row.
#[derive(Debug, Default)]
pub(super) struct CustomMap<'a> {
    values: CustomValues<'a>,
    odd: OddForms<'a>,
}

/// One value. Only `value` is required; another member of an undocumented shape is ignored.
#[derive(Debug, Default)]
struct Entry<'a> {
    name: Option<Text<'a>>,
    kind: Option<Text<'a>>,
    value: Value,
}

impl<'a> Entry<'a> {
    fn unified(self) -> CustomValue<'a> {
        let (kind, value) =
            read_value(unified_type(self.kind.as_deref().unwrap_or_default()), self.value);
        CustomValue { name: self.name, kind: Cow::Borrowed(kind), value }
    }
}

/// A text, or none for a value of another type.
struct Soft<'a>(Option<Text<'a>>);

struct SoftVisitor<'a>(PhantomData<&'a ()>);

impl<'de: 'a, 'a> Visitor<'de> for SoftVisitor<'a> {
    type Value = Soft<'a>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anything")
    }
    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Soft<'a>, E> {
        Ok(Soft(Some(Cow::Borrowed(text))))
    }
    fn visit_str<E: Error>(self, text: &str) -> Result<Soft<'a>, E> {
        Ok(Soft(Some(Cow::Owned(text.to_owned()))))
    }
    fn visit_unit<E: Error>(self) -> Result<Soft<'a>, E> {
        Ok(Soft(None))
    }
    fn visit_bool<E: Error>(self, _: bool) -> Result<Soft<'a>, E> {
        Ok(Soft(None))
    }
    fn visit_u64<E: Error>(self, number: u64) -> Result<Soft<'a>, E> {
        Ok(Soft(Some(Cow::Owned(number.to_string()))))
    }
    fn visit_i64<E: Error>(self, _: i64) -> Result<Soft<'a>, E> {
        Ok(Soft(None))
    }
    fn visit_f64<E: Error>(self, _: f64) -> Result<Soft<'a>, E> {
        Ok(Soft(None))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Soft<'a>, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Soft(None))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Soft<'a>, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Soft(None))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Soft<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SoftVisitor(PhantomData))
    }
}

struct EntryVisitor<'a>(PhantomData<&'a ()>);

impl EntryVisitor<'_> {
    /// Wraps a value that stands without name and type.
    fn bare<'a, E>(value: Value) -> Result<Entry<'a>, E> {
        Ok(Entry { value, ..Entry::default() })
    }
}

impl<'de: 'a, 'a> Visitor<'de> for EntryVisitor<'a> {
    type Value = Entry<'a>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a custom field's value")
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entry<'a>, A::Error> {
        let mut entry = Entry::default();
        while let Some(member) = map.next_key::<Str<'a>>()? {
            match &*member.0 {
                "name" => entry.name = map.next_value::<Soft<'a>>()?.0,
                "type" => entry.kind = map.next_value::<Soft<'a>>()?.0,
                "value" => entry.value = map.next_value()?,
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(entry)
    }
    fn visit_unit<E: Error>(self) -> Result<Entry<'a>, E> {
        Ok(Entry::default())
    }
    fn visit_bool<E: Error>(self, value: bool) -> Result<Entry<'a>, E> {
        Self::bare(value.into())
    }
    fn visit_u64<E: Error>(self, value: u64) -> Result<Entry<'a>, E> {
        Self::bare(value.into())
    }
    fn visit_i64<E: Error>(self, value: i64) -> Result<Entry<'a>, E> {
        Self::bare(value.into())
    }
    fn visit_f64<E: Error>(self, value: f64) -> Result<Entry<'a>, E> {
        Self::bare(value.into())
    }
    fn visit_str<E: Error>(self, value: &str) -> Result<Entry<'a>, E> {
        Self::bare(value.into())
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Entry<'a>, A::Error> {
        let mut all = Vec::new();
        while let Some(value) = seq.next_element::<Value>()? {
            all.push(value);
        }
        Self::bare(all.into())
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Entry<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(EntryVisitor(PhantomData))
    }
}

struct MapVisitor<'a>(PhantomData<&'a ()>);

impl<'de: 'a, 'a> Visitor<'de> for MapVisitor<'a> {
    type Value = CustomMap<'a>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("custom field values")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<CustomMap<'a>, A::Error> {
        let mut all = CustomMap::default();
        // Each value is read by itself, so that an unreadable one (a number out of range, half a
        // character) affects no other.
        while let Some((key, entry)) = map.next_entry::<Str<'a>, &'a RawValue>()? {
            let text = entry.get();
            let entry = serde_json::from_str::<Entry<'a>>(text);
            if let Some(why) = odd(text, entry.as_ref().ok()) {
                all.odd.insert(Cow::Owned(format!("custom_fields.{}", key.0)), Cow::Borrowed(why));
            }
            all.values.insert(key.0, entry.map_or_else(|_| unreadable(), Entry::unified));
        }
        Ok(all)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for CustomMap<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(MapVisitor(PhantomData))
    }
}

/// Explains why a new value cannot have the form of a stored one, by the writer's rule.
fn odd(text: &str, entry: Option<&Entry<'_>>) -> Option<&'static str> {
    match entry {
        None => Some("a value that cannot be read"),
        Some(Entry { kind: Some(kind), value, .. }) => oddity(kind, value),
        // A value that is bare, or without a type, is read as the writer reads it.
        Some(_) => {
            serde_json::from_str::<Value>(text).ok().and_then(|field| oddity_of_field(&field))
        }
    }
}

/// Returns the placeholder of a value that cannot be read.
fn unreadable<'a>() -> CustomValue<'a> {
    CustomValue { name: None, kind: Cow::Borrowed(UNREADABLE), value: Value::Null }
}

/// Returns the values of a row, and those of them that have an odd form.
pub(super) fn values<'a>(
    got: Got<CustomMap<'a>>,
    lacking: &mut Lacking,
) -> (CustomValues<'a>, OddForms<'a>) {
    let CustomMap { values, odd } = got.take("custom_fields", lacking).unwrap_or_default();
    for (key, _) in values.iter().filter(|(_, value)| value.kind == UNREADABLE) {
        lacking.part(format!("custom_fields.{key}"));
    }
    (values, odd)
}

/// Makes a reference by name alone.
pub(super) fn named(name: Text<'_>) -> Ref<'_> {
    Ref { id: None, name: Some(name) }
}

row!(
    /// harvest-v3.md §9.11. Left to the raw record: flags of forms and approvals, default value,
    /// placeholder, order.
    FieldRow {
        name: Str<'a>, name_key: Str<'a>, field_type: Str<'a>, value_type: Str<'a>, active: bool,
            private not null: bool,
        required not null: bool,
        description: Str<'a>, created_at: Time<'a>, updated_at: Time<'a>,
    }
);
/// The members of a definition that the reader reads.
pub(crate) const FIELD_READS: &[&str] = FieldRow::READS;
/// Its flags and lists that are never null.
pub(crate) const FIELD_NEVER_NULL: &[&str] = FieldRow::NEVER_NULL;
/// The unified fields of a definition.
pub(crate) const FIELD_FIELDS: &[&str] = &[
    "name",
    "key",
    "applies_to",
    "type",
    "private",
    "required",
    "active",
    "description",
    "created_at",
    "updated_at",
];

/// Reads a definition.
pub(crate) fn field(element: &Element<'_>) -> Result<Read, Unreadable> {
    let row = FieldRow::read(element)?;
    let mut lacking = Lacking::default();
    let unified = CustomField {
        name: row.name.some_text("name", &mut lacking),
        key: row.name_key.some_text("key", &mut lacking),
        applies_to: word_of(row.field_type, "applies_to", &mut lacking, |word| {
            ["candidate", "application", "job", "opening", "offer"]
                .into_iter()
                .find(|known| *known == word)
        }),
        kind: word_of(row.value_type, "type", &mut lacking, |word| Some(unified_type(word))),
        private: row.private.take("private", &mut lacking),
        required: row.required.take("required", &mut lacking),
        active: row.active.take("active", &mut lacking),
        description: row.description.text("description", &mut lacking),
        created_at: row.created_at.text("created_at", &mut lacking),
        updated_at: row.updated_at.text("updated_at", &mut lacking),
    };
    Ok(record(row.id, &unified, element, lacking)?.changed(unified.updated_at.as_ref()))
}

row!(
    /// harvest-v3.md §9.11.
    OptionRow {
        custom_field_id: Id<'a>, name: Str<'a>, external_id: Str<'a>, sort_order: i64,
            active not null: bool, created_at: Time<'a>, updated_at: Time<'a>,
    }
);
/// The members of an option that the reader reads.
pub(crate) const OPTION_READS: &[&str] = OptionRow::READS;
/// Its flags and lists that are never null.
pub(crate) const OPTION_NEVER_NULL: &[&str] = OptionRow::NEVER_NULL;
/// The unified fields of an option.
pub(crate) const OPTION_FIELDS: &[&str] =
    &["name", "custom_field", "active", "order", "external_id", "created_at", "updated_at"];

/// Reads an option.
pub(crate) fn option(element: &Element<'_>) -> Result<Read, Unreadable> {
    let row = OptionRow::read(element)?;
    let mut lacking = Lacking::default();
    let unified = CustomFieldOption {
        name: row.name.some_text("name", &mut lacking),
        custom_field: row.custom_field_id.some_reference("custom_field", &mut lacking),
        active: row.active.take("active", &mut lacking),
        order: row.sort_order.take("order", &mut lacking),
        external_id: row.external_id.text("external_id", &mut lacking),
        created_at: row.created_at.text("created_at", &mut lacking),
        updated_at: row.updated_at.text("updated_at", &mut lacking),
    };
    Ok(record(row.id, &unified, element, lacking)?.changed(unified.updated_at.as_ref()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(kind: &str, value: Value) -> (&'static str, Value) {
        read_value(unified_type(kind), value)
    }

    #[test]
    fn a_value_reads_the_same_from_either_channel() {
        assert_eq!(read("yes_no", json!(true)), read("boolean", json!(true)));
        let unified = ("money", json!({"amount": "10", "currency": "EUR"}));
        assert_eq!(read("currency", json!({"amount": "10", "currency_code": "EUR"})), unified);
        assert_eq!(read("currency", json!({"amount": "10", "unit": "EUR"})), unified);
        let unified = ("money_range", json!({"min": 1, "max": 2, "currency": "EUR"}));
        assert_eq!(
            read(
                "currency_range",
                json!({"min_amount": 1, "max_amount": 2, "currency_code": "EUR"})
            ),
            unified
        );
        assert_eq!(
            read("currency_range", json!({"min_value": 1, "max_value": 2, "unit": "EUR"})),
            unified
        );
        assert_eq!(
            read("user", json!(9007199254740993_u64)),
            ("user", json!({"id": "9007199254740993"}))
        );
        assert_eq!(read("user", json!({"user_id": 5, "name": "x"})), ("user", json!({"id": "5"})));
        assert_eq!(
            read("number_range", json!({"min_value": 1, "max_value": null})),
            ("range", json!({"min": 1}))
        );
    }

    #[test]
    fn empty_is_null_in_each_of_its_spellings() {
        for value in [json!(null), json!(""), json!([])] {
            assert_eq!(read("multi_select", value.clone()), ("multi", Value::Null));
            assert_eq!(read("short_text", value), ("text", Value::Null));
        }
    }

    #[test]
    fn a_value_of_another_shape_is_kept_unchanged() {
        assert_eq!(read("single_select", json!(7)), ("unknown", json!(7)));
        assert_eq!(read("something_new", json!({"a": 1})), ("unknown", json!({"a": 1})));
    }

    #[test]
    fn values_in_a_list_stay_unknown() {
        assert_eq!(serde_json::from_str::<CustomMap>("{}").unwrap().values.len(), 0);
        let map = r#"{"a":{"name":"A","type":"short_text","value":"x"},"b":null}"#;
        assert_eq!(serde_json::from_str::<CustomMap>(map).unwrap().values["b"].kind, "unknown");
        for list in [
            "[]",
            "[null]",
            r#"[["x"]]"#,
            r#"[{"name_key":"a","type":"short_text","value":"x"}]"#,
            "7",
            "\"\"",
        ] {
            assert!(serde_json::from_str::<CustomMap>(list).is_err(), "{list}");
        }
    }

    #[test]
    fn an_unreadable_value_loses_its_key_and_does_not_count_as_empty() {
        let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
        for bad in ["1e999", r#""\ud800""#, &deep] {
            for bad in [bad.to_owned(), format!(r#"{{"type":"number","value":{bad}}}"#)] {
                let text = format!(r#"{{"a":{bad},"b":{{"name":"B","type":"number","value":1}}}}"#);
                let mut lacking = Lacking::default();
                let (all, odd) = values(crate::wire::member("custom_fields", &text), &mut lacking);
                assert_eq!(odd.keys().collect::<Vec<_>>(), ["custom_fields.a"], "{bad:.40}");
                assert_eq!(
                    (&*all["a"].kind, &all["a"].value),
                    (UNREADABLE, &Value::Null),
                    "{bad:.40}"
                );
                assert_eq!((&*all["b"].kind, &all["b"].value), ("number", &json!(1)), "{bad:.40}");
                assert_eq!(
                    (lacking.take_parts(), lacking.is_empty()),
                    (vec!["custom_fields.a".to_owned()], true)
                );
            }
        }
    }

    #[test]
    fn an_odd_value_affects_no_other_value() {
        let odd = r#"{"a":"bare","b":[1,null],"c":{"name":{},"type":["x"],"value":7},"d":{"name":"D","type":"number","value":1}}"#;
        let all = serde_json::from_str::<CustomMap>(odd).unwrap().values;
        let read = |key: &str| (&*all[key].kind, &all[key].value);
        assert_eq!(read("a"), ("unknown", &json!("bare")));
        assert_eq!(read("b"), ("unknown", &json!([1, null])));
        assert_eq!(read("c"), ("unknown", &json!(7)));
        assert_eq!(read("d"), ("number", &json!(1)));
    }
}
