//! The contract keeps its promises (`wit/README.md`): what was released stays as it was, and the
//! working copy is compatible with it as far as its version number says.
//!
//! Method: two worlds are compatible when a component of each fits where the other is expected,
//! which wit-component's own check of one direction decides. It allows fewer exports, so it runs
//! both ways. The same function then judges changes that must be refused, and ones that must not.

#![allow(clippy::disallowed_methods, reason = "tests use the disk")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests fail like tests"
)]

use sha2::Digest as _;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use wit_parser::{Resolve, WorldId};

/// The line of a contract that has its version.
const PACKAGE: &str = "package ats:adapter@";
const WORLD: &str = "ats-adapter";

/// A version: major, minor, patch.
type Version = (u64, u64, u64);

fn wit() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../wit")
}

fn text(path: &str) -> String {
    std::fs::read_to_string(wit().join(path)).unwrap_or_else(|error| panic!("wit/{path}: {error}"))
}

fn version(text: &str) -> Option<Version> {
    let mut parts = text.split('.').map(|part| part.parse::<u64>().ok());
    let found = (parts.next()??, parts.next()??, parts.next()??);
    parts.next().is_none().then_some(found)
}

fn version_of(contract: &str) -> &str {
    let line = contract.lines().find_map(|line| line.strip_prefix(PACKAGE)).unwrap_or_default();
    line.trim_end_matches(';')
}

/// What a version stays compatible with: before 1.0 the versions of its minor number.
fn series(of: Version) -> (u64, u64) {
    if of.0 == 0 { (0, of.1) } else { (of.0, 0) }
}

/// The released versions with the names of their folders.
fn released() -> BTreeMap<Version, String> {
    let names = std::fs::read_dir(wit()).unwrap().map(|entry| entry.unwrap().file_name());
    let names = names.map(|name| name.into_string().unwrap());
    names.filter_map(|name| Some((version(&name)?, name))).collect()
}

fn newest() -> String {
    released().pop_last().expect("no version of the contract is frozen").1
}

/// Reads a contract under a version of its own, since two packages of one name must differ. One
/// that cannot be read ends the test: it must not pass for an incompatible one.
fn read(resolve: &mut Resolve, contract: &str, version: &str) -> WorldId {
    let line = format!("{PACKAGE}{};", version_of(contract));
    let text = contract.replacen(&line, &format!("{PACKAGE}{version};"), 1);
    let package = resolve.push_str("adapter.wit", &text);
    let world = package.and_then(|package| resolve.select_world(&[package], Some(WORLD)));
    world.unwrap_or_else(|error| panic!("{line} cannot be read: {error:#}"))
}

/// Whether a component of the world `from` fits where one of `to` is expected.
fn fits(from: &str, to: &str) -> Result<(), String> {
    let mut resolve = Resolve::default();
    let (from, to) = (read(&mut resolve, from, "0.0.1"), read(&mut resolve, to, "0.0.2"));
    wit_component::semver_check(resolve, from, to).map_err(|error| format!("{error:#}"))
}

/// What is wrong with a contract whose last released version is the other text.
fn fault(released: &str, working: &str) -> Option<String> {
    let (old, new) = (version_of(released), version_of(working));
    let (Some(from), Some(to)) = (version(old), version(new)) else {
        return Some(format!("the version {new:?} is no version like 0.1.0"));
    };
    if to < from {
        return Some(format!("{new} is older than {old}, which was released"));
    }
    if to == from {
        let same = released == working;
        return (!same).then(|| {
            format!(
                "it differs from wit/{old}/adapter.wit, and names the same version. Take the \
                 change back, or begin a new version (wit/README.md); if {old} was not \
                 published yet, freeze it again: just freeze-contract"
            )
        });
    }
    if series(to) != series(from) {
        return None;
    }
    let broken = fits(released, working).err().or_else(|| fits(working, released).err())?;
    Some(format!(
        "a component of {old} does not fit {new}, or the other way round. Take the change back, \
         put it into a new interface, or begin a version that breaks (wit/README.md): {broken}"
    ))
}

