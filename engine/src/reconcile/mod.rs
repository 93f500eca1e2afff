//! One connection kept in step: scan → plan → apply → settle.
//!
//! This room composes the others and does no input or output of its own: [`crate::adapter`] says
//! what to send and what an answer means, [`crate::transport`] sends, [`crate::plan`] and
//! [`crate::journal`] decide, [`crate::store`] remembers. A read is a task driven to its outcome
//! ([`drive`]); a write is one too, with the journal written durably just before its one effect
//! leaves ([`effect`]); what is in doubt is settled by looking ([`settle`]).
//!
//! Cancellation: every await may be the last. Nothing is lost by that: a page not committed is read
//! again, an effect on its way is found `sending` in the journal and is in doubt.
//!
//! Left out: when to do it ([`crate::schedule`]), and several connections at once
//! ([`crate::engine`]).

mod absence;
mod adoption;
mod apply;
mod check;
mod doubt;
mod drive;
mod effect;
mod explain;
mod fetch;
mod forms;
mod gate;
mod gather;
mod held;
mod hint;
mod hook;
mod identity;
mod import;
mod life;
mod look;
mod moments;
mod order;
mod own;
mod own_writes;
mod pace;
mod parts;
mod planning;
mod problems;
mod proven;
mod pull;
mod report;
mod restricted;
mod settle;
mod signature;
mod stand_in;
mod suspects;
mod sweep;
mod trail;
pub(crate) mod underway;
mod window;

pub use check::CheckResult;
#[cfg(feature = "testing")]
pub(crate) use effect::digest;
pub use explain::{Explanation, FieldStory, IntentStory, Next};
pub(crate) use held::is_spent;
pub use hint::HintEnd;
pub(crate) use hook::Hooking;
pub use life::Resolution;
pub(crate) use parts::{PartsPlanned, RECORDS_AT_ONCE};
pub use planning::PlanOf;
pub use pull::PullReport;
pub use report::{ApplyReport, StepEnd, StepReport};
pub(crate) use settle::Resend;
pub use settle::SettleReport;
pub use sweep::{SweepOptions, SweepReport};

use crate::adapter::Adapter;
use crate::clock::Clock;
use crate::entropy::Entropy;
use crate::error::{Error, ErrorKind};
use crate::journal::{CredentialGiven, Moment};
use crate::store::handle::ConnectionStore;
use crate::transport::Session;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError};

/// What a connection reports while it works. Never carries candidate data.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Progress {
    /// A pass over a kind has begun.
    PullStarted {
        /// The kind.
        kind: String,
        /// It goes on from a page of an earlier run.
        resumed: bool,
    },
    /// A page was taken in.
    Page {
        /// The kind.
        kind: String,
        /// Records of the pass so far.
        records: u64,
    },
    /// A pass over a kind is complete.
    PullDone {
        /// The kind.
        kind: String,
        /// Records of the pass.
        records: u64,
    },
    /// A step of a plan has ended.
    Step {
        /// The path that it serves.
        host: String,
        /// The operation.
        operation: String,
        /// How it ended, in a word.
        end: &'static str,
    },
    /// Waiting before a record is looked for again: what may have come along with its parent need
    /// not show yet.
    Looking {
        /// The operation that would make it.
        operation: String,
        /// For how long.
        wait_ms: u64,
    },
    /// Waiting until a doubt can be settled.
    Settling {
        /// How many intents are in doubt.
        open: usize,
        /// For how long.
        wait_ms: u64,
    },
}

/// Who wants to know.
pub type ProgressFn = Arc<dyn Fn(&Progress) + Send + Sync>;

/// Everything that work on one connection needs.
pub(crate) struct Reconciler {
    pub(crate) name: String,
    pub(crate) adapter: Arc<dyn Adapter>,
    pub(crate) session: Session,
    pub(crate) store: ConnectionStore,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) settings: Map<String, Value>,
    pub(crate) settle_window_ms: Option<u64>,
    records_at_once: usize,
    pub(crate) progress: ProgressFn,
    life: moments::Life,
    underway: Arc<underway::Underway>,
    /// One more than the number of the last credential whose customer is the store's; 0 before.
    tenant_verified: AtomicU64,
    /// Held while the ATS is asked which customer a credential belongs to.
    verifying: tokio::sync::Mutex<()>,
    /// When the host last gave the credential again, or a check last found every right.
    credential_given: Mutex<Option<Moment>>,
    effects_held: tokio::sync::watch::Sender<bool>,
    /// The ways of sweeps' walks, by kind.
    trails: Mutex<BTreeMap<String, (Walk, trail::Trail)>>,
    /// The writes that came to nothing before they left.
    pace: pace::Pace,
    /// Whose turn it is to call the adapter.
    calls: tokio::sync::Semaphore,
}

