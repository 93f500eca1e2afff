//! The open writes of a connection: those that wait for a decision first.

use super::chrome::{Part, page_of};
use super::refused::Refused;
use super::show::{Mood, at, at_record, badge, nothing, spoken, time};
use super::state::Pages;
use super::visitor::Visitor;
use crate::words::count;
use atsync::{Intent, IntentState};
use axum::extract::{Path, State};
use axum::response::Response;
use maud::{Markup, html};

/// Intents of the page.
const ROWS_MAX: usize = 200;

/// Whether only a user can decide it.
fn is_blocked(intent: &Intent) -> bool {
    matches!(intent.state, IntentState::InDoubt { blocked: true, .. })
}

/// Lists the open intents.
pub(super) async fn page(
    State(pages): State<Pages>,
    Path(name): Path<String>,
    visitor: Visitor,
) -> Result<Response, Refused> {
    let mut open = pages.served.connection(&name)?.open_intents().await?;
    open.sort_by_key(|intent| (!is_blocked(intent), intent.id));
    let left_out = open.len().saturating_sub(ROWS_MAX);
    let main = html! {
        h1 { "Writes in doubt" }
        p {
            "A write is in doubt when its request left and no answer says whether it happened. A "
            "probe settles most. What no probe decides waits for you."
        }
        @if open.is_empty() {
            (nothing("No write is in doubt."))
        } @else {
            table.stack {
                caption.hidden { "Open writes" }
                thead {
                    tr {
                        th scope="col" { "Write" }
                        th scope="col" { "State" }
                        th scope="col" { "Since" }
                    }
                }
                tbody { @for intent in open.iter().take(ROWS_MAX) { (row(&name, intent)) } }
            }
            @if left_out > 0 { p.muted { (count(left_out as u64, "further write")) "." } }
        }
    };
    Ok(page_of(&visitor, &name, Part::Intents, "Writes in doubt", main))
}

fn row(name: &str, intent: &Intent) -> Markup {
    html! {
        tr {
            th scope="row" data-label="Write" {
                a href={ (at(name)) "/intents/" (intent.id) } {
                    (intent.operation) " " span.muted { "#" (intent.id) }
                }
                p { "for " a href=(at_record(name, &intent.path)) { (intent.path) } }
            }
            td data-label="State" {
                @match &intent.state {
                    IntentState::InDoubt { blocked: true, reason, .. } => {
                        (badge(Mood::Bad, "waits for you")) " " (reason)
                    }
                    IntentState::InDoubt { reason, probe_after_ms, .. } => {
                        (badge(Mood::Warning, "in doubt")) " " (reason)
                        p.muted { "Next probe " (time(*probe_after_ms)) }
                    }
                    state => (badge(Mood::Neutral, &spoken(state.word()))),
                }
            }
            td.brief data-label="Since" { (time(intent.first_sent.wall_ms)) }
        }
    }
}
