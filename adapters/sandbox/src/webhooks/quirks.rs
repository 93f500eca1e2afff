//! The switches of deliveries that every ATS's sandbox has, since no ATS promises these.

use serde::{Deserialize, Serialize};

/// How often an event is delivered, retries aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HookCopies {
    /// Once.
    #[default]
    One,
    /// Twice, under one event id.
    SameId,
    /// Twice, under two event ids, as two webhooks for one event would.
    AnotherId,
}

/// Which of the due deliveries leaves first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HookOrder {
    /// The one that became due first.
    #[default]
    InOrder,
    /// The newest.
    Reversed,
}
