//! A manifest is checked when it is loaded: every member is checked, or a list says why not.
//!
//! Method: the test breaks a sound manifest with every member in one place at a time; the table
//! lists the words that the refusal must have.

#![allow(clippy::disallowed_methods, reason = "tests use the disk, threads and tasks")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests fail like tests"
)]

use atsync::internals::adapter::check::TaskGuard;
use atsync::internals::adapter::manifest_check::{self, Held, MEMBERS};
use atsync::internals::adapter::{AdapterError, promise::Promise};
use atsync_model::contract::{Item, Outcome, Page, Scan, Since, Step, Task};
use atsync_model::input::INPUTS;
use atsync_model::plain::is_plain;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// A sound manifest with every member that a manifest can have.
fn sound() -> Value {
    serde_json::from_str(include_str!("adapter_support/every_member.json")).unwrap()
}

/// The paths of all members below a value, in the form of [`MEMBERS`].
fn members(path: &str, value: &Value, found: &mut BTreeSet<String>) {
    match value {
        _ if path == "settings_schema" || path.ends_with("merged_when.value") => {
            found.insert(path.to_owned());
        }
        Value::Object(inner) => {
            for (name, value) in inner {
                members(
                    &if path.is_empty() { name.clone() } else { format!("{path}.{name}") },
                    value,
                    found,
                );
            }
        }
        Value::Array(list) => {
            list.iter().for_each(|value| members(&format!("{path}[]"), value, found))
        }
        _ => drop(found.insert(path.to_owned())),
    }
}

#[test]
fn a_member_of_a_wrong_form_is_named_by_its_path_and_not_by_a_line_of_generated_text() {
    let sound = sound();
    let first = |list: &str, of: &str| sound[list][0][of].as_str().unwrap().to_owned();
    let kind = first("kinds", "name");
    let named = |at: String| format!("the manifest is not as documented: {at}: ");
    for (pointer, value, at) in [
        ("/kinds/0/page_max", json!("many"), named(format!("kinds[{kind}].page_max"))),
        ("/kinds/0/fields/1", json!(7), named(format!("kinds[{kind}].fields[1]"))),
        ("/kinds/0/name", json!(7), named("kinds[0].name".into())),
        (
            "/operations/0/class",
            json!("safe"),
            named(format!("operations[{}].class", first("operations", "name"))),
        ),
        (
            "/origins/0/base/how",
            json!("guessed"),
            named(format!("origins[{}].base.how", first("origins", "name"))),
        ),
        ("/permissions", json!({}), named("permissions".into())),
        ("", json!([]), "the manifest is not as documented: ".into()),
    ] {
        let mut broken = sound.clone();
        *broken.pointer_mut(pointer).unwrap() = value;
        let refusal = manifest_check::read(&broken.to_string()).unwrap_err();
        assert!(refusal.starts_with(&at), "{pointer}: {refusal}");
        assert!(!refusal.contains(" at line "), "{pointer}: {refusal}");
    }
    let mut unknown = sound.clone();
    unknown["kinds"][0]["page_maximum"] = json!(1);
    let refusal = manifest_check::read(&unknown.to_string()).unwrap_err();
    assert!(refusal.contains(&format!("kinds[{kind}]")), "{refusal}");
    assert!(refusal.contains("unknown field `page_maximum`"), "{refusal}");
    // What is no JSON has no members.
    let refusal = manifest_check::read("{\"name\":").unwrap_err();
    assert!(refusal.contains("line 1"), "{refusal}");
}

