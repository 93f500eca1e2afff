//! Long writes, and which of their pages the file has already.
//!
//! A commit with quick repair writes the list of free pages as one row, which takes a bit or two
//! for each page of the file: 256 KB for a file of four gigabytes. redb writes it to one of few
//! places in turn, and almost all of its pages equal those that the place holds. So the sums of the
//! pages of long writes are remembered, and a page that is written again as it is is left out. A
//! small commit then costs the disk the same in a large file as in a small one.
//!
//! # Why that is safe
//! A page is left out only if this process wrote the same bytes to the same place and nothing else
//! since; the file is locked, so no other process writes. A sync that follows covers the earlier
//! write too. After an error, and when the length changes, everything is forgotten.
//!
//! # Bounds
//! [`PLACES_MAX`] places, eight bytes a page. Two different pages have the same sum by chance once
//! in 2^64; the sum is seeded with the file's random number.

use std::collections::VecDeque;

/// Pages of a write from which on it is long. Rows of that size are rare but for the free pages.
pub(super) const LONG: usize = 8;
/// Places that are remembered. redb alternates between two or three.
const PLACES_MAX: usize = 8;

/// The sums of the pages of the last long writes.
#[derive(Debug, Default)]
pub(super) struct Repeats(VecDeque<(u64, Vec<u64>)>);

impl Repeats {
    /// Which pages of a write, from `first` on, the file does not have yet. The place is forgotten
    /// until [`Self::wrote`].
    pub(super) fn changed(&mut self, first: u64, sums: &[u64]) -> Vec<bool> {
        let held = self.take(first, sums.len());
        let held = held.filter(|(at, held)| *at == first && held.len() == sums.len());
        match held {
            Some((_, held)) => held.iter().zip(sums).map(|(held, sum)| held != sum).collect(),
            None => vec![true; sums.len()],
        }
    }

    /// The file has these pages from now on.
    pub(super) fn wrote(&mut self, first: u64, sums: Vec<u64>) {
        if sums.len() < LONG {
            return;
        }
        self.0.truncate(PLACES_MAX.saturating_sub(1));
        self.0.push_front((first, sums));
    }

    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// Removes every place that a write touches, and returns the last one of them.
    fn take(&mut self, first: u64, pages: usize) -> Option<(u64, Vec<u64>)> {
        let end = |first: u64, pages: usize| {
            first.saturating_add(u64::try_from(pages).unwrap_or(u64::MAX))
        };
        let mut taken = None;
        for at in (0..self.0.len()).rev() {
            let touched = self.0.get(at).is_some_and(|(held, sums)| {
                *held < end(first, pages) && first < end(*held, sums.len())
            });
            if touched {
                taken = self.0.remove(at);
            }
        }
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::{LONG, PLACES_MAX, Repeats};

    fn sums(of: u64) -> Vec<u64> {
        (0..LONG as u64).map(|page| of * 100 + page).collect()
    }

    fn write(repeats: &mut Repeats, first: u64, sums: Vec<u64>) -> usize {
        let changed = repeats.changed(first, &sums);
        repeats.wrote(first, sums);
        changed.into_iter().filter(|changed| *changed).count()
    }

    #[test]
    fn only_pages_that_differ_from_the_same_place_are_written_again() {
        let mut repeats = Repeats::default();
        assert_eq!(write(&mut repeats, 8, sums(1)), LONG);
        assert_eq!(write(&mut repeats, 64, sums(1)), LONG, "another place");
        assert_eq!(write(&mut repeats, 8, sums(1)), 0);
        let mut other = sums(1);
        other[3] = 7;
        assert_eq!(write(&mut repeats, 8, other), 1);
    }

    #[test]
    fn a_place_that_another_write_touched_is_written_as_a_whole() {
        let mut repeats = Repeats::default();
        write(&mut repeats, 8, sums(1));
        write(&mut repeats, 10, vec![5]);
        assert_eq!(write(&mut repeats, 8, sums(1)), LONG);
        write(&mut repeats, 4, sums(2));
        assert_eq!(write(&mut repeats, 8, sums(1)), LONG, "half of it");
        repeats.clear();
        assert_eq!(write(&mut repeats, 8, sums(1)), LONG);
    }

    #[test]
    fn a_short_write_and_one_that_failed_are_not_remembered() {
        let mut repeats = Repeats::default();
        assert_eq!(write(&mut repeats, 8, vec![1]), 1);
        assert_eq!(write(&mut repeats, 8, vec![1]), 1);
        write(&mut repeats, 64, sums(1));
        repeats.changed(64, &sums(1));
        assert_eq!(write(&mut repeats, 64, sums(1)), LONG, "it was not said to be written");
    }

    #[test]
    fn few_places_are_remembered() {
        let mut repeats = Repeats::default();
        for place in 0..100 {
            write(&mut repeats, place * 1_000, sums(1));
        }
        assert_eq!(repeats.0.len(), PLACES_MAX);
    }
}
