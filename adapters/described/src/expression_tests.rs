//! Laws of expressions.

use crate::expression::*;
use crate::json::Json;

fn eval(
    engine: &Engine,
    text: &str,
    row: &Json<'_>,
    straight: bool,
) -> Result<Json<'static>, Fault> {
    let compiled = if straight { engine.compile(text)? } else { engine.general(text)? };
    let own = [("row", row)];
    compiled.eval(Scope { shared: &[], own: &own }).map(|value| value.into_owned().into_owned())
}

const ROW: &str = r#"{
    "id": 9007199254740993, "big": 18446744073709551615, "text": " Ada ", "empty": "", "none": null,
    "flag": true, "half": 0.5, "list": [{"a": "x", "n": 1}, {"a": "y", "n": 2}, {"n": 3}, null, ""],
    "mails": ["A@x.org", "b@x.org"], "at": 1491435120000, "time": "2017-04-05T23:32:00Z",
    "deep": {"er": {"est": "here"}}, "odd key": 1, "url": "https://x/a/b?c=1"
}"#;

/// A straight expression never needs minijinja, and has its result.
#[test]
fn both_ways_of_evaluation_agree() {
    let engine = Engine::new(&[]);
    let row = Json::parse(ROW).unwrap();
    for text in [
        "row",
        "row.id",
        "row.big",
        "row.text",
        "row.none",
        "row.missing",
        "row.missing.further",
        "row.text.further",
        "row.none.further",
        "row.deep.er.est",
        "row['odd key']",
        "row.list[1].a",
        "row.list[9].a",
        "row.list[9]",
        "'text'",
        "\"text\"",
        "7",
        "true",
        "none",
        "row.text | trim",
        "row.text|lower|upper",
        "row.missing | trim",
        "row.none | trim",
        "row.list | compact",
        "row.list | pluck('a')",
        "row.list | pluck('a') | join('; ')",
        "row.list | where('a', 'y') | first",
        "row.list | where('n', 2) | last",
        "row.list | first",
        "row.missing | first",
        "row.missing | join(',')",
        "row.empty | join",
        "row.mails | same('a@X.org', 'email')",
        "row.mails | same(row.mails, 'email')",
        "row.missing | same(row.none)",
        "row.mails | without(row.mails, 'email')",
        "row.mails | only(row.missing, 'email')",
        "row.mails | merge(row.missing, row.mails, 'email')",
        "row.at | from_ms",
        "row.half | from_s",
        "row.time | to_ms",
        "row.time | to_s",
        "row.time | time",
        "row.time | date",
        "row.text | digits",
        "row.id | text",
        "row.url | base",
        "row.id | digits",
        "row.mails | values",
        "row.mails | retype(row.missing, 'work')",
        "row.text | unquote",
        "row.text | from_base64",
        "row.id | from_base64",
        "row.list | from_base64",
        "row.time | from_ms",
        "row.id | first",
        "row.id | join",
        "row.text | date",
        "row.flag | text",
        "row.text ~ row.id",
        "row.missing ~ '/' ~ row.none ~ row.flag ~ row.half ~ row.big",
        "row.list ~ row.deep",
        "row.missing.x == none",
        "row.missing == row.gone",
        "row.none == none",
        "row.id == 9007199254740993",
        "row.half == 1",
        "row.flag == 1",
        "row.flag == true",
        "row.deep == row.deep",
        "row.list != row.list",
        "row.text == 7",
        "'a' if row.flag else 'b'",
        "'a' if row.none",
        "'a' if row.empty else 'b' if row.flag else 'c'",
        "not row.empty",
        "not not row.flag and row.text",
        "row.none or row.missing or row.text",
        "row.flag and row.none",
        "row.missing is none",
        "row.none is none",
        "row.none is not defined",
        "row.missing is defined",
        "not row.none is none",
        "('a' if row.flag else 'b') ~ 'c'",
        "(row.none or row.text) == row.text",
        "row.flag and row.text != row.id or row.none",
        "row.text == row.text ~ ''",
        "row.list | first == row.missing",
        "row.mails | join('-') ~ row.text | trim",
        "row.flag | lookup(row.deep, 'other')",
        "'er' | lookup(row.deep)",
        "row.none | lookup(row.deep, 1)",
    ] {
        assert!(engine.compile(text).unwrap().is_straight(), "{text}");
        let (one, other) = (eval(&engine, text, &row, true), eval(&engine, text, &row, false));
        match (one, other) {
            (Ok(one), Ok(other)) => {
                // The order of members is no part of a value.
                let value = |json: &Json<'_>| serde_json::to_value(json).unwrap();
                assert_eq!(value(&one), value(&other), "{text}");
            }
            (Err(_), Err(_)) => {}
            (one, other) => panic!("{text}: {one:?} and {other:?}"),
        }
    }
}

