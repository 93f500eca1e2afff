//! Which application it is: whether the linked one is the one that is declared. Pure.
//!
//! An application is known by its kind and job, a prospect by its job, pool and the pool's stage.
//! What is declared for one is written neither to, nor below, another ([`is_another`]). What a
//! recruiter changed of them stands and is reported.

use super::goal::Goal;
use super::item::Item;
use super::place::placements;
use super::{Draft, FindingKind, Record, once};
use crate::reason::Reason;
use atsync_model::desired::{ApplicationKind, DesiredApplication};
use serde_json::{Map, Value, json};

/// Notes that nothing of what is declared of an application is written to what it is linked to, nor
/// below that, and that the plan says why.
pub(super) fn leave_unwritten(draft: &mut Draft<'_>, item: &Item<'_>) {
    draft.mislinked.insert(item.path.clone());
    draft.account_whole(&item.path);
    once::account_all(draft, &item.members, item.of.kind, &item.path);
}

/// Whether the linked record is another one than is declared, which it says. What is declared for
/// one job, or for one pool, is written neither to, nor below, an application or a prospect of
/// another.
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

/// In what the linked record is another one than the host declares by now, by what the link was
/// made for: a word and a sentence. What a recruiter changed is no such difference.
fn difference(
    draft: &Draft<'_>,
    wanted: &DesiredApplication,
    path: &str,
    goal: &Goal<'_>,
    record: &Record,
) -> Option<(Reason, String)> {
    let link = draft.input.links.get(path);
    let base = |place: &str| link.and_then(|link| link.applied.get(place)).and_then(Value::as_str);
    if record.text("kind") == Some("application") {
        if wanted.kind == ApplicationKind::Prospect {
            let message = format!(
                "{path}: it is an application, and cannot be made a prospect; nothing of what is \
                 declared is written to it. Declare a prospect under another key"
            );
            return (base("kind") == Some("application"))
                .then_some((Reason::CannotChange, message));
        }
        let (goal, job) = goal.job.zip(record.text("job.id"))?;
        // Whoever linked it without saying for which job may have meant another application.
        if job == goal.id || base("job") == Some(&goal.id) {
            return None;
        }
        let message = format!(
            "{path}: it is on job {job}, and an application's job cannot be changed from here; \
             nothing of what is declared is written to it. \
             Declare another application, under a key of its own, for job {}",
            goal.id
        );
        return Some((Reason::OtherJob, message));
    }
    let is_converted_by_plan = wanted.kind == ApplicationKind::Application;
    let members = [("job", goal.job), ("pool", goal.pool), ("pool_stage", goal.pool_stage)];
    members.into_iter().filter(|(place, _)| *place != "job" || !is_converted_by_plan).find_map(|(place, goal)| {
        let (goal, before) = goal.zip(base(place))?;
        let message = format!(
            "{path}: the prospect's `{place}` was {before} and cannot be changed from here to {}; \
             nothing of what is declared is written to it. \
             Declare a prospect under another key",
            goal.id
        );
        (before != goal.id).then_some((Reason::CannotChange, message))
    })
}

/// Whether a linked application was transferred to another job than desired, which it says: no
/// second one is made, and no stage of the desired job is forced on it.
pub(super) fn is_transferred(
    draft: &mut Draft<'_>,
    wanted: &DesiredApplication,
    path: &str,
    goal: &Goal<'_>,
    record: &Record,
) -> bool {
    let (Some(goal), Some(job)) = (goal.job, record.text("job.id")) else { return false };
    if record.text("kind") != Some("application")
        || job == goal.id
        || (wanted.kind == ApplicationKind::Prospect)
    {
        return false;
    }
    let has_course = wanted.stage.is_some() || wanted.outcome.is_some();
    let left_alone = if has_course { ", and its stage and outcome are left alone" } else { "" };
    let message = format!(
        "{path}: it was transferred in the ATS from job {} to job {job}; it stays \
         there{left_alone}",
        goal.id
    );
    draft.report(FindingKind::Drifted, path, Reason::Transferred, message);
    true
}

/// What makes the application the one that it is: its kind, job, pool and the pool's stage. They
/// are compared with what it was made or taken as ([`difference`]), and cannot be changed from
/// here; an application's job is [`is_transferred`]'s.
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
    let is_application = record.text("kind") == Some("application");
    match wanted.kind {
        ApplicationKind::Prospect if is_application => {
            let message =
                format!("{path}: the prospect was made an application in the ATS; that stands");
            draft.report(FindingKind::Drifted, path, Reason::ConvertedInAts, message);
        }
        // A prospect that should be an application is converted, which is a step of its own.
        ApplicationKind::Application if !is_application => {}
        kind => drop(applied.insert("kind".to_owned(), json!(kind_word(kind)))),
    }
    if is_application {
        return;
    }
    let members = [("job", goal.job), ("pool", goal.pool), ("pool_stage", goal.pool_stage)];
    for (place, goal) in members.into_iter().filter_map(|(place, goal)| Some((place, goal?))) {
        // It is converted to this job, or fits it.
        let is_converted_by_plan = place == "job" && wanted.kind == ApplicationKind::Application;
        if is_converted_by_plan || applied.contains_key(place) {
            continue;
        }
        if place == "job" || is_placed(draft, path, place, goal, record) {
            applied.insert(place.to_owned(), json!(goal.id));
        }
    }
}

/// Whether a prospect that was there before the engine came is in this pool, or in this stage of
/// it. Says so where it is not.
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
             here; that stands",
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
