//! One connection: its conditions, what the store holds of it, and what can be started.

use super::chrome::{Part, page_of};
use super::refused::Refused;
use super::show::{Mood, at, at_record, badge, nothing, spoken, time};
use super::state::Pages;
use super::visitor::Visitor;
use crate::config::serve::Scope;
use crate::serve::health::Condition;
use crate::words::{commands_of, count};
use atsync::model::manifest::{KindRule, ScanRule};
use atsync::{Connection, ProblemRow, Status};
use axum::extract::{Path, State};
use axum::response::Response;
use maud::{Markup, html};

/// Records that are not in step, and rows that cannot be read, on this page.
const NAMED_MAX: usize = 20;

/// Shows a connection.
pub(super) async fn page(
    State(pages): State<Pages>,
    Path(name): Path<String>,
    visitor: Visitor,
) -> Result<Response, Refused> {
    let listed = pages.served.one(&name)?;
    let known = match &listed.connection {
        Some(connection) => Some((connection, connection.status().await?)),
        None => None,
    };
    let manifest = listed.connection.as_ref().map(Connection::manifest);
    let main = html! {
        h1 { (name) }
        p.lead {
            @if listed.is_healthy { (badge(Mood::Good, "healthy")) }
            @else { (badge(Mood::Bad, "unhealthy")) }
            @if let Some(manifest) = manifest {
                span.muted { " " (manifest.name) " " (manifest.version) }
            }
        }
        (conditions(&listed.conditions))
        @match &known {
            None => p.note { "The connection is not open, so nothing more is known of it." },
            Some((connection, status)) => {
                (writes(&visitor, &name, status))
                (kinds(&visitor, connection, status))
                (permissions(&visitor, &name))
                (problems(&status.problems))
                @if let Some(clocks) = &status.clocks { p.note { (clocks) } }
            }
        }
    };
    Ok(page_of(&visitor, &name, Part::Overview, "Overview", main))
}

fn conditions(all: &[Condition]) -> Markup {
    html! {
        section aria-labelledby="conditions" {
            h2 #conditions { "Conditions" }
            table.stack {
                caption.hidden { "Conditions" }
                thead {
                    tr {
                        th scope="col" { "Condition" }
                        th scope="col" { "What was seen" }
                        th scope="col" { "Since" }
                    }
                }
                tbody {
                    @for condition in all {
                        @let about = condition.r#type;
                        tr {
                            th scope="row" data-label="Condition" {
                                @if condition.status { (badge(Mood::Good, about.word())) }
                                @else { (badge(Mood::Bad, about.failed())) }
                            }
                            td data-label="What was seen" { (condition.message) }
                            td.brief data-label="Since" { (time(condition.since_ms)) }
                        }
                    }
                }
            }
        }
    }
}

fn writes(visitor: &Visitor, name: &str, status: &Status) -> Markup {
    let open = |word| status.intents.get(word).copied().unwrap_or_default();
    html! {
        section aria-labelledby="writes" {
            h2 #writes { "Writes" }
            dl.figures {
                div { dt { "Declared records" } dd { (status.desired) } }
                div { dt { "For the next plan" } dd { (status.dirty) } }
                div { dt { "In doubt" } dd { (open("in_doubt").saturating_add(open("sending"))) } }
                div { dt { "Wait for a person" } dd { (status.waiting_for_person) } }
            }
            @if status.waiting_for_person > 0 {
                p.note { a href={ (at(name)) "/intents" } { "Decide the writes in doubt" } }
            }
            (visitor.form_for(Scope::Write, &format!("{}/plan", at(name)), html! {
                div.row {
                    button.main type="submit" { "Plan" }
                    label.check {
                        input type="checkbox" name="all" value="yes";
                        " all records, not only those that changed"
                    }
                }
            }))
            p.muted { "A plan changes nothing in the ATS. It shows what an apply would write." }
            @if !status.not_in_step.is_empty() {
                h3 { "Not in step" }
                ul.plain {
                    @for (key, why) in status.not_in_step.iter().take(NAMED_MAX) {
                        li {
                            a href=(at_record(name, key)) { (key) } ": "
                            (commands_of(why, name, Some(key)))
                        }
                    }
                }
                @let further = status.not_in_step.len().saturating_sub(NAMED_MAX);
                @if further > 0 { p.muted { (count(further as u64, "further record")) "." } }
            }
        }
    }
}

