//! Records that continue under another id: merged candidates, converted prospects.
//!
//! # Expected flow
//! - A **converted** prospect is recognised in the page that shows it as converted. Which
//!   application it became must be proven ([`crate::plan::conversion`]). The move is committed with
//!   that page.
//! - A **merge** removes an id without a trace. It shows as an application that names another
//!   candidate than before; the store keeps that as a lead, durably. A lead is confirmed when a
//!   fetch by id returns the new candidate and not the old one.
//!
//! # Guarantees
//! Each move is reported once. The links follow in the same transaction, so no plan sees a link to
//! an id that is known not to exist.
//!
//! Left out: merged candidates who had no application (nothing distinguishes them from deleted
//! ones), and conversions whose new application is not visible yet when the old one is; the next
//! plan of a linked one finds it.

use super::Ingest;
use crate::error::{Error, ErrorKind};
use crate::index;
use crate::plan::conversion::{self, Candidacy};
use crate::store::{
    Alias, Cause, MovedTo, ObservedRow, ObservedWrite, PageCommit, PageReport, Proof,
};
use crate::transport::Priority;
use atsync_model::contract::RemoteRef;
use atsync_model::resource::{self, PERSON};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

/// Leads confirmed at a time; the rest waits for the next pass.
const LEADS_MAX: usize = 500;

/// Applications of one candidate that are compared. Arbitrary, far above what a candidate has.
const APPLICATIONS_MAX: usize = 500;

/// Merges on merges that are followed. Arbitrary; more than this is a circle.
const CHAIN_MAX: usize = 16;

impl Ingest {
    /// The conversions that a page of applications shows.
    pub(super) async fn conversions(
        &self,
        kind: &str,
        records: &[ObservedWrite],
    ) -> Result<Vec<MovedTo>, Error> {
        let mut moved: Vec<MovedTo> = Vec::new();
        if resource::of(kind).is_none_or(|of| !of.converts) {
            return Ok(moved);
        }
        for record in records.iter().filter(|record| record.body.contains("\"converted\"")) {
            let Some(after) = parsed(&record.body).filter(is_converted) else { continue };
            let remote = RemoteRef::new(kind, &record.id);
            let Some(stored) = self.context.store.observed(&remote).await?.filter(|row| !row.gone)
            else {
                continue;
            };
            let is_reported =
                matches!(self.context.store.alias(&remote).await?, Some(Alias { told: true, .. }));
            let (Some(before), Some(candidate)) = (parsed(&stored.body), person(&after)) else {
                continue;
            };
            // A prospect that was converted before it was first read is not reported, unless a link
            // still leads to it.
            let stale =
                is_converted(&before) && self.context.store.links_to(&remote).await?.is_empty();
            if is_reported || stale || moved.iter().any(|known| known.from == record.id) {
                continue;
            }
            let since = (!is_converted(&before)).then_some(stored.changed_ms);
            let theirs = self.candidacies(kind, candidate, since, records).await?;
            let all: Vec<Candidacy<'_>> = theirs.iter().map(Owned::borrow).collect();
            let Some(prospect) = all.iter().find(|one| one.id == record.id) else { continue };
            if let Some(to) = conversion::result(prospect, &all) {
                moved.push(MovedTo { from: record.id.clone(), to: to.id.to_owned(), stays: true });
            }
        }
        // One application is what became of one prospect.
        let claims: Vec<String> = moved.iter().map(|one| one.to.clone()).collect();
        moved.retain(|one| claims.iter().filter(|to| **to == one.to).count() == 1);
        Ok(moved)
    }

