//! A panic as the author of an adapter sees it: its place in the error of the call, and its message
//! on request.
//!
//! Method: `tests/hostile/panicking` is a real adapter, compiled with the SDK the way a published
//! adapter is.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail like tests")]

mod adapter_support;

use adapter_support::{given, host, scan};
use atsync::internals::adapter::{Adapter, AdapterError, ComponentAdapter, Crash};
use atsync::{Error, ErrorKind};
use atsync_model::contract::{Reply, Response, Step, Task};
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

fn crash(adapter: &ComponentAdapter, kind: &str) -> Crash {
    let Task::Scan(scan) = scan() else { panic!("a scan is a scan") };
    let error = adapter
        .start(Task::Scan(atsync_model::contract::Scan { kind: kind.into(), ..scan }), given());
    match error {
        Err(AdapterError::Trap(crash)) => crash,
        other => panic!("{kind}: {other:?}"),
    }
}

#[test]
fn a_panic_of_a_guest_carries_its_message_and_its_place() {
    let adapter = panicking();
    let source = include_str!("../../tests/hostile/panicking/src/lib.rs");
    let line = source.lines().position(|line| line.ends_with("// named")).unwrap() + 1;
    let found = crash(&adapter, "text");
    let said = found.said().unwrap();
    assert!(said.starts_with(r#"the stage "Offer" is not known and never was ("#), "{said}");
    assert!(said.ends_with(&format!("src/lib.rs:{line}:23)")), "{said}");
    let says = |kind: &str, text: &str| crash(&adapter, kind).said().unwrap().contains(text);
    assert!(says("index", "index out of bounds: the len is 5 but the index is 5 ("));
    assert!(says("none", "`Option::unwrap()` on a `None` value ("));
    assert!(says("value", "a value that is no text ("));
    // The error that a host and the command line show: the place, and the text on request.
    let error = Error::from(AdapterError::Trap(found));
    assert_eq!(error.kind(), ErrorKind::Adapter);
    let shown = format!("{error} {error:?}");
    assert!(error.to_string().starts_with("the adapter crashed: it panicked at "), "{error}");
    assert!(
        shown.contains(&format!("src/lib.rs:{line}:23")) && !shown.contains("Offer"),
        "{shown}"
    );
    assert!(error.adapter_said().unwrap().contains("Offer"));
}

#[test]
fn a_panic_while_a_row_is_read_carries_its_message_and_its_place() {
    let adapter = panicking();
    let source = include_str!("../../tests/hostile/panicking/src/lib.rs");
    let line = source.lines().position(|line| line.ends_with("// in a row")).unwrap() + 1;
    let Task::Scan(scan) = scan() else { panic!("a scan is a scan") };
    let task = Task::Scan(atsync_model::contract::Scan { kind: "offices".into(), ..scan });
    let Ok(Step::Send(send)) = adapter.start(task, given()).unwrap() else { panic!("no request") };
    let body = r#"[{"id": 7}]"#.into();
    let reply = Reply::Response(Response { status: 200, headers: Vec::new(), body });
    match adapter.resume(send.state, given(), reply) {
        Err(AdapterError::Trap(crash)) => {
            let said = crash.said().unwrap();
            assert!(said.starts_with("the office 7 is closed ("), "{said}");
            assert!(said.contains(&format!("src/lib.rs:{line}:")), "{said}");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_panics_message_is_bounded_and_of_its_own_call() {
    let adapter = panicking();
    assert!(
        crash(&adapter, "long").said().unwrap().len()
            < atsync::internals::adapter::limits::NOTICE_BYTES_MAX + 100
    );
    let Task::Scan(scan) = scan() else { panic!("a scan is a scan") };
    assert!(
        adapter.start(Task::Scan(scan), given()).unwrap().is_err(),
        "the next call knows nothing of it"
    );
}
