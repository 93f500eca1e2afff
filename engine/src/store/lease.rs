//! The lease on a connection: the right to write for it, and its end.
//!
//! Several processes may share a store; at most one writes for a connection. It claims the
//! connection's lease and gets a [`Guard`] with a fence, a number that rises with every claim. Each
//! write carries the guard, and a store refuses one whose fence is not the granted one
//! ([`StoreError::LeaseLost`]): a process that was paused past the end of its lease cannot
//! overwrite its successor's rows.
//!
//! The ATS cannot compare a fence. So an intent is opened only while the lease outlives the request
//! ([`Guard::outlives`]): by the time another process may claim the connection, the request has
//! ended, and its intent is in the store.
//!
//! A store that one process holds, as a file or memory, grants [`Guard::sole`] to every claim:
//! fence 1, no end. A store of several processes renews the leases that it granted: it moves their
//! end ([`Until`]), which all clones of a guard share. Left out: claiming and renewing leases.

use super::StoreError;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The fence of a store that one process holds.
const SOLE_FENCE: u64 = 1;

/// The largest difference between the clocks of the lease's store and of this process, plus the
/// time between this check and the request's departure. Arbitrary, above what either should be.
const SKEW_MS: u64 = 5_000;

/// The end of a lease in the steady time of this process, shared by those who hold the lease and
/// the one who renews it.
#[derive(Clone, Debug)]
pub struct Until(Arc<AtomicU64>);

impl Until {
    /// An end at a time.
    pub fn at(until_ms: u64) -> Self {
        Self(Arc::new(AtomicU64::new(until_ms)))
    }

    /// Moves the end; 0 when the lease is lost.
    pub fn move_to(&self, until_ms: u64) {
        self.0.store(until_ms, Ordering::Release);
    }

    /// The end.
    pub fn ms(&self) -> u64 {
        self.0.load(Ordering::Acquire)
    }

    /// Whether no guard shares it any more.
    pub fn is_alone(&self) -> bool {
        Arc::strong_count(&self.0) == 1
    }
}

/// The right to write for one connection.
#[derive(Clone, Debug)]
pub struct Guard {
    connection: String,
    fence: u64,
    until: Option<Until>,
}

/// Two guards are the same right where connection and fence are the same; the end moves.
impl PartialEq for Guard {
    fn eq(&self, other: &Self) -> bool {
        self.connection == other.connection && self.fence == other.fence
    }
}

impl Eq for Guard {}

impl Guard {
    /// A lease that was granted with this fence. `until_ms` is its end in the steady time of this
    /// process; none: it has no end.
    pub fn new(connection: &str, fence: u64, until_ms: Option<u64>) -> Self {
        Self { connection: connection.to_owned(), fence, until: until_ms.map(Until::at) }
    }

    /// A lease whose end moves when it is renewed.
    pub fn renewed(connection: &str, fence: u64, until: Until) -> Self {
        Self { connection: connection.to_owned(), fence, until: Some(until) }
    }

    /// The lease of a connection in a store that one process holds.
    pub fn sole(connection: &str) -> Self {
        Self::new(connection, SOLE_FENCE, None)
    }

    /// The connection.
    pub fn connection(&self) -> &str {
        &self.connection
    }

    /// The number that this claim was granted.
    pub fn fence(&self) -> u64 {
        self.fence
    }

    /// Whether a request that begins at `now_ms` of the steady time and takes at most `timeout_ms`
    /// ends before the lease does.
    pub fn outlives(&self, now_ms: u64, timeout_ms: u64) -> bool {
        let ends_ms = now_ms.saturating_add(timeout_ms).saturating_add(SKEW_MS);
        self.until.as_ref().is_none_or(|until| ends_ms < until.ms())
    }

    /// Whether this is the guard of a store that one process holds.
    ///
    /// # Errors
    /// [`StoreError::LeaseLost`] when it is not.
    pub(super) fn held_alone(&self) -> Result<(), StoreError> {
        if self.fence == SOLE_FENCE {
            return Ok(());
        }
        Err(StoreError::LeaseLost { connection: self.connection.clone(), fence: self.fence })
    }
}

#[cfg(test)]
mod tests {
    use super::{Guard, SKEW_MS, Until};

    #[test]
    fn a_lease_outlives_a_request_only_with_its_time_out_and_the_skew_to_spare() {
        let guard = |until_ms| Guard::new("acme", 7, Some(until_ms));
        for (until_ms, outlives) in [
            (0, false),
            (1_000, false),
            (61_000, false),
            (61_000 + SKEW_MS, false),
            (61_001 + SKEW_MS, true),
            (u64::MAX, true),
        ] {
            assert_eq!(guard(until_ms).outlives(1_000, 60_000), outlives, "{until_ms}");
        }
        assert!(!guard(u64::MAX).outlives(u64::MAX, 1), "time does not overflow into the past");
    }

    #[test]
    fn every_clone_of_a_guard_sees_that_its_lease_was_renewed_or_lost() {
        let until = Until::at(10_000);
        let guard = Guard::renewed("acme", 7, until.clone());
        let clone = guard.clone();
        assert!(!clone.outlives(10_000, 1_000));
        until.move_to(30_000);
        assert!(clone.outlives(10_000, 1_000));
        until.move_to(0);
        assert!(!clone.outlives(1, 1) && !until.is_alone());
        drop((guard, clone));
        assert!(until.is_alone());
    }

    #[test]
    fn a_lease_without_an_end_outlives_every_request() {
        assert!(Guard::sole("acme").outlives(u64::MAX, u64::MAX));
    }

    #[test]
    fn a_store_that_one_process_holds_knows_one_fence() {
        assert!(Guard::sole("acme").held_alone().is_ok());
        for fence in [0, 2, u64::MAX] {
            assert!(Guard::new("acme", fence, None).held_alone().is_err(), "{fence}");
        }
    }
}
