//! Plans the records of a connection page by page.
//!
//! What planning a page produces besides the plan (statuses, links, ends of links) is written with
//! the page: a run over many records has few commits, none larger than a page, and a crash between
//! two of them loses nothing, since the next plan produces the same.
//!
//! Left out: where facts come from, which the gatherer knows, and what may not be sent although it
//! is planned ([`super::withheld`]).

use super::Planner;
use super::record::finding_alone;
use super::withheld::{only_observe, paused, status};
use crate::error::{Error, ErrorKind};
use crate::journal::Intent;
use crate::plan::{self, FindingKind, Plan, RecordPlan, Step};
use crate::reason::Reason;
use crate::reconcile::gather::Gathered;
use crate::store::limits::PAGE_RECORDS_MAX;
use crate::store::{Declaration, DesiredRow, LinkRow, Mode, StatusUpdate};
use atsync_model::desired::Desired;
use std::collections::BTreeSet;

/// Desired records read at once.
const PAGE_ROWS: usize = 500;

/// The desired records that a plan covers.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum PlanOf<'a> {
    /// Those that changed, whose remote records changed, or that were not in step last time.
    Dirty,
    /// All that were declared.
    All,
    /// These of those that were declared.
    Keys(&'a [String]),
    /// These, whether declared or not; nothing is stored.
    Records(&'a [Desired]),
}

/// What planning one page of desired records produced besides the plan: written at once, so that a
/// run over many records has few commits, none larger than a page.
#[derive(Debug, Default)]
struct PageOutcome {
    statuses: Vec<StatusUpdate>,
    links: Vec<LinkRow>,
    releases: Vec<String>,
}

impl Planner {
    /// Refreshes the kinds in which drift shows, then plans.
    pub(crate) async fn plan(&self, of: PlanOf<'_>) -> Result<Plan, Error> {
        let sent = self.requests.requests_sent();
        let mut gathered = Gathered::default();
        let any = match of {
            PlanOf::Records(records) => !records.is_empty(),
            PlanOf::Keys(keys) => !keys.is_empty(),
            PlanOf::Dirty | PlanOf::All => self.context.store.desired_counts().await?.0 > 0,
        };
        self.gatherer.refresh_people(&mut gathered, any).await?;
        self.plan_next(&mut gathered, of, sent).await
    }

    /// Plans some more records that are not declared yet, on what earlier parts of the same run
    /// decided.
    pub(crate) async fn plan_undeclared_part(
        &self,
        gathered: &mut Gathered,
        records: &[Desired],
    ) -> Result<Plan, Error> {
        let sent = self.requests.requests_sent();
        self.gatherer.refresh_people(gathered, !records.is_empty()).await?;
        self.plan_next(gathered, PlanOf::Records(records), sent).await
    }

    /// Plans on what was refreshed and on what earlier plans of the same run decided.
    /// `sent_before`: the requests that were sent before the run.
    pub(crate) async fn plan_next(
        &self,
        gathered: &mut Gathered,
        of: PlanOf<'_>,
        sent_before: u64,
    ) -> Result<Plan, Error> {
        let mut plan = self.plan_with(gathered, of).await?;
        if !plan.is_empty() {
            // Before the first write already: a plan on another customer's records is worth
            // nothing, and the request is part of what planning costs.
            self.requests.verify_tenant_once().await?;
        }
        let sent = self.requests.requests_sent().saturating_sub(sent_before);
        plan.calls_made = u32::try_from(sent).unwrap_or(u32::MAX);
        Ok(plan)
    }

    /// Plans on the facts at hand. Only kinds that a plan asks about and that were not read in this
    /// run are refreshed.
    pub(crate) async fn plan_with(
        &self,
        gathered: &mut Gathered,
        of: PlanOf<'_>,
    ) -> Result<Plan, Error> {
        let open = self.context.store.open_intents().await?;
        let mut plan = self.context.empty_plan();
        match of {
            PlanOf::Records(records) => {
                // Records of one batch may reference each other.
                for record in records.iter().filter(|record| record.candidate().is_none()) {
                    let declared = self.gatherer.declared(&record.key(), Some(record)).await?;
                    gathered.facts.add_declared(record.key(), declared);
                }
                for some in records.chunks(PAGE_ROWS) {
                    self.plan_undeclared(gathered, some, &open, &mut plan).await?;
                }
            }
            PlanOf::Keys(_) | PlanOf::Dirty | PlanOf::All => {
                let mut after: Option<String> = None;
                let mut keys = match of {
                    PlanOf::Keys(keys) => keys,
                    _ => &[],
                };
                loop {
                    let rows = match of {
                        PlanOf::Keys(_) => {
                            let some;
                            (some, keys) = keys.split_at(keys.len().min(PAGE_ROWS));
                            self.desired_rows(some).await?
                        }
                        PlanOf::Dirty => {
                            self.context.store.dirty_page(after.as_deref(), PAGE_ROWS).await?
                        }
                        _ => self.context.store.desired_page(after.as_deref(), PAGE_ROWS).await?,
                    };
                    let Some(last) = rows.last() else {
                        if keys.is_empty() {
                            break;
                        }
                        continue;
                    };
                    after = Some(last.key.clone());
                    let mut seen = PageOutcome::default();
                    let mut wanted = Vec::with_capacity(rows.len());
                    for row in rows {
                        if row.mode == Mode::Paused {
                            seen.statuses.extend(paused(&row, self.context.clock.now_ms()));
                            plan.planned += 1;
                            continue;
                        }
                        wanted.push((self.context.parse_desired(&row)?, row));
                    }
                    let some: Vec<_> =
                        wanted.iter().map(|(record, row)| (record, row.generation)).collect();
                    let planned = self.plan_page(gathered, &some, &open).await?;
                    for ((_, row), mut planned) in wanted.iter().zip(planned) {
                        only_observe(&mut planned, row.mode);
                        seen.statuses.extend(self.status_after_plan(row, &planned.0));
                        self.link_in_step(&planned.0, &mut seen).await?;
                        collect(&mut plan, planned);
                    }
                    self.keep(seen).await?;
                    gathered.drop_many();
                }
            }
        }
        // Candidates depend on definitions, so these come first.
        plan.records.sort_by_key(|record| !record.is_definition());
        plan.calls = plan::cost::of(&plan, self.context.manifest());
        Ok(plan)
    }

    /// Those of these records that are declared.
    async fn desired_rows(&self, keys: &[String]) -> Result<Vec<DesiredRow>, Error> {
        let mut rows = Vec::with_capacity(keys.len());
        for key in keys {
            rows.extend(self.context.store.desired(key).await?);
        }
        Ok(rows)
    }

    /// Plans records as they would be declared. Nothing is stored. Erased candidates would not be
    /// declared, so nothing is planned for them.
    async fn plan_undeclared(
        &self,
        gathered: &mut Gathered,
        records: &[Desired],
        open: &[Intent],
        plan: &mut Plan,
    ) -> Result<(), Error> {
        let mut declarations = Vec::new();
        for record in records {
            let key = record.key();
            let body = serde_json::to_string(record)
                .map_err(|error| self.context.error(ErrorKind::Input, format!("{key}: {error}")))?;
            declarations.push(Declaration { key, body });
        }
        let erased: BTreeSet<String> =
            self.context.store.kept_away(declarations.clone()).await?.into_iter().collect();
        let (mut wanted, mut modes) = (Vec::new(), Vec::new());
        for (record, Declaration { key, body }) in records.iter().zip(declarations) {
            let row = self.context.store.desired(&key).await?;
            let generation = match &row {
                Some(row) if row.body == body => row.generation,
                Some(row) => row.generation + 1,
                None => 1,
            };
            if erased.contains(&key) {
                let message = format!(
                    "{key}: this person was erased here, so the record is not declared and \
                     nothing is done for it; `Connection::undo_erasure` lets them come back"
                );
                let planned = finding_alone(
                    &key,
                    generation,
                    FindingKind::Note,
                    Reason::CandidateErased,
                    message,
                );
                collect(plan, (planned, Vec::new()));
                continue;
            }
            wanted.push((record, generation));
            modes.push(row.map_or(Mode::Managed, |row| row.mode));
        }
        for (mut planned, mode) in
            self.plan_page(gathered, &wanted, open).await?.into_iter().zip(modes)
        {
            only_observe(&mut planned, mode);
            collect(plan, planned);
        }
        Ok(())
    }

    /// Adds the links and bases of a record that needs no request to its page.
    async fn link_in_step(
        &self,
        planned: &RecordPlan,
        seen: &mut PageOutcome,
    ) -> Result<(), Error> {
        if planned.steps.is_empty() && !planned.is_blocked() {
            seen.links.extend(self.adopted(planned).await?);
            seen.releases.extend(planned.releases.iter().cloned());
        }
        Ok(())
    }

    /// Writes what planning one page produced. Links before statuses: a record that is in step is
    /// not planned again, so by then it must be linked.
    async fn keep(&self, seen: PageOutcome) -> Result<(), Error> {
        for links in seen.links.chunks(PAGE_RECORDS_MAX) {
            self.put_adopted(links.to_vec()).await?;
        }
        if !seen.releases.is_empty() {
            self.context.store.end_links(seen.releases).await?;
        }
        if !seen.statuses.is_empty() {
            self.context.store.put_status(seen.statuses).await?;
        }
        Ok(())
    }

    /// Marks the records as dirty that the adapter or the settings did not allow so far.
    pub(crate) async fn reconsider(&self) -> Result<(), Error> {
        let mut after: Option<String> = None;
        loop {
            let rows = self.context.store.desired_page(after.as_deref(), PAGE_ROWS).await?;
            let Some(last) = rows.last() else { return Ok(()) };
            after = Some(last.key.clone());
            let not_allowed = |row: &&DesiredRow| {
                let reasons = row.status.conditions.iter().map(|condition| condition.reason);
                reasons
                    .clone()
                    .any(|reason| reason == Reason::NotOptedIn || reason == Reason::NotSupported)
            };
            let keys: Vec<String> =
                rows.iter().filter(not_allowed).map(|row| row.key.clone()).collect();
            if !keys.is_empty() {
                self.context.store.mark_dirty(keys).await?;
            }
        }
    }

    /// The status of a record whose plan has no steps. A record with steps gets its status after
    /// they were carried out.
    fn status_after_plan(&self, row: &DesiredRow, planned: &RecordPlan) -> Option<StatusUpdate> {
        if !planned.steps.is_empty() {
            return None;
        }
        let waits = planned.is_blocked() || planned.look_again || planned.waits();
        let status = status(planned, row, self.context.clock.now_ms());
        if row.status == status && row.dirty == waits {
            return None;
        }
        Some(StatusUpdate {
            key: row.key.clone(),
            generation: row.generation,
            status,
            dirty: waits,
            dirt: row.dirt,
        })
    }
}

fn collect(plan: &mut Plan, planned: (RecordPlan, Vec<Step>)) {
    plan.planned += 1;
    for step in planned.1 {
        if !plan.shared.iter().any(|known| known.path == step.path) {
            plan.shared.push(step);
        }
    }
    let record = planned.0;
    // A record without steps and findings is only counted, so that a plan is as large as what it
    // changes.
    if !record.steps.is_empty() || !record.findings.is_empty() || !record.adoptions.is_empty() {
        plan.records.push(record);
    }
}
