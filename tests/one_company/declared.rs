//! One declaration of a referral in three ATSs: the same text gets in step in each of them, a
//! second round sends nothing, and what an ATS cannot take is said in the plan and blocks nothing.

use super::{CANDIDATES, SEED, native};
use atsync::internals::adapter::Adapter;
use atsync::internals::plan::FindingKind;
use atsync::{
    Connection, ConnectionOptions, Credential, Engine, MemoryStore, Plan, PlanOf, Secret,
};
use atsync_ashby::Ashby;
use atsync_greenhouse::Greenhouse;
use atsync_lever::Lever;
use futures_util::TryStreamExt;
use serde_json::{Value, json};
use std::sync::Arc;

/// A referral, on an open job and from a source that the ATS has.
fn referral(job: &str, source: &str) -> String {
    json!({
        "key": "ref-1",
        "name": {"first": "Ada", "last": "Byron"},
        "emails": ["ada.byron@example.com"],
        "phones": [{"value": "+44 20 7946 0001", "type": "mobile"}],
        "links": ["https://www.linkedin.com/in/ada-byron"],
        "tags": ["referred"],
        "custom_fields": {"external_ref": "ref-1"},
        "notes": [{"key": "n1", "body": "Introduced by Sam."}],
        "applications": [{"key": "a1", "job": {"id": job}, "source": source}],
    })
    .to_string()
}

/// The id of a record of a kind that holds these values.
async fn known(acme: &Connection, kind: &str, member: &str, values: &[&str]) -> String {
    acme.pull(kind).await.unwrap();
    let rows: Vec<_> = acme.observed(kind).try_collect().await.unwrap();
    let row = rows.iter().map(|row| (row, serde_json::from_str::<Value>(&row.body).unwrap())).find(
        |(_, body)| {
            let held = &body[member];
            let held = held.get("value").unwrap_or(held).as_str().unwrap_or_default();
            values.contains(&held) || (values.is_empty() && !held.is_empty())
        },
    );
    let (row, body) = row.unwrap_or_else(|| panic!("no record of {kind}"));
    match values.is_empty() {
        true => body[member].as_str().unwrap().to_owned(),
        false => row.id.clone(),
    }
}

/// What the plan says beside its steps: paths and texts.
fn notes(plan: &Plan) -> Vec<String> {
    let findings = plan.records.iter().flat_map(|record| &record.findings);
    findings
        .map(|finding| {
            assert_eq!(finding.kind, FindingKind::Note, "{finding:?}");
            finding.message.clone()
        })
        .collect()
}

/// Declares the referral, applies the plan, and returns what the first plan said. `requests` is how
/// many requests the sandbox got so far that write.
async fn referred(
    adapter: Arc<dyn Adapter>,
    credential: Credential,
    origins: &[(&str, String)],
    settings: Value,
    writes: impl Fn() -> usize,
) -> Vec<String> {
    let engine = Engine::builder().store(Arc::new(MemoryStore::default())).build().unwrap();
    let mut options = ConnectionOptions::new("acme", adapter, credential);
    for (name, base) in origins {
        options.origins.insert((*name).into(), base.clone());
    }
    options.allow_private_network = true;
    options.settings = settings.as_object().cloned().unwrap();
    let acme = engine.connect(options).await.unwrap();
    let job = known(&acme, "jobs", "state", &["open"]).await;
    let source = known(&acme, "sources", "name", &[]).await;
    let records = atsync::internals::declare::parse("test", &referral(&job, &source)).unwrap();
    acme.declare(&records).await.unwrap();

    let plan = acme.plan(PlanOf::Dirty).await.unwrap();
    println!("{}", atsync::internals::plan::words::plan(&plan));
    let said = notes(&plan);
    acme.apply(&plan).await.unwrap();
    // What a creation does not take is written by the next plan.
    let plan = acme.plan(PlanOf::Dirty).await.unwrap();
    let report = acme.apply(&plan).await.unwrap();
    assert!(report.is_complete(), "{report:#?}");
    let sent = writes();
    assert!(sent > 0);
    for _ in 0..2 {
        let plan = acme.plan(PlanOf::All).await.unwrap();
        println!("{}", atsync::internals::plan::words::plan(&plan));
        assert!(plan.is_empty(), "it is in step");
        assert!(acme.apply(&plan).await.unwrap().is_complete());
    }
    assert_eq!(writes(), sent, "a second round sends nothing");
    acme.close().await;
    said
}

