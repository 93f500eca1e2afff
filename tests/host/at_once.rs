//! Several tasks of one process use one connection at the same time, each with a handle of its own:
//! every record is created once.

use atsync::model::desired::DesiredCandidate;
use atsync::{Connection, ConnectionOptions, Credential, Engine, PlanOf, Secret};
use atsync_greenhouse_sandbox::{Sandbox, SandboxOptions};
use atsync_tests::native_greenhouse;
use serde_json::json;
use std::sync::Arc;
use tokio::sync::Barrier;
use tokio::task::JoinSet;

const TASKS: usize = 6;
const PEOPLE: usize = 8;

async fn connect(engine: &Engine, origin: &str) -> Connection {
    let credential = Credential::ClientCredentials {
        client_id: "sandbox".into(),
        client_secret: Secret::new("sandbox-secret"),
    };
    let mut options = ConnectionOptions::new("acme", native_greenhouse(), credential);
    options.origins =
        [("api".to_owned(), origin.to_owned()), ("auth".to_owned(), origin.to_owned())].into();
    options.allow_private_network = true;
    options.settle_window_ms = Some(1_500);
    engine.connect(options).await.unwrap()
}

fn candidates() -> Vec<DesiredCandidate> {
    let one = |at: usize| {
        let value = json!({
            "key": format!("k{at}"), "name": {"first": "Ada", "last": format!("Number {at}")},
            "emails": [format!("a{at}@h.example.com")], "tags": ["Tee"],
            "notes": [{"key": "n", "body": format!("note {at}")}],
        });
        serde_json::from_value(value).unwrap()
    };
    (0..PEOPLE).map(one).collect()
}

/// The calls that the tasks make with their handles once all of them have a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Sync,
    /// Plans that are independent of each other.
    PlanAndApply,
    /// Half of the tasks settle while the others apply.
    SettleBeside,
}

async fn all_at_once(way: Way, clones: bool) {
    println!("{way:?}, clones of one handle: {clones}");
    let sandbox = Sandbox::start(SandboxOptions::sized(1, 30)).await.unwrap();
    let engine = Engine::builder().build().unwrap();
    let first = connect(&engine, &sandbox.base_url()).await;
    first.declare(&candidates()).await.unwrap();
    sandbox.sandbox().set_quirks(|quirks| quirks.visibility_delay_ms = 1_000);
    let barrier = Arc::new(Barrier::new(TASKS));
    let mut tasks = JoinSet::new();
    for task in 0..TASKS {
        let acme = if clones { first.clone() } else { connect(&engine, &sandbox.base_url()).await };
        let barrier = Arc::clone(&barrier);
        tasks.spawn(async move {
            match way {
                Way::Sync => {
                    barrier.wait().await;
                    drop(acme.sync().await.unwrap());
                }
                _ => {
                    let plan = acme.plan(PlanOf::All).await.unwrap();
                    barrier.wait().await;
                    if way == Way::SettleBeside && task % 2 == 0 {
                        for _ in 0..20 {
                            drop(acme.settle().await.unwrap());
                            tokio::task::yield_now().await;
                        }
                    } else {
                        drop(acme.apply(&plan).await.unwrap());
                    }
                }
            }
        });
    }
    while let Some(ended) = tasks.join_next().await {
        ended.unwrap();
    }
    let mut is_complete = false;
    for _ in 0..5 {
        let (_, report) = first.sync().await.unwrap();
        is_complete = report.is_complete();
        if is_complete {
            break;
        }
    }
    let truth = sandbox.sandbox();
    let made =
        (truth.creates("candidates"), truth.creates("notes"), truth.creates("candidate_tags"));
    assert_eq!(made, (PEOPLE, PEOPLE, 1), "{way:?}, clones: {clones}");
    assert!(is_complete && first.open_intents().await.unwrap().is_empty());
    sandbox.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_tasks_on_one_connection_create_every_record_once() {
    for way in [Way::Sync, Way::PlanAndApply, Way::SettleBeside] {
        for clones in [true, false] {
            all_at_once(way, clones).await;
        }
    }
}
