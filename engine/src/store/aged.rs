//! Decides which ended intents are too old to keep. Pure; all stores share it.
//!
//! The engine reads ended intents for four purposes, and this module keeps what they need:
//! - A write that was refused or abandoned is not sent again while its desired record is unchanged
//!   ([`crate::journal::may_leave`]). So an intent of the present generation stays, unless a newer
//!   one of its path and operation was applied to the same target.
//! - A write that was answered as done and never showed counts as well. While the link of its path
//!   has such a mark, every intent of the present generation stays.
//! - What was sent lately need not show yet. The caller gives an age that exceeds every delay.
//! - A person reads the history. It ends with the age.
//!
//! Only the oldest intents of a path and operation go, so that no row is missing between two that
//! are counted. Left out: an event that names its intent keeps the number alone.

use crate::journal::{Intent, IntentState};
use crate::link::LinkRow;
use crate::path;

/// Intents that one transaction of a store looks at: more would delay other writers.
pub(crate) const TRIM_INTENTS_MAX: usize = 1_000;

/// How many of the first intents of a path and operation may go. `oldest_first`: all of them.
/// `held`: the generation of the desired record, if there is one. `link`: of the path.
pub(crate) fn removable(
    oldest_first: &[Intent],
    held: Option<u64>,
    link: Option<&LinkRow>,
    before_ms: u64,
) -> usize {
    let has_marks = link.is_some_and(LinkRow::has_marks);
    let mut newer = oldest_first;
    let mut is_removable = |intent: &&Intent| {
        newer = newer.get(1..).unwrap_or_default();
        let is_old = intent.changed.wall_ms < before_ms && intent.last_sent.wall_ms < before_ms;
        let is_present =
            path::is_shared(&intent.path) || held.is_some_and(|held| held <= intent.generation);
        let is_counted = is_present && (has_marks || blocks(intent, newer));
        !intent.state.is_open() && is_old && !is_counted
    };
    oldest_first.iter().take_while(|intent| is_removable(intent)).count()
}

/// Whether an ended intent of the present generation decides about the next write.
fn blocks(intent: &Intent, newer: &[Intent]) -> bool {
    let ends_it = |newer: &Intent| {
        matches!(newer.state, IntentState::Applied { .. }) && newer.target == intent.target
    };
    match intent.state {
        IntentState::Applied { .. } | IntentState::NotSent { .. } => false,
        _ => !newer.iter().any(ends_it),
    }
}
