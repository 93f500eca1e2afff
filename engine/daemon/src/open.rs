//! Opens the connections of the configuration.
//!
//! An error of one connection (its part of the file, its secrets, its adapter) does not stop the
//! others from opening. Configuration, adapter and secrets are read before the store's file is
//! created or opened, so that a mistake leaves no trace. Commands that only read the store need no
//! secret and create no store.

#![expect(clippy::disallowed_methods, reason = "opens the store on a blocking thread")]

use crate::adapters::Adapters;
use crate::adapters::shelf::{Refusal, Wanted};
use crate::config::made::Made;
use crate::config::scheme::Scheme;
use crate::config::{Config, ConnectionConfig};
use crate::consents::Consents;
use crate::failure::Failure;
use crate::made;
use crate::output::Output;
use atsync::{
    Adapter, Connection, ConnectionOptions, Credential, Engine, Error, MemoryStore, RedbOptions,
    RedbStore, SealKeys, Secret, SystemEntropy, Vault,
};
use futures_util::future::join_all;
use futures_util::stream::{self, StreamExt as _};
use std::collections::{BTreeMap, BTreeSet};
use std::io::IsTerminal as _;
use std::path::Path;
use std::sync::Arc;

/// A command's use of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Use {
    /// Call the ATS: the credential is read, and a missing store is created.
    Online,
    /// Read the store, which must exist.
    StoreOnly,
}

/// Memory for pages of the store in a command that reads it from one end to the other, so that no
/// page is needed twice but the upper levels of its trees.
const READING_CACHE_BYTES: usize = 2 * 1024 * 1024;

impl Use {
    fn store_options(self) -> RedbOptions {
        let mut options = RedbOptions::default();
        if self == Self::StoreOnly {
            options.cache_bytes = READING_CACHE_BYTES;
        }
        options
    }
}

/// An open configuration. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Opened {
    /// The configuration.
    pub(crate) config: Arc<Config>,
    /// The engine.
    pub(crate) engine: Engine,
    /// The secrets of connections that were made at run time.
    pub(crate) vault: Vault,
    /// The tokens of their consents.
    pub(crate) consents: Consents,
    /// Its store; none where it is in memory.
    pub(crate) store: Option<Arc<RedbStore>>,
    /// The adapters that a connection can have.
    pub(crate) adapters: Adapters,
    ready: Arc<BTreeMap<String, Arc<Ready>>>,
    /// The connections that cannot be opened, each with its error. Empty if the command names one
    /// connection.
    pub(crate) refused: BTreeMap<String, String>,
    /// The connections that go on with the adapter that they run, since another version of it was
    /// refused.
    pub(crate) kept: Arc<BTreeMap<String, Refusal>>,
}

impl std::fmt::Debug for Opened {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Opened").field("config", &self.config.path).finish_non_exhaustive()
    }
}

/// The parts of a connection besides the store.
struct Ready {
    adapter: Arc<dyn Adapter>,
    secrets: Secrets,
}

/// The parts of the connections of a configuration, by name.
#[derive(Default)]
struct Found {
    ready: BTreeMap<String, Arc<Ready>>,
    refused: BTreeMap<String, String>,
    kept: BTreeMap<String, Refusal>,
}

/// The secrets of a connection.
#[derive(Default)]
struct Secrets {
    /// None where nothing is sent.
    credential: Option<Credential>,
    webhook: Vec<Secret>,
}

/// Opens the store of a configuration for one connection, or for all that can be opened.
///
/// # Errors
/// When the named connection, every connection or the store cannot be opened: what, where, what to
/// do.
pub(crate) async fn open(path: &Path, only: Option<&str>, how: Use) -> Result<Opened, Failure> {
    let config = Config::read(path)?;
    let can_be_made = !config.serve.seal_key.is_empty();
    if let Some(name) = only.filter(|_| !can_be_made) {
        config.connection(name)?;
    }
    if !config.store.exists() {
        store_can_be_made(&config, only.unwrap_or("NAME"), how)?;
    }
    let adapters = Adapters::of(&config, wanted(&config, only)).await?;
    let keys = seal_keys(&config, how).await?;
    let found = ready(&config, &adapters, (only, how), None).await;
    if found.ready.is_empty() && !can_be_made {
        return Err(none_is_ready(found.refused));
    }
    let store = opened(&config, how).await?;
    let engine = Engine::builder().store(Arc::<RedbStore>::clone(&store)).build()?;
    let vault = engine.vault(keys);
    let consents = Consents::default();
    let parts = Parts { engine, vault, consents, store: Some(store), adapters };
    let opened = with_made(config, parts, found, (only, how), None).await?;
    if opened.ready.is_empty() && (only.is_some() || !opened.refused.is_empty()) {
        if let Some(name) = only {
            opened.config.connection(name)?;
        }
        return Err(none_is_ready(opened.refused));
    }
    Ok(opened)
}

