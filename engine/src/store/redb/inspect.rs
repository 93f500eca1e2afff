//! Says what a file is: a store of this version or another one, a backup, something else, or
//! damaged. It opens the file for reading alone, and changes nothing.
//!
//! A whole answer costs a pass over the file: every row of every table is read, and so every page
//! that holds one is verified; of a backup every byte is. The first bytes decide which of the
//! checks are made.
//!
//! A store is locked shared meanwhile, so a process that opens it then finds it in use. One that is
//! in use is not read: its pages change under a reader that is not part of the process that holds
//! it. A backup of it, made by that process, can be read.
//!
//! Bounds: memory for [`CACHE_BYTES`] and a piece. It blocks. Left out: what to do about it, which
//! depends on how the host names its operations.

#![expect(clippy::disallowed_methods, reason = "reads the file that it judges")]

use super::copy;
use super::files::unreachable_path;
use super::guarded::guarded;
use super::manifest::{self, BLOCK, Backup, Unread, hexadecimal};
use super::open::{Identified, identified};
use super::pages::{MAGIC, MAGIC_ANY, PLAIN, Pages, SLOT_SECOND};
use super::within::Within;
use crate::store::{SCHEMA, SCHEMA_OLDEST, StoreError, StoreIdentity};
use redb::{Builder, Database, ReadableDatabase};
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fs::{File, TryLockError};
use std::io::{ErrorKind, Read, Seek, SeekFrom};
use std::path::Path;

/// Memory for pages of the file.
const CACHE_BYTES: usize = 2 * 1024 * 1024;
/// Bytes that are read at once for a digest.
const PIECE_BYTES: usize = 256 * 1024;

/// What a file is. The text of it is the end of a sentence that begins with the file's name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "is", rename_all = "snake_case")]
#[non_exhaustive]
pub enum StoreFile {
    /// There is no file.
    Missing,
    /// A directory, a device or a pipe.
    NoRegularFile,
    /// A file without a byte. A store never is.
    Empty,
    /// A store of this version, of which every row can be read.
    Store {
        /// Its layout.
        schema: u32,
        /// The store: random, made with it.
        lineage: String,
        /// Bytes of the file.
        bytes: u64,
        /// Rows of each table.
        rows: BTreeMap<String, u64>,
    },
    /// A store that a process has open; its rows were not read.
    InUse,
    /// A store of this version whose last process ended amid writes. The next opening reads the
    /// whole file and repairs it; its rows were not read.
    LeftOpen,
    /// A backup, of which every byte and every row can be read.
    Backup(Backup),
    /// A backup that was not finished.
    Unfinished,
    /// A store, or a backup of one, that another version of atsync wrote.
    OtherVersion {
        /// The number of what it wrote: of the layout, of the file's frame, or of the backup.
        found: u32,
        /// The oldest one that this version reads.
        oldest: u32,
        /// The newest one that this version reads.
        newest: u32,
    },
    /// A compressed file.
    Compressed {
        /// The program that compresses so.
        by: &'static str,
    },
    /// Something else.
    Foreign {
        /// What, with its article.
        what: &'static str,
    },
    /// A store or a backup that is damaged.
    Damaged {
        /// Where, and how it was found.
        why: String,
    },
}

impl std::fmt::Display for StoreFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Missing => f.write_str("does not exist"),
            Self::NoRegularFile => f.write_str("is not a regular file"),
            Self::Empty => f.write_str("is empty, and a store never is"),
            Self::Store { schema, rows, .. } => {
                let rows = rows.values().copied().fold(0, u64::saturating_add);
                write!(f, "is a store of layout {schema} with {rows} rows, each readable")
            }
            Self::InUse => f.write_str("is a store that a process has open"),
            Self::LeftOpen => f.write_str(
                "is a store whose last process ended amid writes; the next opening repairs it",
            ),
            Self::Backup(backup) => {
                let (rows, engine) = (backup.rows_total(), &backup.engine);
                write!(f, "is a backup with {rows} rows, each readable, made by atsync {engine}")
            }
            Self::Unfinished => f.write_str("is a backup that was not finished"),
            Self::OtherVersion { found, newest, .. } if found > newest => write!(
                f,
                "has the format {found} of a newer version of atsync; this version reads formats \
                 up to {newest}"
            ),
            Self::OtherVersion { found, oldest, .. } => write!(
                f,
                "has the format {found} of an older version of atsync; this version reads formats \
                 from {oldest} on"
            ),
            Self::Compressed { by } => write!(f, "is compressed by {by}"),
            Self::Foreign { what } => write!(f, "is {what}, and no store of atsync"),
            Self::Damaged { why } => write!(f, "is damaged: {why}"),
        }
    }
}

