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

use super::restricted::Restricted;
use super::sweep::{SweepOptions, SweepReport};
use super::{Reconciler, fetch::Looked};
use crate::error::{Error, ErrorKind};
use crate::store::{Cause, ObservedRow, Proof, SweepState};
use crate::transport::Priority;
use atsync_model::contract::{RemoteRef, Verdict};
use atsync_model::manifest::KindRule;
use atsync_model::resource;
use std::collections::{BTreeMap, BTreeSet};

/// Rows read from the store at a time.
const ROWS: usize = 500;

impl Reconciler {
    /// The ids that the sweep did not see and that nothing excuses.
    pub(super) async fn suspects(
        &self,
        rule: &KindRule,
        state: &SweepState,
        report: &mut SweepReport,
    ) -> Result<Vec<String>, Error> {
        let mut suspects = Vec::new();
        let mut after: Option<String> = None;
        loop {
            let rows = self.store.suspects_page(&rule.name, after.as_deref(), ROWS).await?;
            let Some(last) = rows.last() else { break };
            after = Some(last.id.clone());
            let read = rows.len();
            let old: Vec<ObservedRow> =
                rows.into_iter().filter(|row| !is_young(rule, row, state.started_ms)).collect();
            report.young += count(read.saturating_sub(old.len()));
            let hidden =
                self.hidden(rule, &old, state.confidential > 0, Priority::Backfill).await?;
            report.hidden += count(hidden.len());
            suspects.extend(old.into_iter().map(|row| row.id).filter(|id| !hidden.contains(id)));
        }
        report.suspected = count(suspects.len());
        Ok(suspects)
    }

