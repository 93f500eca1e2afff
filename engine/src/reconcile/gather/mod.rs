//! The gatherer: answers the questions of a plan.
//!
//! A plan asks for the facts that it lacks. The gatherer answers from the store ([`answer`]), after
//! it brought the kind up to date, once per run ([`refresh`]). What a run knows so far is one
//! value, [`Gathered`], which the caller keeps: the gatherer itself has no state.
//!
//! Uses the ingest and the deletions. Left out: what a plan decides.

mod answer;
mod gathered;
mod refresh;

pub(crate) use answer::ROUNDS_MAX;
pub(crate) use gathered::Gathered;

use crate::reconcile::context::Context;
use crate::reconcile::deletions::Deletions;
use crate::reconcile::ingest::Ingest;
use std::sync::Arc;

/// Answers the questions of a plan.
pub(crate) struct Gatherer {
    context: Arc<Context>,
    ingest: Arc<Ingest>,
    deletions: Arc<Deletions>,
}

impl Gatherer {
    pub(crate) fn new(
        context: Arc<Context>,
        ingest: Arc<Ingest>,
        deletions: Arc<Deletions>,
    ) -> Self {
        Self { context, ingest, deletions }
    }
}
