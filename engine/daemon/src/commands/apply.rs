//! `atsync apply`: plan, show, confirm, declare, write, read back.
//!
//! # Expected flow
//! 1. The whole file is read and checked before anything is opened.
//! 2. Writes that an earlier run left in doubt are settled.
//! 3. The records are planned without being stored. If one is blocked, the command ends here and
//!    nothing is declared or written.
//! 4. The plan is shown; the user confirms it, or `--yes` does.
//! 5. The records are declared, and exactly the shown plan is applied. From here on `atsync apply`
//!    without a file continues after a failure.
//!
//! A failure before step 5 declares nothing and says so: a file is declared as a whole or not at
//! all.
//!
//! # Cancellation
//! If the process is killed, the next run settles open writes and continues.

use super::render::{calls, show_troubles};
use super::{parts, plan, render};
use crate::cli;
use crate::failure::{DONE, Ended, Failure};
use crate::input::{self, DesiredFile};
use crate::open::Use;
use crate::output::Output;
use crate::place::Place;
use crate::signals;
use crate::words::count;
use atsync::{ApplyReport, Connection, Plan, PlanOf, SettleReport};
use serde_json::json;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

pub(super) async fn apply(place: &Place, options: &cli::Apply, output: &Output) -> Ended {
    let told = AtomicBool::new(false);
    let ended = declare_and_apply(place, options, output, &told).await;
    if ended.is_err() && options.desired.is_some() && !told.load(Ordering::Relaxed) {
        output.note(
            "Nothing was declared or written; remove the cause, then run the same command again.",
        );
    }
    ended
}

/// `told`: the result of the declaration was printed, or the records are declared.
async fn declare_and_apply(
    place: &Place,
    options: &cli::Apply,
    output: &Output,
    told: &AtomicBool,
) -> Ended {
    let mut file =
        options.desired.as_deref().map(|path| input::desired(place, path)).transpose()?;
    if !options.yes && (!place.has_terminal() || options.desired.as_deref() == Some(Path::new("-")))
    {
        told.store(true, Ordering::Relaxed);
        return Err(Failure::new(
            "nothing was declared or written: there is no terminal to ask for confirmation; check \
             `atsync plan`, then add --yes",
        ));
    }
    let opened = place.open(Some(&options.name), Use::Online).await?;
    let connection = opened.connect(&options.name, output).await?;
    let settled = signals::effects(&connection, output, settle(&connection, output)).await??;
    if let Some(file) = file.as_mut().filter(|file| file.whole().is_none()) {
        return long(&connection, file, options, settled.open, Told { told, output }).await;
    }
    let records = file.as_ref().and_then(|file| file.whole());
    let of = match (records, options.all) {
        (Some(records), _) => PlanOf::Records(records),
        (None, true) => PlanOf::All,
        (None, false) => PlanOf::Dirty,
    };
    let planned = connection.plan(of).await?;
    output.end();
    if !options.json {
        render::show_plan(&planned, output);
    }
    if records.is_none() {
        plan::say_if_nothing_is_declared(&connection, &planned, output).await?;
    }
    if let Some(blocked) = plan::blocked(&planned)
        && !options.keep_going
    {
        if options.json {
            output.json(&json!({ "plan": planned, "declared": false, "report": null }));
        }
        told.store(true, Ordering::Relaxed);
        return Err(Failure::new(format!(
            "{}: {blocked}, so nothing was declared or written; correct it, or apply the unblocked \
             records with --keep-going",
            options.name
        )));
    }
    if !options.yes && !planned.is_empty() && !agreed(&planned.summary(), output).await? {
        told.store(true, Ordering::Relaxed);
        output.note("Nothing was declared or written.");
        return Err(Failure::Said);
    }
    if let Some(records) = records {
        let declared = connection.declare(records).await?;
        told.store(true, Ordering::Relaxed);
        say_erased(&options.name, declared.erased, output);
    }
    output.begin("writing", planned.writes());
    let report = signals::effects(&connection, output, connection.apply(&planned)).await;
    output.end();
    let report = report??;
    if options.json {
        output.json(&json!({ "plan": planned, "settled": settled, "report": report }));
    } else {
        show_troubles(&report, output);
        let calls = count(calls(&connection), "call");
        // A plan without a step already says so.
        let is_nothing = planned.is_empty() && report.steps.is_empty();
        output.data(&if is_nothing {
            format!("{calls}.")
        } else {
            format!("{}, {calls}.", outcome(&options.name, &report))
        });
    }
    if report.came_about() && report.not_in_step > 0 {
        let name = &options.name;
        output.note(&format!(
            "some records are not in step yet; `atsync plan {name}` shows the steps that are left, \
             `atsync apply {name}` applies them"
        ));
    }
    finish(&planned, &report, settled.open)
}

fn say_erased(name: &str, erased: u64, output: &Output) {
    if erased > 0 {
        let records = count(erased, "record");
        output.note(&format!(
            "{records} of erased candidates not declared. `atsync erase {name} --key KEY --undo` \
             allows one again."
        ));
    }
}

/// The output, and whether the result of the declaration was printed.
struct Told<'a> {
    told: &'a AtomicBool,
    output: &'a Output,
}

