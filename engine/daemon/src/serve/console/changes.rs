//! The feed of a connection: the newest changes, older pages, and a stream of those to come.
//!
//! The page is complete without the script. With it, the page opens the stream after the newest
//! change that it shows; the script fills a copy of the row that the page keeps as a template, so
//! that rows of both look alike and a value is never markup.
//!
//! Bounds: [`ROWS_MAX`] changes of a page, [`FIELDS_MAX`] fields of a change.

use super::chrome::{Part, page_of};
use super::refused::Refused;
use super::show::{at, nothing, spoken};
use super::state::Pages;
use super::value::shown;
use super::visitor::Visitor;
use crate::serve::body::Query;
use crate::serve::problem::Problem;
use crate::serve::stream as feed;
use crate::words;
use atsync::model::plain;
use atsync::{Cause, Change, ChangeWhat};
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use axum::response::sse::Event;
use futures_util::{StreamExt, TryStreamExt};
use maud::{Markup, html};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Changes of a page.
const ROWS_MAX: usize = 25;
/// Fields of a change that a row shows.
const FIELDS_MAX: usize = 6;

/// Fields that a row shows only where nothing else changed.
const STAMPS: [&str; 3] = ["created_at", "last_activity_at", "updated_at"];

/// The parameters of the page.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Before {
    /// Changes before this serial; the newest when it is missing.
    before: Option<u64>,
}

/// The parameters of the stream.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct After {
    #[serde(default)]
    after: u64,
}

/// A change as a row shows it.
#[derive(Debug, Default, Serialize)]
struct Row {
    serial: u64,
    /// When it was read, for programs and for people.
    at: String,
    time: String,
    what: &'static str,
    record: String,
    cause: &'static str,
    /// Name, and what became of it.
    fields: Vec<(String, String)>,
}

impl Row {
    fn of(change: &Change) -> Self {
        let at = words::time(change.at_ms);
        let mut names: Vec<&String> = change.before.keys().chain(change.after.keys()).collect();
        names.sort();
        names.dedup();
        // Stamps follow from every other change.
        if names.iter().any(|name| !STAMPS.contains(&name.as_str())) {
            names.retain(|name| !STAMPS.contains(&name.as_str()));
        }
        let further = names.len().saturating_sub(FIELDS_MAX);
        let value = |value: &Value| plain::line(&shown(value)).into_owned();
        let became = |name: &str| match (change.before.get(name), change.after.get(name)) {
            (Some(before), Some(after)) => format!("{} → {}", value(before), value(after)),
            (Some(before), None) => format!("was {}", value(before)),
            (None, Some(after)) => value(after),
            (None, None) => String::new(),
        };
        let shown = names.iter().take(FIELDS_MAX);
        let mut fields: Vec<(String, String)> =
            shown.map(|name| (plain::line(&spoken(name)).into_owned(), became(name))).collect();
        if further > 0 {
            fields.push(("and".to_owned(), words::count(further as u64, "further field")));
        }
        Self {
            serial: change.serial,
            time: at.replace('T', " ").replace('Z', " UTC"),
            at,
            what: match change.what {
                ChangeWhat::Created => "created",
                ChangeWhat::Updated => "updated",
                ChangeWhat::Deleted => "deleted",
                ChangeWhat::Moved => "moved",
                ChangeWhat::Anonymized => "anonymized",
                ChangeWhat::Erased => "erased",
                ChangeWhat::Unread => "unread",
                _ => "changed",
            },
            record: plain::line(&format!("{} {}", change.kind, change.id)).into_owned(),
            cause: match change.cause {
                Cause::Observed => "seen in the ATS",
                Cause::Applied { .. } => "written by atsync",
                Cause::Swept { .. } => "found by a sweep",
                Cause::Hinted { .. } => "announced by a webhook",
                Cause::Asked => "asked for",
                Cause::Doubted { .. } => "found by a probe",
                _ => "",
            },
            fields,
        }
    }

