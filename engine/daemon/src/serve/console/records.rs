//! The declared records of a connection: a search by key, and a list.

use super::chrome::{Part, page_of};
use super::refused::Refused;
use super::show::{Mood, at, at_record, badge, nothing, segment};
use super::state::Pages;
use super::visitor::Visitor;
use crate::serve::body::Query;
use crate::serve::problem::Problem;
use atsync::{Condition, ConditionType, DesiredRow, Mode};
use axum::extract::{Path, State};
use axum::response::Response;
use maud::{Markup, html};
use serde::Deserialize;

/// Records of a page.
const ROWS_MAX: usize = 50;

/// The parameters of the page.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PageOf {
    /// Where the page before ended.
    cursor: Option<String>,
}

/// Lists the declared records, in the order of their keys.
pub(super) async fn page(
    State(pages): State<Pages>,
    Path(name): Path<String>,
    visitor: Visitor,
    query: Result<Query<PageOf>, Problem>,
) -> Result<Response, Refused> {
    let Query(PageOf { cursor }) = query?;
    let connection = pages.served.connection(&name)?;
    let rows = connection.desired_page(cursor.as_deref(), ROWS_MAX).await?;
    let main = html! {
        h1 { "Records" }
        (search(&name, ""))
        @if rows.rows.is_empty() {
            (nothing("No record is declared."))
        } @else {
            table.stack {
                caption.hidden { "Declared records" }
                thead {
                    tr {
                        th scope="col" { "Key" }
                        th scope="col" { "State" }
                        th scope="col" { "Generation" }
                    }
                }
                tbody { @for row in &rows.rows { (line(&name, row)) } }
            }
            @if let Some(next) = &rows.next {
                p { a href={ (at(&name)) "/records?cursor=" (segment(next)) } { "Next records" } }
            }
        }
    };
    Ok(page_of(&visitor, &name, Part::Records, "Records", main))
}

/// The form that finds a record by its key.
pub(super) fn search(name: &str, key: &str) -> Markup {
    html! {
        form.search role="search" method="get" action={ (at(name)) "/record" } {
            label for="key" { "Key of a declared record" }
            div.row {
                input #key name="key" value=(key) required autocomplete="off" spellcheck="false";
                button type="submit" { "Explain" }
            }
        }
    }
}

fn line(name: &str, row: &DesiredRow) -> Markup {
    let is_shown =
        |condition: &&Condition| condition.status || condition.kind == ConditionType::Synced;
    let conditions = row.status.conditions.iter().filter(is_shown);
    html! {
        tr {
            th scope="row" data-label="Key" { a href=(at_record(name, &row.key)) { (row.key) } }
            td data-label="State" {
                @if row.status.conditions.is_empty() { (badge(Mood::Neutral, "not planned")) " " }
                @for condition in conditions {
                    (described(condition)) " "
                }
                @if row.dirty { (badge(Mood::Neutral, "for the next plan")) " " }
                @if row.mode != Mode::Managed { (badge(Mood::Warning, row.mode.word())) }
            }
            td.brief data-label="Generation" { (row.generation) }
        }
    }
}

/// A condition of a record.
pub(super) fn described(condition: &Condition) -> Markup {
    let (mood, word) = match (condition.kind, condition.status) {
        (ConditionType::Synced, true) => (Mood::Good, "in step"),
        (ConditionType::Synced, false) => (Mood::Warning, "not in step"),
        (ConditionType::Blocked, true) => (Mood::Bad, "blocked"),
        (ConditionType::Blocked, false) => (Mood::Neutral, "not blocked"),
        (ConditionType::Drifted, true) => (Mood::Warning, "drifted"),
        (ConditionType::Drifted, false) => (Mood::Neutral, "not drifted"),
        (ConditionType::InDoubt, true) => (Mood::Warning, "in doubt"),
        (ConditionType::InDoubt, false) => (Mood::Neutral, "not in doubt"),
        (ConditionType::Paused, true) => (Mood::Warning, "paused"),
        (ConditionType::Paused, false) => (Mood::Neutral, "not paused"),
        (_, _) => (Mood::Neutral, "other"),
    };
    badge(mood, word)
}
