//! The facade: an engine, its connections, and their operations.
//!
//! ```no_run
//! # async fn example(adapter: std::sync::Arc<dyn atsync::Adapter>) -> Result<(), atsync::Error> {
//! use atsync::{ConnectionOptions, Credential, Engine, PlanOf, Secret};
//!
//! let engine = Engine::builder().store_file("acme.redb")?.build()?;
//! let acme = engine
//!     .connect(ConnectionOptions::new("acme", adapter, Credential::ClientCredentials {
//!         client_id: "id".into(),
//!         client_secret: Secret::new("secret"),
//!     }))
//!     .await?;
//! acme.pull("jobs").await?;
//! let text = r#"{"key": "ref-1", "emails": ["ada@example.test"]}"#;
//! let records = atsync::parse_desired("a record", text)?;
//! acme.declare(&records).await?;
//! let plan = acme.plan(PlanOf::Dirty).await?;
//! print!("{plan}");
//! acme.apply(&plan).await?;
//! # Ok(()) }
//! ```
//!
//! Handles are cheap to clone, and their futures can be spawned. Dropping one is safe at any point:
//! see [`crate::reconcile`]. [`Connection::close`] and [`Engine::close`] end them in order.
//!
//! A tokio runtime is needed, built with `enable_all`: the network and a store in a file run on it.
//! Without one, calls that need it give an error of [`ErrorKind::Configuration`]. Dropping the last
//! handle of a store in a file waits until the queued writes are done.
//!
//! Left out: configuration files and the command line, which the daemon has; HTTP, which the host
//! has.

mod abilities;
mod backlog;
mod close;
mod declaring;
mod forget;
mod notes;
mod open;
mod settings;
mod status;

use crate::adapter::Adapter;
use crate::clock::{Clock, SystemClock};
use crate::consent::used::UsedStates;
use crate::credential::{self, Credential};
use crate::entropy::{Entropy, SystemEntropy};
use crate::error::{Error, ErrorKind};
use crate::heartbeat::{Heartbeat, Heartbeats, LoopStatus};
use crate::journal::Intent;
use crate::pin;
use crate::plan::Plan;
use crate::reconcile::{
    ApplyReport, CheckResult, ContextParts, HintEnd, PartsPlanned, PlanOf, ProgressFn, PullReport,
    RECORDS_AT_ONCE, Reconciler, Resend, SettleReport, SweepOptions, SweepReport,
};
use crate::secret::Secret;
use crate::store::handle::ConnectionStore;
use crate::store::{ConnectionRow, LinkRow, Pin, Store};
use crate::transport::{
    HttpOptions, HttpTransport, Refusing, Session, SessionOptions, Shared, Transport, Usage,
};
use crate::webhook::Webhooks;
use atsync_model::contract::Hint;
use atsync_model::desired::Desired;
use atsync_model::manifest::Manifest;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use tokio::sync::{Notify, watch};
use url::Url;

use abilities::KnownVersions;
pub(crate) use open::Work;
use open::{Begun, OpenConnection, OpenConnections};

pub use backlog::Backlog;
pub use status::{Status, SweepStatus};

/// Rows of one read of the feed or of a kind: some megabytes of rich records as JSON.
pub(crate) const READ_ROWS: usize = 100;

