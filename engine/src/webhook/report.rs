//! What came of registering webhooks.

use serde::Serialize;
use std::collections::BTreeMap;

/// What came of the webhooks of a connection.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct WebhooksReport {
    /// Each event with what came of its webhook. Without those that were not tried because of
    /// [`WebhooksReport::blocked`].
    pub events: BTreeMap<String, WebhookEnd>,
    /// Webhooks of this connection that were removed: of an event that is not wanted, or one of two
    /// for the same event.
    pub removed: u64,
    /// Whether the ATS lists its webhooks. Without a list the engine relies on the ids that it
    /// keeps: a webhook that a person removed or disabled is repaired within a day.
    pub listed: bool,
    /// Why nothing more was done.
    pub blocked: Option<WebhooksBlocked>,
    /// What the ATS or the engine said about it, for people.
    pub message: Option<String>,
}

/// What came of the webhook of one event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum WebhookEnd {
    /// It is registered as wanted; nothing was sent.
    InStep,
    /// It was created.
    Created,
    /// It was changed: another URL, another secret, or enabled again.
    Changed,
    /// It was created or changed, and the ATS keeps it disabled.
    Inactive,
    /// The ATS refused it.
    Refused,
    /// The answers to three creations were lost, and the ATS has no list to look into: it may be
    /// registered up to three times, which delivers events several times. Nothing more is tried
    /// until the URL or the secret changes.
    Unknown,
}

/// Why no webhook is registered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum WebhooksBlocked {
    /// The adapter registers none.
    Unsupported,
    /// The connection has no webhook secret.
    NoSecret,
    /// The credential may not register them; a person creates them by hand.
    NotPermitted,
    /// The URL is none that the ATS sends to.
    UrlRefused,
    /// The writes of the connection are paused, or the program stops.
    Paused,
}

impl WebhooksReport {
    /// A report that says why nothing was done.
    pub(super) fn blocked(why: WebhooksBlocked, message: impl Into<String>) -> Self {
        let message = Some(message.into());
        Self { blocked: Some(why), message, ..Self::default() }
    }

    /// Whether every webhook is registered as wanted.
    pub fn is_complete(&self) -> bool {
        let is_good = |end: &WebhookEnd| {
            matches!(end, WebhookEnd::InStep | WebhookEnd::Created | WebhookEnd::Changed)
        };
        self.blocked.is_none() && self.events.values().all(is_good)
    }

    /// Whether the ATS was asked to change something.
    pub fn has_changed(&self) -> bool {
        self.removed > 0 || self.events.values().any(|end| *end != WebhookEnd::InStep)
    }
}
