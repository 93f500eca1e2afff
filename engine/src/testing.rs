//! For tests of hosts and of the engine itself (feature `testing`): a clock that advances only when
//! nothing else can run, seeded randomness, a scripted transport, and a disk that can lose power.
//!
//! [`ManualClock::drive`] polls one future (join several into it) and, whenever nothing can run,
//! sets the clock to the end of the next sleep. It needs no runtime and no real time, and each run
//! has the same order. The driven future must contain everything that is awaited, as it does with
//! the store in memory and a transport without a socket.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::new_ret_no_self,
    reason = "a test tool stops the test when it is misused"
)]

mod disk;

/// The digest of a changing request in the journal.
pub fn digest(request: &atsync_model::contract::Request) -> String {
    crate::reconcile::digest(request)
}

pub use disk::Disk;

use crate::clock::Clock;
use crate::entropy::Entropy;
use crate::transport::{Delivery, NotSent, Transport, WireRequest};
use atsync_model::contract::{Field, Response};
use futures_util::future::BoxFuture;
use std::collections::BTreeMap;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};

/// A clock that is set by hand, or by [`ManualClock::drive`].
#[derive(Debug, Default)]
pub struct ManualClock {
    steady_ms: AtomicU64,
    /// Wall time less steady time.
    offset_ms: AtomicI64,
    sleepers: Mutex<BTreeMap<(u64, u64), Waker>>,
    sleeps: AtomicU64,
}

impl ManualClock {
    /// A clock that shows this time.
    pub fn at(now_ms: u64) -> Arc<Self> {
        Arc::new(Self { offset_ms: AtomicI64::new(signed(now_ms)), ..Self::default() })
    }

    /// Advances both clocks until the wall clock shows this, and wakes the sleepers that are due.
    /// For a time in the past it sets the wall clock back, and no time passes.
    pub fn set(&self, now_ms: u64) {
        match now_ms.checked_sub(self.now_ms()) {
            Some(passed_ms) => self.pass_to(self.steady_ms() + passed_ms),
            None => self.jump(signed(now_ms) - signed(self.now_ms())),
        }
    }

    /// Sets the wall clock ahead, or back where `by_ms` is below nought. No time passes.
    pub fn jump(&self, by_ms: i64) {
        self.offset_ms.fetch_add(by_ms, Ordering::SeqCst);
    }

    fn pass_to(&self, steady_ms: u64) {
        self.steady_ms.store(steady_ms, Ordering::SeqCst);
        let mut sleepers = self.sleepers.lock().unwrap();
        let later = sleepers.split_off(&(steady_ms + 1, 0));
        let due = std::mem::replace(&mut *sleepers, later);
        drop(sleepers);
        due.into_values().for_each(Waker::wake);
    }

    /// Runs a future to its end, and advances the time whenever nothing else can run.
    pub fn drive<T>(&self, future: impl Future<Output = T>) -> T {
        let flag = Arc::new(Flag(AtomicBool::new(true)));
        let waker = Waker::from(Arc::clone(&flag));
        let mut future = pin!(future);
        loop {
            while flag.0.swap(false, Ordering::SeqCst) {
                if let Poll::Ready(value) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
                    return value;
                }
            }
            let next = self.sleepers.lock().unwrap().keys().next().map(|(due_ms, _)| *due_ms);
            self.pass_to(
                next.expect("nothing can happen any more: everybody waits and nobody sleeps"),
            );
        }
    }
}

fn signed(ms: u64) -> i64 {
    i64::try_from(ms).unwrap()
}

struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}

struct Sleep<'a> {
    clock: &'a ManualClock,
    key: (u64, u64),
}

impl Future for Sleep<'_> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.clock.steady_ms() >= self.key.0 {
            return Poll::Ready(());
        }
        self.clock.sleepers.lock().unwrap().insert(self.key, context.waker().clone());
        Poll::Pending
    }
}

impl Drop for Sleep<'_> {
    fn drop(&mut self) {
        self.clock.sleepers.lock().unwrap().remove(&self.key);
    }
}

impl Clock for ManualClock {
    fn now_ms(&self) -> u64 {
        self.steady_ms().saturating_add_signed(self.offset_ms.load(Ordering::SeqCst))
    }

    fn steady_ms(&self) -> u64 {
        self.steady_ms.load(Ordering::SeqCst)
    }

    fn sleep(&self, wait_ms: u64) -> BoxFuture<'_, ()> {
        let key = (self.steady_ms() + wait_ms, self.sleeps.fetch_add(1, Ordering::SeqCst));
        Box::pin(Sleep { clock: self, key })
    }
}

/// Randomness from a seed (xorshift).
#[derive(Debug)]
pub struct SeededEntropy(Mutex<u64>);

impl SeededEntropy {
    /// Prints the seed, so that a failing run can be run again.
    pub fn new(seed: u64) -> Arc<Self> {
        println!("seed {seed:#x}");
        Arc::new(Self(Mutex::new(seed.max(1))))
    }
}

impl Entropy for SeededEntropy {
    fn fill(&self, buffer: &mut [u8]) {
        let mut state = self.0.lock().unwrap();
        for byte in buffer {
            *state ^= *state << 13;
            *state ^= *state >> 7;
            *state ^= *state << 17;
            *byte = state.to_le_bytes()[3];
        }
    }
}

/// The latency and outcome of a scripted request.
pub fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> Delivery {
    let headers = headers
        .iter()
        .map(|(name, value)| Field { name: (*name).to_owned(), value: (*value).to_owned() })
        .collect();
    Delivery::Answered(Response { status, headers, body: body.as_bytes().to_vec() })
}

type Script = dyn Fn(usize, &WireRequest) -> (u64, Delivery) + Send + Sync;

/// A transport that calls a closure with the number of the request and the request; it returns
/// latency and outcome.
pub struct Scripted {
    clock: Arc<ManualClock>,
    script: Box<Script>,
    seen: Mutex<Vec<WireRequest>>,
}

impl std::fmt::Debug for Scripted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Scripted")
    }
}

impl Scripted {
    /// A transport over a script.
    pub fn new(
        clock: &Arc<ManualClock>,
        script: impl Fn(usize, &WireRequest) -> (u64, Delivery) + Send + Sync + 'static,
    ) -> Arc<Self> {
        Arc::new(Self {
            clock: Arc::clone(clock),
            script: Box::new(script),
            seen: Mutex::default(),
        })
    }

    /// How many requests went to a path.
    pub fn count(&self, path: &str) -> usize {
        self.seen.lock().unwrap().iter().filter(|request| request.url.path() == path).count()
    }

    /// Reads the received requests.
    pub fn seen<T>(&self, look: impl FnOnce(&[WireRequest]) -> T) -> T {
        look(&self.seen.lock().unwrap())
    }
}

impl Transport for Scripted {
    fn exchange(&self, request: WireRequest) -> BoxFuture<'_, Delivery> {
        let mut seen = self.seen.lock().unwrap();
        let (latency_ms, delivery) = (self.script)(seen.len(), &request);
        seen.push(request);
        drop(seen);
        Box::pin(async move {
            self.clock.sleep(latency_ms).await;
            delivery
        })
    }
}

/// A header's value of a request.
pub fn header<'a>(request: &'a WireRequest, name: &str) -> Option<&'a str> {
    request.headers.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
}

/// The outcome of a request that never left.
pub fn unreachable() -> Delivery {
    Delivery::NotSent(NotSent::Unreachable("scripted".to_owned()))
}
