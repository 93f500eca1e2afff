//! The answers whose types are the engine's, described for the OpenAPI document.
//!
//! The engine's types have no dependency on OpenAPI, and are answered as they are. `.ci/api`
//! compares the answers with these descriptions. Optional members are those that an answer leaves
//! out; where a member differs by adapter or kind, it is any JSON.

#![expect(dead_code, reason = "descriptions: only their derived schemas are used")]

use serde_json::Value;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// What the store knows of a connection.
#[derive(ToSchema)]
pub(super) struct ConnectionStatus {
    /// Its name.
    connection: String,
    /// The adapter and its version.
    adapter: String,
    /// SHA-256 of the adapter's component.
    #[schema(nullable = false)]
    component: Option<String>,
    /// Observed records by kind.
    observed: BTreeMap<String, u64>,
    /// Desired records.
    desired: u64,
    /// Of those, the ones that the next plan includes.
    dirty: u64,
    /// Intents by state.
    intents: BTreeMap<String, u64>,
    /// When the last complete pass of each kind ended, in milliseconds since 1970.
    pulled_ms: BTreeMap<String, u64>,
    /// Kinds with an unfinished pass.
    unfinished: Vec<String>,
    /// Unfinished sweeps, by kind.
    #[schema(value_type = BTreeMap<String, Object>)]
    sweeps: BTreeMap<String, Value>,
    /// When the next write in doubt is due for a probe, where a probe may settle one.
    #[schema(required)]
    next_look_ms: Option<u64>,
    /// Since when the writes of the connection are paused.
    #[schema(nullable = false)]
    writes_paused_ms: Option<u64>,
    /// Writes that wait for a person.
    waiting_for_person: u64,
    /// The serial of the newest change.
    changes_last: u64,
    /// Desired records that are not in step, at most 500: key and reason.
    not_in_step: BTreeMap<String, String>,
    /// Desired records that were not looked at for `not_in_step`.
    #[schema(nullable = false)]
    not_in_step_unread: Option<u64>,
    /// Rows and members that could not be read, at most 500.
    #[schema(value_type = Option<Vec<Object>>, nullable = false)]
    problems: Option<Vec<Value>>,
    /// A warning that the clocks of this machine and of the ATS differ.
    #[schema(nullable = false)]
    clocks: Option<String>,
    /// The loops of the connection, and those of all connections, that are late: they hang.
    #[schema(nullable = false)]
    late: Option<Vec<LateLoop>>,
}

/// A loop that is late.
#[derive(ToSchema)]
struct LateLoop {
    /// Its name.
    r#loop: String,
    /// The connection that it works for; absent if it works for all.
    #[schema(nullable = false)]
    connection: Option<String>,
    /// How long ago it last acted, in milliseconds.
    age_ms: u64,
    /// Always true here.
    is_late: bool,
    /// Since when it is late, in milliseconds since 1970.
    since_ms: u64,
}

/// The permissions of the credential.
#[derive(ToSchema)]
pub(super) struct Checked {
    permissions: Vec<CheckedPermission>,
}

/// One permission.
#[derive(ToSchema)]
struct CheckedPermission {
    /// Its id.
    permission: String,
    /// As the administrator of the ATS sees it.
    label: String,
    /// `granted`, `missing`, `actor`, `refused` or `unknown`.
    verdict: String,
    /// What was seen.
    detail: String,
    /// What does not work without it.
    without_it: String,
    /// Where it is granted.
    grant_at: String,
    /// The connection is of use without it.
    optional: bool,
}

/// What pulls did.
#[derive(ToSchema)]
pub(super) struct Pulled {
    /// In the order of the request.
    pulled: Vec<PulledKind>,
}

/// What a pull did to one kind.
#[derive(ToSchema)]
struct PulledKind {
    kind: String,
    /// Records that the pass showed.
    records: u64,
    /// Pages that were read.
    pages: u64,
    /// Records that were new.
    created: u64,
    /// Records that differed.
    updated: u64,
    /// The pass read everything, not only what changed.
    full: bool,
    /// It continued from a page of an earlier pull.
    resumed: bool,
    /// Rows that could not be read.
    #[schema(nullable = false)]
    unread: Option<u64>,
    /// Members of rows that could not be read.
    #[schema(nullable = false)]
    unread_fields: Option<u64>,
    /// Sentences.
    #[schema(nullable = false)]
    warnings: Option<Vec<String>>,
}

/// What a sweep did.
#[derive(ToSchema)]
pub(super) struct Swept {
    swept: SweptKind,
}

/// What a sweep of a kind found.
#[derive(ToSchema)]
struct SweptKind {
    kind: String,
    /// It is complete. Otherwise the next one continues, or `held` says what to do.
    complete: bool,
    /// It continued from an earlier call.
    resumed: bool,
    /// Pages that were read.
    pages: u64,
    /// Rows that the sweep showed.
    seen: u64,
    /// Records that it did not show.
    suspected: u64,
    /// Of those: deleted, and reported.
    confirmed: u64,
    /// Of those: returned by a fetch.
    still_there: u64,
    /// Of those: continued under another id.
    moved: u64,
    /// Of those: nothing can prove a deletion, so they stay.
    unproven: u64,
    /// Not shown, but changed since the sweep began.
    young: u64,
    /// Not shown, but restricted.
    hidden: u64,
    /// Why it is held, and what to do.
    #[schema(nullable = false)]
    held: Option<String>,
    /// `brake`, `right` or `unread`.
    #[schema(nullable = false)]
    held_by: Option<String>,
}

