//! Explains why a desired record is as it is, from the stored facts.
//!
//! Nothing is read from the ATS, and nothing is written. [`display`] renders it for people.

mod display;

use crate::clock::rfc3339;
use crate::error::Error;
use crate::journal::{Intent, IntentState, Try};
use crate::path::{self, Path};
use crate::plan::ownership::Decision;
use crate::plan::{self, FindingKind, RecordPlan, Step, Story, words};
use crate::reason::Reason;
use crate::reconcile::context::Context;
use crate::reconcile::gather::{Gathered, Gatherer};
use crate::reconcile::planning::{Planner, is_withheld_note, mode_withholds, only_observe};
use crate::reconcile::rows::record;
use crate::store::{Condition, LinkRow, Mode};
use atsync_model::contract::RemoteRef;
use atsync_model::declarable::{self, Holds};
use atsync_model::desired::Policy;
use serde::Serialize;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The verdict on a field that the next plan asks the ATS about: nothing is read here, so a guess
/// could differ from the plan's.
const DISPUTED: &str = "not known: two observations of it disagree, and the next plan asks the ATS";

/// Intents that are listed at most, the newest ones.
const INTENTS_MAX: usize = 100;

/// Everything that is known about one desired record.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Explanation {
    /// The connection.
    pub connection: String,
    /// The record's key.
    pub key: String,
    /// What the engine may do for it.
    pub mode: Mode,
    /// Its generation.
    pub generation: u64,
    /// The generation that the conditions describe.
    pub observed_generation: u64,
    /// The next plan includes it.
    pub dirty: bool,
    /// Its conditions after the last plan or apply.
    pub conditions: Vec<Condition>,
    /// What it is linked to.
    pub links: Vec<LinkRow>,
    /// Those of the links whose record was deleted, or removed by the engine, by path.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub links_gone: BTreeSet<String>,
    /// Each field that the host names.
    pub fields: Vec<FieldStory>,
    /// What happens next.
    pub next: Vec<Next>,
    /// What was done and tried, newest first, at most 100.
    pub intents: Vec<IntentStory>,
}

/// One field: desired, last applied and observed value, and the decision.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct FieldStory {
    /// The path that it belongs to.
    pub path: String,
    /// The field.
    pub field: String,
    /// What happens when a user changes it in the ATS.
    pub policy: Policy,
    /// What the host wants.
    pub desired: Value,
    /// What the engine last applied; null for nothing.
    pub applied: Value,
    /// What the ATS holds; null for nothing.
    pub observed: Value,
    /// The decision.
    pub decision: Decision,
    /// The same in words.
    pub verdict: String,
    /// The names of the records whose ids the values are, by id, where the field names a record.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub names: BTreeMap<String, String>,
}

/// Something that will happen, or that waits.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Next {
    /// The path.
    pub path: String,
    /// What.
    pub what: String,
    /// When, in words.
    pub when: String,
    /// Not before this time, where there is one.
    pub at_ms: Option<u64>,
}

/// One intent without its input.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct IntentStory {
    /// Its number.
    pub id: u64,
    /// The path.
    pub path: String,
    /// The operation.
    pub operation: String,
    /// The generation that it was planned from.
    pub generation: u64,
    /// Requests that were sent or may have been.
    pub attempts: u32,
    /// When the first one left.
    pub first_sent_ms: u64,
    /// When its state last changed.
    pub changed_ms: u64,
    /// The word of its state.
    pub state: &'static str,
    /// The reason of its state.
    pub reason: Option<String>,
    /// The results of its last sends whose outcome was unknown.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tries: Vec<Try>,
    /// See [`Intent::planned_by`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub planned_by: Option<String>,
    /// See [`Intent::sent_by`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sent_by: Option<String>,
}

/// Explains desired records.
pub(crate) struct Explainer {
    context: Arc<Context>,
    gatherer: Arc<Gatherer>,
    planner: Arc<Planner>,
}

impl Explainer {
    pub(crate) fn new(
        context: Arc<Context>,
        gatherer: Arc<Gatherer>,
        planner: Arc<Planner>,
    ) -> Self {
        Self { context, gatherer, planner }
    }

