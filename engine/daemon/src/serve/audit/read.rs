//! Pages of the log, from the store: the oldest first after a number, or the newest first before
//! one.
//!
//! Bounds: [`ROWS_MAX`] entries of a page; [`SCANNED_MAX`] entries that are looked at for one, so
//! that a filter that fits few has a price: the page says up to where it looked.

use super::act::Act;
use super::entry::{By, Entry, Outcome, TEXT_BYTES_MAX};
use super::log::{AREA, Head, head, key};
use atsync::{Engine, Error};
use serde::Serialize;
use utoipa::ToSchema;

/// Entries of a page.
pub(crate) const ROWS_MAX: usize = 1_000;
/// Entries that are looked at for a page.
const SCANNED_MAX: u64 = 10_000;
/// Entries that are read at a time.
const AT_ONCE: u64 = 500;

/// Which entries are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Filter {
    pub(crate) connection: Option<String>,
    pub(crate) who: Option<String>,
    pub(crate) by: Option<By>,
    pub(crate) what: Option<Act>,
    /// The digest of a desired record's key.
    pub(crate) record: Option<String>,
}

impl Filter {
    /// Whether each text is within its limit; the name of one that is not.
    pub(crate) fn too_long(&self) -> Option<&'static str> {
        let texts = [("connection", &self.connection), ("who", &self.who)];
        let is_long =
            |text: &Option<String>| text.as_ref().is_some_and(|text| text.len() > TEXT_BYTES_MAX);
        texts.iter().find(|(_, text)| is_long(text)).map(|(name, _)| *name)
    }

    fn fits(&self, entry: &Entry) -> bool {
        let is = |wanted: &Option<String>, has: &Option<String>| wanted.is_none() || wanted == has;
        is(&self.connection, &entry.connection)
            && is(&self.who, &entry.who)
            && is(&self.record, &entry.record)
            && self.by.is_none_or(|by| by == entry.by)
            && self.what.is_none_or(|what| what == entry.what)
    }
}

/// An entry with its number.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = NumberedAuditEntry)]
pub(crate) struct Numbered {
    /// Rises by one with each entry.
    pub(crate) number: u64,
    #[serde(flatten)]
    pub(crate) entry: Entry,
}

/// Entries, and how far was looked.
#[derive(Debug, Default)]
pub(crate) struct Page {
    pub(crate) entries: Vec<Numbered>,
    /// Oldest first: the last number that was looked at. Newest first: the least one.
    pub(crate) looked: u64,
    /// Whether there is more.
    pub(crate) has_more: bool,
    /// Entries among them that this version cannot read.
    pub(crate) unreadable: u64,
}

/// A row of the log.
struct Row {
    number: u64,
    /// None where this version cannot read it.
    entry: Option<Entry>,
}

impl Page {
    /// Adds a row that was looked at.
    fn add(&mut self, row: Row, filter: &Filter) {
        self.looked = row.number;
        match row.entry {
            Some(entry) if filter.fits(&entry) => {
                self.entries.push(Numbered { number: row.number, entry });
            }
            Some(_) => {}
            None => self.unreadable = self.unreadable.saturating_add(1),
        }
    }
}

/// Where the log begins and ends; none while there is no entry.
///
/// # Errors
/// When the store fails.
pub(crate) async fn bounds(engine: &Engine) -> Result<Option<Head>, Error> {
    head(engine).await
}

/// Reads entries after a number, the oldest first.
///
/// # Errors
/// When the store fails.
pub(crate) async fn after(
    engine: &Engine,
    number: u64,
    limit: usize,
    (filter, is_underway): (&Filter, &(dyn Fn(u64) -> bool + Sync)),
) -> Result<Page, Error> {
    let mut page = Page { looked: number, ..Page::default() };
    let mut scanned = 0_u64;
    while page.entries.len() < limit && scanned < SCANNED_MAX {
        let rows = rows_after(engine, page.looked, is_underway).await?;
        let is_last = (rows.len() as u64) < AT_ONCE;
        for row in rows {
            if page.entries.len() >= limit {
                page.has_more = true;
                return Ok(page);
            }
            scanned = scanned.saturating_add(1);
            page.add(row, filter);
        }
        if is_last {
            return Ok(page);
        }
    }
    page.has_more = true;
    Ok(page)
}

/// Reads entries before a number, the newest first; none for the newest of all.
///
/// # Errors
/// When the store fails.
pub(crate) async fn before(
    engine: &Engine,
    number: Option<u64>,
    limit: usize,
    (filter, is_underway): (&Filter, &(dyn Fn(u64) -> bool + Sync)),
) -> Result<Page, Error> {
    let Some(head) = head(engine).await? else { return Ok(Page::default()) };
    let end = number.unwrap_or(head.next).min(head.next);
    let mut page = Page { looked: end, ..Page::default() };
    let least = end.saturating_sub(SCANNED_MAX).max(head.first);
    while page.entries.len() < limit && page.looked > least {
        let begin = page.looked.saturating_sub(AT_ONCE).max(least);
        let rows = rows_after(engine, begin.saturating_sub(1), is_underway).await?;
        let until = page.looked;
        for row in rows.into_iter().rev().filter(|row| row.number < until) {
            if page.entries.len() >= limit {
                page.has_more = true;
                return Ok(page);
            }
            page.add(row, filter);
        }
        if page.entries.len() < limit {
            page.looked = begin;
        }
    }
    page.has_more = page.looked > head.first;
    Ok(page)
}

/// The rows after a number, at most [`AT_ONCE`].
async fn rows_after(
    engine: &Engine,
    number: u64,
    is_underway: &(dyn Fn(u64) -> bool + Sync),
) -> Result<Vec<Row>, Error> {
    let rows = usize::try_from(AT_ONCE).unwrap_or(usize::MAX);
    let rows = engine.notes_page(AREA, Some(&key(number)), rows).await?;
    let read = rows.into_iter().filter_map(|(key, value)| {
        let number = key.parse().ok()?;
        let mut entry: Option<Entry> = serde_json::from_slice(&value).ok();
        if let Some(entry) = &mut entry {
            let open = if is_underway(number) { Outcome::Underway } else { Outcome::Unknown };
            entry.result = entry.result.or(Some(open));
        }
        Some(Row { number, entry })
    });
    Ok(read.collect())
}
