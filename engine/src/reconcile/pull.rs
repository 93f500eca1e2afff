//! Scans: a kind read page by page, each page taken in together with the place to go on from.
//!
//! # Expected flow
//! 1. A pass left unfinished by an earlier run goes on from its last committed page.
//! 2. Otherwise a new one begins: a window from the last watermark (less the overlap that the kind
//!    asks for) to now, fixed before the first page; everything, when there is no watermark; a
//!    token, for kinds that have them.
//! 3. Each page is committed with its cursor. A complete pass moves the watermark to the end of its
//!    window.
//!
//! # Guarantees
//! Killed anywhere, at most one page is read again. A partial pass never moves the watermark, and
//! neither does one that met rows which only its window can show again ([`super::problems`]). Rows
//! are never taken for gone because a pass did not show them. Windows end by the ATS's clock
//! ([`super::window`]).
//!
//! # Bounds
//! [`PAGES_MAX`] pages a pass, fewer where they lead in a circle ([`super::trail`]): such a pass is
//! given up, and the next one begins anew. [`RESTARTS_MAX`] restarts of a pass by expired cursors
//! before it is given up for this run.

use super::problems::{Came, Unread, brought};
use super::trail::{Astray, Trail};
use super::window::Clocks;
use super::{Progress, Reconciler, drive::TaskError};
use crate::clock::rfc3339;
use crate::error::{Error, ErrorKind};
use crate::near;
use crate::store::{Cause, PageCommit, Pass, ScanState};
use crate::transport::Priority;
use atsync_model::contract::{Failure, Outcome, RemoteRef, Restart, Scan, Since, Task, Window};
use atsync_model::manifest::{ChangeRule, KindRule, ScanRule};
use atsync_model::resource;

/// Pages of one pass: 500 million records at 500 a page. Beyond it something loops.
const PAGES_MAX: u64 = 1_000_000;
/// How often a pass may begin again in one run.
const RESTARTS_MAX: u32 = 3;

/// Parents below which a list may fail before the others are left for another time: then it is the
/// adapter that fails.
const FAILED_PARENTS_MAX: u32 = 10;
/// Lines that the report of a kind below many parents gathers.
const WARNINGS_MAX: usize = 20;

/// What a pull did to one kind.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct PullReport {
    /// The kind.
    pub kind: String,
    /// Records that the pass showed.
    pub records: u64,
    /// Pages read by this run.
    pub pages: u64,
    /// Records that were new.
    pub created: u64,
    /// Records that differed.
    pub updated: u64,
    /// The pass read everything, not only what changed.
    pub full: bool,
    /// It went on from a page of an earlier run.
    pub resumed: bool,
    /// Rows that could not be read. They are shown until they can, and asked for again by the next
    /// pass.
    #[serde(skip_serializing_if = "is_nought")]
    pub unread: u64,
    /// Members of rows that could not be read: their fields are unknown.
    #[serde(skip_serializing_if = "is_nought")]
    pub unread_fields: u64,
    /// What somebody should know although it worked, in sentences; at most 20.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

fn is_nought(number: &u64) -> bool {
    *number == 0
}

impl Reconciler {
    /// Brings one kind up to date. `full` reads everything even where changes would do.
    pub(crate) async fn pull(&self, kind: &str, full: bool) -> Result<PullReport, Error> {
        let Some(rule) = self.adapter.manifest().kind(kind).cloned() else {
            return Err(self.unknown_kind(kind));
        };
        let pulled = self.pull_rule(&rule, full).await?;
        if resource::tells_merges(kind) {
            self.follow_leads(Priority::Incremental).await?;
        }
        Ok(pulled)
    }

    async fn pull_rule(&self, rule: &KindRule, full: bool) -> Result<PullReport, Error> {
        let kind = &rule.name;
        match &rule.scan {
            ScanRule::List {} => self.pull_below(rule, None, full).await,
            ScanRule::ByParent { parent } => self.pull_by_parent(rule, parent, full).await,
            ScanRule::Inside { kind: outer } => {
                let message = format!("{kind} come with the pages of {outer}; pull {outer}");
                Err(self.error(ErrorKind::Input, message))
            }
            ScanRule::None {} => {
                Err(self.error(ErrorKind::Input, format!("the ATS has no list of {kind}")))
            }
        }
    }

    /// The error for a kind that the adapter does not have.
    pub(crate) fn unknown_kind(&self, kind: &str) -> Error {
        self.error(ErrorKind::Input, near::no_kind(self.adapter.manifest(), kind))
    }

    async fn pull_by_parent(
        &self,
        rule: &KindRule,
        parent: &str,
        full: bool,
    ) -> Result<PullReport, Error> {
        let mut report =
            PullReport { kind: rule.name.clone(), full: true, ..PullReport::default() };
        let (mut astray, mut failed): (Option<Error>, u32) = (None, 0);
        let mut after: Option<String> = None;
        loop {
            let parents = self.store.observed_page(parent, after.as_deref(), 1_000).await?;
            let Some(last) = parents.last() else { break };
            after = Some(last.id.clone());
            for row in parents {
                let one = match self.pull_below(rule, Some(&row.id), full).await {
                    Ok(one) => one,
                    // A list that goes nowhere below one parent does not keep the others from being
                    // read.
                    Err(error)
                        if error.kind() == ErrorKind::Adapter && failed < FAILED_PARENTS_MAX =>
                    {
                        failed += 1;
                        astray.get_or_insert(error);
                        continue;
                    }
                    Err(error) => return Err(error),
                };
                report.add(one);
            }
        }
        astray.map_or(Ok(report), Err)
    }

