//! The pages of the documentation, compared with what plans do.

use crate::candidates::{account, candidate, definition};
use crate::read;
use atsync::model::desired::Policy;
use proptest::prelude::*;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};

/// Reads the page for adapter authors: operation, and the members of its input.
fn documented() -> BTreeMap<String, String> {
    let page = include_str!("../../wit/operations.md");
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `"));
    rows.map(|row| {
        let mut cells = row.split('|');
        (
            cells.next().unwrap().trim().trim_end_matches('`').to_owned(),
            cells.nth(1).unwrap().to_owned(),
        )
    })
    .collect()
}

proptest! {
    #[test]
    fn the_page_for_adapter_authors_lists_every_planned_operation_and_member(
        tiny in account(), candidate in candidate(), definition in definition()) {
        let documented = documented();
        let mut tiny = tiny;
        for desired in [read(&[&candidate, &definition]), read(&[&candidate, &definition])] {
            let run = tiny.plan(&desired);
            for step in run.steps() {
                let row = documented.get(&step.operation);
                prop_assert!(row.is_some(), "{} is not on the page", step.operation);
                for member in step.input.keys() {
                    prop_assert!(row.unwrap().contains(&format!("`{member}")), "{}: {member}",
                        step.operation);
                }
            }
            tiny.carry_out(&run);
        }
    }
}

#[test]
fn the_page_for_adapter_authors_lists_every_operation_that_the_planner_names() {
    let documented: BTreeSet<String> = documented().into_keys().collect();
    let table = atsync::model::declarable::DECLARABLE;
    let mut named: BTreeSet<String> = table.iter().flat_map(|of| of.operations()).collect();
    for file in
        std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../engine/src/plan")).unwrap()
    {
        let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
        let calls = text.split(".operation(").skip(1);
        let calls = calls.filter_map(|call| call.split(')').next()?.split('"').nth(1));
        named.extend(
            calls.filter(|word| word.contains('.') && !word.contains(' ')).map(str::to_owned),
        );
    }
    assert_eq!(documented, named);
}

#[test]
fn the_documented_default_policies_are_those_of_the_code() {
    use atsync::internals::plan::defaults::{rows, word};
    let rows: Vec<String> = rows()
        .map(|(of, row)| {
            let fields: Vec<String> = row.fields.iter().map(|field| format!("`{field}`")).collect();
            format!("| {} of {} | {} |", fields.join(", "), of.a_noun(), word(row.policy))
        })
        .collect();
    for (name, page) in [
        ("README.md", include_str!("../../README.md")),
        ("engine/src/plan/mod.rs", include_str!("../../engine/src/plan/mod.rs")),
    ] {
        let lines = page.lines().map(|line| line.trim_start_matches("//! "));
        let table = lines.skip_while(|line| *line != "| field | policy |").skip(2);
        let table: Vec<&str> = table.take_while(|line| line.starts_with('|')).collect();
        assert_eq!(table, rows, "{name}");
    }
}

#[test]
fn the_generated_policies_are_all_policies() {
    for word in ["enforce", "yield", "seed", "fill"] {
        assert!(serde_json::from_value::<Policy>(json!(word)).is_ok());
    }
}
