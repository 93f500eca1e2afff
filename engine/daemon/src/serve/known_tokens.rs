//! The tokens that were made at run time, as this process knows them.
//!
//! Left out: making and revoking; see [`super::tokens`].

use super::caller::Caller;
use crate::config::serve::Scope;
use crate::tokens::{self, Stored};
use atsync::{Clock, Engine, SystemClock};
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock};
use subtle::ConstantTimeEq;
use tokio::sync::Mutex;
use utoipa::ToSchema;

#[derive(Debug)]
struct Known {
    hash: [u8; 32],
    stored: Stored,
    last_used_ms: AtomicU64,
}

/// The tokens that were made at run time.
#[derive(Debug, Default)]
pub(super) struct Tokens {
    known: RwLock<BTreeMap<String, Known>>,
    /// Tokens were made, though all may be revoked by now.
    were_made: AtomicBool,
    /// The turn to read the store: an older reading must not replace a newer one.
    loading: Mutex<()>,
}

fn bytes(hash: &str) -> Option<[u8; 32]> {
    let pairs = hash.as_bytes().chunks(2);
    let bytes: Option<Vec<u8>> =
        pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect();
    bytes?.try_into().ok()
}

impl Tokens {
    /// Reads them from the store.
    ///
    /// # Errors
    /// When the store fails.
    pub(super) async fn load(&self, engine: &Engine) -> Result<(), atsync::Error> {
        let _turn = self.loading.lock().await;
        let mut read = BTreeMap::new();
        for (name, stored) in tokens::all(engine).await? {
            let Some(hash) = bytes(&stored.hash) else {
                tracing::error!(token = name, "its hash is unreadable");
                continue;
            };
            let last_used_ms = AtomicU64::new(self.last_used_ms(&name));
            read.insert(name, Known { hash, stored, last_used_ms });
        }
        let were_made = !read.is_empty() || tokens::were_made(engine).await?;
        self.were_made.store(were_made, Ordering::Relaxed);
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = read;
        Ok(())
    }

    fn last_used_ms(&self, name: &str) -> u64 {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.get(name).map_or(0, |known| known.last_used_ms.load(Ordering::Relaxed))
    }

    /// Whether one was made at any time. The revocation of the last one opens nothing: it may be
    /// the answer to a theft.
    pub(super) fn were_made(&self) -> bool {
        self.were_made.load(Ordering::Relaxed)
    }

    /// The caller of a token, by its hash. Every known one is compared, so that the time says
    /// nothing about them.
    pub(super) fn caller(&self, hash: &[u8; 32]) -> Option<Caller> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let mut found = None;
        for (name, one) in known.iter() {
            if bool::from(one.hash.ct_eq(hash)) {
                found = Some((name, one));
            }
        }
        let (name, one) = found?;
        one.last_used_ms.store(SystemClock.now_ms(), Ordering::Relaxed);
        Some(Caller::new(name, one.stored.scope, one.stored.connections.clone()))
    }

    /// Them, in the order of their names.
    pub(super) fn listed(&self) -> Vec<TokenView> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let view = |(name, one): (&String, &Known)| {
            let last_used_ms = one.last_used_ms.load(Ordering::Relaxed);
            TokenView {
                name: name.clone(),
                scope: one.stored.scope,
                connections: one.stored.connections.clone(),
                created_ms: one.stored.created_ms,
                last_used_ms: (last_used_ms > 0).then_some(last_used_ms),
            }
        };
        known.iter().map(view).collect()
    }
}

/// A token, without itself.
#[derive(Serialize, ToSchema)]
pub(super) struct TokenView {
    pub(super) name: String,
    scope: Scope,
    /// The connections that it is limited to; none for all.
    connections: Option<Vec<String>>,
    created_ms: u64,
    /// When it was last used since this process started; none when it was not.
    last_used_ms: Option<u64>,
}
