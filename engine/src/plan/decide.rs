//! Decides about a field and records the decision for `explain`. Pure.
//!
//! Every decision passes here, so an explanation shows the decision that the plan made. The
//! comparison and the policy decide ([`super::ownership`]), unless the ATS shows its own form of
//! the value ([`super::forms`]) or the write would restore an erased value ([`super::erasure`]).

use super::ownership::{Comparison, Decision, decide};
use super::story::{Story, Values};
use super::{Draft, Owned};

impl<D: Owned> Draft<'_, D> {
    /// Decides about a field, and records the decision.
    pub(super) fn decide(
        &mut self,
        path: &str,
        field: &str,
        comparison: Comparison,
        values: &Values<'_>,
    ) -> Decision {
        let decision = match decide(self.policy(field), comparison) {
            Decision::InStep => Decision::InStep,
            _ if self.is_known_form(path, field, values.observed, values.desired) => {
                self.in_ats_form.insert((path.to_owned(), field.to_owned()));
                Decision::InStep
            }
            Decision::Write if self.restores_erased(path, field, comparison, values) => {
                Decision::Erased
            }
            decision => decision,
        };
        self.record_decision(path, field, decision, values);
        decision
    }

    /// Records a decision that was made elsewhere.
    pub(super) fn record_decision(
        &mut self,
        path: &str,
        field: &str,
        decision: Decision,
        values: &Values<'_>,
    ) {
        self.account(path, field);
        self.stories.push(Story {
            path: path.to_owned(),
            field: field.to_owned(),
            policy: self.policy(field),
            desired: values.desired.clone(),
            applied: values.applied.cloned().unwrap_or_default(),
            observed: values.observed.clone(),
            decision,
        });
    }
}
