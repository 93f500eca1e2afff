//! The facade's part for reading records: streams of a kind, typed or as JSON, and pages with a
//! cursor.
//!
//! A stream is for a host that walks everything, a page for one that answers a request. A page is
//! found by a range read, with a filter by one index read; neither walks what it does not give. A
//! cursor is opaque, and valid only for the question that it came from. A record that is created or
//! deleted between two pages may be missing; every other record is returned exactly once.
//!
//! Bounds: [`PAGE_ROWS_MAX`]. Left out: filters without an index, and sorting; a host that needs
//! them keeps a read model of its own, updated by [`Connection::follow`].

use crate::engine::{Connection, READ_ROWS};
use crate::error::{Error, ErrorKind};
use crate::index;
use crate::store::{DesiredRow, ObservedRow};
use crate::transport::auth::digest;
use atsync_model::contract::RemoteRef;
use atsync_model::unified::Unified;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::stream::{self, Stream, StreamExt, TryStreamExt};

/// Rows of one page at most. A row may have megabytes.
const PAGE_ROWS_MAX: usize = 1_000;
/// The longest cursor that is read: a digest and the longest key, in base64.
const CURSOR_BYTES_MAX: usize = 1_024;

/// Rows, and how to ask for the next ones.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Page<T> {
    /// The rows, in the order of their ids' or keys' bytes.
    pub rows: Vec<T>,
    /// The cursor of the next page; none when this is the last one.
    pub next: Option<String>,
}

/// The observed records that a page shows: those whose indexed field has this value. Case and
/// surrounding white space do not count. A refusal lists the fields of the kind.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Filter {
    /// All of the kind.
    All,
    /// With this e-mail address: candidates, users, their addresses.
    Email(String),
    /// With this name: the kinds that have one.
    Name(String),
    /// Of this candidate, by id: applications, notes, applied tags.
    Candidate(String),
    /// In this record, by id: stages of a job, options of a custom field, records of an
    /// application.
    Parent(String),
    /// Of this user, by id: referrers, addresses.
    User(String),
    /// With this key, set by the customer: custom fields (key), jobs (requisition id).
    Key(String),
}

impl Filter {
    /// The index and the term; none for all.
    fn term(&self) -> Option<(&'static str, &str)> {
        match self {
            Self::All => None,
            Self::Email(text) => Some((index::EMAIL, text)),
            Self::Name(text) => Some((index::NAME, text)),
            Self::Candidate(text) => Some((index::CANDIDATE, text)),
            Self::Parent(text) => Some((index::PARENT, text)),
            Self::User(text) => Some((index::USER, text)),
            Self::Key(text) => Some((index::KEY, text)),
        }
    }
}

/// An observed record in the types of the unified model.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Observed<T> {
    /// Its id in the ATS.
    pub id: String,
    /// Its version, where the ATS has one.
    pub version: Option<String>,
    /// The top fields that are known; others may be missing without meaning.
    pub known: Vec<String>,
    /// When it was last ingested with a difference.
    pub changed_ms: u64,
    /// The record.
    pub record: T,
}

impl<T: Unified> Observed<T> {
    /// Reads a row.
    ///
    /// # Errors
    /// [`ErrorKind::Adapter`] when the record does not have the unified shape.
    pub fn of(row: ObservedRow) -> Result<Self, Error> {
        let record = serde_json::from_str(&row.body).map_err(|error| {
            let message = format!("{}/{} is not of the unified shape: {error}", row.kind, row.id);
            Error::new(ErrorKind::Adapter, message)
        })?;
        let ObservedRow { id, version, known, changed_ms, .. } = row;
        Ok(Self { id, version, known, changed_ms, record })
    }
}

impl Connection {
    /// Rows of one page at most.
    pub const PAGE_ROWS_MAX: usize = PAGE_ROWS_MAX;

    /// Observed records of a kind, in the order of their ids. Owned; it may be spawned.
    ///
    /// # Errors
    /// An item is an error, and the last one, when the store fails or the adapter does not have the
    /// kind.
    pub fn observed(
        &self,
        kind: &str,
    ) -> impl Stream<Item = Result<ObservedRow, Error>> + Send + use<> {
        let (acme, kind) = (self.clone(), kind.to_owned());
        let pages = stream::try_unfold(Some(None), move |after: Option<Option<String>>| {
            let (acme, kind) = (acme.clone(), kind.clone());
            async move {
                let Some(after) = after else { return Ok(None) };
                acme.check_kind(&kind)?;
                let work = acme.work()?;
                let store = &work.context.store;
                let rows = store.observed_page(&kind, after.as_deref(), READ_ROWS).await?;
                let next = rows.last().map(|row| Some(row.id.clone()));
                Ok::<_, Error>(Some((stream::iter(rows.into_iter().map(Ok::<_, Error>)), next)))
            }
        });
        pages.try_flatten()
    }

    /// Observed records of a kind in a type of [`atsync_model::unified`], for example
    /// `acme.observed_as::<Candidate>("candidates")`. A record that does not have the shape is an
    /// error that names it, and the stream continues.
    ///
    /// # Errors
    /// [`ErrorKind::Input`] when the type is not that of the kind.
    pub fn observed_as<T: Unified>(
        &self,
        kind: &str,
    ) -> Result<impl Stream<Item = Result<Observed<T>, Error>> + Send + use<T>, Error> {
        self.fits::<T>(kind)?;
        Ok(self.observed(kind).map(|row| row.and_then(Observed::of)))
    }

    /// One observed record; none when the store has none. It may be a tombstone, which `gone` says.
    ///
    /// # Errors
    /// [`ErrorKind::Store`]; [`ErrorKind::Input`] for a kind that the adapter does not have.
    pub async fn observed_one(&self, kind: &str, id: &str) -> Result<Option<ObservedRow>, Error> {
        self.check_kind(kind)?;
        Ok(self.work()?.context.store.observed(&RemoteRef::new(kind, id)).await?)
    }

