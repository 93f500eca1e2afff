//! The laws of reading: order, tokens, windows, filters, visibility, permissions.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "helpers of tests; the lint exempts only the tests themselves"
)]

mod common;

use std::collections::BTreeSet;

use atsync_lever_sandbox::{DeletedRow, Recruiter, WithoutSwitch, all_scopes};
use common::{NOW_MS, World, ada, id, ids};
use serde_json::{Value, json};

#[tokio::test]
async fn a_key_is_the_user_name_of_basic_with_an_empty_password() {
    let mut world = World::new().await;
    assert_eq!(world.get("/v1/users").await.status, 200);
    world.key = "sandbox-key:secret".to_owned();
    assert_eq!(world.get("/v1/users").await.status, 401);
    world.key = "another".to_owned();
    let answer = world.get("/v1/users").await;
    assert_eq!((answer.status, answer.body["code"].is_string()), (401, true));
    assert_eq!(answer.headers["x-lever-region"], "global");
}

#[tokio::test]
async fn a_walk_of_small_pages_has_every_row_of_one_large_page_in_order() {
    let world = World::new().await;
    let (small, pages) = world.walk("/v1/opportunities?limit=9&confidentiality=all").await;
    let (large, _) = world.walk("/v1/opportunities?confidentiality=all").await;
    assert!(pages > 3 && small == large);
    assert_eq!(small.len(), world.sandbox().count("opportunities"));
    let distinct: BTreeSet<String> = ids(&small).into_iter().collect();
    assert_eq!(distinct.len(), small.len());
    let stages: Vec<String> = ids(world.data("/v1/stages").await.as_array().expect("stages"));
    let place = |row: &Value| {
        let stage = row["stage"].as_str().expect("a stage");
        let rank = stages.iter().position(|one| one == stage).expect("a known stage");
        (rank, -row["lastAdvancedAt"].as_i64().expect("a time"), id(row))
    };
    assert!(small.windows(2).all(|pair| place(&pair[0]) < place(&pair[1])));
    assert!(small.iter().any(|row| !row["archived"].is_null()), "archived rows are listed");
}

#[tokio::test]
async fn a_row_that_moves_to_an_earlier_stage_is_skipped_by_a_walk_under_way() {
    let world = World::new().await;
    let first = world.get("/v1/opportunities?limit=20").await.body;
    let (all, _) = world.walk("/v1/opportunities").await;
    let last = id(all.last().expect("a row"));
    let stage = "lead-new".to_owned();
    let moved = Recruiter::Move { opportunity_id: last.clone(), stage };
    world.sandbox().recruiter(&moved).expect("moves");
    let token = first["next"].as_str().expect("a token");
    let (rest, _) = world.walk(&format!("/v1/opportunities?offset={token}")).await;
    assert!(!ids(&rest).contains(&last), "the walk is past its new place");
    assert!(ids(&world.walk("/v1/opportunities").await.0).contains(&last));
}

#[tokio::test]
async fn a_token_is_read_encoded_once_or_twice_and_nonsense_is_refused() {
    let world = World::new().await;
    let first = world.get("/v1/opportunities?limit=5").await.body;
    let token = first["next"].as_str().expect("a token").to_owned();
    assert!(token.starts_with("%5B"), "{token}");
    let once = world.data(&format!("/v1/opportunities?limit=5&offset={token}")).await;
    let twice = token.replace('%', "%25");
    assert_eq!(world.data(&format!("/v1/opportunities?limit=5&offset={twice}")).await, once);
    assert_eq!(world.get("/v1/opportunities?offset=nonsense").await.status, 400);
    assert_eq!(world.get("/v1/opportunities?limit=101").await.status, 400);
    assert_eq!(world.get("/v1/opportunities?limits=1").await.status, 400);
}

#[tokio::test]
async fn a_window_holds_both_ends_and_no_row_without_a_time() {
    let world = World::new().await;
    let (all, _) = world.walk("/v1/opportunities").await;
    let (nulls, others): (Vec<&Value>, Vec<&Value>) =
        all.iter().partition(|row| row["updatedAt"].is_null());
    assert!(nulls.len() > others.len() * 10 && !others.is_empty());
    let at_ms = others[0]["updatedAt"].as_i64().expect("a time");
    let path = |from, to| format!("/v1/opportunities?updated_at_start={from}&updated_at_end={to}");
    assert_eq!(ids(&world.walk(&path(at_ms, at_ms)).await.0), [id(others[0])]);
    assert!(world.walk(&path(at_ms + 1, at_ms + 1)).await.0.is_empty());
    let old = id(nulls[0]);
    let edit = json!({"collection": "opportunities", "id": old});
    world.control("POST", "edit", edit).await;
    assert_eq!(ids(&world.walk(&path(NOW_MS, NOW_MS)).await.0), [old]);
}

