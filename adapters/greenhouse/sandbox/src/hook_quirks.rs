//! The switches of webhooks: where the reference is silent, or promises nothing (webhooks.md §1).

pub use atsync_sandbox::webhooks::{HookCopies, HookOrder};
use serde::{Deserialize, Serialize};

/// Whether the retries of a delivery have its event id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HookEventId {
    /// They have.
    #[default]
    PerEvent,
    /// Each attempt has its own.
    PerAttempt,
}

/// The member with the applications of a deleted candidate. The reference's example and its table
/// differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HookDeletedIds {
    /// `deleted_application_ids`
    #[default]
    DeletedApplicationIds,
    /// `application_ids`
    ApplicationIds,
}

impl HookDeletedIds {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::DeletedApplicationIds => "deleted_application_ids",
            Self::ApplicationIds => "application_ids",
        }
    }
}

/// The member with the name of a source. The reference has both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HookSourceName {
    /// `public_name`
    #[default]
    PublicName,
    /// `name`
    Name,
}

impl HookSourceName {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::PublicName => "public_name",
            Self::Name => "name",
        }
    }
}

/// Every switch of webhooks.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HookQuirks {
    /// How often an event is delivered, retries aside.
    pub copies: HookCopies,
    /// Which of the due deliveries leaves first.
    pub order: HookOrder,
    /// The time between an event and the first attempt to deliver it.
    pub delay_ms: i64,
    /// Whether the retries of a delivery have its event id.
    pub event_id: HookEventId,
    /// Whether the envelope names the organisation, as one user saw.
    pub organization: bool,
    /// The member with the applications of a deleted candidate.
    pub deleted_ids: HookDeletedIds,
    /// The member with the name of a source.
    pub source_name: HookSourceName,
    /// Whether the API has no list of webhooks, as in openapi-v3.json: it answers 404.
    pub no_list: bool,
    /// Whether the endpoint of a webhook must be `https`, as Greenhouse demands. The sandbox's own
    /// server sends only to `http`.
    pub https_only: bool,
}
