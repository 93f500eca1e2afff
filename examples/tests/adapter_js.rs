//! The adapter in TypeScript runs like any other: it loads without imports, reads page by page,
//! creates once, and settles by its probe a create whose answer was lost. It prints what it costs.
//!
//! Not in `cargo test --workspace`: `.ci/adapter-js` (`just adapter-js`) builds the component with
//! npm and runs this with the feature `adapter-js`. It runs the conformance suite over a fresh
//! copy.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a test stops when something does not hold, and prints what it measured"
)]

use atsync::model::contract::{Given, Reply, Response, Scan, Send, Since, Step, Task};
use atsync::{
    Adapter as _, AdapterError, Compiler, CompilerProgram, ComponentAdapter, ComponentHost,
    Connection, ConnectionOptions, Credential, Engine, HostOptions, LoadError, PlanOf, Secret,
    parse_desired,
};
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::{Json, Router, routing::get};
use futures_util::TryStreamExt as _;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// The directory of this build's programs.
fn built() -> PathBuf {
    let here = std::env::current_exe().unwrap();
    here.parent().and_then(Path::parent).unwrap().to_owned()
}

/// A host that has components compiled by `atsync`, as the program does.
fn host(cache: &Path) -> ComponentHost {
    let mut options = HostOptions::default();
    options.cache_dir = Some(cache.to_owned());
    options.compiler = Compiler::Apart(CompilerProgram {
        program: built().join("atsync"),
        arguments: vec!["compile-component".into()],
    });
    ComponentHost::new(options).unwrap()
}

fn component() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("adapter-js/target/adapter.wasm")
}

fn timed<T>(what: &str, work: impl FnOnce() -> T) -> (T, Duration) {
    let began = Instant::now();
    let made = work();
    let took = began.elapsed();
    println!("{what}: {took:?}");
    (made, took)
}

/// The adapter, compiled where the cache has no code of it.
fn adapter(cache: &Path) -> ComponentAdapter {
    host(cache).load_file(&component()).unwrap()
}

/// The imaginary ATS.
#[derive(Default)]
struct Plainlist {
    candidates: Mutex<Vec<Value>>,
    /// Whether the next create is carried out and not answered.
    loses: AtomicBool,
}

type Asked = Query<HashMap<String, String>>;

async fn jobs(Query(query): Asked) -> Json<Vec<Value>> {
    let all: Vec<Value> = (1..=250)
        .map(|id| {
            json!({"id": id, "title": format!("Baker {id}"), "status": "live",
            "updated_at": "2026-05-11T13:53:44Z"})
        })
        .collect();
    Json(page(&all, &query))
}

fn page(all: &[Value], query: &HashMap<String, String>) -> Vec<Value> {
    let number = |name: &str| query.get(name).and_then(|text| text.parse::<usize>().ok());
    let size = number("per_page").unwrap_or(100);
    let first = (number("page").unwrap_or(1) - 1) * size;
    all.iter().skip(first).take(size).cloned().collect()
}

async fn candidates(State(ats): State<Arc<Plainlist>>, Query(query): Asked) -> Json<Vec<Value>> {
    let all = ats.candidates.lock().unwrap().clone();
    let is =
        |row: &Value, name: &str, wanted: &str| row[name].to_string().trim_matches('"') == wanted;
    let by = ["id", "email"].into_iter().find_map(|name| Some((name, query.get(name)?)));
    Json(match by {
        Some((name, wanted)) => all.into_iter().filter(|row| is(row, name, wanted)).collect(),
        None => page(&all, &query),
    })
}

async fn create(
    State(ats): State<Arc<Plainlist>>,
    Json(mut row): Json<Value>,
) -> (StatusCode, Json<Value>) {
    let mut all = ats.candidates.lock().unwrap();
    row["id"] = json!(all.len() + 1);
    row["updated_at"] = json!("2026-05-12T08:00:00Z");
    all.push(row.clone());
    if ats.loses.swap(false, Ordering::SeqCst) {
        return (StatusCode::BAD_GATEWAY, Json(json!({})));
    }
    (StatusCode::CREATED, Json(row))
}

