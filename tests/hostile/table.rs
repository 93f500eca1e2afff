//! README.md is complete: each attack of the list has tests that exist, and each guest, each attack
//! of the guest and each test here stands in it.

use super::*;
use std::collections::BTreeSet;

/// The attacks that the list must have, in its order.
const ATTACKS: [&str; 28] = [
    "spin",
    "recursion",
    "memory and table growth in many calls at once",
    "giant lists and strings",
    "bad UTF-8",
    "out-of-range pointers",
    "JSON depth and number bombs",
    "endless continuation",
    "second unsafe request",
    "unsafe in a read task",
    "absolute URL in a path",
    "foreign origin in a link",
    "userinfo in a link",
    "`//` in a path",
    "encoded `..`",
    "CRLF",
    "forbidden headers",
    "extra imports",
    "wrong version",
    "trap in describe",
    "trap after an answered write",
    "lying manifest",
    "ids of another connection",
    "cursor that never advances",
    "cursor that goes in circles",
    "`complete` on an empty first page",
    "compile-time bombs",
    "memory of another call",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The words between backticks.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// The rows of the table: the attack, what makes it, and the tests.
fn rows() -> Vec<[String; 3]> {
    let text = read(&root().join("tests/hostile/README.md"));
    let lines = text.lines().filter(|line| line.starts_with("| ")).skip(1);
    lines
        .map(|line| {
            let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
            let [attack, guests, tests] = cells[..] else { panic!("three cells: {line}") };
            [attack.to_owned(), guests.to_owned(), tests.to_owned()]
        })
        .collect()
}

/// The tests of a source file.
fn tests_in(source: &str) -> Vec<String> {
    let lines: Vec<&str> = source.lines().map(str::trim).collect();
    let tests = lines.windows(2).filter(|pair| pair[0] == "#[test]" || pair[0] == "#[tokio::test]");
    let names = tests.filter_map(|pair| pair[1].split_once("fn ")?.1.split('(').next());
    names.map(str::to_owned).collect()
}

#[test]
fn the_table_has_every_attack_of_the_list_once_and_in_order() {
    let attacks: Vec<String> = rows().into_iter().map(|[attack, _, _]| attack).collect();
    assert_eq!(attacks, ATTACKS);
}

#[test]
fn every_test_that_the_table_names_exists() {
    for [attack, _, tests] in rows() {
        let mut named = 0;
        for test in quoted(&tests) {
            let (file, name) = test.split_once("::").unwrap_or_else(|| panic!("{attack}: {test}"));
            let source = read(&root().join(file));
            assert!(tests_in(&source).iter().any(|found| found == name), "{attack}: {test}");
            named += 1;
        }
        assert!(named > 0, "{attack} has no test");
    }
}

#[test]
fn every_guest_every_attack_and_every_test_of_this_folder_stands_in_the_table() {
    let rows = rows();
    let guests: BTreeSet<&str> = rows.iter().flat_map(|row| quoted(&row[1])).collect();
    let tests: BTreeSet<&str> = rows.iter().flat_map(|row| quoted(&row[2])).collect();
    let here = root().join("tests/hostile");
    let mut known = BTreeSet::new();
    for entry in std::fs::read_dir(&here).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if name.ends_with(".wat") && name != "frame.wat" {
            known.insert(name);
        } else if name.ends_with(".rs") && name != "table.rs" {
            for test in tests_in(&read(&here.join(&name))) {
                let test = format!("tests/hostile/{name}::{test}");
                assert!(tests.contains(test.as_str()), "{test} is in no row");
            }
        }
    }
    // The guest's attacks are the texts that its code matches.
    for line in read(&here.join("guest/src/lib.rs")).lines().map(str::trim) {
        let Some((left, _)) = line.split_once(" => ") else { continue };
        if !left.starts_with(['"', '(']) {
            continue;
        }
        let texts = left.split('"').skip(1).step_by(2);
        known.extend(texts.map(str::to_owned));
    }
    assert!(known.len() > 50, "{known:?}");
    let unlisted: Vec<&String> =
        known.iter().filter(|name| !guests.contains(name.as_str())).collect();
    assert!(unlisted.is_empty(), "in no row: {unlisted:?}");
    let unknown: Vec<&&str> = guests.iter().filter(|name| !known.contains(**name)).collect();
    assert!(unknown.is_empty(), "there is no such guest or attack: {unknown:?}");
}
