//! The laws that need a socket: missing answers, truncated bodies, a program that starts and stops.
//!
//! The client is a bare TCP stream that sends one request and reads until the other side closes,
//! because the tests prove exactly which bytes arrive.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "helpers of tests; the lint exempts only the tests themselves"
)]

mod common;

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::{Command, Stdio};

use atsync_greenhouse_sandbox::{
    Fault, FaultKind, NewWebhook, PartnerClient, RunningSandbox, Sandbox, SandboxOptions,
};
use common::BASIC;
use serde_json::{Value, json};

/// Sends one request and returns every byte that arrives.
fn exchange(addr: SocketAddr, method: &str, path: &str, authorization: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(addr).expect("it listens");
    let length = body.len();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: {addr}\r\nAuthorization: {authorization}\r\nConnection: \
         close\r\n\
         Content-Length: {length}\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes()).expect("sent");
    let mut bytes = Vec::new();
    // A reset counts as an end: the bytes before it count.
    let _ = stream.read_to_end(&mut bytes);
    String::from_utf8_lossy(&bytes).into_owned()
}

fn body_of(answer: &str) -> Value {
    let (_, body) = answer.split_once("\r\n\r\n").expect("a head");
    serde_json::from_str(body).unwrap_or_default()
}

fn bearer(addr: SocketAddr) -> String {
    let answer = exchange(addr, "POST", "/token", BASIC, "grant_type=client_credentials");
    format!("Bearer {}", body_of(&answer)["access_token"].as_str().expect("a token"))
}

async fn start() -> (RunningSandbox, String) {
    let running = Sandbox::start(SandboxOptions::sized(3, 40)).await.expect("a free port");
    let addr = running.addr;
    let bearer = tokio::task::spawn_blocking(move || bearer(addr)).await.expect("a token");
    (running, bearer)
}

