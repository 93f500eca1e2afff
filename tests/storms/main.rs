//! Requests that fail again and again: the engine sends them less and less often, five times at
//! most, and then a user decides with the evidence.
//!
//! Method: the real engine with the Greenhouse adapter against the sandbox, on a manual clock,
//! without sockets. The ATS never executes the request; the engine syncs every minute for days, and
//! the tests count what reached the sandbox. Left out: a component that traps, which is the same
//! error of the same call (see the engine's `adapter_panics`).

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test stops when something does not hold"
)]

mod unshown;

use atsync::internals::journal::{Intent, IntentState, SENDS_MAX};
use atsync::internals::reconcile::Resolution;
use atsync::{Clock, Connection, Credential, PlanOf, Secret, SweepOptions};
use atsync_greenhouse_sandbox::{Fault, FaultKind, Recruiter, Sandbox};
use atsync_tests::{
    Meddle, World, desired, panicking_greenhouse, panicking_greenhouse_with_a_blank_probe,
};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

const MINUTE_MS: u64 = 60_000;
const PEOPLE: &str = "/v3/candidates";

fn ada() -> Value {
    json!({"key": "ada", "name": {"first": "Ada", "last": "Byron"}, "emails": ["ada@example.com"]})
}

fn always(world: &World, path: &str, fault: FaultKind) {
    let mut rule = Fault::always(path, fault);
    rule.method = Some("POST".to_owned());
    world.sandbox.faults().add(rule);
}

/// The times at which requests to a path left, by the manual clock.
fn sent(world: &World, path: &str) -> Vec<u64> {
    let requests = world.sandbox.requests();
    let posts = requests.iter().filter(|request| request.method == "POST" && request.path == path);
    posts.map(|request| u64::try_from(request.at_ms).unwrap()).collect()
}

/// Syncs every minute for so many hours. Errors of the connection are those after which a scheduler
/// waits.
fn hours(world: &World, acme: &Connection, hours: u64) {
    let until_ms = world.clock.now_ms() + hours * 60 * MINUTE_MS;
    while world.clock.now_ms() < until_ms {
        drop(world.run(acme.sync()));
        world.clock.set(world.clock.now_ms() + MINUTE_MS);
    }
}

fn the_one(world: &World, acme: &Connection) -> Intent {
    let open = world.run(acme.open_intents()).unwrap();
    assert_eq!(open.len(), 1, "{open:#?}");
    open[0].clone()
}

fn condition(world: &World, acme: &Connection, key: &str) -> String {
    let row = world.run(acme.desired(key)).unwrap().unwrap();
    row.status
        .conditions
        .iter()
        .map(|held| format!("{}: {}", held.kind, held.message))
        .collect::<Vec<_>>()
        .join(" | ")
}

fn the_candidate(sandbox: &Sandbox) -> i64 {
    sandbox.candidates_by_email("ada@example.com")[0]["id"].as_i64().unwrap()
}

fn with(more: &Value) -> String {
    let mut record = ada();
    record.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    record.to_string()
}