fn kinds(visitor: &Visitor, connection: &Connection, status: &Status) -> Markup {
    let name = connection.name();
    let listed = |rule: &&KindRule| !matches!(rule.scan, ScanRule::None {});
    let is_read = |rule: &&KindRule| {
        let kind = &rule.name;
        status.observed.get(kind).is_some_and(|records| *records > 0)
            || status.pulled_ms.contains_key(kind)
            || status.unfinished.contains(kind)
            || status.sweeps.contains_key(kind)
    };
    let all = connection.manifest().kinds.iter().filter(listed);
    let (read, others): (Vec<&KindRule>, Vec<&KindRule>) = all.partition(is_read);
    html! {
        section aria-labelledby="kinds" {
            h2 #kinds { "Kinds" }
            @if read.is_empty() { (nothing("No kind was read yet.")) }
            @else { (kinds_table(visitor, name, status, "Kinds that were read", &read)) }
            @if !others.is_empty() {
                details {
                    summary { (count(others.len() as u64, "kind")) " not read so far" }
                    (kinds_table(visitor, name, status, "Kinds not read", &others))
                }
            }
            p.muted {
                "A pull reads what changed. A sweep reads everything, and finds what was deleted."
            }
        }
    }
}

fn kinds_table(
    visitor: &Visitor,
    name: &str,
    status: &Status,
    caption: &str,
    rules: &[&KindRule],
) -> Markup {
    html! {
        table.stack {
            caption.hidden { (caption) }
            thead {
                tr {
                    th scope="col" { "Kind" }
                    th scope="col" { "Records" }
                    th scope="col" { "Last pulled" }
                    @if visitor.caller.has(Scope::Write) { th scope="col" { "Start" } }
                }
            }
            tbody { @for rule in rules { (kind_row(visitor, name, status, &rule.name)) } }
        }
    }
}

fn kind_row(visitor: &Visitor, name: &str, status: &Status, kind: &str) -> Markup {
    html! {
        tr {
            th scope="row" data-label="Kind" { (spoken(kind)) }
            td.brief data-label="Records" {
                (status.observed.get(kind).copied().unwrap_or_default())
            }
            td.brief data-label="Last pulled" {
                @match status.pulled_ms.get(kind) {
                    Some(at_ms) => (time(*at_ms)),
                    None => span.muted { "never" },
                }
                @if status.unfinished.iter().any(|one| one == kind) {
                    " " (badge(Mood::Neutral, "unfinished"))
                }
                @if let Some(sweep) = status.sweeps.get(kind) {
                    @match &sweep.held {
                        Some(hold) => p.note { "Sweep held: " (hold.why) },
                        None => p.muted { "A sweep is unfinished." },
                    }
                }
            }
            @if visitor.caller.has(Scope::Write) {
                td { div.row {
                    (start(visitor, name, kind, "pull", "Pull"))
                    (start(visitor, name, kind, "sweep", "Sweep"))
                } }
            }
        }
    }
}

fn start(visitor: &Visitor, name: &str, kind: &str, action: &str, word: &str) -> Markup {
    visitor.form(
        &format!("{}/{action}", at(name)),
        html! {
            input type="hidden" name="kind" value=(kind);
            button type="submit" { (word) span.hidden { " " (spoken(kind)) } }
        },
    )
}

fn permissions(visitor: &Visitor, name: &str) -> Markup {
    html! {
        section aria-labelledby="permissions" {
            h2 #permissions { "Permissions" }
            p { "The check asks the ATS what the credential may do. It changes nothing." }
            (visitor.form_for(Scope::Write, &format!("{}/check", at(name)), html! {
                button type="submit" { "Check the permissions" }
            }))
        }
    }
}

fn problems(all: &[ProblemRow]) -> Markup {
    if all.is_empty() {
        return html! {};
    }
    html! {
        section aria-labelledby="problems" {
            h2 #problems { "What could not be read" }
            ul.plain {
                @for row in all.iter().take(NAMED_MAX) {
                    li {
                        code { (row.kind) @if let Some(id) = &row.id { " " (id) } }
                        @if let Some(field) = &row.field { " " (field) }
                        ": " (row.message) " " span.muted { "since " (time(row.since_ms)) }
                    }
                }
            }
            @let further = all.len().saturating_sub(NAMED_MAX);
            @if further > 0 { (nothing(&format!("{}.", count(further as u64, "further problem")))) }
        }
    }
}