#[test]
fn what_was_released_stays_as_it_was() {
    let sums = text("SHA256SUMS");
    let sums: BTreeMap<&str, &str> = sums
        .lines()
        .map(|line| line.split_once("  ").expect("a line is a sum, two blanks and a path"))
        .map(|(sum, path)| (path, sum))
        .collect();
    let mut files = BTreeSet::new();
    for folder in released().values() {
        for entry in std::fs::read_dir(wit().join(folder)).unwrap() {
            files.insert(format!("{folder}/{}", entry.unwrap().file_name().display()));
        }
    }
    let listed: BTreeSet<String> = sums.keys().map(|path| (*path).to_owned()).collect();
    assert_eq!(
        files, listed,
        "the files of the released versions are not those of wit/SHA256SUMS: a released version \
         keeps its files, and a new one is added by: just freeze-contract"
    );
    for (path, sum) in sums {
        let found = sha2::Sha256::digest(std::fs::read(wit().join(path)).unwrap());
        let found: String = found.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(
            found, sum,
            "wit/{path} was changed after its release, and adapters count on it. Take the change \
             back; what is new belongs into wit/, under a new version (wit/README.md)"
        );
    }
}

#[test]
fn a_folder_has_the_version_that_it_is_named_after() {
    for folder in released().into_values() {
        assert_eq!(version_of(&text(&format!("{folder}/adapter.wit"))), folder);
    }
}

#[test]
fn the_working_copy_is_as_compatible_as_its_version_says() {
    let released = text(&format!("{}/adapter.wit", newest()));
    if let Some(fault) = fault(&released, &text("adapter.wit")) {
        panic!("wit/adapter.wit: {fault}");
    }
}

/// A released version of a series is compatible with the ones before it.
#[test]
fn released_versions_of_a_series_are_compatible() {
    let all: Vec<String> = released().into_values().collect();
    for (one, next) in all.iter().zip(all.iter().skip(1)) {
        let [one, next] = [one, next].map(|folder| text(&format!("{folder}/adapter.wit")));
        assert_eq!(fault(&one, &next), None);
    }
}

/// The contract with a change: a place that occurs once, and what stands there instead.
fn changed(contract: &str, from: &str, to: &str) -> String {
    assert_eq!(contract.matches(from).count(), 1, "{from:?} is no single place of the contract");
    contract.replacen(from, to, 1)
}

/// The same contract under the version that follows.
fn next(contract: &str, next: impl Fn(Version) -> Version) -> String {
    let old = version_of(contract);
    let (major, minor, patch) = next(version(old).unwrap());
    let line = format!("{PACKAGE}{major}.{minor}.{patch};");
    changed(contract, &format!("{PACKAGE}{old};"), &line)
}

const BREAKING: &[(&str, &str, &str)] = &[
    ("a member more", "text: string,\n", "text: string,\n        more: bool,\n"),
    ("a member less", "        fingerprint: string,\n", ""),
    ("a member renamed", "fingerprint: string", "digest: string"),
    ("a member of another type", "time-ms: u64", "time-ms: u32"),
    ("a member that may be missing", "fingerprint: string", "fingerprint: option<string>"),
    (
        "a case more in a variant",
        "registration(registration),\n",
        "registration(registration),\n        more,\n",
    ),
    ("a case less in a variant", "        bug(string),\n", ""),
    ("a case more in an enum", "        base64,\n", "        base64,\n        base32,\n"),
    ("a function less", "    describe: func() -> manifest;\n", ""),
    ("a function more", "    describe:", "    version: func() -> string;\n\n    describe:"),
    ("a function with another parameter", "resume: func(state: continuation, ", "resume: func("),
    (
        "a function with another result",
        "describe: func() -> manifest",
        "describe: func() -> list<u8>",
    ),
    (
        "a type more in the interface",
        "    describe:",
        "    record more { text: string }\n\n    describe:",
    ),
    (
        "a world with an import",
        "    export adapter;",
        "    import now: func() -> u64;\n    export adapter;",
    ),
    (
        "a world with another export",
        "    export adapter;",
        "    export adapter;\n    export now: func() -> u64;",
    ),
    ("a world without its export", "    export adapter;\n", ""),
];

