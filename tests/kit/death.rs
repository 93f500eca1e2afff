//! The end of an engine: at a chosen point it stops for good, and everything it was doing is
//! dropped where it stood.
//!
//! Whoever kills (the wire at an exchange, the store at a commit) says so here and never answers
//! again; [`Death::or`] drops the work at once. So a death falls exactly where it was meant to,
//! whatever else was under way. Left out: what the disk keeps; that is the store's.

use std::future::Future;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;

/// Whether the engine is dead.
#[derive(Debug, Default)]
pub struct Death(AtomicBool);

impl Death {
    /// Kills the engine: nothing that it was doing is polled again.
    pub fn mark(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    /// Kills the engine; never comes back.
    pub async fn strike<T>(&self) -> T {
        self.mark();
        std::future::pending().await
    }

    /// Whether it has struck.
    pub fn has_struck(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }

    /// A new life.
    pub fn undo(&self) {
        self.0.store(false, Ordering::SeqCst);
    }

    /// The future's end, or none at death.
    pub async fn or<T>(&self, future: impl Future<Output = T>) -> Option<T> {
        let mut future = pin!(future);
        // Whoever strikes is polled below this future, so the death is seen in the same poll.
        std::future::poll_fn(|context| match future.as_mut().poll(context) {
            Poll::Ready(value) if !self.has_struck() => Poll::Ready(Some(value)),
            _ if self.has_struck() => Poll::Ready(None),
            _ => Poll::Pending,
        })
        .await
    }
}