    /// One observed record in a type of [`atsync_model::unified`]; none when the store has none, or
    /// a tombstone.
    ///
    /// # Errors
    /// As for [`Connection::observed_as`] and [`Observed::of`].
    pub async fn observed_one_as<T: Unified>(
        &self,
        kind: &str,
        id: &str,
    ) -> Result<Option<Observed<T>>, Error> {
        self.fits::<T>(kind)?;
        let row = self.observed_one(kind, id).await?;
        row.filter(|row| !row.gone).map(Observed::of).transpose()
    }

    /// A page of observed records, at most `rows_max`, which is 1 to [`Connection::PAGE_ROWS_MAX`].
    /// `cursor` is [`Page::next`] of the page before, none for the first. Tombstones are left out.
    ///
    /// # Errors
    /// [`ErrorKind::Input`] for a kind that the adapter does not have, a field that the kind is not
    /// filtered by, a number of rows out of bounds, or a cursor of another call.
    pub async fn observed_page(
        &self,
        kind: &str,
        filter: &Filter,
        cursor: Option<&str>,
        rows_max: usize,
    ) -> Result<Page<ObservedRow>, Error> {
        self.check_kind(kind)?;
        let work = self.work()?;
        let (store, name) = (&work.context.store, self.name());
        let term = filter.term();
        if let Some((field, _)) = term.filter(|(field, _)| !index::of(kind).contains(field)) {
            let fields = joined(index::of(kind).into_iter());
            let message = format!("{kind} cannot be filtered by {field}; they can be by {fields}");
            return Err(self.input(message));
        }
        let (field, text) = term.unwrap_or(("", ""));
        let text = index::form(field, text);
        let question = digest(&["observed", name, kind, field, &text]);
        let after = self.after(cursor, &question)?;
        let asked = self.rows(rows_max)?;
        let rows = match term {
            None => store.observed_page(kind, after.as_deref(), asked).await?,
            Some(_) => store.lookup_page(kind, field, &text, after.as_deref(), asked).await?,
        };
        Ok(page(rows, rows_max, &question, |row| &row.id))
    }

    /// A page of desired records with their status, in the order of their keys, at most `rows_max`,
    /// which is 1 to [`Connection::PAGE_ROWS_MAX`]. `cursor` as for [`Connection::observed_page`].
    ///
    /// # Errors
    /// [`ErrorKind::Input`] for a number of rows out of bounds, or a cursor of another call.
    pub async fn desired_page(
        &self,
        cursor: Option<&str>,
        rows_max: usize,
    ) -> Result<Page<DesiredRow>, Error> {
        let question = digest(&["desired", self.name()]);
        let after = self.after(cursor, &question)?;
        let asked = self.rows(rows_max)?;
        let work = self.work()?;
        let store = &work.context.store;
        let rows = store.desired_page(after.as_deref(), asked).await?;
        Ok(page(rows, rows_max, &question, |row| &row.key))
    }

    /// One desired record with its status.
    ///
    /// # Errors
    /// [`ErrorKind::Store`].
    pub async fn desired(&self, key: &str) -> Result<Option<DesiredRow>, Error> {
        Ok(self.work()?.context.store.desired(key).await?)
    }

    fn input(&self, message: impl std::fmt::Display) -> Error {
        Error::new(ErrorKind::Input, format!("{}: {message}", self.name()))
    }

    fn fits<T: Unified>(&self, kind: &str) -> Result<(), Error> {
        if T::is_of(kind) {
            return Ok(());
        }
        let kinds = match T::KINDS {
            [] => "other kinds".to_owned(),
            kinds => joined(kinds.iter().copied()),
        };
        Err(self.input(format!("the type is for {kinds}, and {kind:?} is asked for")))
    }

    /// One row more than asked for, to know whether there is a next page.
    fn rows(&self, rows_max: usize) -> Result<usize, Error> {
        if (1..=PAGE_ROWS_MAX).contains(&rows_max) {
            return Ok(rows_max.saturating_add(1));
        }
        Err(self.input(format!("a page has 1 to {PAGE_ROWS_MAX} rows; {rows_max} are asked for")))
    }

    /// The id or key that a cursor continues after.
    fn after(&self, cursor: Option<&str>, question: &str) -> Result<Option<String>, Error> {
        let Some(cursor) = cursor else { return Ok(None) };
        let bytes = Some(cursor).filter(|cursor| cursor.len() <= CURSOR_BYTES_MAX);
        let text = bytes.and_then(|cursor| URL_SAFE_NO_PAD.decode(cursor).ok());
        let text = text.and_then(|bytes| String::from_utf8(bytes).ok());
        match text.as_deref().and_then(|text| text.split_once(':')) {
            Some((asked, after)) if asked == question => Ok(Some(after.to_owned())),
            _ => Err(self.input("the cursor is of another question; begin without one")),
        }
    }
}

/// Makes a page of the rows that were read.
fn page<T>(mut rows: Vec<T>, rows_max: usize, question: &str, id: fn(&T) -> &String) -> Page<T> {
    let more = rows.len() > rows_max;
    rows.truncate(rows_max);
    let last = rows.last().filter(|_| more);
    let next = last.map(|row| URL_SAFE_NO_PAD.encode(format!("{question}:{}", id(row))));
    Page { rows, next }
}

fn joined<'a>(words: impl Iterator<Item = &'a str>) -> String {
    let words: Vec<&str> = words.collect();
    if words.is_empty() { "nothing".to_owned() } else { words.join(", ") }
}
