//! The hosts in the examples do what they say, against the sandbox over HTTP.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops when something does not hold")]

#[allow(dead_code, reason = "a test does not run its main")]
#[path = "../referral_host.rs"]
mod referral_host;
#[allow(dead_code, reason = "a test does not run its main")]
#[path = "../spawn.rs"]
mod spawn;

use atsync::Engine;
use atsync_greenhouse_sandbox::{
    PartnerClient, Recruiter, RunningSandbox, Sandbox, SandboxOptions, TokenExpiry,
};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// Reads of a page until it must show what is awaited: some ten seconds at least.
const TRIES: usize = 50_000;
/// 32 bytes in hexadecimal.
const SEAL_KEY: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
const HOOK_SECRET: &str = "the secret of acme's webhooks";

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

/// The referral host beside a company, as its `main` runs it.
struct Product {
    sandbox: RunningSandbox,
    address: String,
    stop: oneshot::Sender<()>,
    served: JoinHandle<Result<(), String>>,
}

impl Product {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let url = format!("http://{address}");
        let mut options = SandboxOptions { rate_limit: 10_000, ..SandboxOptions::sized(1, 50) };
        let callback = format!("{url}/connect/callback");
        options.partners = vec![PartnerClient::new("partner-id", "partner-secret", &callback)];
        options.quirks.token_expiry = TokenExpiry::ExpiresIn;
        let sandbox = Sandbox::start(options).await.unwrap();
        let engine = Engine::builder().build().unwrap();
        let base_url = sandbox.base_url();
        let host = referral_host::Host::open(&engine, |name| match name {
            "CLIENT_ID" => Some("partner-id".into()),
            "CLIENT_SECRET" => Some("partner-secret".into()),
            "SEAL_KEY" => Some(SEAL_KEY.into()),
            "HOOK_SECRET" => Some(HOOK_SECRET.into()),
            "HOST_URL" => Some(url.clone()),
            "SANDBOX" => Some(base_url.clone()),
            _ => None,
        });
        let host = Arc::new(host.await.unwrap());
        let (stop, stopped) = oneshot::channel::<()>();
        let served = tokio::spawn(async move {
            let stopped = async { drop(stopped.await) };
            let served = referral_host::serve(host, listener, stopped).await;
            served.map_err(|error| error.to_string())
        });
        Self { sandbox, address, stop, served }
    }

    async fn ask(&self, request: &str, headers: &[(&str, &str)], body: &str) -> (u16, String) {
        ask(&self.address, request, headers, body).await
    }

    /// Sends the form.
    async fn refer(&self, form: &str) -> (u16, String) {
        let form_type = [("content-type", "application/x-www-form-urlencoded")];
        self.ask("POST /referrals", &form_type, form).await
    }

    /// Reads the page until it has this text.
    async fn until_it_shows(&self, text: &str) {
        let mut page = String::new();
        for _ in 0..TRIES {
            page = self.ask("GET /", &[], "").await.1;
            if page.contains(text) {
                return;
            }
        }
        panic!("no {text:?} in {page}");
    }

    /// Goes to the ATS with a browser, where a person allows what is asked for: the cookie, and the
    /// request that comes back.
    async fn consented(&self) -> (String, String) {
        let (status, answer) = whole(&self.address, "GET /connect", &[], "").await;
        assert_eq!(status, 303, "{answer}");
        let cookie = header(&answer, "set-cookie").split(';').next().unwrap().to_owned();
        let page = header(&answer, "location");
        let (site, query) = page.split_once('?').unwrap();
        let (site, path) = site.strip_prefix("http://").unwrap().split_once('/').unwrap();
        let form = format!("{query}&decision=allow&acts_as=service_account");
        let form_type = [("content-type", "application/x-www-form-urlencoded")];
        let (status, answer) = whole(site, &format!("POST /{path}"), &form_type, &form).await;
        assert_eq!(status, 302, "{answer}");
        let back = header(&answer, "location");
        (cookie, format!("GET /connect/callback?{}", back.split_once('?').unwrap().1))
    }

    async fn connect(&self) {
        let (cookie, callback) = self.consented().await;
        let (status, page) = self.ask(&callback, &[("cookie", &cookie)], "").await;
        assert_eq!((status, page.as_str()), (200, "Connected.\n"), "nothing is missing");
    }

    /// Stops the host as Ctrl-C does.
    async fn end(self) {
        self.stop.send(()).unwrap();
        assert_eq!(self.served.await.unwrap(), Ok(()));
        self.sandbox.shutdown().await;
    }
}