/// The options of a connection.
#[derive(Clone)]
#[non_exhaustive]
pub struct ConnectionOptions {
    /// Its name: the store keeps everything of it under this key.
    pub name: String,
    /// The adapter.
    pub adapter: Arc<dyn Adapter>,
    /// The credential.
    pub credential: Credential,
    /// Origins that differ from the manifest's, by name: a sandbox, or a customer's own subdomain.
    /// All of them for a component that the host does not vouch for
    /// ([`crate::adapter::Adapter::is_vouched_for`]).
    pub origins: BTreeMap<String, String>,
    /// Accepts an adapter that declares other origins, or another use of the credential, than the
    /// connection was used with, or that lacks kinds, fields or operations that the connection
    /// uses: the token that the refusal shows. It accepts what that refusal names only, and may
    /// stay.
    pub accept: Option<String>,
    /// Allows private, loopback and link-local addresses, and with them clear-text `http`.
    pub allow_private_network: bool,
    /// The adapter's settings; see its manifest's `settings_schema`.
    pub settings: Map<String, Value>,
    /// Overrides how long after a write in doubt a probe that finds nothing becomes conclusive. For
    /// sandboxes; never shorten it against a real ATS.
    pub settle_window_ms: Option<u64>,
    /// Desired records that [`Connection::sync`] plans and applies at once, at least one. Each
    /// takes some kilobytes of memory.
    pub records_at_once: usize,
    /// The secrets that the ATS signs its webhooks with; see [`Connection::receive`]. Several while
    /// one is being replaced. Empty: webhooks are refused.
    pub webhook_secrets: Vec<Secret>,
    /// Opens the connection for reading the store: every request is refused before a name is
    /// resolved, and opening writes nothing. The credential is not used.
    pub store_only: bool,
    /// Called with the progress of the connection.
    pub progress: ProgressFn,
}

impl ConnectionOptions {
    /// Options without overrides.
    pub fn new(name: impl Into<String>, adapter: Arc<dyn Adapter>, credential: Credential) -> Self {
        Self {
            name: name.into(),
            adapter,
            credential,
            origins: BTreeMap::new(),
            accept: None,
            allow_private_network: false,
            settings: Map::new(),
            settle_window_ms: None,
            records_at_once: RECORDS_AT_ONCE,
            webhook_secrets: Vec::new(),
            store_only: false,
            progress: Arc::new(|_| {}),
        }
    }
}

impl std::fmt::Debug for ConnectionOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ConnectionOptions").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Makes an [`Engine`].
#[derive(Debug, Default)]
pub struct EngineBuilder {
    store: Option<Arc<dyn Store>>,
    transport: Option<Arc<dyn Transport>>,
    clock: Option<Arc<dyn Clock>>,
    entropy: Option<Arc<dyn Entropy>>,
}

impl EngineBuilder {
    /// Keeps state in this store.
    #[must_use]
    pub fn store(mut self, store: Arc<dyn Store>) -> Self {
        self.store = Some(store);
        self
    }

    /// Keeps state in this file, which is created if it is missing.
    ///
    /// # Errors
    /// [`ErrorKind::Store`] when the file is damaged, in use, or cannot be reached; the message
    /// says what to do.
    pub fn store_file(self, path: impl AsRef<Path>) -> Result<Self, Error> {
        let store = crate::store::redb::RedbStore::open(
            path.as_ref(),
            crate::store::redb::RedbOptions::default(),
            &SystemEntropy,
        )?;
        Ok(self.store(Arc::new(store)))
    }

    /// Sends through this transport instead of HTTP over the network.
    #[must_use]
    pub fn transport(mut self, transport: Arc<dyn Transport>) -> Self {
        self.transport = Some(transport);
        self
    }

    /// Takes the time from this clock.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = Some(clock);
        self
    }

    /// Takes randomness from this source.
    #[must_use]
    pub fn entropy(mut self, entropy: Arc<dyn Entropy>) -> Self {
        self.entropy = Some(entropy);
        self
    }

    /// Builds the engine. Without a store it keeps everything in memory.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`] when the network client cannot be set up.
    pub fn build(self) -> Result<Engine, Error> {
        let transport = match self.transport {
            Some(transport) => transport,
            None => {
                let transport = HttpTransport::new(HttpOptions::default())
                    .map_err(|error| Error::made_of(ErrorKind::Configuration, error))?;
                Arc::new(transport)
            }
        };
        let store =
            self.store.unwrap_or_else(|| Arc::new(crate::store::memory::MemoryStore::default()));
        let clock = self.clock.unwrap_or_else(|| Arc::new(SystemClock));
        let heartbeats = Heartbeats::new(Arc::clone(&clock));
        store.beats(&heartbeats);
        Ok(Engine {
            store,
            transport,
            clock,
            entropy: self.entropy.unwrap_or_else(|| Arc::new(SystemEntropy)),
            shared: Arc::default(),
            open: OpenConnections::default(),
            used_states: UsedStates::default(),
            heartbeats,
            versions: KnownVersions::default(),
        })
    }
}

