//! The notices of loops that hang, for operators: one when a loop is late, one when it acts again.
//! Pure.
//!
//! A loop that hangs ends no round, so the notices of rounds ([`super::notices`]) say nothing of
//! it. Left out: where a notice goes; the condition that shows it meanwhile ([`super::health`]).

use atsync::LoopStatus;
use std::collections::BTreeMap;

/// A loop: its name, and the connection that it works for; none if it works for all.
type Of = (&'static str, Option<String>);

/// A notice for operators.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum LoopNotice {
    /// A loop is late.
    Late {
        /// Its name.
        name: &'static str,
        /// The connection that it works for.
        connection: Option<String>,
        /// How long ago it last acted.
        age_ms: u64,
    },
    /// A loop that was late acts again, or has ended.
    Recovered {
        /// Its name.
        name: &'static str,
        /// The connection that it works for.
        connection: Option<String>,
        /// For how long it was late, as far as it was seen.
        lasted_ms: u64,
    },
}

/// The loops that are late, each since when.
#[derive(Debug, Default)]
pub(super) struct LateLoops(BTreeMap<Of, u64>);

impl LateLoops {
    /// Takes how the loops are, and returns the notices that it causes.
    pub(super) fn look(&mut self, loops: &[LoopStatus], now_ms: u64) -> Vec<LoopNotice> {
        let late = loops.iter().filter(|one| one.is_late);
        let mut late: BTreeMap<Of, &LoopStatus> =
            late.map(|one| ((one.name, one.connection.clone()), one)).collect();
        let mut notices = Vec::new();
        self.0.retain(|of, since_ms| {
            let goes_on = late.remove(of).is_some();
            if !goes_on {
                let (name, connection) = of.clone();
                let lasted_ms = now_ms.saturating_sub(*since_ms);
                notices.push(LoopNotice::Recovered { name, connection, lasted_ms });
            }
            goes_on
        });
        for ((name, connection), one) in late {
            self.0.insert((name, connection.clone()), one.since_ms);
            notices.push(LoopNotice::Late { name, connection, age_ms: one.age_ms });
        }
        notices
    }
}

#[cfg(test)]
mod tests {
    use super::{LateLoops, LoopNotice};
    use atsync::testing::ManualClock;
    use atsync::{Clock, Engine};
    use std::sync::Arc;

    #[test]
    fn a_loop_that_hangs_makes_one_notice_and_one_when_it_acts_again() {
        let clock = ManualClock::at(1_795_514_400_000);
        let engine = Engine::builder().clock(Arc::<ManualClock>::clone(&clock)).build().unwrap();
        let lanes = [Some("acme"), Some("beta")].map(|name| engine.heartbeat("delivery", name));
        let (connection, name) = (Some("acme".to_owned()), "delivery");
        let mut late = LateLoops::default();
        let mut notices = Vec::new();
        for minute in 0..30 {
            lanes[1].acts_within(60_000);
            if minute == 0 || minute == 20 {
                lanes[0].acts_within(0);
            }
            notices.extend(late.look(&engine.loops(), clock.now_ms()));
            clock.set(clock.now_ms() + 60_000);
        }
        let began = LoopNotice::Late { name, connection: connection.clone(), age_ms: 360_000 };
        let again = LoopNotice::Late { name, connection: connection.clone(), age_ms: 360_000 };
        let over = LoopNotice::Recovered { name, connection, lasted_ms: 15 * 60_000 };
        assert_eq!(notices, [began, over.clone(), again]);
        drop(lanes);
        let last = late.look(&engine.loops(), clock.now_ms());
        assert!(matches!(last[..], [LoopNotice::Recovered { .. }]), "{last:?}");
    }
}