/// What the connections of a configuration share.
struct Parts {
    engine: Engine,
    vault: Vault,
    consents: Consents,
    store: Option<Arc<RedbStore>>,
    adapters: Adapters,
}

impl Parts {
    fn opened(self, config: Config, found: Found) -> Opened {
        let Self { engine, vault, consents, store, adapters } = self;
        consents.keep_in(&vault);
        let (config, ready) = (Arc::new(config), Arc::new(found.ready));
        let (refused, kept) = (found.refused, Arc::new(found.kept));
        Opened { config, engine, vault, consents, store, adapters, ready, refused, kept }
    }
}

/// The adapters of the folder that a command needs: those of one connection, which may have been
/// made at run time and is then loaded when it is known; or all.
fn wanted(config: &Config, only: Option<&str>) -> Wanted {
    let Some(name) = only else { return Wanted::All };
    let adapter = config.connections.get(name).map(|connection| connection.adapter.clone());
    Wanted::Only(adapter.into_iter().collect())
}

fn none_is_ready(refused: BTreeMap<String, String>) -> Failure {
    let reasons: Vec<String> = refused.into_values().collect();
    Failure::new(reasons.join("\n"))
}

/// The keys of sealed secrets, where the command sends something.
async fn seal_keys(config: &Config, how: Use) -> Result<SealKeys, Failure> {
    let mut keys = Vec::new();
    for key in config.serve.seal_key.iter().filter(|_| how == Use::Online) {
        let read = key.read(config.directory()).await;
        keys.push(read.map_err(|error| bad_key(config, &error.to_string()))?);
    }
    SealKeys::new(keys).map_err(|why| bad_key(config, &why.to_string()))
}

fn bad_key(config: &Config, why: &str) -> Failure {
    Failure::new(format!("{}: serve.seal_key: {why}", config.path.display()))
}

/// Adds the connections that were made at run time to those of the file.
async fn with_made(
    mut config: Config,
    parts: Parts,
    mut found: Found,
    (only, how): (Option<&str>, Use),
    before: Option<&Opened>,
) -> Result<Opened, Failure> {
    made::join(&mut config, &parts.engine).await?;
    let is_asked = |name: &str| only.is_none_or(|only| only == name);
    let of_file: Vec<String> = found.ready.keys().chain(found.refused.keys()).cloned().collect();
    let named = config.refused.iter().filter(|(name, _)| !of_file.contains(name));
    for (name, why) in named.filter(|(name, _)| is_asked(name)) {
        found.refused.insert(name.clone(), why.clone());
    }
    let mut adapters: BTreeMap<&str, Result<Arc<dyn Adapter>, Refusal>> = BTreeMap::new();
    for (name, one) in config.connections.iter().filter(|(name, _)| is_asked(name)) {
        let Some(record) = &one.made else { continue };
        let secrets = match how {
            Use::StoreOnly => Ok(Secrets::default()),
            Use::Online => Secrets::open(&parts, &config, name, record).await,
        };
        let adapter = match adapters.get(one.adapter.as_str()) {
            Some(adapter) => adapter.clone(),
            None => {
                let adapter = parts.adapters.load(&one.adapter).await;
                adapters.insert(&one.adapter, adapter.clone());
                adapter
            }
        };
        if let Err(why) = found.take((name, &one.adapter), adapter, secrets, before) {
            drop(found.refused.insert(name.clone(), format!("{name}: {why}")));
        }
    }
    drop(adapters);
    Ok(parts.opened(config, found))
}

