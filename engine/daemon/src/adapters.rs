//! Adapters for the command line: those that ship with it, and component files.
//!
//! Compiled code is kept in `$ATSYNC_CACHE_DIR`, else `$XDG_CACHE_HOME/atsync`, else
//! `~/.cache/atsync`. If none can be created, the adapter is compiled at each start, which is only
//! slower.
//!
//! A component is compiled by this program, started once more with limits of its own, so that an
//! excessive component ends only that process.

#![expect(clippy::disallowed_methods, reason = "looks for a component file")]

use crate::failure::Failure;
use atsync::{Adapter, Compiler, CompilerProgram, ComponentHost, HostOptions, did_you_mean};
use std::path::{Path, PathBuf};
use std::sync::Arc;

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

/// Loads a built-in adapter by name, or a component by path (relative to `directory`).
///
/// # Errors
/// When there is neither, or it is no adapter.
pub(crate) fn load(
    host: &ComponentHost,
    name: &str,
    directory: &Path,
) -> Result<Arc<dyn Adapter>, Failure> {
    if let Some(bytes) = atsync_adapters_bundled::bundled(name) {
        let adapter = host.load(name, bytes).map_err(|error| Failure::new(error.to_string()))?;
        return Ok(Arc::new(adapter.vouched()));
    }
    let path = directory.join(name);
    let is_path = name.contains(['/', '\\', '.']) || path.exists();
    if !is_path {
        let known: Vec<&str> = built_in();
        let hint = did_you_mean(name, known.iter().copied());
        return Err(Failure::new(format!(
            "there is no adapter {name:?}{hint}; built in: {}; anything else is the path of a \
             component file",
            known.join(", ")
        )));
    }
    let adapter = host.load_file(&path).map_err(|error| Failure::new(error.to_string()))?;
    Ok(Arc::new(adapter))
}

/// The names of the built-in adapters.
fn built_in() -> Vec<&'static str> {
    atsync_adapters_bundled::names().collect()
}