#[test]
fn what_is_not_straight_is_evaluated_by_minijinja() {
    let engine = Engine::new(&[]);
    let row = Json::parse(ROW).unwrap();
    for (text, wanted) in [
        ("row.id > 7 and row.half < 1", "true"),
        ("1 == 1 == 1", "true"),
        ("(row.deep).er.est", "\"here\""),
        ("row.text is string", "true"),
        ("row.big - 1", "18446744073709551614"),
        ("{'value': row.flag, 'gone': row.missing}", "{\"value\":true}"),
        ("row.mails | map('lower') | sort", "[\"a@x.org\",\"b@x.org\"]"),
        ("row.list | compact | map(attribute='n')", "[1,2,3]"),
        ("row.missing | default('none')", "\"none\""),
        ("'a/b' | split('/')", "[\"a\",\"b\"]"),
        ("'x' in row.mails", "false"),
    ] {
        let compiled = engine.compile(text).unwrap();
        assert!(!compiled.is_straight(), "{text}");
        let value =
            eval(&engine, text, &row, true).unwrap_or_else(|fault| panic!("{text}: {fault}"));
        assert_eq!(serde_json::to_string(&value).unwrap(), wanted, "{text}");
    }
}

#[test]
fn an_expression_is_bounded_in_length_steps_text_values_and_levels() {
    let engine = Engine::new(&[]);
    let row = Json::parse(ROW).unwrap();
    let long = format!("'{}'", "x".repeat(EXPRESSION_BYTES_MAX));
    assert!(engine.compile(&long).is_err());
    let entries = Json::List((0..30_000).map(Json::Int).collect());
    let own = [("row", &entries)];
    let scope = Scope { shared: &[], own: &own };
    let refused = |text: &str, words: &str| {
        let fault = engine.compile(text).unwrap().eval(scope).unwrap_err();
        assert!(fault.0.contains(words), "{text}: {fault}");
    };
    refused("[row]", "values");
    refused("'xxxxxxxxxxxxxxxx' * 100000", "too many steps");
    refused("row | sort", "too many steps");
    let long = Json::text("x".repeat(TEXT_BYTES_MAX));
    let own = [("row", &long)];
    let fault =
        engine.compile("row ~ '!'").unwrap().eval(Scope { shared: &[], own: &own }).unwrap_err();
    assert!(fault.0.contains("bytes of text") || fault.0.contains("too many steps"), "{fault}");
    let fault = engine.compile("(row) | string").unwrap();
    let own_longer = Json::text("x".repeat(TEXT_BYTES_MAX + 1));
    let own = [("row", &own_longer)];
    let fault = fault.eval(Scope { shared: &[], own: &own }).unwrap_err();
    assert!(fault.0.contains("bytes of text") || fault.0.contains("steps"), "{fault}");
    assert!(engine.compile("row[1:2]").is_err(), "minijinja does not say what a slice reads");
    assert!(engine.compile("row['a:b'] or {'a': row[1]}").is_ok());
    refused("'x' * 100000000000", "too many steps");
    let deep = format!("{}1{}", "[".repeat(40), "]".repeat(40));
    let fault = engine.compile(&deep).unwrap().eval(scope).unwrap_err();
    assert!(fault.0.contains("levels"), "{fault}");
    let nested = format!("{}1{}", "(".repeat(1500), ")".repeat(1500));
    assert!(engine.compile(&nested).is_err());
    // An expression has no loops, so its length bounds its steps; helpers over lists count apart.
    let steps = vec!["row"; 600].join(" or ");
    assert!(eval(&engine, &format!("({steps}) | length"), &row, false).is_ok());
}

