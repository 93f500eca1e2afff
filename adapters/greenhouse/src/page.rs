//! Turns a reply's rows into the items of a page.
//!
//! An unreadable member makes its unified field unknown, and an unreadable row is left out; each is
//! reported as a [`Problem`], and the rest of the page is read. A bad row never fails the page.
//!
//! A stub row (see [`crate::read::people`]) becomes an item with an empty mask: it shows that the
//! record exists and erases no known field. A stub without an id is left out and counted: a scan
//! has not seen that record (which proves nothing), and a fetch must not report it as missing.
//! Items of one page share masks, one per set of members that the rows lack. Bound: [`MASKS_MAX`]
//! masks.

use crate::answer;
use crate::kinds::Kind;
use crate::read::{self, Read, Unreadable};
use crate::request;
use crate::wire::{self, Id, Lacking};
use atsync_adapter::contract::{Failure, Item, Problem, Response};
use atsync_adapter::rows::{self, Element};

/// The rows of a reply, as items.
#[derive(Debug, Default)]
pub(crate) struct Rows {
    pub(crate) items: Vec<Item>,
    pub(crate) masks: Vec<Vec<String>>,
    /// The number of rows that exist but have neither content nor id.
    pub(crate) nameless: usize,
    /// The problems of the page.
    pub(crate) problems: Vec<Problem>,
}

/// The most sets of known fields in one page; rows beyond that are left out. The contract allows
/// 64.
const MASKS_MAX: usize = 48;

/// Reads a bare JSON array of rows (harvest-v3.md §3, REC \[ok\]).
pub(crate) fn rows(kind: &Kind, response: &Response) -> Result<Rows, Failure> {
    let mut page = Rows::default();
    let mut masks: Vec<Lacking> = Vec::new();
    let mut index = 0_usize;
    rows::each(&response.body, |element| {
        page.read(kind, index, element, &mut masks);
        index = index.saturating_add(1);
    })
    .map_err(|error| answer::unreadable(response, &error))?;
    page.masks = masks.iter().map(|lacking| lacking.mask(kind.fields())).collect();
    Ok(page)
}

impl Rows {
    /// Reads one row into an item, a problem, or the count of nameless rows.
    fn read(&mut self, kind: &Kind, index: usize, element: &Element<'_>, masks: &mut Vec<Lacking>) {
        let read = match kind.reader {
            Some(read) => read(element),
            None => read::raw::record(element, kind.references, kind.never_kept),
        };
        let read = match read {
            Ok(read) => read,
            Err(why) => {
                // The walk reports a text that is no JSON.
                if let Ok(text) = element.text() {
                    self.problems.push(unreadable(kind, index, text, &why));
                }
                return;
            }
        };
        let (id, version, mut lacking, body, raw) = match read {
            Read::Record(record) => {
                let version = record.updated_at.filter(|_| kind.stamped);
                (record.id, version, record.lacking, record.body, Some(element.span()))
            }
            Read::Stub(Some(id)) => (id, None, Lacking::all(kind.fields()), "{}".to_owned(), None),
            Read::Stub(None) => {
                self.nameless = self.nameless.saturating_add(1);
                return;
            }
        };
        let flaws = lacking.take_flaws();
        let parts = lacking.take_parts();
        let mask = match masks.iter().position(|known| *known == lacking) {
            Some(mask) => mask,
            None if masks.len() >= MASKS_MAX => {
                let message =
                    "the rows of this page have too many different sets of members".to_owned();
                self.problems.push(Problem::row(kind.name, Some(id), message));
                return;
            }
            None => {
                masks.push(lacking);
                masks.len().saturating_sub(1)
            }
        };
        for (field, flaw) in flaws {
            self.problems.push(Problem::field(kind.name, &id, field, flaw.to_string()));
        }
        for path in parts {
            self.problems.push(Problem::field(kind.name, &id, path, "its value cannot be read"));
        }
        self.items.push(Item {
            kind: kind.name.to_owned(),
            id,
            version,
            mask: u32::try_from(mask).unwrap_or(u32::MAX),
            body,
            raw: raw.filter(|_| kind.raw),
        });
    }
}

/// Reports a row that cannot be read as a whole, with its id if it has one.
fn unreadable(kind: &Kind, index: usize, text: &str, why: &Unreadable) -> Problem {
    let what = match why {
        Unreadable::Shape(error) => {
            format!(
                "differs from the documented shape at line {} column {}",
                error.line(),
                error.column()
            )
        }
        Unreadable::NoId => "has no id".to_owned(),
    };
    let id = wire::members(text).ok().and_then(|members| {
        let member = members.get("id")?;
        serde_json::from_str::<Id<'_>>(member.get()).ok().map(|id| id.0.into_owned())
    });
    let id = id.filter(|id| request::is_id(id));
    Problem::row(kind.name, id, format!("row {index} of a page of {} {what}", kind.collection))
}
