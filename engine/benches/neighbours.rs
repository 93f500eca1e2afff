//! What hostile callers cost a neighbour: the calls of a good adapter, alone and beside many calls
//! that never end by themselves.
//!
//! A round is a page: `start` and `resume` of the minimal adapter, [`CALLS`] times. The bar (threat
//! model): beside 16 callers of one hostile component a round takes at most twice as long as alone.
//! Measure on a machine that does nothing else.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a measurement stops when something is wrong, prints what it measured, and owns the \
        time"
)]

#[path = "../tests/adapter_support/mod.rs"]
mod adapter_support;
#[path = "../../tests/benches/parts/figures.rs"]
mod figures;
#[path = "../tests/adapter_support/frame.rs"]
mod frame;

use adapter_support::{given, jobs, minimal, scan};
use atsync::internals::adapter::{Adapter, ComponentAdapter, ComponentHost, HostOptions};
use atsync_model::contract::Step;
use figures::figure;
use frame::{Guest, HONEST};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

const CALLS: u32 = 5_000;
const ROUNDS: usize = 5;

/// An adapter whose `start` never ends.
fn hostile() -> Vec<u8> {
    let start = include_str!("../../tests/hostile/endless_loop.wat");
    Guest { start, ..HONEST }.component()
}

/// The quickest of some rounds, and the slowest page of all.
fn round(good: &ComponentAdapter) -> (Duration, Duration) {
    let (mut quickest, mut slowest) = (Duration::MAX, Duration::ZERO);
    for _ in 0..ROUNDS {
        let began = Instant::now();
        for _ in 0..CALLS {
            let page = Instant::now();
            let Ok(Ok(Step::Send(send))) = good.start(scan(), given()) else {
                panic!("it asks for a page")
            };
            good.resume(send.state, given(), jobs()).unwrap().unwrap();
            slowest = slowest.max(page.elapsed());
        }
        quickest = quickest.min(began.elapsed());
    }
    (quickest, slowest)
}

fn main() {
    let host = ComponentHost::new(HostOptions::default()).unwrap();
    let hostile = host.load("hostile", &hostile()).unwrap();
    let good = host.load("minimal", minimal()).unwrap();
    let (alone, slowest) = round(&good);
    println!("alone: {CALLS} pages in {alone:?}, the slowest in {slowest:?}");
    for callers in [1, 16, 64] {
        let stop = AtomicBool::new(false);
        std::thread::scope(|scope| {
            for _ in 0..callers {
                scope.spawn(|| {
                    while !stop.load(Ordering::Relaxed) {
                        drop(hostile.start(scan(), given()));
                    }
                });
            }
            let (beside, slowest) = round(&good);
            let times = beside.as_secs_f64() / alone.as_secs_f64();
            println!(
                "beside {callers} hostile callers: {beside:?}, {times:.2} times; the slowest page \
                 in {slowest:?}"
            );
            figure("neighbours.times", times, &format!("{callers} hostile"));
            stop.store(true, Ordering::Relaxed);
        });
    }
}
