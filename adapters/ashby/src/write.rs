//! The writes, each with what shows whether it happened.
//!
//! A create makes another record each time. The time of creation is the client's to choose, so the
//! mark is stored there; a record of the same content with another time is a match and no more.

use crate::custom::Values;
use crate::custom_write::{self, Custom};
use crate::people::Note;
use crate::update::{is_candidate_updated, link_type, update_candidate};
use atsync_adapter::kit::*;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;

const REFUSED: &[u16] = &[400, 401, 403, 404, 405, 422, 429];
const WRITE: &[&str] = &["candidatesWrite", "candidatesRead"];
const ONCE: FieldMode = FieldMode::CreateOnly;

pub(crate) const ALL: &[Operation] = &[
    Operation::new("candidates.create", EffectClass::Probeable, create_candidate)
        .members(&[("name", ONCE), ("emails", ONCE), ("phones", ONCE), ("links", ONCE)])
        .required(&["name"])
        .refused(REFUSED)
        .permissions(WRITE)
        .probe(find_candidate, 60_000),
    Operation::new("candidates.update", EffectClass::Idempotent, update_candidate)
        .members(&[
            ("name", FieldMode::Set),
            ("emails", FieldMode::AddRemove),
            ("phones", FieldMode::AddRemove),
            ("links", FieldMode::ReplaceAll),
            ("custom_fields", FieldMode::SetOrClear),
        ])
        .refused(REFUSED)
        .permissions(WRITE)
        .calls(3)
        .probe(is_candidate_updated, 10_000),
    Operation::new("applications.create", EffectClass::Probeable, create_application)
        .members(&[
            ("candidate", ONCE),
            ("kind", ONCE),
            ("job", ONCE),
            ("stage", ONCE),
            ("source", ONCE),
            ("referrer", ONCE),
        ])
        .required(&["candidate", "job"])
        .refused(REFUSED)
        .permissions(WRITE)
        .calls(2)
        .probe(find_application, 10_000),
    Operation::new("applications.update", EffectClass::Idempotent, update_application)
        .members(&[
            ("source", FieldMode::Set),
            ("referrer", FieldMode::Set),
            ("custom_fields", FieldMode::SetOrClear),
        ])
        .refused(REFUSED)
        .permissions(WRITE)
        .calls(3)
        .probe(is_updated, 10_000),
    Operation::new("applications.unreject", EffectClass::Idempotent, reopen)
        .refused(REFUSED)
        .permissions(WRITE)
        .opt_in("allow_outcomes")
        .calls(2)
        .probe(is_open, 10_000),
    Operation::new("applications.unhire", EffectClass::Idempotent, reopen)
        .refused(REFUSED)
        .permissions(WRITE)
        .opt_in("allow_outcomes")
        .calls(2)
        .probe(is_open, 10_000),
    Operation::new("applications.move", EffectClass::Idempotent, move_application)
        .members(&[("to_stage", FieldMode::Set)])
        .required(&["to_stage"])
        .refused(REFUSED)
        .permissions(WRITE)
        .opt_in("allow_stage_changes")
        .calls(2)
        .probe(is_moved, 10_000),
    Operation::new("applications.reject", EffectClass::Idempotent, reject)
        .members(&[("reason", FieldMode::Set)])
        .required(&["reason"])
        .refused(REFUSED)
        .permissions(&["candidatesWrite", "candidatesRead", "interviewsRead"])
        .opt_in("allow_outcomes")
        .calls(3)
        .probe(is_rejected, 10_000),
    Operation::new("applications.hire", EffectClass::Idempotent, hire)
        .refused(REFUSED)
        .permissions(&["candidatesWrite", "candidatesRead", "interviewsRead"])
        .opt_in("allow_outcomes")
        .calls(3)
        .probe(is_hired, 10_000),
    Operation::new("notes.create", EffectClass::Probeable, create_note)
        .members(&[("candidate", ONCE), ("body", ONCE), ("visibility", ONCE)])
        .required(&["candidate", "body"])
        .refused(REFUSED)
        .permissions(WRITE)
        .probe(find_note, 10_000),
    Operation::new("tags.create", EffectClass::Idempotent, create_tag)
        .members(&[("name", ONCE)])
        .required(&["name"])
        .refused(REFUSED)
        .permissions(&["hiringProcessMetadataWrite"]),
    Operation::new("applied_tags.create", EffectClass::Idempotent, add_tag)
        .members(&[("candidate", ONCE), ("tag", ONCE)])
        .required(&["candidate", "tag"])
        .refused(REFUSED)
        .permissions(WRITE),
    Operation::new("applied_tags.delete", EffectClass::Idempotent, remove_tag)
        .refused(REFUSED)
        .permissions(WRITE),
];

