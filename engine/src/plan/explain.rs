//! Why a field is as it is: who wants what, what was written last, what is there, what comes of it.
//! Pure.
//!
//! The stories are taken down where the plan decides, so that what is explained is what is done.

use super::ownership::{Comparison, Decision, decide};
use super::{
    Draft, Facts, Input, Need, Owned, RecordPlan, Step, candidate, definition, renamed, user,
};
use atsync_model::desired::{Desired, Policy};
use serde::Serialize;
use serde_json::Value;

/// One field as the plan saw it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Story {
    /// The path that it belongs to.
    pub host: String,
    /// The field.
    pub field: String,
    /// What happens when somebody in the ATS changes it.
    pub policy: Policy,
    /// What the host wants.
    pub desired: Value,
    /// What the engine last wrote or found in step; null for nothing.
    pub applied: Value,
    /// What the ATS holds; null for nothing.
    pub observed: Value,
    /// What comes of it.
    pub decision: Decision,
}

/// Plans one record and tells the story of each field that was decided on.
///
/// # Errors
/// As for [`super::record`].
pub fn record(input: &Input<'_>, facts: &Facts) -> Result<Told, Vec<Need>> {
    match input.desired {
        Desired::Candidate(desired) => {
            let input = input.of(desired);
            let Some(renamed) = renamed::of(&input, facts)? else {
                return told(&input, facts, candidate::plan);
            };
            let moved = Input { links: &renamed.links, ..input };
            let mut told = told(&moved, facts, candidate::plan)?;
            renamed.join(&mut told.0);
            Ok(told)
        }
        Desired::CustomField(desired) => told(&input.of(desired), facts, definition::plan),
        Desired::User(desired) => told(&input.of(desired), facts, user::plan),
    }
}

/// A record's plan, the steps that serve others too, and each field's story.
pub type Told = (RecordPlan, Vec<Step>, Vec<Story>);

fn told<'a, D: Owned + Serialize>(
    input: &'a Input<'a, D>,
    facts: &'a Facts,
    plan: impl FnOnce(&mut Draft<'a, D>),
) -> Result<Told, Vec<Need>> {
    let mut draft = Draft::new(input, facts);
    plan(&mut draft);
    // A desired record was JSON before it was one, so this does not fail; one that did would have
    // no leaves.
    let record = serde_json::to_value(draft.input.desired).unwrap_or_default();
    draft.settle_accounts(&record);
    let stories = std::mem::take(&mut draft.stories);
    draft.finish().map(|(plan, shared)| (plan, shared, stories))
}

/// The three values of a field.
pub(super) struct Values<'v> {
    pub(super) desired: &'v Value,
    pub(super) applied: Option<&'v Value>,
    pub(super) observed: &'v Value,
}

impl<D: Owned> Draft<'_, D> {
    /// Decides on a field and takes down its story.
    pub(super) fn decide(
        &mut self,
        host: &str,
        field: &str,
        comparison: Comparison,
        values: &Values<'_>,
    ) -> Decision {
        let decision = match decide(self.policy(field), comparison) {
            Decision::InStep => Decision::InStep,
            _ if self.is_kept_so(host, field, values.observed, values.desired) => {
                self.kept_so.insert((host.to_owned(), field.to_owned()));
                Decision::InStep
            }
            Decision::Write if self.is_put_back(host, field, comparison, values) => {
                Decision::Erased
            }
            decision => decision,
        };
        self.tell(host, field, decision, values);
        decision
    }

    /// Takes down the story of a field that was decided on elsewhere.
    pub(super) fn tell(
        &mut self,
        host: &str,
        field: &str,
        decision: Decision,
        values: &Values<'_>,
    ) {
        self.account(host, field);
        self.stories.push(Story {
            host: host.to_owned(),
            field: field.to_owned(),
            policy: self.policy(field),
            desired: values.desired.clone(),
            applied: values.applied.cloned().unwrap_or_default(),
            observed: values.observed.clone(),
            decision,
        });
    }
}
