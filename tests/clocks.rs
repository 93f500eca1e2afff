//! The times that an ATS reports decide nothing durable: no write is made twice, no write stays in
//! doubt for ever, no change is skipped.
//!
//! Method: the real engine with the Greenhouse adapter against the sandbox, on a manual clock,
//! without sockets; the wire changes the `date` of answers, or their other times. Each case runs
//! with the engine living on and with a restart in the middle.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test stops when something does not hold"
)]

use atsync::model::contract::Field;
use atsync::{Clock, Connection};
use atsync_greenhouse_sandbox::{Fault, FaultKind, Recruiter};
use atsync_tests::{World, desired};
use futures_util::TryStreamExt;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, UNIX_EPOCH};

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const DECADE_MS: i64 = 10 * 366 * 24 * HOUR_MS;
const ADA: &str = "ada@example.com";

fn ada(more: &Value) -> Value {
    let mut ada = json!({"key": "ada", "name": {"first": "Ada", "last": "Byron"}, "emails": [ADA]});
    ada.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    ada
}

/// From now on answers are dated this far from the true time until the first write was answered,
/// then that far.
fn dated(world: &World, before_ms: i64, after_ms: i64) {
    let (sandbox, written) = (world.sandbox.clone(), AtomicBool::new(false));
    world.wire.edit(move |request, response| {
        let off_ms = if written.load(Ordering::SeqCst) { after_ms } else { before_ms };
        let date = Duration::from_millis(u64::try_from(sandbox.now_ms() + off_ms).unwrap());
        response.headers.retain(|header| header.name != "date");
        response.headers.push(Field::new("date", httpdate::fmt_http_date(UNIX_EPOCH + date)));
        if request.method != "GET" && request.url.path() != "/token" {
            written.store(true, Ordering::SeqCst);
        }
    });
}

fn declared(world: &World, record: &Value) -> Connection {
    let acme = world.connect();
    world.run(acme.declare(&desired(&record.to_string()))).unwrap();
    acme
}

/// A create that the ATS executes, shows 8 s later and answers with 504, once.
fn applied_then_504(world: &World, path: &str) {
    world.sandbox.set_quirks(|quirks| quirks.visibility_delay_ms = 8_000);
    let mut fault = Fault::always(path, FaultKind::AppliedThen { status: 504 });
    (fault.method, fault.times) = (Some("POST".to_owned()), Some(1));
    world.sandbox.faults().add(fault);
}

/// Syncs until nothing is open, with or without a restart in between; returns how long that took.
fn settled(
    world: &mut World,
    acme: Connection,
    reborn: bool,
    before_ms: i64,
    after_ms: i64,
) -> u64 {
    let began_ms = world.clock.now_ms();
    let mut acme = acme;
    for round in 0..20 {
        drop(world.run(acme.sync()));
        if reborn && round == 0 {
            drop(acme);
            world.restart();
            dated(world, before_ms, after_ms);
            acme = world.connect();
        }
        if world.run(acme.open_intents()).unwrap().is_empty() {
            return world.clock.now_ms() - began_ms;
        }
        world.clock.set(world.clock.now_ms() + 10_000);
    }
    panic!("a write stays in doubt: {:#?}", world.run(acme.open_intents()).unwrap());
}

#[test]
fn no_date_of_the_ats_repeats_a_write_in_doubt_or_keeps_it_in_doubt() {
    let offs = [0, -3 * MINUTE_MS, 3 * MINUTE_MS, -2 * HOUR_MS, 2 * HOUR_MS, -DECADE_MS, DECADE_MS];
    for before_ms in offs {
        for after_ms in [0, before_ms, -before_ms] {
            for reborn in [false, true] {
                let mut world = World::new(1, 12);
                applied_then_504(&world, "/v3/candidates");
                dated(&world, before_ms, after_ms);
                let acme = declared(&world, &ada(&json!({})));
                let took_ms = settled(&mut world, acme, reborn, before_ms, after_ms);
                let case = format!(
                    "dated {before_ms} ms beside until the write, then {after_ms}; reborn: {reborn}"
                );
                assert_eq!(world.sandbox.candidates_by_email(ADA).len(), 1, "{case}");
                assert!(took_ms <= 5 * 60_000, "{case}: {took_ms} ms");
            }
        }
    }
}

#[test]
fn no_date_of_the_ats_has_a_note_posted_twice() {
    for (before_ms, after_ms) in [
        (-3 * MINUTE_MS, 0),
        (3 * MINUTE_MS, 0),
        (DECADE_MS, 0),
        (0, -3 * MINUTE_MS),
        (0, 3 * MINUTE_MS),
    ] {
        for reborn in [false, true] {
            let mut world = World::new(1, 12);
            let acme = declared(&world, &ada(&json!({})));
            world.run(acme.sync()).unwrap();
            world.clock.set(world.clock.now_ms() + 600_000);
            applied_then_504(&world, "/v3/notes");
            dated(&world, before_ms, after_ms);
            let record = ada(&json!({"notes": [{"key": "n1", "body": "Met at the fair."}]}));
            world.run(acme.declare(&desired(&record.to_string()))).unwrap();
            settled(&mut world, acme, reborn, before_ms, after_ms);
            let id = world.sandbox.candidates_by_email(ADA)[0]["id"].as_i64().unwrap();
            let notes = world.sandbox.notes_of(id);
            let notes: Vec<_> =
                notes.iter().filter(|note| note["body"] == "Met at the fair.").collect();
            assert_eq!(notes.len(), 1, "{before_ms} then {after_ms}; reborn: {reborn}");
        }
    }
}

