//! The planner: plans desired records, page by page.
//!
//! A page of desired records is planned on gathered facts ([`pages`], [`record`]). What a plan
//! would link to is confirmed first ([`adoption`]). Steps that may not be sent now are withheld,
//! with the reason ([`withheld`]), and a record waits while its last write may still be invisible
//! ([`own_writes`]). Links and statuses that need no request are written with the page ([`links`]).
//!
//! Uses the gatherer, the deletions, the backoff and the ingest. Left out: sending anything.

mod adoption;
mod links;
mod own_writes;
mod pages;
mod record;
mod withheld;

pub use pages::PlanOf;
pub(crate) use withheld::is_exhausted;

pub(crate) use withheld::{exhausted, is_withheld, is_withheld_note, mode_withholds, only_observe};

use crate::reconcile::backoff::Backoff;
use crate::reconcile::context::Context;
use crate::reconcile::deletions::Deletions;
use crate::reconcile::gather::Gatherer;
use crate::reconcile::ingest::Ingest;
use crate::reconcile::requests::Requests;
use std::sync::Arc;

/// Plans desired records.
pub(crate) struct Planner {
    context: Arc<Context>,
    requests: Arc<Requests>,
    ingest: Arc<Ingest>,
    deletions: Arc<Deletions>,
    gatherer: Arc<Gatherer>,
    backoff: Arc<Backoff>,
}

impl Planner {
    pub(crate) fn new(
        context: Arc<Context>,
        requests: Arc<Requests>,
        ingest: Arc<Ingest>,
        deletions: Arc<Deletions>,
        gatherer: Arc<Gatherer>,
        backoff: Arc<Backoff>,
    ) -> Self {
        Self { context, requests, ingest, deletions, gatherer, backoff }
    }
}
