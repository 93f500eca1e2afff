//! Plans the records of an applied plan once more, and writes their conditions.
//!
//! A record that has no steps left gets its conditions from that plan. For every other record the
//! condition is the first step that failed, with the step that it depends on.

use super::Conditions;
use super::forms::WrittenStep;
use crate::error::Error;
use crate::journal::Intent;
use crate::path;
use crate::plan::{Finding, Plan, RecordPlan, words};
use crate::reason::{ConditionType, Reason};
use crate::reconcile::gather::Gathered;
use crate::reconcile::planning::{PlanOf, exhausted, is_withheld};
use crate::reconcile::reports::{ApplyReport, StepEnd, StepReport};
use crate::store::limits::PAGE_RECORDS_MAX;
use crate::store::{Condition, DesiredRow, DesiredStatus, StatusUpdate};
use std::collections::BTreeMap;

/// Steps that are followed back from a skipped one to the one that failed.
const WAITS_MAX: usize = 8;

impl Conditions {
    /// Plans the records of the plan once more on what is known now and writes their conditions.
    pub(crate) async fn conclude(
        &self,
        plan: &Plan,
        written: &[WrittenStep],
        report: &mut ApplyReport,
    ) -> Result<(), Error> {
        // The plan below knows less of these than the applied one, because it reads nothing from
        // the ATS.
        let denied: BTreeMap<&str, &Finding> = plan
            .records
            .iter()
            .filter_map(|record| Some((record.key.as_str(), record.denied()?)))
            .collect();
        let known =
            plan.records.iter().filter(|record| record.note(Reason::CandidateErased).is_none());
        let keys: Vec<String> = known.map(|record| record.key.clone()).collect();
        for some in keys.chunks(PAGE_RECORDS_MAX) {
            self.context.store.mark_dirty(some.to_vec()).await?;
        }
        self.accept_as_equal(plan, &mut report.steps).await?;
        let mut gathered = Gathered::resting(self.context.manifest());
        self.add_fresh(plan, written, &mut gathered);
        let again = self.planner.plan_with(&mut gathered, PlanOf::Keys(&keys)).await?;
        self.keep_forms(&again, &mut report.steps).await?;
        // A write in doubt that was settled in this run is certain by now: the plan below shows its
        // outcome.
        let in_doubt = self.context.store.open_intents().await?;
        let failures = first_failures(&report.steps, &in_doubt);
        let open: BTreeMap<&str, &RecordPlan> =
            again.records.iter().map(|record| (record.key.as_str(), record)).collect();
        let mut statuses = Vec::new();
        for key in &keys {
            let left = open
                .get(key.as_str())
                .filter(|record| !record.steps.is_empty() || record.is_blocked());
            let failure = failures.get(key.as_str());
            let denied = denied.get(key.as_str());
            if left.is_none() && failure.is_none() && denied.is_none() {
                let differs = open.get(key.as_str()).is_some_and(|record| is_withheld(record));
                let waits = open.get(key.as_str()).is_some_and(|record| record.waits());
                *(match (waits, differs) {
                    (true, _) => &mut report.not_in_step,
                    (false, true) => &mut report.held_back,
                    (false, false) => &mut report.in_step,
                }) += 1;
                continue;
            }
            report.not_in_step += 1;
            let Some(row) = self.context.store.desired(key).await? else { continue };
            let exhausted = open.get(key.as_str()).and_then(|record| exhausted(record));
            let (kind, reason, message) = match (failure, denied) {
                _ if let Some(exhausted) = exhausted => {
                    (ConditionType::Blocked, exhausted.reason, exhausted.message.clone())
                }
                (Some(failure), _) => condition_of(failure, &report.steps),
                (None, Some(denied)) => {
                    (ConditionType::Blocked, denied.reason, denied.message.clone())
                }
                (None, None) => continue,
            };
            let since_ms = self.context.clock.now_ms();
            statuses.push(not_in_step(&row, (kind, reason, message), since_ms));
        }
        for some in statuses.chunks(PAGE_RECORDS_MAX) {
            self.context.store.put_status(some.to_vec()).await?;
        }
        Ok(())
    }
}

