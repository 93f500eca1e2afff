//! The end of an engine: at a chosen point it stops for good, and everything under way is dropped
//! there.
//!
//! The part that kills (the wire at an exchange, the store at a commit) calls this and never
//! returns; [`Death::or`] drops the work at once. So a death falls exactly on the chosen point,
//! whatever else is under way. Left out: what the disk keeps; that is the store's.

use std::future::Future;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;

/// Whether the engine is dead.
#[derive(Debug, Default)]
pub struct Death(AtomicBool);

impl Death {
    /// Kills the engine: none of its futures is polled again.
    pub fn mark(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    /// Kills the engine; never returns.
    pub async fn strike<T>(&self) -> T {
        self.mark();
        std::future::pending().await
    }

    /// Whether the engine was killed.
    pub fn has_struck(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }

    /// Starts a new life.
    pub fn undo(&self) {
        self.0.store(false, Ordering::SeqCst);
    }

    /// Runs a future to its end; returns none if the engine dies.
    pub async fn or<T>(&self, future: impl Future<Output = T>) -> Option<T> {
        let mut future = pin!(future);
        // The killing part is polled below this future, so the death is seen in the same poll.
        std::future::poll_fn(|context| match future.as_mut().poll(context) {
            Poll::Ready(value) if !self.has_struck() => Poll::Ready(Some(value)),
            _ if self.has_struck() => Poll::Ready(None),
            _ => Poll::Pending,
        })
        .await
    }
}