    /// Brings the records of a kind below one parent up to date, for kinds that can be listed only
    /// there.
    pub(super) async fn pull_of(&self, rule: &KindRule, parent: &str) -> Result<PullReport, Error> {
        let pulled = self.pull_below(rule, Some(parent), false).await?;
        if resource::tells_merges(&rule.name) {
            self.follow_leads(Priority::Incremental).await?;
        }
        Ok(pulled)
    }

    async fn pull_below(
        &self,
        rule: &KindRule,
        parent: Option<&str>,
        full: bool,
    ) -> Result<PullReport, Error> {
        let stored = self.store.scan_state(&rule.name, parent).await?.unwrap_or_default();
        let mut report = PullReport { kind: rule.name.clone(), ..PullReport::default() };
        let mut state = stored;
        let pass = match state.pass.clone() {
            // A run that wants everything does not finish somebody's window instead.
            Some(pass) if !full || (pass.from_ms.is_none() && pass.token.is_none()) => {
                report.resumed = pass.cursor.is_some();
                pass
            }
            _ => self.begin(rule, &state, full),
        };
        self.report(&Progress::PullStarted { kind: rule.name.clone(), resumed: report.resumed });
        let mut unread = Unread::default();
        let walked = self.walk(rule, parent, &mut state, pass, (&mut report, &mut unread)).await;
        (report.unread, report.unread_fields) = (unread.rows, unread.members);
        report.warnings = unread.lines;
        report.warnings.extend(self.clocks().warning());
        walked?;
        self.report(&Progress::PullDone { kind: rule.name.clone(), records: report.records });
        Ok(report)
    }

    /// Both clocks.
    pub(crate) fn clocks(&self) -> Clocks {
        Clocks { now_ms: self.clock.now_ms(), ahead_ms: self.session.ats_clock_ms() }
    }

    fn begin(&self, rule: &KindRule, state: &ScanState, full: bool) -> Pass {
        let clocks = self.clocks();
        let (mut from_ms, mut token) = (None, None);
        let mut to_ms = clocks.asked_to_ms();
        if !full {
            if rule.changes.contains(&ChangeRule::Token) {
                token = state.token.clone();
            } else if rule.changes.contains(&ChangeRule::Window) {
                // A watermark of a clock that was ahead must not step over what is changed until
                // the ATS catches up.
                from_ms = state
                    .watermark_ms
                    .map(|watermark_ms| watermark_ms.min(to_ms).saturating_sub(rule.overlap_ms));
            }
        }
        to_ms = to_ms.max(from_ms.unwrap_or(0));
        Pass {
            from_ms,
            to_ms,
            token,
            cursor: None,
            pages: 0,
            records: 0,
            started_ms: clocks.now_ms,
        }
    }

