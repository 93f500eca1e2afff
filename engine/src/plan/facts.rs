//! The observed state as a plan knows it, and the facts that it still needs. Pure.
//!
//! [`Facts`] answers from what was read so far, or returns the [`Need`]; the caller reads that and
//! adds it. All records of a run share the facts, so each is read once. Facts also hold what the
//! run itself decided: which record claims an address, and which record was linked.
//!
//! Bounds: [`Facts::forget_stored`] drops what the store can answer again. Left out: reading.

use crate::index;
use crate::link::LinkRow;
use atsync_model::contract::RemoteRef;
use atsync_model::desired::Desired;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// An observed record as plans read it.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// Its kind.
    pub kind: String,
    /// Its id.
    pub id: String,
    /// The unified fields.
    pub body: Map<String, Value>,
    /// The top fields that are known; one that is missing in `body` is known to be empty.
    pub known: Vec<String>,
    /// It may have named another candidate before: see [`crate::store::ObservedRow::moved_in`].
    pub moved_in: bool,
}

impl Record {
    /// Returns the record's reference.
    pub fn remote(&self) -> RemoteRef {
        RemoteRef::new(&self.kind, &self.id)
    }

    /// Returns a text by path, one level deep at most: `title`, `name.first`, `job.id`.
    pub fn text(&self, path: &str) -> Option<&str> {
        self.value(path).and_then(Value::as_str)
    }

    /// Returns a value by path, one level deep at most.
    pub fn value(&self, path: &str) -> Option<&Value> {
        match path.split_once('.') {
            Some((outer, inner)) => self.body.get(outer).and_then(|value| value.get(inner)),
            None => self.body.get(path),
        }
    }

    /// Returns a list.
    pub fn list(&self, field: &str) -> &[Value] {
        self.body.get(field).and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }

    /// Returns the title or name of the record, else its id.
    pub(crate) fn label(&self) -> &str {
        self.text("title").or(self.text("name")).unwrap_or(&self.id)
    }

    /// Whether the record is in use: the ATS does not show it as archived.
    pub(super) fn is_active(&self) -> bool {
        self.value("active").and_then(Value::as_bool) != Some(false)
    }

    /// Whether the field is known, be it empty.
    pub fn knows(&self, field: &str) -> bool {
        let top = field.split_once('.').map_or(field, |(top, _)| top);
        self.body.contains_key(top) || self.known.iter().any(|known| known == top)
    }
}

/// Most ids that a message lists.
const IDS_SHOWN: usize = 20;

/// Lists the ids of records for a message.
pub(super) fn ids(records: &[&Arc<Record>]) -> String {
    let ids: Vec<&str> = records.iter().map(|record| record.id.as_str()).take(IDS_SHOWN).collect();
    ids.join(", ")
}

/// A declared custom field or user, as the plans of others see it.
#[derive(Clone, Debug, PartialEq)]
pub struct Declared {
    /// The desired record.
    pub desired: Desired,
    /// The engine keeps it in step: it is neither paused nor only observed.
    pub managed: bool,
    /// The links of its paths, by path.
    pub links: BTreeMap<String, LinkRow>,
}

/// A fact that a plan asks for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Need {
    /// Observed records by a term of the index.
    Lookup {
        /// Their kind.
        kind: String,
        /// The index; see [`crate::index`].
        index: &'static str,
        /// The term, normalised.
        term: String,
    },
    /// One observed record.
    Observed(RemoteRef),
    /// One observed record as it is stored, which costs no request where it is not.
    Stored(RemoteRef),
    /// One observed record as the ATS shows it now: two observations of one fact disagree.
    Confirmed(RemoteRef),
    /// Whether the last write for a desired record must show by now.
    Settled(String),
    /// The paths that are linked to a record.
    LinkedTo(RemoteRef),
    /// Some names of a small kind, for suggestions.
    Names(String),
    /// The custom field or user that is declared under a path.
    Declared(String),
}

