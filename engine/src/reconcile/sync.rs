//! Syncs: a bounded number of records is planned and applied before the next ones are read.
//!
//! A plan holds its records with their steps, some kilobytes each, so a plan of everything that a
//! host declared would grow with it. A sync therefore works on batches of [`RECORDS_AT_ONCE`]
//! records (a connection may set another bound): it refreshes, plans, applies, and continues with
//! the records that follow by their keys. Custom fields and users come first, since values name
//! them. A batch that holds all records is planned and applied as by `plan` and `apply`.
//!
//! # What spans batches
//! What a plan decides about several records holds across batches: which record makes the candidate
//! with an address, the custom field of a name, the hire into an opening. So claims pass from batch
//! to batch, also when their steps failed: a create in doubt must not be repeated by a record of
//! another batch. Everything else is read again for each batch.
//!
//! # Bounds
//! The records of a batch, and the claims of all batches: an address and a key for each record that
//! is to be created. The report has every step, the returned plan the first records that need
//! attention. Left out: a record that becomes dirty behind the current batch; the next sync has it.

use crate::error::Error;
use crate::path;
use crate::plan::Plan;
use crate::reconcile::apply::Applier;
use crate::reconcile::context::Context;
use crate::reconcile::gather::{Gathered, Gatherer};
use crate::reconcile::planning::{PlanOf, Planner};
use crate::reconcile::reports::ApplyReport;
use crate::reconcile::requests::Requests;
use atsync_model::desired::Desired;
use std::sync::Arc;

/// Records that a sync plans and applies at once: at some kilobytes each, with their plan, tens of
/// megabytes.
pub(crate) const RECORDS_AT_ONCE: usize = 5_000;

/// Desired records read at once.
const PAGE_ROWS: usize = 500;

/// The position of the walk over the records that need attention.
struct Walk {
    definitions: bool,
    after: Option<String>,
}

/// Plans and applies what needs attention.
pub(crate) struct Syncer {
    context: Arc<Context>,
    requests: Arc<Requests>,
    gatherer: Arc<Gatherer>,
    planner: Arc<Planner>,
    applier: Arc<Applier>,
    records_at_once: usize,
}

impl Syncer {
    pub(crate) fn new(
        context: Arc<Context>,
        requests: Arc<Requests>,
        gatherer: Arc<Gatherer>,
        planner: Arc<Planner>,
        applier: Arc<Applier>,
        records_at_once: usize,
    ) -> Self {
        let records_at_once = records_at_once.max(1);
        Self { context, requests, gatherer, planner, applier, records_at_once }
    }

    /// Plans what needs attention and applies it, in batches.
    pub(crate) async fn sync(&self) -> Result<(Plan, ApplyReport), Error> {
        let mut sent = self.requests.requests_sent();
        let mut gathered = Gathered::default();
        self.gatherer
            .refresh_people(&mut gathered, self.context.store.desired_counts().await?.0 > 0)
            .await?;
        let (_, dirty) = self.context.store.desired_counts().await?;
        if usize::try_from(dirty).is_ok_and(|dirty| dirty <= self.records_at_once) {
            let plan = self.planner.plan_next(&mut gathered, PlanOf::Dirty, sent).await?;
            let report = self.applier.apply(&plan).await?;
            return Ok((plan, report));
        }
        let (mut whole, mut report) = (self.context.empty_plan(), ApplyReport::default());
        for definitions in [true, false] {
            let after = definitions.then(|| path::DEFINITION.to_string());
            let mut walk = Walk { definitions, after };
            while !self.context.holds_effects() {
                self.gatherer.refresh_people(&mut gathered, true).await?;
                let keys = self.keys_of_batch(&mut walk).await?;
                if keys.is_empty() {
                    break;
                }
                let plan = self.planner.plan_next(&mut gathered, PlanOf::Keys(&keys), sent).await?;
                report.join(self.applier.apply(&plan).await?);
                self.join(&mut whole, plan);
                gathered = gathered.next_batch();
                sent = self.requests.requests_sent();
            }
        }
        Ok((whole, report))
    }

    /// The keys of the next batch. Empty when no record is left.
    async fn keys_of_batch(&self, walk: &mut Walk) -> Result<Vec<String>, Error> {
        let mut keys = Vec::new();
        while keys.len() < self.records_at_once {
            let rows = PAGE_ROWS.min(self.records_at_once - keys.len());
            let rows = self.context.store.dirty_page(walk.after.as_deref(), rows).await?;
            let Some(last) = rows.last() else { break };
            walk.after = Some(last.key.clone());
            for row in rows {
                match (path::is_definition(&row.key), walk.definitions) {
                    (is, wanted) if is == wanted => keys.push(row.key),
                    // The keys of definitions are neighbours.
                    (false, _) => return Ok(keys),
                    (true, _) => {}
                }
            }
        }
        Ok(keys)
    }

    /// Adds the plan of a batch to the whole: its counts, and its records up to the bound.
    fn join(&self, whole: &mut Plan, part: Plan) {
        whole.planned = whole.planned.saturating_add(part.planned);
        whole.calls = whole.calls.saturating_add(part.calls);
        whole.calls_made = whole.calls_made.saturating_add(part.calls_made);
        let left = self.records_at_once.saturating_sub(whole.records.len());
        if left > 0 {
            whole.shared.extend(part.shared);
        }
        whole.records.extend(part.records.into_iter().take(left));
    }
}

/// Plans of many records, batch by batch, that together equal one plan of all: the claims of one
/// batch hold for the next. For records that are not declared yet.
#[derive(Debug, Default)]
pub(crate) struct PartsPlanned {
    gathered: Gathered,
}

impl PartsPlanned {
    /// Plans some more records. Custom fields and users are planned before the records that name
    /// them.
    pub(crate) async fn plan(
        &mut self,
        planner: &Planner,
        records: &[Desired],
    ) -> Result<Plan, Error> {
        let plan = planner.plan_undeclared_part(&mut self.gathered, records).await?;
        self.gathered.drop_many();
        Ok(plan)
    }
}
