//! Applications and prospects: found or created, kept in step, moved where the connection allows
//! it. Pure.
//!
//! An application is identified by candidate and job; its id can change, since converting a
//! prospect creates another record. Where one request creates the candidate and the first
//! application, they are one step with two links. Stage and outcome belong to [`super::lifecycle`],
//! a link that leads to another application than the declared one to [`super::identity`].

use super::conversion::{self, Candidacy};
use super::facts::ids;
use super::fields::{Creation, Update};
use super::found::Found;
use super::goal::{Goal, report_job_not_open, resolve};
use super::identity::{identity, is_mislinked, is_transferred, leave_unwritten};
use super::item::{Item, at, listed};
use super::lifecycle::{self, Course};
use super::parent::Parent;
use super::place::{is_application, is_converted, is_prospect, placements};
use super::resource::{Kind, adopt, linked, plan as walk};
use super::{Draft, FieldChange, FindingKind, Record, Step, forms, once};
use crate::index;
use crate::link::LinkRow;
use crate::path;
use crate::reason::Reason;
use atsync_model::contract::RemoteRef;
use atsync_model::declarable::{self, Declarable, KnownBy};
use atsync_model::desired::{
    ApplicationKind, DesiredApplication, DesiredCandidate, DesiredOutcome,
};
use atsync_model::manifest::{Carry, OperationRule};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

/// An application of a desired record.
struct Application<'a, 'p> {
    item: Item<'a>,
    wanted: &'a DesiredApplication,
    candidate: &'p Parent<'a>,
    goal: Goal<'a>,
    /// It was transferred to another job in the ATS, and stays there.
    is_transferred: bool,
    course: Course<'a>,
    /// The candidate's step creates it as well.
    is_carried: bool,
}

/// Returns the list of applications: its entry in the table, and the list's name.
pub(super) fn list() -> Option<(&'static Declarable, &'static str)> {
    let mut below = declarable::below(DesiredCandidate::KIND);
    let keyed = below.find(|(of, _)| of.known_by == KnownBy::Key);
    keyed.map(|(of, below)| (of, below.list))
}

/// Plans all applications of the desired record.
pub(super) fn plan<'a>(
    draft: &mut Draft<'a>,
    members: &Map<String, Value>,
    candidate: &Parent<'a>,
) {
    let Some((of, list)) = list() else { return };
    let desired = draft.input.desired;
    let prefix = path::all_below(&desired.key, list);
    let mut goals = Goals::default();
    for (wanted, members) in desired.applications.iter().zip(listed(members, list)) {
        let path = format!("{prefix}{}", wanted.key);
        let Some(refs) = resolve(draft, of, members, &path) else { continue };
        let goal = Goal::of(&refs);
        if is_declared_twice(draft, wanted, &path, &goal, &mut goals) {
            continue;
        }
        let item = Item { of, path, members: Arc::new(members.clone()), refs };
        let (is_transferred, is_carried, course) = (false, false, Course::default());
        walk(
            draft,
            Application { item, wanted, candidate, goal, is_transferred, course, is_carried },
        );
    }
    once::release(draft, &prefix, of.noun, |key| {
        desired.applications.iter().any(|wanted| wanted.key == key)
    });
}

impl<'a> Kind<'a> for Application<'a, '_> {
    type Of = DesiredCandidate;

