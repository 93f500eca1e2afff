//! What keeping many records in step costs, and what durability does.
//!
//! Two questions. Does a plan's cost follow what changed and not how many records are declared: so many candidates are declared and in step, and a
//! plan is timed with nothing changed, and with 100 that a recruiter renamed. And how many intents a second become durable, one after the other and many
//! at once. Real store file, real plan, native adapter, the sandbox in this process; no sockets, so that the figures are the engine's.
//!
//! `cargo bench -p atsync-tests --bench upkeep`, with numbers of records behind `--` for others than the usual.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a program that measures real time"
)]

use atsync::journal::{Intent, IntentState};
use atsync::model::contract::{Field, Mark, Response};
use atsync::model::desired::DesiredCandidate;
use atsync::store::redb::{RedbOptions, RedbStore};
use atsync::store::{IntentAdvance, Store};
use atsync::transport::{Delivery, Transport, WireRequest};
use atsync::{Connection, ConnectionOptions, Credential, Engine, PlanOf, Secret, SystemEntropy};
use atsync_greenhouse_sandbox::{Recruiter, Request, Sandbox, SandboxOptions};
use atsync_tests::native_greenhouse;
use futures_util::future::{BoxFuture, join_all, ready};
use futures_util::{StreamExt, TryStreamExt};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

/// Where the sandbox would be, had it a socket.
const HOST: &str = "127.0.0.1:8099";
/// Records that change between two plans.
const CHANGED: usize = 100;
/// Intents that are made durable.
const INTENTS: usize = 1_000;
/// Intents at once, where they come at once.
const AT_ONCE: usize = 64;

#[tokio::main]
async fn main() {
    let given: Vec<usize> = std::env::args().filter_map(|number| number.parse().ok()).collect();
    let sizes = if given.is_empty() { vec![10_000, 100_000] } else { given };
    for size in sizes {
        plans(size).await;
    }
    intents(1).await;
    intents(AT_ONCE).await;
}

/// The sandbox without a socket.
#[derive(Debug)]
struct Direct(Sandbox);

impl Transport for Direct {
    fn exchange(&self, request: WireRequest) -> BoxFuture<'_, Delivery> {
        let path = match request.url.query() {
            Some(query) => format!("{}?{query}", request.url.path()),
            None => request.url.path().to_owned(),
        };
        let mut headers = request.headers.clone();
        // The client writes it, from the address; the sandbox makes its links of it.
        headers.push(("host".to_owned(), HOST.to_owned()));
        let answer = self.0.handle(&Request {
            method: &request.method,
            path_and_query: &path,
            headers: &headers,
            body: &request.body,
        });
        let headers = answer.headers.into_iter().map(|(name, value)| Field { name, value }).collect();
        Box::pin(ready(Delivery::Answered(Response { status: answer.status, headers, body: answer.body })))
    }
}

async fn timed<T>(what: &str, work: impl Future<Output = T>) -> T {
    let started = Instant::now();
    let done = work.await;
    println!("{what}: {:.1} ms", started.elapsed().as_secs_f64() * 1_000.0);
    done
}

async fn plans(size: usize) {
    let sandbox = Sandbox::new(SandboxOptions { rate_limit: 1_000_000, ..SandboxOptions::sized(1, size) });
    let directory = tempfile::tempdir().unwrap();
    let builder = Engine::builder().transport(Arc::new(Direct(sandbox.clone())));
    let engine = builder.store_file(directory.path().join("bench.redb")).unwrap().build().unwrap();
    let acme = connect(&engine).await;
    for kind in ["candidates", "applications", "applied_tags"] {
        timed(&format!("{size} candidates: pull of {kind}"), acme.pull(kind, false)).await.unwrap();
    }
    let (records, ids) = desired(&acme).await;
    timed(&format!("{} records: declare", records.len()), async {
        for page in records.chunks(10_000) {
            acme.declare(page).await.unwrap();
        }
    })
    .await;
    let first = format!("{} records: first plan, all of them found", records.len());
    assert!(timed(&first, acme.plan(PlanOf::Dirty)).await.unwrap().is_empty());
    let calm = format!("{} records: plan with nothing changed", records.len());
    let plan = timed(&calm, acme.plan(PlanOf::Dirty)).await.unwrap();
    assert_eq!((plan.looked_at, plan.writes()), (0, 0));
    for candidate_id in ids.iter().take(CHANGED) {
        let (first_name, last_name) = ("Renamed".to_owned(), "By A Recruiter".to_owned());
        sandbox.recruiter(&Recruiter::Rename { candidate_id: *candidate_id, first_name, last_name }).unwrap();
    }
    let busy = format!("{} records: plan with {CHANGED} changed", records.len());
    let plan = timed(&busy, acme.plan(PlanOf::Dirty)).await.unwrap();
    println!("  of {} records it looked at {}", records.len(), plan.looked_at);
    let all = format!("{} records: plan of all", records.len());
    timed(&all, acme.plan(PlanOf::All)).await.unwrap();
}