#[tokio::test(flavor = "multi_thread")]
async fn greenhouse_takes_all_of_a_referral() {
    use atsync_greenhouse_sandbox::{Sandbox, SandboxOptions};
    let mut options = SandboxOptions::sized(SEED, CANDIDATES);
    options.rate_limit = 1_000_000;
    let running = Sandbox::start(options).await.unwrap();
    let credential = Credential::ClientCredentials {
        client_id: "sandbox".into(),
        client_secret: Secret::new("sandbox-secret"),
    };
    let base = running.base_url().to_owned();
    let origins = [("api", base.clone()), ("auth", base)];
    let sandbox = running.sandbox().clone();
    let writes = || sandbox.writes().len();
    let said = referred(native::<Greenhouse>(), credential, &origins, json!({}), writes).await;
    assert_eq!(said, Vec::<String>::new());
    assert_eq!(running.sandbox().candidates_by_email("ada.byron@example.com").len(), 1);
    running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lever_takes_a_referral_without_what_its_people_have_not() {
    use atsync_lever_sandbox::{Sandbox, SandboxOptions};
    let mut options = SandboxOptions::sized(SEED, CANDIDATES);
    options.rate_limit = 1_000_000;
    let running = Sandbox::start(options).await.unwrap();
    let users = running.sandbox().rows("users");
    let user = users.iter().find(|user| user["deactivatedAt"].is_null()).unwrap();
    let settings = json!({"confidentiality": "all", "perform_as": user["id"]});
    let api = format!("{}/v1", running.base_url().trim_end_matches('/'));
    let credential = Credential::Key(Secret::new("sandbox-key"));
    let sandbox = running.sandbox().clone();
    let writes = || sandbox.writes().len();
    let said = referred(native::<Lever>(), credential, &[("api", api)], settings, writes).await;
    assert_eq!(
        said,
        ["ref-1: `custom_fields` (external_ref) is not written: the adapter lever cannot read it"]
    );
    let people = running.sandbox().contacts_by_email("ada.byron@example.com");
    assert_eq!(people.len(), 1);
    let person = people[0]["id"].as_str().unwrap();
    // Lever has notes on candidacies alone.
    let candidacies = running.sandbox().rows_where("opportunities", "contact", person);
    let of = |one: &Value| one["id"].as_str().unwrap().to_owned();
    let of: Vec<String> = candidacies.iter().map(of).collect();
    assert_eq!(of.len(), 1);
    let notes = running.sandbox().rows_where("notes", "opportunity_id", &of[0]);
    let texts: Vec<&Value> = notes.iter().map(|note| &note["fields"][0]["value"]).collect();
    assert_eq!(texts, ["Introduced by Sam."]);
    running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ashby_takes_all_of_a_referral() {
    use atsync_ashby_sandbox::{Sandbox, SandboxOptions};
    let mut options = SandboxOptions::sized(SEED, CANDIDATES);
    options.rate_limit = 1_000_000;
    let running = Sandbox::start(options).await.unwrap();
    let api = running.base_url().trim_end_matches('/').to_owned();
    let credential = Credential::Key(Secret::new("sandbox-key"));
    let sandbox = running.sandbox().clone();
    let writes = || sandbox.writes().len();
    let said = referred(native::<Ashby>(), credential, &[("api", api)], json!({}), writes).await;
    assert_eq!(said, Vec::<String>::new());
    assert_eq!(running.sandbox().candidates_by_email("ada.byron@example.com").len(), 1);
    running.shutdown().await;
}
