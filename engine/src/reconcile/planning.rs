//! The plan of a connection: its records page by page, each planned from the facts that were
//! gathered for it.
//!
//! What planning a page comes to besides the plan (statuses, links, ends of links) is written with
//! the page: a run over many records has few commits, none larger than a page, and a death between
//! two of them loses nothing, since the next plan comes to the same.
//!
//! Left out: where facts come from ([`super::gather`]) and what may not be sent although it is
//! planned ([`super::held`]).

use super::Reconciler;
use super::gather::{Gathered, concerns_kind};
use super::held::{only_observe, paused, status, waited_for};
use crate::error::{Error, ErrorKind};
use crate::journal::Intent;
use crate::plan::{self, Finding, FindingKind, Plan, RecordPlan, Step};
use crate::reason::Reason;
use crate::store::limits::PAGE_RECORDS_MAX;
use crate::store::{
    Cause, Declaration, DesiredRow, LinkRow, Mode, MovedTo, PageCommit, StatusUpdate,
};
use atsync_model::desired::Desired;
use atsync_model::resource::{self, PERSON};
use std::collections::BTreeSet;

/// Desired records read at once.
const PAGE_ROWS: usize = 500;

/// Which desired records a plan looks at.
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

/// What planning one page of desired records came to besides the plan: written at once, so that a
/// run over many records has few commits and is never larger than a page.
#[derive(Debug, Default)]
struct Seen {
    statuses: Vec<StatusUpdate>,
    links: Vec<LinkRow>,
    releases: Vec<String>,
}

impl Reconciler {
    /// Refreshes what drift shows in, then plans.
    pub(crate) async fn plan(&self, of: PlanOf<'_>) -> Result<Plan, Error> {
        let sent = self.requests_sent();
        let mut gathered = Gathered::default();
        let any = match of {
            PlanOf::Records(records) => !records.is_empty(),
            PlanOf::Keys(keys) => !keys.is_empty(),
            PlanOf::Dirty | PlanOf::All => self.store.desired_counts().await?.0 > 0,
        };
        self.refresh_people(&mut gathered, any).await?;
        self.plan_next(&mut gathered, of, sent).await
    }

    /// Refreshes the kinds in which drift of people shows, where there is anybody to plan.
    pub(super) async fn refresh_people(
        &self,
        gathered: &mut Gathered,
        any: bool,
    ) -> Result<(), Error> {
        for kind in resource::drifting().map(|of| of.kind) {
            // A kind that can be listed only below its parents is read for the records of the plan.
            if !any || self.adapter.manifest().kind(kind).is_none() || self.below(kind).is_some() {
                continue;
            }
            match self.refresh(gathered, kind).await {
                // Whoever needs the kind is blocked; without the first one nobody can be planned.
                Err(error) if error.kind() == ErrorKind::NotSupported => {}
                Err(error) if concerns_kind(&error) && kind != PERSON => {}
                refreshed => refreshed?,
            }
        }
        Ok(())
    }

    /// Plans on what was refreshed and on what plans before this one of the same run decided.
    /// `sent_before`: the requests before it began.
    pub(super) async fn plan_next(
        &self,
        gathered: &mut Gathered,
        of: PlanOf<'_>,
        sent_before: u64,
    ) -> Result<Plan, Error> {
        let mut plan = self.plan_with(gathered, of).await?;
        if !plan.is_empty() {
            // Not at the first write only: a plan against another customer's records is worth
            // nothing, and it belongs to what planning costs.
            self.verify_tenant_once().await?;
        }
        let sent = self.requests_sent().saturating_sub(sent_before);
        plan.calls_made = u32::try_from(sent).unwrap_or(u32::MAX);
        Ok(plan)
    }

    /// Requests that the connection has sent so far.
    pub(super) fn requests_sent(&self) -> u64 {
        self.session.usage().requests.values().sum()
    }

    /// Plans on what is at hand, asking the ATS only for kinds that were never read in this run and
    /// that somebody asks about.
    pub(crate) async fn plan_with(
        &self,
        gathered: &mut Gathered,
        of: PlanOf<'_>,
    ) -> Result<Plan, Error> {
        let open = self.store.open_intents().await?;
        let mut plan = Plan { connection: self.name.clone(), ..Plan::default() };
        match of {
            PlanOf::Records(records) => {
                // What is declared in the same breath is what the others may name.
                for record in records.iter().filter(|record| record.candidate().is_none()) {
                    let declared = self.declared(&record.key(), Some(record)).await?;
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
                        PlanOf::Dirty => self.store.dirty_page(after.as_deref(), PAGE_ROWS).await?,
                        _ => self.store.desired_page(after.as_deref(), PAGE_ROWS).await?,
                    };
                    let Some(last) = rows.last() else {
                        if keys.is_empty() {
                            break;
                        }
                        continue;
                    };
                    after = Some(last.key.clone());
                    let mut seen = Seen::default();
                    let mut wanted = Vec::with_capacity(rows.len());
                    for row in rows {
                        if row.mode == Mode::Paused {
                            seen.statuses.extend(paused(&row, self.clock.now_ms()));
                            plan.looked_at += 1;
                            continue;
                        }
                        wanted.push((self.parse_desired(&row)?, row));
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
                    gathered.forget_much();
                }
            }
        }
        // People hang on what is defined, so that comes first.
        plan.records.sort_by_key(|record| !record.is_definition());
        plan.calls = plan::cost::of(&plan, self.adapter.manifest());
        Ok(plan)
    }