#[test]
fn a_create_without_effect_is_sent_five_times_and_then_blocked() {
    for fault in [
        FaultKind::NotApplied { status: 500 },
        FaultKind::DropBefore,
        FaultKind::HoldBefore { delay_ms: 70_000 },
    ] {
        let mut world = World::new(1, 12);
        always(&world, PEOPLE, fault);
        let acme = world.connect();
        world.run(acme.declare(&desired(&ada().to_string()))).unwrap();
        hours(&world, &acme, 1);
        drop(acme);
        // A restart keeps the count of sends.
        world.restart();
        let acme = world.connect();
        hours(&world, &acme, 6);
        let times = sent(&world, PEOPLE);
        assert_eq!(times.len(), usize::try_from(SENDS_MAX).unwrap(), "{fault:?}: {times:?}");
        let gaps: Vec<u64> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
        assert!(gaps.windows(2).all(|pair| pair[0] <= pair[1] + MINUTE_MS), "{fault:?}: {gaps:?}");
        assert!(gaps[3] >= 15 * MINUTE_MS, "{fault:?}: {gaps:?}");
        let intent = the_one(&world, &acme);
        let IntentState::InDoubt { blocked: true, reason, .. } = &intent.state else {
            panic!("{:?}", intent.state)
        };
        assert!(
            reason.contains("sent 5 times") && intent.tries.len() == 5,
            "{reason}, {:?}",
            intent.tries
        );
        // Condition, explanation and status say so, and how to continue.
        let said = condition(&world, &acme, "ada");
        assert!(
            said.contains("waits for a person")
                && said.contains(&format!("`Connection::resolve`, intent {}:", intent.id)),
            "{said}"
        );
        let told = world.run(acme.explain("ada")).unwrap().words();
        assert!(
            told.contains("sent 5 times") && told.matches("      sent 2").count() == 5,
            "{told}"
        );
        let status = world.run(acme.status()).unwrap();
        assert_eq!(status.waiting_for_person, 1);
        assert!(
            status.not_in_step["ada"].contains("waits for a person"),
            "{:?}",
            status.not_in_step
        );
        // A user allows it: once more, and no oftener.
        world.run(acme.resolve(intent.id, Resolution::Retry)).unwrap();
        hours(&world, &acme, 2);
        assert_eq!(sent(&world, PEOPLE).len(), 6, "{fault:?}");
        world.sandbox.faults().clear();
        world.run(acme.resolve(intent.id, Resolution::Retry)).unwrap();
        world.run(acme.sync()).unwrap();
        assert_eq!(world.sandbox.candidates_by_email("ada@example.com").len(), 1);
        assert!(world.run(acme.plan(PlanOf::All)).unwrap().is_empty());
    }
}

#[test]
fn a_refused_write_is_sent_five_times_and_then_blocked() {
    let field = json!({"kind": "custom_fields", "key": "channel", "applies_to": "candidate",
        "type": "text", "name": "Channel"});
    let mut tagged = ada();
    tagged["tags"] = json!(["new tag"]);
    for (path, records) in [
        (PEOPLE, vec![ada()]),
        ("/v3/custom_fields", vec![field]),
        ("/v3/candidate_tags", vec![tagged]),
    ] {
        let mut world = World::new(1, 12);
        let acme = world.connect();
        if path == "/v3/candidate_tags" {
            // A new candidate's create carries its tags; a known one gets them by requests of their
            // own.
            world.run(acme.declare(&desired(&ada().to_string()))).unwrap();
            world.run(acme.sync()).unwrap();
        }
        always(&world, path, FaultKind::NotApplied { status: 422 });
        let lines: Vec<String> = records.iter().map(Value::to_string).collect();
        world.run(acme.declare(&desired(&lines.join("\n")))).unwrap();
        hours(&world, &acme, 1);
        drop(acme);
        world.restart();
        let acme = world.connect();
        hours(&world, &acme, 6);
        let times = sent(&world, path);
        assert_eq!(times.len(), usize::try_from(SENDS_MAX).unwrap(), "{path}: {times:?}");
        let gaps: Vec<u64> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
        assert!(gaps.windows(2).all(|pair| pair[0] <= pair[1] + MINUTE_MS), "{path}: {gaps:?}");
        let key = records[0]["key"]
            .as_str()
            .filter(|key| *key == "ada")
            .unwrap_or("@custom_fields.candidate.channel");
        let said = condition(&world, &acme, key);
        assert!(said.contains("was refused 5 times and waits for a person"), "{said}");
        assert!(world.run(acme.status()).unwrap().not_in_step[key].contains("waits for a person"));
        let report = world.run(acme.sync()).unwrap().1;
        assert!(
            report.not_in_step > 0,
            "a refused record that waits is not in step, nor left on purpose: {report:?}"
        );
        // A user can have a refused write sent once more, as the message says.
        let number =
            said.split("`Connection::resolve`, intent ").nth(1).unwrap().split(',').next().unwrap();
        world.sandbox.faults().clear();
        let ended = world.run(acme.resolve(number.parse().unwrap(), Resolution::Retry)).unwrap();
        assert!(matches!(ended.state, IntentState::Applied { .. }), "{ended:?}");
        for _ in 0..2 {
            world.run(acme.sync()).unwrap();
            world.clock.set(world.clock.now_ms() + 5 * MINUTE_MS);
        }
        let plan = world.run(acme.plan(PlanOf::All)).unwrap();
        assert!(plan.is_empty(), "{}", atsync::internals::plan::words::plan(&plan));
    }
}

