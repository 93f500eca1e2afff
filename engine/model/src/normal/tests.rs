//! Which spellings are one value, and that a form is its own form.

use super::*;
use serde_json::{Value, json};

type Form = fn(&str) -> String;

const FORMS: [(&str, Form); 7] = [
    ("email", email),
    ("phone", phone),
    ("link", link),
    ("postal", postal),
    ("text", text),
    ("label", label),
    ("name", name),
];

#[test]
fn a_value_is_the_same_in_every_spelling() {
    for (form, one, others) in [
        (email as Form, "ada@example.com", &[" Ada@Example.COM ", "ADA@EXAMPLE.COM\n"][..]),
        (
            phone,
            "+493012345",
            &["+49 (30) 123-45", "0049 30 12345", "tel:+49-30-12345", "+49 (0)30 12345"],
        ),
        (
            phone,
            "+493012345x6",
            &["+49 30 12345 ext. 6", "+49 30 12345 x6", "+49 30 12345 (ext 6)"],
        ),
        (phone, "9043157393", &["(904) 315-7393", "904.315.7393", "９０４ 315 7393"]),
        (phone, "ada.byron", &["Ada.Byron", " ADA.BYRON "]),
        (
            link,
            "linkedin.com/in/Ada",
            &[
                "https://www.linkedin.com/in/Ada/",
                "http://LinkedIn.com/in/Ada",
                "HTTPS://WWW.LINKEDIN.COM:443/in/Ada//",
                "//linkedin.com./in/Ada",
                "https://linkedin.com/in/%41da?",
            ],
        ),
        (link, "x.com/%C3%A9", &["https://x.com/é", "x.com/%c3%a9", "x.com/e\u{301}"]),
        (link, "x.com/a?b=1", &["https://x.com/a/?b=1", "x.com/a?b=1#"]),
        (postal, "1 main st paris", &["1  Main St\nParis "]),
        (text, "a\nb", &["a\r\nb", "a\rb", " a  \nb\t\n", "a \r\nb\r\n"]),
        (text, "Caf\u{e9}", &["Cafe\u{301}"]),
        (label, "Part Time", &[" Part  Time", "Part\tTime\n"]),
        (name, "café noir", &["CAFE\u{301}  Noir"]),
    ] {
        assert_eq!(form(one), one);
        for other in others {
            assert_eq!(form(other), one, "{other:?}");
        }
    }
}

#[test]
fn another_value_is_another() {
    for (form, one, other) in [
        (email as Form, "ada@example.com", "ada@example.org"),
        (phone, "904", "905"),
        (phone, "+493012345", "493012345"),
        (phone, "+493012345x6", "+4930123456"),
        (link, "example.com/A", "example.com/a"),
        (link, "example.com/a?x=1", "example.com/a?x=2"),
        (link, "ftp://example.com/a", "example.com/a"),
        (link, "wwwexample.com", "example.com"),
        (text, "a b", "a  b"),
        (text, "A", "a"),
        (label, "Senior", "senior"),
    ] {
        assert_ne!(form(one), form(other), "{one} / {other}");
    }
}

/// Unicode folds these letters, or letters with these marks, to plain ones; an address that has one
/// is somebody else's.
#[test]
fn no_letter_beyond_ascii_makes_two_addresses_one() {
    let mut tried = 0;
    for letter in ('\u{80}'..='\u{1ffff}').filter(|letter| !letter.is_whitespace()) {
        let folds =
            letter.to_lowercase().chain(letter.to_uppercase()).any(|folded| folded.is_ascii());
        let composes = letter.to_string().nfkc().any(|part| part.is_ascii());
        if folds || composes {
            tried += 1;
            for plain in ('a'..='z').chain('0'..='9') {
                let (one, other) =
                    (format!("x{letter}y@example.com"), format!("x{plain}y@example.com"));
                assert_ne!(email(&one), email(&other));
            }
        }
    }
    assert!(tried >= 200, "{tried} letters");
    assert_ne!(email("\u{212a}elvin@example.com"), email("kelvin@example.com"));
}

