//! The lifecycle of an application: its stage, its outcome, and the conversion of a prospect. Pure.
//!
//! A course of steps leads from the application's state to the declared one, each step after the
//! one before: reopen, convert, enter the stage, reject or hire. A new application takes the same
//! course from the state in which every application begins, so the first plan resolves every
//! reference before anything is created. A creation or a conversion sets the stage itself where it
//! can, because a move can mail the candidate.
//!
//! The base, which the engine last applied, shows whose state it is. A state equal to the base is
//! the host's own and follows the declaration; under `yield` any other state is kept and reported
//! as drift. An open application, and one in the first stage of its job, counts as empty: nobody
//! has decided yet.
//!
//! What the ATS cannot do from the present state is reported and not retried: a closed application
//! is not moved, and a hire is undone only where the adapter can. Left out: withdrawing an
//! application, which only the candidate can do.

use super::field::left_alone;
use super::goal::{Goal, report_job_not_open};
use super::guard::Seen;
use super::opening;
use super::ownership::{Comparison, Decision};
use super::place::{Place, is_application, is_prospect};
use super::story::Values;
use super::{Draft, FindingKind, Record, Step, forms, step};
use crate::index;
use crate::reason::Reason;
use atsync_model::contract::RemoteRef;
use atsync_model::desired::{ApplicationKind, DesiredApplication, DesiredOutcome, Reference};
use atsync_model::manifest::OperationRule;
use atsync_model::{kinds, normal};
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// The steps from the state of an application to the declared one.
#[derive(Debug, Default)]
pub(super) struct Course<'a> {
    /// The stage that the creation sets.
    pub(super) stage_at_creation: Option<&'a Arc<Record>>,
    legs: Vec<Leg>,
}

/// One step of a course, and what it adds to the base.
#[derive(Debug)]
struct Leg {
    step: Step,
    sets: Map<String, Value>,
    /// The fields that it writes: what the ATS shows before it, and after it.
    wrote: Vec<(&'static str, Value, Value)>,
}

impl Leg {
    fn new(rule: &OperationRule, path: &str, reason: &str) -> Self {
        Self { step: step(rule, path, reason.to_owned()), sets: Map::new(), wrote: Vec::new() }
    }

    /// Shows the change of a field.
    fn change(mut self, field: &str, before: Value, after: Value) -> Self {
        self.step.change(field, before, after);
        self
    }

    /// Adds a field to the base.
    fn sets(mut self, field: &str, value: &str) -> Self {
        self.sets.insert(field.to_owned(), json!(value));
        self
    }

    /// As [`Self::sets`], for a field that showed `there` before.
    fn writes(mut self, field: &'static str, there: Value, value: &str) -> Self {
        self.wrote.push((field, there, json!(value)));
        self.sets(field, value)
    }

    fn input(mut self, member: &str, id: &str) -> Self {
        self.step.input.insert(member.to_owned(), json!(id));
        self
    }
}

impl Course<'_> {
    /// Adds the steps to the plan. `record`: the application, none while a step creates it;
    /// `maker`: the path of that step; `applied`: the base as the steps before leave it.
    pub(super) fn join(
        self,
        draft: &mut Draft<'_>,
        path: &str,
        record: Option<&Record>,
        maker: Option<&str>,
        mut applied: Map<String, Value>,
    ) {
        let mut target = record.map(Record::remote);
        let mut after: Vec<String> = maker.into_iter().map(str::to_owned).collect();
        let base = draft.base(path);
        for (at, Leg { mut step, sets, wrote }) in self.legs.into_iter().enumerate() {
            let manifest = draft.input.manifest;
            if let (0, Some(_), Some(rule)) = (at, record, manifest.operation(&step.operation)) {
                // Only the first step changes what the plan saw.
                guard(draft, &base, rule, &wrote, &mut step);
            }
            if step.target.is_none() {
                match &target {
                    Some(target) => step.target = Some(target.clone()),
                    None => step.target_path = Some(path.to_owned()),
                }
            }
            if !step.makes.is_empty() {
                // A conversion creates another record, which the later steps change.
                target = None;
            }
            step.after.append(&mut after);
            after.push(path.to_owned());
            applied.extend(sets);
            for (field, there, value) in wrote {
                forms::record_exact_write(&mut applied, field, &there, &value);
            }
            step.applied.insert(path.to_owned(), applied.clone());
            draft.plan.steps.push(step);
        }
    }
}

