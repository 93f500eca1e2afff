//! The context: what every part of one connection's work shares.
//!
//! The handles (adapter, session, store, clock, entropy, settings) are read by all parts and
//! changed by none, so they are plain fields. State that can change is private: whether effects are
//! held, who receives progress, and the moments. Effects are held while the program stops, by each
//! handle for itself, and while the connection's writes are paused, for all. A part owns its own
//! state and gets everything else from here.
//!
//! Left out: locks on records ([`super::underway`]) and the time ([`super::moments`]), which are
//! types of their own.

use super::moments::Moments;
use super::progress::{Progress, ProgressFn};
use super::underway::Underway;
use crate::adapter::Adapter;
use crate::clock::Clock;
use crate::entropy::Entropy;
use crate::error::{Error, ErrorKind};
use crate::near;
use crate::plan::Plan;
use crate::store::handle::ConnectionStore;
use crate::store::{ConnectionRow, DesiredRow};
use crate::transport::Session;
use atsync_model::contract::Item;
use atsync_model::desired::Desired;
use atsync_model::manifest::{KindRule, Manifest, ScanRule};
use serde_json::{Map, Value};
use std::sync::Arc;

/// Why a step was not sent while effects are held.
const EFFECTS_HELD: &str =
    "the program is stopping, so no new effect begins; the next apply goes on from here";

/// Why a step was not sent while the connection's writes are paused.
const WRITES_PAUSED: &str = "the writes of the connection are paused until a person allows them: \
    `Connection::resume_writes`; then the next apply goes on from here";

/// Why a step was not sent while the lease ends too soon.
const LEASE_ENDS: &str = "the lease on the connection may end before the request does, and another \
    process may write for it then; the next apply goes on from here";

/// What every part of one connection's work shares.
pub(crate) struct Context {
    pub(crate) name: String,
    pub(crate) adapter: Arc<dyn Adapter>,
    pub(crate) session: Arc<Session>,
    pub(crate) store: ConnectionStore,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) settings: Map<String, Value>,
    /// Replaces the delays and windows that the manifest states.
    pub(super) settle_window_ms: Option<u64>,
    pub(super) moments: Moments,
    /// What all handles of this connection share.
    pub(super) underway: Arc<Underway>,
    progress: ProgressFn,
    effects_held: tokio::sync::watch::Sender<bool>,
}

impl std::fmt::Debug for Context {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Context").field("connection", &self.name).finish_non_exhaustive()
    }
}

/// What a context is made of.
pub(crate) struct ContextParts {
    pub(crate) name: String,
    pub(crate) adapter: Arc<dyn Adapter>,
    pub(crate) session: Session,
    pub(crate) store: ConnectionStore,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) settings: Map<String, Value>,
    pub(crate) settle_window_ms: Option<u64>,
    pub(crate) progress: ProgressFn,
    /// What all handles of this connection share.
    pub(crate) underway: Arc<Underway>,
}

impl Context {
    pub(super) fn new(parts: ContextParts) -> Self {
        let session = Arc::new(parts.session);
        let moments =
            Moments::begin(Arc::clone(&parts.clock), Arc::clone(&session), parts.entropy.as_ref());
        Self {
            name: parts.name,
            adapter: parts.adapter,
            session,
            store: parts.store,
            clock: parts.clock,
            entropy: parts.entropy,
            settings: parts.settings,
            settle_window_ms: parts.settle_window_ms,
            moments,
            underway: parts.underway,
            progress: parts.progress,
            effects_held: tokio::sync::watch::Sender::new(false),
        }
    }

    /// What the adapter is.
    pub(super) fn manifest(&self) -> &Manifest {
        self.adapter.manifest()
    }

    /// SHA-256 of the component; none for an adapter that is linked in.
    pub(crate) fn component(&self) -> Option<String> {
        self.adapter.code_hash().map(str::to_owned)
    }

    /// A plan of the connection, without a step so far.
    pub(crate) fn empty_plan(&self) -> Plan {
        let mut plan = Plan::default();
        (plan.connection, plan.component) = (self.name.clone(), self.component());
        plan
    }

    /// From now on no effect begins. One that is on its way ends, and so does each [`Self::wait`].
    pub(crate) fn hold_effects(&self) {
        self.effects_held.send_replace(true);
    }

    /// Effects may begin again.
    pub(crate) fn release_effects(&self) {
        self.effects_held.send_replace(false);
    }

    /// Whether no effect may begin.
    pub(super) fn holds_effects(&self) -> bool {
        self.why_held().is_some()
    }

