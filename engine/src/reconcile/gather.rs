//! Facts for a plan, and the plan itself.
//!
//! A plan asks for what it does not find; this module answers from the store. A kind that a question is about is refreshed once per run before
//! it is answered, and not at all when nobody asks: so a run with nothing to change costs at most one request per kind, and what two
//! records need is read once. Of a kind that can be listed only below its parents, what is below the parents that the records concern is read. A kind that the credential may not read blocks the records that ask about it, and no others.

use super::Reconciler;
use super::pull::parent_kind;
use crate::error::{Error, ErrorKind};
use crate::journal::{Intent, IntentState, Leave};
use crate::plan::{self, Declared, Facts, Finding, FindingKind, Need, Plan, Record, RecordPlan, Step};
use crate::store::limits::PAGE_RECORDS_MAX;
use crate::store::{
    Cause, Condition, Declaration, DesiredRow, DesiredStatus, LinkRow, Mode, MovedTo, ObservedRow, PageCommit,
    StatusUpdate, index,
};
use crate::transport::Priority;
use atsync_model::contract::RemoteRef;
use atsync_model::desired::Desired;
use atsync_model::kinds;
use atsync_model::manifest::{KindRule, ScanRule};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Rounds of questions for one record. References hang on each other three deep; each round answers at least one question.
const ROUNDS_MAX: usize = 50;
/// Rows that a lookup brings at most; a term that fits more is ambiguous anyway.
const LOOKUP_ROWS_MAX: usize = 2_000;
/// Names read for suggestions.
const NAMES_MAX: usize = 500;
/// Intents of one record that are read to see what was given up. Arbitrary, above what one record has in a year.
const INTENTS_MAX: usize = 500;
/// Facts that a run over many records keeps from page to page. A fact has some kilobytes; arbitrary, above what records have in common (jobs, stages, sources).
const FACTS_MAX: usize = 5_000;
/// Kinds inside of each other.
const NESTED_MAX: usize = 4;
/// Ids that a run remembers as the ATS writes them; beyond it begins anew, and only ids with capital letters are then missed.
const IDS_MAX: usize = 100_000;
/// Desired records read at once.
const PAGE_ROWS: usize = 500;

/// Which desired records a plan looks at.
#[derive(Clone, Copy, Debug)]
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

/// The facts of one run and what was refreshed for it.
#[derive(Debug, Default)]
pub(crate) struct Gathered {
    facts: Facts,
    refreshed: BTreeSet<String>,
    /// Kinds that cannot be read, since the credential may not or the adapter does not, with the reason. Nothing that is known of them from
    /// before is planned on.
    closed: BTreeMap<String, (ErrorKind, String)>,
    /// Of kinds that can be listed only below a parent: kind and parent.
    refreshed_below: BTreeSet<(String, String)>,
    /// Ids as the ATS writes them, by kind and term: terms are in lower case.
    ids: BTreeMap<(String, String), String>,
    /// No kind is refreshed.
    resting: bool,
}

/// What planning one page of desired records came to besides the plan: written at once, so that a run over many records has few commits and is never
/// larger than a page.
#[derive(Debug, Default)]
struct Seen {
    statuses: Vec<StatusUpdate>,
    links: Vec<LinkRow>,
    releases: Vec<String>,
}

impl Gathered {
    /// For planning on what is at hand: no kind is refreshed.
    pub(super) fn resting(manifest: &atsync_model::Manifest) -> Self {
        let refreshed = manifest.kinds.iter().map(|kind| kind.name.clone()).collect();
        Self { refreshed, resting: true, ..Self::default() }
    }
}

impl Gathered {
    /// Remembers that a kind cannot be read.
    fn learn<T>(&mut self, kind: &str, read: &Result<T, Error>) {
        if let Err(error) = read
            && concerns_kind(error)
        {
            self.closed.insert(kind.to_owned(), (error.kind(), error.to_string()));
        }
    }

    /// Refuses a kind that was found to be closed in this run.
    fn may_read(&self, kind: &str) -> Result<(), Error> {
        match self.closed.get(kind) {
            Some((how, why)) => Err(Error::new(*how, why.clone())),
            None => Ok(()),
        }
    }

    /// Remembers how the ATS writes an id.
    fn know_id(&mut self, kind: &str, id: &str) {
        if self.ids.len() >= IDS_MAX {
            self.ids.clear();
        }
        self.ids.insert((kind.to_owned(), index::form(index::PARENT, id)), id.to_owned());
    }
}

