//! `Idempotency-Key`: an action that was carried out is not carried out again.
//!
//! A key belongs to its caller and stands for one request: method, path and body. It is stored
//! before the action begins and again when it ended, so that it outlives the process. A repeat of
//! an action that ended gets the first status and, where the answer has nothing of a candidate, the
//! first answer; one that is under way is refused with 409. An action that a killed process had
//! begun is carried out again; of writes to the ATS the engine's journal keeps each single.
//!
//! A refusal is not kept, whether the request or the server is at fault, so that a repeat tries
//! again.
//!
//! Bounds: keys live for one to two days; [`KEYS_A_DAY`](super::repeat_keys::KEYS_A_DAY) a day;
//! answers of [`ANSWER_BYTES_MAX`] bytes are kept, of longer ones the status alone.

use super::audit::request::REPLAYED;
use super::body;
use super::caller::Caller;
use super::problem::{Problem, ProblemType};
use super::served::Served;
use crate::tokens::hexadecimal;
use atsync::{Clock, Engine, Note, SystemClock};
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::sync::Arc;
use utoipa::ToSchema;

/// The header.
const KEY: &str = "idempotency-key";
/// Characters of a key.
const KEY_MAX: usize = 200;
/// Bytes of an answer that is kept.
const ANSWER_BYTES_MAX: usize = 64 * 1024;
/// Bytes of a request with a key: those of a batch.
const REQUEST_BYTES_MAX: usize = 32 * 1024 * 1024;
const DAY_MS: u64 = 24 * 60 * 60 * 1_000;
/// Old keys that are removed at a time.
const OLD_AT_ONCE: usize = 500;

/// A stored key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Entry {
    /// What the key stands for.
    request: String,
    /// None while it is under way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ended: Option<Ended>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Ended {
    status: u16,
    /// None where it may have data of a candidate, or is long.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    answer: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    media: Option<String>,
}

fn area(day: u64) -> String {
    format!("repeats/{day}")
}

/// Whether answers of a route have nothing of a candidate and no secret.
pub(super) fn may_be_kept(path: &str) -> bool {
    ["/pull", "/sweep", "/desired", "/check", "/reload", "/pause", "/resume", "/erasures", "/undo"]
        .iter()
        .any(|end| path.ends_with(end))
}

/// Whether a POST may have a key. A backup changes nothing, and its answer is as large as the
/// store.
pub(super) fn has_key(path: &str) -> bool {
    path.starts_with("/v1/") && path != "/v1/backups"
}

/// The answer to a repeat whose first answer was not kept.
#[derive(Serialize, ToSchema)]
pub(super) struct Replayed {
    /// True: the action was carried out by an earlier request with this key.
    replayed: bool,
}

/// The key of a request that has one.
fn key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let Some(key) = headers.get(KEY) else { return Ok(None) };
    let key = key.to_str().unwrap_or_default();
    if key.is_empty() || key.len() > KEY_MAX || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
        let detail = format!("a key has 1 to {KEY_MAX} printable ASCII characters without blanks");
        return Err(Problem::invalid("Idempotency-Key", detail));
    }
    Ok(Some(key.to_owned()))
}

/// Carries an action out once for its key.
pub(super) async fn once(
    State(served): State<Arc<Served>>,
    request: Request,
    next: Next,
) -> Response {
    if *request.method() != Method::POST || !has_key(request.uri().path()) {
        return next.run(request).await;
    }
    match key(request.headers()) {
        Ok(None) => next.run(request).await,
        Ok(Some(key)) => {
            // To its end, so that the answer is kept for a caller who left and asks again.
            let done = async move { keyed(&served, &key, request, next).await };
            let done = super::tasks::to_the_end(done).await.and_then(|done| done);
            done.unwrap_or_else(IntoResponse::into_response)
        }
        Err(problem) => problem.into_response(),
    }
}

