//! The front door: what the crate names publicly is few, flat, and changes only where a reader of
//! the change sees it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops when something does not hold")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Names that a host may have to learn, with those of the feature `testing`.
const NAMES_MAX: usize = 120;
/// The names as they were when somebody last looked: a name that goes breaks hosts, and one that
/// comes is promised from then on.
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

/// The names that a `pub use` gives: the last part of each path, or what stands behind `as`.
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
                other => panic!("`{other}` is a public module; name what it shows one by one"),
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
fn a_host_meets_at_most_120_names() {
    let names = public();
    assert!(names.len() > 50, "the list was not read: {names:?}");
    assert!(names.len() <= NAMES_MAX, "{} public names: {names:#?}", names.len());
}

/// Nothing is released yet, so there is no version to hold the interface against; until then the
/// list is the baseline.
#[test]
fn a_public_name_comes_or_goes_only_with_the_list() {
    let listed: BTreeSet<String> = read(LIST).lines().map(str::to_owned).collect();
    let names = public();
    let gone: Vec<&String> = listed.difference(&names).collect();
    let new: Vec<&String> = names.difference(&listed).collect();
    assert!(
        gone.is_empty() && new.is_empty(),
        "engine/{LIST} and src/lib.rs differ; gone: {gone:?}, new: {new:?}. Mend the list, and say \
         in CHANGELOG.md what a host does instead of what is gone"
    );
}

fn sources(path: &Path, found: &mut Vec<PathBuf>) {
    if path.is_dir() {
        std::fs::read_dir(path).unwrap().for_each(|entry| sources(&entry.unwrap().path(), found));
    } else if path.extension().is_some_and(|ending| ending == "rs" || ending == "toml") {
        found.push(path.to_owned());
    }
}

/// The program and the examples are hosts: what they cannot do by the front door no host can.
#[test]
fn program_and_examples_come_in_by_the_front_door() {
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
