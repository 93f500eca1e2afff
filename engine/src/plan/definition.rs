//! A custom field and its choices: found or made, kept in step. Pure.
//!
//! How they are found: [`super::defined`]. Choices are made where they are missing; those that are
//! not declared are left alone. A new field brings its choices along where the ATS takes them with
//! it; each is looked for before it is made. What people in the ATS archived stays archived, unless
//! the host enforces the choices.
//!
//! Left out: taking fields and choices away, which drops what others stored; another type, which no
//! ATS can give a field.

use super::defined::{choice, find};
use super::fields::Creation;
use super::found::Found;
use super::item::Item;
use super::ownership::Decision;
use super::parent::Parent;
use super::resource::{Kind, adopt, adopt_alone, plan as walk};
use super::story::Values;
use super::{Draft, FieldChange, FindingKind, Record, Step, account, step};
use crate::path;
use crate::reason::Reason;
use atsync_model::desired::{DesiredCustomField, Policy};
use atsync_model::manifest::OperationRule;
use atsync_model::normal;
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// A custom field that is declared.
struct Field<'a> {
    item: Item<'a>,
}

/// Plans the field, then its choices.
pub(super) fn plan(draft: &mut Draft<'_, DesiredCustomField>) {
    let Some(item) = draft.item() else { return };
    // Part of what it is known by, and what blocks where it differs.
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

    fn find(&mut self, draft: &mut Draft<'a, DesiredCustomField>) -> Option<Found<'a>> {
        let input = draft.input;
        let at = find(draft, &self.item.path, input.desired, input.links)?;
        match at {
            Found::Missing => claim(draft, &self.item.path).then_some(at),
            _ => Some(at),
        }
    }

    fn keeps_in_step(
        &mut self,
        draft: &mut Draft<'a, DesiredCustomField>,
        record: &'a Arc<Record>,
    ) -> bool {
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
        draft: &mut Draft<'a, DesiredCustomField>,
        rule: Option<&OperationRule>,
        creation: &mut Creation,
    ) {
        // Some ATSs make no choice field without choices, so they come along; the steps below make
        // what the ATS did not.
        let takes_options = rule.is_some_and(|rule| rule.field("options").is_some());
        let labels = draft.input.desired.options.as_deref().filter(|labels| !labels.is_empty());
        if let Some(labels) = labels.filter(|_| takes_options) {
            let options: Vec<Value> = labels.iter().map(|label| json!({ "name": label })).collect();
            creation.set("options", Value::Array(options), json!(labels));
        }
    }

    fn report_no_creation(&self, draft: &mut Draft<'a, DesiredCustomField>) {
        let path = &self.item.path;
        let message = format!("{path}: the adapter cannot make custom fields; make it in the ATS");
        draft.block(path, Reason::NotSupported, message);
    }

    fn creation_reason(&self, _draft: &Draft<'a, DesiredCustomField>, step: &mut Step) -> String {
        step.calls += 1;
        "the ATS has no custom field with this key or name".to_owned()
    }

    fn plan_dependents(
        &mut self,
        draft: &mut Draft<'a, DesiredCustomField>,
        record: Option<&'a Arc<Record>>,
        _applied: Option<Map<String, Value>>,
    ) {
        options(draft, &Parent { path: self.item.path.clone(), record });
    }
}

/// What a new field claims within a run: two records that are known by other keys must not make one
/// field twice.
pub(crate) fn name_claim(desired: &DesiredCustomField) -> Option<String> {
    desired.name.as_ref().map(|name| format!("{} {:?}", desired.applies_to, normal::label(name)))
}

/// Two desired records must not make the same field twice.
fn claim(draft: &mut Draft<'_, DesiredCustomField>, path: &str) -> bool {
    let claimed = name_claim(draft.input.desired).and_then(|claim| draft.facts.claimed_by(&claim));
    let Some(other) = claimed.filter(|other| *other != path) else { return true };
    let message = format!(
        "{path}: {other} declares a new custom field of the same name; make them one record"
    );
    draft.block(path, Reason::DuplicateDesired, message);
    false
}

fn options(draft: &mut Draft<'_, DesiredCustomField>, field: &Parent<'_>) {
    let (input, path) = (draft.input, &field.path);
    let declared = input.desired.options.as_deref().unwrap_or_default();
    for (order, label) in declared.iter().enumerate() {
        let option_path = input.desired.option_path(label);
        let record = field.record.map(Arc::as_ref);
        match choice(draft, path, input.desired, input.links, record, label) {
            Some(Found::Existing(option)) => option_there(draft, &option_path, label, option),
            Some(Found::Missing) => option_create(draft, field, &option_path, label, order),
            Some(Found::Removed) => {
                let message = format!(
                    "{path}: the choice {label:?} was archived in the ATS; it stays archived \
                     (policy yield)"
                );
                draft.report(FindingKind::Drifted, &option_path, Reason::RemovedInAts, message);
                record_decision(draft, &option_path, label, Decision::Drifted, &Value::Null);
            }
            None => {}
        }
    }
    // What is no longer declared is nobody's from now on, and stays.
    let prefix = path::all_below(path, path::OPTIONS);
    let below = input
        .links
        .range(prefix.clone()..)
        .take_while(|(option_path, _)| option_path.starts_with(&prefix));
    // A path in a spelling of its own gives way to the one that all spellings share.
    let is_current = |option_path: &str| {
        declared.iter().any(|label| input.desired.option_path(label) == option_path)
    };
    let released: Vec<String> = below
        .filter(|(option_path, _)| !is_current(option_path))
        .map(|(option_path, _)| option_path.clone())
        .collect();
    let labels: Vec<&str> = released
        .iter()
        .filter_map(|option_path| option_path.strip_prefix(&prefix))
        .filter(|label| !input.desired.declares(label))
        .collect();
    if !labels.is_empty() {
        let message = format!(
            "{path}: no longer declared, so no longer managed, and left as they are in the ATS: \
             the choices {}",
            labels.join(", ")
        );
        draft.report(FindingKind::Note, path, Reason::Released, message);
    }
    draft.plan.releases.extend(released);
}

fn record_decision(
    draft: &mut Draft<'_, DesiredCustomField>,
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

/// A choice that is there: linked, and called as it was declared where the host insists on that.
fn option_there(
    draft: &mut Draft<'_, DesiredCustomField>,
    option_path: &str,
    label: &str,
    option: &Record,
) {
    let named = option.text("name").unwrap_or_default();
    let observed = json!(named);
    if normal::is_option(named, label) {
        let remote = option.remote();
        if draft.input.links.get(option_path).is_none_or(|link| link.remote != remote) {
            adopt(draft, option_path, option, "the choice is there");
        }
        record_decision(draft, option_path, label, Decision::InStep, &observed);
        return;
    }
    if draft.policy("options") != Policy::Enforce {
        let message = format!(
            "{option_path}: the choice is called {named:?} in the ATS by now; their name stands, and \
             values written as {label:?} mean it (policy yield)"
        );
        draft.report(FindingKind::Drifted, option_path, Reason::ChangedInAts, message);
        record_decision(draft, option_path, label, Decision::Drifted, &observed);
        return;
    }
    record_decision(draft, option_path, label, Decision::Write, &observed);
    let Some(rule) = draft.operation(option_path, "custom_field_options.update") else { return };
    let mut step = step(rule, option_path, "the choice is called otherwise in the ATS".to_owned());
    step.target = Some(option.remote());
    step.input.insert("name".to_owned(), json!(label));
    step.fields.push(FieldChange {
        field: "name".to_owned(),
        before: observed,
        after: json!(label),
    });
    draft.plan.steps.push(step);
}

fn option_create(
    draft: &mut Draft<'_, DesiredCustomField>,
    field: &Parent<'_>,
    option_path: &str,
    label: &str,
    order: usize,
) {
    record_decision(draft, option_path, label, Decision::Write, &Value::Null);
    let Some(rule) = draft.operation(option_path, "custom_field_options.create") else { return };
    let is_new = field.record.is_none();
    let reason = if is_new {
        "the new field may have brought it along; it is made if not"
    } else {
        "the field has no such active choice"
    };
    let mut step = step(rule, option_path, reason.to_owned());
    step.after = field.after();
    if is_new {
        // Where others have made choices the place among them is theirs.
        step.input.insert("order".to_owned(), json!(order));
    }
    step.input.insert("custom_field".to_owned(), field.id());
    step.input.insert("name".to_owned(), json!(label));
    step.fields.push(FieldChange {
        field: "options".to_owned(),
        before: Value::Null,
        after: json!(label),
    });
    step.makes.insert("subject".to_owned(), option_path.to_owned());
    step.look_first = true;
    let before = &draft.plan.steps;
    let comes_along = before
        .iter()
        .any(|before| before.host == field.path && before.input.contains_key("options"));
    // What comes along is found by the look.
    step.calls = if is_new && comes_along { 1 } else { step.calls + 1 };
    if is_new && !before.iter().any(|before| before.operation == step.operation) {
        // How long ago the field was made, which says how long a look may miss the choice, is read
        // once.
        step.calls += 1;
    }
    draft.plan.steps.push(step);
}
