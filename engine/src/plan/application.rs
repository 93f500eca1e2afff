//! Applications and prospects: found or made, kept in step, moved where the connection allows it.
//! Pure.
//!
//! The identity of an application is (person, job); its remote id is replaceable, since converting
//! a prospect makes a new one. Where one request makes the person and the first application, both
//! are one step with two links. Stage and outcome are the part of [`super::lifecycle`].

use super::apart::{identity, is_another, is_transferred, kind_word, stand_apart};
use super::field::{follow, not_shown, rebase, release};
use super::goal::{Goal, resolve, say_if_not_open};
use super::lifecycle;
use super::ownership::Comparison;
use super::person::Person;
use super::story::Values;
use super::values::{create_customs, unseen_customs, update_customs};
use super::{
    Adoption, Draft, FieldChange, FindingKind, Record, Step, forms, made, once, said, step,
};
use crate::index;
use crate::link::LinkRow;
use crate::path;
use crate::reason::Reason;
use atsync_model::contract::RemoteRef;
use atsync_model::desired::{ApplicationKind, DesiredApplication, DesiredOutcome};
use atsync_model::kinds;
use atsync_model::manifest::Carry;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Plans all applications of the desired record.
pub(super) fn plan(draft: &mut Draft<'_>, person: &Person<'_>) {
    let desired = draft.input.desired;
    let prefix = path::all_below(&desired.key, path::APPLICATIONS);
    let mut goals = Goals::default();
    for application in &desired.applications {
        one(draft, person, application, &format!("{prefix}{}", application.key), &mut goals);
    }
    once::release(draft, &prefix, "application", |key| {
        desired.applications.iter().any(|wanted| wanted.key == key)
    });
}

/// What the applications of one record go for, each with the path that goes for it first.
type Goals = BTreeMap<(Option<String>, Option<String>), String>;

/// Whether two keys of the record mean the same job, or the same pool, although none of them says
/// `another`: their references are spelled differently and resolve to one. What is linked to
/// records of its own is left as it is.
fn is_said_twice(
    draft: &mut Draft<'_>,
    wanted: &DesiredApplication,
    host: &str,
    goal: &Goal<'_>,
    goals: &mut Goals,
) -> bool {
    draft.account(host, "another");
    if wanted.another {
        return false;
    }
    let id = |record: Option<&Arc<Record>>| record.map(|record| record.id.clone());
    let pool = if goal.job.is_some() { None } else { id(goal.pool) };
    let Some(first) = goals.insert((id(goal.job), pool), host.to_owned()) else { return false };
    let links = draft.input.links;
    let are_apart = |one: &LinkRow, other: &LinkRow| one.remote != other.remote;
    if links.get(&first).zip(links.get(host)).is_some_and(|(one, other)| are_apart(one, other)) {
        return false;
    }
    let what = match (goal.job, goal.pool) {
        (Some(job), _) => format!("job {}", job.text("title").unwrap_or(&job.id)),
        (None, Some(pool)) => format!("pool {}", pool.text("name").unwrap_or(&pool.id)),
        (None, None) => "neither job nor pool".to_owned(),
    };
    let message = format!(
        "{host}: it is for {what}, and so is {first}; take one of them out, or set `another` on \
         one of them if two are meant"
    );
    draft.block(host, Reason::DuplicateDesired, message);
    true
}

fn one<'a>(
    draft: &mut Draft<'a>,
    person: &Person<'_>,
    wanted: &'a DesiredApplication,
    host: &str,
    goals: &mut Goals,
) {
    let Some(goal) = resolve(draft, wanted, host) else { return };
    if is_said_twice(draft, wanted, host, &goal, goals) {
        return;
    }
    let Some(found) = find(draft, person, wanted, host, &goal) else { return };
    match found {
        Some(record) if is_another(draft, wanted, host, &goal, record) => {}
        Some(record) => {
            update(draft, wanted, host, &goal, record);
            attachments(draft, wanted, host, Some(record));
        }
        None => {
            create(draft, person, wanted, host, &goal);
            attachments(draft, wanted, host, None);
        }
    }
}

