//! Plans and applies a long desired file part by part.
//!
//! `plan` prints each part and keeps only counts. `apply` plans all parts first and writes nothing
//! if a record is blocked; then it declares the whole file, and plans and applies each part again:
//! one plan of all parts would not fit into bounded memory. A shared step (a tag) is shown once.
//! Conflicts between parts, such as two records for one new candidate, are found as in a file of
//! one part ([`atsync::Planner`]).
//!
//! Left out: the reads of planning each part again; the summary counts the writes and the calls
//! that go with them.

use super::render::{code, lines, show_troubles};
use crate::failure::Failure;
use crate::input::DesiredFile;
use crate::output::Output;
use crate::words::count;
use atsync::{ApplyReport, Connection, Manifest, Plan, PlanOf};
use std::collections::BTreeSet;

/// The counts of all parts.
#[derive(Debug, Default)]
pub(super) struct Tally {
    created: usize,
    changed: usize,
    calls: u64,
    /// Blocked records.
    pub(super) blocked: u64,
    /// Records that wait for a probe, a time or a user.
    waiting: u64,
    shared: BTreeSet<String>,
}

impl Tally {
    /// Removes the shared steps of earlier parts from a part's plan, and counts the others.
    fn take(&mut self, plan: &mut Plan, manifest: &Manifest) {
        plan.shared.retain(|step| self.shared.insert(step.path.clone()));
        plan.calls = plan.count_calls(manifest);
        let steps = plan.shared.iter().chain(plan.records.iter().flat_map(|record| &record.steps));
        let created = steps.filter(|step| step.creates()).count();
        self.created += created;
        self.changed += plan.writes() - created;
        self.calls += u64::from(plan.calls);
        self.blocked += plan.records.iter().filter(|record| record.is_blocked()).count() as u64;
        self.waiting += plan.records.iter().filter(|record| record.waits()).count() as u64;
    }

    /// Whether no step is left.
    pub(super) fn is_empty(&self) -> bool {
        self.created + self.changed == 0
    }

    /// Summarises the counts in one line.
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
            let lines = lines(&planned);
            // The last line is the summary of this part only.
            lines.iter().take(lines.len().saturating_sub(1)).for_each(|line| output.data(line));
        }
    }
    if !json {
        output.data(&tally.summary(connection.name()));
    }
    Ok(tally)
}

/// Declares a whole file, part by part. Every record was checked before.
///
/// # Errors
/// When the store fails; the message says how many records were declared.
pub(super) async fn declare(
    connection: &Connection,
    file: &mut DesiredFile,
) -> Result<u64, Failure> {
    let (all, mut declared, mut erased) = (file.records(), 0, 0);
    for part in file.parts()? {
        let part = part?;
        let report = connection.declare(&part).await.map_err(|error| {
            Failure::new(format!(
                "{error}; {declared} of {all} records were declared, and the same command \
                 continues from there"
            ))
        })?;
        declared += part.len();
        erased += report.erased;
    }
    Ok(erased)
}

/// Applies the declared records part by part, and prints the steps that failed with their part.
///
/// # Errors
/// When the connection fails; applied steps stay applied.
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
        let mut report = report?;
        if json {
            output.json(&serde_json::json!({ "plan": planned, "report": report }));
        } else {
            show_troubles(&report, output);
        }
        // Applied steps are only counted, so their texts are dropped.
        report.steps.iter_mut().for_each(|step| step.warnings.clear());
        whole.join(report);
    }
    Ok(whole)
}

/// The exit code of a plan in parts.
pub(super) fn exit_code(tally: &Tally) -> u8 {
    code(tally.blocked > 0, tally.is_empty() && tally.waiting == 0)
}
