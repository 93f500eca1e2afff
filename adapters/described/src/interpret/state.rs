//! What a task remembers between two steps.

use super::paging::Cursor;
use atsync_adapter::contract::{CONTINUATION_BYTES_MAX, Continuation, Failure, RemoteRef};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum State {
    Scan(Scan),
    Fetch(Fetch),
    Write(Write),
    Probe(Probe),
    Check(String),
    Hook(Hook),
    Tenant,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Scan {
    pub(crate) kind: String,
    pub(crate) parent: Option<RemoteRef>,
    pub(crate) cursor: Option<Cursor>,
    pub(crate) size: u32,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Fetch {
    pub(crate) kind: String,
    pub(crate) ids: Vec<String>,
}

/// What the expressions of a write or a probe may still read.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Known {
    pub(crate) operation: String,
    pub(crate) target: Option<RemoteRef>,
    /// Without the members that no later expression reads.
    pub(crate) input: Value,
    pub(crate) observed: Value,
    pub(crate) kept: BTreeMap<String, Value>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Write {
    pub(crate) known: Known,
    pub(crate) at: At,
}

/// The request that a write waits for.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum At {
    Before(usize),
    Sent,
    After(usize),
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Probe {
    pub(crate) known: Known,
    pub(crate) first_sent_ms: Option<u64>,
    /// The step before the search that it waits for; none: the search.
    pub(crate) before: Option<usize>,
    pub(crate) search: Search,
}

/// What a search has found so far.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Search {
    pub(crate) pages: u32,
    pub(crate) cursor: Option<Cursor>,
    pub(crate) marked: Vec<Vec<(String, RemoteRef)>>,
    pub(crate) matched: Vec<Vec<(String, RemoteRef)>>,
    /// Rows that could not be compared.
    pub(crate) unsure: u32,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Hook {
    pub(crate) hints: Vec<Noted>,
    pub(crate) signed_at_ms: Option<u64>,
}

/// A hint, as a continuation holds it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Noted {
    Changed(RemoteRef),
    Deleted(RemoteRef),
    Merged(RemoteRef, RemoteRef),
    Erased(RemoteRef),
}

impl State {
    /// Writes it.
    ///
    /// # Errors
    /// [`Failure::Invalid`] when it does not fit into a continuation: the input is too large for
    /// what the description keeps of it.
    pub(crate) fn encode(&self) -> Result<Continuation, Failure> {
        let bytes = atsync_adapter::state::encode(self)?;
        if bytes.len() > CONTINUATION_BYTES_MAX {
            return Err(Failure::Invalid(vec![atsync_adapter::contract::FieldError {
                field: String::new(),
                message: format!(
                    "the task would have to remember {} bytes between two requests, of at most \
                     {CONTINUATION_BYTES_MAX}",
                    bytes.len()
                ),
            }]));
        }
        Ok(bytes)
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, Failure> {
        atsync_adapter::state::decode(bytes)
    }
}