/// Opens the store of a configuration, and makes it where there is none, for a command that changes
/// what the store has besides records. No connection is opened.
///
/// # Errors
/// As [`open`].
pub(crate) async fn administration(path: &Path) -> Result<Opened, Failure> {
    let config = Config::read(path)?;
    if !config.store.exists() {
        store_can_be_made(&config, "NAME", Use::Online)?;
    }
    let adapters = Adapters::of(&config, Wanted::Only(BTreeSet::new())).await?;
    let keys = seal_keys(&config, Use::Online).await?;
    let store = opened(&config, Use::Online).await?;
    let engine = Engine::builder().store(Arc::<RedbStore>::clone(&store)).build()?;
    let vault = engine.vault(keys);
    let consents = Consents::default();
    let parts = Parts { engine, vault, consents, store: Some(store), adapters };
    Ok(parts.opened(config, Found::default()))
}

/// Opens the store of a configuration, which must exist, without its connections.
///
/// # Errors
/// As [`open`].
pub(crate) async fn store(path: &Path) -> Result<Arc<RedbStore>, Failure> {
    let config = Config::read(path)?;
    if !config.store.exists() {
        store_can_be_made(&config, "NAME", Use::StoreOnly)?;
    }
    opened(&config, Use::StoreOnly).await
}

/// As [`store`], for the notes in it.
///
/// # Errors
/// As [`open`].
pub(crate) async fn notes(path: &Path) -> Result<Engine, Failure> {
    Ok(Engine::builder().store(store(path).await?).build()?)
}

async fn opened(config: &Config, how: Use) -> Result<Arc<RedbStore>, Failure> {
    let (file, options) = (config.store.clone(), how.store_options());
    let store =
        tokio::task::spawn_blocking(move || RedbStore::open(&file, options, &SystemEntropy))
            .await
            .map_err(|error| Failure::new(format!("the store cannot be opened: {error}")))?;
    Ok(Arc::new(store.map_err(Error::from)?))
}

/// Opens a configuration over a store in memory, to see what is wrong with it. The connections that
/// cannot be opened are in [`Opened::refused`].
///
/// # Errors
/// When the file cannot be read, or the adapter runtime not started.
pub(crate) async fn offline(path: &Path) -> Result<Opened, Failure> {
    let config = Config::read(path)?;
    let adapters = Adapters::of(&config, Wanted::All).await?;
    let found = ready(&config, &adapters, (None, Use::Online), None).await;
    let engine = Engine::builder().store(Arc::new(MemoryStore::default())).build()?;
    let vault = engine.vault(seal_keys(&config, Use::Online).await?);
    let parts = Parts { engine, vault, consents: Consents::default(), store: None, adapters };
    Ok(parts.opened(config, found))
}

/// Refuses a missing store that this command does not or cannot create.
fn store_can_be_made(config: &Config, name: &str, how: Use) -> Result<(), Failure> {
    let store = config.store.display();
    let directory = config
        .store
        .parent()
        .filter(|directory| !directory.as_os_str().is_empty() && !directory.is_dir());
    if let Some(directory) = directory {
        let (directory, file) = (directory.display(), config.path.display());
        return Err(Failure::new(format!(
            "there is no store {store}, and its directory {directory} is missing; make the \
             directory, or correct `store` in \
             {file}; then `atsync pull {name}` makes the store"
        )));
    }
    if how == Use::StoreOnly {
        return Err(Failure::new(format!(
            "there is no store {store} yet; `atsync pull {name}` creates it"
        )));
    }
    Ok(())
}

/// The number of connections whose secrets are read at once: one, if a program may ask a user for
/// them.
fn readers() -> usize {
    if std::io::stdin().is_terminal() { 1 } else { 8 }
}

