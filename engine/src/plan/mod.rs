//! Plans: desired × observed × capabilities → steps with reasons. Pure.
//!
//! Planning one record is a function of the desired record, its links, the adapter's manifest and
//! [`Facts`]. What it does not find among the facts it asks for ([`Need`]); the caller reads that
//! from the store and plans again. So the decision can be tested with plain data, and a run reads
//! each fact once.
//!
//! A plan is made of [`Step`]s, one effect each, that hang on each other by host paths: `key` is
//! the person, `key/applications/a1` an application, `key/notes/n1` a note, `key/tags/<name>` a tag
//! on the person, `~tags/<name>` a tag shared by all, `@custom_fields.candidate.<key>` a custom
//! field that is declared, with `/options/<label>` a choice of it, `@users.<address>` a user. An
//! input may name a record that does not exist yet as `{"$made": "<host path>"}`; it is filled in
//! with the record's id when the step before has made it, or, with a `$member`, with what the ATS
//! shows there.
//!
//! A person's values hang on the fields, choices and users that are declared for them: those are
//! made first, and what cannot be made keeps back only what hangs on it.
//!
//! Defaults of ownership (a desired record may set others under `policy`; the code's copy is
//! [`defaults::DEFAULTS`]):
//!
//! | field | policy |
//! |---|---|
//! | `name`, `emails`, `phones`, `links`, `company`, `title`, `tags` of a candidate | yield |
//! | `custom_fields` of a candidate | enforce |
//! | `private` of a candidate | seed |
//! | `source`, `referrer` of an application | fill |
//! | `stage`, `outcome`, `reject_reason` of an application | yield |
//! | `custom_fields` of an application | enforce |
//! | `name`, `private`, `description`, `options` of a custom field | yield |
//!
//! Whatever the policy: a field of a candidate or an application that was emptied in the ATS after
//! it had held a value may have been erased, and that value is not written back until the host
//! declares another one ([`erasure`]).
//!
//! Left out: reading, sending, waiting. A reference that does not resolve blocks the whole record:
//! nothing is done by halves.

mod ability;
mod account;
mod apart;
mod application;
mod base;
mod candidate;
mod contact_types;
pub mod contacts;
pub mod cost;
pub mod custom;
pub mod defaults;
mod definition;
pub mod equal;
mod erasure;
pub mod explain;
pub mod facts;
mod field;
pub mod forms;
mod guard;
pub mod import;
mod lifecycle;
mod note;
mod once;
mod opening;
pub mod ownership;
mod place;
mod renamed;
mod resolve;
mod tags;
pub(crate) mod unseen;
mod user;
mod values;
pub mod withdraw;
pub mod words;

use crate::path;
use crate::reason::Reason;
pub(crate) use definition::name_claim;
pub use facts::{Declared, Facts, Need, Record};
pub(crate) use once::{FOUND_ON, RELEASED, declared_once, is_made_once};
pub(crate) use opening::claim as opening_claim;

use crate::store::LinkRow;
use atsync_model::contract::RemoteRef;
use atsync_model::desired::{Desired, DesiredCandidate, DesiredCustomField, DesiredUser, Policy};
use atsync_model::manifest::{Manifest, OperationRule};
use serde::Serialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// The member of an input that stands for the id of a record still to be made.
pub const MADE: &str = "$made";
/// The member of such a stand-in that asks for a field of the record instead of its id.
pub const MADE_MEMBER: &str = "$member";

