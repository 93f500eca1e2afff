//! The laws of planted faults that no test found before.

use super::*;
use atsync::PlanOf;
use atsync::Reason;
use atsync::internals::reconcile::SweepOptions;
use atsync_greenhouse_sandbox::{Fault, FaultKind};
use atsync_tests::{Meddle, desired};
use serde_json::json;
use std::sync::atomic::AtomicBool;

/// The window that a read requested.
fn window(query: &str) -> Option<(String, String)> {
    let decoded = query.replace("%7C", "|").replace("%3A", ":");
    let value = decoded.split('&').find_map(|pair| pair.strip_prefix("updated_at="))?;
    let mut parts = value.split('|');
    match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some("gte"), Some(from), Some("lte"), Some(to)) => Some((from.to_owned(), to.to_owned())),
        _ => None,
    }
}

/// A pass that was interrupted and must start again starts where the last *complete* one ended.
#[test]
fn a_pass_that_did_not_finish_moves_no_watermark() {
    let (world, _) = world_apart(81, 1_100);
    let acme = world.connect();
    world.run(acme.pull("candidates")).unwrap();
    let ids = truth(&world, "candidates");
    pass(&world, 60_000);
    for id in &ids {
        rename(&world, id, "Early");
    }
    let hours = 5 * 3_600_000;
    pass(&world, hours);
    let fault = FaultKind::NotApplied { status: 503 };
    world
        .sandbox
        .faults()
        .add(Fault { times: None, ..Fault::once("GET", "/v3/candidates", fault).after(1) });
    world.run(acme.pull("candidates")).unwrap_err();
    world.sandbox.faults().clear();
    // The stored position is lost, so the pass starts anew.
    let expired = AtomicBool::new(false);
    world.wire.meddle(move |request| {
        let follows = request.url.path() == "/v3/candidates"
            && request.url.query_pairs().any(|(name, _)| name == "cursor");
        (follows && !expired.swap(true, Ordering::SeqCst)).then_some(Meddle::CursorExpired)
    });
    pass(&world, hours);
    world.run(acme.pull("candidates")).unwrap();
    for id in &ids {
        assert_eq!(last_name(&world, &acme, id), "Early", "candidate {id}");
    }
}

/// A change stamped before a window's end that shows only after it is in the next window, which
/// reaches back by the kind's overlap.
#[test]
fn the_next_windows_overlap_covers_a_record_that_shows_late() {
    let (world, _) = world_apart(82, 15);
    let acme = world.connect();
    world.run(acme.pull("candidates")).unwrap();
    let id = truth(&world, "candidates")[0].clone();
    pass(&world, 60_000);
    rename(&world, &id, "Late");
    let late = id.clone();
    world.wire.edit_rows("/v3/candidates", move |_, rows| rows.retain(|row| id_of(row) != late));
    pass(&world, 5_000);
    world.run(acme.pull("candidates")).unwrap();
    assert_ne!(last_name(&world, &acme, &id), "Late", "it does not show yet");
    world.wire.spare();
    pass(&world, 60_000);
    world.run(acme.pull("candidates")).unwrap();
    assert_eq!(last_name(&world, &acme, &id), "Late");
}

/// A window ends by the ATS's clock once that is known, however far ours has run ahead.
#[test]
fn a_windows_end_is_capped_by_the_atss_clock() {
    let (world, ahead) = world_apart(83, 15);
    ahead.store(-7_200_000, Ordering::SeqCst);
    let acme = world.connect();
    world.run(acme.pull("candidates")).unwrap();
    world.sandbox.clear_logs();
    world.run(acme.pull("candidates")).unwrap();
    let asked = world
        .sandbox
        .requests()
        .iter()
        .find_map(|request| window(&request.query))
        .expect("a window");
    let now_ms = u64::try_from(world.sandbox.now_ms()).unwrap();
    assert!(
        asked.1 <= atsync::internals::clock::rfc3339(now_ms + 1_000),
        "{asked:?} and the ATS is at {now_ms}"
    );
}

