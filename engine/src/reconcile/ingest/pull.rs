//! Scans: a kind is read page by page, and each page is committed with the cursor of the next.
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
//! neither does one that met rows which only its window can show again ([`super::problems`]). A row
//! is never tombstoned because a pass did not show it. Windows end by the ATS's clock
//! ([`super::window`]).
//!
//! # Bounds
//! [`PAGES_MAX`] pages a pass, fewer where they lead in a circle ([`super::trail`]): such a pass is
//! abandoned, and the next one begins again. [`RESTARTS_MAX`] restarts of a pass by expired cursors
//! before this run fails.

use super::Ingest;
use super::content::{Content, Received};
use super::problems::Unread;
use super::trail::{Endless, Trail};
use super::window::Clocks;
use crate::clock::rfc3339;
use crate::error::{Error, ErrorKind};
use crate::reconcile::progress::Progress;
use crate::reconcile::requests::TaskError;
use crate::store::{Cause, ObservedWrite, PageCommit, PageReport, Pass, ScanState};
use crate::transport::Priority;
use atsync_model::contract::{
    Failure, Outcome, Page, Problem, RemoteRef, Restart, Scan, Since, Task, Window,
};
use atsync_model::manifest::{ChangeRule, KindRule, ScanRule};
use atsync_model::resource;
use tracing::Instrument;

/// Pages of one pass: 500 million records at 500 a page. Beyond it something loops.
const PAGES_MAX: u64 = 1_000_000;

/// How often a pass may begin again in one run.
const RESTARTS_MAX: u32 = 3;

