//! How long ago a moment was, and which of two moments was earlier.

use super::{DAY_MS, Moment, Now};

const WALL_MS: u64 = 1_795_514_400_000;
const DECADE_MS: i64 = 10 * 366 * 24 * 3_600_000;

fn sent(ahead_ms: Option<i64>) -> Moment {
    Moment { wall_ms: WALL_MS, steady_ms: 5_000, life: 1, ahead_ms }
}

/// A moment so many milliseconds after [`sent`], by clocks that may have jumped; `life` 2 began a
/// second before.
fn now(life: u64, true_ms: u64, jumped_ms: i64, ahead_ms: Option<i64>) -> Now {
    let wall_ms = (WALL_MS + true_ms).saturating_add_signed(jumped_ms);
    let steady_ms = if life == 1 { 5_000 + true_ms } else { 1_000 };
    let at = Moment { wall_ms, steady_ms, life, ahead_ms };
    Now { at, began_ms: 0, ahead_least_ms: ahead_ms }
}

#[test]
fn within_a_process_neither_a_jump_nor_the_ats_changes_a_moments_age() {
    for jumped_ms in [-3 * 3_600_000, -1, 0, 1, 3 * 3_600_000, DECADE_MS] {
        for then_ms in [None, Some(-180_000), Some(0), Some(DECADE_MS)] {
            for ahead_ms in [None, Some(-180_000), Some(0), Some(DECADE_MS), Some(-DECADE_MS)] {
                assert_eq!(sent(then_ms).elapsed_ms(&now(1, 160, jumped_ms, ahead_ms)), 160);
            }
        }
    }
}

#[test]
fn after_a_restart_no_single_wrong_clock_shortens_a_wait() {
    // Our clock jumped, and the ATS's is right; the ATS's clock is wrong by any amount, and ours is
    // right.
    for (jumped_ms, then_ms, ahead_ms) in [
        (3_600_000, Some(0), Some(-3_600_000)),
        (0, Some(-180_000), Some(0)),
        (0, Some(-DECADE_MS), Some(0)),
        (0, Some(0), Some(DECADE_MS)),
        (3_600_000, Some(0), None),
    ] {
        let elapsed_ms = sent(then_ms).elapsed_ms(&now(2, 2_000, jumped_ms, ahead_ms));
        assert!(elapsed_ms <= 2_000, "{jumped_ms} {then_ms:?} {ahead_ms:?}: {elapsed_ms}");
    }
}

#[test]
fn a_wait_ends_even_if_the_clock_of_the_ats_is_wrong() {
    for ahead_ms in [None, Some(0), Some(-DECADE_MS), Some(DECADE_MS)] {
        for then_ms in [None, Some(0), Some(DECADE_MS), Some(-DECADE_MS)] {
            let mut later = now(2, 2_000, 0, ahead_ms);
            later.at.steady_ms = 30_000;
            assert_eq!(sent(then_ms).left_ms(30_000, &later), 0, "from the start of this life");
            assert_eq!(
                sent(then_ms).left_ms(30_000, &now(2, DAY_MS, 0, ahead_ms)),
                0,
                "a day later"
            );
        }
    }
    assert_eq!(
        sent(Some(0)).left_ms(30_000, &now(2, 60_000, 0, Some(0))),
        0,
        "where the clocks agree at once"
    );
    assert_eq!(sent(None).left_ms(30_000, &now(2, 60_000, 0, None)), 0, "where the ATS never says");
}

#[test]
fn the_latest_possible_stamp_of_the_ats_is_never_later_than_its_answers_show() {
    let shown = now(1, 160, 0, Some(-180_000));
    assert_eq!(sent(Some(DECADE_MS)).earliest_ms(&shown), WALL_MS - 180_000);
    assert_eq!(sent(Some(-3_600_000)).earliest_ms(&shown), WALL_MS - 3_600_000);
    assert_eq!(
        sent(Some(60_000)).earliest_ms(&now(1, 160, 0, Some(60_000))),
        WALL_MS,
        "ours is the earlier"
    );
    assert_eq!(sent(None).earliest_ms(&now(1, 160, 0, None)), WALL_MS);
}

#[test]
fn the_later_of_two_moments_is_reported_even_if_the_wall_clock_jumped() {
    let (first, second) =
        (sent(None), Moment { steady_ms: 6_000, wall_ms: WALL_MS - 3_600_000, ..sent(None) });
    assert_eq!((first.later(second), second.later(first)), (second, second));
}

#[test]
fn the_wall_clock_orders_two_moments_of_different_processes() {
    let (first, second) =
        (sent(None), Moment { life: 2, steady_ms: 0, wall_ms: WALL_MS + 1, ..sent(None) });
    assert_eq!((first.later(second), second.later(first)), (second, second));
}

#[test]
fn the_rest_of_a_wait_is_its_length_less_the_time_that_passed() {
    assert_eq!(sent(None).left_ms(30_000, &now(1, 10_000, 0, None)), 20_000);
}
