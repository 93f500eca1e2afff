//! Hostile guests: each breaks one rule, and the host must name it and keep running.
//!
//! Method: the guests are in `tests/hostile`, one scenario per file, the body of `start` in
//! WebAssembly text. The test puts them into `frame.wat`, an otherwise honest adapter with the
//! contract's real types, and loads them like any component, so a refusal takes the path that a
//! compiled adapter takes. Lies that need well-formed data are tested natively, in
//! `adapter_check.rs`.

#![allow(clippy::disallowed_methods, reason = "tests use the disk, threads and tasks")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests fail like tests"
)]

mod adapter_support;
#[path = "adapter_support/frame.rs"]
mod frame;

use adapter_support::{given, host, jobs, minimal, scan};
use atsync::internals::adapter::{
    Adapter, AdapterError, ComponentAdapter, ComponentHost, HostOptions, LoadError, Metering,
};
use atsync_model::contract::{Reply, Response, Step};
use frame::{Guest, HONEST};
use std::time::Duration;

/// A host that ends a loop in less than two seconds.
fn impatient() -> ComponentHost {
    let mut options = HostOptions::default();
    options.limits.guest_time_max = Duration::from_millis(100);
    ComponentHost::new(options).unwrap()
}

fn load(guest: &Guest<'_>) -> Result<ComponentAdapter, LoadError> {
    impatient().load("hostile", &guest.component())
}

/// The fault of a guest with this `start`; the second call must give the same.
fn fault(start: &str) -> AdapterError {
    let adapter = load(&Guest { start, ..HONEST }).unwrap();
    let first = adapter.start(scan(), given()).unwrap_err();
    assert_eq!(adapter.start(scan(), given()).unwrap_err(), first);
    first
}

macro_rules! scenario {
    ($name:literal) => {
        include_str!(concat!("../../tests/hostile/", $name, ".wat"))
    };
}

#[track_caller]
fn is_limit(error: &AdapterError, words: &str) {
    assert!(matches!(error, AdapterError::Limit(text) if text.contains(words)), "{error:?}");
}

#[track_caller]
fn is_lie(error: &AdapterError, words: &str) {
    assert!(matches!(error, AdapterError::Contract(text) if text.contains(words)), "{error:?}");
}

#[track_caller]
fn is_refused(loaded: Result<ComponentAdapter, LoadError>, words: &str) {
    let text = loaded.unwrap_err().to_string();
    assert!(text.contains(words), "{text}");
    assert!(!text.contains('\n'), "more than one line: {text}");
}

#[test]
fn an_endless_loop_ends_after_its_time() {
    is_limit(&fault(scenario!("endless_loop")), "longer than a call may");
}

#[test]
fn an_endless_loop_ends_when_its_fuel_is_used_up() {
    let mut options = HostOptions::default();
    options.metering = Metering::Fuel(1_000_000);
    let component = Guest { start: scenario!("endless_loop"), ..HONEST }.component();
    let adapter = ComponentHost::new(options).unwrap().load("hostile", &component).unwrap();
    is_limit(&adapter.start(scan(), given()).unwrap_err(), "fuel");
}

#[test]
fn a_crash_is_distinguished_from_a_limit() {
    let error = fault(scenario!("trap"));
    assert!(
        matches!(&error, AdapterError::Trap(crash) if crash.to_string().contains("unreachable")),
        "{error:?}"
    );
}

#[test]
fn calls_cannot_go_deeper_than_the_stack() {
    is_limit(&fault(scenario!("deep_calls")), "stack");
}

#[test]
fn memory_is_bounded_at_once_and_in_small_steps() {
    is_limit(&fault(scenario!("memory_bomb")), "bytes of memory");
    is_limit(&fault(scenario!("memory_creep")), "bytes of memory");
}

#[test]
fn tables_are_bounded() {
    is_limit(&fault(scenario!("table_bomb")), "table elements");
}

#[test]
fn an_answer_is_not_copied_beyond_its_limit() {
    is_limit(&fault(scenario!("answer_of_48_mib")), "answer");
}

