//! The next step of a probe, a request or a result, and the times that decide whether a row is from
//! the write.

use crate::instant;
use crate::write::row;
use crate::write::sent::subject;
use atsync_adapter::contract::{Certainty, Found, Link, Probed, RemoteRef, Request};
use atsync_adapter::model::kinds;
use serde_json::Value;

/// Returns the time for which a new or changed record may stay invisible. Greenhouse does not
/// document it (harvest-v3.md §7 [?]); v1 recommended to poll every 30 s.
fn visible_within_ms(kind: &str) -> u64 {
    if matches!(kind, kinds::CANDIDATES | kinds::APPLICATIONS) { 30_000 } else { 10_000 }
}

/// The time for which a probe waits for a row that is only a message. v1 documented minutes
/// (harvest-v1.md §6); arbitrary beyond that.
const MAKING_MS_MAX: u64 = 10 * 60 * 1000;

/// The next step of a probe with the state `H`.
pub(super) enum Next<H> {
    /// Another request.
    Ask(Box<Request>, H),
    /// The result.
    Done(Probed),
}

impl<H> Next<H> {
    /// Converts the state to the type that all searches share.
    pub(super) fn map<T>(self, shared: impl FnOnce(H) -> T) -> Next<T> {
        match self {
            Self::Ask(request, search) => Next::Ask(request, shared(search)),
            Self::Done(probed) => Next::Done(probed),
        }
    }
}

/// The time when a write in doubt was first sent; `None` when it was not sent yet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sent {
    pub(super) first_ms: Option<u64>,
    pub(super) now_ms: u64,
}

impl Sent {
    /// Returns the earliest time that its record can have.
    pub(super) fn earliest_ms(self) -> Option<u64> {
        self.first_ms.map(|sent| sent.saturating_sub(instant::SKEW_MS))
    }

    /// Whether Greenhouse may still be creating the record.
    pub(super) fn is_recent(self) -> bool {
        self.first_ms.is_some_and(|sent| self.now_ms.saturating_sub(sent) < MAKING_MS_MAX)
    }

    /// Whether the write can have created a row. A row without a readable time counts.
    pub(super) fn can_have_made(self, row: &Value) -> bool {
        let created = instant::parse(row::text(row, "created_at"));
        match (self.earliest_ms(), created) {
            (Some(earliest), Some(created)) => created >= earliest,
            _ => true,
        }
    }
}

pub(super) fn ask<H>(request: Request, search: H) -> Next<H> {
    Next::Ask(Box::new(request), search)
}

pub(super) fn found<H>(links: Vec<Link>, certainty: Certainty) -> Next<H> {
    Next::Done(Probed::Found(Found { links, certainty }))
}

pub(super) fn absent<H>(kind: &str) -> Next<H> {
    Next::Done(Probed::Absent(visible_within_ms(kind)))
}

pub(super) fn blind<H>(why: &str) -> Next<H> {
    Next::Done(Probed::Blind(why.to_owned()))
}

pub(super) fn ambiguous<H>(kind: &str, ids: &[String]) -> Next<H> {
    Next::Done(Probed::Ambiguous(ids.iter().map(|id| RemoteRef::new(kind, id.as_str())).collect()))
}

/// Returns the result for one match, none or several.
pub(super) fn matched<H>(kind: &str, ids: &[String]) -> Next<H> {
    match ids {
        [] => absent(kind),
        [id] => found(vec![subject(kind, id.clone())], Certainty::Matched),
        several => ambiguous(kind, several),
    }
}
