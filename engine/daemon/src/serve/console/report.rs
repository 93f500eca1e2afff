//! Reports of pulls, sweeps and applies, as pages show them.

use super::show::{Mood, badge, nothing};
use crate::words::count;
use atsync::{ApplyReport, PullReport, StepEnd, StepReport, SweepReport};
use maud::{Markup, html};

/// Rows that a report shows.
const ROWS_MAX: usize = 500;

/// A pull.
pub(super) fn pulled(report: &PullReport) -> Markup {
    html! {
        dl.figures {
            div { dt { "Records read" } dd { (report.records) } }
            div { dt { "New" } dd { (report.created) } }
            div { dt { "Changed" } dd { (report.updated) } }
            div { dt { "Pages" } dd { (report.pages) } }
            @if report.unread > 0 { div { dt { "Unreadable rows" } dd { (report.unread) } } }
        }
        p.muted {
            @if report.full { "All of the kind was read." } @else { "Only what changed was read." }
        }
        @for warning in &report.warnings { p.note { (warning) } }
    }
}

/// A sweep.
pub(super) fn swept(report: &SweepReport) -> Markup {
    html! {
        @if let Some(why) = &report.held {
            p.note { strong { "Held. " } "Nothing was reported deleted: " (why) }
        }
        dl.figures {
            div { dt { "Rows seen" } dd { (report.seen) } }
            div { dt { "Missing" } dd { (report.suspected) } }
            div { dt { "Confirmed deleted" } dd { (report.confirmed) } }
            div { dt { "Still there" } dd { (report.still_there) } }
            div { dt { "Moved" } dd { (report.moved) } }
            div { dt { "Unproven" } dd { (report.unproven) } }
        }
        @if !report.complete && report.held.is_none() {
            p.note { "It is not complete. The next sweep of the kind continues." }
        }
    }
}

/// An apply.
pub(super) fn applied(report: &ApplyReport) -> Markup {
    let done = report.steps.iter().filter(|step| end(step).0 == Mood::Good).count();
    html! {
        dl.figures {
            div { dt { "Steps done" } dd { (done) " of " (report.steps.len()) } }
            div { dt { "Records in step" } dd { (report.in_step) } }
            div { dt { "Not in step" } dd { (report.not_in_step) } }
            @if report.settled.open > 0 {
                div { dt { "Writes in doubt" } dd { (report.settled.open) } }
            }
        }
        @if report.steps.is_empty() {
            (nothing("No step was needed."))
        } @else {
            table.stack {
                caption.hidden { "Steps" }
                thead {
                    tr {
                        th scope="col" { "Step" }
                        th scope="col" { "For" }
                        th scope="col" { "Result" }
                    }
                }
                tbody {
                    @for step in report.steps.iter().take(ROWS_MAX) {
                        @let (mood, word, why) = end(step);
                        tr {
                            th scope="row" data-label="Step" { code { (step.operation) } }
                            td data-label="For" { (step.path) }
                            td data-label="Result" {
                                (badge(mood, word)) " " (why)
                                @for warning in &step.warnings { p.muted { (warning) } }
                            }
                        }
                    }
                }
            }
            @if report.steps.len() > ROWS_MAX {
                p.muted { "The first " (count(ROWS_MAX as u64, "step")) "." }
            }
        }
    }
}

fn end(step: &StepReport) -> (Mood, &'static str, String) {
    match &step.end {
        StepEnd::Applied => (Mood::Good, "done", String::new()),
        StepEnd::Unneeded => (Mood::Good, "already there", "Nothing was sent.".to_owned()),
        StepEnd::Adopted => (Mood::Good, "found", "It existed, and is linked.".to_owned()),
        StepEnd::Refused { reason } => (Mood::Bad, "refused", reason.clone()),
        StepEnd::InDoubt => {
            (Mood::Warning, "in doubt", "It is not known whether it happened.".to_owned())
        }
        StepEnd::NotSent { reason } => (Mood::Warning, "not sent", reason.clone()),
        StepEnd::Skipped { waits_for } => {
            (Mood::Warning, "skipped", format!("{waits_for} was not applied."))
        }
        _ => (Mood::Warning, "not done", String::new()),
    }
}
