//! A host that spawns everything: one task runs the schedules of a connection, another follows the
//! feed, others declare and read at the same time.
//!
//! Handles are cheap to clone and every future is `Send`, so each task owns a clone. It runs
//! against a Greenhouse sandbox in this process; for a real account, remove `origins` and
//! `allow_private_network`.

#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use atsync::model::unified::Candidate;
use atsync::{
    Cause, ChangeWhat, ComponentHost, Connection, ConnectionOptions, Credential, Cron, CronError,
    Crons, DesiredCandidate, Engine, HostOptions, Round, SecretRef,
};
use atsync_greenhouse_sandbox::{Sandbox, SandboxOptions};
use futures_util::TryStreamExt;
use std::error::Error;
use std::sync::Arc;
use tokio::sync::oneshot;
use tokio::task::JoinSet;

type Failure = Box<dyn Error + Send + Sync>;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let sandbox = Sandbox::start(SandboxOptions::sized(1, 50)).await?;
    let directory = tempfile::tempdir()?;
    let created = run(&directory.path().join("host.redb"), &sandbox.base_url(), 10).await?;
    println!("{created} referrals were created");
    sandbox.shutdown().await;
    Ok(())
}

/// Refers this many candidates, and ends when the feed reports all of them.
pub(crate) async fn run(
    store: &std::path::Path,
    origin: &str,
    referrals: usize,
) -> Result<usize, Failure> {
    let engine = Engine::builder().store_file(store)?.build()?;
    let acme = connect(&engine, origin).await?;
    let mut tasks: JoinSet<Result<(), Failure>> = JoinSet::new();

    // The schedule: pulls due kinds and applies declared records until it is stopped.
    let (stop, stopped) = oneshot::channel::<()>();
    let keeper = acme.clone();
    tasks.spawn(async move {
        let crons =
            ["jobs", "candidates"].map(|kind| (kind.to_owned(), Cron::parse("*/5 * * * *")));
        let crons: Result<Vec<_>, CronError> =
            crons.into_iter().map(|(kind, cron)| Ok((kind, cron?))).collect();
        let stop = async move { drop(stopped.await) };
        let tell = |round: &Round<'_>| {
            if let Some((error, _)) = round.failure() {
                println!("{error}");
            }
        };
        keeper.run(Crons::of_pulls(crons?), stop, tell).await.map_err(Into::into)
    });

    // The feed, from where this consumer stopped: woken by the commits of the task above.
    let feed = acme.follow("mailer");
    let consumer = acme.clone();
    let seen = tokio::spawn(async move {
        let mut feed = std::pin::pin!(feed);
        let mut created = 0;
        while let Some(change) = feed.try_next().await? {
            let ours =
                matches!(change.cause, Cause::Applied { .. }) && change.what == ChangeWhat::Created;
            created += usize::from(ours && change.kind == "candidates");
            // Acknowledge it only after it was processed.
            consumer.acknowledge("mailer", change.serial).await?;
            if created == referrals {
                break;
            }
        }
        Ok::<usize, Failure>(created)
    });

    // Many requests declare referrals at once.
    for number in 0..referrals {
        let acme = acme.clone();
        tasks.spawn(async move {
            let record: DesiredCandidate = serde_json::from_value(serde_json::json!({
                "key": format!("referral-{number}"),
                "name": { "first": "Ada", "last": format!("Byron {number}") },
                "emails": [format!("ada.{number}@referred.example.com")],
            }))?;
            if acme.declare(&[record]).await?.erased > 0 {
                println!("referral {number} is of an erased candidate, and is not stored");
            }
            Ok(())
        });
    }
    let created = seen.await??;
    drop(stop);
    while let Some(ended) = tasks.join_next().await {
        ended??;
    }

    // Observed records are typed and owned, so that they can be passed on.
    let people = acme.observed_as::<Candidate<'_>>("candidates")?;
    let people = tokio::spawn(people.try_collect::<Vec<_>>()).await??;
    println!("{} candidates are known", people.len());
    Ok(created)
}

/// Opens the connection, with a secret that the process was given.
async fn connect(engine: &Engine, origin: &str) -> Result<Connection, Failure> {
    let host = ComponentHost::new(HostOptions::default())?;
    let component = atsync_adapters_bundled::bundled("greenhouse")
        .ok_or("the Greenhouse adapter is not bundled")?;
    // Compiling a component blocks, so it runs on a blocking thread.
    let adapter =
        tokio::task::spawn_blocking(move || host.load("greenhouse", component)).await??.vouched();
    // For a real account: `SecretRef::Env("GH_SECRET".into())`, or a file.
    let secret = SecretRef::Command(vec!["echo".into(), "sandbox-secret".into()]).read("").await?;
    let credential =
        Credential::ClientCredentials { client_id: "sandbox".into(), client_secret: secret };
    let mut options = ConnectionOptions::new("acme", Arc::new(adapter), credential);
    // Only for a sandbox.
    options.origins =
        [("api".to_owned(), origin.to_owned()), ("auth".to_owned(), origin.to_owned())].into();
    options.allow_private_network = true;
    Ok(engine.connect(options).await?)
}
