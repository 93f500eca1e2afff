//! Guards: the values that a write must find unchanged since the plan. Pure.
//!
//! A recruiter may edit between the plan and the write. So where the policy keeps a recruiter's
//! value, the step lists for each such field the values that it may show if nobody changed it: the
//! one that the plan saw, the base, and the new one. The adapter reads the record right before it
//! sends and refuses the write where something else shows (`wit/operations.md`); the next plan then
//! decides as for any drift. The removal of an entry lists what it shows, under every policy. Only
//! an adapter that lists the member `seen` gets it.
//!
//! Contact lists are merged entry by entry with that read, so only changed types are listed. Left
//! out: values of more than [`SEEN_BYTES_MAX`] bytes.

use super::contact_types::TypesPlan;
use super::ownership::Decision;
use super::{Draft, FieldChange, Owned};
use atsync_model::desired::Policy;
use atsync_model::manifest::OperationRule;
use serde_json::{Map, Value, json};

/// The member of an input that lists the values.
const SEEN: &str = "seen";
/// The longest value that is compared. An adapter keeps its input between two steps, in a bounded
/// space.
const SEEN_BYTES_MAX: usize = 4096;

/// By field, the values that it may show if no one else changed it.
#[derive(Debug, Default)]
pub(super) struct Seen(Map<String, Value>);

impl Seen {
    /// Adds a field, unless the policy overwrites it anyway or its values are too long.
    pub(super) fn field<D: Owned>(
        &mut self,
        draft: &Draft<'_, D>,
        (policy_of, field): (&str, &str),
        may_show: impl IntoIterator<Item = Value>,
    ) {
        let mut values: Vec<Value> = Vec::new();
        for value in may_show {
            if !values.contains(&value) {
                values.push(value);
            }
        }
        let may_show = json!(values);
        if draft.policy(policy_of) != Policy::Enforce
            && may_show.to_string().len() <= SEEN_BYTES_MAX
        {
            self.0.insert(field.to_owned(), may_show);
        }
    }

    /// Adds changes of fields, in the order of the decisions, except fields with members of their
    /// own.
    pub(super) fn changes<D: Owned>(
        &mut self,
        draft: &Draft<'_, D>,
        base: &Map<String, Value>,
        changes: &[FieldChange],
        fields: &[&str],
    ) {
        for change in changes.iter().filter(|change| fields.contains(&change.field.as_str())) {
            let field = change.field.as_str();
            let last = base.get(field).cloned();
            let may_show = [Some(change.before.clone()), last, Some(change.after.clone())];
            self.field(draft, (field, field), may_show.into_iter().flatten());
        }
    }

    /// Adds the entries of a list whose types are changed, each with the types that it may have.
    pub(super) fn types<D: Owned>(&mut self, draft: &Draft<'_, D>, list: &str, types: &TypesPlan) {
        let written = types.verdicts.iter().filter(|verdict| verdict.decision == Decision::Write);
        let entries: Vec<Value> = written
            .flat_map(|verdict| {
                let of = |kind: Value| json!({ "value": verdict.value, "type": kind });
                [of(json!(verdict.observed)), of(json!(verdict.desired))]
            })
            .collect();
        if !entries.is_empty() {
            self.field(draft, (list, list), entries);
        }
    }

    /// Adds a field of a record that is to be removed: whatever the policy, a recruiter's change
    /// since the plan is not lost. A text that is too long is not compared.
    pub(super) fn removed(&mut self, field: &str, shown: Value) {
        let may_show = json!([shown]);
        if may_show.to_string().len() <= SEEN_BYTES_MAX {
            self.0.insert(field.to_owned(), may_show);
        }
    }

    /// Adds the values to a step's input, where the adapter takes them.
    pub(super) fn join(self, rule: &OperationRule, input: &mut Map<String, Value>) {
        if !self.0.is_empty() && rule.field(SEEN).is_some() {
            input.insert(SEEN.to_owned(), Value::Object(self.0));
        }
    }
}
