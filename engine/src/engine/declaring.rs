//! Declaring desired records.
//!
//! Durable when it returns; the schedules begin a round at once. Left out: checking and storing;
//! see [`crate::declare`] and the store.

use super::Connection;
use crate::declare::{self, Declare};
use crate::error::Error;
#[cfg(doc)]
use crate::error::ErrorKind;
use crate::store::DeclareReport;

impl Connection {
    /// Records of one [`Connection::declare`] at most.
    pub const DECLARED_RECORDS_MAX: usize = declare::RECORDS_MAX;

    /// Declares desired records (candidates, custom fields, users): all of them or, when one is
    /// invalid, none. Other desired records stay as they are.
    ///
    /// # Errors
    /// [`ErrorKind::Input`] naming the record and the field.
    pub async fn declare<R: Declare>(&self, records: &[R]) -> Result<DeclareReport, Error> {
        let declarations = declare::declarations(records)?;
        let reconciler = self.work()?;
        let report = reconciler
            .context
            .store
            .declare(declarations, reconciler.context.clock.now_ms())
            .await?;
        self.declared().notify_one();
        Ok(report)
    }

    /// Declares one desired record if what is stored has this generation; none: if no record of its
    /// key is stored. So two writers cannot overwrite each other's change unseen.
    ///
    /// # Errors
    /// As for [`Connection::declare`]; [`ErrorKind::Store`] whose cause is
    /// [`StoreError::Stale`](crate::StoreError::Stale) when what is stored is another.
    pub async fn declare_if<R: Declare>(
        &self,
        record: &R,
        generation: Option<u64>,
    ) -> Result<DeclareReport, Error> {
        let mut report = DeclareReport::default();
        let reconciler = self.work()?;
        let (store, clock) = (&reconciler.context.store, &reconciler.context.clock);
        // One record makes one declaration.
        for declaration in declare::declarations(std::slice::from_ref(record))? {
            report = store.declare_if(declaration, generation, clock.now_ms()).await?;
        }
        self.declared().notify_one();
        Ok(report)
    }
}
