//! Pairs of values that an adapter calls equal although they differ. Pure.
//!
//! Engine and adapter share the model's forms, so they seldom disagree. Where they do (an ATS
//! rewrites a value in a way that no form knows), the adapter answers `unneeded` and the difference
//! remains. The engine then records the pair of declared and shown value with the link, and later
//! plans take that pair as equal. The pair lapses when either side changes.

use super::{FieldChange, Record, Step, contacts, observed_custom};
use atsync_model::declarable::VALUES_MEMBER;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

/// The member of a base that holds the recorded pairs, by field.
pub const EQUAL: &str = "~same";

/// Returns a digest of a pair, so that a long text is not stored twice. Of a list, the missing
/// entries count.
fn pair(before: &Value, after: &Value) -> String {
    let after = after.get("add").unwrap_or(after);
    digest(&json!([before, after]))
}

/// Returns a digest of a value.
pub(super) fn digest(value: &Value) -> String {
    let text = value.to_string();
    Sha256::digest(text.as_bytes()).iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

/// Whether this pair of shown and declared value was recorded for a field.
pub(super) fn holds(
    applied: &Map<String, Value>,
    field: &str,
    before: &Value,
    after: &Value,
) -> bool {
    let known = applied.get(EQUAL).and_then(|known| known.get(field)).and_then(Value::as_str);
    known.is_some_and(|known| known == pair(before, after))
}

/// Whether every change of a step is a recorded pair.
pub(super) fn is_same(applied: &Map<String, Value>, step: &Step) -> bool {
    let holds = |change: &FieldChange| holds(applied, &change.field, &change.before, &change.after);
    step.target.is_some() && !step.fields.is_empty() && step.fields.iter().all(holds)
}

/// Whether a record still shows what a planned change found there.
pub fn remains(record: &Record, change: &FieldChange) -> bool {
    let field = change.field.as_str();
    let shown = if let Some(key) = field.strip_prefix("custom_fields.") {
        let held = record.body.get(VALUES_MEMBER).and_then(|fields| fields.get(key));
        let kind =
            held.and_then(|held| held.get("type")).and_then(Value::as_str).unwrap_or("unknown");
        observed_custom::observed_plain(record, key, kind)
    } else if matches!(field, "emails" | "phones" | "links") {
        json!(contacts::values(record.list(field)))
    } else {
        match record.value(field) {
            Some(Value::Object(reference)) => reference.get("id").cloned().unwrap_or_default(),
            Some(Value::String(text)) if text.is_empty() => Value::Null,
            Some(value) => value.clone(),
            None => Value::Null,
        }
    };
    shown == change.before
}

/// Records the pairs of changes that an adapter called unneeded.
pub fn record<'c>(
    applied: &mut Map<String, Value>,
    changes: impl Iterator<Item = &'c FieldChange>,
) {
    let known = applied.entry(EQUAL.to_owned()).or_insert_with(|| Value::Object(Map::new()));
    let Some(known) = known.as_object_mut() else { return };
    for change in changes {
        known.insert(change.field.clone(), Value::String(pair(&change.before, &change.after)));
    }
}
