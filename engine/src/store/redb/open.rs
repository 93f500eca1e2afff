//! Opens a file: creates a new store, proves that an existing file is a store, and says what to do
//! when it is not.
//!
//! A file is a store when its pages are verified ([`super::pages`]) and its `meta` table names the
//! layout that this engine writes. A new file is made beside its place and moved there when it is
//! complete, so an empty file is never an unfinished store. A panic of the database while opening
//! is caught and reported as damage.
//!
//! Bounds: opening reads a few pages, and after a crash amid writes the whole file, 1.4 s a
//! gigabyte ([`super::writer`]). It blocks; call it off the async threads. Left out:
//! migrations. Earlier layouts were in no release, and are refused.

#![expect(clippy::disallowed_methods, reason = "opens the store's file")]

use super::files::{self, unreachable_path};
use super::manifest;
use super::pages::{Length, PLAIN, Pages, Seal};
use super::tables::{META, OrFailed, Tables, get, table};
use super::writer::prepare;
use crate::entropy::Entropy;
use crate::store::codec::Key;
use crate::store::erase::Hasher;
use crate::store::{SCHEMA, StoreError, StoreIdentity};
use redb::backends::FileBackend;
use redb::{
    Builder, Database, DatabaseError, ReadableDatabase, StorageBackend, StorageError, TableHandle,
};
use std::fs::File;
use std::io::Read;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The help for a file that cannot be used, for the end of a message.
const WAY_OUT: &str = "To go on, restore a copy of it; or move it away and pull again: what the \
    ATS holds comes back with the next pull, \
                       but the declared records, the links and the journal of this store do not, \
                       so declare them again";

/// An open store.
pub(super) struct Opened {
    pub(super) database: Database,
    pub(super) identity: StoreIdentity,
    pub(super) hasher: Hasher,
    pub(super) seal: Seal,
    pub(super) length: Length,
    /// Whether the whole file was read, after a crash amid writes.
    pub(super) was_walked: bool,
}

/// Opens the file, or creates it.
pub(super) fn file(
    path: &Path,
    cache_bytes: usize,
    entropy: &dyn Entropy,
) -> Result<Opened, StoreError> {
    let place = path.display().to_string();
    match std::fs::metadata(path) {
        Ok(found) if found.is_dir() => {
            return Err(StoreError::Unusable(format!(
                "{place} is a directory; the store needs the path of a file"
            )));
        }
        Ok(_) => {}
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => files::make(path, |file| {
            finish(&place, Some(entropy), cache_bytes, || {
                Pages::create(FileBackend::new(file)?, number(entropy))
            })
            .map(drop)
        })?,
        Err(error) => return Err(unreachable_path(&place, &error)),
    }
    let file = files::open(path).map_err(|error| unreachable_path(&place, &error))?;
    check(&place, &file)?;
    let same = file.try_clone().map_err(|error| unreachable_path(&place, &error))?;
    let opened = finish(&place, None, cache_bytes, || Ok(Pages::open(FileBackend::new(file)?)))?;
    // Only now is it proven to be a store: no other file is changed, whatever path the
    // configuration names.
    files::keep_private(&place, &same)?;
    files::clear_away(path)?;
    Ok(opened)
}

/// Opens the store in a file that has no name yet.
pub(super) fn unnamed(place: &str, file: File, cache_bytes: usize) -> Result<Opened, StoreError> {
    finish(place, None, cache_bytes, || Ok(Pages::open(FileBackend::new(file)?)))
}

/// Opens the store in a backend, or creates one in it.
pub(super) fn backend(
    backend: impl StorageBackend,
    cache_bytes: usize,
    entropy: &dyn Entropy,
) -> Result<Opened, StoreError> {
    let place = "the storage backend";
    let is_new = backend.len().map_err(|error| unreachable_path(place, &error))? == 0;
    finish(place, is_new.then_some(entropy), cache_bytes, || {
        if is_new { Pages::create(backend, number(entropy)) } else { Ok(Pages::open(backend)) }
    })
}

/// The number of a new file.
pub(super) fn number(entropy: &dyn Entropy) -> u64 {
    let mut bytes = [0; 8];
    entropy.fill(&mut bytes);
    u64::from_le_bytes(bytes)
}

/// Proves that a file may be a store of this layout, before anything is written to it.
fn check(place: &str, file: &File) -> Result<(), StoreError> {
    let found = file.metadata().map_err(|error| unreachable_path(place, &error))?;
    if !found.is_file() {
        return Err(StoreError::Unusable(format!(
            "{place} is not a regular file; the store needs the path of one"
        )));
    }
    if found.len() == 0 {
        return Err(unusable(
            place,
            "is empty, and a store never is: what it held is lost, or it was made by something \
             else. \
             Where no store was, remove the file and a new store is made",
        ));
    }
    let mut beginning = Vec::new();
    let read = (&mut &*file).take(16).read_to_end(&mut beginning);
    read.map_err(|error| unreachable_path(place, &error))?;
    if beginning.starts_with(manifest::MAGIC) {
        return Err(StoreError::Unusable(format!(
            "{place} is a backup of a store, and no store; restore it to another file, and open \
             that one"
        )));
    }
    if beginning.starts_with(PLAIN) {
        return Err(unusable(
            place,
            &format!(
                "is a plain redb database: it has layout 1 of an earlier version of atsync, or \
                 belongs to another program; \
                 this version reads layout {SCHEMA} alone"
            ),
        ));
    }
    Ok(())
}

