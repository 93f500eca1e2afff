//! The desired records by the candidate that they name by id, and by their e-mail addresses.
//!
//! A declaration writes an entry for each of both, an erasure looks them up. A record whose body
//! changes keeps the entries that stay true.
//!
//! Left out: reading the names; see [`crate::store::erase::Names`].

use super::place::Place;
use super::tables::{Tables, each};
use crate::store::StoreError;
use crate::store::codec::{Key, KeyReader};
use crate::store::erase::Names;
use std::collections::BTreeSet;

/// What a desired record is found by.
#[derive(Clone, Copy, Debug)]
pub(super) enum By {
    /// The id of the candidate that it names.
    Id,
    /// An e-mail address, normalised.
    Email,
}

fn prefix(connection: &Place, by: By, term: &str) -> Key {
    let name = match by {
        By::Id => "id",
        By::Email => "email",
    };
    connection.key().text(name).sought(term)
}

fn entries(connection: &Place, key: &str, body: Option<&str>) -> BTreeSet<Key> {
    let names = body.map(Names::of).unwrap_or_default();
    let ids = names.id.iter().map(|id| prefix(connection, By::Id, id));
    let addresses = names.addresses.iter().map(|address| prefix(connection, By::Email, address));
    ids.chain(addresses).map(|entry| entry.text(key)).collect()
}

/// The entries to remove and to write when the body of a desired record changes.
#[derive(Debug)]
pub(super) struct Difference {
    gone: Vec<Key>,
    new: Vec<Key>,
}

impl Difference {
    /// Of these bodies; none where there is no record.
    pub(super) fn of(
        connection: &Place,
        key: &str,
        before: Option<&str>,
        after: Option<&str>,
    ) -> Self {
        let (was, is) = (entries(connection, key, before), entries(connection, key, after));
        Self {
            gone: was.difference(&is).cloned().collect(),
            new: is.difference(&was).cloned().collect(),
        }
    }

    /// Writes it.
    pub(super) fn write(&self, tables: &mut Tables<'_>) -> Result<(), StoreError> {
        for entry in &self.gone {
            tables.desired_by.remove(entry)?;
        }
        for entry in &self.new {
            tables.desired_by.put(entry, &[])?;
        }
        Ok(())
    }
}

/// The keys of the desired records that a term leads to, at most `rows_max`.
pub(super) fn keys(
    tables: &Tables<'_>,
    connection: &Place,
    (by, term): (By, &str),
    rows_max: usize,
) -> Result<Vec<String>, StoreError> {
    let prefix = prefix(connection, by, term);
    let mut keys = Vec::new();
    each(tables.desired_by.rows(), prefix.clone().within(), rows_max, |key, _| {
        keys.push(KeyReader::after(key, &prefix)?.text()?);
        Ok(())
    })?;
    Ok(keys)
}
