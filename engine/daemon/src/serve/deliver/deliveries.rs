//! The deliveries of an endpoint: how they stand, sent again from an offset, and enabled again.
//!
//! What was given up is shown by serial, kind and id; the feed has what it was about.

use super::super::body::Given;
use super::super::caller::Caller;
use super::super::problem::{Problem, ProblemType};
use super::super::served::Served;
use super::super::tasks;
use super::book::{self, DeadLetter};
use super::courier::start;
use super::endpoint::Endpoint;
use super::endpoints::{EndpointView, known, opened, replace, unlimited, view};
use super::standing::LastFailure;
use atsync::Connection;
use axum::extract::{Path, State};
use axum::{Extension, Json};
use futures_util::{StreamExt, TryStreamExt};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;

/// How the deliveries of an endpoint stand.
#[derive(Serialize, ToSchema)]
pub(in crate::serve) struct DeliveriesView {
    /// Attempts since the last accepted one.
    pub(in crate::serve) failures: u32,
    /// When the first of them was.
    pub(in crate::serve) failing_since_ms: Option<u64>,
    pub(in crate::serve) last_failure: Option<LastFailure>,
    /// By connection, of those that the endpoint wants and that are open.
    pub(in crate::serve) connections: Vec<LaneView>,
    /// The changes that were given up, the newest last; 200 at most.
    pub(in crate::serve) given_up: Vec<DeadLetter>,
}

/// How far the changes of a connection are sent.
#[derive(Serialize, ToSchema)]
pub(in crate::serve) struct LaneView {
    pub(in crate::serve) connection: String,
    /// The serial up to which every change is done.
    pub(in crate::serve) offset: u64,
    /// Changes that were not accepted yet, and those of the same records that wait for them.
    pub(in crate::serve) held: usize,
    /// The time of the oldest change that was not accepted.
    pub(in crate::serve) oldest_waiting_ms: Option<u64>,
}

/// Shows how the deliveries of an endpoint stand.
#[utoipa::path(get, path = "/v1/webhook-endpoints/{endpoint}/deliveries",
    operation_id = "list_deliveries", tag = "webhooks",
    responses((status = 200, body = DeliveriesView)))]
pub(in crate::serve) async fn deliveries(
    State(served): State<Arc<Served>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<DeliveriesView>, Problem> {
    unlimited(&caller)?;
    Ok(Json(shown(&served, &id).await?))
}

/// How the deliveries of an endpoint stand.
///
/// # Errors
/// When there is none, or the store fails.
pub(in crate::serve) async fn shown(served: &Served, id: &str) -> Result<DeliveriesView, Problem> {
    let endpoint = known(served, id)?;
    let state = served.deliveries.one(id).map(|(_, state)| state).unwrap_or_default();
    let (standing, lanes) = (state.standing(), state.lanes());
    let mut connections = Vec::new();
    for listed in served.listed(&Caller::local()) {
        let wanted = |_: &Connection| endpoint.wants_connection(&listed.name);
        let Some(connection) = listed.connection.filter(wanted) else { continue };
        let lane = lanes.get(&listed.name).copied().unwrap_or_default();
        connections.push(LaneView {
            offset: connection.offset(&book::consumer(id)).await?,
            connection: listed.name,
            held: lane.held,
            oldest_waiting_ms: lane.oldest_ms,
        });
    }
    Ok(DeliveriesView {
        failures: standing.failures,
        failing_since_ms: standing.since_ms,
        last_failure: standing.last,
        connections,
        given_up: book::dead(&opened(served)?.engine, id).await?,
    })
}

/// From where to send again.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::serve) struct Replay {
    pub(in crate::serve) connection: String,
    /// The serial of the last change that is not sent again; 0 for all. A later one than the
    /// present offset skips changes.
    pub(in crate::serve) after: u64,
}

