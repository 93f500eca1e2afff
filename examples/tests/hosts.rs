//! The hosts in the examples do what they say, against the sandbox over HTTP.

#![allow(clippy::unwrap_used, reason = "a test stops when something does not hold")]

#[allow(dead_code, reason = "a test does not run its main")]
#[path = "../axum_host.rs"]
mod axum_host;
#[allow(dead_code, reason = "a test does not run its main")]
#[path = "../spawn.rs"]
mod spawn;

use atsync::{Engine, Secret};
use atsync_greenhouse_sandbox::{Sandbox, SandboxOptions};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_host_spawns_schedules_followers_and_requests_on_many_threads() {
    let sandbox = Sandbox::start(SandboxOptions::sized(1, 50)).await.unwrap();
    let directory = tempfile::tempdir().unwrap();
    let store = directory.path().join("host.redb");
    assert_eq!(spawn::run(&store, &sandbox.base_url(), 6).await.unwrap(), 6);
    sandbox.shutdown().await;
}

/// One request over a socket: status and body.
async fn ask(address: &str, request: &str, headers: &[(&str, &str)], body: &str) -> (u16, String) {
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let mut head = format!("{request} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n");
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str(&format!("content-length: {}\r\n\r\n{body}", body.len()));
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
    (status, answer.split_once("\r\n\r\n").unwrap().1.to_owned())
}

fn signed(secret: &str, body: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(body.as_bytes());
    let code = mac.finalize().into_bytes();
    format!("sha256 {}", code.iter().map(|byte| format!("{byte:02x}")).collect::<String>())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_axum_service_declares_plans_applies_lists_and_receives_webhooks() {
    let sandbox = Sandbox::start(SandboxOptions::sized(1, 50)).await.unwrap();
    let engine = Engine::builder().build().unwrap();
    let acme =
        axum_host::connect(&engine, &sandbox.base_url(), Secret::new("hook secret")).await.unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let service = tokio::spawn(async move { axum::serve(listener, axum_host::router(acme)).await });

    let json_type = [("content-type", "application/json")];
    let ada = json!({"key": "", "name": {"first": "Ada", "last": "Byron"},
        "emails": ["ada@referred.example.com"]});
    let (status, body) =
        ask(&address, "PUT /referrals/referral-17", &json_type, &ada.to_string()).await;
    assert_eq!(status, 200, "{body}");
    // A key that the engine refuses.
    let (status, body) = ask(&address, "PUT /referrals/~18", &json_type, &ada.to_string()).await;
    assert_eq!(status, 422, "{body}");
    let (_, body) = ask(&address, "GET /referrals", &[], "").await;
    assert!(body.contains("referral-17") && !body.contains("~18"), "{body}");
    let (_, body) = ask(&address, "GET /plan", &[], "").await;
    assert!(body.contains("referral-17"), "{body}");
    let (status, body) = ask(&address, "POST /apply", &[], "").await;
    assert_eq!(status, 200, "{body}");
    assert!(body.contains("\"in_step\":1"), "{body}");
    let (_, body) = ask(&address, "GET /candidates?email=ada@referred.example.com", &[], "").await;
    let found: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(found["rows"].as_array().unwrap().len(), 1, "{body}");
    let id = found["rows"][0]["id"].as_str().unwrap();

    let hook = json!({"action": "update_candidate",
        "payload": {"candidate": {"id": id.parse::<u64>().unwrap()}}});
    let hook = hook.to_string();
    let signature = signed("hook secret", &hook);
    let headers = [("signature", signature.as_str()), ("greenhouse-event-id", "1")];
    for _ in 0..2 {
        assert_eq!(ask(&address, "POST /hooks/greenhouse", &headers, &hook).await.0, 200);
    }
    let forged = signed("another", &hook);
    let headers = [("signature", forged.as_str()), ("greenhouse-event-id", "2")];
    assert_eq!(ask(&address, "POST /hooks/greenhouse", &headers, &hook).await.0, 401);
    service.abort();
    sandbox.shutdown().await;
}
