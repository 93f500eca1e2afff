//! One endpoint of webhooks out: its deliveries by connection, what was given up, and the forms
//! that send again and enable it, each after a page that says what it will do.

use super::chrome::page as framed;
use super::endpoints::{oldest, state};
use super::refused::Refused;
use super::show::{ENDPOINTS, at, at_endpoint, nothing, spoken, time};
use super::state::Pages;
use super::visitor::Visitor;
use crate::config::serve::Scope;
use crate::serve::body::Query;
use crate::serve::deliver::deliveries::{self, DeliveriesView, LaneView, Replay};
use crate::serve::deliver::endpoints::{EndpointView, one, unlimited};
use crate::serve::html::form::Form;
use crate::serve::problem::Problem;
use crate::words::count;
use axum::extract::{Path, State};
use axum::response::{Redirect, Response};
use maud::{Markup, html};
use serde::Serialize;

fn word(of: &impl Serialize) -> String {
    let word = serde_json::to_value(of).unwrap_or_default();
    spoken(word.as_str().unwrap_or_default())
}

/// Shows an endpoint.
pub(super) async fn page(
    State(pages): State<Pages>,
    Path(id): Path<String>,
    visitor: Visitor,
) -> Result<Response, Refused> {
    unlimited(&visitor.caller)?;
    let endpoint = one(&pages.served, &id)?;
    let stands = deliveries::shown(&pages.served, &id).await?;
    let main = html! {
        h1 { "Webhook endpoint" }
        (facts(&endpoint, &stands))
        (lanes(&id, &stands))
        (given_up(&stands))
        p.back { a href=(ENDPOINTS) { "All webhook endpoints" } }
    };
    Ok(framed(&visitor, "Webhook endpoint", main))
}

fn facts(endpoint: &EndpointView, stands: &DeliveriesView) -> Markup {
    let names = |names: &Option<Vec<String>>| match names {
        Some(names) => names.join(", "),
        None => "all".to_owned(),
    };
    html! {
        section aria-labelledby="state" {
            h2 #state { "State" }
            dl.facts {
                dt { "Address" } dd { code { (endpoint.url) } }
                dt { "State" } dd { (state(endpoint, stands)) }
                dt { "Kinds" } dd { (spoken(&names(&endpoint.kinds))) }
                dt { "Connections" } dd { (names(&endpoint.connections)) }
                dt { "Made" } dd { (time(endpoint.created_ms)) }
                @if let Some(last) = &stands.last_failure {
                    dt { "Last failure" }
                    dd {
                        (time(last.at_ms)) ": " (word(&last.reason))
                        @if let Some(status) = last.status { " " (status) }
                        @if !last.detail.is_empty() { p.muted { (last.detail) } }
                    }
                }
                @if let Some(disabled) = &endpoint.disabled {
                    dt { "Disabled" }
                    dd {
                        (time(disabled.at_ms)) ": " (word(&disabled.reason)) ", at change "
                        (disabled.serial) " of " (disabled.connection)
                    }
                }
            }
            @if !endpoint.enabled || stands.failures > 0 {
                p {
                    a.button href={ (at_endpoint(&endpoint.id)) "/enable" } {
                        @if endpoint.enabled { "Try it now" } @else { "Enable it" }
                    }
                }
            }
        }
    }
}

fn lanes(id: &str, stands: &DeliveriesView) -> Markup {
    html! {
        section aria-labelledby="deliveries" {
            h2 #deliveries { "Deliveries" }
            @if stands.connections.is_empty() {
                (nothing("No open connection is one of its filter."))
            } @else {
                table.stack {
                    caption.hidden { "Deliveries by connection" }
                    thead {
                        tr {
                            th scope="col" { "Connection" }
                            th scope="col" { "Done up to" }
                            th scope="col" { "Waiting" }
                            th scope="col" { "Send again" }
                        }
                    }
                    tbody {
                        @for (number, lane) in stands.connections.iter().enumerate() {
                            (lane_row(id, number, lane))
                        }
                    }
                }
            }
        }
    }
}

fn lane_row(id: &str, number: usize, lane: &LaneView) -> Markup {
    let field = format!("after-{number}");
    html! {
        tr {
            th scope="row" data-label="Connection" {
                a href=(at(&lane.connection)) { (lane.connection) }
            }
            td.brief data-label="Done up to" { "change " (lane.offset) }
            td.brief data-label="Waiting" {
                @if lane.held > 0 { (count(lane.held as u64, "change")) ", the oldest of " }
                (oldest(lane.oldest_waiting_ms))
            }
            td data-label="Send again" {
                form method="get" action={ (at_endpoint(id)) "/replay" } {
                    input type="hidden" name="connection" value=(lane.connection);
                    label for=(field) {
                        "After change" span.hidden { " of " (lane.connection) }
                    }
                    div.row {
                        input #(field) name="after" autocomplete="off" required;
                        button type="submit" {
                            "Continue" span.hidden { " with " (lane.connection) }
                        }
                    }
                }
            }
        }
    }
}