/// For every kind: a 403 in answer to a fetch by id proves nothing about the requested record.
#[test]
fn a_403_while_confirming_proves_no_absence_of_any_kind() {
    for (kind, collection) in KINDS {
        let world = World::new(84, 40);
        let acme = world.connect();
        for kind in ["candidates", "applications", "jobs", kind] {
            world.run(acme.pull(kind)).unwrap();
        }
        pass(&world, 600_000);
        // Not the first: an account is identified by its oldest user.
        let Some(hidden) = truth(&world, collection).last().cloned() else { continue };
        let path = format!("/v3/{collection}");
        let by_id = path.clone();
        world.wire.edit_rows(&path, move |_, rows| rows.retain(|row| id_of(row) != hidden));
        world.wire.meddle(move |request| {
            let asks = request.url.path() == by_id
                && request.url.query_pairs().any(|(name, _)| name == "ids");
            asks.then_some(Meddle::Fault(FaultKind::NotApplied { status: 403 }))
        });
        let report = world.run(acme.sweep(kind, SweepOptions::default()));
        let deleted = told(&world, &acme, ChangeWhat::Deleted);
        assert!(deleted.is_empty(), "{kind}: {deleted:?}");
        let report = report.unwrap_or_else(|error| panic!("{kind}: {error}"));
        assert!(
            report.confirmed == 0
                && (report.held.is_some() || report.hidden > 0 || report.young > 0),
            "{kind}: {report:?}"
        );
    }
}

/// A pass that was interrupted and resumed knows which rows its first part could not read: the
/// window is read again and not skipped.
#[test]
fn rows_that_an_interrupted_pass_could_not_read_are_read_again() {
    let (world, _) = world_apart(85, 1_100);
    let acme = world.connect();
    // Lists begin with the newest.
    let newest = world
        .sandbox
        .rows("candidates")
        .iter()
        .filter_map(|row| row["id"].as_u64())
        .max()
        .unwrap()
        .to_string();
    let bad = newest.clone();
    world.wire.edit_rows("/v3/candidates", move |_, rows| {
        rows.iter_mut().filter(|row| id_of(row) == bad).for_each(|row| row["id"] = Value::Null);
    });
    let fault = FaultKind::NotApplied { status: 503 };
    world
        .sandbox
        .faults()
        .add(Fault { times: None, ..Fault::once("GET", "/v3/candidates", fault).after(1) });
    world.run(acme.pull("candidates")).unwrap_err();
    world.sandbox.faults().clear();
    world.wire.spare();
    pass(&world, 3_600_000);
    assert!(world.run(acme.pull("candidates")).unwrap().resumed);
    assert!(!stored(&world, &acme, "candidates").contains_key(&newest));
    pass(&world, 3_600_000);
    world.run(acme.pull("candidates")).unwrap();
    assert!(
        stored(&world, &acme, "candidates").contains_key(&newest),
        "it is whole by now, and read"
    );
}

/// A row that cannot be read and has no id makes the engine read its window again, but not for
/// ever.
#[test]
fn a_row_that_stays_unreadable_holds_its_window_for_three_passes() {
    let (world, _) = world_apart(86, 15);
    let acme = world.connect();
    world.run(acme.pull("candidates")).unwrap();
    pass(&world, 60_000);
    let id = truth(&world, "candidates")[0].clone();
    rename(&world, &id, "Unreadable");
    world.wire.edit_rows("/v3/candidates", move |_, rows| {
        rows.iter_mut().filter(|row| id_of(row) == id).for_each(|row| row["id"] = Value::Null);
    });
    let mut begins = Vec::new();
    for _ in 0..5 {
        pass(&world, 600_000);
        world.sandbox.clear_logs();
        world.run(acme.pull("candidates")).unwrap();
        let asked = world
            .sandbox
            .requests()
            .iter()
            .find_map(|request| window(&request.query))
            .expect("a window");
        begins.push(asked.0);
    }
    assert!(begins[0] == begins[1] && begins[1] == begins[2], "{begins:?}");
    assert!(begins[2] < begins[3] && begins[3] < begins[4], "{begins:?}");
}

const NEW: &str = "k@example.test";

/// Declares a candidate whom the ATS does not have.
fn declare_new(world: &World, acme: &Connection, key: &str) {
    let record = json!({"key": key, "emails": [NEW], "name": {"first": "K", "last": "L"}});
    world.run(acme.declare(&desired(&record.to_string()))).unwrap();
}

