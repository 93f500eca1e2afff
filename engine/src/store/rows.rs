//! The rows that the store keeps. Plain data.

use crate::journal::{IntentId, Moment};
use crate::reason::{ConditionType, Reason};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

/// Which store this is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreIdentity {
    /// The version of the file's layout.
    pub schema: u32,
    /// Random, made with the store; no two stores have the same.
    pub lineage: String,
}

/// What is kept about a connection beyond its configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectionRow {
    /// The adapter's name; a store never mixes two adapters under one connection.
    pub adapter: String,
    /// The adapter's version at the last run.
    pub adapter_version: String,
    /// Which customer the credential belongs to, once known.
    pub fingerprint: Option<String>,
    /// The tenant's catalogue as the adapter described it.
    pub catalogue: Option<String>,
    /// The opt-ins that the settings gave at the last run.
    #[serde(default)]
    pub opted_in: BTreeSet<String>,
    /// Where the adapter was allowed to send, and what; none before the first use.
    #[serde(default)]
    pub pin: Option<Pin>,
    /// When a check last found every required right. Writes that were refused before for lack of
    /// one are tried again.
    #[serde(default)]
    pub rights_found: Option<Moment>,
    /// Since when its writes are paused, in milliseconds; none while they are allowed.
    #[serde(default)]
    pub writes_paused_ms: Option<u64>,
}

/// Where an adapter declared that it sends, and which of these requests carry the credential or are
/// repeated: as at the first use of the connection, or as an operator accepted it since.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pin {
    /// SHA-256 of the component at the last use, in hexadecimal; none for an adapter that is linked
    /// in.
    pub code: Option<String>,
    /// The URLs that the manifest gives its origins, by name. What the operator gives instead is
    /// the operator's, and not in here.
    pub origins: BTreeMap<String, String>,
    /// The origins whose requests carry the credential.
    pub credential: BTreeSet<String>,
    /// The auth rules: scheme, and where a secret is sent to or written.
    pub auth: BTreeSet<String>,
    /// The POST requests that are repeated and need no intent.
    pub safe: BTreeSet<String>,
}

/// A record to ingest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObservedWrite {
    /// Its id.
    pub id: String,
    /// Its version.
    pub version: Option<String>,
    /// Unified JSON, an object.
    pub body: String,
    /// The ATS's own JSON.
    pub raw: Option<String>,
    /// Index into the page's masks.
    pub mask: usize,
}

/// A page to ingest.
#[derive(Clone, Debug)]
pub struct PageCommit {
    /// The kind of all its records.
    pub kind: String,
    /// The parent, for kinds that are scanned by parent.
    pub parent: Option<String>,
    /// The records.
    pub records: Vec<ObservedWrite>,
    /// Lists of top field names that records know.
    pub masks: Vec<Vec<String>>,
    /// Ids of records that a fetch proved to be deleted: they become tombstones.
    pub gone: Vec<String>,
    /// Records that continue under another id: links follow, and one event says so.
    pub moved: Vec<MovedTo>,
    /// Where the scan stands after this page; none for a fetch, which moves no scan.
    pub scan: Option<ScanState>,
    /// Where the sweep of the kind stands after this page; its records are then remembered as seen
    /// by it.
    pub sweep: Option<SweepState>,
    /// Why the change events say it happened.
    pub cause: Cause,
    /// Ids of records that an intent of the engine made or changed: their events name it instead of
    /// `cause`.
    pub applied_by: BTreeMap<String, IntentId>,
    /// The time of it.
    pub now_ms: u64,
}

/// What a page did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PageReport {
    /// Records that were new.
    pub created: u64,
    /// Records that differed.
    pub updated: u64,
    /// Records that were as before.
    pub unchanged: u64,
    /// Records that became tombstones.
    pub deleted: u64,
    /// Records that were reported to have another id now.
    pub moved: u64,
}

/// A move: a record continues under another id of its kind (a merged candidate, a converted
/// prospect).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MovedTo {
    /// The old id.
    pub from: String,
    /// The id that it continues under.
    pub to: String,
    /// The old record stays readable (a converted prospect does); otherwise it becomes a tombstone.
    pub stays: bool,
}

