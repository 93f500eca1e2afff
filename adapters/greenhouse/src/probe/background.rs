//! Probes a new education or employment: did Greenhouse create it?
//!
//! The rows of the candidate are read as a scan reads them, and compared by their content: every
//! sent member must be the same, and every other one empty. No other member distinguishes two
//! entries. When a write in doubt is settled, a row with a member that does not show may be its
//! result, and an equal row that is too old may be it too: both are reported as ambiguous, since
//! "absent" would create the entry twice. Before the first request, a row with such a member is
//! another entry: a new one has options that show.

use super::next::{Next, Sent, ambiguous, ask, blind, matched};
use crate::answer;
use crate::kinds::{self as table, Kind};
use crate::named::{self, Naming, Reading};
use crate::request::{self, id_number};
use crate::write::op::{Op, list_scope};
use crate::write::{normal, row};
use atsync_adapter::contract::{Failure, Field, Item, Response};
use atsync_adapter::link;
use atsync_adapter::model::kinds;
use atsync_adapter::model::normal::is_same_date;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The most pages that are read, 500 rows each, or 50 where names are requested. Arbitrary.
const PAGES_MAX: u32 = 10;

/// The entry to find.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Search {
    kind: String,
    candidate: String,
    /// The sent values, by unified field: every field that distinguishes entries of the kind.
    content: Vec<(String, String)>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    unnamed: Option<Unnamed>,
    seen: Vec<String>,
    /// Rows that are or may be the same, but do not prove the write.
    unsure: Vec<String>,
    pages: u32,
}

/// A page without the names of its options.
#[derive(Debug, Serialize, Deserialize)]
struct Unnamed {
    next: Option<String>,
    naming: Naming,
}

/// Starts the probe; `None` for another operation.
pub(super) fn begin(op: &Op) -> Result<Option<Next<Search>>, Failure> {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let (kind, candidate, content) = match op {
        Op::EducationCreate { input, .. } => (
            kinds::EDUCATIONS,
            &input.candidate,
            vec![
                ("school", text(&input.school)),
                ("degree", text(&input.degree)),
                ("discipline", text(&input.discipline)),
                ("started_on", text(&input.started_on)),
                ("ended_on", text(&input.ended_on)),
            ],
        ),
        Op::EmploymentCreate { input, .. } => (
            kinds::EMPLOYMENTS,
            &input.candidate,
            vec![
                ("company", input.company.clone()),
                ("title", input.title.clone()),
                ("started_on", input.started_on.clone()),
                ("ended_on", text(&input.ended_on)),
            ],
        ),
        _ => return Ok(None),
    };
    id_number("candidate", candidate)?;
    let kind = known(kind)?;
    let per_page = kind.page_max.to_string();
    let query = [("candidate_ids", candidate.as_str()), ("per_page", per_page.as_str())];
    let request =
        request::get(kind.collection, query.map(|(name, value)| Field::new(name, value)).to_vec());
    let content = content.into_iter().map(|(field, text)| (field.to_owned(), text)).collect();
    let search = Search {
        kind: kind.name.into(),
        candidate: candidate.clone(),
        content,
        unnamed: None,
        seen: Vec::new(),
        unsure: Vec::new(),
        pages: 0,
    };
    Ok(Some(ask(request, search)))
}

fn known(name: &str) -> Result<&'static Kind, Failure> {
    table::named(name).ok_or_else(|| Failure::Bug(format!("{name} are not among the kinds")))
}

impl Search {
    /// Reads a page, or the names of its options.
    pub(super) fn next(mut self, response: &Response, sent: Sent) -> Result<Next<Self>, Failure> {
        let kind = known(&self.kind)?;
        let (next, naming) = match self.unnamed.take() {
            Some(unnamed) => (unnamed.next, Some(unnamed.naming)),
            None => {
                answer::accepted(response, &list_scope(kind.collection))?;
                (link::next(response)?, None)
            }
        };
        let rows = match named::read(kind, response, naming)? {
            Reading::Ask(request, naming) => {
                self.unnamed = Some(Unnamed { next, naming });
                return Ok(ask(*request, self));
            }
            Reading::Done(rows) => rows,
        };
        if rows.problems.iter().any(|problem| problem.field.is_none()) {
            return Ok(blind("one of the candidate's entries cannot be read"));
        }
        for item in &rows.items {
            let known = rows.masks.get(usize::try_from(item.mask).unwrap_or(usize::MAX));
            self.take(item, known.map_or(&[], Vec::as_slice), sent)?;
        }
        self.pages += 1;
        match next {
            Some(_) if self.pages >= PAGES_MAX => Ok(blind("too many entries to search")),
            Some(link) => Ok(ask(request::follow(link), self)),
            None if self.seen.is_empty() && !self.unsure.is_empty() => {
                Ok(ambiguous(kind.name, &self.unsure))
            }
            None => Ok(matched(kind.name, &self.seen)),
        }
    }

    /// Classifies a row by its similarity to the entry.
    fn take(&mut self, item: &Item, known: &[String], sent: Sent) -> Result<(), Failure> {
        let body: Value = serde_json::from_str(&item.body).map_err(|error| {
            Failure::Bug(format!("a record that the reader made is not JSON: {error}"))
        })?;
        let is_known = |field: &str| known.iter().any(|known| known == field);
        let owner = body.get("candidate").and_then(|owner| row::id(owner, "id"));
        if owner.is_some_and(|owner| owner != self.candidate) {
            return Ok(());
        }
        let mut compared = self.content.iter().filter(|(field, _)| is_known(field));
        if !compared.all(|(field, sent)| is_same(field, row::text(&body, field), sent)) {
            return Ok(());
        }
        let is_sure = self.content.iter().all(|(field, _)| is_known(field));
        if !is_sure && sent.first_ms.is_none() {
            return Ok(());
        }
        let list =
            if is_sure && sent.can_have_made(&body) { &mut self.seen } else { &mut self.unsure };
        list.push(item.id.clone());
        Ok(())
    }
}

/// Whether a field shows the sent value.
fn is_same(field: &str, held: &str, wanted: &str) -> bool {
    if held.trim().is_empty() || wanted.trim().is_empty() {
        return held.trim().is_empty() && wanted.trim().is_empty();
    }
    match field {
        "started_on" | "ended_on" => is_same_date(held, wanted),
        _ => normal::is_option(held, wanted),
    }
}
