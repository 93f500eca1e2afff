//! The feed of a connection as server-sent events, whose ids are serials.
//!
//! Bounds: a stream holds one change; it reads at the pace of its reader.

use super::problem::Problem;
use atsync::{Change, Connection};
use axum::http::HeaderMap;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::{StreamExt, TryStreamExt};
use std::convert::Infallible;
use std::time::Duration;

/// Seconds between two signs of life of a stream without changes.
const ALIVE_S: u64 = 15;

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
    let feed = connection.follow_after(after).map(move |change| {
        Ok::<_, Infallible>(match change {
            Ok(change) => shown(&change).id(change.serial.to_string()),
            // The last one of the stream.
            Err(error) => Event::default().event("problem").data(Problem::from(error).document()),
        })
    });
    let feed = feed.take_until(until);
    let alive = KeepAlive::new().interval(Duration::from_secs(ALIVE_S));
    Ok(Sse::new(feed).keep_alive(alive).into_response())
}
