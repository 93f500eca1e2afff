//! Sweeps: finding out what is gone where no list says so.
//!
//! # Expected flow
//! 1. The tenant is compared with the one that the store knows. Then every page of the kind is
//!    read; what it showed is remembered with the page, so that a sweep that is killed goes on
//!    where it was. Incremental passes go on beside it.
//! 2. What a *complete* sweep did not see is suspected, except what changed while it ran (its page
//!    may have been read before).
//! 3. The right to list the kind is checked again, and the share of suspects is held against the
//!    brake ([`super::suspects`]).
//! 4. Suspects are asked for by id. Those that come back are taken in; those that do not are gone,
//!    or live on under another id ([`super::identity`]), and are told so once, with the proof.
//!
//! # Guarantees
//! A partial sweep deletes nothing. A list that lacks a row deletes nothing by itself, unless the
//! manifest says that a complete walk proves.
//!
//! A sweep that meets a lost right, be it before its first page, between two or while it confirms,
//! is *held*: it says which right, deletes nothing more, and goes on where it was when it is called
//! again with the right restored. A row that cannot be read is never taken for absent: where it
//! tells its id, that record counts as seen; where it does not, the sweep is held, since any
//! suspect may be that row.
//!
//! # Caveats
//! A record that an administrator hides from the credential cannot be told from a deleted one where
//! the ATS answers both alike; see [`super::suspects`] for what is left alone therefore. One that
//! is hidden for the first time is taken for deleted; when it shows again it is new again, and
//! links hold.
//!
//! # Bounds
//! [`SweepOptions::pages_max`] pages a call; [`AGE_MAX_MS`]. Left out: kinds that come inside the
//! pages of others.

use super::drive::TaskError;
use super::identity::swept;
use super::problems::{Brought, Came, Unread, brought};
use super::pull::parent_kind;
use super::restricted::Restricted;
use super::trail::{Astray, Trail};
use super::{Progress, Reconciler};
use crate::error::{Error, ErrorKind};
use crate::store::{Cause, HeldBy, Hold, ObservedWrite, PageCommit, Proof, SweepPhase, SweepState};
use crate::transport::Priority;
use atsync_model::contract::{Failure, Outcome, Page, RemoteRef, Scan, Since, Task};
use atsync_model::manifest::{KindRule, ScanRule};
use atsync_model::resource::PERSON;
use std::sync::PoisonError;

/// A sweep that began longer ago than this begins again: what it saw first says little by now.
const AGE_MAX_MS: u64 = 7 * 24 * 3_600_000;
/// How often one call may begin a walk again because its cursor expired.
const RESTARTS_MAX: u32 = 3;
/// Rows read from the store at a time.
const ROWS: usize = 1_000;

/// Suspects that are always confirmed one by one, whatever share of their kind they are. Arbitrary:
/// a tidy-up by hand, not a lost right.
const BRAKE_FLOOR: u64 = 20;

/// How a sweep is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SweepOptions {
    /// The brake: more suspects than this share of the known records, in thousandths, are not
    /// believed.
    pub brake_per_mille: u32,
    /// So many suspects are always believed: small kinds would brake at every deletion.
    pub brake_floor: u64,
    /// Pages that one call reads at most; the next call goes on from there.
    pub pages_max: u64,
    /// Goes on in spite of the brake. Never in spite of a lost right.
    pub force: bool,
}

impl Default for SweepOptions {
    fn default() -> Self {
        Self { brake_per_mille: 100, brake_floor: BRAKE_FLOOR, pages_max: u64::MAX, force: false }
    }
}

impl SweepOptions {
    /// Reads at most so many pages in one call.
    #[must_use]
    pub fn pages_max(mut self, pages_max: u64) -> Self {
        self.pages_max = pages_max;
        self
    }

    /// Goes on in spite of the brake.
    #[must_use]
    pub fn force(mut self, force: bool) -> Self {
        self.force = force;
        self
    }

    /// Sets the brake.
    #[must_use]
    pub fn brake(mut self, per_mille: u32, floor: u64) -> Self {
        self.brake_per_mille = per_mille;
        self.brake_floor = floor;
        self
    }
}

