//! Probes a new application: did Greenhouse create it?
//!
//! The candidate's applications are compared by arm and job. A candidate has one application per
//! job (harvest-v3.md §9.2 \[ok\]), so for that arm the existing application is the result,
//! whenever it was created: this also distinguishes a 422 for a second application from any other
//! 422, whose text is unknown (§10, 11). A merge can add a second one for the same job; then the
//! one from the time of the write is the result. Prospects are not unique: they are compared by
//! their jobs, by pool if the write named one (prospect_details), and by time.

use super::next::{Next, Sent, ask, blind, matched};
use crate::request;
use crate::write::input::{ApplicationNew, ArmInput};
use crate::write::standing::{Standing, Status};
use crate::write::{application, pages, row};
use atsync_adapter::contract::{Failure, Response};
use atsync_adapter::model::kinds;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The most pages that are read. Arbitrary: no candidate has 2,500 applications.
const PAGES_MAX: u32 = 5;

/// The application to find.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Search {
    new: ApplicationNew,
    seen: Vec<String>,
    /// Matches of a unique arm that are older than the write.
    old: Vec<String>,
    pages: u32,
    /// Whether the last request was for the pools of `seen`.
    pools: bool,
}

/// Starts the probe.
pub(super) fn begin(new: ApplicationNew) -> Result<Next<Search>, Failure> {
    let candidate = new.candidate.clone().unwrap_or_default();
    request::id_number("candidate", &candidate)?;
    let new = ApplicationNew { custom_fields: Vec::new(), ..new };
    let search = Search { new, seen: Vec::new(), old: Vec::new(), pages: 0, pools: false };
    let request = pages::list("applications", &[("candidate_ids", &candidate)]);
    Ok(ask(request, search))
}

impl Search {
    /// Reads a page.
    pub(super) fn next(mut self, response: &Response, sent: Sent) -> Result<Next<Search>, Failure> {
        if self.pools {
            let rows = pages::read(response, "prospect_details")?.rows;
            self.seen.retain(|id| application::pool_of(&rows, id) == self.new.pool);
            return Ok(matched(kinds::APPLICATIONS, &self.seen));
        }
        let page = pages::read(response, "applications")?;
        let unique = self.new.kind == ArmInput::Application;
        let candidate = self.new.candidate.clone();
        let own =
            |row: &&Value| row::id(row, "candidate_id").is_none_or(|id| Some(id) == candidate);
        for row in page.rows.iter().filter(own) {
            let Some(id) = fits(&self.new, row) else { continue };
            match (sent.can_have_made(row), unique) {
                (true, _) => self.seen.push(id),
                (false, true) => self.old.push(id),
                (false, false) => {}
            }
        }
        self.pages += 1;
        match page.next {
            Some(_) if self.pages >= PAGES_MAX => {
                return Ok(blind("too many applications to search"));
            }
            Some(link) => {
                return Ok(ask(request::follow(link), self));
            }
            None => {}
        }
        if self.new.pool.is_some() && !self.seen.is_empty() && self.seen.len() <= request::IDS_MAX {
            let request =
                pages::list("prospect_details", &[("application_ids", &self.seen.join(","))]);
            self.pools = true;
            return Ok(ask(request, self));
        }
        Ok(matched(kinds::APPLICATIONS, if self.seen.is_empty() { &self.old } else { &self.seen }))
    }
}

/// Returns the id of a row that is such an application, whatever its pool.
pub(super) fn fits(new: &ApplicationNew, row: &Value) -> Option<String> {
    let standing = Standing::of(row);
    let same = match new.kind {
        ArmInput::Application => {
            standing.prospect != Some(true) && standing.job.is_some() && standing.job == new.job
        }
        ArmInput::Prospect => {
            // A prospect's job is in the list, in `job_id`, or in both.
            let mut jobs = row::ids(row, "prospective_job_ids");
            jobs.extend(standing.job.clone());
            let wanted = application::prospective(new);
            standing.prospect != Some(false)
                && standing.status != Status::Converted
                && wanted.iter().all(|job| jobs.iter().any(|held| held == job))
                && jobs.iter().all(|held| wanted.contains(&held.as_str()))
        }
    };
    (same && !standing.id.is_empty()).then_some(standing.id)
}