/// As [`apply`], for a file that is applied in parts: see [`parts`].
async fn long(
    connection: &Connection,
    file: &mut DesiredFile,
    options: &cli::Apply,
    open: u64,
    Told { told, output }: Told<'_>,
) -> Ended {
    let name = connection.name();
    let tally = parts::plan(connection, file, options.json, output).await?;
    if tally.blocked > 0 && !options.keep_going {
        told.store(true, Ordering::Relaxed);
        return Err(Failure::new(format!(
            "{name}: {}, so nothing was declared or written; correct it, or apply the unblocked \
             records with --keep-going",
            count(tally.blocked, "blocked record")
        )));
    }
    if !options.yes && !tally.is_empty() && !agreed(&tally.summary(name), output).await? {
        told.store(true, Ordering::Relaxed);
        output.note("Nothing was declared or written.");
        return Err(Failure::Said);
    }
    // From here on parts may be declared, and an error says how many.
    told.store(true, Ordering::Relaxed);
    say_erased(name, parts::declare(connection, file).await?, output);
    let work = parts::carry_out(connection, file, options.json, output);
    let report = signals::effects(connection, output, work).await??;
    if !options.json {
        let calls = count(calls(connection), "call");
        output.data(&format!("{}, {calls}.", outcome(name, &report)));
    }
    let is_whole = report.is_complete() && open == 0 && tally.blocked == 0;
    if is_whole { Ok(DONE) } else { Err(Failure::Said) }
}

/// Settles the writes that an earlier run left open, and prints the result.
async fn settle(connection: &Connection, output: &Output) -> Result<SettleReport, Failure> {
    let open = connection.open_intents().await?.len();
    if open == 0 {
        return Ok(SettleReport::default());
    }
    output.note(&format!(
        "{} left open by an earlier run; checking what happened",
        count(open as u64, "write")
    ));
    let settled = connection.settle().await?;
    output.end();
    output.note(&format!(
        "{} found to have happened, {} sent again, {} refused, {} still open",
        settled.found, settled.sent_again, settled.refused, settled.open
    ));
    Ok(settled)
}

async fn agreed(summary: &str, output: &Output) -> Result<bool, Failure> {
    Ok(output.ask(&format!("{summary} Apply it?")).await?)
}

/// Summarises a report in one line.
pub(crate) fn outcome(name: &str, report: &ApplyReport) -> String {
    let done = report.count("applied");
    let mut parts = vec![count(done as u64, "write") + " done"];
    for (word, text) in [
        ("unneeded", "there already"),
        ("adopted", "found and linked"),
        ("refused", "refused"),
        ("not_sent", "not sent"),
        ("skipped", "skipped"),
    ] {
        let steps = report.count(word);
        if steps > 0 {
            parts.push(format!("{steps} {text}"));
        }
    }
    if report.settled.found + report.settled.sent_again > 0 {
        let settled = &report.settled;
        parts.push(format!(
            "{} in doubt and found to have happened, {} sent again",
            settled.found, settled.sent_again
        ));
    }
    if report.settled.open > 0 {
        parts.push(format!("{} still in doubt (the next apply probes again)", report.settled.open));
    }
    let mut line = format!(
        "{}: {} in step, {} not",
        parts.join(", "),
        count(report.in_step, "record"),
        report.not_in_step
    );
    if report.held_back > 0 {
        line.push_str(&format!(
            ", {} withheld (`atsync plan {name} --all` says why)",
            report.held_back
        ));
    }
    line
}

/// The exit code: 0 only if every step was applied and read back.
fn finish(plan: &Plan, report: &ApplyReport, open: u64) -> Ended {
    let is_whole = report.is_complete() && open == 0;
    if is_whole && plan.blocked().next().is_none() { Ok(DONE) } else { Err(Failure::Said) }
}

#[cfg(test)]
mod tests {
    use super::super::render::trouble;
    use super::{finish, outcome};
    use atsync::{ApplyReport, Plan, StepEnd, StepReport};

    fn report(end: StepEnd) -> ApplyReport {
        let mut report = ApplyReport::default();
        report.steps = vec![StepReport::new("a", "notes.create", end)];
        report.in_step = 1;
        report
    }

    #[test]
    fn only_a_whole_success_ends_with_0() {
        assert!(matches!(finish(&Plan::default(), &report(StepEnd::Applied), 0), Ok(0)));
        assert!(finish(&Plan::default(), &report(StepEnd::Applied), 1).is_err());
        assert!(
            finish(&Plan::default(), &report(StepEnd::Refused { reason: "no".into() }), 0).is_err()
        );
        let mut not_seen = report(StepEnd::Applied);
        not_seen.not_in_step = 1;
        assert!(finish(&Plan::default(), &not_seen, 0).is_err());
    }

    #[test]
    fn each_failed_step_has_a_line() {
        let refused = report(StepEnd::Refused { reason: "no such scope".into() });
        let lines: Vec<String> = refused.steps.iter().filter_map(trouble).collect();
        assert_eq!(lines, ["notes.create a: refused: no such scope"]);
        assert!(report(StepEnd::Unneeded).steps.iter().all(|step| trouble(step).is_none()));
        let line = outcome("acme", &refused);
        assert!(line.starts_with("0 writes done, 1 refused: 1 record in step, 0 not"), "{line}");
        let mut withheld = ApplyReport::default();
        withheld.held_back = 1;
        let line = outcome("acme", &withheld);
        assert!(line.ends_with(", 1 withheld (`atsync plan acme --all` says why)"), "{line}");
    }
}
