//! Many connections in one process: what an idle one costs, and how busy ones share the machine.
//!
//! The goals: 10,000 idle connections are opened in at most 5 s and take at most 1 GiB, each beyond
//! the first at most 20 KiB; one adapter is compiled once. Of 100 connections that pull at the same
//! time none waits for more than twice its share: the last one ends at most twice as late as all of
//! them do on average.
//!
//! Real store file, the component, the sandbox in this process without sockets. Run it with `cargo
//! bench -p atsync-tests --bench connections`, with other numbers of idle and busy ones behind
//! `--`. Resident memory comes from `/proc`, so it runs on Linux only. Left out: what a connection
//! holds once it has been used (its token, its session's budget); the busy ones have that.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a program that measures real time"
)]

#[path = "parts/direct.rs"]
mod direct;
#[path = "parts/figures.rs"]
mod figures;
#[path = "parts/process.rs"]
mod process;

use atsync::internals::adapter::Adapter;
use atsync::{Connection, ConnectionOptions, Credential, Engine, Secret};
use atsync_greenhouse_sandbox::{Sandbox, SandboxOptions};
use atsync_tests::wasm_greenhouse;
use direct::{Direct, HOST};
use figures::{figure, grouped};
use futures_util::StreamExt as _;
use futures_util::future::join_all;
use process::memory_kib;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

/// Connections that are opened at the same time, as a host does at its start.
const AT_ONCE: usize = 64;
/// Candidates of the company that the busy connections pull.
const CANDIDATES: usize = 2_000;

#[tokio::main]
async fn main() {
    let given: Vec<usize> = std::env::args().filter_map(|number| number.parse().ok()).collect();
    let number = |at: usize, usual: usize| given.get(at).copied().unwrap_or(usual);
    idle(number(0, 10_000)).await;
    busy(number(1, 100)).await;
}

fn engine(directory: &Path, sandbox: &Sandbox) -> Engine {
    let builder = Engine::builder().transport(Arc::new(Direct(sandbox.clone())));
    builder.store_file(directory.join("bench.redb")).unwrap().build().unwrap()
}

async fn connect(engine: &Engine, adapter: &Arc<dyn Adapter>, name: String) -> Connection {
    let credential = Credential::ClientCredentials {
        client_id: "sandbox".into(),
        client_secret: Secret::new("sandbox-secret"),
    };
    let mut options = ConnectionOptions::new(name, Arc::clone(adapter), credential);
    for origin in ["api", "auth"] {
        options.origins.insert(origin.into(), format!("http://{HOST}"));
    }
    options.allow_private_network = true;
    engine.connect(options).await.unwrap()
}

fn adapter() -> Arc<dyn Adapter> {
    wasm_greenhouse(&Path::new(env!("CARGO_TARGET_TMPDIR")).join("adapters"))
}

async fn idle(number: usize) {
    let directory = tempfile::tempdir().unwrap();
    let sandbox = Sandbox::new(SandboxOptions::sized(1, 1));
    let engine = engine(directory.path(), &sandbox);
    let adapter = adapter();
    let first = connect(&engine, &adapter, "customer-00000".into()).await;
    let (before_kib, began) = (memory_kib("VmRSS:"), Instant::now());
    let others = (1..number).map(|at| connect(&engine, &adapter, format!("customer-{at:05}")));
    let others: Vec<Connection> =
        futures_util::stream::iter(others).buffer_unordered(AT_ONCE).collect().await;
    let (took, after_kib) = (began.elapsed(), memory_kib("VmRSS:"));
    let each = after_kib.saturating_sub(before_kib) as f64 / (number.max(2) - 1) as f64;
    let at = format!("{} connections", grouped(number));
    figure("connections.opened_s", took.as_secs_f64(), &at);
    figure("connections.resident_mib", after_kib as f64 / 1024.0, &at);
    figure("connections.each_kib", each, &at);
    drop((first, others));
}

async fn busy(number: usize) {
    let directory = tempfile::tempdir().unwrap();
    let options = SandboxOptions { rate_limit: 1_000_000, ..SandboxOptions::sized(1, CANDIDATES) };
    let sandbox = Sandbox::new(options);
    let engine = engine(directory.path(), &sandbox);
    let adapter = adapter();
    let mut open = Vec::new();
    for at in 0..number {
        open.push(connect(&engine, &adapter, format!("customer-{at:05}")).await);
    }
    let began = Instant::now();
    let pulls = open.into_iter().map(|connection| {
        tokio::spawn(async move {
            connection.pull("candidates").await.unwrap();
            began.elapsed().as_secs_f64()
        })
    });
    let ends: Vec<f64> = join_all(pulls).await.into_iter().map(Result::unwrap).collect();
    let average = ends.iter().sum::<f64>() / ends.len() as f64;
    let last = ends.iter().copied().fold(0.0, f64::max);
    let first = ends.iter().copied().fold(f64::MAX, f64::min);
    println!(
        "{number} connections pull {CANDIDATES} candidates each at once: the first, the average, \
         the last ends after {first:.1}, {average:.1}, {last:.1} s"
    );
    figure("connections.last_to_average", last / average, &format!("{number} connections"));
}