/// The plan for a connection.
#[derive(ToSchema)]
#[schema(as = Plan)]
pub(super) struct Planning {
    connection: String,
    /// Steps that serve several records; they run first.
    shared: Vec<PlannedStep>,
    /// One plan per record that needs attention. Records in step do not appear.
    records: Vec<PlannedRecord>,
    /// The number of planned records.
    planned: u64,
    /// The requests that the plan usually costs.
    calls: u32,
    /// The requests that were sent to plan.
    calls_made: u32,
    /// SHA-256 of the component that it was planned with.
    #[schema(nullable = false)]
    component: Option<String>,
}

/// The plan for a record.
#[derive(ToSchema)]
struct PlannedRecord {
    /// The record's key.
    key: String,
    /// The generation that the plan was made from.
    generation: u64,
    /// Links that are made without a request.
    #[schema(value_type = Vec<Object>)]
    adoptions: Vec<Value>,
    /// Paths whose links end without a request.
    #[schema(nullable = false)]
    releases: Option<Vec<String>>,
    /// In an order that respects `after`.
    steps: Vec<PlannedStep>,
    findings: Vec<Finding>,
}

/// What a plan found.
#[derive(ToSchema)]
struct Finding {
    /// What it means, a word.
    kind: String,
    /// The path that it is about.
    path: String,
    /// Why, for programs.
    #[schema(value_type = Value)]
    reason: Value,
    /// Why, for people.
    message: String,
}

/// A planned write.
#[derive(ToSchema)]
struct PlannedStep {
    /// The path that it serves.
    path: String,
    /// The operation, for example `candidates.create`.
    operation: String,
    /// The record that it changes; none for a creation.
    #[schema(required)]
    target: Option<Target>,
    /// The path of the record that it changes, where an earlier step creates that record.
    #[schema(nullable = false)]
    target_path: Option<String>,
    /// The operation's input.
    #[schema(value_type = Object)]
    input: Value,
    /// Paths whose steps must be done first.
    after: Vec<String>,
    /// The paths that the created records are linked to, by role.
    makes: BTreeMap<String, String>,
    /// What it changes, field by field.
    fields: Vec<PlannedField>,
    /// What is recorded once it is done, by path.
    #[schema(value_type = BTreeMap<String, Object>)]
    applied: BTreeMap<String, Value>,
    /// Why it is planned, a sentence.
    reason: String,
    /// Sentences.
    side_effects: Vec<String>,
    /// A probe comes first, because the record may exist by now.
    probe_first: bool,
    /// The requests that it usually costs.
    calls: u32,
}

/// A record of the ATS.
#[derive(ToSchema)]
struct Target {
    kind: String,
    id: String,
}

/// One field of a planned write.
#[derive(ToSchema)]
struct PlannedField {
    field: String,
    /// The value before; null for none.
    before: Value,
    /// The value after.
    after: Value,
}

/// A plan, and what became of it.
#[derive(ToSchema)]
pub(super) struct Applied {
    plan: Planning,
    report: ApplyReport,
}

/// What an apply did.
#[derive(ToSchema)]
struct ApplyReport {
    /// Every step, in the order in which they ended.
    steps: Vec<EndedStep>,
    settled: Settled,
    /// Records that are in step now.
    in_step: u64,
    /// Records that are not.
    not_in_step: u64,
    /// Records that differ and for which no step is due.
    held_back: u64,
}

/// How a step ended.
#[derive(ToSchema)]
struct EndedStep {
    /// The path that it served.
    path: String,
    operation: String,
    /// `applied`, `unneeded`, `adopted`, `refused`, `in_doubt`, `not_sent` or `skipped`.
    end: String,
    /// Why it was refused or not sent.
    #[schema(nullable = false)]
    reason: Option<String>,
    /// The step that it depends on and that failed.
    #[schema(nullable = false)]
    waits_for: Option<String>,
    /// Of a step that succeeded.
    #[schema(nullable = false)]
    warnings: Option<Vec<String>>,
}

/// What became of writes in doubt.
#[derive(ToSchema)]
struct Settled {
    /// Found to have happened.
    found: u64,
    /// Absent, and sent again.
    sent_again: u64,
    /// Refused when sent again.
    refused: u64,
    /// Still in doubt.
    open: u64,
    /// Of those, the ones that only a person or the host can resolve.
    blocked: u64,
}

/// A change of an observed record.
#[derive(ToSchema)]
#[schema(as = Change)]
pub(super) struct ChangeEvent {
    /// Rises by one within a connection.
    serial: u64,
    /// When it was read, in milliseconds since 1970.
    at_ms: u64,
    /// The kind of the record.
    kind: String,
    /// Its id in the ATS.
    id: String,
    /// `created`, `updated`, `deleted`, `moved`, `anonymized`, `erased` or `unread`.
    what: String,
    /// The fields that changed, before.
    #[schema(value_type = Option<Object>, nullable = false)]
    before: Option<Value>,
    /// The fields that changed, after. Of a new record it has all.
    #[schema(value_type = Option<Object>, nullable = false)]
    after: Option<Value>,
    /// Its member `cause` says why, a word.
    #[schema(value_type = Object)]
    cause: Value,
}

/// A change with its connection.
#[derive(ToSchema)]
pub(super) struct PlacedChange {
    connection: String,
    #[schema(inline)]
    #[serde(flatten)]
    change: ChangeEvent,
}
