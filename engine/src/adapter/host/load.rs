//! Checks that a file is an adapter, before any of it runs. Each refusal is one sentence that says
//! what is wrong, where, and what to do.
//!
//! In order: can the file be read, is it WebAssembly, is it a component, is it small enough to be
//! compiled ([`super::bounds`]), does it compile, does it import nothing, does it export the
//! contract. The manifest comes after, in [`crate::adapter::manifest_check`]. Left out: signatures
//! and provenance; which file to trust is the operator's choice.

#![expect(clippy::disallowed_methods, reason = "reads a component file")]

use crate::adapter::AdapterError;
use crate::adapter::contract::{OURS, Unloadable, Version, loadable};
use std::io::Read;
use std::path::Path;
use wasmtime::Engine;
use wasmtime::component::{Component, ComponentExportIndex, types::ComponentItem};

/// The exported interface, in the version of this engine.
pub const INTERFACE: &str = "ats:adapter/adapter@0.1.0";
/// What the exported interface of every version is named by.
const NAMED: &str = "ats:adapter/adapter@";

/// The bytes that every WebAssembly file begins with.
const MAGIC: &[u8] = b"\0asm";
/// The four bytes after it for a core module, and for a component.
const CORE_MODULE: &[u8] = &[1, 0, 0, 0];
const COMPONENT: &[u8] = &[0x0d, 0, 1, 0];

/// The reason why a file is not loaded as an adapter.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// The file cannot be read.
    #[error("{name} cannot be read ({reason}); check the path and its permissions")]
    Read {
        /// The path.
        name: String,
        /// The system's words.
        reason: String,
    },
    /// It is larger than an adapter may be.
    #[error(
        "{name} is larger than the {bytes_max} bytes that an adapter may have; build it with the \
         profile `adapter`"
    )]
    TooLarge {
        /// The path or name.
        name: String,
        /// What is allowed.
        bytes_max: usize,
    },
    /// It would cost more to compile than an adapter may.
    #[error(
        "{name} is not compiled: {what}: {found}, of at most {allowed}; {}", advice(*.fits_apart)
    )]
    TooMuch {
        /// The path or name.
        name: String,
        /// What there is too much of.
        what: &'static str,
        /// How much there is, as far as it was counted.
        found: u64,
        /// What is allowed.
        allowed: u64,
        /// It may be compiled by a program of its own, which can be ended
        /// ([`Compiler::Apart`](super::Compiler::Apart)).
        fits_apart: bool,
    },
    /// Compiling it was ended for want of time or memory.
    #[error(
        "{name} is not compiled: it takes the compiler more than {seconds} s or more memory than \
         it may have; an adapter needs far less, so make it smaller \
         or split it"
    )]
    TooCostly {
        /// The path or name.
        name: String,
        /// What is allowed.
        seconds: u64,
    },
    /// The program that compiles does not.
    #[error(
        "{name} is not compiled: the compiler {program} does not work ({reason}); name one that is \
         built from this version"
    )]
    Compiler {
        /// The path or name of the component.
        name: String,
        /// The program.
        program: String,
        /// The system's or wasmtime's words.
        reason: String,
    },
    /// It does not begin as a component does.
    #[error("{name} is no WebAssembly component: {found}; make one with atsync-componentize")]
    NotAComponent {
        /// The path or name.
        name: String,
        /// What it is instead.
        found: String,
    },
    /// It begins like a component, but is damaged or uses what adapters may not.
    #[error("{name} cannot be compiled: {reason}; build it again for wasm32-unknown-unknown")]
    Broken {
        /// The path or name.
        name: String,
        /// Wasmtime's words.
        reason: String,
    },
    /// It imports something.
    #[error("{name} imports {}, which no adapter may have; build it for wasm32-unknown-unknown, \
        where nothing is imported", .imports.join(", "))]
    Imports {
        /// The path or name.
        name: String,
        /// Every import.
        imports: Vec<String>,
    },
    /// It is built against a version of the contract that this engine does not load.
    #[error("{name} is built against {contract}, and this engine speaks {OURS}; {}",
        why(*.is_newer).advice())]
    Version {
        /// The path or name.
        name: String,
        /// The contract, as the component names it.
        contract: String,
        /// A newer engine may load it.
        is_newer: bool,
    },
    /// It does not export the contract.
    #[error("{name} is no adapter for this engine: {reason}; build it against {INTERFACE}")]
    Exports {
        /// The path or name.
        name: String,
        /// What is missing or different.
        reason: String,
    },
    /// `describe` failed.
    #[error("{name} cannot describe itself: {error}; report it to its author")]
    Describe {
        /// The path or name.
        name: String,
        /// How it failed.
        error: AdapterError,
    },
    /// The manifest is not valid.
    #[error("{name} describes itself wrongly: {reason}; correct its manifest")]
    Manifest {
        /// The path or name.
        name: String,
        /// Place and fault.
        reason: String,
    },
}