    /// The ids of those that the credential may have lost sight of. `sees_private`: it was just
    /// seen to see private records of the kind.
    async fn hidden(
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
            for of in self.shown_to_few_above(row).await? {
                hangs.push((&row.id, of));
            }
        }
        let asked: BTreeSet<&RemoteRef> = hangs.iter().map(|(_, of)| of).collect();
        let unseen = self.unseen(asked, priority).await?;
        let blind = hangs.iter().filter(|(_, of)| unseen.contains(of));
        hidden.extend(blind.map(|(id, _)| (*id).to_owned()));
        Ok(hidden)
    }

    /// The private and confidential records that a record hangs on, directly or by another one (a
    /// rejection hangs on an application, and that on a candidate).
    async fn shown_to_few_above(&self, row: &ObservedRow) -> Result<Vec<RemoteRef>, Error> {
        let mut few = Vec::new();
        let mut met: BTreeSet<RemoteRef> = BTreeSet::new();
        let mut next = self.hangs_on(row);
        while let Some(of) = next.pop() {
            if !met.insert(of.clone()) {
                continue;
            }
            let Some(row) = self.store.observed(&of).await?.filter(|row| !row.gone) else {
                continue;
            };
            next.extend(self.hangs_on(&row));
            let marks = Restricted::of(&row.body);
            if marks.is_private() || marks.is_confidential() {
                few.push(of);
            }
        }
        Ok(few)
    }

    /// The records that this one hangs on: those of the kinds that hide with them what names them,
    /// and its `parent`, which the kind's scope says the kind of.
    pub(super) fn hangs_on(&self, row: &ObservedRow) -> Vec<RemoteRef> {
        let Ok(body) = serde_json::from_str::<serde_json::Value>(&row.body) else {
            return Vec::new();
        };
        let scope = self.adapter.manifest().kind(&row.kind).and_then(|rule| rule.scope.as_deref());
        let members = resource::hiding()
            .map(|of| (of.member, of.kind))
            .chain(scope.map(|kind| ("parent", kind)));
        let named = members.filter_map(|(member, kind)| {
            let id = body.get(member)?.get("id")?.as_str()?;
            Some(RemoteRef::new(kind, id))
        });
        named.collect()
    }

    /// Those of the records that the ATS does not show when it is asked for them by id, or cannot
    /// be asked for.
    async fn unseen(
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
            let missing = match self.fetch(kind, &ids, &BTreeMap::new(), priority).await {
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
    pub(super) async fn lost_right(&self, rule: &KindRule) -> Result<Option<String>, Error> {
        let Some(permission) = &rule.permission else { return Ok(None) };
        let checked = self.check_one(permission).await?;
        if checked.verdict == Verdict::Granted {
            return Ok(None);
        }
        Ok(Some(format!(
            "{}: nothing is taken for deleted, since the credential may no longer see everything \
             ({permission}: {}). Restore the right, then sweep again: it goes on where it was",
            rule.name, checked.detail
        )))
    }

    /// Why the sweep is too sweeping to be believed.
    pub(super) async fn brake(
        &self,
        rule: &KindRule,
        state: &SweepState,
        options: SweepOptions,
        suspected: u64,
    ) -> Result<Option<String>, Error> {
        if options.force {
            return Ok(None);
        }
        let kind = &rule.name;
        if state.rows == 0 && rule.ids_max == 0 {
            return Ok(Some(format!(
                "{kind}: the list was empty, and nothing else can tell whether {suspected} records \
                 are gone; nothing is taken for deleted. If they are, sweep again with \
                 `SweepOptions::force`"
            )));
        }
        let counts = self.store.observed_counts().await?;
        let known = counts.iter().find(|(name, _)| name == kind).map_or(0, |(_, count)| *count);
        let share = known.saturating_mul(u64::from(options.brake_per_mille)) / 1_000;
        let allowed = share.max(options.brake_floor);
        if suspected <= allowed {
            return Ok(None);
        }
        Ok(Some(format!(
            "{kind}: the sweep did not see {suspected} of {known} records, and at most {allowed} \
             are believed at once; nothing is taken for deleted. Look whether the credential may \
             still see them all; if they were deleted, sweep again with `SweepOptions::force`"
        )))
    }

    /// Looks into one record that did not show when something else was asked of it, by the rules of
    /// a sweep: the tenant and the right are checked, it must not be hidden or too young to tell,
    /// and a fetch of its id must not show it. Then it is told to be gone or moved, with the cause
    /// that `cause` makes of the proof. Tells whether it is gone.
    pub(super) async fn prove_gone(
        &self,
        row: &ObservedRow,
        cause: fn(Proof) -> Cause,
    ) -> Result<bool, Error> {
        match self.look_for(row, cause).await {
            // Without the right to look nothing is proven.
            Err(error) if error.kind() == ErrorKind::Denied => Ok(false),
            looked => looked,
        }
    }

    async fn look_for(&self, row: &ObservedRow, cause: fn(Proof) -> Cause) -> Result<bool, Error> {
        let priority = Priority::Interactive;
        let Some(rule) = self.adapter.manifest().kind(&row.kind).cloned() else { return Ok(false) };
        if rule.ids_max == 0 || self.wall_ago_ms(row.changed_ms).0 <= rule.visible_within_ms {
            return Ok(false);
        }
        self.verify_tenant().await?;
        let is_hidden =
            !self.hidden(&rule, std::slice::from_ref(row), false, priority).await?.is_empty();
        if is_hidden || self.lost_right(&rule).await?.is_some() {
            return Ok(false);
        }
        let Looked { records, masks, missing } =
            self.look_up(&row.kind, std::slice::from_ref(&row.id), priority).await?;
        for (kind, records) in records {
            let page = self.page(kind, records, &masks, cause(Proof::Fetched));
            self.take(page).await?;
        }
        if !missing.contains(&row.id) {
            return Ok(false);
        }
        self.bury(&row.kind, vec![row.id.clone()], cause(Proof::Fetched), priority).await?;
        let of = RemoteRef::new(&row.kind, &row.id);
        Ok(self.store.observed(&of).await?.is_some_and(|row| row.gone))
    }
}

/// Whether the record was taken in so late that reads from `since_ms` on need not show it yet.
fn is_young(rule: &KindRule, row: &ObservedRow, since_ms: u64) -> bool {
    row.changed_ms.saturating_add(rule.visible_within_ms) >= since_ms
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}
