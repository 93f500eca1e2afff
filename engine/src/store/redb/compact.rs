//! Rewrites a store's file, so that it holds the stored rows and nothing else.
//!
//! The database does not overwrite removed rows: their pages are free, and keep their bytes until
//! they are used again. (Its own compaction moves live pages and cuts the end off, so free pages in
//! the middle keep theirs too.) So the rows are copied into a new file ([`copy`]), and the new file
//! takes the place of the old one.
//!
//! # Guarantees
//! The place always holds a whole store, the old one or the new one: the new file is durable before
//! it is renamed, and until then the old one is only read. The old file stays locked until the new
//! name is durable, so no other process can write to the file that is replaced. A copy that was
//! interrupted is a file of the same name with [`files::COMPACTING`]; the next opening of the store
//! removes it, since it then holds the lock.
//!
//! # Bounds
//! Room for a second file, and memory for a batch of rows beside the caches. It blocks; call it off
//! the async threads. Left out: bytes of the old file in the file system, its snapshots and earlier
//! copies. Only an encrypted disk and deleted copies help there.

#![expect(clippy::disallowed_methods, reason = "writes the store's file anew")]

use super::copy;
use super::files::{self, beside, failed, sync_directory};
use super::open;
use super::options::RedbOptions;
use super::pages::Pages;
use super::tables::OrFailed;
use crate::entropy::Entropy;
use crate::store::StoreError;
use redb::backends::FileBackend;
use redb::{Builder, Database, ReadableDatabase};
use serde::Serialize;
use std::path::Path;

/// The result of rewriting a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Compacted {
    /// Bytes of the file before.
    pub before: u64,
    /// Bytes of the file now.
    pub after: u64,
    /// Rows that were copied.
    pub rows: u64,
}

pub(super) fn compact(
    path: &Path,
    options: RedbOptions,
    entropy: &dyn Entropy,
) -> Result<Compacted, StoreError> {
    // The file itself, where the path is a link to it: a rename would replace the link.
    let path = std::fs::canonicalize(path).map_err(|error| {
        StoreError::Unusable(format!(
            "{} cannot be compacted: {error}; check the path and its permissions",
            path.display()
        ))
    })?;
    let old_about = std::fs::metadata(&path).map_err(|error| failed(&path, &error))?;
    // Proves that it is a store, and locks it.
    let old = open::file(&path, options.cache_bytes, entropy)?.database;
    let place = beside(&path);
    let rows = match copy_into(&old, &place, options.cache_bytes, entropy) {
        Ok(rows) => rows,
        Err(error) => {
            // A partial copy is as private as the store; the next attempt reports why it cannot be
            // removed.
            drop(std::fs::remove_file(&place));
            return Err(error);
        }
    };
    let after = std::fs::metadata(&place).map_err(|error| failed(&place, &error))?.len();
    let old = release_where_needed(old);
    std::fs::rename(&place, &path).map_err(|error| failed(&path, &error))?;
    sync_directory(&path)?;
    drop(old);
    Ok(Compacted { before: old_about.len(), after, rows })
}

/// Copies every table. The new file is closed and durable when this returns.
fn copy_into(
    old: &Database,
    place: &Path,
    cache_bytes: usize,
    entropy: &dyn Entropy,
) -> Result<u64, StoreError> {
    let file = files::create(place).map_err(|error| failed(place, &error))?;
    let synced = file.try_clone().map_err(|error| failed(place, &error))?;
    let backend =
        Pages::create(FileBackend::new(file).or_failed()?, open::number(entropy)).or_failed()?;
    let mut new =
        Builder::new().set_cache_size(cache_bytes).create_with_backend(backend).or_failed()?;
    let read = old.begin_read().or_failed()?;
    let rows = copy::all(&read, &new, &|| Ok(()))?;
    new.compact().or_failed()?;
    drop(new);
    synced.sync_all().map_err(|error| failed(place, &error))?;
    Ok(rows.into_values().fold(0, u64::saturating_add))
}

/// A file that is open can be replaced on Unix, and stays locked meanwhile; elsewhere it has to be
/// closed first.
fn release_where_needed(old: Database) -> Option<Database> {
    if cfg!(unix) { Some(old) } else { None }
}