    /// Those of these records that are declared.
    async fn desired_rows(&self, keys: &[String]) -> Result<Vec<DesiredRow>, Error> {
        let mut rows = Vec::with_capacity(keys.len());
        for key in keys {
            rows.extend(self.store.desired(key).await?);
        }
        Ok(rows)
    }

    /// Plans records as they would be declared. Nothing is stored. People who were forgotten would
    /// not be declared, so nothing is planned for them.
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
                .map_err(|error| self.error(ErrorKind::Input, format!("{key}: {error}")))?;
            declarations.push(Declaration { key, body });
        }
        let forgotten: BTreeSet<String> =
            self.store.kept_away(declarations.clone()).await?.into_iter().collect();
        let (mut wanted, mut modes) = (Vec::new(), Vec::new());
        for (record, Declaration { key, body }) in records.iter().zip(declarations) {
            let row = self.store.desired(&key).await?;
            let generation = match &row {
                Some(row) if row.body == body => row.generation,
                Some(row) => row.generation + 1,
                None => 1,
            };
            if forgotten.contains(&key) {
                let message = format!(
                    "{key}: this person was forgotten here, so the record is not declared and \
                     nothing is done for it; `Connection::unforget` lets them come back"
                );
                let planned =
                    said_of(&key, generation, FindingKind::Note, Reason::Forgotten, message);
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

    /// A record that needs no request has its links and bases written with its page.
    async fn link_in_step(&self, planned: &RecordPlan, seen: &mut Seen) -> Result<(), Error> {
        if planned.steps.is_empty() && !planned.is_blocked() {
            seen.links.extend(self.adopted(planned).await?);
            seen.releases.extend(planned.releases.iter().cloned());
        }
        Ok(())
    }

    /// Writes what one page of records came to. Links before statuses: a record that is called in
    /// step is not looked at again, so by then it must be linked.
    async fn keep(&self, seen: Seen) -> Result<(), Error> {
        for links in seen.links.chunks(PAGE_RECORDS_MAX) {
            self.store.put_links(links.to_vec()).await?;
        }
        if !seen.releases.is_empty() {
            self.store.end_links(seen.releases).await?;
        }
        if !seen.statuses.is_empty() {
            self.store.put_status(seen.statuses).await?;
        }
        Ok(())
    }

    /// Writes the links that a plan makes without a request, and ends those that it releases.
    pub(super) async fn link_and_release(&self, planned: &RecordPlan) -> Result<(), Error> {
        if !planned.adoptions.is_empty() {
            self.adopt(planned).await?;
        }
        if !planned.releases.is_empty() {
            self.store.end_links(planned.releases.clone()).await?;
        }
        Ok(())
    }

    /// Writes the links that a plan's adoptions make. A link that led to another record of the kind
    /// before was found where that one lives on: other links follow, and it is told.
    async fn adopt(&self, planned: &RecordPlan) -> Result<(), Error> {
        let links = self.adopted(planned).await?;
        for link in &links {
            let Some(before) = self.store.link(&link.host).await? else { continue };
            // Known by another path from now on, and no other record for that.
            if links.iter().any(|other| other.remote == before.remote) {
                continue;
            }
            if before.remote.kind != link.remote.kind || before.remote.id == link.remote.id {
                continue;
            }
            let page = self.page(link.remote.kind.clone(), Vec::new(), &[], Cause::Observed);
            let moved =
                vec![MovedTo { from: before.remote.id, to: link.remote.id.clone(), stays: true }];
            self.take(PageCommit { moved, ..page }).await?;
        }
        Ok(self.store.put_links(links).await?)
    }

    /// The links that a plan's adoptions make. A link that takes the place of one that the plan
    /// ends or moves is as old, and came about as that one did.
    async fn adopted(&self, planned: &RecordPlan) -> Result<Vec<LinkRow>, Error> {
        let mut links = Vec::new();
        let mut former = Vec::new();
        for host in
            planned.releases.iter().chain(planned.adoptions.iter().map(|adoption| &adoption.host))
        {
            former.extend(self.store.link(host).await?);
        }
        for adoption in &planned.adoptions {
            let own = former.iter().find(|link| link.host == adoption.host);
            let same = |link: &&LinkRow| link.remote == adoption.remote;
            let known = own.filter(same).or_else(|| former.iter().find(same)).or(own).cloned();
            let how = match &known {
                Some(link) if link.remote == adoption.remote => link.how,
                _ => crate::store::LinkHow::Adopted,
            };
            links.push(LinkRow {
                host: adoption.host.clone(),
                remote: adoption.remote.clone(),
                how,
                applied: adoption.applied.clone(),
                since_ms: known.map_or_else(|| self.clock.now_ms(), |link| link.since_ms),
            });
        }
        Ok(links)
    }

    pub(super) async fn plan_record(
        &self,
        gathered: &mut Gathered,
        record: &Desired,
        generation: u64,
        open: &[Intent],
    ) -> Result<(RecordPlan, Vec<Step>), Error> {
        let key = record.key();
        if let Some(waits) = self.awaits_own_write(&key, generation).await? {
            return Ok((waits, Vec::new()));
        }
        let links = self.links_by_host(&key).await?;
        // A definition that is linked asks for nothing that would have its kind read; what
        // recruiters made of it must be known all the same.
        let refreshed = self.refresh_of_record(gathered, record, &links).await;
        let input = plan::Input {
            manifest: self.adapter.manifest(),
            settings: &self.settings,
            desired: record,
            generation,
            links: &links,
        };
        let asked = match refreshed {
            Ok(()) => self.ask(gathered, &key, |facts| plan::record(&input, facts)).await,
            Err(error) => Err(error),
        };
        let (mut planned, mut shared) = match asked {
            Err(error) if concerns_kind(&error) => {
                let place = format!("{}: ", self.name);
                let why = error.to_string();
                let message = format!("{key}: {}", why.strip_prefix(&place).unwrap_or(&why));
                let reason = match error.kind() {
                    ErrorKind::Denied => Reason::Denied,
                    ErrorKind::NotSupported => Reason::NotSupported,
                    _ => Reason::NotRead,
                };
                (said_of(&key, generation, FindingKind::Blocked, reason, message), Vec::new())
            }
            asked => asked?,
        };
        if let Some(person) = record.candidate()
            && planned.steps.iter().any(|step| step.host == key && step.target.is_none())
        {
            for email in person.emails.iter().flatten() {
                gathered.facts.claim(email.value(), &key);
            }
        }
        if let Desired::CustomField(field) = record
            && planned.steps.iter().any(|step| step.host == key && step.target.is_none())
            && let Some(name) = plan::name_claim(field)
        {
            gathered.facts.claim(&name, &key);
        }
        for (opening, host) in &planned.hires {
            gathered.facts.claim(&plan::opening_claim(opening), host);
        }
        if !planned.is_blocked() {
            for adoption in &planned.adoptions {
                gathered.facts.take(&adoption.remote, &adoption.host);
            }
        }
        plan::unseen::settle(&mut planned, &shared, &links);
        let wanted = waited_for(&planned.steps);
        self.keep_back(&mut planned, open).await?;
        self.leave_refused_shared(&mut planned, &shared).await?;
        let still = waited_for(&planned.steps);
        // What only a step that is kept back hangs on is not made either.
        shared.retain(|step| still.contains(&step.host) || !wanted.contains(&step.host));
        Ok((planned, shared))
    }

    /// Has the next plan look at what the adapter or the settings did not allow so far.
    pub(crate) async fn reconsider(&self) -> Result<(), Error> {
        let mut after: Option<String> = None;
        loop {
            let rows = self.store.desired_page(after.as_deref(), PAGE_ROWS).await?;
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
                self.store.mark_dirty(keys).await?;
            }
        }
    }

    /// What a plan without a step says of a record. One with steps is spoken of after they were
    /// carried out.
    fn status_after_plan(&self, row: &DesiredRow, planned: &RecordPlan) -> Option<StatusUpdate> {
        if !planned.steps.is_empty() {
            return None;
        }
        let waits = planned.is_blocked() || planned.look_again || planned.waits();
        let status = status(planned, row, self.clock.now_ms());
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
    plan.looked_at += 1;
    for step in planned.1 {
        if !plan.shared.iter().any(|known| known.host == step.host) {
            plan.shared.push(step);
        }
    }
    let record = planned.0;
    // Of a record with nothing to say only the number is kept, so that a plan is as large as what
    // it changes.
    if !record.steps.is_empty() || !record.findings.is_empty() || !record.adoptions.is_empty() {
        plan.records.push(record);
    }
}

/// A plan that says one thing of a record and does nothing for it.
fn said_of(
    key: &str,
    generation: u64,
    kind: FindingKind,
    reason: Reason,
    message: String,
) -> RecordPlan {
    let finding = Finding { kind, host: key.to_owned(), reason, message };
    RecordPlan { key: key.to_owned(), generation, findings: vec![finding], ..RecordPlan::default() }
}