/// The operations that find out whether somebody else was there first.
pub(crate) const GUARDED: &[&str] = &[
    "candidates.update",
    "applications.update",
    "applications.move",
    "applications.reject",
    "applications.unreject",
    "applications.hire",
];

/// The mark as a time of creation.
fn marked_at(op: &Op<'_>) -> Option<String> {
    let ms = op.mark()?.time_ms;
    Some(text_of(i64::try_from(ms).unwrap_or(i64::MAX)))
}

/// Whether a record has the mark. A time of which Ashby kept the second alone would be none, since
/// another record can have it.
fn has_mark(op: &Op<'_>, created: Option<&str>) -> bool {
    let mark = op.mark().and_then(|mark| i64::try_from(mark.time_ms).ok());
    mark.is_some() && created.and_then(ms_of) == mark
}

/// The result of a search: a marked record is the one; others are matches.
fn settled(op: &Op<'_>, found: Vec<(String, Option<String>)>) -> Probed {
    let marked: Vec<&(String, Option<String>)> =
        found.iter().filter(|(_, created)| has_mark(op, created.as_deref())).collect();
    match marked.as_slice() {
        [(id, _)] => op.marked(id.as_str()),
        _ => op.matched(found.into_iter().map(|(id, _)| Id::from(id)).collect()),
    }
}

fn body(of: Value) -> Value {
    match of {
        Value::Object(mut members) => {
            members.retain(|_, value| !value.is_null());
            members.into()
        }
        other => other,
    }
}

// ------------------------------------------------------------------------------------- candidates
#[derive(Deserialize)]
struct NewCandidate {
    name: NewName,
    #[serde(default)]
    emails: Vec<Entry>,
    #[serde(default)]
    phones: Vec<Entry>,
    #[serde(default)]
    links: Vec<Entry>,
}

#[derive(Deserialize)]
struct NewName {
    #[serde(default)]
    first: Option<String>,
    #[serde(default)]
    last: Option<String>,
}

impl NewName {
    fn whole(&self) -> String {
        crate::value::full(self.first.as_deref(), self.last.as_deref()).unwrap_or_default()
    }
}

#[derive(Deserialize)]
struct Entry {
    value: String,
}

fn create_candidate(ats: &mut Ats<'_>, op: &Op<'_>) -> Result<Applied, Stop> {
    let new: NewCandidate = op.input()?;
    let (mut linked_in, mut github, mut website) = (None, None, None);
    let mut left_out = Vec::new();
    for link in &new.links {
        let place = match link_type(&link.value) {
            "LinkedIn" => &mut linked_in,
            "GitHub" => &mut github,
            _ => &mut website,
        };
        match place {
            None => *place = Some(link.value.as_str()),
            Some(_) => left_out.push("a further link of the same kind"),
        }
    }
    left_out.extend(new.phones.iter().skip(1).map(|_| "a further telephone number"));
    let mut emails = new.emails.iter().map(|one| one.value.as_str());
    let email = emails.next();
    let others: Vec<&str> = emails.collect();
    let sent = body(json!({
        "name": new.name.whole(),
        "email": email,
        "alternateEmailAddresses": (!others.is_empty()).then_some(others),
        "phoneNumber": new.phones.first().map(|one| one.value.as_str()),
        "linkedInUrl": linked_in,
        "githubUrl": github,
        "website": website,
        "createdAt": marked_at(op),
    }));
    let id =
        ats.send(Ask::post("/candidate.create").json(&sent), |answer| answer.id("/results/id"))?;
    let mut made = op.made(id);
    made.warnings =
        left_out.iter().map(|what| format!("{what} was left out at creation")).collect();
    Ok(made)
}

