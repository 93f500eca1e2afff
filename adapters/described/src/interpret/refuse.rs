//! Refusals by the adapter itself, of writes and of probes alike.
//!
//! A condition that reads nothing that the reads before keep is decided before any request leaves;
//! the others are decided once, after these reads. What a task remembers between two requests is
//! therefore only what the late conditions read.

use super::write::StepPlan;
use super::{Context, lacking, mistake};
use crate::description::Refusal;
use crate::expression::{Compiled, Scope};
use atsync_adapter::contract::Failure;

/// When a condition can be decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum When {
    /// By the input alone: before any request.
    Early,
    /// By what the reads before keep: after them.
    Late,
}

/// Refusals whose conditions are compiled.
#[derive(Debug)]
pub(crate) struct Refusals<'e>(Vec<(When, Compiled<'e>, &'e Refusal)>);

impl<'e> Refusals<'e> {
    /// Compiles refusals; `before` are the reads whose names a late one reads.
    pub(crate) fn of(
        rules: &'e [Refusal],
        before: &[StepPlan<'_>],
        context: &'e Context<'_>,
    ) -> Result<Self, Failure> {
        let is_kept = |name: &String| before.iter().any(|step| step.name() == name);
        let compiled = |rule: &'e Refusal| {
            let condition = context.engine.compile(rule.when.text()).map_err(mistake)?;
            let is_late = condition.reads().iter().any(|read| read.first().is_some_and(is_kept));
            Ok((if is_late { When::Late } else { When::Early }, condition, rule))
        };
        rules.iter().map(compiled).collect::<Result<_, _>>().map(Self)
    }

    /// The first of those decided at this time whose condition holds.
    pub(crate) fn first(
        &self,
        now: When,
        scope: Scope<'_, '_>,
    ) -> Result<Option<&'e Refusal>, Failure> {
        for (when, condition, rule) in &self.0 {
            if *when == now && condition.is_true(scope).map_err(lacking)? {
                return Ok(Some(rule));
            }
        }
        Ok(None)
    }

    /// Visits the conditions that are decided late.
    pub(crate) fn each_late<'p>(&'p self, visit: &mut dyn FnMut(&'p Compiled<'e>)) {
        let late = self.0.iter().filter(|(when, ..)| *when == When::Late);
        late.for_each(|(_, condition, _)| visit(condition));
    }
}