/// Whether an error is about a kind and blocks only the records that ask about it.
fn concerns_kind(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Denied | ErrorKind::NotSupported)
}

/// The kind that the terms of an index are ids of.
fn named_by(kind: &str, index: &str) -> Option<&'static str> {
    match (index, kind) {
        (index::CANDIDATE, _) => Some(kinds::CANDIDATES),
        (index::USER, _) => Some(kinds::USERS),
        (index::PARENT, kinds::STAGES | kinds::OPENINGS) => Some(kinds::JOBS),
        (index::PARENT, kinds::POOL_STAGES) => Some(kinds::POOLS),
        (index::PARENT, kinds::CUSTOM_FIELD_OPTIONS) => Some(kinds::CUSTOM_FIELDS),
        (index::PARENT, _) => Some(kinds::APPLICATIONS),
        _ => None,
    }
}

impl Reconciler {
    /// Refreshes what drift shows in, then plans.
    pub(crate) async fn plan(&self, of: PlanOf<'_>) -> Result<Plan, Error> {
        let sent_before = self.requests_sent();
        let mut gathered = Gathered::default();
        let any = match of {
            PlanOf::Records(records) => !records.is_empty(),
            PlanOf::Keys(keys) => !keys.is_empty(),
            PlanOf::Dirty | PlanOf::All => self.store.desired_counts(&self.name).await?.0 > 0,
        };
        if any {
            for kind in [kinds::CANDIDATES, kinds::APPLICATIONS, kinds::APPLIED_TAGS] {
                if self.adapter.manifest().kind(kind).is_none() {
                    continue;
                }
                // A kind that can be listed only below its parents is read for the records of the plan.
                if self.below(kind).is_some() {
                    continue;
                }
                match self.refresh(&mut gathered, kind).await {
                    // Whoever needs the kind is blocked; without the first one nobody can be planned.
                    Err(error) if error.kind() == ErrorKind::NotSupported => {}
                    Err(error) if error.kind() == ErrorKind::Denied && kind != kinds::CANDIDATES => {}
                    refreshed => refreshed?,
                }
            }
        }
        let mut plan = self.plan_with(&mut gathered, of).await?;
        if !plan.is_empty() {
            // Not at the first write only: a plan against another customer's records is worth nothing, and it belongs to what planning costs.
            self.verify_tenant_once().await?;
        }
        let sent = self.requests_sent().saturating_sub(sent_before);
        plan.calls_made = u32::try_from(sent).unwrap_or(u32::MAX);
        Ok(plan)
    }

    /// Requests that the connection has sent so far.
    fn requests_sent(&self) -> u64 {
        self.session.usage().requests.values().sum()
    }