/// The facts known so far, shared by all records of a run.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    lookups: HashMap<(String, &'static str, String), Vec<Arc<Record>>>,
    observed: HashMap<RemoteRef, Option<Arc<Record>>>,
    stored: HashMap<RemoteRef, Option<Arc<Record>>>,
    settled: HashMap<String, bool>,
    gone: std::collections::HashSet<RemoteRef>,
    linked: HashMap<RemoteRef, Vec<String>>,
    names: HashMap<String, Vec<String>>,
    claims: HashMap<String, String>,
    /// Kept for the whole run: at most one per field and user that records name.
    declared: HashMap<String, Option<Arc<Declared>>>,
    /// Records that were read in this run because observations disagreed; none where the ATS does
    /// not show them.
    confirmed: HashMap<RemoteRef, Option<Arc<Record>>>,
    /// Fields that this run wrote and read back, by path: what they show is what the ATS made of
    /// the write.
    fresh: std::collections::HashSet<(String, String)>,
    /// The records in `linked` with links that this run decided and no store has yet.
    taken: std::collections::HashSet<RemoteRef>,
}

impl Facts {
    /// Counts the facts that can be read again.
    pub fn len(&self) -> usize {
        let records = self.observed.len().saturating_add(self.stored.len());
        self.lookups.len().saturating_add(records).saturating_add(self.linked.len())
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Drops what the store can answer again. Keeps what this run decided, and that a record does
    /// not show: asking for that again costs a request.
    pub fn forget_stored(&mut self) {
        self.lookups = HashMap::new();
        self.stored = HashMap::new();
        self.settled = HashMap::new();
        self.observed.retain(|_, record| record.is_none());
        self.observed.shrink_to_fit();
        let taken = &self.taken;
        self.linked.retain(|remote, _| taken.contains(remote));
        self.linked.shrink_to_fit();
    }

    /// Keeps what this run decided about several records, and nothing that was read.
    #[must_use]
    pub fn claimed(self) -> Self {
        Self { claims: self.claims, ..Self::default() }
    }

    /// Returns the records of a term.
    ///
    /// # Errors
    /// The need, when it has not been answered yet.
    pub fn lookup(
        &self,
        kind: &str,
        index: &'static str,
        term: &str,
    ) -> Result<&[Arc<Record>], Need> {
        let term = index::form(index, term);
        let key = (kind.to_owned(), index, term);
        match self.lookups.get(&key) {
            Some(records) => Ok(records),
            None => Err(Need::Lookup { kind: key.0, index, term: key.2 }),
        }
    }

    /// Returns one observed record; none where the ATS does not show it.
    ///
    /// # Errors
    /// The need, when it has not been answered yet.
    pub fn observed(&self, remote: &RemoteRef) -> Result<Option<&Arc<Record>>, Need> {
        match self.observed.get(remote) {
            Some(record) => Ok(record.as_ref()),
            None => Err(Need::Observed(remote.clone())),
        }
    }

    /// Returns one record as it is stored; none where it is not.
    ///
    /// # Errors
    /// The need, when it has not been answered yet.
    pub fn stored(&self, remote: &RemoteRef) -> Result<Option<&Arc<Record>>, Need> {
        match self.stored.get(remote) {
            Some(record) => Ok(record.as_ref()),
            None => Err(Need::Stored(remote.clone())),
        }
    }

    /// Returns whether the last write for a desired record must show by now.
    ///
    /// # Errors
    /// The need, when it has not been answered yet.
    pub fn settled(&self, key: &str) -> Result<bool, Need> {
        self.settled.get(key).copied().ok_or_else(|| Need::Settled(key.to_owned()))
    }

    /// Answers whether the last write for a desired record must show by now.
    pub fn add_settled(&mut self, key: String, settled: bool) {
        self.settled.insert(key, settled);
    }

    /// Answers what is stored of one record.
    pub fn add_stored(&mut self, remote: RemoteRef, record: Option<Arc<Record>>) {
        self.stored.insert(remote, record);
    }

    /// Returns one record as the ATS showed it in this run; none where it does not show it.
    ///
    /// # Errors
    /// The need, when it was not read yet.
    pub fn confirmed(&self, remote: &RemoteRef) -> Result<Option<&Arc<Record>>, Need> {
        match self.confirmed.get(remote) {
            Some(record) => Ok(record.as_ref()),
            None => Err(Need::Confirmed(remote.clone())),
        }
    }

    /// Answers what the ATS showed of one record.
    pub fn add_confirmed(&mut self, remote: RemoteRef, record: Option<Arc<Record>>) {
        self.confirmed.insert(remote, record);
    }

    /// Notes that a field of a path was written and read back in this run.
    pub fn add_fresh(&mut self, path: &str, field: &str) {
        self.fresh.insert((path.to_owned(), field.to_owned()));
    }

    /// Whether a field was written and read back in this run.
    pub fn is_fresh(&self, path: &str, field: &str) -> bool {
        !self.fresh.is_empty() && self.fresh.contains(&(path.to_owned(), field.to_owned()))
    }

    /// Whether a record that does not show is known to be deleted. Otherwise it may be hidden, or
    /// not show yet.
    pub fn is_gone(&self, remote: &RemoteRef) -> bool {
        self.gone.contains(remote)
    }

    /// Returns the paths that are linked to a record, its holder first.
    ///
    /// # Errors
    /// The need, when it has not been answered yet.
    pub fn linked_to(&self, remote: &RemoteRef) -> Result<&[String], Need> {
        self.linked.get(remote).map(Vec::as_slice).ok_or_else(|| Need::LinkedTo(remote.clone()))
    }

    /// Returns names of a small kind.
    ///
    /// # Errors
    /// The need, when it has not been answered yet.
    pub fn names(&self, kind: &str) -> Result<&[String], Need> {
        self.names.get(kind).map(Vec::as_slice).ok_or_else(|| Need::Names(kind.to_owned()))
    }

    /// Answers a lookup.
    pub fn add_lookup(
        &mut self,
        kind: String,
        index: &'static str,
        term: String,
        records: Vec<Arc<Record>>,
    ) {
        self.lookups.insert((kind, index, term), records);
    }

    /// Answers for one record.
    pub fn add_observed(&mut self, remote: RemoteRef, record: Option<Arc<Record>>) {
        self.observed.insert(remote, record);
    }

    /// Notes that a record is known to be deleted.
    pub fn add_gone(&mut self, remote: RemoteRef) {
        self.observed.insert(remote.clone(), None);
        self.gone.insert(remote);
    }

    /// Answers which paths are linked to a record, its holder first.
    pub fn add_linked(&mut self, remote: RemoteRef, paths: Vec<String>) {
        self.linked.insert(remote, paths);
    }

    /// Notes that a record of this run is linked to this one, for later records that match it too.
    pub fn take(&mut self, remote: &RemoteRef, path: &str) {
        if let Some(paths) = self.linked.get_mut(remote)
            && !paths.iter().any(|known| known == path)
        {
            paths.push(path.to_owned());
            self.taken.insert(remote.clone());
        }
    }

    /// Notes that a record of this run gives up its link to this one: what the next one gives up is
    /// its alone.
    pub fn release(&mut self, remote: &RemoteRef, path: &str) {
        if let Some(paths) = self.linked.get_mut(remote) {
            paths.retain(|known| known != path);
            self.taken.insert(remote.clone());
        }
    }

    /// Answers with names.
    pub fn add_names(&mut self, kind: String, names: Vec<String>) {
        self.names.insert(kind, names);
    }

    /// Returns the custom field or user that is declared under a path; none where there is none.
    ///
    /// # Errors
    /// The need, when it has not been answered yet.
    pub fn declared(&self, path: &str) -> Result<Option<&Arc<Declared>>, Need> {
        match self.declared.get(path) {
            Some(declared) => Ok(declared.as_ref()),
            None => Err(Need::Declared(path.to_owned())),
        }
    }

    /// Answers what is declared under a path.
    pub fn add_declared(&mut self, path: String, declared: Option<Declared>) {
        self.declared.insert(path, declared.map(Arc::new));
    }

    /// Notes which desired record of this run creates the candidate with this e-mail address; the
    /// first claim counts.
    pub fn claim(&mut self, email: &str, key: &str) {
        self.claims.entry(atsync_model::normal::email(email)).or_insert_with(|| key.to_owned());
    }

    /// Returns the record that claimed the address.
    pub fn claimed_by(&self, email: &str) -> Option<&str> {
        self.claims.get(&atsync_model::normal::email(email)).map(String::as_str)
    }
}