#[test]
fn a_changed_declaration_starts_anew_after_refusals() {
    let world = World::new(1, 12);
    always(&world, PEOPLE, FaultKind::NotApplied { status: 422 });
    let acme = world.connect();
    world.run(acme.declare(&desired(&ada().to_string()))).unwrap();
    hours(&world, &acme, 6);
    assert_eq!(sent(&world, PEOPLE).len(), 5);
    let mut changed = ada();
    changed["company"] = json!("Analytical");
    world.sandbox.faults().clear();
    world.run(acme.declare(&desired(&changed.to_string()))).unwrap();
    world.run(acme.sync()).unwrap();
    assert_eq!(world.sandbox.candidates_by_email("ada@example.com").len(), 1);
}

/// The client id and secret of [`World`].
fn credential() -> Credential {
    Credential::ClientCredentials {
        client_id: "sandbox".into(),
        client_secret: Secret::new("sandbox-secret"),
    }
}

/// The credential is accepted elsewhere: reads work, or the engine could not plan.
#[test]
fn a_write_refused_for_its_credential_is_sent_five_times_and_blocked_until_one_is_given() {
    for (path, fault, requests) in [
        (PEOPLE, FaultKind::NotApplied { status: 403 }, 1),
        // Twice each time: once more with a new token.
        (PEOPLE, FaultKind::Unauthorized, 2),
        ("/v3/notes", FaultKind::Unauthorized, 2),
        ("/v3/candidate_tags", FaultKind::Unauthorized, 2),
        ("/v3/applied_candidate_tags", FaultKind::NotApplied { status: 403 }, 1),
    ] {
        let mut world = World::new(1, 12);
        let acme = world.connect();
        let mut record = ada();
        if path != PEOPLE {
            world.run(acme.declare(&desired(&record.to_string()))).unwrap();
            world.run(acme.sync()).unwrap();
            record["notes"] = json!([{"key": "n1", "body": "Met at the fair."}]);
            record["tags"] = json!(["new tag"]);
        }
        always(&world, path, fault);
        world.run(acme.declare(&desired(&record.to_string()))).unwrap();
        hours(&world, &acme, 1);
        drop(acme);
        world.restart();
        let acme = world.connect();
        hours(&world, &acme, 11);
        let sends = usize::try_from(SENDS_MAX).unwrap() * requests;
        assert_eq!(sent(&world, path).len(), sends, "{path} {fault:?}");
        let said = condition(&world, &acme, "ada");
        assert!(
            said.contains("waits for a person") && said.contains("the credential given anew"),
            "{said}"
        );
        assert!(
            world.run(acme.status()).unwrap().not_in_step["ada"].contains("waits for a person"),
            "{said}"
        );
        // After the credential is given again, it is tried again, as often.
        world.run(acme.replace_credential(credential())).unwrap();
        hours(&world, &acme, 3);
        assert_eq!(sent(&world, path).len(), 2 * sends, "{path} {fault:?}");
        // The same when a check finds a missing right granted, and the engine restarts after it.
        world.run(acme.check()).unwrap();
        drop(acme);
        world.restart();
        let acme = world.connect();
        hours(&world, &acme, 3);
        assert_eq!(sent(&world, path).len(), 3 * sends, "{path} {fault:?}");
        world.sandbox.faults().clear();
        hours(&world, &acme, 1);
        assert_eq!(sent(&world, path).len(), 3 * sends, "{path} {fault:?}");
        world.run(acme.check()).unwrap();
        hours(&world, &acme, 1);
        let id = the_candidate(&world.sandbox);
        assert!(path == PEOPLE || world.sandbox.notes_of(id).len() == 1);
        assert!(
            condition(&world, &acme, "ada").contains("the ATS holds what is desired"),
            "{path} {fault:?}"
        );
    }
}

