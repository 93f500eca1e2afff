//! Webhooks: taken in raw, believed only when signed, and then only as a hint to look.
//!
//! [`Connection::receive`](crate::Connection::receive) is what a host's HTTP handler calls with the
//! bytes as they came. The adapter says what the ATS signed and where the signature stands; the
//! engine, which alone knows the secret, computes and compares it in constant time
//! (`reconcile::requests::signature`). What an authentic webhook suggests is looked into by a read
//! through the API, and never taken from its payload: order is not promised, a delivery may be
//! hours old, and who knows the secret could say anything.
//!
//! # Replay
//! A delivery that was dealt with is remembered ([`memory`]) by what it signed and by the ids that
//! its headers give it, and answered without a look when it comes again. Where the ATS signs a
//! time, older deliveries than the memory holds are refused. One whose look failed is not
//! remembered, so that the ATS delivers it again. The memory is the process's: after a restart a
//! replay costs one read, and changes nothing.
//!
//! # Floods
//! Looks of a connection are taken one at a time, within its rate budget, and hints about one
//! record that arrive while one is looked into share the next look.
//!
//! Bounds: [`limits`]. Left out: HTTP, and another secret in the URL's path; they are the host's.

pub mod limits;
mod memory;
mod receive;

use crate::reconcile::HintEnd;
use crate::secret::Secret;
use atsync_model::contract::Hint;
use memory::{Looks, Seen};
use std::sync::Mutex;

/// What became of a webhook.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// It is authentic. Each hint with what a look at it gave; none for a ping, or for an event of
    /// no use here.
    Accepted(Vec<(Hint, HintEnd)>),
    /// It was dealt with before; nothing was done.
    Duplicate,
    /// No secret of the connection made its signature, or it has none. Nothing is believed of it.
    Forged,
    /// It is authentic, and signed too long ago, or in the future.
    Stale,
    /// It is larger than is allowed. Nothing of it was read.
    TooLarge,
}

/// A webhook that was taken in, and what to answer to it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Received {
    /// What became of it.
    pub verdict: Verdict,
    /// The HTTP status to answer with: 200 for what was accepted or is known, 401 for what is
    /// forged or stale, 413 for what is too large. An empty body is enough.
    pub status: u16,
}

impl From<Verdict> for Received {
    fn from(verdict: Verdict) -> Self {
        let status = match &verdict {
            Verdict::Accepted(_) | Verdict::Duplicate => 200,
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
}

impl Webhooks {
    pub(crate) fn new(secrets: Vec<Secret>) -> Self {
        let secrets = secrets.into_iter().filter(|secret| !secret.expose().is_empty()).collect();
        Self { secrets, seen: Mutex::default(), looks: Looks::default() }
    }
}
