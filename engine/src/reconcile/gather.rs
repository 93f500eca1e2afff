//! Facts for a plan.
//!
//! A plan asks for what it does not find; this module answers from the store. A kind that a
//! question is about is refreshed once per run before it is answered, and not at all when nobody
//! asks: so a run with nothing to change costs at most one request per kind, and what two records
//! need is read once. Of a kind that can be listed only below its parents, what is below the
//! parents that the records concern is read. A kind that cannot be read (a right is missing, or its
//! path alone is refused or throttled) blocks the records that ask about it, and no others; without
//! the list of candidates nobody can be planned.

use super::Reconciler;
use super::pull::parent_kind;
use crate::error::{Error, ErrorKind};
use crate::index;
use crate::plan::{Declared, Facts, Need, Record};
use crate::store::{Cause, LinkHow, LinkRow, Mode, ObservedRow};
use crate::transport::Priority;
use atsync_model::contract::RemoteRef;
use atsync_model::desired::Desired;
use atsync_model::manifest::{KindRule, ScanRule};
use atsync_model::resource::{self, PERSON};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Rounds of questions for one record. References hang on each other three deep; each round answers
/// at least one question.
pub(super) const ROUNDS_MAX: usize = 50;
/// Rows that a lookup brings at most; a term that fits more is ambiguous anyway.
const LOOKUP_ROWS_MAX: usize = 2_000;
/// Facts that a run over many records keeps from page to page. A fact has some kilobytes;
/// arbitrary, above what records have in common (jobs, stages, sources).
const FACTS_MAX: usize = 5_000;
/// Names read for suggestions.
const NAMES_MAX: usize = 500;
/// Kinds inside of each other.
const NESTED_MAX: usize = 4;
/// Ids that a run remembers as the ATS writes them; beyond it begins anew, and only ids with
/// capital letters are then missed.
const IDS_MAX: usize = 100_000;

/// The facts of one run and what was refreshed for it.
#[derive(Debug, Default)]
pub(crate) struct Gathered {
    pub(super) facts: Facts,
    refreshed: BTreeSet<String>,
    /// Kinds that cannot be read, since the credential may not, the adapter does not, or the ATS
    /// answers each try with a failure, with the reason. Nothing that is known of them from before
    /// is planned on.
    closed: BTreeMap<String, Closed>,
    /// Of kinds that can be listed only below a parent: kind and parent.
    refreshed_below: BTreeSet<(String, String)>,
    /// Ids as the ATS writes them, by kind and term: terms are in lower case.
    ids: BTreeMap<(String, String), String>,
    /// What plans of this run would link to and the ATS was asked for.
    pub(super) shown: BTreeSet<RemoteRef>,
    /// No kind is refreshed.
    resting: bool,
    /// What two observations say different things about, where the plan rests and takes what is at
    /// hand.
    pub(super) disputed: BTreeSet<RemoteRef>,
}

impl Gathered {
    /// For planning on what is at hand: no kind is refreshed.
    pub(super) fn resting(manifest: &atsync_model::Manifest) -> Self {
        let refreshed = manifest.kinds.iter().map(|kind| kind.name.clone()).collect();
        Self { refreshed, resting: true, ..Self::default() }
    }

    /// For a run that begins with these facts.
    pub(super) fn with(facts: Facts) -> Self {
        Self { facts, ..Self::default() }
    }

    /// Forgets what the store can tell again, once that is much.
    pub(super) fn forget_much(&mut self) {
        if self.facts.len() > FACTS_MAX {
            self.facts.forget_stored();
        }
    }

    /// Whether it plans on what is at hand.
    pub(super) fn is_resting(&self) -> bool {
        self.resting
    }

    /// Remembers that a kind cannot be read.
    fn learn<T>(&mut self, kind: &str, read: &Result<T, Error>) {
        if let Err(error) = read
            && concerns_kind(error)
        {
            let (how, is_own) = (error.kind(), error.is_of_one_request());
            self.closed.insert(kind.to_owned(), Closed { how, is_own, why: error.to_string() });
        }
    }

    /// As [`Self::learn`], from records that were asked for by id: others of the kind may be read
    /// all the same, unless a right is missing.
    fn learn_by_id<T>(&mut self, kind: &str, read: &Result<T, Error>) {
        if read.as_ref().is_err_and(|error| is_closed(error.kind())) {
            self.learn(kind, read);
        }
    }

