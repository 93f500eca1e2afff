//! A plan in preparation: its input, the facts that it still needs, and its result so far. Pure.
//!
//! The planners of all kinds write to one [`Draft`]: steps, findings, adoptions, decisions. A fact
//! that is missing is noted and the planner goes on, so that one round asks for as many facts as
//! possible.

use super::accounts::Accounts;
use super::facts::{Declared, Facts, Need, Record};
use super::finding::{Finding, FindingKind};
use super::input::Input;
use super::item::Item;
use super::owned::Owned;
use super::record_plan::RecordPlan;
use super::step::Step;
use super::story::Story;
use crate::path;
use crate::reason::Reason;
use atsync_model::contract::RemoteRef;
use atsync_model::declarable;
use atsync_model::desired::{DesiredCandidate, Policy};
use atsync_model::manifest::OperationRule;
use serde_json::{Map, Value};
use std::collections::BTreeSet;
use std::sync::Arc;

/// A plan in preparation.
pub(super) struct Draft<'a, D = DesiredCandidate> {
    pub(super) input: &'a Input<'a, D>,
    pub(super) facts: &'a Facts,
    /// The desired record as JSON.
    pub(super) members: Arc<Map<String, Value>>,
    pub(super) plan: RecordPlan,
    pub(super) shared: Vec<Step>,
    pub(super) needs: Vec<Need>,
    pub(super) stories: Vec<Story>,
    /// The candidate's data look erased: no policy restores anything.
    pub(super) is_erased: bool,
    /// A field or a list of it was erased, or looks so for now.
    pub(super) has_erased: bool,
    pub(super) accounts: Accounts,
    /// Paths that are linked to another record than declared: nothing is written to that record,
    /// below it or about it.
    pub(super) mislinked: BTreeSet<String>,
    /// Fields in step in the ATS's own form, by path.
    pub(super) in_ats_form: BTreeSet<(String, String)>,
}

impl<'a, D: Owned> Draft<'a, D> {
    pub(super) fn new(input: &'a Input<'a, D>, facts: &'a Facts) -> Self {
        // A desired record was read from JSON, so this does not fail; a failure would leave it
        // without fields.
        let members = match serde_json::to_value(input.desired) {
            Ok(Value::Object(members)) => members,
            _ => Map::new(),
        };
        let plan = RecordPlan {
            key: input.desired.key(),
            generation: input.generation,
            ..RecordPlan::default()
        };
        Self {
            input,
            facts,
            members: Arc::new(members),
            plan,
            shared: Vec::new(),
            needs: Vec::new(),
            stories: Vec::new(),
            is_erased: false,
            has_erased: false,
            accounts: Accounts::default(),
            mislinked: BTreeSet::new(),
            in_ats_form: BTreeSet::new(),
        }
    }

    /// Returns the desired record itself as an item.
    pub(super) fn item(&self) -> Option<Item<'a>> {
        Some(Item {
            of: declarable::of(D::KIND)?,
            path: self.input.desired.key(),
            members: Arc::clone(&self.members),
            refs: Vec::new(),
        })
    }

    /// Returns a fact, or none after noting that it is missing.
    pub(super) fn ask<T>(&mut self, fact: Result<T, Need>) -> Option<T> {
        fact.map_err(|need| self.needs.push(need)).ok()
    }

    /// Returns the custom field or user that is declared under this path. None while the fact is
    /// missing.
    pub(super) fn declared(&mut self, path: &str) -> Option<Option<&'a Arc<Declared>>> {
        self.ask(self.facts.declared(path))
    }

    /// Returns the paths that are linked to a record. None while the fact is missing.
    pub(super) fn linked_to(&mut self, remote: &RemoteRef) -> Option<&'a [String]> {
        self.ask(self.facts.linked_to(remote))
    }

    /// Whether a path of another desired record is linked to a record, as after a merge: what one
    /// of them gives up is still the other's. None while the fact is missing.
    pub(super) fn is_linked_by_another(&mut self, remote: &RemoteRef) -> Option<bool> {
        let key = self.input.desired.key();
        let is_another = |path: &String| !path::is_shared(path) && path::key(path) != key;
        self.linked_to(remote).map(|paths| paths.iter().any(is_another))
    }

    /// Returns the records with this term. None while the fact is missing.
    pub(super) fn lookup(
        &mut self,
        kind: &str,
        index: &'static str,
        term: &str,
    ) -> Option<&'a [Arc<Record>]> {
        self.ask(self.facts.lookup(kind, index, term))
    }

    /// Returns the observed record; the inner option is none where the ATS does not show it. None
    /// while the fact is missing.
    pub(super) fn observed(&mut self, remote: &RemoteRef) -> Option<Option<&'a Arc<Record>>> {
        self.ask(self.facts.observed(remote))
    }

    /// Returns the record as it is stored; the inner option is none where it is not stored. None
    /// while the fact is missing.
    pub(super) fn stored(&mut self, remote: &RemoteRef) -> Option<Option<&'a Arc<Record>>> {
        self.ask(self.facts.stored(remote))
    }

    /// Returns the record as the ATS shows it in this run, read by its id because two observations
    /// disagree; the inner option is none where the ATS does not show it. None until it was read.
    pub(super) fn confirmed(&mut self, remote: &RemoteRef) -> Option<Option<&'a Arc<Record>>> {
        self.ask(self.facts.confirmed(remote))
    }

    /// Returns the base of a path: what was last applied to its record.
    pub(super) fn base(&self, path: &str) -> Map<String, Value> {
        self.input.links.get(path).map(|link| link.applied.clone()).unwrap_or_default()
    }

    /// Adds a finding. `message` begins with the path.
    pub(super) fn report(
        &mut self,
        kind: FindingKind,
        path: &str,
        reason: Reason,
        message: String,
    ) {
        self.plan.findings.push(Finding { kind, path: path.to_owned(), reason, message });
    }

    /// Blocks the record.
    pub(super) fn block(&mut self, path: &str, reason: Reason, message: String) {
        self.report(FindingKind::Blocked, path, reason, message);
    }

    /// Returns the rule of an operation that the adapter has and the connection allows. Reports one
    /// that may not be planned.
    pub(super) fn operation(&mut self, path: &str, name: &str) -> Option<&'a OperationRule> {
        let Some(rule) = self.input.manifest.operation(name) else {
            let message =
                format!("{path}: the adapter {} cannot do {name}", self.input.manifest.name);
            self.report(FindingKind::Note, path, Reason::NotSupported, message);
            self.account_whole(path);
            return None;
        };
        if let Some(setting) = &rule.opt_in
            && self.input.settings.get(setting).and_then(Value::as_bool) != Some(true)
        {
            let message = format!(
                "{path}: {name} is not sent, since the connection does not allow it ({}); set \
                 `{setting} = true` in its settings to allow it",
                render_side_effects(rule),
            );
            self.report(FindingKind::Note, path, Reason::NotOptedIn, message);
            self.account_whole(path);
            return None;
        }
        Some(rule)
    }

    /// Returns the policy of a field: the record's own, else the default.
    pub(super) fn policy(&self, field: &str) -> Policy {
        self.input.desired.decided_policy(field)
    }
}

fn render_side_effects(rule: &OperationRule) -> String {
    if rule.side_effects.is_empty() {
        return "it can have effects beyond the record".to_owned();
    }
    let notes: Vec<&str> = rule.side_effects.iter().map(|effect| effect.note.as_str()).collect();
    notes.join("; ")
}
