//! The feed of a connection: pages with a long poll, or a stream of server-sent events.
//!
//! Changes have serials without gaps. A page begins after a serial and waits up to `wait` seconds
//! for the first change. A stream begins after `after`, or after `Last-Event-ID` where a client
//! connects again, and its events have the serial as id. A serial whose successor was trimmed is
//! refused with 410: read the records again, and go on from the serial that the detail names.
//!
//! Bounds: those of [`stream`].

use super::answers::ChangeEvent;
use super::body::{Query, number};
use super::problem::Problem;
use super::served::Served;
use super::stream;
use atsync::{Change, Clock, Connection, SystemClock};
use axum::Json;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::sse::Event;
use axum::response::{IntoResponse, Response};
use futures_util::{StreamExt, TryStreamExt};
use serde::{Deserialize, Serialize};
use std::pin::pin;
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};

/// A page of changes.
#[derive(Serialize, ToSchema)]
pub(super) struct ChangePage {
    /// In the order of their serials.
    #[schema(value_type = Vec<ChangeEvent>)]
    changes: Vec<Change>,
    /// `after` of the next page.
    next: u64,
}

/// The parameters of the feed.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct FeedOf {
    /// The serial after which it begins; 0 for the beginning.
    #[serde(default, deserialize_with = "number")]
    after: u64,
    /// Changes of the page.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<usize>,
    /// Seconds that the page waits for a change when there is none.
    #[serde(default)]
    #[param(maximum = 60)]
    wait: u64,
}

/// Reads the feed: a page as JSON, or with `Accept: text/event-stream` a stream.
#[utoipa::path(get, path = "/v1/connections/{connection}/changes", params(FeedOf), tag = "changes",
    responses(
    (status = 200, content((ChangePage = "application/json"), (String = "text/event-stream"))),
))]
pub(super) async fn changes(
    State(served): State<Arc<Served>>,
    Path(name): Path<String>,
    Query(feed): Query<FeedOf>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let connection = served.connection(&name)?;
    let limit = stream::limit(feed.limit, feed.wait)?;
    if stream::is_wanted(&headers) {
        let after = stream::resumed(&headers)?.unwrap_or(feed.after);
        return stream::of(&connection, after, served.set_changed(), as_json).await;
    }
    let stopping = served.stopping();
    drop(served);
    let changes = page(&connection, feed.after, limit, feed.wait, stopping).await?;
    let next = changes.last().map_or(feed.after, |change| change.serial);
    Ok(Json(ChangePage { changes, next }).into_response())
}

async fn page(
    connection: &Connection,
    after: u64,
    limit: usize,
    wait_s: u64,
    stopping: impl Future<Output = ()>,
) -> Result<Vec<Change>, Problem> {
    let read = || connection.changes(after).take(limit).try_collect::<Vec<_>>();
    let found = read().await?;
    if !found.is_empty() || wait_s == 0 {
        return Ok(found);
    }
    {
        let mut feed = pin!(connection.follow_after(after));
        tokio::select! {
            next = feed.next() => drop(next.transpose()?),
            () = SystemClock.sleep(wait_s.saturating_mul(1_000)) => {}
            () = stopping => {}
        }
    }
    Ok(read().await?)
}

/// A change as an event of the stream.
fn as_json(change: &Change) -> Event {
    Event::default().event("change").data(serde_json::to_string(change).unwrap_or_default())
}
