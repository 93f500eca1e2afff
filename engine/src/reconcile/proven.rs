//! Whose a credential is, asked just before a request leaves with it.
//!
//! A credential can be replaced while a request waits for its turn, or while it is under way and is
//! refused and then repeated. So a task that was begun with one customer's credential asks again
//! for each request, repeats included. What asks the ATS itself is [`super::check`].

use super::Reconciler;
use crate::transport::{Gate, NotSent};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;

/// The question about a request that reads records: does its credential belong to the customer of
/// the store?
pub(super) struct TenantGate<'a>(pub(super) &'a Reconciler);

impl Gate for TenantGate<'_> {
    fn ask(&self, credential: u64) -> BoxFuture<'_, Result<(), NotSent>> {
        let is_proven = self.0.is_proven(credential);
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
