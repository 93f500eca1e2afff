//! The span of one intent in the log.
//!
//! What is logged while an intent is sent, judged or settled carries it. It names the intent by its
//! number and never the record's path, since a host's key may be an address.

use crate::journal::Intent;

/// The span of an intent, as loud as the warnings within.
pub(crate) fn intent_span(connection: &str, intent: &Intent) -> tracing::Span {
    tracing::warn_span!(
        "intent",
        connection,
        intent = intent.id,
        operation = %intent.operation,
        attempt = intent.attempt
    )
}
