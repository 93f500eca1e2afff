//! The switches: every point where the reference leaves two readings open.
//!
//! The defaults are what was recorded or what most sources say. Each switch is one field, in JSON
//! as in Rust, so that a test changes exactly one behaviour. Unknown names are refused, so that a
//! misspelt switch is not ignored.

use std::collections::BTreeMap;

pub use atsync_sandbox::webhooks::{HookCopies, HookOrder};
use serde::{Deserialize, Serialize};

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

/// What wins when contact data is given for a known e-mail address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KnownContact {
    /// Addresses, numbers and links are added; name, headline and location stay.
    #[default]
    Adds,
    /// Everything stays.
    Keeps,
    /// What is given replaces what was stored.
    Replaces,
}

/// The answer of stage, archive, tag and source changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeAnswer {
    /// Without the contact's data, as recorded.
    #[default]
    Blanked,
    /// As a read shows it.
    Whole,
}

/// What a note changes of its opportunity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoteMoves {
    /// Only `lastInteractionAt`.
    #[default]
    LastInteraction,
    /// `updatedAt`, too.
    UpdatedAt,
}

/// The members of a deleted record's row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeletedRow {
    /// `id` and `deletedAt`.
    #[default]
    Short,
    /// These, and the ids of contact and postings.
    WithReferences,
}

/// What a key without the switch gets when it asks for confidential records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WithoutSwitch {
    /// The others only.
    #[default]
    LeftOut,
    /// 403.
    Forbidden,
}

/// What the id of a contact answers after it was merged into another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MergedContact {
    /// 404.
    #[default]
    Gone,
    /// The other contact.
    Winner,
}

/// Every switch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Quirks {
    /// Whether most opportunities of the company have no `updatedAt`, as recorded. It is read when
    /// the company is made.
    pub null_updated_at: bool,
    /// Whether an opportunity without `updatedAt` passes a window of it.
    pub null_matches_windows: bool,
    /// The time for which lists do not show a write.
    pub visibility_delay_ms: i64,
    /// The same by collection, for those that differ: `{"opportunities": 90000}`.
    pub visibility_delays_ms: BTreeMap<String, i64>,
    /// What is stored of a `createdAt` that the client chose.
    pub client_time: ClientTime,
    /// What wins when contact data is given for a known e-mail address.
    pub known_contact: KnownContact,
    /// The answer of stage, archive, tag and source changes.
    pub change_answer: ChangeAnswer,
    /// What a note changes of its opportunity.
    pub note_moves: NoteMoves,
    /// Whether a change of a contact sets `updatedAt` of its opportunities.
    pub contact_touches_opportunities: bool,
    /// The members of a deleted record's row.
    pub deleted_row: DeletedRow,
    /// The age beyond which a deleted record is not listed; 0 means that all are.
    pub deleted_kept_ms: i64,
    /// What a key without the switch gets when it asks for confidential records.
    pub without_switch: WithoutSwitch,
    /// What the id of a contact answers after it was merged into another.
    pub merged_contact: MergedContact,
    /// Whether `GET /contacts` lists contacts.
    pub contacts_listed: bool,
    /// Whether a 429 says when to retry.
    pub retry_after: bool,
    /// Whether unknown query parameters are ignored. If not, they are refused, so that a misspelt
    /// filter is not taken for none.
    pub unknown_parameters_pass: bool,
    /// Whether records have a member that no reference names.
    pub unknown_field: bool,
    /// The switches of webhooks.
    pub webhooks: HookQuirks,
}

impl Default for Quirks {
    fn default() -> Self {
        Self {
            null_updated_at: true,
            null_matches_windows: false,
            visibility_delay_ms: 0,
            visibility_delays_ms: BTreeMap::new(),
            client_time: ClientTime::default(),
            known_contact: KnownContact::default(),
            change_answer: ChangeAnswer::default(),
            note_moves: NoteMoves::default(),
            contact_touches_opportunities: false,
            deleted_row: DeletedRow::default(),
            deleted_kept_ms: 0,
            without_switch: WithoutSwitch::default(),
            merged_contact: MergedContact::default(),
            contacts_listed: false,
            retry_after: false,
            unknown_parameters_pass: false,
            unknown_field: false,
            webhooks: HookQuirks::default(),
        }
    }
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
    /// Whether the endpoint of a webhook must be `https`, as in Lever. The sandbox's own server
    /// sends only to `http`.
    pub https_only: bool,
}
