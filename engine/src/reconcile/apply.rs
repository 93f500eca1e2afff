//! A plan carried out.
//!
//! # Expected flow
//! Shared steps first, in order, then definitions (custom fields, users) one by one; then the
//! records, a few at a time, each with its steps in order. A step that fails blocks what hangs on
//! it and nothing else. Before a create the engine looks whether somebody made the record
//! meanwhile. At the end doubts are settled, what was touched is read back, and the records are
//! planned once more on what is now known, which writes their conditions.
//!
//! # Guarantees
//! A plan that is older than the desired record is not carried out: the journal compares
//! generations. What is refused or in doubt stays visible in the record's conditions.

use super::drive::TaskError;
use super::effect::EffectEnd;
use super::forms::Written;
use super::gather::{Gathered, concerns_kind, remote};
use super::held::{is_held_back, spent};
use super::look::{CLOCK_GRAIN_MS, Made};
use super::order::{Order, Touched, takes_away};
use super::own::OwnFailure;
use super::report::{ApplyReport, StepEnd, StepReport};
use super::settle::Resend;
use super::underway::WORKED_ON;
use super::{PlanOf, Progress, Reconciler};
use crate::error::{Error, ErrorKind};
use crate::journal::sends::may_leave;
use crate::journal::{IntentId, Leave, Wish};
use crate::path::{self, Path};
use crate::plan::equal::EQUAL;
use crate::plan::forms::SENT;
use crate::plan::{Finding, Plan, RecordPlan, Step, unseen, words};
use crate::reason::{ConditionType, Reason};
use crate::store::limits::PAGE_RECORDS_MAX;
use crate::store::{Cause, Condition, DesiredStatus, LinkRow, Mode, PageCommit, StatusUpdate};
use crate::transport::{NotSent, Priority};
use atsync_model::contract::{Failure, Operation, RemoteRef};
use atsync_model::manifest::OperationRule;
use futures_util::future::BoxFuture;
use futures_util::{FutureExt, StreamExt};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

/// Records worked on at once. The rate budget is the real bound; this hides the time that answers
/// take.
const RECORDS_AT_ONCE: usize = 4;
/// Steps that a failed one is followed back through, to the one that failed by itself.
const WAITS_MAX: usize = 8;
/// Intents of a path and below it among which its refusals are counted.
const REFUSALS_MAX: usize = 200;

/// What the steps of one record, or the shared ones, brought.
#[derive(Default)]
pub(super) struct Work {
    steps: Vec<StepReport>,
    /// The records that stand for paths by now: made, or found.
    pub(super) made: BTreeMap<String, RemoteRef>,
    /// The paths among them whose records were made by an answered request of this run.
    pub(super) fresh: BTreeSet<String>,
    /// The paths that did not come about, each with the path of the step that failed: its own, or
    /// of the one that makes it.
    failed: BTreeMap<String, String>,
    pub(super) touched: Vec<Touched>,
    /// What was sent and done.
    written: Vec<Written>,
    warnings: Vec<String>,
    /// What the step under way had to read first could not be read, or it was refused for what that
    /// showed.
    pub(super) came_to_nothing: bool,
    /// The connection as a whole cannot go on.
    fatal: Option<Error>,
}

impl Work {
    /// Remembers that a step did not come about, nor what it makes.
    fn fails(&mut self, step: &Step) {
        let paths = std::iter::once(&step.host).chain(step.makes.values());
        self.failed.extend(paths.map(|path| (path.clone(), step.host.clone())));
    }

    /// Takes in what came of another part.
    fn join(&mut self, other: Self) {
        self.steps.extend(other.steps);
        self.made.extend(other.made);
        self.fresh.extend(other.fresh);
        self.failed.extend(other.failed);
        self.touched.extend(other.touched);
        self.written.extend(other.written);
        self.fatal = self.fatal.take().or(other.fatal);
    }
}

