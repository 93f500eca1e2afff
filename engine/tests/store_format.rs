//! `docs/store-format.md` describes the file that the code writes.

#![allow(clippy::disallowed_methods, reason = "tests use the disk, threads and tasks")]
#![allow(clippy::unwrap_used, reason = "a test stops when something does not hold")]

use std::collections::BTreeSet;
use std::path::Path;

fn read(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// The names in the first column of the document's table with this heading.
fn listed(document: &str, heading: &str) -> Vec<String> {
    let (_, table) = document.split_once(heading).unwrap();
    let rows = table.lines().skip(2).take_while(|line| line.starts_with('|'));
    rows.map(|row| row.split('|').nth(1).unwrap().trim().trim_matches('`').to_owned()).collect()
}

#[test]
fn the_document_lists_the_tables_of_the_file() {
    let documented = listed(&read("../docs/store-format.md"), "| table | key | value | holds |");
    let code = read("src/store/redb/tables.rs");
    let names = code.split("TableDefinition::new(\"").skip(1);
    let defined: Vec<String> =
        names.map(|rest| rest.split('"').next().unwrap().to_owned()).collect();
    assert!(defined.len() >= 20, "{defined:?}");
    assert_eq!(documented, defined, "docs/store-format.md lists other tables, or in another order");
}

#[test]
fn a_new_file_has_the_tables_of_the_document() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store.redb");
    let options = atsync::internals::store::redb::RedbOptions::default();
    drop(
        atsync::internals::store::redb::RedbStore::open(&path, options, &atsync::SystemEntropy)
            .unwrap(),
    );
    let database = atsync::internals::store::redb::foreign::database(&path).unwrap();
    let made = redb::ReadableDatabase::begin_read(&database).unwrap();
    let made: BTreeSet<String> =
        made.list_tables().unwrap().map(|t| redb::TableHandle::name(&t).to_owned()).collect();
    let documented = listed(&read("../docs/store-format.md"), "| table | key | value | holds |");
    assert_eq!(made, documented.into_iter().collect());
}

#[test]
fn the_document_states_the_limits_of_the_code() {
    use atsync::internals::store::limits::*;
    let document = read("../docs/store-format.md");
    let (_, table) = document.split_once("| what | at most |").unwrap();
    let said: Vec<&str> = table
        .lines()
        .skip(2)
        .take_while(|line| line.starts_with('|'))
        .map(|row| row.split('|').nth(2).unwrap().trim())
        .collect();
    let grouped = |number: usize| {
        let digits = number.to_string();
        let mut grouped = String::new();
        for (at, digit) in digits.chars().enumerate() {
            if at > 0 && (digits.len() - at).is_multiple_of(3) {
                grouped.push(',');
            }
            grouped.push(digit);
        }
        grouped
    };
    let coded = [
        format!("{KEY_BYTES_MAX} bytes"),
        format!("{} MiB", RECORD_BYTES_MAX / 1024 / 1024),
        grouped(PAGE_RECORDS_MAX),
        grouped(DECLARATION_RECORDS_MAX),
        grouped(PROBLEMS_MAX),
        format!("{} KiB", NOTE_BYTES_MAX / 1024),
        grouped(NOTES_MAX),
        grouped(READ_ROWS_MAX),
    ];
    assert_eq!(said, coded);
}