    fn item(&self) -> &Item<'a> {
        &self.item
    }

    fn parent(&self) -> Option<&Parent<'a>> {
        Some(self.candidate)
    }

    fn find(&mut self, draft: &mut Draft<'a>) -> Option<Found<'a>> {
        find(draft, self.candidate, self.wanted, &self.item, &self.goal)
    }

    fn keeps_in_step(&mut self, draft: &mut Draft<'a>, record: &'a Arc<Record>) -> bool {
        !is_mislinked(draft, self.wanted, &self.item, &self.goal, record)
    }

    fn complete_creation(
        &mut self,
        draft: &mut Draft<'a>,
        _rule: Option<&OperationRule>,
        creation: &mut Creation,
    ) {
        let path = &self.item.path;
        account_lifecycle(draft, self.wanted, path);
        if let Some(job) = self.goal.job {
            report_job_not_open(draft, path, job);
        }
        let applied = &mut creation.applied;
        self.course = lifecycle::course(draft, self.wanted, path, &self.goal, None, applied);
        if let Some(stage) = self.course.stage_at_creation {
            let shown = json!(stage.label());
            creation.set("stage", json!(stage.id), shown);
            creation.applied.insert("stage".to_owned(), json!(stage.id));
            forms::record_exact_write(
                &mut creation.applied,
                "stage",
                &Value::Null,
                &json!(stage.id),
            );
        }
    }

    fn is_carried(&mut self, draft: &mut Draft<'a>, creation: &Creation) -> bool {
        self.is_carried = carry(draft, self.candidate, &self.item, creation);
        self.is_carried
    }

    fn creation_reason(&self, _draft: &Draft<'a>, step: &mut Step) -> String {
        // A probe would find the application that exists already.
        step.probe_first = self.candidate.record.is_some() && !self.wanted.another;
        step.calls += u32::from(step.probe_first);
        let reason = match self.wanted.kind {
            ApplicationKind::Application => "the candidate has not applied to this job",
            ApplicationKind::Prospect => "the candidate is not such a prospect",
        };
        reason.to_owned()
    }

    fn complete_change(&mut self, draft: &mut Draft<'a>, record: &Record, update: &mut Update) {
        let Item { path, .. } = &self.item;
        let (wanted, goal, applied) = (self.wanted, &self.goal, &mut update.applied);
        self.is_transferred = is_transferred(draft, wanted, path, goal, record);
        if let (Some(job), false) = (goal.job, self.is_transferred)
            && record.text("job.id") == Some(job.id.as_str())
        {
            applied.insert("job".to_owned(), json!(job.id));
        }
        identity(draft, wanted, path, goal, record, applied);
        account_lifecycle(draft, wanted, path);
        if !self.is_transferred {
            self.course = lifecycle::course(draft, wanted, path, goal, Some(record), applied);
        }
    }

    fn plan_dependents(
        &mut self,
        draft: &mut Draft<'a>,
        record: Option<&'a Arc<Record>>,
        applied: Option<Map<String, Value>>,
    ) {
        let Item { path, members, of, .. } = &self.item;
        if let Some(applied) = applied {
            let maker = if self.is_carried { &self.candidate.path } else { path };
            let maker = record.is_none().then_some(maker.as_str());
            let course = std::mem::take(&mut self.course);
            course.join(draft, path, record.map(Arc::as_ref), maker, applied);
        }
        if let Some(record) = record {
            placement(draft, path, &self.goal, record);
        }
        let parent = Parent { path: path.clone(), record };
        once::plan(draft, members, of.kind, &parent);
    }
}

/// The jobs and pools of a record's applications, each with the path that named it first.
type Goals = BTreeMap<(Option<String>, Option<String>), String>;

/// Whether two keys of the record name one job, or one pool, and neither sets `another`: references
/// in different spellings that resolve to one record. Paths linked to records of their own are left
/// as they are.
fn is_declared_twice(
    draft: &mut Draft<'_>,
    wanted: &DesiredApplication,
    path: &str,
    goal: &Goal<'_>,
    goals: &mut Goals,
) -> bool {
    draft.account(path, "another");
    if wanted.another {
        return false;
    }
    let id = |record: Option<&Arc<Record>>| record.map(|record| record.id.clone());
    let pool = if goal.job.is_some() { None } else { id(goal.pool) };
    let Some(first) = goals.insert((id(goal.job), pool), path.to_owned()) else { return false };
    let links = draft.input.links;
    let are_apart = |one: &LinkRow, other: &LinkRow| one.remote != other.remote;
    if links.get(&first).zip(links.get(path)).is_some_and(|(one, other)| are_apart(one, other)) {
        return false;
    }
    let what = match (goal.job, goal.pool) {
        (Some(job), _) => format!("job {}", job.label()),
        (None, Some(pool)) => format!("pool {}", pool.label()),
        (None, None) => "neither job nor pool".to_owned(),
    };
    let message = format!(
        "{path}: it is for {what}, and so is {first}; remove one of them, or set `another` on one \
         of them to keep both"
    );
    draft.block(path, Reason::DuplicateDesired, message);
    true
}

