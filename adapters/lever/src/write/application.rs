//! Applications: a further candidacy of a known person, its stage, and how it ends.
//!
//! A rejection and a hire both archive the opportunity; its stage stays. Lever sends no mail for
//! either.

use super::{
    ACTOR, Match, REFUSED, SEEN, VISIBLE_WITHIN_MS, WRITES_OPPORTUNITIES, hired, mark, needs_actor,
    single,
};
use crate::common::{self, Expanded};
use crate::people::Named;
use atsync_adapter::kit::*;
use serde::{Deserialize, Serialize};

pub(super) const CREATE: Operation =
    Operation::new("applications.create", EffectClass::Probeable, create)
        .members(&[
            ("candidate", FieldMode::CreateOnly),
            ("kind", FieldMode::CreateOnly),
            ("job", FieldMode::CreateOnly),
            ("stage", FieldMode::CreateOnly),
            ("source", FieldMode::CreateOnly),
        ])
        .required(&["candidate"])
        .refused(REFUSED)
        .permissions(WRITES_OPPORTUNITIES)
        .calls(2)
        .probe(find, VISIBLE_WITHIN_MS);

pub(super) const MOVE: Operation =
    Operation::new("applications.move", EffectClass::Idempotent, move_to)
        .members(&[("to_stage", FieldMode::Set), SEEN])
        .required(&["to_stage"])
        .refused(REFUSED)
        .permissions(WRITES_OPPORTUNITIES)
        .opt_in("allow_stage_changes")
        .calls(3)
        .probe(is_moved, 0);

/// A change of the archive.
const fn outcome(name: &'static str, write: Write) -> Operation {
    Operation::new(name, EffectClass::Idempotent, write)
        .refused(REFUSED)
        .permissions(WRITES_OPPORTUNITIES)
        .opt_in("allow_outcomes")
        .calls(3)
}

pub(super) const REJECT: Operation = outcome("applications.reject", reject)
    .members(&[("reason", FieldMode::Set), SEEN])
    .required(&["reason"])
    .probe(is_rejected, 0);

pub(super) const UNREJECT: Operation =
    outcome("applications.unreject", reopen).members(&[SEEN]).probe(is_open, 0);

pub(super) const HIRE: Operation = outcome("applications.hire", hire)
    .members(&[("opening", FieldMode::Set), SEEN])
    .permissions(&["opportunities:write", "opportunities:read", "archive_reasons:read"])
    .probe(is_hired, 0);

pub(super) const UNHIRE: Operation =
    outcome("applications.unhire", reopen).members(&[SEEN]).probe(is_open, 0);

#[derive(Deserialize)]
struct New {
    candidate: String,
    job: Option<String>,
    stage: Option<String>,
    source: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    contact: String,
    postings: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stage: Option<String>,
    sources: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    created_at: Option<u64>,
}

fn create(ats: &mut Ats<'_>, op: &Op<'_>) -> Result<Applied, Stop> {
    needs_actor(ats)?;
    let new: New = op.input()?;
    let body = Body {
        contact: new.candidate,
        postings: new.job.into_iter().collect(),
        stage: new.stage,
        sources: new.source.into_iter().collect(),
        created_at: mark(op),
    };
    let ask = Ask::post("/opportunities").query(ACTOR).json(&body);
    let id = ats.send(ask, |answer| answer.id("/data/id").map(String::from))?;
    Ok(op.made(id))
}

/// The person's candidacies, by the id of the contact.
const CANDIDACIES: List = common::pages("/opportunities").query(&[("expand", "applications")]);

/// A row of the search for the person's candidacies.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    id: Id,
    applications: Vec<Expanded<Application>>,
    created_at: Option<u64>,
}

#[derive(Deserialize)]
struct Application {
    posting: Option<String>,
}

/// Did it happen? A candidacy of the person for the same posting is the one, or without any.
fn find(ats: &mut Ats<'_>, op: &Op<'_>) -> Result<Probed, Stop> {
    let new: New = op.input()?;
    let mut parameters = vec![("contact_id", new.candidate.as_str())];
    parameters.extend(new.job.as_deref().map(|job| ("posting_id", job)));
    let mark = mark(op);
    let found = ats.search(&CANDIDACIES, &parameters, |row: Row| {
        let is_marked = mark.is_some() && row.created_at == mark;
        let is_same = match (&new.job, row.applications.first()) {
            (None, of) => of.is_none(),
            (Some(_), None) => false,
            (Some(job), Some(Expanded::Whole(of))) => of.posting.as_ref() == Some(job),
            // The search was for the posting.
            (Some(_), Some(Expanded::Id(_))) => true,
        };
        let ids = vec![String::from(row.id)];
        (is_marked || is_same).then(|| Match { is_marked, ids }.id())
    })?;
    Ok(single(op, &found, |id| Id::from(id)))
}

/// An opportunity right before its change.
#[derive(Serialize, Deserialize)]
struct Now {
    stage: Option<String>,
    /// Whether it is archived, and the reason.
    is_archived: bool,
    reason: Option<String>,
}

#[derive(Deserialize)]
struct Shown {
    stage: Option<Expanded<Named>>,
    archived: Got<Archived>,
}

#[derive(Deserialize)]
struct Archived {
    reason: Option<Id>,
}

