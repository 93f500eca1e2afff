//! Reopening a large store whose process was killed while it committed.
//!
//! The goal is less than 100 ms for a store of 1 GB. This program runs itself with `fill PATH`:
//! that process fills a store to [`BYTES`], prints a line, and commits further pages until SIGKILL
//! ends it, at any moment. The benchmark measures [`RedbStore::open`] with the file in the page
//! cache, as after a crash of the process, and once more after another kill with the file's pages
//! dropped from the cache (by `dd`), as after a crash of the machine. Each time the store must hold
//! every write that was reported as durable.
//!
//! `cargo bench -p atsync-tests --bench reopen`. Left out: a machine that lost power, whose disk
//! may have kept less.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a program that measures real time"
)]

#[path = "parts/figures.rs"]
mod figures;
#[path = "parts/process.rs"]
mod process;

use atsync::SystemEntropy;
use atsync::internals::store::Feed;
use atsync::internals::store::Observed;
use atsync::internals::store::redb::{RedbOptions, RedbStore};
use atsync::internals::store::{Cause, Guard, ObservedWrite, PageCommit};
use figures::figure;
use process::drop_from_cache;
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// The size of the store before the first kill.
const BYTES: u64 = 1 << 30;
/// Records of one page.
const PAGE: u64 = 500;
/// Bytes of a record's text.
const TEXT: usize = 1_500;
/// Kills with the file in the cache, then without.
const ROUNDS: u64 = 6;

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.as_slice() {
        [word, path] if word == "fill" => fill(Path::new(path)).await,
        _ => rounds().await,
    }
}

fn open(path: &Path) -> RedbStore {
    RedbStore::open(path, RedbOptions::default(), &SystemEntropy).unwrap()
}

/// Commits pages for ever. Prints the feed's serial after each once the store is large enough.
async fn fill(path: &Path) {
    let store = open(path);
    let mut serial = store.changes_last("acme").await.unwrap();
    loop {
        let records = (serial..serial + PAGE).map(|number| {
            // Ids spread over the tree, like records of many ages.
            let id = format!("{:020}", number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
            let text = format!("{number:08}").repeat(TEXT / 8);
            let email = format!("c{id}@example.com");
            let body =
                serde_json::json!({ "id": id, "emails": [{ "value": email }], "text": text })
                    .to_string();
            ObservedWrite { id, version: None, body, raw: None, mask: 0 }
        });
        let page = PageCommit {
            kind: "candidates".into(),
            parent: None,
            records: records.collect(),
            masks: vec![vec!["emails".into(), "id".into(), "text".into()]],
            gone: Vec::new(),
            moved: Vec::new(),
            scan: None,
            sweep: None,
            cause: Cause::Observed,
            applied_by: BTreeMap::new(),
            now_ms: 1,
        };
        assert_eq!(store.commit_page(&Guard::sole("acme"), page).await.unwrap().created, PAGE);
        serial += PAGE;
        if std::fs::metadata(path).unwrap().len() >= BYTES {
            println!("{serial}");
        }
    }
}

async fn rounds() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("bench.redb");
    let mut worst = [0.0_f64; 2];
    for round in 0..ROUNDS {
        let program = std::env::current_exe().unwrap();
        let mut child =
            Command::new(program).arg("fill").arg(&path).stdout(Stdio::piped()).spawn().unwrap();
        let mut said = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut durable: u64 = said.next().unwrap().unwrap().parse().unwrap();
        // Another moment of a commit in each round.
        std::thread::sleep(Duration::from_millis(40 + 37 * round));
        child.kill().unwrap();
        child.wait().unwrap();
        if let Some(last) = said.map_while(Result::ok).last() {
            durable = last.parse().unwrap();
        }
        let cold = round >= ROUNDS / 2;
        if cold {
            drop_from_cache(&path);
        }
        let started = Instant::now();
        let store = open(&path);
        let opened = started.elapsed().as_secs_f64() * 1_000.0;
        let last = store.changes_last("acme").await.unwrap();
        assert!(last >= durable && last % PAGE == 0, "{durable} were durable, {last} are there");
        let mib = std::fs::metadata(&path).unwrap().len() >> 20;
        let cache = if cold { "dropped from the cache" } else { "in the cache" };
        println!("store of {mib} MiB, {cache}, killed while committing: opened in {opened:.1} ms");
        worst[usize::from(cold)] = worst[usize::from(cold)].max(opened);
    }
    figure("reopen.worst_ms", worst[0], "1 GiB, the file in the system's cache");
    figure("reopen.worst_ms", worst[1], "1 GiB, the file dropped from it");
}
