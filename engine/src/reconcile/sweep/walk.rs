//! The walk of a sweep: every page of a kind, each committed with the cursor of the next.

use super::Sweeper;
use super::report::SweepReport;
use crate::error::Error;
use crate::reconcile::deletions::Restricted;
use crate::reconcile::ingest::{Content, Endless, Received, Trail, Unread, parent_kind};
use crate::reconcile::progress::Progress;
use crate::reconcile::requests::TaskError;
use crate::store::{Cause, ObservedWrite, PageCommit, SweepPhase, SweepState};
use crate::transport::Priority;
use atsync_model::contract::{Failure, Page, RemoteRef, Scan, Since, Task};
use atsync_model::manifest::KindRule;
use std::sync::PoisonError;

/// How often one call may begin a walk again because its cursor expired.
const RESTARTS_MAX: u32 = 3;

impl Sweeper {
    pub(super) async fn walk_sweep(
        &self,
        rule: &KindRule,
        state: &mut SweepState,
        pages_max: u64,
        report: &mut SweepReport,
    ) -> Result<(), Error> {
        let mut restarts = 0;
        while report.pages < pages_max {
            let SweepPhase::Walking { parent, cursor } = state.phase.clone() else { return Ok(()) };
            let parent = match (parent_kind(rule), parent) {
                (Some(kind), None) => match self.next_parent(kind, None).await? {
                    Some(first) => Some(first),
                    None => {
                        state.phase = SweepPhase::Walked;
                        return self.put_sweep(rule, state.clone()).await;
                    }
                },
                (_, parent) => parent,
            };
            let came_from = cursor.clone();
            let task = Task::Scan(Scan {
                kind: rule.name.clone(),
                parent: parent
                    .as_deref()
                    .zip(parent_kind(rule))
                    .map(|(id, kind)| RemoteRef::new(kind, id)),
                since: Since::Everything,
                cursor,
                page_size: rule.page_max,
            });
            let finished = match self.requests.drive(task, None, Priority::Backfill).await {
                Ok(finished) => finished,
                Err(error) => {
                    let at = (parent, came_from.is_some());
                    self.after_failure(error, rule, state, at, report, &mut restarts).await?;
                    continue;
                }
            };
            let (page, problems) = self.ingest.scanned(finished.outcome)?;
            let endless = self.on_trail(rule, state, parent.as_deref(), &page);
            let received = Received { items: page.items, masks: page.masks, problems };
            let mut content =
                Content::of(self.context.manifest(), &rule.name, received, finished.reply.as_ref());
            self.ingest
                .keep_problems(
                    &content,
                    (&rule.name, &[]),
                    state.started_ms,
                    &mut Unread::default(),
                )
                .await?;
            let mut own = content.records.remove(&rule.name).unwrap_or_default();
            self.mark_unread_as_seen(rule, &mut content, &mut own).await?;
            state.pages += 1;
            state.rows += u64::try_from(own.len()).unwrap_or(0);
            let private =
                own.iter().filter(|record| Restricted::of(&record.body).is_private()).count();
            state.confidential += u64::try_from(private).unwrap_or(0);
            state.phase = if page.complete {
                self.after_parent(rule, parent.as_deref()).await?
            } else {
                SweepPhase::Walking { parent: parent.clone(), cursor: page.next }
            };
            if endless.is_err() {
                // A sweep does not continue from pages that lead in a circle: the next one begins
                // again.
                state.phase = SweepPhase::Ended { at_ms: self.context.clock.now_ms() };
            }
            for (kind, records) in content.records {
                self.ingest
                    .commit(self.ingest.page(kind, records, &content.masks, Cause::Observed))
                    .await?;
            }
            let own = self.ingest.page(rule.name.clone(), own, &content.masks, Cause::Observed);
            self.ingest.commit(PageCommit { sweep: Some(state.clone()), ..own }).await?;
            if let Err(why) = endless {
                return Err(self.ingest.endless(&rule.name, why, state.pages));
            }
            report.pages += 1;
            self.context.report(&Progress::Page { kind: rule.name.clone(), records: state.rows });
        }
        Ok(())
    }

