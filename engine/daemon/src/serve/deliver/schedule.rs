//! When a delivery that failed is tried again. Pure.
//!
//! The delays grow to twelve hours, and a change is given up after three days: the weekend of a
//! receiver's operator. Each delay is up to a fifth shorter or longer, so that the deliveries of
//! many records do not come back at one moment.

const SECOND_MS: u64 = 1_000;
const HOUR_MS: u64 = 3_600 * SECOND_MS;

/// The delays after the first, second, ... failure; the last one from then on.
const DELAYS_MS: [u64; 10] = [
    SECOND_MS,
    5 * SECOND_MS,
    30 * SECOND_MS,
    120 * SECOND_MS,
    600 * SECOND_MS,
    1_800 * SECOND_MS,
    HOUR_MS,
    3 * HOUR_MS,
    6 * HOUR_MS,
    12 * HOUR_MS,
];
/// How long a change is tried, and an endpoint that accepts nothing.
const GIVE_UP_MS: u64 = 72 * HOUR_MS;
/// The longest delay that a receiver may ask for.
const ASKED_MS_MAX: u64 = 12 * HOUR_MS;

/// How long to wait after so many failures in a row.
pub(super) fn delay_ms(failures: u32, random: u64, asked_ms: Option<u64>) -> u64 {
    let at = usize::try_from(failures.saturating_sub(1)).unwrap_or(usize::MAX);
    let delay = DELAYS_MS.get(at).or(DELAYS_MS.last()).copied().unwrap_or(HOUR_MS);
    let spread = delay / 5;
    let within = random.checked_rem(spread.saturating_mul(2).saturating_add(1)).unwrap_or(0);
    let jittered = delay.saturating_sub(spread).saturating_add(within);
    jittered.max(asked_ms.unwrap_or(0).min(ASKED_MS_MAX))
}

/// Whether what fails since a time is given up now.
pub(super) fn is_over(since_ms: u64, now_ms: u64) -> bool {
    now_ms.saturating_sub(since_ms) >= GIVE_UP_MS
}

#[cfg(test)]
mod tests {
    use super::{ASKED_MS_MAX, DELAYS_MS, HOUR_MS, delay_ms, is_over};

    #[test]
    fn delays_grow_to_twelve_hours_and_spread_by_a_fifth() {
        for (at, delay) in DELAYS_MS.iter().enumerate() {
            let failures = u32::try_from(at).unwrap() + 1;
            let (shortest, longest) = (delay - delay / 5, delay + delay / 5);
            assert_eq!(delay_ms(failures, 0, None), shortest);
            assert_eq!(delay_ms(failures, delay / 5 * 2, None), longest);
            for random in [1, 77, 123_456_789, u64::MAX] {
                assert!((shortest..=longest).contains(&delay_ms(failures, random, None)));
            }
        }
        assert!(DELAYS_MS.is_sorted());
        assert!(delay_ms(u32::MAX, 0, None) <= 12 * HOUR_MS);
    }

    #[test]
    fn a_receiver_may_ask_for_a_longer_delay_within_a_limit() {
        assert_eq!(delay_ms(1, 0, Some(60_000)), 60_000);
        assert_eq!(delay_ms(10, 0, Some(1)), DELAYS_MS[9] / 5 * 4);
        assert_eq!(delay_ms(1, 0, Some(u64::MAX)), ASKED_MS_MAX);
    }

    #[test]
    fn a_delivery_is_tried_for_three_days_about_fifteen_times() {
        for random in [0, u64::MAX / 3] {
            let (mut now_ms, mut attempts) = (0, 1);
            while !is_over(0, now_ms) {
                now_ms += delay_ms(attempts, random, None);
                attempts += 1;
            }
            assert!((14..=19).contains(&attempts), "{attempts}");
            assert!(now_ms < 90 * HOUR_MS, "{now_ms}");
        }
        // A clock that went back ends nothing.
        assert!(!is_over(1_000, 0));
    }
}
