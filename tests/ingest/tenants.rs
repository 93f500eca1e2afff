//! Two customers of one ATS.

use super::*;
use atsync::model::contract::{Hint, RemoteRef};
use atsync::{ErrorKind, PlanOf};
use atsync_tests::{Meddle, desired};

/// Another customer's sandbox, on the same clock.
fn other(world: &World) -> Sandbox {
    let mut options = SandboxOptions::sized(99, 20);
    options.company.now_ms = Some(i64::try_from(BEGIN_MS).unwrap());
    let time = Arc::clone(&world.clock);
    options.clock = Clock::new(move || i64::try_from(time.now_ms()).unwrap());
    Sandbox::new(options)
}

fn writes(sandbox: &Sandbox) -> Vec<String> {
    let requests = sandbox.requests();
    let written =
        requests.iter().filter(|request| request.method != "GET" && request.path != "/token");
    written.map(|request| format!("{} {}", request.method, request.path)).collect()
}

/// With the credential of another customer than the store's, the engine writes nothing to them,
/// whichever of plan, apply, settle and sweep comes first.
#[test]
fn the_engine_writes_only_to_the_customer_of_the_store() {
    for sweeps in [false, true] {
        let mut world = World::new(71, 20);
        let acme = world.connect();
        world.run(acme.verify_tenant()).unwrap();
        let records = desired(
            r#"{"key": "k", "emails": ["k@example.test"], "name": {"first": "K", "last": "L"}}"#,
        );
        world.run(acme.declare(&records)).unwrap();
        let plan = world.run(acme.plan(PlanOf::Dirty)).unwrap();
        assert!(!plan.records.is_empty());
        let other = other(&world);
        world.wire.lead_to(&other);
        world.restart();
        let acme = world.connect();
        let error = if sweeps {
            let options = atsync::internals::reconcile::SweepOptions::default();
            world.run(acme.sweep("candidates", options)).map(drop).unwrap_err()
        } else {
            world.run(acme.apply(&plan)).map(drop).unwrap_err()
        };
        assert_eq!(error.kind(), ErrorKind::Configuration, "{error}");
        assert_eq!(writes(&other), Vec::<String>::new());
        assert!(told(&world, &acme, ChangeWhat::Deleted).is_empty());
        // With the right credential again, the write succeeds.
        let own = world.sandbox.clone();
        world.wire.lead_to(&own);
        world.run(acme.apply(&plan)).unwrap();
        assert_eq!(writes(&other), Vec::<String>::new());
        assert!(writes(&own).iter().any(|write| write == "POST /v3/candidates"));
    }
}

/// A write in doubt is sent again only to the customer whose records the store holds.
#[test]
fn a_write_in_doubt_is_never_sent_again_to_another_customer() {
    let mut world = World::new(71, 20);
    let acme = world.connect();
    world.run(acme.verify_tenant()).unwrap();
    let records = desired(
        r#"{"key": "k", "emails": ["k@example.test"], "name": {"first": "K", "last": "L"}}"#,
    );
    world.run(acme.declare(&records)).unwrap();
    world.wire.meddle(|request| {
        let creates = request.method == "POST" && request.url.path() == "/v3/candidates";
        creates.then_some(Meddle::DieBefore)
    });
    assert!(world.live(acme.sync()).is_none(), "the engine dies while its request is on its way");
    drop(acme);
    let (other, own) = (other(&world), world.sandbox.clone());
    world.restart();
    world.wire.lead_to(&other);
    pass(&world, 3_600_000);
    let acme = world.connect();
    let error = world.run(acme.settle()).map(drop).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration, "{error}");
    assert_eq!(writes(&other), Vec::<String>::new());
    world.wire.lead_to(&own);
    assert_eq!(world.run(acme.settle()).unwrap().sent_again, 1);
    assert_eq!(writes(&own), ["POST /v3/candidates"]);
}

/// One call that a host can make on a connection, whatever it returns.
type Ask = Box<dyn Fn(&World, &Connection) -> Result<(), atsync::Error>>;

