//! Where a command works: alone on the store, or within the process that holds it.
//!
//! A store is open in one process. While `atsync serve` holds it, the other commands are relayed to
//! it ([`crate::relay`]) and run there on the open engine, with the same code and the same output.
//! A command sees the difference in three places, which are here: how the connections are opened,
//! where the file that it reads comes from, and whether a person can be asked.

use crate::failure::Failure;
use crate::open::{self, Opened, Use};
use std::io::IsTerminal as _;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// See the module.
pub(crate) enum Place {
    /// In a process of its own, with this configuration.
    Alone(PathBuf),
    /// In the process that holds the store.
    Within(Within),
}

/// A command of another process.
pub(crate) struct Within {
    pub(crate) opened: Opened,
    /// The file that the command reads, sent along with it.
    pub(crate) input: Mutex<Option<tempfile::SpooledTempFile>>,
    /// Whether the other process can ask a person.
    pub(crate) has_terminal: bool,
}

impl Place {
    /// The configuration's path.
    pub(crate) fn config(&self) -> &Path {
        match self {
            Self::Alone(path) => path,
            Self::Within(within) => &within.opened.config.path,
        }
    }

    /// Opens one connection, or all that can be opened.
    ///
    /// # Errors
    /// As [`open::open`].
    pub(crate) async fn open(&self, only: Option<&str>, how: Use) -> Result<Opened, Failure> {
        match self {
            Self::Alone(path) => open::open(path, only, how).await,
            Self::Within(within) => within.opened.within(only),
        }
    }

    /// The file that was sent along; none for a command in a process of its own, or where it was
    /// taken already.
    pub(crate) fn sent(&self) -> Option<tempfile::SpooledTempFile> {
        match self {
            Self::Alone(_) => None,
            Self::Within(within) => {
                within.input.lock().unwrap_or_else(PoisonError::into_inner).take()
            }
        }
    }

    /// Reads standard input up to a number of bytes.
    ///
    /// # Errors
    /// As the reading.
    pub(crate) fn stdin(&self, bytes_max: u64) -> std::io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        match self.sent() {
            Some(sent) => sent.take(bytes_max).read_to_end(&mut bytes)?,
            None => std::io::stdin().lock().take(bytes_max).read_to_end(&mut bytes)?,
        };
        Ok(bytes)
    }

    /// Whether a person can be asked.
    pub(crate) fn has_terminal(&self) -> bool {
        match self {
            Self::Alone(_) => std::io::stdin().is_terminal(),
            Self::Within(within) => within.has_terminal,
        }
    }
}
