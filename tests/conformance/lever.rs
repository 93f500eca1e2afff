//! Lever, in Rust and as a description, by the script that its sandbox serves.

use super::{assert_clean, bundled, http};
use atsync::{Adapter, ComponentHost, HostOptions};
use atsync_conformance::{HttpStage, Options, test};
use atsync_lever_sandbox::{Sandbox, SandboxOptions};
use std::path::Path;
use std::sync::Arc;

/// `adapters/described/lever.yaml`, baked into the generic component.
fn described() -> Arc<dyn Adapter> {
    let read = atsync_described::read(include_str!("../../adapters/described/lever.yaml")).unwrap();
    atsync_described::validate(&read).unwrap();
    let generic = atsync_adapters_bundled::DESCRIBED;
    let component = atsync_described::bake(generic, &read.description).unwrap();
    let mut options = HostOptions::default();
    options.cache_dir = Some(Path::new(env!("CARGO_TARGET_TMPDIR")).join("adapters"));
    let host = ComponentHost::new(options).unwrap();
    Arc::new(host.load("lever-described", &component).unwrap().vouched())
}

async fn keeps_every_promise(adapter: Arc<dyn Adapter>) {
    let sandbox = Sandbox::start(SandboxOptions::sized(1, 60)).await.unwrap();
    let base = format!("{}/v1", sandbox.base_url()).parse().unwrap();
    let stage = HttpStage::open(http(), base, None).await.unwrap();
    let report = test(adapter, &stage, http(), &Options::default()).await.unwrap();
    sandbox.shutdown().await;
    assert_clean(&report);
}

#[tokio::test(flavor = "multi_thread")]
async fn lever_keeps_every_promise() {
    keeps_every_promise(bundled("lever")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lever_described_keeps_every_promise() {
    keeps_every_promise(described()).await;
}