#[test]
fn an_adapter_that_crashes_over_every_answer_sends_five_times_and_is_then_blocked() {
    let mut world = World::new(1, 12);
    world.adapter = panicking_greenhouse();
    // The ATS answers that it created the candidate, and does nothing.
    always(&world, PEOPLE, FaultKind::NotApplied { status: 201 });
    let acme = world.connect();
    world.run(acme.declare(&desired(&ada().to_string()))).unwrap();
    hours(&world, &acme, 3);
    assert_eq!(sent(&world, PEOPLE).len(), usize::try_from(SENDS_MAX).unwrap());
    let intent = the_one(&world, &acme);
    let IntentState::InDoubt { blocked: true, reason, .. } = &intent.state else {
        panic!("{:?}", intent.state)
    };
    assert!(
        reason.contains("sent 5 times") && reason.contains("the adapter crashed: it panicked"),
        "{reason}"
    );
    assert!(condition(&world, &acme, "ada").contains("waits for a person"));
}

#[test]
fn an_adapter_that_crashes_after_each_write_and_whose_probe_finds_nothing_sends_five_times_at_most()
{
    let mut world = World::new(1, 12);
    world.adapter = panicking_greenhouse_with_a_blank_probe();
    let acme = world.connect();
    world.run(acme.declare(&desired(&ada().to_string()))).unwrap();
    hours(&world, &acme, 12);
    // The ATS did create her each time: the effect of a lying adapter is bounded, not undone.
    let times = sent(&world, PEOPLE);
    assert!(times.len() <= usize::try_from(SENDS_MAX).unwrap(), "{times:?}");
    let gaps: Vec<u64> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(gaps.windows(2).all(|pair| pair[0] <= pair[1] + MINUTE_MS), "{gaps:?}");
    let said = condition(&world, &acme, "ada");
    assert!(said.contains("it waits until somebody acts"), "{said}");
}

/// Declared candidates with keys `k00`, `k01` and so on.
fn numbered(count: usize, address: impl Fn(usize) -> String) -> Vec<String> {
    let one = |number: usize| {
        json!({"key": format!("k{number:02}"), "name": {"first": "Ada", "last": "Byron"},
            "emails": [address(number)]})
        .to_string()
    };
    (0..count).map(one).collect()
}

/// Five new candidates, and one whose write or probe always gets this answer.
#[test]
fn a_path_that_alone_is_throttled_or_refused_is_retried_rarely_and_blocks_no_other() {
    for (method, status) in [("POST", 429), ("GET", 429), ("GET", 401), ("GET", 403)] {
        let world = World::new(1, 12);
        let acme = world.connect();
        let address = |number: usize| format!("ref{number}@example.com");
        let candidates = numbered(6, address);
        let (mail, encoded) = (address(0), address(0).replace('@', "%40"));
        let counted = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&counted);
        world.wire.meddle(move |request| {
            let body = String::from_utf8_lossy(&request.body).into_owned();
            let concerns =
                body.contains(&mail) || request.url.query().unwrap_or_default().contains(&encoded);
            let hit = request.method == method && request.url.path() == PEOPLE && concerns;
            hit.then(|| {
                count.fetch_add(1, Ordering::SeqCst);
                Meddle::Fault(FaultKind::NotApplied { status })
            })
        });
        world.run(acme.declare(&desired(&candidates.join("\n")))).unwrap();
        for round in 0..72 {
            let (_, report) = world.run(acme.sync()).unwrap();
            assert!(report.not_in_step == 1 || round == 0, "{method} {status}: {report:#?}");
            world.clock.set(world.clock.now_ms() + 10 * MINUTE_MS);
        }
        let made = (1..6)
            .filter(|number| !world.sandbox.candidates_by_email(&address(*number)).is_empty());
        assert_eq!(made.count(), 5, "{method} {status}");
        // A write five times; a probe for ever, but rarely. Each with its repeats.
        let sends = counted.load(Ordering::SeqCst);
        assert!(
            sends <= if method == "POST" { 5 * 5 } else { 5 * 20 },
            "{method} {status}: {sends} in 12 hours"
        );
        let said = condition(&world, &acme, "k00");
        let words = if method == "POST" {
            "was refused 5 times and waits for a person"
        } else {
            "candidates.create"
        };
        assert!(said.contains(words), "{method} {status}: {said}");
        // No user has to act if only a probe failed.
        world.wire.spare();
        if method == "GET" {
            hours(&world, &acme, 2);
            assert_eq!(world.sandbox.candidates_by_email(&address(0)).len(), 1, "{status}");
        }
    }
}