fn is_creation(request: &atsync::internals::transport::WireRequest) -> bool {
    request.method == "POST" && request.url.path() == "/v3/candidates"
}

/// Gives a candidate this address; from then on only the ATS knows who has it.
fn give_address(world: &World, candidate: &str, address: &str) {
    let candidate_id = candidate.parse().unwrap();
    let deed = Recruiter::EditEmail { candidate_id, from: None, to: address.to_owned() };
    world.sandbox.recruiter(&deed).unwrap();
}

/// Candidates with addresses that no other has: id and address.
fn alone(world: &World) -> Vec<(String, String)> {
    let rows = world.sandbox.rows("candidates");
    let known = rows.iter().filter_map(|row| {
        Some((id_of(row), row["email_addresses"][0]["value"].as_str()?.to_owned()))
    });
    known.filter(|(_, email)| world.sandbox.candidates_by_email(email).len() == 1).collect()
}

/// A plan that is older than its record writes nothing, not even a link.
#[test]
fn a_plan_older_than_its_record_creates_no_link() {
    let world = World::new(87, 20);
    let acme = world.connect();
    let email = alone(&world)[0].1.clone();
    let record = |note: &str| {
        let record = json!({"key": "k", "emails": [email], "notes": [{"key": "n", "body": note}]});
        desired(&record.to_string())
    };
    world.run(acme.declare(&record("First."))).unwrap();
    let plan = world.run(acme.plan(PlanOf::Dirty)).unwrap();
    assert!(!plan.records[0].adoptions.is_empty() && !plan.records[0].steps.is_empty());
    world.run(acme.declare(&record("Second."))).unwrap();
    world.run(acme.apply(&plan)).unwrap();
    assert_eq!(world.run(acme.links("k")).unwrap(), []);
    assert_eq!(world.written(), Vec::<String>::new());
}

/// A probe finds several records: the engine creates none and picks none.
#[test]
fn a_probe_that_finds_several_records_creates_nothing() {
    let world = World::new(88, 20);
    let acme = world.connect();
    declare_new(&world, &acme, "k");
    let plan = world.run(acme.plan(PlanOf::Dirty)).unwrap();
    for (id, _) in alone(&world).iter().take(2) {
        give_address(&world, id, NEW);
    }
    let report = world.run(acme.apply(&plan)).unwrap();
    assert_eq!(report.count("not_sent"), 1, "{:?}", report.steps);
    assert_eq!(world.written(), Vec::<String>::new());
    assert_eq!(world.run(acme.links("k")).unwrap(), []);
}

/// A record that another path holds at the time of the probe stays that path's own.
#[test]
fn a_probe_adopts_no_record_of_another_path() {
    let world = World::new(89, 20);
    let acme = world.connect();
    let (held, email) = alone(&world)[0].clone();
    world
        .run(acme.declare(&desired(&json!({"key": "one", "emails": [email]}).to_string())))
        .unwrap();
    world.run(acme.sync()).unwrap();
    assert_eq!(world.run(acme.links("one")).unwrap()[0].remote.id, held);
    declare_new(&world, &acme, "other");
    let plan = world.run(acme.plan(PlanOf::Dirty)).unwrap();
    give_address(&world, &held, NEW);
    let report = world.run(acme.apply(&plan)).unwrap();
    assert_eq!(report.count("not_sent"), 1, "{:?}", report.steps);
    assert_eq!(world.run(acme.links("other")).unwrap(), []);
    assert_eq!(world.written(), Vec::<String>::new());
}

/// A status that the manifest does not list does not say what happened: the write stays in doubt.
#[test]
fn a_status_that_the_manifest_does_not_list_is_no_refusal() {
    let world = World::new(90, 20);
    let acme = world.connect();
    declare_new(&world, &acme, "k");
    world.wire.meddle(|request| {
        is_creation(request).then_some(Meddle::Fault(FaultKind::NotApplied { status: 418 }))
    });
    let plan = world.run(acme.plan(PlanOf::Dirty)).unwrap();
    world.run(acme.apply(&plan)).unwrap();
    let open = world.run(acme.open_intents()).unwrap();
    assert_eq!(open.len(), 1, "it is probed for, not abandoned");
    assert!(open[0].attempt > 1, "it does not show, so it was sent again: {:?}", open[0]);
}

