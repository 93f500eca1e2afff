//! Logs the announced ends of what an adapter uses, once a day and connection.
//!
//! The day of the last line is in the store, so that a process that is restarted often does not
//! repeat it. Left out: which ends are near ([`crate::sunset`]).

use super::due::Times;
use crate::engine::Connection;
use crate::reconcile::Reconciler;
use crate::store::{Note, StoreError};
use crate::sunset::SunsetWarning;

/// The area and the key of the note with the day of the last line.
const AREA: &str = "sunsets";
const LOGGED: &str = "logged";
/// A day in milliseconds.
const DAY_MS: u64 = 86_400_000;

/// The day of the last line.
#[derive(Debug, Default)]
pub(super) struct Sunsets {
    day: Option<u64>,
}

impl Sunsets {
    /// Logs what ends, unless that was done today.
    pub(super) async fn log(
        &mut self,
        connection: &Connection,
        reconciler: &Reconciler,
        now: &Times,
    ) -> Result<(), StoreError> {
        let day = now.wall_ms / DAY_MS;
        // A clock that was set back repeats no line.
        if self.day.is_some_and(|last| last >= day) {
            return Ok(());
        }
        let warnings = SunsetWarning::all(connection.manifest(), now.wall_ms);
        if warnings.is_empty() {
            self.day = Some(day);
            return Ok(());
        }
        let store = &reconciler.context.store;
        let notes = store.notes_page(AREA, None, 1).await?;
        let last = notes.into_iter().find_map(|(_, value)| {
            std::str::from_utf8(&value).ok().and_then(|text| text.parse().ok())
        });
        self.day = Some(last.map_or(day, |last: u64| last.max(day)));
        if last.is_some_and(|last| last >= day) {
            return Ok(());
        }
        store.put_notes(vec![Note::put(AREA, LOGGED, day.to_string().into_bytes())]).await?;
        for warning in warnings {
            tracing::warn!(connection = connection.name(), reason = %warning.reason,
                last_day = warning.last_day, days_left = warning.days_left, "{warning}");
        }
        Ok(())
    }
}