    /// Decides about a scan that failed, below a parent and behind a cursor. Returns when the walk
    /// continues by its state.
    ///
    /// # Errors
    /// The failure, unless the walk continues.
    async fn after_failure(
        &self,
        error: TaskError,
        rule: &KindRule,
        state: &mut SweepState,
        (parent, has_cursor): (Option<String>, bool),
        report: &mut SweepReport,
        restarts: &mut u32,
    ) -> Result<(), Error> {
        match error {
            TaskError::Failed(Failure::Restart(_)) if *restarts < RESTARTS_MAX => {
                *restarts += 1;
                self.leave_trail(&rule.name);
                // What was seen stays seen: it existed since the sweep began.
                state.phase = SweepPhase::Walking { parent, cursor: None };
                Ok(())
            }
            // The parent was deleted or hidden. The records below it are suspects like all that the
            // sweep did not see, and one parent does not stop the others.
            TaskError::Failed(Failure::NotFound(_) | Failure::Gone(_)) if parent.is_some() => {
                state.blind_spots = state.blind_spots.saturating_add(1);
                state.phase = self.after_parent(rule, parent.as_deref()).await?;
                self.put_sweep(rule, state.clone()).await?;
                report.pages += 1;
                Ok(())
            }
            error => {
                let is_refused =
                    matches!(&error, TaskError::Failed(Failure::Protocol(_) | Failure::Bug(_)));
                if is_refused && report.pages == 0 && has_cursor {
                    // The ATS or the adapter refuses the cursor of an earlier call: the next sweep
                    // begins again.
                    state.phase = SweepPhase::Ended { at_ms: self.context.clock.now_ms() };
                    self.put_sweep(rule, state.clone()).await?;
                }
                Err(self.requests.task_error(&format!("sweeping {}", rule.name), error))
            }
        }
    }

    /// Follows the trail of the sweep's walk, over all calls of this process. A page that is read
    /// again, because it was not committed, begins a new trail.
    fn on_trail(
        &self,
        rule: &KindRule,
        state: &SweepState,
        parent: Option<&str>,
        page: &Page,
    ) -> Result<(), Endless> {
        let mut trails = self.trails.lock().unwrap_or_else(PoisonError::into_inner);
        let walk = (state.started_ms, parent.map(str::to_owned), state.pages);
        let (next, trail) =
            trails.entry(rule.name.clone()).or_insert_with(|| (walk.clone(), Trail::default()));
        if *next != walk {
            *trail = Trail::default();
        }
        *next = (walk.0, walk.1, walk.2.saturating_add(1));
        trail.page(page)
    }

    fn leave_trail(&self, kind: &str) {
        self.trails.lock().unwrap_or_else(PoisonError::into_inner).remove(kind);
    }

    /// Marks known records as seen whose rows could not be read. Nothing else of them is stored.
    async fn mark_unread_as_seen(
        &self,
        rule: &KindRule,
        content: &mut Content,
        own: &mut Vec<ObservedWrite>,
    ) -> Result<(), Error> {
        let mask = content.masks.len();
        for id in content.unread(&rule.name) {
            let remote = RemoteRef::new(&rule.name, &id);
            if self.context.store.observed(&remote).await?.is_some_and(|row| !row.gone) {
                own.push(ObservedWrite {
                    id,
                    version: None,
                    body: "{}".to_owned(),
                    raw: None,
                    mask,
                });
            }
        }
        content.masks.push(Vec::new());
        Ok(())
    }

    /// The next state of the walk once it has read everything below a parent, or everything.
    async fn after_parent(
        &self,
        rule: &KindRule,
        parent: Option<&str>,
    ) -> Result<SweepPhase, Error> {
        let (Some(kind), Some(last)) = (parent_kind(rule), parent) else {
            return Ok(SweepPhase::Walked);
        };
        Ok(match self.next_parent(kind, Some(last)).await? {
            Some(next) => SweepPhase::Walking { parent: Some(next), cursor: None },
            None => SweepPhase::Walked,
        })
    }

    async fn next_parent(&self, kind: &str, after: Option<&str>) -> Result<Option<String>, Error> {
        let rows = self.context.store.observed_page(kind, after, 1).await?;
        Ok(rows.into_iter().next().map(|row| row.id))
    }
}