fn asks(candidate: &str, application: &str) -> Vec<(&'static str, Ask)> {
    let mut asks: Vec<(&'static str, Ask)> = Vec::new();
    let mut ask = |name, ask: Ask| asks.push((name, ask));
    for (kind, _) in KINDS {
        ask(kind, Box::new(move |world, acme| world.run(acme.pull(kind)).map(drop)));
    }
    ask("pull whole", Box::new(|world, acme| world.run(acme.pull_full("candidates")).map(drop)));
    ask(
        "sweep",
        Box::new(|world, acme| world.run(acme.sweep("candidates", Default::default())).map(drop)),
    );
    let of = RemoteRef::new("candidates", candidate);
    let application = RemoteRef::new("applications", application);
    let hints = [
        Hint::Changed(of.clone()),
        Hint::Changed(application.clone()),
        Hint::Deleted(of.clone()),
        Hint::Deleted(application),
        Hint::Erased(of.clone()),
        Hint::Merged((of.clone(), RemoteRef::new("candidates", "1"))),
    ];
    for hint in hints {
        ask("hint", Box::new(move |world, acme| world.run(acme.hint(hint.clone())).map(drop)));
    }
    let id = candidate.to_owned();
    ask("import", Box::new(move |world, acme| world.run(acme.import(&id, "imported")).map(drop)));
    ask("plan", Box::new(|world, acme| world.run(acme.plan(PlanOf::All)).map(drop)));
    ask("sync", Box::new(|world, acme| world.run(acme.sync()).map(drop)));
    ask(
        "plan_withdrawal",
        Box::new(|world, acme| world.run(acme.plan_withdrawal("k", Default::default())).map(drop)),
    );
    asks
}

/// No record of another customer gets into the store, and no record of the store is reported as
/// deleted because the other customer's ATS does not show it, whatever a host calls first; a check
/// still works, since it shows the mistake to a user.
#[test]
fn the_engine_reads_only_from_the_customer_of_the_store() {
    let mut world = World::new(71, 20);
    let acme = world.connect();
    for (kind, _) in KINDS {
        world.run(acme.pull(kind)).unwrap();
    }
    let candidate = stored(&world, &acme, "candidates").into_keys().next().unwrap();
    let application = stored(&world, &acme, "applications").into_keys().next().unwrap();
    let records = desired(
        r#"{"key": "k", "emails": ["k@example.test"], "name": {"first": "K", "last": "L"}}"#,
    );
    world.run(acme.declare(&records)).unwrap();
    let everything = |world: &World, acme: &Connection| {
        let rows: Vec<_> = KINDS.iter().map(|(kind, _)| stored(world, acme, kind)).collect();
        let changes: Vec<Change> = world.run(acme.changes(0).try_collect()).unwrap();
        (rows, changes.len())
    };
    let before = everything(&world, &acme);
    let other = other(&world);
    world.wire.lead_to(&other);
    pass(&world, 3_600_000);
    for (name, ask) in asks(&candidate, &application) {
        world.restart();
        let acme = world.connect();
        let error = ask(&world, &acme).expect_err(name);
        assert_eq!(error.kind(), ErrorKind::Configuration, "{name}: {error}");
        assert!(error.to_string().contains("another customer"), "{name}: {error}");
        assert_eq!(everything(&world, &acme), before, "{name}");
    }
    assert_eq!(writes(&other), Vec::<String>::new());
    world.restart();
    let acme = world.connect();
    assert!(!world.run(acme.check()).unwrap().is_empty());
    // With the right credential again, the call succeeds.
    let own = world.sandbox.clone();
    world.wire.lead_to(&own);
    for (name, ask) in asks(&candidate, &application) {
        // Once the hints are believed, the candidate is erased and cannot be imported.
        match ask(&world, &acme) {
            Err(error) => assert_eq!((name, error.kind()), ("import", ErrorKind::Input), "{error}"),
            Ok(()) => assert_ne!(name, "import"),
        }
    }
}
