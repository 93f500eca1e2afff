//! The cost of keeping many records in step, and the cost of durability.
//!
//! Two questions. Does the cost of a plan follow the number of changes and not the number of
//! declared records? Many candidates are declared and in step, and the benchmark times a plan with
//! nothing changed, and one with 100 candidates that a recruiter renamed. And how many intents per
//! second become durable, one after the other and concurrently? Real store file, real plan, native
//! adapter, the sandbox in this process; no sockets, so that the figures are the engine's.
//!
//! Only [`REAL`] candidates are the sandbox's and are pulled; a million would take an hour. The
//! others are copies of one of them, with ids and addresses of their own, put into the store
//! through [`Store`]: the observed row, then the desired record with all others in one declaration,
//! its link, and its status as the first plan wrote them for the original. A plan of some copies
//! proves that they are in step.
//!
//! `cargo bench -p atsync-tests --bench upkeep`, with other numbers of records behind `--`. Peaks
//! come from `/proc`, so it runs on Linux only.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a program that measures real time"
)]

#[path = "parts/direct.rs"]
mod direct;

use atsync::internals::journal::{Intent, IntentState, Moment};
use atsync::internals::store::Journal;
use atsync::internals::store::limits::PAGE_RECORDS_MAX;
use atsync::internals::store::redb::{RedbOptions, RedbStore};
use atsync::internals::store::{
    Cause, Guard, IntentAdvance, LinkRow, ObservedRow, ObservedWrite, PageCommit, StatusUpdate,
    Store,
};
use atsync::model::contract::Mark;
use atsync::model::desired::{Desired, DesiredCandidate};
use atsync::{Connection, ConnectionOptions, Credential, Engine, PlanOf, Secret, SystemEntropy};
use atsync_greenhouse_sandbox::{Recruiter, Sandbox, SandboxOptions};
use atsync_tests::native_greenhouse;
use direct::{Direct, HOST};
use futures_util::future::join_all;
use futures_util::{StreamExt, TryStreamExt};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

/// Records that change between two plans.
const CHANGED: usize = 100;
/// Candidates of the sandbox; the others are copies.
const REAL: usize = 500;
/// Copies that are planned to prove that they are in step.
const PROVEN: usize = 100;
/// Intents that are made durable.
const INTENTS: usize = 1_000;
/// Concurrent intents.
const AT_ONCE: usize = 64;

#[tokio::main]
async fn main() {
    let given: Vec<usize> = std::env::args().filter_map(|number| number.parse().ok()).collect();
    let sizes = if given.is_empty() { vec![10_000, 100_000, 1_000_000] } else { given };
    for size in sizes {
        plans(size).await;
    }
    intents(1).await;
    intents(AT_ONCE).await;
}

async fn timed<T>(what: &str, work: impl Future<Output = T>) -> T {
    // Resets the peak to what is resident now.
    std::fs::write("/proc/self/clear_refs", "5").unwrap();
    let started = Instant::now();
    let done = work.await;
    println!(
        "{what}: {:.1} ms, peak {} MiB",
        started.elapsed().as_secs_f64() * 1_000.0,
        peak_kib() >> 10
    );
    done
}

/// The peak of resident memory.
fn peak_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

