//! Loading the minimal adapter as a component and calling it.

#![allow(clippy::disallowed_methods, reason = "tests use the disk, threads and tasks")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests fail like tests"
)]

mod adapter_support;

use adapter_support::{given, host, jobs, minimal, scan};
use atsync::internals::adapter::{Adapter, ComponentHost, HostOptions, Metering};
use atsync_model::contract::{Outcome, Step};

#[test]
fn a_component_answers_as_its_source_says() {
    let adapter = host().load("minimal", minimal()).unwrap();
    assert_eq!(adapter.manifest().name, "plainlist");
    let Ok(Step::Send(send)) = adapter.start(scan(), given()).unwrap() else {
        panic!("no request")
    };
    assert_eq!(send.request.method, "GET");
    let Ok(Step::Done(Outcome::Page(page))) = adapter.resume(send.state, given(), jobs()).unwrap()
    else {
        panic!("no page")
    };
    assert_eq!(page.items[0].id, "7");
    assert!(page.complete);
}

#[test]
fn a_file_is_loaded_like_bytes() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("minimal.wasm");
    std::fs::write(&path, minimal()).unwrap();
    assert_eq!(host().load_file(&path).unwrap().manifest().name, "plainlist");
}

#[test]
fn metered_by_fuel_the_answer_is_the_same() {
    let mut options = HostOptions::default();
    options.metering = Metering::Fuel(atsync::internals::adapter::limits::FUEL_MAX);
    let adapter = ComponentHost::new(options).unwrap().load("minimal", minimal()).unwrap();
    let timed = host().load("minimal", minimal()).unwrap();
    assert_eq!(adapter.start(scan(), given()), timed.start(scan(), given()));
}

#[test]
fn a_second_start_finds_the_compiled_code() {
    let directory = tempfile::tempdir().unwrap();
    let mut options = HostOptions::default();
    options.cache_dir = Some(directory.path().join("compiled"));
    let first = ComponentHost::new(options.clone()).unwrap();
    first.load("minimal", minimal()).unwrap();
    assert_eq!((first.cache_use().hits, first.cache_use().misses), (0, 1));
    let second = ComponentHost::new(options).unwrap();
    second.load("minimal", minimal()).unwrap();
    assert_eq!((second.cache_use().hits, second.cache_use().misses), (1, 0));
}