#[test]
fn every_member_of_a_manifest_is_checked_or_listed_with_a_reason() {
    let manifest = manifest_check::read(&sound().to_string()).unwrap();
    let mut found = BTreeSet::new();
    members("", &serde_json::to_value(&manifest).unwrap(), &mut found);
    // Absent options are written as null.
    let table: BTreeSet<String> = MEMBERS.iter().map(|(path, _)| (*path).to_owned()).collect();
    let unknown: Vec<&String> = found.difference(&table).collect();
    assert!(unknown.is_empty(), "no line of the table is about {unknown:?}");
    let stale: Vec<&String> = table.difference(&found).collect();
    assert!(stale.is_empty(), "the table knows members that no manifest has: {stale:?}");
    for (path, held) in MEMBERS {
        assert!(!held.is_empty(), "{path}");
        let reasons = held.iter().filter_map(|held| match held {
            Held::Unchecked(why) => Some(why),
            _ => None,
        });
        assert!(reasons.into_iter().all(|why| why.len() > 30), "{path} has no reason");
    }
}

#[test]
fn a_manifest_that_breaks_a_member_is_refused_with_its_place_and_what_to_do() {
    let long = "x".repeat(10_000);
    let faults: &[(&str, &str, Value, &str)] = &[
        ("name", "/name", json!("Big Name"), "name:"),
        ("version", "/version", json!(""), "version:"),
        ("title", "/title", json!(long), "title: a text has 10000 bytes"),
        (
            "contract",
            "/contract",
            json!("ats:adapter@0.2.0"),
            "contract: it was built against ats:adapter@0.2.0",
        ),
        ("origins[].name", "/origins/0/name", json!(""), "origins: a name is empty"),
        ("origins[].base.how", "/origins/0/base", json!({"how": "guess"}), "guess"),
        (
            "origins[].base.how",
            "/origins/0/base",
            json!({"how": "discovered", "suffixes": []}),
            "origins[api].suffixes",
        ),
        (
            "origins[].base.url",
            "/origins/0/base/url",
            json!("http://ats.example"),
            "origins[api].url",
        ),
        (
            "origins[].credential",
            "/origins",
            json!([{"name": "api", "base": {"how": "fixed", "url": "https://a.example"}},
                {"name": "b", "base": {"how": "fixed", "url": "https://b.example"}}]),
            "origins: there are several, and none is named for the credential",
        ),
        (
            "safe[].method",
            "/safe/0/method",
            json!("DELETE"),
            "PUT, PATCH and DELETE are never safe",
        ),
        (
            "safe[].origin",
            "/safe/0/origin",
            json!("x"),
            "safe[/jobs.list].origin: there is no origin x",
        ),
        ("safe[].path", "/safe/0/path", json!("/*/*"), "a segment that is not *"),
        ("auth[].scheme", "/auth/0", json!({"scheme": "magic"}), "magic"),
        (
            "auth[].token_origin",
            "/auth/0/token_origin",
            json!("x"),
            "auth.token_origin: there is no origin x",
        ),
        ("auth[].token_path", "/auth/0/token_path", json!("token"), "auth.token_path"),
        (
            "auth[].form_settings[].field",
            "/auth/0/form_settings/0/field",
            json!(""),
            "auth.form_settings.field",
        ),
        (
            "auth[].form_settings[].setting",
            "/auth/0/form_settings/0/setting",
            json!("x"),
            "has no property x",
        ),
        ("rates[].name", "/rates/0/name", json!(""), "rates: a name is empty"),
        (
            "rates[].origins[]",
            "/rates/0/origins/0",
            json!("x"),
            "rates[all].origins: there is no origin x",
        ),
        (
            "rates[].origins[]",
            "/rates/0/origins",
            json!([]),
            "rates[all].origins: it counts the requests of no origin",
        ),
        ("rates[].window_ms", "/rates/0/window_ms", json!(0), "rates[all]: window_ms"),
        ("rates[].window_ms", "/rates/0/window_ms", json!(1_u64 << 40), "rates[all].window_ms: "),
        (
            "rates[].limit_initial",
            "/rates/0/limit_initial",
            json!(0),
            "rates[all]: window_ms, limit_initial",
        ),
        (
            "rates[].limit_header",
            "/rates/0/limit_header",
            json!("X-Limit"),
            "rates[all].limit_header",
        ),
        (
            "rates[].remaining_header",
            "/rates/0/remaining_header",
            json!(""),
            "rates[all].remaining_header",
        ),
        ("rates[].reset.how", "/rates/0/reset", json!({"how": "guess"}), "guess"),
        ("rates[].reset.header", "/rates/0/reset/header", json!("a b"), "rates[all].reset"),
        ("rates[].concurrency_max", "/rates/0/concurrency_max", json!(0), "concurrency_max"),
        ("kinds[].name", "/kinds/2/name", json!("candidates"), "kinds: candidates occurs twice"),
        ("kinds[].scan.how", "/kinds/0/scan", json!({"how": "none"}), "kinds[candidates].changes"),
        (
            "kinds[].scan.parent",
            "/kinds/1/scan/parent",
            json!("x"),
            "kinds[applications].scan: there is no kind x",
        ),
        (
            "kinds[].scan.parent",
            "/kinds/1/scan/parent",
            json!("applications"),
            "cannot come from itself",
        ),
        (
            "kinds[].scan.parent",
            "/kinds/1/scan/parent",
            json!("jobs"),
            "jobs, which cannot be listed",
        ),
        (
            "kinds[].scan.parent",
            "/kinds/0/scan",
            json!({"how": "by-parent", "parent": "applications"}),
            "cannot come from itself",
        ),
        (
            "kinds[].scan.how",
            "/kinds/2/scan",
            json!({"how": "inside", "kind": "x"}),
            "kinds[jobs].scan: there is no kind x",
        ),
        (
            "kinds[].changes[]",
            "/kinds/0/changes",
            json!(["window", "window"]),
            "kinds[candidates].changes: a way occurs twice",
        ),
        ("kinds[].changes[]", "/kinds/0/changes", json!(["queue"]), "`queue` is reserved"),
        (
            "kinds[].overlap_ms",
            "/kinds/0/overlap_ms",
            json!(1_u64 << 40),
            "kinds[candidates].overlap_ms",
        ),
        (
            "kinds[].page_max",
            "/kinds/0/page_max",
            json!(0),
            "kinds[candidates].page_max: it must be at least 1",
        ),
        (
            "kinds[].page_max",
            "/kinds/0/page_max",
            json!(10_001),
            "page_max and ids_max must be at most",
        ),
        (
            "kinds[].ids_max",
            "/kinds/0/ids_max",
            json!(10_001),
            "page_max and ids_max must be at most",
        ),
        (
            "kinds[].ids_max",
            "/kinds/0/ids_max",
            json!(0),
            "`gone-on-fetch` needs a fetch, and ids_max is 0",
        ),
        (
            "kinds[].absence_proves",
            "/kinds/2/absence_proves",
            json!(true),
            "kinds[jobs].absence_proves",
        ),
        ("kinds[].deletes[]", "/kinds/2/deletes", json!(["gone-from-walk"]), "kinds[jobs].deletes"),
        ("kinds[].deletes[]", "/kinds/0/deletes", json!(["hook", "hook"]), "a sign occurs twice"),
        (
            "kinds[].visible_within_ms",
            "/kinds/0/visible_within_ms",
            json!(1_u64 << 40),
            "kinds[candidates].visible_within_ms",
        ),
        (
            "kinds[].fields[]",
            "/kinds/0/fields",
            json!(["name", "name"]),
            "kinds[candidates].fields: name occurs twice",
        ),
        (
            "kinds[].expected[]",
            "/kinds/0/expected",
            json!(["x"]),
            "kinds[candidates].expected: x is none of its fields",
        ),
        ("kinds[].expected[]", "/kinds/0/expected", json!(["name", "name"]), "name occurs twice"),
        (
            "kinds[].permission",
            "/kinds/0/permission",
            json!("x"),
            "kinds[candidates].permission: there is no permission x",
        ),
        (
            "kinds[].scope",
            "/kinds/1/scope",
            json!("x"),
            "kinds[applications].scope: there is no kind x",
        ),
        ("kinds[].scope", "/kinds/1/scope", json!("applications"), "kinds[applications].scope"),
        ("kinds[].raw", "/kinds/3/raw", json!(false), "kinds[raw_offers].raw: the name of a raw"),
        ("kinds[].raw", "/kinds/0/raw", json!(true), "kinds[candidates].raw: the name of a raw"),
        ("kinds[].name", "/kinds/3/name", json!("raw_"), "kinds[raw_].raw: the name of a raw"),
        (
            "kinds[].fields[]",
            "/kinds/3/fields",
            json!(["content", "title"]),
            "kinds[raw_offers].fields: a raw kind has no field title",
        ),
        ("kinds[].fields[]", "/kinds/3/fields", json!(["references"]), "kinds[raw_offers]."),
        (
            "kinds[].opt_in",
            "/kinds/3/opt_in",
            json!("x"),
            "kinds[raw_offers].opt_in: settings_schema has no property x",
        ),
        (
            "kinds[].opt_in",
            "/kinds/3/opt_in",
            json!("writes"),
            "kinds[raw_offers].opt_in: the property writes",
        ),
        (
            "operations[].materialises[]",
            "/operations/0/materialises",
            json!(["candidates", "raw_offers"]),
            "raw_offers is a raw kind",
        ),
        (
            "operations[].may_carry[].kind",
            "/operations/0/may_carry/0/kind",
            json!("raw_offers"),
            "raw_offers is a raw kind",
        ),
        (
            "operations[].name",
            "/operations/1/name",
            json!("candidates.create"),
            "operations: candidates.create occurs twice",
        ),
        (
            "operations[].name",
            "/operations/0/name",
            json!("candidates.make"),
            "called by its kind and its verb",
        ),
        (
            "operations[].kind",
            "/operations/0/kind",
            json!("x"),
            "operations[candidates.create].kind: there is no kind x",
        ),
        (
            "operations[].verb",
            "/operations/0/verb",
            json!("update"),
            "called by its kind and its verb",
        ),
        (
            "operations[].materialises[]",
            "/operations/0/materialises",
            json!(["x"]),
            "materialises: there is no kind x",
        ),
        (
            "operations[].materialises[]",
            "/operations/0/materialises",
            json!(["jobs", "candidates"]),
            "the main kind comes first",
        ),
        (
            "operations[].may_carry[].kind",
            "/operations/0/may_carry/0/kind",
            json!("x"),
            "may_carry[x].kind: there is no kind x",
        ),
        (
            "operations[].may_carry[].when",
            "/operations/0/may_carry/0/when",
            json!("x"),
            "may_carry[applications].when",
        ),
        (
            "operations[].may_carry[].members[]",
            "/operations/0/may_carry/0/members",
            json!(["job", "job"]),
            "job occurs twice",
        ),
        (
            "operations[].fields[].name",
            "/operations/0/fields/1/name",
            json!("name"),
            "fields: name occurs twice",
        ),
        (
            "operations[].fields[].mode",
            "/operations/1/fields/0/mode",
            json!("set"),
            "merged_when: it says something only of",
        ),
        (
            "operations[].fields[].merged_when.setting",
            "/operations/1/fields/0/merged_when/setting",
            json!("x"),
            "has no property x",
        ),
        (
            "operations[].fields[].unwritable[]",
            "/operations/1/fields/1/unwritable",
            json!(["file"]),
            "fields[salary].unwritable",
        ),
        (
            "operations[].required[]",
            "/operations/0/required",
            json!(["phones"]),
            "required: phones is none of its fields",
        ),
        (
            "operations[].required[]",
            "/operations/0/required",
            json!(["name.first.x"]),
            "required: name.first.x is no member",
        ),
        (
            "operations[].required[]",
            "/operations/1/required",
            json!(["salary"]),
            "an update requires it",
        ),
        (
            "operations[].refused_statuses[]",
            "/operations/0/refused_statuses",
            json!([500]),
            "500 is none of 400 to 499",
        ),
        (
            "operations[].settle_window_ms",
            "/operations/0/settle_window_ms",
            json!(1_u64 << 40),
            "settle_window_ms",
        ),
        (
            "operations[].side_effects[].what",
            "/operations/0/side_effects/0/what",
            json!("rains"),
            "rains",
        ),
        (
            "operations[].side_effects[].note",
            "/operations/0/side_effects/0/note",
            json!(""),
            "side_effects.note",
        ),
        (
            "operations[].opt_in",
            "/operations/0/opt_in",
            json!("x"),
            "operations[candidates.create].opt_in",
        ),
        (
            "operations[].opt_in",
            "/operations/0/opt_in",
            json!("act_as"),
            "must be of the type boolean",
        ),
        (
            "operations[].permissions[]",
            "/operations/0/permissions",
            json!(["x"]),
            "permissions: there is no permission x",
        ),
        (
            "operations[].calls",
            "/operations/0/calls",
            json!(0),
            "operations[candidates.create].calls",
        ),
        (
            "operations[].calls",
            "/operations/0/calls",
            json!(201),
            "operations[candidates.create].calls",
        ),
        ("permissions[].id", "/permissions/0/id", json!(""), "permissions: a name is empty"),
        ("permissions[].label", "/permissions/0/label", json!(long), "permissions[read].label"),
        (
            "permissions[].grant_at",
            "/permissions/0/grant_at",
            json!(long),
            "permissions[read].grant_at",
        ),
        (
            "permissions[].without_it",
            "/permissions/0/without_it",
            json!(long),
            "permissions[read].without_it",
        ),
        ("webhooks.events[]", "/webhooks/events", json!([]), "webhooks.events: name 1 to"),
        ("webhooks.events[]", "/webhooks/events", json!(["a", "a"]), "a occurs twice"),
        ("webhooks.secret.how", "/webhooks/secret", json!({"how": "guess"}), "guess"),
        ("webhooks.secret.how", "/webhooks/secret", json!({"how": "answered"}), "is reserved"),
        ("webhooks.secret.member", "/webhooks/secret/member", json!(""), "it is empty"),
        ("webhooks.permissions[]", "/webhooks/permissions/0", json!("x"), "no permission x"),
        ("webhooks.url_bytes_max", "/webhooks/url_bytes_max", json!(9), "it is 100 to"),
        ("webhooks.url_bytes_max", "/webhooks/url_bytes_max", json!(99_999), "it is 100 to"),
        ("webhooks.by_hand_at", "/webhooks/by_hand_at", json!(long), "webhooks.by_hand_at"),
        ("settings_schema", "/settings_schema", json!([]), "settings_schema"),
        (
            "describes_tenant",
            "/describes_tenant",
            json!(false),
            "must say which customer it would write to",
        ),
        ("lossy[]", "/lossy/0", json!(long), "lossy"),
        ("forms[].kind", "/forms/0/kind", json!("x"), "forms[x.phones].kind: there is no kind x"),
        (
            "forms[].field",
            "/forms/0/field",
            json!("name"),
            "only phones, links, addresses have forms",
        ),
        (
            "forms[].field",
            "/forms/0/field",
            json!("emails"),
            "only phones, links, addresses have forms",
        ),
        (
            "forms[].field",
            "/forms/0/field",
            json!("links"),
            "links is none of the fields of candidates",
        ),
        ("forms[].form", "/forms/0/form", json!("x"), "unknown variant"),
        ("sunsets[].api", "/sunsets/0/api", json!(" "), "sunsets[ ].api: it says nothing"),
        (
            "sunsets[].api",
            "/sunsets",
            json!([
                {"last_day": "2026-08-31", "announced_at": "https://a.example", "instead": "Go."},
                {"last_day": "2026-09-01", "announced_at": "https://a.example", "instead": "Go."},
            ]),
            "sunsets[all]: it ends twice",
        ),
        (
            "sunsets[].last_day",
            "/sunsets/0/last_day",
            json!("2026-02-30"),
            "sunsets[v1].last_day: \"2026-02-30\" is no day",
        ),
        (
            "sunsets[].announced_at",
            "/sunsets/0/announced_at",
            json!("http://ats.example"),
            "sunsets[v1].announced_at: name the page",
        ),
        (
            "sunsets[].announced_at",
            "/sunsets/0/announced_at",
            json!("https://u:p@ats.example"),
            "sunsets[v1].announced_at: name the page",
        ),
        ("sunsets[].instead", "/sunsets/0/instead", json!(""), "sunsets[v1].instead: it says"),
    ];
    for (member, place, value, words) in faults {
        let mut wrong = sound();
        match wrong.pointer_mut(place) {
            Some(held) => *held = value.clone(),
            None => {
                let (parent, name) = place.rsplit_once('/').unwrap();
                wrong.pointer_mut(parent).unwrap()[name] = value.clone();
            }
        }
        let text = manifest_check::read(&wrong.to_string())
            .expect_err(&format!("{member}: {place} = {value}"));
        assert!(text.contains(words), "{member}: {text}");
    }
    let broken: BTreeSet<&str> = faults.iter().map(|(member, ..)| *member).collect();
    let at_load =
        MEMBERS.iter().filter(|(_, held)| held.contains(&Held::AtLoad)).map(|(path, _)| *path);
    let missed: Vec<&str> = at_load.filter(|path| !broken.contains(path)).collect();
    assert!(missed.is_empty(), "checked at load, and never broken here: {missed:?}");
}