/// Whether a path keeps the link that it has: the link leads to what is declared there, or to what
/// was declared when it was made, wherever that was moved since. True while facts are missing, and
/// where nobody could tell.
pub(super) fn keeps(
    draft: &mut Draft<'_>,
    wanted: &DesiredApplication,
    host: &str,
    link: &LinkRow,
) -> bool {
    let Some(goal) = resolve(draft, wanted, host) else { return true };
    let base = |place: &str| link.applied.get(place).and_then(Value::as_str);
    if wanted.kind == ApplicationKind::Prospect {
        let agrees = |place: &str, goal: Option<&Arc<Record>>| {
            goal.zip(base(place)).is_none_or(|(goal, before)| goal.id == before)
        };
        return base("kind") != Some("application")
            && agrees("job", goal.job)
            && agrees("pool", goal.pool);
    }
    if goal.job.is_some_and(|job| base("job") == Some(&job.id)) {
        return true;
    }
    match draft.observed(&link.remote) {
        Some(Some(record)) => {
            record.text("outcome.value") == Some("converted") || fits(record, wanted, &goal)
        }
        Some(None) | None => true,
    }
}

/// Which of these links lead to an application that the desired one means. Empty while facts are
/// missing, and where its references do not resolve.
pub(super) fn fitting<'a>(
    draft: &mut Draft<'a>,
    wanted: &DesiredApplication,
    host: &str,
    links: &[LinkRow],
) -> Vec<LinkRow> {
    let Some(goal) = resolve(draft, wanted, host) else { return Vec::new() };
    let mut found = Vec::new();
    for link in links {
        let Some(Some(record)) = draft.observed(&link.remote) else { continue };
        let is_prospect = record.text("kind") == Some("prospect");
        // A prospect of the job is no application under another key; making it one is said as what
        // it is.
        if fits(record, wanted, &goal) && is_prospect == (wanted.kind == ApplicationKind::Prospect)
        {
            found.push((link.clone(), record));
        }
    }
    if wanted.kind == ApplicationKind::Prospect && goal.pool.is_some() && found.len() > 1 {
        let Some(here) = in_pool(draft, found.iter().map(|(_, record)| *record).collect(), &goal)
        else {
            return Vec::new();
        };
        found.retain(|(_, record)| here.iter().any(|here| here.id == record.id));
    }
    found.into_iter().map(|(link, _)| link).collect()
}

/// What to say of an application that was deleted: it is not made again by itself.
fn deleted(host: &str, remote: &RemoteRef) -> String {
    format!(
        "{host}: {remote} was deleted in the ATS, and is not made again by itself; stop declaring \
         it, or declare it under another key to have it made again"
    )
}

