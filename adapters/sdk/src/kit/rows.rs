//! Turns the rows of a reply into the items of a page.
//!
//! A row that cannot be read is reported, and so is a member of one; neither stops the page. Items
//! share masks, one for each set of fields that rows know. Bounds: [`MASKS_MAX`] masks; the rows
//! beyond that are reported. Left out: whether the page is complete, which the list says.

use super::got::Bad;
use super::values::is_id;
use super::{About, Id, Kind, Record, Source, raw, required};
use crate::contract::{Failure, Item, Problem, Span};
use crate::members::Members;
use crate::rows;
use serde_json::value::RawValue;

/// The most sets of known fields in one page. The contract allows 64.
const MASKS_MAX: usize = 48;

/// What a row became.
pub(crate) type Reader = fn(&str, &Source<'_>) -> Result<Record, serde_json::Error>;

/// The items of a page so far.
#[derive(Debug)]
pub(crate) struct Items<'a> {
    about: &'a About,
    kind: &'a Kind,
    known: Vec<Vec<&'static str>>,
    pub(crate) items: Vec<Item>,
    pub(crate) problems: Vec<Problem>,
}

impl<'a> Items<'a> {
    pub(crate) fn new(about: &'a About, kind: &'a Kind) -> Self {
        Self { about, kind, known: Vec::new(), items: Vec::new(), problems: Vec::new() }
    }

    pub(crate) fn masks(&self) -> Vec<Vec<String>> {
        let owned = |mask: &Vec<&'static str>| mask.iter().map(|&field| field.into()).collect();
        self.known.iter().map(owned).collect()
    }

    /// Reads a row of this body.
    ///
    /// # Errors
    /// [`Failure::Bug`] for a record that the manifest rules out.
    pub(crate) fn read(
        &mut self,
        body: &[u8],
        row: &RawValue,
        source: &Source<'_>,
    ) -> Result<(), Failure> {
        let rows::Row { text, span } = rows::row(body, row);
        let read = match &self.kind.raw {
            Some(raw) => raw::record(raw, text, source),
            None => (self.kind.read)(text, source),
        };
        let record = match read {
            Ok(record) => record,
            Err(error) => {
                let id = id_of(text);
                let message = format!(
                    "the row differs from the documented shape: {} (at byte {})",
                    shape_of(&error),
                    span.offset
                );
                self.problems.push(Problem::row(self.kind.name, id, message));
                return Ok(());
            }
        };
        self.take(record, text, &span)
    }

    fn take(&mut self, mut record: Record, row: &str, span: &Span) -> Result<(), Failure> {
        let name = record.kind.unwrap_or(self.kind.name);
        let kind = self.about.kind(name).ok_or_else(|| {
            Failure::Bug(format!("a record of {name}, which is none of the adapter's kinds"))
        })?;
        let others = std::mem::take(&mut record.others);
        others.into_iter().try_for_each(|other| self.take(other, row, span))?;
        for field in std::mem::take(&mut record.empty) {
            if let Some(text) = required::empty(name, field) {
                record.member(field, text);
            }
        }
        let Some(id) = record.id else { return Ok(()) };
        if !is_id(&id) {
            self.problems.push(Problem::row(name, None, "the row has no id that can be one"));
            return Ok(());
        }
        let fields = record.known.iter().chain(record.bad.iter().map(|(field, _)| field));
        if let Some(field) = fields.copied().find(|field| !kind.has_field(field)) {
            return Err(Failure::Bug(format!(
                "a record of {name} sets `{field}`, which is none of its fields; list it in \
                 `.fields(…)` at {}",
                kind.at
            )));
        }
        let mask = match self.known.iter().position(|known| *known == record.known) {
            Some(mask) => mask,
            None if self.known.len() >= MASKS_MAX => {
                let message = "the rows of this page have too many different sets of members";
                self.problems.push(Problem::row(name, Some(id), message));
                return Ok(());
            }
            None => {
                self.known.push(record.known);
                self.known.len().saturating_sub(1)
            }
        };
        for part in record.odd {
            let message = "it differs from the documented shape";
            self.problems.push(Problem::field(name, &id, part, message));
        }
        for (kind, bad) in record.lost {
            self.problems.push(Problem::row(kind, None, flaw(bad, row)));
        }
        for (field, bad) in record.bad {
            self.problems.push(Problem::field(name, &id, field, flaw(bad, row)));
        }
        self.items.push(Item {
            kind: name.to_owned(),
            id,
            version: record.version,
            mask: u32::try_from(mask).unwrap_or(u32::MAX),
            body: format!("{{{}}}", record.body),
            // The body of a raw record has the row.
            raw: kind.raw.is_none().then(|| span.clone()),
        });
        Ok(())
    }
}

/// The id of a row that cannot be read, where it has one by the usual name.
fn id_of(row: &str) -> Option<String> {
    let members: Members<'_> = serde_json::from_str(row).ok()?;
    serde_json::from_str::<Id>(members.get("id")?.get()).ok().map(String::from)
}

fn flaw(bad: Bad, row: &str) -> String {
    let member = bad.member(row).map_or_else(|| "its member".into(), |name| format!("`{name}`"));
    let fault = bad.fault();
    // The name is the row's, and rows are the ATS's.
    let member: String = member.chars().take(100).collect();
    format!("{member} {fault}")
}

/// What is wrong with a row, without the row's content: serde quotes values of another type.
fn shape_of(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.strip_prefix("missing field `").and_then(|rest| rest.split_once('`')) {
        Some((member, _)) => format!("it has no `{member}`"),
        None => format!("at line {} column {} of it", error.line(), error.column()),
    }
}
