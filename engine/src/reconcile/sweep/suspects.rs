//! The suspects of a complete walk, and the brake on too many of them.

use super::Sweeper;
use super::report::{SweepOptions, SweepReport};
use crate::error::Error;
use crate::store::{ObservedRow, SweepState};
use crate::transport::Priority;
use atsync_model::manifest::KindRule;

/// Rows read from the store at a time.
const ROWS: usize = 500;

/// In thousandths: a host that believes so many at once wants no brake.
const ALL: u32 = 1_000;

/// Records that a walk without a single row may suspect. An adapter or an ATS that answers with
/// nothing looks the same as an account in which all was deleted, and its fetches can be wrong for
/// the same reason.
const BELIEVED_OF_EMPTY: u64 = 1;

impl Sweeper {
    /// The ids that the sweep did not see and that are not exempt.
    pub(super) async fn suspects(
        &self,
        rule: &KindRule,
        state: &SweepState,
        report: &mut SweepReport,
    ) -> Result<Vec<String>, Error> {
        let mut suspects = Vec::new();
        let mut after: Option<String> = None;
        loop {
            let rows = self.context.store.suspects_page(&rule.name, after.as_deref(), ROWS).await?;
            let Some(last) = rows.last() else { break };
            after = Some(last.id.clone());
            let read = rows.len();
            let old: Vec<ObservedRow> =
                rows.into_iter().filter(|row| !is_young(rule, row, state.started_ms)).collect();
            report.young += count(read.saturating_sub(old.len()));
            let restricted = self
                .deletions
                .restricted(rule, &old, state.confidential > 0, Priority::Backfill)
                .await?;
            report.hidden += count(restricted.len());
            suspects
                .extend(old.into_iter().map(|row| row.id).filter(|id| !restricted.contains(id)));
        }
        report.suspected = count(suspects.len());
        Ok(suspects)
    }

    /// Why the sweep has too many suspects to be confirmed.
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
        if state.rows == 0 && suspected > BELIEVED_OF_EMPTY && options.brake_per_mille < ALL {
            return Ok(Some(format!(
                "{kind}: the list was empty, and {suspected} records are known; nothing is taken \
                 for deleted. Look whether the credential may still see them; if they were \
                 deleted, sweep again with `SweepOptions::force`"
            )));
        }
        let counts = self.context.store.observed_counts().await?;
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
}

/// Whether the record was ingested so late that reads from `since_ms` on need not show it yet.
fn is_young(rule: &KindRule, row: &ObservedRow, since_ms: u64) -> bool {
    row.changed_ms.saturating_add(rule.visible_within_ms) >= since_ms
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}
