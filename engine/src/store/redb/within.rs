//! The part of a file that begins at an offset, as a backend of its own.
//!
//! A backup has a store's bytes behind its manifest ([`super::manifest`]); this lets the database
//! write and read them in place, so that no second copy is needed.
//!
//! Left out: locks. The file of a backup that is written has no name yet that another process looks
//! for, and a finished one is only read.

use redb::backends::FileBackend;
use redb::{DatabaseError, StorageBackend};
use std::fs::File;
use std::io::{Error, ErrorKind, Result};

/// See the module.
#[derive(Debug)]
pub(super) struct Within {
    file: FileBackend,
    offset: u64,
}

impl Within {
    /// The part behind the first `offset` bytes.
    pub(super) fn new(file: File, offset: u64) -> std::result::Result<Self, DatabaseError> {
        Ok(Self { file: FileBackend::new(file)?, offset })
    }

    fn at(&self, offset: u64) -> Result<u64> {
        self.offset.checked_add(offset).ok_or_else(|| Error::from(ErrorKind::InvalidInput))
    }
}

impl StorageBackend for Within {
    fn len(&self) -> Result<u64> {
        Ok(self.file.len()?.saturating_sub(self.offset))
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> Result<()> {
        self.file.read(self.at(offset)?, out)
    }

    fn set_len(&self, len: u64) -> Result<()> {
        self.file.set_len(self.at(len)?)
    }

    fn sync_data(&self) -> Result<()> {
        self.file.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> Result<()> {
        self.file.write(self.at(offset)?, data)
    }

    fn close(&self) -> Result<()> {
        self.file.close()
    }
}