    /// Plans on what is at hand, asking the ATS only for kinds that were never read in this run and that somebody asks about.
    pub(crate) async fn plan_with(&self, gathered: &mut Gathered, of: PlanOf<'_>) -> Result<Plan, Error> {
        let open = self.store.open_intents(&self.name).await?;
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
                        PlanOf::Dirty => self.store.dirty_page(&self.name, after.as_deref(), PAGE_ROWS).await?,
                        _ => self.store.desired_page(&self.name, after.as_deref(), PAGE_ROWS).await?,
                    };
                    let Some(last) = rows.last() else {
                        if keys.is_empty() {
                            break;
                        }
                        continue;
                    };
                    after = Some(last.key.clone());
                    let mut seen = Seen::default();
                    for row in rows {
                        if row.mode == Mode::Paused {
                            seen.statuses.extend(paused(&row, self.clock.now_ms()));
                            plan.looked_at += 1;
                            continue;
                        }
                        let record = self.parse_desired(&row)?;
                        let mut planned = self.plan_record(gathered, &record, row.generation, &open).await?;
                        if row.mode == Mode::ObservedOnly {
                            only_observe(&mut planned);
                        }
                        seen.statuses.extend(self.status_after_plan(&row, &planned.0));
                        self.link_in_step(&planned.0, &mut seen).await?;
                        collect(&mut plan, planned);
                    }
                    self.keep(seen).await?;
                    if gathered.facts.len() > FACTS_MAX {
                        gathered.facts.forget_stored();
                    }
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
            rows.extend(self.store.desired(&self.name, key).await?);
        }
        Ok(rows)
    }

    /// Plans records as they would be declared. Nothing is stored. People who were forgotten would not be declared, so nothing is planned for them.
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
            self.store.kept_away(&self.name, declarations.clone()).await?.into_iter().collect();
        for (record, Declaration { key, body }) in records.iter().zip(declarations) {
            let row = self.store.desired(&self.name, &key).await?;
            let generation = match &row {
                Some(row) if row.body == body => row.generation,
                Some(row) => row.generation + 1,
                None => 1,
            };
            if forgotten.contains(&key) {
                let message = format!(
                    "{key}: this person was forgotten here, so the record is not declared and nothing is done for it; `Connection::unforget` lets them come back"
                );
                let planned = said_of(&key, generation, FindingKind::Note, "Forgotten", message);
                collect(plan, (planned, Vec::new()));
                continue;
            }
            let mut planned = self.plan_record(gathered, record, generation, open).await?;
            if row.is_some_and(|row| row.mode != Mode::Managed) {
                only_observe(&mut planned);
            }
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

    /// Writes what one page of records came to. Links before statuses: a record that is called in step is not looked at again, so by then it must be linked.
    async fn keep(&self, seen: Seen) -> Result<(), Error> {
        for links in seen.links.chunks(PAGE_RECORDS_MAX) {
            self.store.put_links(&self.name, links.to_vec()).await?;
        }
        if !seen.releases.is_empty() {
            self.store.end_links(&self.name, seen.releases).await?;
        }
        if !seen.statuses.is_empty() {
            self.store.put_status(&self.name, seen.statuses).await?;
        }
        Ok(())
    }

    /// Writes the links that a plan makes without a request, and ends those that it releases.
    pub(super) async fn link_and_release(&self, planned: &RecordPlan) -> Result<(), Error> {
        if !planned.adoptions.is_empty() {
            self.adopt(planned).await?;
        }
        if !planned.releases.is_empty() {
            self.store.end_links(&self.name, planned.releases.clone()).await?;
        }
        Ok(())
    }

    /// Writes the links that a plan's adoptions make. A link that led to another record of the kind before was found where that one lives
    /// on: other links follow, and it is told.
    async fn adopt(&self, planned: &RecordPlan) -> Result<(), Error> {
        let links = self.adopted(planned).await?;
        for link in &links {
            let Some(before) = self.store.link(&self.name, &link.host).await? else { continue };
            if before.remote.kind != link.remote.kind || before.remote.id == link.remote.id {
                continue;
            }
            let page = self.page(link.remote.kind.clone(), Vec::new(), &[], Cause::Observed);
            let moved = vec![MovedTo { from: before.remote.id, to: link.remote.id.clone(), stays: true }];
            self.take(PageCommit { moved, ..page }).await?;
        }
        Ok(self.store.put_links(&self.name, links).await?)
    }

    /// What the host has given up stays undone until it changes its wish: planning it anew would be sending it again.
    async fn leave_given_up(&self, planned: &mut RecordPlan) -> Result<(), Error> {
        if planned.steps.is_empty() {
            return Ok(());
        }
        let intents = self.store.intents_of(&self.name, &planned.key, INTENTS_MAX).await?;
        let mut seen = BTreeSet::new();
        let mut held = BTreeSet::new();
        for intent in intents {
            // The newest of a path and operation speaks for it.
            if !seen.insert((intent.host.clone(), intent.operation.clone())) {
                continue;
            }
            let IntentState::Abandoned { reason } = &intent.state else { continue };
            // What was given up on a record that was merged since says nothing of the one it lives on as.
            let same_target =
                |step: &Step| step.target.is_none() || intent.target.is_none() || step.target == intent.target;
            let planned_again =
                |step: &Step| step.host == intent.host && step.operation == intent.operation && same_target(step);
            if intent.generation != planned.generation || !planned.steps.iter().any(planned_again) {
                continue;
            }
            let message = format!(
                "{}: {} (intent {}) was given up: {reason}. It is not sent again; declare the record anew with a change, or adopt what is there",
                intent.host, intent.operation, intent.id
            );
            planned.findings.push(Finding {
                kind: FindingKind::Note,
                host: intent.host.clone(),
                reason: "GivenUp".to_owned(),
                message,
            });
            held.insert(intent.host);
        }
        drop_steps(planned, held);
        Ok(())
    }

    /// The links that a plan's adoptions make.
    async fn adopted(&self, planned: &RecordPlan) -> Result<Vec<LinkRow>, Error> {
        let mut links = Vec::new();
        for adoption in &planned.adoptions {
            let known = self.store.link(&self.name, &adoption.host).await?;
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
        let links = self.links_by_host(&key).await?;
        // A definition that is linked asks for nothing that would have its kind read; what recruiters made of it must be known all the same.
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
                let reason = if error.kind() == ErrorKind::Denied { "Denied" } else { "NotSupported" };
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
        if !planned.is_blocked() {
            for adoption in &planned.adoptions {
                gathered.facts.take(&adoption.remote, &adoption.host);
            }
        }
        let wanted = waited_for(&planned.steps);
        self.keep_back(&mut planned, open).await?;
        self.leave_refused_shared(&mut planned, &shared).await?;
        let still = waited_for(&planned.steps);
        // What only a step that is kept back hangs on is not made either.
        shared.retain(|step| still.contains(&step.host) || !wanted.contains(&step.host));
        Ok((planned, shared))
    }

    /// Refreshes what a record's plan does not ask for although drift of it shows there.
    async fn refresh_of_record(
        &self,
        gathered: &mut Gathered,
        record: &Desired,
        links: &BTreeMap<String, LinkRow>,
    ) -> Result<(), Error> {
        for kind in defines(record) {
            if self.adapter.manifest().kind(kind).is_some() {
                self.refresh(gathered, kind).await?;
            }
        }
        for link in links.values() {
            gathered.know_id(&link.remote.kind, &link.remote.id);
        }
        for kind in [kinds::APPLICATIONS, kinds::APPLIED_TAGS] {
            let Some((rule, parent)) = self.below(kind) else { continue };
            for link in links.values().filter(|link| link.remote.kind == parent) {
                self.refresh_below(gathered, &rule, &link.remote.id).await?;
            }
        }
        Ok(())
    }

    /// Takes out what may not be sent now: what is in doubt, and what was given up.
    pub(super) async fn keep_back(&self, planned: &mut RecordPlan, open: &[Intent]) -> Result<(), Error> {
        hold_back(planned, open);
        self.leave_given_up(planned).await?;
        self.leave_refused(planned).await
    }

    /// What was refused is sent again less and less often, and after some times not by itself.
    async fn leave_refused(&self, planned: &mut RecordPlan) -> Result<(), Error> {
        let mut held = BTreeSet::new();
        for step in &planned.steps {
            let leave = self.leave_for(&step.host, &step.operation, &step.target, planned.generation).await?;
            if let Some(finding) = refused(&leave, &step.host, &step.operation) {
                planned.findings.push(finding);
                held.insert(step.host.clone());
            }
        }
        drop_steps(planned, held);
        Ok(())
    }

    /// As [`Self::leave_refused`], for the steps that several records wait for.
    async fn leave_refused_shared(&self, planned: &mut RecordPlan, shared: &[Step]) -> Result<(), Error> {
        let mut held = BTreeSet::new();
        for step in shared {
            let leave = self.leave_for(&step.host, &step.operation, &step.target, 0).await?;
            if let Some(finding) = refused(&leave, &step.host, &step.operation) {
                planned.findings.push(finding);
                held.insert(step.host.clone());
            }
        }
        drop_steps(planned, held);
        Ok(())
    }

    /// Has the next plan look at what the adapter or the settings did not allow so far.
    pub(crate) async fn reconsider(&self) -> Result<(), Error> {
        let mut after: Option<String> = None;
        loop {
            let rows = self.store.desired_page(&self.name, after.as_deref(), PAGE_ROWS).await?;
            let Some(last) = rows.last() else { return Ok(()) };
            after = Some(last.key.clone());
            let not_allowed = |row: &&DesiredRow| {
                let reasons = row.status.conditions.iter().map(|condition| condition.reason.as_str());
                reasons.clone().any(|reason| reason == "NotOptedIn" || reason == "NotSupported")
            };
            let keys: Vec<String> = rows.iter().filter(not_allowed).map(|row| row.key.clone()).collect();
            if !keys.is_empty() {
                self.store.mark_dirty(&self.name, keys).await?;
            }
        }
    }

    /// The links of a key and of the paths below it.
    pub(super) async fn links_by_host(&self, key: &str) -> Result<BTreeMap<String, LinkRow>, Error> {
        let links = self.store.links_of(&self.name, key).await?;
        Ok(links.into_iter().map(|link| (link.host.clone(), link)).collect())
    }

    /// Asks until nothing more is needed.
    pub(super) async fn ask<T>(
        &self,
        gathered: &mut Gathered,
        key: &str,
        plan: impl Fn(&Facts) -> Result<T, Vec<Need>>,
    ) -> Result<T, Error> {
        for _ in 0..ROUNDS_MAX {
            match plan(&gathered.facts) {
                Ok(planned) => return Ok(planned),
                Err(needs) => self.answer(gathered, needs).await?,
            }
        }
        Err(self.error(ErrorKind::Adapter, format!("{key}: planning does not come to an end")))
    }

    async fn answer(&self, gathered: &mut Gathered, needs: Vec<Need>) -> Result<(), Error> {
        let mut unseen: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for need in &needs {
            let Need::Observed(remote) = need else { continue };
            gathered.know_id(&remote.kind, &remote.id);
            gathered.may_read(&remote.kind)?;
            if self.store.observed(&self.name, remote).await?.is_none() {
                unseen.entry(remote.kind.clone()).or_default().push(remote.id.clone());
            }
        }
        for (kind, ids) in unseen {
            let fetched = self.fetch(&kind, &ids, &BTreeMap::new(), Priority::Incremental).await;
            gathered.learn(&kind, &fetched);
            fetched?;
        }
        let disputed = needs.iter().filter_map(|need| match need {
            Need::Confirmed(remote) => Some(remote.clone()),
            _ => None,
        });
        self.confirm_disputed(gathered, disputed.collect()).await?;
        for need in needs {
            match need {
                // Answered above, all of a kind at once.
                Need::Confirmed(_) => {}
                Need::Lookup { kind, index, term } => {
                    self.refresh_for_lookup(gathered, &kind, index, &term).await?;
                    let rows = self.store.lookup(&self.name, &kind, index, &term, LOOKUP_ROWS_MAX).await?;
                    rows.iter().for_each(|row| gathered.know_id(&row.kind, &row.id));
                    let records = rows.iter().map(record).collect();
                    gathered.facts.add_lookup(kind, index, term, records);
                }
                Need::Observed(remote) => {
                    let row = self.store.observed(&self.name, &remote).await?;
                    match row {
                        Some(row) if row.gone => gathered.facts.add_gone(remote),
                        row => gathered.facts.add_observed(remote, row.map(|row| record(&row))),
                    }
                }
                Need::LinkedTo(remote) => {
                    let links = self.store.links_to(&self.name, &remote).await?;
                    gathered.facts.add_linked(remote, links.into_iter().map(|link| link.host).collect());
                }
                Need::Declared(path) => {
                    let declared = self.declared(&path, None).await?;
                    gathered.facts.add_declared(path, declared);
                }
                Need::Names(kind) => {
                    // Names serve suggestions, which are not worth a walk below every parent.
                    if self.below(&kind).is_none() {
                        self.refresh(gathered, &kind).await?;
                    }
                    let rows = self.store.observed_page(&self.name, &kind, None, NAMES_MAX).await?;
                    let names = rows.iter().filter_map(|row| name_of(&record(row))).collect();
                    gathered.facts.add_names(kind, names);
                }
            }
        }
        Ok(())
    }

    /// Reads the records of which two observations say different things, by their ids. What is not shown is not there for this plan;
    /// whether it is told to be gone is decided by the rules of a sweep. A plan that rests takes what is at hand.
    async fn confirm_disputed(&self, gathered: &mut Gathered, disputed: Vec<RemoteRef>) -> Result<(), Error> {
        let mut kinds: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for remote in &disputed {
            kinds.entry(remote.kind.clone()).or_default().push(remote.id.clone());
        }
        for (kind, ids) in kinds {
            gathered.may_read(&kind)?;
            let missing = if gathered.resting {
                Vec::new()
            } else {
                let fetched = self.fetch(&kind, &ids, &BTreeMap::new(), Priority::Incremental).await;
                gathered.learn(&kind, &fetched);
                fetched?
            };
            for id in ids {
                let remote = RemoteRef::new(kind.as_str(), id.as_str());
                let row = self.store.observed(&self.name, &remote).await?.filter(|row| !row.gone);
                if let (Some(row), true) = (&row, missing.contains(&id)) {
                    self.prove_gone(row, |proof| Cause::Doubted { proof }).await?;
                }
                let shown = row.filter(|_| !missing.contains(&id));
                gathered.facts.add_confirmed(remote, shown.map(|row| record(&row)));
            }
        }
        Ok(())
    }

    /// The custom field or user that is declared under a path, as it stands or as it is about to be declared.
    async fn declared(&self, path: &str, about_to_be: Option<&Desired>) -> Result<Option<Declared>, Error> {
        let row = self.store.desired(&self.name, path).await?;
        let desired = match (about_to_be, &row) {
            (Some(desired), _) => desired.clone(),
            (None, Some(row)) => self.parse_desired(row)?,
            (None, None) => return Ok(None),
        };
        let managed = row.is_none_or(|row| row.mode == Mode::Managed);
        Ok(Some(Declared { desired, managed, links: self.links_by_host(path).await? }))
    }

    /// Brings a kind up to date, once in a run. Of a kind that can be listed only below its parents it reads all.
    ///
    /// # Errors
    /// [`ErrorKind::NotSupported`] when the adapter cannot list the kind; it blocks the records that ask about it.
    pub(super) async fn refresh(&self, gathered: &mut Gathered, kind: &str) -> Result<(), Error> {
        gathered.may_read(kind)?;
        if gathered.refreshed.contains(kind) {
            return Ok(());
        }
        let listed = self.listed_with(kind);
        gathered.learn(kind, &listed);
        let listed = listed?;
        if gathered.refreshed.insert(listed.clone()) {
            let pulled = self.pull(&listed, false).await;
            gathered.learn(kind, &pulled);
            pulled?;
        }
        gathered.refreshed.insert(kind.to_owned());
        Ok(())
    }

    /// The kind whose list shows a kind: its own, or the one that it comes inside of.
    fn listed_with(&self, kind: &str) -> Result<String, Error> {
        let mut listed = kind;
        for _ in 0..NESTED_MAX {
            match self.adapter.manifest().kind(listed).map(|rule| &rule.scan) {
                Some(ScanRule::Inside { kind: outer }) => listed = outer,
                Some(ScanRule::List {} | ScanRule::ByParent { .. }) => return Ok(listed.to_owned()),
                Some(ScanRule::None {}) | None => break,
            }
        }
        let adapter = &self.adapter.manifest().name;
        let message = format!("the adapter {adapter} cannot list {kind}, which this needs");
        Err(self.error(ErrorKind::NotSupported, message))
    }

    /// The rule and the parent of a kind that can be listed only below its parents.
    fn below(&self, kind: &str) -> Option<(KindRule, String)> {
        let rule = self.adapter.manifest().kind(kind)?;
        let parent = parent_kind(rule)?;
        Some((rule.clone(), parent.to_owned()))
    }

    /// Refreshes what a lookup is about: the kind, or what is below the one parent that the term names.
    async fn refresh_for_lookup(
        &self,
        gathered: &mut Gathered,
        kind: &str,
        index: &str,
        term: &str,
    ) -> Result<(), Error> {
        if let Some((rule, parent)) = self.below(kind)
            && let Some(parents) = self.parents_named(gathered, &parent, (kind, index), term).await?
        {
            for id in parents {
                self.refresh_below(gathered, &rule, &id).await?;
            }
            return Ok(());
        }
        self.refresh(gathered, kind).await
    }

    /// The ids of the parents that a term of an index leads to; none when it leads to no parent.
    async fn parents_named(
        &self,
        gathered: &Gathered,
        parent: &str,
        (kind, index): (&str, &str),
        term: &str,
    ) -> Result<Option<Vec<String>>, Error> {
        let Some(named) = named_by(kind, index) else { return Ok(None) };
        let id = gathered.ids.get(&(named.to_owned(), term.to_owned())).map_or(term, String::as_str);
        if named == parent {
            return Ok(Some(vec![id.to_owned()]));
        }
        // What is named hangs on the parent itself: an attachment's application on its candidate.
        let Some(row) = self.store.observed(&self.name, &remote(named, id)).await? else { return Ok(None) };
        let hangs = self.hangs_on(&row);
        Ok(hangs.into_iter().find(|of| of.kind == parent).map(|of| vec![of.id]))
    }

    /// Brings up to date what is below one parent, once in a run.
    async fn refresh_below(&self, gathered: &mut Gathered, rule: &KindRule, parent: &str) -> Result<(), Error> {
        gathered.may_read(&rule.name)?;
        if gathered.resting || gathered.refreshed.contains(&rule.name) {
            return Ok(());
        }
        if gathered.refreshed_below.insert((rule.name.clone(), parent.to_owned())) {
            let pulled = self.pull_of(rule, parent).await;
            gathered.learn(&rule.name, &pulled);
            pulled?;
        }
        Ok(())
    }

    /// What a plan without a step says of a record. One with steps is spoken of after they were carried out.
    fn status_after_plan(&self, row: &DesiredRow, planned: &RecordPlan) -> Option<StatusUpdate> {
        if !planned.steps.is_empty() {
            return None;
        }
        let waits = planned.is_blocked()
            || planned.look_again
            || ["InDoubt", REFUSED, REFUSED_TOO_OFTEN].iter().any(|reason| planned.note(reason).is_some());
        let status = status(planned, row, self.clock.now_ms());
        if row.status == status && row.dirty == waits {
            return None;
        }
        Some(StatusUpdate { key: row.key.clone(), generation: row.generation, status, dirty: waits, dirt: row.dirt })
    }
}

/// Notes that say that the ATS does not hold what is desired although nothing is to be sent now.
const NOT_IN_STEP: [&str; 8] =
    ["InDoubt", "GivenUp", REFUSED_TOO_OFTEN, REFUSED, "ObservedOnly", "NotOptedIn", "NotSupported", "NotPlanned"];
/// It was refused and waits before it is sent again.
const REFUSED: &str = "Refused";
/// It was refused so often that a person decides.
const REFUSED_TOO_OFTEN: &str = "RefusedTooOften";

/// Whether the ATS does not hold what is desired although nothing is to be sent for it.
pub(super) fn is_held_back(planned: &RecordPlan) -> bool {
    let conflict = planned.findings.iter().any(|finding| finding.kind == FindingKind::Conflict);
    conflict || NOT_IN_STEP.iter().any(|reason| planned.note(reason).is_some())
}

/// What is said of a step that was refused and does not leave now.
fn refused(leave: &Leave, host: &str, operation: &str) -> Option<Finding> {
    let reason = match leave {
        Leave::Now => return None,
        Leave::Later { .. } => REFUSED,
        Leave::Person { .. } => REFUSED_TOO_OFTEN,
    };
    let message = leave.why_not(host, operation)?;
    Some(Finding { kind: FindingKind::Note, host: host.to_owned(), reason: reason.to_owned(), message })
}

/// The conditions of a record that has no steps.
fn status(planned: &RecordPlan, row: &DesiredRow, now_ms: u64) -> DesiredStatus {
    let find = |kind: FindingKind| planned.findings.iter().find(|finding| finding.kind == kind);
    let mut conditions = Vec::new();
    let mut push = |kind: &str, status: bool, reason: &str, message: &str| {
        let since_ms = row
            .status
            .conditions
            .iter()
            .find(|known| known.kind == kind && known.status == status && known.reason == reason)
            .map_or(now_ms, |known| known.since_ms);
        conditions.push(Condition {
            kind: kind.to_owned(),
            status,
            reason: reason.to_owned(),
            message: message.to_owned(),
            since_ms,
        });
    };
    match find(FindingKind::Blocked) {
        Some(finding) => {
            push("Synced", false, "Blocked", "it waits for somebody to act");
            push("Blocked", true, &finding.reason, &finding.message);
        }
        None => match find(FindingKind::Conflict) {
            Some(finding) => push("Synced", false, "Conflict", &finding.message),
            None if let Some(finding) = NOT_IN_STEP.iter().find_map(|reason| planned.note(reason)) => {
                push("Synced", false, &finding.reason, &finding.message);
                if finding.reason == "InDoubt" {
                    push("InDoubt", true, &finding.reason, &finding.message);
                }
                if finding.reason == REFUSED_TOO_OFTEN {
                    push("Blocked", true, &finding.reason, &finding.message);
                }
            }
            None => push("Synced", true, "InStep", "the ATS holds what is desired"),
        },
    }
    if let Some(finding) = find(FindingKind::Drifted).or(find(FindingKind::Conflict)) {
        push("Drifted", true, &finding.reason, &finding.message);
    }
    DesiredStatus { observed_generation: planned.generation, conditions }
}

/// The paths that steps hang on.
fn waited_for(steps: &[Step]) -> BTreeSet<String> {
    steps.iter().flat_map(|step| step.after.iter().cloned()).collect()
}

/// The kinds that a definition is read from; none for a person, whose plan asks for what it needs.
fn defines(record: &Desired) -> &'static [&'static str] {
    match record {
        Desired::Candidate(_) => &[],
        Desired::CustomField(_) => &[kinds::CUSTOM_FIELDS, kinds::CUSTOM_FIELD_OPTIONS],
        Desired::User(_) => &[kinds::USERS],
    }
}

