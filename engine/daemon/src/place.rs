//! Where a command works: alone on the store, or within the process that holds it.
//!
//! A store is open in one process. While `atsync serve` holds it, the other commands are relayed to
//! it ([`crate::relay`]) and run there on the open engine, with the same code and the same output.
//! A command sees the difference in the places that are here: how the connections or the store are
//! opened, where the file that it reads comes from, what a relative path means, and whether a
//! person can be asked.

use crate::failure::Failure;
use crate::open::{self, Opened, Use};
use crate::prompt;
use atsync::{Engine, RedbStore, Secret};
use futures_util::future::BoxFuture;
use std::io::IsTerminal as _;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// See the module.
pub(crate) enum Place {
    /// In a process of its own, with this configuration.
    Alone(PathBuf),
    /// In the process that holds the store.
    Within(Box<Within>),
}

/// The process that holds the store, for a command that changes what it runs.
pub(crate) trait Holder: Send + Sync {
    /// Has configuration and made connections read again; what runs afterwards.
    fn reload(&self) -> BoxFuture<'_, Result<Opened, Failure>>;

    /// Has the tokens that were made at run time read again.
    fn reread_tokens(&self) -> BoxFuture<'_, Result<(), Failure>>;
}

/// A command of another process.
pub(crate) struct Within {
    pub(crate) opened: Opened,
    pub(crate) holder: Box<dyn Holder>,
    /// The file that the command reads, sent along with it.
    pub(crate) input: Mutex<Option<tempfile::SpooledTempFile>>,
    /// Whether the other process can ask a person.
    pub(crate) has_terminal: bool,
    /// The directory of the other process; none where it is not known.
    pub(crate) directory: Option<PathBuf>,
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

    /// The store and what is in it besides records, to change that.
    ///
    /// # Errors
    /// When the store cannot be opened or made.
    pub(crate) async fn administration(&self) -> Result<Opened, Failure> {
        match self {
            Self::Alone(path) => open::administration(path).await,
            Self::Within(within) => Ok(within.opened.clone()),
        }
    }

    /// What runs after a change of the connections.
    ///
    /// # Errors
    /// When configuration or connections cannot be read again.
    pub(crate) async fn renewed(&self, opened: &Opened) -> Result<Opened, Failure> {
        match self {
            Self::Alone(_) => opened.again().await,
            Self::Within(within) => within.holder.reload().await,
        }
    }

    /// Reports a change of the tokens to the process that holds the store.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub(crate) async fn reread_tokens(&self) -> Result<(), Failure> {
        match self {
            Self::Alone(_) => Ok(()),
            Self::Within(within) => within.holder.reread_tokens().await,
        }
    }

    /// The store alone, without the connections.
    ///
    /// # Errors
    /// When there is none, or it cannot be opened.
    pub(crate) async fn store(&self) -> Result<Arc<RedbStore>, Failure> {
        match self {
            Self::Alone(path) => open::store(path).await,
            Self::Within(within) => {
                within.opened.store.clone().ok_or_else(|| {
                    Failure::new("the process that was asked has no store in a file")
                })
            }
        }
    }

    /// The notes of the store, to read them.
    ///
    /// # Errors
    /// As [`Self::store`].
    pub(crate) async fn notes(&self) -> Result<Engine, Failure> {
        match self {
            Self::Alone(path) => open::notes(path).await,
            Self::Within(within) => Ok(within.opened.engine.clone()),
        }
    }

    /// A path of the arguments, as the caller meant it.
    ///
    /// # Errors
    /// When it is relative to a directory that is not known here.
    pub(crate) fn path(&self, path: &Path) -> Result<PathBuf, Failure> {
        match self {
            Self::Within(within) if path.is_relative() => match &within.directory {
                Some(directory) => Ok(directory.join(path)),
                None => Err(Failure::new(format!(
                    "{}: the directory of the caller is not known to the process that holds the \
                     store; give an absolute path",
                    path.display()
                ))),
            },
            _ => Ok(path.to_owned()),
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

    /// Reads a secret: from a person who does not see it, or from standard input.
    ///
    /// # Errors
    /// As the reading.
    pub(crate) fn secret(&self) -> std::io::Result<Secret> {
        let bytes = match self.sent() {
            Some(sent) => prompt::bounded(sent)?,
            None => prompt::secret()?,
        };
        Ok(prompt::text(bytes))
    }

    /// Whether a person can be asked.
    pub(crate) fn has_terminal(&self) -> bool {
        match self {
            Self::Alone(_) => std::io::stdin().is_terminal(),
            Self::Within(within) => within.has_terminal,
        }
    }
}