/// The record of the application: linked, or fitting. The outer option is none while facts are
/// missing or after it blocked the record.
fn find<'a>(
    draft: &mut Draft<'a>,
    person: &Person<'_>,
    wanted: &DesiredApplication,
    host: &str,
    goal: &Goal<'_>,
) -> Option<Option<&'a Arc<Record>>> {
    let mut converted: Option<&'a Arc<Record>> = None;
    if let Some(link) = draft.input.links.get(host) {
        let remote = link.remote.clone();
        let Some(record) = draft.observed(&remote)? else {
            if draft.facts.is_gone(&remote) {
                draft.block(host, Reason::Deleted, deleted(host, &remote));
                return None;
            }
            let message = format!(
                "{host}: it is linked to {remote}, which the ATS does not show: deleted, or not \
                 visible yet; it goes on when the ATS shows it, and a sweep of applications tells \
                 whether it was deleted"
            );
            draft.block(host, Reason::NotVisible, message);
            return None;
        };
        if record.text("outcome.value") != Some("converted") {
            return Some(Some(record));
        }
        // Converted by somebody in the ATS: the application lives on under a new id.
        converted = Some(record);
    }
    let Person::There(candidate) = person else { return Some(None) };
    let rows = draft.lookup(kinds::APPLICATIONS, index::CANDIDATE, &candidate.id)?;
    // What another key of the record holds is not this one's too. A key that is no longer declared
    // holds nothing.
    let held: Vec<RemoteRef> = {
        let declared: Vec<String> = {
            let desired = draft.input.desired;
            desired
                .applications
                .iter()
                .map(|one| path::below(&desired.key, path::APPLICATIONS, &one.key))
                .collect()
        };
        let holds = |link: &&LinkRow| link.host != host && declared.contains(&link.host);
        let linked = draft.input.links.values().filter(holds).map(|link| &link.remote);
        let adopted = draft.plan.adoptions.iter().filter(|adoption| adoption.host != host);
        linked.chain(adopted.map(|adoption| &adoption.remote)).cloned().collect()
    };
    let mut fitting: Vec<&'a Arc<Record>> = rows
        .iter()
        .filter(|row| fits(row, wanted, goal) && !held.contains(&row.remote()))
        .collect();
    if wanted.kind == ApplicationKind::Application
        && fitting.iter().any(|row| row.text("kind") == Some("application"))
    {
        fitting.retain(|row| row.text("kind") == Some("application"));
    }
    if wanted.kind == ApplicationKind::Prospect && goal.pool.is_some() && fitting.len() > 1 {
        fitting = in_pool(draft, fitting, goal)?;
    }
    if fitting.is_empty()
        && wanted.kind == ApplicationKind::Prospect
        && let Some(prospect) = converted
    {
        // Somebody made the prospect an application. That stands: the path follows it, and no
        // prospect is made in its place.
        let anothers = |row: &Record| {
            draft.input.links.values().any(|link| link.host != host && link.remote == row.remote())
        };
        fitting = rows.iter().filter(|row| came_of(row, prospect) && !anothers(row)).collect();
        if fitting.len() != 1 {
            let message = format!(
                "{host}: the prospect was converted in the ATS; that stands, nothing is made anew, \
                 and nothing of what is declared is written to it"
            );
            draft.say(FindingKind::Drifted, host, Reason::ConvertedInAts, message);
            stand_apart(draft, wanted, host);
            return None;
        }
    }
    match fitting.as_slice() {
        [] => Some(None),
        [record] if converted.is_some() => {
            draft.plan.adoptions.push(Adoption {
                host: host.to_owned(),
                remote: record.remote(),
                applied: Map::new(),
                reason: Some("the prospect was converted to it".to_owned()),
            });
            Some(Some(record))
        }
        [record] => {
            let reason = match wanted.kind {
                ApplicationKind::Application if record.text("kind") == Some("prospect") => {
                    "the candidate is a prospect of this job"
                }
                ApplicationKind::Application => "the candidate applied to this job already",
                ApplicationKind::Prospect => "the candidate is such a prospect already",
            };
            let adoption = Adoption {
                host: host.to_owned(),
                remote: record.remote(),
                applied: Map::new(),
                reason: Some(reason.to_owned()),
            };
            draft.plan.adoptions.push(adoption);
            Some(Some(record))
        }
        several => {
            let ids: Vec<&str> = several.iter().map(|record| record.id.as_str()).collect();
            let message = format!(
                "{host}: {} applications of the candidate fit (ids {})",
                several.len(),
                ids.join(", ")
            );
            draft.block(host, Reason::AmbiguousApplication, message);
            None
        }
    }
}

/// Whether an application may be what became of a converted prospect: on one of its jobs, or on any
/// where it was tied to none.
fn came_of(row: &Record, prospect: &Record) -> bool {
    let job = row.text("job.id");
    let tied = prospect.list("prospective_jobs");
    row.text("kind") == Some("application")
        && job.is_some()
        && (tied.is_empty()
            || tied.iter().any(|tied| tied.get("id").and_then(Value::as_str) == job))
        && row.text("created_at") >= prospect.text("created_at")
}

fn fits(row: &Record, wanted: &DesiredApplication, goal: &Goal<'_>) -> bool {
    let converted = row.text("outcome.value") == Some("converted");
    let job = row.text("job.id");
    match wanted.kind {
        ApplicationKind::Application => {
            // A prospect of the job, too: no second candidacy is made beside it. Making it an
            // application is a step of its own.
            !(converted && row.text("kind") == Some("prospect"))
                && goal.job.is_some_and(|goal| job == Some(goal.id.as_str()))
        }
        ApplicationKind::Prospect if converted || row.text("kind") != Some("prospect") => false,
        ApplicationKind::Prospect => match goal.job {
            Some(goal) => {
                job == Some(goal.id.as_str())
                    || row
                        .list("prospective_jobs")
                        .iter()
                        .any(|job| job.get("id").and_then(Value::as_str) == Some(goal.id.as_str()))
            }
            None => job.is_none() && row.list("prospective_jobs").is_empty(),
        },
    }
}

