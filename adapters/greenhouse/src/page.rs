//! A reply's rows as the items of a page.
//!
//! A stub row (see [`crate::read::people`]) becomes an item with an empty mask: it shows that the record exists and erases nothing that is
//! known of it. Without an id it cannot be said of *which* record it speaks, so it is left out and counted; a scan simply has not seen that record
//! (which proves nothing), a fetch must not call it missing. Items of one page share masks, one per set of members that the rows lack.
//!
//! A member of another shape than documented costs that member: its unified fields are unknown, and a [`Problem`] names them. A row that
//! cannot be read without its bad members either is a problem without an item. Neither costs the page.

use crate::answer;
use crate::kinds::Kind;
use crate::read::{Read, Record, Unreadable};
use crate::request;
use crate::wire::Lacking;
use atsync_adapter::contract::{Failure, Item, Problem, Response};
use atsync_adapter::rows::{self, Tolerated};

/// The rows of a reply.
#[derive(Debug, Default)]
pub(crate) struct Rows {
    pub(crate) items: Vec<Item>,
    pub(crate) masks: Vec<Vec<String>>,
    /// Rows that exist but say neither what they hold nor which they are.
    pub(crate) nameless: usize,
    /// What could not be read.
    pub(crate) problems: Vec<Problem>,
}

/// Reads a bare JSON array of rows (harvest-v3.md §3, REC \[ok\]).
pub(crate) fn rows(kind: &Kind, response: &Response) -> Result<Rows, Failure> {
    let split = rows::split(&response.body).map_err(|error| answer::unreadable(response, &error))?;
    let mut page = Rows { items: Vec::with_capacity(split.len()), ..Rows::default() };
    let mut masks: Vec<Lacking> = Vec::new();
    for (index, row) in split.iter().enumerate() {
        let Tolerated { value: read, lost } = match rows::tolerant(row.text, &["id"], kind.read) {
            Ok(read) => read,
            Err(why) => {
                let id = rows::id_of(row.text, "id").filter(|id| request::is_id(id));
                page.problems.push(Problem::row(kind.name, id, unreadable(index, &why)));
                continue;
            }
        };
        let (id, version, lacking, body, raw) = match read {
            Read::Record(record) => {
                for member in &lost {
                    page.problems.extend(lost_with(kind, row.text, &lost, member, &record));
                }
                let version = record.updated_at.filter(|_| kind.stamped);
                (record.id, version, record.lacking, record.body, Some(row.span.clone()))
            }
            Read::Stub(Some(id)) => {
                let told = |member: &String| Problem::field(kind.name, &id, member, misshapen(member));
                page.problems.extend(lost.iter().map(told));
                (id, None, Lacking::all(kind.fields), "{}".to_owned(), None)
            }
            Read::Stub(None) => {
                page.nameless += 1;
                continue;
            }
        };
        let mask = masks.iter().position(|known| *known == lacking).unwrap_or_else(|| {
            masks.push(lacking);
            masks.len() - 1
        });
        page.items.push(Item {
            kind: kind.name.to_owned(),
            id,
            version,
            mask: u32::try_from(mask).unwrap_or(u32::MAX),
            body,
            raw: raw.filter(|_| kind.raw),
        });
    }
    page.masks = masks.iter().map(|lacking| lacking.mask(kind.fields)).collect();
    Ok(page)
}

/// The unified fields that are unknown because this member could not be read.
fn lost_with(kind: &Kind, row: &str, lost: &[String], member: &str, record: &Record) -> Vec<Problem> {
    // With `null` in place of every bad member, what is still lacking is lacking for another reason.
    let without = lost.iter().fold(row.to_owned(), |row, member| rows::with_null(&row, member));
    let mut row: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&without).unwrap_or_default();
    row.remove(member);
    let lacking = match (kind.read)(&serde_json::Value::Object(row).to_string()) {
        Ok(Read::Record(read)) => read.lacking,
        _ => Lacking::default(),
    };
    let without = match (kind.read)(&without) {
        Ok(Read::Record(read)) => read.lacking,
        _ => Lacking::default(),
    };
    let message = misshapen(member);
    let fields: Vec<&str> =
        kind.fields.iter().copied().filter(|field| lacking.contains(field) && !without.contains(field)).collect();
    if fields.is_empty() {
        return vec![Problem::field(kind.name, &record.id, member, message)];
    }
    fields.into_iter().map(|field| Problem::field(kind.name, &record.id, field, message.clone())).collect()
}

fn misshapen(member: &str) -> String {
    format!("its member `{member}` has another shape than documented")
}

/// Names the place, never the content.
fn unreadable(index: usize, why: &Unreadable) -> String {
    let what = match why {
        Unreadable::Shape(error) => {
            format!("has another shape than documented at line {} column {}", error.line(), error.column())
        }
        Unreadable::NoId => "has no id".to_owned(),
    };
    format!("row {index} of its page {what}")
}
