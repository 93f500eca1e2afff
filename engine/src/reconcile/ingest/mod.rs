//! Ingest: what was read becomes rows and change events.
//!
//! A pull reads a kind page by page ([`pull`]); a fetch reads records by id ([`fetch`]); a webhook
//! is confirmed by a fetch ([`hint`]); a written record is read back ([`read_back`]). All of them
//! store a page of records, its events and the next cursor in one transaction. Merges and
//! conversions are followed here, since they show only in what was read ([`identity`]), and so are
//! the rows that could not be read ([`problems`]).
//!
//! Uses the requests. Left out: deletions, which no list shows; see the sweeper.

mod content;
mod fetch;
mod hint;
mod identity;
mod problems;
mod pull;
mod read_back;
mod trail;
mod window;

pub use hint::HintEnd;
pub use pull::PullReport;

pub(crate) use content::{Content, Received};
pub(crate) use fetch::Fetched;
pub(crate) use identity::{is_converted_prospect, swept};
pub(crate) use problems::Unread;
pub(crate) use pull::parent_kind;
pub(crate) use trail::{Endless, Trail};

use crate::reconcile::context::Context;
use crate::reconcile::requests::Requests;
use std::sync::Arc;

/// What was read becomes rows and change events.
pub(crate) struct Ingest {
    context: Arc<Context>,
    requests: Arc<Requests>,
}

impl Ingest {
    pub(crate) fn new(context: Arc<Context>, requests: Arc<Requests>) -> Self {
        Self { context, requests }
    }
}