    /// The applications and prospects of a candidate, those in the page and those that are stored.
    /// `since_ms`: when the prospect was known not to be converted, for a conversion made no
    /// application that has not changed since.
    async fn candidacies(
        &self,
        kind: &str,
        candidate: &str,
        since_ms: Option<u64>,
        page: &[ObservedWrite],
    ) -> Result<Vec<Owned>, Error> {
        let store = &self.context.store;
        let is_theirs = |body: &Map<String, Value>| person(body).is_some_and(|id| id == candidate);
        let known = store.lookup(kind, index::CANDIDATE, candidate, APPLICATIONS_MAX).await?;
        // The page has precedence over what was stored before.
        let mut rows: BTreeMap<&str, &str> =
            known.iter().map(|row| (row.id.as_str(), row.body.as_str())).collect();
        rows.extend(page.iter().map(|record| (record.id.as_str(), record.body.as_str())));
        let mut theirs = Vec::new();
        for (id, body) in rows {
            let Some(body) = parsed(body).filter(is_theirs) else { continue };
            let remote = RemoteRef::new(kind, id);
            let row = store.observed(&remote).await?.filter(|row| !row.gone);
            let is_doubtful = row.is_some_and(|row| {
                let is_older = since_ms.is_some_and(|since_ms| row.changed_ms <= since_ms);
                let is_moved = !parsed(&row.body).is_some_and(|body| is_theirs(&body));
                is_older || row.moved_in || is_moved
            });
            let is_free = store.links_to(&remote).await?.is_empty();
            theirs.push(Owned { id: id.to_owned(), body, is_free, is_doubtful });
        }
        Ok(theirs)
    }

    /// Confirms the leads to merged candidates. A lead that cannot be confirmed for want of a right
    /// stays.
    pub(crate) async fn follow_leads(&self, priority: Priority) -> Result<(), Error> {
        // Without a fetch by id nothing confirms that the old candidate was deleted.
        if self.context.manifest().kind(PERSON).is_none_or(|rule| rule.ids_max == 0) {
            return Ok(());
        }
        let leads = self.context.store.leads(PERSON, LEADS_MAX).await?;
        let losers: Vec<String> = leads.into_iter().map(|(loser, _)| loser).collect();
        if losers.is_empty() {
            return Ok(());
        }
        let missing = match self.fetch(PERSON, &losers, &BTreeMap::new(), priority).await {
            Err(error) if error.kind() == ErrorKind::Denied => return Ok(()),
            missing => missing?,
        };
        for loser in &losers {
            if !missing.contains(loser) {
                // Both exist: an application was moved, and no candidates were merged.
                self.context.store.drop_lead(&RemoteRef::new(PERSON, loser)).await?;
            }
        }
        let waves = self.merges(missing, priority).await?;
        self.report_merges(waves, Cause::Observed).await.map(drop)
    }

    /// The merges of candidates that the ATS does not show, and of those that they were merged
    /// into, in waves, each of which happened before the next. Every chain ends at a candidate that
    /// the ATS shows, or whose further merges are unknown.
    pub(super) async fn merges(
        &self,
        missing: Vec<String>,
        priority: Priority,
    ) -> Result<Vec<Vec<MovedTo>>, Error> {
        let mut missing: BTreeSet<String> = missing.into_iter().collect();
        let mut shown: BTreeSet<String> = BTreeSet::new();
        let mut steps: BTreeMap<String, String> = BTreeMap::new();
        for _ in 0..CHAIN_MAX {
            let mut tips: BTreeSet<String> = BTreeSet::new();
            for loser in &missing {
                let Some(to) = self.next_of(loser).await? else { continue };
                if !missing.contains(&to) && !shown.contains(&to) {
                    tips.insert(to.clone());
                }
                steps.insert(loser.clone(), to);
            }
            if tips.is_empty() {
                break;
            }
            let tips: Vec<String> = tips.into_iter().collect();
            let gone: BTreeSet<String> =
                self.fetch(PERSON, &tips, &BTreeMap::new(), priority).await?.into_iter().collect();
            shown.extend(tips.into_iter().filter(|tip| !gone.contains(tip)));
            if gone.is_empty() {
                break;
            }
            // The applications of a candidate who was merged in turn name the next one.
            let gone: Vec<String> = gone.into_iter().collect();
            self.refresh_applications(&gone, priority).await?;
            missing.extend(gone);
        }
        let mut ends = shown;
        for end in steps.values().filter(|to| !steps.contains_key(*to)) {
            let row = self.context.store.observed(&RemoteRef::new(PERSON, end)).await?;
            // A sweep reports a candidate whom the ATS does not show and of whom no merge is known.
            if row.is_some_and(|row| !row.gone) {
                ends.insert(end.clone());
            }
        }
        Ok(in_order(&steps, &ends))
    }