/// One effect to be had.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Step {
    /// The path that it serves.
    pub host: String,
    /// The operation.
    pub operation: String,
    /// What it changes; none for a create, and where `target_path` says what.
    pub target: Option<RemoteRef>,
    /// The path whose record it changes, where a step before it makes that record.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_path: Option<String>,
    /// The operation's input.
    pub input: Map<String, Value>,
    /// Host paths whose steps must be done first.
    pub after: Vec<String>,
    /// The paths that the records it makes are linked to, by role.
    pub makes: BTreeMap<String, String>,
    /// What it changes, field by field.
    pub fields: Vec<FieldChange>,
    /// What is recorded as last applied once it is done, by host path.
    pub applied: BTreeMap<String, Map<String, Value>>,
    /// Why it is planned, in a sentence.
    pub reason: String,
    /// What it sets off besides, in sentences.
    pub side_effects: Vec<String>,
    /// The engine looks before it sends: somebody may have made the record.
    pub look_first: bool,
    /// How many requests it costs as a rule, the look before it included. What shows afterwards
    /// what came of it is counted with the plan, since records of a kind are read together.
    pub calls: u32,
}

impl Step {
    /// Whether it makes a record instead of changing one.
    pub fn creates(&self) -> bool {
        self.target.is_none() && self.target_path.is_none()
    }
}

/// One field of a step.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FieldChange {
    /// The field.
    pub field: String,
    /// What is there; null for nothing.
    pub before: Value,
    /// What will be.
    pub after: Value,
}

/// A record that is there already and will be linked without any request.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Adoption {
    /// The path.
    pub host: String,
    /// The record.
    pub remote: RemoteRef,
    /// What is recorded as last applied.
    pub applied: Map<String, Value>,
    /// Why it is the same record; none where the adoption only records values that are in step,
    /// which no rendered plan shows.
    pub reason: Option<String>,
}

/// Something that a plan has to say beyond its steps.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Finding {
    /// What it means.
    pub kind: FindingKind,
    /// The path it is about.
    pub host: String,
    /// Why, for programs.
    pub reason: Reason,
    /// A sentence: what, where, what to do.
    pub message: String,
}

impl Finding {
    /// What ends it, after "it waits until": an act, or for what is not shown also a later look.
    pub(crate) fn until(&self) -> &'static str {
        match self.reason {
            Reason::NotVisible => "the ATS shows it, or somebody acts",
            Reason::NotRead => "the ATS answers, or somebody acts",
            _ => "somebody acts",
        }
    }
}

/// What a finding means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FindingKind {
    /// Nothing is done for this record until somebody acts; where the reason is `NotVisible`, until
    /// the ATS shows what is named; where it is `NotRead`, until a read of what is named is
    /// answered again.
    Blocked,
    /// Somebody in the ATS changed an owned field, and their edit stands.
    Drifted,
    /// Both sides changed the field since it was last in step; nothing is written.
    Conflict,
    /// Worth knowing.
    Note,
}

/// The plan for one desired record.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct RecordPlan {
    /// The desired record.
    pub key: String,
    /// The generation that it was made from.
    pub generation: u64,
    /// What is linked without a request.
    pub adoptions: Vec<Adoption>,
    /// Host paths whose links end without a request: what was released is no longer managed, and
    /// its value stays.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub releases: Vec<String>,
    /// What is done, in an order that respects `after`.
    pub steps: Vec<Step>,
    /// What else there is to say.
    pub findings: Vec<Finding>,
    /// The openings that its hires fill, each with the application that is hired into it: nobody
    /// else of the run can be.
    #[serde(skip)]
    pub hires: Vec<(String, String)>,
    /// In step, and yet to be looked at by the next plan: something that it is to be linked to was
    /// seen and has no id so far.
    #[serde(skip)]
    pub look_again: bool,
    /// What is to be remembered of how the ATS keeps values, whether or not steps are left.
    #[serde(skip)]
    pub forms: Vec<forms::Form>,
}

impl RecordPlan {
    /// Whether it is of something that people's records hang on. Such plans are carried out before
    /// the others.
    pub fn is_definition(&self) -> bool {
        path::is_definition(&self.key)
    }

    /// Whether nothing is done for the record until somebody acts.
    pub fn is_blocked(&self) -> bool {
        self.findings.iter().any(|finding| finding.kind == FindingKind::Blocked)
    }

