//! What a store costs that is large, and one that is old.
//!
//! The goals: an update of one record costs the same among a million records as among ten thousand,
//! and so does an erasure; a record is read from a file that is not in redb's cache in at most
//! 30 µs; `get`, `changes`, `status` and `explain` take at most 40 MiB over a million records; the
//! file does not grow while the same records change again and again.
//!
//! One store per size: real candidates of the sandbox, pulled and declared, and [`copies`] of one
//! of them, all linked and in step. Updates and erasures are measured on it through the engine
//! ([`updates`]), then the command line and single reads on the closed file ([`closed`]). [`churn`]
//! has a company of its own, since its records change in the ATS. CPU time and bytes are what is
//! compared; wall time is printed, but says little on a machine that others use.
//!
//! `cargo bench -p atsync-tests --bench lasting`, with the two sizes and the number of records that
//! churn behind `--`. A million records take 3 GB of disk below `target/tmp` and some minutes.
//! Linux only. Left out: an index that is cold in the system's cache for every read, whose time is
//! the disk's.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a program that measures real time"
)]

#[path = "../parts/command.rs"]
mod command;
#[path = "../parts/copies.rs"]
mod copies;
#[path = "../parts/direct.rs"]
mod direct;
#[path = "../parts/figures.rs"]
mod figures;
#[path = "../parts/process.rs"]
mod process;

mod churn;
mod closed;
mod updates;

use atsync::{Connection, Engine};
use atsync_greenhouse_sandbox::{Sandbox, SandboxOptions};
use copies::{Copies, connect, desired};
use direct::Direct;
use figures::{figure, grouped};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use tempfile::TempDir;
use updates::Costs;

/// The two sizes that are compared, and the records that churn.
const USUAL: [usize; 3] = [10_000, 1_000_000, 50_000];
/// Candidates of the sandbox in a store of copies.
const REAL: usize = 500;
/// Records of one declaration while a store is filled, so that filling it takes no gigabytes.
const AT_ONCE: usize = 20_000;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let Some(code) = command::as_program(&arguments) {
        return code;
    }
    let given = arguments.iter().filter(|argument| *argument != "--bench");
    let Ok(given) = given.map(|number| number.parse()).collect::<Result<Vec<usize>, _>>() else {
        eprintln!("usage: lasting [SMALL [LARGE [CHURNING]]]");
        return ExitCode::FAILURE;
    };
    let size = |at: usize| given.get(at).copied().unwrap_or(USUAL[at]);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let small = runtime.block_on(sized(size(0)));
    let large = runtime.block_on(sized(size(1)));
    let at = format!("{} records to {}", grouped(size(1)), grouped(size(0)));
    for (name, of) in [
        ("update", (|costs: &Costs| costs.update) as fn(&Costs) -> updates::Cost),
        ("declaration", |costs| costs.declaration),
        ("erasure", |costs| costs.erasure),
    ] {
        let (small, large) = (of(&small), of(&large));
        figure(&format!("lasting.{name}.cpu_times"), large.cpu_us / small.cpu_us, &at);
        figure(&format!("lasting.{name}.bytes_times"), large.bytes / small.bytes, &at);
    }
    runtime.block_on(churn::rounds(size(2)));
    ExitCode::SUCCESS
}

/// Measures everything on a store of this size.
async fn sized(size: usize) -> Costs {
    // Below `target`, since the system's directory for files of this kind may be in memory.
    let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let (engine, acme, copies) = filled(&directory, size).await;
    let copied = size - REAL;
    let costs = updates::measure(&engine, &acme, &copies, copied).await;
    costs.print(size);
    drop(acme);
    engine.close().await.unwrap();
    closed::measure(directory.path(), size, copied);
    costs
}

/// A store of so many records, all linked and in step, with its feed from the first record on.
async fn filled(directory: &TempDir, size: usize) -> (Engine, Connection, Copies) {
    let sandbox =
        Sandbox::new(SandboxOptions { rate_limit: 1_000_000, ..SandboxOptions::sized(1, REAL) });
    let engine = engine(directory.path(), &sandbox);
    let acme = connect(&engine).await;
    for kind in ["candidates", "applications", "applied_tags"] {
        acme.pull(kind).await.unwrap();
    }
    let (records, ids) = desired(&acme).await;
    acme.declare(&records).await.unwrap();
    assert!(acme.plan(atsync::PlanOf::Dirty).await.unwrap().is_empty());
    let copies = Copies::of(&acme, &records[0], ids[0]).await;
    let numbers: Vec<usize> = (0..size - REAL).collect();
    for some in numbers.chunks(AT_ONCE) {
        copies.observe(engine.store().as_ref(), some[0]..some[0] + some.len()).await;
        let records: Vec<_> = some.iter().map(|number| copies.desired(*number)).collect();
        acme.declare(&records).await.unwrap();
        copies.put_in_step(engine.store().as_ref()).await;
    }
    let (length, disk) = process::sizes(&directory.path().join("acme.redb"));
    println!(
        "{size} records, observed and declared: the store is {} MiB long, {} MiB on disk",
        length >> 20,
        disk >> 20
    );
    (engine, acme, copies)
}

/// An engine over a store file of this directory, and the sandbox in this process.
fn engine(directory: &Path, sandbox: &Sandbox) -> Engine {
    let builder = Engine::builder().transport(Arc::new(Direct(sandbox.clone())));
    builder.store_file(directory.join("acme.redb")).unwrap().build().unwrap()
}
