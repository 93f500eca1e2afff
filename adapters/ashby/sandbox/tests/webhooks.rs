//! The laws of webhooks: what fires, how it is signed, who hears it again.
#![allow(clippy::panic, clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]
#![allow(clippy::indexing_slicing, dead_code, reason = "tests")]

#[path = "../../openapi/schema.rs"]
mod schema;

use atsync_ashby_sandbox::*;
use base64::Engine as _;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

const NOW_MS: i64 = 1_790_000_000_000;

/// A port that answers each delivery with a status. The channel has headers and bodies.
async fn hear(status: u16) -> (String, mpsc::UnboundedReceiver<(String, Vec<u8>)>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let (sender, heard) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let (mut bytes, mut part) = (Vec::new(), [0_u8; 4_096]);
            loop {
                let read = stream.read(&mut part).await.unwrap();
                bytes.extend_from_slice(&part[..read]);
                let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else {
                    continue;
                };
                let body = bytes[at + 4..].to_vec();
                if read == 0 || serde_json::from_slice::<Value>(&body).is_ok() {
                    let head = String::from_utf8_lossy(&bytes[..at]).into_owned();
                    sender.send((head, body)).unwrap();
                    break;
                }
            }
            let answer = format!("HTTP/1.1 {status} X\r\ncontent-length: 0\r\n\r\n");
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    (url, heard)
}

async fn world() -> (RunningSandbox, ManualClock) {
    let clock = ManualClock::at(NOW_MS);
    let options = SandboxOptions {
        clock: clock.clock(),
        rate_limit: 100_000,
        ..SandboxOptions::sized(7, 60)
    };
    (Sandbox::start(options).await.unwrap(), clock)
}

fn call(sandbox: &Sandbox, path: &str, body: &Value) -> Value {
    let key = base64::engine::general_purpose::STANDARD.encode("sandbox-key:");
    let headers = [
        ("authorization".to_owned(), format!("Basic {key}")),
        ("content-type".to_owned(), "application/json".to_owned()),
    ];
    let (path, body) = (format!("/{path}"), body.to_string());
    let request =
        Request { method: "POST", path_and_query: &path, headers: &headers, body: body.as_bytes() };
    sandbox.handle(&request).body_json()
}

fn drain(heard: &mut mpsc::UnboundedReceiver<(String, Vec<u8>)>) -> Vec<Value> {
    let mut all = Vec::new();
    while let Ok((_, body)) = heard.try_recv() {
        all.push(serde_json::from_slice(&body).unwrap());
    }
    all
}

