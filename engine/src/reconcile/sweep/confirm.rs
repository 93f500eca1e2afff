//! The end of a sweep: suspects are confirmed, or the sweep is held.

use super::Sweeper;
use super::report::{SweepOptions, SweepReport};
use crate::error::Error;
use crate::reconcile::ingest::swept;
use crate::store::{Cause, HeldBy, PageCommit, Proof, SweepPhase, SweepState};
use crate::transport::Priority;
use atsync_model::manifest::KindRule;
use atsync_model::resource::PERSON;

/// Rows read from the store at a time.
const ROWS: usize = 1_000;

impl Sweeper {
    /// Judges the complete sweep. Returns what holds it, or none when it is confirmed and ended.
    pub(super) async fn confirm(
        &self,
        rule: &KindRule,
        state: &mut SweepState,
        options: SweepOptions,
        report: &mut SweepReport,
    ) -> Result<Option<(HeldBy, String)>, Error> {
        if rule.name == PERSON {
            self.ingest.follow_leads(Priority::Backfill).await?;
        }
        let suspects = self.suspects(rule, state, report).await?;
        if !suspects.is_empty() {
            if self.ingest.met_nameless(&rule.name, state.started_ms).await? {
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
            if let Some(why) = self.deletions.lost_right(rule).await? {
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
                    .ingest
                    .tombstone(&rule.name, chunk.to_vec(), swept(Proof::Walk), Priority::Backfill)
                    .await?;
                report.confirmed += done.deleted;
                report.moved += done.moved;
            }
        } else {
            report.unproven = report.suspected;
        }
        state.phase = SweepPhase::Ended { at_ms: self.context.clock.now_ms() };
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
        let looked = self.ingest.fetch_by_id(&rule.name, chunk, Priority::Backfill).await?;
        for (kind, records) in looked.records {
            let sweep = (kind == rule.name).then(|| state.clone());
            report.still_there +=
                if sweep.is_some() { u64::try_from(records.len()).unwrap_or(0) } else { 0 };
            let page = self.ingest.page(kind, records, &looked.masks, Cause::Observed);
            self.ingest.commit(PageCommit { sweep, ..page }).await?;
        }
        // An id that was not asked for is not tombstoned, whatever the adapter says.
        let missing: Vec<String> =
            looked.missing.into_iter().filter(|id| chunk.contains(id)).collect();
        if missing.is_empty() {
            return Ok(());
        }
        let done = self
            .ingest
            .tombstone(&rule.name, missing, swept(Proof::Fetched), Priority::Backfill)
            .await?;
        report.confirmed += done.deleted;
        report.moved += done.moved;
        Ok(())
    }
}
