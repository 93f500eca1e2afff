//! The hashes of erased candidates, which block re-import by pages and declarations.
//!
//! Left out: the erasure itself; see [`super::erasure`].

use super::place::Place;
use super::tables::{ERASED, Tables, any, each, get, has, number_of, number_value, table};
use crate::store::codec::{Key, KeyReader};
use crate::store::erase::{Hash, Hasher};
use crate::store::{Declaration, Erasure, PageCommit, StoreError};
use redb::ReadTransaction;
use std::collections::{BTreeMap, BTreeSet};

/// The place of a hash.
pub(super) fn place(connection: &Place, hash: &str) -> Key {
    connection.key().text(hash)
}

/// Carries the hashes over to another number of the connection.
pub(super) fn carry(tables: &mut Tables<'_>, from: &Place, to: &Place) -> Result<(), StoreError> {
    let mut held = Vec::new();
    each(tables.erased.rows(), from.key().within(), usize::MAX, |key, value| {
        held.push((KeyReader::after(key, &from.key())?.text()?, value.to_vec()));
        Ok(())
    })?;
    held.iter().try_for_each(|(hash, value)| tables.erased.put(&place(to, hash), value).map(drop))
}

/// Whether a candidate of the connection was erased; if none was, no hash has to be computed.
pub(super) fn any_erased(tables: &Tables<'_>, connection: &Place) -> Result<bool, StoreError> {
    any(tables.erased.rows(), connection.key().within())
}

/// The erasure that blocks a record with one of these hashes.
fn erasure_of(
    tables: &Tables<'_>,
    connection: &Place,
    hashes: &[Hash],
) -> Result<Option<u64>, StoreError> {
    for hash in hashes {
        if let Some(value) = get(tables.erased.rows(), &place(connection, hash))? {
            return Ok(Some(number_of(value.value())?));
        }
    }
    Ok(None)
}

fn put_own(
    tables: &mut Tables<'_>,
    connection: &Place,
    own: &str,
    erasure: u64,
) -> Result<(), StoreError> {
    let key = place(connection, own);
    if get(tables.erased.rows(), &key)?.is_none() {
        tables.erased.put(&key, &number_value(erasure))?;
    }
    Ok(())
}

/// Whether a record is blocked. One that is found by another hash than its own, the first, is
/// stored with its own from now on.
pub(super) fn kept_away(
    tables: &mut Tables<'_>,
    connection: &Place,
    hashes: &[Hash],
) -> Result<bool, StoreError> {
    let Some(erasure) = erasure_of(tables, connection, hashes)? else { return Ok(false) };
    if let Some(own) = hashes.first() {
        put_own(tables, connection, own, erasure)?;
    }
    Ok(true)
}

/// The keys of the blocked declarations. Writes nothing.
pub(super) fn declarations_of(
    read: &ReadTransaction,
    connection: &Place,
    records: &[Declaration],
    hasher: &Hasher,
) -> Result<Vec<String>, StoreError> {
    let rows = table(read, ERASED)?;
    let mut keys = Vec::new();
    if !any(&rows, connection.key().within())? {
        return Ok(keys);
    }
    for record in records {
        for hash in hasher.of_desired(connection.name(), &record.key, &record.body) {
            if has(&rows, &place(connection, &hash))? {
                keys.push(record.key.clone());
                break;
            }
        }
    }
    Ok(keys)
}

/// The blocked records of a page, by id, with their erasure. Writes nothing.
pub(super) fn of_page<'p>(
    tables: &Tables<'_>,
    connection: &Place,
    page: &'p PageCommit,
    hasher: &Hasher,
) -> Result<BTreeMap<&'p str, u64>, StoreError> {
    let mut found = BTreeMap::new();
    if !any_erased(tables, connection)? {
        return Ok(found);
    }
    // Another record of the page may name a blocked one, in any order.
    let mut learned: BTreeMap<Hash, u64> = BTreeMap::new();
    loop {
        let before = found.len();
        for record in &page.records {
            if found.contains_key(record.id.as_str()) {
                continue;
            }
            let hashes = hasher.of_record(connection.name(), &page.kind, &record.id, &record.body);
            let erasure = match erasure_of(tables, connection, &hashes)? {
                Some(erasure) => Some(erasure),
                None => hashes.iter().find_map(|hash| learned.get(hash)).copied(),
            };
            if let Some(erasure) = erasure {
                learned.extend(hashes.into_iter().next().map(|own| (own, erasure)));
                found.insert(record.id.as_str(), erasure);
            }
        }
        if found.len() == before {
            return Ok(found);
        }
    }
}

/// Stores the hashes of the records of [`of_page`].
pub(super) fn learn(
    tables: &mut Tables<'_>,
    connection: &Place,
    kind: &str,
    kept_away: &BTreeMap<&str, u64>,
    hasher: &Hasher,
) -> Result<(), StoreError> {
    for (id, erasure) in kept_away {
        put_own(tables, connection, &hasher.record(connection.name(), kind, id), *erasure)?;
    }
    Ok(())
}

/// Allows a candidate to be imported again. See [`crate::store::Erasures::undo_erasure`].
pub(super) fn undo_erasure(
    tables: &mut Tables<'_>,
    connection: &Place,
    erasure: &Erasure,
    hasher: &Hasher,
) -> Result<bool, StoreError> {
    let mut erasures = BTreeSet::new();
    for hash in hasher.of_erasure(connection.name(), erasure) {
        erasures.extend(erasure_of(tables, connection, &[hash])?);
    }
    let prefix = connection.key();
    let mut hashes = Vec::new();
    each(tables.erased.rows(), prefix.clone().within(), usize::MAX, |key, value| {
        if erasures.contains(&number_of(value)?) {
            hashes.push(KeyReader::after(key, &prefix)?.text()?);
        }
        Ok(())
    })?;
    for hash in hashes {
        tables.erased.remove(&place(connection, &hash))?;
    }
    Ok(!erasures.is_empty())
}
