//! Backups of a store: made while it is in use, and restored to a new file.
//!
//! A backup holds the rows of one moment: they are copied within one read transaction ([`copy`])
//! into a store of its own, behind a manifest ([`super::manifest`]). Reads and writes go on
//! meanwhile; the pages that writes replace are kept until the backup ends, so the store's file may
//! grow.
//!
//! # Guarantees
//! A backup has its name only when it is complete and durable, and takes no other file's name. One
//! that was cut off is a file with another name, and no manifest.
//!
//! A restored store continues at the moment of the backup, which the ATS has left behind. So in the
//! transaction that ends the restore:
//! - the writes of every connection are paused until a person allows them: since the backup, writes
//!   may have been sent of which the store knows nothing;
//! - the feed continues with serials that no event before the restore had, and a reader whose
//!   offset is beyond the backup's last event gets [`StoreError::ChangesAhead`] for ever
//!   ([`super::gap`]).
//!
//! Intents that were `sending` are found so, and are in doubt as after a crash.
//!
//! # Bounds
//! Room for the copy, and memory for a batch of rows beside the caches. It blocks; call it off the
//! async threads. A close of the store ends a backup between two batches. Left out: compression and
//! encryption; erasures that were made after the backup, which a person repeats; the restore of a
//! single connection.

#![expect(clippy::disallowed_methods, reason = "reads the backup that it restores")]

use super::close::OpenFile;
use super::inspect::{self, StoreFile, behind};
use super::manifest::Backup;
use super::pages::Pages;
use super::place::Place;
use super::tables::{self, OrFailed, Tables};
use super::within::Within;
use super::writer::prepare;
use super::{copy, feed, files, gap, guarded, names as known, open};
use crate::entropy::Entropy;
use crate::store::codec::{Key, KeyReader};
use crate::store::{ConnectionRow, StoreError, StoreIdentity};
use redb::{Builder, Database, ReadableDatabase, ReadableTable};
use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::PoisonError;

/// Memory for pages of the copy.
const CACHE_BYTES: usize = 8 * 1024 * 1024;

/// Copies a store that is open into a backup.
pub(super) fn back_up(
    store: &OpenFile,
    identity: &StoreIdentity,
    path: &Path,
    now_ms: u64,
    entropy: &dyn Entropy,
) -> Result<Backup, StoreError> {
    let failed = |error: std::io::Error| files::failed(path, &error);
    files::make_new(path, |_, mut file| {
        let same = file.try_clone().map_err(failed)?;
        let rows = {
            let database = store.database.read().unwrap_or_else(PoisonError::into_inner);
            let database = database.as_ref().ok_or(StoreError::Closed)?;
            guarded::guarded(|| {
                let read = database.begin_read().or_failed()?;
                let within = Within::new(same, behind()).or_failed()?;
                let pages = Pages::create(within, open::number(entropy)).or_failed()?;
                let mut builder = Builder::new();
                let new = builder.set_cache_size(CACHE_BYTES).create_with_backend(pages);
                let new = new.or_failed()?;
                let rows = copy::all(&read, &new, &|| store.is_open())?;
                new.close().or_failed()?;
                Ok(rows)
            })?
        };
        let open = || store.is_open().map_err(std::io::Error::other);
        let sha256 = inspect::digest(&mut file, &open).map_err(failed)?;
        let bytes = file.metadata().map_err(failed)?.len().saturating_sub(behind());
        let backup = Backup {
            created_ms: now_ms,
            engine: env!("CARGO_PKG_VERSION").to_owned(),
            schema: identity.schema,
            lineage: identity.lineage.clone(),
            bytes,
            sha256,
            rows,
        };
        let block = backup.block().ok_or_else(|| {
            StoreError::Io("the backup's manifest is larger than its block".to_owned())
        })?;
        file.seek(SeekFrom::Start(0)).and_then(|_| file.write_all(&block)).map_err(failed)?;
        Ok(backup)
    })
}

/// Reads a backup to its end, and proves that it is one.
pub(super) fn verify(path: &Path) -> Result<Backup, StoreError> {
    match inspect::inspect(path)? {
        StoreFile::Backup(backup) => Ok(backup),
        other => Err(refusal(path, &other)),
    }
}

fn refusal(path: &Path, is: &StoreFile) -> StoreError {
    let place = path.display();
    StoreError::Unusable(format!("{place} {is}; restore another backup, or a copy of this one"))
}

/// Makes a store from a backup, in a file that does not exist.
pub(super) fn restore(backup: &Path, path: &Path, now_ms: u64) -> Result<Backup, StoreError> {
    let manifest = verify(backup)?;
    let failed = |error: std::io::Error| files::failed(path, &error);
    files::make_new(path, |making, mut file| {
        let mut from = File::open(backup).map_err(|error| files::failed(backup, &error))?;
        from.seek(SeekFrom::Start(behind())).map_err(failed)?;
        let copied = std::io::copy(&mut from, &mut file).map_err(failed)?;
        if copied != manifest.bytes {
            let why = "it changed while it was restored".to_owned();
            return Err(refusal(backup, &StoreFile::Damaged { why }));
        }
        let place = making.display().to_string();
        let opened = open::unnamed(&place, file, CACHE_BYTES)?;
        if opened.identity.lineage != manifest.lineage {
            let why = "it changed while it was restored".to_owned();
            return Err(refusal(backup, &StoreFile::Damaged { why }));
        }
        guarded::guarded(|| mark(&opened.database, now_ms))?;
        opened.database.close().or_failed()?;
        Ok(manifest)
    })
}

/// Pauses the writes of every connection, and sets its feed apart from the one that went on without
/// the backup.
fn mark(database: &Database, now_ms: u64) -> Result<(), StoreError> {
    let mut transaction = database.begin_write().or_failed()?;
    prepare(&mut transaction, true);
    {
        let mut tables = Tables::open(&transaction)?;
        let mut names = Vec::new();
        for row in tables.names.rows().iter().or_failed()? {
            let (key, _) = row.or_failed()?;
            names.push(KeyReader::after(key.value(), &Key::default())?.text()?);
        }
        // The whole store and what was forgotten are no connections.
        for name in names.into_iter().filter(|name| !name.starts_with(known::INTERNAL)) {
            let key = Key::of(&name);
            let held = tables::get(tables.connections.rows(), &key)?;
            let held = held.map(|value| tables::from_json(value.value(), "a connection"));
            let row: ConnectionRow = held.transpose()?.unwrap_or_default();
            let row = ConnectionRow { writes_paused_ms: Some(now_ms), ..row };
            tables.connections.put(&key, &tables::to_json(&row)?)?;
            let number = tables::number(tables.names.rows(), &key)?;
            let connection = Place::new(name, number);
            let last = feed::last_serial(&tables, &connection)?;
            let end = gap::open(&mut tables, &connection, last, now_ms)?;
            feed::put_last_serial(&mut tables, &connection, end)?;
        }
    }
    transaction.commit().or_failed()
}