#[test]
fn only_one_plain_address_is_taken() {
    for plain in [
        "ada@example.com",
        "ada+x@example.co.uk",
        "jos\u{e9}@example.com",
        "\u{212a}@example.com",
        "o'neil@x",
    ] {
        assert_eq!(address_fault(plain), None, "{plain}");
    }
    for crooked in [
        "ada",
        "@example.com",
        "ada@",
        "ada@b@c",
        "ada @example.com",
        " ada@example.com",
        "ada@example.com ",
        "ada@example.com\n",
        "ada@exam\tple.com",
        "ada\u{0}@example.com",
        "ada\u{7f}@example.com",
        "ada\u{85}@example.com",
        "ada\u{a0}@example.com",
        "ada\u{200b}@example.com",
        "ada\u{202e}@example.com",
        "ada@example.com,bob@example.com",
        "ada@example.com;bob@example.com",
        "Ada <ada@example.com>",
        "<ada@example.com>",
        "\"Ada\"@example.com",
        "ada@example.com (Ada)",
        "ada@example..com",
        "ada@.example.com",
        "ada@example.com.",
    ] {
        assert!(address_fault(crooked).is_some(), "{crooked:?}");
    }
}

#[test]
fn a_form_is_its_own_form() {
    let pieces = [
        "", " ", "a", "A", "\u{e9}", "e\u{301}", "\u{130}", "\u{df}", "0", "00", "+", "(0)", "x",
        "ext.", "#", "7", "www.", "http://", "HTTPS://", "//", "/", "?", "%41", "%zz", "%2F",
        ":443", ".", "@", "\r\n", "\r", "\u{a0}", "tel:", "ftp://", "Ａ", "１",
    ];
    for one in pieces {
        for two in pieces {
            for three in pieces {
                let value = format!("{one}{two}{three}");
                for (which, form) in FORMS {
                    let once = form(&value);
                    assert_eq!(form(&once), once, "{which} of {value:?}");
                }
            }
        }
    }
}

#[test]
fn a_coarser_form_never_makes_nothing_of_something() {
    for coarser in [Coarser::Digits, Coarser::Caseless, Coarser::Squeezed] {
        assert_eq!(Contact::Phone.coarse("Ada.Byron", Some(coarser)), "ada.byron");
    }
    let digits = |value| Contact::Phone.coarse(value, Some(Coarser::Digits));
    assert_eq!(digits("+49 30 12"), digits("0049-3012"));
    assert_eq!(Contact::Link.coarse("x.com/Ada", Some(Coarser::Caseless)), "x.com/ada");
}

#[test]
fn a_number_is_the_same_in_every_spelling() {
    for (one, others) in [
        ("5", &["5.0", "+5", "005", "5e0", "0.5e1", "50e-1", " 5 "][..]),
        ("-12.5", &["-12.50", "-1.25e1", "-012.5"]),
        ("0", &["-0", "0.000", "0e5", ".0"]),
        ("1000", &["1e3", "1E+3", "1000.00"]),
        ("0.001", &["1e-3", ".001"]),
        ("9007199254740993", &["9007199254740993.0"]),
    ] {
        for other in others {
            assert_eq!(number(&json!(other)).as_deref(), Some(one), "{other}");
        }
    }
    assert_eq!(number(&json!(85000.0)).as_deref(), Some("85000"));
    for none in [
        json!("many"),
        json!(""),
        json!("1,5"),
        json!("1e9999"),
        json!("0x10"),
        json!("."),
        json!([1]),
    ] {
        assert_eq!(number(&none), None, "{none}");
    }
}

#[test]
fn a_day_and_a_moment_are_the_same_in_every_spelling() {
    assert_eq!(date("2026-12-01").as_deref(), Some("2026-12-01"));
    assert_eq!(date(" 2026-12-01T00:00:00.000Z").as_deref(), Some("2026-12-01"));
    for none in [
        "2026-12-01T01:00:00Z",
        "2026-02-30",
        "1.12.2026",
        "2026-12",
        "soon",
        "\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}",
    ] {
        assert_eq!(date(none), None, "{none}");
    }
    let moment = Some("2026-11-24T10:00:00.000Z");
    for same in [
        "2026-11-24T10:00:00Z",
        "2026-11-24T11:00:00+01:00",
        "2026-11-24 10:00:00.000Z",
        "2026-11-24t09:30:00-00:30",
    ] {
        assert_eq!(date_time(same).as_deref(), moment, "{same}");
    }
    for day in [-700_000, -1, 0, 1, 59, 60, 10_957, 20_781, 1_000_000] {
        let at = super::moment::tests_civil(day);
        assert_eq!(date(&at).as_deref(), Some(at.as_str()));
    }
}

