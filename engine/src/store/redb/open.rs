//! Opening a file: making a new store, proving that an old one is ours, and saying what to do when it is not.
//!
//! A file is ours when it is a redb database whose `meta` table names the layout that this engine writes. A database without any table is
//! a store whose making was interrupted, and is made again. redb trusts a file that was closed cleanly and may panic when it was
//! altered since; such a panic while opening is caught and told as damage.
//!
//! Bounds: opening reads a few pages, and the whole file only when the last process was killed by a version without quick repair. It
//! blocks; call it off the async threads. Left out: migrations; there is one layout so far.

use super::tables::{META, OrFailed, PROBLEMS, Tables, get, table};
use super::writer::prepare;
use crate::entropy::Entropy;
use crate::store::codec::Key;
use crate::store::forget::Hasher;
use crate::store::{SCHEMA, StoreError, StoreIdentity};
use redb::{Builder, Database, DatabaseError, ReadableDatabase, StorageBackend, StorageError};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

/// What to do about a file that cannot be used, for the end of a message.
const WAY_OUT: &str = "To go on, restore a copy of it; or move it away and pull again: what the ATS holds comes back with the next pull, \
                       but the declared records, the links and the journal of this store do not, so declare them again";

/// Opens the file, or makes it.
pub(super) fn file(
    path: &Path,
    cache_bytes: usize,
    entropy: &dyn Entropy,
) -> Result<(Database, StoreIdentity, Hasher), StoreError> {
    let place = path.display().to_string();
    match std::fs::metadata(path) {
        Ok(found) if found.is_dir() => {
            return Err(StoreError::Unusable(format!("{place} is a directory; the store needs the path of a file")));
        }
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(unreachable_path(&place, &error)),
        _ => {}
    }
    let opened = finish(&place, entropy, || Builder::new().set_cache_size(cache_bytes).create(path))?;
    super::compact::clear_away(path)?;
    Ok(opened)
}

/// Opens what a backend holds, or makes a store in it.
pub(super) fn backend(
    backend: impl StorageBackend,
    cache_bytes: usize,
    entropy: &dyn Entropy,
) -> Result<(Database, StoreIdentity, Hasher), StoreError> {
    finish("the storage backend", entropy, || Builder::new().set_cache_size(cache_bytes).create_with_backend(backend))
}

fn finish(
    place: &str,
    entropy: &dyn Entropy,
    open: impl FnOnce() -> Result<Database, DatabaseError>,
) -> Result<(Database, StoreIdentity, Hasher), StoreError> {
    let opened = catch_unwind(AssertUnwindSafe(|| {
        let database = open().map_err(|error| refusal(place, error))?;
        let (identity, hasher) = identify(&database, place, entropy)?;
        Ok((database, identity, hasher))
    }));
    opened.unwrap_or_else(|_| Err(unusable(place, "is damaged: it does not hold together")))
}

fn unusable(place: &str, why: &str) -> StoreError {
    StoreError::Unusable(format!("{place} {why}. {WAY_OUT}"))
}

fn unreachable_path(place: &str, error: &std::io::Error) -> StoreError {
    StoreError::Unusable(format!(
        "{place} cannot be opened as the store: {error}. See that its directory exists and that this user may read and write there"
    ))
}

fn refusal(place: &str, error: DatabaseError) -> StoreError {
    match error {
        DatabaseError::DatabaseAlreadyOpen | DatabaseError::LockProtocolMismatch => StoreError::Busy(place.to_owned()),
        DatabaseError::UpgradeRequired(version) => unusable(
            place,
            &format!("has the file format {version} of an older database, which this version does not read"),
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

fn identify(database: &Database, place: &str, entropy: &dyn Entropy) -> Result<(StoreIdentity, Hasher), StoreError> {
    let read = database.begin_read().or_failed()?;
    let mut names = read.list_tables().or_failed()?.map(|table| redb::TableHandle::name(&table).to_owned());
    if names.next().is_none() && read.list_multimap_tables().or_failed()?.next().is_none() {
        return found(database, entropy);
    }
    let text = |name: &str| -> Option<String> {
        let meta = table(&read, META).ok()?;
        let value = get(&meta, &Key::of(name)).ok()??;
        String::from_utf8(value.value().to_vec()).ok()
    };
    let (Some(schema), Some(lineage)) = (text("schema"), text("lineage")) else {
        return Err(unusable(place, "is a database, but not a store of atsync"));
    };
    if schema != SCHEMA.to_string() {
        return Err(unusable(
            place,
            &format!(
                "has layout {schema}; this version of atsync reads layout {SCHEMA} alone, so use the version that wrote it"
            ),
        ));
    }
    let salt = match text("salt") {
        Some(salt) if read.open_table(PROBLEMS).is_ok() => salt,
        Some(salt) => made_whole(database, salt)?,
        None => salted(database, entropy)?,
    };
    Ok((StoreIdentity { schema: SCHEMA, lineage }, Hasher::new(&salt)))
}

/// Brings a file of an earlier build, which had fewer tables and no salt, up to this one.
fn salted(database: &Database, entropy: &dyn Entropy) -> Result<String, StoreError> {
    let salt = entropy.id();
    let mut transaction = database.begin_write().or_failed()?;
    prepare(&mut transaction);
    Tables::open(&transaction)?.meta.put(&Key::of("salt"), salt.as_bytes())?;
    transaction.commit().or_failed()?;
    Ok(salt)
}

/// Makes the tables that an earlier build did not have.
fn made_whole(database: &Database, salt: String) -> Result<String, StoreError> {
    let mut transaction = database.begin_write().or_failed()?;
    prepare(&mut transaction);
    drop(Tables::open(&transaction)?);
    transaction.commit().or_failed()?;
    Ok(salt)
}

/// Makes an empty store: all tables, the layout's number and the lineage, in one transaction.
fn found(database: &Database, entropy: &dyn Entropy) -> Result<(StoreIdentity, Hasher), StoreError> {
    let (lineage, salt) = (entropy.id(), entropy.id());
    let mut transaction = database.begin_write().or_failed()?;
    prepare(&mut transaction);
    {
        let mut tables = Tables::open(&transaction)?;
        tables.meta.put(&Key::of("schema"), SCHEMA.to_string().as_bytes())?;
        tables.meta.put(&Key::of("lineage"), lineage.as_bytes())?;
        tables.meta.put(&Key::of("salt"), salt.as_bytes())?;
    }
    transaction.commit().or_failed()?;
    Ok((StoreIdentity { schema: SCHEMA, lineage }, Hasher::new(&salt)))
}