    /// Whether nothing blocks it but records that the ATS does not show: those may only show late.
    pub fn is_unseen(&self) -> bool {
        let mut blocked =
            self.findings.iter().filter(|finding| finding.kind == FindingKind::Blocked).peekable();
        blocked.peek().is_some() && blocked.all(|finding| finding.reason == Reason::NotVisible)
    }

    /// Whether something of it is not in the ATS and waits: for a look, for a time, or for a
    /// person. Its findings say which.
    pub fn waits(&self) -> bool {
        [
            Reason::InDoubt,
            Reason::OwnWriteHidden,
            Reason::Refused,
            Reason::Unread,
            Reason::RefusedTooOften,
            Reason::Ignored,
            Reason::IgnoredTooOften,
        ]
        .iter()
        .any(|reason| self.note(*reason).is_some())
    }

    /// What says that the record is blocked because something that its plan asks about may not be
    /// read, or could not be.
    pub fn denied(&self) -> Option<&Finding> {
        let is_unread =
            |finding: &&Finding| [Reason::Denied, Reason::NotRead].contains(&finding.reason);
        self.findings.iter().filter(|finding| finding.kind == FindingKind::Blocked).find(is_unread)
    }

    /// The first note of this reason.
    pub fn note(&self, reason: Reason) -> Option<&Finding> {
        self.findings
            .iter()
            .find(|finding| finding.kind == FindingKind::Note && finding.reason == reason)
    }
}

/// The plan for a connection.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Plan {
    /// The connection.
    pub connection: String,
    /// Steps that serve several records, done first.
    pub shared: Vec<Step>,
    /// One plan per record that needs attention. Records in step do not appear.
    pub records: Vec<RecordPlan>,
    /// How many records were looked at.
    pub looked_at: u64,
    /// Requests that carrying it out will cost: writes, the looks and reads that go with them, and
    /// the reads that show at the end what came of them. More are sent only where an answer is
    /// unclear, where several tries are needed, or where a value can only be written together with
    /// choices of others whose ids have to be looked up: at most three more for such a step (the
    /// fields, their choices, the record once more), and one for each further page of fields or
    /// choices. Fewer are sent where something is found to be done already.
    pub calls: u32,
    /// Requests that were sent to make the plan: kinds brought up to date, records looked at.
    pub calls_made: u32,
}

impl Plan {
    /// Whether there is nothing to send.
    pub fn is_empty(&self) -> bool {
        self.shared.is_empty() && self.records.iter().all(|record| record.steps.is_empty())
    }

    /// How many effects it has.
    pub fn writes(&self) -> usize {
        self.shared.len() + self.records.iter().map(|record| record.steps.len()).sum::<usize>()
    }

    /// The findings that keep a record from being worked on.
    pub fn blocked(&self) -> impl Iterator<Item = &Finding> {
        self.records
            .iter()
            .flat_map(|record| &record.findings)
            .filter(|finding| finding.kind == FindingKind::Blocked)
    }
}

/// What planning one record starts from.
#[derive(Debug)]
pub struct Input<'a, D = Desired> {
    /// What the adapter can do.
    pub manifest: &'a Manifest,
    /// The connection's settings, for opt-ins.
    pub settings: &'a Map<String, Value>,
    /// The desired record.
    pub desired: &'a D,
    /// Its generation.
    pub generation: u64,
    /// The links of its paths, by path.
    pub links: &'a BTreeMap<String, LinkRow>,
}

