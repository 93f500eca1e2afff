//! Desired records: list, read, declare, abandon.
//!
//! A declaration is durable when its answer arrives, and idempotent: the same record again changes
//! nothing. A batch is JSON Lines; each line is checked first, and a batch with a bad line is
//! refused as a whole, with the line's number in the pointer.

use super::audit::deed::Deed;
use super::body::{self, Given, PageOf, Query, ROWS_DEFAULT};
use super::openapi::DesiredRecord;
use super::problem::{Problem, ProblemType};
use super::served::Served;
use atsync::{Desired, DesiredRecords, DesiredRow};
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::StatusCode;
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

/// Reads a desired record.
#[utoipa::path(get, path = "/v1/connections/{connection}/desired/{key}",
    operation_id = "read_desired", tag = "desired",
    responses(
    (status = 200, body = DesiredView),
))]
pub(super) async fn read(
    State(served): State<Arc<Served>>,
    Path((name, key)): Path<(String, String)>,
) -> Result<Json<DesiredView>, Problem> {
    let row = served.connection(&name)?.desired(&key).await?;
    Ok(Json(row.ok_or_else(no_such_key)?.try_into()?))
}

/// Declares one record. The body is the record; its key, if it has one, is that of the path.
#[utoipa::path(put, path = "/v1/connections/{connection}/desired/{key}", tag = "desired",
    request_body = DesiredRecord, responses(
    (status = 200, body = Declared),
    (status = 201, body = Declared),
))]
pub(super) async fn declare(
    State(served): State<Arc<Served>>,
    Path((name, key)): Path<(String, String)>,
    Given(mut record): Given<serde_json::Map<String, Value>>,
) -> Result<(StatusCode, Json<Declared>), Problem> {
    let connection = served.connection(&name)?;
    let named = record.entry("key").or_insert_with(|| Value::String(key.clone()));
    if named.as_str() != Some(&key) && !key.starts_with('@') {
        return Err(Problem::invalid("/key", "the record has another key than the path"));
    }
    let text = Value::Object(record).to_string();
    let records = parsed(text.as_bytes())?;
    let declared = declared(connection.declare(&records).await?);
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

/// Stops managing a record. Everything in the ATS stays.
#[utoipa::path(delete, path = "/v1/connections/{connection}/desired/{key}", tag = "desired",
    responses(
    (status = 204),
))]
pub(super) async fn abandon(
    State(served): State<Arc<Served>>,
    Path((name, key)): Path<(String, String)>,
) -> Result<StatusCode, Problem> {
    let connection = served.connection(&name)?;
    if connection.desired(&key).await?.is_none() {
        return Err(no_such_key());
    }
    connection.abandon(&key).await?;
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
