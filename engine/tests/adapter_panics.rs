//! What the author of an adapter sees of a panic: message and place, in the error of the call.
//!
//! Method: `tests/hostile/panicking` is a real adapter, compiled with the SDK in the way in which a published adapter is.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail like tests")]

mod adapter_support;

use adapter_support::{given, host, scan};
use atsync::adapter::{Adapter, AdapterError, ComponentAdapter};
use atsync::{Error, ErrorKind};
use atsync_model::contract::Task;
use std::path::Path;

fn panicking() -> ComponentAdapter {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let tmp = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let component = atsync_componentize::build_published(atsync_componentize::Published {
        package: "atsync-adapter-panicking",
        version: "0.1.0",
        source: Some(&workspace.join("tests/hostile/panicking")),
        patches: &[],
        lock: Some(&workspace.join("Cargo.lock")),
        directory: &tmp.join("panicking"),
        target_dir: &tmp.parent().unwrap().join("adapters"),
    });
    host().load("panicking", &component.unwrap()).unwrap()
}

fn crash(adapter: &ComponentAdapter, kind: &str) -> String {
    let Task::Scan(scan) = scan() else { panic!("a scan is a scan") };
    let error = adapter.start(Task::Scan(atsync_model::contract::Scan { kind: kind.into(), ..scan }), given());
    match error {
        Err(AdapterError::Trap(text)) => text,
        other => panic!("{kind}: {other:?}"),
    }
}

#[test]
fn a_panic_of_a_guest_carries_its_message_and_its_place() {
    let adapter = panicking();
    let source = include_str!("../../tests/hostile/panicking/src/lib.rs");
    let line = source.lines().position(|line| line.contains("the place that the test names")).unwrap() + 1;
    let text = crash(&adapter, "text");
    assert!(text.starts_with(r#"it panicked: the stage "Offer" is not known and never was ("#), "{text}");
    assert!(text.ends_with(&format!("src/lib.rs:{line}:23)")), "{text}");
    assert!(crash(&adapter, "index").contains("index out of bounds: the len is 5 but the index is 5 ("));
    assert!(crash(&adapter, "none").contains("`Option::unwrap()` on a `None` value ("));
    assert!(crash(&adapter, "value").contains("a value that is no text ("));
    // The error that a host and the command line show.
    let error = Error::from(AdapterError::Trap(text));
    assert_eq!(error.kind(), ErrorKind::Adapter);
    assert!(error.to_string().starts_with("the adapter crashed: it panicked: the stage"), "{error}");
}

#[test]
fn a_panics_message_is_bounded_and_of_its_own_call() {
    let adapter = panicking();
    assert!(crash(&adapter, "long").len() < atsync::adapter::limits::NOTICE_BYTES_MAX + 100);
    let Task::Scan(scan) = scan() else { panic!("a scan is a scan") };
    assert!(adapter.start(Task::Scan(scan), given()).unwrap().is_err(), "the next call knows nothing of it");
}
