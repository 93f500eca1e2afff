//! Faults that were planted and found by no test: each has its law here.

use super::*;
use atsync::reconcile::SweepOptions;
use atsync_greenhouse_sandbox::{Fault, FaultKind};
use atsync_tests::Meddle;
use std::sync::atomic::AtomicBool;

/// The span of time that a read asked for.
fn window(query: &str) -> Option<(String, String)> {
    let decoded = query.replace("%7C", "|").replace("%3A", ":");
    let value = decoded.split('&').find_map(|pair| pair.strip_prefix("updated_at="))?;
    let mut parts = value.split('|');
    match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some("gte"), Some(from), Some("lte"), Some(to)) => Some((from.to_owned(), to.to_owned())),
        _ => None,
    }
}

/// A pass that broke off and must begin again begins where the last *complete* one ended.
#[test]
fn a_pass_that_did_not_finish_moves_no_watermark() {
    let (world, _) = world_apart(81, 1_100);
    let acme = world.connect();
    world.run(acme.pull("candidates", false)).unwrap();
    let ids = truth(&world, "candidates");
    pass(&world, 60_000);
    for id in &ids {
        rename(&world, id, "Early");
    }
    let hours = 5 * 3_600_000;
    pass(&world, hours);
    let fault = FaultKind::NotApplied { status: 503 };
    world.sandbox.faults().add(Fault { times: None, ..Fault::once("GET", "/v3/candidates", fault).after(1) });
    world.run(acme.pull("candidates", false)).unwrap_err();
    world.sandbox.faults().clear();
    // The place to go on from is lost, so the pass begins anew.
    let expired = AtomicBool::new(false);
    world.wire.meddle(move |request| {
        let follows =
            request.url.path() == "/v3/candidates" && request.url.query_pairs().any(|(name, _)| name == "cursor");
        (follows && !expired.swap(true, Ordering::SeqCst)).then_some(Meddle::CursorExpired)
    });
    pass(&world, hours);
    world.run(acme.pull("candidates", false)).unwrap();
    for id in &ids {
        assert_eq!(last_name(&world, &acme, id), "Early", "candidate {id}");
    }
}

/// What is stamped before a window's end and shows only after it is in the next window: that reaches back by the kind's overlap.
#[test]
fn what_shows_late_is_within_the_next_windows_overlap() {
    let (world, _) = world_apart(82, 15);
    let acme = world.connect();
    world.run(acme.pull("candidates", false)).unwrap();
    let id = truth(&world, "candidates")[0].clone();
    pass(&world, 60_000);
    rename(&world, &id, "Late");
    let late = id.clone();
    world.wire.edit_rows("/v3/candidates", move |_, rows| rows.retain(|row| id_of(row) != late));
    pass(&world, 5_000);
    world.run(acme.pull("candidates", false)).unwrap();
    assert_ne!(last_name(&world, &acme, &id), "Late", "it does not show yet");
    world.wire.spare();
    pass(&world, 60_000);
    world.run(acme.pull("candidates", false)).unwrap();
    assert_eq!(last_name(&world, &acme, &id), "Late");
}

/// A window ends by the ATS's clock once that is known, however far ours has run ahead.
#[test]
fn a_windows_end_is_capped_by_the_atss_clock() {
    let (world, ahead) = world_apart(83, 15);
    ahead.store(-7_200_000, Ordering::SeqCst);
    let acme = world.connect();
    world.run(acme.pull("candidates", false)).unwrap();
    world.sandbox.clear_logs();
    world.run(acme.pull("candidates", false)).unwrap();
    let asked = world.sandbox.requests().iter().find_map(|request| window(&request.query)).expect("a window");
    let now_ms = u64::try_from(world.sandbox.now_ms()).unwrap();
    assert!(asked.1 <= atsync::clock::rfc3339(now_ms + 1_000), "{asked:?} and the ATS is at {now_ms}");
}

/// For every kind: a 403 in answer to a fetch by id proves nothing about what was asked for.
#[test]
fn a_right_that_is_lost_while_confirming_proves_no_absence_of_any_kind() {
    for (kind, collection) in KINDS {
        let world = World::new(84, 40);
        let acme = world.connect();
        for kind in ["candidates", "applications", "jobs", kind] {
            world.run(acme.pull(kind, false)).unwrap();
        }
        pass(&world, 600_000);
        let Some(hidden) = truth(&world, collection).first().cloned() else { continue };
        let path = format!("/v3/{collection}");
        let by_id = path.clone();
        world.wire.edit_rows(&path, move |_, rows| rows.retain(|row| id_of(row) != hidden));
        world.wire.meddle(move |request| {
            let asks = request.url.path() == by_id && request.url.query_pairs().any(|(name, _)| name == "ids");
            asks.then_some(Meddle::Fault(FaultKind::NotApplied { status: 403 }))
        });
        let report = world.run(acme.sweep(kind, SweepOptions::default()));
        let gone = told(&world, &acme, ChangeWhat::Deleted);
        assert!(gone.is_empty(), "{kind}: {gone:?}");
        let report = report.unwrap_or_else(|error| panic!("{kind}: {error}"));
        assert!(
            report.confirmed == 0 && (report.held.is_some() || report.hidden > 0 || report.young > 0),
            "{kind}: {report:?}"
        );
    }
}
