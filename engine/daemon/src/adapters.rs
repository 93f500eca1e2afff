//! Adapters for the command line: those that ship with it, those of the folder that the
//! configuration names, and component files.
//!
//! A name is looked up among the built-in ones first, then in the folder ([`shelf`]); anything else
//! is the path of a file. Only a built-in adapter is vouched for: another one gets its origins from
//! the operator.
//!
//! Compiled code is kept in `$ATSYNC_CACHE_DIR`, else `$XDG_CACHE_HOME/atsync`, else
//! `~/.cache/atsync`. If none can be created, the adapter is compiled at each start, which is only
//! slower.
//!
//! A component is compiled by this program, started once more with limits of its own, so that an
//! excessive component ends only that process.

#![expect(clippy::disallowed_methods, reason = "looks for a component file")]

mod folder;
pub(crate) mod shelf;
pub(crate) mod watch;

use crate::config::Config;
use crate::failure::Failure;
use atsync::{Adapter, Compiler, CompilerProgram, ComponentHost, HostOptions, did_you_mean};
use shelf::{Refusal, Shelf, Wanted};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// An adapter runtime for components, with a cache if one can be created.
pub(crate) fn host() -> Result<ComponentHost, Failure> {
    let mut options = HostOptions::default();
    options.cache_dir = cache_dir();
    options.compiler = compiler();
    match ComponentHost::new(options.clone()) {
        Ok(host) => Ok(host),
        Err(error) => {
            tracing::warn!("going without a cache: {error}");
            options.cache_dir = None;
            ComponentHost::new(options).map_err(|error| Failure::new(error.to_string()))
        }
    }
}

fn compiler() -> Compiler {
    match std::env::current_exe() {
        Ok(program) => Compiler::Apart(CompilerProgram {
            program,
            arguments: vec!["compile-component".into()],
        }),
        Err(error) => {
            tracing::debug!("compiling in this process: {error}");
            Compiler::Here
        }
    }
}

fn cache_dir() -> Option<PathBuf> {
    let set =
        |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let below = |directory: PathBuf| directory.join("atsync");
    set("ATSYNC_CACHE_DIR")
        .or_else(|| set("XDG_CACHE_HOME").map(below))
        .or_else(|| set("HOME").map(|home| below(home.join(".cache"))))
}

/// The adapters that a configuration can name. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Adapters {
    host: ComponentHost,
    /// The directory that paths are relative to.
    directory: PathBuf,
    /// Those of the folder.
    pub(crate) shelf: Arc<Shelf>,
    /// The built-in ones that were loaded.
    built_in: Arc<Mutex<BTreeMap<String, Arc<dyn Adapter>>>>,
}

impl Adapters {
    /// Those of a configuration, whose folder is read: all of it, or the files that are wanted.
    ///
    /// # Errors
    /// When the adapter runtime cannot be started.
    pub(crate) async fn of(config: &Config, wanted: Wanted) -> Result<Self, Failure> {
        let none = Self { directory: config.directory().to_owned(), ..Self::without_folder()? };
        Ok(none.again(config, &wanted).await)
    }

    /// The built-in ones, and files.
    ///
    /// # Errors
    /// When the adapter runtime cannot be started.
    pub(crate) fn without_folder() -> Result<Self, Failure> {
        let (shelf, built_in) = Default::default();
        Ok(Self { host: host()?, directory: PathBuf::new(), shelf, built_in })
    }

    /// The same after the folder was read again.
    pub(crate) async fn again(&self, config: &Config, wanted: &Wanted) -> Self {
        let folder = config.adapters.clone();
        let shelf = Shelf::read(folder, &self.host, &self.shelf, wanted).await;
        Self { shelf: Arc::new(shelf), ..self.clone() }
    }

