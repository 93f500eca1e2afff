//! The front door: the crate's public names are few and flat, a change of them shows in a list, and
//! the public types can grow without breaking a host or an adapter.

#![allow(clippy::disallowed_methods, reason = "tests use the disk, threads and tasks")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops when something does not hold")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Names that a host may have to learn, with those of the feature `testing`.
const NAMES_MAX: usize = 150;
/// The reviewed list of names: removing a name breaks hosts, and adding one is a promise.
const LIST: &str = "public-names.txt";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: impl AsRef<Path>) -> String {
    std::fs::read_to_string(root().join(path)).unwrap()
}

/// The text without comments and attributes, one statement after the other.
fn statements(text: &str) -> Vec<String> {
    let lines = text.lines().map(|line| line.split("//").next().unwrap_or_default().trim());
    let code: Vec<&str> = lines.filter(|line| !line.starts_with('#')).collect();
    code.join(" ").split(';').map(|statement| statement.trim().to_owned()).collect()
}

/// The names that a `pub use` exports: the last part of each path, or the name after `as`.
fn named(path: &str) -> Vec<String> {
    let inner = match path.split_once('{') {
        Some((_, list)) => list.trim_end_matches('}'),
        None => path,
    };
    assert!(!inner.contains(['{', '*']), "a list in a list, or a glob, hides names: {path}");
    let names = inner.split(',').map(str::trim).filter(|name| !name.is_empty());
    names.map(|name| name.rsplit([' ', ':']).next().unwrap_or_default().to_owned()).collect()
}

/// The public items of a module's own text.
fn items(text: &str) -> Vec<String> {
    let words = ["fn", "struct", "enum", "trait", "type", "const", "static"];
    let lines = text.lines().filter_map(|line| line.strip_prefix("pub "));
    let names = lines.filter_map(|line| {
        let (word, rest) = line.split_once(' ')?;
        let name = rest.split(|c: char| !c.is_alphanumeric() && c != '_').next()?;
        words.contains(&word).then(|| name.to_owned())
    });
    names.collect()
}

/// Every public name: re-exports, and the items of public modules.
fn public() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for statement in statements(&read("src/lib.rs")) {
        if let Some(path) = statement.strip_prefix("pub use ") {
            names.extend(named(path));
        } else if let Some(module) = statement.strip_prefix("pub mod ") {
            match module {
                "internals" => {}
                "testing" => {
                    let text = read("src/testing.rs");
                    let uses = text.lines().filter_map(|line| line.strip_prefix("pub use "));
                    let uses = uses.flat_map(|path| named(path.trim_end_matches(';')));
                    let own = items(&text).into_iter().chain(uses);
                    names.extend(own.map(|name| format!("testing::{name}")));
                    names.insert("testing".to_owned());
                }
                other => panic!("`{other}` is a public module; re-export its items one by one"),
            }
        } else {
            assert!(
                !statement.contains("pub "),
                "`src/lib.rs` re-exports and defines nothing: {statement}"
            );
        }
    }
    names
}

#[test]
fn the_front_door_has_a_bounded_number_of_names() {
    let names = public();
    assert!(names.len() > 50, "the list was not read: {names:?}");
    assert!(names.len() <= NAMES_MAX, "{} public names: {names:#?}", names.len());
}

/// Nothing is released yet, so there is no version to compare the interface with; until then the
/// list is the baseline.
#[test]
fn a_public_name_is_added_or_removed_only_with_the_list() {
    let listed: BTreeSet<String> = read(LIST).lines().map(str::to_owned).collect();
    let names = public();
    let removed: Vec<&String> = listed.difference(&names).collect();
    let new: Vec<&String> = names.difference(&listed).collect();
    assert!(
        removed.is_empty() && new.is_empty(),
        "engine/{LIST} and src/lib.rs differ; removed: {removed:?}, new: {new:?}. Update the list, \
         and say in CHANGELOG.md what a host does instead of a removed name"
    );
}

fn sources(path: &Path, found: &mut Vec<PathBuf>) {
    if path.is_dir() {
        std::fs::read_dir(path).unwrap().for_each(|entry| sources(&entry.unwrap().path(), found));
    } else if path.extension().is_some_and(|ending| ending == "rs" || ending == "toml") {
        found.push(path.to_owned());
    }
}

/// The program and the examples are hosts: if they cannot do it through the front door, no host
/// can.
#[test]
fn the_program_and_the_examples_use_only_the_front_door() {
    let mut files = Vec::new();
    for path in ["daemon/src", "../examples"] {
        sources(&root().join(path), &mut files);
    }
    files.push(root().join("daemon/Cargo.toml"));
    assert!(files.len() > 20, "{files:?}");
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(!text.contains("internals"), "{}", file.display());
    }
}

