//! The shared parts of the tests of the adapter runtime: the minimal adapter as a component, and
//! hostile ones made of a few lines of WebAssembly text.

#![allow(dead_code, reason = "each test binary uses a part")]

use atsync::internals::adapter::{ComponentHost, HostOptions};
use atsync_model::contract::{Given, Reply, Response, Scan, Since, Task};
use std::path::Path;
use std::sync::OnceLock;

/// The minimal adapter, built from source once per test binary. Later builds find it in Cargo's
/// cache.
pub(crate) fn minimal() -> &'static [u8] {
    static COMPONENT: OnceLock<Vec<u8>> = OnceLock::new();
    COMPONENT.get_or_init(|| {
        let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap().join("adapters");
        atsync_componentize::build(atsync_componentize::Order {
            package: "atsync-adapter-minimal",
            workspace,
            target_dir: &target,
        })
        .unwrap()
    })
}

/// Builds a component from the text of a core module that lacks the contract's types.
pub(crate) fn from_text(text: &str) -> Vec<u8> {
    let core = wat::parse_str(text).unwrap();
    let described = atsync_componentize::describe(&core).unwrap();
    atsync_componentize::wrap(&described).unwrap()
}

pub(crate) fn host() -> ComponentHost {
    ComponentHost::new(HostOptions::default()).unwrap()
}

pub(crate) fn given() -> Given {
    Given {
        now_ms: 1_778_507_624_000,
        settings: "{}".into(),
        tenant: None,
        mark: None,
        grant: None,
    }
}

pub(crate) fn scan() -> Task {
    Task::Scan(Scan {
        kind: "jobs".into(),
        parent: None,
        since: Since::Everything,
        cursor: None,
        page_size: 100,
    })
}

pub(crate) fn jobs() -> Reply {
    let body = r#"{"jobs": [{"id": 7, "title": "Baker", "status": "live", "updated_at": "2026-05-11T13:53:44Z"}]}"#;
    Reply::Response(Response { status: 200, headers: Vec::new(), body: body.into() })
}
