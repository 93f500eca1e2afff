//! The planner: one way through for every kind that can be declared. Pure.
//!
//! The planner finds a declared item; it brings a record that exists in step, and creates one that
//! does not; what is declared below it follows. The table ([`atsync_model::declarable`]) says which
//! fields there are, and what is declared below what. What no table can say is a method of
//! [`Kind`], each a small part: what may be it in the ATS, a value with a form of its own, two
//! records that one request makes, a course of steps that follows.

use super::field::release;
use super::fields::{self, Creation, Update};
use super::found::Found;
use super::item::Item;
use super::parent::Parent;
use super::values::{self, Others};
use super::{Adoption, Draft, Owned, Record, Step, base, step};
use crate::reason::Reason;
use atsync_model::contract::RemoteRef;
use atsync_model::manifest::OperationRule;
use serde_json::{Map, Value};
use std::sync::Arc;

/// What is special of a kind.
pub(super) trait Kind<'a> {
    /// The desired record that it belongs to.
    type Of: Owned;

    /// What is declared.
    fn item(&self) -> &Item<'a>;

    /// What it is declared below; none for a record of its own.
    fn parent(&self) -> Option<&Parent<'a>> {
        None
    }

    /// Where it stands. None while facts are missing or after it blocked the record.
    fn find(&mut self, draft: &mut Draft<'a, Self::Of>) -> Option<Found<'a>>;

    /// Whether the record that was found is to be brought in step. Says why not.
    fn keeps_in_step(
        &mut self,
        _draft: &mut Draft<'a, Self::Of>,
        _record: &'a Arc<Record>,
    ) -> bool {
        true
    }

    /// Takes into a creation what the table does not name. `rule`: of the operation, if the adapter
    /// has it.
    fn complete_creation(
        &mut self,
        _draft: &mut Draft<'a, Self::Of>,
        _rule: Option<&OperationRule>,
        _making: &mut Creation,
    ) {
    }

    /// Whether a step that is planned already makes it along.
    fn is_carried(&mut self, _draft: &mut Draft<'a, Self::Of>, _making: &Creation) -> bool {
        false
    }

    /// What to say where it cannot be made, beyond what the manifest says.
    fn report_no_creation(&self, _draft: &mut Draft<'a, Self::Of>) {}

    /// Why it is created, in a sentence; adds the cost of the probe to the step.
    fn creation_reason(&self, draft: &Draft<'a, Self::Of>, step: &mut Step) -> String;

    /// Takes into a change what the table does not name.
    fn complete_change(
        &mut self,
        _draft: &mut Draft<'a, Self::Of>,
        _record: &Record,
        _changing: &mut Update,
    ) {
    }

    /// Puts into the step of a change what the table does not name. `set`: the values that are set.
    /// What comes back is what others may lose by it.
    fn complete_update(
        &mut self,
        _draft: &mut Draft<'a, Self::Of>,
        _rule: &OperationRule,
        _record: &Record,
        set: Map<String, Value>,
        step: &mut Step,
    ) -> Others {
        step.input.extend(set);
        Others::default()
    }

    /// What follows, below it and after it. `applied`: the base as it will be; none where it cannot
    /// be made.
    fn plan_dependents(
        &mut self,
        _draft: &mut Draft<'a, Self::Of>,
        _record: Option<&'a Arc<Record>>,
        _applied: Option<Map<String, Value>>,
    ) {
    }
}

/// Plans a declared item and what depends on it.
pub(super) fn plan<'a, K: Kind<'a>>(draft: &mut Draft<'a, K::Of>, mut kind: K) {
    match kind.find(draft) {
        Some(Found::Existing(record)) if kind.keeps_in_step(draft, record) => {
            let applied = change(draft, &mut kind, record);
            kind.plan_dependents(draft, Some(record), Some(applied));
        }
        Some(Found::Missing) => {
            let applied = make(draft, &mut kind);
            kind.plan_dependents(draft, None, applied);
        }
        _ => {}
    }
}

/// Plans the creation. None where it cannot be made.
fn make<'a, K: Kind<'a>>(draft: &mut Draft<'a, K::Of>, kind: &mut K) -> Option<Map<String, Value>> {
    let item = kind.item().clone();
    let operation = item.of.operation("create");
    let mut creation = Creation::default();
    fields::make(draft, &item, &mut creation);
    kind.complete_creation(draft, draft.input.manifest.operation(&operation), &mut creation);
    values::make(draft, &item, &mut creation);
    if kind.is_carried(draft, &creation) {
        return Some(creation.applied);
    }
    let Some(rule) = draft.operation(&item.path, &operation) else {
        kind.report_no_creation(draft);
        return None;
    };
    let mut step = step(rule, &item.path, String::new());
    step.input = creation.input;
    if let (Some(parent), Some(below)) = (kind.parent(), &item.of.below) {
        step.input.insert(below.member.to_owned(), parent.id());
        step.after = parent.after();
    }
    step.after.extend(creation.after);
    step.fields = creation.fields;
    step.makes.insert("subject".to_owned(), item.path.clone());
    step.applied.insert(item.path, creation.applied.clone());
    step.look_first = true;
    step.reason = kind.creation_reason(draft, &mut step);
    draft.plan.steps.push(step);
    Some(creation.applied)
}

/// Plans what brings the record in step. What comes back is its base as it will be.
fn change<'a, K: Kind<'a>>(
    draft: &mut Draft<'a, K::Of>,
    kind: &mut K,
    record: &'a Arc<Record>,
) -> Map<String, Value> {
    let item = kind.item().clone();
    let path = &item.path;
    let last = draft.base(path);
    let mut applied = last.clone();
    draft.note_base_record(path, &mut applied);
    release(draft, path, &mut applied, |member| fields::owns(&item, member));
    let mut update = Update { base: last, applied, ..Update::default() };
    fields::change(draft, &item, record, &mut update);
    kind.complete_change(draft, record, &mut update);
    let customs = values::change(draft, &item, record, &mut update);
    let applied = update.applied.clone();
    if update.fields.is_empty() {
        let is_known = applied == update.base;
        base::record(&mut draft.plan, path, record.remote(), applied.clone(), is_known);
    } else if let Some(rule) = draft.operation(path, &item.of.operation("update")) {
        let mut step = step(rule, path, "its fields differ from what is desired".to_owned());
        step.target = Some(record.remote());
        fields::guard(draft, &item, &mut update);
        update.seen.join(rule, &mut step.input);
        step.fields = update.fields;
        step.applied.insert(path.clone(), applied.clone());
        let mut others = kind.complete_update(draft, rule, record, update.set, &mut step);
        others.extend(values::unseen(draft, &item, rule, record, &customs));
        others.join(rule, &mut step.input);
        customs.join(&mut step.input, &mut step.after);
        draft.plan.steps.push(step);
    }
    applied
}

/// What a path is linked to, as the ATS shows it. None while facts are missing or after it blocked
/// the record: `gone` says what to say where it is known to be deleted, none to say the same;
/// `unseen` why it may not show and what to do.
pub(super) fn linked<'a, D: Owned>(
    draft: &mut Draft<'a, D>,
    path: &str,
    remote: &RemoteRef,
    gone: impl FnOnce(&mut Draft<'a, D>) -> Option<String>,
    unseen: impl FnOnce() -> String,
) -> Option<&'a Arc<Record>> {
    let found = draft.observed(remote)?;
    if found.is_none() {
        let is_gone = draft.facts.is_gone(remote);
        match is_gone.then(|| gone(draft)) {
            // Facts are missing.
            Some(None) => {}
            Some(Some(message)) => draft.block(path, Reason::Deleted, message),
            None => draft.block(path, Reason::NotVisible, unseen()),
        }
    }
    found
}

/// Takes a record that was found for the declared one.
pub(super) fn adopt<D: Owned>(draft: &mut Draft<'_, D>, path: &str, record: &Record, why: &str) {
    draft.plan.adoptions.push(Adoption {
        host: path.to_owned(),
        remote: record.remote(),
        applied: Map::new(),
        reason: Some(why.to_owned()),
    });
}

/// As [`adopt`], unless another desired record holds it. False when that blocked the record or
/// facts are missing. `why` follows "it".
pub(super) fn adopt_alone<D: Owned>(
    draft: &mut Draft<'_, D>,
    path: &str,
    record: &Record,
    why: &str,
) -> bool {
    let remote = record.remote();
    let Some(others) = draft.linked_to(&remote) else { return false };
    if let Some(other) = others.iter().find(|other| other.as_str() != path) {
        let message = format!(
            "{path}: {remote} {why} and is linked to {other} already; make them one record"
        );
        draft.block(path, Reason::DuplicateDesired, message);
        return false;
    }
    adopt(draft, path, record, &format!("it {why}"));
    true
}