/// One store and the connections in it. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Engine {
    store: Arc<dyn Store>,
    transport: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    shared: Arc<Shared>,
    open: OpenConnections,
    used_states: UsedStates,
    heartbeats: Heartbeats,
    versions: KnownVersions,
}

impl Engine {
    /// A builder of an engine.
    pub fn builder() -> EngineBuilder {
        EngineBuilder::default()
    }

    /// The source of randomness.
    pub(crate) fn entropy(&self) -> &Arc<dyn Entropy> {
        &self.entropy
    }

    /// The store, for operations that the facade does not have.
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    /// How each loop that must make progress is: the schedules that run ([`Connection::run`]), the
    /// writer of a store in a file, and the loops of the host ([`Engine::heartbeat`]). A loop that
    /// is late hangs; one that fails is not late. Reads no store, so that it answers while the
    /// store hangs.
    pub fn loops(&self) -> Vec<LoopStatus> {
        self.heartbeats.loops()
    }

    /// The heartbeat of a loop of the host. [`Engine::loops`] has the loop until it is dropped.
    pub fn heartbeat(&self, name: &'static str, connection: Option<&str>) -> Heartbeat {
        self.heartbeats.begin(name, connection)
    }

    /// Opens a connection. Nothing is sent.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`] when origins, credential or settings do not fit the adapter,
    /// when the store has the connection with another adapter, or when the adapter declares more
    /// than before of where it sends or can no longer do what the connection uses
    /// ([`ConnectionOptions::accept`]).
    pub async fn connect(&self, options: ConnectionOptions) -> Result<Connection, Error> {
        let name = options.name.clone();
        let manifest = options.adapter.manifest();
        check_name(&name)?;
        let Begun { underway, hints, open } = self.open.begin(&name)?;
        let Prepared { row, pin, session } = self.prepare(&options).await?;
        if let Some(before) = row.pin.as_ref().filter(|before| before.code != pin.code) {
            let (before, now) = (
                before.code.as_deref().unwrap_or("linked in"),
                pin.code.as_deref().unwrap_or("linked in"),
            );
            tracing::info!(
                connection = name,
                before,
                now,
                "the adapter's code is another than at the last use; it declares no more"
            );
        }
        let rights_found = row.rights_found;
        let session = self.session(session, &options)?;
        let opted_in = opted_in(manifest, &options.settings);
        let held = ConnectionRow {
            adapter: manifest.name.clone(),
            adapter_version: manifest.version.clone(),
            opted_in,
            pin: Some(pin),
            ..row.clone()
        };
        let allows_more =
            row.opted_in != held.opted_in || row.adapter_version != held.adapter_version;
        let store = ConnectionStore::claim(Arc::clone(&self.store), &name).await?;
        if !options.store_only {
            let now_ms = self.clock.now_ms();
            self.versions.keep(self.store.as_ref(), options.adapter.as_ref(), now_ms).await?;
        }
        let parts = ContextParts {
            name,
            adapter: options.adapter,
            session,
            store,
            clock: Arc::clone(&self.clock),
            entropy: Arc::clone(&self.entropy),
            settings: options.settings,
            settle_window_ms: options.settle_window_ms,
            progress: options.progress,
            underway,
        };
        let reconciler = Reconciler::new(parts, options.records_at_once, rights_found);
        if allows_more && !options.store_only {
            reconciler.planner.reconsider().await?;
        }
        reconciler
            .context
            .change_row(|row| {
                if !options.store_only {
                    (row.adapter, row.adapter_version) = (held.adapter, held.adapter_version);
                    (row.opted_in, row.pin) = (held.opted_in, held.pin);
                }
            })
            .await?;
        Ok(Connection {
            open,
            heartbeats: self.heartbeats.clone(),
            reconciler: Arc::new(reconciler),
            declared: Arc::new(Notify::new()),
            credentials: Arc::new(watch::Sender::new(0)),
            webhooks: Arc::new(Webhooks::new(options.webhook_secrets, hints)),
        })
    }
}

