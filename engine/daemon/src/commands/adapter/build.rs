//! `atsync adapter build`: makes a component out of a crate, a package of npm, a description, a
//! module or a component, checks it as the engine does, and compiles it into the cache.

#![expect(clippy::disallowed_methods, reason = "reads what is built and writes the component")]

use super::npm;
use super::source::text;
use crate::adapters;
use crate::cli::AdapterBuild;
use crate::failure::{DONE, Ended, Failure};
use crate::output::Output;
use crate::words::{brief_of, count};
use atsync::Adapter;
use atsync_adapters_bundled::DESCRIBED;
use atsync_componentize::{build_crate, wrap};
use atsync_described::{Mistake, Mistakes, bake, read, validate};
use serde_json::json;
use std::path::{Path, PathBuf};

/// How the files of descriptions end.
const DESCRIPTIONS: &[&str] = &["yaml", "yml", "json"];
/// How a file of WebAssembly begins, and the version that a component has.
const WASM: &[u8] = b"\0asm";
const COMPONENT: &[u8] = b"\0asm\x0d\0\x01\0";

pub(super) fn build(options: &AdapterBuild, output: &Output) -> Ended {
    let from = &options.from;
    let (component, out) = component(from)?;
    let out = options.output.clone().unwrap_or(out);
    // Compiled before it is written: what cannot be loaded is no adapter.
    let loaded = adapters::host()?
        .load(&out.display().to_string(), &component)
        .map_err(|error| Failure::new(error.to_string()))?;
    std::fs::write(&out, &component)
        .map_err(|error| Failure::new(format!("{} cannot be written: {error}", out.display())))?;
    let manifest = loaded.manifest();
    let hash = loaded.code_hash().unwrap_or_default();
    if options.json {
        output.json(&json!({
            "file": out, "adapter": manifest.name, "version": manifest.version,
            "bytes": component.len(), "sha256": hash,
        }));
    } else {
        output.data(&format!(
            "{}: {} {}, {}, {}, SHA-256 {}",
            out.display(),
            manifest.name,
            manifest.version,
            count(component.len(), "byte"),
            count(manifest.kinds.len(), "kind"),
            brief_of(hash)
        ));
    }
    Ok(DONE)
}

/// The component of what the author names, and the file that it goes to by default.
fn component(from: &Path) -> Result<(Vec<u8>, PathBuf), Failure> {
    let failed = |why: String| Failure::new(format!("{}: {why}", from.display()));
    if from.is_dir() {
        let made = match npm::is_package(from) {
            true => npm::build(from)?,
            false => build_crate(from).map_err(|error| Failure::new(error.to_string()))?,
        };
        let name = std::path::absolute(from).ok();
        let name = name.as_deref().and_then(Path::file_name).unwrap_or_default();
        return Ok((made, from.join(name).with_extension("wasm")));
    }
    let is_text = |name: &std::ffi::OsStr| DESCRIPTIONS.iter().any(|known| name == *known);
    if from.extension().is_some_and(is_text) {
        return Ok((baked(from)?, from.with_extension("wasm")));
    }
    let bytes = std::fs::read(from).map_err(|error| failed(format!("cannot be read: {error}")))?;
    if bytes.starts_with(COMPONENT) {
        return Ok((bytes, from.to_owned()));
    }
    if bytes.starts_with(WASM) {
        let made = wrap(&bytes).map_err(|error| failed(error.to_string()))?;
        return Ok((made, from.with_extension("component.wasm")));
    }
    Err(failed(
        "is no folder of a crate or of a package of npm, no description (.yaml, .yml, .json) and \
         no WebAssembly; name one of these"
            .to_owned(),
    ))
}

/// The component of a described adapter.
fn baked(from: &Path) -> Result<Vec<u8>, Failure> {
    let mistakes = |mistakes: Mistakes| {
        let line = |mistake: &Mistake| format!("{}: {mistake}", from.display());
        Failure::Several(mistakes.0.iter().map(line).collect())
    };
    let read = read(&text(from)?).map_err(mistakes)?;
    validate(&read).map_err(mistakes)?;
    bake(DESCRIBED, &read.description)
        .map_err(|error| Failure::new(format!("{}: {error}", from.display())))
}
