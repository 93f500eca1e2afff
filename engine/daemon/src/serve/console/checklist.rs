//! The permission checklist: what the credential may do, and where to grant what it lacks.

use super::show::{Mood, badge};
use atsync::CheckResult;
use maud::{Markup, html};

/// The checklist. What somebody has to grant comes first.
pub(super) fn view(results: &[CheckResult]) -> Markup {
    let mut sorted: Vec<&CheckResult> = results.iter().collect();
    sorted.sort_by_key(|result| rank(result));
    let lacking = results.iter().filter(|result| rank(result) == Rank::Required).count();
    html! {
        p {
            @if lacking == 0 {
                (badge(Mood::Good, "complete")) " Nothing that is required is missing."
            } @else {
                (badge(Mood::Bad, "incomplete")) " " (lacking) " required missing."
            }
        }
        table.stack {
            caption.hidden { "Permissions" }
            thead {
                tr {
                    th scope="col" { "Permission" }
                    th scope="col" { "Verdict" }
                    th scope="col" { "What to know" }
                }
            }
            tbody {
                @for result in sorted { (row(result)) }
            }
        }
    }
}

/// The order of the rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Required,
    Optional,
    Unknown,
    Granted,
}

fn rank(result: &CheckResult) -> Rank {
    match result.verdict {
        "granted" => Rank::Granted,
        "unknown" => Rank::Unknown,
        _ if result.optional => Rank::Optional,
        _ => Rank::Required,
    }
}

fn row(result: &CheckResult) -> Markup {
    let rank = rank(result);
    let mood = match rank {
        Rank::Required => Mood::Bad,
        Rank::Optional => Mood::Warning,
        Rank::Unknown => Mood::Neutral,
        Rank::Granted => Mood::Good,
    };
    html! {
        tr {
            th scope="row" data-label="Permission" {
                (result.label) br; code { (result.permission) }
            }
            td data-label="Verdict" {
                (badge(mood, result.verdict))
                @if rank == Rank::Optional { " optional" }
            }
            td data-label="What to know" {
                @if rank == Rank::Granted {
                    span.muted { (result.detail) }
                } @else {
                    (result.detail)
                    p { strong { "Without it: " } (result.without_it) }
                    p { strong { "Granted at: " } (result.grant_at) }
                }
            }
        }
    }
}
