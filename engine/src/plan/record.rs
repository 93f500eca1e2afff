//! Plans one record: picks the planner of its kind and finishes the draft. Pure.
//!
//! A finished plan has no steps that the adapter cannot do ([`super::ability`]), none that change
//! nothing ([`super::equal`]), and none at all where the record is blocked.

use super::story::Story;
use super::{
    Draft, Facts, Input, Need, Owned, RecordPlan, Step, candidate, definition, equal, renamed, user,
};
use atsync_model::desired::Desired;

/// Plans one record.
///
/// # Errors
/// The facts that are missing. Fetch them, add them, plan again; a record needs few rounds, since
/// references depend on each other at most three deep.
pub fn record(input: &Input<'_>, facts: &Facts) -> Result<(RecordPlan, Vec<Step>), Vec<Need>> {
    explained(input, facts).map(|(plan, shared, _)| (plan, shared))
}

/// Plans one record and returns the decision about each field.
///
/// # Errors
/// As for `plan::record`.
pub fn explained(input: &Input<'_>, facts: &Facts) -> Result<Explained, Vec<Need>> {
    match input.desired {
        Desired::Candidate(desired) => {
            let input = input.of(desired);
            let Some(renamed) = renamed::of(&input, facts)? else {
                return drawn_up(&input, facts, candidate::plan);
            };
            let moved = Input { links: &renamed.links, ..input };
            let mut drawn_up = drawn_up(&moved, facts, candidate::plan)?;
            renamed.join(&mut drawn_up.0);
            Ok(drawn_up)
        }
        Desired::CustomField(desired) => drawn_up(&input.of(desired), facts, definition::plan),
        Desired::User(desired) => drawn_up(&input.of(desired), facts, user::plan),
    }
}

/// A record's plan, the steps that serve others too, and the decisions.
pub(super) type Explained = (RecordPlan, Vec<Step>, Vec<Story>);

fn drawn_up<'a, D: Owned>(
    input: &'a Input<'a, D>,
    facts: &'a Facts,
    plan: impl FnOnce(&mut Draft<'a, D>),
) -> Result<Explained, Vec<Need>> {
    let mut draft = Draft::new(input, facts);
    plan(&mut draft);
    let members = std::sync::Arc::clone(&draft.members);
    draft.settle_accounts(&members);
    let stories = std::mem::take(&mut draft.stories);
    draft.finish().map(|(plan, shared)| (plan, shared, stories))
}

impl<D: Owned> Draft<'_, D> {
    /// Finishes the plan, or returns the facts that it lacks.
    pub(super) fn finish(mut self) -> Result<(RecordPlan, Vec<Step>), Vec<Need>> {
        if !self.needs.is_empty() {
            self.needs.sort();
            self.needs.dedup();
            return Err(self.needs);
        }
        self.apply_manifest();
        let links = self.input.links;
        let applied = |step: &Step| links.get(&step.path).map(|link| &link.applied);
        self.plan
            .steps
            .retain(|step| !applied(step).is_some_and(|applied| equal::is_same(applied, step)));
        if self.plan.is_blocked() {
            self.plan.steps.clear();
            self.plan.adoptions.clear();
            self.plan.releases.clear();
            self.plan.hires.clear();
            self.shared.clear();
        }
        Ok((self.plan, self.shared))
    }
}