/// What is in doubt is not planned again, and neither is what hangs on it.
fn hold_back(planned: &mut RecordPlan, open: &[Intent]) {
    let mut held: BTreeSet<String> = BTreeSet::new();
    for intent in open {
        let concerns = |step: &Step| step.host == intent.host || step.after.contains(&intent.host);
        if planned.steps.iter().any(concerns) || intent.host == planned.key {
            held.insert(intent.host.clone());
            let message = match &intent.state {
                IntentState::InDoubt { stuck: true, reason, .. } => format!(
                    "{}: {} (intent {id}) waits for a person: {reason}. Decide with `Connection::resolve`, intent {id}: adopt, retry or abandon",
                    intent.host,
                    intent.operation,
                    id = intent.id
                ),
                _ => format!(
                    "{}: whether {} (intent {}) happened is not known yet; it is settled by looking, and nothing is sent again before that",
                    intent.host, intent.operation, intent.id
                ),
            };
            planned.findings.push(Finding {
                kind: FindingKind::Note,
                host: intent.host.clone(),
                reason: "InDoubt".to_owned(),
                message,
            });
        }
    }
    drop_steps(planned, held);
}

/// Takes out the steps of these paths and what hangs on them.
fn drop_steps(planned: &mut RecordPlan, mut held: BTreeSet<String>) {
    if held.is_empty() {
        return;
    }
    planned.steps.retain(|step| {
        let waits = held.contains(&step.host) || step.after.iter().any(|host| held.contains(host));
        if waits {
            held.insert(step.host.clone());
        }
        !waits
    });
}