/// Candidates by address, or by name where there is none: then only the mark counts.
fn find_candidate(ats: &mut Ats<'_>, op: &Op<'_>) -> Result<Probed, Stop> {
    let new: NewCandidate = op.input()?;
    let email = new.emails.first().map(|one| one.value.as_str());
    let asked = match email {
        Some(email) => json!({"email": email}),
        None => json!({"name": new.name.whole()}),
    };
    let found: Vec<(String, Option<String>)> =
        ats.read(Ask::post("/candidate.search").json(&asked), |answer| {
            Ok(answer.get::<Vec<Created>>("/results")?.into_iter().map(Created::pair).collect())
        })?;
    if email.is_some() {
        return Ok(settled(op, found));
    }
    Ok(settled(
        op,
        found.into_iter().filter(|(_, created)| has_mark(op, created.as_deref())).collect(),
    ))
}

/// What a probe reads of a row.
#[derive(Deserialize)]
struct Created {
    id: Id,
    #[serde(default, rename = "createdAt")]
    at: Option<String>,
}

impl Created {
    fn pair(self) -> (String, Option<String>) {
        (self.id.into(), self.at)
    }
}

// ----------------------------------------------------------------------------------- applications
#[derive(Deserialize)]
struct NewApplication {
    candidate: String,
    job: String,
    #[serde(default)]
    stage: Option<String>,
    #[serde(default)]
    source: Option<String>,
    #[serde(default)]
    referrer: Option<String>,
}

/// Ashby's id of a stage: ids of stages name the job first.
fn own_stage(id: &str) -> &str {
    id.split_once('/').map_or(id, |(_, stage)| stage)
}

fn create_application(ats: &mut Ats<'_>, op: &Op<'_>) -> Result<Applied, Stop> {
    let new: NewApplication = op.input()?;
    let sent = body(json!({
        "candidateId": new.candidate,
        "jobId": new.job,
        "interviewStageId": new.stage.as_deref().map(own_stage),
        "sourceId": new.source,
        "creditedToUserId": new.referrer,
        "createdAt": marked_at(op),
    }));
    let id =
        ats.send(Ask::post("/application.create").json(&sent), |answer| answer.id("/results/id"))?;
    Ok(op.made(id))
}

/// The applications that the candidate has: no index can lag behind those.
fn find_application(ats: &mut Ats<'_>, op: &Op<'_>) -> Result<Probed, Stop> {
    let new: NewApplication = op.input()?;
    let asked = json!({"id": new.candidate});
    let ids: Vec<String> = ats.read(Ask::post("/candidate.info").json(&asked), |answer| {
        answer.get("/results/applicationIds")
    })?;
    let mut found = Vec::new();
    for id in ids {
        let asked = json!({"applicationId": id});
        let (job, created): (String, Option<String>) =
            ats.read(Ask::post("/application.info").json(&asked), |answer| {
                let job = answer.id("/results/job/id")?;
                Ok((job.into(), answer.text("/results/createdAt").map(str::to_owned)))
            })?;
        if job == new.job {
            found.push((id, created));
        }
    }
    Ok(settled(op, found))
}

/// An application right now.
#[derive(Serialize, Deserialize)]
struct Now {
    stage: String,
    job: String,
    plan: String,
    status: String,
    reason: Option<String>,
    reason_type: Option<String>,
    source: Option<String>,
    referrer: Option<String>,
    /// The last stage of its history that is none of an end.
    before: Option<String>,
    custom: Values,
}

