//! The lifecycle: operations on one record that a person decides.
//!
//! A write in doubt is resolved ([`resolve`]), a record is linked by hand ([`link`]), writes are
//! taken back ([`withdraw`]), and a desired record is made of what the ATS holds ([`import`]).
//!
//! Uses the planner, the gatherer, the executor and the ingest. Left out: modes, abandoning and
//! erasing, which concern the store alone; see [`crate::Connection`].

mod import;
mod link;
mod resolve;
mod withdraw;

pub use resolve::Resolution;

use crate::reconcile::context::Context;
use crate::reconcile::execute::Executor;
use crate::reconcile::gather::Gatherer;
use crate::reconcile::ingest::Ingest;
use crate::reconcile::planning::Planner;
use crate::reconcile::requests::Requests;
use std::sync::Arc;

/// The operations on one record that a person decides.
pub(crate) struct Lifecycle {
    context: Arc<Context>,
    requests: Arc<Requests>,
    ingest: Arc<Ingest>,
    gatherer: Arc<Gatherer>,
    planner: Arc<Planner>,
    executor: Arc<Executor>,
}

impl Lifecycle {
    pub(crate) fn new(
        context: Arc<Context>,
        requests: Arc<Requests>,
        ingest: Arc<Ingest>,
        gatherer: Arc<Gatherer>,
        planner: Arc<Planner>,
        executor: Arc<Executor>,
    ) -> Self {
        Self { context, requests, ingest, gatherer, planner, executor }
    }
}