impl Reconciler {
    /// Settles what is open, carries the plan out, settles again, reads back.
    pub(crate) async fn apply(&self, plan: &Plan) -> Result<ApplyReport, Error> {
        let mut report = ApplyReport::default();
        if plan.connection != self.name {
            let message = format!(
                "the plan is of the connection `{}`; it is carried out by that one, or made anew \
                 by this one",
                plan.connection
            );
            return Err(self.error(ErrorKind::Input, message));
        }
        if !plan.is_empty() {
            self.verify_tenant_once().await?;
        }
        let mut touched: Vec<Touched> = Vec::new();
        let mut shared = Work::default();
        let needless = self.needless(plan).await?;
        for step in &plan.shared {
            if needless.contains(step.host.as_str()) {
                let reason = "no record that may be worked on needs it any more".to_owned();
                self.skip(step, reason, &mut shared);
                continue;
            }
            let Some(_held) = self.underway.hold(&step.host) else {
                self.skip(step, WORKED_ON.to_owned(), &mut shared);
                continue;
            };
            self.take_step(step, 0, &Work::default(), &mut shared).await?;
        }
        let (definitions, people): (Vec<&RecordPlan>, Vec<&RecordPlan>) = plan
            .records
            .iter()
            .filter(|record| !record.is_blocked())
            .partition(|record| record.is_definition());
        for record in definitions {
            if shared.fatal.is_none() {
                let work = self.take_record(record, &shared).await?;
                shared.join(work);
            }
        }
        touched.append(&mut shared.touched);
        let mut written = std::mem::take(&mut shared.written);
        let mut works = Vec::new();
        if shared.fatal.is_none() {
            let shared = &shared;
            // Boxed and collected, so that no closure lives across an await: the compiler cannot
            // prove of a closure over references that the future which holds it is `Send`.
            let works_of: Vec<BoxFuture<'_, Result<Work, Error>>> =
                people.into_iter().map(|record| self.take_record(record, shared).boxed()).collect();
            let mut stream = futures_util::stream::iter(works_of).buffer_unordered(RECORDS_AT_ONCE);
            while let Some(work) = stream.next().await {
                let work = work?;
                let fatal = work.fatal.is_some();
                works.push(work);
                if fatal {
                    break;
                }
            }
        }
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
            report.settled = self.settle(Resend::Allowed).await?;
            touched.append(&mut report.settled.touched);
        }
        self.read_back(touched).await?;
        self.conclude(plan, &written, &mut report).await?;
        Ok(report)
    }

    async fn take_record(&self, record: &RecordPlan, shared: &Work) -> Result<Work, Error> {
        let mut work = Work { failed: shared.failed.clone(), ..Work::default() };
        let Some(_held) = self.underway.hold(&record.key) else {
            for step in &record.steps {
                self.skip(step, WORKED_ON.to_owned(), &mut work);
            }
            return Ok(work);
        };
        if let Some(reason) = self.outdated(record).await? {
            // Not even a link is written: whoever was abandoned or forgotten in the meantime leaves
            // no trace.
            for step in &record.steps {
                self.skip(step, reason.clone(), &mut work);
            }
            return Ok(work);
        }
        self.link_and_release(record).await?;
        for step in &record.steps {
            self.take_step(step, record.generation, shared, &mut work).await?;
            if work.fatal.is_some() {
                break;
            }
        }
        Ok(work)
    }

    /// Says of a step that it was not sent.
    fn skip(&self, step: &Step, reason: String, work: &mut Work) {
        let end = StepEnd::NotSent { reason };
        let (host, operation) = (step.host.clone(), step.operation.clone());
        self.report(&Progress::Step {
            host: host.clone(),
            operation: operation.clone(),
            end: end.word(),
        });
        work.fails(step);
        work.steps.push(StepReport { host, operation, end, warnings: Vec::new() });
    }

    /// The shared steps that only records hang on which may not be worked on any more: whoever was
    /// abandoned or forgotten since the plan was made leaves no tag behind either.
    async fn needless<'p>(&self, plan: &'p Plan) -> Result<BTreeSet<&'p str>, Error> {
        let mut needless: BTreeSet<&str> = BTreeSet::new();
        if plan.shared.is_empty() {
            return Ok(needless);
        }
        let mut needed: BTreeSet<&str> = BTreeSet::new();
        for record in &plan.records {
            let hosts: Vec<&str> =
                record.steps.iter().flat_map(|step| &step.after).map(String::as_str).collect();
            if hosts.is_empty() {
                continue;
            }
            let works = !record.is_blocked() && self.outdated(record).await?.is_none();
            let set = if works { &mut needed } else { &mut needless };
            set.extend(hosts);
        }
        needless.retain(|host| !needed.contains(host));
        Ok(needless)
    }

    /// Why the plan of a record may not be carried out any more. The journal asks the same before
    /// each effect; this is asked before the links that need none.
    async fn outdated(&self, record: &RecordPlan) -> Result<Option<String>, Error> {
        Ok(match self.store.desired(&record.key).await? {
            None => Some(format!(
                "there is no desired record {}: it is not declared, or was abandoned or forgotten",
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

    async fn take_step(
        &self,
        step: &Step,
        generation: u64,
        shared: &Work,
        work: &mut Work,
    ) -> Result<(), Error> {
        let end = match self.step_end(step, generation, shared, work).await {
            Ok(end) => end,
            // A read that it needs fails by itself, and the steps of others may go on.
            Err(error) if concerns_kind(&error) => {
                work.came_to_nothing = true;
                StepEnd::NotSent { reason: error.to_string() }
            }
            Err(error)
                if matches!(
                    error.kind(),
                    ErrorKind::Auth | ErrorKind::Configuration | ErrorKind::Unavailable
                ) =>
            {
                let reason = error.to_string();
                work.fatal = Some(error);
                StepEnd::NotSent { reason }
            }
            Err(error) => return Err(error),
        };
        if !end.is_done() {
            work.fails(step);
        }
        match &end {
            StepEnd::NotSent { reason } if std::mem::take(&mut work.came_to_nothing) => {
                self.pace.failed(step, generation, reason, self.clock.steady_ms());
            }
            StepEnd::NotSent { .. } | StepEnd::Skipped { .. } => {}
            _ => self.pace.went(step),
        }
        self.report(&Progress::Step {
            host: step.host.clone(),
            operation: step.operation.clone(),
            end: end.word(),
        });
        let warnings = std::mem::take(&mut work.warnings);
        work.steps.push(StepReport {
            host: step.host.clone(),
            operation: step.operation.clone(),
            end,
            warnings,
        });
        Ok(())
    }

    async fn step_end(
        &self,
        step: &Step,
        generation: u64,
        shared: &Work,
        work: &mut Work,
    ) -> Result<StepEnd, Error> {
        if self.holds_effects() {
            return Ok(StepEnd::NotSent { reason: super::EFFECTS_HELD.to_owned() });
        }
        if let Some(waits_for) = step.after.iter().find_map(|path| work.failed.get(path)) {
            return Ok(StepEnd::Skipped { waits_for: waits_for.clone() });
        }
        let Some(rule) = self.adapter.manifest().operation(&step.operation).cloned() else {
            // Planned for another version of the adapter: it fails this step, not the plan.
            return Ok(StepEnd::NotSent {
                reason: format!("the adapter has no operation {}", step.operation),
            });
        };
        let mut input = Value::Object(step.input.clone());
        if let Err(waits_for) = self.fill(&mut input, &shared.made, &work.made).await? {
            if self.holds_effects() {
                return Ok(StepEnd::NotSent { reason: super::EFFECTS_HELD.to_owned() });
            }
            return Ok(StepEnd::Skipped { waits_for });
        }
        let target = match &step.target_path {
            None => step.target.clone(),
            Some(path) => match self.made_or_linked(path, generation, &work.made).await? {
                Some(target) => Some(target),
                None => return Ok(StepEnd::Skipped { waits_for: path.clone() }),
            },
        };
        let order = Order {
            host: step.host.clone(),
            operation: Operation { name: step.operation.clone(), target, input: input.to_string() },
            generation,
            makes: step.makes.clone(),
            applied: self.base_after(step, work).await?,
            again: None,
        };
        if let Some(reason) = self.leave(&order).await?.why_not(&order.host, &order.operation.name)
        {
            return Ok(StepEnd::NotSent { reason });
        }
        let wary = self.wary(&order, &rule, step.look_first, Made { shared, own: work }).await?;
        if wary.look
            && let Some(end) = self.look_first(&order, wary, work).await?
        {
            return Ok(end);
        }
        let follows = step.after.contains(&step.host) || step.target_path.is_some();
        self.settle_step(order, &rule, follows, work).await
    }

    /// Whether what came of earlier sends lets the order's request leave.
    pub(super) async fn leave(&self, order: &Order) -> Result<Leave, Error> {
        let input = serde_json::from_str(&order.operation.input).unwrap_or(Value::Null);
        self.leave_for(
            &order.host,
            &order.operation.name,
            &order.operation.target,
            (order.generation, &input),
        )
        .await
    }

    /// For how long what an operation takes away may show; none for an operation that takes nothing
    /// away.
    fn ends_within_ms(&self, operation: &str) -> Option<u64> {
        let manifest = self.adapter.manifest();
        let rule = manifest.operation(operation).filter(|_| takes_away(operation))?;
        let shown_within_ms =
            manifest.kind(&rule.kind).map_or(rule.settle_window_ms, |kind| kind.visible_within_ms);
        Some(self.settle_window_ms.unwrap_or(shown_within_ms).saturating_add(CLOCK_GRAIN_MS))
    }

    /// As [`Self::leave`], for what is planned.
    pub(super) async fn leave_for(
        &self,
        host: &str,
        operation: &str,
        target: &Option<RemoteRef>,
        (generation, input): (u64, &Value),
    ) -> Result<Leave, Error> {
        let link = self.store.link(host).await?;
        let unseen_since = link.and_then(|link| unseen::since(&link.applied, operation));
        let intents = self.store.intents_of(host, REFUSALS_MAX).await?;
        let own = intents.iter().filter(|intent| {
            intent.host == host && intent.operation == operation && intent.target == *target
        });
        let (ends_within_ms, credential) = (self.ends_within_ms(operation), &self.credential());
        let now_ms = self.clock.now_ms();
        Ok(
            match may_leave(
                own,
                Wish { generation, input, unseen_since, ends_within_ms, credential },
                now_ms,
            ) {
                Leave::Now => {
                    self.pace.leave(host, operation, generation, (self.clock.steady_ms(), now_ms))
                }
                kept => kept,
            },
        )
    }

    /// The record that this run made for a path, or that the path was linked to before. Where the
    /// answer to a creation did not name all that it made, the ATS is asked what fits.
    async fn made_or_linked(
        &self,
        path: &str,
        generation: u64,
        made: &BTreeMap<String, RemoteRef>,
    ) -> Result<Option<RemoteRef>, Error> {
        if let Some(remote) = made.get(path) {
            return Ok(Some(remote.clone()));
        }
        if let Some(link) = self.store.link(path).await? {
            return Ok(Some(link.remote));
        }
        let key = path::key(path);
        let Some(row) = self.store.desired(key).await? else { return Ok(None) };
        let record = self.parse_desired(&row)?;
        if let Some(kind) = Path::of(path).kind() {
            self.pull(kind, false).await?;
        }
        let mut gathered = Gathered::resting(self.adapter.manifest());
        let (planned, _) = self.plan_record(&mut gathered, &record, generation, &[]).await?;
        Ok(planned
            .adoptions
            .into_iter()
            .find(|adoption| adoption.host == path)
            .map(|adoption| adoption.remote))
    }

    /// What is recorded as last applied once a step is done. A plan reckons with every step before
    /// this one; where one of the same path ran in this run, whatever came of it, only this step's
    /// own fields are added to what is recorded by now.
    async fn base_after(
        &self,
        step: &Step,
        work: &Work,
    ) -> Result<BTreeMap<String, Map<String, Value>>, Error> {
        let mut applied = step.applied.clone();
        let ran_before = work.steps.iter().any(|before| before.host == step.host)
            || (step.target_path.is_some() && work.made.contains_key(&step.host));
        if let Some(planned) = applied.get_mut(&step.host)
            && ran_before
            && let Some(link) = self.store.link(&step.host).await?
        {
            let own = |field: &String| step.fields.iter().any(|change| change.field == *field);
            let by_field = |field: &str| field == EQUAL || field == SENT;
            planned.retain(|field, _| own(field) || by_field(field));
            for (field, value) in link.applied {
                match (planned.get_mut(&field).and_then(Value::as_object_mut), value) {
                    (Some(planned), Value::Object(known)) if by_field(&field) => {
                        planned.retain(|field, _| own(field));
                        for (field, known) in known {
                            planned.entry(field).or_insert(known);
                        }
                    }
                    (_, value) => {
                        planned.entry(field).or_insert(value);
                    }
                }
            }
        }
        Ok(applied)
    }

    /// Carries the order out, once more with the other reading where the adapter asks for that. One
    /// that `follows` a step of the same path is carried out once more when that one shows in the
    /// ATS, where it did not before.
    async fn settle_step(
        &self,
        mut order: Order,
        rule: &OperationRule,
        follows: bool,
        work: &mut Work,
    ) -> Result<StepEnd, Error> {
        let mut end = self.perform(&order, rule).await?;
        if follows
            && is_too_early(&end)
            && self.leave(&order).await? == Leave::Now
            && self.await_step_before(&order).await?
        {
            end = self.perform(&order, rule).await?;
        }
        if let EffectEnd::Refused(Failure::Misread(misread)) = &end
            && !matches!(self.leave(&order).await?, Leave::Person { .. })
        {
            // Refused without effect because a word of the request can be read in two ways: the
            // other one is tried once. It belongs to the same try, so no wait after the refusal
            // keeps it back; the bound of all sends does.
            order.operation.input =
                with_member(&order.operation.input, "reading", &misread.reading);
            end = self.perform(&order, rule).await?;
        }
        match end {
            EffectEnd::Done { touched, warnings, sent, .. } => {
                for link in self.links_made(&order).await? {
                    if sent {
                        work.fresh.insert(link.host.clone());
                    }
                    work.made.insert(link.host, link.remote);
                }
                work.touched.extend(touched);
                if sent {
                    let (host, operation) = (order.host.clone(), order.operation.name.clone());
                    work.written.push(Written { host, operation, at_ms: self.clock.now_ms() });
                }
                work.warnings = warnings;
                Ok(if sent { StepEnd::Applied } else { StepEnd::Unneeded })
            }
            EffectEnd::Refused(failure) => {
                // A create may be refused because the record is there already, made by somebody
                // since it was last looked for.
                let made_by_somebody = order.operation.target.is_none()
                    && matches!(
                        failure,
                        Failure::Invalid(_) | Failure::Conflict(_) | Failure::Misread(_)
                    )
                    && matches!(self.look_once(&order, work).await?, Some(StepEnd::Adopted));
                if made_by_somebody {
                    return Ok(StepEnd::Adopted);
                }
                Ok(StepEnd::Refused { reason: self.explain_failure(&failure) })
            }
            EffectEnd::InDoubt(reason) => {
                work.warnings.push(format!("it was in doubt whether this happened: {reason}"));
                Ok(StepEnd::InDoubt)
            }
            EffectEnd::Busy(id) => Ok(StepEnd::NotSent {
                reason: format!("intent {id} for the same object is still open"),
            }),
            EffectEnd::Stale(reason) => Ok(StepEnd::NotSent { reason }),
            // What it was for is gone meanwhile: nothing failed.
            EffectEnd::NotSent(TaskError::NotSent(NotSent::Moot(reason))) => {
                Ok(StepEnd::NotSent { reason })
            }
            EffectEnd::NotSent(TaskError::NotSent(replaced @ NotSent::Replaced)) => {
                Ok(StepEnd::NotSent { reason: replaced.to_string() })
            }
            EffectEnd::NotSent(error) => {
                let error = self.own_failure(error, &order.host).await?;
                if let (
                    OwnFailure::Failed(Failure::Conflict(_) | Failure::Misread(_)),
                    Some(target),
                ) = (&error, &order.operation.target)
                {
                    // Somebody changed it since the plan: the next one decides by what shows now.
                    work.touched.push(Touched {
                        remote: target.clone(),
                        intent: None,
                        ended: false,
                    });
                } else {
                    work.came_to_nothing = true;
                }
                Ok(StepEnd::NotSent { reason: self.explain_own(&error) })
            }
        }
    }

    /// A failure with the permission's place where a right is missing.
    pub(super) fn explain_failure(&self, failure: &Failure) -> String {
        if let Failure::Denied(denied) = failure
            && let Some(permission) = self.adapter.manifest().permission(&denied.permission)
        {
            return format!(
                "{failure}. Tick \u{201c}{}\u{201d}: {}",
                permission.label, permission.grant_at
            );
        }
        failure.to_string()
    }

    async fn links_made(&self, order: &Order) -> Result<Vec<LinkRow>, Error> {
        let mut links = Vec::new();
        for host in order.makes.values() {
            links.extend(self.store.link(host).await?);
        }
        Ok(links)
    }

    /// Reads what was touched, so that the store knows what the ATS made of it. The events name the
    /// intents that touched it; what somebody else changed in the same moment is told along. What
    /// an intent took away, and the ATS no longer shows, is gone by that intent.
    pub(crate) async fn read_back(&self, touched: Vec<Touched>) -> Result<(), Error> {
        let mut kinds: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        let mut intents: BTreeMap<String, BTreeMap<String, IntentId>> = BTreeMap::new();
        let mut taken_away = BTreeSet::new();
        for Touched { remote, intent, ended } in touched {
            if ended {
                taken_away.insert(remote.clone());
            }
            if let Some(intent) = intent {
                intents.entry(remote.kind.clone()).or_default().insert(remote.id.clone(), intent);
            }
            kinds.entry(remote.kind).or_default().insert(remote.id);
        }
        for (kind, ids) in kinds {
            if self.adapter.manifest().kind(&kind).is_some() {
                let ids: Vec<String> = ids.into_iter().collect();
                let applied_by = intents.remove(&kind).unwrap_or_default();
                let mut gone = match self
                    .fetch(&kind, &ids, &applied_by, Priority::Incremental)
                    .await
                {
                    // It was written all the same; what cannot be read is not compared.
                    Err(error) if concerns_kind(&error) => {
                        tracing::warn!(connection = %self.name, kind, "what was written cannot be \
                            read back");
                        continue;
                    }
                    fetched => fetched?,
                };
                gone.retain(|id| taken_away.contains(&remote(&kind, id)));
                for gone in gone.chunks(PAGE_RECORDS_MAX) {
                    let page = self.page(kind.clone(), Vec::new(), &[], Cause::Asked);
                    self.take(PageCommit {
                        gone: gone.to_vec(),
                        applied_by: applied_by.clone(),
                        ..page
                    })
                    .await?;
                }
            }
        }
        Ok(())
    }

    /// Plans the records of the plan once more on what is known now and writes their conditions.
    async fn conclude(
        &self,
        plan: &Plan,
        written: &[Written],
        report: &mut ApplyReport,
    ) -> Result<(), Error> {
        // The plan below would know less of these than the one that was carried out: it asks the
        // ATS for nothing.
        let denied: BTreeMap<&str, &Finding> = plan
            .records
            .iter()
            .filter_map(|record| Some((record.key.as_str(), record.denied()?)))
            .collect();
        let known = plan.records.iter().filter(|record| record.note(Reason::Forgotten).is_none());
        let keys: Vec<String> = known.map(|record| record.key.clone()).collect();
        for some in keys.chunks(PAGE_RECORDS_MAX) {
            self.store.mark_dirty(some.to_vec()).await?;
        }
        self.take_for_same(plan, &mut report.steps).await?;
        let mut gathered = Gathered::resting(self.adapter.manifest());
        self.add_fresh(plan, written, &mut gathered);
        let again = self.plan_with(&mut gathered, PlanOf::Keys(&keys)).await?;
        self.keep_forms(&again, &mut report.steps).await?;
        let mut failures: BTreeMap<&str, &StepReport> = BTreeMap::new();
        // A doubt that was settled in this run is none any more: what came of it shows in the plan
        // below.
        let doubts = self.store.open_intents().await?;
        let is_settled = |step: &StepReport| {
            step.end == StepEnd::InDoubt && !doubts.iter().any(|intent| intent.host == step.host)
        };
        for step in report.steps.iter().filter(|step| !step.end.is_done() && !is_settled(step)) {
            let key = path::key(&step.host);
            failures.entry(key).or_insert(step);
        }
        let open: BTreeMap<&str, &RecordPlan> =
            again.records.iter().map(|record| (record.key.as_str(), record)).collect();
        let mut statuses = Vec::new();
        for key in &keys {
            let left = open
                .get(key.as_str())
                .filter(|record| !record.steps.is_empty() || record.is_blocked());
            let failure = failures.get(key.as_str());
            let denied = denied.get(key.as_str());
            if left.is_none() && failure.is_none() && denied.is_none() {
                let differs = open.get(key.as_str()).is_some_and(|record| is_held_back(record));
                let waits = open.get(key.as_str()).is_some_and(|record| record.waits());
                *(match (waits, differs) {
                    (true, _) => &mut report.not_in_step,
                    (false, true) => &mut report.held_back,
                    (false, false) => &mut report.in_step,
                }) += 1;
                continue;
            }
            report.not_in_step += 1;
            let Some(row) = self.store.desired(key).await? else { continue };
            let spent = open.get(key.as_str()).and_then(|record| spent(record));
            let (kind, reason, message) = match (failure, denied) {
                _ if let Some(spent) = spent => {
                    (ConditionType::Blocked, spent.reason, spent.message.clone())
                }
                (Some(failure), _) => what_failed(failure, &report.steps),
                (None, Some(denied)) => {
                    (ConditionType::Blocked, denied.reason, denied.message.clone())
                }
                (None, None) => continue,
            };
            let since_ms = self.clock.now_ms();
            let condition = |kind: ConditionType, status: bool| Condition {
                kind,
                status,
                reason,
                message: message.clone(),
                since_ms,
            };
            let conditions = vec![condition(ConditionType::Synced, false), condition(kind, true)];
            statuses.push(StatusUpdate {
                key: key.clone(),
                generation: row.generation,
                status: DesiredStatus { observed_generation: row.generation, conditions },
                dirty: true,
                dirt: row.dirt,
            });
        }
        for some in statuses.chunks(PAGE_RECORDS_MAX) {
            self.store.put_status(some.to_vec()).await?;
        }
        Ok(())
    }
}

/// The condition that a step which did not come about leaves: kind, reason, message. A step that
/// depends on another one is told with what became of that.
fn what_failed(step: &StepReport, steps: &[StepReport]) -> (ConditionType, Reason, String) {
    match &step.end {
        StepEnd::Skipped { waits_for } => {
            let mut message = format!("{} depends on {}", step.operation, words::path(waits_for));
            let mut on = waits_for.as_str();
            for _ in 0..WAITS_MAX {
                let Some(first) = steps.iter().find(|step| step.host == on && !step.end.is_done())
                else {
                    break;
                };
                let StepEnd::Skipped { waits_for } = &first.end else {
                    let (_, _, why) = what_failed(first, &[]);
                    message.push_str(&format!(", which did not come about: {why}"));
                    break;
                };
                on = waits_for;
            }
            (ConditionType::Blocked, Reason::Waits, message)
        }
        StepEnd::Refused { reason } => {
            (ConditionType::Blocked, Reason::Refused, format!("{}: {reason}", step.operation))
        }
        StepEnd::NotSent { reason } => {
            (ConditionType::Blocked, Reason::NotSent, format!("{}: {reason}", step.operation))
        }
        _ => {
            let why =
                step.warnings.last().map_or("nobody knows yet whether it happened", String::as_str);
            (ConditionType::InDoubt, Reason::InDoubt, format!("{}: {why}", step.operation))
        }
    }
}

/// Whether an order may have met a record as it was before the step before it: not there yet, or
/// standing otherwise.
fn is_too_early(end: &EffectEnd) -> bool {
    matches!(
        end,
        EffectEnd::NotSent(TaskError::Failed(
            Failure::NotFound(_) | Failure::Gone(_) | Failure::Conflict(_) | Failure::Misread(_)
        ))
    )
}

fn with_member(input: &str, name: &str, value: &str) -> String {
    match serde_json::from_str::<Value>(input) {
        Ok(Value::Object(mut object)) => {
            object.insert(name.to_owned(), Value::String(value.to_owned()));
            Value::Object(object).to_string()
        }
        _ => input.to_owned(),
    }
}

#[cfg(test)]
#[path = "apply_tests.rs"]
mod tests;
