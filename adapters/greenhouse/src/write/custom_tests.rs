//! Tests custom values: each type written, read back and recognised; the complete set.

use super::*;

fn wanted(kind: &str, value: Value) -> CustomInput {
    CustomInput { key: "k".into(), r#type: kind.into(), value, ..CustomInput::default() }
}

/// Returns each type with a unified value, its written form, and stored forms that are the same.
fn types() -> Vec<(&'static str, Value, Value, Vec<Value>)> {
    vec![
        ("text", json!("a"), json!("a"), vec![json!("a"), json!(" a ")]),
        ("long_text", json!("a\nb"), json!("a\nb"), vec![json!("a\r\nb")]),
        ("url", json!("https://x"), json!("https://x"), vec![json!("https://x")]),
        ("date", json!("2026-12-01"), json!("2026-12-01"), vec![json!("2026-12-01")]),
        ("number", json!("12.50"), json!(12.5), vec![json!(12.5), json!("12.5")]),
        ("number", json!(7), json!(7), vec![json!(7), json!(7.0), json!("7")]),
        ("boolean", json!(false), json!(false), vec![json!(false), json!("no"), json!("false")]),
        (
            "single",
            json!({"id": "55", "label": "A"}),
            json!(55),
            vec![json!("A"), json!(55), json!({"id": 55, "name": "A"})],
        ),
        (
            "multi",
            json!([{"id": "1", "label": "A"}, {"id": "2", "label": "B"}]),
            json!([1, 2]),
            vec![json!(["B", "A"]), json!([1, 2])],
        ),
        (
            "money",
            json!({"amount": "10", "currency": "EUR"}),
            json!({"amount": 10, "currency_code": "EUR"}),
            vec![
                json!({"amount": "10.0", "currency_code": "EUR"}),
                json!({"amount": 10, "unit": "EUR", "more": 1}),
            ],
        ),
        (
            "money_range",
            json!({"min": 1, "max": 2, "currency": "USD"}),
            json!({"min_amount": 1, "max_amount": 2, "currency_code": "USD"}),
            vec![
                json!({"min_amount": "1", "max_amount": "2.00", "currency_code": "USD"}),
                json!({"min_value": 1, "max_value": 2, "unit": "USD"}),
            ],
        ),
        (
            "range",
            json!({"min": 1, "max": 2}),
            json!({"min_value": 1, "max_value": 2}),
            vec![json!({"min_value": 1, "max_value": 2})],
        ),
        (
            "user",
            json!({"id": "4173307002"}),
            json!(4_173_307_002_u64),
            vec![
                json!(4_173_307_002_u64),
                json!({"user_id": 4_173_307_002_u64}),
                json!("4173307002"),
            ],
        ),
        ("text", json!(null), json!(null), vec![json!(null), json!("")]),
        ("multi", json!(null), json!(null), vec![json!([])]),
    ]
}

/// Returns Greenhouse's word for a type.
fn source(kind: &str) -> &'static str {
    crate::write::words::value_type(kind).unwrap_or("date_time")
}

#[test]
fn a_value_is_written_in_one_form_and_recognised_in_all() {
    for (kind, unified, form, stored) in types() {
        let wanted = wanted(kind, unified);
        assert_eq!(written(&wanted).unwrap(), form, "{kind}");
        for held in stored {
            let field = json!({"k": {"name": "K", "type": source(kind), "value": held}});
            assert!(!differs(&field, &wanted), "{kind}: {held}");
            assert!(
                !differs(&json!({"k": held.clone()}), &wanted) || held.is_object(),
                "{kind} bare: {held}"
            );
        }
    }
}

