//! A plan that is shown before it is applied.
//!
//! Only what is shown can be applied, so a long plan is cut to its first records, with the shared
//! steps that these need. Before it is applied, the same records are planned again: when a write
//! differs, nothing is sent, and the user reads the new plan first. The engine's own precautions
//! come on top: it compares generations, and probes before a create.
//!
//! Bounds: [`RECORDS_MAX`]. Left out: a record that waits and for which nothing is written is cut
//! like the others.

use super::show::{Mood, at_record, badge, nothing};
use super::value::shown;
use crate::words::{commands_of, count};
use atsync::{Connection, FindingKind, Manifest, Plan, PlanOf, RecordPlan, Step};
use maud::{Markup, html};
use std::collections::BTreeSet;

/// Records of a plan that are shown, and applied.
const RECORDS_MAX: usize = 100;

/// A plan, and how many records of it are left out.
#[derive(Debug, Default)]
pub(super) struct Planned {
    pub(super) plan: Plan,
    left_out: usize,
}

impl Planned {
    /// Cuts a plan to what is shown.
    pub(super) fn of(mut plan: Plan, manifest: &Manifest) -> Self {
        let left_out = plan.records.len().saturating_sub(RECORDS_MAX);
        if left_out > 0 {
            plan.records.truncate(RECORDS_MAX);
            let needed = needed(&plan);
            plan.shared.retain(|step| needed.contains(&step.path));
            plan.calls = plan.count_calls(manifest);
        }
        Self { plan, left_out }
    }

    /// Plans the same records again, and returns those of which a write differs by now.
    pub(super) async fn moved(
        &self,
        connection: &Connection,
    ) -> Result<Vec<String>, atsync::Error> {
        let keys: Vec<String> = self.plan.records.iter().map(|record| record.key.clone()).collect();
        let again = connection.plan(PlanOf::Keys(&keys)).await?;
        Ok(moved(&self.plan, &again))
    }
}

/// The paths of the shared steps that records need, directly or through another.
fn needed(plan: &Plan) -> BTreeSet<String> {
    let own = plan.records.iter().flat_map(|record| &record.steps).flat_map(|step| &step.after);
    let mut needed: BTreeSet<String> = own.cloned().collect();
    // A shared step comes after those that it depends on.
    for step in plan.shared.iter().rev() {
        if needed.contains(&step.path) {
            needed.extend(step.after.iter().cloned());
        }
    }
    needed
}

/// The records, and the paths of shared steps, of which the two plans write something else.
fn moved(shown: &Plan, again: &Plan) -> Vec<String> {
    let same = |one: &RecordPlan, other: &RecordPlan| {
        one.generation == other.generation
            && one.steps == other.steps
            && one.adoptions == other.adoptions
            && one.releases == other.releases
    };
    let is_idle = |record: &RecordPlan| {
        record.steps.is_empty() && record.adoptions.is_empty() && record.releases.is_empty()
    };
    let of = |key: &str| again.records.iter().find(|record| record.key == key);
    let mut moved: Vec<String> = shown
        .records
        .iter()
        .filter(|record| of(&record.key).map_or(!is_idle(record), |now| !same(record, now)))
        .map(|record| record.key.clone())
        .collect();
    let (before, now) = (&shown.shared, &again.shared);
    let differs = |step: &&Step, others: &[Step]| !others.contains(step);
    let gone = before.iter().filter(|step| differs(step, now));
    let new = now.iter().filter(|step| differs(step, before));
    let paths: BTreeSet<String> = gone.chain(new).map(|step| step.path.clone()).collect();
    moved.extend(paths);
    moved
}

/// The plan as a page shows it.
pub(super) fn view(planned: &Planned) -> Markup {
    let plan = &planned.plan;
    let steps = plan.shared.iter().chain(plan.records.iter().flat_map(|record| &record.steps));
    let created = steps.filter(|step| step.creates()).count();
    let blocked = plan.records.iter().filter(|record| record.is_blocked()).count();
    let waiting =
        plan.records.iter().filter(|record| !record.is_blocked() && record.waits()).count();
    html! {
        section aria-labelledby="cost" {
            h2 #cost { "What it costs" }
            dl.figures {
                div { dt { "To create" } dd { (created) } }
                div { dt { "To change" } dd { (plan.writes().saturating_sub(created)) } }
                div { dt { "Requests to the ATS" } dd { "about " (plan.calls) } }
                @if blocked > 0 { div { dt { "Blocked records" } dd { (blocked) } } }
                @if waiting > 0 { div { dt { "Waiting records" } dd { (waiting) } } }
            }
            p.muted { (count(plan.calls_made, "request")) " made to plan it." }
            @if planned.left_out > 0 {
                p.note {
                    "These are the first " (plan.records.len()) " records of the plan. "
                    (count(planned.left_out as u64, "further record"))
                    " can be planned when these are applied."
                }
            }
        }
        section aria-labelledby="steps" {
            h2 #steps { "What it does" }
            @if plan.shared.is_empty() && plan.records.is_empty() {
                (nothing("Nothing: no record of this plan needs a write."))
            }
            @if !plan.shared.is_empty() {
                div.record {
                    h3 { "For several records" }
                    @for one in &plan.shared { (step(one)) }
                }
            }
            @for one in &plan.records { (record(&plan.connection, one)) }
        }
    }
}

