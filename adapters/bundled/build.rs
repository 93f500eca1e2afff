//! Builds each bundled adapter from source and leaves its component in `OUT_DIR`, for
//! `include_bytes!`.
//!
//! The component that a binary carries is therefore always the one of its own sources. In the
//! repository the adapter is built within the workspace, with its `Cargo.lock`. A published crate
//! has no neighbours: it builds the very packages that it depends on (they say where they lie), in a
//! small workspace in `OUT_DIR`, with the versions of its own `Cargo.lock`. Both need the compilation
//! target `wasm32-unknown-unknown`, which is added with rustup when it is missing.
//!
//! `ATSYNC_COMPONENTS`, a directory with the components, takes the place of building: for builds
//! without a network or without that target. docs.rs has neither, and gets an empty component.

#![allow(clippy::print_stdout, reason = "a build script talks to cargo by printing")]

use atsync_componentize::{Error, Order, Published, build, build_published};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// A bundled adapter.
struct Bundled {
    package: &'static str,
    /// The file that `src/lib.rs` embeds.
    file: &'static str,
    /// Where the package lies, wherever this one came from.
    source: &'static str,
}

const ADAPTERS: &[Bundled] =
    &[Bundled { package: "atsync-greenhouse", file: "greenhouse.wasm", source: atsync_greenhouse::SOURCE_DIR }];

/// What every adapter is built upon.
const FOUNDATIONS: &[(&str, &str)] =
    &[("atsync-adapter", atsync_adapter::SOURCE_DIR), ("atsync-model", atsync_model::SOURCE_DIR)];

/// A directory with prebuilt components.
const PREBUILT: &str = "ATSYNC_COMPONENTS";

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
        std::env::var_os(name).map(PathBuf::from).ok_or_else(|| format!("{name} is not set; run this through cargo"))
    };
    let here = directory("CARGO_MANIFEST_DIR")?;
    let out = directory("OUT_DIR")?;
    for adapter in ADAPTERS {
        let component = component(adapter, &here, &out)?;
        let path = out.join(adapter.file);
        std::fs::write(&path, component).map_err(|error| format!("{} cannot be written: {error}", path.display()))?;
    }
    Ok(())
}

fn component(adapter: &Bundled, here: &Path, out: &Path) -> Result<Vec<u8>, String> {
    if let Some(prebuilt) = std::env::var_os(PREBUILT) {
        let path = Path::new(&prebuilt).join(adapter.file);
        println!("cargo::rerun-if-changed={}", path.display());
        return std::fs::read(&path).map_err(|error| format!("{PREBUILT}: {} cannot be read: {error}", path.display()));
    }
    if std::env::var_os("DOCS_RS").is_some() {
        return Ok(Vec::new());
    }
    let target_dir = adapters_dir(out);
    let said = |error: Error| error.to_string();
    if in_workspace(adapter, here) {
        watch(adapter, here);
        let order = Order { package: adapter.package, workspace: here, target_dir: &target_dir };
        return build(order).map_err(said);
    }
    let patches: Vec<(&str, &Path)> = FOUNDATIONS.iter().map(|(name, source)| (*name, Path::new(*source))).collect();
    build_published(Published {
        package: adapter.package,
        source: Path::new(adapter.source),
        patches: &patches,
        lock: Some(&here.join("Cargo.lock")),
        directory: &out.join(adapter.package),
        target_dir: &target_dir,
    })
    .map_err(said)
}

/// Whether the adapter's source is the repository's own, two levels below the workspace's root.
fn in_workspace(adapter: &Bundled, here: &Path) -> bool {
    let root = here.join("../..");
    let is_ours = |source: &str| match (Path::new(source).canonicalize(), root.canonicalize()) {
        (Ok(source), Ok(root)) => source.starts_with(root),
        _ => false,
    };
    root.join("wit/adapter.wit").is_file() && is_ours(adapter.source)
}

/// Tells cargo what the component is made of.
fn watch(adapter: &Bundled, here: &Path) {
    let packages = FOUNDATIONS.iter().map(|(_, source)| *source).chain([adapter.source]);
    for source in packages {
        for part in ["src", "Cargo.toml"] {
            println!("cargo::rerun-if-changed={}", Path::new(source).join(part).display());
        }
    }
    println!("cargo::rerun-if-changed={}", Path::new(atsync_adapter::SOURCE_DIR).join("wit").display());
    for part in ["Cargo.toml", "Cargo.lock"] {
        println!("cargo::rerun-if-changed={}", here.join("../..").join(part).display());
    }
}

/// A target directory beside the profiles of the outer one, so that debug and release builds share
/// it: `OUT_DIR` is `<target>/<profile>/build/<package>/out`.
fn adapters_dir(out: &Path) -> PathBuf {
    out.ancestors().nth(4).unwrap_or(out).join("adapters")
}