async fn ask(
    running: &RunningSandbox,
    method: &'static str,
    path: &'static str,
    bearer: &str,
    body: &Value,
) -> String {
    let (addr, bearer) = (running.addr, bearer.to_owned());
    let body = if body.is_null() { String::new() } else { body.to_string() };
    tokio::task::spawn_blocking(move || exchange(addr, method, path, &bearer, &body))
        .await
        .expect("an exchange")
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_link_to_the_host_of_the_request() {
    let (running, bearer) = start().await;
    let answer = ask(&running, "GET", "/v3/candidates?per_page=30", &bearer, &Value::Null).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let link = format!("link: <{}/v3/candidates?cursor=", running.base_url());
    assert!(answer.contains(&link), "{answer}");
    assert_eq!(body_of(&answer).as_array().map(Vec::len), Some(30));
    let last = ask(&running, "GET", "/v3/offices", &bearer, &Value::Null).await;
    assert!(last.contains("link: \r\n") || last.contains("link:\r\n"), "{last}");
    running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_answer_has_no_bytes_whether_or_not_the_request_was_processed() {
    let (running, bearer) = start().await;
    let body = json!({"first_name": "A", "last_name": "B"});
    for (kind, created) in [(FaultKind::DropBefore, 0), (FaultKind::DropAfter, 1)] {
        running.sandbox().clear_logs();
        running.sandbox().faults().add(Fault::once("POST", "/v3/candidates", kind));
        assert_eq!(ask(&running, "POST", "/v3/candidates", &bearer, &body).await, "", "{kind:?}");
        assert_eq!(running.sandbox().creates("candidates"), created, "{kind:?}");
        assert!(!running.sandbox().requests()[0].answered);
    }
    running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_truncated_body_is_shorter_than_its_head_announced() {
    let (running, bearer) = start().await;
    running.sandbox().faults().add(Fault::once(
        "GET",
        "/v3/jobs",
        FaultKind::Truncate { bytes: 20 },
    ));
    let answer = ask(&running, "GET", "/v3/jobs", &bearer, &Value::Null).await;
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    let announced =
        head.lines().find_map(|line| line.strip_prefix("content-length: ")).expect("a length");
    assert!(announced.parse::<usize>().expect("a number") > 20);
    assert_eq!(body.len(), 20);
    running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lifecycle_call_answers_204_without_a_body() {
    let (running, bearer) = start().await;
    let applications = running.sandbox().rows("applications");
    let application =
        applications.iter().find(|row| row["status"] == "rejected").expect("one")["id"].clone();
    let path: &'static str = format!("/v3/applications/{application}/unreject").leak();
    let answer = ask(&running, "POST", path, &bearer, &json!({})).await;
    assert!(answer.starts_with("HTTP/1.1 204"), "{answer}");
    assert!(answer.ends_with("\r\n\r\n"));
    running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn control_over_http_changes_the_next_answer() {
    let (running, bearer) = start().await;
    let control = |method, path, body: Value| {
        let running = &running;
        async move { body_of(&ask(running, method, path, "", &body).await) }
    };
    let rule = json!({"method": "GET", "path": "/v3/jobs",
        "fault": {"kind": "not_applied", "status": 503}});
    assert_eq!(control("POST", "/_sandbox/faults", rule).await[0]["times"], 1);
    assert!(
        ask(&running, "GET", "/v3/jobs", &bearer, &Value::Null).await.starts_with("HTTP/1.1 503")
    );
    let access =
        control("PATCH", "/_sandbox/access", json!({"revoke": ["harvest:jobs:list"]})).await;
    assert!(!access["scopes"].as_array().expect("scopes").contains(&json!("harvest:jobs:list")));
    assert!(
        ask(&running, "GET", "/v3/jobs", &bearer, &Value::Null).await.starts_with("HTTP/1.1 403")
    );
    assert_eq!(
        control("PATCH", "/_sandbox/quirks", json!({"create_answer": "bare"})).await["create_answer"],
        "bare"
    );
    assert!(
        control("PATCH", "/_sandbox/quirks", json!({"no_such_switch": true})).await["error"]
            .is_string()
    );
    assert_eq!(control("GET", "/_sandbox/counts", Value::Null).await["candidates"], 40);
    control("POST", "/_sandbox/clock", json!({"advance_ms": 3_700_000})).await;
    assert!(
        ask(&running, "GET", "/v3/offices", &bearer, &Value::Null)
            .await
            .starts_with("HTTP/1.1 401")
    );
    assert_eq!(
        control("GET", "/_sandbox/requests", Value::Null).await.as_array().map(Vec::len),
        Some(4)
    );
    running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_gets_the_consent_page_and_then_a_redirect_without_a_body() {
    let (running, _) = start().await;
    let client = PartnerClient::new("partner", "secret", "http://127.0.0.1:1/back");
    running.sandbox().set_partner(client);
    let asked = "response_type=code&client_id=partner&scope=harvest%3Ajobs%3Alist&state=s\
                 &redirect_uri=http%3A%2F%2F127.0.0.1%3A1%2Fback";
    let addr = running.addr;
    let (page, allowed) = tokio::task::spawn_blocking(move || {
        let form = format!("{asked}&decision=allow&acts_as=service_account");
        let page = exchange(addr, "GET", &format!("/authorize?{asked}"), "", "");
        (page, exchange(addr, "POST", "/authorize", "", &form))
    })
    .await
    .expect("two exchanges");
    assert!(page.starts_with("HTTP/1.1 200") && page.ends_with("</html>"), "{page}");
    assert!(allowed.starts_with("HTTP/1.1 302") && allowed.ends_with("\r\n\r\n"), "{allowed}");
    let location = allowed.lines().find_map(|line| line.strip_prefix("location: "));
    let location = location.expect("a location");
    assert!(location.starts_with("http://127.0.0.1:1/back?code="), "{location}");
    assert!(location.ends_with("&state=s"), "{location}");
    running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_past_the_limit_is_refused_unread() {
    let (running, bearer) = start().await;
    let note = json!({"body": "x".repeat(17 * 1024 * 1024)});
    let answer = ask(&running, "POST", "/v3/notes", &bearer, &note).await;
    // The client may still be sending when the connection ends; the point is that nothing was
    // written.
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 413"), "{answer}");
    assert_eq!(running.sandbox().creates("notes"), 0);
    running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_shutdown_nothing_listens() {
    let (running, _) = start().await;
    let addr = running.addr;
    running.shutdown().await;
    assert!(TcpStream::connect(addr).is_err());
}

/// A receiver of webhooks: answers each request with the next of these statuses, and returns the
/// requests as they came.
fn receiver(statuses: &'static [u16]) -> (SocketAddr, std::thread::JoinHandle<Vec<String>>) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let addr = listener.local_addr().expect("an address");
    let heard = std::thread::spawn(move || {
        let mut heard = Vec::new();
        for status in statuses {
            let (mut stream, _) = listener.accept().expect("a delivery");
            let mut bytes = Vec::new();
            let mut piece = [0; 4096];
            while !is_whole(&bytes) {
                let read = stream.read(&mut piece).expect("a request");
                bytes.extend_from_slice(&piece[..read]);
            }
            let answer = format!("HTTP/1.1 {status} x\r\ncontent-length: 0\r\n\r\n");
            stream.write_all(answer.as_bytes()).expect("answered");
            heard.push(String::from_utf8(bytes).expect("UTF-8"));
        }
        heard
    });
    (addr, heard)
}

fn is_whole(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let head = head.to_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    body.len() >= length.and_then(|length| length.parse().ok()).unwrap_or(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_sends_its_deliveries_and_repeats_them_by_the_sandboxes_clock() {
    let (running, _) = start().await;
    let (to, heard) = receiver(&[200, 500, 200]);
    let control = |method, path, body: Value| {
        let running = &running;
        async move { body_of(&ask(running, method, path, "", &body).await) }
    };
    let new = json!({"url": format!("http://{to}/hooks?tenant=7"), "secret": "s",
        "events": ["update_candidate"]});
    let ids = control("POST", "/_sandbox/webhooks", new).await["ids"].clone();
    assert_eq!(ids.as_array().map(Vec::len), Some(1));
    running.hooks_settled().await;
    let candidate = &running.sandbox().rows("candidates")[0]["id"];
    let deed = json!({"do": "rename", "candidate_id": candidate, "first_name": "A",
        "last_name": "B"});
    control("POST", "/_sandbox/recruiter", deed).await;
    running.hooks_settled().await;
    let states = async || {
        let all = control("GET", "/_sandbox/deliveries", Value::Null).await;
        let all = all.as_array().expect("a list").clone();
        all.iter().map(|one| one["state"].as_str().unwrap_or("").to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(states().await, ["delivered", "waiting"]);
    control("POST", "/_sandbox/clock", json!({"advance_ms": 60_000})).await;
    running.hooks_settled().await;
    assert_eq!(states().await, ["delivered", "delivered"]);
    let heard = tokio::task::spawn_blocking(move || heard.join()).await;
    let heard = heard.expect("it ends").expect("three deliveries");
    assert!(heard[0].contains(r#""action":"ping""#), "{}", heard[0]);
    assert_eq!(heard[1], heard[2], "a retry is the same request");
    assert!(heard[1].starts_with("POST /hooks?tenant=7 HTTP/1.1\r\n"), "{}", heard[1]);
    for name in
        ["host: ", "content-type: application/json", "greenhouse-event-id: ", "signature: sha256 "]
    {
        assert!(heard[1].to_lowercase().contains(name), "{name}: {}", heard[1]);
    }
    let fired = control("POST", "/_sandbox/fire/no_such_event", json!({})).await;
    assert!(fired["error"].is_string(), "{fired}");
    running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_is_silent_or_absent_holds_up_no_answer_and_no_shutdown() {
    let (running, bearer) = start().await;
    // It accepts, by its backlog, and never reads.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/", silent.local_addr().expect("an address"));
    let absent = format!("http://{}/", {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        listener.local_addr().expect("an address")
    });
    let tls = "https://127.0.0.1:1/".to_owned();
    for url in [absent, tls, url] {
        let events = vec!["update_candidate".to_owned()];
        let new = NewWebhook { events, ..NewWebhook::new(&url, "s") };
        running.sandbox().add_webhook(&new).expect("a webhook");
    }
    // Half of the time that a receiver has for its answer.
    let asked = tokio::time::timeout(std::time::Duration::from_secs(5), async {
        for _ in 0..3 {
            let answer = ask(&running, "GET", "/v3/offices", &bearer, &Value::Null).await;
            assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        }
        running.shutdown().await;
    });
    asked.await.expect("the silent one was waited for");
}

#[test]
fn the_program_prints_one_line_serves_and_stops_on_a_signal() {
    let (to, heard) = receiver(&[200, 200]);
    let mut child = Command::new(env!("CARGO_BIN_EXE_atsync-greenhouse-sandbox"))
        .args([
            "--listen",
            "127.0.0.1:0",
            "--seed",
            "5",
            "--candidates",
            "25",
            "--fault",
            "GET /v3/jobs not_applied=500 x1",
            "--redirect-uri",
            "http://127.0.0.1:1/back",
            "--webhook-url",
            &format!("http://{to}/hooks"),
            "--webhook-event",
            "hire_candidate",
            "--webhook-event",
            "job_created",
        ])
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut line = String::new();
    BufReader::new(child.stdout.take().expect("its output"))
        .read_line(&mut line)
        .expect("one line");
    let addr =
        line.split("http://").nth(1).and_then(|rest| rest.split(' ').next()).expect("an address");
    let addr: SocketAddr = addr.parse().expect("an address");
    let bearer = bearer(addr);
    assert!(exchange(addr, "GET", "/v3/jobs", &bearer, "").starts_with("HTTP/1.1 500"));
    assert!(exchange(addr, "GET", "/v3/jobs", &bearer, "").starts_with("HTTP/1.1 200"));
    let partners = body_of(&exchange(addr, "GET", "/_sandbox/partners", "", ""));
    assert_eq!(partners[0]["redirect_uris"][0], "http://127.0.0.1:1/back");
    let heard = heard.join().expect("two pings");
    assert!(heard[0].contains("hire_candidate") && heard[1].contains("job_created"), "{heard:?}");
    let told = Command::new("kill")
        .args(["-TERM", &child.id().to_string()])
        .status()
        .expect("kill is there");
    assert!(told.success());
    assert!(child.wait().expect("it ends").success());
}
