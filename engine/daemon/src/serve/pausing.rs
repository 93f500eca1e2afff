//! Pausing and resuming the writes of a connection.

use super::problem::Problem;
use super::served::Served;
use axum::Json;
use axum::extract::{Path, State};
use serde::Serialize;
use std::sync::Arc;
use utoipa::ToSchema;

/// Whether the writes of a connection are paused.
#[derive(Serialize, ToSchema)]
pub(super) struct PausedView {
    /// They are from now on.
    paused: bool,
    /// They were before.
    were_paused: bool,
}

/// Pauses the writes of a connection, durably. It is read as before, and plans are made. A write
/// that was sent finishes.
#[utoipa::path(post, path = "/v1/connections/{connection}/pause",
    operation_id = "pause", tag = "connections", responses(
    (status = 200, body = PausedView),
))]
pub(super) async fn pause(
    State(served): State<Arc<Served>>,
    Path(name): Path<String>,
) -> Result<Json<PausedView>, Problem> {
    let connection = served.connection(&name)?;
    let were_paused = connection.status().await?.writes_paused_ms.is_some();
    connection.pause_writes().await?;
    Ok(Json(PausedView { paused: true, were_paused }))
}

/// Allows the writes of a connection again, after they were paused or the store was restored from a
/// backup.
#[utoipa::path(post, path = "/v1/connections/{connection}/resume",
    operation_id = "resume", tag = "connections", responses(
    (status = 200, body = PausedView),
))]
pub(super) async fn resume(
    State(served): State<Arc<Served>>,
    Path(name): Path<String>,
) -> Result<Json<PausedView>, Problem> {
    let were_paused = served.connection(&name)?.resume_writes().await?;
    Ok(Json(PausedView { paused: false, were_paused }))
}
