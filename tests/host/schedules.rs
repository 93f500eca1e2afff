//! Several connections on their schedules at once.

use atsync::{
    Connection, ConnectionOptions, Credential, Cron, Crons, Engine, ErrorKind, Round, Secret,
};
use atsync_greenhouse_sandbox::{Sandbox, SandboxOptions};
use atsync_tests::native_greenhouse;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use tokio::sync::mpsc;

fn hourly() -> Crons {
    Crons::of_pulls([("jobs".to_owned(), Cron::parse("0 * * * *").unwrap())])
}

/// `store_only`: every call that needs the ATS fails, and waiting does not change that.
async fn connect(engine: &Engine, name: &str, origin: &str, store_only: bool) -> Connection {
    let credential = Credential::ClientCredentials {
        client_id: "sandbox".into(),
        client_secret: Secret::new("sandbox-secret"),
    };
    let mut options = ConnectionOptions::new(name, native_greenhouse(), credential);
    options.origins =
        [("api".to_owned(), origin.to_owned()), ("auth".to_owned(), origin.to_owned())].into();
    options.allow_private_network = true;
    options.store_only = store_only;
    engine.connect(options).await.unwrap()
}

#[tokio::test]
async fn a_permanent_failure_of_one_connection_is_reported_and_ends_no_other() {
    let sandbox = Sandbox::start(SandboxOptions::sized(1, 10)).await.unwrap();
    let origin = sandbox.base_url();
    let engine = Engine::builder().build().unwrap();
    let connections = [
        (connect(&engine, "acme", &origin, false).await, hourly()),
        (connect(&engine, "broken", &origin, true).await, hourly()),
        (connect(&engine, "globex", &origin, false).await, hourly()),
    ];
    let (told, mut hears) = mpsc::unbounded_channel();
    let tell = move |name: &str, round: &Round<'_>| {
        if matches!(round, Round::Pulled(_)) {
            told.send(name.to_owned()).unwrap();
        }
    };
    let heard: Arc<Mutex<BTreeSet<String>>> = Arc::default();
    let names = Arc::clone(&heard);
    // By then both working connections have pulled.
    let stop = async move {
        while names.lock().unwrap().len() < 2 {
            let name = hears.recv().await.unwrap();
            names.lock().unwrap().insert(name);
        }
    };
    let early = Engine::run(connections, stop, tell).await.unwrap();
    assert_eq!(early.keys().collect::<Vec<_>>(), ["broken"], "{early:?}");
    let heard = heard.lock().unwrap();
    assert_eq!(heard.iter().collect::<Vec<_>>(), ["acme", "globex"]);
}

#[tokio::test]
async fn when_every_connection_has_ended_the_run_ends_without_a_stop() {
    let engine = Engine::builder().build().unwrap();
    let broken = connect(&engine, "broken", "http://127.0.0.1:9", true).await;
    let early = Engine::run([(broken, hourly())], std::future::pending(), |_, _| {}).await.unwrap();
    assert_eq!(early.len(), 1, "{early:?}");
    let none = Engine::run([], std::future::pending(), |_, _| {}).await.unwrap();
    assert!(none.is_empty());
}

/// Waiting mends no misspelt kind, so the run ends before anything is read.
#[tokio::test]
async fn a_schedule_of_a_kind_that_cannot_be_read_ends_the_run_at_once() {
    let engine = Engine::builder().build().unwrap();
    let acme = connect(&engine, "acme", "http://127.0.0.1:9", false).await;
    let hour = || Cron::parse("0 * * * *").unwrap();
    for (kind, said) in [("candidate", "did you mean `candidates`?"), ("zebra", "kinds: ")] {
        let pulls = Crons::of_pulls([(kind.to_owned(), hour())]);
        let sweeps = Crons::default().with_sweeps([(kind.to_owned(), hour())]);
        for crons in [pulls, sweeps] {
            let ran = acme.run(crons, std::future::pending(), |round| panic!("{round:?}")).await;
            let error = ran.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Input, "{error}");
            let text = error.to_string();
            assert!(text.contains("acme") && text.contains(kind) && text.contains(said), "{text}");
        }
    }
    let pulls = Crons::of_pulls([("candidate".to_owned(), hour())]);
    let early = Engine::run([(acme, pulls)], std::future::pending(), |_, _| {}).await.unwrap();
    assert_eq!(early.keys().collect::<Vec<_>>(), ["acme"]);
}
