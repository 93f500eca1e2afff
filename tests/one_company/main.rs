//! One imagined company in three ATSs: their unified records compare equal.
//!
//! The sandboxes of Greenhouse, Lever and Ashby generate the same company from a seed, each in its
//! ATS's own shapes, and the real engine pulls all three. For each kind and each field that two
//! manifests declare, the records of the same person, job or reason must agree. What cannot agree
//! stands in [`differences::KNOWN`] with the reason; an entry that nothing needs fails the test.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test stops when something does not hold"
)]

mod declared;
mod differences;
mod view;

use atsync::internals::adapter::Adapter;
use atsync::{ConnectionOptions, Credential, Engine, MemoryStore, NativeAdapter, Secret};
use atsync_adapter::PureAdapter;
use atsync_ashby::Ashby;
use atsync_greenhouse::Greenhouse;
use atsync_lever::Lever;
use differences::{KNOWN, Known};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use view::{View, pulled};

const SEED: u64 = 11;
const CANDIDATES: usize = 40;
/// The company's present: 2026-11-24T10:00:00Z.
const NOW_MS: i64 = 1_795_514_400_000;

fn native<A: PureAdapter + Send + Sync + 'static>() -> Arc<dyn Adapter> {
    Arc::new(NativeAdapter::of::<A>().unwrap())
}

async fn view(
    adapter: Arc<dyn Adapter>,
    credential: Credential,
    origins: &[(&str, String)],
    settings: Value,
) -> View {
    let engine = Engine::builder().store(Arc::new(MemoryStore::default())).build().unwrap();
    let mut options = ConnectionOptions::new("acme", adapter, credential);
    for (name, base) in origins {
        options.origins.insert((*name).into(), base.clone());
    }
    options.allow_private_network = true;
    options.settings = settings.as_object().cloned().unwrap();
    let acme = engine.connect(options).await.unwrap();
    let view = pulled(&acme).await;
    acme.close().await;
    view
}

async fn greenhouse() -> View {
    use atsync_greenhouse_sandbox::{Sandbox, SandboxOptions};
    let mut options = SandboxOptions::sized(SEED, CANDIDATES);
    (options.company.now_ms, options.rate_limit) = (Some(NOW_MS), 1_000_000);
    let sandbox = Sandbox::start(options).await.unwrap();
    let credential = Credential::ClientCredentials {
        client_id: "sandbox".into(),
        client_secret: Secret::new("sandbox-secret"),
    };
    let base = sandbox.base_url();
    let view = view(
        native::<Greenhouse>(),
        credential,
        &[("api", base.to_owned()), ("auth", base.to_owned())],
        json!({}),
    )
    .await;
    sandbox.shutdown().await;
    view
}

async fn lever() -> View {
    use atsync_lever_sandbox::{Sandbox, SandboxOptions};
    let mut options = SandboxOptions::sized(SEED, CANDIDATES);
    (options.company.now_ms, options.rate_limit) = (Some(NOW_MS), 1_000_000);
    let sandbox = Sandbox::start(options).await.unwrap();
    let credential = Credential::Key(Secret::new("sandbox-key"));
    let api = format!("{}/v1", sandbox.base_url().trim_end_matches('/'));
    let settings = json!({"confidentiality": "all"});
    let view = view(native::<Lever>(), credential, &[("api", api)], settings).await;
    sandbox.shutdown().await;
    view
}

async fn ashby() -> View {
    use atsync_ashby_sandbox::{Sandbox, SandboxOptions};
    let mut options = SandboxOptions::sized(SEED, CANDIDATES);
    (options.company.now_ms, options.rate_limit) = (Some(NOW_MS), 1_000_000);
    let sandbox = Sandbox::start(options).await.unwrap();
    let credential = Credential::Key(Secret::new("sandbox-key"));
    let api = sandbox.base_url().trim_end_matches('/').to_owned();
    let view = view(native::<Ashby>(), credential, &[("api", api)], json!({})).await;
    sandbox.shutdown().await;
    view
}

#[tokio::test(flavor = "multi_thread")]
async fn unified_records_of_one_company_agree_wherever_two_manifests_declare_a_field() {
    let (greenhouse, lever, ashby) = tokio::join!(greenhouse(), lever(), ashby());
    let pairs = [
        (("greenhouse", &greenhouse), ("lever", &lever)),
        (("greenhouse", &greenhouse), ("ashby", &ashby)),
        (("ashby", &ashby), ("lever", &lever)),
    ];
    let mut met = BTreeSet::new();
    let mut wrong = Vec::new();
    let mut compared = BTreeMap::new();
    for ((left_name, left), (right_name, right)) in pairs {
        for difference in left.compare(right, &mut compared) {
            let is_known = |known: &&Known| known.covers(left_name, right_name, &difference);
            let known: Vec<&Known> = KNOWN.iter().filter(is_known).collect();
            if known.is_empty() {
                wrong.push(format!("{left_name}, {right_name}: {difference}"));
            }
            met.extend(known);
        }
    }
    for ((kind, field), values) in &compared {
        println!("{kind}.{field}: {values} pairs of values");
    }
    let unmet = KNOWN.iter().filter(|known| !met.contains(known));
    let unmet: Vec<String> = unmet.map(|known| format!("{known:?}")).collect();
    assert!(wrong.is_empty(), "{} differences:\n{}", wrong.len(), wrong.join("\n"));
    assert!(unmet.is_empty(), "entries that nothing needs:\n{}", unmet.join("\n"));
    let people = compared.get(&("candidates".to_owned(), "emails".to_owned()));
    assert!(people.is_some_and(|pairs| *pairs >= 2 * CANDIDATES), "{people:?}");
}