async fn keyed(
    served: &Arc<Served>,
    key: &str,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let engine = served.running()?.engine;
    let caller = request.extensions().get::<Caller>().map(|caller| caller.name.clone());
    let caller = caller.unwrap_or_default();
    let key = format!("{}:{caller}/{key}", caller.len());
    let path = request.uri().path().to_owned();
    let (head, body) = request.into_parts();
    let body = body::bytes(body, REQUEST_BYTES_MAX).await?;
    let mut hash = Sha256::new();
    for part in [head.uri.to_string().as_bytes(), &body] {
        hash.update(part.len().to_le_bytes());
        hash.update(part);
    }
    let asked = hexadecimal(&hash.finalize());
    let day = SystemClock.now_ms() / DAY_MS;
    let underway = served.repeats.begin(day, &key)?;
    if underway.is_new_day() {
        forget(&engine, day).await?;
    }
    let begun = Entry { request: asked, ended: None };
    if let Some(known) = known(&engine, day, &key).await? {
        if known.request != begun.request {
            return Err(Problem::new(
                ProblemType::KeyReused,
                "the key stands for another request; use a new one for each action",
            ));
        }
        if let Some(ended) = known.ended {
            return Ok(ended.replayed());
        }
    }
    put(&engine, day, &key, &begun).await?;
    let answer = next.run(Request::from_parts(head, Body::from(body))).await;
    if !answer.status().is_success() {
        // A refusal may be corrected under the same key.
        if answer.status().is_client_error() {
            engine.put_notes(vec![Note::remove(&area(day), &key)]).await?;
        }
        return Ok(answer);
    }
    let (head, body) = answer.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap_or_default();
    let media = head.headers.get(header::CONTENT_TYPE).and_then(|media| media.to_str().ok());
    let is_kept = may_be_kept(&path) && body.len() <= ANSWER_BYTES_MAX;
    let ended = Ended {
        status: head.status.as_u16(),
        answer: is_kept.then(|| String::from_utf8_lossy(&body).into_owned()),
        media: media.filter(|_| is_kept).map(str::to_owned),
    };
    put(&engine, day, &key, &Entry { ended: Some(ended), ..begun }).await?;
    drop(underway);
    Ok(Response::from_parts(head, Body::from(body)))
}

/// What is stored of a key, of today or of yesterday.
async fn known(engine: &Engine, day: u64, key: &str) -> Result<Option<Entry>, Problem> {
    for day in [day, day.saturating_sub(1)] {
        if let Some(value) = engine.note(&area(day), key).await? {
            return Ok(serde_json::from_slice(&value).ok());
        }
    }
    Ok(None)
}

async fn put(engine: &Engine, day: u64, key: &str, entry: &Entry) -> Result<(), Problem> {
    let value = serde_json::to_vec(entry).unwrap_or_default();
    Ok(engine.put_notes(vec![Note::put(&area(day), key, value)]).await?)
}

impl Ended {
    fn replayed(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::OK);
        let answer = self.answer.unwrap_or_else(|| {
            serde_json::to_string(&Replayed { replayed: true }).unwrap_or_default()
        });
        let media = self.media.unwrap_or_else(|| "application/json".to_owned());
        let body = if status == StatusCode::NO_CONTENT { String::new() } else { answer };
        let mut response = (status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(REPLAYED, HeaderValue::from_static("true"));
        if let Ok(media) = HeaderValue::from_str(&media) {
            headers.insert(header::CONTENT_TYPE, media);
        }
        response
    }
}

/// Removes the keys of the days before yesterday, of a fortnight: a server that rested longer keeps
/// some, which no request finds.
async fn forget(engine: &Engine, day: u64) -> Result<(), Problem> {
    for old in day.saturating_sub(15)..day.saturating_sub(1) {
        loop {
            let rows = engine.notes_page(&area(old), None, OLD_AT_ONCE).await?;
            if rows.is_empty() {
                break;
            }
            let gone = rows.iter().map(|(key, _)| Note::remove(&area(old), key));
            engine.put_notes(gone.collect()).await?;
        }
    }
    Ok(())
}
