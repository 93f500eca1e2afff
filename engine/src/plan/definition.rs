//! A custom field and its options: found or created, kept in step. Pure.
//!
//! [`super::defined`] finds them. Missing options are created; options that are not declared are
//! left alone. A creation sends the options with the field where the ATS takes them, and each
//! option is probed for before it is created. An option that was archived in the ATS stays
//! archived, unless the policy of `options` is `enforce`.
//!
//! Left out: deleting fields and options, which drops what others stored; changing the type of a
//! field, which no ATS can do.

use super::defined::{find, find_option};
use super::fields::Creation;
use super::found::Found;
use super::item::Item;
use super::lists::links_below;
use super::ownership::Decision;
use super::parent::Parent;
use super::resource::{Kind, adopt, adopt_alone, plan as walk};
use super::story::Values;
use super::{FindingKind, Record, Step, account, step};
use crate::path;
use crate::reason::Reason;
use atsync_model::declarable;
use atsync_model::desired::{DesiredCustomField, Policy};
use atsync_model::manifest::OperationRule;
use atsync_model::normal;
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// The draft of a custom field.
type Draft<'a> = super::Draft<'a, DesiredCustomField>;

/// A custom field that is declared.
struct Field<'a> {
    item: Item<'a>,
}

/// Plans the field, then its options.
pub(super) fn plan(draft: &mut Draft<'_>) {
    let Some(item) = draft.item() else { return };
    // Part of the identity, or checked by `keeps_in_step`.
    for place in ["applies_to", "type"] {
        draft.account(&item.path, place);
    }
    walk(draft, Field { item });
}

impl<'a> Kind<'a> for Field<'a> {
    type Of = DesiredCustomField;

    fn item(&self) -> &Item<'a> {
        &self.item
    }

    fn find(&mut self, draft: &mut Draft<'a>) -> Option<Found<'a>> {
        let input = draft.input;
        let at = find(draft, &self.item.path, input.desired, input.links)?;
        match at {
            Found::Missing => claim_name(draft, &self.item.path).then_some(at),
            _ => Some(at),
        }
    }

    fn keeps_in_step(&mut self, draft: &mut Draft<'a>, record: &'a Arc<Record>) -> bool {
        let path = &self.item.path;
        let is_linked = draft.input.links.contains_key(path);
        if !is_linked && !adopt_alone(draft, path, record, "has the same key or name") {
            return false;
        }
        let held = record.text("type.value").unwrap_or("unknown");
        let wanted = &draft.input.desired.value_type;
        if held != wanted {
            let message = format!(
                "{path}: {} is of type {held}, not {wanted}; a field's type cannot be changed: \
                 declare it so, or under another key and name",
                record.remote()
            );
            draft.block(path, Reason::InvalidValue, message);
        }
        held == wanted
    }

    fn complete_creation(
        &mut self,
        draft: &mut Draft<'a>,
        rule: Option<&OperationRule>,
        creation: &mut Creation,
    ) {
        // Some ATSs create no field of type `single` or `multi` without options, so they are sent
        // with it; the steps below create those that the ATS did not.
        let takes_options = rule.is_some_and(|rule| rule.field("options").is_some());
        let labels = draft.input.desired.options.as_deref().filter(|labels| !labels.is_empty());
        if let Some(labels) = labels.filter(|_| takes_options) {
            let options: Vec<Value> = labels.iter().map(|label| json!({ "name": label })).collect();
            creation.set("options", Value::Array(options), json!(labels));
        }
    }

    fn report_no_creation(&self, draft: &mut Draft<'a>) {
        let path = &self.item.path;
        let message =
            format!("{path}: the adapter cannot create custom fields; create it in the ATS");
        draft.block(path, Reason::NotSupported, message);
    }

    fn creation_reason(&self, _draft: &Draft<'a>, step: &mut Step) -> String {
        step.calls += 1;
        "the ATS has no custom field with this key or name".to_owned()
    }

    fn plan_dependents(
        &mut self,
        draft: &mut Draft<'a>,
        record: Option<&'a Arc<Record>>,
        _applied: Option<Map<String, Value>>,
    ) {
        plan_options(draft, &Parent { path: self.item.path.clone(), record });
    }
}

/// Returns what a new field claims within a run: two records under different keys must not create
/// one field twice.
pub(crate) fn name_claim(desired: &DesiredCustomField) -> Option<String> {
    desired.name.as_ref().map(|name| format!("{} {:?}", desired.applies_to, normal::label(name)))
}

/// Whether no other desired record of the run creates this field. Blocks the record otherwise.
fn claim_name(draft: &mut Draft<'_>, path: &str) -> bool {
    let claimed = name_claim(draft.input.desired).and_then(|claim| draft.facts.claimed_by(&claim));
    let Some(other) = claimed.filter(|other| *other != path) else { return true };
    let message = format!(
        "{path}: {other} declares a new custom field of the same name; declare them as one record"
    );
    draft.block(path, Reason::DuplicateDesired, message);
    false
}