/// Why a step was not sent while effects are held.
pub(crate) const EFFECTS_HELD: &str =
    "the program is stopping, so no new effect begins; the next apply goes on from here";

/// Why a step was not sent while the lease ends too soon.
const LEASE_ENDS: &str = "the lease on the connection may end before the request does, and another \
    process may write for it then; the next apply goes on from here";

/// A walk of a sweep: when the sweep began, below which parent it is, and the page that comes next.
type Walk = (u64, Option<String>, u64);

impl std::fmt::Debug for Reconciler {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reconciler").field("connection", &self.name).finish_non_exhaustive()
    }
}

/// What a reconciler is made of.
pub(crate) struct Parts {
    pub(crate) name: String,
    pub(crate) adapter: Arc<dyn Adapter>,
    pub(crate) session: Session,
    pub(crate) store: ConnectionStore,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) settings: Map<String, Value>,
    pub(crate) settle_window_ms: Option<u64>,
    pub(crate) records_at_once: usize,
    pub(crate) progress: ProgressFn,
    /// What all handles of this connection share.
    pub(crate) underway: Arc<underway::Underway>,
    /// When a check last found every right, before this process began.
    pub(crate) rights_found: Option<Moment>,
}

impl Reconciler {
    pub(crate) fn new(parts: Parts) -> Self {
        let life = moments::Life::begin(parts.clock.as_ref(), parts.entropy.as_ref());
        Self {
            name: parts.name,
            adapter: parts.adapter,
            session: parts.session,
            store: parts.store,
            clock: parts.clock,
            entropy: parts.entropy,
            settings: parts.settings,
            settle_window_ms: parts.settle_window_ms,
            records_at_once: parts.records_at_once.max(1),
            progress: parts.progress,
            life,
            underway: parts.underway,
            tenant_verified: AtomicU64::new(0),
            verifying: tokio::sync::Mutex::new(()),
            credential_given: Mutex::new(parts.rights_found),
            effects_held: tokio::sync::watch::Sender::new(false),
            trails: Mutex::default(),
            pace: pace::Pace::default(),
            calls: tokio::sync::Semaphore::new(drive::CALLS_MAX),
        }
    }

    /// From now on no effect begins; one that is on its way ends, and so does each wait for
    /// something to show ([`Self::wait`]).
    pub(crate) fn hold_effects(&self) {
        self.effects_held.send_replace(true);
    }

    /// Effects may begin again.
    pub(crate) fn release_effects(&self) {
        self.effects_held.send_replace(false);
    }

    /// Whether no effect may begin.
    pub(crate) fn holds_effects(&self) -> bool {
        *self.effects_held.borrow()
    }

    /// Why no request that changes something may leave now: the program is stopping, or the lease
    /// may end before the request does.
    fn sends_nothing(&self) -> Option<&'static str> {
        let timeout_ms = crate::transport::limits::EXCHANGE_TIMEOUT_MS;
        if self.holds_effects() {
            return Some(EFFECTS_HELD);
        }
        let outlives = self.store.outlives(self.clock.steady_ms(), timeout_ms);
        (!outlives).then_some(LEASE_ENDS)
    }

    /// Waits between two looks, or until effects are held: then nothing is worth waiting for.
    async fn wait(&self, wait_ms: u64) {
        let mut held = self.effects_held.subscribe();
        tokio::select! {
            biased;
            _ = held.wait_for(|held| *held) => {}
            () = self.clock.sleep(wait_ms) => {}
        }
    }

    /// The host gave a credential: what was refused because of a credential until now is tried
    /// again. It has a number of its own in the session, so the ATS is asked which customer it
    /// belongs to before anything is read or written with it.
    pub(crate) fn credential_given(&self) {
        self.rights_given();
    }

    /// What was refused for want of a right until now is tried again.
    fn rights_given(&self) {
        self.pace.forget();
        *self.credential_given.lock().unwrap_or_else(PoisonError::into_inner) = Some(self.moment());
    }

    /// The credential in use.
    fn credential(&self) -> CredentialGiven {
        let at = *self.credential_given.lock().unwrap_or_else(PoisonError::into_inner);
        CredentialGiven { mark: self.session.credential_mark(), at }
    }

    fn report(&self, progress: &Progress) {
        (self.progress)(progress);
    }

    fn mark_time_ms(&self) -> u64 {
        self.underway.mark_time_ms(self.clock.now_ms())
    }

    /// An error that names the connection.
    /// The error for a key under which nothing is declared.
    pub(crate) fn no_record(&self, key: &str) -> Error {
        let message =
            format!("there is no desired record {key}; give the key that it was declared with");
        self.error(ErrorKind::Input, message)
    }

    fn error(&self, kind: ErrorKind, message: impl std::fmt::Display) -> Error {
        Error::new(kind, format!("{}: {message}", self.name))
    }
}