fn header(answer: &str, name: &str) -> String {
    let line = answer.lines().find_map(|line| line.strip_prefix(&format!("{name}: ")));
    line.unwrap().to_owned()
}

/// The title of an open job that no other job has.
fn open_job(sandbox: &Sandbox) -> String {
    let jobs = sandbox.rows("jobs");
    let is_alone = |name: &Value| jobs.iter().filter(|other| other["name"] == *name).count() == 1;
    let open = jobs.iter().filter(|job| job["status"] == "open" && job["confidential"] != true);
    let name = open.map(|job| &job["name"]).find(|name| is_alone(name)).unwrap();
    name.as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_form_becomes_a_candidate_once_the_customer_connects_and_a_rejection_changes_the_page() {
    let product = Product::start().await;
    let sandbox = product.sandbox.sandbox();
    let job = open_job(sandbox).replace(' ', "+");
    let form = format!("first=Ada&last=Byron&email=ada%40new.example.com&job={job}&by=Sam");
    assert_eq!(product.refer(&form).await.0, 303);
    assert_eq!(product.refer(&form).await.0, 409, "the same candidate again");
    let (status, text) = product.refer("first=Ada").await;
    assert!(status == 422 && text.contains("last"), "{text}");
    product.until_it_shows("Ada Byron – on its way").await;
    assert!(sandbox.candidates_by_email("ada@new.example.com").is_empty(), "not connected yet");

    product.connect().await;
    product.until_it_shows("Ada Byron – active: ").await;
    let candidates = sandbox.candidates_by_email("ada@new.example.com");
    assert_eq!(candidates.len(), 1, "{candidates:?}");
    let candidate_id = candidates[0]["id"].as_i64().unwrap();
    let applications = sandbox.applications_of(candidate_id);
    assert_eq!((applications.len(), sandbox.notes_of(candidate_id).len()), (1, 1));

    // The host registered the webhooks itself; the schedules would read this in five minutes.
    let application_id = applications[0]["id"].as_i64().unwrap();
    let reject = Recruiter::Reject { application_id, rejection_reason_id: None };
    sandbox.recruiter(&reject).unwrap();
    product.until_it_shows("Ada Byron – rejected: ").await;

    let unknown = "first=Alan&last=Turing&email=alan%40new.example.com&job=Astronaut&by=Sam";
    assert_eq!(product.refer(unknown).await.0, 303);
    product.until_it_shows("Astronaut").await;
    product.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_consent_belongs_to_one_browser_and_a_webhook_to_who_signed_it() {
    let product = Product::start().await;
    let (cookie, callback) = product.consented().await;
    assert_eq!(product.ask(&callback, &[], "").await.0, 403, "another browser");
    let (status, text) = product.ask(&callback, &[("cookie", &cookie)], "").await;
    assert_eq!(status, 200, "{text}");
    assert_eq!(product.ask(&callback, &[("cookie", &cookie)], "").await.0, 403, "only once");
    let (cookie, _) = product.consented().await;
    let forged = "GET /connect/callback?code=x&state=y";
    let (status, text) = product.ask(forged, &[("cookie", &cookie)], "").await;
    assert!((400..500).contains(&status), "{status} {text}");

    product.until_it_shows("Refer a colleague").await;
    let path = loop {
        if let Some(webhook) = product.sandbox.sandbox().webhooks().first() {
            let url = webhook["endpoint_url"].as_str().unwrap().to_owned();
            break url.split_once("/hooks/").unwrap().1.to_owned();
        }
        tokio::task::yield_now().await;
    };
    let body = json!({"action": "update_candidate", "payload": {"candidate": {"id": 1}}});
    let body = body.to_string();
    for (part, secret, expected) in [
        (path.as_str(), HOOK_SECRET, 200),
        (&path, "another secret", 401),
        ("guessed", HOOK_SECRET, 404),
    ] {
        let signature = signed(secret, &body);
        let headers = [("signature", signature.as_str()), ("greenhouse-event-id", "1")];
        let (status, _) = product.ask(&format!("POST /hooks/{part}"), &headers, &body).await;
        assert_eq!(status, expected);
    }
    product.end().await;
}
