//! A clock for tests over real sockets: it goes as the machine's does, and tests set it ahead.

use crate::BEGIN_MS;
use atsync::{Clock, SystemClock};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use std::sync::Arc;
use tokio::sync::watch;

/// The machine's clock, from the kit's beginning on, set ahead by tests.
#[derive(Debug)]
pub struct SetClock {
    ahead_ms: watch::Sender<u64>,
    began_ms: u64,
}

impl SetClock {
    /// The clock at the kit's beginning.
    pub fn new() -> Arc<Self> {
        Arc::new(Self { ahead_ms: watch::Sender::new(0), began_ms: SystemClock.steady_ms() })
    }

    /// Sets it ahead.
    pub fn pass(&self, ms: u64) {
        self.ahead_ms.send_modify(|ahead_ms| *ahead_ms += ms);
    }
}

impl Clock for SetClock {
    fn now_ms(&self) -> u64 {
        BEGIN_MS + self.steady_ms()
    }

    fn steady_ms(&self) -> u64 {
        *self.ahead_ms.borrow() + (SystemClock.steady_ms() - self.began_ms)
    }

    fn sleep(&self, wait_ms: u64) -> BoxFuture<'_, ()> {
        let mut ahead_ms = self.ahead_ms.subscribe();
        let until_ms = self.steady_ms() + wait_ms;
        async move {
            while let Some(left_ms) = until_ms.checked_sub(self.steady_ms()).filter(|ms| *ms > 0) {
                tokio::select! {
                    () = SystemClock.sleep(left_ms) => {}
                    changed = ahead_ms.changed() => changed.unwrap(),
                }
            }
        }
        .boxed()
    }
}
