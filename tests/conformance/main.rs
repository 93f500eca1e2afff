//! Every adapter of the project passes the one suite, as a component, against a sandbox of its ATS
//! over real HTTP.

use atsync::{
    Adapter, ComponentHost, HostOptions, HttpOptions, HttpTransport, NativeAdapter, Secret,
    Transport,
};
use atsync_adapter_minimal::Plainlist;
use atsync_conformance::wire::Credential;
use atsync_conformance::{Described, Finding, HttpStage, Options, Promise, Report, Script, test};
use atsync_greenhouse_sandbox::{PartnerClient, Request, Sandbox, SandboxOptions};
use std::path::Path;
use std::sync::Arc;

mod at_once;
mod mutants;
mod registrar;
mod schema;
mod served;
mod stamped;

/// The component of a bundled adapter, compiled once for all runs of the tests.
fn bundled(name: &str) -> Arc<dyn Adapter> {
    let mut options = HostOptions::default();
    options.cache_dir = Some(Path::new(env!("CARGO_TARGET_TMPDIR")).join("adapters"));
    let bytes = atsync_adapters_bundled::bundled(name).unwrap();
    Arc::new(ComponentHost::new(options).unwrap().load(name, bytes).unwrap().vouched())
}

/// The component that a description is baked into, compiled once.
fn described(name: &str, description: &str) -> Arc<dyn Adapter> {
    let read = atsync_described::read(description).unwrap_or_else(|error| panic!("{error}"));
    atsync_described::validate(&read).unwrap_or_else(|mistakes| panic!("{mistakes:?}"));
    let baked = atsync_described::bake(atsync_adapters_bundled::DESCRIBED, &read.description);
    let mut options = HostOptions::default();
    options.cache_dir = Some(Path::new(env!("CARGO_TARGET_TMPDIR")).join("adapters"));
    let host = ComponentHost::new(options).unwrap();
    Arc::new(host.load(name, &baked.unwrap()).unwrap().vouched())
}

/// The smallest whole adapter, linked in.
fn plainlist() -> Arc<dyn Adapter> {
    Arc::new(NativeAdapter::of::<Plainlist>().unwrap())
}

fn http() -> Arc<dyn Transport> {
    Arc::new(HttpTransport::new(HttpOptions::default()).unwrap())
}

/// A token that a customer gave to a partner: Greenhouse lets none but partners register webhooks.
fn partner_token(sandbox: &Sandbox) -> Secret {
    let ask = |path: &str, form: &str| {
        // partner:secret
        let headers = [("authorization".to_owned(), "Basic cGFydG5lcjpzZWNyZXQ=".to_owned())];
        let body = form.as_bytes();
        let request = Request { method: "POST", path_and_query: path, headers: &headers, body };
        sandbox.handle(&request)
    };
    let verbs = ["list", "create", "update", "destroy"];
    let scopes = verbs.map(|verb| format!("harvest%3Awebhooks%3A{verb}")).join("+");
    let back = "https%3A%2F%2Fhost.example%2Fback";
    let consent = format!(
        "response_type=code&client_id=partner&redirect_uri={back}&scope={scopes}&state=x\
         &decision=allow&acts_as=service_account"
    );
    let redirect = ask("/authorize", &consent);
    let (_, code) = redirect.header("location").unwrap().split_once("code=").unwrap();
    let code = code.split('&').next().unwrap();
    let form = format!("grant_type=authorization_code&redirect_uri={back}&code={code}");
    Secret::new(ask("/token", &form).body_json()["access_token"].as_str().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn greenhouse_keeps_every_promise() {
    let back = "https://host.example/back";
    let options = SandboxOptions {
        partners: vec![PartnerClient::new("partner", "secret", back)],
        ..SandboxOptions::sized(1, 60)
    };
    let sandbox = Sandbox::start(options).await.unwrap();
    let base = sandbox.base_url().parse().unwrap();
    let text = include_str!("../../adapters/greenhouse/sandbox/src/stage.json");
    let mut script: Script = serde_json::from_str(text).unwrap();
    script.registrar = Some(Credential::Token(partner_token(sandbox.sandbox())));
    let stage = HttpStage::open(http(), base, Some(script)).await.unwrap();
    let report = test(bundled("greenhouse"), &stage, http(), &Options::default()).await.unwrap();
    assert_eq!(sandbox.sandbox().webhooks(), Vec::<serde_json::Value>::new());
    sandbox.shutdown().await;
    assert_clean(&report);
    for promise in [Promise::Signed, Promise::Registering, Promise::PageSize] {
        assert!(report.not_tried().all(|one| one.promise != promise), "{}", promise.word());
    }
    // Every other kind is compared with the sandbox's own rows.
    let untried: Vec<&str> = report
        .not_tried()
        .filter(|one| one.promise == Promise::Rows)
        .map(|one| one.subject.as_str())
        .collect();
    assert_eq!(untried, ["raw_webhooks", "attachments", "raw_bulk_requests"]);
    // The edits and writes of the suite fire webhooks of these.
    for kind in ["applications", "candidates", "jobs", "postings"] {
        let is_it = |one: &&Finding| one.promise == Promise::Signed && one.subject == kind;
        assert!(report.findings.iter().any(|one| is_it(&one)), "{kind}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_smallest_whole_adapter_keeps_every_promise() {
    let text = include_str!("../../examples/adapter-minimal/sandbox.yaml");
    let stage = Described::open(text).await.unwrap();
    let report = test(plainlist(), &stage, http(), &Options::default()).await.unwrap();
    assert_clean(&report);
    let untried: Vec<String> =
        report.not_tried().map(|one| format!("{} {}", one.promise.word(), one.subject)).collect();
    // Notes are listed under each candidate, and there is no list of all.
    assert!(untried.is_empty(), "{untried:?}");
}

/// A description over its sandbox of data.
async fn over_data(name: &str, description: &str, sandbox: &str) {
    let stage = Described::open(sandbox).await.unwrap();
    let report =
        test(described(name, description), &stage, http(), &Options::default()).await.unwrap();
    assert_clean(&report);
    let untried: Vec<&str> = report.not_tried().map(|one| one.promise.word()).collect();
    for promise in ["rows", "changes", "fetch", "writes", "probes", "permissions"] {
        assert!(!untried.contains(&promise), "{report}");
    }
}

/// An adapter that is one description, with its sandbox of data.
macro_rules! over_data {
    ($($law:ident: $name:literal),+ $(,)?) => {$(
        #[tokio::test(flavor = "multi_thread")]
        async fn $law() {
            let description =
                include_str!(concat!("../../adapters/described/", $name, ".yaml"));
            let sandbox =
                include_str!(concat!("../../adapters/described/", $name, ".sandbox.yaml"));
            over_data($name, description, sandbox).await;
        }
    )+};
}

over_data! {
    workable_described_keeps_every_promise: "workable",
    teamtailor_described_keeps_every_promise: "teamtailor",
    smartrecruiters_described_keeps_every_promise: "smartrecruiters",
    recruitee_described_keeps_every_promise: "recruitee",
}

fn assert_clean(report: &Report) {
    println!("{report}");
    assert!(report.is_clean(), "{} broken", report.broken().count());
}
