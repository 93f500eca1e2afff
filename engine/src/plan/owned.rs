//! The members of a desired record that planning needs, whatever its kind. Pure.

use super::defaults;
use atsync_model::declarable::{self, Mode};
use atsync_model::desired::{DesiredCandidate, DesiredCustomField, DesiredUser, Policy};
use serde::Serialize;
use std::collections::BTreeMap;

/// A desired record whose fields the host owns.
pub(super) trait Owned: Serialize {
    /// Its kind.
    const KIND: &'static str;

    /// Returns the key that identifies it.
    fn key(&self) -> String;

    /// Returns the policies that it sets.
    fn policies(&self) -> Option<&BTreeMap<String, Policy>>;

    /// Returns the policy of a field: the record's own, else the default.
    fn decided_policy(&self, field: &str) -> Policy {
        let whole = field.split_once('.').map(|(whole, _)| whole);
        // The reason is a part of the outcome.
        let whole = whole.or_else(|| (field == "reject_reason").then_some("outcome"));
        let set = self.policies().and_then(|set| {
            set.get(field).or_else(|| whole.and_then(|whole| set.get(whole))).copied()
        });
        set.unwrap_or_else(|| defaults::of(Self::KIND, field))
    }

    /// Whether a field holds personal data, which may have been erased in the ATS.
    fn is_personal(field: &str) -> bool {
        declarable::of(Self::KIND).is_some_and(|of| {
            let is_decided =
                of.fields.iter().any(|one| one.mode == Mode::Decided && one.member == field);
            of.personal && !is_decided
        })
    }
}

impl Owned for DesiredCandidate {
    const KIND: &'static str = Self::KIND;

    fn key(&self) -> String {
        self.key.clone()
    }

    fn policies(&self) -> Option<&BTreeMap<String, Policy>> {
        Some(&self.policy)
    }
}

impl Owned for DesiredCustomField {
    const KIND: &'static str = Self::KIND;

    fn key(&self) -> String {
        self.path()
    }

    fn policies(&self) -> Option<&BTreeMap<String, Policy>> {
        Some(&self.policy)
    }
}

impl Owned for DesiredUser {
    const KIND: &'static str = Self::KIND;

    fn key(&self) -> String {
        self.path()
    }

    fn policies(&self) -> Option<&BTreeMap<String, Policy>> {
        None
    }
}
