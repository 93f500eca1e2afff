//! A reply's rows as the items of a page.
//!
//! A stub row (see [`crate::read::people`]) becomes an item with an empty mask: it shows that the record exists and erases nothing that is
//! known of it. Without an id it cannot be said of *which* record it speaks, so it is left out and counted; a scan simply has not seen that record
//! (which proves nothing), a fetch must not call it missing. Items of one page share masks, one per set of members that the rows lack.

use crate::answer;
use crate::kinds::Kind;
use crate::read::{Read, Unreadable};
use crate::wire::Lacking;
use atsync_adapter::contract::{Failure, Item, Response};
use atsync_adapter::rows;

/// The rows of a reply.
#[derive(Debug, Default)]
pub(crate) struct Rows {
    pub(crate) items: Vec<Item>,
    pub(crate) masks: Vec<Vec<String>>,
    /// Rows that exist but say neither what they hold nor which they are.
    pub(crate) nameless: usize,
}

/// Reads a bare JSON array of rows (harvest-v3.md §3, REC \[ok\]).
pub(crate) fn rows(kind: &Kind, response: &Response) -> Result<Rows, Failure> {
    let split = rows::split(&response.body).map_err(|error| answer::unreadable(response, &error))?;
    let mut page = Rows { items: Vec::with_capacity(split.len()), ..Rows::default() };
    let mut masks: Vec<Lacking> = Vec::new();
    for (index, row) in split.iter().enumerate() {
        let read = (kind.read)(row.text).map_err(|why| unreadable(kind, index, &why))?;
        let (id, version, lacking, body, raw) = match read {
            Read::Record(record) => {
                let version = record.updated_at.filter(|_| kind.stamped);
                (record.id, version, record.lacking, record.body, Some(row.span.clone()))
            }
            Read::Stub(Some(id)) => (id, None, Lacking::all(kind.fields), "{}".to_owned(), None),
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

/// Names the place, never the content.
fn unreadable(kind: &Kind, index: usize, why: &Unreadable) -> Failure {
    let what = match why {
        Unreadable::Shape(error) => {
            format!("has another shape than documented at line {} column {}", error.line(), error.column())
        }
        Unreadable::NoId => "has no id".to_owned(),
    };
    Failure::Protocol(format!("row {index} of a page of {} {what}", kind.collection))
}
