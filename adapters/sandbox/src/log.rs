//! The logs that a test reads the truth from: every request, and every record that was created,
//! changed or removed, with its author.
//!
//! A duplicate shows as two creations where one was expected ([`WriteLog::creates`]). Headers are
//! never logged, so no credential is. Bounds: [`REQUESTS_MAX`], [`WRITES_MAX`],
//! [`LOGGED_BODY_BYTES_MAX`]; the oldest entries are removed first.

use std::collections::VecDeque;

use serde::Serialize;

use crate::answer::{Answer, Delivery, Request};
use crate::faults::FaultKind;

/// The most requests in the log.
const REQUESTS_MAX: usize = 100_000;
/// The most entries of the write log. Arbitrary: no test of ours comes near.
const WRITES_MAX: usize = 200_000;
/// The most bytes of a request's body in the log.
const LOGGED_BODY_BYTES_MAX: usize = 8_192;

/// One line of the request log. Headers are left out, so no credential is logged; nor are queries
/// and bodies that have secrets, such as those of a token request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Logged {
    /// The time, in milliseconds since 1970.
    pub at_ms: i64,
    /// The method.
    pub method: String,
    /// The path.
    pub path: String,
    /// The query, percent-encoded.
    pub query: String,
    /// The body, cut at a few kilobytes.
    pub body: String,
    /// The status, sent or not.
    pub status: u16,
    /// Whether the client got the whole answer.
    pub answered: bool,
    /// The fault that the request met.
    pub fault: Option<FaultKind>,
    /// The request's id, as the sandbox numbers requests.
    pub request_id: String,
}

/// The parts of a request that may be logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Loggable {
    /// Whether the query has no secret.
    pub query: bool,
    /// Whether the body has no secret.
    pub body: bool,
}

impl Loggable {
    /// All parts.
    pub const ALL: Self = Self { query: true, body: true };
}

/// The log of requests.
#[derive(Debug, Clone, Default)]
pub struct RequestLog(VecDeque<Logged>);

impl RequestLog {
    pub(crate) fn record(
        &mut self,
        at_ms: i64,
        request: &Request<'_>,
        answer: &Answer,
        fault: Option<FaultKind>,
        request_id: String,
        loggable: Loggable,
    ) {
        let body = if loggable.body {
            request.body.get(..LOGGED_BODY_BYTES_MAX).unwrap_or(request.body)
        } else {
            &[]
        };
        if self.0.len() >= REQUESTS_MAX {
            self.0.pop_front();
        }
        self.0.push_back(Logged {
            at_ms,
            method: request.method.to_owned(),
            path: request.path().to_owned(),
            query: if loggable.query { request.query() } else { "" }.to_owned(),
            body: String::from_utf8_lossy(body).into_owned(),
            status: answer.status,
            answered: answer.delivery == Delivery::Answer,
            fault,
            request_id,
        });
    }

    /// Lists the requests, the oldest first.
    #[must_use]
    pub fn list(&self) -> Vec<Logged> {
        self.0.iter().cloned().collect()
    }

    /// Empties the log.
    pub fn clear(&mut self) {
        self.0.clear();
    }
}

/// The author of a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Writer {
    /// A request through the API.
    Api,
    /// A recruiter, whom the test plays.
    Recruiter,
}

/// The effect of a write on a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Deed {
    /// The record was created.
    Create,
    /// The record changed.
    Update,
    /// The record was removed.
    Delete,
}

/// One entry of the write log; `Id` is the type of the ATS's ids.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Write<Id = i64> {
    /// The time, in milliseconds since 1970.
    pub at_ms: i64,
    /// The author.
    pub writer: Writer,
    /// The effect.
    pub deed: Deed,
    /// The collection.
    pub collection: &'static str,
    /// The record's id.
    pub id: Id,
}

/// The log of writes.
#[derive(Debug, Clone)]
pub struct WriteLog<Id = i64>(VecDeque<Write<Id>>);

impl<Id> Default for WriteLog<Id> {
    fn default() -> Self {
        Self(VecDeque::new())
    }
}

impl<Id: Clone> WriteLog<Id> {
    /// Adds an entry.
    pub fn record(&mut self, write: Write<Id>) {
        if self.0.len() >= WRITES_MAX {
            self.0.pop_front();
        }
        self.0.push_back(write);
    }

    /// Lists the entries, the oldest first.
    #[must_use]
    pub fn list(&self) -> Vec<Write<Id>> {
        self.0.iter().cloned().collect()
    }

    /// How many entries there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are no entries.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Counts the creations in a collection.
    #[must_use]
    pub fn creates(&self, collection: &str) -> usize {
        let is_one = |one: &&Write<Id>| one.deed == Deed::Create && one.collection == collection;
        self.0.iter().filter(is_one).count()
    }

    /// Empties the log.
    pub fn clear(&mut self) {
        self.0.clear();
    }
}