#[test]
fn the_rule_of_a_consent_is_checked_member_by_member() {
    let mut manifest = sound();
    manifest["auth"] = json!([{"scheme": "oauth2-authorization-code", "token_origin": "api",
        "authorize_path": "/authorize", "token_path": "/token", "scopes": ["jobs:list"],
        "pkce": true, "refresh_life_ms": 86_400_000}]);
    assert!(manifest_check::read(&manifest.to_string()).is_ok());
    for (member, value, words) in [
        ("token_origin", json!("x"), "auth.token_origin: there is no origin x"),
        ("authorize_path", json!("authorize"), "auth.authorize_path: it must begin with /"),
        ("token_path", json!(""), "auth.token_path: it must begin with /"),
        ("scopes", json!(["a b"]), "auth.scopes: a scope has 1 to"),
        ("scopes", json!([""]), "auth.scopes: a scope has 1 to"),
        ("scopes", json!(["x".repeat(1_000)]), "auth.scopes: a scope has 1 to"),
        ("refresh_life_ms", json!(59_999), "auth.refresh_life_ms: 59999 ms is less than 60000"),
        ("refresh_life_ms", json!(1_u64 << 40), "auth.refresh_life_ms: "),
    ] {
        let mut broken = manifest.clone();
        broken["auth"][0][member] = value;
        let refusal = manifest_check::read(&broken.to_string()).unwrap_err();
        assert!(refusal.contains(words), "{member}: {refusal}");
    }
}

