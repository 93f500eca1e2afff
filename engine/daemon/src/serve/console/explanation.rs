//! Why one declared record is as it is: fields, next steps, links, past writes.

use super::chrome::{Part, page_of};
use super::records::{described, search};
use super::refused::Refused;
use super::show::{Mood, at, badge, list, nothing, spoken, time};
use super::state::Pages;
use super::value::shown;
use super::visitor::Visitor;
use crate::serve::body::Query;
use crate::serve::problem::Problem;
use crate::words::{brief_of, commands_of};
use atsync::{Explanation, FieldStory, IntentStory};
use axum::extract::{Path, State};
use axum::response::Response;
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::Value;

/// The parameters of the page.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Of {
    key: String,
}

/// Explains a record.
pub(super) async fn page(
    State(pages): State<Pages>,
    Path(name): Path<String>,
    visitor: Visitor,
    query: Result<Query<Of>, Problem>,
) -> Result<Response, Refused> {
    let Query(Of { key }) = query?;
    let connection = pages.served.connection(&name)?;
    let main = if connection.desired(&key).await?.is_none() {
        html! {
            h1 { "No such record" }
            p { "No declared record of " (name) " has the key " code { (key) } "." }
            (search(&name, &key))
        }
    } else {
        explained(&name, &connection.explain(&key).await?)
    };
    Ok(page_of(&visitor, &name, Part::Records, &key, main))
}

fn explained(name: &str, record: &Explanation) -> Markup {
    html! {
        h1 { (record.key) }
        p.lead {
            (badge(Mood::Neutral, &spoken(record.mode.word()))) " generation " (record.generation)
            @if record.dirty { " " (badge(Mood::Neutral, "for the next plan")) }
        }
        section aria-labelledby="conditions" {
            h2 #conditions { "Conditions" }
            (list("It was not planned yet.", record.conditions.iter().map(|condition| html! {
                (described(condition)) " "
                (commands_of(&condition.message, name, Some(&record.key)))
                " " span.muted { "since " (time(condition.since_ms)) }
            })))
        }
        section aria-labelledby="next" {
            h2 #next { "What comes next" }
            (list("Nothing.", record.next.iter().map(|next| html! {
                code { (next.path) } ": " (next.what) " "
                span.muted { "(" (commands_of(&next.when, name, Some(&record.key))) ")" }
            })))
        }
        section aria-labelledby="fields" {
            h2 #fields { "Fields" }
            @if record.fields.is_empty() { (nothing("It names none.")) } @else { (fields(record)) }
        }
        section aria-labelledby="links" {
            h2 #links { "Linked to" }
            (list("Nothing in the ATS yet.", record.links.iter().map(|link| html! {
                code { (link.path) } " is " code { (link.remote) } " "
                span.muted { "since " (time(link.since_ms)) }
                @if record.links_gone.contains(&link.path) {
                    " " (badge(Mood::Warning, "no longer in the ATS"))
                }
            })))
        }
        section aria-labelledby="history" {
            h2 #history { "Writes, newest first" }
            (list("None.", record.intents.iter().map(|intent| history(name, intent))))
        }
    }
}

fn fields(record: &Explanation) -> Markup {
    html! {
        table.stack {
            caption.hidden { "Fields" }
            thead {
                tr {
                    th scope="col" { "Field" }
                    th scope="col" { "Desired" }
                    th scope="col" { "In the ATS" }
                    th scope="col" { "Verdict" }
                }
            }
            tbody {
                @for field in &record.fields {
                    tr {
                        th scope="row" data-label="Field" {
                            (field.field)
                            @if field.path != record.key { br; span.muted { (field.path) } }
                        }
                        td data-label="Desired" { (value(field, &field.desired)) }
                        td data-label="In the ATS" { (value(field, &field.observed)) }
                        td data-label="Verdict" { (field.verdict) }
                    }
                }
            }
        }
    }
}

/// A value, with the name of the record whose id it is.
fn value(field: &FieldStory, value: &Value) -> String {
    match value.as_str().and_then(|id| field.names.get_key_value(id)) {
        Some((id, name)) => format!("{name} (id {id})"),
        None => shown(value),
    }
}

fn history(name: &str, intent: &IntentStory) -> Markup {
    html! {
        a href={ (at(name)) "/intents/" (intent.id) } { (intent.operation) " #" (intent.id) } " "
        (badge(Mood::Neutral, &spoken(intent.state))) " "
        @if let Some(reason) = &intent.reason { (reason) " " }
        @if let Some(component) = &intent.sent_by {
            span.muted title=(component) { "by " (brief_of(component)) " " }
        }
        span.muted { (time(intent.first_sent_ms)) }
    }
}
