//! `atsync adapter new`: writes the folder of a new adapter, which builds and passes the
//! conformance suite as it is.
//!
//! The adapter in Rust is the example `adapter-minimal` of the repository under another name: three
//! kinds, a write with its probe, a permission and a webhook, and a sandbox that is described by
//! data. The described one says the same as data. The one in TypeScript is the example
//! `adapter-js`.

#![expect(clippy::disallowed_methods, reason = "writes the folder of a new adapter")]

use crate::cli::AdapterNew;
use crate::failure::{DONE, Ended, Failure};
use crate::output::Output;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// The files of an adapter in Rust.
const RUST: &[(&str, &str)] = &[
    ("Cargo.toml", include_str!("../../../templates/rust/Cargo.toml.txt")),
    ("README.md", include_str!("../../../templates/rust/README.md.txt")),
    ("sandbox.yaml", include_str!("../../../templates/rust/sandbox.yaml")),
    ("src/lib.rs", include_str!("../../../templates/rust/lib.rs.txt")),
];
/// The files of a described adapter.
const DESCRIBED: &[(&str, &str)] = &[
    ("README.md", include_str!("../../../templates/described/README.md.txt")),
    ("adapter.yaml", include_str!("../../../templates/described/adapter.yaml")),
    ("sandbox.yaml", include_str!("../../../templates/described/sandbox.yaml")),
];
/// The files of an adapter in TypeScript.
const JS: &[(&str, &str)] = &[
    ("README.md", include_str!("../../../templates/js/README.md.txt")),
    ("adapter.ts", include_str!("../../../templates/js/adapter.ts")),
    ("adapter.wit", include_str!("../../../templates/js/adapter.wit")),
    ("build.mjs", include_str!("../../../templates/js/build.mjs")),
    ("generated/contract.d.ts", include_str!("../../../templates/js/generated/contract.d.ts")),
    ("package-lock.json", include_str!("../../../templates/js/package-lock.json")),
    ("package.json", include_str!("../../../templates/js/package.json")),
    ("sandbox.yaml", include_str!("../../../templates/js/sandbox.yaml")),
    ("text.d.ts", include_str!("../../../templates/js/text.d.ts")),
    ("tsconfig.json", include_str!("../../../templates/js/tsconfig.json")),
    ("types.mjs", include_str!("../../../templates/js/types.mjs")),
];
/// A file of data, the file with its schema, and the schema.
type Schema = (&'static str, &'static str, fn() -> Value);
/// The JSON Schemas that are written beside the files, for editors.
const SCHEMAS: &[Schema] = &[
    ("adapter.yaml", "description.schema.json", atsync_described::schema),
    ("sandbox.yaml", "sandbox.schema.json", atsync_conformance::sandbox_schema),
];
/// Left out of a repository.
const IGNORED: &str = "/target\n/*.wasm\n";
const IGNORED_OF_JS: &str = "/node_modules\n/target\n/*.wasm\n";
/// The name in the templates, as a word and as a type.
const WORD: &str = "plainlist";
const TYPE: &str = "Plainlist";
/// Characters of a name. Arbitrary.
const NAME_CHARS_MAX: usize = 40;

pub(super) fn make(options: &AdapterNew, output: &Output) -> Ended {
    let name = options.name.as_str();
    is_name(name)?;
    let folder = options.directory.clone().unwrap_or_else(|| PathBuf::from(name));
    if folder.exists() {
        return Err(Failure::new(format!(
            "{} exists; name another folder with --directory",
            folder.display()
        )));
    }
    let patch = options.path_to_sdk.as_deref().map(patch).transpose()?.unwrap_or_default();
    let (files, ignored) = match (options.described, options.js) {
        (true, _) => (DESCRIBED, IGNORED),
        (false, true) => (JS, IGNORED_OF_JS),
        (false, false) => (RUST, IGNORED),
    };
    for (file, text) in files {
        let mut text = text.replace(TYPE, &as_type(name)).replace(WORD, name);
        if let Some((_, schema, _)) = SCHEMAS.iter().find(|(of, ..)| of == file) {
            text.insert_str(0, &format!("# yaml-language-server: $schema={schema}\n"));
        }
        if *file == "Cargo.toml" {
            text.push_str(&patch);
        }
        write(&folder.join(file), &text)?;
    }
    for (_, schema, made) in SCHEMAS.iter().filter(|(of, ..)| files.iter().any(|(f, _)| f == of)) {
        write(&folder.join(schema), &format!("{:#}\n", made()))?;
    }
    write(&folder.join(".gitignore"), ignored)?;
    let at = folder.display();
    let built = format!("{at} --output {at}/{name}.wasm");
    // A folder of another name would be that of the component too.
    let from = if folder.ends_with(name) { at.to_string() } else { built };
    let (what, from) = match (options.described, options.js) {
        (true, _) => ("an adapter as data", format!("{at}/adapter.yaml --output {at}/{name}.wasm")),
        (false, true) => ("an adapter in TypeScript", from),
        (false, false) => ("an adapter in Rust", from),
    };
    output.data(&format!("{at}: {what}, with a sandbox as data. Next:"));
    output.data(&format!("    atsync adapter build {from}"));
    output.data(&format!("    atsync adapter test {at}/{name}.wasm --sandbox {at}/sandbox.yaml"));
    Ok(DONE)
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    let failed = |error: std::io::Error| {
        Failure::new(format!("{} cannot be written: {error}", path.display()))
    };
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    std::fs::write(path, text).map_err(failed)
}

