//! Drives a future to its end although no caller waits for it.
//!
//! A refresh token is used up by the request that sends it, so the answer must reach the keeper
//! even if the caller that began the refresh was dropped. A flight is shared: each waiting caller
//! polls it. Where there is a tokio runtime, a task polls it too, so it ends without any caller.
//! Without one (a simulation) the next caller continues it. It is one of the two places where the
//! engine starts a task of its own accord.
//!
//! Bounds: one task for each source of tokens. Left out: a runtime that is shut down meanwhile; the
//! next process finds the old pair, and the source says what that means.

#![expect(clippy::disallowed_methods, reason = "a refresh must end without its caller")]

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};

/// Shares a future, and polls it in a task of the present runtime, if there is one.
pub(super) fn fly<T: Clone + Send + Sync + 'static>(
    future: BoxFuture<'static, T>,
) -> Shared<BoxFuture<'static, T>> {
    let flight = future.shared();
    if let Ok(runtime) = tokio::runtime::Handle::try_current() {
        drop(runtime.spawn(flight.clone().map(drop)));
    }
    flight
}
