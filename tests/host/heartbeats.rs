//! A loop that hangs is late, and one that waits or works is not. On the manual clock.

use atsync::internals::store::memory::MemoryStore;
use atsync::testing::ManualClock;
use atsync::{Clock, Connection, Cron, Crons, LoopStatus, Round};
use atsync_greenhouse_sandbox::{Fault, FaultKind, Sandbox, SandboxOptions};
use atsync_tests::{BEGIN_MS, StoreUpset, UpsetStore, World, native_greenhouse};
use std::sync::Arc;

const MINUTE_MS: u64 = 60_000;

fn world(
    store: &Arc<UpsetStore>,
    candidates: usize,
    change: impl FnOnce(&mut SandboxOptions),
) -> World {
    let clock = ManualClock::at(BEGIN_MS);
    let mut options = SandboxOptions::sized(5, candidates);
    options.company.now_ms = Some(i64::try_from(BEGIN_MS).unwrap());
    let time = Arc::clone(&clock);
    options.clock =
        atsync_greenhouse_sandbox::Clock::new(move || i64::try_from(time.now_ms()).unwrap());
    change(&mut options);
    World::with(
        Sandbox::new(options),
        clock,
        Arc::<UpsetStore>::clone(store) as _,
        native_greenhouse(),
    )
}

fn store() -> Arc<UpsetStore> {
    UpsetStore::new(Arc::new(MemoryStore::default()), Arc::default())
}

/// Candidates every ten minutes.
fn crons() -> Crons {
    Crons::of_pulls([("candidates".to_owned(), Cron::parse("*/10 * * * *").unwrap())])
}

/// The one schedule that runs.
fn schedule(world: &World) -> LoopStatus {
    let loops = world.engine().loops();
    assert_eq!(loops.len(), 1, "{loops:?}");
    assert_eq!((loops[0].name, loops[0].connection.as_deref()), ("schedule", Some("acme")));
    loops[0].clone()
}

/// Runs the schedule beside a future, and stops it when that ends.
fn beside(
    world: &World,
    acme: &Connection,
    watch: impl Future<Output = ()>,
    tell: impl FnMut(&Round<'_>),
) {
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let ran = acme.run(crons(), async { drop(stopped.await) }, tell);
    let watch = async {
        watch.await;
        drop(stop);
    };
    world.run(async { tokio::join!(ran, watch) }).0.unwrap();
    assert!(world.engine().loops().is_empty(), "a schedule that ended has no heartbeat");
}

#[test]
fn a_store_that_hangs_makes_the_schedule_late_until_it_answers() {
    let store = store();
    let world = world(&store, 10, |_| {});
    let acme = world.connect();
    let clock = &world.clock;
    let watch = async {
        clock.sleep(25 * MINUTE_MS).await;
        assert!(!schedule(&world).is_late, "it pulled, waited and pulled again");
        let hung = store.writes() + 1;
        store.upset(move |number, _| (number == hung).then_some(StoreUpset::Hang));
        clock.sleep(8 * MINUTE_MS).await;
        assert!(!schedule(&world).is_late, "it hangs for some minutes at most");
        clock.sleep(12 * MINUTE_MS).await;
        let late = schedule(&world);
        assert!(late.is_late && late.age_ms > 5 * MINUTE_MS, "{late:?}");
        let status = acme.status().await.unwrap();
        assert_eq!(status.late.len(), 1, "the status of the connection has it");
        clock.sleep(MINUTE_MS).await;
        assert_eq!(schedule(&world).since_ms, late.since_ms, "since does not move");
        store.answer();
        clock.sleep(1).await;
        let well = schedule(&world);
        assert!(!well.is_late && well.since_ms > late.since_ms, "{well:?}");
        assert!(acme.status().await.unwrap().late.is_empty());
    };
    beside(&world, &acme, watch, |_| {});
}

/// Each answer takes nearly as long as the transport allows, so the pull takes longer than a loop
/// may be silent.
#[test]
fn a_pull_that_takes_long_is_not_late_while_its_requests_end() {
    let store = store();
    let world = world(&store, 4_000, |_| {});
    let acme = world.connect();
    let slow = FaultKind::Slow { delay_ms: 59_000 };
    world.sandbox.faults().add(Fault::always("/v3/", slow));
    let clock = &world.clock;
    let watch = async {
        for _ in 0..40 {
            clock.sleep(MINUTE_MS).await;
            assert!(!schedule(&world).is_late, "{:?}", schedule(&world));
        }
    };
    let mut first_ms = None;
    beside(&world, &acme, watch, |round| {
        if matches!(round, Round::Pulled(_)) {
            first_ms.get_or_insert(clock.now_ms() - BEGIN_MS);
        }
    });
    assert!(first_ms.unwrap() > 6 * MINUTE_MS, "{first_ms:?}");
}

/// A refused credential is not a loop that hangs: the schedule says when it tries again.
#[test]
fn a_schedule_that_waits_because_the_ats_refuses_is_not_late() {
    let store = store();
    let world = world(&store, 10, |options| options.client.secret = "another".to_owned());
    let acme = world.connect();
    let clock = &world.clock;
    let watch = async {
        for _ in 0..120 {
            clock.sleep(MINUTE_MS).await;
            assert!(!schedule(&world).is_late);
        }
    };
    let mut failed = 0;
    beside(&world, &acme, watch, |round| failed += u32::from(round.failure().is_some()));
    assert!(failed > 3, "{failed}");
}
