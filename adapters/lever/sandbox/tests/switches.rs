//! The switches that no other file turns.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "helpers of tests; the lint exempts only the tests themselves"
)]

mod common;

use atsync_lever_sandbox::{HookCopies, Quirks};
use common::{NOW_MS, World, ada, id};
use serde_json::{Value, json};

#[tokio::test]
async fn a_company_may_have_every_change_time() {
    let world = World::with(|options| options.quirks.null_updated_at = false).await;
    let (rows, _) = world.walk("/v1/opportunities?confidentiality=all").await;
    assert!(rows.iter().all(|row| row["updatedAt"].is_i64()));
}

#[tokio::test]
async fn a_row_without_a_time_may_pass_every_window() {
    let world = World::with(|options| options.quirks.null_matches_windows = true).await;
    let path = format!("/v1/opportunities?updated_at_start={}", NOW_MS + 1);
    let (rows, _) = world.walk(&path).await;
    assert!(!rows.is_empty() && rows.iter().all(|row| row["updatedAt"].is_null()));
}

#[tokio::test]
async fn a_contacts_change_may_touch_its_opportunities() {
    let world = World::with(|options| options.quirks.contact_touches_opportunities = true).await;
    let made = world.create(ada("ada@example.com")).await["data"].clone();
    world.clock.advance_ms(4_000);
    let contact = made["contact"].as_str().expect("a contact");
    world.done("PUT", &format!("/v1/contacts/{contact}"), json!({"headline": "x"})).await;
    let seen = world.data(&format!("/v1/opportunities/{}", id(&made))).await;
    assert_eq!(seen["updatedAt"], NOW_MS + 4_000);
}

#[tokio::test]
async fn contacts_may_be_listed_unknown_parameters_pass_and_members_be_added() {
    let world = World::with(|options| {
        options.quirks = Quirks {
            contacts_listed: true,
            unknown_parameters_pass: true,
            unknown_field: true,
            ..Quirks::default()
        };
    })
    .await;
    let (rows, _) = world.walk("/v1/contacts?nonsense=1&limit=50").await;
    assert_eq!(rows.len(), world.sandbox().count("contacts"));
    assert!(rows.iter().all(|row| row["notInAnyReference"].is_object()));
}

#[tokio::test]
async fn a_delivery_may_be_late_and_come_twice_under_one_id() {
    let world = World::new().await;
    let url = "http://127.0.0.1:9/hook";
    let body = json!({"url": url, "events": ["contactCreated"]});
    world.control("POST", "webhooks", body).await;
    world.sandbox().set_quirks(|quirks| {
        quirks.webhooks.copies = HookCopies::SameId;
        quirks.webhooks.delay_ms = 60_000;
    });
    world.create(ada("ada@example.com")).await;
    let deliveries = world.control("GET", "deliveries", Value::Null).await;
    assert_eq!(deliveries.as_array().map(Vec::len), Some(2));
    assert_eq!(deliveries[0]["event_id"], deliveries[1]["event_id"]);
    assert_eq!(deliveries[0]["due_ms"], NOW_MS + 60_000);
}
