//! Whether a linked application is the declared one. Pure.
//!
//! An application is identified by kind and job, a prospect by job, pool and pool stage. Nothing
//! that is declared for one is written to another, nor below it ([`is_mislinked`]). What a
//! recruiter changed of them is kept and reported.

use super::goal::Goal;
use super::item::Item;
use super::place::{is_application, placements};
use super::{Draft, FindingKind, Record, once};
use crate::reason::Reason;
use atsync_model::desired::{ApplicationKind, DesiredApplication};
use serde_json::{Map, Value, json};

/// Marks the item as mislinked: nothing of it is written to the linked record or below that, and
/// the plan has a finding that says why.
pub(super) fn leave_unwritten(draft: &mut Draft<'_>, item: &Item<'_>) {
    draft.mislinked.insert(item.path.clone());
    draft.account_whole(&item.path);
    once::account_all(draft, &item.members, item.of.kind, &item.path);
}

/// Whether the linked record is another one than declared. Reports it.
pub(super) fn is_mislinked(
    draft: &mut Draft<'_>,
    wanted: &DesiredApplication,
    item: &Item<'_>,
    goal: &Goal<'_>,
    record: &Record,
) -> bool {
    let Some((reason, message)) = difference(draft, wanted, &item.path, goal, record) else {
        return false;
    };
    draft.report(FindingKind::Conflict, &item.path, reason, message);
    leave_unwritten(draft, item);
    true
}

/// Returns how the linked record differs from the declared one, by what the link was created for. A
/// change by a recruiter is no such difference.
fn difference(
    draft: &Draft<'_>,
    wanted: &DesiredApplication,
    path: &str,
    goal: &Goal<'_>,
    record: &Record,
) -> Option<(Reason, String)> {
    let link = draft.input.links.get(path);
    let base = |place: &str| link.and_then(|link| link.applied.get(place)).and_then(Value::as_str);
    if is_application(record) {
        if wanted.kind == ApplicationKind::Prospect {
            let message = format!(
                "{path}: it is an application and cannot become a prospect; nothing is written to \
                 it. Declare the prospect under another key"
            );
            return (base("kind") == Some("application"))
                .then_some((Reason::CannotChange, message));
        }
        let (goal, job) = goal.job.zip(record.text("job.id"))?;
        // A link made by hand without a base may mean another application.
        if job == goal.id || base("job") == Some(&goal.id) {
            return None;
        }
        let message = format!(
            "{path}: it is on job {job}, and an application's job cannot be changed from here; \
             nothing is written to it. Declare the application to job {} under another key",
            goal.id
        );
        return Some((Reason::OtherJob, message));
    }
    let is_converted_by_plan = wanted.kind == ApplicationKind::Application;
    let members = [("job", goal.job), ("pool", goal.pool), ("pool_stage", goal.pool_stage)];
    members.into_iter().skip(usize::from(is_converted_by_plan)).find_map(|(place, goal)| {
        let (goal, before) = goal.zip(base(place))?;
        let message = format!(
            "{path}: the prospect's `{place}` was {before} and cannot be changed from here to {}; \
             nothing is written to it. Declare the prospect under another key",
            goal.id
        );
        (before != goal.id).then_some((Reason::CannotChange, message))
    })
}

/// Whether a linked application was transferred to another job than declared. Reports it: no second
/// application is created, and the declared stage is not written.
pub(super) fn is_transferred(
    draft: &mut Draft<'_>,
    wanted: &DesiredApplication,
    path: &str,
    goal: &Goal<'_>,
    record: &Record,
) -> bool {
    let (Some(goal), Some(job)) = (goal.job, record.text("job.id")) else { return false };
    if !is_application(record) || job == goal.id || (wanted.kind == ApplicationKind::Prospect) {
        return false;
    }
    let has_course = wanted.stage.is_some() || wanted.outcome.is_some();
    let not_written = if has_course { ", and its stage and outcome are not written" } else { "" };
    let message = format!(
        "{path}: it was transferred in the ATS from job {} to job {job}; it stays \
         there{not_written}",
        goal.id
    );
    draft.report(FindingKind::Drifted, path, Reason::Transferred, message);
    true
}

/// Compares what identifies the application: kind, job, pool and pool stage. They cannot be changed
/// from here; the job of an application is [`is_transferred`]'s.
pub(super) fn identity(
    draft: &mut Draft<'_>,
    wanted: &DesiredApplication,
    path: &str,
    goal: &Goal<'_>,
    record: &Record,
    applied: &mut Map<String, Value>,
) {
    for place in ["kind", "job", "pool", "pool_stage"] {
        draft.account(path, place);
    }
    match wanted.kind {
        ApplicationKind::Prospect if is_application(record) => {
            let message = format!(
                "{path}: the prospect was converted to an application in the ATS; it stays one"
            );
            draft.report(FindingKind::Drifted, path, Reason::ConvertedInAts, message);
        }
        // A prospect that is declared as an application is converted, in a step of its own.
        ApplicationKind::Application if !is_application(record) => {}
        kind => drop(applied.insert("kind".to_owned(), json!(kind_word(kind)))),
    }
    if is_application(record) {
        return;
    }
    let members = [("job", goal.job), ("pool", goal.pool), ("pool_stage", goal.pool_stage)];
    for (place, goal) in members.into_iter().filter_map(|(place, goal)| Some((place, goal?))) {
        // The prospect is converted to this job, or matches it.
        let is_converted_by_plan = place == "job" && wanted.kind == ApplicationKind::Application;
        if is_converted_by_plan || applied.contains_key(place) {
            continue;
        }
        if place == "job" || is_placed(draft, path, place, goal, record) {
            applied.insert(place.to_owned(), json!(goal.id));
        }
    }
}

/// Whether a prospect that the engine did not create is in this pool, or pool stage. Reports it
/// where not.
fn is_placed(
    draft: &mut Draft<'_>,
    path: &str,
    place: &str,
    goal: &Record,
    record: &Record,
) -> bool {
    let Some(placements) = placements(draft, record) else {
        return false;
    };
    let member = if place == "pool" { "pool.id" } else { "pool_stage.id" };
    let is_here =
        placements.iter().any(|placement| placement.text(member) == Some(goal.id.as_str()));
    if !is_here {
        let message = format!(
            "{path}: the prospect's `{place}` is not {} in the ATS, and cannot be changed from \
             here",
            goal.label()
        );
        draft.report(FindingKind::Drifted, path, Reason::ChangedInAts, message);
    }
    is_here
}

pub(super) fn kind_word(kind: ApplicationKind) -> &'static str {
    match kind {
        ApplicationKind::Application => "application",
        ApplicationKind::Prospect => "prospect",
    }
}