    /// Why no effect may begin: the program is stopping, or the connection's writes are paused.
    pub(super) fn why_held(&self) -> Option<&'static str> {
        if *self.effects_held.borrow() {
            return Some(EFFECTS_HELD);
        }
        self.underway.writes_paused().then_some(WRITES_PAUSED)
    }

    /// Changes what the store keeps about the connection. The handles of the connection do so one
    /// after the other, so that none overwrites what another wrote.
    pub(crate) async fn change_row(
        &self,
        change: impl FnOnce(&mut ConnectionRow) + Send,
    ) -> Result<(), Error> {
        let _turn = self.underway.turn().await;
        let held = self.store.connection().await?.unwrap_or_default();
        let mut row = held.clone();
        change(&mut row);
        // A pause holds before it is durable, and its end only from then on.
        let is_paused = row.writes_paused_ms.is_some();
        if is_paused {
            self.underway.pause_writes(true);
        }
        if row != held {
            self.store.put_connection(row).await?;
        }
        self.underway.pause_writes(is_paused);
        Ok(())
    }

    /// Why no request that changes something may leave now: effects are held, or the lease may end
    /// before the request does.
    pub(super) fn sends_nothing(&self) -> Option<&'static str> {
        let timeout_ms = crate::transport::limits::EXCHANGE_TIMEOUT_MS;
        if let Some(why) = self.why_held() {
            return Some(why);
        }
        let outlives = self.store.outlives(self.clock.steady_ms(), timeout_ms);
        (!outlives).then_some(LEASE_ENDS)
    }

    /// Waits between two probes, or until effects are held: then nothing is worth waiting for.
    pub(super) async fn wait(&self, wait_ms: u64) {
        let mut held = self.effects_held.subscribe();
        tokio::select! {
            biased;
            _ = held.wait_for(|held| *held) => {}
            () = self.clock.sleep(wait_ms) => {}
        }
    }

    /// Reports progress to the host.
    pub(super) fn report(&self, progress: &Progress) {
        (self.progress)(progress);
    }

    /// A millisecond near now that no other mark of this connection carries in this process.
    pub(super) fn mark_time_ms(&self) -> u64 {
        self.underway.mark_time_ms(self.clock.now_ms())
    }

    /// Reads a desired row's record.
    pub(super) fn parse_desired(&self, row: &DesiredRow) -> Result<Desired, Error> {
        Desired::from_json(&row.body).map_err(|error| {
            self.error(
                ErrorKind::Store,
                format!("the desired record {} cannot be read: {error}", row.key),
            )
        })
    }

    /// The error for a key under which nothing is declared.
    pub(crate) fn no_record(&self, key: &str) -> Error {
        let message =
            format!("there is no desired record {key}; give the key that it was declared with");
        self.error(ErrorKind::Input, message)
    }

    /// The error for a kind that the adapter does not have.
    pub(crate) fn unknown_kind(&self, kind: &str) -> Error {
        self.error(ErrorKind::Input, near::no_kind(self.manifest(), kind))
    }

    /// The rule of a kind that has a list of its own. `inside`: what to say, after the name of the
    /// kind with whose pages it comes, of one that has none.
    ///
    /// # Errors
    /// [`ErrorKind::Input`] for a kind that the adapter does not have or that has no list.
    pub(crate) fn listed(
        &self,
        kind: &str,
        inside: impl FnOnce(&str) -> String,
    ) -> Result<&KindRule, Error> {
        let Some(rule) = self.manifest().kind(kind) else { return Err(self.unknown_kind(kind)) };
        self.opted_in(rule)?;
        let message = match &rule.scan {
            ScanRule::List {} | ScanRule::ByParent { .. } => return Ok(rule),
            ScanRule::Inside { kind: outer } => {
                format!("{kind} come with the pages of {outer}{}", inside(outer))
            }
            ScanRule::None {} => format!("the ATS has no list of {kind}"),
        };
        Err(self.error(ErrorKind::Input, message))
    }

    /// Whether a pull of a kind ever began.
    pub(crate) async fn was_pulled(&self, kind: &str) -> Result<bool, Error> {
        let scans = self.store.scan_states().await?;
        Ok(scans.iter().any(|(pulled, ..)| pulled == kind))
    }

    /// Refuses a kind whose records are sensitive, unless the connection's settings name it.
    pub(crate) fn opted_in(&self, rule: &KindRule) -> Result<(), Error> {
        let Some(setting) = rule.opt_in.as_ref().filter(|_| !rule.is_opted_in(&self.settings))
        else {
            return Ok(());
        };
        let kind = &rule.name;
        let message = format!(
            "{kind} are sensitive and are not read; to read them, add \"{kind}\" to the list \
             `{setting}` in the connection's settings"
        );
        Err(self.error(ErrorKind::Input, message))
    }

    /// Drops records that came with those of another kind, where the connection does not read them.
    pub(crate) fn keep_opted_in(&self, items: &mut Vec<Item>) {
        let is_read = |kind: &str| {
            self.manifest().kind(kind).is_none_or(|rule| rule.is_opted_in(&self.settings))
        };
        items.retain(|item| is_read(&item.kind));
    }

    /// The error for an outcome that does not belong to its task.
    pub(crate) fn unfit(&self, task: &str) -> Error {
        let message = format!("the adapter answered {task} with something else");
        self.error(ErrorKind::Adapter, message)
    }

    /// An error that names the connection.
    pub(super) fn error(&self, kind: ErrorKind, message: impl std::fmt::Display) -> Error {
        Error::new(kind, format!("{}: {message}", self.name))
    }
}
