//! Tests the raw kinds: what is kept of a row, what bad rows cost, and what is read by default.

use crate::support::*;
use atsync_adapter::PureAdapter;
use atsync_adapter::contract::*;
use atsync_greenhouse::Greenhouse;
use atsync_greenhouse::raw::RAW;
use atsync_model::raw::{RawRecord, is_raw};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Reads rows of a kind.
fn read(kind: &str, rows: &str) -> (Page, Vec<Problem>) {
    let send = start(Task::Scan(everything(kind)), &opted_in());
    match resume(send, &opted_in(), ok(rows)) {
        Ok(Step::Done(Outcome::Page(page))) => (page, Vec::new()),
        Ok(Step::Done(Outcome::FlawedPage(flawed))) => flawed,
        other => panic!("{other:?}"),
    }
}

const OFFER: &str = r#"{"id": 8142329000007, "application_id": 5, "candidate_id": 6,
    "job_id": 7, "opening_id": null, "status": "Created", "custom_fields": {},
    "not_in_any_reference": {"a": [1.50, "\u00e9"]},
    "created_at": "2026-10-05T22:36:04.296Z", "updated_at": "2026-10-06T22:36:04.296Z"}"#;

#[test]
fn a_raw_record_is_the_row_itself_with_its_references_and_times() {
    let (page, problems) = read("raw_offers", &format!("[{OFFER}]"));
    assert_eq!(problems, []);
    let item = &page.items[0];
    assert_eq!((&*item.kind, &*item.id, &item.raw), ("raw_offers", "8142329000007", &None));
    assert!(item.body.contains(OFFER), "byte for byte: {}", item.body);
    let record: RawRecord<'static> = serde_json::from_str(&item.body).unwrap();
    assert_eq!(record.updated_at.as_deref(), Some("2026-10-06T22:36:04.296Z"));
    assert_eq!(record.created_at.as_deref(), Some("2026-10-05T22:36:04.296Z"));
    let named: Vec<String> = record
        .references
        .iter()
        .map(|one| format!("{} {}/{}", one.member, one.kind, one.id))
        .collect();
    assert_eq!(
        named,
        ["application_id applications/5", "candidate_id candidates/6", "job_id jobs/7"]
    );
    assert_eq!(page.masks, [["references", "content", "created_at", "updated_at"]]);
}

#[test]
fn a_bad_reference_is_reported_and_costs_no_other_one() {
    for (odd, at) in [
        (OFFER.replace("\"job_id\": 7", "\"job_id\": true"), "references.job_id"),
        (OFFER.replace("\"job_id\": 7,", ""), "references.job_id"),
        (OFFER.replace("\"job_id\": 7", "\"job_id\": -7"), "references.job_id"),
    ] {
        let (page, problems) = read("raw_offers", &format!("[{odd}]"));
        let places: Vec<_> = problems.iter().map(|one| (&one.id, &one.field)).collect();
        let id = Some("8142329000007".to_owned());
        assert_eq!(places, [(&id, &Some(at.to_owned()))]);
        let body: Value = serde_json::from_str(&page.items[0].body).unwrap();
        assert_eq!(body["references"].as_array().unwrap().len(), 2, "{body}");
        assert!(page.masks[0].contains(&"references".to_owned()));
    }
}

#[test]
fn a_bad_time_is_unknown_and_a_row_without_an_id_does_not_stop_the_page() {
    let late = OFFER.replace("2026-10-06T22:36:04.296Z", "soon");
    let (page, problems) = read("raw_offers", &format!("[{late},{{\"id\":null}},7,{OFFER}]"));
    assert_eq!(page.items.len(), 2);
    assert!(!page.masks[0].contains(&"updated_at".to_owned()));
    let body: Value = serde_json::from_str(&page.items[0].body).unwrap();
    assert!(body.get("updated_at").is_none(), "a body has no field beside its mask: {body}");
    assert_eq!(body["content"]["updated_at"], "soon");
    let reported: Vec<(bool, Option<&str>)> =
        problems.iter().map(|one| (one.id.is_some(), one.field.as_deref())).collect();
    assert_eq!(reported, [(true, Some("updated_at")), (false, None), (false, None)]);
}

/// What may have a secret of the host or of the receiver is not stored.
#[test]
fn members_that_may_have_secrets_are_not_kept() {
    let times = r#""created_at": "2026-10-05T22:36:04Z", "updated_at": "2026-10-05T22:36:04Z""#;
    for (kind, member) in [
        ("raw_webhooks", "additional_headers"),
        ("raw_bulk_requests", "callback_url"),
        ("raw_bulk_requests", "callback_response"),
    ] {
        let row = format!(r#"[{{"id": 7, "name": "x", "{member}": "s3cret", {times}}}]"#);
        let (page, _) = read(kind, &row);
        assert!(!page.items[0].body.contains("s3cret"), "{kind}: {}", page.items[0].body);
        assert!(page.items[0].body.contains("\"name\":\"x\"") && page.items[0].raw.is_none());
    }
}

#[test]
fn demographic_and_eeoc_data_are_read_only_where_the_settings_name_them() {
    let sensitive: BTreeSet<&str> =
        RAW.iter().filter(|kind| kind.sensitive).map(|kind| kind.name).collect();
    let named = |kind: &&str| kind.contains("demographic") || kind.contains("eeoc");
    assert_eq!(sensitive, RAW.iter().map(|kind| kind.name).filter(named).collect());
    assert_eq!(sensitive.len(), 5);
    let manifest = Greenhouse::describe();
    for kind in &sensitive {
        let rule = manifest.kind(kind).unwrap();
        assert_eq!(rule.opt_in.as_deref(), Some("sensitive_kinds"));
        let other = Given { settings: r#"{"sensitive_kinds": ["raw_offers"]}"#.into(), ..given() };
        for given in [given(), other] {
            let fetch = Fetch { kind: (*kind).into(), ids: vec!["7".into()] };
            for task in [Task::Scan(everything(kind)), Task::Fetch(fetch)] {
                let refused = Greenhouse::start(task, &given);
                let Err(Failure::Misconfigured(why)) = refused else { panic!("{refused:?}") };
                assert!(why.contains(kind) && why.contains("sensitive_kinds"), "{why}");
            }
        }
        let settings = json!({"sensitive_kinds": [kind]}).to_string();
        start(Task::Scan(everything(kind)), &Given { settings, ..given() });
    }
}

#[test]
fn raw_kinds_have_names_of_their_own_and_nothing_is_written_to_them() {
    let manifest = Greenhouse::describe();
    for rule in &manifest.kinds {
        assert_eq!(rule.raw, is_raw(&rule.name), "{}", rule.name);
        let permission = rule.permission.as_deref().unwrap();
        // The scopes of webhooks are needed to register them, too.
        let alone = rule.raw && rule.name != "raw_webhooks";
        assert_eq!(manifest.is_for_raw_alone(permission), alone, "{permission}");
    }
    assert_eq!(manifest.kinds.iter().filter(|rule| rule.raw).count(), RAW.len());
    assert!(manifest.operations.iter().all(|rule| !is_raw(&rule.kind)));
}

/// Harvest v3 has no announced end.
#[test]
fn no_end_of_harvest_v3_is_announced() {
    assert!(Greenhouse::describe().sunsets.is_empty());
}
