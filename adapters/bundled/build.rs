//! Builds each bundled adapter from source and writes its component to `OUT_DIR`, for
//! `include_bytes!`.
//!
//! A binary therefore always contains the component of its own sources. In the repository the
//! adapter is built within the workspace, with its `Cargo.lock`. A published crate has no
//! workspace: it builds the published adapter of its own version, in a small workspace in
//! `OUT_DIR`, with the versions of its own `Cargo.lock`. When cargo verifies several unpublished
//! packages together, they are unpacked beside each other, and this script builds from those
//! directories. Every build needs the compilation target `wasm32-unknown-unknown`; rustup adds it
//! when it is missing.
//!
//! `ATSYNC_COMPONENTS`, a directory of prebuilt components, replaces the build where there is no
//! network or no such target. docs.rs has neither, and gets an empty component.

#![allow(clippy::print_stdout, reason = "a build script talks to cargo by printing")]

use atsync_componentize::{Error, Order, Published, build, build_published};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// The package of each adapter, and the file that `src/lib.rs` embeds.
const ADAPTERS: &[(&str, &str)] = &[
    ("atsync-ashby", "ashby.wasm"),
    ("atsync-greenhouse", "greenhouse.wasm"),
    ("atsync-lever", "lever.wasm"),
    ("atsync-described", "described.wasm"),
];

/// The packages that every adapter depends on.
const FOUNDATIONS: &[&str] = &["atsync-adapter", "atsync-model"];

/// The version of all these packages, which is this crate's.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// A directory with prebuilt components.
const PREBUILT: &str = "ATSYNC_COMPONENTS";

/// The sources of the components in the repository, relative to this crate.
const SOURCES: &[&str] = &[
    "../ashby/src",
    "../ashby/Cargo.toml",
    "../described/src",
    "../described/Cargo.toml",
    "../greenhouse/src",
    "../greenhouse/Cargo.toml",
    "../lever/src",
    "../lever/Cargo.toml",
    "../sdk/src",
    "../sdk/Cargo.toml",
    "../../engine/model/src",
    "../../engine/model/Cargo.toml",
    "../../wit/adapter.wit",
    "../../Cargo.toml",
    "../../Cargo.lock",
];

fn main() -> ExitCode {
    println!("cargo::rerun-if-env-changed={PREBUILT}");
    match components() {
        Ok(()) => ExitCode::SUCCESS,
        Err(text) => {
            println!("cargo::error={}", text.replace('\n', " "));
            ExitCode::FAILURE
        }
    }
}

fn components() -> Result<(), String> {
    let directory = |name: &str| {
        std::env::var_os(name)
            .map(PathBuf::from)
            .ok_or_else(|| format!("{name} is not set; run this through cargo"))
    };
    let here = directory("CARGO_MANIFEST_DIR")?;
    let out = directory("OUT_DIR")?;
    for (package, file) in ADAPTERS {
        let component = component(package, file, &here, &out)?;
        let path = out.join(file);
        std::fs::write(&path, component)
            .map_err(|error| format!("{} cannot be written: {error}", path.display()))?;
    }
    Ok(())
}

fn component(package: &str, file: &str, here: &Path, out: &Path) -> Result<Vec<u8>, String> {
    if let Some(prebuilt) = std::env::var_os(PREBUILT) {
        let path = Path::new(&prebuilt).join(file);
        println!("cargo::rerun-if-changed={}", path.display());
        return std::fs::read(&path)
            .map_err(|error| format!("{PREBUILT}: {} cannot be read: {error}", path.display()));
    }
    if std::env::var_os("DOCS_RS").is_some() {
        return Ok(Vec::new());
    }
    let target_dir = adapters_dir(out);
    let said = |error: Error| error.to_string();
    if here.join("../greenhouse/Cargo.toml").is_file()
        && here.join("../../wit/adapter.wit").is_file()
    {
        for source in SOURCES {
            println!("cargo::rerun-if-changed={source}");
        }
        return build(Order { package, workspace: here, target_dir: &target_dir }).map_err(said);
    }
    println!("cargo::rerun-if-changed=build.rs");
    let unpacked =
        |name: &str| Some(here.join(format!("../{name}-{VERSION}"))).filter(|path| path.is_dir());
    let foundations: Vec<(&str, PathBuf)> =
        FOUNDATIONS.iter().filter_map(|name| Some((*name, unpacked(name)?))).collect();
    let patches: Vec<(&str, &Path)> =
        foundations.iter().map(|(name, path)| (*name, path.as_path())).collect();
    let source = unpacked(package);
    let order = Published {
        package,
        version: VERSION,
        source: source.as_deref(),
        patches: if source.is_some() { &patches } else { &[] },
        lock: Some(&here.join("Cargo.lock")),
        directory: &out.join(package),
        target_dir: &target_dir,
    };
    build_published(order).map_err(said)
}

/// Returns a target directory beside the profiles of the outer one, so that debug and release
/// builds share it: `OUT_DIR` is `<target>/<profile>/build/<package>/out`.
fn adapters_dir(out: &Path) -> PathBuf {
    out.ancestors().nth(4).unwrap_or(out).join("adapters")
}
