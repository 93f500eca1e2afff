//! The writes of a connection are paused: for every handle, across restarts, for steps and for
//! writes in doubt; and allowed again, without a write that happened twice.

use atsync::{Clock, ConditionType, PlanOf};
use atsync_greenhouse_sandbox::{Fault, FaultKind};
use atsync_tests::{World, desired};

const ADA: &str =
    r#"{"key": "ada", "name": {"first": "Ada", "last": "Byron"}, "emails": ["ada@example.com"]}"#;
const DAY_MS: u64 = 24 * 3_600_000;

#[test]
fn a_pause_holds_for_every_handle_and_every_later_process_until_it_is_ended() {
    let mut world = World::new(1, 12);
    let acme = world.connect();
    world.run(acme.declare(&desired(ADA))).unwrap();
    world.run(world.connect().pause_writes()).unwrap();
    let plan = world.run(acme.plan(PlanOf::Dirty)).unwrap();
    assert_eq!(plan.records[0].steps.len(), 1, "a paused connection is planned");
    let (_, report) = world.run(acme.sync()).unwrap();
    assert_eq!((report.steps.len(), report.count("not_sent")), (1, 1), "{report:?}");
    let row = world.run(acme.desired("ada")).unwrap().unwrap();
    let said = row.status.conditions.iter().find(|held| held.kind == ConditionType::Blocked);
    assert!(said.unwrap().message.contains("writes of the connection are paused"), "{row:?}");
    drop(acme);
    world.restart();
    let acme = world.connect();
    assert!(world.run(acme.status()).unwrap().writes_paused_ms.is_some());
    world.run(acme.sync()).unwrap();
    assert_eq!(world.written(), Vec::<String>::new());
    assert!(world.run(acme.resume_writes()).unwrap());
    assert!(!world.run(acme.resume_writes()).unwrap(), "they are not paused any more");
    world.run(acme.sync()).unwrap();
    assert_eq!(world.written(), ["POST /v3/candidates"]);
    assert_eq!(world.run(acme.status()).unwrap().writes_paused_ms, None);
}

/// A check and the query of the customer change the same row, and keep the pause.
#[test]
fn what_else_is_stored_about_the_connection_keeps_the_pause() {
    let world = World::new(1, 12);
    let acme = world.connect();
    world.run(acme.pause_writes()).unwrap();
    world.run(acme.check()).unwrap();
    world.run(acme.verify_tenant()).unwrap();
    world.run(acme.pull("jobs")).unwrap();
    assert!(world.run(acme.status()).unwrap().writes_paused_ms.is_some());
}

#[test]
fn a_write_in_doubt_of_a_paused_connection_is_probed_and_sent_again_only_afterwards() {
    let world = World::new(1, 12);
    let acme = world.connect();
    world.run(acme.declare(&desired(ADA))).unwrap();
    world.sandbox.faults().add(Fault::once("POST", "/v3/candidates", FaultKind::DropBefore));
    // It is in doubt when the connection is paused, and its apply waits to find out.
    world.run(async {
        let plan = acme.plan(PlanOf::Dirty).await.unwrap();
        let pausing = async {
            while world.written().is_empty() {
                world.clock.sleep(10).await;
            }
            acme.pause_writes().await.unwrap();
        };
        let (report, ()) = tokio::join!(acme.apply(&plan), pausing);
        assert_eq!(report.unwrap().count("in_doubt"), 1);
        assert_eq!(acme.open_intents().await.unwrap().len(), 1);
    });
    let sent = world.written().len();
    for _ in 0..10 {
        world.clock.set(world.clock.now_ms() + DAY_MS);
        world.run(acme.sync()).unwrap();
    }
    assert_eq!(world.written().len(), sent, "nothing was sent while paused");
    assert_eq!(world.run(acme.open_intents()).unwrap().len(), 1, "it is as open as before");
    assert!(!world.reads().is_empty());
    world.run(acme.resume_writes()).unwrap();
    for _ in 0..10 {
        world.clock.set(world.clock.now_ms() + DAY_MS);
        world.run(acme.sync()).unwrap();
    }
    assert_eq!(world.run(acme.open_intents()).unwrap().len(), 0);
    assert_eq!(world.sandbox.candidates_by_email("ada@example.com").len(), 1);
}
