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
        return Ok("ready\n");
    }
    let _running = served.running()?;
    let opening = "the connections are not open; `/v1/connections` says why of each";
    Err(Problem::new(ProblemType::Starting, opening))
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
    let health = of_caller.iter().map(|one| (one.name.as_str(), one.is_healthy));
    let overall = Overall::of(health, served.late_for_all());
    let status = if overall.healthy { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(overall))
}

impl Overall {
    /// Of each connection whether it is healthy, and the loops that are late for all of them.
    fn of<'a>(
        connections: impl ExactSizeIterator<Item = (&'a str, bool)>,
        late: Vec<&'static str>,
    ) -> Self {
        let count = connections.len();
        let unhealthy = connections.filter(|(_, is_healthy)| !is_healthy);
        let unhealthy: Vec<String> =
            unhealthy.take(NAMED_MAX).map(|(name, _)| name.to_owned()).collect();
        let healthy = unhealthy.is_empty() && late.is_empty();
        Self { healthy, connections: count, unhealthy, late }
    }
}

#[cfg(test)]
mod tests {
    use super::{NAMED_MAX, Overall, ready};
    use crate::serve::problem::ProblemType;
    use crate::serve::served::Served;
    use axum::extract::State;
    use std::sync::Arc;

    #[tokio::test]
    async fn a_server_that_is_not_ready_says_whether_it_starts_or_stops() {
        let served = Arc::new(Served::new());
        let why = async || ready(State(Arc::clone(&served))).await.unwrap_err().what();
        assert_eq!(why().await, ProblemType::Starting);
        served.stop();
        assert_eq!(why().await, ProblemType::Stopping);
    }

    #[test]
    fn one_connection_that_fails_or_one_loop_that_hangs_makes_all_red() {
        let of = |beta, late: &[&'static str]| {
            let overall = Overall::of([("acme", true), ("beta", beta)].into_iter(), late.to_vec());
            (overall.healthy, overall.unhealthy, overall.late)
        };
        assert_eq!(of(true, &[]), (true, vec![], vec![]));
        assert_eq!(of(false, &[]), (false, vec!["beta".to_owned()], vec![]));
        assert_eq!(of(true, &["writer"]), (false, vec![], vec!["writer"]));
    }

    #[test]
    fn an_answer_names_a_bounded_number_of_connections() {
        let all = [("acme", false); 3 * NAMED_MAX];
        let overall = Overall::of(all.into_iter(), Vec::new());
        assert_eq!((overall.connections, overall.unhealthy.len()), (3 * NAMED_MAX, NAMED_MAX));
    }
}