/// Shows what would be done and does nothing of it.
pub(super) fn only_observe(planned: &mut (RecordPlan, Vec<Step>)) {
    let (record, shared) = planned;
    shared.clear();
    for step in std::mem::take(&mut record.steps) {
        let fields: Vec<&str> = step.fields.iter().map(|field| field.field.as_str()).collect();
        let what = if fields.is_empty() { String::new() } else { format!(" of {}", fields.join(", ")) };
        let message = format!(
            "{}: {}{what} is held back, since the record is only observed: {}",
            step.host, step.operation, step.reason
        );
        let (host, reason) = (step.host, "ObservedOnly".to_owned());
        record.findings.push(Finding { kind: FindingKind::Note, host, reason, message });
    }
}

/// What is said of a paused record. It stays dirty, so that the first plan after it was resumed looks at it.
fn paused(row: &DesiredRow, now_ms: u64) -> Option<StatusUpdate> {
    let known = row.status.conditions.iter().find(|condition| condition.kind == "Paused" && condition.status);
    if known.is_some() && row.status.observed_generation == row.generation {
        return None;
    }
    let conditions = vec![Condition {
        kind: "Paused".to_owned(),
        status: true,
        reason: "Paused".to_owned(),
        message: "it is left alone until it is resumed".to_owned(),
        since_ms: known.map_or(now_ms, |known| known.since_ms),
    }];
    let status = DesiredStatus { observed_generation: row.generation, conditions };
    Some(StatusUpdate { key: row.key.clone(), generation: row.generation, status, dirty: true, dirt: row.dirt })
}

