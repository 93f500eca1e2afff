//! What an operation can do, by the manifest's own words. Pure.
//!
//! A plan is drawn up from what is desired; what of it the adapter can carry out stands in the
//! manifest. Each step is held against its operation's rule before it becomes part of a plan: a
//! member that the rule does not list, a field that the mode of the rule does not let be written
//! this way, and a member that is required and missing. What cannot be done is said of its field
//! (`NotSupported`), is not sent, and is not recorded as applied. A step that means something else
//! without such a member is left out, and so is what depends on it.
//!
//! Left out: what an adapter answers; see [`crate::adapter::promise`].

use super::{Draft, FindingKind, Owned, Step, base};
use crate::reason::Reason;
use atsync_model::declarable::{self, VALUES_MEMBER};
use atsync_model::manifest::{FieldMode, OperationRule};
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// The members of an update that say what becomes of the fields in them.
const PARTS: [&str; 3] = ["set", "add", "remove"];

/// What keeps a member from being sent.
enum Fault {
    Unlisted,
    CreationOnly,
    NeverEmpty,
    NothingRemoved,
}

impl Fault {
    fn words(&self, field: &str, operation: &str, adapter: &str) -> String {
        let can = match self {
            Self::Unlisted => "does not list it for",
            Self::CreationOnly => "takes it only when a record is made, not with",
            Self::NeverEmpty => "cannot clear it with",
            Self::NothingRemoved => "takes nothing out of it with",
        };
        format!("`{field}` is not written: the adapter {adapter} {can} {operation}")
    }
}

impl<D: Owned> Draft<'_, D> {
    /// Holds every step against the rule of its operation.
    pub(super) fn apply_manifest(&mut self) {
        let mut lost: BTreeSet<String> = BTreeSet::new();
        let own = std::mem::take(&mut self.plan.steps);
        let shared = std::mem::take(&mut self.shared);
        self.shared =
            shared.into_iter().filter_map(|step| self.feasible(step, &mut lost)).collect();
        let own: Vec<Step> =
            own.into_iter().filter_map(|step| self.feasible(step, &mut lost)).collect();
        self.plan.steps = own;
    }

    /// The step as far as it can be done. None when it cannot.
    fn feasible(&mut self, mut step: Step, lost: &mut BTreeSet<String>) -> Option<Step> {
        let manifest = self.input.manifest;
        let rule = manifest.operation(&step.operation)?;
        if let Some(before) = step.after.iter().find(|path| lost.contains(*path)) {
            let message =
                format!("{}: it depends on {before}, which the adapter cannot make", step.host);
            self.report(FindingKind::Note, &step.host, Reason::NotSupported, message);
            lost.insert(step.host.clone());
            return None;
        }
        let mut gone: BTreeSet<String> = BTreeSet::new();
        for (part, member, fault) in faults(rule, &step.input) {
            if !may_go(&step, &member) {
                let path = step.host.clone();
                let message = format!(
                    "{path}: {} is not planned: {}",
                    step.operation,
                    fault.words(&member, &step.operation, &manifest.name)
                );
                self.report(FindingKind::Note, &path, Reason::NotSupported, message);
                lost.insert(path);
                return None;
            }
            if is_worth_reporting(&step, &member) {
                let message = format!(
                    "{}: {}",
                    step.host,
                    fault.words(&member, &step.operation, &manifest.name)
                );
                self.report(FindingKind::Note, &step.host, Reason::NotSupported, message);
            }
            let last = self.input.links.get(&step.host).map(|link| &link.applied);
            take_out(&mut step, part.as_deref(), &member, last);
            gone.insert(member);
        }
        if !gone.is_empty() && step.target.is_some() && step.fields.is_empty() {
            // What is in step all the same is the base from now on.
            self.keep_base(step);
            return None;
        }
        self.require(rule, &step);
        Some(step)
    }

    fn keep_base(&mut self, step: Step) {
        let Some(target) = step.target else { return };
        for (path, applied) in step.applied {
            let link = self.input.links.get(&path);
            let is_known = link.is_some_and(|link| link.applied == applied);
            base::record(&mut self.plan, &path, target.clone(), applied, is_known);
        }
    }

    /// Blocks the record when a member is missing that the operation cannot do without.
    fn require(&mut self, rule: &OperationRule, step: &Step) {
        let missing = rule.required.iter().filter(|path| !is_there(&step.input, path));
        for path in missing {
            let message = if rule.name.ends_with(".create") {
                let what = rule.kind.trim_end_matches('s').replace('_', " ");
                let field = declarable::of(&rule.kind)
                    .and_then(|of| of.fields.iter().find(|field| field.member == path));
                let path = field.map_or(path.as_str(), |field| field.place);
                format!("{}: a new {what} needs `{path}`", step.host)
            } else {
                format!("{}: {} needs `{path}`", step.host, rule.name)
            };
            self.block(&step.host, Reason::MissingField, message);
        }
    }

    /// Whether the ATS shows a field at all, so that it can be compared; says so where it does not
    /// and the field is not known to have been written.
    pub(super) fn is_shown(
        &mut self,
        path: &str,
        kind: &str,
        field: &str,
        is_applied: bool,
    ) -> bool {
        let top = field.split_once('.').map_or(field, |(top, _)| top);
        let manifest = self.input.manifest;
        let lists =
            manifest.kind(kind).is_none_or(|rule| rule.fields.iter().any(|listed| listed == top));
        if !lists && !is_applied {
            let message = format!(
                "{path}: `{field}` is not written: the adapter {} does not read it, so nothing \
                 tells whether it is there",
                manifest.name
            );
            self.report(FindingKind::Note, path, Reason::NotSupported, message);
        }
        lists
    }
}