    /// Explains a desired record.
    pub(crate) async fn explain(&self, key: &str) -> Result<Explanation, Error> {
        let Some(row) = self.context.store.desired(key).await? else {
            return Err(self.context.no_record(key));
        };
        let desired = self.context.parse_desired(&row)?;
        let links = self.gatherer.links_by_path(key).await?;
        let input = plan::Input {
            manifest: self.context.manifest(),
            settings: &self.context.settings,
            desired: &desired,
            generation: row.generation,
            links: &links,
        };
        let mut gathered = Gathered::resting(self.context.manifest());
        let (mut planned, shared, stories) =
            self.gatherer.ask(&mut gathered, key, |facts| plan::explained(&input, facts)).await?;
        let open = self.context.store.open_intents().await?;
        let mut fields: Vec<FieldStory> = stories.into_iter().map(story).collect();
        for field in &mut fields {
            if links.get(&field.path).is_some_and(|link| gathered.disputed.contains(&link.remote)) {
                field.verdict = DISPUTED.to_owned();
            }
        }
        if row.mode != Mode::Paused {
            let made = made_with(&planned, &fields);
            fields.extend(made);
        }
        self.planner.withhold(&mut planned, &open).await?;
        explain_withheld(&mut fields, row.mode, &planned);
        let below = |intent: &&Intent| path::is_within(&intent.path, key);
        let mut next: Vec<Next> = open.iter().filter(below).map(in_doubt).collect();
        next.extend(gathered.disputed.iter().map(|remote| Next {
            path: key.to_owned(),
            what: format!(
                "the ATS is asked about {remote}: what the store holds of it and of its \
                candidate disagrees"
            ),
            when: "with the next plan, which may decide otherwise than is said here".to_owned(),
            at_ms: None,
        }));
        match row.mode {
            Mode::Managed => {
                next.extend(shared.iter().chain(&planned.steps).map(|step| coming(step, &planned)))
            }
            Mode::ObservedOnly => {
                let mut both = (planned, shared);
                only_observe(&mut both, row.mode);
                planned = both.0;
            }
            Mode::Paused => next.push(Next {
                path: key.to_owned(),
                what: "nothing: it is paused".to_owned(),
                when: "until it is taken up again with `Connection::resume`".to_owned(),
                at_ms: None,
            }),
        }
        if row.mode != Mode::Paused {
            next.extend(
                planned.findings.iter().filter(|finding| finding.reason != Reason::InDoubt).map(
                    |finding| Next {
                        path: finding.path.clone(),
                        what: words::after_path(&finding.message, &finding.path).to_owned(),
                        when: match finding.kind {
                            FindingKind::Blocked | FindingKind::Conflict => {
                                format!("when {}", finding.until())
                            }
                            FindingKind::Drifted | FindingKind::Note => "not by itself".to_owned(),
                        },
                        at_ms: None,
                    },
                ),
            );
        }
        for field in &mut fields {
            field.names = self.names(field).await?;
        }
        let intents = self.context.store.intents_of(key, INTENTS_MAX).await?;
        let links_gone = self.gone(&links).await?;
        Ok(Explanation {
            connection: self.context.name.clone(),
            key: key.to_owned(),
            mode: row.mode,
            generation: row.generation,
            observed_generation: row.status.observed_generation,
            dirty: row.dirty,
            conditions: row.status.conditions,
            links: links.into_values().collect(),
            links_gone,
            fields,
            next,
            intents: intents.iter().map(history).collect(),
        })
    }

    /// The names of the records that a field's values are ids of, as the store knows them.
    async fn names(&self, field: &FieldStory) -> Result<BTreeMap<String, String>, Error> {
        let mut names = BTreeMap::new();
        let Some(kind) = referenced(field) else { return Ok(names) };
        for id in
            [&field.desired, &field.applied, &field.observed].into_iter().filter_map(Value::as_str)
        {
            let remote = RemoteRef::new(kind, id);
            if let Some(row) = self.context.store.observed(&remote).await? {
                names.insert(id.to_owned(), record(&row).label().to_owned());
            }
        }
        Ok(names)
    }

    /// The paths whose linked record was deleted, or removed by the engine.
    async fn gone(&self, links: &BTreeMap<String, LinkRow>) -> Result<BTreeSet<String>, Error> {
        let mut gone = BTreeSet::new();
        for link in links.values() {
            let row = self.context.store.observed(&link.remote).await?;
            if plan::unseen::is_removed(link) || row.is_some_and(|row| row.gone) {
                gone.insert(link.path.clone());
            }
        }
        Ok(gone)
    }
}

/// The kind of the records that a field's values name by id.
fn referenced(field: &FieldStory) -> Option<&'static str> {
    let of = declarable::of(Path::of(&field.path).kind()?)?;
    match of.fields.iter().find(|known| known.place == field.field)?.value {
        Holds::Reference(kind) | Holds::Within(kind, _) => Some(kind),
        _ => None,
    }
}

