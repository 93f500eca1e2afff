//! Carries out a plan.
//!
//! # Expected flow
//! Shared steps first, in order, then definitions (custom fields, users) one by one; then the
//! records, a few at a time, each with its steps in order. A failed step blocks only the steps that
//! depend on it. Before a create, the engine probes whether the record exists by now. At the end,
//! writes in doubt are settled, the touched records are read back, and the records are planned once
//! more on what is known by then, which writes their conditions.
//!
//! # Guarantees
//! A plan that is older than the desired record is not carried out: the journal compares
//! generations. A step that is refused or in doubt stays visible in the record's conditions.

use super::Applier;
use super::work::Work;
use crate::error::{Error, ErrorKind};
use crate::plan::{Plan, RecordPlan, Step};
use crate::reconcile::progress::Progress;
use crate::reconcile::reports::{ApplyReport, StepEnd, StepReport};
use crate::reconcile::settle::Resend;
use crate::reconcile::underway::WORKED_ON;
use crate::store::Mode;
use futures_util::future::BoxFuture;
use futures_util::{FutureExt, StreamExt};
use std::collections::BTreeSet;

/// Records worked on at once. The rate budget is the real bound; this hides the time that answers
/// take.
const RECORDS_AT_ONCE: usize = 4;

impl Applier {
    /// Carries the plan out, settles what is in doubt, reads back.
    pub(crate) async fn apply(&self, plan: &Plan) -> Result<ApplyReport, Error> {
        let mut report = ApplyReport::default();
        if plan.connection != self.context.name {
            let message = format!(
                "the plan is of the connection `{}`; it is carried out by that one, or made anew \
                 by this one",
                plan.connection
            );
            return Err(self.context.error(ErrorKind::Input, message));
        }
        if !plan.is_empty() {
            self.requests.verify_tenant_once().await?;
        }
        let mut shared = self.apply_shared(plan).await?;
        let (definitions, people): (Vec<&RecordPlan>, Vec<&RecordPlan>) = plan
            .records
            .iter()
            .filter(|record| !record.is_blocked())
            .partition(|record| record.is_definition());
        for record in definitions {
            if shared.fatal.is_none() {
                let work = self.apply_record(record, &shared).await?;
                shared.join(work);
            }
        }
        let mut touched = std::mem::take(&mut shared.touched);
        let mut written = std::mem::take(&mut shared.written);
        let works = if shared.fatal.is_none() {
            self.apply_records(people, &shared).await?
        } else {
            Vec::new()
        };
        let mut fatal = shared.fatal.take();
        report.steps.append(&mut shared.steps);
        for mut work in works {
            touched.append(&mut work.touched);
            written.append(&mut work.written);
            report.steps.append(&mut work.steps);
            fatal = fatal.or(work.fatal);
        }
        if let Some(error) = fatal {
            return Err(error);
        }
        if report.count("in_doubt") > 0 {
            report.settled = self.settler.settle(Resend::Allowed).await?;
            touched.append(&mut report.settled.touched);
        }
        self.ingest.read_back(touched).await?;
        self.conditions.conclude(plan, &written, &mut report).await?;
        Ok(report)
    }

    /// Applies the steps that several records share, in order.
    async fn apply_shared(&self, plan: &Plan) -> Result<Work, Error> {
        let mut shared = Work { planned_by: plan.component.clone(), ..Work::default() };
        let unneeded = self.unneeded(plan).await?;
        for step in &plan.shared {
            if unneeded.contains(step.path.as_str()) {
                let reason = "no record that may be worked on needs it any more".to_owned();
                self.skip(step, reason, &mut shared);
                continue;
            }
            let Some(_held) = self.context.underway.hold(&step.path) else {
                self.skip(step, WORKED_ON.to_owned(), &mut shared);
                continue;
            };
            self.apply_step(step, 0, &Work::default(), &mut shared).await?;
        }
        Ok(shared)
    }

