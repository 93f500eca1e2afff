//! Conditions: the results of an apply, written into the records' conditions.
//!
//! The records of the plan are planned once more on what is known now ([`conclude`]). What the ATS
//! made of the written values is recorded as a form ([`forms`]).
//!
//! Uses the planner. Left out: the conditions of records that have no steps, which planning writes.

mod conclude;
mod forms;

pub(crate) use forms::WrittenStep;

use crate::reconcile::context::Context;
use crate::reconcile::planning::Planner;
use std::sync::Arc;

/// Writes the results of an apply into the records' conditions.
pub(crate) struct Conditions {
    context: Arc<Context>,
    planner: Arc<Planner>,
}

impl Conditions {
    pub(crate) fn new(context: Arc<Context>, planner: Arc<Planner>) -> Self {
        Self { context, planner }
    }
}
