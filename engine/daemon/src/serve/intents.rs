//! Intents: open ones, and the decision on one in doubt.
//!
//! The input of an intent has data of a candidate, so a list leaves it out; `explanation` of its
//! record shows it.

use super::body::Given;
use super::decision;
use super::problem::Problem;
use super::served::Served;
use atsync::{Intent, RemoteRef, Resolution};
use axum::Json;
use axum::extract::{Path, State};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;

/// An intent.
#[derive(Serialize, ToSchema)]
pub(super) struct IntentView {
    id: u64,
    /// The path of the desired object that it serves.
    path: String,
    /// The operation, for example `candidates.create`.
    operation: String,
    /// Its state.
    state: &'static str,
    /// How often its request was sent or may have been.
    attempt: u32,
    /// SHA-256 of the adapter's component that planned it.
    planned_by: Option<String>,
    /// SHA-256 of the component that made the request of its last attempt.
    sent_by: Option<String>,
}

impl From<Intent> for IntentView {
    fn from(intent: Intent) -> Self {
        Self {
            id: intent.id,
            state: intent.state.word(),
            path: intent.path,
            operation: intent.operation,
            attempt: intent.attempt,
            planned_by: intent.planned_by,
            sent_by: intent.sent_by,
        }
    }
}

/// The open intents.
#[derive(Serialize, ToSchema)]
pub(super) struct IntentList {
    intents: Vec<IntentView>,
}

/// Lists the open intents: writes that are prepared, sent or in doubt.
#[utoipa::path(get, path = "/v1/connections/{connection}/intents",
    operation_id = "list_intents", tag = "intents", responses(
    (status = 200, body = IntentList),
))]
pub(super) async fn list(
    State(served): State<Arc<Served>>,
    Path(name): Path<String>,
) -> Result<Json<IntentList>, Problem> {
    let open = served.connection(&name)?.open_intents().await?;
    Ok(Json(IntentList { intents: open.into_iter().map(IntentView::from).collect() }))
}

/// The decision on an intent in doubt.
#[derive(Deserialize, ToSchema)]
#[serde(tag = "decision", rename_all = "lowercase", deny_unknown_fields)]
pub(super) enum Decision {
    /// It happened.
    Adopt {
        /// The record that a create made.
        record: Option<Record>,
    },
    /// It did not happen: it is sent once more.
    Retry,
    /// The outcome stays unknown.
    Abandon {
        /// Why.
        reason: String,
    },
}

/// A record of the ATS.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Record {
    kind: String,
    id: String,
}

/// Decides an intent in doubt.
#[utoipa::path(post, path = "/v1/connections/{connection}/intents/{intent}/resolve",
    tag = "intents", request_body = Decision, responses(
    (status = 200, body = IntentView),
))]
pub(super) async fn resolve(
    State(served): State<Arc<Served>>,
    Path((name, intent)): Path<(String, String)>,
    Given(decided): Given<Decision>,
) -> Result<Json<IntentView>, Problem> {
    let connection = served.connection(&name)?;
    let intent = decision::intent(&connection, &intent).await?;
    let resolution = match decided {
        Decision::Adopt { record } => {
            Resolution::Adopt(record.map(|record| RemoteRef::new(&record.kind, &record.id)))
        }
        Decision::Retry => Resolution::Retry,
        Decision::Abandon { reason } => Resolution::Abandon(reason),
    };
    drop(served);
    Ok(Json(decision::decide(connection, intent.id, resolution).await?.into()))
}
