//! Spreads connections that have the same cron expression.
//!
//! Each connection, kind and purpose has one delay, a hash of their names below the jitter that the
//! host allows. A random delay would make the intervals of one connection uneven, and a restart
//! would change it. An expression with seconds asks for its second and is not delayed
//! ([`super::cron`]).
//!
//! Bounds: [`JITTER_MAX_MS`]. Left out: what was never pulled; it is due at once, and the rate
//! budget of its ATS bounds it.

use twox_hash::XxHash3_64;

/// The longest jitter, an hour: a longer one would leave open in which hour a kind is pulled.
pub(super) const JITTER_MAX_MS: u64 = 3_600_000;

/// How much later than its times one schedule of a connection is due, less than `jitter_ms`.
pub(super) fn delay_ms(connection: &str, purpose: &str, kind: &str, jitter_ms: u64) -> u64 {
    // A separator that no name has, so that no two rows of names are one text.
    let hash = XxHash3_64::oneshot(format!("{connection}\n{purpose}\n{kind}").as_bytes());
    hash.checked_rem(jitter_ms.min(JITTER_MAX_MS)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::{JITTER_MAX_MS, delay_ms};
    use std::collections::BTreeMap;

    #[test]
    fn a_thousand_connections_of_one_expression_do_not_start_in_the_same_second() {
        let mut by_second: BTreeMap<u64, usize> = BTreeMap::new();
        for number in 0..1_000 {
            let delay_ms = delay_ms(&format!("customer-{number}"), "pull", "jobs", 60_000);
            assert!(delay_ms < 60_000);
            *by_second.entry(delay_ms / 1_000).or_default() += 1;
        }
        let busiest = by_second.values().max().unwrap();
        assert!(by_second.len() == 60 && *busiest < 40, "{by_second:?}");
    }

    #[test]
    fn a_delay_stays_the_same_and_is_bounded() {
        assert_eq!(delay_ms("acme", "pull", "jobs", 0), 0);
        let day_ms = 24 * JITTER_MAX_MS;
        assert!(delay_ms("acme", "pull", "jobs", day_ms) < JITTER_MAX_MS);
        // Written down: a change of the hash would move every schedule at an update.
        assert_eq!(delay_ms("acme", "pull", "jobs", 60_000), 9_253);
    }
}
