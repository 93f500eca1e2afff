//! Consumers of a connection's feed: named offsets that the store keeps.
//!
//! A trimming of the feed keeps what a consumer has not acknowledged. An offset never goes back; a
//! consumer that was restored from a backup ends and begins anew. Those of webhook endpoints are
//! changed by a replay alone.

use super::body::Given;
use super::deliver::known::CONSUMERS;
use super::problem::Problem;
use super::served::Served;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;

/// The offset of a consumer.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Offset {
    /// The serial of the last change that the consumer has handled; 0 for none.
    offset: u64,
}

/// Refuses a consumer that is not a host's.
fn check_own(consumer: &str) -> Result<(), Problem> {
    if consumer.starts_with(CONSUMERS) {
        let detail = "it is the offset of a webhook endpoint; POST \
                      /v1/webhook-endpoints/{id}/replay changes it";
        return Err(Problem::invalid("consumer", detail));
    }
    Ok(())
}

/// Reads the offset of a consumer: 0 for one that is not known.
#[utoipa::path(get, path = "/v1/connections/{connection}/consumers/{consumer}",
    operation_id = "read_offset", tag = "changes",
    responses((status = 200, body = Offset)))]
pub(super) async fn read(
    State(served): State<Arc<Served>>,
    Path((name, consumer)): Path<(String, String)>,
) -> Result<Json<Offset>, Problem> {
    let offset = served.connection(&name)?.offset(&consumer).await?;
    Ok(Json(Offset { offset }))
}

/// Stores the offset of a consumer, and returns the stored one: a greater one where the consumer
/// acknowledged more before.
#[utoipa::path(put, path = "/v1/connections/{connection}/consumers/{consumer}", tag = "changes",
    request_body = Offset, responses((status = 200, body = Offset)))]
pub(super) async fn acknowledge(
    State(served): State<Arc<Served>>,
    Path((name, consumer)): Path<(String, String)>,
    Given(asked): Given<Offset>,
) -> Result<Json<Offset>, Problem> {
    check_own(&consumer)?;
    let offset = served.connection(&name)?.acknowledge(&consumer, asked.offset).await?;
    Ok(Json(Offset { offset }))
}

/// Removes a consumer, so that a trimming no longer keeps changes for it.
#[utoipa::path(delete, path = "/v1/connections/{connection}/consumers/{consumer}",
    operation_id = "end_consumer",
    tag = "changes", responses((status = 204)))]
pub(super) async fn end(
    State(served): State<Arc<Served>>,
    Path((name, consumer)): Path<(String, String)>,
) -> Result<StatusCode, Problem> {
    check_own(&consumer)?;
    served.connection(&name)?.end_consumer(&consumer).await?;
    Ok(StatusCode::NO_CONTENT)
}