/// Uses the SDK of a checkout in place of the published one.
fn patch(sdk: &Path) -> Result<String, Failure> {
    let sdk = std::path::absolute(sdk)
        .map_err(|error| Failure::new(format!("--path-to-sdk {}: {error}", sdk.display())))?;
    let root = sdk.ancestors().nth(2).unwrap_or(&sdk);
    let model = root.join("engine/model");
    for folder in [&sdk, &model] {
        if !folder.join("Cargo.toml").is_file() {
            return Err(Failure::new(format!(
                "{} is no crate; --path-to-sdk is the folder adapters/sdk of a checkout of atsync",
                folder.display()
            )));
        }
    }
    Ok(format!(
        "\n[patch.crates-io]\natsync-adapter = {{ path = {:?} }}\n\
         atsync-model = {{ path = {:?} }}\n",
        sdk.display().to_string(),
        model.display().to_string()
    ))
}

fn is_name(name: &str) -> Result<(), Failure> {
    let is_fine = name.starts_with(|first: char| first.is_ascii_lowercase())
        && name
            .chars()
            .all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-')
        && name.len() <= NAME_CHARS_MAX
        && !name.ends_with('-');
    if is_fine {
        return Ok(());
    }
    Err(Failure::new(format!(
        "{name:?} cannot be the name of an adapter: use lower-case letters, digits and `-`, \
         beginning with a letter, at most {NAME_CHARS_MAX}"
    )))
}

/// `acme-hr` as a type: `AcmeHr`.
fn as_type(name: &str) -> String {
    let part = |part: &str| {
        let mut letters = part.chars();
        let first = letters.next().map(|first| first.to_ascii_uppercase());
        first.into_iter().chain(letters).collect::<String>()
    };
    name.split('-').map(part).collect()
}

#[cfg(test)]
mod tests {
    use super::{DESCRIBED, JS, RUST, as_type, is_name};

    #[test]
    fn a_name_is_one_that_a_manifest_and_a_crate_can_have() {
        assert_eq!(as_type("acme-hr2"), "AcmeHr2");
        for name in ["acme", "acme-hr"] {
            assert!(is_name(name).is_ok(), "{name}");
        }
        for name in ["", "Acme", "1acme", "acme_hr", "acme-", "../acme", "acme hr"] {
            assert!(is_name(name).is_err(), "{name}");
        }
    }

    #[test]
    fn the_templates_are_the_example_of_the_repository() {
        let example = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/adapter-minimal/");
        for file in ["src/lib.rs", "sandbox.yaml"] {
            let text = std::fs::read_to_string(format!("{example}{file}")).unwrap();
            let of_described = DESCRIBED.iter().find(|(name, _)| *name == file);
            assert!(of_described.is_none_or(|(_, of)| *of == text), "{file} of described adapters");
            let template = RUST.iter().find(|(name, _)| *name == file).unwrap().1;
            assert!(
                text == template,
                "copy examples/adapter-minimal/{file} to engine/daemon/templates/rust"
            );
        }
        let example = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/adapter-js/");
        for (file, template) in JS.iter().filter(|(file, _)| *file != "README.md") {
            let text = std::fs::read_to_string(format!("{example}{file}")).unwrap();
            assert!(
                text == **template,
                "copy examples/adapter-js/{file} to engine/daemon/templates/js"
            );
        }
    }
}
