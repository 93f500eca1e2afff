//! The engine inside a host: open a store, connect, declare records, plan, apply, and read the
//! changes.
//!
//! It runs against a Greenhouse sandbox in this process, so it needs no account. For a real
//! account, remove `origins` and `allow_private_network` from `connect` and use its credential.

#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use atsync::{
    ComponentHost, Connection, ConnectionOptions, Credential, DesiredCandidate, Engine,
    HostOptions, PlanOf, Secret,
};
use atsync_greenhouse_sandbox::{Sandbox, SandboxOptions};
use futures_util::TryStreamExt;
use std::error::Error;
use std::sync::Arc;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let sandbox = Sandbox::start(SandboxOptions::sized(1, 50)).await?;
    let directory = tempfile::tempdir()?;

    // One engine serves all customers of a process; one store file holds their data.
    let engine = Engine::builder().store_file(directory.path().join("host.redb"))?.build()?;
    let acme = connect(&engine, &sandbox.base_url()).await?;

    // Observe the ATS. A later pull reads only what changed since.
    for kind in ["jobs", "candidates"] {
        let pulled = acme.pull(kind).await?;
        println!("{kind}: {} records on {} pages", pulled.records, pulled.pages);
    }

    // Declare a record. `key` is the host's name for it: declared again, it is the same record.
    let ada: DesiredCandidate = serde_json::from_str(
        r#"{ "key": "referral-17", "name": { "first": "Ada", "last": "Byron" }, "emails": ["ada@referred.example.com"],
             "tags": ["Met at a meetup"], "notes": [{ "key": "n", "body": "Introduced by Sam." }] }"#,
    )?;
    let before = acme.status().await?.changes_last;
    let declared = acme.declare(&[ada]).await?;
    if declared.erased > 0 {
        println!(
            "{} declared candidates were erased here: they are not stored, and nothing is written.",
            declared.erased
        );
    }

    // Plan the writes and their calls. Nothing is written yet.
    let plan = acme.plan(PlanOf::Dirty).await?;
    print!("{plan}");
    let report = acme.apply(&plan).await?;
    if !report.is_complete() {
        return Err(format!("not in step: {report:?}").into());
    }

    // The same record again needs no step: no request changes anything.
    let again = acme.plan(PlanOf::All).await?;
    println!("Planned again: {} writes.", again.writes());

    // Read the feed to its end, in order and without gaps. `follow` waits for the next change, from
    // where a consumer stopped.
    let mut changes = std::pin::pin!(acme.changes(before));
    while let Some(change) = changes.try_next().await? {
        println!("change {}: {} {} {:?}", change.serial, change.kind, change.id, change.what);
        acme.acknowledge("host", change.serial).await?;
    }

    // Close in this order. Afterwards another engine can open the file.
    acme.close().await;
    engine.close().await?;
    sandbox.shutdown().await;
    Ok(())
}

/// Opens a connection to one customer's ATS. Nothing is sent yet.
async fn connect(engine: &Engine, origin: &str) -> Result<Connection, Box<dyn Error>> {
    // With `cache_dir` the component is compiled once, not at each start.
    let host = ComponentHost::new(HostOptions::default())?;
    let component = atsync_adapters_bundled::bundled("greenhouse")
        .ok_or("the Greenhouse adapter is not bundled")?;
    let adapter = Arc::new(host.load("greenhouse", component)?.vouched());
    let credential = Credential::ClientCredentials {
        client_id: "sandbox".into(),
        client_secret: Secret::new("sandbox-secret"),
    };
    let mut options = ConnectionOptions::new("acme", adapter, credential);
    // Only for a sandbox.
    options.origins =
        [("api".to_owned(), origin.to_owned()), ("auth".to_owned(), origin.to_owned())].into();
    options.allow_private_network = true;
    Ok(engine.connect(options).await?)
}
