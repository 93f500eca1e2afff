//! Desired records: list, read, declare, abandon.
//!
//! A declaration is durable when its answer arrives, and idempotent: the same record again changes
//! nothing. Its generation is its tag (`ETag`), so that a client changes only what it has read. A
//! batch is JSON Lines; each line is checked first, and a batch with a bad line is refused as a
//! whole, with the line's number in the pointer.

use super::audit::deed::Deed;
use super::body::{self, Given, PageOf, Query, ROWS_DEFAULT, matches};
use super::openapi::DesiredRecord;
use super::problem::{Problem, ProblemType};
use super::served::Served;
use crate::made;
use atsync::{Connection, Desired, DesiredRecords, DesiredRow};
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::Serialize;
use serde_json::Value;
use std::sync::Arc;
use utoipa::ToSchema;

/// Bytes of a batch: some ten thousand records.
const BATCH_BYTES_MAX: usize = 32 * 1024 * 1024;
/// Bad lines that one answer lists.
const REFUSALS_MAX: usize = 20;

/// A desired record with its status.
#[derive(Serialize, ToSchema)]
pub(super) struct DesiredView {
    /// The host's key.
    key: String,
    /// Rises by one with every change of the record.
    generation: u64,
    /// `managed`, `observed_only` or `paused`.
    mode: &'static str,
    /// The next plan includes it.
    dirty: bool,
    /// When it was last changed, in milliseconds since 1970.
    changed_ms: u64,
    /// The conditions by the last plan, and the generation that they describe.
    status: Value,
    /// The record, as it was declared.
    record: Value,
}

impl TryFrom<DesiredRow> for DesiredView {
    type Error = Problem;

    fn try_from(row: DesiredRow) -> Result<Self, Problem> {
        let unreadable = |error: serde_json::Error| {
            Problem::new(
                ProblemType::StoreFailed,
                format!("the desired record {} in the store cannot be read: {error}", row.key),
            )
        };
        Ok(Self {
            record: serde_json::from_str(&row.body).map_err(unreadable)?,
            status: serde_json::to_value(&row.status).map_err(unreadable)?,
            mode: row.mode.word(),
            key: row.key,
            generation: row.generation,
            dirty: row.dirty,
            changed_ms: row.changed_ms,
        })
    }
}

/// A page of desired records.
#[derive(Serialize, ToSchema)]
pub(super) struct DesiredPage {
    desired: Vec<DesiredView>,
    /// The `cursor` of the next page; none when this is the last one.
    next: Option<String>,
}

/// What a declaration did.
#[derive(Serialize, ToSchema)]
pub(super) struct Declared {
    /// Keys that were new.
    created: u64,
    /// Keys whose record differed.
    changed: u64,
    /// Keys whose record was as before.
    unchanged: u64,
    /// Keys of erased candidates: they were not stored.
    erased: u64,
}

/// Lists desired records in the order of their keys.
#[utoipa::path(get, path = "/v1/connections/{connection}/desired",
    operation_id = "list_desired", params(PageOf), tag = "desired",
    responses(
    (status = 200, body = DesiredPage),
))]
pub(super) async fn list(
    State(served): State<Arc<Served>>,
    Path(name): Path<String>,
    Query(page): Query<PageOf>,
) -> Result<Json<DesiredPage>, Problem> {
    let connection = served.connection(&name)?;
    let limit = page.limit.unwrap_or(ROWS_DEFAULT);
    let rows = connection.desired_page(page.cursor.as_deref(), limit).await?;
    let desired = rows.rows.into_iter().map(DesiredView::try_from).collect::<Result<_, _>>()?;
    Ok(Json(DesiredPage { desired, next: rows.next }))
}

fn etag(generation: u64) -> String {
    format!("\"{generation}\"")
}

/// Compares the preconditions of a request, if it has some, with a desired record. Returns whether
/// it has some, and the generation of the record.
///
/// # Errors
/// When one does not hold.
async fn precondition(
    connection: &Connection,
    key: &str,
    headers: &HeaderMap,
) -> Result<(bool, Option<u64>), Problem> {
    if !headers.contains_key(header::IF_MATCH) && !headers.contains_key(header::IF_NONE_MATCH) {
        return Ok((false, None));
    }
    let generation = connection.desired(key).await?.map(|row| row.generation);
    matches(headers, generation.map(etag).as_deref())?;
    Ok((true, generation))
}

fn stale(error: atsync::Error) -> Problem {
    if made::is_stale(&error) {
        let detail = "the record was changed meanwhile; read it again";
        return Problem::new(ProblemType::PreconditionFailed, detail);
    }
    error.into()
}

