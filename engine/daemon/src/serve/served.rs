//! The connections that the HTTP API serves, with their health.
//!
//! The run of the schedules fills it; the handlers read it. It holds handles of the engine, which
//! are dropped by [`Served::stop`], so that the engine can close.
//!
//! Bounds: one entry for each connection of the configuration.

use super::audit::log::Log;
use super::audit::refusals::Refusals;
use super::caller::Caller;
use super::deliver::known::Deliveries;
use super::health::{Condition, Health};
use super::known_tokens::Tokens;
use super::loops::{LateLoops, LoopNotice};
use super::notices::{Notice, Notices};
use super::problem::{Problem, ProblemType};
use super::repeat_keys::Repeats;
use super::set_up::SetUp;
use super::tally::Tally;
use crate::adapters::shelf::Refusal;
use crate::open::Opened;
use crate::questions::Questions;
use atsync::{Clock, Connection, LoopStatus, Round, SystemClock};
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use tokio::sync::{Semaphore, mpsc, oneshot, watch};

/// What a reload did.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reloaded {
    /// The connections that were refused, each with why.
    pub(crate) refused: BTreeMap<String, String>,
    /// The files of the adapters' folder that were refused, by name; the folder itself under the
    /// empty one.
    pub(crate) adapters: BTreeMap<String, String>,
}

/// Who asked for a reload, and waits for its end.
pub(crate) type Asked = oneshot::Sender<Result<Reloaded, String>>;
/// Webhooks that are verified or read at once.
pub(super) const HOOKS_AT_ONCE: usize = 32;
/// Reloads that wait.
const RELOADS_WAITING: usize = 64;

/// The connections by name, and whether the server stops.
#[derive(Debug)]
pub(crate) struct Served {
    connections: Mutex<BTreeMap<String, One>>,
    /// The loops that were reported as late.
    late: Mutex<LateLoops>,
    /// What relayed commands open their connections from; none before the start and after a stop.
    opened: Mutex<Option<Opened>>,
    /// The questions of relayed commands.
    pub(super) questions: Arc<Questions>,
    /// The idempotency keys whose actions are under way.
    pub(super) repeats: Repeats,
    /// The tokens that were made at run time.
    pub(super) tokens: Arc<Tokens>,
    /// The endpoints of webhooks out.
    pub(super) deliveries: Deliveries,
    /// The audit log.
    pub(super) audit: Arc<Log>,
    /// Changing requests that were refused, until they are in the log.
    pub(super) refusals: Refusals,
    /// The webhooks that are under way.
    pub(super) hooks: Semaphore,
    /// Held while a connection is stored or removed, until it runs or is forgotten.
    pub(super) making: tokio::sync::Mutex<()>,
    /// The backup that is under way.
    pub(super) backups: Arc<Semaphore>,
    /// Where it listens.
    address: OnceLock<SocketAddr>,
    /// Asks the run of the schedules for a reload.
    reload: mpsc::Sender<Asked>,
    reloads: Mutex<Option<mpsc::Receiver<Asked>>>,
    /// Counts how often a connection came or went.
    set: watch::Sender<u64>,
    stop: watch::Sender<bool>,
}

#[derive(Debug, Default)]
struct One {
    /// None where it could not be opened.
    connection: Option<Connection>,
    /// The kinds that its schedules pull, and since when.
    pulls: (BTreeSet<String>, u64),
    health: Health,
    /// How its webhooks are set up, as far as a round has found out.
    set_up: Option<SetUp>,
    notices: Notices,
    tally: Tally,
}

fn held<T>(what: &Mutex<T>) -> MutexGuard<'_, T> {
    what.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A connection as a list shows it.
pub(super) struct Listed {
    pub(super) name: String,
    pub(super) connection: Option<Connection>,
    /// The kinds that its schedules pull, and since when.
    pulls: (BTreeSet<String>, u64),
    pub(super) conditions: Vec<Condition>,
    pub(super) is_healthy: bool,
    pub(super) tally: Tally,
    /// Why it does not run the newest version of its adapter.
    pub(super) refusal: Option<Refusal>,
}

