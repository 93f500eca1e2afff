//! Renders plans and reports for several commands.

use crate::failure::{DONE, TO_DO};
use crate::output::Output;
use crate::words::commands_of;
use atsync::{ApplyReport, Connection, Plan, StepEnd, StepReport};

/// The number of requests that a connection has sent, token requests included.
pub(super) fn calls(connection: &Connection) -> u64 {
    connection.usage().requests.values().sum()
}

/// Prints the plan, and what blocks it.
pub(super) fn show_plan(plan: &Plan, output: &Output) {
    lines(plan).iter().for_each(|line| output.data(line));
}

/// The lines of a plan, with whole commands in them. The last one is the summary.
pub(super) fn lines(plan: &Plan) -> Vec<String> {
    let mut key = None;
    let text = plan.to_string();
    let with_commands = |line| {
        // A line without an indent is the key of the record that the next lines are about.
        if !str::starts_with(line, ' ') {
            key = Some(line);
        }
        commands_of(line, &plan.connection, key)
    };
    text.lines().map(with_commands).collect()
}

/// The exit code of a plan with a blocked record, or with nothing to do and nothing waiting.
pub(super) fn code(is_blocked: bool, is_done: bool) -> u8 {
    if is_blocked {
        1
    } else if is_done {
        DONE
    } else {
        TO_DO
    }
}

/// Prints one line per failed step, and per warning.
pub(super) fn show_troubles(report: &ApplyReport, output: &Output) {
    for step in &report.steps {
        let is_settled = step.end == StepEnd::InDoubt && report.settled.open == 0;
        if let Some(line) = trouble(step).filter(|_| !is_settled) {
            output.note(&line);
        }
        for warning in &step.warnings {
            output.note(&format!("warning: {} {}: {warning}", step.operation, step.path));
        }
    }
}

pub(super) fn trouble(step: &StepReport) -> Option<String> {
    let what = match &step.end {
        StepEnd::Applied | StepEnd::Unneeded | StepEnd::Adopted => return None,
        StepEnd::Refused { reason } => format!("refused: {reason}"),
        StepEnd::InDoubt => {
            "in doubt: it is not known whether the write happened; the next apply probes \
             again"
                .to_owned()
        }
        StepEnd::NotSent { reason } => format!("not sent: {reason}"),
        StepEnd::Skipped { waits_for } => {
            format!("skipped, because {waits_for} was not applied")
        }
        _ => "not applied".to_owned(),
    };
    Some(format!("{} {}: {what}", step.operation, step.path))
}
