//! A credential that the ATS refuses, and its replacement without reopening the connection.

use atsync::{Clock, Connection, Credential, ErrorKind, Secret};
use atsync::{Cron, Crons, Round};
use atsync_tests::World;
use futures_util::future::join;
use std::sync::{Arc, Mutex};

fn credential(secret: &str) -> Credential {
    Credential::ClientCredentials {
        client_id: "sandbox".into(),
        client_secret: Secret::new(secret),
    }
}

fn refused(world: &World) -> Connection {
    let mut options = world.options();
    options.credential = credential("of last year");
    world.run(world.engine().connect(options)).unwrap()
}

#[test]
fn a_replaced_credential_works_at_once_for_every_handle() {
    let world = World::new(1, 20);
    let acme = refused(&world);
    let other = acme.clone();
    let error = world.run(acme.pull("jobs")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Auth);
    let before_ms = world.clock.now_ms();
    world.run(acme.replace_credential(credential("sandbox-secret"))).unwrap();
    assert!(world.run(other.pull("jobs")).unwrap().records > 0);
    assert!(world.clock.now_ms() - before_ms < 60_000, "no rest is waited out");
}

#[test]
fn a_credential_that_does_not_fit_is_refused_and_the_old_one_stays() {
    let world = World::new(1, 20);
    let acme = world.connect();
    let error = world.run(acme.replace_credential(Credential::Key(Secret::new("k")))).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
    assert!(world.run(acme.pull("jobs")).unwrap().records > 0);
}

#[test]
fn rounds_survive_a_refused_credential_and_resume_when_another_is_given() {
    let world = World::new(1, 20);
    let acme = refused(&world);
    let pulls = [("jobs", "*/15 * * * *"), ("candidates", "*/15 * * * *")];
    let pulls = pulls.map(|(kind, cron)| (kind.to_owned(), Cron::parse(cron).unwrap()));
    let crons = Crons::of_pulls(pulls);
    let told: Arc<Mutex<Vec<(u64, String)>>> = Arc::default();
    let (clock, note) = (Arc::clone(&world.clock), Arc::clone(&told));
    let tell = move |round: &Round<'_>| {
        let word = match (round, round.failure()) {
            (Round::Pulled(report), _) => format!("pulled {}", report.kind),
            (_, Some((error, _))) => format!("failed {:?}", error.kind()),
            (Round::InStep, _) => return,
            (other, _) => panic!("{other:?}"),
        };
        note.lock().unwrap().push((clock.now_ms(), word));
    };
    // Half an hour with the old one, a quarter of an hour with the new one.
    let begun_ms = world.clock.now_ms();
    let (half_ms, quarter_ms) = (30 * 60_000 + 1_234, 10 * 60_000);
    let stop = world.clock.sleep(half_ms + quarter_ms);
    let run = acme.run(crons, stop, tell);
    let replace = async {
        world.clock.sleep(half_ms).await;
        acme.replace_credential(credential("sandbox-secret")).await.unwrap();
    };
    let (ended, ()) = world.run(join(run, replace));
    ended.unwrap();
    let told = told.lock().unwrap();
    let (early, late): (Vec<_>, Vec<_>) =
        told.iter().partition(|(at_ms, _)| *at_ms < begun_ms + half_ms);
    assert!(early.iter().all(|(_, word)| word == "failed Auth"), "{early:?}");
    // The first at once, then after 1, 1, 1, 1, 1, 2, 5, 10 minutes at least: no other kind is
    // tried in between.
    assert!((2..=12).contains(&early.len()), "{early:?}");
    let first: Vec<&str> = late.iter().take(2).map(|(_, word)| word.as_str()).collect();
    assert_eq!(first, ["pulled candidates", "pulled jobs"], "{late:?}");
    assert!(late[0].0 - (begun_ms + half_ms) < 5_000, "at once: {late:?}");
}

/// Every call that needs the ATS fails with a message; calls that read the store work; no request
/// leaves, not even for a token.
#[test]
fn a_store_only_connection_sends_nothing_for_any_call() {
    let world = World::new(1, 20);
    let acme = world.connect();
    world.run(acme.pull("jobs")).unwrap();
    world.sandbox.clear_logs();
    let mut options = world.options();
    options.store_only = true;
    let acme = world.run(world.engine().connect(options)).unwrap();
    let refused = [
        world.run(acme.pull_full("jobs")).map(drop),
        world.run(acme.pull("candidates")).map(drop),
        world.run(acme.check()).map(drop),
        world.run(acme.verify_tenant()),
        world.run(acme.import("1", "key")).map(drop),
    ];
    for ended in refused {
        let error = ended.unwrap_err().to_string();
        assert!(error.contains("opened for the store only"), "{error}");
    }
    assert!(world.run(acme.status()).unwrap().observed["jobs"] > 0);
    assert_eq!(world.sandbox.requests().len(), 0);
}

#[test]
fn opening_a_store_only_connection_writes_nothing() {
    let world = World::new(1, 20);
    let mut options = world.options();
    options.store_only = true;
    let engine = world.engine();
    world.run(engine.connect(options)).unwrap();
    assert!(world.run(engine.store().connection("acme")).unwrap().is_none());
}
