//! The permission checklist: what the credential may do, and where to grant what it lacks.

use super::show::{Mood, badge, list};
use crate::words::count;
use atsync::CheckResult;
use maud::{Markup, html};
use std::collections::BTreeMap;

/// The checklist. What is to be granted is shown in full, the rest behind a line each.
pub(super) fn view(results: &[CheckResult]) -> Markup {
    let of = |wanted: Rank| results.iter().filter(move |result| rank(result) == wanted);
    let (required, optional) = (of(Rank::Required).count(), of(Rank::Optional).count());
    // Unknown ones mostly share one explanation.
    let mut unknown: BTreeMap<&str, Vec<&CheckResult>> = BTreeMap::new();
    of(Rank::Unknown).for_each(|result| unknown.entry(&result.detail).or_default().push(result));
    html! {
        p.lead {
            @if required == 0 {
                (badge(Mood::Good, "complete")) " Nothing that is required is missing."
            } @else {
                (badge(Mood::Bad, "incomplete")) " " (count(required as u64, "required permission"))
                " missing."
            }
        }
        @if required > 0 || optional > 0 {
            section aria-labelledby="missing" {
                h2 #missing { "Missing" }
                table.stack {
                    caption.hidden { "Missing permissions" }
                    thead {
                        tr {
                            th scope="col" { "Permission" }
                            th scope="col" { "What was seen" }
                            th scope="col" { "What to do" }
                        }
                    }
                    tbody {
                        @for result in of(Rank::Required) { (missing(result)) }
                        @for result in of(Rank::Optional) { (missing(result)) }
                    }
                }
            }
        }
        section aria-labelledby="granted" {
            h2 #granted { "Granted" }
            (names("granted", &of(Rank::Granted).collect::<Vec<_>>()))
        }
        @if !unknown.is_empty() {
            section aria-labelledby="unknown" {
                h2 #unknown { "Not known" }
                @for (detail, results) in &unknown {
                    p { (detail) }
                    (names("not known", results))
                }
            }
        }
    }
}

fn names(what: &str, results: &[&CheckResult]) -> Markup {
    html! {
        details {
            summary { (count(results.len() as u64, "permission")) " " (what) }
            (list("None.", results.iter().map(|result| html! {
                (result.label) " " code { (result.permission) }
            })))
        }
    }
}

/// What a result asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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

fn missing(result: &CheckResult) -> Markup {
    html! {
        tr {
            th scope="row" data-label="Permission" {
                (result.label) br; code { (result.permission) }
            }
            td data-label="What was seen" {
                @if result.optional { (badge(Mood::Warning, "optional")) }
                @else { (badge(Mood::Bad, "required")) }
                " " (badge(Mood::Neutral, result.verdict)) " " (result.detail)
            }
            td data-label="What to do" {
                p { strong { "Granted at: " } (result.grant_at) }
                p { strong { "Without it: " } (result.without_it) }
            }
        }
    }
}