#[test]
fn an_answer_that_cannot_be_decoded_is_a_breach_of_the_contract() {
    is_lie(&fault(scenario!("answer_of_4_gib")), "out of bounds of memory");
    is_lie(&fault(scenario!("unknown_case")), "discriminant");
    is_lie(&fault(scenario!("not_utf8")), "utf-8");
    is_lie(&fault(scenario!("outside_pointer")), "");
    is_lie(&fault(scenario!("crooked_pointer")), "not aligned");
}

#[test]
fn a_decoded_answer_is_checked_against_the_contract() {
    is_lie(&fault(scenario!("empty_request")), "origin");
}

#[test]
fn a_lying_allocator_fails_only_its_own_call() {
    let adapter = load(&Guest { realloc: "(i32.const 0x7ffffff8)", ..HONEST }).unwrap();
    is_lie(&adapter.start(scan(), given()).unwrap_err(), "");
}

#[test]
fn no_call_sees_the_memory_of_another_call() {
    is_lie(&fault(scenario!("memory_of_last_call")), "origin");
}

#[test]
fn a_crash_affects_neither_the_next_call_nor_another_adapter() {
    let host = host();
    let hostile =
        host.load("hostile", &Guest { start: scenario!("trap"), ..HONEST }.component()).unwrap();
    let neighbour = host.load("minimal", minimal()).unwrap();
    for _ in 0..3 {
        hostile.start(scan(), given()).unwrap_err();
        assert!(neighbour.start(scan(), given()).unwrap().is_ok());
    }
}

#[test]
fn a_loop_delays_no_other_adapter() {
    let host = impatient();
    let hostile = host
        .load("hostile", &Guest { start: scenario!("endless_loop"), ..HONEST }.component())
        .unwrap();
    let neighbour = host.load("minimal", minimal()).unwrap();
    std::thread::scope(|scope| {
        let looping = scope.spawn(|| hostile.start(scan(), given()));
        assert!(neighbour.start(scan(), given()).unwrap().is_ok());
        is_limit(&looping.join().unwrap().unwrap_err(), "longer than a call may");
    });
}

#[test]
fn a_reply_too_large_for_an_adapter_is_not_passed_to_it() {
    let adapter = host().load("minimal", minimal()).unwrap();
    let body = vec![b' '; atsync::internals::adapter::limits::REPLY_BYTES_MAX + 1];
    let reply = Reply::Response(Response { status: 200, headers: Vec::new(), body });
    is_limit(&adapter.resume(Vec::new(), given(), reply).unwrap_err(), "reply");
    let Ok(Step::Send(send)) = adapter.start(scan(), given()).unwrap() else {
        panic!("no request")
    };
    assert!(adapter.resume(send.state, given(), jobs()).unwrap().is_ok());
}

#[test]
fn a_component_that_misbehaves_while_loading_is_refused() {
    is_refused(load(&Guest { pages: "2000", ..HONEST }), "bytes of memory");
    let more = "(func $forever (loop $again (br $again))) (start $forever)";
    is_refused(load(&Guest { more, ..HONEST }), "longer than a call may");
    let more = "(func $crash (unreachable)) (start $crash)";
    is_refused(load(&Guest { more, ..HONEST }), "crashed");
}

#[test]
fn a_component_with_a_wrong_manifest_is_refused() {
    is_refused(load(&Guest { manifest: "", ..HONEST }), "manifest");
    is_refused(load(&Guest { manifest: "[]", ..HONEST }), "manifest");
    let other = HONEST.manifest.replace("@0.1.0", "@9.0.0");
    is_refused(load(&Guest { manifest: &other, ..HONEST }), "ats:adapter@9.0.0");
}

