//! One write: the evidence, and the decision of a user on one that is in doubt.
//!
//! A decision takes two steps: the form leads to a page that says what will happen, and that page
//! has the button. Before it is carried out, one more probe may settle the write.

use super::chrome::{Part, page_of};
use super::refused::Refused;
use super::show::{Mood, at, at_record, badge, spoken, time};
use super::state::Pages;
use super::visitor::Visitor;
use crate::config::serve::Scope;
use crate::serve::body::Query;
use crate::serve::decision;
use crate::serve::html::form::Form;
use crate::serve::problem::Problem;
use atsync::{Connection, Intent, IntentState, RemoteRef, Resolution};
use axum::extract::{Path, State};
use axum::response::{Redirect, Response};
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::Value;

/// The reason of a user who gives none.
const UNSAID: &str = "abandoned in the console";

/// What a user chooses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Choice {
    Adopt,
    Retry,
    Abandon,
}

impl Choice {
    fn word(self) -> &'static str {
        match self {
            Self::Adopt => "adopt",
            Self::Retry => "retry",
            Self::Abandon => "abandon",
        }
    }
}

/// The decision as its form sends it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Chosen {
    decision: Choice,
    /// The id of the record that a create made.
    #[serde(default)]
    record: String,
    /// Why the write is abandoned.
    #[serde(default)]
    reason: String,
}

impl Chosen {
    /// Why the write is abandoned.
    fn why(&self) -> &str {
        let reason = self.reason.trim();
        if reason.is_empty() { UNSAID } else { reason }
    }

    /// The decision on an intent.
    fn resolution(&self, connection: &Connection, intent: &Intent) -> Result<Resolution, Problem> {
        Ok(match self.decision {
            Choice::Retry => Resolution::Retry,
            Choice::Abandon => Resolution::Abandon(self.why().to_owned()),
            Choice::Adopt if intent.target.is_some() => Resolution::Adopt(None),
            Choice::Adopt => {
                let id = self.record.trim();
                if id.is_empty() {
                    return Err(Problem::invalid(
                        "record",
                        "To adopt a create, name the id of the record that it made.",
                    ));
                }
                Resolution::Adopt(Some(RemoteRef::new(kind_of(connection, intent), id)))
            }
        })
    }
}

/// The kind of the record that an intent makes.
fn kind_of<'c>(connection: &'c Connection, intent: &'c Intent) -> &'c str {
    let rule = connection.manifest().operation(&intent.operation);
    rule.map_or_else(
        || intent.operation.split('.').next().unwrap_or_default(),
        |rule| rule.kind.as_str(),
    )
}

fn at_intent(name: &str, intent: &Intent) -> String {
    format!("{}/intents/{}", at(name), intent.id)
}

/// Shows an intent, open or ended.
pub(super) async fn page(
    State(pages): State<Pages>,
    Path((name, number)): Path<(String, String)>,
    visitor: Visitor,
) -> Result<Response, Refused> {
    let connection = pages.served.connection(&name)?;
    let intent = decision::intent(&connection, &number).await?;
    let title = format!("Write #{}", intent.id);
    let main = html! {
        h1 { (intent.operation) " " span.muted { "#" (intent.id) } }
        (evidence(&name, &intent))
        @if matches!(intent.state, IntentState::InDoubt { .. }) {
            section.decide aria-labelledby="decide" {
                h2 #decide { "Decide" }
                @if visitor.caller.has(Scope::Admin) {
                    (choices(&connection, &name, &intent))
                } @else {
                    p.muted { "This needs a token with the scope " code { "admin" } "." }
                }
            }
        }
        p.back { a href={ (at(&name)) "/intents" } { "All writes in doubt" } }
    };
    Ok(page_of(&visitor, &name, Part::Intents, &title, main))
}

fn described(intent: &Intent) -> Markup {
    let (mood, word, why) = match &intent.state {
        IntentState::InDoubt { blocked: true, reason, .. } => {
            (Mood::Bad, "waits for you".to_owned(), reason.as_str())
        }
        IntentState::InDoubt { reason, .. } => {
            (Mood::Warning, "in doubt".to_owned(), reason.as_str())
        }
        IntentState::Applied { by_probe, .. } => {
            let how = if *by_probe { "It was found in the ATS." } else { "The ATS confirmed it." };
            (Mood::Good, "applied".to_owned(), how)
        }
        IntentState::Refused { reason, .. } => (Mood::Bad, "refused".to_owned(), reason.as_str()),
        IntentState::NotSent { reason } | IntentState::Abandoned { reason, .. } => {
            (Mood::Neutral, spoken(intent.state.word()), reason.as_str())
        }
        state => (Mood::Neutral, spoken(state.word()), ""),
    };
    html! { (badge(mood, &word)) " " (why) }
}

