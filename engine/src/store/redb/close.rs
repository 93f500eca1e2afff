//! The open file of a store, and closing it.
//!
//! Closing finishes the queued writes, waits for the reads under way, closes the file and releases
//! its lock, so that this or another process can open it at once. It happens once: when the store
//! is dropped, or earlier by [`crate::store::Connections::close`]. After it every call is refused
//! with [`crate::store::StoreError::Closed`]; reads whose callers have gone are refused as well.
//!
//! Bounds: it blocks for as long as the disk needs for the queue. A backup under way ends
//! between two batches of rows. Left out: interrupting a write.

use super::held::Held;
use super::pages::Seal;
use super::writer::{Shared, Writer};
use crate::store::StoreError;
use redb::Database;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

/// The parts of a store that hold its file.
#[derive(Debug)]
pub(super) struct OpenFile {
    /// None in an inline store.
    pub(super) writer: Option<Writer>,
    /// Holds none once the file is closed.
    pub(super) database: Shared,
    pub(super) seal: Seal,
    /// Records that this process holds the file; none for a backend. Dropped after the file is
    /// closed.
    pub(super) held: Mutex<Option<Held>>,
    /// Ends what reads for long.
    pub(super) closing: AtomicBool,
}

impl OpenFile {
    /// Whether a long read may go on.
    ///
    /// # Errors
    /// [`StoreError::Closed`] when the file is being closed.
    pub(super) fn is_open(&self) -> Result<(), StoreError> {
        if self.closing.load(Ordering::Relaxed) { Err(StoreError::Closed) } else { Ok(()) }
    }

    /// Closes the file; does nothing if it is closed.
    pub(super) fn close(&self) {
        self.closing.store(true, Ordering::Relaxed);
        if let Some(writer) = &self.writer {
            writer.stop();
        }
        let database = self.database.write().unwrap_or_else(PoisonError::into_inner).take();
        // redb writes to the file when it closes it. If nothing was committed, the seal prevents
        // that, and the file stays as it was.
        self.seal.set();
        if let Some(Err(error)) = database.map(Database::close)
            && !self.seal.kept()
        {
            tracing::warn!(%error, "the store was not closed cleanly; it is repaired when it is \
                opened again");
        }
        drop(self.held.lock().unwrap_or_else(PoisonError::into_inner).take());
    }
}