    /// Applies records, a few at a time, until the connection as a whole fails.
    async fn apply_records(
        &self,
        records: Vec<&RecordPlan>,
        shared: &Work,
    ) -> Result<Vec<Work>, Error> {
        let mut works = Vec::new();
        // Boxed and collected, so that no closure lives across an await: the compiler cannot prove
        // of a closure over references that the future which holds it is `Send`.
        let works_of: Vec<BoxFuture<'_, Result<Work, Error>>> =
            records.into_iter().map(|record| self.apply_record(record, shared).boxed()).collect();
        let mut stream = futures_util::stream::iter(works_of).buffer_unordered(RECORDS_AT_ONCE);
        while let Some(work) = stream.next().await {
            let work = work?;
            let fatal = work.fatal.is_some();
            works.push(work);
            if fatal {
                break;
            }
        }
        Ok(works)
    }

    async fn apply_record(&self, record: &RecordPlan, shared: &Work) -> Result<Work, Error> {
        let mut work = Work {
            failed: shared.failed.clone(),
            planned_by: shared.planned_by.clone(),
            ..Work::default()
        };
        let Some(_held) = self.context.underway.hold(&record.key) else {
            for step in &record.steps {
                self.skip(step, WORKED_ON.to_owned(), &mut work);
            }
            return Ok(work);
        };
        if let Some(reason) = self.outdated(record).await? {
            // Not even a link is written: a record that was abandoned or erased meanwhile leaves no
            // trace.
            for step in &record.steps {
                self.skip(step, reason.clone(), &mut work);
            }
            return Ok(work);
        }
        self.planner.link_and_release(record).await?;
        for step in &record.steps {
            self.apply_step(step, record.generation, shared, &mut work).await?;
            if work.fatal.is_some() {
                break;
            }
        }
        Ok(work)
    }

    /// Reports that a step was not sent.
    fn skip(&self, step: &Step, reason: String, work: &mut Work) {
        let end = StepEnd::NotSent { reason };
        let (path, operation) = (step.path.clone(), step.operation.clone());
        self.context.report(&Progress::Step {
            path: path.clone(),
            operation: operation.clone(),
            end: end.word(),
        });
        work.fails(step);
        work.steps.push(StepReport { path, operation, end, warnings: Vec::new() });
    }

    /// The shared steps that only outdated records depend on: a record that was abandoned or erased
    /// since the plan was made leaves no tag behind either.
    async fn unneeded<'p>(&self, plan: &'p Plan) -> Result<BTreeSet<&'p str>, Error> {
        let mut unneeded: BTreeSet<&str> = BTreeSet::new();
        if plan.shared.is_empty() {
            return Ok(unneeded);
        }
        let mut needed: BTreeSet<&str> = BTreeSet::new();
        for record in &plan.records {
            let paths: Vec<&str> =
                record.steps.iter().flat_map(|step| &step.after).map(String::as_str).collect();
            if paths.is_empty() {
                continue;
            }
            let works = !record.is_blocked() && self.outdated(record).await?.is_none();
            let set = if works { &mut needed } else { &mut unneeded };
            set.extend(paths);
        }
        unneeded.retain(|path| !needed.contains(path));
        Ok(unneeded)
    }

    /// Why the plan of a record may not be carried out any more. The journal asks the same before
    /// each write; this is asked before the links that need none.
    async fn outdated(&self, record: &RecordPlan) -> Result<Option<String>, Error> {
        Ok(match self.context.store.desired(&record.key).await? {
            None => Some(format!(
                "there is no desired record {}: it is not declared, or was abandoned or erased",
                record.key
            )),
            Some(row) if row.mode == Mode::Paused => {
                Some(format!("{} is paused; resume it first", record.key))
            }
            Some(row) if row.generation != record.generation => Some(format!(
                "the plan was made from generation {}; {} has generation {} by now",
                record.generation, record.key, row.generation
            )),
            Some(_) => None,
        })
    }
}