/// Resolves what the application of a path applies to. None while facts are missing and where it
/// does not resolve.
fn goal<'a>(draft: &mut Draft<'a>, path: &str) -> Option<Goal<'a>> {
    let record = Arc::clone(&draft.members);
    let (of, members) = at(&record, path)?;
    resolve(draft, of, members, path).map(|refs| Goal::of(&refs))
}

/// Whether a path keeps its link: the link leads to what is declared, or to what was declared when
/// it was created, wherever that was moved since. True while facts are missing.
pub(super) fn keeps(
    draft: &mut Draft<'_>,
    wanted: &DesiredApplication,
    path: &str,
    link: &LinkRow,
) -> bool {
    let Some(goal) = goal(draft, path) else { return true };
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
        Some(Some(record)) => is_converted(record) || matches(record, wanted, &goal),
        Some(None) | None => true,
    }
}

/// Returns the links that lead to the declared application. Empty while facts are missing, and
/// where its references do not resolve.
pub(super) fn matching<'a>(
    draft: &mut Draft<'a>,
    wanted: &DesiredApplication,
    path: &str,
    links: &[LinkRow],
) -> Vec<LinkRow> {
    let Some(goal) = goal(draft, path) else { return Vec::new() };
    let mut found = Vec::new();
    for link in links {
        let Some(Some(record)) = draft.observed(&link.remote) else { continue };
        // A prospect of the job does not match an application under another key; a conversion is
        // reported as one.
        if matches(record, wanted, &goal)
            && is_prospect(record) == (wanted.kind == ApplicationKind::Prospect)
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

/// Returns the message for a deleted application, which is not created again.
fn deleted(path: &str, remote: &RemoteRef) -> String {
    format!(
        "{path}: {remote} was deleted in the ATS, and is not created again; stop declaring it, or \
         declare it under another key to create it again"
    )
}

/// The records that other declared applications of the candidate are linked to, or adopt.
fn held_by_others(draft: &Draft<'_>, item: &Item<'_>) -> Option<Vec<RemoteRef>> {
    let (desired, list) = (draft.input.desired, item.of.below.as_ref()?.list);
    let keys = desired.applications.iter().map(|one| &one.key);
    let declared: Vec<String> = keys.map(|key| path::below(&desired.key, list, key)).collect();
    let holds = |link: &&LinkRow| link.path != item.path && declared.contains(&link.path);
    let linked = draft.input.links.values().filter(holds).map(|link| &link.remote);
    let adopted = draft.plan.adoptions.iter().filter(|adoption| adoption.path != item.path);
    Some(linked.chain(adopted.map(|adoption| &adoption.remote)).cloned().collect())
}

/// The applications that the declared one may be: an application before a prospect, and of several
/// prospects the one in the declared pool. None while facts are missing.
fn matching_free<'a>(
    draft: &mut Draft<'a>,
    wanted: &DesiredApplication,
    item: &Item<'a>,
    goal: &Goal<'_>,
    rows: &'a [Arc<Record>],
) -> Option<Vec<&'a Arc<Record>>> {
    let held = held_by_others(draft, item)?;
    let is_free = |row: &&Arc<Record>| matches(row, wanted, goal) && !held.contains(&row.remote());
    let mut matching: Vec<&'a Arc<Record>> = rows.iter().filter(is_free).collect();
    match wanted.kind {
        ApplicationKind::Application if matching.iter().any(|row| is_application(row)) => {
            matching.retain(|row| is_application(row));
        }
        ApplicationKind::Prospect if goal.pool.is_some() && matching.len() > 1 => {
            matching = in_pool(draft, matching, goal)?;
        }
        _ => {}
    }
    Some(matching)
}