#[test]
fn a_kind_whose_list_fails_blocks_only_the_records_that_need_it() {
    for status in [401, 403, 404, 422, 429, 500] {
        let world = World::new(1, 12);
        let acme = world.connect();
        let job = world.open_jobs()[0].clone();
        let of = |key: &str, more: Value| {
            let mut record = ada();
            record["key"] = json!(key);
            record["emails"] = json!([format!("{key}@example.com")]);
            record.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            record
        };
        let asks = [
            ("/v3/applications", json!({"applications": [{"key": "a", "job": {"id": job}}]})),
            ("/v3/applied_candidate_tags", json!({"tags": ["Poet"]})),
            ("/v3/custom_fields", json!({"custom_fields": {"external_ref": "x"}})),
        ];
        for (at, (path, more)) in asks.into_iter().enumerate() {
            let key = |name: &str| format!("{name}{at}");
            let declare = |more: [Value; 2]| {
                let [one, other] = [("asks", &more[0]), ("free", &more[1])]
                    .map(|(name, more)| of(&key(name), more.clone()));
                world.run(acme.declare(&desired(&format!("{one}\n{other}")))).unwrap();
            };
            declare([json!({}), json!({})]);
            hours(&world, &acme, 1);
            world.wire.meddle(move |request| {
                let hit = request.method == "GET" && request.url.path() == path;
                hit.then_some(Meddle::Fault(FaultKind::NotApplied { status }))
            });
            declare([more, json!({"title": "Countess"})]);
            for _ in 0..3 {
                let (_, report) = world.run(acme.sync()).unwrap();
                assert_eq!(
                    (report.not_in_step, report.came_about()),
                    (1, true),
                    "{status} {path}: {report:#?}"
                );
                world.clock.set(world.clock.now_ms() + 10 * MINUTE_MS);
            }
            let free =
                &world.sandbox.candidates_by_email(&format!("{}@example.com", key("free")))[0];
            assert_eq!(free["title"], "Countess", "{status} {path}");
            let said = world.run(acme.status()).unwrap().not_in_step;
            let kind = path.trim_start_matches("/v3/").replace("candidate_", "");
            assert!(
                said.len() == 1 && said[&key("asks")].contains(&kind),
                "{status} {path}: {said:?}"
            );
            world.wire.spare();
            hours(&world, &acme, 1);
            assert!(world.run(acme.status()).unwrap().not_in_step.is_empty(), "{status} {path}");
        }
    }
}

