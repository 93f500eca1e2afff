//! Scans: a kind read page by page, each page taken in together with the place to go on from.
//!
//! # Expected flow
//! 1. A pass left unfinished by an earlier run goes on from its last committed page.
//! 2. Otherwise a new one begins: a window from the last watermark (less the overlap that the kind asks for) to now, fixed
//!    before the first page; everything, when there is no watermark; a token, for kinds that have them.
//! 3. Each page is committed with its cursor. A complete pass moves the watermark to the end of its window.
//!
//! # Guarantees
//! Killed anywhere, at most one page is read again. A partial pass never moves the watermark. Rows are never taken for gone because a
//! pass did not show them.
//!
//! # Bounds
//! [`PAGES_MAX`] pages a pass; [`RESTARTS_MAX`] restarts of a pass by expired cursors before it is given up for this run.

use super::fetch::by_kind;
use super::{Progress, Reconciler, drive::TaskError};
use crate::clock::rfc3339;
use crate::error::{Error, ErrorKind};
use crate::store::{Cause, PageCommit, Pass, ScanState};
use crate::transport::Priority;
use atsync_model::contract::{Failure, Outcome, RemoteRef, Restart, Scan, Since, Task, Window};
use atsync_model::kinds;
use atsync_model::manifest::{ChangeRule, KindRule, ScanRule};

/// Pages of one pass: 500 million records at 500 a page. Beyond it something loops.
const PAGES_MAX: u64 = 1_000_000;
/// How often a pass may begin again in one run.
const RESTARTS_MAX: u32 = 3;

/// What a pull did to one kind.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
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
}

impl Reconciler {
    /// Brings one kind up to date. `full` reads everything even where changes would do.
    pub(crate) async fn pull(&self, kind: &str, full: bool) -> Result<PullReport, Error> {
        let Some(rule) = self.adapter.manifest().kind(kind).cloned() else {
            return Err(self.unknown_kind(kind));
        };
        let pulled = self.pull_rule(&rule, full).await?;
        if kind == kinds::APPLICATIONS {
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
            ScanRule::None {} => Err(self.error(ErrorKind::Input, format!("the ATS has no list of {kind}"))),
        }
    }

    pub(super) fn unknown_kind(&self, kind: &str) -> Error {
        let known: Vec<&str> = self.adapter.manifest().kinds.iter().map(|kind| kind.name.as_str()).collect();
        self.error(ErrorKind::Input, format!("there is no kind {kind:?}; the kinds are {}", known.join(", ")))
    }

    async fn pull_by_parent(&self, rule: &KindRule, parent: &str, full: bool) -> Result<PullReport, Error> {
        let mut report = PullReport { kind: rule.name.clone(), full: true, ..PullReport::default() };
        let mut after: Option<String> = None;
        loop {
            let parents = self.store.observed_page(&self.name, parent, after.as_deref(), 1_000).await?;
            let Some(last) = parents.last() else { return Ok(report) };
            after = Some(last.id.clone());
            for row in parents {
                let one = self.pull_below(rule, Some(&row.id), full).await?;
                report.records += one.records;
                report.pages += one.pages;
                report.created += one.created;
                report.updated += one.updated;
                report.full &= one.full;
                report.resumed |= one.resumed;
            }
        }
    }

    async fn pull_below(&self, rule: &KindRule, parent: Option<&str>, full: bool) -> Result<PullReport, Error> {
        let stored = self.store.scan_state(&self.name, &rule.name, parent).await?.unwrap_or_default();
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
        self.walk(rule, parent, &mut state, pass, &mut report).await?;
        self.report(&Progress::PullDone { kind: rule.name.clone(), records: report.records });
        Ok(report)
    }

    fn begin(&self, rule: &KindRule, state: &ScanState, full: bool) -> Pass {
        let now_ms = self.clock.now_ms();
        let (mut from_ms, mut token) = (None, None);
        if !full {
            if rule.changes.contains(&ChangeRule::Token) {
                token = state.token.clone();
            } else if rule.changes.contains(&ChangeRule::Window) {
                from_ms = state.watermark_ms.map(|watermark_ms| watermark_ms.saturating_sub(rule.overlap_ms));
            }
        }
        // A clock that went back must not make a window that ends before it begins.
        let to_ms = now_ms.max(from_ms.unwrap_or(0));
        Pass { from_ms, to_ms, token, cursor: None, pages: 0, records: 0, started_ms: now_ms }
    }

    async fn walk(
        &self,
        rule: &KindRule,
        parent: Option<&str>,
        state: &mut ScanState,
        mut pass: Pass,
        report: &mut PullReport,
    ) -> Result<(), Error> {
        let mut restarts = 0;
        let mut began_ms = self.clock.now_ms();
        let initial = pass.from_ms.is_none() && pass.token.is_none();
        let priority = if initial { Priority::Backfill } else { Priority::Incremental };
        while pass.pages < PAGES_MAX {
            let since = match (&pass.token, pass.from_ms) {
                (Some(token), _) => Since::Token(token.clone()),
                (None, Some(from_ms)) => Since::Window(Window { from: rfc3339(from_ms), to: rfc3339(pass.to_ms) }),
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
                    began_ms = self.clock.now_ms();
                    continue;
                }
                // The parent is gone or hidden by now: there is nothing below it to read, and one parent does not stop the others.
                Err(TaskError::Failed(Failure::NotFound(_) | Failure::Gone(_))) if parent.is_some() => return Ok(()),
                Err(error) => return Err(self.task_error(&format!("reading {}", rule.name), error)),
            };
            let (page, _problems) = match finished.outcome {
                Outcome::Page(page) => (page, Vec::new()),
                Outcome::FlawedPage(flawed) => flawed,
                _ => return Err(self.error(ErrorKind::Adapter, "the adapter answered a scan with something else")),
            };
            if pass.pages == 0 {
                // Our clock may be ahead of the ATS's, which is known only after its first answer; a window that ended in the ATS's
                // future would hide what changes until then.
                let began_ms = began_ms.saturating_add_signed(self.session.ats_ahead_ms());
                pass.to_ms = pass.to_ms.min(began_ms);
            }
            pass.pages += 1;
            pass.records += u64::try_from(page.items.len()).unwrap_or(0);
            pass.cursor = page.next;
            if page.complete {
                state.pass = None;
                state.watermark_ms = Some(pass.to_ms);
                state.token = page.checkpoint.or(state.token.take());
                state.passes += 1;
                state.completed_ms = Some(self.clock.now_ms());
            } else {
                state.pass = Some(pass.clone());
            }
            let mut kinds = by_kind(page.items, finished.reply.as_ref());
            let own = kinds.remove(&rule.name).unwrap_or_default();
            for (kind, records) in kinds {
                self.take_in(kind, None, records, &page.masks, None).await?;
            }
            let done = self
                .take_in(rule.name.clone(), parent.map(str::to_owned), own, &page.masks, Some(state.clone()))
                .await?;
            report.pages += 1;
            report.records = pass.records;
            report.created += done.created;
            report.updated += done.updated;
            self.report(&Progress::Page { kind: rule.name.clone(), records: pass.records });
            if page.complete {
                return Ok(());
            }
        }
        Err(self.error(ErrorKind::Adapter, format!("a pass over {} did not end after {PAGES_MAX} pages", rule.name)))
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

pub(super) fn parent_kind(rule: &KindRule) -> Option<&str> {
    match &rule.scan {
        ScanRule::ByParent { parent } => Some(parent),
        _ => None,
    }
}