/// The application that a recruiter converted the prospect to: the path follows it, and no prospect
/// is created in its place. None, with a finding, where none is proven to be it.
fn result_of<'a>(
    draft: &mut Draft<'a>,
    item: &Item<'a>,
    prospect: &Record,
    rows: &'a [Arc<Record>],
) -> Option<&'a Arc<Record>> {
    let path = item.path.as_str();
    // Every fact is asked for before one is missed, so that they are fetched in one round.
    let paths: Vec<Option<&[String]>> =
        rows.iter().map(|row| draft.linked_to(&row.remote())).collect();
    let mut all: Vec<Candidacy<'_>> = Vec::new();
    for (row, paths) in rows.iter().zip(paths) {
        let remote = row.remote();
        let is_linked = paths?.iter().any(|linked| linked != path);
        let is_adopted = draft.plan.adoptions.iter().any(|adoption| adoption.remote == remote);
        all.push(Candidacy {
            id: &row.id,
            body: &row.body,
            is_free: !is_linked && !is_adopted,
            is_doubtful: row.moved_in,
        });
    }
    let proven = all
        .iter()
        .find(|one| one.id == prospect.id)
        .and_then(|prospect| conversion::result(prospect, &all))
        .and_then(|result| rows.iter().find(|row| row.id == result.id));
    if proven.is_some() {
        return proven;
    }
    let message = format!(
        "{path}: the prospect was converted in the ATS; it stays so: nothing is created, and \
         nothing is written to it"
    );
    draft.report(FindingKind::Drifted, path, Reason::ConvertedInAts, message);
    leave_unwritten(draft, item);
    None
}

/// Finds the record of the application: linked, or matching. None while facts are missing or after
/// it blocked the record.
fn find<'a>(
    draft: &mut Draft<'a>,
    candidate: &Parent<'a>,
    wanted: &DesiredApplication,
    item: &Item<'a>,
    goal: &Goal<'_>,
) -> Option<Found<'a>> {
    let path = item.path.as_str();
    let mut converted: Option<&'a Arc<Record>> = None;
    if let Some(link) = draft.input.links.get(path) {
        let remote = link.remote.clone();
        let unseen = || {
            format!(
                "{path}: it is linked to {remote}, which the ATS does not show: deleted, or not \
                 visible yet; it continues when the ATS shows it, and a sweep of applications \
                 finds out whether it was deleted"
            )
        };
        let record = linked(draft, path, &remote, |_| Some(deleted(path, &remote)), unseen)?;
        if !is_converted(record) {
            return Some(Found::Existing(record));
        }
        // Converted in the ATS: the application lives on under a new id.
        converted = Some(record);
    }
    let Some(owner) = candidate.record else { return Some(Found::Missing) };
    let rows = draft.lookup(item.of.kind, index::CANDIDATE, &owner.id)?;
    let mut matching = matching_free(draft, wanted, item, goal, rows)?;
    if let (true, ApplicationKind::Prospect, Some(prospect)) =
        (matching.is_empty(), wanted.kind, converted)
    {
        matching = vec![result_of(draft, item, prospect, rows)?];
    }
    match matching.as_slice() {
        [] => Some(Found::Missing),
        [record] => {
            let reason = match wanted.kind {
                _ if converted.is_some() => "the prospect was converted to it",
                ApplicationKind::Application if is_prospect(record) => {
                    "the candidate is a prospect of this job"
                }
                ApplicationKind::Application => "the candidate already applied to this job",
                ApplicationKind::Prospect => "the candidate is already such a prospect",
            };
            adopt(draft, path, record, reason);
            Some(Found::Existing(record))
        }
        several => {
            let message = format!(
                "{path}: {} applications of the candidate match (ids {})",
                several.len(),
                ids(several)
            );
            draft.block(path, Reason::AmbiguousApplication, message);
            None
        }
    }
}