/// The pointers of all texts below a value, and of all names of members.
fn texts(pointer: &str, value: &Value, found: &mut Vec<String>) {
    match value {
        Value::String(_) => found.push(pointer.to_owned()),
        Value::Object(inner) => {
            inner.iter().for_each(|(name, value)| texts(&format!("{pointer}/{name}"), value, found))
        }
        Value::Array(list) => {
            list.iter()
                .enumerate()
                .for_each(|(at, value)| texts(&format!("{pointer}/{at}"), value, found));
        }
        _ => {}
    }
}

#[test]
fn no_text_of_a_manifest_controls_a_terminal_or_hides_a_letter() {
    let mut found = Vec::new();
    texts("", &sound(), &mut found);
    assert!(found.len() > 60, "{}", found.len());
    for pointer in found {
        for odd in [
            "\u{1b}[2J",
            "\n",
            "\u{9b}",
            "\u{202e}",
            "\u{200b}",
            "\u{feff}",
            "\u{2028}",
            "\u{e0041}",
        ] {
            let mut manifest = sound();
            let text = manifest.pointer_mut(&pointer).unwrap();
            *text = json!(format!("{}{odd}", text.as_str().unwrap()));
            let refusal = manifest_check::read(&manifest.to_string()).unwrap_err();
            assert!(refusal.chars().all(is_plain), "{pointer}: {refusal:?}");
        }
    }
    let mut named = sound();
    named["settings_schema"]["properties"]["a\u{202e}"] = json!({});
    let refusal = manifest_check::read(&named.to_string()).unwrap_err();
    assert!(refusal.contains("U+202E") && refusal.chars().all(is_plain), "{refusal}");
}