fn story(story: Story) -> FieldStory {
    let verdict = match story.decision {
        Decision::InStep => "in step",
        Decision::Write => "differs: the desired value is written",
        Decision::Drifted => "differs: their value stands",
        Decision::Conflict => "both sides changed it: nothing is written",
        Decision::Erased => {
            "differs: it was emptied after it had held a value, and no policy puts it back"
        }
        Decision::Leave => "differs: the policy leaves it alone",
    };
    FieldStory {
        path: story.path,
        field: story.field,
        policy: story.policy,
        desired: story.desired,
        applied: story.applied,
        observed: story.observed,
        decision: story.decision,
        verdict: verdict.to_owned(),
        names: BTreeMap::new(),
    }
}

/// Replaces the verdict of a field whose step is withheld by the reason.
fn explain_withheld(fields: &mut [FieldStory], mode: Mode, planned: &RecordPlan) {
    for field in fields.iter_mut().filter(|field| field.decision == Decision::Write) {
        if let Some(why) = mode_withholds(mode) {
            field.verdict = format!("differs: withheld, since {why}");
        } else if !planned.steps.iter().any(|step| step.path == field.path)
            && let Some(note) = planned
                .findings
                .iter()
                .find(|note| note.path == field.path && is_withheld_note(note))
        {
            field.verdict = format!(
                "differs: withheld ({}): {}",
                note.reason,
                words::after_path(&note.message, &note.path)
            );
        }
    }
}

/// The fields of records that are still to be created, except those that are `listed` already: of
/// the record itself, or of entries below it, such as its tags.
fn made_with(planned: &RecordPlan, listed: &[FieldStory]) -> Vec<FieldStory> {
    let is_listed = |path: &str, field: &str| {
        let is_of = |story: &&FieldStory| path::is_within(&story.path, path);
        listed.iter().filter(is_of).any(|story| story.field == field)
    };
    let creates = planned.steps.iter().filter(|step| step.creates());
    creates
        .flat_map(|step| {
            step.fields.iter().filter(|field| !is_listed(&step.path, &field.field)).map(|field| {
                FieldStory {
                    path: step.path.clone(),
                    field: field.field.clone(),
                    policy: Policy::Seed,
                    desired: field.after.clone(),
                    applied: Value::Null,
                    observed: Value::Null,
                    decision: Decision::Write,
                    verdict: format!("is set when {} makes the record", step.operation),
                    names: BTreeMap::new(),
                }
            })
        })
        .collect()
}

fn in_doubt(intent: &Intent) -> Next {
    let what = format!(
        "{} (intent {}) is in doubt and is settled by looking",
        intent.operation, intent.id
    );
    let (when, at_ms) = match &intent.state {
        IntentState::InDoubt { blocked: true, reason, .. } => {
            (format!("when somebody resolves it (`Connection::resolve`): {reason}"), None)
        }
        IntentState::InDoubt { probe_after_ms, reason, probes, .. } => {
            let looks = if *probes == 1 { "look" } else { "looks" };
            let when = format!(
                "looked at again from {} on, after {probes} {looks}: {reason}",
                rfc3339(*probe_after_ms)
            );
            (when, Some(*probe_after_ms))
        }
        _ => ("when it has come to an end".to_owned(), None),
    };
    Next { path: intent.path.clone(), what, when, at_ms }
}

fn coming(step: &Step, planned: &RecordPlan) -> Next {
    let when = match step.after.as_slice() {
        _ if planned.is_blocked() => "when nothing blocks the record any more".to_owned(),
        [] => "with the next sync".to_owned(),
        after => format!("with the next sync, after {}", after.join(", ")),
    };
    let effects = step.side_effects.iter().map(|effect| format!("; {effect}")).collect::<String>();
    Next {
        path: step.path.clone(),
        what: format!("{}: {}{effects}", step.operation, step.reason),
        when,
        at_ms: None,
    }
}

fn history(intent: &Intent) -> IntentStory {
    let reason = match &intent.state {
        IntentState::InDoubt { reason, .. }
        | IntentState::Refused { reason, .. }
        | IntentState::NotSent { reason }
        | IntentState::Abandoned { reason, .. } => Some(reason.clone()),
        IntentState::Applied { by_probe: true, .. } => Some("found by looking".to_owned()),
        IntentState::Applied { .. } | IntentState::Sending => None,
    };
    IntentStory {
        id: intent.id,
        path: intent.path.clone(),
        operation: intent.operation.clone(),
        generation: intent.generation,
        attempts: intent.attempt,
        first_sent_ms: intent.first_sent.wall_ms,
        changed_ms: intent.changed.wall_ms,
        state: intent.state.word(),
        reason,
        tries: intent.tries.clone(),
        planned_by: intent.planned_by.clone(),
        sent_by: intent.sent_by.clone(),
    }
}
