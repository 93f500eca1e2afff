//! Writes: each operation once, with its probe before, after, and after an answer that was lost.
//!
//! The one request that changes the ATS is sent for real. Its answer is then read by the adapter as
//! it came, which must be `applied`; withheld, so that the probe must find the write; and replaced
//! by other answers, as those of reads are. All three are possible after one request, since an
//! adapter is a pure function.

use super::World;
use super::examples::{Example, example};
use super::fetches::{fetch, fetched, unlike};
use crate::drive::{End, Run};
use crate::report::Promise;
use crate::show;
use atsync::model::contract::{
    Applied, Failure, Found, Given, Link, Mark, Operation, Outcome, Probe, Probed, RemoteRef, Task,
    Write, Written,
};
use atsync::model::manifest::{EffectClass, OperationRule};
use serde_json::Value;

/// Operations that remove or end something come last.
const LATE: &[&str] = &["reject", "hire", "convert", "delete", "destroy"];

pub(super) async fn check(world: &mut World<'_>) -> Result<(), String> {
    let mut rules = world.manifest.operations.clone();
    rules.sort_by_key(|rule| LATE.iter().any(|verb| rule.name.ends_with(verb)));
    for (nth, rule) in (0u64..).zip(&rules) {
        if world.tries(&rule.kind) {
            operation(world, rule, nth).await?;
        }
    }
    Ok(())
}

async fn operation(world: &mut World<'_>, rule: &OperationRule, nth: u64) -> Result<(), String> {
    let name = rule.name.as_str();
    // Several operations use one kind; each takes another record where there are enough.
    let example = match example(world, rule, nth % 5) {
        Ok(example) => example,
        Err(why) => {
            world.report.not_tried_for(Promise::Writes, name, why);
            return Ok(());
        }
    };
    let given = Given {
        mark: Some(Mark {
            text: format!("atsync:conformance-{nth}"),
            time_ms: world.given.now_ms.saturating_add(nth),
        }),
        ..world.given.clone()
    };
    refused(world, rule, &example, &given).await?;
    if !before(world, rule, &example, &given).await {
        return Ok(());
    }
    let changes = world.stage.changes().await?;
    let task = Task::Write(Write {
        operation: order(rule, &example),
        observed: observed(world, &example),
    });
    let run = world.driver.run(task, &given).await;
    if world.broke_by(name, &run) {
        return Ok(());
    }
    let applied = match &run.end {
        End::Outcome(Outcome::Written(Written::Applied(applied))) => applied.clone(),
        End::Outcome(Outcome::Written(Written::Pending(_))) => {
            let why = "the ATS accepted it for later";
            world.report.not_tried_for(Promise::Probes, name, why);
            return Ok(());
        }
        _ => {
            let what = format!(
                "it was not applied: {}. If the sandbox needs another input, give it under \
                 `operations` of the script",
                show::end(&run.end)
            );
            world.broke(Promise::Writes, name, what, &run);
            return Ok(());
        }
    };
    let after = world.stage.changes().await?;
    if let (Some(before), Some(after)) = (changes, after)
        && after <= before
    {
        let what = "it is said to be applied, and the sandbox was not changed".to_owned();
        world.broke(Promise::Writes, name, what, &run);
    }
    let subject = named(world, rule, &example, &applied, &run);
    world.report.held(Promise::Writes, name);
    lost(world, rule, &example, &given, subject.as_ref(), &run).await;
    if let Some(link) = subject {
        shown(world, rule, &link, &run).await;
    }
    repeated(world, rule, &example, &given).await;
    world.samples.push((name.to_owned(), run));
    Ok(())
}

fn order(rule: &OperationRule, example: &Example) -> Operation {
    Operation {
        name: rule.name.clone(),
        target: example.target.clone(),
        input: Value::Object(example.input.clone()).to_string(),
    }
}

/// The target as it was read.
fn observed(world: &World<'_>, example: &Example) -> Option<String> {
    let target = example.target.as_ref()?;
    world.records.get(&target.kind)?.get(&target.id).map(|row| row.item.body.clone())
}

/// Whether an operation makes a record.
fn creates(rule: &OperationRule) -> bool {
    rule.verb == "create" || rule.name.ends_with(".create")
}

async fn probe(
    world: &World<'_>,
    rule: &OperationRule,
    example: &Example,
    given: &Given,
    was_sent: bool,
) -> Run {
    let first_sent_ms = was_sent.then_some(given.now_ms);
    let task = Task::Probe(Probe { operation: order(rule, example), first_sent_ms });
    world.driver.run(task, given).await
}