#[test]
fn a_host_that_looks_like_another_one_is_refused_with_its_punycode() {
    // Cyrillic letters for `a` and `e`.
    for (base, shown) in [
        (json!({"how": "fixed", "url": "https://\u{430}ts.example/v1"}), "xn--ts-6kc.example"),
        (
            json!({"how": "discovered", "suffixes": [".gr\u{435}enhouse.io"]}),
            "xn--grenhouse-h0h.io",
        ),
    ] {
        let mut manifest = sound();
        manifest["origins"][0]["base"] = base;
        let refusal = manifest_check::read(&manifest.to_string()).unwrap_err();
        assert!(refusal.starts_with("origins[api].") && refusal.contains(shown), "{refusal}");
    }
}

#[test]
fn the_engine_sends_exactly_the_members_that_the_document_for_authors_lists() {
    let text =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../wit/operations.md"))
            .unwrap();
    let rows: Vec<&str> = text.lines().filter(|line| line.starts_with("| `")).collect();
    assert_eq!(rows.len(), INPUTS.len());
    for (operation, inputs) in INPUTS {
        let row = rows.iter().find(|row| row.starts_with(&format!("| `{operation}`"))).unwrap();
        let cells: Vec<&str> = row.split('|').collect();
        for input in *inputs {
            let names = cells[3].split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
            assert!(
                names.into_iter().any(|name| name == *input),
                "{operation}: {input} is not in its row"
            );
        }
    }
}