/// Reads a desired record. Its generation is the value of `ETag`.
#[utoipa::path(get, path = "/v1/connections/{connection}/desired/{key}",
    operation_id = "read_desired", tag = "desired",
    responses(
    (status = 200, body = DesiredView),
))]
pub(super) async fn read(
    State(served): State<Arc<Served>>,
    Path((name, key)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let row = served.connection(&name)?.desired(&key).await?.ok_or_else(no_such_key)?;
    let tag = HeaderValue::from_str(&etag(row.generation)).ok();
    let mut response = Json(DesiredView::try_from(row)?).into_response();
    response.headers_mut().extend(tag.map(|tag| (header::ETAG, tag)));
    Ok(response)
}

/// Declares one record. The body is the record; its key, if it has one, is that of the path.
///
/// `If-None-Match: *` only creates it, `If-Match` only changes the given generation.
#[utoipa::path(put, path = "/v1/connections/{connection}/desired/{key}", tag = "desired",
    params(
        ("If-Match" = Option<String>, Header, description = "The generation to change, quoted"),
        ("If-None-Match" = Option<String>, Header, description = "`*`: only create"),
    ), request_body = DesiredRecord, responses(
    (status = 200, body = Declared),
    (status = 201, body = Declared),
))]
pub(super) async fn declare(
    State(served): State<Arc<Served>>,
    Path((name, key)): Path<(String, String)>,
    headers: HeaderMap,
    Given(mut record): Given<serde_json::Map<String, Value>>,
) -> Result<(StatusCode, Json<Declared>), Problem> {
    let connection = served.connection(&name)?;
    let named = record.entry("key").or_insert_with(|| Value::String(key.clone()));
    if named.as_str() != Some(&key) && !key.starts_with('@') {
        return Err(Problem::invalid("/key", "the record has another key than the path"));
    }
    let text = Value::Object(record).to_string();
    let records = parsed(text.as_bytes())?;
    if records.iter().any(|record| record.key() != key) {
        return Err(Problem::invalid("", "the record has another key than the path"));
    }
    let report = match (precondition(&connection, &key, &headers).await?, records.as_slice()) {
        ((true, generation), [record]) => {
            connection.declare_if(record, generation).await.map_err(stale)?
        }
        _ => connection.declare(&records).await?,
    };
    let declared = declared(report);
    let status = if declared.created > 0 { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, Json(declared)))
}

/// Declares many records: JSON Lines, one record a line, or a JSON array. A batch is stored as a
/// whole or not at all.
#[utoipa::path(post, path = "/v1/connections/{connection}/desired", tag = "desired",
    request_body(content((Vec<DesiredRecord> = "application/json"),
        (String = "application/x-ndjson"))), responses(
    (status = 200, body = Declared),
))]
pub(super) async fn declare_batch(
    State(served): State<Arc<Served>>,
    Path(name): Path<String>,
    Extension(deed): Extension<Deed>,
    body: Body,
) -> Result<Json<Declared>, Problem> {
    let connection = served.connection(&name)?;
    let records = parsed(&body::bytes(body, BATCH_BYTES_MAX).await?)?;
    deed.counted(records.len());
    Ok(Json(declared(connection.declare(&records).await?)))
}

/// Stops managing a record. Everything in the ATS stays. `If-Match` only removes the given
/// generation.
#[utoipa::path(delete, path = "/v1/connections/{connection}/desired/{key}", tag = "desired",
    params(
        ("If-Match" = Option<String>, Header, description = "The generation to remove, quoted"),
    ), responses(
    (status = 204),
))]
pub(super) async fn abandon(
    State(served): State<Arc<Served>>,
    Path((name, key)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<StatusCode, Problem> {
    let connection = served.connection(&name)?;
    if connection.desired(&key).await?.is_none() {
        return Err(no_such_key());
    }
    match precondition(&connection, &key, &headers).await? {
        (true, Some(generation)) => connection.abandon_if(&key, generation).await.map_err(stale)?,
        _ => connection.abandon(&key).await?,
    }
    Ok(StatusCode::NO_CONTENT)
}

/// Explains a record: each field, the next steps, past writes.
#[utoipa::path(get, path = "/v1/connections/{connection}/desired/{key}/explanation",
    tag = "desired", responses(
    (status = 200, body = Value),
))]
pub(super) async fn explain(
    State(served): State<Arc<Served>>,
    Path((name, key)): Path<(String, String)>,
) -> Result<Json<Value>, Problem> {
    let connection = served.connection(&name)?;
    if connection.desired(&key).await?.is_none() {
        return Err(no_such_key());
    }
    Ok(Json(serde_json::json!(connection.explain(&key).await?)))
}

fn no_such_key() -> Problem {
    Problem::new(ProblemType::NoSuchRecord, "no desired record has this key")
}

fn declared(report: atsync::DeclareReport) -> Declared {
    Declared {
        created: report.created,
        changed: report.changed,
        unchanged: report.unchanged,
        erased: report.erased,
    }
}

/// Parses records; all bad ones are in the refusal, up to [`REFUSALS_MAX`].
fn parsed(bytes: &[u8]) -> Result<Vec<Desired>, Problem> {
    let (mut records, mut refusals) = (Vec::new(), Vec::new());
    for read in DesiredRecords::new(bytes) {
        let read =
            read.map_err(|error| Problem::new(ProblemType::Invalid, format!("the body: {error}")))?;
        match read {
            Ok((_, record)) => records.push(record),
            Err(refusal) if refusals.len() < REFUSALS_MAX => refusals.push(refusal),
            Err(_) => {}
        }
    }
    if !refusals.is_empty() {
        return Err(Problem::refused(&refusals));
    }
    if records.is_empty() {
        return Err(Problem::invalid("", "the body has no record"));
    }
    Ok(records)
}
