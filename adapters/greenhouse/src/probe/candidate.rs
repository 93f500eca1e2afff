//! Probes a new candidate: did Greenhouse create it?
//!
//! The probe searches each e-mail address (harvest-v3.md §9.1) and compares the addresses that a
//! row shows by the model's rule, since Greenhouse's search folds more letters and finds other
//! candidates. A row that shows no addresses is ambiguous unless it has the mark. Greenhouse has no
//! filter by name or by a text value, so the marker is only compared on rows that the address found
//! (permissions.md §5). Addresses are not unique (pitfalls.md 2): two hits are reported, and none
//! is chosen. When a write in doubt is settled, a row counts if it can be from that time: with the
//! sent name it is `matched`; with another name it is ambiguous, since it proves nothing. A row
//! with another intent's mark belongs to that intent. An older row with the address *and* the name
//! is `matched` too, if there is none from that time: the probe before the write found none, so the
//! clocks differ by more than [`crate::instant::SKEW_MS`], and "absent" would create the candidate
//! twice. Without any address, a write in doubt is settled by reading the candidates created since,
//! at most [`PAGES_MAX`] pages; before a write the probe is blind.

use super::application;
use super::next::{Next, Sent, absent, ambiguous, ask, blind, found};
use crate::instant;
use crate::request;
use crate::settings::Settings;
use crate::write::input::{ApplicationNew, CandidateNew};
use crate::write::pages;
use crate::write::sent::{carried, subject};
use crate::write::{normal, row};
use atsync_adapter::contract::{Certainty, Failure, Mark, Request, Response};
use atsync_adapter::model::kinds;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The most pages that one probe reads: 2,500 candidates. Arbitrary.
const PAGES_MAX: u32 = 5;

/// The candidate to find.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Search {
    /// The addresses to search, one after the other.
    emails: Vec<String>,
    /// The index of the address that is searched now.
    asking: usize,
    name: String,
    /// The marker field and the mark's text.
    marker: Option<(String, String)>,
    /// The application of the same request, without its custom fields.
    application: Option<ApplicationNew>,
    seen: Vec<Seen>,
    pages: u32,
    /// The candidate and whether it is marked, once found, while its application is searched.
    found: Option<(String, bool)>,
}

/// A row that may be the candidate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Seen {
    id: String,
    mark: Marking,
    same_name: bool,
    /// Whether it can be from the time of the write.
    timely: bool,
    /// Whether it shows a searched address, or there is no address to search.
    same_address: bool,
}

/// The content of a row's marker field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Marking {
    /// The mark of this intent.
    Ours,
    /// Another text.
    Another,
    /// Nothing, or the field is not shown.
    None,
}

/// Starts the probe.
pub(super) fn begin(
    new: CandidateNew,
    settings: &Settings,
    mark: Option<&Mark>,
    sent: Sent,
) -> Result<Next<Search>, Failure> {
    let mut emails: Vec<String> = Vec::new();
    for entry in &new.emails {
        let email = normal::email(&entry.value);
        if !email.is_empty() && !emails.contains(&email) {
            emails.push(email);
        }
    }
    let name = normal::name(
        new.name.first.as_deref().unwrap_or(""),
        new.name.last.as_deref().unwrap_or(""),
    );
    let application = new
        .application
        .map(|application| ApplicationNew { custom_fields: Vec::new(), ..application });
    let marker = settings.marker_field.clone().zip(mark.map(|mark| mark.text.clone()));
    let search = Search {
        emails,
        asking: 0,
        name,
        marker,
        application,
        seen: Vec::new(),
        pages: 0,
        found: None,
    };
    match (search.emails.first(), sent.earliest_ms()) {
        (Some(email), _) => Ok(ask(by_email(email), search)),
        (None, Some(earliest)) => {
            let since = format!("gte|{}", instant::format(earliest));
            Ok(ask(pages::list("candidates", &[("created_at", &since)]), search))
        }
        (None, None) => Ok(blind(
            "the candidate has no e-mail address, and Greenhouse can be searched only by e-mail \
             address",
        )),
    }
}

fn by_email(email: &str) -> Request {
    pages::list("candidates", &[("email", email)])
}

impl Search {
    /// Reads a page.
    pub(super) fn next(mut self, response: &Response, sent: Sent) -> Result<Next<Search>, Failure> {
        if let Some((id, marked)) = self.found.take() {
            return self.with_application(response, id, marked);
        }
        let page = pages::read(response, "candidates")?;
        for row in &page.rows {
            if row::is_stub(row) {
                // The candidate is still being created, or is hidden for good; the row shows
                // neither which, nor its address (harvest-v3.md §7 [?]).
                let ids: Vec<String> = row::id(row, "id").into_iter().collect();
                return if sent.is_recent() || ids.is_empty() {
                    let text = "Greenhouse shows only a message for a candidate of this address; \
                        probe again";
                    Err(Failure::Unavailable(text.into()))
                } else {
                    Ok(ambiguous(kinds::CANDIDATES, &ids))
                };
            }
            let Some(seen) = self.judge(row, sent) else { continue };
            if !self.seen.iter().any(|known| known.id == seen.id) {
                self.seen.push(seen);
            }
        }
        self.pages += 1;
        match page.next {
            Some(_) if self.pages >= PAGES_MAX => {
                return Ok(blind("too many candidates to search"));
            }
            Some(link) => {
                return Ok(ask(request::follow(link), self));
            }
            None => {}
        }
        self.asking += 1;
        self.pages = 0;
        if let Some(email) = self.emails.get(self.asking) {
            let request = by_email(email);
            return Ok(ask(request, self));
        }
        self.verdict(sent)
    }