/// Which record replaces a record that was merged or converted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alias {
    /// The id that it continues under.
    pub to: String,
    /// Proven and reported. Otherwise a lead: a record that referred to the old one refers to the
    /// new one.
    pub told: bool,
}

/// Where the sweep of a kind stands. Apart from [`ScanState`], so that incremental passes continue
/// during a sweep.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SweepState {
    /// When it began.
    pub started_ms: u64,
    /// Pages that were ingested.
    pub pages: u64,
    /// Rows that it showed.
    pub rows: u64,
    /// Those of the rows that are marked as private: as long as there are some, the credential can
    /// still see private ones.
    pub confidential: u64,
    /// Its phase.
    pub phase: SweepPhase,
    /// Why it is held.
    #[serde(default)]
    pub held: Option<Hold>,
    /// Parents that the ATS does not show: the scan lacks the rows below them, so it proves nothing
    /// about those.
    #[serde(default)]
    pub blind_spots: u64,
}

/// A hold on a sweep.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// What holds it.
    pub by: HeldBy,
    /// Since when.
    pub at_ms: u64,
    /// What was found and what to do, for people.
    pub why: String,
}

/// The reason that holds a sweep.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum HeldBy {
    /// Too large a share of the kind would be deleted. It continues when a person confirms it, or
    /// begins again.
    Brake,
    /// A right was lost. It resumes where it stopped when the right is back.
    Right,
    /// It found unreadable rows without an id. It begins again.
    Unread,
}

/// The phase of a sweep.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "phase", rename_all = "snake_case")]
pub enum SweepPhase {
    /// It reads every page.
    Walking {
        /// The parent whose rows it reads, for kinds that are scanned by parent.
        parent: Option<String>,
        /// How to ask for the next page; none before the first.
        cursor: Option<Vec<u8>>,
    },
    /// It has read every page; the records that it did not see are suspects, and it confirms them.
    // Earlier builds kept a hold as a phase; read as `Walked` it is judged again.
    #[serde(alias = "held")]
    Walked,
    /// It is over.
    Ended {
        /// Since when.
        at_ms: u64,
    },
}

/// An observed record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObservedRow {
    /// Its kind.
    pub kind: String,
    /// Its id.
    pub id: String,
    /// Its version.
    pub version: Option<String>,
    /// Unified JSON, an object; fields that are not in `known` may be missing without meaning.
    pub body: String,
    /// The ATS's own JSON.
    pub raw: Option<String>,
    /// The top fields that are known, sorted.
    pub known: Vec<String>,
    /// When it was last ingested with a difference.
    pub changed_ms: u64,
    /// It is a tombstone: the record is known to be deleted.
    pub gone: bool,
    /// An application that named another candidate before, since a merge brought it or a user
    /// moved it; or that came back after its deletion, so that it may have.
    pub moved_in: bool,
}

/// Where the scan of a kind stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScanState {
    /// The pass under way, if any.
    pub pass: Option<Pass>,
    /// The end of the last complete window; the next one begins here, less the overlap.
    pub watermark_ms: Option<u64>,
    /// The token that the last complete pass ended with.
    pub token: Option<Vec<u8>>,
    /// How many passes were completed.
    pub passes: u64,
    /// When the last one was completed.
    pub completed_ms: Option<u64>,
}

/// A pass under way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pass {
    /// Begin of its window; none: everything.
    pub from_ms: Option<u64>,
    /// End of its window, fixed before the first page.
    pub to_ms: u64,
    /// The token it goes on from, for kinds that have tokens.
    pub token: Option<Vec<u8>>,
    /// How to ask for the next page; none before the first.
    pub cursor: Option<Vec<u8>>,
    /// Pages that were ingested.
    pub pages: u64,
    /// Records that were ingested.
    pub records: u64,
    /// When it began.
    pub started_ms: u64,
}

/// A row of the ATS, or a member of one, that could not be read when it was last shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ProblemRow {
    /// The kind.
    pub kind: String,
    /// The record's id, where its row has one.
    pub id: Option<String>,
    /// The field that could not be read; none: the whole row.
    pub field: Option<String>,
    /// What is wrong, for people.
    pub message: String,
    /// How many rows it stands for: rows without an id are counted together.
    pub count: u64,
    /// Since when.
    pub since_ms: u64,
    /// When it was last met.
    pub seen_ms: u64,
    /// How many passes have met it.
    pub passes: u64,
}

