//! Custom values of a person or an application: what a create or an update is told of them. Pure.
//!
//! Which field a key means and how a value is written: [`super::custom`]. Who wins where several have changed it: [`super::ownership`].

use super::candidate::follow;
use super::explain::Values;
use super::ownership::Comparison;
use super::{Draft, FieldChange, FindingKind, Record, custom};
use crate::store::index;
use atsync_model::manifest::{FieldMode, FieldRule, OperationRule};
use atsync_model::{kinds, normal};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// The custom values of one step.
#[derive(Debug, Default)]
pub(super) struct Customs {
    inputs: Vec<Value>,
    after: Vec<String>,
}

impl Customs {
    /// Whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        self.inputs.is_empty()
    }

    /// Puts them into a step's input, and what makes their fields, choices and users before it.
    pub(super) fn join(self, input: &mut Map<String, Value>, after: &mut Vec<String>) {
        if !self.inputs.is_empty() {
            input.insert("custom_fields".to_owned(), Value::Array(self.inputs));
        }
        after.extend(self.after);
    }

    fn push(&mut self, resolved: custom::Resolved) {
        self.inputs.push(resolved.input);
        for path in resolved.after {
            if !self.after.contains(&path) {
                self.after.push(path);
            }
        }
    }
}

/// The custom values of a new record.
pub(super) fn create_customs(
    draft: &mut Draft<'_>,
    host: &str,
    applies_to: &str,
    desired: &BTreeMap<String, Value>,
    fields: &mut Vec<FieldChange>,
    applied: &mut Map<String, Value>,
) -> Customs {
    let mut customs = Customs::default();
    for (key, value) in desired {
        let Some(resolved) = draft.custom(host, applies_to, key, value) else { continue };
        if resolved.plain.is_null() {
            continue;
        }
        fields.push(FieldChange {
            field: format!("custom_fields.{key}"),
            before: Value::Null,
            after: resolved.plain.clone(),
        });
        applied.insert(format!("custom_fields.{key}"), resolved.plain.clone());
        customs.push(resolved);
    }
    customs
}

/// The custom values of a record that exists: what to write, with the base brought up to date.
pub(super) fn update_customs(
    draft: &mut Draft<'_>,
    host: &str,
    applies_to: &str,
    desired: &BTreeMap<String, Value>,
    record: &Record,
    fields: &mut Vec<FieldChange>,
    applied: &mut Map<String, Value>,
) -> Customs {
    let mut customs = Customs::default();
    for (key, value) in desired {
        let Some(resolved) = draft.custom(host, applies_to, key, value) else { continue };
        let path = format!("custom_fields.{key}");
        let kind = resolved.kind.clone();
        let (held, observed) = match &resolved.key {
            Some(key) => (custom::observed_value(record, key), custom::observed_plain(record, key, &kind)),
            None => (&Value::Null, Value::Null),
        };
        let base = applied.get(&path).cloned();
        // The very comparison of the adapter: the value as it was read and the value as it would be written.
        let wanted = resolved.input.get("value").unwrap_or(&Value::Null);
        let comparison = Comparison {
            observed_is_desired: normal::same(&kind, held, wanted),
            observed_is_empty: normal::custom(&kind, held) == normal::Custom::Empty,
            has_base: base.is_some(),
            observed_is_base: base.as_ref().is_some_and(|base| normal::same(&kind, base, held)),
            desired_is_base: base.as_ref().is_some_and(|base| normal::same(&kind, base, wanted)),
        };
        let values = Values { desired: &resolved.plain, applied: base.as_ref(), observed: &observed };
        let decision = draft.decide(host, &path, comparison, &values);
        if follow(draft, host, &path, decision, &observed, &resolved.plain, fields, applied) {
            customs.push(resolved);
        }
    }
    customs
}

/// Says which values an update may lose: where it replaces the whole set, what the acting user is not shown cannot be sent back.
pub(super) fn unseen_customs(
    draft: &mut Draft<'_>,
    host: &str,
    applies_to: &str,
    rule: &OperationRule,
    record: &Record,
) {
    let replaces = |field: &FieldRule| field.name == "custom_fields" && field.mode == FieldMode::ReplaceAll;
    if !rule.fields.iter().any(replaces) {
        return;
    }
    let Some(private) = draft.lookup(kinds::CUSTOM_FIELDS, index::PRIVATE, applies_to) else { return };
    let shown = record.body.get("custom_fields");
    let unseen: Vec<&str> = private
        .iter()
        .filter(|field| field.value("active").and_then(Value::as_bool) != Some(false))
        .filter_map(|field| field.text("key"))
        .filter(|key| shown.and_then(|shown| shown.get(*key)).is_none())
        .collect();
    if !unseen.is_empty() {
        let message = format!(
            "{host}: private custom fields that show no value ({}) may hold one that the acting user does not see; \
             where the ATS replaces all custom values at once, this update removes it",
            unseen.join(", ")
        );
        draft.say(FindingKind::Note, host, "UnseenValues", message);
    }
}
