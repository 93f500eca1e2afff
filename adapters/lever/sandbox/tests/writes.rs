//! The laws of writing: creations and their deduplication, blanked answers, lists, notes, archive.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "helpers of tests; the lint exempts only the tests themselves"
)]

mod common;

use atsync_lever_sandbox::{
    ChangeAnswer, ClientTime, Fault, FaultKind, KnownContact, MergedContact, NoteMoves, Recruiter,
};
use common::{NOW_MS, World, ada, id};
use serde_json::{Value, json};

#[tokio::test]
async fn a_known_address_links_the_contact_and_makes_a_second_opportunity() {
    let world = World::new().await;
    let posting = world.posting();
    let body = json!({"name": "Dana Example", "emails": ["dana@example.com"],
        "links": ["https://example.com/dana"], "tags": ["own"], "postings": [posting["id"]],
        "stage": "applicant-new", "origin": "referred", "createdAt": NOW_MS - 123_457});
    let first = world.create(body.clone()).await;
    assert!(first.get("deduped").is_none());
    let made = &first["data"];
    assert_eq!(made["createdAt"], NOW_MS - 123_457, "a chosen time is a marker");
    assert!(made.get("opportunityLocation").is_none());
    let tags = made["tags"].as_array().expect("tags");
    assert!(tags.contains(&json!("own")) && tags.contains(&posting["text"]), "{tags:?}");
    let seen = world.data(&format!("/v1/opportunities/{}", id(made))).await;
    assert_eq!(seen["opportunityLocation"], posting["categories"]["location"]);
    let mut again = body;
    again["emails"] = json!(["DANA@example.com"]);
    let second = world.create(again).await;
    assert_eq!(second["deduped"], true);
    assert_eq!(second["data"]["contact"], made["contact"]);
    assert_ne!(second["data"]["id"], made["id"]);
    let sandbox = world.sandbox();
    assert_eq!((sandbox.creates("opportunities"), sandbox.creates("contacts")), (2, 1));
    assert_eq!(sandbox.contacts_by_email("dana@example.com").len(), 1);
}

#[tokio::test]
async fn contact_data_for_a_known_address_follows_the_switch() {
    for (rule, name, phones) in [
        (KnownContact::Adds, "Ada Byron", 1),
        (KnownContact::Keeps, "Ada Byron", 0),
        (KnownContact::Replaces, "Ada King", 1),
    ] {
        let world = World::with(|options| options.quirks.known_contact = rule).await;
        world.create(ada("ada@example.com")).await;
        let again = json!({"name": "Ada King", "emails": ["ada@example.com"],
            "phones": [{"type": "mobile", "value": "+1 555-0100"}]});
        let made = world.create(again).await["data"].clone();
        assert_eq!(made["name"], name, "{rule:?}");
        assert_eq!(made["phones"].as_array().map(Vec::len), Some(phones), "{rule:?}");
    }
}

#[tokio::test]
async fn a_write_needs_an_active_user_and_known_values() {
    let world = World::new().await;
    let user = world.user();
    let create = format!("/v1/opportunities?perform_as={user}");
    let postings = [world.posting()["id"].clone(), world.posting()["id"].clone()];
    assert_eq!(world.send("POST", "/v1/opportunities", ada("a@b.example")).await.status, 400);
    let left = world.sandbox().rows("users");
    let left = id(left.iter().find(|user| !user["deactivatedAt"].is_null()).expect("a user"));
    let path = format!("/v1/opportunities?perform_as={left}");
    assert_eq!(world.send("POST", &path, ada("a@b.example")).await.status, 400);
    for body in [
        json!({"name": "A", "stage": "nonsense"}),
        json!({"name": "A", "postings": ["nonsense"]}),
        json!({"name": "A", "postings": postings}),
        json!({"name": "A", "origin": "nonsense"}),
        json!({"name": "A", "owner": "nonsense"}),
        json!({"name": "A", "contact": "nonsense"}),
        json!({"name": "A", "archived": {"reason": "nonsense"}}),
        json!({"name": 1}),
        json!({"name": "A", "surprise": true}),
    ] {
        let answer = world.send("POST", &create, body.clone()).await;
        assert_eq!(answer.status, 400, "{body}");
        assert!(answer.body["message"].is_string(), "{body}");
    }
    assert_eq!(world.sandbox().creates("opportunities"), 0, "a refusal has no effect");
    world.control("PATCH", "access", json!({"revoke": ["opportunities:write"]})).await;
    assert_eq!(world.send("POST", &create, ada("a@b.example")).await.status, 403);
    assert_eq!(world.get("/v1/opportunities").await.status, 200);
}