/// The problems of a page, and those that it solved; see [`super::Scans::note_problems`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Problems {
    /// The kind of them all.
    pub kind: String,
    /// What was met: record, field, message, rows.
    pub met: Vec<Met>,
    /// What could be read again: record and field.
    pub cured: Vec<(Option<String>, Option<String>)>,
    /// When the pass began that met them: each pass counts once.
    pub pass_ms: u64,
    /// The time of it.
    pub now_ms: u64,
}

/// One problem that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Met {
    /// As [`ProblemRow::id`].
    pub id: Option<String>,
    /// As [`ProblemRow::field`].
    pub field: Option<String>,
    /// As [`ProblemRow::message`].
    pub message: String,
    /// As [`ProblemRow::count`].
    pub count: u64,
}

impl Met {
    /// The row to store of it, given the row that is stored so far.
    pub(crate) fn row(&self, of: &Problems, before: Option<ProblemRow>) -> ProblemRow {
        let (since_ms, passes) = match &before {
            Some(before) if before.seen_ms < of.pass_ms => {
                (before.since_ms, before.passes.saturating_add(1))
            }
            Some(before) => (before.since_ms, before.passes),
            None => (of.now_ms, 1),
        };
        ProblemRow {
            kind: of.kind.clone(),
            id: self.id.clone(),
            field: self.field.clone(),
            message: self.message.clone(),
            count: self.count,
            since_ms,
            seen_ms: of.now_ms,
            passes,
        }
    }

    /// The event that reports it for the first time.
    pub(crate) fn event(&self, of: &Problems) -> Change {
        let mut after = Map::new();
        after.insert("message".to_owned(), Value::String(self.message.clone()));
        if let Some(field) = &self.field {
            after.insert("field".to_owned(), Value::String(field.clone()));
        }
        Change {
            serial: 0,
            at_ms: of.now_ms,
            kind: of.kind.clone(),
            id: self.id.clone().unwrap_or_default(),
            what: ChangeWhat::Unread,
            before: Map::new(),
            after,
            cause: Cause::Observed,
        }
    }
}

/// The result of a declaration.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct DeclareReport {
    /// Keys that were new.
    pub created: u64,
    /// Keys whose record differed.
    pub changed: u64,
    /// Keys whose record was as before.
    pub unchanged: u64,
    /// Keys of erased candidates: they were not stored.
    pub erased: u64,
}

/// The mode of a desired record: what the engine may do for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Mode {
    /// It is managed: differences are written.
    #[default]
    Managed,
    /// It is linked and compared; what differs is shown and never written.
    ObservedOnly,
    /// Nothing is planned or written for it until it is resumed.
    Paused,
}

impl Mode {
    /// The mode's word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Managed => "managed",
            Self::ObservedOnly => "observed_only",
            Self::Paused => "paused",
        }
    }
}

/// A desired record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DesiredRow {
    /// The host's key.
    pub key: String,
    /// Rises by one with every change of `body`.
    pub generation: u64,
    /// The record as JSON.
    pub body: String,
    /// When it was last changed.
    pub changed_ms: u64,
    /// Its status by the last plan.
    pub status: DesiredStatus,
    /// The next plan includes it.
    pub dirty: bool,
    /// The number of the newest mark that made it dirty: rises within the connection; 0 while it is
    /// clean.
    #[serde(default)]
    pub dirt: u64,
    /// What the engine may do for it.
    #[serde(default)]
    pub mode: Mode,
}

/// The status of a desired record by the last plan.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DesiredStatus {
    /// The generation that the conditions describe.
    pub observed_generation: u64,
    /// The conditions.
    pub conditions: Vec<Condition>,
}

/// One condition of a desired record, as in Kubernetes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Condition {
    /// What it states.
    #[serde(rename = "type")]
    pub kind: ConditionType,
    /// Whether it holds.
    pub status: bool,
    /// Why, for programs.
    pub reason: Reason,
    /// A sentence for people.
    pub message: String,
    /// Since when it is so.
    pub since_ms: u64,
}

