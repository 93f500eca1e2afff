//! The progress of a connection: what it reports while it works.

use std::sync::Arc;

/// The progress of a connection, reported while it works. Never carries candidate data.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Progress {
    /// A pass over a kind has begun.
    PullStarted {
        /// The kind.
        kind: String,
        /// It continues from a page of an earlier run.
        resumed: bool,
    },
    /// A page was ingested.
    Page {
        /// The kind.
        kind: String,
        /// Records of the pass so far.
        records: u64,
    },
    /// A pass over a kind is complete.
    PullDone {
        /// The kind.
        kind: String,
        /// Records of the pass.
        records: u64,
    },
    /// A step of a plan has ended.
    Step {
        /// The path that it serves.
        path: String,
        /// The operation.
        operation: String,
        /// How it ended, in a word.
        end: &'static str,
    },
    /// Waits before it probes for a record again: an earlier write may have created it, and the ATS
    /// may not show it yet.
    Looking {
        /// The path of the record.
        path: String,
        /// The operation that would create the record.
        operation: String,
        /// What makes a probe that finds nothing inconclusive, in words, as after "since".
        why: &'static str,
        /// For how long, before the next probe.
        wait_ms: u64,
        /// When the last probe begins and the record is created at the latest, in milliseconds.
        until_ms: u64,
    },
    /// Waits until a write in doubt can be settled.
    Settling {
        /// How many intents are in doubt.
        open: usize,
        /// For how long.
        wait_ms: u64,
    },
}

/// Receives the progress of a connection.
pub type ProgressFn = Arc<dyn Fn(&Progress) + Send + Sync>;
