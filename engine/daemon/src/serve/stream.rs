//! What the feeds share: the bounds of a page, and changes as server-sent events.
//!
//! Bounds: [`ROWS_MAX`] changes of a page, [`WAIT_S_MAX`] seconds; a stream holds five changes of a
//! connection, and reads at the pace of its reader.

use super::problem::Problem;
use atsync::{Change, Connection};
use axum::http::{HeaderMap, header};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::{Stream, StreamExt, TryStreamExt};
use std::convert::Infallible;
use std::time::Duration;

/// Changes of a page.
pub(super) const ROWS_MAX: usize = 1_000;
/// Seconds that a page may wait for a change.
pub(super) const WAIT_S_MAX: u64 = 60;
/// Seconds between two signs of life of a stream without changes.
const ALIVE_S: u64 = 15;

/// The changes of a page, from the parameters of a request.
///
/// # Errors
/// When one of them is beyond its bound.
pub(super) fn limit(limit: Option<usize>, wait_s: u64) -> Result<usize, Problem> {
    let limit = limit.unwrap_or(ROWS_MAX);
    if !(1..=ROWS_MAX).contains(&limit) {
        return Err(Problem::invalid("limit", format!("limit is 1 to {ROWS_MAX}")));
    }
    if wait_s > WAIT_S_MAX {
        return Err(Problem::invalid("wait", format!("wait is 0 to {WAIT_S_MAX} seconds")));
    }
    Ok(limit)
}

/// Whether a request asks for a stream.
pub(super) fn is_wanted(headers: &HeaderMap) -> bool {
    let accepts = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    accepts.is_some_and(|accept| accept.contains("text/event-stream"))
}

/// Events as an answer that shows signs of life.
pub(super) fn answer(
    events: impl Stream<Item = Event> + Send + 'static,
    until: impl Future<Output = ()> + Send + 'static,
) -> Response {
    let events = events.map(Ok::<_, Infallible>).take_until(until);
    let alive = KeepAlive::new().interval(Duration::from_secs(ALIVE_S));
    Sse::new(events).keep_alive(alive).into_response()
}

/// The event of an error, which is the last one of its stream.
pub(super) fn failed(error: atsync::Error) -> Event {
    Event::default().event("problem").data(Problem::from(error).document())
}

/// The serial after which a client that connects again goes on.
pub(super) fn resumed(headers: &HeaderMap) -> Result<Option<u64>, Problem> {
    let Some(id) = headers.get("last-event-id") else { return Ok(None) };
    let serial = id.to_str().ok().and_then(|id| id.parse().ok());
    let refused = || Problem::invalid("Last-Event-ID", "it is the serial of a change: a number");
    serial.map(Some).ok_or_else(refused)
}

/// Streams the feed after a serial, each change as the event that `shown` makes of it. It ends with
/// its error, with the connection, and with `until`.
///
/// # Errors
/// A refusal of the first read, before the stream begins.
pub(super) async fn of<S: Future<Output = ()> + Send + 'static>(
    connection: &Connection,
    after: u64,
    until: S,
    shown: fn(&Change) -> Event,
) -> Result<Response, Problem> {
    // A refusal comes before the first event: as a problem document.
    drop(connection.changes(after).take(1).try_collect::<Vec<_>>().await?);
    let events = connection.follow_after(after).map(move |change| match change {
        Ok(change) => shown(&change).id(change.serial.to_string()),
        Err(error) => failed(error),
    });
    Ok(answer(events, until))
}
