//! The vault: sealed secrets in the store, each for a connection and a purpose.
//!
//! A secret is sealed before it reaches the store, with a key that is not in the store; see
//! [`SealKeys`]. A copy of the file alone opens none. Sealing them anew with another key goes one
//! secret at a time, each replaced only if it is still the one that was read, so that it can be
//! stopped at any moment and started again, while secrets change.
//!
//! Bounds: a page of secrets at a time. Left out: where keys come from, and who may read a secret.

use crate::engine::Engine;
use crate::entropy::Entropy;
use crate::error::{Error, ErrorKind};
use crate::secret::{SealError, SealKeys, Secret};
use crate::store::notes::WHOLE_STORE;
use crate::store::{Expected, Note, Store, StoreError};
use std::sync::Arc;

/// The area of the notes that hold sealed secrets.
const AREA: &str = "secrets";
/// Secrets that are read at a time while they are sealed anew.
const ROWS: usize = 100;

/// Sealed secrets in the store of an engine.
#[derive(Clone, Debug)]
pub struct Vault {
    store: Arc<dyn Store>,
    entropy: Arc<dyn Entropy>,
    keys: SealKeys,
}

impl Engine {
    /// The sealed secrets of the store, with these keys.
    pub fn vault(&self, keys: SealKeys) -> Vault {
        let (store, entropy) = (Arc::clone(self.store()), Arc::clone(self.entropy()));
        Vault { store, entropy, keys }
    }
}

/// Two names as one key: the first ends with a byte that no name has.
fn key(connection: &str, purpose: &str) -> String {
    format!("{connection}\u{0}{purpose}")
}

fn not_sealed(connection: &str, purpose: &str, why: &SealError) -> Error {
    Error::new(ErrorKind::Configuration, format!("{connection}: the secret {purpose:?}: {why}"))
}

impl Vault {
    /// Whether a secret can be stored.
    pub fn can_seal(&self) -> bool {
        self.keys.can_seal()
    }

    /// Seals and stores a secret, in place of an earlier one. Durable when it returns.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`] without a key; [`ErrorKind::Store`].
    pub async fn put(&self, connection: &str, purpose: &str, secret: &Secret) -> Result<(), Error> {
        let sealed = self.keys.seal((connection, purpose), secret, self.entropy.as_ref());
        let sealed = sealed.map_err(|why| not_sealed(connection, purpose, &why))?;
        self.write(vec![Note::put(AREA, &key(connection, purpose), sealed)]).await?;
        Ok(())
    }

    /// Opens a stored secret; none when there is none.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`] when no known key opens it; [`ErrorKind::Store`].
    pub async fn get(&self, connection: &str, purpose: &str) -> Result<Option<Secret>, Error> {
        let sealed = self.store.note(WHOLE_STORE, AREA, &key(connection, purpose)).await?;
        let Some(sealed) = sealed else { return Ok(None) };
        let sealed = String::from_utf8(sealed).unwrap_or_default();
        let opened = self.keys.open((connection, purpose), &sealed);
        opened.map(Some).map_err(|why| not_sealed(connection, purpose, &why))
    }

    /// Removes the secrets of a connection whose purpose is not to be kept.
    ///
    /// # Errors
    /// [`ErrorKind::Store`].
    pub async fn retain(
        &self,
        connection: &str,
        keep: impl Fn(&str) -> bool + Send + Sync,
    ) -> Result<(), Error> {
        let prefix = key(connection, "");
        let mut after = prefix.clone();
        loop {
            let rows = self.store.notes_page(WHOLE_STORE, AREA, Some(&after), ROWS).await?;
            let of_it: Vec<String> = rows
                .into_iter()
                .map(|(key, _)| key)
                .take_while(|key| key.starts_with(&prefix))
                .collect();
            let Some(last) = of_it.last() else { return Ok(()) };
            after.clone_from(last);
            let purpose = |key: &str| key.get(prefix.len()..).is_some_and(&keep);
            let gone: Vec<Note> = of_it
                .iter()
                .filter(|key| !purpose(key))
                .map(|key| Note::remove(AREA, key))
                .collect();
            if !gone.is_empty() {
                self.write(gone).await?;
            }
        }
    }