/// A connection to an imaginary ATS that listens here.
async fn connected(cache: &Path) -> (Arc<Plainlist>, Connection) {
    let ats = Arc::<Plainlist>::default();
    let router = Router::new()
        .route("/account", get(|| async { Json(json!({"id": "acme"})) }))
        .route("/jobs", get(jobs))
        .route("/candidates", get(candidates).post(create))
        .with_state(Arc::clone(&ats));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    let engine = Engine::builder().build().unwrap();
    let key = Credential::Key(Secret::new("any key"));
    let mut options = ConnectionOptions::new("mine", Arc::new(adapter(cache)), key);
    options.origins.insert("api".to_owned(), origin);
    options.allow_private_network = true;
    (ats, engine.connect(options).await.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_adapter_in_typescript_reads_writes_once_and_settles_what_was_lost() {
    let cache = tempfile::tempdir().unwrap();
    let bytes = std::fs::metadata(component()).unwrap().len();
    println!("size: {bytes} bytes");
    let (_, compiling) = timed("compiled and loaded", || adapter(cache.path()));
    let (_, starting) = timed("loaded precompiled", || adapter(cache.path()));
    assert!(starting < compiling);

    let (ats, mine) = connected(cache.path()).await;
    let pulled = mine.pull_full("jobs").await.unwrap();
    assert_eq!((pulled.records, pulled.pages), (250, 3));
    let jobs: Vec<_> = mine.observed("jobs").try_collect().await.unwrap();
    assert_eq!(jobs.len(), 250);
    assert!(jobs.iter().any(|job| job.body.contains("Baker 250")));

    let ada = |key: &str| {
        let email = format!("{key}@example.com");
        let record = json!({"key": key, "name": {"first": "Ada", "last": "Byron"},
            "emails": [email]});
        parse_desired("test", &record.to_string()).unwrap()
    };
    mine.pull_full("candidates").await.unwrap();
    mine.declare(&ada("ada")).await.unwrap();
    let (_, report) = mine.sync().await.unwrap();
    assert!(report.is_complete(), "{report:#?}");
    assert_eq!(ats.candidates.lock().unwrap().len(), 1);
    assert!(mine.plan(PlanOf::All).await.unwrap().is_empty());

    ats.loses.store(true, Ordering::SeqCst);
    mine.declare(&ada("lost")).await.unwrap();
    for _ in 0..2 {
        mine.sync().await.unwrap();
    }
    assert_eq!(mine.open_intents().await.unwrap(), Vec::new());
    assert_eq!(ats.candidates.lock().unwrap().len(), 2);
    assert!(mine.check().await.unwrap().iter().all(|check| check.permission == "read"));
}

/// A host that compiles in its own process gets an error that says what to do.
#[test]
fn in_the_hosts_own_process_it_is_refused_and_the_refusal_names_the_option() {
    let host = ComponentHost::new(HostOptions::default()).unwrap();
    let error = host.load_file(&component()).unwrap_err();
    assert!(matches!(&error, LoadError::TooMuch { fits_apart: true, .. }), "{error}");
    assert!(error.to_string().contains("`Compiler::Apart`"), "{error}");
}

/// The engine of JavaScript needs room beside a reply, in the memory that a guest may have.
fn large_pages(adapter: &ComponentAdapter, send: &Send) {
    let page = |mib: usize| {
        let title = "x".repeat(mib * 1024 * 1024 / 100);
        let row = |id| json!({"id": id, "title": title, "status": "live", "updated_at": "x"});
        let rows: Vec<Value> = (0..100).map(row).collect();
        let body = serde_json::to_vec(&rows).unwrap();
        let reply = Reply::Response(Response { status: 200, headers: Vec::new(), body });
        adapter.resume(send.state.clone(), given(), reply)
    };
    assert!(timed("a page of 2 MiB", || page(2)).0.unwrap().is_ok());
    assert!(matches!(timed("a page of 20 MiB", || page(20)).0, Err(AdapterError::Limit(_))));
    assert!(page(1).unwrap().is_ok(), "the limit ended that call alone");
}

fn given() -> Given {
    Given { now_ms: 0, settings: "{}".into(), tenant: None, mark: None, grant: None }
}

#[test]
fn a_call_of_the_adapter_in_typescript_costs_little() {
    let cache = tempfile::tempdir().unwrap();
    let adapter = adapter(cache.path());
    let scan = || {
        Task::Scan(Scan {
            kind: "jobs".into(),
            parent: None,
            since: Since::Everything,
            cursor: None,
            page_size: 100,
        })
    };
    let given =
        || Given { now_ms: 0, settings: "{}".into(), tenant: None, mark: None, grant: None };
    let started = || match adapter.start(scan(), given()) {
        Ok(Ok(Step::Send(send))) => send,
        other => panic!("{other:?}"),
    };
    let send = started();
    let rows: Vec<Value> = (0..100)
        .map(|id| json!({"id": id, "title": "Baker", "status": "live", "updated_at": "x"}))
        .collect();
    let body = serde_json::to_vec(&rows).unwrap();
    let reply =
        || Reply::Response(Response { status: 200, headers: Vec::new(), body: body.clone() });
    const CALLS: u32 = 200;
    let (_, took) = timed("200 calls of start", || (0..CALLS).for_each(|_| drop(started())));
    println!("one start: {:?}", took / CALLS);
    let (_, took) = timed("200 pages of 100 rows", || {
        for _ in 0..CALLS {
            adapter.resume(send.state.clone(), given(), reply()).unwrap().unwrap();
        }
    });
    println!("one page: {:?}", took / CALLS);
    large_pages(&adapter, &send);
    assert!(took / CALLS < Duration::from_millis(500), "{took:?}");
}