    /// The row as an event of the stream.
    fn event(change: &Change) -> Event {
        let row = serde_json::to_string(&Self::of(change)).unwrap_or_default();
        Event::default().event("change").data(row)
    }

    fn markup(&self) -> Markup {
        html! {
            tr {
                th scope="row" data-label="Change" {
                    span.badge.(self.what) data-slot="what" { (self.what) } " "
                    span data-slot="record" { (self.record) }
                }
                td data-label="Fields" {
                    dl.changed data-slot="fields" {
                        @for (name, became) in &self.fields {
                            div { dt { (name) } dd { (became) } }
                        }
                    }
                }
                td.brief data-label="When" {
                    time data-slot="time" datetime=(self.at) { (self.time) }
                    p.muted data-slot="cause" { (self.cause) }
                }
            }
        }
    }
}

/// Shows a page of the feed, newest first.
pub(super) async fn page(
    State(pages): State<Pages>,
    Path(name): Path<String>,
    visitor: Visitor,
    query: Result<Query<Before>, Problem>,
) -> Result<Response, Refused> {
    let Query(Before { before }) = query?;
    let connection = pages.served.connection(&name)?;
    let (first, last) =
        (connection.changes_first().await?, connection.status().await?.changes_last);
    // The serial after the last one of the page.
    let end = before.unwrap_or(u64::MAX).min(last.saturating_add(1));
    let wanted = u64::try_from(ROWS_MAX).unwrap_or(u64::MAX);
    let after = end.saturating_sub(1).saturating_sub(wanted).max(first.saturating_sub(1));
    let mut rows: Vec<Row> = Vec::new();
    if after < last {
        let count = end.saturating_sub(1).saturating_sub(after);
        let count = usize::try_from(count).unwrap_or(ROWS_MAX).min(ROWS_MAX);
        let changes = connection.changes(after).take(count).try_collect::<Vec<_>>().await?;
        rows = changes.iter().rev().map(Row::of).collect();
    }
    let is_newest = before.is_none();
    let stream = format!("{}/changes?after={last}", at(&name));
    let main = html! {
        h1 { "Feed" }
        p.muted #live role="status" data-stream=[is_newest.then_some(stream)] {
            @if is_newest {
                "What was read from the ATS, newest first. Load the page again to see more."
            } @else { "Changes before number " (end) "." }
        }
        @if rows.is_empty() { (nothing("There is no change.")) }
        table.stack.feed hidden[rows.is_empty() && !is_newest] {
            caption.hidden { "Changes" }
            thead {
                tr {
                    th scope="col" { "Change" }
                    th scope="col" { "Fields" }
                    th scope="col" { "When" }
                }
            }
            tbody #changes { @for row in &rows { (row.markup()) } }
        }
        @if is_newest { template #change { (Row::default().markup()) } }
        p {
            @if !is_newest { a href={ (at(&name)) "/feed" } { "Newest changes" } " " }
            @if after.saturating_add(1) > first && after > 0 {
                a href={ (at(&name)) "/feed?before=" (after.saturating_add(1)) } { "Older changes" }
            }
        }
    };
    Ok(page_of(&visitor, &name, Part::Feed, "Feed", main))
}

/// Streams the changes after a serial as rows. It ends with the session and at a stop.
pub(super) async fn stream(
    State(pages): State<Pages>,
    Path(name): Path<String>,
    visitor: Visitor,
    query: Result<Query<After>, Problem>,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    let Query(After { after }) = query?;
    let connection = pages.served.connection(&name)?;
    let after = feed::resumed(&headers)?.unwrap_or(after);
    let (stopping, ended) = (pages.served.set_changed(), visitor.session.ended());
    let until = async move {
        tokio::select! {
            () = stopping => {}
            () = ended => {}
        }
    };
    Ok(feed::of(&connection, after, until, Row::event).await?)
}
