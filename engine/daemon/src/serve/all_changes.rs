//! One feed over all connections that a token may use.
//!
//! Each connection has serials of its own, so the place in this feed is a cursor: the last serial
//! of each connection, opaque to callers. Changes of one connection come in their order; between
//! connections there is none. A connection that is new begins at its first change. A page takes a
//! share of each connection, and begins behind the one that the page before ended with, so that a
//! busy one does not hide the others.
//!
//! A stream ends when a connection comes or goes, and the client connects again with the id of its
//! last event, as an `EventSource` does by itself.
//!
//! Bounds: those of [`stream`], and [`CONNECTIONS_MAX`] connections, since each is in the cursor. A
//! host with more follows each connection's own feed.

use super::answers::PlacedChange;
use super::body::Query;
use super::caller::Caller;
use super::problem::{Problem, ProblemType};
use super::served::Served;
use super::stream;
use atsync::{Change, Clock, Connection, SystemClock};
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::sse::Event;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::stream::{Stream, select_all, unfold};
use futures_util::{StreamExt, TryStreamExt};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};

/// Connections of this feed: their cursor fits into the head of a request.
const CONNECTIONS_MAX: usize = 100;

/// The place in the feed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Cursor {
    /// The last serial of each connection.
    serials: BTreeMap<String, u64>,
    /// The connection that the last page ended with; the next page begins behind it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    last: Option<String>,
}

impl Cursor {
    fn of(&self, connection: &Connection) -> u64 {
        self.serials.get(connection.name()).copied().unwrap_or_default()
    }
}

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
    let Some(text) = text else { return Ok(Cursor::default()) };
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
    let limit = stream::limit(feed.limit, feed.wait)?;
    // Before the list: a connection that comes meanwhile ends the wait.
    let changed = served.set_changed();
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
    if stream::is_wanted(&headers) {
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

/// Reads a share of each connection, beginning behind the one that the last page ended with, and
/// moves the cursor.
async fn page(
    connections: &[Connection],
    cursor: &mut Cursor,
    limit: usize,
) -> Result<Vec<Placed>, Problem> {
    let mut changes = Vec::new();
    let share = limit.checked_div(connections.len()).unwrap_or(limit).max(1);
    let is_before =
        |one: &&Connection| cursor.last.as_deref().is_some_and(|last| one.name() <= last);
    let (before, behind): (Vec<&Connection>, Vec<&Connection>) =
        connections.iter().partition(is_before);
    for connection in behind.into_iter().chain(before) {
        let left = limit.saturating_sub(changes.len()).min(share);
        if left == 0 {
            break;
        }
        let name = connection.name().to_owned();
        let found = connection.changes(cursor.of(connection)).take(left);
        let found: Vec<Change> = found.try_collect().await?;
        if let Some(last) = found.last() {
            cursor.serials.insert(name.clone(), last.serial);
            cursor.last = Some(name.clone());
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
        Box::pin(
            connection
                .follow_after(cursor.of(connection))
                .map(move |change| (name.clone(), change)),
        )
    }))
}

async fn streamed(
    connections: &[Connection],
    cursor: Cursor,
    changed: impl Future<Output = ()> + Send + 'static,
) -> Result<Response, Problem> {
    // A refusal comes before the first event: as a problem document.
    for connection in connections {
        let first = connection.changes(cursor.of(connection)).take(1);
        drop(first.try_collect::<Vec<_>>().await?);
    }
    let followed = followed(connections, &cursor);
    Ok(stream::answer(events(followed, cursor), changed))
}

/// Changes as events. An error is the last one: the client connects again, and learns what is
/// wrong.
fn events<S>(followed: S, cursor: Cursor) -> impl Stream<Item = Event> + Send + 'static
where
    S: Stream<Item = (String, Result<Change, atsync::Error>)> + Send + Unpin + 'static,
{
    unfold(Some((followed, cursor)), async |state| {
        let (mut followed, mut cursor) = state?;
        let (connection, change) = followed.next().await?;
        Some(match change {
            Ok(change) => {
                cursor.serials.insert(connection.clone(), change.serial);
                let data = serde_json::to_string(&Placed { connection, change });
                let event = Event::default().id(written(&cursor)).event("change");
                (event.data(data.unwrap_or_default()), Some((followed, cursor)))
            }
            Err(error) => (stream::failed(error), None),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::{CONNECTIONS_MAX, Cursor, events, page, read, written};
    use atsync::{Change, Error, ErrorKind};
    use futures_util::{FutureExt, StreamExt, stream};
    use serde_json::json;

    #[test]
    fn a_stream_ends_with_its_error_although_other_connections_have_no_change() {
        let change = json!({ "serial": 1, "at_ms": 1, "kind": "jobs", "id": "1",
            "what": "created", "cause": { "cause": "observed" } });
        let change: Change = serde_json::from_value(change).unwrap();
        let error = Error::new(ErrorKind::Store, "the disk is full");
        let all = [("acme".to_owned(), Ok(change)), ("acme".to_owned(), Err(error))];
        let followed = stream::iter(all).chain(stream::pending());
        let events = events(followed, Cursor::default()).collect::<Vec<_>>();
        assert_eq!(events.now_or_never().map(|events| events.len()), Some(2));
    }

    #[tokio::test]
    async fn the_place_of_a_connection_that_is_absent_stays_in_the_cursor() {
        let serials = [("acme".to_owned(), 7)].into();
        let mut cursor = Cursor { serials, last: Some("acme".to_owned()) };
        let before = cursor.clone();
        assert!(page(&[], &mut cursor, 10).await.unwrap().is_empty());
        assert_eq!(cursor, before);
    }

    #[test]
    fn a_cursor_is_read_as_it_was_written_and_another_text_is_refused() {
        let serials = [("acme \u{e9}".to_owned(), 7), ("beta".to_owned(), u64::MAX)].into();
        let cursor = Cursor { serials, last: Some("beta".to_owned()) };
        assert_eq!(read(Some(&written(&cursor)), "after").unwrap(), cursor);
        assert_eq!(read(None, "after").unwrap(), Cursor::default());
        let names = (0..CONNECTIONS_MAX).map(|at| (format!("{at:0100}"), u64::MAX));
        let large = Cursor { serials: names.collect(), last: None };
        assert!(written(&large).len() < 24 * 1024, "{}", written(&large).len());
        for bad in ["", "7", "e30x", "W10", "eyJhIjotMX0"] {
            assert!(read(Some(bad), "after").is_err(), "{bad:?}");
        }
    }
}
