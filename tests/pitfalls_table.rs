//! The table `pitfalls.md` is true: sixty entries, each with tests that exist or a reason, and it
//! names every law of `pitfalls/`.
//!
//! Method: the table and the sources are read as text. A test exists if its file has a function of
//! that name with a test attribute above it. If the folder of references is available, its entries
//! are counted too.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops when something does not hold"
)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The folder of each package that the table names, relative to this one.
const PACKAGES: [(&str, &str); 3] = [
    ("atsync-tests", "."),
    ("atsync", "../engine"),
    ("atsync-greenhouse", "../adapters/greenhouse"),
];
/// The first words of a valid reason: why the entry cannot concern us, or which later work covers
/// it.
const REASONS: [&str; 2] = ["Cannot concern us", "Later work"];

struct Row {
    number: usize,
    title: String,
    tests: Vec<String>,
    remark: String,
}

fn here() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn table() -> Vec<Row> {
    let text = read(&here().join("pitfalls.md"));
    let lines = text.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| #"));
    lines
        .map(|line| {
            let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
            assert_eq!(cells.len(), 4, "four cells: {line}");
            let tests = cells[2].split("<br>").filter(|test| !test.is_empty());
            Row {
                number: cells[0].parse().unwrap_or_else(|error| panic!("{error}: {line}")),
                title: cells[1].to_owned(),
                tests: tests.map(|test| test.trim_matches('`').to_owned()).collect(),
                remark: cells[3].to_owned(),
            }
        })
        .collect()
}

/// The names of the test functions of a source.
fn tests_in(source: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut is_test = false;
    for line in source.lines().map(str::trim) {
        if line.starts_with("#[test]") || line.starts_with("#[tokio::test") {
            is_test = true;
        } else if let Some(rest) = line.strip_prefix("fn ").or(line.strip_prefix("async fn ")) {
            if std::mem::take(&mut is_test) {
                found.insert(rest.split('(').next().unwrap_or_default().to_owned());
            }
        } else if !line.starts_with("#[") && !line.starts_with("//") {
            is_test = false;
        }
    }
    found
}

#[test]
fn the_table_has_each_of_the_sixty_entries_once_and_in_order() {
    let numbers: Vec<usize> = table().iter().map(|row| row.number).collect();
    assert_eq!(numbers, (1..=60).collect::<Vec<_>>());
}

#[test]
fn every_entry_names_a_test_or_says_why_there_is_none() {
    for row in table() {
        assert!(row.title.len() > 5, "{} has no title", row.number);
        if row.tests.is_empty() {
            assert!(
                REASONS.iter().any(|reason| row.remark.starts_with(reason)),
                "{} has no reason",
                row.number
            );
            assert!(row.remark.len() > 40, "{} has a short reason", row.number);
        }
    }
}

#[test]
fn every_test_that_the_table_names_exists() {
    for row in table() {
        for test in &row.tests {
            let parts: Vec<&str> = test.split("::").collect();
            let [package, file, name] = parts.as_slice() else {
                panic!("{}: {test} is not package::file::name", row.number)
            };
            let folder = PACKAGES.iter().find(|(known, _)| known == package);
            let (_, folder) =
                folder.unwrap_or_else(|| panic!("{}: no package {package}", row.number));
            let source = read(&here().join(folder).join(file));
            assert!(tests_in(&source).contains(*name), "{}: {file} has no test {name}", row.number);
        }
    }
}

#[test]
fn every_law_of_the_pitfalls_is_named_in_the_table() {
    let named: BTreeSet<String> = table().into_iter().flat_map(|row| row.tests).collect();
    let mut laws = 0;
    for entry in std::fs::read_dir(here().join("pitfalls")).unwrap() {
        let path = entry.unwrap().path();
        let file = path.file_name().unwrap().to_string_lossy().into_owned();
        for name in tests_in(&read(&path)) {
            let law = format!("atsync-tests::pitfalls/{file}::{name}");
            assert!(named.contains(&law), "{law} is in no row");
            laws += 1;
        }
    }
    assert!(laws > 50, "only {laws} laws were found");
}

#[test]
fn the_reference_has_as_many_entries_as_the_table() {
    let path = here().join("../../shared/greenhouse/pitfalls.md");
    if !path.exists() {
        println!("{} is not there; nothing to compare with", path.display());
        return;
    }
    let text = read(&path);
    let entries = text.lines().filter(|line| {
        line.split_once(". **").is_some_and(|(number, _)| number.parse::<usize>().is_ok())
    });
    assert_eq!(entries.count(), table().len());
}
