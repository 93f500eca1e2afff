//! One feed over all connections that a token may use.
//!
//! Each connection has serials of its own, so the place in this feed is a cursor: the last serial
//! of each connection, opaque to callers. Changes of one connection come in their order; between
//! connections there is none. A connection that is new begins at its first change. A page takes a
//! share of each connection, so that a busy one does not hide the others.
//!
//! A stream ends when a connection comes or goes, and the client connects again with the id of its
//! last event, as an `EventSource` does by itself.
//!
//! Bounds: [`CONNECTIONS_MAX`] connections, since each is in the cursor. A host with more follows
//! each connection's own feed.

use super::answers::PlacedChange;
use super::body::Query;
use super::caller::Caller;
use super::problem::{Problem, ProblemType};
use super::served::Served;
use atsync::{Change, Clock, Connection, SystemClock};
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::stream::{Stream, select_all};
use futures_util::{StreamExt, TryStreamExt};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use utoipa::{IntoParams, ToSchema};

/// Connections of this feed.
const CONNECTIONS_MAX: usize = 1_000;
/// Changes of a page.
const ROWS_MAX: usize = 1_000;
/// Seconds that a page may wait for a change.
const WAIT_S_MAX: u64 = 60;
/// Seconds between two signs of life of a stream without changes.
const ALIVE_S: u64 = 15;

/// The last serial of each connection.
type Cursor = BTreeMap<String, u64>;

/// A change with its connection.
#[derive(Serialize)]
struct Placed {
    connection: String,
    #[serde(flatten)]
    change: Change,
}

/// A page of changes.
#[derive(Serialize, ToSchema)]
pub(super) struct AllChangesPage {
    /// Those of one connection in the order of their serials.
    #[schema(value_type = Vec<PlacedChange>)]
    changes: Vec<Placed>,
    /// `after` of the next page.
    next: String,
}

/// The parameters of the feed.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct AllFeedOf {
    /// `next` of the page before; none for the beginning.
    after: Option<String>,
    /// Changes of the page.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<usize>,
    /// Seconds that the page waits for a change when there is none.
    #[serde(default)]
    #[param(maximum = 60)]
    wait: u64,
}

fn written(cursor: &Cursor) -> String {
    URL_SAFE_NO_PAD.encode(serde_json::to_vec(cursor).unwrap_or_default())
}

fn read(text: Option<&str>, pointer: &str) -> Result<Cursor, Problem> {
    let Some(text) = text else { return Ok(Cursor::new()) };
    let bytes = URL_SAFE_NO_PAD.decode(text).ok();
    let cursor = bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok());
    cursor.ok_or_else(|| Problem::invalid(pointer, "it is no cursor of this feed; see `next`"))
}

/// Reads the changes of all connections: a page as JSON, or with `Accept: text/event-stream` a
/// stream.
#[utoipa::path(get, path = "/v1/changes", params(AllFeedOf), tag = "changes", responses(
    (status = 200, content((AllChangesPage = "application/json"), (String = "text/event-stream"))),
))]
pub(super) async fn all_changes(
    State(served): State<Arc<Served>>,
    Extension(caller): Extension<Caller>,
    Query(feed): Query<AllFeedOf>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let limit = feed.limit.unwrap_or(ROWS_MAX);
    if !(1..=ROWS_MAX).contains(&limit) {
        return Err(Problem::invalid("limit", format!("limit is 1 to {ROWS_MAX}")));
    }
    if feed.wait > WAIT_S_MAX {
        return Err(Problem::invalid("wait", format!("wait is 0 to {WAIT_S_MAX} seconds")));
    }
    let listed = served.listed(&caller).into_iter();
    let connections: Vec<Connection> = listed.filter_map(|one| one.connection).collect();
    if connections.len() > CONNECTIONS_MAX {
        return Err(Problem::new(
            ProblemType::NotSupported,
            format!(
                "this feed has at most {CONNECTIONS_MAX} connections; follow the feed of each, or \
                 use a token of fewer connections"
            ),
        ));
    }
    let accepts = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    let changed = served.set_changed();
    if accepts.is_some_and(|accept| accept.contains("text/event-stream")) {
        let last = headers.get("last-event-id").map(|id| id.to_str().unwrap_or_default());
        let cursor = match last {
            Some(last) => read(Some(last), "Last-Event-ID")?,
            None => read(feed.after.as_deref(), "after")?,
        };
        return streamed(&connections, cursor, changed).await;
    }
    drop(served);
    let mut cursor = read(feed.after.as_deref(), "after")?;
    let mut changes = page(&connections, &mut cursor, limit).await?;
    if changes.is_empty() && feed.wait > 0 {
        {
            let mut following = pin!(followed(&connections, &cursor));
            tokio::select! {
                next = following.next(), if !connections.is_empty() => {
                    drop(next.map(|(_, change)| change).transpose()?);
                }
                () = SystemClock.sleep(feed.wait.saturating_mul(1_000)) => {}
                () = changed => {}
            }
        }
        changes = page(&connections, &mut cursor, limit).await?;
    }
    Ok(Json(AllChangesPage { changes, next: written(&cursor) }).into_response())
}

