//! Brings kinds up to date for a plan, each at most once in a run.
//!
//! A kind that can be listed only below its parents is read below the parents that the plan names.

use super::Gatherer;
use super::gathered::Gathered;
use crate::error::{Error, ErrorKind};
use crate::reconcile::ingest::parent_kind;
use crate::reconcile::requests::concerns_kind;
use crate::reconcile::rows::{depends_on, remote};
use crate::store::LinkRow;
use crate::transport::Priority;
use atsync_model::contract::RemoteRef;
use atsync_model::declarable;
use atsync_model::desired::Desired;
use atsync_model::manifest::{KindRule, ScanRule};
use atsync_model::resource::{self, PERSON};
use std::collections::BTreeMap;

/// How deep kinds come inside each other.
const NESTED_MAX: usize = 4;

impl Gatherer {
    /// Refreshes the kinds in which drift of a record shows although its plan does not ask for
    /// them.
    pub(crate) async fn refresh_of_record(
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
            let is_linked = || links.values().any(|link| link.remote.kind == kind);
            if declarable::is_known_by_content(kind) && !is_linked() {
                continue;
            }
            let Some((rule, parent)) = self.below(kind) else { continue };
            for link in links.values().filter(|link| link.remote.kind == parent) {
                self.refresh_below(gathered, &rule, &link.remote.id).await?;
            }
        }
        Ok(())
    }

    /// Refreshes a kind as far as it concerns one record: the whole kind, or, when it can be listed
    /// only below its parents, what is below this one. Nothing is read of a kind below other
    /// parents: a plan that asks about it names the parent.
    pub(crate) async fn refresh_about(
        &self,
        gathered: &mut Gathered,
        kind: &str,
        about: Option<&RemoteRef>,
    ) -> Result<(), Error> {
        if self.context.manifest().kind(kind).is_none() {
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

    /// Refreshes a kind, once in a run. A kind that can be listed only below its parents is read
    /// below all of them.
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
            let pulled = self.ingest.pull(&listed, false).await;
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
            match self.context.manifest().kind(listed).map(|rule| &rule.scan) {
                Some(ScanRule::Inside { kind: outer }) => listed = outer,
                Some(ScanRule::List {} | ScanRule::ByParent { .. }) => return Ok(listed.to_owned()),
                Some(ScanRule::None {}) | None => break,
            }
        }
        let adapter = &self.context.manifest().name;
        let message = format!("the adapter {adapter} cannot list {kind}, which this needs");
        Err(self.context.error(ErrorKind::NotSupported, message))
    }

    /// The rule and the parent of a kind that can be listed only below its parents.
    pub(super) fn below(&self, kind: &str) -> Option<(KindRule, String)> {
        let rule = self.context.manifest().kind(kind)?;
        let parent = parent_kind(rule)?;
        Some((rule.clone(), parent.to_owned()))
    }

    /// Refreshes the kind of a lookup, or what is below the one parent that the term names. When
    /// the term names no parent, such as an address of a user, the whole kind is read, once in a
    /// run.
    pub(super) async fn refresh_for_lookup(
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
        // The named record depends on the parent: an attachment's application on its candidate.
        let mut row = self.context.store.observed(&remote(named, id)).await?;
        if row.is_none() && !gathered.resting {
            self.ingest
                .fetch(named, &[id.to_owned()], &BTreeMap::new(), Priority::Incremental)
                .await?;
            row = self.context.store.observed(&remote(named, id)).await?;
        }
        // Below a record that the ATS does not show there is nothing to read.
        let Some(row) = row else { return Ok(Some(Vec::new())) };
        let hangs = depends_on(self.context.manifest(), &row);
        Ok(hangs.into_iter().find(|of| of.kind == parent).map(|of| vec![of.id]))
    }

    /// Refreshes what is below one parent, once in a run.
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
            let pulled = self.ingest.pull_of(rule, parent).await;
            gathered.learn(&rule.name, &pulled);
            pulled?;
        }
        Ok(())
    }

    /// Refreshes the kinds in which drift of candidates shows, if there is a record to plan.
    pub(crate) async fn refresh_people(
        &self,
        gathered: &mut Gathered,
        any: bool,
    ) -> Result<(), Error> {
        for kind in resource::drifting().map(|of| of.kind) {
            // A kind that can be listed only below its parents is read for the records of the plan.
            if !any || self.context.manifest().kind(kind).is_none() || self.below(kind).is_some() {
                continue;
            }
            // Most connections declare no entries. As long as none was read, none was declared, and
            // no drift can show in them.
            if declarable::is_known_by_content(kind)
                && self.context.store.observed_page(kind, None, 1).await?.is_empty()
            {
                continue;
            }
            match self.refresh(gathered, kind).await {
                // The records that need the kind are blocked; without the list of candidates no
                // candidate can be planned.
                Err(error) if error.kind() == ErrorKind::NotSupported => {}
                Err(error) if concerns_kind(&error) && kind != PERSON => {}
                refreshed => refreshed?,
            }
        }
        Ok(())
    }
}

/// The kinds that a definition is read from: its own, and those inside it. None for a candidate,
/// whose plan asks for what it needs.
fn defines(record: &Desired) -> Vec<&str> {
    match record.kind() {
        PERSON => Vec::new(),
        kind => {
            std::iter::once(kind).chain(resource::within(kind).map(|within| within.kind)).collect()
        }
    }
}