/// The stage that an application was in before it ended: the last of its history but the present.
fn before(answer: &Answer<'_>, stage: &str) -> Option<String> {
    let history = answer.at("/results/applicationHistory")?.as_array()?;
    let entered = |row: &&Value| row["enteredStageAt"].as_str().and_then(ms_of);
    let others = history.iter().filter(|row| row["stageId"] != stage);
    let last = others.max_by_key(entered)?;
    last["stageId"].as_str().map(str::to_owned)
}

fn now(ats: &mut Ats<'_>, op: &Op<'_>) -> Result<Now, Stop> {
    let asked = json!({"applicationId": op.target()});
    ats.read(Ask::post("/application.info").json(&asked), |answer| {
        let text = |place: &str| answer.text(place).map(str::to_owned);
        let stage = String::from(answer.id("/results/currentInterviewStage/id")?);
        Ok(Now {
            custom: match answer.at("/results/customFields") {
                Some(Value::Array(_)) => answer.get("/results/customFields")?,
                _ => Values::new(),
            },
            before: before(answer, &stage),
            source: text("/results/source/id"),
            referrer: text("/results/creditedToUser/id"),
            stage,
            job: answer.id("/results/job/id")?.into(),
            plan: text("/results/currentInterviewStage/interviewPlanId").unwrap_or_default(),
            status: answer.get("/results/status")?,
            reason: text("/results/archiveReason/id"),
            reason_type: text("/results/archiveReason/reasonType"),
        })
    })
}

/// Ends with a conflict where a field shows a value that the plan did not see.
fn guard(op: &Op<'_>, now: &Now) -> Result<(), Failure> {
    #[derive(Deserialize)]
    struct Input {
        #[serde(default)]
        seen: BTreeMap<String, Vec<Value>>,
    }
    let input: Input = op.input()?;
    let stage = crate::hiring::stage_id(&now.job, &now.stage);
    let outcome = crate::hiring::outcome(now.status.clone(), now.reason_type.as_deref());
    let is_archived = now.status == "Archived";
    let reason = now.reason.as_deref().filter(|_| is_archived);
    for (field, shown) in [
        ("stage", Some(stage.as_str())),
        ("outcome", Some(&*outcome.value)),
        ("reject_reason", reason),
        ("source", now.source.as_deref()),
        ("referrer", now.referrer.as_deref()),
    ] {
        let Some(allowed) = input.seen.get(field) else { continue };
        let is = |one: &Value| match one {
            Value::Object(of) => of.get("id").or(of.get("value")).and_then(Value::as_str) == shown,
            other => other.as_str() == shown,
        };
        if !allowed.iter().any(is) {
            return Err(Failure::Conflict(format!("the {field} was changed by somebody else")));
        }
    }
    Ok(())
}

/// The stage of this type in the application's plan.
fn stage_of(ats: &mut Ats<'_>, now: &Now, kind: &'static str) -> Result<String, Stop> {
    #[derive(Deserialize)]
    struct Stage {
        id: String,
        #[serde(rename = "type")]
        kind: String,
    }
    let asked = json!({"interviewPlanId": now.plan});
    ats.read(Ask::post("/interviewStage.list").json(&asked), |answer| {
        let all: Vec<Stage> = answer.get("/results")?;
        let found = all.into_iter().find(|one| one.kind == kind).map(|one| one.id);
        found.ok_or_else(|| {
            let message = format!("the plan of the application has no stage of the type {kind}");
            Failure::Invalid(vec![FieldError { field: String::new(), message }])
        })
    })
}

fn change(
    ats: &mut Ats<'_>,
    op: &Op<'_>,
    stage: &str,
    reason: Option<&str>,
) -> Result<Applied, Stop> {
    let sent = body(json!({"applicationId": op.target(), "interviewStageId": stage,
        "archiveReasonId": reason}));
    ats.send(Ask::post("/application.changeStage").json(&sent), |answer| {
        answer.id("/results/id").map(String::from)
    })?;
    Ok(op.done())
}

#[derive(Deserialize)]
struct Move {
    to_stage: String,
}