#[tokio::test]
async fn each_change_fires_its_events_whoever_made_it_and_each_body_fits_the_document() {
    let (running, _) = world().await;
    let sandbox = running.sandbox();
    let (url, mut heard) = hear(200).await;
    let new = NewWebhook { url, secret: Some("s".into()), events: Vec::new() };
    sandbox.add_webhook(&new).unwrap();
    running.hooks_settled().await;
    let pings = drain(&mut heard);
    assert_eq!(pings.len(), WEBHOOK_EVENTS.len());
    assert!(pings.iter().all(|ping| ping["action"] == "ping"));
    let first = |collection: &str| sandbox.rows(collection)[0].clone();
    let id = |row: &Value| row["id"].as_str().unwrap().to_owned();
    let active = sandbox.rows("applications").into_iter();
    let active = active.clone().find(|one| one["status"] == "Active").unwrap();
    let (application, job) = (id(&active), id(&first("jobs")));
    let candidates = sandbox.rows("candidates");
    let set = |collection: &str, id: String, values: Value| {
        let values = values.as_object().cloned().unwrap();
        Recruiter::Set { collection: collection.to_owned(), id, values }
    };
    let posting = first("jobPostings");
    let offer = first("offers");
    let deeds = [
        (
            Recruiter::Hire { application_id: application.clone() },
            vec!["candidateHire", "candidateStageChange", "applicationUpdate"],
        ),
        (set("applications", application, json!({"_credited": null})), vec![]),
        (set("jobs", job.clone(), json!({"title": "Baker"})), vec!["jobUpdate"]),
        (Recruiter::AddJob { title: "Cook".into(), like: job.clone() }, vec!["jobCreate"]),
        (Recruiter::AddOpening { job_id: job }, vec!["openingCreate"]),
        (
            set("jobPostings", id(&posting), json!({"isListed": posting["isListed"] != true})),
            vec![if posting["isListed"] == true {
                "jobPostingUnpublish"
            } else {
                "jobPostingPublish"
            }],
        ),
        (set("jobPostings", id(&posting), json!({"title": "New"})), vec!["jobPostingUpdate"]),
        (
            set(
                "interviewSchedules",
                id(&first("interviewSchedules")),
                json!({"status": "Complete"}),
            ),
            vec!["interviewScheduleUpdate"],
        ),
        (set("offers", id(&offer), json!({"decidedAt": "2026-01-01"})), vec!["offerUpdate"]),
        (Recruiter::Remove { collection: "offers".into(), id: id(&offer) }, vec!["offerDelete"]),
        (Recruiter::DeleteCandidate { candidate_id: id(&candidates[0]) }, vec!["candidateDelete"]),
        (
            Recruiter::Merge {
                candidate_id: id(&candidates[1]),
                deleted_candidate_id: id(&candidates[2]),
            },
            vec!["candidateMerge"],
        ),
    ];
    let document = schema::document();
    for (deed, expected) in deeds {
        sandbox.recruiter(&deed).unwrap();
        running.hooks_settled().await;
        let all = drain(&mut heard);
        // What moves with a merge or a deletion is an update of each application.
        let actions: Vec<&str> = all.iter().map(|one| one["action"].as_str().unwrap()).collect();
        let others = matches!(deed, Recruiter::Merge { .. } | Recruiter::Set { .. });
        for action in &expected {
            assert!(actions.contains(action), "{deed:?} {actions:?}");
        }
        assert!(others || actions.len() == expected.len(), "{deed:?} {actions:?}");
        for body in &all {
            let Some(document) = &document else { continue };
            let schema = document.webhook(body["action"].as_str().unwrap());
            let faults = document.faults(schema, body, false);
            assert!(faults.is_empty(), "{body} {faults:?}");
        }
    }
    // The API: an application, and each kind's own creation.
    let made = call(sandbox, "candidate.create", &json!({"name": "Ada"}))["results"]["id"].clone();
    let job = first("jobs")["id"].clone();
    let answer = call(sandbox, "application.create", &json!({"candidateId": made, "jobId": job}));
    assert_eq!(answer["success"], true);
    running.hooks_settled().await;
    assert_eq!(drain(&mut heard)[0]["action"], "applicationSubmit");
    sandbox.fire_webhook("pushToHRIS", json!({"application": {"id": "a"}})).unwrap();
    running.hooks_settled().await;
    assert_eq!(drain(&mut heard)[0]["data"]["application"]["id"], "a");
    assert!(sandbox.fire_webhook("candidateUpdate", json!({})).is_err(), "Ashby has no such event");
    running.shutdown().await;
}

#[tokio::test]
async fn a_ping_that_is_not_accepted_disables_and_the_schedule_ends_with_the_tenth_attempt() {
    let (running, clock) = world().await;
    let sandbox = running.sandbox();
    let (url, mut heard) = hear(500).await;
    let made = call(
        sandbox,
        "webhook.create",
        &json!({"webhookType": "candidateDelete",
        "requestUrl": url, "secretToken": "secret"}),
    );
    let id = made["results"]["id"].clone();
    assert_eq!(made["results"]["secretToken"], "secret");
    running.hooks_settled().await;
    let of = json!({ "webhookId": id });
    let shown = call(sandbox, "webhook.info", &of)["results"].clone();
    assert_eq!((&shown["enabled"], shown.get("secretToken")), (&json!(false), None));
    let candidates = sandbox.rows("candidates");
    let delete = |at: usize| {
        let candidate_id = candidates[at]["id"].as_str().unwrap().to_owned();
        sandbox.recruiter(&Recruiter::DeleteCandidate { candidate_id }).unwrap();
    };
    delete(0);
    running.hooks_settled().await;
    assert_eq!(drain(&mut heard).len(), 1, "the ping alone");
    // An admin enables it by hand; its deliveries are tried ten times.
    assert!(sandbox.enable_webhook(id.as_str().unwrap()));
    delete(1);
    for _ in 0..12 {
        running.hooks_settled().await;
        clock.advance_ms(6_000_000);
        sandbox.advance_ms(0);
    }
    running.hooks_settled().await;
    assert_eq!(drain(&mut heard).len(), 10);
    assert_eq!(sandbox.hook_deliveries().last().unwrap().state, HookState::Lost);
    assert_eq!(call(sandbox, "webhook.delete", &of)["success"], true);
    assert_eq!(call(sandbox, "webhook.info", &of)["errorInfo"]["code"], "webhook_not_found");
    running.shutdown().await;
}