/// Loads the parts of each connection, or the error. A slow or failing connection does not delay
/// the others.
async fn ready(
    config: &Config,
    adapters: &Adapters,
    (only, how): (Option<&str>, Use),
    before: Option<&Opened>,
) -> Found {
    let is_asked = |name: &str| only.is_none_or(|only| only == name);
    let of_asked = config.refused.iter().filter(|(name, _)| is_asked(name));
    let refused = of_asked.map(|(name, why)| (name.clone(), why.clone())).collect();
    let mut found = Found { refused, ..Found::default() };
    let of_file = config.connections.iter().filter(|(_, connection)| connection.made.is_none());
    let asked: Vec<_> = of_file.filter(|(name, _)| is_asked(name)).collect();
    let names: BTreeSet<&str> =
        asked.iter().map(|(_, connection)| connection.adapter.as_str()).collect();
    let (adapters, secrets) = tokio::join!(
        join_all(names.into_iter().map(|name| async move { (name, adapters.load(name).await) })),
        stream::iter(&asked)
            .map(|(_, connection)| Secrets::read(config.directory(), connection, how))
            .buffered(readers())
            .collect::<Vec<_>>(),
    );
    let adapters: BTreeMap<&str, _> = adapters.into_iter().collect();
    for ((name, connection), secrets) in asked.into_iter().zip(secrets) {
        let adapter = adapters.get(connection.adapter.as_str()).cloned();
        let adapter = adapter.unwrap_or_else(|| Err(Refusal::now("it was not loaded".to_owned())));
        if let Err(why) = found.take((name, &connection.adapter), adapter, secrets, before) {
            let why = format!("{}: connections.{name}.{why}", config.path.display());
            drop(found.refused.insert(name.clone(), why));
        }
    }
    found
}

impl Found {
    /// Takes the parts of a connection in. Where its adapter is refused, it keeps the one that it
    /// had before under the same name.
    fn take(
        &mut self,
        (name, adapter): (&String, &str),
        loaded: Result<Arc<dyn Adapter>, Refusal>,
        secrets: Result<Secrets, String>,
        before: Option<&Opened>,
    ) -> Result<(), String> {
        let secrets = secrets?;
        let kept = || before?.adapter_of(name).filter(|(of, _)| *of == adapter);
        let adapter = match (loaded, kept) {
            (Ok(adapter), _) => adapter,
            (Err(refusal), kept) => match kept() {
                Some((_, adapter)) => {
                    drop(self.kept.insert(name.clone(), refusal));
                    adapter
                }
                None => return Err(format!("adapter: {}", refusal.why)),
            },
        };
        drop(self.ready.insert(name.clone(), Arc::new(Ready { adapter, secrets })));
        Ok(())
    }
}

impl Secrets {
    /// Reads the secrets of a connection, unless the command sends nothing.
    async fn read(
        directory: &Path,
        connection: &ConnectionConfig,
        how: Use,
    ) -> Result<Self, String> {
        let mut read = Self::default();
        if how == Use::Online {
            read.credential = Some(credential(connection, directory).await?);
            for secret in &connection.webhook_secret {
                let secret = secret.read(directory).await;
                read.webhook.push(secret.map_err(|error| format!("webhook_secret: {error}"))?);
            }
        }
        Ok(read)
    }
}

impl Secrets {
    /// Opens the secrets of a connection that was made at run time.
    async fn open(
        parts: &Parts,
        config: &Config,
        name: &str,
        record: &Made,
    ) -> Result<Self, String> {
        let opened = made::secrets(&parts.vault, name, record).await?;
        let credential = match record.scheme {
            Scheme::AuthorizationCode => parts.consents.credential(config, name, record).await?,
            _ => opened.credential(record)?,
        };
        let credential = Some(credential);
        Ok(Self { credential, webhook: opened.webhook.into_iter().collect() })
    }
}

impl Opened {
    /// Loads an adapter.
    ///
    /// # Errors
    /// When there is none of this name.
    pub(crate) async fn adapter(&self, name: &str) -> Result<Arc<dyn Adapter>, Failure> {
        self.adapters.load(name).await.map_err(|why| Failure::new(format!("adapter: {}", why.why)))
    }

    /// The adapter of a connection that can be opened, and what the configuration calls it.
    pub(crate) fn adapter_of(&self, name: &str) -> Option<(&str, Arc<dyn Adapter>)> {
        let named = &self.config.connections.get(name)?.adapter;
        Some((named, Arc::clone(&self.ready.get(name)?.adapter)))
    }

