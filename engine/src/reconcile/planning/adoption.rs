//! Existing records are confirmed before a plan links them.
//!
//! # Expected flow
//! A plan finds existing records in the store, and some of them may be deleted by now: no list
//! shows deletions and merges, and the next sweep may be a day off. A link to a deleted record
//! would look as if the record had been created and then deleted by a user, and nothing would be
//! created any more. So the records that the plans of a page would newly link are fetched by id,
//! all of a kind at once. One that is not returned is confirmed by the rules of a sweep: if it is
//! deleted, its desired record is planned once more without it; otherwise the desired record waits.
//!
//! # Guarantees
//! No plan ends with a new link to a record that the ATS did not return in this run, or less than
//! its kind's delay ago: a read within that delay may be older than the store, and proves nothing.
//!
//! Left out: kinds that cannot be fetched by id, and changes between a plan and its application.

use super::Planner;
use crate::error::{Error, ErrorKind};
use crate::journal::Intent;
use crate::plan::{Adoption, Finding, FindingKind, RecordPlan, Step};
use crate::reason::Reason;
use crate::reconcile::gather::{Gathered, ROUNDS_MAX};
use crate::reconcile::requests::concerns_kind;
use crate::reconcile::rows::remote;
use crate::store::Cause;
use crate::transport::Priority;
use atsync_model::contract::RemoteRef;
use atsync_model::desired::Desired;
use std::collections::{BTreeMap, BTreeSet};

/// The records that would be linked and were not returned, each with whether its deletion is
/// confirmed.
type Unshown = BTreeMap<RemoteRef, bool>;

impl Planner {
    /// Plans some desired records, each with its generation, in their order.
    pub(super) async fn plan_page(
        &self,
        gathered: &mut Gathered,
        wanted: &[(&Desired, u64)],
        open: &[Intent],
    ) -> Result<Vec<(RecordPlan, Vec<Step>)>, Error> {
        let mut page = Vec::with_capacity(wanted.len());
        for (record, generation) in wanted {
            page.push(self.plan_record(gathered, record, *generation, open).await?);
        }
        for _ in 0..ROUNDS_MAX {
            let unshown = self.unshown(gathered, &page).await?;
            if unshown.is_empty() {
                return Ok(page);
            }
            gathered.facts.forget_stored();
            for ((record, generation), planned) in wanted.iter().zip(&mut page) {
                let adoption = planned
                    .0
                    .adoptions
                    .iter()
                    .find(|adoption| unshown.contains_key(&adoption.remote));
                let Some(adoption) = adoption.cloned() else { continue };
                if unshown.get(&adoption.remote) == Some(&true) {
                    *planned = self.plan_record(gathered, record, *generation, open).await?;
                } else {
                    wait(planned, &adoption);
                }
            }
        }
        Err(self.context.error(
            ErrorKind::Adapter,
            "what is there already changes faster than it can be planned with",
        ))
    }

    /// Fetches the records that these plans would newly link. Returns those that the ATS did not
    /// show.
    async fn unshown(
        &self,
        gathered: &mut Gathered,
        page: &[(RecordPlan, Vec<Step>)],
    ) -> Result<Unshown, Error> {
        let mut asked: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        let mut unshown = Unshown::new();
        for (planned, _) in page {
            for remote in self.unproven(gathered, planned).await? {
                if gathered.is_resting() {
                    // A resting plan reads nothing, so the record waits for one that does.
                    unshown.insert(remote, false);
                } else {
                    asked.entry(remote.kind).or_default().insert(remote.id);
                }
            }
        }
        for (kind, ids) in asked {
            let ids: Vec<String> = ids.into_iter().collect();
            let missing =
                match self.ingest.fetch(&kind, &ids, &BTreeMap::new(), Priority::Incremental).await
                {
                    // A record that may not be read is not visible.
                    Err(error) if concerns_kind(&error) => ids.clone(),
                    missing => missing?,
                };
            for id in missing {
                let of = remote(&kind, &id);
                let is_deleted = match self.context.store.observed(&of).await? {
                    Some(row) if !row.gone => {
                        self.deletions
                            .confirm_deleted(&row, |proof| Cause::Doubted { proof })
                            .await?
                    }
                    _ => true,
                };
                unshown.insert(of, is_deleted);
            }
            gathered.shown.extend(ids.iter().map(|id| remote(&kind, id)));
        }
        Ok(unshown)
    }

    /// The records that a plan would newly link and that the ATS has not shown lately.
    async fn unproven(
        &self,
        gathered: &Gathered,
        planned: &RecordPlan,
    ) -> Result<Vec<RemoteRef>, Error> {
        let mut unproven = Vec::new();
        for Adoption { path, remote, .. } in &planned.adoptions {
            let rule = self.context.manifest().kind(&remote.kind).filter(|rule| rule.ids_max > 0);
            let Some(rule) = rule.filter(|_| !gathered.shown.contains(remote)) else { continue };
            if self.context.store.link(path).await?.is_some_and(|link| link.remote == *remote) {
                continue;
            }
            let row = self.context.store.observed(remote).await?;
            let now_ms = self.context.clock.now_ms();
            // The upper bound counts: after a jump of the clock, an old record may look young.
            let is_young = |changed_ms: u64| {
                changed_ms <= now_ms
                    && self.context.moments.wall_ago_ms(changed_ms).1 <= rule.visible_within_ms
            };
            if !row.is_some_and(|row| is_young(row.changed_ms)) {
                unproven.push(remote.clone());
            }
        }
        Ok(unproven)
    }
}

/// Blocks a record that would be linked to a record that is not visible.
fn wait((planned, shared): &mut (RecordPlan, Vec<Step>), adoption: &Adoption) {
    let Adoption { path, remote, .. } = adoption;
    let kind = &remote.kind;
    let message = format!(
        "{path}: it would be {remote}, which the ATS was not seen to show any more: deleted, \
         merged, or hidden from the credential; nothing is linked or made beside it until the ATS \
         shows it, or a sweep of {kind} proves it gone"
    );
    let (path, reason) = (path.clone(), Reason::NotVisible.to_owned());
    planned.findings.push(Finding { kind: FindingKind::Blocked, path, reason, message });
    planned.steps.clear();
    planned.adoptions.clear();
    planned.releases.clear();
    shared.clear();
}
