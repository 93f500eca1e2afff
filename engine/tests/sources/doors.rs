//! The disk, threads, tasks and timers are used only in the files that own them; everything else
//! goes through a trait or through these files.
//!
//! A table and not `clippy.toml`, whose bans are for the whole workspace: tests and the sandbox may
//! use all of them. An entry whose file uses it no longer fails, so that the table stays true.

use crate::tokens::{sources, tokens, tree};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Where a way out begins, and the files of the engine that may take it.
const OWNED: &[(&str, &[&str])] = &[
    (
        "std::fs",
        &[
            "adapter/host/kept",
            "adapter/host/load",
            "secret/reference",
            "store/redb/compact",
            "store/redb/files",
            "store/redb/held",
            "store/redb/open",
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
    ("tokio::runtime", &["reconcile/requests/calls", "runtime"]),
    ("tokio::spawn", &[]),
    ("tokio::task", &["schedule/several", "secret/reference", "store/redb"]),
    ("tokio::time", &["clock"]),
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
            // A method, of a runtime or its handle.
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
    let gone: Vec<_> = owned.difference(&found).collect();
    assert!(
        strange.is_empty() && gone.is_empty(),
        "used elsewhere: {strange:#?}\nlisted, but not used: {gone:#?}"
    );
}

#[test]
fn a_way_out_is_seen_in_a_use_tree_in_a_path_and_nowhere_else() {
    let seen = |text: &str| paths(&tokens(text));
    assert!(seen("use std::{fs, io};").contains(&"std::fs".to_owned()));
    assert!(seen("fn f() { std::fs::read(x) }").iter().any(|path| path.starts_with("std::fs::")));
    assert!(seen("// std::fs::read\nfn f() { g(\"std::fs\") }").is_empty());
}
