//! Single records, fetched by id and ingested.

use super::Ingest;
use super::content::{Content, Received};
use super::problems::Unread;
use crate::error::{Error, ErrorKind};
use crate::journal::IntentId;
use crate::store::{Cause, ObservedWrite, PageCommit, PageReport};
use crate::transport::Priority;
use atsync_model::contract::{Fetch, Outcome, Task};
use std::collections::BTreeMap;

impl Ingest {
    /// Fetches records by id and ingests them. Returns the ids that the ATS did not return. They
    /// are *not* tombstoned here: a record that was just written may not be visible yet, and a
    /// hidden record is not a deleted one. `applied_by` names the intents that created or changed
    /// some of them, for their events.
    pub(crate) async fn fetch(
        &self,
        kind: &str,
        ids: &[String],
        applied_by: &BTreeMap<String, IntentId>,
        priority: Priority,
    ) -> Result<Vec<String>, Error> {
        self.fetch_as(kind, ids, (Cause::Observed, applied_by), priority).await
    }

    /// As [`Self::fetch`], with the cause that events name where no intent does.
    pub(super) async fn fetch_as(
        &self,
        kind: &str,
        ids: &[String],
        (cause, applied_by): (Cause, &BTreeMap<String, IntentId>),
        priority: Priority,
    ) -> Result<Vec<String>, Error> {
        let Some(rule) = self.context.manifest().kind(kind) else {
            let adapter = &self.context.manifest().name;
            let message =
                format!("the adapter {adapter} does not know the kind {kind}, which this needs");
            return Err(self.context.error(ErrorKind::NotSupported, message));
        };
        self.context.opted_in(rule)?;
        if rule.ids_max == 0 {
            return Ok(ids.to_vec());
        }
        let mut missing = Vec::new();
        let size = usize::try_from(rule.ids_max).unwrap_or(1).max(1);
        let mut unread = Unread::default();
        for chunk in ids.chunks(size) {
            let cause = (cause.clone(), applied_by);
            missing.extend(self.fetch_noting(kind, chunk, cause, priority, &mut unread).await?);
        }
        Ok(missing)
    }

    /// As [`Self::fetch_as`] for at most as many ids as one fetch takes. Adds the problems to
    /// `unread`.
    pub(super) async fn fetch_noting(
        &self,
        asked: &str,
        ids: &[String],
        (cause, applied_by): (Cause, &BTreeMap<String, IntentId>),
        priority: Priority,
        unread: &mut Unread,
    ) -> Result<Vec<String>, Error> {
        let Fetched { records, masks, missing } =
            self.fetch_by_id_noting(asked, ids, priority, unread).await?;
        for (kind, records) in records {
            let applied_by = if kind == asked { applied_by.clone() } else { BTreeMap::new() };
            let page = self.page(kind, records, &masks, cause.clone());
            self.commit(PageCommit { applied_by, ..page }).await?;
        }
        Ok(missing)
    }

    /// Fetches records by id, at most as many as the kind allows in one fetch. Stores only the
    /// problems. A record that could not be read is not missing.
    pub(crate) async fn fetch_by_id(
        &self,
        kind: &str,
        ids: &[String],
        priority: Priority,
    ) -> Result<Fetched, Error> {
        self.fetch_by_id_noting(kind, ids, priority, &mut Unread::default()).await
    }

    async fn fetch_by_id_noting(
        &self,
        kind: &str,
        ids: &[String],
        priority: Priority,
        unread: &mut Unread,
    ) -> Result<Fetched, Error> {
        let task = Task::Fetch(Fetch { kind: kind.to_owned(), ids: ids.to_vec() });
        let finished = match self.requests.drive(task, None, priority).await {
            Ok(finished) => finished,
            Err(error) => {
                return Err(self
                    .requests
                    .read_error(error, &format!("reading {kind} by id"))
                    .await);
            }
        };
        let (mut fetched, problems) = match finished.outcome {
            Outcome::Fetched(fetched) => (fetched, Vec::new()),
            Outcome::FlawedFetched(flawed) => flawed,
            _ => {
                return Err(self.context.error(
                    ErrorKind::Adapter,
                    "the adapter answered a fetch with something else",
                ));
            }
        };
        self.context.keep_opted_in(&mut fetched.items);
        let received = Received { items: fetched.items, masks: fetched.masks, problems };
        let content = Content::of(self.context.manifest(), kind, received, finished.reply.as_ref());
        let now_ms = self.context.clock.now_ms();
        self.keep_problems(&content, (kind, &fetched.missing), now_ms, unread).await?;
        Ok(Fetched { records: content.records, masks: content.masks, missing: fetched.missing })
    }

    /// A page of records that is no part of a scan.
    pub(crate) fn page(
        &self,
        kind: String,
        records: Vec<ObservedWrite>,
        masks: &[Vec<String>],
        cause: Cause,
    ) -> PageCommit {
        PageCommit {
            kind,
            parent: None,
            records,
            masks: masks.to_vec(),
            gone: Vec::new(),
            moved: Vec::new(),
            scan: None,
            sweep: None,
            cause,
            applied_by: BTreeMap::new(),
            now_ms: self.context.clock.now_ms(),
        }
    }

    /// Commits a page, with the conversions that its records show.
    pub(crate) async fn commit(&self, mut page: PageCommit) -> Result<PageReport, Error> {
        let moved = self.conversions(&page.kind, &page.records).await?;
        page.moved.extend(moved);
        Ok(self.context.store.commit_page(page).await?)
    }
}

/// What a fetch returned.
#[derive(Debug)]
pub(crate) struct Fetched {
    pub(crate) records: BTreeMap<String, Vec<ObservedWrite>>,
    pub(crate) masks: Vec<Vec<String>>,
    /// What was asked for and not shown.
    pub(crate) missing: Vec<String>,
}