#[test]
fn a_removal_without_effect_is_sent_five_times_and_then_blocked() {
    for status in [404, 204, 200] {
        let mut world = World::new(1, 12);
        let acme = world.connect();
        let mut record = ada();
        record["tags"] = json!(["Poet"]);
        world.run(acme.declare(&desired(&record.to_string()))).unwrap();
        hours(&world, &acme, 1);
        let mut rule =
            Fault::always("/v3/applied_candidate_tags", FaultKind::NotApplied { status });
        rule.method = Some("DELETE".to_owned());
        world.sandbox.faults().add(rule);
        record["tags"] = json!([]);
        world.run(acme.declare(&desired(&record.to_string()))).unwrap();
        hours(&world, &acme, 1);
        drop(acme);
        world.restart();
        let acme = world.connect();
        hours(&world, &acme, 11);
        let sent = world.written().iter().filter(|line| line.starts_with("DELETE")).count();
        let said = condition(&world, &acme, "ada");
        assert_eq!(sent, usize::try_from(SENDS_MAX).unwrap(), "{status}: {said}");
        assert!(said.contains("waits for a person"), "{status}: {said}");
        assert!(
            world.run(acme.status()).unwrap().not_in_step["ada"].contains("waits for a person"),
            "{status}"
        );
    }
}

#[test]
fn a_write_in_doubt_is_settled_by_plan_and_apply_alone() {
    for (method, more) in [("POST", json!({})), ("PATCH", json!({"title": "Countess"}))] {
        let world = World::new(1, 12);
        let acme = world.connect();
        if method == "PATCH" {
            world.run(acme.declare(&desired(&ada().to_string()))).unwrap();
            world.run(acme.sync()).unwrap();
            world.clock.set(world.clock.now_ms() + 10 * MINUTE_MS);
        }
        let mut rule = Fault::always(PEOPLE, FaultKind::NotApplied { status: 500 });
        rule.method = Some(method.to_owned());
        world.sandbox.faults().add(rule);
        world.run(acme.declare(&desired(&with(&more)))).unwrap();
        let round = || {
            let plan = world.run(acme.plan(PlanOf::Dirty)).unwrap();
            world.run(acme.apply(&plan)).unwrap()
        };
        assert!(!round().is_complete());
        let plan = world.run(acme.plan(PlanOf::All)).unwrap();
        let words = atsync::internals::plan::words::plan(&plan);
        assert!(words.contains("the next apply, sync or settle looks"), "{words}");
        world.sandbox.faults().clear();
        let mut ended = round();
        for _ in 0..4 {
            world.clock.set(world.clock.now_ms() + 20 * MINUTE_MS);
            ended = round();
        }
        assert!(ended.is_complete(), "{method}: {ended:#?}");
        assert!(world.run(acme.open_intents()).unwrap().is_empty(), "{method}");
        assert_eq!(world.sandbox.candidates_by_email("ada@example.com").len(), 1);
        assert!(
            condition(&world, &acme, "ada").contains("the ATS holds what is desired"),
            "{method}"
        );
    }
}

#[test]
fn a_write_whose_reads_fail_is_retried_rarely_and_needs_no_user() {
    for status in [500, 503, 404, 403, 418] {
        let world = World::new(1, 12);
        let acme = world.connect();
        world.run(acme.declare(&desired(&ada().to_string()))).unwrap();
        world.run(acme.sync()).unwrap();
        let counted = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&counted);
        world.wire.meddle(move |request| {
            let asked = request.url.query().is_some_and(|query| query.contains("ids="));
            let hit = request.method == "GET" && request.url.path() == PEOPLE && asked;
            hit.then(|| {
                count.fetch_add(1, Ordering::SeqCst);
                Meddle::Fault(FaultKind::NotApplied { status })
            })
        });
        let more = json!({"title": "Countess", "tags": ["Poet"],
            "notes": [{"key": "n1", "body": "Met at the fair."}]});
        world.run(acme.declare(&desired(&with(&more)))).unwrap();
        let mut by_hour = Vec::new();
        for _ in 0..12 {
            hours(&world, &acme, 1);
            by_hour.push(counted.swap(0, Ordering::SeqCst));
        }
        println!("{status}: {by_hour:?} {}", condition(&world, &acme, "ada"));
        // Three writes, each tried once an hour at last, each try with four repeats.
        assert!(by_hour[4..].iter().all(|reads| *reads <= 3 * 5), "{status}: {by_hour:?}");
        let report = world.run(acme.sync()).unwrap().1;
        assert!(!report.is_complete(), "{status}: {report:#?}");
        world.wire.spare();
        hours(&world, &acme, 2);
        let id = the_candidate(&world.sandbox);
        assert_eq!(
            world.sandbox.notes_of(id).len(),
            1,
            "{status}: {}",
            condition(&world, &acme, "ada")
        );
        assert!(
            condition(&world, &acme, "ada").contains("the ATS holds what is desired"),
            "{status}"
        );
    }
}