    /// Judges how well a row matches the candidate; `None` when it cannot be the candidate.
    fn judge(&self, row: &Value, sent: Sent) -> Option<Seen> {
        let id = row::id(row, "id")?;
        let mark = match &self.marker {
            None => Marking::None,
            Some((field, text)) => {
                let held = row.get("custom_fields").and_then(|fields| fields.get(field));
                let held = held
                    .map(|held| held.get("value").unwrap_or(held))
                    .and_then(Value::as_str)
                    .unwrap_or("");
                if held == text {
                    Marking::Ours
                } else if held.is_empty() {
                    Marking::None
                } else {
                    Marking::Another
                }
            }
        };
        let same_name =
            normal::name(row::text(row, "first_name"), row::text(row, "last_name")) == self.name;
        let by_name_only = self.emails.is_empty();
        let same_address = by_name_only || self.has_address(row);
        if !same_address
            && mark != Marking::Ours
            && row::shown_contacts(row, "email_addresses").is_some()
        {
            // Another address is another candidate: Greenhouse's search folds more letters than the
            // model.
            return None;
        }
        let timely = sent.can_have_made(row);
        let possible = mark == Marking::Ours
            || ((sent.first_ms.is_none() || mark != Marking::Another)
                && if by_name_only { timely && same_name } else { timely || same_name });
        possible.then_some(Seen { id, mark, same_name, timely, same_address })
    }

    /// Whether the row shows a searched address.
    fn has_address(&self, row: &Value) -> bool {
        let held = row::list(row, "email_addresses")
            .iter()
            .map(|entry| normal::email(row::text(entry, "value")));
        held.into_iter().any(|held| self.emails.contains(&held))
    }

    fn verdict(mut self, sent: Sent) -> Result<Next<Search>, Failure> {
        let seen = std::mem::take(&mut self.seen);
        let ids = |fits: &dyn Fn(&Seen) -> bool| -> Vec<String> {
            seen.iter().filter(|seen| fits(seen)).map(|seen| seen.id.clone()).collect()
        };
        let marked = ids(&|seen| seen.mark == Marking::Ours);
        let named = ids(&|seen| seen.same_name && seen.timely);
        // The older ones have the name too.
        let all = ids(&|_| true);
        let is_other_timely = seen.iter().any(|seen| seen.timely && !seen.same_name);
        let (fits, is_marked) = match (marked.is_empty(), sent.first_ms) {
            (false, _) => (marked, true),
            // A candidate with this address exists, whatever the name.
            (true, None) => (all, false),
            (true, Some(_)) if !named.is_empty() => (named, false),
            (true, Some(_)) if is_other_timely => return Ok(ambiguous(kinds::CANDIDATES, &all)),
            (true, Some(_)) => (all, false),
        };
        let is_sure =
            |id: &String| is_marked || seen.iter().any(|seen| seen.id == *id && seen.same_address);
        match fits.as_slice() {
            [] => Ok(absent(kinds::CANDIDATES)),
            // If a row does not show its addresses, only the search indicates that it matches.
            [id] if !is_sure(id) => Ok(ambiguous(kinds::CANDIDATES, &fits)),
            [id] if self.application.is_some() => {
                let request = pages::list("applications", &[("candidate_ids", id)]);
                self.found = Some((id.clone(), is_marked));
                Ok(ask(request, self))
            }
            [id] => Ok(found(vec![subject(kinds::CANDIDATES, id.clone())], certainty(is_marked))),
            several => Ok(ambiguous(kinds::CANDIDATES, several)),
        }
    }

    /// Adds the application, if exactly one fits. One page: no candidate has 500 applications.
    fn with_application(
        self,
        response: &Response,
        id: String,
        marked: bool,
    ) -> Result<Next<Search>, Failure> {
        let rows = pages::read(response, "applications")?.rows;
        let mut links = vec![subject(kinds::CANDIDATES, id)];
        if let Some(new) = &self.application {
            let fits: Vec<String> =
                rows.iter().filter_map(|row| application::fits(new, row)).collect();
            if let [application] = fits.as_slice() {
                links.push(carried(application.clone()));
            }
        }
        Ok(found(links, certainty(marked)))
    }
}

fn certainty(marked: bool) -> Certainty {
    if marked { Certainty::Marked } else { Certainty::Matched }
}