/// The first failed step of each record, by key. A step in doubt counts while its intent is open.
fn first_failures<'s>(
    steps: &'s [StepReport],
    in_doubt: &[Intent],
) -> BTreeMap<String, &'s StepReport> {
    let is_settled = |step: &StepReport| {
        step.end == StepEnd::InDoubt && !in_doubt.iter().any(|intent| intent.path == step.path)
    };
    let mut failures = BTreeMap::new();
    for step in steps.iter().filter(|step| !step.end.is_done() && !is_settled(step)) {
        failures.entry(path::key(&step.path).to_owned()).or_insert(step);
    }
    failures
}

/// The status of a record that is not in step for this reason.
fn not_in_step(
    row: &DesiredRow,
    (kind, reason, message): (ConditionType, Reason, String),
    since_ms: u64,
) -> StatusUpdate {
    let condition = |kind: ConditionType, status: bool| Condition {
        kind,
        status,
        reason,
        message: message.clone(),
        since_ms,
    };
    let conditions = vec![condition(ConditionType::Synced, false), condition(kind, true)];
    StatusUpdate {
        key: row.key.clone(),
        generation: row.generation,
        status: DesiredStatus { observed_generation: row.generation, conditions },
        dirty: true,
        dirt: row.dirt,
    }
}

/// The condition of a failed step: type, reason, message. A step that depends on another one names
/// how that one failed.
fn condition_of(step: &StepReport, steps: &[StepReport]) -> (ConditionType, Reason, String) {
    match &step.end {
        StepEnd::Skipped { waits_for } => {
            let mut message = format!("{} depends on {}", step.operation, words::path(waits_for));
            let mut on = waits_for.as_str();
            for _ in 0..WAITS_MAX {
                let Some(first) = steps.iter().find(|step| step.path == on && !step.end.is_done())
                else {
                    break;
                };
                let StepEnd::Skipped { waits_for } = &first.end else {
                    let (_, _, why) = condition_of(first, &[]);
                    message.push_str(&format!(", which did not come about: {why}"));
                    break;
                };
                on = waits_for;
            }
            (ConditionType::Blocked, Reason::Waits, message)
        }
        StepEnd::Refused { reason } => {
            (ConditionType::Blocked, Reason::Refused, format!("{}: {reason}", step.operation))
        }
        StepEnd::NotSent { reason } => {
            (ConditionType::Blocked, Reason::NotSent, format!("{}: {reason}", step.operation))
        }
        _ => {
            let why =
                step.warnings.last().map_or("nobody knows yet whether it happened", String::as_str);
            (ConditionType::InDoubt, Reason::InDoubt, format!("{}: {why}", step.operation))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::condition_of;
    use crate::reason::Reason;
    use crate::reconcile::reports::{StepEnd, StepReport};

    #[test]
    fn a_step_that_depends_on_a_failed_one_says_why_that_one_failed() {
        let step = |path: &str, operation: &str, end: StepEnd| StepReport {
            path: path.to_owned(),
            operation: operation.to_owned(),
            end,
            warnings: Vec::new(),
        };
        let waits = |on: &str| StepEnd::Skipped { waits_for: on.to_owned() };
        let steps = [
            step(
                "~tags/nt",
                "tags.create",
                StepEnd::Refused { reason: "not permitted: 403".to_owned() },
            ),
            step("ref-1/a", "applied_tags.create", waits("~tags/nt")),
            step("ref-1/b", "notes.create", waits("ref-1/a")),
        ];
        let (_, reason, message) = condition_of(&steps[2], &steps);
        assert_eq!(reason, Reason::Waits);
        assert!(
            message.contains("tags.create: not permitted: 403") && !message.contains('~'),
            "{message}"
        );
        assert!(condition_of(&steps[1], &steps).2.contains("the tag \"nt\""));
        // Steps that wait for each other end.
        let ring = [step("a", "x", waits("b")), step("b", "y", waits("a"))];
        assert!(condition_of(&ring[0], &ring).2.contains("depends on"));
    }
}