    async fn walk(
        &self,
        rule: &KindRule,
        parent: Option<&str>,
        state: &mut ScanState,
        mut pass: Pass,
        (report, unread): (&mut PullReport, &mut Unread),
    ) -> Result<(), Error> {
        let mut restarts = 0;
        let mut began_ms = self.clock.now_ms();
        let initial = pass.from_ms.is_none() && pass.token.is_none();
        let priority = if initial { Priority::Backfill } else { Priority::Incremental };
        let mut trail = Trail::from(pass.cursor.as_deref());
        let mut was_dated = self.session.ats_clock_ms().is_some();
        while pass.pages < PAGES_MAX {
            let since = match (&pass.token, pass.from_ms) {
                (Some(token), _) => Since::Token(token.clone()),
                (None, Some(from_ms)) => {
                    Since::Window(Window { from: rfc3339(from_ms), to: rfc3339(pass.to_ms) })
                }
                (None, None) => Since::Everything,
            };
            report.full = matches!(since, Since::Everything);
            let task = Task::Scan(Scan {
                kind: rule.name.clone(),
                parent: parent.zip(parent_kind(rule)).map(|(id, kind)| RemoteRef::new(kind, id)),
                since,
                cursor: pass.cursor.clone(),
                page_size: rule.page_max,
            });
            let finished = match self.drive(task, None, priority).await {
                Ok(finished) => finished,
                Err(TaskError::Failed(Failure::Restart(from))) if restarts < RESTARTS_MAX => {
                    restarts += 1;
                    if from == Restart::Everything {
                        state.token = None;
                        state.watermark_ms = None;
                    }
                    pass = self.begin(rule, state, initial);
                    (began_ms, trail) = (self.clock.now_ms(), Trail::default());
                    continue;
                }
                // The place that an earlier run left is none to the ATS or the adapter: the pass
                // begins anew instead of failing there for ever.
                Err(TaskError::Failed(
                    Failure::Protocol(_) | Failure::Bug(_) | Failure::Invalid(_),
                )) if report.resumed && report.pages == 0 && restarts == 0 => {
                    restarts = RESTARTS_MAX;
                    report.resumed = false;
                    pass = self.begin(rule, state, initial);
                    (began_ms, trail) = (self.clock.now_ms(), Trail::default());
                    continue;
                }
                // The parent is gone or hidden by now: there is nothing below it to read, and one
                // parent does not stop the others.
                Err(TaskError::Failed(Failure::NotFound(_) | Failure::Gone(_)))
                    if parent.is_some() =>
                {
                    return Ok(());
                }
                Err(error) => {
                    return Err(self.read_error(error, &format!("reading {}", rule.name)).await);
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
            let clocks = Clocks { now_ms: began_ms, ahead_ms: self.session.ats_clock_ms() };
            if pass.pages == 0
                && pass.from_ms.is_some()
                && !was_dated
                && clocks.was_short(pass.to_ms)
            {
                // The first answer of this process showed that the ATS's clock is ahead: what
                // changed since our now is beyond the window.
                was_dated = true;
                pass = self.begin(rule, state, initial);
                began_ms = self.clock.now_ms();
                continue;
            }
            let astray = trail.page(&page);
            pass.to_ms =
                if pass.pages == 0 { pass.to_ms.min(clocks.read_to_ms()) } else { pass.to_ms };
            pass.pages += 1;
            pass.records += u64::try_from(page.items.len()).unwrap_or(0);
            pass.cursor = page.next;
            let came = Came { items: page.items, masks: page.masks, problems };
            let mut brought =
                brought(self.adapter.manifest(), &rule.name, came, finished.reply.as_ref());
            self.note(&brought, (&rule.name, &[]), pass.started_ms, unread).await?;
            if page.complete {
                let resumed_ms = report.resumed.then_some(pass.started_ms);
                if !self
                    .must_look_again(
                        rule,
                        unread,
                        (pass.from_ms.is_none() && pass.token.is_none(), resumed_ms),
                    )
                    .await?
                {
                    state.watermark_ms = Some(pass.to_ms);
                    state.token = page.checkpoint.or(state.token.take());
                }
                state.pass = None;
                state.passes += 1;
                state.completed_ms = Some(self.clock.now_ms());
            } else {
                // Pages that lead in a circle are no place to go on from.
                state.pass = astray.is_ok().then(|| pass.clone());
            }
            let own = brought.records.remove(&rule.name).unwrap_or_default();
            for (kind, records) in brought.records {
                self.take_in(kind, None, records, &brought.masks, None).await?;
            }
            let done = self
                .take_in(
                    rule.name.clone(),
                    parent.map(str::to_owned),
                    own,
                    &brought.masks,
                    Some(state.clone()),
                )
                .await?;
            report.pages += 1;
            report.records = pass.records;
            report.created += done.created;
            report.updated += done.updated;
            self.report(&Progress::Page { kind: rule.name.clone(), records: pass.records });
            if page.complete {
                return self.retry(rule, unread).await;
            }
            if let Err(why) = astray {
                return Err(self.astray(&rule.name, why, pass.pages));
            }
        }
        state.pass = None;
        self.take_in(
            rule.name.clone(),
            parent.map(str::to_owned),
            Vec::new(),
            &[],
            Some(state.clone()),
        )
        .await?;
        Err(self.error(
            ErrorKind::Adapter,
            format!("a pass over {} did not end after {PAGES_MAX} pages", rule.name),
        ))
    }

    /// The fault of a walk that goes nowhere.
    pub(super) fn astray(&self, kind: &str, why: Astray, pages: u64) -> Error {
        let message = format!(
            "reading {kind}: the list does not come to an end ({}); it was left after page \
             {pages}. What was read is kept, and the next pass begins anew. It is a fault of the \
             ATS or of the adapter: report it",
            why.words()
        );
        self.error(ErrorKind::Adapter, message)
    }

    async fn take_in(
        &self,
        kind: String,
        parent: Option<String>,
        records: Vec<crate::store::ObservedWrite>,
        masks: &[Vec<String>],
        scan: Option<ScanState>,
    ) -> Result<crate::store::PageReport, Error> {
        let page = self.page(kind, records, masks, Cause::Observed);
        self.take(PageCommit { parent, scan, ..page }).await
    }
}

impl PullReport {
    /// Adds what a pass below one parent did.
    fn add(&mut self, one: Self) {
        self.records += one.records;
        self.pages += one.pages;
        self.created += one.created;
        self.updated += one.updated;
        self.full &= one.full;
        self.resumed |= one.resumed;
        self.unread += one.unread;
        self.unread_fields += one.unread_fields;
        for line in one.warnings {
            if self.warnings.len() < WARNINGS_MAX && !self.warnings.contains(&line) {
                self.warnings.push(line);
            }
        }
    }
}

pub(super) fn parent_kind(rule: &KindRule) -> Option<&str> {
    match &rule.scan {
        ScanRule::ByParent { parent } => Some(parent),
        _ => None,
    }
}