fn record(connection: &str, record: &RecordPlan) -> Markup {
    let adopted = record.adoptions.iter().filter_map(|one| Some((one, one.reason.as_ref()?)));
    html! {
        div.record {
            h3 { a href=(at_record(connection, &record.key)) { (record.key) } }
            @for (adoption, reason) in adopted {
                p.step {
                    (badge(Mood::Neutral, "link")) " " code { (adoption.path) } " is "
                    code { (adoption.remote) } ": " (reason)
                }
            }
            @for one in &record.steps { (step(one)) }
            @for finding in &record.findings {
                @let (mood, word) = match finding.kind {
                    FindingKind::Blocked => (Mood::Bad, "blocked"),
                    FindingKind::Conflict => (Mood::Warning, "conflict"),
                    FindingKind::Drifted => (Mood::Warning, "drifted"),
                    _ => (Mood::Neutral, "note"),
                };
                p.step {
                    (badge(mood, word)) " "
                    (commands_of(&finding.message, connection, Some(&record.key)))
                }
            }
        }
    }
}

fn step(step: &Step) -> Markup {
    let is_deletion = step.operation.ends_with(".delete") || step.operation.ends_with(".destroy");
    let (mood, word) = match (step.creates(), is_deletion) {
        (_, true) => (Mood::Bad, "delete"),
        (true, false) => (Mood::Good, "create"),
        (false, false) => (Mood::Neutral, "change"),
    };
    html! {
        div.step {
            p {
                (badge(mood, word)) " " code { (step.operation) }
                @if let Some(target) = &step.target { " " code { (target) } }
                span.muted { " " (count(step.calls, "request")) }
            }
            p { (step.reason) }
            @if !step.fields.is_empty() {
                table.stack {
                    caption.hidden { "Fields of " (step.operation) " for " (step.path) }
                    thead {
                        tr {
                            th scope="col" { "Field" }
                            th scope="col" { "Now" }
                            th scope="col" { "After" }
                        }
                    }
                    tbody {
                        @for field in &step.fields {
                            tr {
                                th scope="row" data-label="Field" { (field.field) }
                                td data-label="Now" { (shown(&field.before)) }
                                td data-label="After" { (shown(&field.after)) }
                            }
                        }
                    }
                }
            }
            @for effect in &step.side_effects {
                p.note { strong { "Side effect: " } (effect) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Planned, RECORDS_MAX, moved};
    use atsync::{Plan, RecordPlan, Step};

    fn record(key: &str, operation: &str) -> RecordPlan {
        let mut record = RecordPlan::default();
        record.key = key.to_owned();
        record.steps = vec![Step::new(key, operation)];
        record
    }

    fn plan(records: Vec<RecordPlan>) -> Plan {
        let mut plan = Plan::default();
        plan.records = records;
        plan
    }

    #[test]
    fn a_plan_moved_where_a_write_differs_and_not_where_another_record_joined() {
        let shown = plan(vec![record("a", "candidates.create"), record("b", "candidates.update")]);
        assert!(moved(&shown, &shown).is_empty());
        let mut again = shown.clone();
        again.records.push(record("c", "candidates.create"));
        again.calls_made = 7;
        assert!(moved(&shown, &again).is_empty());
        again.records.remove(1);
        assert_eq!(moved(&shown, &again), ["b"]);
        again.records[0].generation = 2;
        assert_eq!(moved(&shown, &again), ["a", "b"]);
        let mut shared = shown.clone();
        shared.shared = vec![Step::new("#tag", "tags.create")];
        assert_eq!(moved(&shown, &shared), ["#tag"]);
    }

    #[test]
    fn a_long_plan_is_cut_with_the_shared_steps_that_only_the_rest_needs() {
        let mut records: Vec<RecordPlan> = (0..=RECORDS_MAX)
            .map(|number| record(&format!("r{number:03}"), "candidates.create"))
            .collect();
        records[0].steps[0].after = vec!["#one".to_owned()];
        records[RECORDS_MAX].steps[0].after = vec!["#two".to_owned()];
        let mut whole = plan(records);
        let (mut one, base) = (Step::new("#one", "x.create"), Step::new("#base", "x.create"));
        one.after = vec!["#base".to_owned()];
        whole.shared = vec![base, one, Step::new("#two", "x.create")];
        let cut = Planned::of(whole, &atsync::Manifest::new("t", "1"));
        let shared: Vec<&str> = cut.plan.shared.iter().map(|step| step.path.as_str()).collect();
        assert_eq!((shared, cut.left_out), (vec!["#base", "#one"], 1));
        assert_eq!(cut.plan.records.len(), RECORDS_MAX);
    }
}