/// Adds to a step the values that its fields may show if no one else changed them.
fn guard(
    draft: &Draft<'_>,
    base: &Map<String, Value>,
    rule: &OperationRule,
    wrote: &[(&'static str, Value, Value)],
    step: &mut Step,
) {
    let mut seen = Seen::default();
    for (field, there, value) in wrote {
        let shown = step.fields.iter().filter(|change| change.field == *field);
        // By name as well: some rows lack the id.
        let names = shown.flat_map(|change| [change.before.clone(), change.after.clone()]);
        let may_show = [there.clone(), value.clone()]
            .into_iter()
            .chain(base.get(*field).cloned())
            .chain(names);
        seen.field(draft, (field, field), may_show);
    }
    seen.join(rule, &mut step.input);
}

/// What a course is planned from.
struct Situation<'a, 'r> {
    wanted: &'a DesiredApplication,
    path: &'r str,
    goal: &'r Goal<'a>,
    /// None for an application that is to be created.
    record: Option<&'r Record>,
    base: Map<String, Value>,
    /// The outcome in the ATS.
    outcome: &'r str,
}

impl Situation<'_, '_> {
    fn base(&self, field: &str) -> Option<&str> {
        self.base.get(field).and_then(Value::as_str)
    }

    /// Returns the job whose stages and openings apply: the application's own, once it has one.
    fn job(&self) -> Option<&str> {
        let own = self.record.filter(|record| is_application(record));
        own.and_then(|record| record.text("job.id"))
            .or_else(|| self.goal.job.map(|job| job.id.as_str()))
    }
}

/// Plans the course of an application. Records in `applied` what is in step. Empty where nothing is
/// to be done, while facts are missing, and after it blocked the record.
pub(super) fn course<'a>(
    draft: &mut Draft<'a>,
    wanted: &'a DesiredApplication,
    path: &str,
    goal: &Goal<'a>,
    record: Option<&Record>,
    applied: &mut Map<String, Value>,
) -> Course<'a> {
    let mut course = Course::default();
    let prospect = match record {
        Some(record) => is_prospect(record),
        None => wanted.kind == ApplicationKind::Prospect,
    };
    let outcome = record.map_or("active", |record| record.text("outcome.value").unwrap_or("other"));
    let base = draft.base(path);
    let at = Situation { wanted, path, goal, record, base, outcome };
    // [`super::application`] reported a converted prospect that no application follows.
    if (prospect && outcome == "converted")
        || (prospect && wanted.kind == ApplicationKind::Prospect && !prospect_can(draft, &at))
    {
        return course;
    }
    if !matches!(outcome, "active" | "rejected" | "withdrawn" | "closed" | "hired") {
        if wanted.outcome.is_some() || wanted.stage.is_some() {
            let message = format!(
                "{path}: the ATS shows an outcome that the adapter does not know; stage and \
                 outcome are not written"
            );
            draft.report(FindingKind::Note, path, Reason::UnknownOutcome, message);
        }
        return course;
    }
    let end = wanted.outcome.filter(|wanted| is_to_be_written(draft, &at, *wanted, applied));
    let last = match end {
        Some(DesiredOutcome::Rejected) => Some(reject(draft, &at)),
        Some(DesiredOutcome::Hired) => Some(hire(draft, &at)),
        Some(DesiredOutcome::Active) | None => None,
    };
    if let Some(None) = last {
        // The end cannot be reached, and its finding says why. A stage can still be entered.
        enter_stage(draft, &at, prospect, outcome == "active", &mut course, applied);
        return course;
    }
    let last = last.flatten();
    let mut is_open = outcome == "active";
    let reopens = match end {
        Some(DesiredOutcome::Active | DesiredOutcome::Hired) => !is_open,
        Some(DesiredOutcome::Rejected) => outcome == "hired",
        None => false,
    };
    if reopens {
        let Some(leg) = reopen(draft, &at) else { return course };
        course.legs.push(leg);
        is_open = true;
    }
    if !enter_stage(draft, &at, prospect, is_open, &mut course, applied) {
        return course;
    }
    course.legs.extend(last);
    match (wanted.outcome, outcome) {
        (Some(DesiredOutcome::Rejected), "rejected") => {
            course.legs.extend(reason_of_a_rejection(draft, &at, applied))
        }
        (Some(DesiredOutcome::Hired), "hired") => opening_of_a_hire(draft, &at),
        _ => {}
    }
    course
}