/// Options that were checked against the store's row.
pub(crate) struct Prepared {
    row: ConnectionRow,
    pin: Pin,
    session: SessionOptions,
}

impl Prepared {
    /// A granted origin.
    pub(crate) fn origin(&self, name: &str) -> Option<&Url> {
        self.session.origins.get(name)
    }
}

impl Engine {
    /// Checks options, and compares what the adapter declares with what the store has pinned.
    async fn prepare(&self, options: &ConnectionOptions) -> Result<Prepared, Error> {
        let (name, manifest) = (&options.name, options.adapter.manifest());
        let problem =
            |message: String| Error::new(ErrorKind::Configuration, format!("{name}: {message}"));
        settings::check(manifest, &options.settings)
            .map_err(|(setting, why)| problem(why).of_option(format!("settings.{setting}")))?;
        let granted = pin::origins(options.adapter.as_ref(), &options.origins)
            .map_err(|why| problem(why).of_option("origins"))?;
        let row = self.store.connection(name).await?.unwrap_or_default();
        if !row.adapter.is_empty() && row.adapter != manifest.name {
            let message = format!(
                "the store keeps it with the adapter {}, the options say {}; use another name for \
                 a new connection",
                row.adapter, manifest.name
            );
            return Err(problem(message));
        }
        let declared = pin::declared(options.adapter.as_ref());
        let losses = match options.store_only {
            true => Vec::new(),
            false => {
                abilities::losses(self.store.as_ref(), name, &row, options.adapter.as_ref()).await?
            }
        };
        let pin = pin::hold(
            row.pin.as_ref(),
            declared,
            &options.origins,
            options.accept.as_deref(),
            &losses,
        )
        .map_err(problem)?;
        let mut session = SessionOptions::new(name.clone(), granted);
        session.credential_origins = manifest.credential_origins().map(str::to_owned).collect();
        session.private_network = options.allow_private_network;
        session.auth = credential::auth(manifest, &options.settings, &options.credential)
            .map_err(|why| problem(why).of_option("credential"))?;
        session.secrets = options.webhook_secrets.clone();
        session.rules = manifest.rates.clone();
        Ok(Prepared { row, pin, session })
    }

    /// The session of a connection.
    fn session(
        &self,
        session: SessionOptions,
        options: &ConnectionOptions,
    ) -> Result<Session, Error> {
        let transport: Arc<dyn Transport> =
            if options.store_only { Arc::new(Refusing) } else { Arc::clone(&self.transport) };
        let (clock, entropy) = (Arc::clone(&self.clock), Arc::clone(&self.entropy));
        Session::new(session, transport, clock, entropy, &self.shared).map_err(|error| {
            Error::new(ErrorKind::Configuration, format!("{}: {error}", options.name))
        })
    }

    /// The checked options of a connection, without a session: an open connection of the same
    /// credential stays as it is.
    pub(crate) async fn prepared(&self, options: &ConnectionOptions) -> Result<Prepared, Error> {
        check_name(&options.name)?;
        self.prepare(options).await
    }

    /// The checked options of a connection and a session of it, without opening it.
    pub(crate) async fn unopened(
        &self,
        options: &ConnectionOptions,
    ) -> Result<(Prepared, Session), Error> {
        let prepared = self.prepared(options).await?;
        let session = self.session(prepared.session.clone(), options)?;
        Ok((prepared, session))
    }

