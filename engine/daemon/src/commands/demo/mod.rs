//! `atsync demo`: runs every feature once, against the Greenhouse sandbox on this machine's
//! loopback. It needs no account and no configuration.
//!
//! It loads the shipped component, uses real HTTP, and compares its claims with the sandbox's own
//! rows. The exit code is 0 only if every check passed. The sandbox's rate budget is raised above
//! Greenhouse's, so that the demo does not wait; it says so.

mod company;
mod verify;

use super::render::{calls, show_plan};
use super::{apply, changes};
use crate::adapters::Adapters;
use crate::cli;
use crate::failure::{DONE, Ended, Failure};
use crate::output::Output;
use crate::words::count;
use atsync::model::desired::Desired;
use atsync::{Connection, ConnectionOptions, Credential, Engine, PlanOf, Secret};
use atsync_greenhouse_sandbox::{
    Recruiter, RunningSandbox, Sandbox, SandboxOptions, VENDOR_SOURCE,
};
use futures_util::TryStreamExt;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;

/// The company's seed: the same company at each demo.
const SEED: u64 = 7;
/// Greenhouse gives 50 to 150 requests in half a minute; the demo would wait for the next one.
const RATE_LIMIT: u32 = 1_000;
/// Lines of the plan that are shown.
const PLAN_LINES: usize = 16;

pub(super) async fn demo(options: &cli::Demo, output: &Output) -> Ended {
    let mut sandbox_options = SandboxOptions::sized(SEED, usize::from(options.candidates));
    sandbox_options.rate_limit = RATE_LIMIT;
    let (id, secret) = (sandbox_options.client.id.clone(), sandbox_options.client.secret.clone());
    let running = Sandbox::start(sandbox_options).await.map_err(|error| {
        Failure::new(format!("the sandbox cannot listen on 127.0.0.1: {error}"))
    })?;
    let directory = tempfile::tempdir().map_err(|error| {
        Failure::new(format!("no temporary directory can be made: {error}; set TMPDIR"))
    })?;
    output.data(&format!(
        "1. A Greenhouse sandbox runs on {}, with {} candidates, {} jobs, {} users.",
        running.base_url(),
        running.sandbox().count("candidates"),
        running.sandbox().count("jobs"),
        running.sandbox().count("users")
    ));
    output.data(&format!(
        "   It allows {RATE_LIMIT} requests in half a minute, more than Greenhouse does, so that \
         nobody waits here."
    ));
    let connection = connect(&running, directory.path(), (id, secret), output).await?;
    output
        .data("   The Greenhouse adapter is loaded: a WebAssembly component that imports nothing.");
    check(&connection, output).await?;
    pull(&connection, output).await?;
    let records = referrals(&connection, output).await?;
    write(&connection, &records, output).await?;
    output.data("6. The rows of the sandbox itself:");
    for line in verify::exactly_one(running.sandbox(), &records)? {
        output.data(&format!("   {line}"));
    }
    again(&connection, &records, &running, output).await?;
    feed(&connection, &records, &running, output).await?;
    output.data(&format!(
        "All checks passed, with {} to the sandbox.",
        count(calls(&connection), "call")
    ));
    output.lines(NEXT);
    running.shutdown().await;
    Ok(DONE)
}

async fn connect(
    running: &RunningSandbox,
    directory: &Path,
    (client_id, secret): (String, String),
    output: &Output,
) -> Result<Connection, Failure> {
    let adapter = Adapters::without_folder()?.load_here("greenhouse")?;
    let engine = Engine::builder().store_file(directory.join("demo.redb"))?.build()?;
    let credential =
        Credential::ClientCredentials { client_id, client_secret: Secret::new(secret) };
    let mut options = ConnectionOptions::new("demo", adapter, credential);
    options.origins =
        BTreeMap::from(["api", "auth"].map(|name| (name.to_owned(), running.base_url())));
    options.allow_private_network = true;
    options.settings.insert("source".to_owned(), VENDOR_SOURCE.into());
    options.progress = output.progress();
    Ok(engine.connect(options).await?)
}

async fn check(connection: &Connection, output: &Output) -> Result<(), Failure> {
    let results = connection.check().await?;
    connection.verify_tenant().await?;
    let of = |verdict: &str| results.iter().filter(|result| result.verdict == verdict).count();
    let lacking = results.len() - of("granted") - of("unknown");
    output.data(&format!(
        "2. Permissions: {} granted, {} that Greenhouse does not tell without a write, {lacking} \
         missing.",
        of("granted"),
        of("unknown")
    ));
    held(lacking == 0, "the sandbox's credential has every permission")
}

async fn pull(connection: &Connection, output: &Output) -> Result<(), Failure> {
    let before = calls(connection);
    let (mut records, mut parts) = (0, Vec::new());
    let kinds = super::pull::listable(connection.manifest());
    for kind in &kinds {
        let report = connection.pull(kind).await?;
        records += report.created;
        if ["jobs", "candidates", "applications", "notes"].contains(&kind.as_str()) {
            parts.push(format!("{} {kind}", report.created));
        }
    }
    output.end();
    let calls = count(calls(connection) - before, "call");
    output.data(&format!(
        "3. Pulled {records} records of {} kinds in {calls}: {} and what they refer to.",
        kinds.len(),
        parts.join(", ")
    ));
    held(records > 0, "a pull brings records")
}

async fn referrals(connection: &Connection, output: &Output) -> Result<Vec<Desired>, Failure> {
    let company = company::Company::read(connection).await?;
    let records = company.referrals()?;
    output.data(&format!(
        "4. {} and a custom field for them are declared. The plan, before anything is sent:",
        count(records.iter().filter_map(Desired::candidate).count() as u64, "referral")
    ));
    Ok(records)
}

