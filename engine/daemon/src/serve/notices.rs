//! Notices of an outage for operators: that it began and why, and that it is over. Pure.
//!
//! An ATS that flaps, or one cause that fails every kind of a connection, would make a message for
//! each round. So an outage begins with the first failure and lasts until a round succeeded and
//! nothing failed for [`QUIET_MS`]; meanwhile each cause gets one notice. The conditions
//! ([`super::health`]) say at any moment how things are.
//!
//! Bounds: the reasons of an outage are an enum. Left out: where a notice goes.

use super::health::Why;
use atsync::Round;
use std::collections::BTreeSet;

/// How long nothing has failed when an outage is over. Longer than the longest wait of a schedule
/// after a failure (15 minutes), so that a failure that goes on has come again by then.
const QUIET_MS: u64 = 20 * 60_000;

/// A notice for operators.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Notice {
    /// An outage began, or has another cause too.
    Failing {
        /// Its cause.
        why: Why,
        /// The same for people.
        message: String,
    },
    /// An outage is over.
    Recovered {
        /// From its first failure to its last.
        lasted_ms: u64,
    },
}

/// The outage of one connection.
#[derive(Debug)]
struct Outage {
    since_ms: u64,
    last_ms: u64,
    noticed: BTreeSet<Why>,
}

/// The notices of one connection.
#[derive(Debug, Default)]
pub(super) struct Notices(Option<Outage>);

impl Notices {
    /// Takes the end of a round, and returns the notice for operators that it causes.
    pub(super) fn round(&mut self, round: &Round<'_>, now_ms: u64) -> Option<Notice> {
        let Some((error, _)) = round.failure() else {
            let over = self.0.take_if(|outage| now_ms.abs_diff(outage.last_ms) >= QUIET_MS)?;
            let lasted_ms = over.last_ms.saturating_sub(over.since_ms);
            return Some(Notice::Recovered { lasted_ms });
        };
        let fresh = || Outage { since_ms: now_ms, last_ms: now_ms, noticed: BTreeSet::new() };
        let outage = self.0.get_or_insert_with(fresh);
        outage.last_ms = now_ms;
        let why = Why::of(error);
        outage.noticed.insert(why).then(|| Notice::Failing { why, message: error.to_string() })
    }
}

#[cfg(test)]
mod tests {
    use super::{Notice, Notices, Why};
    use atsync::{Error, ErrorKind, PullReport, Round};

    const MINUTE_MS: u64 = 60_000;

    fn failed(notices: &mut Notices, kind: ErrorKind, minute: u64) -> Option<Notice> {
        let error = Error::new(kind, format!("no at {minute}"));
        let round = Round::PullFailed { kind: "jobs", error: &error, wait_ms: 1 };
        notices.round(&round, minute * MINUTE_MS)
    }

    fn succeeded(notices: &mut Notices, minute: u64) -> Option<Notice> {
        notices.round(&Round::Pulled(&PullReport::default()), minute * MINUTE_MS)
    }

    #[test]
    fn an_ats_that_flaps_for_a_day_makes_two_notices() {
        let mut notices = Notices::default();
        let mut notices_so_far = Vec::new();
        for minute in 0..24 * 60 {
            notices_so_far.extend(match minute % 3 {
                0 => failed(&mut notices, ErrorKind::Unavailable, minute),
                _ => succeeded(&mut notices, minute),
            });
        }
        let last = 24 * 60 - 3;
        for minute in 24 * 60..24 * 60 + 120 {
            notices_so_far.extend(succeeded(&mut notices, minute));
        }
        let message = "no at 0".to_owned();
        let failing = Notice::Failing { why: Why::AtsUnavailable, message };
        assert_eq!(notices_so_far, [failing, Notice::Recovered { lasted_ms: last * MINUTE_MS }]);
        assert!(failed(&mut notices, ErrorKind::Unavailable, 9_000).is_some(), "another outage");
    }

    #[test]
    fn each_cause_of_an_outage_gets_one_notice() {
        let mut notices = Notices::default();
        assert!(failed(&mut notices, ErrorKind::Unavailable, 0).is_some());
        assert!(failed(&mut notices, ErrorKind::Auth, 1).is_some());
        assert!(failed(&mut notices, ErrorKind::Unavailable, 2).is_none());
        assert!(failed(&mut notices, ErrorKind::Auth, 3).is_none());
        assert!(succeeded(&mut notices, 4).is_none(), "it may fail again in a moment");
        assert!(succeeded(&mut notices, 23).is_some());
        assert!(succeeded(&mut notices, 50).is_none());
    }

    #[test]
    fn what_never_failed_makes_no_notice() {
        assert_eq!(succeeded(&mut Notices::default(), 100), None);
    }
}