/// Sends the changes of a connection from an offset on, with the ids that they had before.
#[utoipa::path(post, path = "/v1/webhook-endpoints/{endpoint}/replay",
    operation_id = "replay_deliveries", tag = "webhooks",
    request_body = Replay, responses((status = 200, body = EndpointView)))]
pub(in crate::serve) async fn replay(
    State(served): State<Arc<Served>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    Given(asked): Given<Replay>,
) -> Result<Json<EndpointView>, Problem> {
    unlimited(&caller)?;
    replayed(served, id, asked).await.map(Json)
}

/// Sends changes again, also when the caller leaves.
///
/// # Errors
/// As [`replayable`].
pub(in crate::serve) async fn replayed(
    served: Arc<Served>,
    id: String,
    asked: Replay,
) -> Result<EndpointView, Problem> {
    tasks::to_the_end(async move {
        let _editing = served.deliveries.editing.lock().await;
        replayable(&served, &id, &asked.connection, asked.after).await?;
        let endpoint = known(&served, &id)?;
        let connection = served.connection(&asked.connection)?;
        served.deliveries.halt(&id).await;
        let moved = moved(&served, &id, &connection, asked.after).await;
        start(&served, &id).await;
        moved.map(|()| view(&id, endpoint))
    })
    .await?
}

/// Checks a place to send again from. Returns the present offset and the end of the feed.
///
/// # Errors
/// When the endpoint does not want the connection, or its feed does not have the place.
pub(in crate::serve) async fn replayable(
    served: &Served,
    id: &str,
    connection: &str,
    after: u64,
) -> Result<(u64, u64), Problem> {
    if !known(served, id)?.wants_connection(connection) {
        let detail = "the filter of the endpoint has no such connection";
        return Err(Problem::invalid("/connection", detail));
    }
    let connection = served.connection(connection)?;
    let last = connection.status().await?.changes_last;
    if after > last {
        let detail = format!("the feed ends at {last}");
        return Err(Problem::new(ProblemType::ChangesAhead, detail));
    }
    // Refuses a place whose changes were trimmed.
    drop(connection.changes(after).take(1).try_collect::<Vec<_>>().await?);
    Ok((connection.offset(&book::consumer(id)).await?, last))
}

/// Moves the offset of an endpoint. A kill between leaves the beginning of the feed, or what the
/// trimming left of it.
async fn moved(
    served: &Served,
    id: &str,
    connection: &Connection,
    after: u64,
) -> Result<(), Problem> {
    let consumer = book::consumer(id);
    let engine = opened(served)?.engine;
    book::put_lane(&engine, (id, connection.name()), None).await?;
    connection.end_consumer(&consumer).await?;
    connection.acknowledge(&consumer, after).await?;
    Ok(())
}

/// Enables an endpoint again, from where it was. One that is enabled is tried at once.
#[utoipa::path(post, path = "/v1/webhook-endpoints/{endpoint}/enable",
    operation_id = "enable_webhook_endpoint", tag = "webhooks",
    responses((status = 200, body = EndpointView)))]
pub(in crate::serve) async fn enable(
    State(served): State<Arc<Served>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<EndpointView>, Problem> {
    unlimited(&caller)?;
    enabled(served, id).await.map(Json)
}

/// Enables an endpoint, also when the caller leaves.
///
/// # Errors
/// When there is none, or the store fails.
pub(in crate::serve) async fn enabled(
    served: Arc<Served>,
    id: String,
) -> Result<EndpointView, Problem> {
    tasks::to_the_end(async move {
        let _editing = served.deliveries.editing.lock().await;
        let opened = opened(&served)?;
        known(&served, &id)?;
        served.deliveries.halt(&id).await;
        let before = known(&served, &id)?;
        let revision = before.revision.saturating_add(1);
        let endpoint = Endpoint { enabled: true, disabled: None, revision, ..before.clone() };
        let enabled = replace(&served, &opened, &id, (&before, endpoint.clone())).await;
        start(&served, &id).await;
        enabled.map(|()| view(&id, endpoint))
    })
    .await?
}