fn plan_options(draft: &mut Draft<'_>, field: &Parent<'_>) {
    let (input, path) = (draft.input, &field.path);
    let declared = input.desired.options.as_deref().unwrap_or_default();
    for (order, label) in declared.iter().enumerate() {
        let option_path = input.desired.option_path(label);
        let record = field.record.map(Arc::as_ref);
        match find_option(draft, path, input.desired, input.links, record, label) {
            Some(Found::Existing(option)) => keep_option(draft, &option_path, label, option),
            Some(Found::Missing) => create_option(draft, field, &option_path, label, order),
            Some(Found::Removed) => {
                let message = format!(
                    "{path}: the option {label:?} was archived in the ATS; it stays archived \
                     (policy yield)"
                );
                draft.report(FindingKind::Drifted, &option_path, Reason::RemovedInAts, message);
                record_option(draft, &option_path, label, Decision::Drifted, &Value::Null);
            }
            None => {}
        }
    }
    // Options that are no longer declared are released and stay in the ATS.
    let prefix = path::all_below(path, path::OPTIONS);
    // A path in another spelling is replaced by the one that all spellings share.
    let is_current =
        |path: &str| declared.iter().any(|label| input.desired.option_path(label) == path);
    let below = links_below(draft, &prefix).map(|link| link.path.clone());
    let released: Vec<String> = below.filter(|path| !is_current(path)).collect();
    let labels: Vec<&str> = released
        .iter()
        .filter_map(|option_path| option_path.strip_prefix(&prefix))
        .filter(|label| !input.desired.declares(label))
        .collect();
    if !labels.is_empty() {
        let message = format!(
            "{path}: no longer declared, so no longer managed, and left as they are in the ATS: \
             the options {}",
            labels.join(", ")
        );
        draft.report(FindingKind::Note, path, Reason::Released, message);
    }
    draft.plan.releases.extend(released);
}

/// Returns the rule of an operation on an option; none where the adapter has none.
fn option_rule<'a>(
    draft: &mut Draft<'a>,
    option_path: &str,
    verb: &str,
) -> Option<&'a OperationRule> {
    let (of, _) = declarable::below(DesiredCustomField::KIND).next()?;
    draft.operation(option_path, &of.operation(verb))
}

fn record_option(
    draft: &mut Draft<'_>,
    option_path: &str,
    label: &str,
    decision: Decision,
    observed: &Value,
) {
    draft.account(&draft.input.desired.path(), &account::item("options", label));
    let applied = draft.input.links.contains_key(option_path).then(|| json!(label));
    let values = Values { desired: &json!(label), applied: applied.as_ref(), observed };
    draft.record_decision(option_path, "options", decision, &values);
}

/// Plans an option that exists: links it, and renames it where the policy is `enforce`.
fn keep_option(draft: &mut Draft<'_>, option_path: &str, label: &str, option: &Record) {
    let named = option.text("name").unwrap_or_default();
    let observed = json!(named);
    if normal::is_option(named, label) {
        let remote = option.remote();
        if draft.input.links.get(option_path).is_none_or(|link| link.remote != remote) {
            adopt(draft, option_path, option, "the option exists");
        }
        record_option(draft, option_path, label, Decision::InStep, &observed);
        return;
    }
    if draft.policy("options") != Policy::Enforce {
        let message = format!(
            "{option_path}: the option was renamed to {named:?} in the ATS; that name is kept, and \
             values written as {label:?} mean it (policy yield)"
        );
        draft.report(FindingKind::Drifted, option_path, Reason::ChangedInAts, message);
        record_option(draft, option_path, label, Decision::Drifted, &observed);
        return;
    }
    record_option(draft, option_path, label, Decision::Write, &observed);
    let Some(rule) = option_rule(draft, option_path, "update") else { return };
    let mut step = step(rule, option_path, "the option has another name in the ATS".to_owned());
    step.target = Some(option.remote());
    step.input.insert("name".to_owned(), json!(label));
    step.change("name", observed, json!(label));
    draft.plan.steps.push(step);
}

fn create_option(
    draft: &mut Draft<'_>,
    field: &Parent<'_>,
    option_path: &str,
    label: &str,
    order: usize,
) {
    record_option(draft, option_path, label, Decision::Write, &Value::Null);
    let Some(rule) = option_rule(draft, option_path, "create") else { return };
    let is_new = field.record.is_none();
    let reason = if is_new {
        "the ATS may create it with the new field; it is created otherwise"
    } else {
        "the field has no such active option"
    };
    let mut step = step(rule, option_path, reason.to_owned());
    step.after = field.after();
    if is_new {
        // In a field that exists, the place among the options is not the host's.
        step.input.insert("order".to_owned(), json!(order));
    }
    step.input.insert("custom_field".to_owned(), field.id());
    step.input.insert("name".to_owned(), json!(label));
    step.change("options", Value::Null, json!(label));
    step.link(option_path);
    step.probe_first = true;
    let before = &draft.plan.steps;
    let is_sent_along = before
        .iter()
        .any(|before| before.path == field.path && before.input.contains_key("options"));
    // The probe finds an option that was created with the field.
    step.calls = if is_new && is_sent_along { 1 } else { step.calls + 1 };
    if is_new && !before.iter().any(|before| before.operation == step.operation) {
        // The age of the field says how long a probe may miss the option; it is read once.
        step.calls += 1;
    }
    draft.plan.steps.push(step);
}
