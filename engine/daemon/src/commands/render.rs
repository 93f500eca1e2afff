//! What several commands say of plans and reports.

use crate::failure::{DONE, TO_DO};
use crate::output::Output;
use atsync::Connection;
use atsync::plan::{Plan, words};
use atsync::reconcile::{ApplyReport, StepEnd, StepReport};

/// Requests that a connection has sent so far, those for tokens included.
pub(super) fn calls(connection: &Connection) -> u64 {
    connection.usage().requests.values().sum()
}

/// The plan in words, and what keeps it from being carried out.
pub(super) fn show_plan(plan: &Plan, output: &Output) {
    for line in words::plan(plan).lines() {
        output.data(line);
    }
}

/// The exit code for a plan in which a record is blocked, or in which there is nothing to do and
/// nothing waits.
pub(super) fn code(is_blocked: bool, is_done: bool) -> u8 {
    if is_blocked {
        1
    } else if is_done {
        DONE
    } else {
        TO_DO
    }
}

/// One line per step that did not come about, and per warning.
pub(super) fn show_troubles(report: &ApplyReport, output: &Output) {
    for step in &report.steps {
        let is_settled = step.end == StepEnd::InDoubt && report.settled.open == 0;
        if let Some(line) = trouble(step).filter(|_| !is_settled) {
            output.note(&line);
        }
        for warning in &step.warnings {
            output.note(&format!("warning: {} {}: {warning}", step.operation, step.host));
        }
    }
}

pub(super) fn trouble(step: &StepReport) -> Option<String> {
    let what = match &step.end {
        StepEnd::Applied | StepEnd::Unneeded | StepEnd::Adopted => return None,
        StepEnd::Refused { reason } => format!("refused, nothing was changed: {reason}"),
        StepEnd::InDoubt => {
            "whether it happened is not known for all that were in doubt; the next apply looks \
             again"
                .to_owned()
        }
        StepEnd::NotSent { reason } => format!("not sent: {reason}"),
        StepEnd::Skipped { waits_for } => {
            format!("skipped, because {waits_for} did not come about")
        }
    };
    Some(format!("{} {}: {what}", step.operation, step.host))
}
