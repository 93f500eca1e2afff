//! The files that this process has open as stores, so that the error of a second opening can name
//! the holder.
//!
//! The lock on the file shows only that it is held. A host that builds two engines on one file
//! would search for another process in vain.
//!
//! Left out: the decision; the lock makes it, and this chooses the message.

#![expect(clippy::disallowed_methods, reason = "tells files apart")]

use std::path::Path;
use std::sync::{Mutex, PoisonError};

/// The files that stores of this process have open.
static OPEN: Mutex<Vec<FileId>> = Mutex::new(Vec::new());

/// Identifies a file, by whichever path.
#[derive(Clone, Debug, PartialEq, Eq)]
struct FileId(String);

impl FileId {
    fn of(path: &Path) -> Option<Self> {
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt;
            let found = std::fs::metadata(path).ok()?;
            Some(Self(format!("{}:{}", found.dev(), found.ino())))
        }
        #[cfg(not(unix))]
        {
            std::fs::canonicalize(path).ok().map(|path| Self(path.display().to_string()))
        }
    }
}

/// Records, until it is dropped, that this process has a file open.
#[derive(Debug)]
pub(super) struct Held(FileId);

impl Held {
    /// For a file that was just opened; none when it cannot be identified.
    pub(super) fn note(path: &Path) -> Option<Self> {
        let id = FileId::of(path)?;
        OPEN.lock().unwrap_or_else(PoisonError::into_inner).push(id.clone());
        Some(Self(id))
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let mut open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(place) = open.iter().position(|id| *id == self.0) {
            open.swap_remove(place);
        }
    }
}

/// The holder of the file, for the end of a sentence.
pub(in crate::store) fn holder(path: &str) -> &'static str {
    let open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
    match FileId::of(Path::new(path)) {
        Some(id) if open.contains(&id) => {
            "open in this process already; build one `Engine` for a file and clone it"
        }
        _ => {
            "in use by another process, and one process holds a store at a time; stop that one, or \
             wait for its end"
        }
    }
}
