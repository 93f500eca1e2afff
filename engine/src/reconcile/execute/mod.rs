//! The executor: carries out one write.
//!
//! The adapter's write task runs up to its first unsafe request; the intent is written; the request
//! leaves if it still may ([`gate`]); the answer is judged ([`effect`]) and recorded ([`journal`])
//! together with the links that it proves ([`links`]). An idempotent write may send more of them
//! within the same intent: once the first was answered, whatever stops the rest leaves it in doubt.
//! A write that depends on the visibility of an earlier one waits for it ([`shown`]).
//!
//! Uses the requests and the ingest. Left out: which write to carry out, and what to do about one
//! in doubt.

mod effect;
mod gate;
mod journal;
mod links;
mod shown;
mod span;
mod unclear;

#[cfg(feature = "testing")]
pub(crate) use journal::digest;

pub(crate) use journal::EffectEnd;
pub(crate) use links::{refs, several, touched};
pub(crate) use span::intent_span;
pub(crate) use unclear::UnclearOutcome;

use crate::reconcile::context::Context;
use crate::reconcile::ingest::Ingest;
use crate::reconcile::requests::Requests;
use std::sync::Arc;

/// Carries out one write.
pub(crate) struct Executor {
    context: Arc<Context>,
    requests: Arc<Requests>,
    ingest: Arc<Ingest>,
}

impl Executor {
    pub(crate) fn new(context: Arc<Context>, requests: Arc<Requests>, ingest: Arc<Ingest>) -> Self {
        Self { context, requests, ingest }
    }
}
