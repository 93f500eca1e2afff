//! What a call of an adapter costs: a fresh instance with next to nothing to do, and loading with
//! and without the cache.
//!
//! The goal is 25 µs for the call. What the same code costs compiled natively, and a page of 500
//! candidates through the Greenhouse component, is measured where the adapters' crates are at hand:
//! the engine depends on none of them, not even for tests.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests fail like tests"
)]

use atsync::internals::adapter::{Adapter, ComponentHost, HostOptions, Metering, limits};
use criterion::{Criterion, criterion_group, criterion_main};
use std::hint::black_box;

#[path = "../tests/adapter_support/mod.rs"]
mod adapter_support;
use adapter_support::{given, jobs, minimal, scan};

fn host(metering: Metering) -> ComponentHost {
    let mut options = HostOptions::default();
    options.metering = metering;
    ComponentHost::new(options).unwrap()
}

fn calls(criterion: &mut Criterion) {
    let timed = host(Metering::Epochs).load("minimal", minimal()).unwrap();
    let fuelled = host(Metering::Fuel(limits::FUEL_MAX)).load("minimal", minimal()).unwrap();
    let state = br#"{"page":1,"page_size":100}"#.to_vec();
    let adapters = [("epochs", &timed), ("fuel", &fuelled)];
    for (name, adapter) in adapters {
        criterion.bench_function(&format!("start/{name}"), |bench| {
            bench.iter(|| black_box(adapter.start(scan(), given())).unwrap());
        });
        criterion.bench_function(&format!("resume/{name}"), |bench| {
            bench.iter(|| black_box(adapter.resume(state.clone(), given(), jobs())).unwrap());
        });
    }
}

fn loads(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("load");
    group.sample_size(10);
    group.bench_function("compiled", |bench| {
        bench.iter(|| host(Metering::Epochs).load("minimal", minimal()).unwrap());
    });
    let directory = tempfile::tempdir().unwrap();
    let mut options = HostOptions::default();
    options.cache_dir = Some(directory.path().join("compiled"));
    group.bench_function("cached", |bench| {
        bench.iter(|| {
            ComponentHost::new(options.clone()).unwrap().load("minimal", minimal()).unwrap()
        });
    });
    group.finish();
}

criterion_group!(benches, calls, loads);
criterion_main!(benches);