#[test]
fn a_date_from_the_future_hides_no_change_from_later_pulls() {
    for off_ms in [3 * MINUTE_MS, 2 * HOUR_MS, DECADE_MS] {
        let world = World::new(1, 12);
        let acme = world.connect();
        world.run(acme.pull("candidates")).unwrap();
        dated(&world, off_ms, off_ms);
        for _ in 0..3 {
            world.clock.set(world.clock.now_ms() + 60_000);
            world.run(acme.pull("candidates")).unwrap();
        }
        world.wire.spare();
        world.clock.set(world.clock.now_ms() + 60_000);
        let id = world.sandbox.rows("candidates")[0]["id"].as_i64().unwrap();
        let deed = Recruiter::EditEmail {
            candidate_id: id,
            from: None,
            to: "new.home@example.com".into(),
        };
        world.sandbox.recruiter(&deed).unwrap();
        world.clock.set(world.clock.now_ms() + 60_000);
        world.run(acme.pull("candidates")).unwrap();
        let rows: Vec<_> = world.run(acme.observed("candidates").try_collect()).unwrap();
        let row = rows.iter().find(|row| row.id == id.to_string()).unwrap();
        assert!(row.body.contains("new.home@example.com"), "{off_ms}: {}", row.body);
    }
}

#[test]
fn no_header_of_the_ats_makes_a_request_wait_longer_than_an_hour() {
    for (name, value) in [
        ("retry-after", "18446744073709551615"),
        ("retry-after", "Fri, 31 Dec 9999 23:59:59 GMT"),
        ("x-ratelimit-reset", "4294967296"),
        ("x-ratelimit-reset", "18446744073709551615"),
    ] {
        let world = World::new(1, 12);
        let acme = world.connect();
        let told = Arc::new(Mutex::new(0));
        let times = Arc::clone(&told);
        world.wire.edit(move |request, response| {
            let mut told = times.lock().unwrap();
            if request.url.path() == "/v3/candidates" && *told < 2 {
                *told += 1;
                response.status = 429;
                response.headers.push(Field::new(name, value));
            }
        });
        let began_ms = world.clock.now_ms();
        let mut done = false;
        for _ in 0..200 {
            if world.run(acme.pull("candidates")).is_ok() {
                done = true;
                break;
            }
            world.clock.set(world.clock.now_ms() + 60_000);
        }
        assert!(done && *told.lock().unwrap() == 2, "{name}: {value}");
        let waited_ms = world.clock.now_ms() - began_ms;
        assert!(
            waited_ms <= 2 * 3_600_000 + 600_000,
            "{name}: {value}: two refusals, {waited_ms} ms"
        );
    }
}

/// Runs schedules for some hours, with the wall clock set to another time in the middle; returns
/// how often each kind was pulled.
fn pulled_on_schedule(jump_ms: i64) -> std::collections::BTreeMap<String, usize> {
    use atsync::{Cron, Crons, Round};
    let world = World::new(1, 12);
    let acme = world.connect();
    let quarterly = Cron::parse("*/15 * * * *").unwrap();
    let kinds = ["candidates", "jobs", "applications"];
    let crons = Crons::of_pulls(kinds.map(|kind| (kind.to_owned(), quarterly.clone())));
    let pulled = Mutex::new(std::collections::BTreeMap::new());
    let stop = async {
        world.clock.sleep(2 * HOUR_MS as u64 + 1_000).await;
        world.clock.jump(jump_ms);
        world.clock.sleep(2 * HOUR_MS as u64).await;
    };
    let tell = |round: &Round<'_>| {
        if let Round::Pulled(report) = round {
            *pulled.lock().unwrap().entry(report.kind.clone()).or_insert(0) += 1;
        }
    };
    world.run(acme.run(crons, stop, tell)).unwrap();
    pulled.into_inner().unwrap()
}

#[test]
fn a_wall_clock_that_jumps_neither_stops_a_schedule_nor_runs_all_rounds_at_once() {
    let undisturbed = pulled_on_schedule(0);
    assert!(
        undisturbed.len() == 3 && undisturbed.values().all(|times| (16..=18).contains(times)),
        "{undisturbed:?}"
    );
    for jump_ms in
        [-DECADE_MS, -24 * HOUR_MS, -7 * MINUTE_MS, 7 * MINUTE_MS, 24 * HOUR_MS, DECADE_MS]
    {
        let pulled = pulled_on_schedule(jump_ms);
        for (kind, times) in &undisturbed {
            let here = pulled.get(kind).copied().unwrap_or_default();
            assert!(
                here.abs_diff(*times) <= 1,
                "{kind}, set beside by {jump_ms} ms: {here} times instead of {times}"
            );
        }
    }
}