    /// Refuses a kind that was found to be closed in this run.
    fn may_read(&self, kind: &str) -> Result<(), Error> {
        match self.closed.get(kind) {
            Some(Closed { how, is_own, why }) => {
                let error = Error::new(*how, why.clone());
                Err(if *is_own { error.of_one_request() } else { error })
            }
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

/// Why a kind cannot be read.
#[derive(Debug)]
struct Closed {
    how: ErrorKind,
    /// The failure is that of one read, which may pass.
    is_own: bool,
    why: String,
}

/// Whether an error blocks only the records that ask about the kind that was read: a right is
/// missing, the adapter cannot read it, or its own request fails while others may go on.
pub(super) fn concerns_kind(error: &Error) -> bool {
    is_closed(error.kind()) || error.is_of_one_request()
}

fn is_closed(how: ErrorKind) -> bool {
    matches!(how, ErrorKind::Denied | ErrorKind::NotSupported)
}

impl Reconciler {
    /// Refreshes what a record's plan does not ask for although drift of it shows there.
    pub(super) async fn refresh_of_record(
        &self,
        gathered: &mut Gathered,
        record: &Desired,
        links: &BTreeMap<String, LinkRow>,
    ) -> Result<(), Error> {
        for kind in defines(record) {
            self.refresh_about(gathered, kind, links.get(&record.key()).map(|link| &link.remote))
                .await?;
        }
        for link in links.values() {
            gathered.know_id(&link.remote.kind, &link.remote.id);
        }
        for kind in resource::drifting().map(|of| of.kind).filter(|kind| *kind != PERSON) {
            let Some((rule, parent)) = self.below(kind) else { continue };
            for link in links.values().filter(|link| link.remote.kind == parent) {
                self.refresh_below(gathered, &rule, &link.remote.id).await?;
            }
        }
        Ok(())
    }

    /// Brings up to date what of a kind concerns one record of the ATS: the kind, or, where it can
    /// be listed only below its parents, what is below this one. Of a kind that is below others
    /// nothing is read: where a plan asks about it, it names the parent.
    pub(super) async fn refresh_about(
        &self,
        gathered: &mut Gathered,
        kind: &str,
        about: Option<&RemoteRef>,
    ) -> Result<(), Error> {
        if self.adapter.manifest().kind(kind).is_none() {
            return Ok(());
        }
        let Some((rule, parent)) = self.below(kind) else {
            return self.refresh(gathered, kind).await;
        };
        match about.filter(|about| about.kind == parent) {
            Some(about) => self.refresh_below(gathered, &rule, &about.id).await,
            None => Ok(()),
        }
    }

    /// The links of a key and of the paths below it.
    pub(super) async fn links_by_host(
        &self,
        key: &str,
    ) -> Result<BTreeMap<String, LinkRow>, Error> {
        let links = self.store.links_of(key).await?;
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
            if self.store.observed(remote).await?.is_none() {
                unseen.entry(remote.kind.clone()).or_default().push(remote.id.clone());
            }
        }
        for (kind, ids) in unseen {
            let fetched = self.fetch(&kind, &ids, &BTreeMap::new(), Priority::Incremental).await;
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
                    let rows = self.store.lookup(&kind, index, &term, LOOKUP_ROWS_MAX).await?;
                    rows.iter().for_each(|row| gathered.know_id(&row.kind, &row.id));
                    let records = rows.iter().map(record).collect();
                    gathered.facts.add_lookup(kind, index, term, records);
                }
                Need::Observed(remote) => {
                    let row = self.store.observed(&remote).await?;
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
                    let row = self.store.observed(&remote).await?.filter(|row| !row.gone);
                    gathered.facts.add_stored(remote, row.map(|row| record(&row)));
                }
                Need::LinkedTo(remote) => {
                    let mut links = self.store.links_to(&remote).await?;
                    // Whoever yielded comes after the one that holds it.
                    links.sort_by_key(|link| link.how == LinkHow::Yielded);
                    gathered
                        .facts
                        .add_linked(remote, links.into_iter().map(|link| link.host).collect());
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
                    let rows = self.store.observed_page(&kind, None, NAMES_MAX).await?;
                    let names = rows.iter().filter_map(|row| name_of(&record(row))).collect();
                    gathered.facts.add_names(kind, names);
                }
            }
        }
        Ok(())
    }

