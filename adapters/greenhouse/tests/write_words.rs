//! Tests values that Greenhouse writes differently than it reads (pitfalls.md 11), in both
//! directions.
//!
//! Method: the test turns the request into the row that Greenhouse would show, by the reference's
//! own words, and the adapter's reader reads it. The record must equal the input, and the probe
//! must recognise the row.
#![allow(clippy::panic, clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod write_support;

use atsync_adapter::PureAdapter;
use atsync_adapter::contract::{Fetch, Given, Outcome, Reply, Step, Task};
use atsync_greenhouse::Greenhouse;
use serde_json::{Value, json};
use write_support::{NOW_MS, case, reply};

/// Returns the unified record that the reader makes of a row.
fn read(kind: &str, row: Value) -> Value {
    let given =
        Given { now_ms: NOW_MS, settings: "{}".into(), tenant: None, mark: None, grant: None };
    let task = Task::Fetch(Fetch { kind: kind.into(), ids: vec!["7".into()] });
    let Ok(Step::Send(send)) = Greenhouse::start(task, &given) else { panic!("a request") };
    let step = Greenhouse::resume(send.state, &given, Reply::Response(reply(200, json!([row]))));
    let Ok(Step::Done(Outcome::Fetched(fetched))) = step else { panic!("{step:?}") };
    serde_json::from_str(&fetched.items[0].body).unwrap()
}

#[test]
fn a_note_reads_as_it_was_written() {
    for (unified, written, shown) in [
        ("public", "public", "publicly_visible"),
        ("private", "private", "privately_visible"),
        ("admin_only", "admin_only", "admin_only_visible"),
    ] {
        let input = json!({"candidate": "1", "body": "x", "visibility": unified});
        let run = case("notes.create", input.clone())
            .replies(vec![reply(201, json!({"id": 7}))])
            .of_parent()
            .write();
        assert_eq!(run.sent().body["visibility"], json!(written));
        assert_eq!(run.sent().body["note_type"], json!("NOTE"));
        let row =
            json!({"id": 7, "candidate_id": 1, "type": "NOTE", "visibility": shown, "body": "x"});
        let record = read("notes", row.clone());
        assert_eq!(
            (&record["visibility"]["value"], &record["type"]["value"]),
            (&json!(unified), &json!("note"))
        );
        let probe = case("notes.create", input).replies(vec![reply(200, json!([row]))]).probe(None);
        assert_eq!(probe.verdict(), "found subject:notes/7 matched");
    }
}

#[test]
fn privacy_and_contacts_read_as_they_were_written() {
    let input = json!({
        "name": {"first": "Ada", "last": "Byron"}, "private": true,
        "emails": [{"value": "a@x.com", "type": "work"}],
        "phones": [{"value": "1", "type": "skype"}],
        "addresses": [{"value": "Main St", "type": "home"}],
        "links": [{"value": "x.com/ada", "type": "social"},
            {"value": "ada.dev", "type": "portfolio"}],
    });
    let run = case("candidates.create", input.clone())
        .replies(vec![reply(201, json!({"id": 7}))])
        .of_parent()
        .write();
    let mut row = run.sent().body.clone();
    let private = row.as_object_mut().unwrap().remove("is_private").unwrap();
    row["private"] = private;
    row["can_email"] = json!(true);
    row["id"] = json!(7);
    let record = read("candidates", row.clone());
    assert_eq!(record["privacy"]["private"], json!(true));
    for list in ["emails", "phones", "addresses", "links"] {
        let mut got: Vec<(String, String)> = record[list]
            .as_array()
            .unwrap()
            .iter()
            .map(|entry| (entry["value"].to_string(), entry["type"]["value"].to_string()))
            .collect();
        let mut wanted: Vec<(String, String)> = input[list]
            .as_array()
            .unwrap()
            .iter()
            .map(|entry| (entry["value"].to_string(), entry["type"].to_string()))
            .collect();
        got.sort();
        wanted.sort();
        assert_eq!(got, wanted, "{list}");
    }
    // An update to the same values leaves nothing to do.
    let edit = json!({"set": {"private": true},
        "add": {"emails": input["emails"], "phones": input["phones"],
        "addresses": input["addresses"], "links": input["links"]}});
    case("candidates.update", edit)
        .on("candidates", "7")
        .replies(vec![reply(200, json!([row]))])
        .write()
        .unneeded();
}

#[test]
fn a_definition_reads_as_it_was_written() {
    for unified in [
        "text",
        "long_text",
        "number",
        "boolean",
        "date",
        "single",
        "multi",
        "money",
        "money_range",
        "range",
        "user",
        "url",
    ] {
        for applies_to in ["candidate", "application", "job", "opening", "offer"] {
            let input =
                json!({"name": "Ref", "applies_to": applies_to, "type": unified, "private": true});
            let run = case("custom_fields.create", input)
                .replies(vec![reply(201, json!({"id": 7}))])
                .of_parent()
                .write();
            let mut row = run.sent().body.clone();
            row["id"] = json!(7);
            row["name_key"] = json!("ref");
            row["active"] = json!(true);
            let record = read("custom_fields", row);
            assert_eq!(record["type"]["value"], json!(unified));
            assert_eq!(record["applies_to"]["value"], json!(applies_to));
            assert_eq!(record["private"], json!(true));
        }
    }
}

/// A written value, shown as Greenhouse shows it, read into unified form, and desired again:
/// nothing is left to do.
#[test]
fn a_custom_value_that_was_read_is_not_a_difference() {
    for (kind, shown, extra) in [
        ("short_text", json!("a"), json!({})),
        ("yes_no", json!(false), json!({})),
        ("number", json!("12.5"), json!({})),
        ("currency", json!({"amount": "10.0", "currency_code": "EUR"}), json!({})),
        (
            "currency_range",
            json!({"min_amount": "1", "max_amount": "2", "currency_code": "EUR"}),
            json!({}),
        ),
        ("number_range", json!({"min_value": 1, "max_value": 2}), json!({})),
        ("single_select", json!("A"), json!({"id": "5"})),
        ("date", json!("2026-12-01"), json!({})),
    ] {
        let row = json!({"id": 7, "first_name": "Ada", "last_name": "Byron",
            "custom_fields": {"k": {"name": "K", "type": kind, "value": shown}}});
        let record = read("candidates", row.clone());
        let mut wanted = record["custom_fields"]["k"].clone();
        wanted["key"] = json!("k");
        for (member, value) in extra.as_object().unwrap() {
            wanted["value"][member] = value.clone();
        }
        let run = case("candidates.update", json!({"custom_fields": [wanted.clone()]}))
            .on("candidates", "7")
            .replies(vec![reply(200, json!([row]))])
            .write();
        assert_eq!(run.unneeded().warnings.len(), 0, "{kind}: {wanted}");
    }
}
