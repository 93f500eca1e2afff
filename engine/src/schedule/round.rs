//! What a run reports of its rounds.

use crate::error::Error;
use crate::reconcile::{ApplyReport, PullReport, SweepReport};

/// What [`Connection::run`](crate::Connection::run) reports of its rounds. It never has data of
/// candidates.
#[derive(Debug)]
#[non_exhaustive]
pub enum Round<'a> {
    /// A kind was pulled.
    Pulled(&'a PullReport),
    /// A sweep read some pages.
    Swept(&'a SweepReport),
    /// A plan was applied.
    Applied(&'a ApplyReport),
    /// Something failed and is retried after the wait.
    Failed {
        /// What.
        what: &'a str,
        /// Why.
        error: &'a Error,
        /// How long until it is retried.
        wait_ms: u64,
    },
}