/// First bytes of other files, at an offset.
const SIGNS: [(usize, &[u8], StoreFile); 10] = [
    (0, b"\x1f\x8b", StoreFile::Compressed { by: "gzip" }),
    (0, b"\x28\xb5\x2f\xfd", StoreFile::Compressed { by: "zstd" }),
    (0, b"\xfd7zXZ\0", StoreFile::Compressed { by: "xz" }),
    (0, b"BZh", StoreFile::Compressed { by: "bzip2" }),
    (0, b"\x04\x22\x4d\x18", StoreFile::Compressed { by: "lz4" }),
    (0, b"PK\x03\x04", StoreFile::Compressed { by: "zip" }),
    (257, b"ustar", StoreFile::Foreign { what: "a tar archive" }),
    (0, b"SQLite format 3\0", StoreFile::Foreign { what: "a database of SQLite" }),
    (0, b"age-encryption.org/", StoreFile::Foreign { what: "a file that age encrypted" }),
    (0, PLAIN, StoreFile::Foreign { what: "a plain redb database" }),
];

pub(super) fn inspect(path: &Path) -> Result<StoreFile, StoreError> {
    let place = path.display().to_string();
    let failed = |error: std::io::Error| unreachable_path(&place, &error);
    let length = match std::fs::metadata(path) {
        Ok(found) if !found.is_file() => return Ok(StoreFile::NoRegularFile),
        Ok(found) if found.len() == 0 => return Ok(StoreFile::Empty),
        Ok(found) => found.len(),
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(StoreFile::Missing),
        Err(error) => return Err(failed(error)),
    };
    let mut file = File::open(path).map_err(failed)?;
    let mut beginning = Vec::new();
    // Both slots of a store's header: one of them may be damaged.
    let read = u64::try_from(2 * BLOCK).unwrap_or(u64::MAX);
    (&mut file).take(read).read_to_end(&mut beginning).map_err(failed)?;
    if beginning.starts_with(manifest::MAGIC) {
        return backup(file, &beginning, length).map_err(failed);
    }
    let second = beginning.get(SLOT_SECOND..).unwrap_or_default();
    if beginning.starts_with(&MAGIC) || second.starts_with(&MAGIC) {
        return store(&file, length).map_err(failed);
    }
    Ok(other(&beginning))
}

/// What a file is that is neither a store nor a backup of this version.
fn other(beginning: &[u8]) -> StoreFile {
    if let Some(rest) = beginning.strip_prefix(MAGIC_ANY) {
        let digits = rest.split(|byte| *byte == b'\r').next().unwrap_or_default();
        let found = std::str::from_utf8(digits).ok().and_then(|text| text.parse().ok());
        return match found {
            Some(found) => StoreFile::OtherVersion { found, oldest: 2, newest: 2 },
            None => StoreFile::Damaged {
                why: "its first bytes are not as they were written".to_owned(),
            },
        };
    }
    for (at, sign, is) in SIGNS {
        if beginning.get(at..).is_some_and(|bytes| bytes.starts_with(sign)) {
            return is;
        }
    }
    if beginning.len() >= BLOCK && beginning.iter().take(BLOCK).all(|byte| *byte == 0) {
        // An unfinished backup begins so, and so does a file that lost its beginning.
        let is_backup = beginning.get(BLOCK..).is_some_and(|rest| rest.starts_with(&MAGIC));
        return match is_backup {
            true => StoreFile::Unfinished,
            false => StoreFile::Foreign { what: "a file that begins with zeros" },
        };
    }
    match std::str::from_utf8(beginning) {
        Ok(_) => StoreFile::Foreign { what: "a text" },
        Err(_) => StoreFile::Foreign { what: "a file of an unknown kind" },
    }
}