fn matches(row: &Record, wanted: &DesiredApplication, goal: &Goal<'_>) -> bool {
    let job = row.text("job.id");
    match wanted.kind {
        ApplicationKind::Application => {
            // Matches a prospect of the job too, so that no second candidacy is created beside it;
            // converting it is a step of its own.
            !(is_converted(row) && is_prospect(row))
                && goal.job.is_some_and(|goal| job == Some(goal.id.as_str()))
        }
        ApplicationKind::Prospect if is_converted(row) || !is_prospect(row) => false,
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
        match placements(draft, row) {
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

/// Adds the application to the step that creates the candidate, where the ATS takes both in one
/// request with every declared member.
fn carry(
    draft: &mut Draft<'_>,
    candidate: &Parent<'_>,
    item: &Item<'_>,
    creation: &Creation,
) -> bool {
    if candidate.record.is_some() {
        return false;
    }
    let Creation { input, fields, applied, after } = creation;
    let manifest = draft.input.manifest;
    let Some(step) = draft.plan.steps.iter_mut().find(|step| step.path == draft.input.desired.key)
    else {
        return false;
    };
    let Some(rule) = manifest.operation(&step.operation) else { return false };
    let matches = |carry: &Carry| {
        let word = input.get("kind").and_then(Value::as_str);
        carry.kind == item.of.kind
            && carry.when.as_deref().is_none_or(|when| word == Some(when))
            && input.keys().all(|member| carry.members.contains(member))
    };
    if step.input.contains_key("application") || !rule.may_carry.iter().any(matches) {
        return false;
    }
    step.input.insert("application".to_owned(), Value::Object(input.clone()));
    step.after.extend(after.iter().cloned());
    step.makes.insert(item.of.kind.to_owned(), item.path.clone());
    step.applied.insert(item.path.clone(), applied.clone());
    step.fields.extend(fields.iter().map(|field| FieldChange {
        field: format!("application.{}", field.field),
        ..field.clone()
    }));
    true
}

/// Reports a prospect that is in another pool, or pool stage, than declared: both are set only at
/// creation. Nothing is known where the ATS shows no placement.
fn placement(draft: &mut Draft<'_>, path: &str, goal: &Goal<'_>, record: &Record) {
    let Some(pool) = goal.pool else { return };
    if !is_prospect(record) || is_converted(record) {
        return;
    }
    let Some(placements) = placements(draft, record) else {
        return;
    };
    let matches = |placement: &Arc<Record>| {
        placement.text("pool.id") == Some(pool.id.as_str())
            && goal.pool_stage.is_none_or(|stage| {
                let held = placement.text("pool_stage.id");
                held.is_none() || held == Some(stage.id.as_str())
            })
    };
    if placements.is_empty() || placements.iter().any(matches) {
        return;
    }
    let message = format!(
        "{path}: the prospect is in another pool or pool stage in the ATS; it stays there, since a \
         prospect is placed only when it is created"
    );
    draft.report(FindingKind::Drifted, path, Reason::PlacedElsewhere, message);
}

/// Accounts for the members that [`lifecycle`] handles, and reports those that mean nothing with
/// the declared outcome.
fn account_lifecycle(draft: &mut Draft<'_>, wanted: &DesiredApplication, path: &str) {
    for (place, reference, outcome) in [
        ("reject_reason", &wanted.reject_reason, DesiredOutcome::Rejected),
        ("opening", &wanted.opening, DesiredOutcome::Hired),
    ] {
        draft.account(path, place);
        if reference.is_some() && wanted.outcome != Some(outcome) {
            let word = lifecycle::word(outcome);
            let message = format!(
                "{path}: `{place}` has a meaning only with the outcome {word}; it is ignored"
            );
            draft.report(FindingKind::Note, path, Reason::NoMeaning, message);
        }
    }
    for place in ["stage", "outcome"] {
        draft.account(path, place);
    }
}