/// Opens the database. `new` is the randomness for a store that is to be created in it.
fn finish<B: StorageBackend>(
    place: &str,
    new: Option<&dyn Entropy>,
    cache_bytes: usize,
    pages: impl FnOnce() -> Result<Pages<B>, DatabaseError>,
) -> Result<Opened, StoreError> {
    let opened = catch_unwind(AssertUnwindSafe(|| {
        let pages = pages().map_err(|error| refusal(place, error))?;
        let (seal, length) = (pages.seal(), pages.length());
        let walked = Arc::new(AtomicBool::new(false));
        let noted = Arc::clone(&walked);
        let database = Builder::new()
            .set_cache_size(cache_bytes)
            .set_repair_callback(move |_| {
                // Called again with the progress.
                if !noted.swap(true, Ordering::Relaxed) {
                    tracing::info!("the store was not closed; its file is read once");
                }
            })
            .create_with_backend(pages);
        let database = database.map_err(|error| refusal(place, error))?;
        let (identity, hasher) = match new {
            Some(entropy) => found(&database, entropy)?,
            None => identify(&database, place)?,
        };
        let was_walked = walked.load(Ordering::Relaxed);
        Ok(Opened { database, identity, hasher, seal, length, was_walked })
    }));
    opened.unwrap_or_else(|_| Err(unusable(place, "is damaged: it does not hold together")))
}

fn unusable(place: &str, why: &str) -> StoreError {
    StoreError::Unusable(format!("{place} {why}. {WAY_OUT}"))
}

fn refusal(place: &str, error: DatabaseError) -> StoreError {
    match error {
        DatabaseError::DatabaseAlreadyOpen | DatabaseError::LockProtocolMismatch => {
            StoreError::Busy(place.to_owned())
        }
        DatabaseError::UpgradeRequired(version) => unusable(
            place,
            &format!(
                "has the file format {version} of an older database, which this version does not \
                 read"
            ),
        ),
        DatabaseError::Storage(StorageError::Io(error)) => match error.kind() {
            std::io::ErrorKind::InvalidData | std::io::ErrorKind::UnexpectedEof => {
                unusable(place, &format!("is not a store, or is cut short ({error})"))
            }
            _ => unreachable_path(place, &error),
        },
        other => unusable(place, &format!("is damaged ({other})")),
    }
}

/// What a database is.
pub(super) enum Identified {
    /// A store of this layout.
    Store(StoreIdentity, Hasher),
    /// A store of another layout.
    OtherLayout(String),
    /// A database of another program.
    NoStore,
}

/// Says what a database is.
pub(super) fn identified(database: &Database) -> Result<Identified, StoreError> {
    let read = database.begin_read().or_failed()?;
    let names = read.list_tables().or_failed()?;
    if !names.map(|table| table.name().to_owned()).any(|name| name == META.name()) {
        return Ok(Identified::NoStore);
    }
    let meta = table(&read, META)?;
    let text = |name: &str| -> Result<Option<String>, StoreError> {
        let value = get(&meta, &Key::of(name))?;
        Ok(value.and_then(|value| String::from_utf8(value.value().to_vec()).ok()))
    };
    let (Some(schema), Some(lineage), Some(salt)) =
        (text("schema")?, text("lineage")?, text("salt")?)
    else {
        return Ok(Identified::NoStore);
    };
    if schema != SCHEMA.to_string() {
        return Ok(Identified::OtherLayout(schema));
    }
    Ok(Identified::Store(StoreIdentity { schema: SCHEMA, lineage }, Hasher::new(&salt)))
}

fn identify(database: &Database, place: &str) -> Result<(StoreIdentity, Hasher), StoreError> {
    match identified(database)? {
        Identified::Store(identity, hasher) => Ok((identity, hasher)),
        Identified::NoStore => Err(unusable(place, "is a database, but not a store of atsync")),
        Identified::OtherLayout(schema) => Err(unusable(
            place,
            &format!(
                "has layout {schema}; this version of atsync reads layout {SCHEMA} alone, so use \
                 the version that wrote it"
            ),
        )),
    }
}

/// Creates an empty store: all tables, the layout's number and the lineage, in one transaction.
fn found(
    database: &Database,
    entropy: &dyn Entropy,
) -> Result<(StoreIdentity, Hasher), StoreError> {
    let (lineage, salt) = (entropy.id(), entropy.id());
    let mut transaction = database.begin_write().or_failed()?;
    prepare(&mut transaction, true);
    {
        let mut tables = Tables::open(&transaction)?;
        tables.meta.put(&Key::of("schema"), SCHEMA.to_string().as_bytes())?;
        tables.meta.put(&Key::of("lineage"), lineage.as_bytes())?;
        tables.meta.put(&Key::of("salt"), salt.as_bytes())?;
    }
    transaction.commit().or_failed()?;
    Ok((StoreIdentity { schema: SCHEMA, lineage }, Hasher::new(&salt)))
}
