//! One connection kept in step, in parts: ingest, plan, apply, settle, sweep.
//!
//! This room composes the others and does no input or output of its own: [`crate::adapter`] says
//! what to send and what an answer means, [`crate::transport`] sends, [`crate::plan`] and
//! [`crate::journal`] decide, [`crate::store`] remembers.
//!
//! # Parts
//! Each part is a small type over one [`context::Context`]. It owns the state that it alone needs
//! and holds the parts below it; no part reaches into the fields of another. Dependencies go one
//! way, in the order of the table in ARCHITECTURE.md, which `engine/tests/rooms.rs` enforces. A
//! [`Reconciler`] is the parts of one connection, assembled.
//!
//! # Cancellation
//! Every await may be the last. Nothing is lost by that: a page that was not committed is read
//! again, and a write on its way is found as `sending` in the journal and is in doubt.
//!
//! Left out: when to do it ([`crate::schedule`]), and several connections at once
//! ([`crate::engine`]).

mod apply;
mod backoff;
mod conditions;
mod context;
mod delays;
mod deletions;
mod execute;
mod explain;
mod gather;
mod ingest;
mod lifecycle;
mod moments;
mod order;
mod permissions;
mod planning;
mod progress;
mod reports;
mod requests;
mod rows;
mod settle;
mod sweep;
mod sync;
pub(crate) mod underway;

pub(crate) use context::ContextParts;
#[cfg(feature = "testing")]
pub(crate) use execute::digest;
pub use explain::{Explanation, FieldStory, IntentStory, Next};
pub use ingest::{HintEnd, PullReport};
pub use lifecycle::Resolution;
pub use permissions::CheckResult;
pub use planning::PlanOf;
pub(crate) use planning::is_exhausted;
pub use progress::{Progress, ProgressFn};
pub use reports::{ApplyReport, SettleReport, StepEnd, StepReport};
pub(crate) use requests::{Hooking, TaskError, Unregistered};
pub(crate) use settle::Resend;
pub use sweep::{SweepOptions, SweepReport};
pub(crate) use sync::{PartsPlanned, RECORDS_AT_ONCE};

use crate::journal::Moment;
use apply::Applier;
use backoff::Backoff;
use context::Context;
use deletions::Deletions;
use execute::Executor;
use explain::Explainer;
use gather::Gatherer;
use ingest::Ingest;
use lifecycle::Lifecycle;
use permissions::Permissions;
use planning::Planner;
use requests::Requests;
use settle::Settler;
use std::sync::Arc;
use sweep::Sweeper;
use sync::Syncer;

/// The parts of one connection, assembled.
pub(crate) struct Reconciler {
    pub(crate) context: Arc<Context>,
    pub(crate) requests: Arc<Requests>,
    pub(crate) backoff: Arc<Backoff>,
    pub(crate) ingest: Arc<Ingest>,
    pub(crate) sweeper: Sweeper,
    pub(crate) planner: Arc<Planner>,
    pub(crate) settler: Arc<Settler>,
    pub(crate) applier: Arc<Applier>,
    pub(crate) lifecycle: Lifecycle,
    pub(crate) explainer: Explainer,
    pub(crate) permissions: Permissions,
    pub(crate) syncer: Syncer,
}

impl std::fmt::Debug for Reconciler {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reconciler").field("context", &self.context).finish_non_exhaustive()
    }
}

impl Reconciler {
    /// Assembles the parts. `records_at_once`: the records that one part of a sync has.
    /// `rights_found`: when a check last found every right, before this process began.
    pub(crate) fn new(
        parts: ContextParts,
        records_at_once: usize,
        rights_found: Option<Moment>,
    ) -> Self {
        let context = Arc::new(Context::new(parts));
        let requests = Arc::new(Requests::new(context.clone()));
        let backoff = Arc::new(Backoff::new(context.clone(), rights_found));
        let ingest = Arc::new(Ingest::new(context.clone(), requests.clone()));
        let deletions = Arc::new(Deletions::new(context.clone(), requests.clone(), ingest.clone()));
        let sweeper =
            Sweeper::new(context.clone(), requests.clone(), ingest.clone(), deletions.clone());
        let gatherer = Arc::new(Gatherer::new(context.clone(), ingest.clone(), deletions.clone()));
        let planner = Arc::new(Planner::new(
            context.clone(),
            requests.clone(),
            ingest.clone(),
            deletions.clone(),
            gatherer.clone(),
            backoff.clone(),
        ));
        let executor = Arc::new(Executor::new(context.clone(), requests.clone(), ingest.clone()));
        let settler = Arc::new(Settler::new(
            context.clone(),
            requests.clone(),
            ingest.clone(),
            deletions,
            executor.clone(),
        ));
        let applier = Arc::new(Applier::new(
            context.clone(),
            requests.clone(),
            ingest.clone(),
            backoff.clone(),
            planner.clone(),
            executor.clone(),
            settler.clone(),
        ));
        let lifecycle = Lifecycle::new(
            context.clone(),
            requests.clone(),
            ingest.clone(),
            gatherer.clone(),
            planner.clone(),
            executor,
        );
        let explainer = Explainer::new(context.clone(), gatherer.clone(), planner.clone());
        let permissions = Permissions::new(context.clone(), requests.clone(), backoff.clone());
        let syncer = Syncer::new(
            context.clone(),
            requests.clone(),
            gatherer,
            planner.clone(),
            applier.clone(),
            records_at_once,
        );
        Self {
            context,
            requests,
            backoff,
            ingest,
            sweeper,
            planner,
            settler,
            applier,
            lifecycle,
            explainer,
            permissions,
            syncer,
        }
    }
}

#[cfg(test)]
#[path = "parts_tests.rs"]
mod tests;