    pub(crate) fn clock(&self) -> &dyn Clock {
        self.clock.as_ref()
    }

    pub(crate) fn used_states(&self) -> &UsedStates {
        &self.used_states
    }
}

/// Bytes of a connection's name; arbitrary, as for a key.
const NAME_BYTES_MAX: usize = 200;

/// The settings that enable operations which are off by default.
fn opted_in(manifest: &Manifest, settings: &Map<String, Value>) -> BTreeSet<String> {
    let gates = manifest.operations.iter().filter_map(|rule| rule.opt_in.as_ref());
    gates.filter(|gate| settings.get(*gate) == Some(&Value::Bool(true))).cloned().collect()
}

/// Refuses a name that cannot begin the messages of its connection and the store's keys.
fn check_name(name: &str) -> Result<(), Error> {
    let fits = (1..=NAME_BYTES_MAX).contains(&name.len())
        && name.trim() == name
        && !name.chars().any(char::is_control);
    if fits {
        return Ok(());
    }
    let message = format!(
        "a connection's name has 1 to {NAME_BYTES_MAX} bytes, no control characters and no blanks \
         around it; {:?} has not",
        name.chars().take(40).collect::<String>()
    );
    Err(Error::new(ErrorKind::Configuration, message))
}

/// A connection to one customer's ATS. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Connection {
    open: Arc<OpenConnection>,
    heartbeats: Heartbeats,
    reconciler: Arc<Reconciler>,
    declared: Arc<Notify>,
    /// How many credentials were given since the connection was opened.
    credentials: Arc<watch::Sender<u64>>,
    webhooks: Arc<Webhooks>,
}

/// Plans more records than fit into memory, part by part. The decisions of earlier parts bind the
/// later ones: of two records that would create one candidate the second is blocked, in whichever
/// parts they are. Nothing is stored and nothing is changed in the ATS.
///
/// It keeps an address and a key for each record that is to be created.
#[derive(Debug)]
pub struct Planner {
    connection: Connection,
    parts: PartsPlanned,
}

impl Planner {
    /// Plans some more records, declared or not. Pass custom fields and users with or before the
    /// records that name them.
    ///
    /// # Errors
    /// When something could not be read.
    pub async fn plan(&mut self, records: &[Desired]) -> Result<Plan, Error> {
        let Self { connection, parts } = self;
        let work = connection.work()?;
        connection.unless_closed(parts.plan(&work.planner, records)).await
    }
}

impl Connection {
    /// Bytes of a webhook's body that [`Connection::receive`] reads at most.
    pub const WEBHOOK_BODY_BYTES_MAX: usize = crate::webhook::limits::BODY_BYTES_MAX;

    /// Its name.
    pub fn name(&self) -> &str {
        &self.reconciler.context.name
    }

    /// SHA-256 of its adapter's component in hexadecimal; none for an adapter that is linked in.
    pub fn component(&self) -> Option<&str> {
        self.reconciler.context.adapter.code_hash()
    }

    /// The manifest of its adapter.
    pub fn manifest(&self) -> &Manifest {
        self.reconciler.context.adapter.manifest()
    }

    /// Refuses a kind that the adapter does not have.
    ///
    /// # Errors
    /// [`ErrorKind::Input`] naming the kind, the nearest one and all that the adapter has.
    pub fn check_kind(&self, kind: &str) -> Result<(), Error> {
        if self.manifest().kind(kind).is_some() {
            Ok(())
        } else {
            Err(self.reconciler.context.unknown_kind(kind))
        }
    }

    /// Checks every permission, without changing anything in the ATS. If no required one is
    /// refused, writes that were abandoned for lack of a right are sent again from now on, by other
    /// processes too. A permission that only raw kinds need is checked once the connection has read
    /// one of them; see [`Connection::check_for`].
    ///
    /// # Errors
    /// When the credential is refused or the ATS is unavailable.
    pub async fn check(&self) -> Result<Vec<CheckResult>, Error> {
        self.check_for(&[]).await
    }

