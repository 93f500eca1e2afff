//! `atsync plan`: shows what would be written. Changes neither the ATS nor the declared records.

use super::parts;
use super::render::{code, show_plan};
use crate::cli;
use crate::failure::{Ended, Failure};
use crate::input;
use crate::open::Use;
use crate::output::Output;
use crate::place::Place;
use crate::words::count;
use atsync::{Connection, Plan, PlanOf};

pub(super) async fn plan(place: &Place, options: &cli::PlanArgs, output: &Output) -> Ended {
    // Read before anything is opened, so that a mistake leaves no trace.
    let mut file =
        options.desired.as_deref().map(|path| input::desired(place, path)).transpose()?;
    let opened = place.open(Some(&options.name), Use::Online).await?;
    let connection = opened.connect(&options.name, output).await?;
    if let Some(file) = file.as_mut().filter(|file| file.whole().is_none()) {
        let tally = parts::plan(&connection, file, options.json, output).await?;
        return Ok(parts::exit_code(&tally));
    }
    let of = match (file.as_ref().and_then(|file| file.whole()), options.all) {
        (Some(records), _) => PlanOf::Records(records),
        (None, true) => PlanOf::All,
        (None, false) => PlanOf::Dirty,
    };
    let plan = connection.plan(of).await?;
    output.end();
    if options.json {
        output.json(&plan);
    } else {
        show_plan(&plan, output);
    }
    if file.is_none() {
        say_if_nothing_is_declared(&connection, &plan, output).await?;
    }
    Ok(exit_code(&plan))
}

/// Says so if nothing is declared: "nothing to do" has another meaning then.
pub(super) async fn say_if_nothing_is_declared(
    connection: &Connection,
    plan: &Plan,
    output: &Output,
) -> Result<(), Failure> {
    if plan.planned == 0 && connection.status().await?.desired == 0 {
        let name = connection.name();
        output.note(&format!(
            "nothing is declared for {name}: `atsync apply {name} --desired FILE` declares \
             records, as a whole or, when it fails before its plan is agreed to, not at all"
        ));
    }
    Ok(())
}

/// Summarises the blocked records, if there are any.
pub(super) fn blocked(plan: &Plan) -> Option<String> {
    let blocked = plan.records.iter().filter(|record| record.is_blocked()).count();
    (blocked > 0).then(|| count(blocked as u64, "blocked record"))
}

fn exit_code(plan: &Plan) -> u8 {
    let waits = plan.records.iter().any(atsync::RecordPlan::waits);
    code(plan.blocked().next().is_some(), plan.is_empty() && !waits)
}

#[cfg(test)]
mod tests {
    use super::exit_code;
    use atsync::{Finding, FindingKind, Plan, Reason, RecordPlan, Step};

    fn plan(steps: usize, finding: Option<FindingKind>) -> Plan {
        let finding = finding
            .map(|kind| Finding::new(kind, "a", Reason::UnknownReference, "there is no such job"));
        let mut record = RecordPlan::default();
        record.key = "a".into();
        record.steps = vec![Step::new("a", "candidates.create"); steps];
        record.findings = finding.into_iter().collect();
        let mut plan = Plan::default();
        plan.records = vec![record];
        plan
    }

    #[test]
    fn the_exit_code_says_whether_there_is_something_to_do() {
        assert_eq!(exit_code(&plan(0, None)), 0);
        assert_eq!(exit_code(&plan(0, Some(FindingKind::Drifted))), 0);
        assert_eq!(exit_code(&plan(1, Some(FindingKind::Note))), 2);
        assert_eq!(exit_code(&plan(1, Some(FindingKind::Blocked))), 1);
        assert_eq!(exit_code(&plan(0, Some(FindingKind::Blocked))), 1);
    }
}
