//! An ATS that repeats every text that it is sent: no live secret reaches an adapter, a log, an
//! error or the store's file.
//!
//! The only test of its file: it captures the log of this thread, and other threads that log would
//! disturb that.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test stops when something does not hold"
)]

use atsync::internals::adapter::{Adapter, AdapterError};
use atsync::internals::store::redb::{RedbOptions, RedbStore};
use atsync::internals::transport::WireRequest;
use atsync::internals::transport::redact::REDACTED;
use atsync::model::Manifest;
use atsync::model::contract::{Continuation, Failure, Field, Given, Reply, Response, Step, Task};
use atsync::testing::ManualClock;
use atsync::{Clock as _, PlanOf, SystemEntropy};
use atsync_greenhouse_sandbox::{Sandbox, SandboxOptions};
use atsync_tests::{BEGIN_MS, World, desired, native_greenhouse};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

const ADA: &str =
    r#"{"key": "ada", "name": {"first": "Ada", "last": "Byron"}, "emails": ["ada@example.com"]}"#;
/// The id of the sandbox's client.
const SECRET: &str = "sandbox-secret";

#[derive(Clone, Default, Debug)]
struct Bytes(Arc<Mutex<Vec<u8>>>);

impl Bytes {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
    }

    fn add(&self, bytes: &[u8]) {
        let mut all = self.0.lock().unwrap();
        all.extend_from_slice(bytes);
        all.push(b'\n');
    }
}

impl std::io::Write for Bytes {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// The Greenhouse adapter, with a record of everything that it is shown.
#[derive(Debug)]
struct Shown {
    inner: Arc<dyn Adapter>,
    input: Bytes,
}

impl Adapter for Shown {
    fn manifest(&self) -> &Manifest {
        self.inner.manifest()
    }

    fn start(&self, task: Task, given: Given) -> Result<Result<Step, Failure>, AdapterError> {
        self.input.add(format!("{task:?} {given:?}").as_bytes());
        self.inner.start(task, given)
    }

