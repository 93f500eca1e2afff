//! The trail of a walk: detects pages that lead in a circle.
//!
//! A cursor that occurs again leads where the walk has been: the ATS or the adapter names pages in
//! a circle, whatever its length. Cursors are kept as hashes. The first [`CURSORS_MAX`] of a walk
//! are all kept; beyond, one of them is, moved on at every doubling of the walk (Brent's method),
//! which finds a circle within some times its length. A walk that names new cursors for ever and
//! shows nothing new ends by [`EMPTY_MAX`] and [`REPEATED_MAX`].
//!
//! Bounds: two megabytes for a walk. Left out: what the end of a walk means; see [`super::pull`]
//! and the sweeper.

use crate::adapter::AdapterError;
use atsync_model::contract::Page;
use sha2::{Digest, Sha256};
use std::collections::HashSet;

/// Cursors that are all remembered: 32 million records at 500 a page.
const CURSORS_MAX: usize = 65_536;

/// Pages without a record in a row. A page may be empty and have a next one where rows are filtered
/// out; so many may not.
const EMPTY_MAX: u32 = 1_000;

/// Pages that show exactly the records of an earlier page. Rows that move while the walk goes on
/// can do it once: as many as a page holds moved between two requests.
const REPEATED_MAX: u32 = 1;

/// Why a walk never ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Endless {
    /// A cursor occurred again.
    Circle,
    /// Page after page without a record.
    Empty,
    /// The same records page after page.
    Repeated,
}

impl Endless {
    /// The same as a fault of the adapter, for code.
    pub(crate) fn fault(self) -> AdapterError {
        match self {
            Self::Circle | Self::Repeated => AdapterError::Circle,
            Self::Empty => {
                AdapterError::Limit(format!("pages without a record in a row: {EMPTY_MAX}"))
            }
        }
    }

    /// The sentence that follows the name of the kind.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Circle => {
                "its pages name each other in a circle: a cursor came up again that the pass had \
                 followed before"
            }
            Self::Empty => "page after page has no record and names a next one",
            Self::Repeated => "page after page shows the same records",
        }
    }
}

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Trail {
    cursors: HashSet<u64>,
    contents: HashSet<u64>,
    /// Beyond [`CURSORS_MAX`]: the cursor to compare with, and after how many pages it moves on.
    mark: Option<(u64, u64)>,
    pages: u64,
    empty: u32,
    repeated: u32,
}

impl Trail {
    /// A trail that begins behind this cursor.
    pub(crate) fn from(cursor: Option<&[u8]>) -> Self {
        let mut trail = Self::default();
        if let Some(cursor) = cursor {
            trail.cursors.insert(hash(&[cursor]));
        }
        trail
    }

    /// Records a page before its next one is requested.
    ///
    /// # Errors
    /// Why the walk must end.
    pub(crate) fn page(&mut self, page: &Page) -> Result<(), Endless> {
        self.pages = self.pages.saturating_add(1);
        self.empty = if page.items.is_empty() { self.empty.saturating_add(1) } else { 0 };
        if self.empty > EMPTY_MAX {
            return Err(Endless::Empty);
        }
        let ids: Vec<&[u8]> = page.items.iter().map(|item| item.id.as_bytes()).collect();
        if !ids.is_empty() && !remember(&mut self.contents, hash(&ids)) {
            self.repeated = self.repeated.saturating_add(1);
        }
        if self.repeated > REPEATED_MAX {
            return Err(Endless::Repeated);
        }
        match &page.next {
            Some(next) => self.follow(hash(&[next])),
            None => Ok(()),
        }
    }

    fn follow(&mut self, cursor: u64) -> Result<(), Endless> {
        if self.mark.is_some_and(|(mark, _)| mark == cursor) || !remember(&mut self.cursors, cursor)
        {
            return Err(Endless::Circle);
        }
        if self.cursors.len() >= CURSORS_MAX
            && self.mark.is_none_or(|(_, until)| self.pages >= until)
        {
            self.mark = Some((cursor, self.pages.saturating_mul(2)));
        }
        Ok(())
    }
}

/// Keeps a hash while there is room. Returns whether it is new.
fn remember(known: &mut HashSet<u64>, hash: u64) -> bool {
    if known.contains(&hash) {
        return false;
    }
    if known.len() < CURSORS_MAX {
        known.insert(hash);
    }
    true
}

/// The first bytes of a digest: two of a million cursors share them once in ten million walks.
fn hash(parts: &[&[u8]]) -> u64 {
    let mut digest = Sha256::new();
    for part in parts {
        digest.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        digest.update(part);
    }
    digest.finalize().iter().take(8).fold(0, |number, byte| (number << 8) | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::{CURSORS_MAX, EMPTY_MAX, Endless, REPEATED_MAX, Trail};
    use atsync_model::contract::{Item, Page};

    /// More pages than any walk of these tests takes.
    const WALKED_MAX: u64 = 4_000_000;

    fn page(ids: &[u64], next: u64) -> Page {
        let item = |id: &u64| Item {
            kind: "jobs".into(),
            id: id.to_string(),
            version: None,
            mask: 0,
            body: "{}".into(),
            raw: None,
        };
        let next = Some(next.to_be_bytes().to_vec());
        Page {
            items: ids.iter().map(item).collect(),
            masks: Vec::new(),
            next,
            checkpoint: None,
            complete: false,
        }
    }

    /// How many pages are walked when `tail` pages lead into a circle of `length`.
    fn walked(tail: u64, length: u64) -> u64 {
        let mut trail = Trail::default();
        // A trail that finds no circle fails here instead of walking for ever.
        for step in 1..=WALKED_MAX {
            let next = if step < tail { step } else { tail + (step - tail) % length };
            match trail.page(&page(&[step], next)) {
                Ok(()) => {}
                Err(Endless::Circle) => return step,
                Err(other) => panic!("{other:?}"),
            }
        }
        panic!("{WALKED_MAX} pages were walked, and no circle was found")
    }

    #[test]
    fn a_circle_of_any_length_ends_the_walk_when_a_cursor_comes_up_again() {
        for (tail, length) in [(1, 1), (1, 2), (1, 3), (5, 7), (100, 1_000)] {
            assert_eq!(
                walked(tail, length),
                tail + length,
                "{tail} pages into a circle of {length}"
            );
        }
    }

    #[test]
    fn a_circle_beyond_what_is_remembered_ends_the_walk_too() {
        let tail = CURSORS_MAX as u64 + 1_000;
        assert!(walked(tail, 300_000) <= 4 * (tail + 300_000));
    }

    #[test]
    fn a_resumed_walk_knows_the_cursor_that_it_began_with() {
        let mut trail = Trail::from(Some(&7_u64.to_be_bytes()));
        assert_eq!(trail.page(&page(&[1], 7)), Err(Endless::Circle));
    }

    #[test]
    fn ever_new_cursors_do_not_hide_a_walk_that_shows_nothing_new() {
        let mut trail = Trail::default();
        let ended = (0..WALKED_MAX)
            .find_map(|next| trail.page(&page(&[], next)).err().map(|why| (why, next)));
        assert_eq!(ended, Some((Endless::Empty, u64::from(EMPTY_MAX))));
        let mut trail = Trail::default();
        let ended = (0..WALKED_MAX)
            .find_map(|next| trail.page(&page(&[1, 2], next)).err().map(|why| (why, next)));
        assert_eq!(ended, Some((Endless::Repeated, u64::from(REPEATED_MAX) + 1)));
    }
}
