//! The hook task: finds the records that a webhook names.
//!
//! The signature is HMAC-SHA256 over the raw bytes, `Signature: sha256 <hex>` (webhooks.md §2,
//! verified). The task uses the webhook only after the engine has checked it, and keeps only ids of
//! the payload, since payloads have full personal data (§4). It searches the body before the check
//! because a continuation could not hold the body. Payloads come wrapped (`application.id`) and
//! bare (`payload.id`), and every event is read in both forms. A new application hints at its
//! candidate too, because the creation of a candidate has no event of its own. Hints of raw kinds
//! are given to every connection; the engine drops those of kinds that the connection does not
//! read. Only 200 is a success (§1); an event that this adapter does not use is answered 200 too,
//! or Greenhouse would send it seven times.
//!
//! Bounds: [`HINTS_MAX`] hints. Left out: de-duplication by `Greenhouse-Event-ID` and replay
//! protection (the header signs no time): hints lead to reads, and a second read is harmless.

use crate::request;
use crate::state::Continued;
use atsync_adapter::contract::{
    Algorithm, Encoding, Failure, Field, Hint, Hook, Hooked, Outcome, RemoteRef, Reply, Response,
    Step, Verify,
};
use atsync_model::kinds;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The name of the secret that the operator sets in the engine.
pub(crate) const SECRET: &str = "webhook";
/// The events that hints are read from.
pub(crate) const EVENTS: &[&str] = &[
    "new_candidate_application",
    "new_prospect_application",
    "application_updated",
    "candidate_stage_change",
    "reject_candidate",
    "unreject_candidate",
    "hire_candidate",
    "unhire_candidate",
    "delete_application",
    "update_candidate",
    "delete_candidate",
    "merge_candidate",
    "candidate_anonymized",
    "job_created",
    "job_updated",
    "job_approved",
    "job_deleted",
    "job_post_created",
    "job_post_updated",
    "job_post_deleted",
    "job_interview_stage_deleted",
    "department_deleted",
    "office_deleted",
    "offer_created",
    "offer_updated",
    "offer_approved",
    "offer_deleted",
    "interview_deleted",
    "scorecard_deleted",
];
/// The raw kinds that have events.
const OFFERS: &str = "raw_offers";
const INTERVIEWS: &str = "raw_interviews";
const SCORECARDS: &str = "raw_scorecards";
/// The most hints of one webhook. The next sweep finds the other applications of a candidate that
/// has more than this.
const HINTS_MAX: usize = 500;

/// The hints of a webhook, kept while its signature is checked.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct State {
    hints: Vec<Noted>,
}

impl Continued for State {
    const TASK: &str = "hook";
}

/// A hint, as a continuation holds it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Noted {
    Changed(RemoteRef),
    Deleted(RemoteRef),
    Merged(RemoteRef, RemoteRef),
    Erased(RemoteRef),
}

/// Returns the signed bytes and the signature.
pub(crate) fn start(hook: Hook) -> Result<Step, Failure> {
    let signature =
        hook.headers.iter().find(|header| header.name.eq_ignore_ascii_case("signature"));
    let Some(candidate) = signature.and_then(|header| digest(&header.value)) else {
        return answered(401, Vec::new());
    };
    let state = State { hints: hints(&hook.body) }.encode()?;
    Ok(Step::Verify(Verify {
        secret_name: SECRET.to_owned(),
        algorithm: Algorithm::HmacSha256,
        message: hook.body,
        candidates: vec![candidate],
        encoding: Encoding::Hex,
        state,
    }))
}

/// Returns the hints, if the signature is valid.
pub(crate) fn resume(state: State, reply: Reply) -> Result<Step, Failure> {
    match reply {
        Reply::Verified(true) => answered(200, state.hints),
        Reply::Verified(false) => answered(401, Vec::new()),
        Reply::Response(_) | Reply::Transferred(_) => {
            Err(Failure::Bug("a reply to a step that was not asked for".into()))
        }
    }
}

/// Returns the hexadecimal digest of `sha256 <hex>`.
///
/// It is split at the blank, never trimmed by characters (webhooks.md §2).
fn digest(header: &str) -> Option<String> {
    let (algorithm, digest) = header.trim().split_once(' ')?;
    let digest = digest.trim();
    let fits = algorithm.eq_ignore_ascii_case("sha256")
        && digest.len() == 64
        && digest.bytes().all(|byte| byte.is_ascii_hexdigit());
    fits.then(|| digest.to_ascii_lowercase())
}

fn answered(status: u16, hints: Vec<Noted>) -> Result<Step, Failure> {
    let hints = hints.into_iter().map(|hint| match hint {
        Noted::Changed(of) => Hint::Changed(of),
        Noted::Deleted(of) => Hint::Deleted(of),
        Noted::Merged(from, into) => Hint::Merged((from, into)),
        Noted::Erased(of) => Hint::Erased(of),
    });
    Ok(Step::Done(Outcome::Hooked(Hooked {
        answer: Response {
            status,
            headers: vec![Field::new("content-type", "text/plain")],
            body: Vec::new(),
        },
        hints: hints.collect(),
        signed_at_ms: None,
    })))
}

/// Reads the hints of a body; none for a ping, an unused event or an unreadable body.
fn hints(body: &[u8]) -> Vec<Noted> {
    let Ok(envelope) = serde_json::from_slice::<Value>(body) else { return Vec::new() };
    let action = envelope.get("action").and_then(Value::as_str).unwrap_or_default();
    let Some(payload) = envelope.get("payload") else { return Vec::new() };
    let mut found = read(action, payload);
    found.truncate(HINTS_MAX);
    found
}