/// Reads a share of each connection, and moves the cursor.
async fn page(
    connections: &[Connection],
    cursor: &mut Cursor,
    limit: usize,
) -> Result<Vec<Placed>, Problem> {
    let mut changes = Vec::new();
    let share = limit.checked_div(connections.len()).unwrap_or(limit).max(1);
    for connection in connections {
        let name = connection.name().to_owned();
        let left = limit.saturating_sub(changes.len()).min(share);
        if left == 0 {
            break;
        }
        let after = cursor.get(&name).copied().unwrap_or_default();
        let found: Vec<Change> = connection.changes(after).take(left).try_collect().await?;
        if let Some(last) = found.last() {
            cursor.insert(name.clone(), last.serial);
        }
        let placed = |change| Placed { connection: name.clone(), change };
        changes.extend(found.into_iter().map(placed));
    }
    Ok(changes)
}

fn followed(
    connections: &[Connection],
    cursor: &Cursor,
) -> impl Stream<Item = (String, Result<Change, atsync::Error>)> + Send + use<> {
    select_all(connections.iter().map(|connection| {
        let name = connection.name().to_owned();
        let after = cursor.get(&name).copied().unwrap_or_default();
        Box::pin(connection.follow_after(after).map(move |change| (name.clone(), change)))
    }))
}

async fn streamed(
    connections: &[Connection],
    mut cursor: Cursor,
    changed: impl Future<Output = ()> + Send + 'static,
) -> Result<Response, Problem> {
    // A refusal comes before the first event: as a problem document.
    for connection in connections {
        let after = cursor.get(connection.name()).copied().unwrap_or_default();
        drop(connection.changes(after).take(1).try_collect::<Vec<_>>().await?);
    }
    let feed = followed(connections, &cursor).map(move |(connection, change)| {
        Ok::<_, Infallible>(match change {
            Ok(change) => {
                cursor.insert(connection.clone(), change.serial);
                let data = serde_json::to_string(&Placed { connection, change });
                let data = data.unwrap_or_default();
                Event::default().id(written(&cursor)).event("change").data(data)
            }
            Err(error) => Event::default().event("problem").data(Problem::from(error).document()),
        })
    });
    let alive = KeepAlive::new().interval(Duration::from_secs(ALIVE_S));
    Ok(Sse::new(feed.take_until(changed)).keep_alive(alive).into_response())
}

#[cfg(test)]
mod tests {
    use super::{Cursor, read, written};

    #[test]
    fn a_cursor_is_read_as_it_was_written_and_another_text_is_refused() {
        let cursor = Cursor::from([("acme \u{e9}".to_owned(), 7), ("beta".to_owned(), u64::MAX)]);
        assert_eq!(read(Some(&written(&cursor)), "after").unwrap(), cursor);
        assert_eq!(read(None, "after").unwrap(), Cursor::new());
        for bad in ["", "7", "e30x", "W10", "eyJhIjotMX0"] {
            assert!(read(Some(bad), "after").is_err(), "{bad:?}");
        }
    }
}
