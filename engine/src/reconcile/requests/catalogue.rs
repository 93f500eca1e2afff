//! What the store knows of the customer, as every task of the adapter receives it.
//!
//! The adapter wrote it in the answer to `describe-tenant`: which reason means a hire, which stage
//! ends a process. A read that lacks it would be read without those facts, so it comes from the
//! store when this process has not asked the ATS yet. Bound: one text per connection, read from the
//! store until there is one.

use crate::reconcile::context::Context;
use crate::store::StoreError;
use std::sync::{Mutex, PoisonError};

/// The catalogue in memory; none before the store or the ATS gave one.
#[derive(Debug, Default)]
pub(super) struct Catalogue(Mutex<Option<String>>);

impl Catalogue {
    pub(super) fn keep(&self, text: Option<String>) {
        if text.is_some() {
            *self.0.lock().unwrap_or_else(PoisonError::into_inner) = text;
        }
    }

    fn get(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The catalogue of the last `describe-tenant`; none before the first.
    pub(super) async fn known(&self, context: &Context) -> Result<Option<String>, StoreError> {
        let held = self.get();
        if held.is_some() || !context.manifest().describes_tenant {
            return Ok(held);
        }
        let row = context.store.connection().await?;
        self.keep(row.and_then(|row| row.catalogue));
        Ok(self.get())
    }
}