/// What a sweep brought.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct SweepReport {
    /// The kind.
    pub kind: String,
    /// It has come to its end. Otherwise the next call goes on, or `held` says what to do.
    pub complete: bool,
    /// It went on from an earlier call.
    pub resumed: bool,
    /// Pages that this call read.
    pub pages: u64,
    /// Rows that the sweep showed, by all its calls.
    pub seen: u64,
    /// Records that it did not show and that are not excused.
    pub suspected: u64,
    /// Of those: gone, and told.
    pub confirmed: u64,
    /// Of those: there when asked for.
    pub still_there: u64,
    /// Of those: alive under another id, and told.
    pub moved: u64,
    /// Of those: nothing can prove it, so they stay.
    pub unproven: u64,
    /// Not shown, but changed since the sweep began; the next one sees.
    pub young: u64,
    /// Not shown, but known as shown to few: the credential may have lost sight of them.
    pub hidden: u64,
    /// Why it does not go on, and what to do. Nothing (more) was taken for gone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub held: Option<String>,
    /// What holds it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub held_by: Option<HeldBy>,
}

impl Reconciler {
    /// Sweeps a kind, or goes on with its sweep.
    pub(crate) async fn sweep(
        &self,
        kind: &str,
        options: SweepOptions,
    ) -> Result<SweepReport, Error> {
        let Some(rule) = self.adapter.manifest().kind(kind).cloned() else {
            return Err(self.unknown_kind(kind));
        };
        match &rule.scan {
            ScanRule::List {} | ScanRule::ByParent { .. } => {}
            ScanRule::Inside { kind: outer } => {
                let message = format!(
                    "{kind} come with the pages of {outer}, so they have no sweep of their own"
                );
                return Err(self.error(ErrorKind::Input, message));
            }
            ScanRule::None {} => {
                return Err(self.error(ErrorKind::Input, format!("the ATS has no list of {kind}")));
            }
        }
        let mut report = SweepReport { kind: kind.to_owned(), ..SweepReport::default() };
        let verified = match self.verify_tenant().await {
            Err(error) if error.kind() != ErrorKind::Denied => return Err(error),
            verified => verified,
        };
        let (mut state, was_held) = self.begin_sweep(&rule, options, &mut report).await?;
        let ended = match verified {
            Ok(()) => self.go_on(&rule, &mut state, options, &mut report).await,
            Err(denied) => Err(denied),
        };
        report.seen = state.rows;
        let held = match ended {
            Ok(held) => held,
            // A right that was lost since is nothing that ails the sweep; what it saw stays seen.
            Err(error) if error.kind() == ErrorKind::Denied => {
                let why = format!(
                    "{kind}: nothing more is taken for deleted, since a right is missing \
                     ({error}). Restore it, then sweep again: it goes on where it was"
                );
                Some((HeldBy::Right, why))
            }
            Err(error) => return Err(error),
        };
        if let Some((by, why)) = held {
            tracing::warn!(connection = %self.name, kind, suspected = report.suspected,
                "a sweep is held");
            report.held = Some(why.clone());
            report.held_by = Some(by);
            let at_ms = was_held
                .filter(|hold| hold.by == by)
                .map_or_else(|| self.clock.now_ms(), |hold| hold.at_ms);
            self.put_sweep(&rule, SweepState { held: Some(Hold { by, at_ms, why }), ..state })
                .await?;
        }
        Ok(report)
    }

    /// Walks, and judges what the complete walk did not show. Tells what holds it.
    async fn go_on(
        &self,
        rule: &KindRule,
        state: &mut SweepState,
        options: SweepOptions,
        report: &mut SweepReport,
    ) -> Result<Option<(HeldBy, String)>, Error> {
        self.walk_sweep(rule, state, options.pages_max, report).await?;
        if matches!(state.phase, SweepPhase::Walking { .. }) {
            return Ok(None);
        }
        self.confirm(rule, state, options, report).await
    }

    /// The sweep to go on with, and what held it; or a new one.
    async fn begin_sweep(
        &self,
        rule: &KindRule,
        options: SweepOptions,
        report: &mut SweepReport,
    ) -> Result<(SweepState, Option<Hold>), Error> {
        let now_ms = self.clock.now_ms();
        let stored = self.store.sweep_state(&rule.name).await?;
        if let Some(state) = &stored {
            let fresh = now_ms.saturating_sub(state.started_ms) < AGE_MAX_MS;
            let goes_on = match (&state.phase, state.held.as_ref().map(|hold| hold.by)) {
                (SweepPhase::Ended { .. }, _) => false,
                (_, Some(HeldBy::Brake)) => options.force,
                (_, Some(HeldBy::Unread)) => false,
                (_, Some(HeldBy::Right) | None) => true,
            };
            if fresh && goes_on {
                report.resumed = true;
                let going = SweepState { held: None, ..state.clone() };
                if state.held.is_some() {
                    // From here on a call that is cut off is gone on with.
                    self.put_sweep(rule, going.clone()).await?;
                }
                return Ok((going, state.held.clone()));
            }
            // Said before anything is forgotten, so that a half-forgotten sweep is never gone on
            // with.
            self.put_sweep(
                rule,
                SweepState {
                    phase: SweepPhase::Ended { at_ms: now_ms },
                    held: None,
                    ..state.clone()
                },
            )
            .await?;
        }
        self.forget_seen(rule).await?;
        let phase = SweepPhase::Walking { parent: None, cursor: None };
        let state = SweepState {
            started_ms: now_ms,
            pages: 0,
            rows: 0,
            confidential: 0,
            phase,
            held: None,
            blind_spots: 0,
        };
        self.put_sweep(rule, state.clone()).await?;
        Ok((state, None))
    }

