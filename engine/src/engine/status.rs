//! The status of a connection, from the store alone.
//!
//! Bounds: 500 records and problems are listed; [`STATUS_ROWS`] desired records are read for them,
//! and the rest are counted as not read.

use super::Connection;
use crate::error::Error;
use crate::heartbeat::LoopStatus;
use crate::reason::ConditionType;
use crate::reconcile::is_exhausted;
use crate::store::{DesiredRow, Hold, ProblemRow, ScanState, SweepPhase, SweepState};
use crate::sunset::SunsetWarning;
use serde::Serialize;
use std::collections::BTreeMap;

/// Records, and problems, that a status names at most, and records of one read.
const SAID_ROWS: usize = 500;
/// Desired records that one status reads at most to find those that are not in step. Arbitrary:
/// tens of milliseconds.
const STATUS_ROWS: u64 = 5_000;

/// The status of a connection.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Status {
    /// Its name.
    pub connection: String,
    /// The adapter and its version.
    pub adapter: String,
    /// SHA-256 of the adapter's component; none for an adapter that is linked in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub component: Option<String>,
    /// Observed records by kind.
    pub observed: BTreeMap<String, u64>,
    /// Desired records.
    pub desired: u64,
    /// Of those, the ones that the next plan includes.
    pub dirty: u64,
    /// Intents by state.
    pub intents: BTreeMap<String, u64>,
    /// When the last complete pass of each kind ended, in milliseconds.
    pub pulled_ms: BTreeMap<String, u64>,
    /// Kinds with an unfinished pass.
    pub unfinished: Vec<String>,
    /// Unfinished sweeps, by kind.
    pub sweeps: BTreeMap<String, SweepStatus>,
    /// When the next write in doubt is due for a probe, where a probe may settle one.
    pub next_look_ms: Option<u64>,
    /// Since when the writes of the connection are paused, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub writes_paused_ms: Option<u64>,
    /// Writes that wait for a person: those in doubt that no probe decides, and one for each record
    /// of `not_in_step` that was refused or ignored as often as the engine sends it.
    pub waiting_for_person: u64,
    /// The serial of the newest change.
    pub changes_last: u64,
    /// Desired records that are not in step, at most 500: key and reason. Those that the next plan
    /// includes come first.
    pub not_in_step: BTreeMap<String, String>,
    /// Desired records that this status did not read, to keep it cheap: `not_in_step` leaves them
    /// out.
    #[serde(skip_serializing_if = "is_zero")]
    pub not_in_step_unread: u64,
    /// Rows and members that could not be read when they were last shown, at most 500. Each stays
    /// until it is read.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<ProblemRow>,
    /// A warning that the clocks of this machine and of the ATS differ, by the last answer of this
    /// process.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clocks: Option<String>,
    /// The ends that the vendor has announced of what the adapter uses, from 180 days before.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sunsets: Vec<SunsetWarning>,
    /// The loops of the connection, and those of all connections, that are late: they hang.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub late: Vec<LoopStatus>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// Why a desired record is not in step; none for one that is.
fn said_of_not_in_step(row: &DesiredRow) -> Option<String> {
    let (status, synced) = (&row.status, ConditionType::Synced);
    let is_current = status.observed_generation == row.generation;
    let in_step =
        status.conditions.iter().any(|condition| condition.kind == synced && condition.status);
    if in_step && is_current {
        return None;
    }
    let others = status.conditions.iter().filter(|condition| !in_step && condition.kind != synced);
    let said = others.chain(status.conditions.iter().filter(|condition| !condition.status)).next();
    Some(said.map_or_else(|| "not planned yet".to_owned(), |condition| condition.message.clone()))
}

/// Desired records that are not in step.
#[derive(Default)]
struct NotInStep {
    /// Key and reason of each.
    said: BTreeMap<String, String>,
    /// How many of them were sent as often as the engine sends them.
    spent: u64,
    /// Records that were not read.
    unread: u64,
}