async fn plans(size: usize) {
    let sandbox =
        Sandbox::new(SandboxOptions { rate_limit: 1_000_000, ..SandboxOptions::sized(1, REAL) });
    let directory = tempfile::tempdir().unwrap();
    let builder = Engine::builder().transport(Arc::new(Direct(sandbox.clone())));
    let engine = builder.store_file(directory.path().join("bench.redb")).unwrap().build().unwrap();
    let acme = connect(&engine).await;
    for kind in ["candidates", "applications", "applied_tags"] {
        acme.pull(kind).await.unwrap();
    }
    let (mut records, ids) = desired(&acme).await;
    acme.declare(&records).await.unwrap();
    assert!(acme.plan(PlanOf::Dirty).await.unwrap().is_empty());
    let copies = Copies::of(&acme, &records[0], ids[0]).await;
    let numbers = 0..size.saturating_sub(records.len());
    copies.observe(engine.store().as_ref(), numbers.clone()).await;
    let originals = records.len();
    records.extend(numbers.map(|number| copies.desired(number)));
    let size = records.len();
    let report =
        timed(&format!("{size} records: one declaration"), acme.declare(&records)).await.unwrap();
    assert_eq!(report.created as usize, size - originals);
    let proof: Vec<Desired> =
        records.iter().rev().take(PROVEN).cloned().map(Desired::from).collect();
    drop(records);
    copies.put_in_step(engine.store().as_ref()).await;
    let plan = acme.plan(PlanOf::Records(&proof)).await.unwrap();
    assert!(
        plan.is_empty() && plan.records.is_empty() && plan.planned as usize == proof.len(),
        "{plan:?}"
    );
    let bytes = std::fs::metadata(directory.path().join("bench.redb")).unwrap().len();
    println!("{size} records: the store has {} MiB", bytes >> 20);

    let plan =
        timed(&format!("{size} records: plan with nothing changed"), acme.plan(PlanOf::Dirty))
            .await
            .unwrap();
    assert_eq!((plan.planned, plan.writes()), (0, 0));
    for candidate_id in ids.iter().take(CHANGED) {
        let (first_name, last_name) = ("Renamed".to_owned(), "By A Recruiter".to_owned());
        sandbox
            .recruiter(&Recruiter::Rename { candidate_id: *candidate_id, first_name, last_name })
            .unwrap();
    }
    let busy = format!("{size} records: plan with {CHANGED} changed");
    let plan = timed(&busy, acme.plan(PlanOf::Dirty)).await.unwrap();
    println!("  of {size} records it planned {}", plan.planned);
    assert_eq!(plan.planned as usize, CHANGED);
    let plan =
        timed(&format!("{size} records: plan of all"), acme.plan(PlanOf::All)).await.unwrap();
    assert_eq!((plan.planned as usize, plan.writes()), (size, 0));
}

/// The parts of the copies of one record.
struct Copies {
    observed: ObservedRow,
    link: LinkRow,
    status: atsync::internals::store::DesiredStatus,
    /// The texts that are replaced in all of them.
    address: String,
}

impl Copies {
    async fn of(acme: &Connection, record: &DesiredCandidate, id: i64) -> Self {
        let observed = acme.observed_one("candidates", &id.to_string()).await.unwrap().unwrap();
        let link = acme
            .links(&record.key)
            .await
            .unwrap()
            .into_iter()
            .find(|link| link.path == record.key)
            .unwrap();
        let status = acme.desired(&record.key).await.unwrap().unwrap().status;
        let address = record.emails.as_ref().unwrap()[0].value().to_owned();
        Self { observed, link, status, address }
    }

    fn id(number: usize) -> String {
        format!("{}", 90_000_000_000 + number)
    }

    fn key(number: usize) -> String {
        format!("copy-{number:07}")
    }

    fn number(key: &str) -> usize {
        key.rsplit('-').next().unwrap().parse().unwrap()
    }

    /// A text of the original as the copy has it.
    fn text(&self, text: &str, number: usize) -> String {
        let copy = text.replace(&self.observed.id, &Self::id(number));
        copy.replace(&self.address, &format!("copy-{number:07}@example.com"))
    }

    fn desired(&self, number: usize) -> DesiredCandidate {
        let email = self.text(&self.address, number);
        serde_json::from_value(serde_json::json!({ "key": Self::key(number), "emails": [email] }))
            .unwrap()
    }

    /// Ingests the copies as pages of a scan would, in the order of their ids.
    async fn observe(&self, store: &dyn Store, numbers: std::ops::Range<usize>) {
        let numbers: Vec<usize> = numbers.collect();
        for page in numbers.chunks(PAGE_RECORDS_MAX) {
            let records = page.iter().map(|number| ObservedWrite {
                id: Self::id(*number),
                version: self.observed.version.clone(),
                body: self.text(&self.observed.body, *number),
                raw: None,
                mask: 0,
            });
            let commit = PageCommit {
                kind: "candidates".into(),
                parent: None,
                records: records.collect(),
                masks: vec![self.observed.known.clone()],
                gone: Vec::new(),
                moved: Vec::new(),
                scan: None,
                sweep: None,
                cause: Cause::Observed,
                applied_by: BTreeMap::new(),
                now_ms: 1,
            };
            store.commit_page(&Guard::sole("acme"), commit).await.unwrap();
        }
    }

