//! A running `atsync serve`, and requests to it that are written by hand.

#![allow(dead_code, reason = "each test binary uses a part of it")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a helper of tests stops where something is not as it must be"
)]

use crate::cli_support::Site;
use serde_json::Value;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, ChildStdout};

pub(crate) const TOKEN: &str = "0123456789abcdef0123456789abcdef";
pub(crate) const OTHER: &str = "fedcba9876543210fedcba9876543210";
/// A key for sealed secrets.
pub(crate) const SEAL: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
/// A webhook secret.
pub(crate) const HOOK: &str = "hook secret of acme";
pub(crate) const ADA: &str =
    r#"{"name":{"first":"Ada","last":"Obi"},"emails":["ada@new.example.com"]}"#;

/// A running `atsync serve`.
pub(crate) struct Served {
    pub(crate) site: Site,
    pub(crate) child: Child,
    pub(crate) address: String,
    /// What it wrote to stderr.
    pub(crate) said: Arc<Mutex<String>>,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
    pub(crate) bytes: Vec<u8>,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    /// The last part of a problem's type.
    pub(crate) fn problem(&self) -> String {
        assert!(self.head.contains("application/problem+json"), "{self:?}");
        let kind = self.json()["type"].as_str().unwrap().to_owned();
        kind.strip_prefix("urn:atsync:problem:").unwrap().to_owned()
    }
}

impl Served {
    /// Starts it with this table `[serve]` and waits until the first candidates are read.
    pub(crate) async fn start(serve: &str) -> Self {
        Self::start_at(Site::start().await, serve).await
    }

    /// The same at a site that is there.
    pub(crate) async fn start_at(site: Site, serve: &str) -> Self {
        let config = site.config();
        Self::start_with(site, &config, serve).await
    }

    /// The same with this configuration before the table.
    pub(crate) async fn start_with(site: Site, config: &str, serve: &str) -> Self {
        Self::start_logged(site, config, serve, "warn").await
    }

    /// The same with these levels of the log.
    pub(crate) async fn start_logged(site: Site, config: &str, serve: &str, log: &str) -> Self {
        let (served, rounds) = Self::begin(site, config, serve, log).await;
        let mut rounds = BufReader::new(rounds).lines();
        loop {
            let line = rounds.next_line().await.unwrap().unwrap();
            if line.contains("pulled jobs") {
                break;
            }
        }
        tokio::spawn(async move { while let Ok(Some(_)) = rounds.next_line().await {} });
        served
    }

    /// Starts it at a site where it ran before, so that no pull may be due, and waits until it is
    /// ready.
    pub(crate) async fn again(site: Site, serve: &str) -> Self {
        let config = site.config();
        let (served, rounds) = Self::begin(site, &config, serve, "warn").await;
        let mut rounds = BufReader::new(rounds).lines();
        tokio::spawn(async move { while let Ok(Some(_)) = rounds.next_line().await {} });
        while served.get("/readyz").await.status != 200 {}
        served
    }

    async fn begin(site: Site, config: &str, serve: &str, log: &str) -> (Self, ChildStdout) {
        site.write("acme.toml", &format!("{config}\n[serve]\nlisten = \"127.0.0.1:0\"\n{serve}"));
        let mut command = site.command(&["serve"]);
        command.env("TOKEN", TOKEN).env("OTHER", OTHER).env("SEAL", SEAL).env("HOOK", HOOK);
        command.env("RUST_LOG", log);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut notes = BufReader::new(child.stderr.take().unwrap()).lines();
        let address = loop {
            let line = notes.next_line().await.unwrap().unwrap();
            if let Some((_, address)) = line.split_once("http://") {
                break address.to_owned();
            }
        };
        let said = Arc::new(Mutex::new(String::new()));
        let to = Arc::clone(&said);
        tokio::spawn(async move {
            while let Ok(Some(line)) = notes.next_line().await {
                to.lock().unwrap().push_str(&(line + "\n"));
            }
        });
        let rounds = child.stdout.take().unwrap();
        (Self { site, child, address, said }, rounds)
    }

    /// A request with the headers that a client sends, and these.
    pub(crate) async fn ask(&self, line: &str, headers: &str, body: &str) -> Answer {
        let stream = TcpStream::connect(&self.address).await.unwrap();
        let host = if headers.contains("host:") {
            String::new()
        } else {
            format!("host: {}\r\n", self.address)
        };
        exchange(stream, line, &format!("{host}{headers}"), body).await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.ask(&format!("GET {path}"), "", "").await
    }

    pub(crate) async fn put(&self, path: &str, body: &str) -> Answer {
        self.ask(&format!("PUT {path}"), "content-type: application/json\r\n", body).await
    }

    pub(crate) async fn post(&self, path: &str, body: &str) -> Answer {
        self.ask(&format!("POST {path}"), "content-type: application/json\r\n", body).await
    }

    /// Ends it by SIGTERM, and returns the exit code.
    pub(crate) async fn end(self) -> i32 {
        self.ended().await.0
    }

    /// As [`Self::end`], and returns the site as well.
    pub(crate) async fn ended(mut self) -> (i32, Site) {
        let id = self.child.id().unwrap().to_string();
        assert!(
            std::process::Command::new("kill").args(["-TERM", &id]).status().unwrap().success()
        );
        let code = self.child.wait().await.unwrap().code().unwrap();
        assert!(!self.site.path("acme.redb.sock").exists(), "the socket is left");
        (code, self.site)
    }
}

/// Sends a request as it is written, and reads the answer to its end.
pub(crate) async fn exchange(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    line: &str,
    headers: &str,
    body: &str,
) -> Answer {
    let length = body.len();
    let text = format!(
        "{line} HTTP/1.1\r\n{headers}connection: close\r\ncontent-length: {length}\r\n\r\n{body}"
    );
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await.unwrap();
    let end =
        bytes.windows(4).position(|four| four == b"\r\n\r\n").map_or(bytes.len(), |at| at + 4);
    let bytes_of_body = bytes.split_off(end);
    let head = String::from_utf8(bytes).unwrap().trim_end().to_ascii_lowercase();
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or(0);
    let body = String::from_utf8_lossy(&bytes_of_body).into_owned();
    Answer { status, head, body, bytes: bytes_of_body }
}