#[tokio::test]
async fn moving_and_archiving_answer_without_the_contacts_data() {
    let world = World::new().await;
    let user = world.user();
    let made = world.create(ada("ada@example.com")).await["data"].clone();
    let path = format!("/v1/opportunities/{}", id(&made));
    world.clock.advance_ms(5_000);
    let stage = format!("{path}/stage?perform_as={user}");
    let moved = world.done("PUT", &stage, json!({"stage": "offer"})).await["data"].clone();
    assert_eq!(
        (&moved["stage"], &moved["name"], &moved["emails"]),
        (&json!("offer"), &json!(""), &json!([]))
    );
    let seen = world.data(&path).await;
    assert_eq!((&seen["name"], &seen["updatedAt"]), (&json!("Ada Byron"), &json!(NOW_MS + 5_000)));
    assert_eq!(seen["stageChanges"].as_array().map(Vec::len), Some(2));
    assert_eq!(world.send("PUT", &stage, json!({"stage": "nonsense"})).await.status, 400);
    assert_eq!(
        world.send("PUT", &format!("{path}/stage"), json!({"stage": "offer"})).await.status,
        400
    );
    let reasons = world.data("/v1/archive_reasons").await;
    let of = |kind: &str| {
        let rows = reasons.as_array().expect("a list").iter();
        rows.filter(|one| one["type"] == kind).map(id).next().expect("a reason")
    };
    let archive = format!("{path}/archived?perform_as={user}");
    world.done("PUT", &archive, json!({"reason": of("non-hired")})).await;
    let archived = world.data(&path).await;
    assert_eq!(archived["archived"]["reason"], of("non-hired").as_str());
    assert_eq!(archived["stage"], "offer", "the stage stays while archived");
    world.done("PUT", &archive, json!({"reason": null})).await;
    assert!(world.data(&path).await["archived"].is_null());
    let requisition = id(&world.sandbox().rows("requisitions")[0]);
    let hire = json!({"reason": of("hired"), "requisitionId": requisition});
    world.done("PUT", &archive, hire.clone()).await;
    world.done("PUT", &archive, hire).await;
    let requisition = world.data(&format!("/v1/requisitions/{requisition}")).await;
    assert_eq!(requisition["headcountHired"], 1, "a repeated hire is one hire");
    world.sandbox().set_quirks(|quirks| quirks.change_answer = ChangeAnswer::Whole);
    let whole = world.done("PUT", &archive, json!({"reason": null})).await;
    assert_eq!(whole["data"]["name"], "Ada Byron");
}

#[tokio::test]
async fn tags_sources_and_links_are_added_and_removed_once() {
    let world = World::new().await;
    let made = world.create(ada("ada@example.com")).await["data"].clone();
    let path = format!("/v1/opportunities/{}", id(&made));
    for (list, word) in [("Tags", "tags"), ("Sources", "sources"), ("Links", "links")] {
        let value = "https://example.com/x";
        let body = json!({word: [value, value]});
        let added = world.done("POST", &format!("{path}/add{list}"), body.clone()).await;
        world.done("POST", &format!("{path}/add{list}"), body.clone()).await;
        assert_eq!(added["data"]["name"] == "", word != "links", "links answer whole");
        assert_eq!(world.data(&path).await[word], json!([value]));
        world.done("POST", &format!("{path}/remove{list}"), body).await;
        assert_eq!(world.data(&path).await[word], json!([]));
    }
    assert_eq!(world.send("POST", &format!("{path}/addTags"), json!({})).await.status, 400);
    assert_eq!(
        world.send("POST", "/v1/opportunities/none/addTags", json!({"tags": []})).await.status,
        404
    );
}