    /// Whom a candidate was merged into, past the merges that were reported already.
    async fn next_of(&self, loser: &str) -> Result<Option<String>, Error> {
        let Some(alias) = self.alias_of(loser).await? else { return Ok(None) };
        let mut to = alias.to;
        for _ in 0..CHAIN_MAX {
            match self.alias_of(&to).await? {
                Some(next) if next.told => to = next.to,
                _ => return Ok(Some(to)),
            }
        }
        Ok(None)
    }

    async fn alias_of(&self, id: &str) -> Result<Option<Alias>, Error> {
        Ok(self.context.store.alias(&RemoteRef::new(PERSON, id)).await?)
    }

    /// Commits merges wave by wave, so that links and events follow in the order in which they
    /// happened. After a kill in between, the later merges are still leads.
    pub(super) async fn report_merges(
        &self,
        waves: Vec<Vec<MovedTo>>,
        cause: Cause,
    ) -> Result<PageReport, Error> {
        let mut report = PageReport::default();
        for moved in waves {
            let page = self.page(PERSON.to_owned(), Vec::new(), &[], cause.clone());
            let committed = self.commit(PageCommit { moved, ..page }).await?;
            report.moved = report.moved.saturating_add(committed.moved);
        }
        Ok(report)
    }

    /// Tombstones records that a fetch did not return, except those that continue under another id.
    pub(crate) async fn tombstone(
        &self,
        kind: &str,
        missing: Vec<String>,
        cause: Cause,
        priority: Priority,
    ) -> Result<PageReport, Error> {
        let mut gone = missing;
        let mut report = PageReport::default();
        if kind == PERSON {
            self.refresh_applications(&gone, priority).await?;
            let waves = self.merges(gone.clone(), priority).await?;
            let lives_on: BTreeSet<&String> =
                waves.iter().flatten().map(|moved| &moved.from).collect();
            gone.retain(|id| !lives_on.contains(id));
            report = self.report_merges(waves, cause.clone()).await?;
        }
        let page = self.page(kind.to_owned(), Vec::new(), &[], cause);
        let deleted = self.commit(PageCommit { gone, ..page }).await?;
        Ok(PageReport { moved: report.moved.saturating_add(deleted.moved), ..deleted })
    }

    /// Reads the known records of candidates again that show a merge (applications): one that names
    /// another candidate leaves a lead.
    pub(super) async fn refresh_applications(
        &self,
        candidates: &[String],
        priority: Priority,
    ) -> Result<(), Error> {
        for kind in resource::telling_merges().map(|of| of.kind) {
            if self.context.manifest().kind(kind).is_none() {
                continue;
            }
            let mut ids = Vec::new();
            for candidate in candidates {
                let rows = self
                    .context
                    .store
                    .lookup(kind, index::CANDIDATE, candidate, APPLICATIONS_MAX)
                    .await?;
                ids.extend(rows.into_iter().map(|row| row.id));
            }
            self.fetch(kind, &ids, &BTreeMap::new(), priority).await?;
        }
        Ok(())
    }
}

/// Single merges as waves, each of which happened before the next: into a candidate before out of
/// it. Merges that lead to none of `ends`, such as a circle, are left out.
fn in_order(steps: &BTreeMap<String, String>, ends: &BTreeSet<String>) -> Vec<Vec<MovedTo>> {
    let reaches_an_end = |from: &String| {
        let path = std::iter::successors(steps.get(from), |at| steps.get(*at)).take(CHAIN_MAX);
        path.filter(|at| !steps.contains_key(*at)).any(|at| ends.contains(at))
    };
    let mut left: BTreeMap<&String, &String> =
        steps.iter().filter(|(from, _)| reaches_an_end(from)).collect();
    let mut waves = Vec::new();
    while !left.is_empty() {
        let into: BTreeSet<&String> = left.values().copied().collect();
        let first: Vec<&String> =
            left.keys().copied().filter(|from| !into.contains(*from)).collect();
        if first.is_empty() {
            break;
        }
        let wave = first.into_iter().filter_map(|from| {
            Some(MovedTo { from: from.clone(), to: left.remove(from)?.clone(), stays: false })
        });
        waves.push(wave.collect());
    }
    waves
}