#[test]
fn a_page_with_more_records_than_the_manifest_promises_is_a_named_fault_of_the_adapter() {
    let mut manifest = sound();
    manifest["kinds"][0]["page_max"] = json!(2);
    let manifest = manifest_check::read(&manifest.to_string()).unwrap();
    let task = Task::Scan(Scan {
        kind: "candidates".into(),
        parent: None,
        since: Since::Everything,
        cursor: None,
        page_size: 1,
    });
    let page = |kinds: &[&str]| {
        let item = |(at, kind): (usize, &&str)| Item {
            kind: (*kind).to_owned(),
            id: at.to_string(),
            version: None,
            mask: 0,
            body: "{}".into(),
            raw: None,
        };
        let items = kinds.iter().enumerate().map(item).collect();
        let page =
            Page { items, masks: vec![Vec::new()], next: None, checkpoint: None, complete: true };
        TaskGuard::held_to(&manifest, &task).step(&Step::Done(Outcome::Page(page)), None)
    };
    page(&["candidates", "candidates", "applications", "applications", "applications"]).unwrap();
    let error = page(&["candidates"; 3]).unwrap_err();
    let AdapterError::Promise(broken) = &error else { panic!("{error}") };
    assert_eq!(broken.promise, Promise::PageMax { page_max: 2, rows: 3 });
    assert_eq!(
        broken.to_string(),
        "the adapter sound broke a promise of its manifest: a page of candidates has 3 records, \
         and `page_max` says at most 2"
    );
}
