//! The changes of one lane that were not accepted yet, and those that wait behind them. Pure.
//!
//! A change waits for every earlier one of the same record. It is known by its serial; what it says
//! is read again for each attempt.

use super::schedule::{delay_ms, is_over};
use super::standing::Failure;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Changes that a lane holds.
pub(super) const HELD_MAX: usize = 100;

/// What is known of a change while it is sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Brief {
    pub(super) serial: u64,
    pub(super) at_ms: u64,
    /// The records that it is about, as kind and id: two when one became the other.
    pub(super) records: Vec<(String, String)>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Row {
    brief: Brief,
    failures: u32,
    /// When it failed first.
    since_ms: Option<u64>,
    due_ms: u64,
}

/// The held changes.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Held(BTreeMap<u64, Row>);

fn share(one: &Brief, other: &Brief) -> bool {
    one.records.iter().any(|record| other.records.contains(record))
}

impl Held {
    /// Gives each change its whole time again, as after the endpoint was enabled.
    pub(super) fn begin_anew(&mut self) {
        for row in self.0.values_mut() {
            (row.failures, row.since_ms, row.due_ms) = (0, None, 0);
        }
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn is_full(&self) -> bool {
        self.0.len() >= HELD_MAX
    }

    /// The first change that was not accepted.
    pub(super) fn first(&self) -> Option<&Brief> {
        self.0.values().next().map(|row| &row.brief)
    }

    /// Whether a change has to wait for one that is held.
    pub(super) fn blocks(&self, brief: &Brief) -> bool {
        self.0.values().any(|row| share(&row.brief, brief))
    }

    /// Holds a change that waits for another one.
    pub(super) fn hold(&mut self, brief: Brief) {
        let row = Row { brief, failures: 0, since_ms: None, due_ms: 0 };
        self.0.insert(row.brief.serial, row);
    }

    /// Holds a change that was not accepted. Whether it is given up.
    pub(super) fn failed(
        &mut self,
        brief: &Brief,
        failure: &Failure,
        (now_ms, random): (u64, u64),
    ) -> bool {
        let new = || Row { brief: brief.clone(), failures: 0, since_ms: None, due_ms: 0 };
        let row = self.0.entry(brief.serial).or_insert_with(new);
        row.failures = row.failures.saturating_add(1);
        row.due_ms = now_ms.saturating_add(delay_ms(row.failures, random, failure.asked_ms));
        is_over(*row.since_ms.get_or_insert(now_ms), now_ms)
    }

    /// A change was accepted, erased or given up. Whether it was held.
    pub(super) fn release(&mut self, serial: u64) -> bool {
        self.0.remove(&serial).is_some()
    }

    /// Those that wait for no other one.
    fn leading(&self) -> impl Iterator<Item = &Row> {
        self.0.values().filter(|row| {
            let before = self.0.range(..row.brief.serial);
            !before.map(|(_, row)| row).any(|other| share(&other.brief, &row.brief))
        })
    }

    /// The first one to try now.
    pub(super) fn due(&self, now_ms: u64) -> Option<Brief> {
        self.leading().find(|row| row.due_ms <= now_ms).map(|row| row.brief.clone())
    }

    /// When the next one is to be tried.
    pub(super) fn next_ms(&self) -> Option<u64> {
        self.leading().map(|row| row.due_ms).min()
    }
}

#[cfg(test)]
mod tests {
    use super::super::standing::{Failure, Reason};
    use super::{Brief, HELD_MAX, Held};

    fn brief(serial: u64, ids: &[&str]) -> Brief {
        let record = |id: &&str| ("candidates".to_owned(), (*id).to_owned());
        Brief { serial, at_ms: serial, records: ids.iter().map(record).collect() }
    }

    fn failure() -> Failure {
        Failure { reason: Reason::Status, status: Some(500), asked_ms: None, detail: String::new() }
    }

    #[test]
    fn later_changes_of_a_record_wait_for_the_first_and_go_in_order() {
        let mut held = Held::default();
        assert!(!held.failed(&brief(3, &["a"]), &failure(), (0, 0)));
        assert!(held.blocks(&brief(4, &["a"])) && !held.blocks(&brief(4, &["b"])));
        held.hold(brief(4, &["a", "b"]));
        assert!(held.blocks(&brief(5, &["b"])), "b became a, so b waits as well");
        held.hold(brief(5, &["b"]));
        assert_eq!((held.due(0), held.len()), (None, 3));
        let due_ms = held.next_ms().unwrap();
        for serial in 3..=5 {
            assert_eq!(held.first().unwrap().serial, serial);
            assert_eq!(held.due(due_ms).unwrap().serial, serial);
            assert!(held.release(serial));
        }
        assert_eq!((held.due(u64::MAX), held.next_ms(), held.len()), (None, None, 0));
    }

    #[test]
    fn a_change_is_given_up_after_three_days() {
        let mut held = Held::default();
        let (mut now_ms, mut attempts) = (5, 1);
        while !held.failed(&brief(1, &["a"]), &failure(), (now_ms, attempts)) {
            now_ms = held.next_ms().unwrap();
            attempts += 1;
        }
        assert!(attempts > 10 && now_ms >= 3 * 24 * 60 * 60 * 1_000, "{attempts} {now_ms}");
    }

    #[test]
    fn a_lane_holds_so_many() {
        let mut held = Held::default();
        for serial in 0..u64::try_from(HELD_MAX).unwrap() {
            assert!(!held.is_full());
            held.hold(brief(serial, &["a"]));
        }
        assert!(held.is_full());
    }
}
