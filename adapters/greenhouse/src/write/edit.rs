//! A PATCH on its way: what it changes, and what becomes of custom values that cannot be preserved.
//!
//! The set of custom fields must be complete, and stored choices are labels where ids are wanted (see [`crate::write::custom`]); [`crate::write::options`] looks
//! the ids up. What cannot be sent back, because it has no option of that label, or several, or no writable form, would be lost if a PATCH
//! replaces the set. Then all custom values are held back: the rest of the PATCH goes out with a warning, and if there is no rest the record
//! is refused with the reason.

use crate::answer::invalid;
use crate::request;
use crate::write::custom::{self, Merge};
use crate::write::op::Op;
use crate::write::options::{Lookup, Stuck};
use crate::write::sent::{Refusal, Sent, Success, applied, subject};
use crate::write::{outcome, send};
use atsync_adapter::contract::{Failure, Step, Written};
use serde_json::{Map, Value};

/// A PATCH on its way.
#[derive(Clone, Debug)]
pub(crate) struct Edit {
    /// The operation's name.
    pub(crate) operation: &'static str,
    /// Greenhouse's collection.
    pub(crate) collection: &'static str,
    /// The unified kind.
    pub(crate) kind: &'static str,
    /// The target.
    pub(crate) id: String,
    /// The attributes that change, without custom fields.
    pub(crate) body: Map<String, Value>,
    /// The custom fields, if they change.
    pub(crate) custom: Option<CustomEdit>,
}

/// The custom fields of a PATCH.
#[derive(Clone, Debug)]
pub(crate) struct CustomEdit {
    /// Which definitions: a `field_type`.
    pub(crate) field_type: &'static str,
    /// The set.
    pub(crate) merge: Merge,
    /// The keys that the row shows.
    pub(crate) shown: Vec<String>,
}

impl CustomEdit {
    /// A set with the keys that the stored map shows.
    pub(crate) fn new(field_type: &'static str, merge: Merge, stored: &Value) -> Self {
        let shown = stored.as_object().map(|map| map.keys().cloned().collect()).unwrap_or_default();
        Self { field_type, merge, shown }
    }

    /// The complete set with choices as option ids; or what cannot be preserved.
    fn resolved(self, lookup: Option<&Lookup>) -> Result<Vec<(String, Value)>, Stuck> {
        let mut values = self.merge.ready;
        let mut stuck = self.merge.stuck;
        for choice in &self.merge.choices {
            match lookup.map_or_else(|| Err("its option was not looked up".into()), |lookup| lookup.resolve(choice)) {
                Ok(value) => values.push((choice.key.clone(), value)),
                Err(why) => stuck.push((choice.key.clone(), why)),
            }
        }
        if stuck.is_empty() { Ok(values) } else { Err(stuck) }
    }
}

impl Edit {
    /// Whether nothing is left to change.
    pub(crate) fn is_done(&self) -> bool {
        self.body.is_empty() && self.custom.is_none()
    }

    /// Goes on after the target's row was read: looks for option ids if some are needed, else sends.
    pub(crate) fn begin(self, op: Op, pool: Option<String>) -> Result<Step, Failure> {
        match self.custom {
            // Nothing is worth looking up when something else holds the set back anyway.
            Some(custom) if !custom.merge.choices.is_empty() && custom.merge.stuck.is_empty() => {
                Lookup::begin(op, pool, custom)
            }
            _ => self.finish(None),
        }
    }

    /// Goes on after option ids were looked up and the target was read once more.
    pub(crate) fn again(self, lookup: &Lookup) -> Result<Step, Failure> {
        if self.custom.as_ref().is_some_and(|custom| !lookup.covers(&custom.merge.choices)) {
            return Err(Failure::Conflict(format!("{}/{} was changed while it was read", self.kind, self.id)));
        }
        self.finish(Some(lookup))
    }

    /// Sends what is left to change, if anything.
    fn finish(mut self, lookup: Option<&Lookup>) -> Result<Step, Failure> {
        let mut warnings = Vec::new();
        if let Some(custom) = self.custom.take() {
            match custom.resolved(lookup) {
                Ok(values) => {
                    self.body.insert("custom_fields".into(), custom::attribute(&values));
                    warnings.extend(lookup.into_iter().flat_map(|lookup| lookup.warnings.clone()));
                }
                Err(stuck) => {
                    let text = held_back(&stuck);
                    if self.body.is_empty() {
                        return Err(invalid("custom_fields", text));
                    }
                    warnings.push(text);
                }
            }
        }
        if self.body.is_empty() {
            return Ok(outcome(Written::Unneeded(applied(vec![subject(self.kind, self.id)], warnings))));
        }
        let request = request::patch(self.collection, &self.id, Value::Object(self.body).to_string());
        let success = Success::Patched { kind: self.kind.into(), id: self.id };
        send(request, Sent { operation: self.operation.into(), success, refusal: Refusal::Plain, warnings })
    }
}

fn held_back(stuck: &Stuck) -> String {
    let reasons: Vec<String> = stuck.iter().map(|(key, why)| format!("{key}: {why}")).collect();
    format!(
        "custom fields were not written, because an update may replace the whole set and a stored value of somebody else could not be preserved \
         ({}); the setting custom_fields_reading = \"merge\" lifts this",
        reasons.join("; ")
    )
}
