//! What an adapter says is the same although it looks different. Pure.
//!
//! The model's forms are shared by engine and adapter, so the two seldom disagree. Where they do (an
//! ATS rewrites a value in a way that no form knows), the adapter answers `unneeded` and the
//! difference remains. Then the pair of what is desired and what the ATS shows is recorded with the
//! link, and a plan takes that pair for the same. It lapses by itself when either side changes.

use super::{FieldChange, Step};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

/// The member of a link's base that holds the recorded pairs, by field. No field is called so.
pub const EQUAL: &str = "~same";

/// A short stand-in for the pair, so that a long text is not kept twice.
fn pair(change: &FieldChange) -> String {
    let text = json!([change.before, change.after]).to_string();
    Sha256::digest(text.as_bytes()).iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

fn holds(applied: &Map<String, Value>, change: &FieldChange) -> bool {
    let known = applied.get(EQUAL).and_then(|known| known.get(&change.field)).and_then(Value::as_str);
    known.is_some_and(|known| known == pair(change))
}

/// Whether every change of a step is of a pair that was recorded.
pub(super) fn is_same(applied: &Map<String, Value>, step: &Step) -> bool {
    step.target.is_some() && !step.fields.is_empty() && step.fields.iter().all(|change| holds(applied, change))
}

/// Records the pairs of changes that an adapter called unneeded.
pub fn record<'c>(applied: &mut Map<String, Value>, changes: impl Iterator<Item = &'c FieldChange>) {
    let known = applied.entry(EQUAL.to_owned()).or_insert_with(|| Value::Object(Map::new()));
    let Some(known) = known.as_object_mut() else { return };
    for change in changes {
        known.insert(change.field.clone(), Value::String(pair(change)));
    }
}
