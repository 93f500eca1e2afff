//! The endpoints of webhooks out: whether each accepts its deliveries, and what waits.

use super::chrome::page as framed;
use super::refused::Refused;
use super::show::{Mood, at_endpoint, badge, nothing, time};
use super::state::Pages;
use super::visitor::Visitor;
use crate::serve::deliver::deliveries::DeliveriesView;
use crate::serve::deliver::endpoints::{EndpointView, all, unlimited};
use crate::serve::deliver::{deliveries, known::Figures};
use axum::extract::State;
use axum::response::Response;
use maud::{Markup, html};

/// Lists the endpoints.
pub(super) async fn page(
    State(pages): State<Pages>,
    visitor: Visitor,
) -> Result<Response, Refused> {
    unlimited(&visitor.caller)?;
    let mut rows = Vec::new();
    let figures = pages.served.deliveries.figures();
    for endpoint in all(&pages.served) {
        let stands = deliveries::shown(&pages.served, &endpoint.id).await?;
        let figures = figures.iter().find(|one| one.id == endpoint.id);
        rows.push(row(&endpoint, &stands, figures));
    }
    let main = html! {
        h1 { "Webhook endpoints" }
        p.muted {
            "Every change of the feeds is sent to each of them. The API makes and removes them, at "
            code { "/v1/webhook-endpoints" } "."
        }
        @if rows.is_empty() {
            (nothing("There is none."))
        } @else {
            table.stack {
                caption.hidden { "Webhook endpoints" }
                thead {
                    tr {
                        th scope="col" { "Address" }
                        th scope="col" { "State" }
                        th scope="col" { "Oldest waiting" }
                        th scope="col" { "Since the start" }
                    }
                }
                tbody { @for row in &rows { (row) } }
            }
        }
    };
    Ok(framed(&visitor, "Webhook endpoints", main))
}

fn row(endpoint: &EndpointView, stands: &DeliveriesView, figures: Option<&Figures>) -> Markup {
    let oldest_ms = stands.connections.iter().filter_map(|lane| lane.oldest_waiting_ms).min();
    html! {
        tr {
            th scope="row" data-label="Address" {
                a href=(at_endpoint(&endpoint.id)) { (endpoint.url) }
            }
            td data-label="State" { (state(endpoint, stands)) }
            td.brief data-label="Oldest waiting" { (oldest(oldest_ms)) }
            td data-label="Since the start" {
                @for (outcome, count) in figures.map(|one| one.deliveries).into_iter().flatten() {
                    p { (count) " " (outcome.word().replace('_', " ")) }
                }
            }
        }
    }
}

/// Whether an endpoint accepts deliveries.
pub(super) fn state(endpoint: &EndpointView, stands: &DeliveriesView) -> Markup {
    html! {
        @match (endpoint.enabled, &endpoint.disabled, stands.failures) {
            (false, Some(_), _) => {
                (badge(Mood::Bad, "disabled")) " It accepted nothing, or wants no more."
            }
            (false, None, _) => { (badge(Mood::Neutral, "disabled")) " by a user" }
            (true, _, 0) => (badge(Mood::Good, "enabled")),
            (true, _, failures) => {
                (badge(Mood::Warning, "failing")) " " (failures) " in a row"
                @if let Some(since_ms) = stands.failing_since_ms { " since " (time(since_ms)) }
            }
        }
    }
}

/// When the oldest change that waits was.
pub(super) fn oldest(at_ms: Option<u64>) -> Markup {
    html! {
        @match at_ms {
            Some(at_ms) => (time(at_ms)),
            None => span.muted { "nothing waits" },
        }
    }
}
