//! The applier: carries out a plan.
//!
//! [`run`] takes the records of the plan, [`step`] one step. Ids of earlier steps are filled in
//! ([`stand_in`]); before a create, the record is probed for ([`probe`], [`precaution`]); the
//! executor sends the write. What the steps brought is collected in [`work`].
//!
//! Uses every part below it. Left out: many records in bounded batches; see `sync`.

mod precaution;
mod probe;
mod run;
mod stand_in;
mod step;
mod work;

use crate::reconcile::backoff::Backoff;
use crate::reconcile::conditions::Conditions;
use crate::reconcile::context::Context;
use crate::reconcile::execute::Executor;
use crate::reconcile::ingest::Ingest;
use crate::reconcile::planning::Planner;
use crate::reconcile::requests::Requests;
use crate::reconcile::settle::Settler;
use std::sync::Arc;

/// Carries out a plan.
pub(crate) struct Applier {
    context: Arc<Context>,
    requests: Arc<Requests>,
    ingest: Arc<Ingest>,
    backoff: Arc<Backoff>,
    planner: Arc<Planner>,
    executor: Arc<Executor>,
    settler: Arc<Settler>,
    conditions: Conditions,
}

impl Applier {
    pub(crate) fn new(
        context: Arc<Context>,
        requests: Arc<Requests>,
        ingest: Arc<Ingest>,
        backoff: Arc<Backoff>,
        planner: Arc<Planner>,
        executor: Arc<Executor>,
        settler: Arc<Settler>,
    ) -> Self {
        let conditions = Conditions::new(Arc::clone(&context), Arc::clone(&planner));
        Self { context, requests, ingest, backoff, planner, executor, settler, conditions }
    }
}