    /// As [`Connection::check`], with the permissions that these raw kinds need: those that the
    /// host is going to read.
    ///
    /// # Errors
    /// As for [`Connection::check`].
    pub async fn check_for(&self, kinds: &[&str]) -> Result<Vec<CheckResult>, Error> {
        self.unless_closed(self.work()?.permissions.check(kinds)).await
    }

    /// Brings one kind up to date by reading what changed since the last pass.
    ///
    /// # Errors
    /// When a page could not be read; the pages before it stay, and the next pull resumes there.
    pub async fn pull(&self, kind: &str) -> Result<PullReport, Error> {
        self.unless_closed(self.work()?.ingest.pull(kind, false)).await
    }

    /// Brings one kind up to date by reading all of it again.
    ///
    /// # Errors
    /// As for [`Connection::pull`].
    pub async fn pull_full(&self, kind: &str) -> Result<PullReport, Error> {
        self.unless_closed(self.work()?.ingest.pull(kind, true)).await
    }

    /// Finds deleted and merged records of a kind, or resumes an unfinished sweep. Each missing
    /// record is fetched by id before it is reported.
    ///
    /// # Errors
    /// When a page could not be read; the next sweep of the kind resumes there. A sweep that is
    /// held, by its brake or for lack of a right, is no error: the report says so.
    pub async fn sweep(&self, kind: &str, options: SweepOptions) -> Result<SweepReport, Error> {
        self.unless_closed(self.work()?.sweeper.sweep(kind, options)).await
    }

    /// Fetches the record that an authentic webhook names. The hint alone changes nothing.
    ///
    /// # Errors
    /// When a read was not possible.
    pub async fn hint(&self, hint: Hint) -> Result<HintEnd, Error> {
        self.unless_closed(self.work()?.ingest.hint(hint)).await
    }

    /// Refreshes the kinds in which drift shows, and plans. Changes nothing in the ATS.
    ///
    /// # Errors
    /// When something could not be read.
    pub async fn plan(&self, of: PlanOf<'_>) -> Result<Plan, Error> {
        self.unless_closed(self.work()?.planner.plan(of)).await
    }

    /// A planner of records in parts, as if they were in one plan: see [`Planner`].
    pub fn planner(&self) -> Planner {
        Planner { connection: self.clone(), parts: PartsPlanned::default() }
    }

    /// Applies a plan. First it probes the writes in doubt of earlier runs that are due, and sends
    /// again those that are proven absent; the next plan continues from the result. To wait until
    /// they are settled, see [`Connection::settle`].
    ///
    /// # Errors
    /// When the connection as a whole fails; applied steps stay applied. A refused step is in the
    /// report, not an error.
    pub async fn apply(&self, plan: &Plan) -> Result<ApplyReport, Error> {
        let work = self.work()?;
        let settled = settle_as(&work, Resend::Due).await?;
        let mut report = work.applier.apply(plan).await?;
        report.settled.found += settled.found;
        report.settled.sent_again += settled.sent_again;
        Ok(report)
    }

    /// Begins no write from now on, for every clone of this handle: a write under way ends, and
    /// [`Connection::apply`] reports the steps that are left as not sent. For stopping a program;
    /// [`Connection::close`] also waits.
    pub fn hold_effects(&self) {
        self.reconciler.context.hold_effects();
    }

    /// Allows writes again after [`Connection::hold_effects`]; does nothing once the connection is
    /// closed.
    pub fn release_effects(&self) {
        self.open.if_open(|| self.reconciler.context.release_effects());
    }

    /// Settles the writes in doubt by probes, and sends again those that are proven absent.
    ///
    /// # Errors
    /// When a read was not possible.
    pub async fn settle(&self) -> Result<SettleReport, Error> {
        settle_as(&*self.work()?, Resend::Allowed).await
    }