/// Whether a prospect can have what is declared. False when it blocked the record.
fn prospect_can(draft: &mut Draft<'_>, at: &Situation<'_, '_>) -> bool {
    let path = at.path;
    if at.wanted.stage.is_some() {
        let message = format!(
            "{path}: a prospect has no stage of a job; declare a `pool_stage`, or declare it as an \
             application"
        );
        draft.block(path, Reason::StageOfProspect, message);
        return false;
    }
    if at.wanted.outcome == Some(DesiredOutcome::Hired) {
        let message = format!("{path}: a prospect cannot be hired; declare it as an application");
        draft.block(path, Reason::HireOfProspect, message);
        return false;
    }
    true
}

/// Returns the word of an outcome in the unified model.
pub(super) fn word(outcome: DesiredOutcome) -> &'static str {
    match outcome {
        DesiredOutcome::Active => "active",
        DesiredOutcome::Rejected => "rejected",
        DesiredOutcome::Hired => "hired",
    }
}

/// Whether the outcome is to be written. Reports why not.
fn is_to_be_written(
    draft: &mut Draft<'_>,
    at: &Situation<'_, '_>,
    wanted: DesiredOutcome,
    applied: &mut Map<String, Value>,
) -> bool {
    let (path, observed, wanted) = (at.path, at.outcome, word(wanted));
    let last = at.base("outcome");
    let (goal, there, base) = (json!(wanted), json!(observed), last.map(|last| json!(last)));
    if at.record.is_none() {
        // A new application is active by itself.
        let write = wanted != observed;
        let decision = if write { Decision::Write } else { Decision::InStep };
        draft.record_decision(
            path,
            "outcome",
            decision,
            &Values { desired: &goal, applied: None, observed: &Value::Null },
        );
        if !write {
            applied.insert("outcome".to_owned(), goal);
        }
        return write;
    }
    let values = Values { desired: &goal, applied: base.as_ref(), observed: &there };
    if wanted == "rejected" && matches!(observed, "withdrawn" | "closed") {
        draft.record_decision(path, "outcome", Decision::Drifted, &values);
        let message =
            format!("{path}: it is {observed} in the ATS, so it cannot be rejected and stays so");
        draft.report(FindingKind::Drifted, path, Reason::ChangedInAts, message);
        return false;
    }
    let comparison = Comparison {
        observed_is_desired: observed == wanted,
        // Every application begins active: nobody has decided yet.
        observed_is_empty: observed == "active",
        has_base: last.is_some(),
        observed_is_base: last == Some(observed),
        desired_is_base: last == Some(wanted),
    };
    let decision = draft.decide(path, "outcome", comparison, &values);
    let is_unseen = forms::is_unseen(applied, "outcome", &there, &goal);
    let shown = Shown { field: "outcome", observed, desired: wanted };
    follow(draft, path, &shown, decision, is_unseen, applied, goal)
}

/// A field of the lifecycle as people read it.
struct Shown<'s> {
    field: &'static str,
    observed: &'s str,
    desired: &'s str,
}

/// Acts on a decision: records the base, or reports why nothing is written. True when the field is
/// to be written. `is_unseen`: the ATS never showed the last write of it.
fn follow(
    draft: &mut Draft<'_>,
    path: &str,
    shown: &Shown<'_>,
    decision: Decision,
    is_unseen: bool,
    applied: &mut Map<String, Value>,
    desired: Value,
) -> bool {
    let Shown { field, observed, desired: wanted } = *shown;
    match decision {
        Decision::Write => return true,
        Decision::InStep => {
            applied.insert(field.to_owned(), desired);
            forms::clear_sent(applied, field);
        }
        Decision::Drifted | Decision::Conflict if is_unseen => {
            forms::report_unseen(draft, path, field, observed);
        }
        Decision::Drifted => {
            let message = format!(
                "{path}: `{field}` is {observed} in the ATS and not {wanted}; the ATS's value is \
                 kept (policy yield; `enforce` overwrites it)"
            );
            draft.report(FindingKind::Drifted, path, Reason::ChangedInAts, message);
        }
        Decision::Conflict => {
            let message = format!(
                "{path}: `{field}` was changed to {observed} in the ATS and to {wanted} in the \
                 desired record; nothing is written until both agree (`enforce` overwrites the \
                 ATS's value)"
            );
            draft.report(FindingKind::Conflict, path, Reason::ChangedByBoth, message);
        }
        Decision::Erased => draft.report_erased(path, field),
        Decision::Leave => left_alone(draft, path, field, &json!(observed), &json!(wanted)),
    }
    false
}