    async fn put_sweep(&self, rule: &KindRule, state: SweepState) -> Result<(), Error> {
        let page = self.page(rule.name.clone(), Vec::new(), &[], Cause::Observed);
        self.store.commit_page(PageCommit { sweep: Some(state), ..page }).await?;
        Ok(())
    }

    async fn forget_seen(&self, rule: &KindRule) -> Result<(), Error> {
        while self.store.forget_seen(&rule.name, ROWS).await? > 0 {}
        Ok(())
    }

    async fn walk_sweep(
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
            let finished = match self.drive(task, None, Priority::Backfill).await {
                Ok(finished) => finished,
                Err(TaskError::Failed(Failure::Restart(_))) if restarts < RESTARTS_MAX => {
                    restarts += 1;
                    self.leave_trail(&rule.name);
                    // What was seen stays seen: it was there since the sweep began.
                    state.phase = SweepPhase::Walking { parent, cursor: None };
                    continue;
                }
                // The parent is gone or hidden. What hangs on it is suspected like all that is not
                // shown, and one parent does not stop the others.
                Err(TaskError::Failed(Failure::NotFound(_) | Failure::Gone(_)))
                    if parent.is_some() =>
                {
                    state.blind_spots = state.blind_spots.saturating_add(1);
                    state.phase = self.after_parent(rule, parent.as_deref()).await?;
                    self.put_sweep(rule, state.clone()).await?;
                    report.pages += 1;
                    continue;
                }
                Err(error) => {
                    let is_astray =
                        matches!(&error, TaskError::Failed(Failure::Protocol(_) | Failure::Bug(_)));
                    if is_astray && report.pages == 0 && came_from.is_some() {
                        // The place that an earlier call left is none to the ATS or the adapter:
                        // the next sweep begins anew.
                        state.phase = SweepPhase::Ended { at_ms: self.clock.now_ms() };
                        self.put_sweep(rule, state.clone()).await?;
                    }
                    return Err(self.task_error(&format!("sweeping {}", rule.name), error));
                }
            };
            let (page, problems) = match finished.outcome {
                Outcome::Page(page) => (page, Vec::new()),
                Outcome::FlawedPage(flawed) => flawed,
                _ => {
                    return Err(self.error(
                        ErrorKind::Adapter,
                        "the adapter answered a scan with something else",
                    ));
                }
            };
            let astray = self.on_trail(rule, state, parent.as_deref(), &page);
            let came = Came { items: page.items, masks: page.masks, problems };
            let mut brought =
                brought(self.adapter.manifest(), &rule.name, came, finished.reply.as_ref());
            self.note(&brought, (&rule.name, &[]), state.started_ms, &mut Unread::default())
                .await?;
            let mut own = brought.records.remove(&rule.name).unwrap_or_default();
            self.mark_unread_as_seen(rule, &mut brought, &mut own).await?;
            state.pages += 1;
            state.rows += u64::try_from(own.len()).unwrap_or(0);
            let few = own.iter().filter(|record| Restricted::of(&record.body).is_private()).count();
            state.confidential += u64::try_from(few).unwrap_or(0);
            state.phase = if page.complete {
                self.after_parent(rule, parent.as_deref()).await?
            } else {
                SweepPhase::Walking { parent: parent.clone(), cursor: page.next }
            };
            if astray.is_err() {
                // Pages that lead in a circle are no place to go on from: the next sweep begins
                // anew.
                state.phase = SweepPhase::Ended { at_ms: self.clock.now_ms() };
            }
            for (kind, records) in brought.records {
                self.take(self.page(kind, records, &brought.masks, Cause::Observed)).await?;
            }
            let own = self.page(rule.name.clone(), own, &brought.masks, Cause::Observed);
            self.take(PageCommit { sweep: Some(state.clone()), ..own }).await?;
            if let Err(why) = astray {
                return Err(self.astray(&rule.name, why, state.pages));
            }
            report.pages += 1;
            self.report(&Progress::Page { kind: rule.name.clone(), records: state.rows });
        }
        Ok(())
    }

    /// Follows the way of the sweep's walk, over all calls of this process. A page that is read
    /// again, since it was not committed, begins it anew.
    fn on_trail(
        &self,
        rule: &KindRule,
        state: &SweepState,
        parent: Option<&str>,
        page: &Page,
    ) -> Result<(), Astray> {
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

    /// A known record whose row could not be read was shown: it is seen, and nothing of it is
    /// learnt.
    async fn mark_unread_as_seen(
        &self,
        rule: &KindRule,
        brought: &mut Brought,
        own: &mut Vec<ObservedWrite>,
    ) -> Result<(), Error> {
        let mask = brought.masks.len();
        for id in brought.unread(&rule.name) {
            let remote = RemoteRef::new(&rule.name, &id);
            if self.store.observed(&remote).await?.is_some_and(|row| !row.gone) {
                own.push(ObservedWrite {
                    id,
                    version: None,
                    body: "{}".to_owned(),
                    raw: None,
                    mask,
                });
            }
        }
        brought.masks.push(Vec::new());
        Ok(())
    }

    /// Where the walk stands once it has read all that is below a parent, or all there is.
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
        let rows = self.store.observed_page(kind, after, 1).await?;
        Ok(rows.into_iter().next().map(|row| row.id))
    }

    /// The complete sweep judged: what holds it, or none when it is confirmed and ended.
    async fn confirm(
        &self,
        rule: &KindRule,
        state: &mut SweepState,
        options: SweepOptions,
        report: &mut SweepReport,
    ) -> Result<Option<(HeldBy, String)>, Error> {
        if rule.name == PERSON {
            self.follow_leads(Priority::Backfill).await?;
        }
        let suspects = self.suspects(rule, state, report).await?;
        if !suspects.is_empty() {
            if self.met_nameless(&rule.name, state.started_ms).await? {
                let kind = &rule.name;
                let why = format!(
                    "{kind}: nothing is taken for deleted, since the sweep met rows that could not \
                     be read and do not say which records they are; {} of the {kind} that it did \
                     not see may be among them. `status` shows what is wrong with the rows; once \
                     they can be read, sweep again",
                    report.suspected
                );
                return Ok(Some((HeldBy::Unread, why)));
            }
            if let Some(why) = self.lost_right(rule).await? {
                return Ok(Some((HeldBy::Right, why)));
            }
            if let Some(why) = self.brake(rule, state, options, report.suspected).await? {
                return Ok(Some((HeldBy::Brake, why)));
            }
        }
        let size = usize::try_from(rule.ids_max).unwrap_or(1);
        if size > 0 {
            for chunk in suspects.chunks(size) {
                self.confirm_by_fetch(rule, state, chunk, report).await?;
            }
        } else if rule.absence_proves && state.blind_spots == 0 {
            for chunk in suspects.chunks(ROWS) {
                let done = self
                    .bury(&rule.name, chunk.to_vec(), swept(Proof::Walk), Priority::Backfill)
                    .await?;
                report.confirmed += done.deleted;
                report.moved += done.moved;
            }
        } else {
            report.unproven = report.suspected;
        }
        state.phase = SweepPhase::Ended { at_ms: self.clock.now_ms() };
        self.put_sweep(rule, state.clone()).await?;
        self.forget_seen(rule).await?;
        report.complete = true;
        Ok(None)
    }

    async fn confirm_by_fetch(
        &self,
        rule: &KindRule,
        state: &SweepState,
        chunk: &[String],
        report: &mut SweepReport,
    ) -> Result<(), Error> {
        let looked = self.look_up(&rule.name, chunk, Priority::Backfill).await?;
        for (kind, records) in looked.records {
            let sweep = (kind == rule.name).then(|| state.clone());
            report.still_there +=
                if sweep.is_some() { u64::try_from(records.len()).unwrap_or(0) } else { 0 };
            let page = self.page(kind, records, &looked.masks, Cause::Observed);
            self.take(PageCommit { sweep, ..page }).await?;
        }
        // What was not asked for is nobody's to bury, whatever the adapter says.
        let missing: Vec<String> =
            looked.missing.into_iter().filter(|id| chunk.contains(id)).collect();
        if missing.is_empty() {
            return Ok(());
        }
        let done =
            self.bury(&rule.name, missing, swept(Proof::Fetched), Priority::Backfill).await?;
        report.confirmed += done.deleted;
        report.moved += done.moved;
        Ok(())
    }
}