/// A resend that did not leave says nothing about the first send.
#[test]
fn a_resend_that_does_not_leave_keeps_the_first_send_in_doubt() {
    let mut world = World::new(91, 20);
    let acme = world.connect();
    declare_new(&world, &acme, "k");
    world.wire.meddle(|request| is_creation(request).then_some(Meddle::DieBefore));
    assert!(world.live(acme.sync()).is_none());
    drop(acme);
    world.restart();
    pass(&world, 3_600_000);
    world.wire.meddle(|request| is_creation(request).then_some(Meddle::Unreachable));
    let acme = world.connect();
    assert_eq!(world.run(acme.settle()).unwrap().open, 1);
    let open = world.run(acme.open_intents()).unwrap();
    assert_eq!(open.len(), 1, "the first send may have arrived");
    world.wire.spare();
    pass(&world, 3_600_000);
    world.run(acme.sync()).unwrap();
    assert_eq!(world.sandbox.candidates_by_email(NEW).len(), 1);
}

/// Two records with one address mean one candidate, and one plan creates one.
#[test]
fn a_plan_creates_one_candidate_for_two_records_with_one_address() {
    let world = World::new(92, 20);
    let acme = world.connect();
    declare_new(&world, &acme, "one");
    declare_new(&world, &acme, "two");
    let plan = world.run(acme.plan(PlanOf::Dirty)).unwrap();
    let steps = plan.records.iter().flat_map(|record| &record.steps);
    assert_eq!(steps.filter(|step| step.operation == "candidates.create").count(), 1);
}

/// A plan also leaves out steps that depend on a write in doubt.
#[test]
fn a_plan_leaves_out_steps_that_depend_on_a_write_in_doubt() {
    let world = World::new(93, 20);
    let acme = world.connect();
    let record = json!({"key": "k", "emails": [NEW], "name": {"first": "K", "last": "L"},
        "notes": [{"key": "n", "body": "x"}]});
    world.run(acme.declare(&desired(&record.to_string()))).unwrap();
    world.wire.meddle(|request| {
        is_creation(request).then_some(Meddle::Fault(FaultKind::NotApplied { status: 418 }))
    });
    let plan = world.run(acme.plan(PlanOf::Dirty)).unwrap();
    assert_eq!(plan.records[0].steps.len(), 2);
    world.run(acme.apply(&plan)).unwrap();
    assert_eq!(world.run(acme.open_intents()).unwrap().len(), 1);
    let plan = world.run(acme.plan(PlanOf::All)).unwrap();
    assert!(plan.is_empty() && plan.records[0].note(Reason::InDoubt).is_some(), "{plan:#?}");
}

/// Nothing is sent again for a candidate whose data were erased since.
#[test]
fn a_write_in_doubt_is_not_sent_again_for_a_candidate_who_was_anonymised_since() {
    let mut world = World::new(94, 20);
    let acme = world.connect();
    let (id, email) = alone(&world)[0].clone();
    let record = json!({"key": "k", "emails": [email], "notes": [{"key": "n", "body": "Called."}]});
    world.run(acme.declare(&desired(&record.to_string()))).unwrap();
    let writes = |request: &atsync::internals::transport::WireRequest| {
        request.method == "POST" && request.url.path() != "/token"
    };
    world.wire.meddle(move |request| writes(request).then_some(Meddle::DieBefore));
    assert!(world.live(acme.sync()).is_none());
    drop(acme);
    world.restart();
    let deed = Recruiter::Anonymise { candidate_id: id.parse().unwrap(), fields: Vec::new() };
    world.sandbox.recruiter(&deed).unwrap();
    pass(&world, 3_600_000);
    let acme = world.connect();
    world.run(acme.pull("candidates")).unwrap();
    world.sandbox.clear_logs();
    let settled = world.run(acme.settle()).unwrap();
    assert_eq!((settled.sent_again, settled.open), (0, 0));
    assert_eq!(world.written(), Vec::<String>::new());
}
