//! The check of a connection, and the end of its link.
//!
//! What a check found stays with the link, so that its page can be loaded again without another
//! one.

use super::link::{Checked, Missing};
use super::page;
use super::refused::Refused;
use super::state::ConnectPages;
use super::trouble::Trouble;
use super::visit::{Sent, Visit};
use crate::serve::problem::ProblemType;
use crate::serve::tasks;
use atsync::{CheckResult, Clock, SystemClock};
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};

/// Checks the connection again.
pub(super) async fn check(
    State(pages): State<ConnectPages>,
    sent: Sent,
) -> Result<Response, Refused> {
    let Sent { mut visit, .. } = sent;
    let _place = pages.place()?;
    match run(&pages, &mut visit).await? {
        Some(trouble) => page::start(&visit, Some(trouble)).await,
        None => Ok(Redirect::to(&visit.at()).into_response()),
    }
}

/// Checks the link's connection, and notes what was found. Returns why nothing was found.
pub(super) async fn run(
    pages: &ConnectPages,
    visit: &mut Visit,
) -> Result<Option<Trouble>, Refused> {
    let connection = pages.served.connection(&visit.found.link.connection)?;
    let results = match connection.check().await {
        Ok(results) => results,
        Err(error) => return Ok(Some(Trouble::of(&error))),
    };
    let checked = noted(&results);
    let is_healed = visit.found.link.checked.as_ref().is_some_and(|before| {
        let is_still =
            |one: &Missing| checked.missing.iter().any(|other| other.permission == one.permission);
        before.missing.iter().any(|one| !is_still(one))
    });
    if is_healed {
        // Writes that were refused for a missing right are sent again. Before the note, so that a
        // check that is cut short heals the next time.
        pages.served.reload().await?;
    }
    let engine = visit.opened.engine.clone();
    visit.found.change(&engine, |link| link.checked = Some(checked)).await?;
    Ok(None)
}

fn noted(results: &[CheckResult]) -> Checked {
    let of = |verdict: &str| results.iter().filter(|result| result.verdict == verdict).count();
    let count = |verdict: &str| u64::try_from(of(verdict)).unwrap_or(u64::MAX);
    let is_missing =
        |result: &&CheckResult| matches!(result.verdict, "missing" | "actor" | "refused");
    let missing = results.iter().filter(is_missing).map(|result| Missing {
        permission: result.permission.clone(),
        label: result.label.clone(),
        detail: result.detail.clone(),
        grant_at: result.grant_at.clone(),
        without_it: result.without_it.clone(),
        optional: result.optional,
    });
    Checked {
        at_ms: SystemClock.now_ms(),
        granted: count("granted"),
        unknown: count("unknown"),
        missing: missing.collect(),
    }
}

/// Uses the link up, if nothing that is required is missing.
pub(super) async fn finish(
    State(pages): State<ConnectPages>,
    sent: Sent,
) -> Result<Response, Refused> {
    let Sent { mut visit, .. } = sent;
    let checked = visit.found.link.checked.as_ref();
    let is_complete =
        checked.is_some_and(|checked| checked.missing.iter().all(|missing| missing.optional));
    if is_complete {
        tasks::to_the_end(async move {
            let engine = visit.opened.engine.clone();
            let now_ms = SystemClock.now_ms();
            visit.found.change(&engine, |link| link.used_ms = Some(now_ms)).await?;
            drop(pages.begun.take(&visit.found.key));
            Ok(Redirect::to(&visit.at()).into_response())
        })
        .await?
    } else {
        let mut response = Redirect::to(&visit.at()).into_response();
        ProblemType::PermissionMissing.mark(&mut response);
        Ok(response)
    }
}
