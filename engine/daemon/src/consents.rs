//! The tokens of consents, sealed in the vault.
//!
//! A consent belongs to one change of a made connection, like the other secrets of it: its purpose
//! in the vault begins with the number of that change. So a consent that was given anew is stored
//! beside the present one, and takes its place when the record names it. One keeper exists for each
//! consent in a process, since the engine shares tokens among the users of one keeper.
//!
//! Bounds: those of made connections, and the consents that are under way.

use crate::config::Config;
use crate::config::made::Made;
use crate::oauth_clients;
use atsync::{Credential, Secret, TokenKeeper, Vault};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

/// The purpose of the tokens of a change.
pub(crate) fn purpose(change: u64) -> String {
    format!("{change}/consent")
}

/// The keepers of this process. Clones share them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Consents(Arc<Mutex<Shared>>);

#[derive(Debug, Default)]
struct Shared {
    /// The vault with the keys that hold now.
    vault: Option<Vault>,
    keepers: BTreeMap<(String, u64), Weak<VaultKeeper>>,
}

/// Keeps the tokens of one consent.
#[derive(Debug)]
struct VaultKeeper {
    consents: Consents,
    connection: String,
    change: u64,
}

impl Consents {
    fn shared(&self) -> MutexGuard<'_, Shared> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps tokens in this vault from now on.
    pub(crate) fn keep_in(&self, vault: &Vault) {
        self.shared().vault = Some(vault.clone());
    }

    /// The keeper of a consent: the same one as long as it is in use.
    pub(crate) fn keeper(&self, connection: &str, change: u64) -> Arc<dyn TokenKeeper> {
        let mut shared = self.shared();
        shared.keepers.retain(|_, keeper| keeper.strong_count() > 0);
        let key = (connection.to_owned(), change);
        if let Some(keeper) = shared.keepers.get(&key).and_then(Weak::upgrade) {
            return keeper;
        }
        let (consents, connection) = (self.clone(), connection.to_owned());
        let keeper = Arc::new(VaultKeeper { consents, connection, change });
        drop(shared.keepers.insert(key, Arc::downgrade(&keeper)));
        keeper
    }

    /// The credential of a record whose scheme is the authorization code.
    ///
    /// # Errors
    /// One sentence when the configuration has no such client, or its secret cannot be read.
    pub(crate) async fn credential(
        &self,
        config: &Config,
        connection: &str,
        made: &Made,
    ) -> Result<Credential, String> {
        let name = made.client.as_deref().unwrap_or_default();
        let Some(read) = oauth_clients::read(config, name).await else {
            return Err(format!(
                "its consent was given to the client {name:?}, which the configuration does not \
                 have: add the table [serve.clients.{name}], or have the customer connect again"
            ));
        };
        let (client_id, client_secret) = read?;
        let keeper = self.keeper(connection, made.secrets);
        Ok(Credential::AuthorizationCode { client_id, client_secret, keeper })
    }
}

impl VaultKeeper {
    fn vault(&self) -> Result<Vault, String> {
        self.consents.shared().vault.clone().ok_or_else(|| "there is no open store".to_owned())
    }
}

impl TokenKeeper for VaultKeeper {
    fn load(&self) -> BoxFuture<'_, Result<Option<Secret>, String>> {
        async move {
            let read = self.vault()?.get(&self.connection, &purpose(self.change)).await;
            read.map_err(|error| error.to_string())
        }
        .boxed()
    }

    fn store<'a>(&'a self, text: &'a Secret) -> BoxFuture<'a, Result<(), String>> {
        async move {
            let put = self.vault()?.put(&self.connection, &purpose(self.change), text).await;
            put.map_err(|error| error.to_string())
        }
        .boxed()
    }
}
