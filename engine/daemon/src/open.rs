//! Connections made from the configuration.
//!
//! The order is chosen so that a mistake leaves no trace: configuration, adapter and secrets are read before the store's file is made or opened.
//! Commands that only read the store need no secret and make no store.

use crate::adapters;
use crate::config::{Config, ConnectionConfig, Scheme};
use crate::failure::Failure;
use crate::output::Output;
use atsync::adapter::{Adapter, ComponentHost};
use atsync::{Connection, ConnectionOptions, Credential, Engine, Secret};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// What a command is going to do with a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Use {
    /// Talk to the ATS: the credential is read, the store is made where there is none.
    Online,
    /// Read the store, which must be there.
    StoreOnly,
}

/// Everything of a configuration that is open.
pub(crate) struct Opened {
    /// The configuration.
    pub(crate) config: Config,
    /// The engine.
    pub(crate) engine: Engine,
    host: ComponentHost,
    adapters: BTreeMap<String, Arc<dyn Adapter>>,
    credentials: BTreeMap<String, Credential>,
}

/// Opens the store of a configuration for these connections, or for all.
///
/// # Errors
/// One message: what, where, what to do.
pub(crate) async fn open(path: &Path, only: Option<&str>, how: Use) -> Result<Opened, Failure> {
    let config = Config::read(path)?;
    let names: Vec<String> = match only {
        Some(name) => {
            config.connection(name)?;
            vec![name.to_owned()]
        }
        None => config.connections.keys().cloned().collect(),
    };
    if how == Use::StoreOnly && !config.store.exists() {
        let name = only.unwrap_or("NAME");
        let store = config.store.display();
        return Err(Failure::new(format!("there is no store {store} yet; `atsync pull {name}` makes it")));
    }
    let host = adapters::host()?;
    let (loaded, credentials) = load(&config, &host, &names, how).await?;
    let store = config.store.clone();
    let builder =
        tokio::task::spawn_blocking(move || Engine::builder().store_file(store)).await.map_err(|error| {
            Failure::new(format!("the store cannot be opened: {error}; please report it with the output of -v"))
        })??;
    Ok(Opened { engine: builder.build()?, config, host, adapters: loaded, credentials })
}

/// The adapters and credentials of a configuration.
type Loaded = (BTreeMap<String, Arc<dyn Adapter>>, BTreeMap<String, Credential>);

async fn load(config: &Config, host: &ComponentHost, names: &[String], how: Use) -> Result<Loaded, Failure> {
    let (mut loaded, mut credentials) = (BTreeMap::new(), BTreeMap::new());
    for name in names {
        let connection = config.connection(name)?;
        let at = |message: String| Failure::new(format!("{}: connections.{name}.{message}", config.path.display()));
        if how == Use::Online {
            credentials.insert(name.clone(), credential(connection, config.directory()).await.map_err(at)?);
        }
        let adapter = adapters::load(host, &connection.adapter, config.directory())
            .map_err(|error| at(format!("adapter: {error}")))?;
        loaded.insert(name.clone(), adapter);
    }
    Ok((loaded, credentials))
}

impl Opened {
    /// Reads configuration and secrets again, for the store that is open.
    ///
    /// # Errors
    /// As for [`open`], and when the configuration names another store. What is open stays as it is.
    pub(crate) async fn again(&self) -> Result<Self, Failure> {
        let config = Config::read(&self.config.path)?;
        if config.store != self.config.store {
            return Err(Failure::new(format!(
                "{}: store: it is {} now, and {} is open; another store needs a restart",
                config.path.display(),
                config.store.display(),
                self.config.store.display()
            )));
        }
        let names: Vec<String> = config.connections.keys().cloned().collect();
        let (adapters, credentials) = load(&config, &self.host, &names, Use::Online).await?;
        let (engine, host) = (self.engine.clone(), self.host.clone());
        Ok(Self { config, engine, host, adapters, credentials })
    }

    /// The credential of a connection, where it was read.
    pub(crate) fn credential(&self, name: &str) -> Option<Credential> {
        self.credentials.get(name).cloned()
    }

    /// The names of the open connections.
    pub(crate) fn names(&self) -> Vec<String> {
        self.adapters.keys().cloned().collect()
    }

    /// One of them.
    ///
    /// # Errors
    /// When origins, settings or credential do not fit the adapter.
    pub(crate) async fn connect(&self, name: &str, output: &Output) -> Result<Connection, Failure> {
        let config = self.config.connection(name)?;
        let adapter = match self.adapters.get(name) {
            Some(adapter) => Arc::clone(adapter),
            None => adapters::load(&self.host, &config.adapter, self.config.directory())?,
        };
        let credential = self.credentials.get(name).cloned().unwrap_or_else(|| stand_in(config));
        let mut options = ConnectionOptions::new(name, adapter, credential);
        options.origins = config.origins.clone();
        options.allow_private_network = config.allow_private_network;
        options.settings = config.settings.clone();
        options.settle_window_ms = config.settle_window_ms;
        options.progress = output.progress();
        Ok(self.engine.connect(options).await?)
    }
}

async fn credential(config: &ConnectionConfig, directory: &Path) -> Result<Credential, String> {
    let auth = &config.auth;
    let at = |field: &'static str| move |error: atsync::Error| format!("{field}: {error}");
    match (auth.scheme.get_ref(), &auth.client_id, &auth.client_secret, &auth.key) {
        (Scheme::ClientCredentials, Some(id), Some(secret), _) => Ok(Credential::ClientCredentials {
            client_id: id.read(directory).await.map_err(at("auth.client_id"))?,
            client_secret: secret.read(directory).await.map_err(at("auth.client_secret"))?,
        }),
        (_, _, _, Some(key)) => Ok(Credential::Key(key.read(directory).await.map_err(at("auth.key"))?)),
        _ => Err("auth: the credential is not complete; README.md lists what each scheme needs".to_owned()),
    }
}

/// For commands that send nothing.
fn stand_in(config: &ConnectionConfig) -> Credential {
    let secret = Secret::new("not read: nothing is sent");
    match config.auth.scheme.get_ref() {
        Scheme::ClientCredentials => {
            Credential::ClientCredentials { client_id: "not-read".to_owned(), client_secret: secret }
        }
        _ => Credential::Key(secret),
    }
}
