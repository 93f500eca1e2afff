//! An intent: one write that the engine attempts, as the journal holds it.
//!
//! Why one row per write: it is written durably before its one request leaves, so that a crash
//! cannot lose a request, and it changes only along [`IntentState::may_become`]. Left out: how
//! often a request leaves ([`super::sends`]).

use super::moment::Moment;
use atsync_model::contract::{Mark, RemoteRef};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// The first wait between two probes of an intent in doubt.
const LOOK_WAIT_FIRST_MS: u64 = 1_000;
/// The longest wait between two probes. Arbitrary: an hour of inconclusive probes is not made
/// conclusive by probing more often, and an hour is what a person waits.
pub const LOOK_WAIT_MAX_MS: u64 = 3_600_000;

/// How long the next probe waits after so many inconclusive ones: doubled each time, up to
/// [`LOOK_WAIT_MAX_MS`].
pub fn look_again_ms(looks: u32) -> u64 {
    LOOK_WAIT_FIRST_MS.saturating_mul(1 << looks.min(16)).min(LOOK_WAIT_MAX_MS)
}

/// The number of an intent, unique within a store, rising.
pub type IntentId = u64;

/// One durable write attempt, and its state.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Intent {
    /// Its number.
    pub id: IntentId,
    /// The path of the desired object that it serves, for example `ref-1` or
    /// `ref-1/applications/a1`.
    pub path: String,
    /// The operation, for example `candidates.create`.
    pub operation: String,
    /// What it changes; none for a create.
    pub target: Option<RemoteRef>,
    /// The operation's input. Personal data: never logged above debug.
    pub input: String,
    /// The paths that the created records are linked to, by role.
    #[serde(default)]
    pub makes: BTreeMap<String, String>,
    /// The values to record as last applied once it is known to have happened, by path.
    #[serde(default)]
    pub applied: BTreeMap<String, Map<String, Value>>,
    /// SHA-256 of the request in hexadecimal.
    pub digest: String,
    /// The mark that a probe recognises it by.
    pub mark: Mark,
    /// The generation of the desired record that it was planned from.
    pub generation: u64,
    /// How often its request was sent or may have been.
    pub attempt: u32,
    /// When the first request left.
    pub first_sent: Moment,
    /// When the request of the last attempt may have left at the latest.
    pub last_sent: Moment,
    /// When the last change to this row was made.
    pub changed: Moment,
    /// The results of its last sends without a certain outcome, oldest first, at most
    /// [`SENDS_MAX`](super::SENDS_MAX).
    #[serde(default)]
    pub tries: Vec<Try>,
    /// SHA-256 of the component that planned it; none for an adapter that is linked in, and for an
    /// intent of an earlier version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub planned_by: Option<String>,
    /// SHA-256 of the component that made the request of its last attempt; none as for
    /// `planned_by`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sent_by: Option<String>,
    /// Its state.
    pub state: IntentState,
}

/// One send that certainly had no effect, and its result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Try {
    /// When its request may have left at the latest, in milliseconds.
    pub sent_ms: u64,
    /// The result: a status, a broken answer, or why there was none.
    pub saw: String,
}

/// The state of an intent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
#[non_exhaustive]
pub enum IntentState {
    /// Its request may be on the way. Found after a start, it is in doubt.
    Sending,
    /// Whether it happened is not known. `probe_after_ms` is when a probe is conclusive.
    InDoubt {
        /// What the send or the probe showed.
        reason: String,
        /// Not before this time.
        probe_after_ms: u64,
        /// Probes made so far.
        probes: u32,
        /// Only a person or the host can decide it.
        blocked: bool,
        /// When a probe after the settle window first found nothing; none before that, and after a
        /// probe with another result.
        #[serde(default)]
        absent: Option<Moment>,
    },
    /// It happened.
    Applied {
        /// The records that it created or changed.
        links: Vec<RemoteRef>,
        /// Found by a probe, not reported by an answer.
        by_probe: bool,
    },
    /// It was refused: as the ATS answered, it changed nothing.
    Refused {
        /// Why, in the ATS's words.
        reason: String,
        /// A quota of the whole connection is used up: it is temporary, and no person has to
        /// decide.
        #[serde(default)]
        passing: bool,
        /// The credential that was not accepted or lacks a right, where the refusal is about that:
        /// its mark, a digest that tells credentials apart. Another credential restarts the count.
        #[serde(default)]
        credential: Option<String>,
    },
    /// Its request provably never left. A later plan may open a new intent.
    NotSent {
        /// Why.
        reason: String,
    },
    /// Abandoned; it is not known to have happened.
    Abandoned {
        /// Why.
        reason: String,
        /// Who abandoned it.
        #[serde(default)]
        by: GivenUpBy,
    },
}

/// The one who abandoned an intent, which decides the steps that it blocks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum GivenUpBy {
    /// The host: its path is blocked until the desired record changes.
    #[default]
    Host,
    /// The engine, because the target or a parent no longer exists, or the ATS would refuse the
    /// request: only steps for the same target and parents are blocked.
    Engine,
    /// The engine, because the ATS never returned the target, or a parent of the record that the
    /// write would have made. Once the ATS returns it, a change is planned anew from the record,
    /// and a create is probed for and planned anew; only a create that would not be probed for is
    /// blocked.
    Unshown,
}

