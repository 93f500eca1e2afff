//! Only the files that own the disk, processes, threads, tasks and timers use them; everything else
//! goes through a trait or through these files.
//!
//! Two checks hold this law. `engine/clippy.toml` bans the calls by their resolved names, methods
//! of a path and renamed imports included, and an owner expects the lint at its top. The table here
//! says which files may own what, and finds each use of these modules, also of items that no ban
//! names. An entry fails if its file no longer uses the module, so that the table stays true; and a
//! file outside the table may not expect the lint.

use crate::tokens::{sources, tokens, tree};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// The first names of each escape, and the files of the engine that may use it.
const OWNED: &[(&str, &[&str])] = &[
    (
        "std::fs",
        &[
            "adapter/host/kept",
            "adapter/host/load",
            "secret/reference",
            "store/redb/backup",
            "store/redb/compact",
            "store/redb/files",
            "store/redb/held",
            "store/redb/inspect",
            "store/redb/open",
            "store/redb/within",
        ],
    ),
    (
        "std::process",
        &["adapter/host/compiler", "adapter/host/kept", "secret/command", "store/redb/files"],
    ),
    (
        "std::thread",
        &[
            "adapter/host/compiler",
            "adapter/host/places",
            "adapter/host/ticker",
            "clock",
            "store/redb/writer",
        ],
    ),
    ("tokio::fs", &[]),
    ("tokio::process", &["secret/command"]),
    (
        "tokio::runtime",
        &["reconcile/requests/calls", "runtime", "store/redb/writer", "transport/detached"],
    ),
    ("tokio::spawn", &[]),
    (
        "tokio::task",
        &["schedule/several", "secret/reference", "store/postgres/renewal", "store/redb"],
    ),
    ("tokio::time", &["clock", "store/redb/writer"]),
    ("spawn_blocking", &["reconcile/requests/calls", "secret/reference", "store/redb"]),
];

/// The paths of a file's code: those that it imports and those that it spells out.
fn paths(tokens: &[String]) -> Vec<String> {
    let mut paths = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        if token == "use" {
            let end = tokens[at..].iter().position(|token| token == ";").unwrap_or(0);
            let mut found = Vec::new();
            tree(&tokens[at + 1..at + end], &[], &mut found);
            paths.extend(found.into_iter().map(|(path, _)| path.join("::")));
        } else if token == "spawn_blocking" {
            // A method of a runtime or of its handle.
            paths.push(token.clone());
        } else if matches!(token.as_str(), "std" | "tokio") {
            paths.push(tokens[at..].iter().take(5).map(String::as_str).collect());
        }
    }
    paths
}

#[test]
fn the_disk_threads_tasks_and_timers_are_used_only_by_the_files_that_own_them() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = BTreeMap::new();
    sources(&root, &root, &mut files);
    let mut found = BTreeSet::new();
    for (module, text) in &files {
        for path in paths(&tokens(text)) {
            for (way, _) in OWNED {
                let rest = path.strip_prefix(way);
                if rest.is_some_and(|rest| rest.is_empty() || rest.starts_with("::")) {
                    found.insert((*way, module.join("/")));
                }
            }
        }
    }
    let owned: BTreeSet<(&str, String)> = OWNED
        .iter()
        .flat_map(|(way, files)| files.iter().map(|file| (*way, (*file).to_owned())))
        .collect();
    let strange: Vec<_> = found.difference(&owned).collect();
    let unused: Vec<_> = owned.difference(&found).collect();
    assert!(
        strange.is_empty() && unused.is_empty(),
        "used elsewhere: {strange:#?}\nlisted, but not used: {unused:#?}"
    );
}

/// The lint, as an owner expects it at its top.
const EXPECTED: &str = "#![expect(clippy::disallowed_methods";

#[test]
fn clippy_lets_through_only_the_files_of_the_table() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = BTreeMap::new();
    sources(&root, &root, &mut files);
    let through: BTreeSet<String> = files
        .iter()
        .filter(|(_, text)| text.contains(EXPECTED))
        .map(|(module, _)| module.join("/"))
        .collect();
    let owned: BTreeSet<String> =
        OWNED.iter().flat_map(|(_, files)| files.iter().map(|file| (*file).to_owned())).collect();
    let strange: Vec<&String> = through.difference(&owned).collect();
    assert!(!through.is_empty() && strange.is_empty(), "list them in OWNED: {strange:#?}");
}

/// Clippy reads only the nearest file.
#[test]
fn the_engines_lints_are_those_of_the_workspace_and_more() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |path: &str| std::fs::read_to_string(root.join(path)).unwrap();
    let (engine, workspace) = (read("clippy.toml"), read("../clippy.toml"));
    let lines = workspace.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let lacking: Vec<&str> = lines.filter(|line| !engine.lines().any(|own| own == *line)).collect();
    assert!(lacking.is_empty(), "engine/clippy.toml lacks {lacking:#?}");
}

#[test]
fn an_escape_is_found_in_a_use_tree_and_in_a_path_and_nowhere_else() {
    let seen = |text: &str| paths(&tokens(text));
    assert!(seen("use std::{fs, io};").contains(&"std::fs".to_owned()));
    assert!(seen("fn f() { std::fs::read(x) }").iter().any(|path| path.starts_with("std::fs::")));
    assert!(seen("// std::fs::read\nfn f() { g(\"std::fs\") }").is_empty());
}
