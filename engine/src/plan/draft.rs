//! A plan being drawn up: what it is made from, what it asks for, and what it says so far. Pure.

use super::accounts::Accounts;
use super::facts::{Declared, Facts, Need, Record};
use super::finding::{Finding, FindingKind};
use super::input::Input;
use super::item::Item;
use super::owned::Owned;
use super::record_plan::RecordPlan;
use super::step::Step;
use super::story::Story;
use crate::reason::Reason;
use atsync_model::contract::RemoteRef;
use atsync_model::declarable;
use atsync_model::desired::{DesiredCandidate, Policy};
use atsync_model::manifest::OperationRule;
use serde_json::{Map, Value};
use std::collections::BTreeSet;
use std::sync::Arc;

/// A plan being drawn up.
pub(super) struct Draft<'a, D = DesiredCandidate> {
    pub(super) input: &'a Input<'a, D>,
    pub(super) facts: &'a Facts,
    /// The desired record as JSON.
    pub(super) said: Arc<Map<String, Value>>,
    pub(super) plan: RecordPlan,
    pub(super) shared: Vec<Step>,
    pub(super) needs: Vec<Need>,
    pub(super) stories: Vec<Story>,
    /// The candidate's data look erased: no policy puts anything back.
    pub(super) is_erased: bool,
    /// A field, or the entries of a list, of it were erased, or look so for now.
    pub(super) has_erased: bool,
    pub(super) accounts: Accounts,
    /// Paths that are linked to something else than is declared: nothing is written to that, nor
    /// below it, nor about it.
    pub(super) apart: BTreeSet<String>,
    /// Fields that are in step because they show the ATS's form of what is desired, by path.
    pub(super) kept_so: BTreeSet<(String, String)>,
}

impl<'a, D: Owned> Draft<'a, D> {
    pub(super) fn new(input: &'a Input<'a, D>, facts: &'a Facts) -> Self {
        // A desired record was JSON before it was one, so this does not fail; one that did would
        // have no fields.
        let said = match serde_json::to_value(input.desired) {
            Ok(Value::Object(said)) => said,
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
            said: Arc::new(said),
            plan,
            shared: Vec::new(),
            needs: Vec::new(),
            stories: Vec::new(),
            is_erased: false,
            has_erased: false,
            accounts: Accounts::default(),
            apart: BTreeSet::new(),
            kept_so: BTreeSet::new(),
        }
    }

    /// The desired record itself.
    pub(super) fn item(&self) -> Option<Item<'a>> {
        Some(Item {
            of: declarable::of(D::KIND)?,
            host: self.input.desired.key(),
            said: Arc::clone(&self.said),
            refs: Vec::new(),
        })
    }

    /// The custom field or user that is declared under this path, or none while the fact is
    /// missing.
    pub(super) fn declared(&mut self, path: &str) -> Option<Option<&'a Arc<Declared>>> {
        match self.facts.declared(path) {
            Ok(declared) => Some(declared),
            Err(need) => {
                self.needs.push(need);
                None
            }
        }
    }

    /// The host paths that are linked to a record, or none while the fact is missing.
    pub(super) fn linked_to(&mut self, remote: &RemoteRef) -> Option<&'a [String]> {
        match self.facts.linked_to(remote) {
            Ok(hosts) => Some(hosts),
            Err(need) => {
                self.needs.push(need);
                None
            }
        }
    }

    /// Records with this term, or none while the fact is missing.
    pub(super) fn lookup(
        &mut self,
        kind: &str,
        index: &'static str,
        term: &str,
    ) -> Option<&'a [Arc<Record>]> {
        match self.facts.lookup(kind, index, term) {
            Ok(records) => Some(records),
            Err(need) => {
                self.needs.push(need);
                None
            }
        }
    }

    /// The observed record, or none while the fact is missing; the inner option is none when it is
    /// not there.
    pub(super) fn observed(&mut self, remote: &RemoteRef) -> Option<Option<&'a Arc<Record>>> {
        match self.facts.observed(remote) {
            Ok(record) => Some(record),
            Err(need) => {
                self.needs.push(need);
                None
            }
        }
    }

    /// The record as it is stored, or none while the fact is missing; the inner option is none when
    /// it is not stored.
    pub(super) fn stored(&mut self, remote: &RemoteRef) -> Option<Option<&'a Arc<Record>>> {
        match self.facts.stored(remote) {
            Ok(record) => Some(record),
            Err(need) => {
                self.needs.push(need);
                None
            }
        }
    }

    /// The record as the ATS shows it in this run: read again by its id, because two observations
    /// of one fact disagree. None while that has not been done; the inner option is none when it is
    /// not shown.
    pub(super) fn confirmed(&mut self, remote: &RemoteRef) -> Option<Option<&'a Arc<Record>>> {
        match self.facts.confirmed(remote) {
            Ok(record) => Some(record),
            Err(need) => {
                self.needs.push(need);
                None
            }
        }
    }

    pub(super) fn say(&mut self, kind: FindingKind, host: &str, reason: Reason, message: String) {
        self.plan.findings.push(Finding { kind, host: host.to_owned(), reason, message });
    }

    pub(super) fn block(&mut self, host: &str, reason: Reason, message: String) {
        self.say(FindingKind::Blocked, host, reason, message);
    }

    /// The rule of an operation, if the adapter has it and the connection has opted in to it. Says
    /// so when it may not be planned.
    pub(super) fn operation(&mut self, host: &str, name: &str) -> Option<&'a OperationRule> {
        let Some(rule) = self.input.manifest.operation(name) else {
            let message =
                format!("{host}: the adapter {} cannot do {name}", self.input.manifest.name);
            self.say(FindingKind::Note, host, Reason::NotSupported, message);
            self.account_whole(host);
            return None;
        };
        if let Some(setting) = &rule.opt_in
            && self.input.settings.get(setting).and_then(Value::as_bool) != Some(true)
        {
            let message = format!(
                "{host}: {name} is not sent, since the connection does not allow it ({}); set \
                 `{setting} = true` in its settings to allow it",
                side_effects_in_words(rule),
            );
            self.say(FindingKind::Note, host, Reason::NotOptedIn, message);
            self.account_whole(host);
            return None;
        }
        Some(rule)
    }

    /// The policy of a field: the record's own word, else the default of the table.
    pub(super) fn policy(&self, field: &str) -> Policy {
        self.input.desired.decided_policy(field)
    }
}

fn side_effects_in_words(rule: &OperationRule) -> String {
    if rule.side_effects.is_empty() {
        return "it can have effects beyond the record".to_owned();
    }
    let notes: Vec<&str> = rule.side_effects.iter().map(|effect| effect.note.as_str()).collect();
    notes.join("; ")
}
