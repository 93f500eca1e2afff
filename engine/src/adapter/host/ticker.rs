//! The clock of guests: a thread that advances the engine's epoch while a guest runs, and sleeps
//! when none does.
//!
//! Compiled guests compare the epoch with their deadline at every loop and call, which costs next
//! to nothing and interrupts anything. After the last call the thread lingers for a moment before
//! it parks, so that a busy process does not wake it for every call; a parked thread costs no
//! wake-ups at all. This is the engine's only use of real time outside [`crate::clock`]: a guest
//! that loops does not wait for a simulated clock. Deterministic runs count fuel instead and have
//! no ticker.

#![expect(clippy::disallowed_methods, reason = "owns the thread that counts epochs")]

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;
use wasmtime::Engine;

/// The precision of a deadline. Arbitrary; coarse enough to be free.
const TICK: Duration = Duration::from_millis(50);

/// Ticks without a running guest before the thread parks: half a second.
const LINGER_TICKS: u32 = 10;

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    running: usize,
    parked: bool,
    closed: bool,
}

impl Shared {
    /// A panic while the lock was held would leave counters that are still counters.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Owns the thread; it ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Ticker {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

/// A guest is running for as long as this lives.
#[derive(Debug)]
pub(crate) struct Running<'a>(&'a Shared);

impl Ticker {
    pub(crate) fn start(engine: Engine) -> std::io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let own = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("atsync-guest-clock".to_owned())
            .spawn(move || tick(&own, &engine))?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// How many ticks a span takes, one more than it fills, since the first may come at once.
    pub(crate) fn ticks(span: Duration) -> u64 {
        u64::try_from(span.as_millis() / TICK.as_millis()).unwrap_or(u64::MAX).saturating_add(1)
    }

    pub(crate) fn run(&self) -> Running<'_> {
        let mut state = self.shared.lock();
        state.running = state.running.saturating_add(1);
        if state.parked {
            state.parked = false;
            self.shared.changed.notify_all();
        }
        drop(state);
        Running(&self.shared)
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.running = state.running.saturating_sub(1);
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.shared.lock().closed = true;
        self.shared.changed.notify_all();
        if let Some(thread) = self.thread.take() {
            // The thread cannot have panicked over anything that matters: it only counts.
            drop(thread.join());
        }
    }
}

fn tick(shared: &Shared, engine: &Engine) {
    let mut idle_ticks = 0_u32;
    let mut state = shared.lock();
    while !state.closed {
        idle_ticks = if state.running > 0 { 0 } else { idle_ticks.saturating_add(1) };
        if idle_ticks > LINGER_TICKS {
            state.parked = true;
            while state.parked && !state.closed {
                state = shared.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
            idle_ticks = 0;
            continue;
        }
        state = shared.changed.wait_timeout(state, TICK).unwrap_or_else(PoisonError::into_inner).0;
        engine.increment_epoch();
    }
}