#[test]
fn a_fault_never_quotes_a_value() {
    let engine = Engine::new(&[]);
    let row = Json::parse(r#"{"secret": "Ada Lovelace", "list": ["Ada Lovelace"]}"#).unwrap();
    for text in [
        "row.secret | int",
        "row.secret + 1",
        "row.secret | first",
        "row.secret | from_ms",
        "row.secret | date",
        "row.list | join | time",
        "row.secret | items",
        "row.list.x.y | sort + 1",
        "row.secret()",
        "row.secret.foo()",
        "row | text",
        "-row.secret",
        "row.secret | sort | nope",
        "row.list[row.secret].x.y + 1",
        "row.list | map(row.secret)",
    ] {
        if let Err(fault) = eval(&engine, text, &row, true) {
            assert!(!fault.0.contains("Ada"), "{fault}");
        }
    }
}

#[test]
fn the_paths_that_an_expression_reads_are_known() {
    let engine = Engine::new(&[]);
    let reads = |text: &str| {
        let compiled = engine.compile(text).unwrap();
        let mut reads: Vec<String> = compiled.reads().iter().map(|read| read.join(".")).collect();
        reads.sort_unstable();
        reads
    };
    assert_eq!(reads("row.a.b"), ["row.a.b"]);
    assert_eq!(reads("row.a[0].b | same(input.c)"), ["input.c", "row.a"]);
    assert_eq!(reads("row.a.b ~ row.c if settings.d else 'x'"), ["row.a.b", "row.c", "settings.d"]);
}

#[test]
fn an_escape_is_called_by_its_name_and_its_fault_is_one_of_the_expression() {
    const ESCAPES: &[Escape] = &[("double", |arguments| match arguments {
        [serde_json::Value::Number(number)] => Ok((number.as_i64().unwrap_or_default() * 2).into()),
        _ => Err("one number is expected".into()),
    })];
    let engine = Engine::new(ESCAPES);
    let row = Json::parse(r#"{"n": 21, "text": "x"}"#).unwrap();
    assert_eq!(eval(&engine, "double(row.n)", &row, true), Ok(Json::Int(42)));
    let fault = eval(&engine, "double(row.text)", &row, true).unwrap_err();
    assert!(fault.0.contains("one number is expected"), "{fault}");
    assert_eq!(engine.compile("double(row.n)").unwrap().reads().len(), 1);
}

#[cfg(feature = "host")]
#[test]
fn every_filter_and_test_that_validate_knows_is_there() {
    let engine = Engine::new(&[]);
    let row = Json::parse(ROW).unwrap();
    let is_there = |text: &str| match eval(&engine, text, &row, false) {
        Ok(_) => true,
        Err(fault) => !fault.0.contains("unknown"),
    };
    for name in FILTERS {
        assert!(is_there(&format!("row.text | {name}")), "{name}");
    }
    for name in TESTS {
        assert!(is_there(&format!("row.text is {name}")), "{name}");
    }
    assert!(!is_there("row.text | nope"));
    assert!(!is_there("row.text is nope"));
}

#[cfg(feature = "host")]
#[test]
fn the_readme_documents_every_helper_filter_and_test() {
    let text = include_str!("../README.md");
    let names = crate::helpers::ALL.iter().map(|(name, _)| *name);
    for name in names.chain(FILTERS.iter().copied()).chain(TESTS.iter().copied()) {
        assert!(
            text.contains(&format!("`{name}`")) || text.contains(&format!("`{name}(")),
            "{name}"
        );
    }
}
