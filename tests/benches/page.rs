//! A page of 500 candidates through the Greenhouse adapter: the component against the same code
//! compiled natively.
//!
//! The goal is at most 1.3 times the native time. Both run the same checks, so the difference is
//! the cost of WebAssembly: the copy of the answer into the guest, the guest's code, the copy of
//! the items out of it. `engine/benches/adapter_call.rs` measures a call that does almost nothing.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "helpers of tests fail like tests"
)]
#![allow(missing_docs, reason = "the macros of criterion make functions without any")]

use atsync::internals::adapter::Adapter;
use atsync::model::contract::{Given, Outcome, Reply, Scan, Since, Step, Task};
use atsync_tests::company::Company;
use atsync_tests::{BEGIN_MS, native_greenhouse, wasm_greenhouse};
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use std::path::Path;
use std::sync::Arc;

fn given() -> Given {
    Given { now_ms: BEGIN_MS, settings: "{}".into(), tenant: None, mark: None, grant: None }
}

fn pages(criterion: &mut Criterion) {
    let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("adapters");
    let company = Company::new(600);
    let adapters = [("native", native_greenhouse()), ("component", wasm_greenhouse(&cache))];
    for kind in ["candidates", "applications"] {
        let task = Scan {
            kind: kind.into(),
            parent: None,
            since: Since::Everything,
            cursor: None,
            page_size: 500,
        };
        let Ok(Step::Send(send)) = adapters[0].1.start(Task::Scan(task), given()).unwrap() else {
            panic!("a scan begins with a request");
        };
        let response = company.get(&send.request);
        let mut group = criterion.benchmark_group(format!("page of 500 {kind}"));
        group.throughput(Throughput::Bytes(response.body.len() as u64));
        for (name, adapter) in &adapters {
            let read = |adapter: &Arc<dyn Adapter>, reply: Reply| match adapter
                .resume(send.state.clone(), given(), reply)
                .unwrap()
            {
                Ok(Step::Done(Outcome::Page(page))) => assert_eq!(page.items.len(), 500),
                _ => panic!("a page was expected"),
            };
            group.bench_function(*name, |bench| {
                bench.iter_batched(
                    || Reply::Response(response.clone()),
                    |reply| read(adapter, reply),
                    BatchSize::LargeInput,
                );
            });
        }
        group.finish();
    }
}

criterion_group!(benches, pages);
criterion_main!(benches);