impl<'a> Input<'a> {
    /// The same for the record that the desired one is.
    fn of<D>(&self, desired: &'a D) -> Input<'a, D> {
        Input {
            manifest: self.manifest,
            settings: self.settings,
            desired,
            generation: self.generation,
            links: self.links,
        }
    }
}

/// Plans one record.
///
/// # Errors
/// The facts that are missing. Fetch them, add them, plan again; a record asks for facts in few
/// rounds, since references hang on each other at most three deep.
pub fn record(input: &Input<'_>, facts: &Facts) -> Result<(RecordPlan, Vec<Step>), Vec<Need>> {
    explain::record(input, facts).map(|(plan, shared, _)| (plan, shared))
}

/// What a plan has to know of a desired record whatever it is.
trait Owned {
    /// What it is known by.
    fn key(&self) -> String;
    /// The policy that it sets for a field.
    fn policy(&self, field: &str) -> Option<Policy>;
    /// Whether a field holds data of a person, which somebody may have had erased.
    fn is_personal(field: &str) -> bool;
    /// Whose rows of [`defaults::DEFAULTS`] hold where it sets none.
    fn defaults() -> &'static [defaults::Of];
    /// The policy of a field: the record's own word, else the default of the table.
    fn decided_policy(&self, field: &str) -> Policy {
        self.policy(field).unwrap_or_else(|| defaults::of(Self::defaults(), field))
    }
}

impl Owned for DesiredCandidate {
    fn key(&self) -> String {
        self.key.clone()
    }

    fn policy(&self, field: &str) -> Option<Policy> {
        let whole = field.split_once('.').map(|(whole, _)| whole);
        // The reason is a part of the outcome.
        let whole = whole.or_else(|| (field == "reject_reason").then_some("outcome"));
        self.policy.get(field).or_else(|| whole.and_then(|whole| self.policy.get(whole))).copied()
    }

    fn is_personal(field: &str) -> bool {
        field != "private"
    }

    fn defaults() -> &'static [defaults::Of] {
        &[defaults::Of::Candidate, defaults::Of::Application]
    }
}

impl Owned for DesiredCustomField {
    fn key(&self) -> String {
        self.path()
    }

    fn policy(&self, field: &str) -> Option<Policy> {
        self.policy.get(field).copied()
    }

    fn is_personal(_: &str) -> bool {
        false
    }

    fn defaults() -> &'static [defaults::Of] {
        &[defaults::Of::CustomField]
    }
}

impl Owned for DesiredUser {
    fn key(&self) -> String {
        self.path()
    }

    fn policy(&self, _: &str) -> Option<Policy> {
        None
    }

    fn is_personal(_: &str) -> bool {
        false
    }

    fn defaults() -> &'static [defaults::Of] {
        &[]
    }
}

/// A plan being drawn up.
struct Draft<'a, D = DesiredCandidate> {
    input: &'a Input<'a, D>,
    facts: &'a Facts,
    plan: RecordPlan,
    shared: Vec<Step>,
    needs: Vec<Need>,
    stories: Vec<explain::Story>,
    /// The candidate's data look erased: no policy puts anything back.
    is_erased: bool,
    /// A field, or the entries of a list, of it were erased, or look so for now.
    has_erased: bool,
    accounts: account::Accounts,
    /// Paths that are linked to something else than is declared: nothing is written to that, nor
    /// below it, nor about it.
    apart: std::collections::BTreeSet<String>,
    /// Fields that are in step because they show the ATS's form of what is desired, by path.
    kept_so: std::collections::BTreeSet<(String, String)>,
}

impl<'a, D: Owned> Draft<'a, D> {
    fn new(input: &'a Input<'a, D>, facts: &'a Facts) -> Self {
        let plan = RecordPlan {
            key: input.desired.key(),
            generation: input.generation,
            ..RecordPlan::default()
        };
        Self {
            input,
            facts,
            plan,
            shared: Vec::new(),
            needs: Vec::new(),
            stories: Vec::new(),
            is_erased: false,
            has_erased: false,
            accounts: account::Accounts::default(),
            apart: std::collections::BTreeSet::new(),
            kept_so: std::collections::BTreeSet::new(),
        }
    }

