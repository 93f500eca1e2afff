//! Answers the questions of a plan from the store.
//!
//! A plan asks for the facts that it lacks. The kind that a question is about is refreshed first,
//! once per run, and not at all when no plan asks: so a run with nothing to change costs at most
//! one request per kind, and what two records need is read once. A kind that cannot be read (a
//! right is missing, or its path alone is refused or throttled) blocks the records that ask about
//! it, and no others. Without the list of candidates, no candidate can be planned.

use super::Gatherer;
use super::gathered::Gathered;
use crate::error::{Error, ErrorKind};
use crate::journal::{Intent, IntentState};
use crate::plan::{Declared, Facts, Need, Record};
use crate::reconcile::delays::{CLOCK_GRAIN_MS, done_by};
use crate::reconcile::rows::record;
use crate::store::{Cause, LinkHow, LinkRow, Mode};
use crate::transport::Priority;
use atsync_model::contract::RemoteRef;
use atsync_model::desired::Desired;
use atsync_model::resource;
use std::collections::BTreeMap;

/// Rounds of questions for one record. References depend on each other three deep; each round
/// answers at least one question.
pub(crate) const ROUNDS_MAX: usize = 50;

/// Intents of a record that are read to learn what was written for it.
const WRITES_MAX: usize = 1_000;

/// Rows that a lookup returns at most; a term that fits more is ambiguous anyway.
const LOOKUP_ROWS_MAX: usize = 2_000;

/// Names read for suggestions.
const NAMES_MAX: usize = 500;

impl Gatherer {
    /// The links of a key and of the paths below it.
    pub(crate) async fn links_by_path(
        &self,
        key: &str,
    ) -> Result<BTreeMap<String, LinkRow>, Error> {
        let links = self.context.store.links_of(key).await?;
        Ok(links.into_iter().map(|link| (link.path.clone(), link)).collect())
    }

    /// Answers the questions of a plan until it needs nothing more.
    pub(crate) async fn ask<T>(
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
        Err(self
            .context
            .error(ErrorKind::Adapter, format!("{key}: planning does not come to an end")))
    }

    async fn answer(&self, gathered: &mut Gathered, needs: Vec<Need>) -> Result<(), Error> {
        let mut unseen: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for need in &needs {
            let Need::Observed(remote) = need else { continue };
            gathered.know_id(&remote.kind, &remote.id);
            gathered.may_read(&remote.kind)?;
            if self.context.store.observed(remote).await?.is_none() {
                unseen.entry(remote.kind.clone()).or_default().push(remote.id.clone());
            }
        }
        for (kind, ids) in unseen {
            let fetched =
                self.ingest.fetch(&kind, &ids, &BTreeMap::new(), Priority::Incremental).await;
            gathered.learn_by_id(&kind, &fetched);
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
                    let rows =
                        self.context.store.lookup(&kind, index, &term, LOOKUP_ROWS_MAX).await?;
                    rows.iter().for_each(|row| gathered.know_id(&row.kind, &row.id));
                    let records = rows.iter().map(record).collect();
                    gathered.facts.add_lookup(kind, index, term, records);
                }
                Need::Observed(remote) => {
                    let row = self.context.store.observed(&remote).await?;
                    match row {
                        Some(row) if row.gone => gathered.facts.add_gone(remote),
                        row => gathered.facts.add_observed(remote, row.map(|row| record(&row))),
                    }
                }
                Need::Settled(key) => {
                    let settled = self.must_show(&key).await?;
                    gathered.facts.add_settled(key, settled);
                }
                Need::Stored(remote) => {
                    let row = self.context.store.observed(&remote).await?.filter(|row| !row.gone);
                    gathered.facts.add_stored(remote, row.map(|row| record(&row)));
                }
                Need::LinkedTo(remote) => {
                    let mut links = self.context.store.links_to(&remote).await?;
                    // A path that yielded comes after the one that holds the record.
                    links.sort_by_key(|link| link.how == LinkHow::Yielded);
                    gathered
                        .facts
                        .add_linked(remote, links.into_iter().map(|link| link.path).collect());
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
                    let rows = self.context.store.observed_page(&kind, None, NAMES_MAX).await?;
                    let names = rows.iter().filter_map(|row| name_of(&record(row))).collect();
                    gathered.facts.add_names(kind, names);
                }
            }
        }
        Ok(())
    }

    /// Fetches by id the records of which two observations differ. For this plan, a record that is
    /// not returned does not exist; whether it is reported deleted is decided by the rules of a
    /// sweep. A plan that rests uses the stored facts.
    async fn confirm_disputed(
        &self,
        gathered: &mut Gathered,
        disputed: Vec<RemoteRef>,
    ) -> Result<(), Error> {
        let mut kinds: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for remote in &disputed {
            kinds.entry(remote.kind.clone()).or_default().push(remote.id.clone());
        }
        for (kind, ids) in kinds {
            gathered.may_read(&kind)?;
            let missing = if gathered.resting {
                gathered
                    .disputed
                    .extend(ids.iter().map(|id| RemoteRef::new(kind.as_str(), id.as_str())));
                Vec::new()
            } else {
                let fetched =
                    self.ingest.fetch(&kind, &ids, &BTreeMap::new(), Priority::Incremental).await;
                gathered.learn_by_id(&kind, &fetched);
                fetched?
            };
            for id in ids {
                let remote = RemoteRef::new(kind.as_str(), id.as_str());
                let row = self.context.store.observed(&remote).await?.filter(|row| !row.gone);
                if let (Some(row), true) = (&row, missing.contains(&id)) {
                    self.deletions.confirm_deleted(row, |proof| Cause::Doubted { proof }).await?;
                }
                let shown = row.filter(|_| !missing.contains(&id));
                gathered.facts.add_confirmed(remote, shown.map(|row| record(&row)));
            }
        }
        Ok(())
    }

    /// The custom field or user that is declared under a path, as it is declared or is about to be.
    pub(crate) async fn declared(
        &self,
        path: &str,
        about_to_be: Option<&Desired>,
    ) -> Result<Option<Declared>, Error> {
        let row = self.context.store.desired(path).await?;
        let desired = match (about_to_be, &row) {
            (Some(desired), _) => desired.clone(),
            (None, Some(row)) => self.context.parse_desired(row)?,
            (None, None) => return Ok(None),
        };
        let managed = row.is_none_or(|row| row.mode == Mode::Managed);
        Ok(Some(Declared { desired, managed, links: self.links_by_path(path).await? }))
    }
}

fn name_of(record: &Record) -> Option<String> {
    record.text(resource::label(&record.kind)).map(str::to_owned)
}

impl Gatherer {
    /// Whether everything that was written for a desired record must be visible by now, each kind
    /// after its delay.
    async fn must_show(&self, key: &str) -> Result<bool, Error> {
        let manifest = self.context.manifest();
        let now = self.context.moments.now();
        let may_hide = |intent: &Intent| {
            let rule = manifest.operation(&intent.operation);
            let kind = rule.and_then(|rule| manifest.kind(&rule.kind));
            let delay_ms = self
                .context
                .settle_window_ms
                .unwrap_or_else(|| kind.map_or(0, |kind| kind.visible_within_ms));
            let is_none =
                matches!(intent.state, IntentState::Refused { .. } | IntentState::NotSent { .. });
            !is_none && done_by(intent).left_ms(delay_ms.saturating_add(CLOCK_GRAIN_MS), &now) > 0
        };
        Ok(!self.context.store.intents_of(key, WRITES_MAX).await?.iter().any(may_hide))
    }
}