    /// A connection goes on as it was opened before, with its part of the configuration and its
    /// adapter, since it cannot be opened anew.
    pub(crate) fn goes_on(&mut self, name: &str, before: &Self, why: &str) {
        let (Some(config), Some(ready)) =
            (before.config.connections.get(name), before.ready.get(name))
        else {
            return;
        };
        let is_other = |(_, adapter): (&str, Arc<dyn Adapter>)| {
            adapter.code_hash() != ready.adapter.code_hash()
        };
        if self.adapter_of(name).is_some_and(is_other) {
            let refusal = Refusal::now(why.to_owned());
            drop(Arc::make_mut(&mut self.kept).insert(name.to_owned(), refusal));
        }
        let own = &mut Arc::make_mut(&mut self.config).connections;
        drop(own.insert(name.to_owned(), config.clone()));
        drop(Arc::make_mut(&mut self.ready).insert(name.to_owned(), Arc::clone(ready)));
    }

    /// The credential of a record with these secrets.
    ///
    /// # Errors
    /// When one of its parts is missing.
    pub(crate) async fn credential_of(
        &self,
        name: &str,
        record: &Made,
        secrets: &made::MadeSecrets,
    ) -> Result<Credential, String> {
        match record.scheme {
            Scheme::AuthorizationCode => self.consents.credential(&self.config, name, record).await,
            _ => secrets.credential(record),
        }
    }

    /// What the engine needs to begin and finish a consent for a connection that need not be open.
    ///
    /// # Errors
    /// When the adapter cannot be loaded.
    pub(crate) async fn consent_options(
        &self,
        name: &str,
        record: &Made,
        credential: Credential,
    ) -> Result<ConnectionOptions, Failure> {
        let adapter = self.adapter(&record.adapter).await?;
        let mut options = ConnectionOptions::new(name, adapter, credential);
        options.origins = record.origins.clone();
        options.allow_private_network = record.allow_private_network;
        options.settings = record.settings.clone();
        Ok(options)
    }

    /// Connects a connection that is to be made, over a store in memory, to see what is wrong with
    /// it. Nothing is sent and nothing is stored.
    ///
    /// # Errors
    /// As for [`Self::connect`].
    pub(crate) async fn try_out(
        &self,
        name: &str,
        record: &Made,
        credential: Credential,
        webhook: Option<Secret>,
    ) -> Result<Connection, Failure> {
        let one = ConnectionConfig::made(name, record).map_err(Failure::new)?;
        let adapter = self.adapter(&one.adapter).await?;
        let secrets =
            Secrets { credential: Some(credential), webhook: webhook.into_iter().collect() };
        let ready = Arc::new(Ready { adapter, secrets });
        let engine = Engine::builder().store(Arc::new(MemoryStore::default())).build()?;
        let config = Config {
            path: self.config.path.clone(),
            store: self.config.store.clone(),
            adapters: self.config.adapters.clone(),
            serve: self.config.serve.clone(),
            telemetry: None,
            connections: BTreeMap::from([(name.to_owned(), one)]),
            refused: BTreeMap::new(),
        };
        let trial = Self {
            config: Arc::new(config),
            vault: engine.vault(SealKeys::default()),
            consents: self.consents.clone(),
            engine,
            store: None,
            adapters: self.adapters.clone(),
            ready: Arc::new(BTreeMap::from([(name.to_owned(), ready)])),
            refused: BTreeMap::new(),
            kept: Arc::default(),
        };
        trial.connect(name, &Output::default().without_progress()).await
    }

