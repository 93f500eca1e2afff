//! Builds each bundled adapter from the source beside this crate and leaves its component in `OUT_DIR`, for `include_bytes!`.
//!
//! The component that a binary carries is therefore always the one of its own sources. What it costs is a second compilation of the adapter's
//! few dependencies for WebAssembly, once. Left out: a published crate cannot do this, since it has no neighbours; it would ship the components.

#![allow(clippy::print_stdout, reason = "a build script talks to cargo by printing")]

use atsync_componentize::{Error, Order, build};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Package, and the file that `src/lib.rs` embeds.
const ADAPTERS: &[(&str, &str)] = &[("atsync-greenhouse", "greenhouse.wasm")];

/// What the components are made of, seen from this crate.
const SOURCES: &[&str] = &[
    "../greenhouse/src",
    "../greenhouse/Cargo.toml",
    "../sdk/src",
    "../sdk/Cargo.toml",
    "../../engine/model/src",
    "../../engine/model/Cargo.toml",
    "../../wit",
    "../../Cargo.toml",
    "../../Cargo.lock",
];

fn main() -> ExitCode {
    for source in SOURCES {
        println!("cargo::rerun-if-changed={source}");
    }
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
    let target_dir = adapters_dir(&out);
    for (package, file) in ADAPTERS {
        let order = Order { package, workspace: &here, target_dir: &target_dir };
        let component = build(order).map_err(|error: Error| error.to_string())?;
        let path = out.join(file);
        std::fs::write(&path, component).map_err(|error| format!("{} cannot be written: {error}", path.display()))?;
    }
    Ok(())
}

/// A target directory beside the profiles of the outer one, so that debug and release builds share it: `OUT_DIR` is
/// `<target>/<profile>/build/<package>/out`.
fn adapters_dir(out: &Path) -> PathBuf {
    out.ancestors().nth(4).unwrap_or(out).join("adapters")
}