    fn resume(
        &self,
        state: Continuation,
        given: Given,
        reply: Reply,
    ) -> Result<Result<Step, Failure>, AdapterError> {
        if let Reply::Response(response) = &reply {
            self.input.add(&response.body);
            self.input.add(format!("{:?} {given:?}", response.headers).as_bytes());
        }
        self.inner.resume(state, given, reply)
    }
}

/// The contents of a request, in several spellings.
fn echo(request: &WireRequest) -> String {
    let headers: Vec<String> =
        request.headers.iter().map(|(name, value)| format!("{name}: {value}")).collect();
    let whole = format!(
        "{} {} {} {}",
        request.method,
        request.url,
        headers.join("; "),
        String::from_utf8_lossy(&request.body)
    );
    let escaped: String = whole.bytes().map(|byte| format!("%{byte:02x}")).collect();
    format!("{whole} | {} | {escaped} | client_secret={SECRET}", whole.replace('=', "%3D"))
}

fn repeat(request: &WireRequest, response: &mut Response, number: usize) {
    let said = echo(request);
    response.headers.push(Field::new("x-echo", said.clone()));
    response
        .headers
        .push(Field::new("link-of", format!("<https://x/?authorization={said}>; rel=\"self\"")));
    let refused = |message: &str| {
        json!({"message": message, "errors": [{"message": message, "field": message}]}).to_string()
    };
    if request.url.path() == "/token" {
        let mut body: Value = serde_json::from_slice(&response.body).unwrap();
        body["echo"] = json!(said);
        response.body = body.to_string().into_bytes();
    } else if request.method == "POST" {
        response.status = 422;
        response.body = refused(&said).into_bytes();
    } else if request.url.path() == "/v3/openings" {
        response.status = 403;
        response.body = refused(&said).into_bytes();
    } else if request.url.path() == "/v3/jobs" && number.is_multiple_of(3) {
        response.status = 400;
        response.body = format!("<html>{said}</html>").into_bytes();
    } else if let Ok(mut body) = serde_json::from_slice::<Value>(&response.body) {
        for row in body.as_array_mut().into_iter().flatten().filter_map(Value::as_object_mut) {
            for member in ["company", "title", "name", "body"] {
                if row.get(member).is_some_and(Value::is_string) {
                    row.insert(member.to_owned(), json!(said));
                }
            }
            row.insert(said.clone(), json!({ said.clone(): said }));
        }
        response.body = body.to_string().replace('/', "\\/").into_bytes();
    }
}

#[test]
fn no_live_secret_reaches_adapter_log_error_or_store() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("echo.redb");
    let clock = ManualClock::at(BEGIN_MS);
    let mut options = SandboxOptions::sized(1, 40);
    options.company.now_ms = Some(i64::try_from(BEGIN_MS).unwrap());
    let time = Arc::clone(&clock);
    options.clock =
        atsync_greenhouse_sandbox::Clock::new(move || i64::try_from(time.now_ms()).unwrap());
    let mut redb = RedbOptions::default();
    redb.inline = true;
    let store = RedbStore::open(&path, redb, &SystemEntropy).unwrap();
    let input = Bytes::default();
    let adapter = Arc::new(Shown { inner: native_greenhouse(), input: input.clone() });
    let world = World::with(Sandbox::new(options), clock, Arc::new(store), adapter);
    // The secrets that were sent, to be searched for.
    let secrets = Arc::new(Mutex::new(BTreeSet::from([SECRET.to_owned()])));
    let (sent, mut number) = (Arc::clone(&secrets), 0);
    let came = Bytes::default();
    let raw = came.clone();
    world.wire.edit(move |request, response| {
        number += 1;
        let credentials = request.headers.iter().filter(|(name, _)| name == "authorization");
        sent.lock()
            .unwrap()
            .extend(credentials.filter_map(|(_, value)| Some(value.split_once(' ')?.1.to_owned())));
        repeat(request, response, number);
        raw.add(&response.body);
    });
    let acme = world.connect();
    let log = Bytes::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    let mut told = String::new();
    tracing::subscriber::with_default(subscriber, || {
        told += &format!("{:?}\n", world.run(acme.check()));
        world.run(acme.declare(&desired(ADA))).unwrap();
        for _ in 0..4 {
            for kind in ["candidates", "applications", "jobs", "openings", "notes"] {
                told += &format!("{:?}\n", world.run(acme.pull_full(kind)));
            }
            told += &format!("{:?}\n", world.run(acme.sync()));
            // The token expires, and the session fetches another one.
            world.clock.set(world.clock.now_ms() + 3_700_000);
        }
        told += &format!(
            "{:?} {:?} {} {:?} {:?}",
            world.run(acme.desired("ada")).unwrap().unwrap().status,
            world.run(acme.explain("ada")).unwrap(),
            atsync::internals::plan::words::plan(&world.run(acme.plan(PlanOf::All)).unwrap()),
            world.run(acme.status()).unwrap(),
            world.run(acme.open_intents()).unwrap(),
        );
    });
    let secrets = secrets.lock().unwrap().clone();
    // The secret, the Base64 of Basic, and a token for each hour.
    assert!(secrets.len() >= 5, "{}", secrets.len());
    let file = String::from_utf8_lossy(&std::fs::read(&path).unwrap()).into_owned();
    for secret in &secrets {
        let escaped: String = secret.bytes().map(|byte| format!("%{byte:02x}")).collect();
        for (where_, text) in [
            ("adapter", input.text()),
            ("log", log.text()),
            ("told", told.clone()),
            ("store", file.clone()),
        ] {
            assert_eq!(
                text.matches(secret.as_str()).count() + text.matches(&escaped).count(),
                0,
                "{where_} has {secret}"
            );
        }
    }
    // The ATS repeated them, and their placeholder arrived.
    let repeated: usize =
        secrets.iter().map(|secret| came.text().matches(secret.as_str()).count()).sum();
    println!(
        "{repeated} times repeated, {} times redacted for the adapter",
        input.text().matches(REDACTED).count()
    );
    assert!(repeated > 100 && input.text().matches(REDACTED).count() > repeated);
    assert!(file.contains(REDACTED), "the store keeps the text of the ATS");
    assert!(told.contains(REDACTED), "errors quote the text of the ATS");
}
