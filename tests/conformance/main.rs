//! Every adapter of the project passes the one suite, as a component, against a sandbox of its ATS
//! over real HTTP.

use atsync::{
    Adapter, ComponentHost, HostOptions, HttpOptions, HttpTransport, NativeAdapter, Transport,
};
use atsync_adapter_minimal::Plainlist;
use atsync_conformance::{Described, HttpStage, Options, Report, test};
use atsync_greenhouse_sandbox::{Sandbox, SandboxOptions};
use std::path::Path;
use std::sync::Arc;

mod lever;
mod mutants;

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

#[tokio::test(flavor = "multi_thread")]
async fn greenhouse_keeps_every_promise() {
    let sandbox = Sandbox::start(SandboxOptions::sized(1, 60)).await.unwrap();
    let base = sandbox.base_url().parse().unwrap();
    let script =
        serde_json::from_str(include_str!("../../adapters/greenhouse/stage.json")).unwrap();
    let stage = HttpStage::open(http(), base, Some(script)).await.unwrap();
    let report = test(bundled("greenhouse"), &stage, http(), &Options::default()).await.unwrap();
    sandbox.shutdown().await;
    assert_clean(&report);
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

#[tokio::test(flavor = "multi_thread")]
async fn workable_described_keeps_every_promise_over_a_sandbox_of_data() {
    let adapter = described("workable", include_str!("../../adapters/described/workable.yaml"));
    let text = include_str!("../../adapters/described/workable.sandbox.yaml");
    let stage = Described::open(text).await.unwrap();
    let report = test(adapter, &stage, http(), &Options::default()).await.unwrap();
    assert_clean(&report);
    let untried: Vec<&str> = report.not_tried().map(|one| one.promise.word()).collect();
    for promise in ["rows", "changes", "fetch", "writes", "probes", "permissions"] {
        assert!(!untried.contains(&promise), "{report}");
    }
}

fn assert_clean(report: &Report) {
    println!("{report}");
    assert!(report.is_clean(), "{} broken", report.broken().count());
}