impl IntentState {
    /// Whether the intent is open, so that no other may be opened for its object.
    pub fn is_open(&self) -> bool {
        matches!(self, Self::Sending | Self::InDoubt { .. })
    }

    /// The state's word in listings and metrics.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Sending => "sending",
            Self::InDoubt { .. } => "in_doubt",
            Self::Applied { .. } => "applied",
            Self::Refused { .. } => "refused",
            Self::NotSent { .. } => "not_sent",
            Self::Abandoned { .. } => "abandoned",
        }
    }

    /// Every word of [`Self::word`].
    pub const WORDS: [&'static str; 6] =
        ["sending", "in_doubt", "applied", "refused", "not_sent", "abandoned"];

    /// Whether the journal allows the change from this state to `next`.
    pub fn may_become(&self, next: &Self) -> bool {
        match self {
            Self::Sending => !matches!(next, Self::Sending),
            Self::InDoubt { .. } => !matches!(next, Self::Refused { .. } | Self::NotSent { .. }),
            Self::Applied { .. }
            | Self::Refused { .. }
            | Self::NotSent { .. }
            | Self::Abandoned { .. } => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{GivenUpBy, Intent, IntentState, LOOK_WAIT_MAX_MS, look_again_ms};

    /// One state of each variant, and an intent in doubt that waits for a person.
    fn states() -> [IntentState; 7] {
        let doubt = |blocked| IntentState::InDoubt {
            reason: String::new(),
            probe_after_ms: 0,
            probes: 0,
            blocked,
            absent: None,
        };
        [
            IntentState::Sending,
            doubt(false),
            doubt(true),
            IntentState::Applied { links: Vec::new(), by_probe: false },
            IntentState::Refused { reason: String::new(), passing: false, credential: None },
            IntentState::NotSent { reason: String::new() },
            IntentState::Abandoned { reason: String::new(), by: GivenUpBy::Host },
        ]
    }

    #[test]
    fn the_journal_allows_these_transitions_and_no_others() {
        // Rows: from; columns: to. A write that may have happened is never closed as refused or not
        // sent, and a closed intent stays closed.
        let allowed = [
            [false, true, true, true, true, true, true],
            [true, true, true, true, false, false, true],
            [true, true, true, true, false, false, true],
            [false; 7],
            [false; 7],
            [false; 7],
            [false; 7],
        ];
        for (from, row) in states().iter().zip(allowed) {
            assert_eq!(
                states().each_ref().map(|to| from.may_become(to)),
                row,
                "from {}",
                from.word()
            );
        }
    }

    #[test]
    fn a_row_of_a_version_that_knew_no_components_is_read_and_written_as_it_was() {
        let row = r#"{"id":1,"path":"r","operation":"notes.create","target":null,"input":"{}",
            "makes":{},"applied":{},"digest":"","mark":{"text":"","time_ms":1},"generation":1,
            "attempt":1,"first_sent":MOMENT,"last_sent":MOMENT,"changed":MOMENT,"tries":[],
            "state":{"state":"sending"}}"#;
        let moment = serde_json::to_string(&super::Moment::of_wall(1)).unwrap();
        let row = row.replace("MOMENT", &moment);
        let intent: Intent = serde_json::from_str(&row).unwrap();
        assert_eq!((&intent.planned_by, &intent.sent_by), (&None, &None));
        let (written, row): (serde_json::Value, serde_json::Value) =
            (serde_json::to_value(&intent).unwrap(), serde_json::from_str(&row).unwrap());
        assert_eq!(written, row);
        let known = Intent { sent_by: Some("a".to_owned()), ..intent };
        let text = serde_json::to_string(&known).unwrap();
        assert_eq!(serde_json::from_str::<Intent>(&text).unwrap(), known);
    }

    #[test]
    fn an_intent_keeps_its_object_busy_until_its_outcome_is_known() {
        let open = states().each_ref().map(IntentState::is_open);
        assert_eq!(open, [true, true, true, false, false, false, false]);
    }

    #[test]
    fn each_state_has_the_word_that_listings_and_metrics_show() {
        let words = states().each_ref().map(IntentState::word);
        assert_eq!(
            words,
            ["sending", "in_doubt", "in_doubt", "applied", "refused", "not_sent", "abandoned"]
        );
    }

    #[test]
    fn looks_come_less_and_less_often_but_never_end() {
        let waits: Vec<u64> = (0..40).map(look_again_ms).collect();
        assert!(
            waits.windows(2).all(|pair| pair[0] < pair[1] || pair[1] == LOOK_WAIT_MAX_MS),
            "{waits:?}"
        );
        assert_eq!(
            (waits[0], waits[39], look_again_ms(u32::MAX)),
            (1_000, LOOK_WAIT_MAX_MS, LOOK_WAIT_MAX_MS)
        );
    }
}