impl NotInStep {
    fn take(&mut self, row: DesiredRow) {
        let Some(said) = said_of_not_in_step(&row) else { return };
        let is_exhausted =
            row.status.observed_generation == row.generation && is_exhausted(&row.status);
        if self.said.insert(row.key, said).is_none() {
            self.spent = self.spent.saturating_add(u64::from(is_exhausted));
        }
    }
}

/// The status of an unfinished sweep.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct SweepStatus {
    /// When it began.
    pub started_ms: u64,
    /// Rows that it has seen.
    pub rows: u64,
    /// Why it is held, and since when.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub held: Option<Hold>,
}

impl Connection {
    /// The first records that are not in step. No index has them, so the search has a bound.
    async fn not_in_step(&self, desired: u64) -> Result<NotInStep, Error> {
        let work = self.work()?;
        let store = &work.context.store;
        let mut found = NotInStep::default();
        store.dirty_page(None, SAID_ROWS).await?.into_iter().for_each(|row| found.take(row));
        let (mut after, mut read) = (None, 0_u64);
        while read < STATUS_ROWS && found.said.len() < SAID_ROWS {
            let rows = store.desired_page(after.as_deref(), SAID_ROWS).await?;
            let Some(last) = rows.last() else { return Ok(found) };
            after = Some(last.key.clone());
            for row in rows {
                if found.said.len() >= SAID_ROWS {
                    break;
                }
                read = read.saturating_add(1);
                found.take(row);
            }
        }
        Ok(NotInStep { unread: desired.saturating_sub(read), ..found })
    }

    fn loops_late(&self) -> Vec<LoopStatus> {
        let is_here = |one: &LoopStatus| {
            one.connection.as_deref().is_none_or(|connection| connection == self.name())
        };
        self.heartbeats.loops().into_iter().filter(|one| one.is_late && is_here(one)).collect()
    }

    /// The status of the connection. Reads the store only.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Store`].
    pub async fn status(&self) -> Result<Status, Error> {
        let reconciler = self.work()?;
        let (store, name) = (&reconciler.context.store, reconciler.context.name.as_str());
        let manifest = self.manifest();
        let (desired, dirty) = store.desired_counts().await?;
        let scans: Vec<(String, Option<String>, ScanState)> = store.scan_states().await?;
        let not_in_step = self.not_in_step(desired).await?;
        let mut sweeps = BTreeMap::new();
        for kind in &manifest.kinds {
            let Some(state) = store.sweep_state(&kind.name).await? else { continue };
            if !matches!(state.phase, SweepPhase::Ended { .. }) {
                let SweepState { started_ms, rows, held, .. } = state;
                sweeps.insert(kind.name.clone(), SweepStatus { started_ms, rows, held });
            }
        }
        Ok(Status {
            connection: name.to_owned(),
            adapter: format!("{} {}", manifest.name, manifest.version),
            component: self.component().map(str::to_owned),
            observed: store.observed_counts().await?.into_iter().collect(),
            desired,
            dirty,
            intents: store.intent_counts().await?.into_iter().collect(),
            pulled_ms: scans
                .iter()
                .filter_map(|(kind, _, state)| Some((kind.clone(), state.completed_ms?)))
                .collect(),
            unfinished: scans
                .iter()
                .filter(|(_, _, state)| state.pass.is_some())
                .map(|(kind, _, _)| kind.clone())
                .collect(),
            sweeps,
            next_look_ms: reconciler.settler.next_probe_ms().await?,
            writes_paused_ms: store.connection().await?.and_then(|row| row.writes_paused_ms),
            waiting_for_person: reconciler
                .settler
                .blocked_intents()
                .await?
                .saturating_add(not_in_step.spent),
            changes_last: store.changes_last().await?,
            not_in_step: not_in_step.said,
            not_in_step_unread: not_in_step.unread,
            problems: store.problems(None, SAID_ROWS).await?,
            clocks: reconciler.ingest.clocks().warning(),
            sunsets: SunsetWarning::all(manifest, reconciler.context.clock.now_ms()),
            late: self.loops_late(),
        })
    }
}