/// Plans a rejection. None after it reported or blocked why not.
fn reject(draft: &mut Draft<'_>, at: &Situation<'_, '_>) -> Option<Leg> {
    let path = at.path;
    let rule = draft.operation(path, "applications.reject");
    // Checks the reason whether or not the connection may reject.
    let known = draft.input.manifest.operation("applications.reject");
    let needs_reason =
        known.is_some_and(|rule| rule.required.iter().any(|member| member == "reason"));
    let reason = match &at.wanted.reject_reason {
        Some(reason) => Some(draft.resolve(path, kinds::REJECT_REASONS, None, reason)?),
        None if needs_reason => {
            let message = format!("{path}: `outcome` is rejected, so it needs `reject_reason`");
            draft.block(path, Reason::MissingField, message);
            return None;
        }
        None => None,
    };
    let leg = Leg::new(rule?, path, "it is declared as rejected").writes(
        "outcome",
        json!(at.outcome),
        "rejected",
    );
    let leg = leg.change("outcome", before(at), json!("rejected"));
    let Some(reason) = reason else { return Some(leg) };
    let shown = json!(reason.label());
    let leg = leg.input("reason", &reason.id).change("reject_reason", Value::Null, shown);
    Some(leg.sets("reject_reason", &reason.id))
}

/// Plans a hire. None after it reported or blocked why not.
fn hire(draft: &mut Draft<'_>, at: &Situation<'_, '_>) -> Option<Leg> {
    let path = at.path;
    let rule = draft.operation(path, "applications.hire")?;
    // Blocks, before anything is created, what the ATS would refuse afterwards.
    let opening = opening::of_hire(draft, path, at.job(), at.wanted.opening.as_ref())?;
    let leg = Leg::new(rule, path, "it is declared as hired").writes(
        "outcome",
        json!(at.outcome),
        "hired",
    );
    let leg = leg.change("outcome", before(at), json!("hired"));
    let Some(opening) = opening else { return Some(leg) };
    let shown = json!(opening::shown(opening));
    let leg = leg.input("opening", &opening.id).change("opening", Value::Null, shown);
    // An opening that the host did not name is not part of the base.
    Some(if at.wanted.opening.is_some() { leg.sets("opening", &opening.id) } else { leg })
}

/// Plans the reversal of a rejection or a hire.
fn reopen(draft: &mut Draft<'_>, at: &Situation<'_, '_>) -> Option<Leg> {
    let (rule, reason) = if at.outcome == "hired" {
        (draft.operation(at.path, "applications.unhire")?, "the hire is undone")
    } else {
        (draft.operation(at.path, "applications.unreject")?, "the rejection is undone")
    };
    let leg = Leg::new(rule, at.path, reason).change("outcome", before(at), json!("active"));
    Some(leg.writes("outcome", json!(at.outcome), "active"))
}

/// Returns the outcome before the course; null for an application that is to be created.
fn before(at: &Situation<'_, '_>) -> Value {
    if at.record.is_some() { json!(at.outcome) } else { Value::Null }
}

/// Plans the conversion and the stage. False where a prospect stays one, so that no later step is
/// possible, while facts are missing, and after it blocked the record.
fn enter_stage<'a>(
    draft: &mut Draft<'a>,
    at: &Situation<'a, '_>,
    prospect: bool,
    is_open: bool,
    course: &mut Course<'a>,
    applied: &mut Map<String, Value>,
) -> bool {
    let is_wanted_as_application = at.wanted.kind == ApplicationKind::Application;
    if prospect && is_wanted_as_application {
        return convert(draft, at, is_open, course);
    }
    let Some(reference) = &at.wanted.stage else { return true };
    match at.record {
        Some(record) if is_open => move_to_stage(draft, at, record, reference, course, applied),
        Some(record) => {
            stage_of_closed(draft, at, record, reference);
            true
        }
        None => {
            let Some(stage) = resolve_stage(draft, at, reference) else { return false };
            if !may_enter(draft, at.path) {
                return true;
            }
            if takes(draft, "applications.create", "stage") {
                course.stage_at_creation = Some(stage);
            } else if let Some(rule) = draft.operation(at.path, "applications.move") {
                course.legs.push(moving(rule, at.path, Value::Null, Value::Null, stage));
            }
            true
        }
    }
}