fn why(is_newer: bool) -> Unloadable {
    if is_newer { Unloadable::Newer } else { Unloadable::Other }
}

/// What to do about a component that costs too much to compile.
fn advice(fits_apart: bool) -> &'static str {
    if fits_apart {
        "have it compiled by a program of its own (`Compiler::Apart`), as an adapter that brings \
         an interpreter along needs it"
    } else {
        "an adapter needs far less, so make it smaller or split it"
    }
}

/// An error of wasmtime in one line.
pub(crate) fn reason(error: &wasmtime::Error) -> String {
    format!("{error:#}")
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

/// Reads a file, but no more of it than an adapter may have.
pub(crate) fn read(path: &Path, bytes_max: usize) -> Result<Vec<u8>, LoadError> {
    let name = path.display().to_string();
    let unreadable =
        |error: std::io::Error| LoadError::Read { name: name.clone(), reason: error.to_string() };
    let limit = u64::try_from(bytes_max).unwrap_or(u64::MAX).saturating_add(1);
    let mut bytes = Vec::new();
    std::fs::File::open(path)
        .and_then(|file| file.take(limit).read_to_end(&mut bytes))
        .map_err(unreadable)?;
    Ok(bytes)
}

/// Looks at size and first bytes.
pub(crate) fn is_component(name: &str, bytes: &[u8], bytes_max: usize) -> Result<(), LoadError> {
    if bytes.len() > bytes_max {
        return Err(LoadError::TooLarge { name: name.into(), bytes_max });
    }
    let found = match (bytes.get(..4), bytes.get(4..8)) {
        (Some(MAGIC), Some(COMPONENT)) => return Ok(()),
        (Some(MAGIC), Some(CORE_MODULE)) => "it is a core module, which has no typed exports",
        (Some(MAGIC), Some(_)) => "it is of another version of WebAssembly",
        (Some(MAGIC), None) => "it ends after its first bytes",
        _ if bytes.is_empty() => "it is empty",
        _ => "it is no WebAssembly at all",
    };
    Err(LoadError::NotAComponent { name: name.into(), found: found.into() })
}

/// Refuses every import by name.
pub(crate) fn imports_nothing(
    name: &str,
    component: &Component,
    engine: &Engine,
) -> Result<(), LoadError> {
    let imports: Vec<String> =
        component.component_type().imports(engine).map(|(import, _)| import.to_owned()).collect();
    if imports.is_empty() { Ok(()) } else { Err(LoadError::Imports { name: name.into(), imports }) }
}

/// Where the three functions are.
pub(crate) struct Exports {
    pub(crate) describe: ComponentExportIndex,
    pub(crate) start: ComponentExportIndex,
    pub(crate) resume: ComponentExportIndex,
}

/// Finds the three functions, without running anything. Of several versions that the component
/// exports, the newest that this engine loads counts.
pub(crate) fn exports(name: &str, component: &Component) -> Result<Exports, LoadError> {
    let exported = exported(name, component)?;
    let interface = component
        .get_export_index(None, &exported)
        .ok_or_else(|| wrong(name, format!("it does not export {INTERFACE}")))?;
    let find = |function: &str| match component.get_export(Some(&interface), function) {
        Some((ComponentItem::ComponentFunc(_), index)) => Ok(index),
        _ => Err(wrong(name, format!("its {exported} lacks the function {function}"))),
    };
    Ok(Exports { describe: find("describe")?, start: find("start")?, resume: find("resume")? })
}

/// The name of the contract's interface in a component, with the version that it was built against.
fn exported(name: &str, component: &Component) -> Result<String, LoadError> {
    let mut newest: Option<(Version, String)> = None;
    let mut other = None;
    for (export, _) in component.component_type().exports(component.engine()) {
        let Some(version) = export.strip_prefix(NAMED) else { continue };
        let contract = format!("ats:adapter@{version:.64}");
        match loadable(&contract) {
            Ok(found) if newest.as_ref().is_none_or(|(newest, _)| found > *newest) => {
                newest = Some((found, export.to_owned()));
            }
            Ok(_) => {}
            Err(why) => {
                let is_newer = why == Unloadable::Newer;
                other = Some(LoadError::Version { name: name.into(), contract, is_newer });
            }
        }
    }
    match (newest, other) {
        (Some((_, export)), _) => Ok(export),
        (None, Some(other)) => Err(other),
        (None, None) => Err(wrong(name, format!("it does not export {INTERFACE}"))),
    }
}

/// The exports are there, but not as the contract has them.
pub(crate) fn wrong(name: &str, reason: String) -> LoadError {
    LoadError::Exports { name: name.into(), reason }
}