impl Listed {
    /// When the scheduled kind was pulled completely that was pulled longest ago; one that was not
    /// yet counts from the start of the schedules. None without a schedule of pulls.
    pub(super) fn pulled_since_ms(&self, pulled_ms: &BTreeMap<String, u64>) -> Option<u64> {
        let (kinds, started_ms) = &self.pulls;
        kinds.iter().map(|kind| pulled_ms.get(kind).copied().unwrap_or(*started_ms)).min()
    }
}

impl Served {
    pub(crate) fn new() -> Self {
        let (reload, reloads) = mpsc::channel(RELOADS_WAITING);
        Self {
            reload,
            reloads: Mutex::new(Some(reloads)),
            connections: Mutex::default(),
            late: Mutex::default(),
            opened: Mutex::default(),
            making: tokio::sync::Mutex::default(),
            backups: Arc::new(Semaphore::new(1)),
            address: OnceLock::new(),
            questions: Arc::default(),
            repeats: Repeats::default(),
            tokens: Arc::default(),
            deliveries: Deliveries::default(),
            audit: Arc::default(),
            refusals: Refusals::default(),
            hooks: Semaphore::new(HOOKS_AT_ONCE),
            set: watch::Sender::new(0),
            stop: watch::Sender::new(false),
        }
    }

    /// The reloads that are asked for, for the run of the schedules. Taken once.
    pub(crate) fn reloads(&self) -> mpsc::Receiver<Asked> {
        held(&self.reloads).take().unwrap_or_else(|| mpsc::channel(1).1)
    }

    /// Has the configuration read again, and waits for the end.
    pub(super) async fn reload(&self) -> Result<Reloaded, Problem> {
        let (asked, answer) = oneshot::channel();
        let stopping = || Problem::new(ProblemType::Stopping, "the server is stopping");
        self.reload.send(asked).await.map_err(|_| stopping())?;
        let reloaded = tokio::select! {
            reloaded = answer => reloaded.map_err(|_| stopping())?,
            () = self.stopping() => return Err(stopping()),
        };
        reloaded.map_err(|why| Problem::new(ProblemType::Configuration, why))
    }

