//! Permissions: the check of each, and what is taken away shows where it is used.

use super::{World, page};
use crate::drive::End;
use crate::report::Promise;
use crate::show;
use atsync::model::contract::{Checked, Failure, Outcome, Scan, Since, Task, Verdict};
use atsync::model::manifest::ScanRule;

pub(super) async fn check(world: &mut World<'_>) -> Result<(), String> {
    for permission in world.manifest.permissions.clone() {
        let id = permission.id.as_str();
        let run = world.driver.run(Task::Check(id.to_owned()), &world.given).await;
        if world.broke_by(id, &run) {
            continue;
        }
        let verdict = verdict(&run.end);
        match verdict {
            Some(Verdict::Granted | Verdict::Unknown) => {}
            Some(_) if world.stage.permit(id, false).await?.is_none() => {
                let why = "the sandbox does not have it";
                world.report.not_tried_for(Promise::Permissions, id, why);
                continue;
            }
            _ => {
                let what = format!("the sandbox grants it: {}", show::end(&run.end));
                world.broke(Promise::Permissions, id, what, &run);
                let _ = world.stage.permit(id, true).await?;
                continue;
            }
        }
        if verdict == Some(Verdict::Granted) {
            taken(world, id).await?;
        }
        world.samples.push((id.to_owned(), run));
    }
    Ok(())
}

fn verdict(end: &End) -> Option<Verdict> {
    match end {
        End::Outcome(Outcome::Checked(Checked { verdict, .. })) => Some(*verdict),
        _ => None,
    }
}

/// Takes a permission away: the check and the readers that need it say so.
async fn taken(world: &mut World<'_>, id: &str) -> Result<(), String> {
    if world.stage.permit(id, false).await?.is_none() {
        let why = "the sandbox cannot take it away";
        world.report.not_tried_for(Promise::Permissions, id, why);
        return Ok(());
    }
    let run = world.driver.run(Task::Check(id.to_owned()), &world.given).await;
    let mut denied = Vec::new();
    for rule in world.manifest.kinds.clone() {
        let is_list = matches!(rule.scan, ScanRule::List {});
        if rule.permission.as_deref() == Some(id) && is_list {
            let task = Task::Scan(Scan {
                kind: rule.name.clone(),
                parent: None,
                since: Since::Everything,
                cursor: None,
                page_size: rule.page_max,
            });
            denied.push((rule.name.clone(), world.driver.run(task, &world.given).await));
        }
    }
    let _ = world.stage.permit(id, true).await?;
    if !world.broke_by(id, &run) && matches!(verdict(&run.end), Some(Verdict::Granted) | None) {
        let what = format!("it was taken away, and its check says: {}", show::end(&run.end));
        world.broke(Promise::Permissions, id, what, &run);
    }
    for (kind, run) in denied {
        if world.broke_by(&kind, &run) {
            continue;
        }
        let is_named = matches!(&run.end, End::Failure(Failure::Denied(denied))
            if denied.permission == id || denied.permission.is_empty());
        if !is_named {
            let what = match page(&run.end) {
                Some(_) => format!("{id} was taken away, and a page came"),
                None => {
                    format!("{id} was taken away, and it is not named: {}", show::end(&run.end))
                }
            };
            world.broke(Promise::Permissions, &kind, what, &run);
        }
    }
    world.report.held(Promise::Permissions, id);
    Ok(())
}

/// A throttled request ends as throttled.
pub(super) async fn throttled(world: &mut World<'_>) -> Result<(), String> {
    let listed = world
        .manifest
        .kinds
        .iter()
        .find(|rule| matches!(rule.scan, ScanRule::List {}) && world.tries(&rule.name))
        .cloned();
    let Some(rule) = listed else { return Ok(()) };
    if world.stage.throttle().await?.is_none() {
        let why = "the sandbox cannot throttle";
        world.report.not_tried_for(Promise::Throttling, "", why);
        return Ok(());
    }
    let task = Task::Scan(Scan {
        kind: rule.name.clone(),
        parent: None,
        since: Since::Everything,
        cursor: None,
        page_size: rule.page_max,
    });
    let run = world.driver.run(task, &world.given).await;
    if world.broke_by(&rule.name, &run) {
        return Ok(());
    }
    if matches!(run.end, End::Failure(Failure::Throttled(_) | Failure::Quota(_))) {
        world.report.held(Promise::Throttling, "");
        return Ok(());
    }
    let what = format!("the request was throttled: {}", show::end(&run.end));
    world.broke(Promise::Throttling, &rule.name, what, &run);
    Ok(())
}