fn in_pool<'a>(
    draft: &mut Draft<'a>,
    rows: Vec<&'a Arc<Record>>,
    goal: &Goal<'_>,
) -> Option<Vec<&'a Arc<Record>>> {
    let mut kept = Vec::new();
    let mut complete = true;
    for row in rows {
        match draft.lookup(kinds::POOL_PLACEMENTS, index::PARENT, &row.id) {
            Some(placements) => {
                let here = |placement: &Arc<Record>| {
                    goal.pool
                        .is_some_and(|pool| placement.text("pool.id") == Some(pool.id.as_str()))
                };
                if placements.iter().any(here) {
                    kept.push(row);
                }
            }
            None => complete = false,
        }
    }
    complete.then_some(kept)
}

fn create<'a>(
    draft: &mut Draft<'a>,
    person: &Person<'_>,
    wanted: &'a DesiredApplication,
    host: &str,
    goal: &Goal<'a>,
) {
    let key = draft.input.desired.key.clone();
    let kind = kind_word(wanted.kind);
    let mut input = Map::new();
    let mut fields = Vec::new();
    let mut applied = Map::new();
    input.insert("kind".to_owned(), json!(kind));
    applied.insert("kind".to_owned(), json!(kind));
    draft.account(host, "kind");
    // An application is what the word says; a prospect is told to be one.
    if wanted.kind == ApplicationKind::Prospect {
        fields.push(FieldChange {
            field: "kind".to_owned(),
            before: Value::Null,
            after: json!(kind),
        });
    }
    account_lifecycle(draft, wanted, host);
    for (name, record) in [
        ("job", goal.job),
        ("pool", goal.pool),
        ("pool_stage", goal.pool_stage),
        ("source", goal.source),
        ("referrer", goal.referrer),
    ] {
        let Some(record) = record else { continue };
        input.insert(name.to_owned(), json!(record.id));
        let shown = record.text("title").or(record.text("name")).unwrap_or(&record.id);
        fields.push(FieldChange {
            field: name.to_owned(),
            before: Value::Null,
            after: json!(shown),
        });
        applied.insert(name.to_owned(), json!(record.id));
    }
    if let Some(job) = goal.job {
        say_if_not_open(draft, host, job);
    }
    let customs = create_customs(
        draft,
        host,
        "application",
        &wanted.custom_fields,
        &mut fields,
        &mut applied,
    );
    let mut after = Vec::new();
    customs.join(&mut input, &mut after);
    let course = lifecycle::course(draft, wanted, host, goal, None, &mut applied);
    if let Some(stage) = course.stage_at_creation {
        input.insert("stage".to_owned(), json!(stage.id));
        let shown = json!(stage.text("name").unwrap_or(&stage.id));
        fields.push(FieldChange { field: "stage".to_owned(), before: Value::Null, after: shown });
        applied.insert("stage".to_owned(), json!(stage.id));
        forms::wrote_exactly(&mut applied, "stage", &Value::Null, &json!(stage.id));
    }
    if carry(draft, person, host, &input, &after, &fields, &applied) {
        course.join(draft, host, None, Some(&key), applied);
        return;
    }
    let Some(rule) = draft.operation(host, "applications.create") else { return };
    let reason = match wanted.kind {
        ApplicationKind::Application => "the candidate has not applied to this job",
        ApplicationKind::Prospect => "the candidate is no such prospect",
    };
    let mut step = step(rule, host, reason.to_owned());
    step.after = person.after(&key);
    step.after.extend(after);
    step.input = input;
    step.input.insert("candidate".to_owned(), person.id(&key));
    step.fields = fields;
    step.makes.insert("subject".to_owned(), host.to_owned());
    step.applied.insert(host.to_owned(), applied.clone());
    // A look would find the one that is there already.
    step.look_first = matches!(person, Person::There(_)) && !wanted.another;
    step.calls += u32::from(step.look_first);
    draft.plan.steps.push(step);
    course.join(draft, host, None, Some(host), applied);
}