/// What a version of the same series may bring: words, and what stands beside.
const ADDITIONS: &[(&str, &str, &str)] = &[
    ("nothing", "\nworld ", "\nworld "),
    ("clearer words", "/// An adapter. It imports nothing.", "/// An adapter, without imports."),
    ("an interface beside", "\nworld ats-adapter", MORE),
];

const MORE: &str = "
interface batch {
    use adapter.{task, given};
    record tasks { all: list<task> }
    start-all: func(tasks: tasks, given: given) -> list<string>;
}

world ats-batch-adapter {
    include ats-adapter;
    export batch;
}

world ats-adapter";

#[test]
fn a_change_that_breaks_is_refused_within_a_series_and_allowed_in_the_next() {
    let contract = text(&format!("{}/adapter.wit", newest()));
    for (what, from, to) in BREAKING {
        let broken = changed(&contract, from, to);
        let within = next(&broken, |(major, minor, patch)| (major, minor, patch + 1));
        let found = fault(&contract, &within).unwrap_or_else(|| panic!("{what} is accepted"));
        assert!(found.contains("does not fit"), "{what}: {found}");
        let breaking = next(&broken, |(major, minor, _)| match major {
            0 => (0, minor + 1, 0),
            _ => (major + 1, 0, 0),
        });
        assert_eq!(fault(&contract, &breaking), None, "{what}");
    }
}

#[test]
fn an_addition_is_accepted_under_a_new_version_alone() {
    let contract = text(&format!("{}/adapter.wit", newest()));
    for (what, from, to) in ADDITIONS {
        let added = changed(&contract, from, to);
        let within = next(&added, |(major, minor, patch)| (major, minor, patch + 1));
        assert_eq!(fault(&contract, &within), None, "{what}");
        if added != contract {
            let found = fault(&contract, &added).unwrap_or_else(|| panic!("{what} is accepted"));
            assert!(found.contains("names the same version"), "{what}: {found}");
        }
        // The one that is older is not released after the newer one.
        let found = fault(&within, &contract).unwrap_or_else(|| panic!("{what} is accepted"));
        assert!(found.contains("is older than"), "{what}: {found}");
    }
}

/// The operations of a page, with the words in code of their line: members of the input, roles.
fn operations(page: &str) -> BTreeMap<String, BTreeSet<String>> {
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `"));
    rows.filter_map(|row| row.split_once('`'))
        .map(|(name, row)| {
            let code = row.split('`').skip(1).step_by(2);
            let words =
                code.flat_map(|code| code.split(|c: char| !c.is_alphanumeric() && c != '_'));
            (name.to_owned(), words.filter(|word| !word.is_empty()).map(str::to_owned).collect())
        })
        .collect()
}

/// The operations and the members of their input that the second page lacks.
fn lost(released: &str, working: &str) -> Vec<String> {
    let working = operations(working);
    let mut lost = Vec::new();
    for (name, members) in operations(released) {
        match working.get(&name) {
            None => lost.push(name),
            Some(there) => {
                lost.extend(members.difference(there).map(|member| format!("{name}: {member}")));
            }
        }
    }
    lost
}

#[test]
fn operations_and_their_members_stay_within_a_series() {
    let folder = newest();
    let same = |one: &str, other: &str| version(one).map(series) == version(other).map(series);
    let (page, working) = (text(&format!("{folder}/operations.md")), text("operations.md"));
    assert!(operations(&page).len() > 20, "the table of operations cannot be read");
    if same(&folder, version_of(&text("adapter.wit"))) {
        let lost = lost(&page, &working);
        assert!(lost.is_empty(), "wit/operations.md lacks what adapters of {folder} get: {lost:?}");
    }
    let without = page.replace("`to_stage`, ", "").replace("| `users.create` ", "| `users.add` ");
    assert_eq!(lost(&page, &without), ["applications.move: to_stage", "users.create"]);
    assert!(lost(&page, &format!("{page}| `more.create` | | `name` | |\n")).is_empty());
}