/// Plans the conversion of the prospect, into its stage where the conversion can set one. False
/// where it stays a prospect.
fn convert<'a>(
    draft: &mut Draft<'a>,
    at: &Situation<'a, '_>,
    is_open: bool,
    course: &mut Course<'a>,
) -> bool {
    let path = at.path;
    let Some(job) = at.goal.job else { return false };
    report_job_not_open(draft, path, job);
    let stage = at.wanted.stage.as_ref().map(|reference| resolve_stage(draft, at, reference));
    if let Some(None) = stage {
        return false;
    }
    if !is_open {
        let message = format!(
            "{path}: the candidate is a prospect of this job and {} in the ATS; the prospect is \
             not converted",
            at.outcome
        );
        draft.report(FindingKind::Drifted, path, Reason::ClosedInAts, message);
        return false;
    }
    let Some(rule) = draft.operation(path, "applications.convert") else { return false };
    let leg =
        Leg::new(rule, path, "the prospect is declared as an application").input("job", &job.id);
    let mut leg = leg.change("kind", json!("prospect"), json!("application")).sets("job", &job.id);
    leg.step.link(path);
    let Some(stage) = stage.flatten() else {
        course.legs.push(leg);
        return true;
    };
    if takes(draft, "applications.convert", "stage") {
        let shown = json!(stage.label());
        let leg = leg.input("stage", &stage.id).change("stage", Value::Null, shown);
        course.legs.push(leg.writes("stage", Value::Null, &stage.id));
    } else {
        course.legs.push(leg);
        if let Some(rule) = draft.operation(path, "applications.move") {
            course.legs.push(moving(rule, path, Value::Null, Value::Null, stage));
        }
    }
    true
}

/// Whether an operation takes a member.
fn takes(draft: &Draft<'_>, operation: &str, member: &str) -> bool {
    draft.input.manifest.operation(operation).is_some_and(|rule| rule.field(member).is_some())
}

/// Whether a creation may set a stage. Where moves need an opt-in, so does this: the rules of a
/// stage may run when it is entered.
fn may_enter(draft: &mut Draft<'_>, path: &str) -> bool {
    let moves = draft.input.manifest.operation("applications.move");
    moves.is_none() || draft.operation(path, "applications.move").is_some()
}

/// Plans a move. `there`: the id of the stage before it; null for an application that is to be
/// created.
fn moving(rule: &OperationRule, path: &str, before: Value, there: Value, stage: &Record) -> Leg {
    let shown = json!(stage.label());
    let leg = Leg::new(rule, path, "it is declared in another stage").input("to_stage", &stage.id);
    leg.change("stage", before, shown).writes("stage", there, &stage.id)
}

/// Resolves the declared stage: of the application's job, and active. None while facts are missing
/// or after it blocked the record.
fn resolve_stage<'a>(
    draft: &mut Draft<'a>,
    at: &Situation<'a, '_>,
    reference: &Reference,
) -> Option<&'a Arc<Record>> {
    let (path, job) = (at.path, at.job());
    let stage = draft.resolve(path, kinds::STAGES, job, reference)?;
    let name = stage.label();
    if !stage.is_active() {
        let message = format!(
            "{path}: the stage {name:?} (id {}) is archived in the ATS; name another one, or \
             remove `stage`",
            stage.id
        );
        draft.block(path, Reason::ArchivedReference, message);
        return None;
    }
    Some(stage)
}