#[tokio::test]
async fn the_tags_of_a_posting_follow_its_name() {
    let world = World::new().await;
    let posting = world.posting();
    let body = json!({"name": "A", "tags": ["own"], "postings": [posting["id"]]});
    let made = world.create(body).await["data"].clone();
    let (collection, values) = ("postings".to_owned(), json!({"text": "Renamed"}));
    let values = values.as_object().cloned().expect("members");
    world
        .sandbox()
        .recruiter(&Recruiter::Set { collection, id: id(&posting), values })
        .expect("sets");
    let tags = world.data(&format!("/v1/opportunities/{}", id(&made))).await["tags"].clone();
    let tags = tags.as_array().expect("tags");
    assert!(tags.contains(&json!("Renamed")) && !tags.contains(&posting["text"]));
    assert_eq!(tags[0], "own");
}

#[tokio::test]
async fn a_note_is_added_deleted_and_never_moves_the_change_time() {
    let world = World::new().await;
    let user = world.user();
    let made = world.create(ada("ada@example.com")).await["data"].clone();
    let path = format!("/v1/opportunities/{}", id(&made));
    world.clock.advance_ms(9_000);
    let notes = format!("{path}/notes");
    let create = format!("{notes}?perform_as={user}");
    let note = world.done("POST", &create, json!({"value": "Hello"})).await["data"].clone();
    assert_eq!((&note["noteId"], &note["user"]), (&note["id"], &json!(user)));
    assert_eq!(note["fields"][0]["value"], "Hello");
    let seen = world.data(&path).await;
    assert_eq!(seen["updatedAt"], made["updatedAt"]);
    assert_eq!(seen["lastInteractionAt"], NOW_MS + 9_000);
    world.done("POST", &create, json!({"value": "Hello"})).await;
    assert_eq!(world.data(&notes).await.as_array().map(Vec::len), Some(2), "notes append");
    let thread = format!("{create}&note_id={}", id(&note));
    world.done("POST", &thread, json!({"value": "Reply"})).await;
    let one = format!("{notes}/{}", id(&note));
    assert_eq!(world.data(&one).await["fields"].as_array().map(Vec::len), Some(2));
    assert_eq!(world.send("DELETE", &one, Value::Null).await.status, 204);
    assert_eq!(world.send("DELETE", &one, Value::Null).await.status, 404);
    assert_eq!(world.send("PUT", &one, json!({"value": "x"})).await.status, 404, "no edit");
    assert_eq!(world.send("POST", &create, json!({"value": " "})).await.status, 400);
    world.sandbox().set_quirks(|quirks| quirks.note_moves = NoteMoves::UpdatedAt);
    world.done("POST", &create, json!({"value": "Hello"})).await;
    assert_eq!(world.data(&path).await["updatedAt"], NOW_MS + 9_000);
}

#[tokio::test]
async fn a_contacts_lists_are_replaced_and_its_opportunities_stay_untouched() {
    let world = World::new().await;
    let made = world.create(ada("ada@example.com")).await["data"].clone();
    let opportunity = format!("/v1/opportunities/{}", id(&made));
    let contact = format!("/v1/contacts/{}", made["contact"].as_str().expect("a contact"));
    world.clock.advance_ms(1_000);
    let body = json!({"emails": ["new@example.com"], "location": "Zürich"});
    let edited = world.done("PUT", &contact, body).await["data"].clone();
    assert_eq!(edited["emails"], json!(["new@example.com"]));
    assert_eq!(edited["location"], json!({"name": "Zürich"}));
    let seen = world.data(&opportunity).await;
    assert_eq!((&seen["emails"], &seen["updatedAt"]), (&edited["emails"], &made["updatedAt"]));
    let other = world.create(ada("other@example.com")).await["data"].clone();
    let text = |row: &Value| row["contact"].as_str().expect("a contact").to_owned();
    let deed = Recruiter::Merge { contact_id: text(&other), secondary_contact_id: text(&made) };
    world.sandbox().recruiter(&deed).expect("merges");
    assert_eq!(world.data(&opportunity).await["contact"], other["contact"]);
    assert_eq!(world.get(&contact).await.status, 404);
    world.sandbox().set_quirks(|quirks| quirks.merged_contact = MergedContact::Winner);
    assert_eq!(world.data(&contact).await["id"], other["contact"]);
}