/// Reads the hints of one event, as webhooks.md §4 lists them line by line.
fn read(action: &str, payload: &Value) -> Vec<Noted> {
    let found = |kind: &str, paths: &[&[&str]], hint: fn(RemoteRef) -> Noted| {
        one(kind, payload, paths).map(hint).into_iter().collect::<Vec<Noted>>()
    };
    let application: &[&[&str]] = &[&["application", "id"], &["id"]];
    let job: &[&[&str]] = &[&["job", "id"], &["id"]];
    let post: &[&[&str]] = &[&["job_post", "id"], &["id"]];
    let person: &[&[&str]] = &[&["person", "id"], &["candidate", "id"], &["id"]];
    match action {
        "new_candidate_application" | "new_prospect_application" => {
            let candidate: &[&[&str]] = &[
                &["application", "candidate", "id"],
                &["application", "candidate_id"],
                &["candidate", "id"],
                &["candidate_id"],
            ];
            let mut all = found(kinds::CANDIDATES, candidate, Noted::Changed);
            all.extend(found(kinds::APPLICATIONS, application, Noted::Changed));
            all
        }
        "application_updated"
        | "candidate_stage_change"
        | "reject_candidate"
        | "unreject_candidate"
        | "hire_candidate"
        | "unhire_candidate" => found(kinds::APPLICATIONS, application, Noted::Changed),
        "delete_application" => found(kinds::APPLICATIONS, application, Noted::Deleted),
        "update_candidate" => {
            let candidate: &[&[&str]] = &[
                &["candidate", "id"],
                &["application", "candidate", "id"],
                &["person", "id"],
                &["id"],
            ];
            found(kinds::CANDIDATES, candidate, Noted::Changed)
        }
        "delete_candidate" => {
            let mut all = found(kinds::CANDIDATES, person, Noted::Deleted);
            let person = ["person", "candidate"].iter().find_map(|name| payload.get(name));
            // The attribute table and the example name the list differently.
            for name in ["deleted_application_ids", "application_ids"] {
                let ids = person.unwrap_or(payload).get(name).and_then(Value::as_array);
                for id in ids.into_iter().flatten().filter_map(id_text) {
                    all.push(Noted::Deleted(RemoteRef::new(kinds::APPLICATIONS, id)));
                }
            }
            all
        }
        "merge_candidate" => {
            let winner: &[&[&str]] = &[
                &["person", "new_candidate_id"],
                &["candidate", "new_candidate_id"],
                &["new_candidate_id"],
            ];
            let loser = one(kinds::CANDIDATES, payload, person);
            let winner = one(kinds::CANDIDATES, payload, winner);
            // The engine takes a merge of a record into itself for a fault of the adapter.
            let merged = loser.zip(winner).filter(|(loser, winner)| loser != winner);
            merged.map(|(loser, winner)| Noted::Merged(loser, winner)).into_iter().collect()
        }
        "candidate_anonymized" => {
            let candidate: &[&[&str]] =
                &[&["candidate_id"], &["candidate", "id"], &["person", "id"], &["id"]];
            found(kinds::CANDIDATES, candidate, Noted::Erased)
        }
        "job_created" | "job_updated" | "job_approved" => found(kinds::JOBS, job, Noted::Changed),
        "job_deleted" => found(kinds::JOBS, job, Noted::Deleted),
        "job_post_created" | "job_post_updated" => found(kinds::POSTINGS, post, Noted::Changed),
        "job_post_deleted" => found(kinds::POSTINGS, post, Noted::Deleted),
        "job_interview_stage_deleted" => {
            found(kinds::STAGES, &[&["job_interview_stage", "id"], &["id"]], Noted::Deleted)
        }
        "department_deleted" => {
            with_children(kinds::DEPARTMENTS, payload.get("department").unwrap_or(payload))
        }
        "offer_created" | "offer_updated" | "offer_approved" => {
            found(OFFERS, &[&["offer", "id"], &["id"]], Noted::Changed)
        }
        "offer_deleted" => found(OFFERS, &[&["offer", "id"], &["id"]], Noted::Deleted),
        "interview_deleted" => found(INTERVIEWS, &[&["interview", "id"], &["id"]], Noted::Deleted),
        "scorecard_deleted" => found(SCORECARDS, &[&["scorecard", "id"], &["id"]], Noted::Deleted),
        "office_deleted" => with_children(kinds::OFFICES, payload.get("office").unwrap_or(payload)),
        _ => Vec::new(),
    }
}

/// Hints at a record and all those below it.
fn with_children(kind: &str, place: &Value) -> Vec<Noted> {
    let children = place.get("child_ids").and_then(Value::as_array).into_iter().flatten();
    let ids = place.get("id").into_iter().chain(children).filter_map(id_text);
    ids.map(|id| Noted::Deleted(RemoteRef::new(kind, id))).collect()
}

/// Returns the record at the first path that leads to an id.
fn one(kind: &str, payload: &Value, paths: &[&[&str]]) -> Option<RemoteRef> {
    let id = paths.iter().find_map(|path| {
        path.iter().try_fold(payload, |at, step| at.get(step)).and_then(id_text)
    })?;
    Some(RemoteRef::new(kind, id))
}

fn id_text(value: &Value) -> Option<String> {
    let text = match value {
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.clone(),
        _ => return None,
    };
    request::is_id(&text).then_some(text)
}