    fn all(&self) -> MutexGuard<'_, BTreeMap<String, One>> {
        held(&self.connections)
    }

    /// The connections, each with how its loops are now.
    fn judged(&self) -> MutexGuard<'_, BTreeMap<String, One>> {
        let (loops, now_ms) = (self.loops(), SystemClock.now_ms());
        let mut by_connection: BTreeMap<&str, Vec<LoopStatus>> = BTreeMap::new();
        for one in &loops {
            if let Some(name) = &one.connection {
                by_connection.entry(name).or_default().push(one.clone());
            }
        }
        let mut all = self.all();
        for (name, one) in all.iter_mut() {
            let loops = by_connection.remove(name.as_str()).unwrap_or_default();
            one.health.loops(&loops, now_ms);
        }
        drop(by_connection);
        all
    }

    /// How each loop of the engine and of this process is.
    pub(super) fn loops(&self) -> Vec<LoopStatus> {
        self.opened().map(|opened| opened.engine.loops()).unwrap_or_default()
    }

    /// The loops that work for all connections and are late: nothing makes progress then.
    pub(crate) fn late_for_all(&self) -> Vec<&'static str> {
        let loops = self.loops().into_iter();
        let late = loops.filter(|one| one.is_late && one.connection.is_none());
        late.map(|one| one.name).collect()
    }

    /// The notices of loops that became late, or act again, since the last call.
    pub(crate) fn loop_notices(&self) -> Vec<LoopNotice> {
        held(&self.late).look(&self.loops(), SystemClock.now_ms())
    }

    /// The schedules of a connection started.
    pub(crate) fn started(&self, connection: &Connection, kinds: BTreeSet<String>) {
        let now_ms = SystemClock.now_ms();
        let mut all = self.all();
        let one = all.entry(connection.name().to_owned()).or_default();
        one.connection = Some(connection.clone());
        one.pulls = (kinds, now_ms);
        one.health.started(now_ms);
        drop(all);
        self.set.send_modify(|count| *count = count.saturating_add(1));
    }

    /// The schedules of a connection ended with an error, or could not start.
    pub(crate) fn ended(&self, name: &str, why: &str) {
        let mut all = self.all();
        all.entry(name.to_owned()).or_default().health.ended(why, SystemClock.now_ms());
    }

    /// A connection left the configuration.
    pub(crate) fn removed(&self, name: &str) {
        drop(self.all().remove(name));
        self.set.send_modify(|count| *count = count.saturating_add(1));
    }

    /// The configuration was read again: connections that it does not have are not shown any more,
    /// and those that were refused and do not run are shown with why.
    pub(crate) fn reread(&self, refused: &BTreeMap<String, String>, runs: impl Fn(&str) -> bool) {
        let now_ms = SystemClock.now_ms();
        let mut all = self.all();
        all.retain(|name, _| runs(name) || refused.contains_key(name));
        for (name, why) in refused.iter().filter(|(name, _)| !runs(name)) {
            all.entry(name.clone()).or_default().health.ended(why, now_ms);
        }
        drop(all);
        self.set.send_modify(|count| *count = count.saturating_add(1));
    }

    /// A round of a connection ended. Returns the notice for operators that it causes.
    pub(crate) fn round(&self, name: &str, round: &Round<'_>) -> Option<Notice> {
        let now_ms = SystemClock.now_ms();
        let mut all = self.all();
        let one = all.get_mut(name)?;
        one.health.round(round, now_ms);
        one.set_up = SetUp::of(round).or(one.set_up);
        one.tally.round(round);
        one.notices.round(round, now_ms)
    }

    /// A webhook of a connection arrived, and was accepted or not.
    pub(super) fn hook(&self, name: &str, is_accepted: bool) {
        if let Some(one) = self.all().get_mut(name) {
            one.health.hook(is_accepted, SystemClock.now_ms());
            one.tally.hook(is_accepted);
        }
    }

    /// Whether the store is open, and so is a connection, where there is one.
    pub(super) fn is_ready(&self) -> bool {
        let Some(opened) = self.opened() else { return false };
        let has_none = opened.config.connections.is_empty() && opened.config.refused.is_empty();
        has_none || self.all().values().any(|one| one.connection.is_some())
    }

    /// The configuration that runs from now on.
    pub(crate) fn runs(&self, opened: &Opened) {
        *held(&self.opened) = Some(opened.clone());
    }

    /// What runs.
    ///
    /// # Errors
    /// When the server starts or stops.
    pub(super) fn running(&self) -> Result<Opened, Problem> {
        self.opened().ok_or_else(|| match self.is_stopping() {
            true => Problem::new(ProblemType::Stopping, "the server is stopping"),
            false => Problem::new(ProblemType::Starting, "the server is starting; try it again"),
        })
    }

    /// The connections whose adapter was not replaced by the newest version, each with why.
    fn kept(&self) -> Arc<BTreeMap<String, Refusal>> {
        held(&self.opened).as_ref().map(|opened| Arc::clone(&opened.kept)).unwrap_or_default()
    }

    /// What a relayed command opens its connection from.
    pub(super) fn opened(&self) -> Option<Opened> {
        held(&self.opened).clone()
    }

    /// The server listens on this address.
    pub(super) fn listens(&self, address: SocketAddr) {
        // Once: a process listens on one.
        let _ = self.address.set(address);
    }

    /// How the webhooks of a connection are set up; none while that is not known.
    pub(super) fn set_up(&self, name: &str) -> Option<SetUp> {
        self.all().get(name)?.set_up
    }

    /// Whether it listens on an address, and so receives webhooks.
    pub(super) fn has_address(&self) -> bool {
        self.address.get().is_some()
    }

    /// The origin by which a configuration says that this server is reached; without one where it
    /// listens.
    pub(super) fn origin(&self, named: Option<&String>) -> Option<String> {
        let listened = self.address.get().map(|address| format!("http://{address}"));
        named.cloned().or(listened)
    }

    /// The origin under which browsers reach this server.
    pub(super) fn public_url(&self) -> Result<String, Problem> {
        let opened = self.opened();
        let named = opened.as_ref().and_then(|opened| opened.config.serve.public_url.as_ref());
        self.origin(named).ok_or_else(|| {
            let why = "browsers cannot reach this server: set `listen` of the table [serve]";
            Problem::new(ProblemType::Configuration, why)
        })
    }

    /// Ends every stream, and drops the handles.
    pub(crate) fn stop(&self) {
        self.stop.send_replace(true);
        self.all().clear();
        *held(&self.opened) = None;
    }

    /// Whether the server stops.
    pub(super) fn is_stopping(&self) -> bool {
        *self.stop.borrow()
    }

    /// Completes when the server stops.
    pub(super) fn stopping(&self) -> impl Future<Output = ()> + Send + use<> {
        let mut stop = self.stop.subscribe();
        // An error means that the sender was dropped, which is a stop too.
        async move { drop(stop.wait_for(|stop| *stop).await) }
    }

    /// Reads the tokens that were made again, and ends the open streams: each connects again, and
    /// is asked for its token then.
    pub(super) async fn reread_tokens(&self, engine: &atsync::Engine) -> Result<(), atsync::Error> {
        self.tokens.load(engine).await?;
        self.authority_changed();
        Ok(())
    }

    /// Ends the open streams, since what tokens may do has changed.
    pub(super) fn authority_changed(&self) {
        self.set.send_modify(|count| *count = count.saturating_add(1));
    }

    /// Completes when a connection comes or goes, what tokens may do changes, or the server stops.
    pub(super) fn set_changed(&self) -> impl Future<Output = ()> + Send + use<> {
        let (mut set, stopping) = (self.set.subscribe(), self.stopping());
        async move {
            tokio::select! {
                _ = set.changed() => {}
                () = stopping => {}
            }
        }
    }

    /// An open connection.
    pub(super) fn connection(&self, name: &str) -> Result<Connection, Problem> {
        if *self.stop.borrow() {
            return Err(Problem::new(ProblemType::Stopping, "the server is stopping"));
        }
        let all = self.all();
        let Some(one) = all.get(name) else {
            drop(all);
            return Err(self.absent(name));
        };
        one.connection.clone().ok_or_else(|| {
            let why = one.health.conditions().pop().map(|condition| condition.message);
            let why = why.unwrap_or_default();
            Problem::new(ProblemType::Configuration, format!("{name} is not open: {why}"))
        })
    }

    /// Why a connection is not among those that run: there is none, or it is being opened.
    fn absent(&self, name: &str) -> Problem {
        let opened = self.opened();
        if opened.is_none_or(|opened| opened.config.connections.contains_key(name)) {
            let detail = format!("{name} is being opened; try it again");
            return Problem::new(ProblemType::Starting, detail);
        }
        Problem::no_such_connection()
    }

    /// The connections that a caller may use, in the order of their names.
    pub(super) fn listed(&self, caller: &Caller) -> Vec<Listed> {
        let kept = self.kept();
        let all = self.judged();
        let theirs = all.iter().filter(|(name, _)| caller.may_use(name));
        theirs.map(|(name, one)| one.listed(name, &kept)).collect()
    }

    /// One of them.
    pub(super) fn one(&self, name: &str) -> Result<Listed, Problem> {
        let kept = self.kept();
        let listed = self.judged().get(name).map(|one| one.listed(name, &kept));
        listed.ok_or_else(|| self.absent(name))
    }
}

impl One {
    fn listed(&self, name: &str, kept: &BTreeMap<String, Refusal>) -> Listed {
        Listed {
            name: name.to_owned(),
            connection: self.connection.clone(),
            pulls: self.pulls.clone(),
            conditions: self.health.conditions(),
            is_healthy: self.health.is_healthy(),
            tally: self.tally.clone(),
            refusal: kept.get(name).cloned(),
        }
    }
}