async fn connect(engine: &Engine) -> Connection {
    let credential =
        Credential::ClientCredentials { client_id: "sandbox".into(), client_secret: Secret::new("sandbox-secret") };
    let mut options = ConnectionOptions::new("acme", native_greenhouse(), credential);
    for origin in ["api", "auth"] {
        options.origins.insert(origin.into(), format!("http://{HOST}"));
    }
    options.allow_private_network = true;
    engine.connect(options).await.unwrap()
}

/// A record for each candidate who has an address that nobody else has.
async fn desired(acme: &Connection) -> (Vec<DesiredCandidate>, Vec<i64>) {
    let mut people: Vec<(String, Vec<String>)> = Vec::new();
    let mut times: BTreeMap<String, usize> = BTreeMap::new();
    let mut rows = std::pin::pin!(acme.observed("candidates"));
    while let Some(row) = rows.try_next().await.unwrap() {
        let body: serde_json::Value = serde_json::from_str(&row.body).unwrap();
        let entries = body["emails"].as_array().cloned().unwrap_or_default();
        let addresses: Vec<String> =
            entries.iter().filter_map(|entry| entry["value"].as_str()).map(str::to_lowercase).collect();
        for address in &addresses {
            *times.entry(address.clone()).or_default() += 1;
        }
        people.push((row.id, addresses));
    }
    let (mut records, mut ids) = (Vec::new(), Vec::new());
    for (id, addresses) in people {
        let Some(email) = addresses.first().filter(|_| addresses.iter().all(|address| times[address] == 1)) else {
            continue;
        };
        let record = serde_json::json!({ "key": format!("crm-{id}"), "emails": [email] });
        records.push(serde_json::from_value(record).unwrap());
        ids.push(id.parse().unwrap());
    }
    (records, ids)
}

async fn intents(at_once: usize) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("bench.redb");
    let store = RedbStore::open(&path, RedbOptions::default(), &SystemEntropy).unwrap();
    let started = Instant::now();
    let mut numbers = futures_util::stream::iter(0..INTENTS).chunks(at_once);
    while let Some(group) = numbers.next().await {
        join_all(group.into_iter().map(|number| one(&store, number))).await;
    }
    let rate = INTENTS as f64 / started.elapsed().as_secs_f64();
    println!("intents begun and ended, {at_once} at once: {rate:.0} a second, {} commits", store.commits());
}

/// An intent from its beginning to its end: two durable steps.
async fn one(store: &RedbStore, number: usize) {
    let intent = Intent {
        id: 0,
        // A path that belongs to no desired record, as a tag that several share does.
        host: format!("~tags/{number}"),
        operation: "candidates.create".into(),
        target: None,
        input: "{}".into(),
        makes: [].into(),
        applied: [].into(),
        digest: "0".repeat(64),
        mark: Mark { text: String::new(), time_ms: 1 },
        generation: 0,
        attempt: 1,
        first_sent_ms: 1,
        last_sent_ms: 1,
        changed_ms: 1,
        state: IntentState::Sending,
    };
    let intent = store.begin_intent("acme", intent).await.unwrap();
    let advance = IntentAdvance {
        id: intent.id,
        attempt: intent.attempt,
        to: IntentState::Applied { links: Vec::new(), by_probe: false },
        links: Vec::new(),
        unlink: Vec::new(),
        changes: Vec::new(),
        now_ms: 2,
    };
    store.advance_intent("acme", advance).await.unwrap();
}