fn given_up(stands: &DeliveriesView) -> Markup {
    html! {
        section aria-labelledby="given-up" {
            h2 #given-up { "Given up" }
            @if stands.given_up.is_empty() {
                (nothing("No change was given up."))
            } @else {
                p.muted { "The newest first, 200 at most. To send one again, continue before it." }
                table.stack {
                    caption.hidden { "Changes that were given up" }
                    thead {
                        tr {
                            th scope="col" { "Change" }
                            th scope="col" { "Why" }
                            th scope="col" { "When" }
                        }
                    }
                    tbody {
                        @for letter in stands.given_up.iter().rev() {
                            tr {
                                th scope="row" data-label="Change" {
                                    (letter.serial) " of " (letter.connection)
                                    p { code { (letter.kind) " " (letter.id) } }
                                }
                                td data-label="Why" {
                                    (word(&letter.reason))
                                    @if let Some(status) = letter.status { " " (status) }
                                }
                                td.brief data-label="When" { (time(letter.given_up_ms)) }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// A page that says what a form will do.
fn confirmed(
    visitor: &Visitor,
    id: &str,
    (title, action): (&str, &str),
    text: Markup,
    fields: Markup,
) -> Response {
    let main = html! {
        h1 { (title) }
        (text)
        (visitor.form_for(Scope::Admin, &format!("{}/{action}", at_endpoint(id)), html! {
            (fields)
            div.row {
                button.main type="submit" { (title) }
                a href=(at_endpoint(id)) { "Cancel" }
            }
        }))
    };
    framed(visitor, title, main)
}

/// Says what a replay will do.
pub(super) async fn confirm_replay(
    State(pages): State<Pages>,
    Path(id): Path<String>,
    visitor: Visitor,
    query: Result<Query<Replay>, Problem>,
) -> Result<Response, Refused> {
    unlimited(&visitor.caller)?;
    let Query(Replay { connection, after }) = query?;
    let endpoint = one(&pages.served, &id)?;
    let (offset, last) = deliveries::replayable(&pages.served, &id, &connection, after).await?;
    let text = html! {
        p {
            "The changes of " strong { (connection) } " after " (after) " are sent to "
            code { (endpoint.url) } " again, with the ids that they had before: "
            (count(last.saturating_sub(after), "change")) " up to the end of the feed, those of "
            "its filter."
        }
        @if after > offset {
            p.note {
                strong { "This skips changes. " } "Only those up to " (offset) " are done; those "
                "between are not sent."
            }
        }
    };
    let fields = html! {
        input type="hidden" name="connection" value=(connection);
        input type="hidden" name="after" value=(after);
    };
    Ok(confirmed(&visitor, &id, ("Send again", "replay"), text, fields))
}

/// Sends changes again.
pub(super) async fn replay(
    State(pages): State<Pages>,
    Path(id): Path<String>,
    visitor: Visitor,
    form: Result<Form<Replay>, Problem>,
) -> Result<Redirect, Refused> {
    unlimited(&visitor.caller)?;
    let Form(asked) = form?;
    let to = at_endpoint(&id);
    deliveries::replayed(pages.served, id, asked).await?;
    Ok(Redirect::to(&to))
}

/// Says what enabling will do.
pub(super) async fn confirm_enable(
    State(pages): State<Pages>,
    Path(id): Path<String>,
    visitor: Visitor,
) -> Result<Response, Refused> {
    unlimited(&visitor.caller)?;
    let endpoint = one(&pages.served, &id)?;
    let text = html! {
        p {
            "The changes that wait are sent to " code { (endpoint.url) } " from now on, the oldest "
            "first. It has three days again to accept one."
        }
    };
    Ok(confirmed(&visitor, &id, ("Enable", "enable"), text, html! {}))
}

/// Enables an endpoint.
pub(super) async fn enable(
    State(pages): State<Pages>,
    Path(id): Path<String>,
    visitor: Visitor,
) -> Result<Redirect, Refused> {
    unlimited(&visitor.caller)?;
    let to = at_endpoint(&id);
    deliveries::enabled(pages.served, id).await?;
    Ok(Redirect::to(&to))
}
