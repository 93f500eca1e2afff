//! The map of the rooms in ARCHITECTURE.md is true: a room uses what stands in its own row or below
//! it.

#![allow(clippy::disallowed_methods, reason = "tests use the disk, threads and tasks")]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test stops when something does not hold"
)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Modules that are no rooms: what tests are given.
const OTHERS: [&str; 2] = ["internals", "testing"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The rooms of the table, each with its row.
fn rows() -> BTreeMap<String, usize> {
    let text = std::fs::read_to_string(root().join("../ARCHITECTURE.md")).unwrap();
    let (_, table) = text.split_once("| room | what it does |").unwrap();
    let rows = table.lines().skip(2).take_while(|line| line.starts_with('|'));
    let rooms = |row: &str| {
        let names = row.split('|').nth(1).unwrap_or_default().split('`').skip(1).step_by(2);
        names.map(str::to_owned).collect::<Vec<_>>()
    };
    rows.enumerate()
        .flat_map(|(at, row)| rooms(row).into_iter().map(move |room| (room, at)))
        .collect()
}

fn sources(path: &Path, found: &mut Vec<PathBuf>) {
    if path.is_dir() {
        std::fs::read_dir(path).unwrap().for_each(|entry| sources(&entry.unwrap().path(), found));
    } else if path.extension().is_some_and(|ending| ending == "rs")
        && !path.to_string_lossy().ends_with("_tests.rs")
    {
        found.push(path.to_owned());
    }
}

fn files_of(room: &str) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for path in [root().join(format!("src/{room}.rs")), root().join(format!("src/{room}"))] {
        if path.exists() {
            sources(&path, &mut files);
        }
    }
    assert!(!files.is_empty(), "{room}");
    files
}

/// The names after `crate::` in code that is no test's.
fn used(text: &str) -> Vec<String> {
    let code = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
    let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
    let names = lines.flat_map(|line| line.split("crate::").skip(1));
    names
        .map(|rest| rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect())
        .collect()
}

#[test]
fn a_room_uses_only_rooms_of_its_own_row_or_below_it() {
    let rows = rows();
    let library = std::fs::read_to_string(root().join("src/lib.rs")).unwrap();
    let modules =
        library.lines().filter_map(|line| line.trim_start_matches("pub ").strip_prefix("mod "));
    let rooms: Vec<&str> = modules
        .map(|name| name.trim_end_matches(';'))
        .filter(|name| !OTHERS.contains(name))
        .collect();
    assert_eq!(
        rooms.iter().copied().collect::<std::collections::BTreeSet<_>>(),
        rows.keys().map(String::as_str).collect()
    );
    let mut wrong = Vec::new();
    for room in rooms {
        for file in files_of(room) {
            for name in used(&std::fs::read_to_string(&file).unwrap()) {
                // What stands at the root, as `crate::Connection`, is the facade's.
                let target = if rows.contains_key(&name) { name.as_str() } else { "engine" };
                if rows[target] < rows[room] {
                    wrong.push(format!("{}: {room} uses crate::{name}", file.display()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_plan_and_a_declaration_are_made_without_the_store() {
    for file in ["plan", "declare"].into_iter().flat_map(files_of) {
        let used = used(&std::fs::read_to_string(&file).unwrap());
        assert!(!used.iter().any(|name| name == "store"), "{}", file.display());
    }
}
