//! What a plan has to know of a desired record whatever it is. Pure.

use super::defaults;
use atsync_model::desired::{DesiredCandidate, DesiredCustomField, DesiredUser, Policy};

/// What a plan has to know of a desired record whatever it is.
pub(super) trait Owned {
    /// What it is known by.
    fn key(&self) -> String;
    /// The policy that it sets for a field.
    fn policy(&self, field: &str) -> Option<Policy>;
    /// Whether a field holds data of a person, which somebody may have had erased.
    fn is_personal(field: &str) -> bool;
    /// Whose rows of [`defaults::DEFAULTS`] hold where it sets none.
    fn defaults() -> &'static [defaults::Of];
    /// The policy of a field: the record's own word, else the default of the table.
    fn decided_policy(&self, field: &str) -> Policy {
        self.policy(field).unwrap_or_else(|| defaults::of(Self::defaults(), field))
    }
}

impl Owned for DesiredCandidate {
    fn key(&self) -> String {
        self.key.clone()
    }

    fn policy(&self, field: &str) -> Option<Policy> {
        let whole = field.split_once('.').map(|(whole, _)| whole);
        // The reason is a part of the outcome.
        let whole = whole.or_else(|| (field == "reject_reason").then_some("outcome"));
        self.policy.get(field).or_else(|| whole.and_then(|whole| self.policy.get(whole))).copied()
    }

    fn is_personal(field: &str) -> bool {
        field != "private"
    }

    fn defaults() -> &'static [defaults::Of] {
        &[defaults::Of::Candidate, defaults::Of::Application]
    }
}

impl Owned for DesiredCustomField {
    fn key(&self) -> String {
        self.path()
    }

    fn policy(&self, field: &str) -> Option<Policy> {
        self.policy.get(field).copied()
    }

    fn is_personal(_: &str) -> bool {
        false
    }

    fn defaults() -> &'static [defaults::Of] {
        &[defaults::Of::CustomField]
    }
}

impl Owned for DesiredUser {
    fn key(&self) -> String {
        self.path()
    }

    fn policy(&self, _: &str) -> Option<Policy> {
        None
    }

    fn is_personal(_: &str) -> bool {
        false
    }

    fn defaults() -> &'static [defaults::Of] {
        &[]
    }
}
