//! Tests members that a PATCH replaces as a whole: they are sent only if the fresh read shows them
//! completely, entry by entry.
//!
//! Method: every such member is shown in every undocumented form, and the proof is that no changing
//! request is sent. A member that does not change need not be shown.
#![allow(clippy::panic, clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod write_support;

use serde_json::{Value, json};
use write_support::{Case, case, reply};

/// An update that replaces a member as a whole.
struct Whole {
    operation: &'static str,
    kind: &'static str,
    row: Value,
    member: &'static str,
    input: Value,
}

fn candidate() -> Value {
    json!({
        "id": 7, "first_name": "Ada", "last_name": "Byron",
            "email_addresses": [{"value": "a@x.com", "type": "work"}],
        "phone_numbers": [{"value": "12345", "type": "home"}],
            "addresses": [{"value": "1 Road", "type": "home"}],
        "website_addresses": [{"value": "a.dev", "type": "blog"}],
            "social_media_addresses": [{"value": "x.com/a"}],
        "custom_fields": values(),
    })
}

fn values() -> Value {
    json!({
        "ref": {"name": "Ref", "type": "short_text", "value": "a"},
        "note": {"name": "Note", "type": "long_text", "value": "keep"},
    })
}

fn custom() -> Value {
    json!({"custom_fields": [{"key": "ref", "id": "1", "type": "text", "value": "b"}]})
}

fn contacts() -> Vec<Whole> {
    let list = |member, input| Whole {
        operation: "candidates.update",
        kind: "candidates",
        row: candidate(),
        member,
        input: json!({"add": input}),
    };
    vec![
        list("email_addresses", json!({"emails": ["b@x.com"]})),
        list("phone_numbers", json!({"phones": ["67890"]})),
        list("addresses", json!({"addresses": ["2 Road"]})),
        list("website_addresses", json!({"links": ["b.dev"]})),
        list("social_media_addresses", json!({"links": [{"value": "x.com/b", "type": "social"}]})),
    ]
}

fn customs() -> Vec<Whole> {
    let of = |operation, kind, row, member| Whole { operation, kind, row, member, input: custom() };
    vec![
        of("candidates.update", "candidates", candidate(), "custom_fields"),
        of(
            "applications.update",
            "applications",
            json!({"id": 7, "custom_fields": values()}),
            "custom_fields",
        ),
        of(
            "rejections.update",
            "rejections",
            json!({"id": 7, "custom_fields": values()}),
            "custom_fields",
        ),
        of(
            "rejections.update",
            "rejections",
            json!({"id": 7, "question_custom_fields": values()}),
            "question_custom_fields",
        ),
    ]
}

impl Whole {
    /// Runs the update against a row that shows the member like this; `None` leaves it out.
    fn showing(&self, shown: Option<Value>) -> Case {
        let mut row = self.row.clone();
        match shown {
            Some(shown) => row[self.member] = shown,
            None => {
                row.as_object_mut().unwrap().remove(self.member).unwrap();
            }
        }
        case(self.operation, self.input.clone())
            .on(self.kind, "7")
            .replies(vec![reply(200, json!([row]))])
    }

    fn sends_nothing(&self, shown: Option<Value>) {
        let place = format!("{}: {} = {shown:?}", self.operation, self.member);
        let run = self.showing(shown).write();
        let text = run.failure().to_string();
        assert!(
            text.contains(self.member)
                || text.contains("custom fields were not written")
                || text.contains("custom_fields"),
            "{place}: {text}"
        );
    }
}

#[test]
fn a_list_is_sent_back_only_if_the_fresh_read_shows_each_entry() {
    for whole in contacts() {
        for odd in [
            json!(null),
            json!("x"),
            json!(7),
            json!(true),
            json!({}),
            json!({"0": {"value": "x"}}),
        ] {
            whole.sends_nothing(Some(odd));
        }
        whole.sends_nothing(None);
        let own = whole.row[whole.member][0].clone();
        for entry in [
            json!(null),
            json!("x"),
            json!(7),
            json!(true),
            json!([]),
            json!(["x"]),
            json!({}),
            json!({"address": "x"}),
            json!({"value": null}),
            json!({"value": {}}),
            json!({"value": ["x"]}),
            json!({"value": false}),
        ] {
            whole.sends_nothing(Some(json!([entry])));
            whole.sends_nothing(Some(json!([own, entry])));
        }
        let mut case = whole.showing(Some(json!([own, {"value": "", "type": "odd", "more": 1}])));
        case.replies.push(reply(200, json!({"id": 7})));
        let sent = case.write().sent().body[whole.member].clone();
        assert_eq!(sent[0], own, "shown entries are sent back as read");
        assert_eq!(sent[1], json!({"value": "", "type": "odd", "more": 1}));
    }
}

