//! Notes of a host: small named values that it keeps in the engine's store, durable and changed
//! together, such as its own connections, tokens, or the keys of requests that it answered.
//!
//! They lie beside those of the engine and cannot meet them. Bounds: as for the store's notes.
//! Left out: candidates' data; an erasure does not look into notes.

use super::Engine;
use crate::error::Error;
use crate::store::Note;
use crate::store::notes::WHOLE_STORE;

/// What a host's areas begin with.
const HOST: &str = "host/";

fn area(name: &str) -> String {
    format!("{HOST}{name}")
}

impl Engine {
    /// Changes notes of the host in one transaction, each on its condition. Durable when it
    /// returns. A value has at most 256 KiB; no candidate's data belongs into one, since an erasure
    /// does not look there.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Store`]; its cause is [`crate::StoreError::Stale`] when a condition does
    /// not hold. Then nothing was changed.
    pub async fn put_notes(&self, notes: Vec<Note>) -> Result<(), Error> {
        let guard = self.store.lease(WHOLE_STORE).await?;
        let within = notes.into_iter().map(|note| Note { area: area(&note.area), ..note });
        Ok(self.store.put_notes(&guard, within.collect()).await?)
    }

    /// The value of one note of the host.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Store`].
    pub async fn note(&self, area_name: &str, key: &str) -> Result<Option<Vec<u8>>, Error> {
        Ok(self.store.note(WHOLE_STORE, &area(area_name), key).await?)
    }

    /// Notes of the host in one area, key and value, in the order of the keys' bytes, after
    /// `after`, at most `rows_max` (10,000 at most).
    ///
    /// # Errors
    /// [`crate::ErrorKind::Store`].
    pub async fn notes_page(
        &self,
        area_name: &str,
        after: Option<&str>,
        rows_max: usize,
    ) -> Result<Vec<(String, Vec<u8>)>, Error> {
        Ok(self.store.notes_page(WHOLE_STORE, &area(area_name), after, rows_max).await?)
    }
}
