//! The pitfalls of Greenhouse integrations (`shared/greenhouse/pitfalls.md`), as laws that the
//! engine keeps.
//!
//! Method: the real engine with the Greenhouse adapter against the sandbox, on a manual clock,
//! without sockets. The tests check the sandbox's state and the requests that reached it, never the
//! engine's own reports. If the reference leaves two readings open, a law holds under both.
//! `pitfalls.md` beside this folder lists the laws of each entry.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test stops when something does not hold"
)]

mod authorisation;
mod budget;
mod conversions;
mod custom_fields;
mod erasure;
mod identity;
mod reading;
mod vocabulary;
mod writing;

use atsync::internals::plan::Plan;
use atsync::internals::plan::words;
use atsync::internals::reconcile::ApplyReport;
use atsync::internals::store::memory::MemoryStore;
use atsync::testing::ManualClock;
use atsync::{Clock as _, Connection, PlanOf};
use atsync_greenhouse_sandbox::{Clock, Recruiter, Sandbox, SandboxOptions};
use atsync_tests::{BEGIN_MS, World, desired, native_greenhouse};
use serde_json::{Value, json};
use std::sync::Arc;

/// The address of the candidate of most laws.
const ADA: &str = "ada.byron@example.com";

/// A world around a company with this configuration.
fn world_of(set: impl FnOnce(&mut SandboxOptions)) -> World {
    let clock = ManualClock::at(BEGIN_MS);
    let mut options = SandboxOptions::sized(1, 60);
    options.company.now_ms = Some(i64::try_from(BEGIN_MS).unwrap());
    let time = Arc::clone(&clock);
    options.clock = Clock::new(move || i64::try_from(time.now_ms()).unwrap());
    set(&mut options);
    World::with(Sandbox::new(options), clock, Arc::new(MemoryStore::default()), native_greenhouse())
}

/// A world with the usual company and these quirks changed.
fn world(quirks: impl FnOnce(&mut atsync_greenhouse_sandbox::Quirks)) -> World {
    let world = World::new(1, 60);
    world.sandbox.set_quirks(quirks);
    world
}

/// A world whose connection may write stages.
fn world_with_stages(quirks: impl FnOnce(&mut atsync_greenhouse_sandbox::Quirks)) -> World {
    let mut world = world(quirks);
    world.settings.insert("stage_writes".into(), json!(true));
    world
}

/// Lets time pass.
fn pass(world: &World, ms: u64) {
    world.clock.set(world.clock.now_ms() + ms);
}

/// Ids of open jobs that every user may see.
fn open_jobs(world: &World) -> Vec<i64> {
    let jobs = world.sandbox.rows("jobs");
    let open = |job: &&Value| {
        job["status"] == "open" && job["is_template"] == false && job["confidential"] == false
    };
    jobs.iter().filter(open).map(|job| job["id"].as_i64().unwrap()).collect()
}

/// Ada, with what a law needs besides name and address.
fn ada(more: &Value) -> Value {
    let mut record =
        json!({"key": "ref-1", "name": {"first": "Ada", "last": "Byron"}, "emails": [ADA]});
    record.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    record
}

/// Ada with one of everything.
fn ada_with_everything(world: &World) -> Value {
    let job = open_jobs(world)[0].to_string();
    ada(&json!({
        "phones": ["+44 20 1234"],
        "tags": ["brand new tag"],
        "custom_fields": {"external_ref": "ref-1"},
        "notes": [{"key": "n1", "body": "Introduced by Sam."}],
        "applications": [
            {"key": "a1", "job": {"id": job}, "source": "Acme Referrals",
             "attachments": [{"key": "cv", "filename": "cv.pdf", "type": "resume",
                 "url": "https://files.example.com/cv.pdf"}]},
            {"key": "a2", "job": {"id": open_jobs(world)[1].to_string()}}
        ]
    }))
}

fn declare(world: &World, acme: &Connection, records: &[Value]) {
    let lines: Vec<String> = records.iter().map(Value::to_string).collect();
    world.run(acme.declare(&desired(&lines.join("\n")))).unwrap();
}

fn plan(world: &World, acme: &Connection) -> Plan {
    let plan = world.run(acme.plan(PlanOf::All)).unwrap();
    println!("{}", words::plan(&plan));
    plan
}

fn apply(world: &World, acme: &Connection, plan: &Plan) -> ApplyReport {
    let report = world.run(acme.apply(plan)).unwrap();
    println!("{report:#?}");
    report
}

/// Declares one record, plans and applies the plan.
fn bring(world: &World, acme: &Connection, record: &Value) -> ApplyReport {
    declare(world, acme, std::slice::from_ref(record));
    let plan = plan(world, acme);
    apply(world, acme, &plan)
}

/// Settles, plans and applies until nothing is left, at most this many times; then proves that a
/// further plan is empty and costs no write.
fn converge(world: &World, acme: &Connection, rounds: usize) {
    for _ in 0..rounds {
        pass(world, 200_000);
        let settled = world.run(acme.settle()).unwrap();
        let plan = plan(world, acme);
        if plan.is_empty() && settled.open == 0 {
            world.sandbox.clear_logs();
            let again = self::plan(world, acme);
            assert!(again.is_empty(), "{}", words::plan(&again));
            assert_eq!(world.written(), Vec::<String>::new());
            return;
        }
        apply(world, acme, &plan);
    }
    panic!("not in step after {rounds} rounds");
}

/// The one candidate with this address.
fn the_candidate(world: &World, email: &str) -> Value {
    let found = world.sandbox.candidates_by_email(email);
    assert_eq!(found.len(), 1, "{found:#?}");
    found[0].clone()
}

fn id_of(row: &Value) -> i64 {
    row["id"].as_i64().unwrap()
}

fn recruiter(world: &World, deed: &Recruiter) -> i64 {
    world.sandbox.recruiter(deed).unwrap()["id"].as_i64().unwrap()
}

/// The bodies of writes that reached a path since the logs were cleared.
fn bodies(world: &World, method: &str, path: &str) -> Vec<Value> {
    let requests = world.sandbox.requests();
    let fitting = requests
        .iter()
        .filter(|request| request.method == method && request.path.starts_with(path));
    fitting.map(|request| serde_json::from_str(&request.body).unwrap_or(Value::Null)).collect()
}

/// How many requests came with this method and path.
fn count(world: &World, method: &str, path: &str) -> usize {
    world
        .sandbox
        .requests()
        .iter()
        .filter(|request| request.method == method && request.path == path)
        .count()
}

/// The reasons for which the plan blocks records.
fn blocked(plan: &Plan) -> String {
    plan.blocked()
        .map(|finding| format!("{}: {}", finding.reason, finding.message))
        .collect::<Vec<_>>()
        .join("\n")
}

/// Ids of the candidates that were neither anonymised nor hidden and have an address of their own.
fn plain_candidates(world: &World) -> Vec<i64> {
    let rows = world.sandbox.rows("candidates");
    let plain = rows.iter().filter(|row| {
        row["private"] == false
            && row["email_addresses"].as_array().is_some_and(|list| {
                list.len() == 1
                    && world.sandbox.candidates_by_email(list[0]["value"].as_str().unwrap()).len()
                        == 1
            })
    });
    plain.map(id_of).collect()
}

fn email_of(world: &World, candidate: i64) -> String {
    let row = world.sandbox.row("candidates", candidate).unwrap();
    row["email_addresses"][0]["value"].as_str().unwrap().to_owned()
}