#[tokio::test]
async fn confidential_records_need_the_switch_and_the_question() {
    let world = World::new().await;
    let (open, _) = world.walk("/v1/opportunities").await;
    let (closed, _) = world.walk("/v1/opportunities?confidentiality=confidential").await;
    assert!(!closed.is_empty());
    assert!(open.iter().all(|row| row["confidentiality"] == "non-confidential"));
    let one = id(&closed[0]);
    assert_eq!(world.get(&format!("/v1/opportunities/{one}")).await.status, 200);
    world.control("PATCH", "access", json!({"confidential": false})).await;
    assert_eq!(world.walk("/v1/opportunities?confidentiality=all").await.0.len(), open.len());
    assert_eq!(world.get(&format!("/v1/opportunities/{one}")).await.status, 404);
    assert_eq!(world.get(&format!("/v1/opportunities/{one}/notes")).await.status, 404);
    world.sandbox().set_quirks(|quirks| quirks.without_switch = WithoutSwitch::Forbidden);
    assert_eq!(world.get("/v1/opportunities?confidentiality=all").await.status, 403);
}

#[tokio::test]
async fn each_endpoint_needs_its_own_scope() {
    let world = World::new().await;
    let (rows, _) = world.walk("/v1/opportunities?limit=100").await;
    let (one, contact) = (id(&rows[0]), rows[0]["contact"].as_str().expect("a contact"));
    let reads = [
        ("opportunities", "/v1/opportunities".to_owned()),
        ("opportunities", "/v1/opportunities/deleted".to_owned()),
        ("contacts", format!("/v1/contacts/{contact}")),
        ("applications", format!("/v1/opportunities/{one}/applications")),
        ("notes", format!("/v1/opportunities/{one}/notes")),
        ("feedback", format!("/v1/opportunities/{one}/feedback")),
        ("offers", format!("/v1/opportunities/{one}/offers")),
        ("interviews", format!("/v1/opportunities/{one}/interviews")),
        ("panels", format!("/v1/opportunities/{one}/panels")),
        ("resumes", format!("/v1/opportunities/{one}/resumes")),
        ("files", format!("/v1/opportunities/{one}/files")),
        ("forms", format!("/v1/opportunities/{one}/forms")),
        ("referrals", format!("/v1/opportunities/{one}/referrals")),
        ("postings", "/v1/postings".to_owned()),
        ("requisitions", "/v1/requisitions".to_owned()),
        ("requisition_fields", "/v1/requisition_fields".to_owned()),
        ("users", "/v1/users".to_owned()),
        ("stages", "/v1/stages".to_owned()),
        ("archive_reasons", "/v1/archive_reasons".to_owned()),
        ("disposition_stages", "/v1/disposition_stages".to_owned()),
        ("tags", "/v1/tags".to_owned()),
        ("sources", "/v1/sources".to_owned()),
        ("webhooks", "/v1/webhooks".to_owned()),
    ];
    for (endpoint, path) in &reads {
        assert_eq!(world.get(path).await.status, 200, "{path}");
        let scope = format!("{endpoint}:read");
        assert!(all_scopes().contains(&scope), "{scope}");
        world.control("PATCH", "access", json!({"revoke": [&scope]})).await;
        assert_eq!(world.get(path).await.status, 403, "{path}");
        world.control("PATCH", "access", json!({"grant": [&scope]})).await;
    }
    let covered: BTreeSet<String> =
        reads.iter().map(|(endpoint, _)| format!("{endpoint}:read")).collect();
    let known = all_scopes();
    let known: BTreeSet<String> = known.into_iter().filter(|one| one.ends_with(":read")).collect();
    assert_eq!(covered, known, "every scope guards a read of this table");
    assert_eq!(world.get("/v1/nonsense").await.status, 404);
    assert_eq!(world.get("/v1/contacts").await.status, 404, "contacts are not listed");
}

