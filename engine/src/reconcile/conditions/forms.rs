//! Forms: what an apply learns of how the ATS stores values. An adapter may have nothing to send
//! for a difference, and a written value may be read back in another form.
//!
//! Left out: what counts as a form ([`crate::plan::forms`]).

use super::Conditions;
use crate::error::Error;
use crate::plan::words::shown;
use crate::plan::{FieldChange, Plan, equal};
use crate::reconcile::gather::Gathered;
use crate::reconcile::reports::{StepEnd, StepReport};
use crate::reconcile::rows::record;
use std::collections::BTreeSet;

/// How long after a write its read-back counts as the form that the ATS stores, and not as a user's
/// change. Arbitrary: a record is read back at the end of its run.
const FRESH_MAX_MS: u64 = 300_000;

/// A step that was sent and done.
#[derive(Debug)]
pub(crate) struct WrittenStep {
    pub(crate) path: String,
    pub(crate) operation: String,
    /// When it was done.
    pub(crate) at_ms: u64,
}

impl Conditions {
    /// Adds the fields that were written a moment ago and read back since.
    pub(super) fn add_fresh(&self, plan: &Plan, written: &[WrittenStep], gathered: &mut Gathered) {
        let now_ms = self.context.clock.now_ms();
        let fresh: BTreeSet<(&str, &str)> = written
            .iter()
            .filter(|one| now_ms.saturating_sub(one.at_ms) <= FRESH_MAX_MS)
            .map(|one| (one.path.as_str(), one.operation.as_str()))
            .collect();
        for step in plan.records.iter().flat_map(|record| &record.steps) {
            if !fresh.contains(&(step.path.as_str(), step.operation.as_str())) {
                continue;
            }
            for change in &step.fields {
                match change.field.strip_prefix("application.") {
                    None => gathered.facts.add_fresh(&step.path, &change.field),
                    Some(field) => {
                        step.makes.values().for_each(|path| gathered.facts.add_fresh(path, field))
                    }
                }
            }
        }
    }

    /// Records the forms that the last plan of a run recognised, and adds them to the steps'
    /// warnings.
    pub(super) async fn keep_forms(
        &self,
        plan: &Plan,
        steps: &mut [StepReport],
    ) -> Result<(), Error> {
        for form in plan.records.iter().flat_map(|record| &record.forms) {
            if let Some(step) = steps.iter_mut().find(|step| step.path == form.path) {
                step.warnings.push(form.message.clone());
            }
            if let Some(mut link) = self.context.store.link(&form.path).await? {
                form.record(&mut link.applied);
                self.context.store.put_links(vec![link]).await?;
            }
        }
        Ok(())
    }

    /// Ends the loop of a difference for which the adapter has nothing to send: the observed value
    /// is recorded as equal to the desired one, with one warning.
    pub(super) async fn accept_as_equal(
        &self,
        plan: &Plan,
        steps: &mut [StepReport],
    ) -> Result<(), Error> {
        let mut links = Vec::new();
        for step in steps.iter_mut().filter(|step| step.end == StepEnd::Unneeded) {
            let mut all = plan.records.iter().flat_map(|record| &record.steps);
            let planned = all
                .find(|planned| planned.path == step.path && planned.operation == step.operation);
            let Some((planned, target)) =
                planned.and_then(|planned| Some((planned, planned.target.as_ref()?)))
            else {
                continue;
            };
            let Some(row) = self.context.store.observed(target).await?.filter(|row| !row.gone)
            else {
                continue;
            };
            let shows = record(&row);
            let same: Vec<&FieldChange> =
                planned.fields.iter().filter(|change| equal::remains(&shows, change)).collect();
            let Some(mut link) = self.context.store.link(&planned.path).await? else {
                continue;
            };
            if same.is_empty() || link.remote != *target {
                continue;
            }
            equal::record(&mut link.applied, same.iter().copied());
            step.warnings.extend(same.iter().map(|change| {
                format!(
                    "{}: the ATS shows {} as `{}` where {} is desired, and the adapter has nothing \
                     to send for that; it is taken for the same",
                    planned.path,
                    shown(&change.before),
                    change.field,
                    shown(&change.after)
                )
            }));
            links.push(link);
        }
        if !links.is_empty() {
            self.context.store.put_links(links).await?;
        }
        Ok(())
    }
}