/// Puts the application into the step that makes the person, where the ATS takes both in one
/// request with all that is desired of it.
fn carry(
    draft: &mut Draft<'_>,
    person: &Person<'_>,
    host: &str,
    input: &Map<String, Value>,
    after: &[String],
    fields: &[FieldChange],
    applied: &Map<String, Value>,
) -> bool {
    if !matches!(person, Person::ToBeMade) {
        return false;
    }
    let manifest = draft.input.manifest;
    let Some(step) = draft.plan.steps.iter_mut().find(|step| step.host == draft.input.desired.key)
    else {
        return false;
    };
    let Some(rule) = manifest.operation(&step.operation) else { return false };
    let fits = |carry: &Carry| {
        let word = input.get("kind").and_then(Value::as_str);
        carry.kind == kinds::APPLICATIONS
            && carry.when.as_deref().is_none_or(|when| word == Some(when))
            && input.keys().all(|member| carry.members.contains(member))
    };
    if step.input.contains_key("application") || !rule.may_carry.iter().any(fits) {
        return false;
    }
    step.input.insert("application".to_owned(), Value::Object(input.clone()));
    step.after.extend(after.iter().cloned());
    step.makes.insert(kinds::APPLICATIONS.to_owned(), host.to_owned());
    step.applied.insert(host.to_owned(), applied.clone());
    step.fields.extend(fields.iter().map(|field| FieldChange {
        field: format!("application.{}", field.field),
        ..field.clone()
    }));
    true
}

fn update<'a>(
    draft: &mut Draft<'a>,
    wanted: &'a DesiredApplication,
    host: &str,
    goal: &Goal<'a>,
    record: &Record,
) {
    let base = draft.input.links.get(host).map(|link| link.applied.clone()).unwrap_or_default();
    let mut applied = base.clone();
    draft.take_base(host, &mut applied);
    release(draft, host, &mut applied, |path| owns(wanted, path));
    let mut fields = Vec::new();
    let mut input = Map::new();
    let transferred = is_transferred(draft, wanted, host, goal, record);
    if let (Some(job), false) = (goal.job, transferred)
        && record.text("job.id") == Some(job.id.as_str())
    {
        applied.insert("job".to_owned(), json!(job.id));
    }
    identity(draft, wanted, host, goal, record, &mut applied);
    account_lifecycle(draft, wanted, host);
    for (name, goal) in [("source", goal.source), ("referrer", goal.referrer)] {
        let Some(goal) = goal else { continue };
        if !record.knows(name) {
            not_shown(draft, host, name);
            continue;
        }
        let observed = record.text(&format!("{name}.id")).unwrap_or_default();
        let last = base.get(name).and_then(Value::as_str);
        let comparison = Comparison {
            observed_is_desired: observed == goal.id,
            observed_is_empty: observed.is_empty(),
            has_base: last.is_some(),
            observed_is_base: last == Some(observed),
            desired_is_base: last == Some(goal.id.as_str()),
        };
        let before = if observed.is_empty() { Value::Null } else { json!(observed) };
        let wanted = json!(goal.id);
        let told = Values { desired: &wanted, applied: base.get(name), observed: &before };
        let decision = draft.decide(host, name, comparison, &told);
        if follow(draft, host, name, decision, &before, &wanted, &mut fields, &mut applied) {
            input.insert(name.to_owned(), json!(goal.id));
        }
    }
    let mut customs = update_customs(
        draft,
        host,
        "application",
        &wanted.custom_fields,
        record,
        &mut fields,
        &mut applied,
    );
    let mut after = Vec::new();
    let course = if transferred {
        lifecycle::Course::default()
    } else {
        lifecycle::course(draft, wanted, host, goal, Some(record), &mut applied)
    };
    if fields.is_empty() {
        rebase(draft, host, record, applied.clone(), &base);
    } else if let Some(rule) = draft.operation(host, "applications.update") {
        if !customs.is_empty() {
            unseen_customs(draft, host, "application", rule, record, &customs)
                .join(rule, &mut input);
        }
        let mut seen = customs.take_seen();
        seen.changes(draft, &base, &fields, &["source", "referrer"]);
        seen.join(rule, &mut input);
        customs.join(&mut input, &mut after);
        let mut step = step(rule, host, "its fields differ from what is desired".to_owned());
        step.target = Some(record.remote());
        step.input = input;
        step.after = after;
        step.fields = fields;
        step.applied.insert(host.to_owned(), applied.clone());
        draft.plan.steps.push(step);
    }
    course.join(draft, host, Some(record), None, applied);
    placement(draft, host, goal, record);
}