    /// Links all dirty records and marks them as in step.
    async fn put_in_step(&self, store: &dyn Store) {
        loop {
            let rows = store.dirty_page("acme", None, PAGE_RECORDS_MAX).await.unwrap();
            if rows.is_empty() {
                return;
            }
            let link = |key: &str| {
                let number = Self::number(key);
                let applied =
                    self.text(&serde_json::to_string(&self.link.applied).unwrap(), number);
                let mut link = LinkRow { path: key.to_owned(), ..self.link.clone() };
                link.remote.id = Self::id(number);
                link.applied = serde_json::from_str(&applied).unwrap();
                link
            };
            store
                .put_links(&Guard::sole("acme"), rows.iter().map(|row| link(&row.key)).collect())
                .await
                .unwrap();
            let (dirty, status) = (false, &self.status);
            let statuses = rows.into_iter().map(|row| StatusUpdate {
                key: row.key,
                generation: row.generation,
                status: status.clone(),
                dirty,
                dirt: row.dirt,
            });
            assert!(
                store
                    .put_status(&Guard::sole("acme"), statuses.collect())
                    .await
                    .unwrap()
                    .is_empty()
            );
        }
    }
}

async fn connect(engine: &Engine) -> Connection {
    let credential = Credential::ClientCredentials {
        client_id: "sandbox".into(),
        client_secret: Secret::new("sandbox-secret"),
    };
    let mut options = ConnectionOptions::new("acme", native_greenhouse(), credential);
    for origin in ["api", "auth"] {
        options.origins.insert(origin.into(), format!("http://{HOST}"));
    }
    options.allow_private_network = true;
    engine.connect(options).await.unwrap()
}

/// A record for each candidate with an address that no other has.
async fn desired(acme: &Connection) -> (Vec<DesiredCandidate>, Vec<i64>) {
    let mut candidates: Vec<(String, Vec<String>)> = Vec::new();
    let mut times: BTreeMap<String, usize> = BTreeMap::new();
    let mut rows = std::pin::pin!(acme.observed("candidates"));
    while let Some(row) = rows.try_next().await.unwrap() {
        let body: serde_json::Value = serde_json::from_str(&row.body).unwrap();
        let entries = body["emails"].as_array().cloned().unwrap_or_default();
        let addresses: Vec<String> = entries
            .iter()
            .filter_map(|entry| entry["value"].as_str())
            .map(str::to_lowercase)
            .collect();
        for address in &addresses {
            *times.entry(address.clone()).or_default() += 1;
        }
        candidates.push((row.id, addresses));
    }
    let (mut records, mut ids) = (Vec::new(), Vec::new());
    for (id, addresses) in candidates {
        let Some(email) =
            addresses.first().filter(|_| addresses.iter().all(|address| times[address] == 1))
        else {
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
    println!(
        "intents begun and ended, {at_once} at once: {rate:.0} a second, {} commits",
        store.commits()
    );
}

/// An intent from its beginning to its end: two durable steps.
async fn one(store: &RedbStore, number: usize) {
    let intent = Intent {
        id: 0,
        // A path that belongs to no desired record, like that of a tag that several share.
        path: format!("~tags/{number}"),
        operation: "candidates.create".into(),
        target: None,
        input: "{}".into(),
        makes: [].into(),
        applied: [].into(),
        digest: "0".repeat(64),
        mark: Mark { text: String::new(), time_ms: 1 },
        generation: 0,
        attempt: 1,
        first_sent: Moment::of_wall(1),
        last_sent: Moment::of_wall(1),
        changed: Moment::of_wall(1),
        tries: Vec::new(),
        state: IntentState::Sending,
    };
    let intent = store.begin_intent(&Guard::sole("acme"), intent).await.unwrap();
    let advance = IntentAdvance {
        id: intent.id,
        attempt: intent.attempt,
        to: IntentState::Applied { links: Vec::new(), by_probe: false },
        links: Vec::new(),
        changes: Vec::new(),
        at: Moment::of_wall(2),
    };
    store.advance_intent(&Guard::sole("acme"), advance).await.unwrap();
}