#[test]
fn a_different_value_is_a_difference() {
    for (kind, unified, held) in [
        ("text", json!("a"), json!("A")),
        ("number", json!(1), json!(2)),
        ("boolean", json!(true), json!(false)),
        ("boolean", json!(false), json!(null)),
        ("single", json!({"id": "5", "label": "a"}), json!("A")),
        ("single", json!({"id": "5", "label": "a"}), json!(6)),
        ("multi", json!([{"id": "1", "label": "A"}]), json!(["A", "B"])),
        (
            "money",
            json!({"amount": 1, "currency": "EUR"}),
            json!({"amount": 1, "currency_code": "USD"}),
        ),
        ("range", json!({"min": 1}), json!({"min_value": 1, "max_value": 3})),
        ("user", json!({"id": "1"}), json!("Ada")),
        ("text", json!(null), json!("x")),
    ] {
        let field = json!({"k": {"name": "K", "type": source(kind), "value": held}});
        assert!(differs(&field, &wanted(kind, unified.clone())), "{kind}: {unified} / {held}");
    }
}

#[test]
fn a_value_of_another_type_is_refused_by_field() {
    for (kind, value) in [
        ("number", json!("many")),
        ("boolean", json!("yes")),
        ("single", json!({"label": "A"})),
        ("single", json!({"id": "abc"})),
        ("multi", json!({"id": "1"})),
        ("money", json!({"amount": "lots", "currency": "EUR"})),
        ("file", json!("x")),
        ("text", json!(1)),
    ] {
        let Err(Failure::Invalid(errors)) = written(&wanted(kind, value.clone())) else {
            panic!("{kind} {value}")
        };
        assert_eq!(errors[0].field, "custom_fields.k");
    }
}

#[test]
fn the_complete_set_preserves_every_other_value() {
    let stored = json!({
        "k": {"type": "short_text", "value": "old"},
        "t": {"type": "short_text", "value": "kept"},
        "y": {"type": "yes_no", "value": false},
        "n": {"type": "number", "value": 3},
        "m": {"type": "currency", "value": {"amount": "5.0", "currency_code": "EUR",
            "formatted": "€5"}},
        "u": {"type": "user", "value": {"id": 9, "name": "Sam"}},
        "s": {"type": "single_select", "value": "Part-time"},
        "l": {"type": "multi_select", "value": ["A", "B"]},
        "e": {"type": "short_text", "value": null},
        "f": {"type": "attachment", "value": "https://file"},
        "x": {"type": "user", "value": "Sam"},
        "z": {"type": "something_new", "value": {"new": 1}},
        "r": {"type": "number_range", "value": {"min_value": 1}},
    });
    let merge = merge(&stored, &[wanted("text", json!("new"))], true, &[]).unwrap().unwrap();
    let ready: std::collections::BTreeMap<_, _> = merge.ready.into_iter().collect();
    assert_eq!(
        json!(ready),
        json!({
            "k": "new", "t": "kept", "y": false, "n": 3, "u": 9,
            "m": {"amount": "5.0", "currency_code": "EUR", "formatted": "€5"}, "x": "Sam",
                "z": {"new": 1},
            "r": {"min_value": 1},
        }),
        "as they were read, member for member"
    );
    assert_eq!(merge.stored_options.len(), 2);
    let mut odd = merge.odd;
    odd.sort_unstable();
    assert_eq!(odd, ["m", "r", "u", "x", "z"]);
    let unsendable: Vec<_> = merge.unsendable.iter().map(|(key, _)| key.as_str()).collect();
    assert_eq!(unsendable, ["f"], "a file has no written form");
}

#[test]
fn where_patch_is_known_to_merge_only_the_change_is_sent() {
    let stored = json!({"k": {"type": "short_text", "value": "old"},
        "s": {"type": "single_select", "value": "A"}});
    let merge = merge(&stored, &[wanted("text", json!("new"))], false, &[]).unwrap().unwrap();
    assert_eq!((merge.ready.len(), merge.stored_options.len(), merge.unsendable.len()), (1, 0, 0));
}

#[test]
fn equal_values_make_no_set() {
    let stored = json!({"k": {"type": "short_text", "value": "a"},
        "s": {"type": "single_select", "value": "A"}});
    assert_eq!(merge(&stored, &[wanted("text", json!("a"))], true, &[]).unwrap(), None);
    assert_eq!(merge(&Value::Null, &[], true, &[]).unwrap(), None);
}