fn read_now(answer: &Answer<'_>) -> Result<Now, Failure> {
    let shown: Shown = answer.get("/data")?;
    let archived = match shown.archived {
        Got::Here(archived) => Some(archived),
        Got::Empty => None,
        Got::Absent | Got::Bad(_) => {
            let message = "the opportunity does not show whether it is archived";
            return Err(Failure::Protocol(message.into()));
        }
    };
    let stage = shown.stage.map(|stage| match stage {
        Expanded::Id(id) | Expanded::Whole(Named { id }) => String::from(id),
    });
    let is_archived = archived.is_some();
    let reason = archived.and_then(|archived| archived.reason).map(String::from);
    Ok(Now { stage, is_archived, reason })
}

fn now(ats: &mut Ats<'_>) -> Result<Now, Stop> {
    ats.read(Ask::get("/opportunities/{target}"), read_now)
}

/// As [`now`], for a probe: none where the opportunity does not exist.
fn shown(ats: &mut Ats<'_>) -> Result<Option<Now>, Stop> {
    ats.read(Ask::get("/opportunities/{target}").accepts(&[404]), |answer| {
        if answer.status() == 404 { Ok(None) } else { read_now(answer).map(Some) }
    })
}

#[derive(Deserialize)]
struct Move {
    to_stage: String,
}

#[derive(Serialize)]
struct Stage<'a> {
    stage: &'a str,
}

fn move_to(ats: &mut Ats<'_>, op: &Op<'_>) -> Result<Applied, Stop> {
    needs_actor(ats)?;
    let Move { to_stage } = op.input()?;
    let now = now(ats)?;
    op.unchanged(&[("stage", now.stage.as_deref())])?;
    if now.stage.as_ref() != Some(&to_stage) {
        let ask = Ask::put("/opportunities/{target}/stage").query(ACTOR);
        ats.send(ask.json(&Stage { stage: &to_stage }), |_| Ok(()))?;
    }
    Ok(op.done())
}

fn is_moved(ats: &mut Ats<'_>, op: &Op<'_>) -> Result<Probed, Stop> {
    let Move { to_stage } = op.input()?;
    let now = shown(ats)?;
    Ok(op.shown(now.is_some_and(|now| now.stage == Some(to_stage))))
}

#[derive(Deserialize)]
struct Reject {
    reason: String,
}

#[derive(Deserialize)]
struct Hire {
    opening: Option<String>,
}

/// The body of `PUT /opportunities/:id/archived`; the reason `null` reopens.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Archive<'a> {
    reason: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    requisition_id: Option<String>,
}

impl Now {
    /// Ends the change where the plan saw another outcome.
    fn unchanged(&self, ats: &Ats<'_>, op: &Op<'_>) -> Result<(), Failure> {
        let hired = crate::account::hired(ats.given());
        let outcome = match (self.is_archived, &self.reason) {
            (false, _) => "active",
            (true, reason) if reason.is_some() && *reason == hired => "hired",
            (true, _) => "rejected",
        };
        op.unchanged(&[("outcome", Some(outcome)), ("reject_reason", self.reason.as_deref())])
    }
}

fn archive(ats: &mut Ats<'_>, body: &Archive<'_>) -> Result<(), Stop> {
    let ask = Ask::put("/opportunities/{target}/archived").query(ACTOR);
    ats.send(ask.json(body), |_| Ok(()))
}

fn reject(ats: &mut Ats<'_>, op: &Op<'_>) -> Result<Applied, Stop> {
    needs_actor(ats)?;
    let Reject { reason } = op.input()?;
    let now = now(ats)?;
    now.unchanged(ats, op)?;
    if now.reason.as_ref() != Some(&reason) {
        archive(ats, &Archive { reason: Some(&reason), requisition_id: None })?;
    }
    Ok(op.done())
}

fn is_rejected(ats: &mut Ats<'_>, op: &Op<'_>) -> Result<Probed, Stop> {
    let Reject { reason } = op.input()?;
    let now = shown(ats)?;
    Ok(op.shown(now.is_some_and(|now| now.reason == Some(reason))))
}

fn hire(ats: &mut Ats<'_>, op: &Op<'_>) -> Result<Applied, Stop> {
    needs_actor(ats)?;
    let (Hire { opening }, hired) = (op.input()?, hired(ats)?);
    let now = now(ats)?;
    now.unchanged(ats, op)?;
    if now.reason.as_ref() != Some(&hired) {
        archive(ats, &Archive { reason: Some(&hired), requisition_id: opening })?;
    }
    Ok(op.done())
}

fn is_hired(ats: &mut Ats<'_>, op: &Op<'_>) -> Result<Probed, Stop> {
    let hired = hired(ats)?;
    let now = shown(ats)?;
    Ok(op.shown(now.is_some_and(|now| now.reason == Some(hired))))
}

/// Takes a rejection or a hire back.
fn reopen(ats: &mut Ats<'_>, op: &Op<'_>) -> Result<Applied, Stop> {
    needs_actor(ats)?;
    let now = now(ats)?;
    now.unchanged(ats, op)?;
    if now.is_archived {
        archive(ats, &Archive { reason: None, requisition_id: None })?;
    }
    Ok(op.done())
}

fn is_open(ats: &mut Ats<'_>, op: &Op<'_>) -> Result<Probed, Stop> {
    let now = shown(ats)?;
    Ok(op.shown(now.is_some_and(|now| !now.is_archived)))
}