    /// Seals every secret anew that was sealed with another key than the first. Returns how many
    /// it were. Interrupted at any moment, it resumes when it is called again.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`] when no known key opens one of them: the ones before it are
    /// sealed anew already; [`ErrorKind::Store`].
    pub async fn reseal(&self) -> Result<u64, Error> {
        let (mut after, mut resealed) = (None::<String>, 0_u64);
        loop {
            let rows = self.store.notes_page(WHOLE_STORE, AREA, after.as_deref(), ROWS).await?;
            let Some((last, _)) = rows.last() else { return Ok(resealed) };
            after = Some(last.clone());
            for (key, value) in rows {
                let sealed = String::from_utf8_lossy(&value).into_owned();
                if self.keys.is_current(&sealed) {
                    continue;
                }
                let (connection, purpose) = key.split_once('\u{0}').unwrap_or((&key, ""));
                let why = |why: SealError| not_sealed(connection, purpose, &why);
                let secret = self.keys.open((connection, purpose), &sealed).map_err(why)?;
                let place = (connection, purpose);
                let anew = self.keys.seal(place, &secret, self.entropy.as_ref()).map_err(why)?;
                let note = Note::put(AREA, &key, anew).only_if(Expected::Value(value));
                match self.write(vec![note]).await {
                    Ok(()) => resealed = resealed.saturating_add(1),
                    // It was replaced or removed meanwhile; what replaced it was sealed by its
                    // writer.
                    Err(StoreError::Stale(_)) => {}
                    Err(error) => return Err(error.into()),
                }
            }
        }
    }

    async fn write(&self, notes: Vec<Note>) -> Result<(), StoreError> {
        let guard = self.store.lease(WHOLE_STORE).await?;
        self.store.put_notes(&guard, notes).await
    }
}

#[cfg(test)]
mod tests {
    use super::Vault;
    use crate::engine::Engine;
    use crate::error::ErrorKind;
    use crate::secret::{SealKeys, Secret};
    use crate::store::memory::MemoryStore;
    use crate::store::notes::WHOLE_STORE;
    use std::sync::Arc;

    const OLD: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
    const NEW: &str = "202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f";

    fn engine() -> Engine {
        Engine::builder().store(Arc::new(MemoryStore::default())).build().unwrap()
    }

    fn vault(engine: &Engine, keys: &[&str]) -> Vault {
        engine.vault(SealKeys::new(keys.iter().map(|key| Secret::new(*key))).unwrap())
    }

    async fn read(vault: &Vault, connection: &str, purpose: &str) -> Option<String> {
        let secret = vault.get(connection, purpose).await.unwrap();
        secret.map(|secret| secret.expose().to_owned())
    }

    #[tokio::test]
    async fn a_secret_is_stored_sealed_alone() {
        let engine = engine();
        let vault = vault(&engine, &[OLD]);
        vault.put("acme", "key", &Secret::new("hunter2")).await.unwrap();
        vault.put("acme2", "key", &Secret::new("hunter3")).await.unwrap();
        vault.put("acme", "hook", &Secret::new("hunter4")).await.unwrap();
        assert_eq!(read(&vault, "acme", "key").await.unwrap(), "hunter2");
        assert_eq!(read(&vault, "acme", "other").await, None);
        let rows = engine.store().notes_page(WHOLE_STORE, super::AREA, None, 10).await.unwrap();
        assert_eq!(rows.len(), 3);
        assert!(!rows.iter().any(|(_, value)| String::from_utf8_lossy(value).contains("hunter")));
        vault.retain("acme", |purpose| purpose == "hook").await.unwrap();
        assert_eq!(read(&vault, "acme", "key").await, None);
        assert_eq!(read(&vault, "acme", "hook").await.unwrap(), "hunter4");
        assert_eq!(read(&vault, "acme2", "key").await.unwrap(), "hunter3");
    }

    #[tokio::test]
    async fn without_a_key_nothing_is_stored_or_shown() {
        let engine = engine();
        let refused = vault(&engine, &[]).put("acme", "key", &Secret::new("a")).await;
        assert_eq!(refused.unwrap_err().kind(), ErrorKind::Configuration);
        vault(&engine, &[OLD]).put("acme", "key", &Secret::new("a")).await.unwrap();
        for keys in [&[][..], &[NEW]] {
            let shown = vault(&engine, keys).get("acme", "key").await;
            assert_eq!(shown.unwrap_err().kind(), ErrorKind::Configuration);
        }
    }

    #[tokio::test]
    async fn sealing_anew_changes_each_secret_once_and_resumes() {
        let engine = engine();
        let old = vault(&engine, &[OLD]);
        for number in 0..250 {
            let secret = Secret::new(number.to_string());
            old.put(&format!("c{number:03}"), "key", &secret).await.unwrap();
        }
        let both = vault(&engine, &[NEW, OLD]);
        // What an interrupted run had done.
        both.put("c007", "key", &Secret::new("7")).await.unwrap();
        assert_eq!(both.reseal().await.unwrap(), 249);
        assert_eq!(both.reseal().await.unwrap(), 0);
        let new = vault(&engine, &[NEW]);
        for number in 0..250 {
            let shown = read(&new, &format!("c{number:03}"), "key").await;
            assert_eq!(shown.unwrap(), number.to_string());
        }
        assert!(old.get("c000", "key").await.is_err());
    }
}