    /// Loads an adapter, and compiles it if needed, in a task of its own.
    ///
    /// # Errors
    /// One sentence: there is none of this name, or why it cannot be used.
    pub(crate) async fn load(&self, name: &str) -> Result<Arc<dyn Adapter>, Refusal> {
        if let Some(shelved) = self.shelf.get(name).filter(|_| !is_built_in(name)) {
            return shelved;
        }
        if !is_built_in(name) && self.shelf.names().any(|known| known == name) {
            let (at, only) = (self.shelf.directory(), Wanted::Only([name.to_owned()].into()));
            let one = Shelf::read(at.map(Path::to_owned), &self.host, &self.shelf, &only).await;
            if let Some(shelved) = one.get(name) {
                return shelved;
            }
        }
        let (of, name) = (self.clone(), name.to_owned());
        let loaded = tokio::task::spawn_blocking(move || of.load_here(&name)).await;
        match loaded {
            Ok(loaded) => loaded.map_err(|error| Refusal::now(error.to_string())),
            Err(stopped) => Err(Refusal::now(format!(
                "loading it stopped ({stopped}); report it to its author"
            ))),
        }
    }

    /// Loads a built-in adapter by name, or a component by path.
    ///
    /// # Errors
    /// When there is neither, or it is no adapter.
    pub(crate) fn load_here(&self, name: &str) -> Result<Arc<dyn Adapter>, Failure> {
        let host = &self.host;
        if let Some(bytes) = atsync_adapters_bundled::bundled(name) {
            if let Some(known) = self.loaded().get(name) {
                return Ok(Arc::clone(known));
            }
            let adapter =
                host.load(name, bytes).map_err(|error| Failure::new(error.to_string()))?;
            let adapter: Arc<dyn Adapter> = Arc::new(adapter.vouched());
            drop(self.loaded().insert(name.to_owned(), Arc::clone(&adapter)));
            return Ok(adapter);
        }
        let path = self.directory.join(name);
        if !is_path(name) && !path.exists() {
            return Err(self.unknown(name));
        }
        let adapter = host.load_file(&path).map_err(|error| Failure::new(error.to_string()))?;
        Ok(Arc::new(adapter))
    }

    fn loaded(&self) -> MutexGuard<'_, BTreeMap<String, Arc<dyn Adapter>>> {
        self.built_in.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn unknown(&self, name: &str) -> Failure {
        let known = self.names();
        let hint = did_you_mean(name, known.iter().copied());
        let built_in: Vec<&str> = atsync_adapters_bundled::names().collect();
        let of_folder: Vec<&str> = self.shelf.names().collect();
        let folder = match self.shelf.directory() {
            Some(at) if of_folder.is_empty() => format!("; {} has none", at.display()),
            Some(at) => format!("; in {}: {}", at.display(), of_folder.join(", ")),
            None => String::new(),
        };
        Failure::new(format!(
            "there is no adapter {name:?}{hint}; built in: {}{folder}; anything else is the path \
             of a component file",
            built_in.join(", ")
        ))
    }

    /// The names that a connection can use without a path.
    pub(crate) fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.shelf.names().collect();
        for name in atsync_adapters_bundled::names() {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names
    }
}

/// Whether the program has the adapter.
pub(crate) fn is_built_in(name: &str) -> bool {
    atsync_adapters_bundled::bundled(name).is_some()
}

/// The size of a component, where its name is a built-in adapter's or a file's.
pub(crate) fn bytes_of(name: &str) -> Option<u64> {
    match atsync_adapters_bundled::bundled(name) {
        Some(bytes) => u64::try_from(bytes.len()).ok(),
        None => std::fs::metadata(name).ok().map(|file| file.len()),
    }
}

/// Whether a name can only be the path of a file.
pub(crate) fn is_path(name: &str) -> bool {
    name.contains(['/', '\\', '.'])
}

/// An adapter for a command that has no configuration of its own: a built-in one, a file, or one of
/// the folder of the configuration, where that can be read.
///
/// # Errors
/// As for [`Adapters::load`].
pub(crate) async fn inspected(config: &Path, name: &str) -> Result<Arc<dyn Adapter>, Failure> {
    let mut adapters = Adapters::without_folder()?;
    if let Some(config) = Config::read(config).ok().filter(|_| !is_built_in(name)) {
        let wanted = Wanted::Only([name.to_owned()].into());
        adapters = adapters.again(&config, &wanted).await;
    }
    adapters.load(name).await.map_err(|refusal| Failure::new(refusal.why))
}
