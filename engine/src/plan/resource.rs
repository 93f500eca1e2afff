//! The planner: the one path that every declarable kind takes. Pure.
//!
//! Three steps: find the record of a declared item; update it, or create the one that is missing;
//! then plan the items below it. The table ([`atsync_model::declarable`]) lists the fields of a
//! kind and the kinds below it. A method of [`Kind`] covers what no table can express: how to find
//! the record, a value with a form of its own, two records created by one request, a course of
//! steps that follows.
//!
//! Left out: the fields themselves ([`super::fields`]), custom values ([`super::values`]), and
//! items created once or known by content ([`super::once`], [`super::entries`]).

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

/// The parts of planning that differ between kinds.
pub(super) trait Kind<'a> {
    /// The desired record that the item belongs to.
    type Of: Owned;

    /// Returns the declared item.
    fn item(&self) -> &Item<'a>;

    /// Returns the item that it is declared below; none for a desired record itself.
    fn parent(&self) -> Option<&Parent<'a>> {
        None
    }

    /// Finds the record in the ATS. None while facts are missing or after it blocked the record.
    fn find(&mut self, draft: &mut Draft<'a, Self::Of>) -> Option<Found<'a>>;

    /// Whether the planner updates the record that was found. Reports why not.
    fn keeps_in_step(
        &mut self,
        _draft: &mut Draft<'a, Self::Of>,
        _record: &'a Arc<Record>,
    ) -> bool {
        true
    }

    /// Adds to a creation what the table does not list. `rule`: of the operation, if the adapter
    /// has it.
    fn complete_creation(
        &mut self,
        _draft: &mut Draft<'a, Self::Of>,
        _rule: Option<&OperationRule>,
        _making: &mut Creation,
    ) {
    }

    /// Whether a planned step creates the record as well.
    fn is_carried(&mut self, _draft: &mut Draft<'a, Self::Of>, _making: &Creation) -> bool {
        false
    }

    /// Reports that the record cannot be created, beyond what the manifest explains.
    fn report_no_creation(&self, _draft: &mut Draft<'a, Self::Of>) {}

    /// Returns why the record is created, in a sentence; adds the cost of the probe to the step.
    fn creation_reason(&self, draft: &Draft<'a, Self::Of>, step: &mut Step) -> String;

    /// Adds to an update what the table does not list.
    fn complete_change(
        &mut self,
        _draft: &mut Draft<'a, Self::Of>,
        _record: &Record,
        _changing: &mut Update,
    ) {
    }

    /// Adds to the step of an update what the table does not list. `set`: the values to set.
    /// Returns what others may lose by it.
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

    /// Plans what depends on the item. `applied`: its base after the plan; none where it cannot be
    /// created.
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

/// Plans the creation. None where the record cannot be created.
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
    step.link(&item.path);
    step.applied.insert(item.path, creation.applied.clone());
    step.probe_first = true;
    step.reason = kind.creation_reason(draft, &mut step);
    draft.plan.steps.push(step);
    Some(creation.applied)
}

/// Plans the update of a record. Returns its base after the plan.
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
        let mut step = step(rule, path, "its fields differ from what is declared".to_owned());
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

/// Returns the linked record as the ATS shows it. None while facts are missing or after it blocked
/// the record. `gone` writes the message for a record that is known to be deleted (none while facts
/// are missing), `unseen` the one for a record that does not show.
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

/// Links a record that was found to the declared path.
pub(super) fn adopt<D: Owned>(draft: &mut Draft<'_, D>, path: &str, record: &Record, why: &str) {
    draft.plan.adoptions.push(Adoption {
        path: path.to_owned(),
        remote: record.remote(),
        applied: Map::new(),
        reason: Some(why.to_owned()),
    });
}

/// As [`adopt`], unless another desired record is linked to it. False when that blocked the record
/// or facts are missing. `why` follows "it".
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
            "{path}: {remote} {why} and is already linked to {other}; declare them as one record"
        );
        draft.block(path, Reason::DuplicateDesired, message);
        return false;
    }
    adopt(draft, path, record, &format!("it {why}"));
    true
}
