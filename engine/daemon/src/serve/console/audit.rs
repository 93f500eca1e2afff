//! The audit log, the newest entries first.
//!
//! Bounds: [`ROWS_MAX`] entries of a page. A page looks at a bounded part of the log, so that of a
//! filter that fits few entries it may be empty, and leads on.

use super::chrome::page as framed;
use super::refused::Refused;
use super::show::{AUDIT, Mood, at, badge, nothing, segment, spoken, time};
use super::state::Pages;
use super::visitor::Visitor;
use crate::serve::audit::entry::{Entry, Outcome};
use crate::serve::audit::read::{Filter, Numbered};
use crate::serve::audit::routes::{newest, unlimited};
use crate::serve::body::Query;
use crate::serve::problem::Problem;
use axum::extract::State;
use axum::response::Response;
use maud::{Markup, html};
use serde::Deserialize;

/// Entries of a page.
const ROWS_MAX: usize = 50;

/// The parameters of the page.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    /// Entries before this number; the newest when it is missing.
    before: Option<u64>,
    connection: Option<String>,
    who: Option<String>,
}

/// Shows a page of the log.
pub(super) async fn page(
    State(pages): State<Pages>,
    visitor: Visitor,
    query: Result<Query<Asked>, Problem>,
) -> Result<Response, Refused> {
    unlimited(&visitor.caller)?;
    let Query(asked) = query?;
    let given = |text: Option<String>| text.filter(|text| !text.trim().is_empty());
    let (connection, who) = (given(asked.connection), given(asked.who));
    let filter = Filter { connection, who, ..Filter::default() };
    let page = newest(&pages.served, asked.before, ROWS_MAX, &filter).await?;
    let older = format!("{AUDIT}?before={}{}", page.looked, rest(&filter));
    let main = html! {
        h1 { "Audit log" }
        p.muted {
            "Who asked for what, when, and how it ended; the newest first. It has no candidate's "
            "data: a record is a digest of its key."
        }
        (search(&filter))
        @if page.entries.is_empty() {
            (nothing("There is no such entry."))
        } @else {
            table.stack {
                caption.hidden { "Entries" }
                thead {
                    tr {
                        th scope="col" { "What" }
                        th scope="col" { "Who" }
                        th scope="col" { "Result" }
                        th scope="col" { "When" }
                    }
                }
                tbody { @for one in &page.entries { (row(one)) } }
            }
        }
        p {
            @if asked.before.is_some() {
                a href={ (AUDIT) "?" (rest(&filter)) } { "Newest entries" } " "
            }
            @if page.has_more { a href=(older) { "Older entries" } }
        }
    };
    Ok(framed(&visitor, "Audit log", main))
}

/// The filter as further parameters of an address.
fn rest(filter: &Filter) -> String {
    let named = [("connection", &filter.connection), ("who", &filter.who)];
    let given = named.iter().filter_map(|(name, value)| Some((name, value.as_ref()?)));
    given.map(|(name, value)| format!("&{name}={}", segment(value))).collect()
}

fn search(filter: &Filter) -> Markup {
    html! {
        form.search method="get" action=(AUDIT) {
            div.row {
                div {
                    label for="connection" { "Connection" }
                    input #connection name="connection" autocomplete="off" spellcheck="false"
                        value=(filter.connection.as_deref().unwrap_or_default());
                }
                div {
                    label for="who" { "Token or link" }
                    input #who name="who" autocomplete="off" spellcheck="false"
                        value=(filter.who.as_deref().unwrap_or_default());
                }
            }
            button type="submit" { "Show" }
        }
    }
}

fn row(one: &Numbered) -> Markup {
    let entry = &one.entry;
    html! {
        tr {
            th scope="row" data-label="What" {
                (spoken(&entry.what.word()))
                p { (about(entry)) }
            }
            td data-label="Who" {
                @if let Some(who) = &entry.who { (who) " " }
                span.muted { (spoken(entry.by.word())) }
            }
            td data-label="Result" {
                (result(entry.result.unwrap_or(Outcome::Unknown)))
                @if let Some(problem) = &entry.problem { " " (problem.replace('-', " ")) }
            }
            td.brief data-label="When" {
                (time(entry.at_ms))
                p.muted { "#" (one.number) }
            }
        }
    }
}

fn about(entry: &Entry) -> Markup {
    html! {
        @if let Some(connection) = &entry.connection {
            a href=(at(connection)) { (connection) } " "
        }
        @if let Some(target) = &entry.target { code { (target) } " " }
        @if let Some(record) = &entry.record { "record " code { (record) } " " }
        @if let Some(count) = entry.count { "(" (count) ")" }
    }
}

fn result(outcome: Outcome) -> Markup {
    let mood = match outcome {
        Outcome::Done => Mood::Good,
        Outcome::Refused | Outcome::Failed => Mood::Bad,
        Outcome::Left | Outcome::Unknown => Mood::Warning,
        Outcome::Replayed | Outcome::Underway => Mood::Neutral,
    };
    badge(mood, outcome.word())
}