/// Says that a prospect stands in another pool, or in another stage of it, than is wanted: that is
/// set at creation only. Where the ATS shows no placement nothing is known.
fn placement(draft: &mut Draft<'_>, host: &str, goal: &Goal<'_>, record: &Record) {
    let Some(pool) = goal.pool else { return };
    if record.text("kind") != Some("prospect") || record.text("outcome.value") == Some("converted")
    {
        return;
    }
    let Some(placements) = draft.lookup(kinds::POOL_PLACEMENTS, index::PARENT, &record.id) else {
        return;
    };
    let fits = |placement: &Arc<Record>| {
        placement.text("pool.id") == Some(pool.id.as_str())
            && goal.pool_stage.is_none_or(|stage| {
                let held = placement.text("pool_stage.id");
                held.is_none() || held == Some(stage.id.as_str())
            })
    };
    if placements.is_empty() || placements.iter().any(fits) {
        return;
    }
    let message = format!(
        "{host}: the prospect stands in another pool or pool stage in the ATS; that stands, since \
         a prospect is placed only when it is made"
    );
    draft.say(FindingKind::Drifted, host, Reason::PlacedElsewhere, message);
}

/// Accounts for the members that [`lifecycle`] speaks of, and says so of those that mean nothing
/// beside the outcome.
fn account_lifecycle(draft: &mut Draft<'_>, wanted: &DesiredApplication, host: &str) {
    for (place, reference, outcome) in [
        ("reject_reason", &wanted.reject_reason, DesiredOutcome::Rejected),
        ("opening", &wanted.opening, DesiredOutcome::Hired),
    ] {
        draft.account(host, place);
        if reference.is_some() && wanted.outcome != Some(outcome) {
            let word = lifecycle::word(outcome);
            let message = format!(
                "{host}: `{place}` means something only with the outcome {word}; it is left aside"
            );
            draft.say(FindingKind::Note, host, Reason::NoMeaning, message);
        }
    }
    for place in ["stage", "outcome"] {
        draft.account(host, place);
    }
}

/// Whether the desired application names the field. Job and pool say what it is and are never
/// released.
fn owns(wanted: &DesiredApplication, path: &str) -> bool {
    match path {
        "source" => wanted.source.is_some(),
        "referrer" => wanted.referrer.is_some(),
        "stage" => wanted.stage.is_some(),
        "outcome" => wanted.outcome.is_some(),
        "reject_reason" => wanted.reject_reason.is_some(),
        "opening" => wanted.opening.is_some(),
        _ => path
            .strip_prefix("custom_fields.")
            .is_none_or(|key| wanted.custom_fields.contains_key(key)),
    }
}

fn change(step: &mut Step, field: &str, before: Value, after: Value) {
    step.fields.push(FieldChange { field: field.to_owned(), before, after });
}

fn attachments(
    draft: &mut Draft<'_>,
    wanted: &DesiredApplication,
    host: &str,
    record: Option<&Record>,
) {
    let prefix = path::all_below(host, path::ATTACHMENTS);
    for file in &wanted.attachments {
        let path = format!("{prefix}{}", file.key);
        let members = said::of_file(file);
        if let Some(link) = draft.input.links.get(&path) {
            once::compare(draft, &path, "file", link, &members);
            continue;
        }
        let Some(rule) = draft.operation(&path, "attachments.create") else { continue };
        let mut step = step(rule, &path, "it has not been attached yet".to_owned());
        match record {
            Some(record) => {
                step.input.insert("application".to_owned(), json!(record.id));
            }
            None => {
                step.input.insert("application".to_owned(), made(host));
                step.after.push(host.to_owned());
            }
        }
        for (place, says) in members {
            step.input.insert(place.to_owned(), json!(says));
            draft.account(&path, place);
        }
        change(&mut step, "filename", Value::Null, json!(file.filename));
        step.applied.insert(path.clone(), once::base(&members));
        step.makes.insert("subject".to_owned(), path);
        step.look_first = record.is_some();
        step.calls += u32::from(step.look_first);
        draft.plan.steps.push(step);
    }
    once::release(draft, &prefix, "file", |key| {
        wanted.attachments.iter().any(|file| file.key == key)
    });
}
