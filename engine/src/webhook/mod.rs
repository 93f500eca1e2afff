//! Webhooks: verified by their signature, and then only hints to fetch a record.
//!
//! [`Connection::receive`](crate::Connection::receive) is what a host's HTTP handler calls with the
//! bytes as received. The adapter says which bytes the ATS signed and where the signature is; the
//! engine alone knows the secret, and computes and compares it in constant time
//! (`reconcile::requests::signature`). An authentic webhook leads to a read through the API. Its
//! payload is never ingested: the order is not guaranteed, a delivery may be hours old, and
//! everyone who knows the secret can write it.
//!
//! # Replay
//! A handled delivery is remembered ([`memory`]) by its signed bytes and by the ids in its headers,
//! and answered without a fetch when it comes again. Where the ATS signs a time, deliveries older
//! than the memory are refused. A delivery whose fetch failed is not remembered, so that the ATS
//! delivers it again. The memory ends with the process: after a restart a replay costs one read,
//! and changes nothing.
//!
//! # Two ways
//! [`Connection::receive`](crate::Connection::receive) fetches before it returns, so that the
//! caller learns what came of it. [`Connection::accept`](crate::Connection::accept) stores the
//! hints ([`waiting`]), so that the ATS is answered at once and nothing accepted is lost with the
//! process; the schedules fetch what they name ([`handle`]).
//!
//! # Registering
//! Where the ATS has an API for it and the credential may use it, the connection registers its
//! webhooks itself, repairs and removes them ([`register`]).
//!
//! # Floods
//! The fetches of a connection run one at a time, within its rate budget. Hints about one record
//! that arrive during its fetch share the next one.
//!
//! Bounds: [`limits`]. Left out: HTTP; a host has its own server, and gives each connection a path
//! that cannot be guessed ([`path`]).

mod deeds;
mod handle;
mod hints;
pub mod limits;
mod memory;
mod path;
mod receive;
mod register;
mod registered;
mod report;
mod waiting;

pub use handle::HintsReport;
pub(crate) use hints::Hints;
pub use report::{WebhookEnd, WebhooksBlocked, WebhooksReport};

use crate::reconcile::HintEnd;
use crate::secret::Secret;
use atsync_model::contract::Hint;
use memory::{Looks, Seen};
use std::sync::{Arc, Mutex};

/// The verdict on a webhook: how it was handled.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// It is authentic. Each hint with the result of its fetch; none for a ping, or for an event
    /// that the engine does not use.
    Accepted(Vec<(Hint, HintEnd)>),
    /// It is authentic, and its hints are stored: the schedules fetch what they name.
    Stored,
    /// It was handled before; nothing was done.
    Duplicate,
    /// It has no signature, or one that no secret of the connection made. It is ignored.
    Forged,
    /// It is authentic, and signed too long ago, or in the future.
    Stale,
    /// It is larger than is allowed. Nothing of it was read.
    TooLarge,
}

/// The result for a webhook, and the status to answer with.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Received {
    /// How it was handled.
    pub verdict: Verdict,
    /// The HTTP status to answer with: 200 for an accepted or known delivery, 401 for a forged or
    /// stale one, 413 for one that is too large. An empty body is enough.
    pub status: u16,
}

impl From<Verdict> for Received {
    fn from(verdict: Verdict) -> Self {
        let status = match &verdict {
            Verdict::Accepted(_) | Verdict::Stored | Verdict::Duplicate => 200,
            Verdict::Forged | Verdict::Stale => 401,
            Verdict::TooLarge => 413,
        };
        Self { verdict, status }
    }
}

/// What a connection holds for its webhooks.
#[derive(Debug)]
pub(crate) struct Webhooks {
    secrets: Vec<Secret>,
    seen: Mutex<Seen>,
    looks: Looks,
    /// The turn of what registers webhooks.
    registering: tokio::sync::Mutex<()>,
    pub(crate) hints: Arc<Hints>,
}

impl Webhooks {
    pub(crate) fn new(secrets: Vec<Secret>, hints: Arc<Hints>) -> Self {
        let secrets = secrets.into_iter().filter(|secret| !secret.expose().is_empty()).collect();
        Self {
            secrets,
            seen: Mutex::default(),
            looks: Looks::default(),
            registering: tokio::sync::Mutex::default(),
            hints,
        }
    }
}