    /// Reads configuration and secrets again, for the store that is open.
    ///
    /// # Errors
    /// When the file cannot be read or names another store, or a connection of it was made at run
    /// time. Open connections stay unchanged.
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
        let keys = seal_keys(&config, Use::Online).await?;
        let adapters = self.adapters.again(&config, &Wanted::All).await;
        let found = ready(&config, &adapters, (None, Use::Online), Some(self)).await;
        let (engine, store) = (self.engine.clone(), self.store.clone());
        let (vault, consents) = (engine.vault(keys), self.consents.clone());
        let parts = Parts { engine, vault, consents, store, adapters };
        with_made(config, parts, found, (None, Use::Online), Some(self)).await
    }

    /// The same for a command that another process relayed, of one connection or of all.
    ///
    /// # Errors
    /// When the configuration has no such connection, or it cannot be opened.
    pub(crate) fn within(&self, only: Option<&str>) -> Result<Self, Failure> {
        let Some(name) = only else { return Ok(self.clone()) };
        self.config.connection(name)?;
        match self.refused.get(name) {
            Some(why) => Err(Failure::new(why.clone())),
            None => Ok(Self { refused: BTreeMap::new(), ..self.clone() }),
        }
    }

    /// SHA-256 of the component of a connection.
    pub(crate) fn component(&self, name: &str) -> Option<&str> {
        self.ready.get(name)?.adapter.code_hash()
    }

    /// The credential of a connection, where it was read.
    pub(crate) fn credential(&self, name: &str) -> Option<Credential> {
        self.ready.get(name)?.secrets.credential.clone()
    }

    /// The names of the open connections.
    pub(crate) fn names(&self) -> Vec<String> {
        self.ready.keys().cloned().collect()
    }

    /// One of them.
    ///
    /// # Errors
    /// When origins, settings, credential or the kinds of the schedule do not fit the adapter: with
    /// the line of the file where it is known.
    pub(crate) async fn connect(&self, name: &str, output: &Output) -> Result<Connection, Failure> {
        let config = self.config.connection(name)?;
        let Some(ready) = self.ready.get(name) else {
            let why = self.refused.get(name).cloned();
            return Err(Failure::new(
                why.unwrap_or_else(|| format!("the connection {name} is not open")),
            ));
        };
        let adapter = Arc::clone(&ready.adapter);
        let credential = ready.secrets.credential.clone().unwrap_or_else(|| stand_in(config));
        let mut options = ConnectionOptions::new(name, adapter, credential);
        options.origins = config.origins.clone();
        options.accept = config.accept.clone();
        options.allow_private_network = config.allow_private_network;
        options.settings = config.settings.clone();
        options.settle_window_ms = config.settle_window_ms;
        options.webhook_secrets = ready.secrets.webhook.clone();
        options.store_only = ready.secrets.credential.is_none();
        options.progress = output.progress();
        let connection =
            self.engine.connect(options).await.map_err(|error| match error.option() {
                Some(option) => {
                    let place = self
                        .config
                        .place(name, if option == "credential" { "auth" } else { option });
                    Failure::new(format!("{place}: {error}"))
                }
                None => error.into(),
            })?;
        for (member, kind) in config.kinds() {
            connection.check_kind(kind).map_err(|error| {
                let place = self.config.place(name, &format!("{member}.{kind}"));
                Failure::new(format!("{place}: {member}: {error}"))
            })?;
        }
        Ok(connection)
    }
}

async fn credential(config: &ConnectionConfig, directory: &Path) -> Result<Credential, String> {
    let auth = &config.auth;
    let at = |field: &'static str| move |error: atsync::Error| format!("{field}: {error}");
    match (auth.scheme.get_ref(), &auth.client_id, &auth.client_secret, &auth.key) {
        (Scheme::ClientCredentials, Some(id), Some(secret), _) => {
            Ok(Credential::ClientCredentials {
                client_id: id.read(directory).await.map_err(at("auth.client_id"))?,
                client_secret: secret.read(directory).await.map_err(at("auth.client_secret"))?,
            })
        }
        (_, _, _, Some(key)) => {
            Ok(Credential::Key(key.read(directory).await.map_err(at("auth.key"))?))
        }
        _ => Err("auth: the credential is not complete; README.md lists what each scheme needs"
            .to_owned()),
    }
}

/// For commands that send nothing.
fn stand_in(config: &ConnectionConfig) -> Credential {
    let secret = Secret::new("not read: nothing is sent");
    match config.auth.scheme.get_ref() {
        Scheme::ClientCredentials => Credential::ClientCredentials {
            client_id: "not-read".to_owned(),
            client_secret: secret,
        },
        Scheme::AuthorizationCode => Credential::AuthorizationCode {
            client_id: "not-read".to_owned(),
            client_secret: secret,
            keeper: Consents::default().keeper("not-read", 0),
        },
        _ => Credential::Key(secret),
    }
}