/// Plans the move of an active application. False while facts are missing or after it blocked the
/// record.
fn move_to_stage<'a>(
    draft: &mut Draft<'a>,
    at: &Situation<'a, '_>,
    record: &Record,
    reference: &Reference,
    course: &mut Course<'a>,
    applied: &mut Map<String, Value>,
) -> bool {
    let path = at.path;
    let Some(place) = Place::of(draft, record, at.job()) else { return false };
    let there = place.id.or(place.name).map_or(Value::Null, |shown| json!(shown));
    if place.is_meant(reference) {
        let last = at.base("stage").map(|last| json!(last));
        draft.record_decision(
            path,
            "stage",
            Decision::InStep,
            &Values { desired: &there, applied: last.as_ref(), observed: &there },
        );
        if let Some(id) = place.id {
            applied.insert("stage".to_owned(), json!(id));
        }
        forms::clear_sent(applied, "stage");
        return true;
    }
    let Some(stage) = resolve_stage(draft, at, reference) else { return false };
    if !record.knows("stage") {
        let message =
            format!("{path}: the ATS does not show its stage, so the stage is not written");
        draft.report(FindingKind::Note, path, Reason::UnknownStage, message);
        return true;
    }
    let last = at.base("stage");
    let observed_is_desired = match place.id {
        Some(id) => id == stage.id,
        None => place
            .name
            .is_some_and(|name| stage.text("name").map(normal::name) == Some(normal::name(name))),
    };
    let begins = if last.is_none() && !observed_is_desired {
        entry_stage(draft, at.job())
    } else {
        Some(None)
    };
    let Some(begins) = begins else { return false };
    let comparison = Comparison {
        observed_is_desired,
        observed_is_empty: place.is_nowhere() || (begins.is_some() && begins == place.id),
        has_base: last.is_some(),
        observed_is_base: last.is_some() && last == place.id,
        desired_is_base: last == Some(stage.id.as_str()),
    };
    let (wanted, base) = (json!(stage.id), last.map(|last| json!(last)));
    let values = Values { desired: &wanted, applied: base.as_ref(), observed: &there };
    let decision = draft.decide(path, "stage", comparison, &values);
    let stands = matches!(decision, Decision::Drifted | Decision::Conflict);
    let is_unseen = if stands && forms::is_unseen(applied, "stage", &Value::Null, &wanted) {
        // It was created with the declared stage, and is in the first one, where the ATS puts new
        // applications.
        let Some(begins) = entry_stage(draft, at.job()) else { return false };
        begins.is_some() && begins == place.id
    } else {
        stands && forms::is_unseen(applied, "stage", &there, &wanted)
    };
    let (observed, name) = (format!("{:?}", place.shown()), format!("{:?}", stage.label()));
    let shown = Shown { field: "stage", observed: &observed, desired: &name };
    if follow(draft, path, &shown, decision, is_unseen, applied, wanted)
        && let Some(rule) = draft.operation(path, "applications.move")
    {
        let before = if place.is_nowhere() { Value::Null } else { json!(place.shown()) };
        course.legs.push(moving(rule, path, before, there, stage));
    }
    true
}

/// Returns the stage in which applications to a job begin: the first active one. The outer option
/// is none while facts are missing.
fn entry_stage<'a>(draft: &mut Draft<'a>, job: Option<&str>) -> Option<Option<&'a str>> {
    let Some(job) = job else { return Some(None) };
    let stages = draft.lookup(kinds::STAGES, index::PARENT, job)?;
    let in_use = stages.iter().filter(|stage| stage.is_active());
    let placed =
        in_use.filter_map(|stage| Some((stage.value("order")?.as_i64()?, stage.id.as_str())));
    Some(placed.min().map(|(_, id)| id))
}

/// Reports why a closed application does not enter the declared stage, where the outcome does not
/// explain it.
fn stage_of_closed<'a>(
    draft: &mut Draft<'a>,
    at: &Situation<'a, '_>,
    record: &Record,
    reference: &Reference,
) {
    let path = at.path;
    let Some(place) = Place::of(draft, record, at.job()) else { return };
    // A hire leaves the stage that was entered before it.
    let is_wanted_closed = at.wanted.outcome.is_some_and(|wanted| word(wanted) == at.outcome);
    let has_left = is_wanted_closed && at.outcome == "hired" && place.is_nowhere();
    let was_entered = if has_left { is_base(draft, at, reference) } else { Some(false) };
    if place.is_meant(reference) || was_entered != Some(false) {
        return;
    }
    let (kind, reason) = if is_wanted_closed {
        (FindingKind::Note, Reason::Closed)
    } else {
        (FindingKind::Drifted, Reason::ClosedInAts)
    };
    let message = format!(
        "{path}: it is {} in the ATS, and a closed application is not moved; its `stage` is not \
         written",
        at.outcome
    );
    draft.report(kind, path, reason, message);
}