/// Unchanged, as another one, or as a new one each time.
#[test]
fn a_custom_value_that_never_shows_is_sent_five_times_at_most_and_reported() {
    let shown: [(&str, Value, Value); 9] = [
        ("external_ref", json!("crm-1"), json!("other")),
        ("about", json!("Knows all"), json!("other")),
        ("needs_a_visa_", json!(true), json!(false)),
        ("years_of_experience", json!("12"), json!("13")),
        ("seniority", json!("Mid"), json!("Junior")),
        ("languages", json!(["Deutsch", "English"]), json!(["Deutsch"])),
        ("available_from", json!("2027-01-01"), json!("2026-01-01")),
        ("portfolio", json!("https://example.com/a"), json!("https://example.com/b")),
        ("salary_range", json!({"min": 1, "max": 2, "currency": "EUR"}), json!(null)),
    ];
    for (key, value, other) in shown {
        let is_free = ["external_ref", "about", "years_of_experience"].contains(&key);
        for how in ["null", "other", "new each time"]
            .into_iter()
            .filter(|how| is_free || *how != "new each time")
        {
            let world = World::new(1, 12);
            let acme = world.connect();
            world.run(acme.declare(&desired(&ada().to_string()))).unwrap();
            world.run(acme.sync()).unwrap();
            let (name, other, mut at) = (key.to_owned(), other.clone(), 0);
            world.wire.edit_rows(PEOPLE, move |_, rows| {
                for row in rows {
                    if let Some(field) = row["custom_fields"].get_mut(&name) {
                        at += 1;
                        field["value"] = match (how, &other) {
                            ("null", _) => Value::Null,
                            ("new each time", Value::String(text)) if text == "13" => {
                                json!((at + 20).to_string())
                            }
                            ("new each time", Value::String(text)) => json!(format!("{text} {at}")),
                            _ => other.clone(),
                        };
                    }
                }
            });
            world.sandbox.clear_logs();
            let more =
                json!({"custom_fields": {key: value}, "policy": {"custom_fields": "enforce"}});
            world.run(acme.declare(&desired(&with(&more)))).unwrap();
            hours(&world, &acme, 1);
            let writes = world.written().len();
            let said = condition(&world, &acme, "ada");
            assert!(writes > 0, "{key}: {said}");
            assert!(writes <= usize::try_from(SENDS_MAX).unwrap(), "{key} {how}: {writes} {said}");
            // Another value that shows unchanged after two sends counts as the ATS's form of it.
            assert!(
                how == "other" || !said.contains("the ATS holds what is desired"),
                "{key} {how}: {said}"
            );
        }
    }
}