/// The cause of what a fetch confirmed for a sweep.
pub(crate) fn swept(proof: Proof) -> Cause {
    Cause::Swept { proof }
}

/// An application or prospect, held.
struct Owned {
    id: String,
    body: Map<String, Value>,
    is_free: bool,
    is_doubtful: bool,
}

impl Owned {
    fn borrow(&self) -> Candidacy<'_> {
        let Self { id, body, is_free, is_doubtful } = self;
        Candidacy { id, body, is_free: *is_free, is_doubtful: *is_doubtful }
    }
}

fn parsed(body: &str) -> Option<Map<String, Value>> {
    serde_json::from_str(body).ok()
}

/// The candidate that an application names.
fn person(body: &Map<String, Value>) -> Option<&str> {
    body.get("candidate")?.get("id")?.as_str()
}

/// Whether a stored row is a prospect that was converted.
pub(crate) fn is_converted_prospect(row: &ObservedRow) -> bool {
    !row.gone && parsed(&row.body).is_some_and(|body| is_converted(&body))
}

fn is_converted(body: &Map<String, Value>) -> bool {
    let outcome = body.get("outcome").and_then(|outcome| outcome.get("value"));
    outcome.and_then(Value::as_str) == Some("converted")
}

#[cfg(test)]
mod tests {
    use super::{CHAIN_MAX, in_order};
    use std::collections::{BTreeMap, BTreeSet};

    /// Waves as `A>B`, of single merges and the ends that the ATS shows.
    fn waves(steps: &[(&str, &str)], ends: &[&str]) -> Vec<Vec<String>> {
        let steps: BTreeMap<String, String> =
            steps.iter().map(|(from, to)| ((*from).to_owned(), (*to).to_owned())).collect();
        let ends: BTreeSet<String> = ends.iter().map(|end| (*end).to_owned()).collect();
        let waves = in_order(&steps, &ends);
        waves
            .iter()
            .map(|wave| wave.iter().map(|moved| format!("{}>{}", moved.from, moved.to)).collect())
            .collect()
    }

    #[test]
    fn merges_on_merges_are_reported_in_the_order_in_which_they_happened_whatever_the_ids() {
        let ids = ["1", "2", "3", "4"];
        // Every order of ids along a chain of three merges.
        for first in 0..4 {
            for second in (0..4).filter(|second| *second != first) {
                for third in (0..4).filter(|third| ![first, second].contains(third)) {
                    let last = 6 - first - second - third;
                    let [a, b, c, d] = [first, second, third, last].map(|at| ids[at]);
                    let told = waves(&[(a, b), (b, c), (c, d)], &[d]);
                    assert_eq!(
                        told,
                        [[format!("{a}>{b}")], [format!("{b}>{c}")], [format!("{c}>{d}")]]
                    );
                }
            }
        }
        assert_eq!(
            waves(&[("a", "c"), ("b", "c"), ("c", "d")], &["d"]),
            [vec!["a>c", "b>c"], vec!["c>d"]]
        );
    }

    #[test]
    fn a_circle_of_merges_and_what_comes_to_nobody_are_left_out() {
        assert!(waves(&[("a", "b"), ("b", "a"), ("c", "a")], &[]).is_empty());
        assert_eq!(waves(&[("a", "b"), ("b", "a"), ("x", "y")], &["y"]), [["x>y"]]);
        assert!(waves(&[("a", "b")], &["c"]).is_empty());
        let long: Vec<(String, String)> =
            (0..=CHAIN_MAX).map(|at| (format!("{at:03}"), format!("{:03}", at + 1))).collect();
        let long: Vec<(&str, &str)> =
            long.iter().map(|(from, to)| (from.as_str(), to.as_str())).collect();
        let end = format!("{:03}", CHAIN_MAX + 1);
        // The first of so many is too far from the end; the others follow, and a later look follows
        // it.
        assert_eq!(waves(&long, &[&end]).len(), CHAIN_MAX);
    }
}
