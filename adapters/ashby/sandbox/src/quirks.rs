//! The switches: every point where the reference leaves two readings open, or where a test wants
//! what happens rarely. Unknown names are refused.

pub use atsync_sandbox::webhooks::{HookCopies, HookOrder};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What is stored of a `createdAt` that the client chose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientTime {
    /// The millisecond.
    #[default]
    Exact,
    /// The second.
    WholeSeconds,
    /// Nothing: the sandbox's own time.
    Ignored,
}

/// The switches.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Quirks {
    /// How long a sync token lives; 0 for ever.
    pub token_life_ms: i64,
    /// How long a cursor lives; 0 for ever.
    pub cursor_life_ms: i64,
    /// How many pages an incremental pass may have; 0 for any number.
    pub incremental_pages_max: u64,
    /// Every sync token is refused as invalid.
    pub tokens_invalid: bool,
    /// An absent value is written as null rather than left out.
    pub nulls: bool,
    /// 429 has the header of a partner's throttle.
    pub partner_throttle: bool,
    /// 429 has `Retry-After`, in seconds.
    pub retry_after: bool,
    /// What is stored of a client's `createdAt`.
    pub client_time: ClientTime,
    /// A second application of a candidate to one job is refused.
    pub one_application_per_job: bool,
    /// How long `candidate.search` does not find a new candidate.
    pub search_lag_ms: i64,
    /// The time for which readers see the former state.
    pub visibility_delay_ms: i64,
    /// The same by collection.
    pub visibility_delays_ms: BTreeMap<String, i64>,
    /// Records have a member that no reference names.
    pub unknown_field: bool,
    /// The switches of webhooks.
    pub webhooks: HookQuirks,
}

/// The switches of webhooks.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HookQuirks {
    /// How often an event is delivered, retries aside.
    pub copies: HookCopies,
    /// Which of the due deliveries leaves first.
    pub order: HookOrder,
    /// The time between an event and the first attempt to deliver it.
    pub delay_ms: i64,
    /// Whether the endpoint of a webhook must be `https`. The sandbox's own server sends only to
    /// `http`.
    pub https_only: bool,
}

impl Default for Quirks {
    fn default() -> Self {
        Self {
            token_life_ms: 0,
            cursor_life_ms: 0,
            incremental_pages_max: 0,
            tokens_invalid: false,
            nulls: false,
            partner_throttle: false,
            retry_after: false,
            client_time: ClientTime::Exact,
            one_application_per_job: false,
            search_lag_ms: 0,
            visibility_delay_ms: 0,
            visibility_delays_ms: BTreeMap::new(),
            unknown_field: false,
            webhooks: HookQuirks::default(),
        }
    }
}
