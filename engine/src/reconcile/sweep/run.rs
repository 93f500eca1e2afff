//! Sweeps: finding deleted records, which no list shows.
//!
//! # Expected flow
//! 1. The tenant is compared with the store's. Then every page of the kind is read. The ids of a
//!    page are remembered with the page, so a sweep that is killed continues where it was.
//!    Incremental passes run beside it.
//! 2. A record that a *complete* sweep did not see is a suspect, unless it changed while the sweep
//!    ran (its page may have been read before).
//! 3. The right to list the kind is checked again, and the share of suspects is compared with the
//!    brake ([`super::suspects`]).
//! 4. Suspects are fetched by id. Those that are returned are ingested; the others are deleted, or
//!    continue under another id, and are reported so once, with the proof.
//!
//! # Guarantees
//! A partial sweep deletes nothing. A list that lacks a row deletes nothing by itself, unless the
//! manifest says that a complete walk proves absence.
//!
//! A sweep that meets a lost right (before its first page, between two pages or while it confirms)
//! is *held*: it reports the right, deletes nothing more, and continues where it was when it is
//! called again with the right restored. A row that cannot be read never counts as absent: a row
//! with an id counts as seen; a row without one holds the sweep, since any suspect may be that row.
//!
//! # Caveats
//! A record that an administrator hides from the credential cannot be distinguished from a deleted
//! one where the ATS answers both alike; therefore some records are exempt
//! ([`crate::reconcile::deletions`] lists them). A record that is hidden for the first time is
//! reported deleted; when it is visible again, it is new again, and links hold.
//!
//! # Bounds
//! [`SweepOptions::pages_max`] pages a call; [`AGE_MAX_MS`]. Left out: kinds that come inside the
//! pages of others.

use super::Sweeper;
use super::report::{SweepOptions, SweepReport};
use crate::error::{Error, ErrorKind};
use crate::store::{Cause, HeldBy, Hold, PageCommit, SweepPhase, SweepState};
use atsync_model::manifest::KindRule;
use tracing::Instrument;

/// A sweep that began longer ago than this begins again: its first pages are too old to prove
/// anything.
const AGE_MAX_MS: u64 = 7 * 24 * 3_600_000;

/// Rows that one call of the store forgets.
const ROWS: usize = 1_000;

impl Sweeper {
    /// The rule of a kind that can be swept.
    ///
    /// # Errors
    /// [`ErrorKind::Input`] for a kind that the adapter does not have or that has no list.
    pub(crate) fn to_sweep(&self, kind: &str) -> Result<&KindRule, Error> {
        self.context.listed(kind, |_| ", so they have no sweep of their own".to_owned())
    }

    /// Sweeps a kind, or continues its sweep.
    pub(crate) async fn sweep(
        &self,
        kind: &str,
        options: SweepOptions,
    ) -> Result<SweepReport, Error> {
        let rule = self.to_sweep(kind)?.clone();
        let connection = self.context.name.as_str();
        let span = tracing::warn_span!("sweep", connection, kind);
        self.turn(rule, options).instrument(span).await
    }

    async fn turn(&self, rule: KindRule, options: SweepOptions) -> Result<SweepReport, Error> {
        let kind = rule.name.as_str();
        let mut report = SweepReport { kind: kind.to_owned(), ..SweepReport::default() };
        let verified = match self.requests.verify_tenant().await {
            Err(error) if error.kind() != ErrorKind::Denied => return Err(error),
            verified => verified,
        };
        let (mut state, was_held) = self.begin_sweep(&rule, options, &mut report).await?;
        let ended = match verified {
            Ok(()) => self.proceed(&rule, &mut state, options, &mut report).await,
            Err(denied) => Err(denied),
        };
        report.seen = state.rows;
        let held = match ended {
            Ok(held) => held,
            // A right that was lost meanwhile holds the sweep and does not fail it; what it saw
            // stays seen.
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
            tracing::warn!(connection = %self.context.name, kind, suspected = report.suspected,
                "a sweep is held");
            report.held = Some(why.clone());
            report.held_by = Some(by);
            let at_ms = was_held
                .filter(|hold| hold.by == by)
                .map_or_else(|| self.context.clock.now_ms(), |hold| hold.at_ms);
            self.put_sweep(&rule, SweepState { held: Some(Hold { by, at_ms, why }), ..state })
                .await?;
        }
        Ok(report)
    }

    /// Walks, and confirms what the complete walk did not show. Returns what holds the sweep.
    async fn proceed(
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

    /// The sweep to continue, and what held it; or a new one.
    async fn begin_sweep(
        &self,
        rule: &KindRule,
        options: SweepOptions,
        report: &mut SweepReport,
    ) -> Result<(SweepState, Option<Hold>), Error> {
        let now_ms = self.context.clock.now_ms();
        let stored = self.context.store.sweep_state(&rule.name).await?;
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
                    // From here on, a call that is interrupted is continued by the next.
                    self.put_sweep(rule, going.clone()).await?;
                }
                return Ok((going, state.held.clone()));
            }
            // Written before the seen ids are removed, so that a sweep with half of them is never
            // continued.
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

    pub(super) async fn put_sweep(&self, rule: &KindRule, state: SweepState) -> Result<(), Error> {
        let page = self.ingest.page(rule.name.clone(), Vec::new(), &[], Cause::Observed);
        self.context.store.commit_page(PageCommit { sweep: Some(state), ..page }).await?;
        Ok(())
    }

    pub(super) async fn forget_seen(&self, rule: &KindRule) -> Result<(), Error> {
        while self.context.store.forget_seen(&rule.name, ROWS).await? > 0 {}
        Ok(())
    }
}