/// A value of others that cannot be sent back, or that a fresh read hides, beside the host's: the
/// engine sends the rest of the update, and reports what is blocked.
#[test]
fn a_custom_value_blocked_by_values_of_others_is_not_sent_repeatedly() {
    for odd in [
        json!({"url": "https://example.com/cv.pdf"}),
        json!([{"a": 1}]),
        json!([null]),
        json!({}),
        json!("hidden"),
    ] {
        let world = World::new(1, 12);
        let acme = world.connect();
        world.run(acme.declare(&desired(&ada().to_string()))).unwrap();
        world.run(acme.sync()).unwrap();
        let id = the_candidate(&world.sandbox);
        let (collection, name_key) = ("candidates".to_owned(), "about".to_owned());
        world
            .sandbox
            .recruiter(&Recruiter::PlantCustomField {
                collection,
                id,
                name_key,
                value: odd.clone(),
            })
            .unwrap();
        world.clock.set(world.clock.now_ms() + 10 * MINUTE_MS);
        if odd == "hidden" {
            world.run(acme.pull("candidates")).unwrap();
            world.wire.edit_rows(PEOPLE, |request, rows| {
                let is_fresh = request.url.query().is_some_and(|query| query.contains("ids="));
                for row in rows.iter_mut().filter(|_| is_fresh) {
                    row["custom_fields"].as_object_mut().unwrap().remove("about");
                }
            });
        }
        world.sandbox.clear_logs();
        let more = json!({"custom_fields": {"external_ref": "crm-1"}, "company": "Engines"});
        world.run(acme.declare(&desired(&with(&more)))).unwrap();
        hours(&world, &acme, 6);
        let (writes, said) = (world.written().len(), condition(&world, &acme, "ada"));
        println!("{odd}: {writes} {said}");
        assert!(writes <= usize::try_from(SENDS_MAX).unwrap(), "{odd}: {writes} {said}");
        let shown = world.sandbox.candidates_by_email("ada@example.com")[0].clone();
        let is_there = shown["custom_fields"]["external_ref"]["value"] == "crm-1";
        assert!(is_there || !said.contains("the ATS holds what is desired"), "{odd}: {said}");
    }
}

#[test]
fn a_deferred_or_blocked_record_is_never_reported_as_complete() {
    let world = World::new(1, 12);
    always(&world, PEOPLE, FaultKind::NotApplied { status: 422 });
    let acme = world.connect();
    world.run(acme.declare(&desired(&ada().to_string()))).unwrap();
    for _ in 0..24 {
        let (_, report) = world.run(acme.sync()).unwrap();
        assert!(!report.is_complete() && report.not_in_step == 1, "{report:#?}");
        let plan = world.run(acme.plan(PlanOf::All)).unwrap();
        let record = &plan.records[0];
        assert!(
            !plan.is_empty() || record.waits(),
            "{}",
            atsync::internals::plan::words::plan(&plan)
        );
        assert!(
            !atsync::internals::plan::words::plan(&plan).contains("Nothing to do"),
            "{}",
            atsync::internals::plan::words::plan(&plan)
        );
        world.clock.set(world.clock.now_ms() + 5 * MINUTE_MS);
    }
}

#[test]
fn a_record_that_cannot_be_probed_blocks_no_other() {
    // A probe that always fails for one address: as a message instead of a row, and as a server
    // error.
    for at in [0, 5, 11] {
        for fault in [None, Some(503), Some(500)] {
            let world = World::new(1, 12);
            let acme = world.connect();
            let address = |number: usize| format!("ref{number:02}@example.com");
            let candidates = numbered(12, address);
            let bad = address(at).replace('@', "%40");
            world.wire.edit(move |request, response| {
                let query = request.url.query().unwrap_or_default();
                if request.url.path() == PEOPLE && request.method == "GET" && query.contains(&bad) {
                    match fault {
                        None => response.body = br#"[{"message": "hidden"}]"#.to_vec(),
                        Some(status) => response.status = status,
                    }
                }
            });
            world.run(acme.declare(&desired(&candidates.join("\n")))).unwrap();
            for _ in 0..3 {
                let (_, report) = world.run(acme.sync()).unwrap();
                assert!(report.not_in_step >= 1, "{report:#?}");
                world.clock.set(world.clock.now_ms() + 20 * MINUTE_MS);
            }
            let made = (0..12)
                .filter(|number| !world.sandbox.candidates_by_email(&address(*number)).is_empty());
            assert_eq!(made.count(), 11, "{at} {fault:?}");
            let said = condition(&world, &acme, &format!("k{at:02}"));
            assert!(said.contains("Blocked: candidates.create: "), "{said}");
        }
    }
}
