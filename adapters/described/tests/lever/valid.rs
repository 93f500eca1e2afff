//! The file itself.

use super::support::DESCRIPTION;
use atsync_described::{baked, read, schema, validate};

#[test]
fn the_description_has_no_mistakes_and_no_escapes() {
    let read = read(DESCRIPTION).unwrap_or_else(|error| panic!("{error}"));
    validate(&read).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(read.description.escapes, Vec::<String>::new());
}

#[test]
fn the_same_description_is_baked_to_the_same_bytes_and_json_is_read_as_yaml_is() {
    let from_yaml = read(DESCRIPTION).unwrap().description;
    let json = serde_json::to_string_pretty(&from_yaml).unwrap();
    let from_json = read(&json).unwrap_or_else(|error| panic!("{error}")).description;
    assert_eq!(from_yaml, from_json);
    assert_eq!(baked(&from_yaml).unwrap(), baked(&from_json).unwrap());
}

/// `ATSYNC_WRITE=1 cargo test -p atsync-described --features host` writes the file.
#[test]
fn the_published_schema_is_that_of_the_types() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/description.schema.json");
    let wanted = format!("{:#}\n", schema());
    if std::env::var_os("ATSYNC_WRITE").is_some() {
        std::fs::write(path, &wanted).unwrap();
    }
    let kept = std::fs::read_to_string(path).unwrap_or_default();
    assert!(kept == wanted, "set ATSYNC_WRITE=1 to write {path}");
}