    fn finish(mut self) -> Result<(RecordPlan, Vec<Step>), Vec<Need>> {
        if !self.needs.is_empty() {
            self.needs.sort();
            self.needs.dedup();
            return Err(self.needs);
        }
        self.hold_to_manifest();
        let links = self.input.links;
        let applied = |step: &Step| links.get(&step.host).map(|link| &link.applied);
        self.plan
            .steps
            .retain(|step| !applied(step).is_some_and(|applied| equal::is_same(applied, step)));
        if self.plan.is_blocked() {
            self.plan.steps.clear();
            self.plan.adoptions.clear();
            self.plan.releases.clear();
            self.plan.hires.clear();
            self.shared.clear();
        }
        Ok((self.plan, self.shared))
    }

    /// The custom field or user that is declared under this path, or none while the fact is
    /// missing.
    fn declared(&mut self, path: &str) -> Option<Option<&'a std::sync::Arc<Declared>>> {
        match self.facts.declared(path) {
            Ok(declared) => Some(declared),
            Err(need) => {
                self.needs.push(need);
                None
            }
        }
    }

    /// The host paths that are linked to a record, or none while the fact is missing.
    fn linked_to(&mut self, remote: &RemoteRef) -> Option<&'a [String]> {
        match self.facts.linked_to(remote) {
            Ok(hosts) => Some(hosts),
            Err(need) => {
                self.needs.push(need);
                None
            }
        }
    }

    /// Records with this term, or none while the fact is missing.
    fn lookup(
        &mut self,
        kind: &str,
        index: &'static str,
        term: &str,
    ) -> Option<&'a [std::sync::Arc<Record>]> {
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
    fn observed(&mut self, remote: &RemoteRef) -> Option<Option<&'a std::sync::Arc<Record>>> {
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
    fn stored(&mut self, remote: &RemoteRef) -> Option<Option<&'a std::sync::Arc<Record>>> {
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
    fn confirmed(&mut self, remote: &RemoteRef) -> Option<Option<&'a std::sync::Arc<Record>>> {
        match self.facts.confirmed(remote) {
            Ok(record) => Some(record),
            Err(need) => {
                self.needs.push(need);
                None
            }
        }
    }

    fn say(&mut self, kind: FindingKind, host: &str, reason: Reason, message: String) {
        self.plan.findings.push(Finding { kind, host: host.to_owned(), reason, message });
    }

    fn block(&mut self, host: &str, reason: Reason, message: String) {
        self.say(FindingKind::Blocked, host, reason, message);
    }

    /// The rule of an operation, if the adapter has it and the connection has opted in to it. Says
    /// so when it may not be planned.
    fn operation(&mut self, host: &str, name: &str) -> Option<&'a OperationRule> {
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
    fn policy(&self, field: &str) -> Policy {
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

/// A step of an operation, with the parts that follow from its rule.
fn step(rule: &OperationRule, host: &str, reason: String) -> Step {
    Step {
        host: host.to_owned(),
        operation: rule.name.clone(),
        target: None,
        target_path: None,
        input: Map::new(),
        after: Vec::new(),
        makes: BTreeMap::new(),
        fields: Vec::new(),
        applied: BTreeMap::new(),
        reason,
        side_effects: rule.side_effects.iter().map(|effect| effect.note.clone()).collect(),
        look_first: false,
        calls: rule.calls,
    }
}

/// The placeholder for the id of a record that the step of this path makes.
fn made(host: &str) -> Value {
    let mut placeholder = Map::new();
    placeholder.insert(MADE.to_owned(), Value::String(host.to_owned()));
    Value::Object(placeholder)
}

/// The placeholder for a field of a record that the step of this path makes.
fn made_member(host: &str, member: &str) -> Value {
    let mut placeholder = Map::new();
    placeholder.insert(MADE.to_owned(), Value::String(host.to_owned()));
    placeholder.insert(MADE_MEMBER.to_owned(), Value::String(member.to_owned()));
    Value::Object(placeholder)
}
