//! Forgetting a connection that is not in use any more.
//!
//! Left out: the ATS, in which nothing changes, and what belongs to the host: its own notes about
//! the connection, and the secrets that it sealed for it.

use super::{Engine, check_name};
use crate::error::Error;

impl Engine {
    /// Forgets a connection: what was read, declared, linked and written for it, the events of its
    /// feed and the offsets of its readers. Nothing in the ATS changes. It is forgotten at once and
    /// as a whole; the rows go afterwards, in transactions of bounded size, so other connections
    /// are not delayed. Returns how many rows were removed. Rows that a killed call left go with
    /// the next one.
    ///
    /// A later connection of the name begins anew. Three things outlive it: candidates who were
    /// erased stay erased; the serials of the feed go on after the last one, so that a reader with
    /// an old offset gets the error to read the records again; and the secrets that a
    /// [`crate::Vault`] sealed for the name stay until [`crate::Vault::retain`] removes them.
    ///
    /// Unused parts of the store's file may hold the bytes until [`crate::RedbStore::compact`].
    ///
    /// # Errors
    /// [`crate::ErrorKind::Configuration`] while the connection is open here;
    /// [`crate::ErrorKind::Store`].
    pub async fn forget(&self, connection: &str) -> Result<u64, Error> {
        check_name(connection)?;
        // Registered, so that it is not opened meanwhile.
        let begun = self.open.begin_alone(connection)?;
        let guard = self.store.lease(connection).await?;
        let removed = self.store.forget(&guard).await;
        drop(begun);
        Ok(removed?)
    }
}
