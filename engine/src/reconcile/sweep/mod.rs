//! The sweeper: finds deleted records by complete scans.
//!
//! A sweep walks every page of a kind ([`walk`]) and remembers the ids that it saw. Every other id
//! is a suspect ([`suspects`]), and is fetched by id before it is reported deleted ([`confirm`]).
//! [`run`] states what a sweep guarantees.
//!
//! Uses the ingest and the deletions. It owns the trails of its walks, which detect pages in a
//! circle.

mod confirm;
mod report;
mod run;
mod suspects;
mod walk;

pub use report::{SweepOptions, SweepReport};

use crate::reconcile::context::Context;
use crate::reconcile::deletions::Deletions;
use crate::reconcile::ingest::{Ingest, Trail};
use crate::reconcile::requests::Requests;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

/// A walk of a sweep: when the sweep began, below which parent it is, and the page that comes next.
type Walk = (u64, Option<String>, u64);

/// Finds deleted records by complete scans.
pub(crate) struct Sweeper {
    context: Arc<Context>,
    requests: Arc<Requests>,
    ingest: Arc<Ingest>,
    deletions: Arc<Deletions>,
    /// The trails of the walks, by kind.
    trails: Mutex<BTreeMap<String, (Walk, Trail)>>,
}

impl Sweeper {
    pub(crate) fn new(
        context: Arc<Context>,
        requests: Arc<Requests>,
        ingest: Arc<Ingest>,
        deletions: Arc<Deletions>,
    ) -> Self {
        Self { context, requests, ingest, deletions, trails: Mutex::default() }
    }
}
