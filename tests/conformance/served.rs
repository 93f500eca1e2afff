//! Lever, in Rust and as a description, and Ashby, each by the script that its sandbox serves.

use super::{assert_clean, bundled, described, http};
use atsync::Adapter;
use atsync_conformance::{HttpStage, Options, test};
use std::sync::Arc;

async fn keeps_every_promise(adapter: Arc<dyn Adapter>, base: &str) {
    let stage = HttpStage::open(http(), base.parse().unwrap(), None).await.unwrap();
    let report = test(adapter, &stage, http(), &Options::default()).await.unwrap();
    assert_clean(&report);
}

async fn lever(adapter: Arc<dyn Adapter>) {
    use atsync_lever_sandbox::{Sandbox, SandboxOptions};
    let sandbox = Sandbox::start(SandboxOptions::sized(1, 60)).await.unwrap();
    keeps_every_promise(adapter, &format!("{}/v1", sandbox.base_url())).await;
    sandbox.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lever_keeps_every_promise() {
    lever(bundled("lever")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lever_described_keeps_every_promise() {
    let text = include_str!("../../adapters/described/lever.yaml");
    lever(described("lever-described", text)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ashby_keeps_every_promise() {
    use atsync_ashby_sandbox::{Sandbox, SandboxOptions};
    let sandbox = Sandbox::start(SandboxOptions::sized(1, 60)).await.unwrap();
    keeps_every_promise(bundled("ashby"), &sandbox.base_url()).await;
    sandbox.shutdown().await;
}
