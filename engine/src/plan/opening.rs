//! The opening that a hire fills: named by the host, or the only open one. Pure.
//!
//! The host names an opening by id, or by the key that the customer gave it. The record is blocked,
//! with a list of the open ones, where several are open and none is named, where none is open, and
//! where the named one is not: a hire into the wrong opening cannot be undone, and a new
//! application must not be created only for its hire to be refused.
//!
//! Left out: changing the opening of a hire, which no known ATS allows.

use super::{Draft, Record};
use crate::index;
use crate::reason::Reason;
use atsync_model::desired::{FullReference, Reference};
use atsync_model::{kinds, normal};
use std::sync::Arc;

/// Most openings listed in a message.
const LISTED_MAX: usize = 20;

/// Renders an opening: its id, and the customer's key.
pub(super) fn shown(opening: &Record) -> String {
    match opening.text("external_id") {
        Some(key) => format!("{} ({key})", opening.id),
        None => opening.id.clone(),
    }
}

fn listed(openings: &[&Arc<Record>]) -> String {
    let shown: Vec<String> =
        openings.iter().take(LISTED_MAX).map(|opening| shown(opening)).collect();
    if shown.is_empty() { "none is open".to_owned() } else { format!("open: {}", shown.join(", ")) }
}

fn is_open(opening: &Record) -> bool {
    opening.text("state.value") != Some("closed")
}

fn is_named(opening: &Record, reference: &Reference) -> bool {
    match reference {
        Reference::Full(FullReference::Id(id)) => opening.id == *id,
        Reference::Bare(key)
        | Reference::Full(
            FullReference::Name(key)
            | FullReference::RequisitionId(key)
            | FullReference::Email(key),
        ) => opening.text("external_id").is_some_and(|held| normal::is_option(held, key)),
    }
}

/// Returns the openings of the job; the inner option is none where the adapter does not read
/// openings. None while facts are missing.
fn of_job<'a>(draft: &mut Draft<'a>, job: Option<&str>) -> Option<Option<&'a [Arc<Record>]>> {
    let (Some(job), Some(_)) = (job, draft.input.manifest.kind(kinds::OPENINGS)) else {
        return Some(None);
    };
    draft.lookup(kinds::OPENINGS, index::PARENT, job).map(Some)
}

/// Returns the openings that a reference names, open or not. None while facts are missing, and
/// where the adapter does not read openings.
pub(super) fn named<'a>(
    draft: &mut Draft<'a>,
    job: Option<&str>,
    reference: &Reference,
) -> Option<Vec<&'a Arc<Record>>> {
    Some(of_job(draft, job)??.iter().filter(|opening| is_named(opening, reference)).collect())
}

/// Returns what a hire claims within a run.
pub(crate) fn claim(opening: &str) -> String {
    format!("opening {opening}")
}

/// Claims the opening for this hire. Blocks where another application of the run is hired into it:
/// the ATS would refuse the second one.
fn take(draft: &mut Draft<'_>, path: &str, opening: &Record) -> bool {
    let own = draft.plan.hires.iter().find(|(id, other)| *id == opening.id && other != path);
    let other = own.map(|(_, other)| other.clone());
    let other = other.or_else(|| {
        draft
            .facts
            .claimed_by(&claim(&opening.id))
            .filter(|other| *other != path)
            .map(str::to_owned)
    });
    if let Some(other) = other {
        let message = format!(
            "{path}: {other} is to be hired into the opening {} too, which can be filled once; \
             name another opening, or open one in the ATS",
            shown(opening)
        );
        draft.block(path, Reason::OpeningTaken, message);
        return false;
    }
    draft.plan.hires.push((opening.id.clone(), path.to_owned()));
    true
}

/// Returns the opening to hire into; the inner option is none where the adapter hires without
/// naming one. None while facts are missing or after it blocked the record.
pub(super) fn of_hire<'a>(
    draft: &mut Draft<'a>,
    path: &str,
    job: Option<&str>,
    reference: Option<&Reference>,
) -> Option<Option<&'a Arc<Record>>> {
    let hire = draft.input.manifest.operation("applications.hire");
    let takes_opening = hire.is_some_and(|rule| rule.field("opening").is_some());
    let openings = if takes_opening { of_job(draft, job)? } else { None };
    let Some(openings) = openings else {
        if reference.is_some() && hire.is_some() {
            let message = format!(
                "{path}: `opening` is declared, and the adapter cannot choose the opening of a \
                 hire; remove it"
            );
            draft.block(path, Reason::NotSupported, message);
            return None;
        }
        return Some(None);
    };
    let open: Vec<&'a Arc<Record>> = openings.iter().filter(|opening| is_open(opening)).collect();
    let Some(reference) = reference else {
        match open.as_slice() {
            // Named in the request, so that the hire fills the opening that the plan shows.
            [only] => return take(draft, path, only).then_some(Some(*only)),
            [] => {
                let message = format!(
                    "{path}: no opening of the job is open, so the hire is not possible; open one \
                     in the ATS"
                );
                draft.block(path, Reason::NoOpening, message);
            }
            several => {
                let message = format!(
                    "{path}: {} openings of the job are open; name the one that the hire fills: \
                     `\"opening\": {{\"id\": \"{}\"}}` ({})",
                    several.len(),
                    several.first().map(|opening| opening.id.as_str()).unwrap_or_default(),
                    listed(several)
                );
                draft.block(path, Reason::AmbiguousReference, message);
            }
        }
        return None;
    };
    let named: Vec<&'a Arc<Record>> =
        openings.iter().filter(|opening| is_named(opening, reference)).collect();
    let meant_open: Vec<&'a Arc<Record>> =
        named.iter().filter(|opening| is_open(opening)).copied().collect();
    match (meant_open.as_slice(), named.as_slice()) {
        ([opening], _) => take(draft, path, opening).then_some(Some(*opening)),
        ([], []) => {
            let message = format!(
                "{path}: the job has no opening of that name or id ({}); correct `opening`",
                listed(&open)
            );
            draft.block(path, Reason::UnknownReference, message);
            None
        }
        ([], [closed, ..]) => {
            let filled =
                closed.text("application.id").map(|id| format!(", filled by applications/{id}"));
            let message = format!(
                "{path}: the opening {} is closed{}; name one that is open ({})",
                shown(closed),
                filled.unwrap_or_default(),
                listed(&open)
            );
            draft.block(path, Reason::ClosedOpening, message);
            None
        }
        (several, _) => {
            let message = format!(
                "{path}: {} open openings of the job have this key ({}); name one by its id",
                several.len(),
                listed(several)
            );
            draft.block(path, Reason::AmbiguousReference, message);
            None
        }
    }
}
