//! Whether the process serves, is ready and makes progress; and the OpenAPI document.
//!
//! Three answers, since three readers act on them: a supervisor restarts a process that is not
//! alive, a balancer leaves out one that is not ready, and a person looks at one that is not
//! healthy.

use super::problem::{Problem, ProblemType};
use super::served::Served;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use std::sync::Arc;
use utoipa::ToSchema;

/// The process serves.
#[utoipa::path(get, path = "/livez", tag = "operations", responses((status = 200, body = String)))]
pub(super) async fn live() -> &'static str {
    "alive\n"
}

/// The store is open and the connections are.
#[utoipa::path(get, path = "/readyz", tag = "operations", responses(
    (status = 200, body = String),
))]
pub(super) async fn ready(State(served): State<Arc<Served>>) -> Result<&'static str, Problem> {
    if served.is_ready() {
        Ok("ready\n")
    } else {
        Err(Problem::new(ProblemType::Stopping, "the connections are not open"))
    }
}

/// Whether every connection makes progress.
#[derive(Serialize, ToSchema)]
pub(super) struct Overall {
    healthy: bool,
    /// How many connections there are.
    connections: usize,
    /// Those of which a condition does not hold, at most 100; `/v1/connections/NAME` says which.
    unhealthy: Vec<String>,
    /// The loops that work for all connections and are late: nothing makes progress then.
    late: Vec<&'static str>,
}

/// Connections that one answer names.
const NAMED_MAX: usize = 100;

/// Whether every connection makes progress: 200, or 503 when one does not.
#[utoipa::path(get, path = "/status", operation_id = "read_overall", tag = "operations", responses(
    (status = 200, body = Overall),
    (status = 503, body = Overall),
))]
pub(super) async fn status(
    State(served): State<Arc<Served>>,
    axum::Extension(caller): axum::Extension<super::caller::Caller>,
) -> (StatusCode, Json<Overall>) {
    let of_caller = served.listed(&caller);
    let unhealthy = of_caller.iter().filter(|one| !one.is_healthy).map(|one| one.name.clone());
    let unhealthy: Vec<String> = unhealthy.take(NAMED_MAX).collect();
    let late = served.late_for_all();
    let healthy = unhealthy.is_empty() && late.is_empty();
    let status = if healthy { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(Overall { healthy, connections: of_caller.len(), unhealthy, late }))
}
