//! Who is suspected to be gone, who is excused, and what keeps a suspicion from being believed.
//!
//! # What is left alone
//! The ATS shows some records to few, and one that the credential lost sight of looks like a
//! deleted one. So:
//! - a record that is **private** itself is left alone unless the sweep saw other private ones: one
//!   right shows them all;
//! - a record that is **confidential** itself is left alone always, since who may see it is settled
//!   for each by itself; a hook that tells of its deletion is believed;
//! - a record that **hangs on** a private or confidential one (its candidate, its job, its
//!   application) is left alone unless the ATS shows that one when it is asked for by id: then
//!   nothing but a deletion explains why the record itself does not show;
//! - a record that was taken in since the sweep began, or so shortly before that reads may not show
//!   it yet, is too young to tell.
//!
//! # What holds everything
//! A right that was lost ([`Reconciler::lost_right`]), and a share of the kind that is too large to
//! be believed ([`Reconciler::brake`]).
//!
//! Left out: the walk that suspects ([`super::sweep`]), and telling the gone from the moved
//! ([`super::identity`]).

mod restricted;

pub(crate) use restricted::Restricted;

use crate::error::{Error, ErrorKind};
use crate::reconcile::context::Context;
use crate::reconcile::ingest::Fetched;
use crate::reconcile::ingest::Ingest;
use crate::reconcile::requests::Requests;
use crate::reconcile::rows::depends_on;
use crate::store::{Cause, ObservedRow, Proof};
use crate::transport::Priority;
use atsync_model::contract::{RemoteRef, Verdict};
use atsync_model::manifest::KindRule;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Confirms that a record was deleted.
pub(crate) struct Deletions {
    context: Arc<Context>,
    requests: Arc<Requests>,
    ingest: Arc<Ingest>,
}

impl Deletions {
    pub(crate) fn new(context: Arc<Context>, requests: Arc<Requests>, ingest: Arc<Ingest>) -> Self {
        Self { context, requests, ingest }
    }
}

impl Deletions {
    /// The ids of those that the credential may have lost sight of. `sees_private`: it was just
    /// seen to see private records of the kind.
    pub(crate) async fn restricted(
        &self,
        rule: &KindRule,
        rows: &[ObservedRow],
        sees_private: bool,
        priority: Priority,
    ) -> Result<BTreeSet<String>, Error> {
        let mut hidden = BTreeSet::new();
        if !rule.confidential {
            return Ok(hidden);
        }
        let mut hangs: Vec<(&str, RemoteRef)> = Vec::new();
        for row in rows {
            let marks = Restricted::of(&row.body);
            if marks.is_confidential() || (marks.is_private() && !sees_private) {
                hidden.insert(row.id.clone());
                continue;
            }
            for of in self.restricted_above(row).await? {
                hangs.push((&row.id, of));
            }
        }
        let asked: BTreeSet<&RemoteRef> = hangs.iter().map(|(_, of)| of).collect();
        let unseen = self.not_visible(asked, priority).await?;
        let blind = hangs.iter().filter(|(_, of)| unseen.contains(of));
        hidden.extend(blind.map(|(id, _)| (*id).to_owned()));
        Ok(hidden)
    }

    /// The private and confidential records that a record hangs on, directly or by another one (a
    /// rejection hangs on an application, and that on a candidate).
    async fn restricted_above(&self, row: &ObservedRow) -> Result<Vec<RemoteRef>, Error> {
        let mut few = Vec::new();
        let mut met: BTreeSet<RemoteRef> = BTreeSet::new();
        let mut next = depends_on(self.context.manifest(), row);
        while let Some(of) = next.pop() {
            if !met.insert(of.clone()) {
                continue;
            }
            let Some(row) = self.context.store.observed(&of).await?.filter(|row| !row.gone) else {
                continue;
            };
            next.extend(depends_on(self.context.manifest(), &row));
            let marks = Restricted::of(&row.body);
            if marks.is_private() || marks.is_confidential() {
                few.push(of);
            }
        }
        Ok(few)
    }

    /// Those of the records that the ATS does not show when it is asked for them by id, or cannot
    /// be asked for.
    async fn not_visible(
        &self,
        asked: BTreeSet<&RemoteRef>,
        priority: Priority,
    ) -> Result<BTreeSet<RemoteRef>, Error> {
        let mut kinds: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for of in asked {
            kinds.entry(&of.kind).or_default().push(of.id.clone());
        }
        let mut unseen = BTreeSet::new();
        for (kind, ids) in kinds {
            let missing = match self.ingest.fetch(kind, &ids, &BTreeMap::new(), priority).await {
                // What the credential may not read at all it does not see either, and neither does
                // an adapter without the kind.
                Err(error)
                    if matches!(error.kind(), ErrorKind::Denied | ErrorKind::NotSupported) =>
                {
                    ids
                }
                missing => missing?,
            };
            unseen.extend(missing.into_iter().map(|id| RemoteRef::new(kind, id)));
        }
        Ok(unseen)
    }

    /// Why the credential cannot be trusted to see the kind.
    pub(crate) async fn lost_right(&self, rule: &KindRule) -> Result<Option<String>, Error> {
        let Some(permission) = &rule.permission else { return Ok(None) };
        let checked = self.requests.check_one(permission).await?;
        if checked.verdict == Verdict::Granted {
            return Ok(None);
        }
        Ok(Some(format!(
            "{}: nothing is taken for deleted, since the credential may no longer see everything \
             ({permission}: {}). Restore the right, then sweep again: it goes on where it was",
            rule.name, checked.detail
        )))
    }

    /// Looks into one record that did not show when something else was asked of it, by the rules of
    /// a sweep: the tenant and the right are checked, it must not be hidden or too young to tell,
    /// and a fetch of its id must not show it. Then it is told to be gone or moved, with the cause
    /// that `cause` makes of the proof. Tells whether it is gone.
    pub(crate) async fn confirm_deleted(
        &self,
        row: &ObservedRow,
        cause: fn(Proof) -> Cause,
    ) -> Result<bool, Error> {
        match self.confirm_by_id(row, cause).await {
            // Without the right to look nothing is proven.
            Err(error) if error.kind() == ErrorKind::Denied => Ok(false),
            looked => looked,
        }
    }

    async fn confirm_by_id(
        &self,
        row: &ObservedRow,
        cause: fn(Proof) -> Cause,
    ) -> Result<bool, Error> {
        let priority = Priority::Interactive;
        let Some(rule) = self.context.manifest().kind(&row.kind).cloned() else { return Ok(false) };
        if rule.ids_max == 0
            || self.context.moments.wall_ago_ms(row.changed_ms).0 <= rule.visible_within_ms
        {
            return Ok(false);
        }
        self.requests.verify_tenant().await?;
        let is_hidden =
            !self.restricted(&rule, std::slice::from_ref(row), false, priority).await?.is_empty();
        if is_hidden || self.lost_right(&rule).await?.is_some() {
            return Ok(false);
        }
        let Fetched { records, masks, missing } =
            self.ingest.fetch_by_id(&row.kind, std::slice::from_ref(&row.id), priority).await?;
        for (kind, records) in records {
            let page = self.ingest.page(kind, records, &masks, cause(Proof::Fetched));
            self.ingest.commit(page).await?;
        }
        if !missing.contains(&row.id) {
            return Ok(false);
        }
        self.ingest
            .tombstone(&row.kind, vec![row.id.clone()], cause(Proof::Fetched), priority)
            .await?;
        let of = RemoteRef::new(&row.kind, &row.id);
        Ok(self.context.store.observed(&of).await?.is_some_and(|row| row.gone))
    }
}
