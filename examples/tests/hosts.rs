//! The hosts in the examples do what they say, against the sandbox over HTTP.

#![allow(clippy::unwrap_used, reason = "a test stops when something does not hold")]

#[allow(dead_code, reason = "a test does not run its main")]
#[path = "../axum_host.rs"]
mod axum_host;
#[allow(dead_code, reason = "a test does not run its main")]
#[path = "../spawn.rs"]
mod spawn;

use atsync::{Engine, Secret};
use atsync_greenhouse_sandbox as sandbox_words;
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
    let (status, answer) = whole(address, request, headers, body).await;
    (status, answer.split_once("\r\n\r\n").unwrap().1.to_owned())
}

/// As [`ask`], with the head.
async fn whole(
    address: &str,
    request: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> (u16, String) {
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
    (status, answer)
}

fn signed(secret: &str, body: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(body.as_bytes());
    let code = mac.finalize().into_bytes();
    format!("sha256 {}", code.iter().map(|byte| format!("{byte:02x}")).collect::<String>())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_axum_service_declares_plans_applies_lists_and_receives_webhooks() {
    let (sandbox, engine, address) = axum_service().await;
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
    // The schedules may write it at the same time.
    let mut found = Value::Null;
    while found["rows"][0].is_null() {
        let ada = "GET /candidates?email=ada@referred.example.com";
        found = serde_json::from_str(&ask(&address, ada, &[], "").await.1).unwrap();
    }
    assert_eq!(found["rows"].as_array().unwrap().len(), 1, "{found}");
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
    // The schedules fetch what the webhook named.
    let changed = |body: &str| body.contains("new.title@referred.example.com");
    let deed = sandbox_words::Recruiter::EditEmail {
        candidate_id: id.parse().unwrap(),
        from: None,
        to: "new.title@referred.example.com".into(),
    };
    sandbox.sandbox().recruiter(&deed).unwrap();
    let headers = [("signature", signature.as_str()), ("greenhouse-event-id", "3")];
    assert_eq!(ask(&address, "POST /hooks/greenhouse", &headers, &hook).await.0, 200);
    let found = "GET /candidates?email=new.title@referred.example.com";
    let mut body = String::new();
    while !changed(&body) {
        body = ask(&address, found, &[], "").await.1;
    }
    drop(engine);
    sandbox.shutdown().await;
}

/// The service with its schedules, until the engine closes.
async fn axum_service() -> (sandbox_words::RunningSandbox, Engine, String) {
    let sandbox = Sandbox::start(axum_host::company()).await.unwrap();
    let engine = Engine::builder().build().unwrap();
    let secret = Secret::new("hook secret");
    let host = axum_host::Host::open(&engine, &sandbox.base_url(), secret).await.unwrap();
    let host = std::sync::Arc::new(host);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn({
        let host = std::sync::Arc::clone(&host);
        async move { host.schedules(std::future::pending()).await.unwrap() }
    });
    tokio::spawn(async move { axum::serve(listener, axum_host::router(host)).await });
    (sandbox, engine, address)
}

/// One request over a socket: the status, the value of one header, and the body.
async fn ask_for(
    (address, request): (&str, &str),
    headers: &[(&str, &str)],
    (name, body): (&str, &str),
) -> (u16, String, String) {
    let (status, answer) = whole(address, request, headers, body).await;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let value = head.lines().find_map(|line| line.strip_prefix(&format!("{name}: ")));
    (status, value.unwrap_or_default().to_owned(), body.to_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_axum_service_shows_status_and_permissions_and_connects_a_customer_by_consent() {
    let (sandbox, engine, address) = axum_service().await;
    let (status, body) = ask(&address, "GET /status", &[], "").await;
    assert_eq!(status, 200, "{body}");
    assert!(serde_json::from_str::<Value>(&body).unwrap()["intents"].is_object(), "{body}");
    let (status, body) = ask(&address, "GET /permissions", &[], "").await;
    let permissions: Value = serde_json::from_str(&body).unwrap();
    assert!(status == 200 && !permissions.as_array().unwrap().is_empty(), "{body}");

    // A callback with another state redeems nothing.
    let (status, cookie, _) = ask_for((&address, "GET /connect"), &[], ("set-cookie", "")).await;
    assert_eq!(status, 303);
    let cookie = cookie.split(';').next().unwrap().to_owned();
    let forged = "GET /connect/callback?code=x&state=y";
    let (status, body) = ask(&address, forged, &[("cookie", &cookie)], "").await;
    assert!(status != 200 && body.contains("error"), "{status} {body}");

    // A browser goes to the ATS, and a person allows what is asked for.
    let (_, answer) = whole(&address, "GET /connect", &[], "").await;
    let value = |name: &str| {
        let line = answer.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.trim().to_owned()
    };
    let cookie = value("set-cookie:").split(';').next().unwrap().to_owned();
    let page = value("location:");
    let (site, query) = page.split_once('?').unwrap();
    let (site, path) = site.strip_prefix("http://").unwrap().split_once('/').unwrap();
    let form = format!("{query}&decision=allow&acts_as=service_account");
    let form_type = [("content-type", "application/x-www-form-urlencoded")];
    let (status, back, _) =
        ask_for((site, &format!("POST /{path}")), &form_type, ("location", &form)).await;
    assert_eq!(status, 302);
    let (_, query) = back.split_once('?').unwrap();
    let callback = format!("GET /connect/callback?{query}");
    let (status, body) = ask(&address, &callback, &[], "").await;
    assert_eq!(status, 403, "another browser: {body}");
    let (status, body) = ask(&address, &callback, &[("cookie", &cookie)], "").await;
    assert!(status == 200 && body.contains("\"connected\":\"globex\""), "{body}");
    let (status, _) = ask(&address, &callback, &[("cookie", &cookie)], "").await;
    assert_eq!(status, 403, "a callback is good for once");
    drop(engine);
    sandbox.shutdown().await;
}