/// The members of an input that its rule does not let through: the part that they stand in, the
/// member, why.
fn faults(
    rule: &OperationRule,
    input: &Map<String, Value>,
) -> Vec<(Option<String>, String, Fault)> {
    let mut found = Vec::new();
    for (name, value) in input {
        match value.as_object() {
            Some(inner) if PARTS.contains(&name.as_str()) && rule.field(name).is_none() => {
                for (member, value) in inner {
                    if let Some(fault) = fault(rule, member, value, name) {
                        found.push((Some(name.clone()), member.clone(), fault));
                    }
                }
            }
            _ => {
                if let Some(fault) = fault(rule, name, value, "set") {
                    found.push((None, name.clone(), fault));
                }
            }
        }
    }
    found
}

fn fault(rule: &OperationRule, member: &str, value: &Value, part: &str) -> Option<Fault> {
    // What an operation may carry along is listed there.
    if member == "application" && !rule.may_carry.is_empty() {
        return None;
    }
    let Some(field) = rule.field(member) else { return Some(Fault::Unlisted) };
    let makes = rule.name.ends_with(".create");
    match field.mode {
        FieldMode::CreateOnly if rule.name.ends_with(".update") => Some(Fault::CreationOnly),
        FieldMode::Set if !makes && part == "set" && clears(value) => Some(Fault::NeverEmpty),
        FieldMode::AppendOnly if part == "remove" => Some(Fault::NothingRemoved),
        _ => None,
    }
}

/// Whether a value empties its field: nothing, or a part that is nothing.
fn clears(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Object(parts) => parts.values().any(clears),
        Value::Array(list) => {
            list.iter().any(|entry| entry.get("value").is_some_and(Value::is_null))
        }
        _ => false,
    }
}

/// Whether the step means the same for its other members without this one. What says whose record
/// it is, what it says, or who may see it may not go.
fn may_go(step: &Step, member: &str) -> bool {
    let value = step.input.get(member);
    let is = |word: &str| value.and_then(Value::as_str) == Some(word);
    match (step.operation.as_str(), member) {
        (operation, _) if operation.ends_with(".update") => true,
        (_, "private") => value != Some(&Value::Bool(true)),
        (_, "invite" | "order") => true,
        ("candidates.create", "name" | "application") => false,
        ("candidates.create", _) => true,
        ("applications.create", "kind") => is("application"),
        (_, "visibility") => is("public"),
        (_, VALUES_MEMBER) => true,
        (
            "applications.create",
            "source" | "referrer" | "recruiter" | "coordinator" | "stage" | "pool_stage",
        ) => true,
        ("notes.create", "application") | ("users.create", "job_title" | "employee_id") => true,
        ("custom_fields.create", "description" | "options") => true,
        _ => false,
    }
}

/// Whether leaving the member out is worth a word: what says only the usual is not.
fn is_worth_reporting(step: &Step, member: &str) -> bool {
    let value = step.input.get(member);
    match member {
        "private" | "invite" => value == Some(&Value::Bool(true)),
        "kind" | "visibility" | "order" => false,
        _ => true,
    }
}

/// Takes a member out of a step. Its base stays what it was: `base` is the one of the link.
fn take_out(step: &mut Step, part: Option<&str>, member: &str, base: Option<&Map<String, Value>>) {
    match part {
        None => drop(step.input.remove(member)),
        Some(part) => {
            if let Some(Value::Object(inner)) = step.input.get_mut(part) {
                inner.remove(member);
                if inner.is_empty() {
                    step.input.remove(part);
                }
            }
        }
    }
    let is_it = |path: &str| {
        path == member || path.strip_prefix(member).is_some_and(|rest| rest.starts_with('.'))
    };
    // Another part of the same list may still be sent; it is planned anew with the next plan.
    let stays = PARTS
        .iter()
        .any(|part| step.input.get(*part).is_some_and(|part| part.get(member).is_some()));
    if !stays {
        step.fields.retain(|field| !is_it(&field.field));
    }
    if let Some(applied) = step.applied.get_mut(&step.host) {
        applied.retain(|path, _| !is_it(path));
        let before = base.into_iter().flatten().filter(|(path, _)| is_it(path));
        applied.extend(before.map(|(path, value)| (path.clone(), value.clone())));
    }
}

/// Whether an input has something at a path, one level deep at most. An update has it where it
/// stands in one of its parts.
fn is_there(input: &Map<String, Value>, path: &str) -> bool {
    let within = |input: &Map<String, Value>| {
        let value = match path.split_once('.') {
            Some((outer, inner)) => input.get(outer).and_then(|value| value.get(inner)),
            None => input.get(path),
        };
        value.is_some_and(|value| match value {
            Value::Null => false,
            Value::String(text) => !text.is_empty(),
            Value::Array(list) => !list.is_empty(),
            _ => true,
        })
    };
    within(input)
        || PARTS.iter().any(|part| input.get(*part).and_then(Value::as_object).is_some_and(within))
}