/// The probes before a write: it was never sent, or it was and did not arrive.
async fn before(
    world: &mut World<'_>,
    rule: &OperationRule,
    example: &Example,
    given: &Given,
) -> bool {
    let name = rule.name.as_str();
    for was_sent in [false, true] {
        let run = probe(world, rule, example, given, was_sent).await;
        if world.broke_by(name, &run) {
            return false;
        }
        match &run.end {
            End::Outcome(Outcome::Probed(Probed::Absent(_))) => {}
            End::Outcome(Outcome::Probed(Probed::Blind(why))) => {
                world.report.not_tried_for(Promise::Probes, name, format!("no probe: {why}"));
            }
            _ => {
                let what =
                    format!("a write that was not sent is not absent: {}", show::end(&run.end));
                world.broke(Promise::Probes, name, what, &run);
            }
        }
        if !was_sent {
            world.samples.push((format!("{name}, probed"), run));
        }
    }
    true
}

/// The record that a write is about, by its answer.
fn named(
    world: &mut World<'_>,
    rule: &OperationRule,
    example: &Example,
    applied: &Applied,
    run: &Run,
) -> Option<RemoteRef> {
    let name = rule.name.as_str();
    let subject = applied.links.iter().find(|link| link.role == "subject");
    if let Some(link) = subject {
        let is_other_kind = link.kind != rule.kind;
        if is_other_kind {
            let what = format!(
                "its subject is one of {}, and the operation is of {}",
                link.kind, rule.kind
            );
            world.broke(Promise::Writes, name, what, run);
        }
        return Some(RemoteRef::new(&link.kind, &link.id));
    }
    if creates(rule) {
        let what = "it creates a record, and its answer names none as `subject`".to_owned();
        world.broke(Promise::Writes, name, what, run);
    }
    example.target.clone()
}

/// The answer is lost: the probe must find the write.
async fn lost(
    world: &mut World<'_>,
    rule: &OperationRule,
    example: &Example,
    given: &Given,
    subject: Option<&RemoteRef>,
    write: &Run,
) {
    let name = rule.name.as_str();
    let run = probe(world, rule, example, given, true).await;
    if world.broke_by(name, &run) {
        return;
    }
    let is_same = |links: &[Link]| {
        let found = links.iter().find(|link| link.role == "subject");
        match (found, subject) {
            (Some(found), Some(subject)) => found.id == subject.id && found.kind == subject.kind,
            _ => true,
        }
    };
    match &run.end {
        End::Outcome(Outcome::Probed(Probed::Found(Found { links, .. }))) => {
            if is_same(links) {
                world.report.held(Promise::Probes, name);
            } else {
                let what = "the probe found another record than the write made".to_owned();
                world.broke(Promise::Probes, name, what, &run);
            }
        }
        End::Outcome(Outcome::Probed(Probed::Blind(why))) => {
            // One that is idempotent is sent again, which needs no probe.
            if matches!(rule.class, EffectClass::Unsafe | EffectClass::Idempotent) {
                world.report.not_tried_for(Promise::Probes, name, format!("no probe: {why}"));
            } else {
                let what = format!("its class is not `unsafe`, and its probe is blind: {why}");
                world.broke(Promise::Probes, name, what, &run);
            }
        }
        _ => {
            let what = format!(
                "the write was carried out and its answer lost, and the probe does not find it: {}",
                show::end(&run.end)
            );
            let mut lines = show::run(write);
            lines.push("then".to_owned());
            lines.extend(show::run(&run));
            world.report.broke(Promise::Probes, name, what, lines);
        }
    }
}

/// The record of a write can be read.
async fn shown(world: &mut World<'_>, rule: &OperationRule, link: &RemoteRef, write: &Run) {
    let can_fetch = world.manifest.kind(&link.kind).is_some_and(|kind| kind.ids_max > 0);
    let is_removal = ["delete", "destroy"].iter().any(|verb| rule.name.ends_with(verb));
    if !can_fetch || is_removal {
        return;
    }
    let run = fetch(world, &link.kind, std::slice::from_ref(&link.id)).await;
    if world.broke_by(&rule.name, &run) {
        return;
    }
    let came = fetched(&run.end)
        .is_some_and(|(found, _)| found.items.iter().any(|item| item.id == link.id));
    if !came {
        let what = format!("the write names {link}, and that record cannot be fetched");
        world.broke(Promise::Writes, &rule.name, what, write);
    }
}

