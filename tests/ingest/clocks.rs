//! Windows under two clocks.

use super::*;

const SECOND: i64 = 1_000;
const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;

/// Our clock lags or leads by this much, and the ATS's is `ahead`; in the same process and in a new
/// one for each pull.
#[test]
fn no_clock_hides_a_fresh_change_or_skips_a_new_record() {
    for ahead_ms in [
        0,
        3 * SECOND,
        9 * SECOND,
        15 * SECOND,
        HOUR,
        5 * HOUR,
        3 * DAY,
        -3 * SECOND,
        -15 * SECOND,
        -5 * HOUR,
        -3 * DAY,
    ] {
        for restarts in [false, true] {
            let (mut world, ahead) = world_apart(41, 15);
            ahead.store(ahead_ms, Ordering::SeqCst);
            let mut acme = world.connect();
            world.run(acme.pull("candidates")).unwrap();
            let ids = truth(&world, "candidates");
            for (round, id) in ids.iter().take(6).enumerate() {
                pass(&world, 2_500 + 40_000 * u64::from(round % 2 == 1));
                let name = format!("Round{round}");
                rename(&world, id, &name);
                if restarts {
                    world.restart();
                    acme = world.connect();
                }
                pass(&world, 1_000);
                let report = world.run(acme.pull("candidates")).unwrap();
                assert!(!report.full, "a window");
                assert_eq!(
                    last_name(&world, &acme, id),
                    name,
                    "the ATS is ahead by {ahead_ms} ms, round {round}"
                );
            }
        }
    }
}

/// A watermark is never later than the ATS's clock when the pass began, so correcting the clocks
/// skips nothing.
#[test]
fn a_clock_that_ran_ahead_and_is_corrected_has_skipped_nothing() {
    let (world, ahead) = world_apart(42, 15);
    ahead.store(-5 * HOUR, Ordering::SeqCst);
    let acme = world.connect();
    world.run(acme.pull("candidates")).unwrap();
    let ids = truth(&world, "candidates");
    for id in &ids[..3] {
        pass(&world, 20 * 60_000);
        rename(&world, id, "Between");
    }
    ahead.store(0, Ordering::SeqCst);
    pass(&world, 60_000);
    world.run(acme.pull("candidates")).unwrap();
    for id in &ids[..3] {
        assert_eq!(last_name(&world, &acme, id), "Between");
    }
}

/// Differing clocks are reported; if no answer has a date, our clock ends the windows.
#[test]
fn differing_clocks_are_reported_and_without_a_date_of_the_ats_ours_ends_the_windows() {
    let (world, ahead) = world_apart(43, 15);
    ahead.store(HOUR, Ordering::SeqCst);
    let acme = world.connect();
    let report = world.run(acme.pull("candidates")).unwrap();
    assert!(report.warnings.iter().any(|line| line.contains("s behind the ATS's")), "{report:?}");
    assert!(world.run(acme.status()).unwrap().clocks.is_some());
    let (world, _) = world_apart(44, 15);
    world.wire.edit(|_, response| response.headers.retain(|header| header.name != "date"));
    let acme = world.connect();
    world.run(acme.pull("candidates")).unwrap();
    let id = truth(&world, "candidates")[0].clone();
    pass(&world, 5_000);
    rename(&world, &id, "Undated");
    let report = world.run(acme.pull("candidates")).unwrap();
    assert_eq!((last_name(&world, &acme, &id).as_str(), report.warnings.len()), ("Undated", 0));
}
