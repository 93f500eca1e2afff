//! The list of connections that the user may use, with their health.

use super::chrome::page as framed;
use super::refused::Refused;
use super::show::{Mood, at, badge, nothing, segment};
use super::state::Pages;
use super::visitor::Visitor;
use crate::serve::body::Query;
use crate::serve::health::Condition;
use crate::serve::problem::Problem;
use crate::serve::served::Listed;
use atsync::Connection;
use axum::extract::State;
use axum::response::Response;
use maud::{Markup, html};
use serde::Deserialize;

/// Connections of a page.
const ROWS_MAX: usize = 100;

/// The parameters of the page.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct After {
    /// The last name of the page before.
    after: Option<String>,
}

/// Lists the connections, in the order of their names.
pub(super) async fn page(
    State(pages): State<Pages>,
    visitor: Visitor,
    query: Result<Query<After>, Problem>,
) -> Result<Response, Refused> {
    let Query(After { after }) = query?;
    let listed = pages.served.listed(&visitor.caller);
    let (all, unhealthy) = (listed.len(), listed.iter().filter(|one| !one.is_healthy).count());
    let mut rows: Vec<Listed> = listed
        .into_iter()
        .filter(|one| after.as_ref().is_none_or(|after| one.name > *after))
        .take(ROWS_MAX.saturating_add(1))
        .collect();
    let has_more = rows.len() > ROWS_MAX;
    rows.truncate(ROWS_MAX);
    let next = rows.last().filter(|_| has_more).map(|last| last.name.clone());
    let main = html! {
        h1 { "Connections" }
        @if all == 0 {
            (nothing("There is none that you may use."))
        } @else {
            p.lead {
                @if unhealthy == 0 {
                    (badge(Mood::Good, "healthy")) " Every connection makes progress."
                } @else {
                    (badge(Mood::Bad, "unhealthy")) " " (unhealthy) " of " (all)
                    " do not make progress."
                }
            }
            table.stack {
                caption.hidden { "Connections" }
                thead {
                    tr {
                        th scope="col" { "Name" }
                        th scope="col" { "Health" }
                        th scope="col" { "Adapter" }
                    }
                }
                tbody { @for one in &rows { (row(one)) } }
            }
            @if let Some(next) = next {
                p { a href={ "/console?after=" (segment(&next)) } { "Next connections" } }
            }
        }
    };
    Ok(framed(&visitor, "Connections", main))
}

fn row(one: &Listed) -> Markup {
    let failing: Vec<&Condition> =
        one.conditions.iter().filter(|condition| !condition.status).collect();
    let manifest = one.connection.as_ref().map(Connection::manifest);
    html! {
        tr {
            th scope="row" data-label="Name" { a href=(at(&one.name)) { (one.name) } }
            td data-label="Health" {
                @if failing.is_empty() { (badge(Mood::Good, "healthy")) }
                @for condition in failing {
                    p { (badge(Mood::Bad, condition.r#type.failed())) " " (condition.message) }
                }
            }
            td data-label="Adapter" {
                @match manifest {
                    Some(manifest) => { (manifest.name) " " span.muted { (manifest.version) } }
                    None => span.muted { "not open" },
                }
            }
        }
    }
}
