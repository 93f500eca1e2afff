//! Deletions are confirmed: a missing record is fetched by id before it is reported deleted.
//!
//! # Exempt records
//! The ATS shows some records only to privileged users, and a record that the credential may no
//! longer see looks like a deleted one. So a missing record is exempt when:
//! - it is **private** itself, unless the same sweep saw other private ones: one right shows them
//!   all;
//! - it is **confidential** itself, always: who may see it is decided for each record alone. A
//!   webhook that reports its deletion counts;
//! - it **depends on** a private or confidential record (its candidate, job or application), unless
//!   a fetch by id returns that one: then only a deletion explains why the record is missing;
//! - it was ingested since the sweep began, or so shortly before that reads may not show it yet.
//!
//! # What invalidates every suspicion
//! A right that was lost ([`Deletions::lost_right`]).
//!
//! Left out: the walk that finds suspects and the brake on too many of them, which are the
//! sweeper's; telling a deleted record from a moved one, which is the ingest's.

mod restricted;

pub(crate) use restricted::Restricted;

use crate::error::{Error, ErrorKind};
use crate::reconcile::context::Context;
use crate::reconcile::ingest::{Fetched, Ingest};
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
    /// The ids of the rows that the credential may no longer see. `sees_private`: a sweep just saw
    /// private records of the kind.
    pub(crate) async fn restricted(
        &self,
        rule: &KindRule,
        rows: &[ObservedRow],
        sees_private: bool,
        priority: Priority,
    ) -> Result<BTreeSet<String>, Error> {
        let mut restricted = BTreeSet::new();
        if !rule.confidential {
            return Ok(restricted);
        }
        let mut dependents: Vec<(&str, RemoteRef)> = Vec::new();
        for row in rows {
            let marks = Restricted::of(&row.body);
            if marks.is_confidential() || (marks.is_private() && !sees_private) {
                restricted.insert(row.id.clone());
                continue;
            }
            for of in self.restricted_above(row).await? {
                dependents.push((&row.id, of));
            }
        }
        let asked: BTreeSet<&RemoteRef> = dependents.iter().map(|(_, of)| of).collect();
        let unseen = self.not_visible(asked, priority).await?;
        let blind = dependents.iter().filter(|(_, of)| unseen.contains(of));
        restricted.extend(blind.map(|(id, _)| (*id).to_owned()));
        Ok(restricted)
    }

    /// The private and confidential records that a record depends on, directly or by another one (a
    /// rejection depends on an application, and that on a candidate).
    async fn restricted_above(&self, row: &ObservedRow) -> Result<Vec<RemoteRef>, Error> {
        let mut restricted = Vec::new();
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
                restricted.push(of);
            }
        }
        Ok(restricted)
    }

    /// Those of the records that a fetch by id does not return, or that cannot be fetched.
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
                // A kind that the credential may not read, or the adapter does not know, is not
                // visible.
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

    /// Confirms that one record was deleted, by the rules of a sweep: the tenant and the right are
    /// checked, the record must be neither restricted nor too young, and a fetch by id must not
    /// return it. Then it is reported as deleted or moved, with the cause that `cause` makes of the
    /// proof. Returns whether it is deleted.
    pub(crate) async fn confirm_deleted(
        &self,
        row: &ObservedRow,
        cause: fn(Proof) -> Cause,
    ) -> Result<bool, Error> {
        match self.confirm_by_id(row, cause).await {
            // Without the right to read, nothing is proven.
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
        let is_restricted =
            !self.restricted(&rule, std::slice::from_ref(row), false, priority).await?.is_empty();
        if is_restricted || self.lost_right(&rule).await?.is_some() {
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
