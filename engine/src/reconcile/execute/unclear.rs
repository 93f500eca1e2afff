//! The reasons why the outcome of a write is unknown: one word each, for logs and metrics.
//!
//! The sentence beside it is kept with the intent and may name what the adapter read; it is not
//! logged.

use crate::adapter::AdapterError;
use crate::journal::Intent;

/// Why the outcome of a write is unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum UnclearOutcome {
    /// No complete answer came.
    NoAnswer,
    /// The ATS answered with a 5xx.
    ServerError,
    /// A read that the adapter needed after the answer failed.
    NotReadAfter,
    /// The answer is undocumented.
    UndocumentedAnswer,
    /// The ATS accepted it for later.
    AcceptedForLater,
    /// The adapter cannot tell.
    AdapterUnsure,
    /// The adapter crashed while it read the answer.
    AdapterCrashed,
    /// The adapter went over a limit or broke the contract.
    AdapterFault,
    /// The answer does not name what the manifest promises.
    BrokenPromise,
    /// The engine stopped while it was on its way.
    EngineStopped,
    /// It was sent before without an answer, and could not be sent again.
    NotSentAgain,
}

impl UnclearOutcome {
    /// The word for the log.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::NoAnswer => "no_answer",
            Self::ServerError => "server_error",
            Self::NotReadAfter => "not_read_after",
            Self::UndocumentedAnswer => "undocumented_answer",
            Self::AcceptedForLater => "accepted_for_later",
            Self::AdapterUnsure => "adapter_unsure",
            Self::AdapterCrashed => "adapter_crashed",
            Self::AdapterFault => "adapter_fault",
            Self::BrokenPromise => "broken_promise",
            Self::EngineStopped => "engine_stopped",
            Self::NotSentAgain => "not_sent_again",
        }
    }

    /// Logs that an intent is in doubt, and why; nothing about the candidate.
    pub(crate) fn log(self, connection: &str, intent: &Intent) {
        let kind = intent.operation.rsplit_once('.').map_or("", |(kind, _)| kind);
        tracing::warn!(
            connection,
            kind,
            operation = %intent.operation,
            intent = intent.id,
            reason = self.word(),
            "in doubt"
        );
    }
}

impl From<&AdapterError> for UnclearOutcome {
    fn from(error: &AdapterError) -> Self {
        match error {
            AdapterError::Trap(_) => Self::AdapterCrashed,
            AdapterError::Limit(_) | AdapterError::Contract(_) | AdapterError::Circle => {
                Self::AdapterFault
            }
            AdapterError::Promise(_) => Self::BrokenPromise,
        }
    }
}
