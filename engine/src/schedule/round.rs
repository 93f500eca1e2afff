//! The reports of a run about its rounds.

use crate::error::Error;
use crate::reconcile::{ApplyReport, PullReport, SweepReport};
use crate::webhook::{HintsReport, WebhooksReport};

/// A report of [`Connection::run`](crate::Connection::run) about its rounds. It never has data of
/// candidates.
#[derive(Debug)]
#[non_exhaustive]
pub enum Round<'a> {
    /// A kind was pulled.
    Pulled(&'a PullReport),
    /// A sweep read some pages.
    Swept(&'a SweepReport),
    /// What webhooks named was fetched.
    Hinted(&'a HintsReport),
    /// The connection's webhooks were registered in the ATS, or compared with what is registered.
    Registered(&'a WebhooksReport),
    /// A plan was applied.
    Applied(&'a ApplyReport),
    /// A plan had no step.
    InStep,
    /// Rows that were older than [`Crons`](crate::Crons) keeps were removed.
    Trimmed {
        /// Events of the feed.
        events: u64,
        /// Ended intents.
        intents: u64,
    },
    /// A pull failed and is retried after the wait.
    PullFailed {
        /// The kind.
        kind: &'a str,
        /// Why.
        error: &'a Error,
        /// How long until it is retried.
        wait_ms: u64,
    },
    /// A sweep failed and is retried after the wait.
    SweepFailed {
        /// The kind.
        kind: &'a str,
        /// Why.
        error: &'a Error,
        /// How long until it is retried.
        wait_ms: u64,
    },
    /// Fetching what webhooks named failed and is retried after the wait.
    HintsFailed {
        /// Why.
        error: &'a Error,
        /// How long until it is retried.
        wait_ms: u64,
    },
    /// Registering webhooks failed and is retried after the wait.
    RegisterFailed {
        /// Why.
        error: &'a Error,
        /// How long until it is retried.
        wait_ms: u64,
    },
    /// The tokens of a consent could not be refreshed, which is retried after the wait; see
    /// [`Connection::keep_alive`](crate::Connection::keep_alive).
    KeepAliveFailed {
        /// Why.
        error: &'a Error,
        /// How long until it is retried.
        wait_ms: u64,
    },
    /// Planning or applying failed and is retried after the wait.
    ApplyFailed {
        /// Why.
        error: &'a Error,
        /// How long until it is retried.
        wait_ms: u64,
    },
}

impl Round<'_> {
    /// The error of a failed round, and how long until it is retried.
    pub fn failure(&self) -> Option<(&Error, u64)> {
        match self {
            Self::PullFailed { error, wait_ms, .. }
            | Self::SweepFailed { error, wait_ms, .. }
            | Self::HintsFailed { error, wait_ms }
            | Self::RegisterFailed { error, wait_ms }
            | Self::KeepAliveFailed { error, wait_ms }
            | Self::ApplyFailed { error, wait_ms } => Some((error, *wait_ms)),
            Self::Pulled(_)
            | Self::Swept(_)
            | Self::Hinted(_)
            | Self::Registered(_)
            | Self::Applied(_)
            | Self::InStep
            | Self::Trimmed { .. } => None,
        }
    }
}

/// What a round does.
#[derive(Clone, Copy, Debug)]
pub(super) enum Deed<'a> {
    Pull(&'a str),
    Sweep(&'a str),
    Hints,
    Register,
    KeepAlive,
    Apply,
}

impl<'a> Deed<'a> {
    /// The report of its failure.
    pub(super) fn failed(self, error: &'a Error, wait_ms: u64) -> Round<'a> {
        match self {
            Self::Pull(kind) => Round::PullFailed { kind, error, wait_ms },
            Self::Sweep(kind) => Round::SweepFailed { kind, error, wait_ms },
            Self::Hints => Round::HintsFailed { error, wait_ms },
            Self::Register => Round::RegisterFailed { error, wait_ms },
            Self::KeepAlive => Round::KeepAliveFailed { error, wait_ms },
            Self::Apply => Round::ApplyFailed { error, wait_ms },
        }
    }
}