/// Whether the declared stage is the applied one. None while facts are missing.
fn is_base(draft: &mut Draft<'_>, at: &Situation<'_, '_>, reference: &Reference) -> Option<bool> {
    let Some(id) = at.base("stage") else { return Some(false) };
    let stage = draft.observed(&RemoteRef::new(kinds::STAGES, id))?;
    // A stage that was deleted since is known by its id alone.
    Some(
        Place { id: Some(id), name: stage.and_then(|stage| stage.text("name")) }
            .is_meant(reference),
    )
}

/// Plans the reason of a rejection. A change of the reason need not show on the application, so
/// where the application does not show the declared one, the rejection's own record decides.
fn reason_of_a_rejection(
    draft: &mut Draft<'_>,
    at: &Situation<'_, '_>,
    applied: &mut Map<String, Value>,
) -> Option<Leg> {
    let (path, record, reference) = (at.path, at.record?, at.wanted.reject_reason.as_ref()?);
    let last = at.base("reject_reason");
    let shown = record.text("reject_reason.id");
    if let Some(id) = shown
        && let Some(held) = draft.observed(&RemoteRef::new(kinds::REJECT_REASONS, id))?
        && (Place { id: Some(id), name: held.text("name") }).is_meant(reference)
    {
        // In step by its name, even where it was archived since.
        applied.insert("reject_reason".to_owned(), json!(id));
        forms::clear_sent(applied, "reject_reason");
        return None;
    }
    let reason = draft.resolve(path, kinds::REJECT_REASONS, None, reference)?;
    let is_ours_and_unseen = shown.is_none() && last == Some(reason.id.as_str());
    if is_ours_and_unseen || draft.input.manifest.kind(kinds::REJECTIONS).is_none() {
        return None;
    }
    let rejection = draft.lookup(kinds::REJECTIONS, index::PARENT, &record.id)?.last();
    let observed = rejection.and_then(|rejection| rejection.text("reject_reason.id")).or(shown);
    let comparison = Comparison {
        observed_is_desired: observed == Some(reason.id.as_str()),
        observed_is_empty: observed.is_none(),
        has_base: last.is_some(),
        observed_is_base: last.is_some() && last == observed,
        desired_is_base: last == Some(reason.id.as_str()),
    };
    let (wanted, there) = (json!(reason.id), observed.map_or(Value::Null, |id| json!(id)));
    let base = last.map(|last| json!(last));
    let values = Values { desired: &wanted, applied: base.as_ref(), observed: &there };
    let decision = draft.decide(path, "reject_reason", comparison, &values);
    let is_unseen = forms::is_unseen(applied, "reject_reason", &there, &wanted);
    let held = observed.map(|id| RemoteRef::new(kinds::REJECT_REASONS, id));
    let held = held.and_then(|remote| draft.facts.observed(&remote).ok().flatten());
    let observed = held.map_or(observed.unwrap_or("nothing"), |held| held.label());
    let shown = Shown { field: "reject_reason", observed, desired: reason.label() };
    if !follow(draft, path, &shown, decision, is_unseen, applied, wanted) {
        return None;
    }
    let rejection = rejection?;
    let rule = draft.operation(path, "rejections.update")?;
    let mut leg = Leg::new(rule, path, "another reason is declared for its rejection")
        .input("reason", &reason.id)
        .change("reject_reason", there.clone(), json!(reason.label()))
        .writes("reject_reason", there, &reason.id);
    leg.step.target = Some(rejection.remote());
    Some(leg)
}

/// Reports that a hire took another opening than the declared one: no known ATS changes that
/// afterwards.
fn opening_of_a_hire(draft: &mut Draft<'_>, at: &Situation<'_, '_>) {
    let (Some(reference), Some(record)) = (&at.wanted.opening, at.record) else { return };
    let Some(named) = opening::named(draft, at.job(), reference) else { return };
    let is_ours = |opening: &&Arc<Record>| {
        at.base("opening") == Some(opening.id.as_str())
            || opening.text("application.id") == Some(record.id.as_str())
    };
    let is_deleted = named.is_empty() && at.base("opening").is_some();
    if is_deleted || named.iter().any(is_ours) {
        return;
    }
    let path = at.path;
    let message = format!(
        "{path}: it is hired into another opening than the declared one, and a hire's opening \
         cannot be changed from here; change it in the ATS, or correct `opening`"
    );
    draft.report(FindingKind::Drifted, path, Reason::OtherOpening, message);
}
