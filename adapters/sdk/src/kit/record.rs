//! A unified record, written field by field.

use super::got::Bad;
use super::{Got, Id};
use crate::contract::{Failure, Given, RemoteRef};
use crate::json;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A row of a list: the members that the adapter reads, and what they mean.
///
/// ```
/// use atsync_adapter::kit::{Got, Id, Record, Row, Source, Time, Words};
///
/// #[derive(serde::Deserialize)]
/// struct Job { id: Id, title: Got<String>, status: Got<String>, updated_at: Got<Time> }
///
/// const STATES: Words = Words(&[("live", "open"), ("closed", "closed")]);
///
/// impl Row for Job {
///     fn record(self, _: &Source<'_>) -> Record {
///         Record::new(self.id)
///             .version(&self.updated_at)
///             .field("title", self.title)
///             .field("state", self.status.word(&STATES))
///             .field("updated_at", self.updated_at)
///     }
/// }
/// ```
pub trait Row: DeserializeOwned {
    /// Turns the row into a record.
    fn record(self, source: &Source<'_>) -> Record;
}

/// Where a row comes from.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    /// The kind that is read.
    pub kind: &'static str,
    /// The record that the list belongs to, where the kind is listed under a parent; in a fetch,
    /// the one that a composite id begins with ([`Id::join`]).
    pub parent: Option<&'a RemoteRef>,
    /// The context of the call.
    pub given: &'a Given,
}

impl Source<'_> {
    /// The id of the parent; empty where the list has none.
    pub fn parent_id(&self) -> &str {
        self.parent.map_or("", |parent| parent.id.as_str())
    }

    /// The connection's settings, or those of them that `T` has.
    ///
    /// # Errors
    /// [`Failure::Misconfigured`] when they have another shape.
    pub fn settings<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        settings(self.given)
    }
}

/// The connection's settings, or those of them that `T` has.
///
/// # Errors
/// [`Failure::Misconfigured`] when they have another shape.
pub fn settings<T: DeserializeOwned>(given: &Given) -> Result<T, Failure> {
    serde_json::from_str(&given.settings)
        .map_err(|error| Failure::Misconfigured(format!("the settings cannot be read: {error}")))
}

/// A unified record.
///
/// Each field is set by [`Record::field`] from what the row has; a field that is not set is
/// unknown, and never erases what is stored.
#[derive(Debug)]
pub struct Record {
    /// `None` for the kind of the row.
    pub(crate) kind: Option<&'static str>,
    /// `None`: the row is no record.
    pub(crate) id: Option<String>,
    pub(crate) version: Option<String>,
    /// The members so far, without the braces.
    pub(crate) body: String,
    /// The fields that are known.
    pub(crate) known: Vec<&'static str>,
    /// Those of them that the body leaves out, since they are empty.
    pub(crate) empty: Vec<&'static str>,
    pub(crate) bad: Vec<(&'static str, Bad)>,
    /// The parts of fields that cannot be read, while the rest of the field is known.
    pub(crate) odd: Vec<String>,
    pub(crate) others: Vec<Record>,
    /// The kinds whose records of the same row cannot be read.
    pub(crate) lost: Vec<(&'static str, Bad)>,
}

impl Record {
    /// A record with this id, of which nothing is known yet.
    pub fn new(id: impl Into<Id>) -> Self {
        Self {
            kind: None,
            id: Some(id.into().into()),
            version: None,
            body: String::with_capacity(512),
            known: Vec::with_capacity(16),
            empty: Vec::new(),
            bad: Vec::new(),
            odd: Vec::new(),
            others: Vec::new(),
            lost: Vec::new(),
        }
    }

    /// A record of another kind that came in the same row, for [`Record::and`]. The kind's scan is
    /// [`Kind::inside`](super::Kind::inside) that of the row.
    pub fn of(kind: &'static str, id: impl Into<Id>) -> Self {
        Self { kind: Some(kind), ..Self::new(id) }
    }

    /// No record: the row is none of the kind.
    pub fn none() -> Self {
        Self { id: None, ..Self::new("") }
    }

    /// Sets a field by the state of a member: an absent member leaves it unknown, `null` or an
    /// empty value empties it, a bad value leaves it unknown and is reported.
    #[must_use]
    pub fn field<T: Serialize>(mut self, name: &'static str, got: Got<T>) -> Self {
        match got {
            Got::Absent => {}
            Got::Bad(bad) => self.bad.push((name, bad)),
            Got::Empty => self.put(name, &()),
            Got::Here(value) => self.put(name, &value),
        }
        self
    }

    /// Sets a field that every row has, whatever its members.
    #[must_use]
    pub fn value<T: Serialize>(mut self, name: &'static str, value: T) -> Self {
        self.put(name, &value);
        self
    }

    /// Sets the text that changes whenever the record does, such as the time of its change. Where
    /// the ATS has none, leave it out: the engine then compares the records.
    #[must_use]
    pub fn version<T: Serialize>(mut self, of: &Got<T>) -> Self {
        if let Got::Here(value) = of
            && let Ok(text) = json::write(value, 32)
        {
            self.version = Some(text.trim_matches('"').to_owned()).filter(|text| !text.is_empty());
        }
        self
    }

    /// Adds a record of another kind that came in the same row.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.others.push(other);
        self
    }

    /// Reports that records of another kind, which come in the same row, cannot be read, where the
    /// member that has them is bad.
    #[must_use]
    pub fn without<T>(mut self, kind: &'static str, got: &Got<T>) -> Self {
        if let Got::Bad(bad) = got {
            self.lost.push((kind, *bad));
        }
        self
    }

    fn put<T: Serialize>(&mut self, name: &'static str, value: &T) {
        let Ok(text) = json::write(value, 64) else {
            return self.bad.push((name, Bad::UNKNOWN));
        };
        self.known.push(name);
        // Fields are left out when they are empty, never written as an empty value.
        if matches!(text.as_str(), "null" | "\"\"" | "[]" | "{}") {
            return self.empty.push(name);
        }
        self.member(name, &text);
    }

    /// Adds a member to the body.
    pub(crate) fn member(&mut self, name: &str, text: &str) {
        if !self.body.is_empty() {
            self.body.push(',');
        }
        self.body.push('"');
        self.body.push_str(name);
        self.body.push_str("\":");
        self.body.push_str(text);
    }
}