/// The same write once more, where that is said to be harmless.
async fn repeated(world: &mut World<'_>, rule: &OperationRule, example: &Example, given: &Given) {
    if rule.class != EffectClass::Idempotent {
        return;
    }
    let task =
        Task::Write(Write { operation: order(rule, example), observed: observed(world, example) });
    let run = world.driver.run(task, given).await;
    if world.broke_by(&rule.name, &run) {
        return;
    }
    let is_fine = matches!(
        &run.end,
        End::Outcome(Outcome::Written(Written::Applied(_) | Written::Unneeded(_)))
    );
    if !is_fine {
        let what = format!(
            "its class is `idempotent`, and a second time it is not applied: {}",
            show::end(&run.end)
        );
        world.broke(Promise::Writes, &rule.name, what, &run);
    }
}

/// A write about a record that does not exist, and one without a right, change nothing.
async fn refused(
    world: &mut World<'_>,
    rule: &OperationRule,
    example: &Example,
    given: &Given,
) -> Result<(), String> {
    let name = rule.name.as_str();
    let mut wrong = example.clone();
    match &mut wrong.target {
        Some(target) => target.id = unlike(&target.id),
        None => {
            let is_id = |value: &Value| {
                value
                    .as_str()
                    .is_some_and(|id| world.records.values().any(|of| of.contains_key(id)))
            };
            match wrong.input.iter_mut().find(|(_, value)| is_id(value)) {
                Some((_, value)) => {
                    *value = Value::from(unlike(value.as_str().unwrap_or_default()));
                }
                None => return denied(world, rule, example, given).await,
            }
        }
    }
    let before = world.stage.changes().await?;
    let task = Task::Write(Write { operation: order(rule, &wrong), observed: None });
    let run = world.driver.run(task, given).await;
    if !world.broke_by(name, &run) {
        let after = world.stage.changes().await?;
        judge(world, name, "a record that does not exist", &run, before, after);
        world.samples.push((format!("{name}, refused"), run));
    }
    denied(world, rule, example, given).await
}

async fn denied(
    world: &mut World<'_>,
    rule: &OperationRule,
    example: &Example,
    given: &Given,
) -> Result<(), String> {
    let name = rule.name.as_str();
    let Some(permission) = rule.permissions.first().cloned() else { return Ok(()) };
    if world.stage.permit(&permission, false).await?.is_none() {
        let why = "the sandbox cannot take the permission away";
        world.report.not_tried_for(Promise::Permissions, name, why);
        return Ok(());
    }
    let before = world.stage.changes().await?;
    let task =
        Task::Write(Write { operation: order(rule, example), observed: observed(world, example) });
    let run = world.driver.run(task, given).await;
    let after = world.stage.changes().await?;
    let _ = world.stage.permit(&permission, true).await?;
    if world.broke_by(name, &run) {
        return Ok(());
    }
    let what = format!("a write without the permission {permission}");
    let failure = judge(world, name, &what, &run, before, after);
    if let Some(failure) = failure
        && !matches!(failure, Failure::Denied(_) | Failure::Auth(_))
    {
        let what = format!("{what} is not called denied: {failure}");
        world.broke(Promise::Permissions, name, what, &run);
    }
    Ok(())
}

/// A write that cannot be carried out is refused and changes nothing.
fn judge(
    world: &mut World<'_>,
    name: &str,
    case: &str,
    run: &Run,
    before: Option<u64>,
    after: Option<u64>,
) -> Option<Failure> {
    let failure = match &run.end {
        End::Outcome(Outcome::Written(Written::Refused(failure))) | End::Failure(failure) => {
            Some(failure.clone())
        }
        // A removal of what is not there has nothing to do.
        End::Outcome(Outcome::Written(Written::Unneeded(_))) => None,
        _ if name.ends_with("delete") || name.ends_with("destroy") => None,
        other => {
            let what = format!("{case}: it is not refused: {}", show::end(other));
            world.broke(Promise::Refusals, name, what, run);
            return None;
        }
    };
    if matches!(&failure, Some(Failure::Bug(_) | Failure::Unavailable(_) | Failure::Protocol(_))) {
        let what = format!("{case}: the refusal has a wrong class: {}", show::end(&run.end));
        world.broke(Promise::Refusals, name, what, run);
    }
    if let (Some(before), Some(after)) = (before, after)
        && before != after
    {
        let what = format!("{case}: it is refused, and the sandbox was changed");
        world.broke(Promise::Refusals, name, what, run);
    }
    world.report.held(Promise::Refusals, name);
    failure
}
