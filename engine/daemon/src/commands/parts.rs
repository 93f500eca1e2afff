//! A desired file that is too long to be planned as a whole, part by part.
//!
//! Planning shows each part as it is planned and keeps only counts. Applying plans all parts first and
//! writes nothing when a record is blocked; then the whole file is declared, and each part is planned
//! once more and carried out: a plan of everything would not fit into bounded memory, so what was
//! shown is planned again at its turn. What is shared (a tag) is shown once.
//!
//! Left out: a check across parts before anything is declared. Two people with one address in different
//! parts are met when the second part is planned again, with the first one declared.

use super::{apply, plan};
use crate::failure::Failure;
use crate::input::{DesiredFile, Repeat};
use crate::output::Output;
use crate::words::count;
use atsync::plan::{Plan, words};
use atsync::reconcile::ApplyReport;
use atsync::{Connection, PlanOf};
use std::collections::BTreeSet;

/// What the plans of all parts come to.
#[derive(Debug, Default)]
pub(super) struct Tally {
    created: usize,
    changed: usize,
    calls: u64,
    /// Blocked records.
    pub(super) blocked: u64,
    /// Records that wait for a look, a time or a person.
    waiting: u64,
    shared: BTreeSet<String>,
}

impl Tally {
    /// Leaves out of a part's plan what an earlier part has, and counts the rest.
    fn take(&mut self, plan: &mut Plan, repeated: &BTreeSet<String>) {
        plan.shared.retain(|step| self.shared.insert(step.host.clone()));
        plan.records.retain(|record| !repeated.contains(&record.key));
        let steps = plan.shared.iter().chain(plan.records.iter().flat_map(|record| &record.steps));
        let (mut created, mut calls) = (0, 0);
        for step in steps {
            created += usize::from(step.target.is_none());
            calls += step.calls;
        }
        plan.calls = calls;
        self.created += created;
        self.changed += plan.writes() - created;
        self.calls += u64::from(calls);
        self.blocked += plan.records.iter().filter(|record| record.is_blocked()).count() as u64;
        self.waiting += plan.records.iter().filter(|record| record.waits()).count() as u64;
    }

    /// Whether there is nothing to send.
    pub(super) fn is_empty(&self) -> bool {
        self.created + self.changed == 0
    }

    /// One line: how much it is.
    pub(super) fn summary(&self, name: &str) -> String {
        let mut line = match self.is_empty() {
            true if self.waiting > 0 => format!("Nothing to send to {name} now."),
            true => format!("Nothing to do for {name}."),
            false => format!(
                "Plan for {name}: {} to create, {} to change, about {} calls.",
                self.created, self.changed, self.calls
            ),
        };
        if self.blocked > 0 {
            line.push_str(&format!(" {} blocked.", count(self.blocked, "record")));
        }
        if self.waiting > 0 {
            line.push_str(&format!(" {} not in step and cannot go on now.", count(self.waiting, "record")));
        }
        line
    }
}

/// Plans a file part by part; with `json` each part's plan is a line.
///
/// # Errors
/// When something could not be read.
pub(super) async fn plan(
    connection: &Connection,
    file: &mut DesiredFile,
    json: bool,
    output: &Output,
) -> Result<Tally, Failure> {
    let mut tally = Tally::default();
    for part in file.parts(Repeat::Definitions)? {
        let part = part?;
        let mut planned = connection.plan(PlanOf::Records(&part.records)).await?;
        let repeated = part.records.iter().take(part.repeated).map(atsync::model::desired::Desired::key).collect();
        tally.take(&mut planned, &repeated);
        output.end();
        if json {
            output.json(&planned);
        } else {
            let text = words::plan(&planned);
            // The last line is the summary of this part alone.
            let lines: Vec<&str> = text.lines().collect();
            lines.iter().take(lines.len().saturating_sub(1)).for_each(|line| output.data(&crate::output::plain(line)));
        }
    }
    if !json {
        output.data(&tally.summary(connection.name()));
    }
    Ok(tally)
}

/// Declares a whole file, part by part. Every record of it was checked before.
///
/// # Errors
/// When the store fails; the message says how much was declared.
pub(super) async fn declare(connection: &Connection, file: &mut DesiredFile) -> Result<u64, Failure> {
    let (all, mut declared, mut forgotten) = (file.records(), 0, 0);
    for part in file.parts(Repeat::Nothing)? {
        let part = part?;
        let report = connection.declare(&part.records).await.map_err(|error| {
            Failure::new(format!(
                "{error}; {declared} of {all} records were declared, and the same command goes on from there"
            ))
        })?;
        declared += part.records.len();
        forgotten += report.forgotten;
    }
    Ok(forgotten)
}

/// Carries out what was declared, part by part; the steps that need a word are told with their part.
///
/// # Errors
/// When the connection as a whole cannot go on; what was done stays done.
pub(super) async fn carry_out(
    connection: &Connection,
    file: &mut DesiredFile,
    json: bool,
    output: &Output,
) -> Result<ApplyReport, Failure> {
    let mut whole = ApplyReport::default();
    for part in file.parts(Repeat::Nothing)? {
        let planned = connection.plan(PlanOf::Records(&part?.records)).await?;
        output.begin("writing", planned.writes());
        let report = connection.apply(&planned).await;
        output.end();
        let report = report?;
        if json {
            output.json(&serde_json::json!({ "plan": planned, "report": report }));
        } else {
            apply::show(&report, output);
        }
        add(&mut whole, report);
    }
    Ok(whole)
}

/// Adds up two reports. Steps that came about are counted by their word alone, so their texts go.
fn add(whole: &mut ApplyReport, part: ApplyReport) {
    whole.steps.extend(part.steps.into_iter().map(|mut step| {
        step.warnings = Vec::new();
        step
    }));
    whole.in_step += part.in_step;
    whole.not_in_step += part.not_in_step;
    whole.held_back += part.held_back;
    whole.settled.found += part.settled.found;
    whole.settled.sent_again += part.settled.sent_again;
    whole.settled.refused += part.settled.refused;
    whole.settled.open = part.settled.open;
}

/// The exit code of a plan in parts.
pub(super) fn exit_code(tally: &Tally) -> u8 {
    plan::code(tally.blocked > 0, tally.is_empty() && tally.waiting == 0)
}
