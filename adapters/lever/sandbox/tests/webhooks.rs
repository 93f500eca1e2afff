//! The laws of webhooks: what fires, how it is signed, who hears it again.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "helpers of tests; the lint exempts only the tests themselves"
)]

mod common;

use atsync_lever_sandbox::{
    HookCopies, HookOrder, HookSource as _, HookState, NewWebhook, Recruiter,
};
use common::{NOW_MS, World, ada, id};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

fn signature(secret: &str, token: &str, triggered_ms: i64) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("any key");
    mac.update(format!("{token}{triggered_ms}").as_bytes());
    mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Listens at a port, answers each request with a status, and returns the bodies.
async fn hear(count: usize, status: u16) -> (String, tokio::task::JoinHandle<Vec<Value>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/hook", listener.local_addr().expect("an address"));
    let hearing = tokio::spawn(async move {
        let mut heard = Vec::new();
        while heard.len() < count {
            let (mut stream, _) = listener.accept().await.expect("a delivery");
            let (mut bytes, mut part) = (Vec::new(), [0_u8; 4_096]);
            let body = loop {
                let read = stream.read(&mut part).await.expect("bytes");
                bytes.extend_from_slice(&part[..read]);
                let text = String::from_utf8_lossy(&bytes).into_owned();
                let Some((_, body)) = text.split_once("\r\n\r\n") else { continue };
                if let Ok(value) = serde_json::from_str::<Value>(body) {
                    break value;
                }
            };
            heard.push(body);
            let answer = format!("HTTP/1.1 {status} X\r\ncontent-length: 0\r\n\r\n");
            stream.write_all(answer.as_bytes()).await.expect("an answer");
        }
        heard
    });
    (url, hearing)
}

#[tokio::test]
async fn the_signature_stands_in_the_body_over_token_and_time() {
    let world = World::new().await;
    let (url, hearing) = hear(1, 200).await;
    let body = json!({"event": "candidateStageChange", "url": url});
    let made = world.done("POST", "/v1/webhooks", body).await["data"].clone();
    let secret = made["configuration"]["signatureToken"].as_str().expect("a token").to_owned();
    let listed = world.data("/v1/webhooks").await;
    assert!(listed[0]["configuration"].get("signatureToken").is_none(), "shown once");
    let created = world.create(ada("ada@example.com")).await["data"].clone();
    let path = format!("/v1/opportunities/{}/stage?perform_as={}", id(&created), world.user());
    world.done("PUT", &path, json!({"stage": "applicant-new"})).await;
    let heard = hearing.await.expect("one delivery");
    let (token, at_ms) = (heard[0]["token"].as_str().expect("a token"), &heard[0]["triggeredAt"]);
    let at_ms = at_ms.as_i64().expect("a time");
    assert_eq!(heard[0]["signature"], signature(&secret, token, at_ms));
    let data = json!({"opportunityId": created["id"], "candidateId": created["id"],
        "contactId": created["contact"], "fromStageId": "lead-new", "toStageId": "applicant-new"});
    assert_eq!((&heard[0]["event"], &heard[0]["data"]), (&made["event"], &data));
    world.running.hooks_settled().await;
    assert_eq!(world.sandbox().hook_deliveries()[0].state, HookState::Delivered);
}

#[tokio::test]
async fn every_change_fires_its_event_whoever_made_it() {
    let world = World::new().await;
    let (url, hearing) = hear(9, 200).await;
    world.control("POST", "webhooks", json!({"url": url, "secret": "s"})).await;
    let posting = world.posting();
    let body = json!({"name": "Ada", "emails": ["ada@example.com"], "postings": [posting["id"]]});
    let made = world.create(body).await["data"].clone();
    let opportunity_id = id(&made);
    let contact_id = made["contact"].as_str().expect("a contact").to_owned();
    let act = |deed: Recruiter| world.sandbox().recruiter(&deed).expect("acts");
    act(Recruiter::Move { opportunity_id: opportunity_id.clone(), stage: "Onsite".to_owned() });
    act(Recruiter::Archive { opportunity_id: opportunity_id.clone(), reason: None });
    act(Recruiter::Unarchive { opportunity_id: opportunity_id.clone() });
    act(Recruiter::Hire { opportunity_id: opportunity_id.clone() });
    let values = json!({"headline": "Analyst"}).as_object().cloned().expect("members");
    act(Recruiter::EditContact { contact_id, values });
    act(Recruiter::AddNote { opportunity_id: opportunity_id.clone(), value: "silent".to_owned() });
    act(Recruiter::DeleteOpportunity { opportunity_id });
    let heard = hearing.await.expect("deliveries");
    let mut events: Vec<&str> = heard.iter().filter_map(|one| one["event"].as_str()).collect();
    events.sort_unstable();
    assert_eq!(
        events,
        [
            "applicationCreated",
            "candidateArchiveChange",
            "candidateArchiveChange",
            "candidateArchiveChange",
            "candidateDeleted",
            "candidateHired",
            "candidateStageChange",
            "contactCreated",
            "contactUpdated",
        ]
    );
    world.running.hooks_settled().await;
    assert_eq!(world.sandbox().hook_deliveries().len(), 9);
}

