//! Who sets up the webhooks of a connection: the connection itself by the ATS's API, or a person.
//!
//! Pure. Left out: what has to be pasted where; the adapter's manifest says that.

use atsync::{Round, WebhooksBlocked};
use serde::Serialize;
use utoipa::ToSchema;

/// Who sets up the webhooks of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum SetUp {
    /// The connection: it registers, verifies and repairs them.
    ByItself,
    /// A person, in the ATS: the credential may not register webhooks, or the adapter does not.
    ByHand,
}

impl SetUp {
    /// What a round shows about it; none when that is nothing.
    pub(super) fn of(round: &Round<'_>) -> Option<Self> {
        let Round::Registered(report) = round else { return None };
        match report.blocked {
            None => Some(Self::ByItself),
            Some(WebhooksBlocked::NotPermitted | WebhooksBlocked::Unsupported) => {
                Some(Self::ByHand)
            }
            Some(_) => None,
        }
    }
}
