//! The cost of keeping many records in step, and the cost of durability.
//!
//! Two questions. Does the cost of a plan follow the number of changes and not the number of
//! declared records? Many candidates are declared and in step, and the benchmark times a plan with
//! nothing changed, and one with 100 candidates that a recruiter renamed. And how many intents per
//! second become durable, one after the other and concurrently? Real store file, real plan, native
//! adapter, the sandbox in this process; no sockets, so that the figures are the engine's.
//!
//! Only [`REAL`] candidates are the sandbox's; the others are [`Copies`], all declared at once. A
//! plan of some copies proves that they are in step.
//!
//! `cargo bench -p atsync-tests --bench upkeep`, with other numbers of records behind `--`. Peaks
//! come from `/proc`, so it runs on Linux only.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a program that measures real time"
)]

#[path = "parts/copies.rs"]
mod copies;
#[path = "parts/direct.rs"]
mod direct;
#[path = "parts/figures.rs"]
mod figures;
#[path = "parts/process.rs"]
mod process;

use atsync::internals::journal::{Intent, IntentState, Moment};
use atsync::internals::store::redb::{RedbOptions, RedbStore};
use atsync::internals::store::{Guard, IntentAdvance, Journal};
use atsync::model::contract::Mark;
use atsync::model::desired::Desired;
use atsync::{Engine, PlanOf, SystemEntropy};
use atsync_greenhouse_sandbox::{Recruiter, Sandbox, SandboxOptions};
use copies::{Copies, connect, desired};
use direct::Direct;
use figures::{figure, grouped};
use futures_util::StreamExt;
use futures_util::future::join_all;
use process::{forget_peak, peak_kib};
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

async fn timed<T>(what: &str, work: impl Future<Output = T>) -> (T, f64) {
    forget_peak();
    let started = Instant::now();
    let done = work.await;
    let ms = started.elapsed().as_secs_f64() * 1_000.0;
    println!("{what}: {ms:.1} ms, peak {} MiB", peak_kib() >> 10);
    (done, ms)
}

async fn plans(size: usize) {
    let sandbox =
        Sandbox::new(SandboxOptions { rate_limit: 1_000_000, ..SandboxOptions::sized(1, REAL) });
    let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
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
    let (report, _) =
        timed(&format!("{size} records: one declaration"), acme.declare(&records)).await;
    let report = report.unwrap();
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

    let at = format!("{} records", grouped(size));
    let (plan, ms) =
        timed(&format!("{size} records: plan with nothing changed"), acme.plan(PlanOf::Dirty))
            .await;
    let plan = plan.unwrap();
    figure("upkeep.plan.unchanged_ms", ms, &at);
    assert_eq!((plan.planned, plan.writes()), (0, 0));
    for candidate_id in ids.iter().take(CHANGED) {
        let (first_name, last_name) = ("Renamed".to_owned(), "By A Recruiter".to_owned());
        sandbox
            .recruiter(&Recruiter::Rename { candidate_id: *candidate_id, first_name, last_name })
            .unwrap();
    }
    let busy = format!("{size} records: plan with {CHANGED} changed");
    let (plan, ms) = timed(&busy, acme.plan(PlanOf::Dirty)).await;
    let plan = plan.unwrap();
    figure("upkeep.plan.changed_ms", ms, &at);
    println!("  of {size} records it planned {}", plan.planned);
    assert_eq!(plan.planned as usize, CHANGED);
    let (plan, _) = timed(&format!("{size} records: plan of all"), acme.plan(PlanOf::All)).await;
    let plan = plan.unwrap();
    assert_eq!((plan.planned as usize, plan.writes()), (size, 0));
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
    figure("upkeep.intents_per_second", rate, &format!("{at_once} at once"));
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
        planned_by: None,
        sent_by: None,
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
        sent_by: None,
    };
    store.advance_intent(&Guard::sole("acme"), advance).await.unwrap();
}
