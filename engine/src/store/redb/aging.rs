//! Removes ended intents that are too old to keep, some at a time.
//!
//! The intents are numbered in the order in which they began, so the walk ends at the first one
//! that began too late. Which of them may go is decided by path and operation, with all their
//! intents.
//!
//! Bounds: [`TRIM_INTENTS_MAX`] intents are removed in one transaction; those of their paths are
//! read. Left out: what may go; see
//! [`crate::store::aged`].

use super::desired;
use super::journal;
use super::place::Place;
use super::tables::{Tables, from_json, get};
use crate::journal::IntentId;
use crate::path;
use crate::store::StoreError;
use crate::store::aged::{TRIM_INTENTS_MAX, removable};
use std::collections::BTreeMap;

/// One turn of the walk.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Turn {
    /// Intents that were removed.
    pub(super) removed: u64,
    /// The number after which the next turn begins; none when nothing older is left.
    pub(super) after: Option<IntentId>,
}

/// Takes one turn. See [`crate::store::Journal::trim_intents`].
pub(super) fn trim(
    tables: &mut Tables<'_>,
    connection: &Place,
    after: IntentId,
    before_ms: u64,
) -> Result<Turn, StoreError> {
    let mut operations: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let (mut seen, mut is_over, mut last) = (0, false, after);
    journal::each_after(tables, connection, after, TRIM_INTENTS_MAX, |intent| {
        seen += 1;
        last = intent.id;
        is_over = is_over || intent.first_sent.wall_ms >= before_ms;
        let of_path = operations.entry(intent.path).or_default();
        if !is_over && !intent.state.is_open() && !of_path.contains(&intent.operation) {
            of_path.push(intent.operation);
        }
    })?;
    let mut removed = 0_u64;
    for (path, operations) in operations.iter().filter(|(_, operations)| !operations.is_empty()) {
        let held = desired::generation(tables, connection, path::key(path))?;
        let link = get(tables.links.rows(), &connection.key().text(path))?
            .map(|value| from_json(value.value(), "a link"))
            .transpose()?;
        let all = journal::of_path(tables, connection, path)?;
        for operation in operations {
            let of_it = all.iter().filter(|intent| intent.operation == *operation);
            let of_it: Vec<_> = of_it.cloned().collect();
            let held = held.map(|(generation, _)| generation);
            let old = removable(&of_it, held, link.as_ref(), before_ms);
            // Those after the walk belong to its next turn.
            for intent in of_it.iter().take(old).take_while(|intent| intent.id <= last) {
                journal::remove(tables, connection, intent)?;
                removed = removed.saturating_add(1);
            }
        }
    }
    let after = (!is_over && seen == TRIM_INTENTS_MAX).then_some(last);
    Ok(Turn { removed, after })
}