    /// Reads the records of which two observations say different things, by their ids. What is not
    /// shown is not there for this plan; whether it is told to be gone is decided by the rules of a
    /// sweep. A plan that rests takes what is at hand.
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
                    self.fetch(&kind, &ids, &BTreeMap::new(), Priority::Incremental).await;
                gathered.learn_by_id(&kind, &fetched);
                fetched?
            };
            for id in ids {
                let remote = RemoteRef::new(kind.as_str(), id.as_str());
                let row = self.store.observed(&remote).await?.filter(|row| !row.gone);
                if let (Some(row), true) = (&row, missing.contains(&id)) {
                    self.prove_gone(row, |proof| Cause::Doubted { proof }).await?;
                }
                let shown = row.filter(|_| !missing.contains(&id));
                gathered.facts.add_confirmed(remote, shown.map(|row| record(&row)));
            }
        }
        Ok(())
    }

    /// The custom field or user that is declared under a path, as it stands or as it is about to be
    /// declared.
    pub(super) async fn declared(
        &self,
        path: &str,
        about_to_be: Option<&Desired>,
    ) -> Result<Option<Declared>, Error> {
        let row = self.store.desired(path).await?;
        let desired = match (about_to_be, &row) {
            (Some(desired), _) => desired.clone(),
            (None, Some(row)) => self.parse_desired(row)?,
            (None, None) => return Ok(None),
        };
        let managed = row.is_none_or(|row| row.mode == Mode::Managed);
        Ok(Some(Declared { desired, managed, links: self.links_by_host(path).await? }))
    }

    /// Brings a kind up to date, once in a run. Of a kind that can be listed only below its parents
    /// it reads all.
    ///
    /// # Errors
    /// [`ErrorKind::NotSupported`] when the adapter cannot list the kind; it blocks the records
    /// that ask about it.
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
    pub(super) fn below(&self, kind: &str) -> Option<(KindRule, String)> {
        let rule = self.adapter.manifest().kind(kind)?;
        let parent = parent_kind(rule)?;
        Some((rule.clone(), parent.to_owned()))
    }

    /// Refreshes what a lookup is about: the kind, or what is below the one parent that the term
    /// names. Of a kind below parents that is asked about by something else, such as an address of
    /// a user, the whole is read, once in a run: nothing tells below which parent to look.
    async fn refresh_for_lookup(
        &self,
        gathered: &mut Gathered,
        kind: &str,
        index: &str,
        term: &str,
    ) -> Result<(), Error> {
        if let Some((rule, parent)) = self.below(kind)
            && let Some(parents) =
                self.parents_named(gathered, &parent, (kind, index), term).await?
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
        let Some(named) = resource::named_by(kind, index) else { return Ok(None) };
        let id =
            gathered.ids.get(&(named.to_owned(), term.to_owned())).map_or(term, String::as_str);
        if named == parent {
            return Ok(Some(vec![id.to_owned()]));
        }
        // What is named hangs on the parent itself: an attachment's application on its candidate.
        let mut row = self.store.observed(&remote(named, id)).await?;
        if row.is_none() && !gathered.resting {
            self.fetch(named, &[id.to_owned()], &BTreeMap::new(), Priority::Incremental).await?;
            row = self.store.observed(&remote(named, id)).await?;
        }
        // Below a record that the ATS does not show there is nothing to read.
        let Some(row) = row else { return Ok(Some(Vec::new())) };
        let hangs = self.hangs_on(&row);
        Ok(hangs.into_iter().find(|of| of.kind == parent).map(|of| vec![of.id]))
    }

    /// Brings up to date what is below one parent, once in a run.
    async fn refresh_below(
        &self,
        gathered: &mut Gathered,
        rule: &KindRule,
        parent: &str,
    ) -> Result<(), Error> {
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
}

/// The kinds that a definition is read from: its own, and what is in it. None for a person, whose
/// plan asks for what it needs.
fn defines(record: &Desired) -> Vec<&str> {
    match record.kind() {
        PERSON => Vec::new(),
        kind => {
            std::iter::once(kind).chain(resource::within(kind).map(|within| within.kind)).collect()
        }
    }
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
    record.text(resource::label(&record.kind)).map(str::to_owned)
}

/// A remote record as the store names it.
pub(super) fn remote(kind: &str, id: &str) -> RemoteRef {
    RemoteRef::new(kind, id)
}
