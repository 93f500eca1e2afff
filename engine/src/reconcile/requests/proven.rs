//! Checks whose credential it is, just before a request leaves with it.
//!
//! A credential can be replaced while a request waits for its turn, or while it is under way and is
//! refused and then repeated. So a task that was begun with one customer's credential asks again
//! for each request, repeats included. What asks the ATS itself is [`super::tenant`].

use crate::transport::{Gate, NotSent};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use std::sync::atomic::{AtomicU64, Ordering};

/// The credential whose customer is known to be the store's.
#[derive(Debug)]
pub(super) struct Proven {
    /// The adapter can tell customers apart.
    describes_tenant: bool,
    /// One more than the number of the last credential that was proven; 0 before.
    last: AtomicU64,
}

impl Proven {
    pub(super) fn new(describes_tenant: bool) -> Self {
        Self { describes_tenant, last: AtomicU64::new(0) }
    }

    /// Whether records may be read and written with the credential of this number.
    pub(super) fn covers(&self, credential: u64) -> bool {
        !self.describes_tenant || self.last.load(Ordering::SeqCst) == credential.saturating_add(1)
    }

    /// Records that this credential belongs to the store's customer.
    pub(super) fn prove(&self, credential: u64) {
        self.last.fetch_max(credential.saturating_add(1), Ordering::SeqCst);
    }
}

/// The question about a request that reads records: does its credential belong to the customer of
/// the store?
pub(super) struct TenantGate<'a>(pub(super) &'a Proven);

impl Gate for TenantGate<'_> {
    fn ask(&self, credential: u64) -> BoxFuture<'_, Result<(), NotSent>> {
        let is_proven = self.0.covers(credential);
        std::future::ready(is_proven.then_some(()).ok_or(NotSent::Replaced)).boxed()
    }
}

/// The question about a request that asks which customer a credential belongs to: does it leave
/// with that very one?
pub(super) struct WithCredential(pub(super) u64);

impl Gate for WithCredential {
    fn ask(&self, credential: u64) -> BoxFuture<'_, Result<(), NotSent>> {
        let is_it = credential == self.0;
        std::future::ready(is_it.then_some(()).ok_or(NotSent::Replaced)).boxed()
    }
}

#[cfg(test)]
mod tests {
    use super::Proven;

    #[test]
    fn only_the_newest_credential_that_was_proven_may_be_used() {
        let proven = Proven::new(true);
        assert!(!proven.covers(0));
        proven.prove(0);
        assert!(proven.covers(0) && !proven.covers(1));
        proven.prove(1);
        assert!(!proven.covers(0) && proven.covers(1));
        // A late answer about a credential that was replaced changes nothing.
        proven.prove(0);
        assert!(!proven.covers(0) && proven.covers(1));
    }

    #[test]
    fn an_adapter_that_cannot_tell_customers_apart_is_not_asked() {
        assert!(Proven::new(false).covers(7));
    }
}