    /// Settles the writes in doubt by probes alone; sends nothing again.
    ///
    /// # Errors
    /// When a read was not possible.
    pub async fn settle_without_sending(&self) -> Result<SettleReport, Error> {
        self.work()?.settler.settle(Resend::Never).await
    }

    /// Settles, plans the dirty records and applies the plan:
    /// [`ConnectionOptions::records_at_once`] records at a time, custom fields and users first. The
    /// report has the steps of all; the plan counts all, and holds at most that many records, the
    /// first ones.
    ///
    /// # Errors
    /// As for [`Connection::settle`], [`Connection::plan`] and [`Connection::apply`].
    pub async fn sync(&self) -> Result<(Plan, ApplyReport), Error> {
        let work = self.work()?;
        let settled = settle_as(&work, Resend::Allowed).await?;
        let (plan, mut report) = work.syncer.sync().await?;
        report.settled.found += settled.found;
        report.settled.sent_again += settled.sent_again;
        Ok((plan, report))
    }

    /// The links of a desired record.
    ///
    /// # Errors
    /// [`ErrorKind::Store`].
    pub async fn links(&self, key: &str) -> Result<Vec<LinkRow>, Error> {
        Ok(self.work()?.context.store.links_of(key).await?)
    }

    /// The open intents.
    ///
    /// # Errors
    /// [`ErrorKind::Store`].
    pub async fn open_intents(&self) -> Result<Vec<Intent>, Error> {
        Ok(self.work()?.context.store.open_intents().await?)
    }

    /// An intent by its number, open or ended; none when the connection has none with it.
    ///
    /// # Errors
    /// [`ErrorKind::Store`].
    pub async fn intent(&self, number: u64) -> Result<Option<Intent>, Error> {
        Ok(self.work()?.context.store.intent(number).await?)
    }

    /// The requests of the connection since it was opened.
    pub fn usage(&self) -> Usage {
        self.reconciler.context.session.usage()
    }

    /// Asks the ATS which customer the credential belongs to, and compares the answer with the
    /// store.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`] when the credential belongs to another customer than the
    /// records in the store.
    pub async fn verify_tenant(&self) -> Result<(), Error> {
        self.unless_closed(self.work()?.requests.verify_tenant()).await
    }

    /// Refreshes the tokens of a consent ([`Credential::AuthorizationCode`]) that were unused for
    /// long, because a refresh token that is unused ends. [`Connection::run`] does it by itself; a
    /// host that does not use that calls this for each connection that may be idle, again after
    /// the milliseconds that it returns. It returns none for a credential that does not end unused,
    /// and then it need not be called again.
    ///
    /// # Errors
    /// [`ErrorKind::Auth`] when a person has to consent again; [`Error::auth_reason`] says why.
    /// After an [`ErrorKind::Unavailable`] call it again soon: at half of the token's life it is
    /// early.
    pub async fn keep_alive(&self) -> Result<Option<u64>, Error> {
        let work = self.work()?;
        let kept = async {
            let kept = work.context.session.keep_alive().await;
            kept.map_err(|why| Error::from(why).at(self.name()))
        };
        self.unless_closed(kept).await
    }

    pub(crate) fn shared(&self) -> &Arc<Reconciler> {
        &self.reconciler
    }

    pub(crate) fn webhooks(&self) -> &Arc<Webhooks> {
        &self.webhooks
    }

    pub(crate) fn declared(&self) -> &Notify {
        &self.declared
    }

    pub(crate) fn heartbeats(&self) -> &Heartbeats {
        &self.heartbeats
    }

    pub(crate) fn credentials(&self) -> &watch::Sender<u64> {
        &self.credentials
    }
}

/// Settles, and reads back what it found or sent.
async fn settle_as(reconciler: &Reconciler, resend: Resend) -> Result<SettleReport, Error> {
    let mut report = reconciler.settler.settle(resend).await?;
    reconciler.ingest.read_back(std::mem::take(&mut report.touched)).await?;
    Ok(report)
}