async fn write(
    connection: &Connection,
    records: &[Desired],
    output: &Output,
) -> Result<(), Failure> {
    let plan = connection.plan(PlanOf::Records(records)).await?;
    output.end();
    let text = plan.to_string();
    let lines: Vec<&str> = text.lines().collect();
    let body = lines.len().saturating_sub(1);
    for line in lines.iter().take(PLAN_LINES.min(body)) {
        output.data(&format!("   | {line}"));
    }
    if body > PLAN_LINES {
        output.data(&format!("   | \u{2026} {} more lines", body - PLAN_LINES));
    }
    output.data(&format!("   {}", plan.summary()));
    if let Some(finding) = plan.blocked().next() {
        return Err(Failure::new(format!("the demo's plan is blocked: {}", finding.message)));
    }
    connection.declare(records).await?;
    let before = calls(connection);
    output.begin("writing", plan.writes());
    let report = connection.apply(&plan).await;
    output.end();
    let report = report?;
    output.data(&format!(
        "5. Applied: {}, {}.",
        apply::outcome(connection.name(), &report),
        count(calls(connection) - before, "call")
    ));
    if let Some(more) = report.steps.len().checked_sub(plan.writes()).filter(|more| *more > 0) {
        output.data(&format!(
            "   ({more} of them bring fields that Greenhouse does not take along with a new \
             candidate.)"
        ));
    }
    let refused = report.steps.iter().find_map(|step| match &step.end {
        atsync::StepEnd::Refused { reason } | atsync::StepEnd::NotSent { reason } => {
            Some(format!("{} {}: {reason}", step.operation, step.path))
        }
        _ => None,
    });
    if !report.is_complete() {
        let left = connection.plan(PlanOf::Dirty).await?;
        show_plan(&left, output);
    }
    held(report.is_complete(), &refused.unwrap_or("one apply brings everything about".into()))
}

async fn again(
    connection: &Connection,
    records: &[Desired],
    running: &RunningSandbox,
    output: &Output,
) -> Result<(), Failure> {
    let (writes, before) = (running.sandbox().writes().len(), calls(connection));
    let declared = connection.declare(records).await?;
    let plan = connection.plan(PlanOf::All).await?;
    let report = connection.apply(&plan).await?;
    output.end();
    let written = running.sandbox().writes().len() - writes;
    output.data(&format!(
        "7. Declared and applied once more: {} unchanged, {}, {}.",
        declared.unchanged,
        count(written as u64, "write"),
        count(calls(connection) - before, "call")
    ));
    held(
        plan.is_empty() && report.steps.is_empty() && written == 0,
        "a second apply has nothing to do",
    )
}

async fn feed(
    connection: &Connection,
    records: &[Desired],
    running: &RunningSandbox,
    output: &Output,
) -> Result<(), Failure> {
    let key = records
        .iter()
        .find_map(Desired::candidate)
        .map(|record| record.key.clone())
        .unwrap_or_default();
    let links = connection.links(&key).await?;
    let link = links.iter().find(|link| link.remote.kind == "applications");
    let Some(application) = link.map(|link| link.remote.clone()) else {
        return Err(Failure::new(format!("{key} is not linked to its application")));
    };
    let status = connection.status().await?;
    let (stage_id, stage_name) = company::next_stage(connection, &application.id).await?;
    let application_id = application.id.parse().unwrap_or_default();
    let deed = Recruiter::Move { application_id, stage_name: stage_name.clone() };
    running
        .sandbox()
        .recruiter(&deed)
        .map_err(|refusal| Failure::new(format!("the recruiter cannot move: {refusal}")))?;
    output.data(&format!(
        "8. A recruiter moves the application of {key} to {stage_name:?} in Greenhouse. The next \
         pull sees it:"
    ));
    let report = connection.pull("applications").await?;
    output.end();
    let feed: Vec<_> = connection.changes(status.changes_last).try_collect().await?;
    let moved =
        feed.iter().find(|change| change.kind == application.kind && change.id == application.id);
    let Some(change) = moved else {
        return Err(Failure::new("the recruiter's move did not arrive in the feed".to_owned()));
    };
    output.data(&format!("   {}", changes::line(change)));
    output.data(&format!(
        "   ({} asked again, {} of them changed)",
        count(report.records, "record"),
        report.updated
    ));
    let arrived =
        change.after.get("stage").and_then(|stage| stage.get("id")).and_then(Value::as_str);
    held(arrived == Some(stage_id.as_str()), "the change names the stage that the recruiter chose")
}

/// A check of the demo; the first one that fails ends it.
fn held(is_so: bool, claim: &str) -> Result<(), Failure> {
    if is_so { Ok(()) } else { Err(Failure::new(format!("a check of the demo failed: {claim}"))) }
}

const NEXT: &str = r#"
What to type next: the same against a sandbox of your own, in two terminals.
  cargo run --release -p atsync-greenhouse-sandbox -- --listen 127.0.0.1:8099 --candidates 240
  cat > atsync.toml <<'TOML'
store = "acme.redb"
[connections.acme]
adapter = "greenhouse"
auth = { scheme = "oauth2-client-credentials", client_id = "sandbox", client_secret = { env = "GH_SECRET" } }
origins = { api = "http://127.0.0.1:8099", auth = "http://127.0.0.1:8099" }   # remove both lines
allow_private_network = true                                                  # for the real Greenhouse
TOML
  export GH_SECRET=sandbox-secret
  atsync check acme && atsync pull acme
  echo '{"key":"r-1","name":{"first":"Ada","last":"Obi"},"emails":["ada@example.com"]}' > referrals.jsonl
  atsync plan acme --desired referrals.jsonl; atsync apply acme --desired referrals.jsonl --yes
(`atsync` is target/release/atsync here. `atsync schema` prints the shape of a record.)"#;
