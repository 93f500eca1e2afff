//! A receiver of webhooks on a real socket, which verifies each delivery with the library of the
//! Standard Webhooks project before the test sees it.

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;
use standardwebhooks::Webhook;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// A secret as a host would make it.
pub(crate) const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// What a receiver answers.
#[derive(Clone, Debug)]
pub(crate) enum Reply {
    Status(u16),
    Redirect(String),
    /// Nothing, while the connection stays open.
    Hang,
}

/// A verified delivery.
#[derive(Clone, Debug)]
pub(crate) struct Got {
    pub(crate) id: String,
    pub(crate) serial: u64,
    pub(crate) body: Value,
    pub(crate) accepted: bool,
}

impl Got {
    pub(crate) fn kind(&self) -> &str {
        self.body["data"]["kind"].as_str().unwrap()
    }

    /// The record that it is about.
    pub(crate) fn record(&self) -> (String, String) {
        (self.kind().to_owned(), self.body["data"]["id"].as_str().unwrap().to_owned())
    }
}

type Answers = dyn Fn(&Got, &[Got]) -> Reply + Send + Sync;

struct Inner {
    webhook: Webhook,
    answers: Mutex<Arc<Answers>>,
    got: watch::Sender<Vec<Got>>,
    /// Whether a request was not as it has to be; what it was is on standard error.
    has_failed: AtomicBool,
}

#[derive(Clone)]
pub(crate) struct Receiver {
    pub(crate) url: String,
    inner: Arc<Inner>,
}

impl Receiver {
    /// One that answers by a function of the delivery and those before it.
    pub(crate) async fn start(
        answers: impl Fn(&Got, &[Got]) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hooks?of=acme", listener.local_addr().unwrap());
        let inner = Arc::new(Inner {
            webhook: Webhook::new(SECRET).unwrap(),
            answers: Mutex::new(Arc::new(answers)),
            got: watch::Sender::new(Vec::new()),
            has_failed: AtomicBool::new(false),
        });
        let receiver = Self { url, inner };
        let serving = receiver.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let serving = serving.clone();
                tokio::spawn(async move {
                    let inner = Arc::clone(&serving.inner);
                    if tokio::spawn(async move { serving.serve(stream).await }).await.is_err() {
                        inner.has_failed.store(true, Ordering::SeqCst);
                    }
                });
            }
        });
        receiver
    }

    /// Answers so from now on.
    pub(crate) fn answer(&self, reply: Reply) {
        *self.inner.answers.lock().unwrap() = Arc::new(move |_, _| reply.clone());
    }

    /// Forgets what came.
    pub(crate) fn clear(&self) {
        self.inner.got.send_replace(Vec::new());
    }

    /// What came, when all of it was as it has to be.
    pub(crate) fn got(&self) -> Vec<Got> {
        assert!(!self.inner.has_failed.load(Ordering::SeqCst), "a request failed its checks");
        self.inner.got.borrow().clone()
    }

    /// Waits until what came is enough.
    pub(crate) async fn until(&self, enough: impl Fn(&[Got]) -> bool) -> Vec<Got> {
        let mut got = self.inner.got.subscribe();
        let minute = std::time::Duration::from_secs(60);
        let found = tokio::time::timeout(minute, got.wait_for(|got| enough(got))).await;
        match found {
            Ok(found) => drop(found.unwrap()),
            Err(_) => panic!("not enough came: {:#?}", self.got()),
        }
        self.got()
    }

    /// Waits until every change up to this serial was accepted.
    pub(crate) async fn all_to(&self, last: u64) -> Vec<Got> {
        let accepted = |got: &[Got], serial| got.iter().any(|g| g.serial == serial && g.accepted);
        self.until(|got| (1..=last).all(|serial| accepted(got, serial))).await
    }

    async fn serve(&self, stream: TcpStream) {
        let mut stream = BufReader::new(stream);
        loop {
            let (mut headers, mut length, mut first) = (HeaderMap::new(), 0, String::new());
            if stream.read_line(&mut first).await.unwrap_or(0) == 0 {
                return;
            }
            assert!(first.starts_with("POST /hooks?of=acme HTTP/1.1"), "{first}");
            loop {
                let mut line = String::new();
                if stream.read_line(&mut line).await.unwrap_or(0) == 0 {
                    return;
                }
                let Some((name, value)) = line.trim().split_once(": ") else { break };
                if name.eq_ignore_ascii_case("content-length") {
                    length = value.parse().unwrap();
                }
                let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
                headers.insert(name, HeaderValue::from_str(value).unwrap());
            }
            let mut body = vec![0; length];
            if stream.read_exact(&mut body).await.is_err() {
                return;
            }
            self.inner.webhook.verify(&body, &headers).unwrap();
            assert_eq!(headers["content-type"], "application/json");
            let body: Value = serde_json::from_slice(&body).unwrap();
            let serial = body["data"]["serial"].as_u64().unwrap();
            let id = headers["webhook-id"].to_str().unwrap().to_owned();
            let mut got = Got { id, serial, body, accepted: false };
            let answers = Arc::clone(&self.inner.answers.lock().unwrap());
            let reply = answers(&got, &self.inner.got.borrow());
            got.accepted = matches!(reply, Reply::Status(200..=299));
            self.inner.got.send_modify(|all| all.push(got));
            let answer = match reply {
                Reply::Status(status) => {
                    format!("HTTP/1.1 {status} X\r\ncontent-length: 0\r\n\r\n")
                }
                Reply::Redirect(to) => {
                    format!("HTTP/1.1 307 X\r\nlocation: {to}\r\ncontent-length: 0\r\n\r\n")
                }
                Reply::Hang => return std::future::pending().await,
            };
            if stream.get_mut().write_all(answer.as_bytes()).await.is_err() {
                return;
            }
        }
    }
}
