//! Gaps in the serials of a feed: what a store does not know that was restored from a backup.
//!
//! After the backup the feed went on, and readers may have read events that the restored store does
//! not have. If it gave their serials out again, such a reader would miss the new events in silence
//! as soon as the feed has passed its offset. So a restore leaves a gap: the next event gets a
//! serial above every one that was given out, and a reader whose offset is within the gap gets an
//! error to read the records again.
//!
//! The end of a gap is the time of the restore in milliseconds, since the backup is older, and a
//! feed gives out fewer serials than a thousand a second in the long run. So the end is above the
//! serials of every feed that came of the same store before, also of one that was itself restored.
//!
//! Bounds: one row for each restore of the file. Left out: events that were lost with the old
//! store; nothing has them.

use super::place::Place;
use super::tables::{Bytes, Tables, counter, counters_in, number_value};
use crate::store::StoreError;
use redb::ReadableTable;

const GROUP: &str = "gap";

/// Leaves a gap behind the newest event. Returns its end, which is the newest serial from now on.
pub(super) fn open(
    tables: &mut Tables<'_>,
    connection: &Place,
    last: u64,
    now_ms: u64,
) -> Result<u64, StoreError> {
    let end = last.saturating_add(1).max(now_ms);
    tables.counters.put(&counter(connection, GROUP, &last.to_string()), &number_value(end))?;
    Ok(end)
}

/// Carries the gaps over to another number of the connection.
pub(super) fn carry(tables: &mut Tables<'_>, from: &Place, to: &Place) -> Result<(), StoreError> {
    for (begin, end) in counters_in(tables.counters.rows(), from, GROUP)? {
        tables.counters.put(&counter(to, GROUP, &begin), &number_value(end))?;
    }
    Ok(())
}

/// Refuses a reader whose offset is within a gap.
///
/// # Errors
/// [`StoreError::ChangesAhead`], whose `last` is the last event before the gap.
pub(super) fn refuse(
    counters: &impl ReadableTable<Bytes, Bytes>,
    connection: &Place,
    at: u64,
) -> Result<(), StoreError> {
    for (begin, end) in counters_in(counters, connection, GROUP)? {
        let last = begin.parse().map_err(|_| crate::store::codec::damaged("a counter"))?;
        if last < at && at < end {
            return Err(StoreError::ChangesAhead { last, at });
        }
    }
    Ok(())
}
