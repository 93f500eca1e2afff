//! The control surface, and the company that every ATS has in common.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "helpers of tests; the lint exempts only the tests themselves"
)]

mod common;

use std::collections::BTreeMap;

use atsync_lever_sandbox::CompanySpec;
use atsync_sandbox::{Company, JobState, Outcome};
use common::{NOW_MS, World, ada, id};
use serde_json::{Value, json};

#[tokio::test]
async fn the_account_is_the_imagined_company() {
    let world = World::with(|options| options.company = CompanySpec::sized(3, 400)).await;
    let company = Company::generate(&CompanySpec::sized(3, 400), NOW_MS);
    let sandbox = world.sandbox();
    assert_eq!(sandbox.count("contacts"), company.candidates.len());
    assert_eq!(sandbox.count("users"), company.users.len());
    assert_eq!(sandbox.count("postings"), company.jobs.len());
    let opportunities = company.candidates.iter().map(|candidate| {
        let real = candidate.applications.iter().filter(|one| one.outcome != Outcome::Converted);
        real.count().max(1)
    });
    assert_eq!(sandbox.count("opportunities"), opportunities.sum::<usize>());
    let published =
        sandbox.rows("postings").iter().filter(|one| one["state"] == "published").count();
    let open = company.jobs.iter().filter(|job| job.state == JobState::Open).count();
    assert_eq!(published, open);
    let hired = id(&sandbox.rows_where("archive_reasons", "type", "hired")[0]);
    let mut outcomes = BTreeMap::new();
    for row in sandbox.rows("opportunities") {
        let outcome = match row["archived"]["reason"].as_str() {
            None => "active",
            Some(reason) if reason == hired => "hired",
            Some(_) => "rejected",
        };
        *outcomes.entry(outcome).or_insert(0) += 1;
    }
    let count = |wanted: fn(&Outcome) -> bool| {
        let all = company.candidates.iter().flat_map(|candidate| &candidate.applications);
        all.filter(|one| wanted(&one.outcome)).count()
    };
    assert_eq!(outcomes["hired"], count(|one| matches!(one, Outcome::Hired { .. })));
    assert_eq!(outcomes["rejected"], count(|one| matches!(one, Outcome::Rejected(_))));
    for candidate in company.candidates.iter().filter(|candidate| !candidate.emails.is_empty()) {
        let found = sandbox.contacts_by_email(&candidate.emails[0].value);
        let name = format!(
            "{} {}",
            candidate.first.unwrap_or_default(),
            candidate.last.unwrap_or_default()
        );
        assert!(found.iter().any(|contact| contact["name"] == name), "{name}");
    }
}

#[tokio::test]
async fn the_control_surface_drives_the_sandbox_without_knowing_it() {
    let world = World::new().await;
    let about = world.control("GET", "about", Value::Null).await;
    assert_eq!((&about["ats"], &about["origins"]), (&json!("lever"), &json!({"api": "/v1"})));
    assert_eq!(about["credential"], json!({"api_key": "sandbox-key"}));
    for collection in about["collections"].as_array().expect("a list") {
        let name = collection["name"].as_str().expect("a name");
        let rows = world.control("GET", &format!("rows/{name}"), Value::Null).await;
        let rows = rows.as_array().expect("rows");
        assert!(name == "deleted_opportunities" || !rows.is_empty(), "{name}");
        if collection["editable"] == true {
            let id = &rows[0]["id"];
            world.control("POST", "edit", json!({"collection": name, "id": id})).await;
            let call = format!("rows/{name}/{}", id.as_str().expect("an id"));
            assert_ne!(world.control("GET", &call, Value::Null).await, rows[0], "{name}");
        }
    }
    world.control("DELETE", "logs", Value::Null).await;
    world.control("POST", "faults", json!({"fault": {"kind": "too_many_requests"}})).await;
    assert_eq!(world.get("/v1/stages").await.status, 429);
    world.create(ada("ada@example.com")).await;
    let requests = world.control("GET", "requests", Value::Null).await;
    let statuses: Vec<&Value> =
        requests.as_array().expect("a list").iter().map(|one| &one["status"]).collect();
    assert_eq!(statuses, [429, 201]);
    assert!(!requests.to_string().contains("sandbox-key"), "no credential is logged");
    let writes = world.control("GET", "writes", Value::Null).await;
    let created = |one: &&Value| one["deed"] == "create" && one["collection"] == "opportunities";
    assert_eq!(writes.as_array().expect("a list").iter().filter(created).count(), 1);
    let state = world.control("POST", "reset", json!({"candidates": 10})).await;
    assert_eq!(state["counts"]["contacts"], 10);
    assert_eq!(world.sandbox().creates("opportunities"), 0);
    let bad = world.send("PATCH", "/_sandbox/quirks", json!({"nonsense": 1})).await;
    assert_eq!((bad.status, bad.body["error"].is_string()), (400, true));
    assert_eq!(world.send("GET", "/_sandbox/nonsense", Value::Null).await.status, 404);
}