fn move_application(ats: &mut Ats<'_>, op: &Op<'_>) -> Result<Applied, Stop> {
    let wanted: Move = op.input()?;
    let now = now(ats, op)?;
    if now.stage == own_stage(&wanted.to_stage) {
        return Ok(op.done());
    }
    guard(op, &now)?;
    change(ats, op, own_stage(&wanted.to_stage), None)
}

fn is_moved(ats: &mut Ats<'_>, op: &Op<'_>) -> Result<Probed, Stop> {
    let wanted: Move = op.input()?;
    Ok(op.shown(now(ats, op)?.stage == own_stage(&wanted.to_stage)))
}

#[derive(Deserialize)]
struct Update {
    #[serde(default)]
    source: Option<String>,
    #[serde(default)]
    referrer: Option<String>,
    #[serde(default)]
    custom_fields: Vec<Custom>,
    #[serde(default)]
    seen: serde_json::Map<String, Value>,
}

impl Update {
    fn is_shown(&self, now: &Now) -> bool {
        (self.source.is_none() || self.source == now.source)
            && (self.referrer.is_none() || self.referrer == now.referrer)
    }
}

fn update_application(ats: &mut Ats<'_>, op: &Op<'_>) -> Result<Applied, Stop> {
    let wanted: Update = op.input()?;
    let now = now(ats, op)?;
    let custom = custom_write::missing(&wanted.custom_fields, &now.custom)?;
    let is_shown = wanted.is_shown(&now);
    if is_shown && custom.is_empty() {
        return Ok(op.done());
    }
    guard(op, &now)?;
    custom_write::guard(&wanted.custom_fields, &now.custom, &wanted.seen)?;
    if is_shown {
        custom_write::send(ats, op, "Application", &custom)?;
        return Ok(op.done());
    }
    let sent = body(json!({"applicationId": op.target(), "sourceId": wanted.source,
        "creditedToUserId": wanted.referrer, "sendNotifications": false}));
    ats.send(Ask::post("/application.update").json(&sent), |answer| {
        answer.id("/results/id").map(String::from)
    })?;
    custom_write::send(ats, op, "Application", &custom)?;
    Ok(op.done())
}

fn is_updated(ats: &mut Ats<'_>, op: &Op<'_>) -> Result<Probed, Stop> {
    let wanted: Update = op.input()?;
    let now = now(ats, op)?;
    let custom = custom_write::missing(&wanted.custom_fields, &now.custom)?;
    Ok(op.shown(wanted.is_shown(&now) && custom.is_empty()))
}

/// Moves an ended application back to the stage that it was in before.
fn reopen(ats: &mut Ats<'_>, op: &Op<'_>) -> Result<Applied, Stop> {
    let now = now(ats, op)?;
    if !matches!(now.status.as_str(), "Archived" | "Hired") {
        return Ok(op.done());
    }
    guard(op, &now)?;
    let Some(stage) = &now.before else {
        let message = "its history names no stage that it was in before".to_owned();
        return Err(Failure::Invalid(vec![FieldError { field: String::new(), message }]).into());
    };
    change(ats, op, stage, None)
}

fn is_open(ats: &mut Ats<'_>, op: &Op<'_>) -> Result<Probed, Stop> {
    Ok(op.shown(!matches!(now(ats, op)?.status.as_str(), "Archived" | "Hired")))
}

#[derive(Deserialize)]
struct Reject {
    reason: String,
}

fn reject(ats: &mut Ats<'_>, op: &Op<'_>) -> Result<Applied, Stop> {
    let wanted: Reject = op.input()?;
    let now = now(ats, op)?;
    if now.status == "Archived" && now.reason.as_ref() == Some(&wanted.reason) {
        return Ok(op.done());
    }
    guard(op, &now)?;
    let stage = stage_of(ats, &now, "Archived")?;
    change(ats, op, &stage, Some(&wanted.reason))
}

