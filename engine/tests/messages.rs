//! Every host sees the engine's messages, so no message names a command line.

#![allow(clippy::disallowed_methods, reason = "tests use the disk, threads and tasks")]
#![allow(clippy::unwrap_used, reason = "a test stops when something does not hold")]

use std::path::{Path, PathBuf};

fn sources(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
}

/// A flag such as `--force`, or a command such as `atsync pull` between backticks.
fn names_a_command(line: &str) -> bool {
    let flag = line.match_indices("--").any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + 2..].chars().next();
        before.is_none_or(|c| " `(\"".contains(c)) && after.is_some_and(|c| c.is_ascii_lowercase())
    });
    flag || line.contains("`atsync ")
}

#[test]
fn no_message_of_the_engine_points_to_a_command() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    for room in ["src", "model/src", "../adapters/greenhouse/src", "../adapters/sdk/src"] {
        sources(&root.join(room), &mut files);
    }
    assert!(files.len() > 100);
    let mut found = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        for (number, line) in text.lines().enumerate() {
            if !line.trim_start().starts_with("//") && names_a_command(line) {
                found.push(format!("{}:{}: {}", file.display(), number + 1, line.trim()));
            }
        }
    }
    assert!(found.is_empty(), "name the library's function instead:\n{}", found.join("\n"));
}
