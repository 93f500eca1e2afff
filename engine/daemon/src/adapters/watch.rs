//! Notices that the folder of adapters changed.
//!
//! It lists the folder every [`POLL_MS`], which costs one call to the system for each file and
//! works on every file system. A change is reported once the folder looked the same twice, so that
//! a file which is being copied is not read too early, and only if a name or the bytes of a file
//! differ from those that were loaded.
//!
//! Left out: the configuration file, which is read again when a user or a program asks for it.

#![expect(clippy::disallowed_methods, reason = "reads the folder on a blocking thread")]

use super::folder::{self, Listing};
use super::shelf::Shelf;
use atsync::{Clock, SystemClock};
use std::sync::Arc;

/// Between two looks at the folder. Arbitrary: short for a user who waits, long for a disk.
const POLL_MS: u64 = 2_000;

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    /// The folder at the last look.
    last: Option<Result<Listing, String>>,
    /// The folder when its bytes were last compared.
    compared: Option<Result<Listing, String>>,
}

impl Watch {
    /// Completes when the folder has other components than the shelf; never without a folder. May
    /// be dropped and called again.
    pub(crate) async fn changed(&mut self, shelf: &Arc<Shelf>) {
        let Some(directory) = shelf.directory().map(ToOwned::to_owned) else {
            return std::future::pending().await;
        };
        loop {
            SystemClock.sleep(POLL_MS).await;
            let at = directory.clone();
            let Ok(now) = tokio::task::spawn_blocking(move || folder::list(&at)).await else {
                continue;
            };
            if self.compared.as_ref() == Some(&now) {
                continue;
            }
            if self.last.as_ref() != Some(&now) {
                self.last = Some(now);
                continue;
            }
            self.compared = Some(now.clone());
            let shelf = Arc::clone(shelf);
            let differs = tokio::task::spawn_blocking(move || shelf.differs_from(&now)).await;
            if differs.unwrap_or_default() {
                return;
            }
        }
    }
}