#[test]
fn a_file_that_is_no_component_is_refused_in_one_line() {
    let load = |bytes: &[u8]| host().load("adapters/x.wasm", bytes);
    is_refused(load(b""), "adapters/x.wasm is no WebAssembly component: it is empty");
    is_refused(load(b"#!/bin/sh"), "no WebAssembly at all");
    is_refused(load(b"\0asm"), "ends after its first bytes");
    is_refused(load(&wat::parse_str("(module)").unwrap()), "core module");
    is_refused(load(b"\0asm\x02\0\0\0"), "another version");
    is_refused(load(b"\0asm\x0d\0\x01\0garbage"), "cannot be compiled");
    let half = &minimal()[..minimal().len() / 2];
    is_refused(load(half), "cannot be compiled");
    is_refused(
        load(&vec![0; atsync::internals::adapter::limits::COMPONENT_BYTES_MAX + 1]),
        "larger than",
    );
    is_refused(host().load_file("/nowhere/x.wasm".as_ref()), "/nowhere/x.wasm cannot be read");
}

#[test]
fn a_component_with_imports_is_refused_by_name() {
    let load = |text: &str| host().load("x.wasm", &wat::parse_str(text).unwrap());
    let wasi = r#"(component (import "wasi:filesystem/types@0.2.0" (instance)) (import "now" (func (result u64))))"#;
    is_refused(
        load(wasi),
        "x.wasm imports wasi:filesystem/types@0.2.0, now, which no adapter may have",
    );
}

#[test]
fn a_component_with_other_exports_is_refused() {
    let load = |text: &str| host().load("x.wasm", &wat::parse_str(text).unwrap());
    is_refused(load("(component)"), "does not export ats:adapter/adapter@0.1.0");
    let text = |exports: &str| {
        format!(
            r#"(component
                (core module $m (func (export "f") (result i32) (i32.const 1)))
                (core instance $i (instantiate $m))
                (func $f (result u32) (canon lift (core func $i "f")))
                (instance $a {exports})
                (export "ats:adapter/adapter@0.1.0" (instance $a)))"#
        )
    };
    is_refused(load(&text(r#"(export "describe" (func $f))"#)), "lacks the function start");
    let all =
        r#"(export "describe" (func $f)) (export "start" (func $f)) (export "resume" (func $f))"#;
    is_refused(load(&text(all)), "describe has other types");
}

/// A component that exports the contract in these versions, each with functions of wrong types.
fn of_versions(versions: &[&str]) -> Vec<u8> {
    let exports: String = versions
        .iter()
        .map(|version| format!(r#"(export "ats:adapter/adapter@{version}" (instance $a))"#))
        .collect();
    let text = format!(
        r#"(component
            (core module $m (func (export "f") (result i32) (unreachable)))
            (core instance $i (instantiate $m))
            (func $f (result u32) (canon lift (core func $i "f")))
            (instance $a (export "describe" (func $f))
                (export "start" (func $f)) (export "resume" (func $f)))
            {exports})"#
    );
    wat::parse_str(text).unwrap()
}

#[test]
fn a_component_for_another_version_of_the_contract_is_refused_before_it_runs() {
    let load = |versions: &[&str]| host().load("x.wasm", &of_versions(versions));
    for newer in ["0.1.1", "0.2.0", "1.0.0"] {
        let told = format!(
            "x.wasm is built against ats:adapter@{newer}, and this engine speaks \
             ats:adapter@0.1.0; use a newer engine"
        );
        is_refused(load(&[newer]), &told);
        assert!(matches!(load(&[newer]), Err(LoadError::Version { is_newer: true, .. })));
    }
    for other in ["0.0.9", "0.1.0-rc.1"] {
        is_refused(load(&[other]), &format!("against ats:adapter@{other}, and this engine"));
        is_refused(load(&[other]), "build the adapter again");
        assert!(matches!(load(&[other]), Err(LoadError::Version { is_newer: false, .. })));
    }
    // Of several, the one that this engine loads counts.
    is_refused(load(&["0.2.0", "0.1.0", "0.0.9"]), "describe has other types");
}

#[test]
fn features_that_no_adapter_needs_are_refused() {
    let load = |module: &str| {
        host()
            .load("x.wasm", &wat::parse_str(format!("(component (core module {module}))")).unwrap())
    };
    is_refused(load("(memory 1) (memory 1)"), "multiple memories");
    is_refused(load("(memory i64 1)"), "cannot be compiled");
    is_refused(load("(memory 1 1 shared)"), "cannot be compiled");
    is_refused(load("(func $f (return_call $f))"), "cannot be compiled");
}