#[test]
fn custom_values_are_sent_back_only_if_the_fresh_read_shows_a_map() {
    for whole in customs() {
        let odd = [
            json!(null),
            json!("x"),
            json!(7),
            json!(true),
            json!([]),
            json!([null]),
            json!([["x"]]),
            json!([{}]),
            json!([{"name_key": "note", "name": "Note", "type": "long_text", "value": "keep"}]),
        ];
        odd.into_iter().for_each(|odd| whole.sends_nothing(Some(odd)));
        whole.sends_nothing(None);
        for entry in
            [json!(null), json!({"name": "Note", "type": "long_text"}), json!({"name": "Note"})]
        {
            let mut map = values();
            map["note"] = entry;
            whole.sends_nothing(Some(map));
        }
        let mut case = whole.showing(Some(json!({})));
        case.replies.push(reply(200, json!({"id": 7})));
        assert_eq!(
            case.write().sent().body["custom_fields"],
            json!([{"name_key": "ref", "value": "b"}]),
            "an empty map shows that there are none, if the plan saw none"
        );
    }
}

/// A value that the plan saw is hidden if the row has no such field, and cleared if the row shows
/// it as empty.
#[test]
fn a_value_that_the_plan_saw_and_the_row_leaves_out_is_not_erased() {
    for whole in customs() {
        let saw = |shown: Value| {
            let mut case = whole.showing(Some(shown));
            case.input["must_show"] = json!(["custom_fields.ref", "custom_fields.note"]);
            case
        };
        let mut without = values();
        without.as_object_mut().unwrap().remove("note");
        for shown in [json!({}), without.clone()] {
            let run = saw(shown.clone()).write();
            let text = run.failure().to_string();
            assert!(
                text.contains("note: it held a value when the plan was made"),
                "{}: {text}",
                whole.operation
            );
            let mut merging = saw(shown).settings(json!({"custom_fields_reading": "merge"}));
            merging.replies.push(reply(200, json!({"id": 7})));
            assert_eq!(
                merging.write().sent().body["custom_fields"],
                json!([{"name_key": "ref", "value": "b"}])
            );
        }
        for empty in [json!(null), json!(""), json!([])] {
            let mut cleared = values();
            cleared["note"]["value"] = empty;
            let mut case = saw(cleared);
            case.replies.push(reply(200, json!({"id": 7})));
            assert_eq!(
                case.write().sent().body["custom_fields"],
                json!([{"name_key": "ref", "value": "b"}])
            );
        }
        // No other value changes, and a value that the write replaces need not be shown.
        without["ref"]["value"] = json!("b");
        saw(without).write().unneeded();
        let mut case = saw(json!({"note": values()["note"]}));
        case.replies.push(reply(200, json!({"id": 7})));
        assert_eq!(case.write().sent().body["custom_fields"].as_array().unwrap().len(), 2);
    }
}

/// openapi lets `custom_fields` be null. That suffices if nothing is to be done, or if a PATCH is
/// known to merge.
#[test]
fn null_custom_fields_suffice_where_nothing_can_be_erased() {
    for whole in customs() {
        let mut clearing = whole.showing(Some(json!(null)));
        clearing.input["custom_fields"][0]["value"] = json!(null);
        clearing.write().unneeded();
        let mut merging =
            whole.showing(Some(json!(null))).settings(json!({"custom_fields_reading": "merge"}));
        merging.replies.push(reply(200, json!({"id": 7})));
        assert_eq!(
            merging.write().sent().body["custom_fields"],
            json!([{"name_key": "ref", "value": "b"}])
        );
        let text = whole.showing(Some(json!(null))).write().failure().to_string();
        assert!(
            text.contains("custom_fields_reading = \"merge\""),
            "the message names the setting: {text}"
        );
    }
}

/// The set is made from the last read before the write, also if options were resolved in between.
#[test]
fn values_that_are_hidden_between_two_reads_are_not_erased() {
    let mut row = candidate();
    row["custom_fields"]["work"] =
        json!({"name": "Work", "type": "single_select", "value": "Part-time"});
    let mut hidden = row.clone();
    hidden["custom_fields"] = json!(null);
    let run = case("candidates.update", custom())
        .on("candidates", "7")
        .replies(vec![
            reply(200, json!([row])),
            reply(200, json!([{"id": 90, "name_key": "work", "private": false, "active": true}])),
            reply(
                200,
                json!([{"id": 1, "custom_field_id": 90, "name": "Part-time", "active": true}]),
            ),
            reply(200, json!([hidden])),
        ])
        .write();
    assert!(run.failure().to_string().contains("nothing is written"), "{}", run.failure());
}

#[test]
fn a_list_that_does_not_change_need_not_be_shown() {
    let mut row = candidate();
    for member in ["email_addresses", "phone_numbers", "custom_fields"] {
        row[member] = json!(null);
    }
    let run = case("candidates.update", json!({"add": {"addresses": ["2 Road"]}}))
        .on("candidates", "7")
        .replies(vec![reply(200, json!([row])), reply(200, json!({"id": 7}))])
        .write();
    assert_eq!(run.sent().body.as_object().unwrap().keys().collect::<Vec<_>>(), ["addresses"]);
}
