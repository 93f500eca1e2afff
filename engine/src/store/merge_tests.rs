//! The laws of merging.

use super::{Difference, Held, Known, Merged, Seen, merge, object};
use serde_json::{Map, Value, json};

fn mask(names: &[&str]) -> Known {
    Known::of(&names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>()).unwrap()
}

fn map(value: Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

/// Merges; returns the known names, the body and the event, or none if nothing needs to be written.
fn merged(
    held: (&str, &[&str]),
    seen: (&str, &[&str]),
) -> Option<(Vec<String>, Value, Option<Difference>)> {
    let (known, mask) = (mask(held.1), mask(seen.1));
    let held = Held { version: None, known: known.text(), body: held.0, raw: None };
    match merge(Some(held), Seen { version: None, mask: &mask, body: seen.0, raw: None }).unwrap() {
        Merged::Same => None,
        Merged::Write { known, body, event, .. } => Some((
            known.names().map(str::to_owned).collect(),
            serde_json::from_str(&body).unwrap(),
            event,
        )),
    }
}

#[test]
fn equal_bytes_are_the_same_without_being_read() {
    assert_eq!(merged(("not even json", &["a"]), ("not even json", &["a"])), None);
}

#[test]
fn the_order_of_keys_and_white_space_make_no_event() {
    let (_, _, event) = merged(
        (r#"{"a":1,"b":{"x":1,"y":2}}"#, &["a", "b"]),
        (r#"{"b": {"y":2,"x":1}, "a":1}"#, &["a", "b"]),
    )
    .unwrap();
    assert_eq!(event, None);
}

#[test]
fn a_field_outside_the_mask_keeps_what_is_stored() {
    let (known, body, event) =
        merged((r#"{"a":1,"b":2}"#, &["a", "b", "z"]), (r#"{"a":3,"b":9}"#, &["a"])).unwrap();
    assert_eq!((known, body), (vec!["a".into(), "b".into(), "z".into()], json!({"a": 3, "b": 2})));
    assert_eq!(
        event,
        Some(Difference::Updated { before: map(json!({"a": 1})), after: map(json!({"a": 3})) })
    );
}

#[test]
fn a_field_in_the_mask_that_is_absent_is_known_to_be_empty() {
    let (_, body, event) =
        merged((r#"{"a":1,"b":2}"#, &["a", "b"]), (r#"{"b":2}"#, &["a"])).unwrap();
    assert_eq!(body, json!({"b": 2}));
    assert_eq!(
        event,
        Some(Difference::Updated { before: map(json!({"a": 1})), after: map(json!({"a": null})) })
    );
}

#[test]
fn null_and_absent_are_both_empty() {
    let (_, _, event) =
        merged((r#"{"a":1,"b":null}"#, &["a", "b"]), (r#"{"a":1}"#, &["a", "b"])).unwrap();
    assert_eq!(event, None);
}

#[test]
fn an_unknown_field_has_no_previous_value() {
    let (known, _, event) = merged((r#"{"a":1}"#, &["a"]), (r#"{"b":2}"#, &["b", "c"])).unwrap();
    assert_eq!(known, ["a", "b", "c"]);
    assert_eq!(
        event,
        Some(Difference::Updated { before: Map::new(), after: map(json!({"b": 2})) })
    );
}

#[test]
fn learning_that_a_field_is_empty_is_kept_and_makes_no_event() {
    let (known, _, event) = merged((r#"{"a":1}"#, &["a"]), (r#"{"a":1}"#, &["a", "b"])).unwrap();
    assert_eq!((known, event), (vec!["a".to_owned(), "b".to_owned()], None));
    assert_eq!(merged((r#"{"a":1}"#, &["a", "b"]), (r#"{"a":1}"#, &["a"])), None);
}

#[test]
fn a_new_record_keeps_only_what_its_mask_knows() {
    let mask = mask(&["a"]);
    let seen = Seen { version: Some("v"), mask: &mask, body: r#"{"a":1,"b":2}"#, raw: Some("{}") };
    let Merged::Write { body, event, raw, version, .. } = merge(None, seen).unwrap() else {
        panic!("a new record is written")
    };
    assert_eq!(object(&body).unwrap(), map(json!({"a": 1})));
    assert_eq!((event, raw, version), (Some(Difference::Created), Some("{}"), Some("v")));
}

#[test]
fn raw_stays_when_none_is_given() {
    let mask = mask(&["a"]);
    let held = Held { version: None, known: "a", body: r#"{"a":1}"#, raw: Some("old") };
    let seen = Seen { version: None, mask: &mask, body: r#"{"a":1}"#, raw: None };
    assert!(matches!(merge(Some(held), seen).unwrap(), Merged::Same));
    let merged = merge(Some(held), Seen { raw: Some("new"), ..seen }).unwrap();
    assert!(matches!(merged, Merged::Write { raw: Some("new"), event: None, .. }));
}

#[test]
fn a_body_that_could_not_be_read_back_is_refused_and_not_quoted() {
    let deep = format!(r#"{{"a":{}{}}}"#, "[".repeat(200), "]".repeat(200));
    let mask = mask(&["a"]);
    for body in [
        "",
        "[]",
        "7",
        "{",
        r#"{"a":1}x"#,
        r#"{"a":"\ud800"}"#,
        r#"{"a":1e999}"#,
        r#"{"a":secret}"#,
        deep.as_str(),
    ] {
        let refused = merge(None, Seen { version: None, mask: &mask, body, raw: None })
            .unwrap_err()
            .to_string();
        assert!(refused.contains("not a JSON object") && !refused.contains("secret"), "{refused}");
    }
}

#[test]
fn a_mask_with_an_invalid_name_is_refused() {
    for name in ["", "a\nb", &"x".repeat(513)] {
        assert!(Known::of(&[name.to_owned()]).is_err());
    }
    assert_eq!(mask(&["b", "a", "b"]).text(), "a\nb");
}