#[tokio::test]
async fn a_delivery_that_fails_is_repeated_and_then_lost() {
    let clock = atsync_lever_sandbox::ManualClock::at(NOW_MS);
    let options = atsync_lever_sandbox::SandboxOptions {
        clock: clock.clock(),
        ..atsync_lever_sandbox::SandboxOptions::sized(7, 40)
    };
    // Without a server, the test is the sender.
    let sandbox = atsync_lever_sandbox::Sandbox::new(options);
    let events = vec!["contactCreated".to_owned()];
    let url = "http://127.0.0.1:9/hook".to_owned();
    sandbox.add_webhook(&NewWebhook { url, secret: None, events }).expect("a webhook");
    sandbox.set_quirks(|quirks| {
        quirks.webhooks.copies = HookCopies::AnotherId;
        quirks.webhooks.order = HookOrder::Reversed;
    });
    let name = "Ada".to_owned();
    let deed = Recruiter::AddCandidate { name, email: None, posting_id: None };
    sandbox.recruiter(&deed).expect("adds");
    let mut tokens = std::collections::BTreeSet::new();
    for attempt in 0..10 {
        let sent = sandbox.next_hook().expect("an attempt");
        let body: Value = serde_json::from_slice(&sent.body).expect("JSON");
        tokens.insert(body["token"].to_string());
        sandbox.hook_answered(sent.number, Some(500));
        if attempt % 2 == 1 {
            clock.advance_ms(7_200_000);
        }
    }
    assert_eq!(tokens.len(), 2, "retries repeat the token of their delivery");
    assert!(sandbox.next_hook().is_none());
    assert!(sandbox.hook_deliveries().iter().all(|one| one.state == HookState::Lost));
    assert!(sandbox.fire_webhook("nonsense", json!({})).is_err());
}

#[tokio::test]
async fn a_condition_limits_the_origins_and_https_may_be_demanded() {
    let world = World::new().await;
    let (url, hearing) = hear(1, 200).await;
    let configuration = json!({"conditions": {"origins": ["applied"]}});
    let body = json!({"event": "applicationCreated", "url": url, "configuration": configuration});
    let made = world.done("POST", "/v1/webhooks", body.clone()).await["data"].clone();
    let posting = world.posting();
    for origin in ["referred", "applied"] {
        world.create(json!({"name": "A", "origin": origin, "postings": [posting["id"]]})).await;
    }
    let heard = hearing.await.expect("one delivery");
    let opportunity = heard[0]["data"]["opportunityId"].as_str().expect("an id");
    assert_eq!(
        world.sandbox().row("opportunities", opportunity).expect("a row")["origin"],
        "applied"
    );
    world.running.hooks_settled().await;
    assert_eq!(world.sandbox().hook_deliveries().len(), 1);
    let path = format!("/v1/webhooks/{}", id(&made));
    let changed = world.done("PUT", &path, json!({"event": "candidateHired"})).await;
    assert_eq!(changed["data"]["event"], "candidateHired");
    assert_eq!(world.send("DELETE", &path, Value::Null).await.status, 204);
    assert_eq!(world.send("DELETE", &path, Value::Null).await.status, 404);
    world.sandbox().set_quirks(|quirks| quirks.webhooks.https_only = true);
    assert_eq!(world.send("POST", "/v1/webhooks", body).await.status, 400);
}
