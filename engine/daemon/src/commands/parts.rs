//! A desired file that is too long to be planned as a whole, part by part.
//!
//! Planning shows each part as it is planned and keeps only counts. Applying plans all parts first
//! and writes nothing when a record is blocked; then the whole file is declared, and each part is
//! planned once more and carried out: a plan of everything would not fit into bounded memory, so
//! what was shown is planned again at its turn. What is shared (a tag) is shown once. What spans
//! parts, such as two records for one new candidate, is met by the plan as in a file of one part
//! ([`atsync::Planner`]).
//!
//! Left out: the reads that planning each part once more takes; the summary counts the writes and
//! what goes with them.

use super::render::{code, show_troubles};
use crate::failure::Failure;
use crate::input::DesiredFile;
use crate::output::Output;
use crate::words::count;
use atsync::model::Manifest;
use atsync::plan::{Plan, cost, words};
use atsync::reconcile::{ApplyReport, StepReport};
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
    /// Leaves out of a part's plan the shared steps that an earlier part has, and counts the rest.
    fn take(&mut self, plan: &mut Plan, manifest: &Manifest) {
        plan.shared.retain(|step| self.shared.insert(step.host.clone()));
        plan.calls = cost::of(plan, manifest);
        let steps = plan.shared.iter().chain(plan.records.iter().flat_map(|record| &record.steps));
        let created = steps.filter(|step| step.creates()).count();
        self.created += created;
        self.changed += plan.writes() - created;
        self.calls += u64::from(plan.calls);
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
            line.push_str(&format!(
                " {} not in step and cannot go on now.",
                count(self.waiting, "record")
            ));
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
    let mut planner = connection.planner();
    for part in file.parts()? {
        let mut planned = planner.plan(&part?).await?;
        tally.take(&mut planned, connection.manifest());
        output.end();
        if json {
            output.json(&planned);
        } else {
            let text = words::plan(&planned);
            // The last line is the summary of this part alone.
            let lines: Vec<&str> = text.lines().collect();
            lines.iter().take(lines.len().saturating_sub(1)).for_each(|line| output.data(line));
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
pub(super) async fn declare(
    connection: &Connection,
    file: &mut DesiredFile,
) -> Result<u64, Failure> {
    let (all, mut declared, mut forgotten) = (file.records(), 0, 0);
    for part in file.parts()? {
        let part = part?;
        let report = connection.declare(&part).await.map_err(|error| {
            Failure::new(format!(
                "{error}; {declared} of {all} records were declared, and the same command goes on \
                 from there"
            ))
        })?;
        declared += part.len();
        forgotten += report.forgotten;
    }
    Ok(forgotten)
}

/// Carries out what was declared, part by part; the steps that need a word are told with their
/// part.
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
    for part in file.parts()? {
        let planned = connection.plan(PlanOf::Records(&part?)).await?;
        output.begin("writing", planned.writes());
        let report = connection.apply(&planned).await;
        output.end();
        let report = report?;
        if json {
            output.json(&serde_json::json!({ "plan": planned, "report": report }));
        } else {
            show_troubles(&report, output);
        }
        // Steps that came about are counted by their word alone, so their texts go.
        let steps = report
            .steps
            .into_iter()
            .map(|step| StepReport { warnings: Vec::new(), ..step })
            .collect();
        whole.join(ApplyReport { steps, ..report });
    }
    Ok(whole)
}

/// The exit code of a plan in parts.
pub(super) fn exit_code(tally: &Tally) -> u8 {
    code(tally.blocked > 0, tally.is_empty() && tally.waiting == 0)
}