#[tokio::test]
async fn an_applicant_applies_to_an_open_posting_only() {
    let world = World::new().await;
    let posting = id(&world.posting());
    let path = format!("/v1/postings/{posting}/apply");
    let body = json!({"personalInformation": [{"name": "fullName", "value": "Ada Byron"},
        {"name": "email", "value": "ada@example.com"}]});
    let answer = world.done("POST", &path, body.clone()).await;
    let application = answer["data"]["applicationId"].as_str().expect("an id");
    let row = world.sandbox().row("applications", application).expect("a row");
    assert_eq!((&row["type"], &row["posting"]), (&json!("posting"), &json!(posting)));
    let drafts = world.sandbox().rows("postings");
    let draft = id(drafts.iter().find(|one| one["state"] == "draft").expect("a draft"));
    let draft = format!("/v1/postings/{draft}/apply");
    assert_eq!(world.send("POST", &draft, body.clone()).await.status, 400);
    world.clock.advance_ms(1_000);
    assert_eq!(world.send("POST", "/v1/postings/none/apply", body).await.status, 404);
    let bare = json!({"personalInformation": []});
    assert_eq!(world.send("POST", &path, bare.clone()).await.status, 400);
    assert_eq!(world.send("POST", &path, bare).await.status, 429, "two applications a second");
}

#[tokio::test]
async fn a_chosen_time_is_stored_as_the_switch_says() {
    for (rule, stored) in [
        (ClientTime::Exact, NOW_MS - 98_765),
        (ClientTime::WholeSeconds, NOW_MS - 99_000),
        (ClientTime::Ignored, NOW_MS),
    ] {
        let world = World::with(|options| options.quirks.client_time = rule).await;
        let made = world.create(json!({"name": "A", "createdAt": NOW_MS - 98_765})).await;
        assert_eq!(made["data"]["createdAt"], stored, "{rule:?}");
    }
}

#[tokio::test]
async fn an_unanswered_creation_took_place_and_a_delayed_one_is_seen_later() {
    let world = World::new().await;
    let path = format!("/v1/opportunities?perform_as={}", world.user());
    let lost = Fault::once("POST", "/v1/opportunities", FaultKind::DropAfter);
    world.sandbox().add_fault(lost);
    assert!(world.try_send("POST", &path, &ada("lost@example.com")).await.is_none());
    let probe = "/v1/opportunities?email=lost@example.com";
    assert_eq!(world.data(probe).await.as_array().map(Vec::len), Some(1));
    world.sandbox().set_quirks(|quirks| quirks.visibility_delay_ms = 60_000);
    world.create(ada("late@example.com")).await;
    let probe = "/v1/opportunities?email=late@example.com";
    assert_eq!(world.data(probe).await, json!([]));
    world.clock.advance_ms(60_000);
    assert_eq!(world.data(probe).await.as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn a_burst_of_twenty_passes_and_a_refusal_has_no_effect() {
    let world = World::with(|options| options.rate_limit = 10).await;
    for nth in 0..20 {
        assert_eq!(world.get("/v1/stages").await.status, 200, "{nth}");
    }
    let path = format!("/v1/opportunities?perform_as={}", world.user());
    let over = world.send("POST", &path, ada("over@example.com")).await;
    assert_eq!((over.status, over.headers.get("retry-after")), (429, None));
    assert_eq!(world.sandbox().creates("opportunities"), 0);
    world.clock.advance_ms(100);
    assert_eq!(world.get("/v1/stages").await.status, 200, "ten a second");
    world.sandbox().set_quirks(|quirks| quirks.retry_after = true);
    let over = world.get("/v1/stages").await;
    assert_eq!((over.status, over.headers["retry-after"].to_str().ok()), (429, Some("1")));
}
