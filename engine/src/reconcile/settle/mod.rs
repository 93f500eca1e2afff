//! The settler: settles the writes in doubt.
//!
//! [`run`] takes the open intents in turn, [`probe`] finds out what happened to one, [`absence`]
//! decides what an absent record proves, and [`defer`] records when to probe again.
//!
//! Uses the executor, which sends an absent write again, and the deletions, which confirm that a
//! target was deleted. Left out: reading back what was found; the caller does it.

mod absence;
mod defer;
mod probe;
mod resend;
mod run;

pub(crate) use resend::Resend;

use crate::reconcile::context::Context;
use crate::reconcile::deletions::Deletions;
use crate::reconcile::execute::Executor;
use crate::reconcile::ingest::Ingest;
use crate::reconcile::requests::Requests;
use std::sync::Arc;

/// Settles the writes in doubt.
pub(crate) struct Settler {
    context: Arc<Context>,
    requests: Arc<Requests>,
    ingest: Arc<Ingest>,
    deletions: Arc<Deletions>,
    executor: Arc<Executor>,
}

impl Settler {
    pub(crate) fn new(
        context: Arc<Context>,
        requests: Arc<Requests>,
        ingest: Arc<Ingest>,
        deletions: Arc<Deletions>,
        executor: Arc<Executor>,
    ) -> Self {
        Self { context, requests, ingest, deletions, executor }
    }
}
