//! The schema of a sandbox as data is that of the types, and the README has every member.

use atsync_conformance::sandbox_schema;
use serde_json::Value;

/// `ATSYNC_WRITE=1 cargo test --workspace --test conformance` writes the file.
#[test]
fn the_published_schema_of_a_sandbox_is_that_of_the_types() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../adapters/conformance/sandbox.schema.json");
    let wanted = format!("{:#}\n", sandbox_schema());
    if std::env::var_os("ATSYNC_WRITE").is_some() {
        std::fs::write(path, &wanted).unwrap();
    }
    let kept = std::fs::read_to_string(path).unwrap_or_default();
    assert!(kept == wanted, "set ATSYNC_WRITE=1 to write {path}");
}

/// The members of a type of the schema; of the file itself without a name.
fn members(schema: &Value, of: Option<&str>) -> Vec<String> {
    let at = of.map_or(schema, |name| &schema["$defs"][name]);
    at["properties"].as_object().unwrap().keys().cloned().collect()
}

#[test]
fn the_readme_has_a_row_for_each_member_of_a_sandbox() {
    let readme = include_str!("../../adapters/conformance/README.md");
    let schema = sandbox_schema();
    for (of, heading) in [
        (None, "| member of the file | |"),
        (Some("Resource"), "| member of a resource | |"),
        (Some("Create"), "| member of `create` | |"),
    ] {
        let (_, table) = readme.split_once(heading).unwrap_or_else(|| panic!("no {heading}"));
        let rows: Vec<&str> = table.trim_start().lines().take_while(|l| !l.is_empty()).collect();
        let mut named: Vec<&str> = rows
            .iter()
            .filter_map(|row| row.split('|').nth(1))
            .flat_map(|cell| cell.split('`').skip(1).step_by(2))
            .collect();
        named.sort_unstable();
        let mut known = members(&schema, of);
        known.sort_unstable();
        assert_eq!(named, known, "{heading}");
    }
}