fn backup(mut file: File, beginning: &[u8], length: u64) -> std::io::Result<StoreFile> {
    let manifest = match Backup::of_block(beginning.get(..BLOCK).unwrap_or_default()) {
        Ok(manifest) => manifest,
        Err(Unread::Format(found)) => {
            let (oldest, newest) = (manifest::FORMAT, manifest::FORMAT);
            return Ok(StoreFile::OtherVersion { found, oldest, newest });
        }
        Err(Unread::Damaged) => {
            return Ok(StoreFile::Damaged {
                why: "its manifest is not as it was written".to_owned(),
            });
        }
    };
    let held = length.saturating_sub(behind());
    if held != manifest.bytes {
        let wanted = manifest.bytes;
        let why = format!("it has {held} bytes of the store, and its manifest says {wanted}");
        return Ok(StoreFile::Damaged { why });
    }
    if digest(&mut file, &|| Ok(()))? != manifest.sha256 {
        let why = "the bytes of the store in it are not those that were written";
        return Ok(StoreFile::Damaged { why: why.to_owned() });
    }
    Ok(match read(file, behind()) {
        Found::Read(identity, rows)
            if identity.lineage == manifest.lineage && rows == manifest.rows =>
        {
            StoreFile::Backup(manifest)
        }
        Found::Read(..) => {
            StoreFile::Damaged { why: "the store in it is not the one of its manifest".to_owned() }
        }
        Found::LeftOpen => StoreFile::Damaged { why: "the store in it was not closed".to_owned() },
        Found::Is(other) => other,
    })
}

fn store(file: &File, bytes: u64) -> std::io::Result<StoreFile> {
    match file.try_lock_shared() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Ok(StoreFile::InUse),
        Err(TryLockError::Error(error)) => return Err(error),
    }
    Ok(match read(file.try_clone()?, 0) {
        Found::Read(StoreIdentity { schema, lineage }, rows) => {
            StoreFile::Store { schema, lineage, bytes, rows }
        }
        Found::LeftOpen => StoreFile::LeftOpen,
        Found::Is(other) => other,
    })
}

/// Where a backup's store begins.
pub(super) fn behind() -> u64 {
    u64::try_from(BLOCK).unwrap_or(u64::MAX)
}

/// The SHA-256 of the store's bytes in a backup. `go_on` is asked between two pieces.
pub(super) fn digest(
    file: &mut File,
    go_on: &dyn Fn() -> std::io::Result<()>,
) -> std::io::Result<String> {
    file.seek(SeekFrom::Start(behind()))?;
    let (mut digest, mut piece) = (Sha256::new(), vec![0; PIECE_BYTES]);
    loop {
        go_on()?;
        match file.read(&mut piece) {
            Ok(0) => return Ok(hexadecimal(&digest.finalize())),
            Ok(read) => digest.update(piece.get(..read).unwrap_or_default()),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// What was found in a store's bytes.
enum Found {
    /// Every row was read.
    Read(StoreIdentity, copy::Counts),
    /// It must be repaired first.
    LeftOpen,
    /// Something else.
    Is(StoreFile),
}

/// Reads a store that begins at an offset of a file. Nothing is written, whatever the database
/// does: its first change is refused.
fn read(file: File, offset: u64) -> Found {
    let found = guarded(|| {
        let damaged = |why: String| Ok(Found::Is(StoreFile::Damaged { why }));
        let within = match Within::new(file, offset) {
            Ok(within) => within,
            Err(error) => return damaged(error.to_string()),
        };
        let pages = Pages::open(within);
        let seal = pages.seal();
        seal.set();
        let mut builder = Builder::new();
        let opened = builder.set_cache_size(CACHE_BYTES).create_with_backend(pages);
        let database = match opened {
            Ok(database) => database,
            Err(_) if seal.kept() => return Ok(Found::LeftOpen),
            Err(error) => return damaged(error.to_string()),
        };
        let found = rows(&database);
        // The seal refuses what it tidies up.
        drop(database.close());
        Ok(found)
    });
    found.unwrap_or_else(|error| Found::Is(StoreFile::Damaged { why: error.to_string() }))
}

fn rows(database: &Database) -> Found {
    let damaged = |why: String| Found::Is(StoreFile::Damaged { why });
    let identity = match identified(database) {
        Ok(Identified::Store(identity, _)) => identity,
        Ok(Identified::OtherLayout(layout)) => {
            let (oldest, newest) = (SCHEMA_OLDEST, SCHEMA);
            return match layout.parse() {
                Ok(found) => Found::Is(StoreFile::OtherVersion { found, oldest, newest }),
                Err(_) => damaged("the number of its layout is not readable".to_owned()),
            };
        }
        Ok(Identified::NoStore) => {
            return Found::Is(StoreFile::Foreign { what: "a database of another program" });
        }
        Err(error) => return damaged(error.to_string()),
    };
    let rows = database.begin_read().map_err(|error| error.to_string());
    match rows.and_then(|read| copy::read_all(&read)) {
        Ok(rows) => Found::Read(identity, rows),
        Err(why) => damaged(why),
    }
}