/// Public types with public members, or public enums, that are not `#[non_exhaustive]`: by name, or
/// by the model's file. Each with the reason.
const EXHAUSTIVE: &[(&str, &str)] = &[
    ("CompilerProgram", "a program and its arguments: a host writes it as a literal"),
    ("Person", "a host writes one of its cases; only the engine matches on it"),
    ("Change", "a row, which a store outside this crate makes"),
    ("Condition", "a row, which a store outside this crate makes"),
    ("DesiredRow", "a row, which a store outside this crate makes"),
    ("DesiredStatus", "a row, which a store outside this crate makes"),
    ("Hold", "part of a row, which a store outside this crate makes"),
    ("Intent", "a row, which a store outside this crate makes"),
    ("LinkRow", "a row, which a store outside this crate makes"),
    ("ObservedRow", "a row, which a store outside this crate makes"),
    ("WireRequest", "a test of a host's own transport makes one"),
    ("model/contract", "the types of `ats:adapter@0.1.0`: a new member is a new contract"),
    ("model/declarable", "the engine's own table, which only the engine writes"),
    ("model/desired", "a host writes literals with `..Default::default()`, which still compile"),
    ("model/desired/definition", "as `model/desired`"),
    ("model/normal", "the result of a comparison; only engine and adapters read it"),
    ("model/normal/custom", "as `model/normal`"),
    ("model/resource", "the engine's own table, which only the engine writes"),
    ("model/shape", "whatever makes values must handle each shape, and the compiler checks it"),
    ("model/unified", "an adapter writes literals with `..Default::default()`"),
    ("model/manifest: AuthRule", "the engine must handle each case, and the compiler checks it"),
    ("model/manifest: BasicHalf", "as `AuthRule`"),
    ("model/manifest: ChangeRule", "as `AuthRule`"),
    ("model/manifest: Coarser", "as `AuthRule`"),
    ("model/manifest: DeleteSign", "as `AuthRule`"),
    ("model/manifest: EffectClass", "as `AuthRule`"),
    ("model/manifest: FieldMode", "as `AuthRule`"),
    ("model/manifest: OriginBase", "as `AuthRule`"),
    ("model/manifest: ResetReading", "as `AuthRule`"),
    ("model/manifest: ScanRule", "as `AuthRule`"),
    ("model/manifest: SideEffectKind", "as `AuthRule`"),
    ("model/manifest: WebhookSecret", "as `AuthRule`"),
];

/// The types of a file that a host can build as literals or match without a wildcard.
fn exhaustive(text: &str) -> Vec<String> {
    let lines: Vec<&str> = text.lines().collect();
    let mut found = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let Some(rest) = line.strip_prefix("pub struct ").or(line.strip_prefix("pub enum ")) else {
            continue;
        };
        let body: Vec<&&str> = lines.iter().skip(at).take_while(|line| **line != "}").collect();
        let is_open = line.starts_with("pub enum ")
            || line.contains("(pub ")
            || line.ends_with('{') && body.iter().any(|line| line.starts_with("    pub "));
        let above =
            lines.iter().take(at).rev().take_while(|line| !line.is_empty() && **line != "}");
        let grows = above.into_iter().any(|line| *line == "#[non_exhaustive]");
        if is_open && !grows {
            let name = rest.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
            found.push(name.to_owned());
        }
    }
    found
}

/// The types of the front door, by room and by their name in the room.
fn by_room() -> BTreeSet<(String, String)> {
    let mut names = BTreeSet::new();
    for statement in statements(&read("src/lib.rs")) {
        let Some(path) = statement.strip_prefix("pub use ") else { continue };
        let Some((room, rest)) = path.split_once("::") else { continue };
        let list = rest.split_once('{').map_or(rest, |(_, list)| list.trim_end_matches('}'));
        for name in list.split(',') {
            let name = name.split(" as ").next().unwrap_or_default().trim();
            let name = name.rsplit(':').next().unwrap_or_default();
            names.insert((room.to_owned(), name.to_owned()));
        }
    }
    names
}

#[test]
fn a_public_type_can_grow_or_the_list_says_why_it_need_not() {
    let public = by_room();
    let mut found = BTreeSet::new();
    for crate_of in ["src", "model/src"] {
        let (mut files, base) = (Vec::new(), root().join(crate_of));
        sources(&base, &mut files);
        for file in files {
            let path = file.strip_prefix(&base).unwrap().with_extension("");
            let module = path.to_str().unwrap().trim_end_matches("/mod").to_owned();
            let room = module.split('/').next().unwrap_or_default().to_owned();
            for name in exhaustive(&std::fs::read_to_string(&file).unwrap()) {
                if crate_of == "model/src" && module == "manifest" {
                    found.insert(format!("model/manifest: {name}"));
                } else if crate_of == "model/src" {
                    found.insert(format!("model/{module}"));
                } else if public.contains(&(room.clone(), name.clone())) {
                    found.insert(name);
                }
            }
        }
    }
    let listed: BTreeSet<String> = EXHAUSTIVE.iter().map(|(name, _)| (*name).to_owned()).collect();
    let new: Vec<&String> = found.difference(&listed).collect();
    let removed: Vec<&String> = listed.difference(&found).collect();
    assert!(
        new.is_empty() && removed.is_empty(),
        "add `#[non_exhaustive]`, and a constructor where others make the type, or list it in \
         engine/tests/front_door.rs with the reason: {new:?}; listed without need: {removed:?}"
    );
}

#[test]
fn the_check_for_growth_sees_members_cases_and_the_attribute() {
    assert_eq!(exhaustive("pub struct A {\n    pub a: u8,\n}\n"), ["A"]);
    assert_eq!(exhaustive("#[derive(Debug)]\npub struct A(pub u8);\n"), ["A"]);
    assert_eq!(exhaustive("pub enum A {\n    B,\n}\n"), ["A"]);
    let none: [&str; 0] = [];
    assert_eq!(exhaustive("pub struct A {\n    a: u8,\n}\npub fn b() {}\n"), none);
    assert_eq!(exhaustive("#[derive(Debug)]\n#[non_exhaustive]\npub enum A {\n    B,\n}\n"), none);
    assert_eq!(exhaustive("#[non_exhaustive]\npub enum A {}\n\npub enum B {}\n"), ["B"]);
}