/// A status to write.
#[derive(Clone, Debug, PartialEq)]
pub struct StatusUpdate {
    /// The desired record.
    pub key: String,
    /// The generation that it describes.
    pub generation: u64,
    /// The status.
    pub status: DesiredStatus,
    /// Whether the next plan must include it.
    pub dirty: bool,
    /// The `dirt` of the row that it was made from. A mark that came since keeps the record dirty,
    /// whatever `dirty` says.
    pub dirt: u64,
}

/// One event of the feed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// Its place: rises by one within a connection.
    pub serial: u64,
    /// When the engine ingested it.
    pub at_ms: u64,
    /// The kind of the record.
    pub kind: String,
    /// Its id.
    pub id: String,
    /// What happened.
    pub what: ChangeWhat,
    /// The fields that changed, before and after. A field that was unknown is missing in `before`;
    /// one that is known to be empty is `null`. Of a new record `after` holds all, of a deleted one
    /// `before` does.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub before: Map<String, Value>,
    /// See `before`.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub after: Map<String, Value>,
    /// Why.
    pub cause: Cause,
}

/// The kind of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ChangeWhat {
    /// It was not known before.
    Created,
    /// Fields changed.
    Updated,
    /// It was deleted.
    Deleted,
    /// It has another id now, `after.id`: it was merged or converted.
    Moved,
    /// Its personal data were blanked for good. `before` stays empty: what was erased is not
    /// repeated here.
    Anonymized,
    /// The candidate was erased: each reader deletes its copy. The event has only the id.
    Erased,
    /// It, or a field of it, could not be read: `after.message` says what is wrong and
    /// `after.field` names the field. The stored copy may be older than what the ATS holds. The id
    /// is empty where the row has none.
    Unread,
}

/// The cause of a change event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "cause", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Cause {
    /// A scan saw it.
    Observed,
    /// The engine wrote it. A new record was created by the engine, whichever read showed it first.
    Applied {
        /// The intent.
        intent: u64,
    },
    /// A sweep did not see it.
    Swept {
        /// How it was confirmed.
        proof: Proof,
    },
    /// A webhook hinted at it.
    Hinted {
        /// How it was confirmed.
        proof: Proof,
    },
    /// The host asked for it.
    Asked,
    /// A write to it was in doubt, or two observations disagreed, and a fetch showed that it no
    /// longer exists.
    Doubted {
        /// How it was confirmed.
        proof: Proof,
    },
}

/// The proof of a change that no list shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Proof {
    /// A fetch by id found no record, or the record that replaces it.
    Fetched,
    /// A signed webhook said so, and the kind has no fetch.
    Hook,
    /// A signed webhook said so and a fetch agreed.
    HookAndFetch,
    /// A complete scan did not show it, which is a proof by the adapter's manifest.
    Walk,
}

/// Whom to erase. See [`super::Erasures::erase`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Erasure {
    /// Keys of desired records.
    pub keys: BTreeSet<String>,
    /// Ids of candidates.
    pub candidates: BTreeSet<String>,
    /// E-mail addresses known besides those that the records have.
    pub addresses: BTreeSet<String>,
    /// The time of it.
    pub now_ms: u64,
}

/// The result of an erasure: what it removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ErasureReport {
    /// Desired records.
    pub desired: u64,
    /// Observed records.
    pub observed: u64,
    /// Links.
    pub links: u64,
    /// Intents whose bodies were emptied; the open ones among them are abandoned.
    pub intents: u64,
    /// Change events about the candidate; their fields were removed.
    pub changes: u64,
    /// Hashes that block re-import.
    pub kept_away: u64,
    /// Addresses that another candidate has too: they block no re-import.
    pub addresses_shared: u64,
}

#[cfg(test)]
mod tests {
    use super::{SweepPhase, SweepState};

    /// Earlier builds kept a hold as a phase of its own, without a reason.
    #[test]
    fn a_sweep_that_an_earlier_build_held_is_read_and_judged_again() {
        let row = r#"{"started_ms":5,"pages":1,"rows":2,"confidential":0,"phase":{"phase":"held","at_ms":7}}"#;
        let state: SweepState = serde_json::from_str(row).unwrap();
        assert_eq!((state.phase, state.held, state.rows), (SweepPhase::Walked, None, 2));
    }
}