fn is_rejected(ats: &mut Ats<'_>, op: &Op<'_>) -> Result<Probed, Stop> {
    let wanted: Reject = op.input()?;
    let now = now(ats, op)?;
    Ok(op.shown(now.status == "Archived" && now.reason == Some(wanted.reason)))
}

fn hire(ats: &mut Ats<'_>, op: &Op<'_>) -> Result<Applied, Stop> {
    let now = now(ats, op)?;
    if now.status == "Hired" {
        return Ok(op.done());
    }
    guard(op, &now)?;
    let stage = stage_of(ats, &now, "Hired")?;
    change(ats, op, &stage, None)
}

fn is_hired(ats: &mut Ats<'_>, op: &Op<'_>) -> Result<Probed, Stop> {
    Ok(op.shown(now(ats, op)?.status == "Hired"))
}

// ------------------------------------------------------------------------------------------ notes
#[derive(Deserialize)]
struct NewNote {
    candidate: String,
    body: String,
    #[serde(default)]
    visibility: Option<String>,
}

fn create_note(ats: &mut Ats<'_>, op: &Op<'_>) -> Result<Applied, Stop> {
    let new: NewNote = op.input()?;
    let is_private = new.visibility.as_deref().is_some_and(|seen| seen != "public");
    let sent = body(json!({
        "candidateId": new.candidate,
        "note": {"type": "text/plain", "value": new.body},
        "sendNotifications": false,
        "isPrivate": is_private,
        "createdAt": marked_at(op),
    }));
    let call = Ask::post("/candidate.createNote").json(&sent);
    let id = ats.send(call, |answer| answer.id("/results/id"))?;
    Ok(op.made(id))
}

/// Notes by the mark; those of the same text are matches.
fn find_note(ats: &mut Ats<'_>, op: &Op<'_>) -> Result<Probed, Stop> {
    const LIST: List =
        crate::value::pages("/candidate.listNotes", r#"{"candidateId": "{parent}"}"#);
    let wanted: NewNote = op.input()?;
    let parent = [("parent", wanted.candidate.as_str())];
    let is_marked = |note: &Note| has_mark(op, note.created_at.as_ref().map(Time::as_str));
    let marked = ats.search(&LIST, &parent, |note: Note| is_marked(&note).then_some(note.id))?;
    if let [id] = marked.as_slice() {
        return Ok(op.marked(id.as_str()));
    }
    let is_it = |note: Note| {
        (note.content.as_ref().map(|text| text.trim()) == Some(wanted.body.trim()))
            .then_some(note.id)
    };
    let found = ats.search(&LIST, &parent, is_it)?;
    Ok(op.matched(found))
}

// ------------------------------------------------------------------------------------------- tags
fn create_tag(ats: &mut Ats<'_>, op: &Op<'_>) -> Result<Applied, Stop> {
    #[derive(Deserialize)]
    struct New {
        name: String,
    }
    let new: New = op.input()?;
    let call = Ask::post("/candidateTag.create").json(&json!({"title": new.name}));
    let id = ats.send(call, |answer| answer.id("/results/id"))?;
    Ok(op.made(id))
}

fn add_tag(ats: &mut Ats<'_>, op: &Op<'_>) -> Result<Applied, Stop> {
    #[derive(Deserialize)]
    struct New {
        candidate: String,
        tag: String,
    }
    let new: New = op.input()?;
    let sent = json!({"candidateId": new.candidate, "tagId": new.tag});
    let call = Ask::post("/candidate.addTag").json(&sent);
    ats.send(call, |answer| answer.id("/results/id").map(String::from))?;
    Ok(op.made(Id::join([&new.candidate, &new.tag])))
}

fn remove_tag(ats: &mut Ats<'_>, op: &Op<'_>) -> Result<Applied, Stop> {
    let (candidate, tag) = op.target().split_once('/').unwrap_or_default();
    let sent = json!({"candidateId": candidate, "tagId": tag});
    let call = Ask::post("/candidate.removeTag").json(&sent);
    ats.send(call, |answer| answer.id("/results/id").map(String::from))?;
    Ok(op.done())
}
