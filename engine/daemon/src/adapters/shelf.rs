//! The adapters of the folder as they were loaded at the last reading.
//!
//! Each reading makes a new shelf beside the one in use. A file whose bytes are those of before
//! keeps what was loaded of it, or why it was refused: a touch changes nothing, and a broken file
//! is tried again only when it has changed. Running connections hold the adapter that they were
//! opened with, so a shelf that replaces another takes nothing from them.
//!
//! Bounds: as for the folder ([`super::folder`]); [`LOADED_AT_ONCE`] files are read and compiled at
//! a time. Left out: when the folder is read; see [`super::watch`] and `run`.

#![expect(clippy::disallowed_methods, reason = "loads adapters on blocking threads")]

use super::folder::{self, Listing};
use atsync::{Adapter, Clock, ComponentHost, HostOptions, SystemClock};
use futures_util::stream::{self, StreamExt as _};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Files that are read and compiled at once: each may have its whole size in memory.
const LOADED_AT_ONCE: usize = 4;

/// Why something is not in use, and since when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) why: String,
    pub(crate) since_ms: u64,
}

impl Refusal {
    pub(crate) fn now(why: String) -> Self {
        Self { why, since_ms: SystemClock.now_ms() }
    }
}

/// What tells whether a file is another than before: its bytes, or why it has none.
type Print = Result<String, String>;

/// A file of the folder.
#[derive(Clone, Debug)]
struct Shelved {
    print: Print,
    loaded: Result<Arc<dyn Adapter>, Refusal>,
}

/// The files to load.
#[derive(Clone, Debug)]
pub(crate) enum Wanted {
    All,
    Only(BTreeSet<String>),
}

/// See the module. The default has no folder.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shelf {
    directory: Option<PathBuf>,
    /// The names of all files.
    names: BTreeSet<String>,
    /// Those that were loaded.
    files: BTreeMap<String, Shelved>,
    /// Why the folder as a whole could not be read; the files are those of before then.
    fault: Option<Refusal>,
}

impl Shelf {
    /// Reads the folder. `before`: the shelf that this one replaces.
    pub(crate) async fn read(
        directory: Option<PathBuf>,
        host: &ComponentHost,
        before: &Self,
        wanted: &Wanted,
    ) -> Self {
        let Some(at) = directory.clone() else { return Self::default() };
        let is_same = before.directory == directory;
        let listing = match listed(&at).await {
            Ok(listing) => listing,
            Err(why) => {
                let fault = Some(Refusal::now(why));
                let kept = if is_same { before.clone() } else { Self::default() };
                return Self { directory, fault, ..kept };
            }
        };
        let names: BTreeSet<String> = listing.keys().cloned().collect();
        let is_wanted = |name: &String| match wanted {
            Wanted::All => true,
            Wanted::Only(names) => names.contains(name),
        };
        let files = listing.into_iter().filter(|(name, _)| is_wanted(name)).map(|(name, found)| {
            let known = before.files.get(&name).filter(|_| is_same).cloned();
            let host = host.clone();
            async move {
                let of = name.clone();
                let loading = move || shelved(&host, &of, found, known);
                let shelved = tokio::task::spawn_blocking(loading).await;
                let shelved = shelved.unwrap_or_else(|stopped| {
                    let why = format!("{name}: loading it stopped ({stopped})");
                    Shelved { print: Err(why.clone()), loaded: Err(Refusal::now(why)) }
                });
                (name, shelved)
            }
        });
        let files = stream::iter(files).buffer_unordered(LOADED_AT_ONCE).collect().await;
        Self { directory, names, files, fault: None }
    }

    /// The names of the files, whether or not they could be loaded.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(String::as_str)
    }

    /// The folder's path.
    pub(crate) fn directory(&self) -> Option<&Path> {
        self.directory.as_deref()
    }

    /// What was loaded of a file, or why not; none where there is no such file.
    pub(crate) fn get(&self, name: &str) -> Option<Result<Arc<dyn Adapter>, Refusal>> {
        self.files.get(name).map(|shelved| shelved.loaded.clone())
    }

    /// The files that were refused, and why.
    pub(crate) fn refused(&self) -> impl Iterator<Item = (&str, &Refusal)> {
        let files = self.files.iter();
        files.filter_map(|(name, one)| Some((name.as_str(), one.loaded.as_ref().err()?)))
    }

    /// Why the folder as a whole could not be read.
    pub(crate) fn fault(&self) -> Option<&Refusal> {
        self.fault.as_ref()
    }

    /// Whether a listing has other files, or other bytes in them, than this shelf. Reads the files.
    pub(super) fn differs_from(&self, listing: &Result<Listing, String>) -> bool {
        let listing = match (listing, &self.fault) {
            (Err(why), Some(fault)) => return *why != fault.why,
            (Err(_), None) | (Ok(_), Some(_)) => return true,
            (Ok(listing), None) => listing,
        };
        let is_other = |(name, found): (&String, &Result<folder::Stamp, String>)| {
            let known = self.files.get(name).map(|shelved| &shelved.print);
            known != Some(&print(found))
        };
        listing.len() != self.names.len() || listing.iter().any(is_other)
    }
}

async fn listed(directory: &Path) -> Result<Listing, String> {
    let at = directory.to_owned();
    let listed = tokio::task::spawn_blocking(move || folder::list(&at)).await;
    listed.unwrap_or_else(|stopped| Err(format!("reading the adapters' folder stopped: {stopped}")))
}

fn bytes_max() -> usize {
    HostOptions::default().limits.component_bytes_max
}

fn print(found: &Result<folder::Stamp, String>) -> Print {
    let stamp = found.as_ref().map_err(Clone::clone)?;
    folder::read(stamp, bytes_max()).map(|held| held.digest)
}

/// Loads a file, unless it is what it was.
fn shelved(
    host: &ComponentHost,
    name: &str,
    found: Result<folder::Stamp, String>,
    known: Option<Shelved>,
) -> Shelved {
    let held = found.and_then(|stamp| folder::read(&stamp, bytes_max()));
    let print = held.as_ref().map(|held| held.digest.clone()).map_err(Clone::clone);
    if let Some(known) = known.filter(|known| known.print == print) {
        return known;
    }
    if atsync_adapters_bundled::bundled(name).is_some() {
        let why = format!(
            "{name}.wasm: the program has an adapter of this name, which is used; rename the file"
        );
        return Shelved { print, loaded: Err(Refusal::now(why)) };
    }
    let loaded = held.and_then(|held| {
        let adapter = host.load(&format!("{name}.wasm"), &held.bytes);
        adapter.map_err(|error| error.to_string())
    });
    let loaded = match loaded {
        Ok(adapter) => Ok(Arc::new(adapter) as Arc<dyn Adapter>),
        Err(why) => Err(Refusal::now(why)),
    };
    Shelved { print, loaded }
}