/// Parents below which a list may fail before the pull fails: then the fault is the adapter's.
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
    /// It continued from a page of an earlier run.
    pub resumed: bool,
    /// Rows that could not be read. They are reported until they can, and the next pass fetches
    /// them again.
    #[serde(skip_serializing_if = "is_zero")]
    pub unread: u64,
    /// Members of rows that could not be read: their fields are unknown.
    #[serde(skip_serializing_if = "is_zero")]
    pub unread_fields: u64,
    /// Warnings of a pull that succeeded, in sentences; at most 20.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl Ingest {
    /// Brings one kind up to date. `full` reads everything even where changes would do.
    pub(crate) async fn pull(&self, kind: &str, full: bool) -> Result<PullReport, Error> {
        let rule = self.to_pull(kind)?.clone();
        let pulled = self.pull_rule(&rule, full).await?;
        if resource::tells_merges(kind) {
            self.follow_leads(Priority::Incremental).await?;
        }
        Ok(pulled)
    }

    /// The rule of a kind that can be pulled.
    ///
    /// # Errors
    /// [`ErrorKind::Input`] for a kind that the adapter does not have or that has no list.
    pub(crate) fn to_pull(&self, kind: &str) -> Result<&KindRule, Error> {
        self.context.listed(kind, |outer| format!("; pull {outer}"))
    }

    async fn pull_rule(&self, rule: &KindRule, full: bool) -> Result<PullReport, Error> {
        match &rule.scan {
            ScanRule::ByParent { parent } => self.pull_by_parent(rule, parent, full).await,
            _ => self.pull_below(rule, None, full).await,
        }
    }

    async fn pull_by_parent(
        &self,
        rule: &KindRule,
        parent: &str,
        full: bool,
    ) -> Result<PullReport, Error> {
        let mut report =
            PullReport { kind: rule.name.clone(), full: true, ..PullReport::default() };
        let (mut first_error, mut failed): (Option<Error>, u32) = (None, 0);
        let mut after: Option<String> = None;
        loop {
            let parents = self.context.store.observed_page(parent, after.as_deref(), 1_000).await?;
            let Some(last) = parents.last() else { break };
            after = Some(last.id.clone());
            for row in parents {
                let one = match self.pull_below(rule, Some(&row.id), full).await {
                    Ok(one) => one,
                    // A list that fails below one parent does not stop the others.
                    Err(error)
                        if error.kind() == ErrorKind::Adapter && failed < FAILED_PARENTS_MAX =>
                    {
                        failed += 1;
                        first_error.get_or_insert(error);
                        continue;
                    }
                    Err(error) => return Err(error),
                };
                report.add(one);
            }
        }
        first_error.map_or(Ok(report), Err)
    }

    /// Brings the records of a kind below one parent up to date, for kinds that can be listed only
    /// so.
    pub(crate) async fn pull_of(&self, rule: &KindRule, parent: &str) -> Result<PullReport, Error> {
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
        let connection = self.context.name.as_str();
        let span = tracing::warn_span!("pass", connection, kind = %rule.name);
        self.pass(rule, parent, full).instrument(span).await
    }

    async fn pass(
        &self,
        rule: &KindRule,
        parent: Option<&str>,
        full: bool,
    ) -> Result<PullReport, Error> {
        let stored = self.context.store.scan_state(&rule.name, parent).await?.unwrap_or_default();
        let mut report = PullReport { kind: rule.name.clone(), ..PullReport::default() };
        let mut state = stored;
        let pass = match state.pass.clone() {
            // A full pull does not finish the window of an earlier run instead.
            Some(pass) if !full || is_full(&pass) => {
                report.resumed = pass.cursor.is_some();
                pass
            }
            _ => self.begin(rule, &state, full),
        };
        self.context
            .report(&Progress::PullStarted { kind: rule.name.clone(), resumed: report.resumed });
        let mut unread = Unread::default();
        let walked = self.walk(rule, parent, &mut state, pass, (&mut report, &mut unread)).await;
        (report.unread, report.unread_fields) = (unread.rows, unread.members);
        report.warnings = unread.lines;
        report.warnings.extend(self.clocks().warning());
        walked?;
        self.context
            .report(&Progress::PullDone { kind: rule.name.clone(), records: report.records });
        Ok(report)
    }

    /// Our clock and the ATS's.
    pub(crate) fn clocks(&self) -> Clocks {
        Clocks {
            now_ms: self.context.clock.now_ms(),
            ahead_ms: self.context.session.ats_clock_ms(),
        }
    }

    fn begin(&self, rule: &KindRule, state: &ScanState, full: bool) -> Pass {
        let clocks = self.clocks();
        let (mut from_ms, mut token) = (None, None);
        let mut to_ms = clocks.asked_to_ms();
        if !full {
            if rule.changes.contains(&ChangeRule::Token) {
                token = state.token.clone();
            } else if rule.changes.contains(&ChangeRule::Window) {
                // A watermark of a clock that was ahead must not skip what is changed until the ATS
                // catches up.
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
        let mut began_ms = self.context.clock.now_ms();
        let initial = is_full(&pass);
        let priority = if initial { Priority::Backfill } else { Priority::Incremental };
        let mut trail = Trail::from(pass.cursor.as_deref());
        let mut was_dated = self.context.session.ats_clock_ms().is_some();
        while pass.pages < PAGES_MAX {
            let task = Task::Scan(scan_of(rule, parent, &pass));
            report.full = is_full(&pass);
            let finished = match self.requests.drive(task, None, priority).await {
                Ok(finished) => finished,
                Err(error) => {
                    let below = parent.is_some();
                    match self
                        .after_failure(error, rule, below, state, report, &mut restarts)
                        .await?
                    {
                        AfterFailure::Restart => {
                            pass = self.begin(rule, state, initial);
                            (began_ms, trail) = (self.context.clock.now_ms(), Trail::default());
                            continue;
                        }
                        AfterFailure::NothingToRead => return Ok(()),
                    }
                }
            };
            let (page, problems) = self.scanned(finished.outcome)?;
            let clocks = Clocks { now_ms: began_ms, ahead_ms: self.context.session.ats_clock_ms() };
            if pass.pages == 0
                && pass.from_ms.is_some()
                && !was_dated
                && clocks.was_short(pass.to_ms)
            {
                // The first answer of this process showed that the ATS's clock is ahead: what
                // changed since our own time is beyond the window.
                was_dated = true;
                pass = self.begin(rule, state, initial);
                began_ms = self.context.clock.now_ms();
                continue;
            }
            let endless = trail.page(&page);
            pass.to_ms =
                if pass.pages == 0 { pass.to_ms.min(clocks.read_to_ms()) } else { pass.to_ms };
            pass.pages += 1;
            pass.records += u64::try_from(page.items.len()).unwrap_or(0);
            pass.cursor = page.next;
            let received = Received { items: page.items, masks: page.masks, problems };
            let content =
                Content::of(self.context.manifest(), &rule.name, received, finished.reply.as_ref());
            self.keep_problems(&content, (&rule.name, &[]), pass.started_ms, unread).await?;
            if page.complete {
                let resumed_ms = report.resumed.then_some(pass.started_ms);
                if !self.must_read_again(rule, unread, (is_full(&pass), resumed_ms)).await? {
                    state.watermark_ms = Some(pass.to_ms);
                    state.token = page.checkpoint.or(state.token.take());
                }
                state.pass = None;
                state.passes += 1;
                state.completed_ms = Some(self.context.clock.now_ms());
            } else {
                // A pass does not continue from pages that lead in a circle.
                state.pass = endless.is_ok().then(|| pass.clone());
            }
            let done = self.ingest_page(rule, parent, content, state).await?;
            report.pages += 1;
            report.records = pass.records;
            report.created += done.created;
            report.updated += done.updated;
            self.context.report(&Progress::Page { kind: rule.name.clone(), records: pass.records });
            if page.complete {
                return self.retry(rule, unread).await;
            }
            if let Err(why) = endless {
                return Err(self.endless(&rule.name, why, pass.pages));
            }
        }
        state.pass = None;
        self.ingest(
            rule.name.clone(),
            parent.map(str::to_owned),
            Vec::new(),
            &[],
            Some(state.clone()),
        )
        .await?;
        Err(self.context.error(
            ErrorKind::Adapter,
            format!("a pass over {} did not end after {PAGES_MAX} pages", rule.name),
        ))
    }

    /// The page of a finished scan, with its problems.
    pub(crate) fn scanned(&self, outcome: Outcome) -> Result<(Page, Vec<Problem>), Error> {
        let (mut page, problems) = match outcome {
            Outcome::Page(page) => (page, Vec::new()),
            Outcome::FlawedPage(flawed) => flawed,
            _ => {
                return Err(self
                    .context
                    .error(ErrorKind::Adapter, "the adapter answered a scan with something else"));
            }
        };
        self.context.keep_opted_in(&mut page.items);
        Ok((page, problems))
    }

    /// The error of a walk that never ends.
    pub(crate) fn endless(&self, kind: &str, why: Endless, pages: u64) -> Error {
        let message = format!(
            "reading {kind}: the list does not come to an end ({}); it was left after page \
             {pages}. What was read is kept, and the next pass begins anew. It is a fault of the \
             ATS or of the adapter: report it",
            why.words()
        );
        self.context.error(ErrorKind::Adapter, message).caused_by(why.fault())
    }

    /// Decides about a scan that failed. `below`: the walk reads below one parent.
    ///
    /// # Errors
    /// The failure, unless the pass begins again or there is nothing to read.
    async fn after_failure(
        &self,
        error: TaskError,
        rule: &KindRule,
        below: bool,
        state: &mut ScanState,
        report: &mut PullReport,
        restarts: &mut u32,
    ) -> Result<AfterFailure, Error> {
        let is_old_cursor = report.resumed && report.pages == 0 && *restarts == 0;
        match error {
            TaskError::Failed(Failure::Restart(from)) if *restarts < RESTARTS_MAX => {
                *restarts += 1;
                if from == Restart::Everything {
                    state.token = None;
                    state.watermark_ms = None;
                }
                Ok(AfterFailure::Restart)
            }
            // The ATS or the adapter refuses the cursor of an earlier run: the pass begins again
            // instead of failing there for ever.
            TaskError::Failed(Failure::Protocol(_) | Failure::Bug(_) | Failure::Invalid(_))
                if is_old_cursor =>
            {
                *restarts = RESTARTS_MAX;
                report.resumed = false;
                Ok(AfterFailure::Restart)
            }
            // The parent was deleted or hidden meanwhile: there is nothing below it to read, and
            // one parent does not stop the others.
            TaskError::Failed(Failure::NotFound(_) | Failure::Gone(_)) if below => {
                Ok(AfterFailure::NothingToRead)
            }
            error => Err(self.requests.read_error(error, &format!("reading {}", rule.name)).await),
        }
    }

    /// Commits the records of a page, those of its kind last, with the scan's state.
    async fn ingest_page(
        &self,
        rule: &KindRule,
        parent: Option<&str>,
        mut content: Content,
        state: &ScanState,
    ) -> Result<PageReport, Error> {
        let own = content.records.remove(&rule.name).unwrap_or_default();
        for (kind, records) in content.records {
            self.ingest(kind, None, records, &content.masks, None).await?;
        }
        let (kind, parent) = (rule.name.clone(), parent.map(str::to_owned));
        self.ingest(kind, parent, own, &content.masks, Some(state.clone())).await
    }

    async fn ingest(
        &self,
        kind: String,
        parent: Option<String>,
        records: Vec<ObservedWrite>,
        masks: &[Vec<String>],
        scan: Option<ScanState>,
    ) -> Result<PageReport, Error> {
        let page = self.page(kind, records, masks, Cause::Observed);
        self.commit(PageCommit { parent, scan, ..page }).await
    }
}

/// How a pass goes on after a scan that failed.
enum AfterFailure {
    /// It begins again.
    Restart,
    /// It ends: there is nothing to read.
    NothingToRead,
}

/// Whether a pass reads everything, not only what changed.
fn is_full(pass: &Pass) -> bool {
    pass.from_ms.is_none() && pass.token.is_none()
}

/// The scan for the next page of a pass.
fn scan_of(rule: &KindRule, parent: Option<&str>, pass: &Pass) -> Scan {
    let since = match (&pass.token, pass.from_ms) {
        (Some(token), _) => Since::Token(token.clone()),
        (None, Some(from_ms)) => {
            Since::Window(Window { from: rfc3339(from_ms), to: rfc3339(pass.to_ms) })
        }
        (None, None) => Since::Everything,
    };
    Scan {
        kind: rule.name.clone(),
        parent: parent.zip(parent_kind(rule)).map(|(id, kind)| RemoteRef::new(kind, id)),
        since,
        cursor: pass.cursor.clone(),
        page_size: rule.page_max,
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

pub(crate) fn parent_kind(rule: &KindRule) -> Option<&str> {
    match &rule.scan {
        ScanRule::ByParent { parent } => Some(parent),
        _ => None,
    }
}
