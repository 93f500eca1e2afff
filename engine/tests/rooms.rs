//! The maps in ARCHITECTURE.md are true: a room uses only rooms of its own row or below it, and a
//! part of `reconcile` uses only parts below its row.

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

/// The entries of the table with this head, each with its row.
fn rows(head: &str) -> BTreeMap<String, usize> {
    let text = std::fs::read_to_string(root().join("../ARCHITECTURE.md")).unwrap();
    let (_, table) = text.split_once(head).unwrap();
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

/// The names after `crate::` in code outside of tests.
fn used(text: &str) -> Vec<String> {
    after(text, "crate::")
}

/// The names after a prefix in code outside of tests.
fn after(text: &str, prefix: &str) -> Vec<String> {
    let code = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
    let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
    let names = lines.flat_map(|line| line.split(prefix).skip(1));
    names
        .map(|rest| rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect())
        .collect()
}

#[test]
fn a_room_uses_only_rooms_of_its_own_row_or_below_it() {
    let rows = rows("| room | what it does |");
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
                // Names at the root, such as `crate::Connection`, belong to the facade.
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

/// The modules that a file declares, without its tests.
fn modules(file: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(file).unwrap();
    let declared = text.lines().filter_map(|line| {
        let line = line.trim_start_matches("pub(crate) ").trim_start_matches("pub ");
        line.strip_prefix("mod ")?.strip_suffix(';').map(str::to_owned)
    });
    declared.filter(|name| name != "tests").collect()
}

#[test]
fn a_part_of_reconciling_uses_only_parts_below_it() {
    let rows = rows("| part | what it does |");
    let parts = modules(&root().join("src/reconcile/mod.rs"));
    assert_eq!(
        parts.iter().collect::<std::collections::BTreeSet<_>>(),
        rows.keys().collect::<std::collections::BTreeSet<_>>()
    );
    let mut wrong = Vec::new();
    for part in &parts {
        for file in files_of(&format!("reconcile/{part}")) {
            let text = std::fs::read_to_string(&file).unwrap();
            let mut used = after(&text, "crate::reconcile::");
            // The parent of a part's first file is `reconcile`; the parent of its other files is
            // the part.
            if file.ends_with("mod.rs") || file.ends_with(format!("reconcile/{part}.rs")) {
                used.extend(after(&text, "super::"));
            } else {
                used.extend(after(&text, "super::super::"));
            }
            for name in used.iter().filter(|name| *name != part && *name != "super") {
                // Code at the room's root is the assembly, above all parts.
                if rows.get(name).is_none_or(|row| *row <= rows[part]) {
                    wrong.push(format!("{}: {part} uses {name}", file.display()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The fields of the struct that a text declares under a name.
fn fields(text: &str, name: &str) -> Vec<String> {
    let Some((_, rest)) = text.split_once(&format!("pub(crate) struct {name} {{")) else {
        return Vec::new();
    };
    let body = rest.split("\n}").next().unwrap_or_default();
    let lines = body.lines().map(str::trim).filter(|line| !line.starts_with("//"));
    lines.filter(|line| line.ends_with(',')).map(str::to_owned).collect()
}

#[test]
fn no_part_of_reconciling_shows_its_fields() {
    let assembly = std::fs::read_to_string(root().join("src/reconcile/mod.rs")).unwrap();
    let (_, made) = assembly.split_once("pub(crate) fn new(").unwrap();
    let types = made.split("::new(").filter_map(|before| {
        before.rsplit(|c: char| !c.is_alphanumeric()).next().filter(|name| !name.is_empty())
    });
    let types: std::collections::BTreeSet<&str> =
        types.filter(|name| !matches!(*name, "Arc" | "Context")).collect();
    let mut texts = Vec::new();
    for part in modules(&root().join("src/reconcile/mod.rs")) {
        texts.extend(
            files_of(&format!("reconcile/{part}"))
                .iter()
                .map(|file| std::fs::read_to_string(file).unwrap()),
        );
    }
    for name in types {
        let fields: Vec<String> = texts.iter().flat_map(|text| fields(text, name)).collect();
        assert!(!fields.is_empty(), "{name}");
        let shown: Vec<_> = fields.iter().filter(|field| field.starts_with("pub")).collect();
        assert!(shown.is_empty(), "{name}: {shown:?}");
    }
}