#[test]
fn a_date_is_the_same_as_another_that_agrees_as_far_as_both_go() {
    for (one, other) in [
        ("2016", "2016-09-01"),
        ("2016-09", "2016-09-01T00:00:00Z"),
        (" 2016-09 ", "2016"),
        ("2016-09-01", "2016-09-01"),
        ("soon", " soon"),
    ] {
        assert!(is_same_date(one, other) && is_same_date(other, one), "{one} {other}");
    }
    for (one, other) in [
        ("2016", "2017"),
        ("2016-09", "2016-10-01"),
        ("2016-09-01", "2016-09-02"),
        ("2016-1", "2016-10"),
        ("soon", "2016"),
    ] {
        assert!(!is_same_date(one, other) && !is_same_date(other, one), "{one} {other}");
    }
    assert_eq!(part_date("2016-13"), None);
    assert_eq!(part_date("16"), None);
    assert_eq!(part_date("2016-9"), None);
}

#[test]
fn a_custom_value_is_the_same_in_every_spelling_and_another_is_not() {
    let cases: [(&str, Value, Vec<Value>, Vec<Value>); 13] = [
        ("text", json!("a"), vec![json!(" a ")], vec![json!("A"), json!(null), json!("b")]),
        ("long_text", json!("a\nb"), vec![json!("a\r\nb \r\n")], vec![json!("a b")]),
        (
            "url",
            json!("https://x.com"),
            vec![json!("http://www.X.com/")],
            vec![json!("https://x.com/a")],
        ),
        (
            "date",
            json!("2026-12-01"),
            vec![json!("2026-12-01T00:00:00Z")],
            vec![json!("2026-12-02")],
        ),
        (
            "date_time",
            json!("2026-12-01T00:00:00Z"),
            vec![json!("2026-12-01T01:00:00+01:00")],
            vec![json!("2026-12-01T00:00:01Z")],
        ),
        ("number", json!(5), vec![json!("5.0"), json!(5.0)], vec![json!(6), json!("five")]),
        (
            "boolean",
            json!(true),
            vec![json!("yes"), json!("True")],
            vec![json!(false), json!(null), json!("no")],
        ),
        (
            "single",
            json!({"id": "5", "label": "A"}),
            vec![json!("A"), json!(5), json!({"id": 5, "name": "renamed"}), json!({"label": " A"})],
            vec![json!("a"), json!(6), json!({"id": "6", "label": "A"}), json!(null)],
        ),
        (
            "multi",
            json!([{"id": "1", "label": "A"}, {"id": "2", "label": "B"}]),
            vec![json!(["B", "A"]), json!([1, 2]), json!(["A", "B", "A"])],
            vec![json!(["A"]), json!(["A", "B", "C"]), json!([])],
        ),
        (
            "money",
            json!({"amount": "10", "currency": "EUR"}),
            vec![json!({"amount": 10.0, "currency": "eur", "formatted": "€10"})],
            vec![
                json!({"amount": 10, "currency": "USD"}),
                json!({"amount": 11, "currency": "EUR"}),
            ],
        ),
        (
            "money_range",
            json!({"min": 1, "max": null, "currency": "EUR"}),
            vec![json!({"min": "1.0", "currency": "EUR"})],
            vec![json!({"min": 1, "max": 2, "currency": "EUR"})],
        ),
        (
            "range",
            json!({"min": 1, "max": 2}),
            vec![json!({"min": "1", "max": 2.0})],
            vec![json!({"min": 1})],
        ),
        (
            "user",
            json!({"id": "7"}),
            vec![json!(7), json!("7"), json!({"id": 7})],
            vec![json!({"id": "8"}), json!("Sam")],
        ),
    ];
    for (kind, value, these, those) in cases {
        for one in these {
            assert!(
                same(kind, &value, &one) && same(kind, &one, &value),
                "{kind}: {value} is {one}"
            );
        }
        for other in those {
            assert!(
                !same(kind, &value, &other) && !same(kind, &other, &value),
                "{kind}: {value} is not {other}"
            );
        }
    }
    for empty in [json!(null), json!(""), json!(" "), json!([]), json!({}), json!({"min": null})] {
        assert_eq!(custom("range", &empty), Custom::Empty);
    }
}