fn evidence(name: &str, intent: &Intent) -> Markup {
    let state = &intent.state;
    html! {
        section aria-labelledby="evidence" {
            h2 #evidence { "Evidence" }
            dl.facts {
                dt { "State" } dd { (described(intent)) }
                dt { "For" } dd { a href=(at_record(name, &intent.path)) { (intent.path) } }
                @if let Some(target) = &intent.target {
                    dt { "Changes" } dd { code { (target) } }
                }
                dt { "Sent" } dd {
                    (intent.attempt) @if intent.attempt == 1 { " time" } @else { " times" }
                    ", first " (time(intent.first_sent.wall_ms))
                    ", last " (time(intent.last_sent.wall_ms))
                }
                @if let IntentState::InDoubt { probes, probe_after_ms: next, blocked, .. } = state {
                    dt { "Probes" } dd {
                        (probes) " made" @if !blocked { ", the next " (time(*next)) }
                    }
                }
                @if let IntentState::Applied { links, .. } = state {
                    dt { "Records" } dd {
                        @for link in links { code { (link) } " " }
                    }
                }
                @if let Some(component) = &intent.planned_by {
                    dt { "Planned by" } dd { code { (component) } }
                }
                @if let Some(component) = &intent.sent_by {
                    dt { "Sent by" } dd { code { (component) } }
                }
                dt { "Mark" } dd { code { (intent.mark.text) } }
            }
            @if !intent.tries.is_empty() {
                h3 { "What the sends showed" }
                ul.plain {
                    @for one in &intent.tries { li { (time(one.sent_ms)) ": " (one.saw) } }
                }
            }
            details {
                summary { "What was sent" }
                pre tabindex="0" { (pretty(&intent.input)) }
            }
        }
    }
}

/// JSON with line breaks; another text as it is.
fn pretty(text: &str) -> String {
    let parsed = serde_json::from_str::<Value>(text);
    let pretty = parsed.and_then(|value| serde_json::to_string_pretty(&value));
    pretty.unwrap_or_else(|_| text.to_owned())
}

fn choices(connection: &Connection, name: &str, intent: &Intent) -> Markup {
    let kind = kind_of(connection, intent);
    html! {
        form method="get" action={ (at_intent(name, intent)) "/decide" } {
            fieldset {
                legend { "Look into the ATS, then say what you found." }
                label.choice {
                    input type="radio" name="decision" value="adopt" required;
                    span { strong { "It happened. " } "Adopt: the write counts as done." }
                }
                @if intent.target.is_none() {
                    div.under {
                        label for="record" { "Id of the record in " (spoken(kind)) }
                        input #record name="record" autocomplete="off" spellcheck="false";
                    }
                }
                label.choice {
                    input type="radio" name="decision" value="retry";
                    span { strong { "It did not happen. " } "Retry: it is sent once more." }
                }
                label.choice {
                    input type="radio" name="decision" value="abandon";
                    span {
                        strong { "It stays unknown. " }
                        "Abandon: it is not sent again until its record changes."
                    }
                }
                div.under {
                    label for="reason" { "Why (for the record's history)" }
                    input #reason name="reason" maxlength="500" autocomplete="off";
                }
            }
            button.main type="submit" { "Continue" }
        }
    }
}

/// Says what a decision will do, with the button that carries it out.
pub(super) async fn confirmation(
    State(pages): State<Pages>,
    Path((name, number)): Path<(String, String)>,
    visitor: Visitor,
    query: Result<Query<Chosen>, Problem>,
) -> Result<Response, Refused> {
    let Query(chosen) = query?;
    let connection = pages.served.connection(&name)?;
    let intent = decision::intent(&connection, &number).await?;
    let resolution = chosen.resolution(&connection, &intent)?;
    let (title, button) = match chosen.decision {
        Choice::Adopt => ("It happened", "Adopt"),
        Choice::Retry => ("It did not happen", "Send it once more"),
        Choice::Abandon => ("It stays unknown", "Abandon"),
    };
    let main = html! {
        h1 { (title) }
        p {
            code { (intent.operation) } " for "
            a href=(at_record(&name, &intent.path)) { (intent.path) }
        }
        p {
            @match chosen.decision {
                Choice::Adopt => {
                    "The write is recorded as done. Nothing is sent."
                    @if let Resolution::Adopt(Some(record)) = &resolution {
                        " " code { (intent.path) } " is linked to " code { (record) }
                        ", which the ATS must show."
                    }
                }
                Choice::Retry => {
                    "The request is sent once more, now. If it did happen before, the ATS may have "
                    "it twice."
                }
                Choice::Abandon => {
                    "Nothing is sent for it until its record changes. Reason: " (chosen.why())
                }
            }
        }
        p.muted {
            "A last probe comes first. If it settles the write, your decision is not needed."
        }
        (visitor.form_for(Scope::Admin, &format!("{}/resolve", at_intent(&name, &intent)), html! {
            input type="hidden" name="decision" value=(chosen.decision.word());
            input type="hidden" name="record" value=(chosen.record.trim());
            input type="hidden" name="reason" value=(chosen.reason.trim());
            div.row {
                button.main type="submit" { (button) }
                a href=(at_intent(&name, &intent)) { "Cancel" }
            }
        }))
    };
    Ok(page_of(&visitor, &name, Part::Intents, title, main))
}

/// Decides an intent.
pub(super) async fn resolve(
    State(pages): State<Pages>,
    Path((name, number)): Path<(String, String)>,
    form: Result<Form<Chosen>, Problem>,
) -> Result<Redirect, Refused> {
    let Form(chosen) = form?;
    let connection = pages.served.connection(&name)?;
    let intent = decision::intent(&connection, &number).await?;
    let resolution = chosen.resolution(&connection, &intent)?;
    let decided = decision::decide(connection, intent.id, resolution).await?;
    Ok(Redirect::to(&at_intent(&name, &decided)))
}