#[tokio::test]
async fn filters_choose_and_expansions_replace_ids() {
    let world = World::new().await;
    let (all, _) = world.walk("/v1/opportunities?confidentiality=all").await;
    let with_posting = all.iter().find(|row| row["applications"] != json!([])).expect("a row");
    let email = with_posting["emails"][0].as_str().expect("an address").to_uppercase();
    let path = format!("/v1/opportunities?confidentiality=all&email={email}");
    assert!(ids(&world.walk(&path).await.0).contains(&id(with_posting)));
    let archived = world.walk("/v1/opportunities?archived=true&confidentiality=all").await.0;
    let active = world.walk("/v1/opportunities?archived=false&confidentiality=all").await.0;
    assert_eq!(archived.len() + active.len(), all.len());
    let reasons = world.data("/v1/archive_reasons?type=hired").await;
    assert_eq!(reasons.as_array().map(Vec::len), Some(1), "exactly one reason is that of a hire");
    let hired = reasons[0]["id"].as_str().expect("an id");
    let path = format!("/v1/opportunities?archive_reason_id={hired}&confidentiality=all");
    assert!(!world.walk(&path).await.0.is_empty());
    let expand = "?expand=applications,stage,owner,followers,sourcedBy,contact";
    let whole = world.data(&format!("/v1/opportunities/{}{expand}", id(with_posting))).await;
    assert_eq!(whole["contact"]["id"], with_posting["contact"]);
    assert_eq!(whole["stage"]["id"], with_posting["stage"]);
    assert_eq!(whole["applications"][0]["opportunityId"], with_posting["id"]);
    assert!(whole["contact"]["location"].is_object() && whole["location"].is_string());
    assert_eq!(world.get("/v1/opportunities?expand=nonsense").await.status, 400);
    let tag = whole["tags"].as_array().and_then(|tags| tags.last()?.as_str()).expect("a tag");
    let tags = world.walk("/v1/tags").await.0;
    assert!(tags.iter().any(|row| row["text"] == tag && row["count"].as_i64() > Some(0)));
    assert!(tags.iter().all(|row| row.get("id").is_none()));
}

#[tokio::test]
async fn the_set_up_is_listed_with_words_as_ids_and_its_deviations() {
    let world = World::new().await;
    let stages = world.data("/v1/stages").await;
    let words = ["lead-new", "applicant-new", "offer"];
    assert!(
        words
            .iter()
            .all(|word| ids(stages.as_array().expect("a list")).contains(&(*word).to_owned()))
    );
    let dispositions = world.data("/v1/disposition_stages").await;
    assert!(dispositions["stages"].as_array().expect("a list").iter().any(|s| s["rank"] == 105.5));
    let kinds: BTreeSet<String> = dispositions["archiveReasons"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|reason| reason["type"].to_string())
        .collect();
    assert_eq!(kinds, BTreeSet::from(["null".to_owned(), "\"hired\"".to_owned()]));
    for path in ["/v1/webhooks", "/v1/requisition_fields"] {
        assert!(world.get(path).await.body.get("hasNext").is_none(), "{path}");
    }
    let posting = world.posting();
    let users = world.get(&format!("/v1/postings/{}/users", id(&posting))).await.body;
    assert!(users.get("data").is_none() && users["posting"]["id"] == posting["id"]);
    let active = world.walk("/v1/users").await.0.len();
    assert!(world.walk("/v1/users?includeDeactivated=true").await.0.len() > active);
    let (postings, _) = world.walk("/v1/postings?state=published").await;
    assert!(postings.iter().all(|one| one["state"] == "published"));
}

#[tokio::test]
async fn a_deleted_opportunity_is_listed_as_long_as_it_is_kept() {
    let world = World::new().await;
    let made = world.create(ada("gone@example.com")).await["data"].clone();
    let opportunity_id = id(&made);
    let before = world.data("/v1/opportunities/deleted").await;
    assert_eq!(before, json!([]));
    let deed = Recruiter::DeleteOpportunity { opportunity_id: opportunity_id.clone() };
    world.sandbox().recruiter(&deed).expect("deletes");
    assert_eq!(world.get(&format!("/v1/opportunities/{opportunity_id}")).await.status, 404);
    let contact = made["contact"].as_str().expect("a contact");
    assert_eq!(world.get(&format!("/v1/contacts/{contact}")).await.status, 404);
    let path =
        format!("/v1/opportunities/deleted?deleted_at_start={NOW_MS}&deleted_at_end={NOW_MS}");
    assert_eq!(world.data(&path).await, json!([{"id": opportunity_id, "deletedAt": NOW_MS}]));
    world.sandbox().set_quirks(|quirks| {
        quirks.deleted_row = DeletedRow::WithReferences;
        quirks.deleted_kept_ms = 1_000;
    });
    assert_eq!(world.data(&path).await[0]["contact"], contact);
    world.clock.advance_ms(1_001);
    assert_eq!(world.data(&path).await, json!([]));
}
