//! A client of the sandbox over real HTTP: a key, a path, an answer. It knows no more of the
//! sandbox than curl would.
#![allow(dead_code, reason = "each test binary uses its part")]
#![allow(unreachable_pub, reason = "shared between test binaries")]
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "helpers of tests; the lint exempts only the tests themselves"
)]

use atsync_lever_sandbox::{ManualClock, RunningSandbox, Sandbox, SandboxOptions};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpStream;

pub const NOW_MS: i64 = 1_795_500_000_000;

pub struct World {
    pub running: RunningSandbox,
    pub clock: ManualClock,
    pub key: String,
}

pub struct Answered {
    pub status: u16,
    pub headers: hyper::HeaderMap,
    pub body: Value,
    pub bytes: Vec<u8>,
}

impl World {
    pub async fn new() -> Self {
        Self::with(|_| {}).await
    }

    pub async fn with(change: impl FnOnce(&mut SandboxOptions)) -> Self {
        let clock = ManualClock::at(NOW_MS);
        let mut options = SandboxOptions {
            clock: clock.clock(),
            rate_limit: 100_000,
            ..SandboxOptions::sized(7, 120)
        };
        change(&mut options);
        let key = options.api_key.clone();
        let running = Sandbox::start(options).await.expect("a free port");
        Self { running, clock, key }
    }

    pub fn sandbox(&self) -> &Sandbox {
        self.running.sandbox()
    }

    /// Sends a request. None when the connection ends without an answer.
    pub async fn try_send(&self, method: &str, path: &str, body: &Value) -> Option<Answered> {
        let stream = TcpStream::connect(self.running.addr).await.expect("a connection");
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.expect("HTTP");
        let driving = tokio::spawn(connection);
        let bytes = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        let request = hyper::Request::builder()
            .method(method)
            .uri(path)
            .header("Host", "sandbox.test")
            .header("Authorization", format!("Basic {}", STANDARD.encode(format!("{}:", self.key))))
            .header("Content-Type", "application/json")
            .body(Full::new(Bytes::from(bytes)))
            .expect("a request");
        let answer = sender.send_request(request).await.ok()?;
        let (head, body) = answer.into_parts();
        let bytes = body.collect().await.ok()?.to_bytes().to_vec();
        driving.abort();
        let body = serde_json::from_slice(&bytes).unwrap_or_default();
        Some(Answered { status: head.status.as_u16(), headers: head.headers, body, bytes })
    }

    pub async fn send(&self, method: &str, path: &str, body: Value) -> Answered {
        self.try_send(method, path, &body).await.expect("an answer")
    }

    pub async fn get(&self, path: &str) -> Answered {
        self.send("GET", path, Value::Null).await
    }

    /// Returns `data` of a read that succeeds.
    pub async fn data(&self, path: &str) -> Value {
        let answer = self.get(path).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        answer.body["data"].clone()
    }

    /// Sends a write that succeeds, and returns the whole answer.
    pub async fn done(&self, method: &str, path: &str, body: Value) -> Value {
        let answer = self.send(method, path, body).await;
        assert!((200..300).contains(&answer.status), "{path}: {} {}", answer.status, answer.body);
        answer.body
    }

    /// Returns the rows of all pages, and the number of pages.
    pub async fn walk(&self, path: &str) -> (Vec<Value>, usize) {
        let (mut rows, mut pages, mut next) = (Vec::new(), 0, path.to_owned());
        loop {
            let answer = self.get(&next).await;
            assert_eq!(answer.status, 200, "{next}: {}", answer.body);
            rows.extend(answer.body["data"].as_array().expect("a list").clone());
            pages += 1;
            if answer.body["hasNext"] != true {
                assert!(answer.body.get("next").is_none(), "the last page has no token");
                return (rows, pages);
            }
            let token = answer.body["next"].as_str().expect("a token");
            let path = path.split("offset=").next().unwrap_or(path).trim_end_matches('?');
            let glue = if path.contains('?') { '&' } else { '?' };
            next = format!("{path}{glue}offset={token}");
        }
    }

    /// Returns an active user.
    pub fn user(&self) -> String {
        let users = self.sandbox().rows("users");
        id(users.iter().find(|user| user["deactivatedAt"].is_null()).expect("a user"))
    }

    /// Returns an open posting that is not confidential.
    pub fn posting(&self) -> Value {
        let open = |one: &Value| {
            one["state"] == "published" && one["confidentiality"] == "non-confidential"
        };
        self.sandbox().rows("postings").into_iter().find(open).expect("a posting")
    }

    pub async fn create(&self, body: Value) -> Value {
        let path = format!("/v1/opportunities?perform_as={}", self.user());
        self.done("POST", &path, body).await
    }

    pub async fn control(&self, method: &str, call: &str, body: Value) -> Value {
        self.done(method, &format!("/_sandbox/{call}"), body).await
    }
}

pub fn id(row: &Value) -> String {
    row["id"].as_str().expect("an id").to_owned()
}

pub fn ids(rows: &[Value]) -> Vec<String> {
    rows.iter().map(id).collect()
}

pub fn ada(email: &str) -> Value {
    json!({"name": "Ada Byron", "emails": [email]})
}