fn collect(plan: &mut Plan, planned: (RecordPlan, Vec<Step>)) {
    plan.looked_at += 1;
    for step in planned.1 {
        if !plan.shared.iter().any(|known| known.host == step.host) {
            plan.shared.push(step);
        }
    }
    let record = planned.0;
    // Of a record with nothing to say only the number is kept, so that a plan is as large as what it changes.
    if !record.steps.is_empty() || !record.findings.is_empty() || !record.adoptions.is_empty() {
        plan.records.push(record);
    }
}

/// A plan that says one thing of a record and does nothing for it.
fn said_of(key: &str, generation: u64, kind: FindingKind, reason: &str, message: String) -> RecordPlan {
    let finding = Finding { kind, host: key.to_owned(), reason: reason.to_owned(), message };
    RecordPlan { key: key.to_owned(), generation, findings: vec![finding], ..RecordPlan::default() }
}

/// A row as plans read it.
pub(super) fn record(row: &ObservedRow) -> Arc<Record> {
    let body = match serde_json::from_str(&row.body) {
        Ok(serde_json::Value::Object(body)) => body,
        // The store takes in objects only.
        _ => serde_json::Map::new(),
    };
    Arc::new(Record { kind: row.kind.clone(), id: row.id.clone(), body, known: row.known.clone() })
}

fn name_of(record: &Record) -> Option<String> {
    let field = match record.kind.as_str() {
        kinds::JOBS => "title",
        kinds::CUSTOM_FIELDS => "key",
        _ => "name",
    };
    record.text(field).map(str::to_owned)
}

/// A remote record as the store names it.
pub(super) fn remote(kind: &str, id: &str) -> RemoteRef {
    RemoteRef::new(kind, id)
}
