//! Laws of reading: the cost of one bad row, one circle of pages, one wrong clock, one missing kind
//! and one foreign tenant.
//!
//! Method: the real engine with the Greenhouse adapter against the sandbox, on a manual clock,
//! without sockets; the wire changes answers that the sandbox would not. The tests check the
//! sandbox's state and the requests that reached it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test stops when something does not hold"
)]

mod below;
mod circles;
mod clocks;
mod replaced;
mod rows;
mod survivors;
mod tenants;
mod unsupported;

use atsync::internals::store::memory::MemoryStore;
use atsync::internals::store::{Change, ChangeWhat, ObservedRow};
use atsync::testing::ManualClock;
use atsync::{Clock as _, Connection};
use atsync_greenhouse_sandbox::{Clock, Recruiter, Sandbox, SandboxOptions};
use atsync_tests::{BEGIN_MS, World, native_greenhouse};
use futures_util::TryStreamExt;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// Every kind with a list, and its collection.
const KINDS: [(&str, &str); 25] = [
    ("departments", "departments"),
    ("offices", "offices"),
    ("users", "users"),
    ("user_emails", "user_emails"),
    ("sources", "sources"),
    ("referrers", "referrers"),
    ("reject_reasons", "rejection_reasons"),
    ("close_reasons", "close_reasons"),
    ("tags", "candidate_tags"),
    ("custom_fields", "custom_fields"),
    ("custom_field_options", "custom_field_options"),
    ("pools", "prospect_pools"),
    ("pool_stages", "prospect_pool_stages"),
    ("jobs", "jobs"),
    ("stages", "job_interview_stages"),
    ("postings", "job_posts"),
    ("openings", "openings"),
    ("candidates", "candidates"),
    ("applied_tags", "applied_candidate_tags"),
    ("applications", "applications"),
    ("application_stages", "application_stages"),
    ("rejections", "rejection_details"),
    ("pool_placements", "prospect_details"),
    ("notes", "notes"),
    ("attachments", "attachments"),
];

/// A world of this many candidates whose ATS's clock is ahead of ours by the atomic's value, in
/// milliseconds.
fn world_apart(seed: u64, candidates: usize) -> (World, Arc<AtomicI64>) {
    let clock = ManualClock::at(BEGIN_MS);
    let ahead = Arc::<AtomicI64>::default();
    let mut options = SandboxOptions::sized(seed, candidates);
    options.company.now_ms = Some(i64::try_from(BEGIN_MS).unwrap());
    let (time, by) = (Arc::clone(&clock), Arc::clone(&ahead));
    options.clock =
        Clock::new(move || i64::try_from(time.now_ms()).unwrap() + by.load(Ordering::SeqCst));
    let sandbox = Sandbox::new(options);
    (World::with(sandbox, clock, Arc::new(MemoryStore::default()), native_greenhouse()), ahead)
}

/// Lets time pass.
fn pass(world: &World, by_ms: u64) {
    world.run(world.clock.sleep(by_ms));
}

fn id_of(row: &Value) -> String {
    row["id"].to_string()
}

/// The store's records of a kind, by id.
fn stored(world: &World, acme: &Connection, kind: &str) -> BTreeMap<String, ObservedRow> {
    let rows: Vec<ObservedRow> = world.run(acme.observed(kind).try_collect()).unwrap();
    rows.into_iter().map(|row| (row.id.clone(), row)).collect()
}

/// The ids in the sandbox.
fn truth(world: &World, collection: &str) -> Vec<String> {
    let mut ids: Vec<String> = world.sandbox.rows(collection).iter().map(id_of).collect();
    ids.sort();
    ids
}

fn told(world: &World, acme: &Connection, what: ChangeWhat) -> Vec<Change> {
    let changes: Vec<Change> = world.run(acme.changes(0).try_collect()).unwrap();
    changes.into_iter().filter(|change| change.what == what).collect()
}

fn rename(world: &World, candidate: &str, last_name: &str) {
    let candidate_id = candidate.parse().unwrap();
    let (first_name, last_name) = ("New".to_owned(), last_name.to_owned());
    world.sandbox.recruiter(&Recruiter::Rename { candidate_id, first_name, last_name }).unwrap();
}

fn last_name(world: &World, acme: &Connection, candidate: &str) -> String {
    let row = world.run(acme.observed_one("candidates", candidate)).unwrap().unwrap();
    let body: Value = serde_json::from_str(&row.body).unwrap();
    body["name"]["last"].as_str().unwrap_or_default().to_owned()
}
