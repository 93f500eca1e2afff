//! The laws of cron expressions: what is refused, and when they run where clocks change.

use super::Cron;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use std::collections::BTreeMap;

const MINUTE_MS: u64 = 60_000;
const HOUR_MS: u64 = 60 * MINUTE_MS;

/// Zones with an hour of summer time in the north and the south, with half an hour, with none, with
/// a change at midnight, with summer time that is the standard one, and with an odd offset.
const ZONES: [&str; 8] = [
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "Asia/Kolkata",
    "America/Santiago",
    "Africa/Cairo",
    "Europe/Dublin",
    "Pacific/Chatham",
];

fn at(text: &str) -> u64 {
    u64::try_from(text.parse::<Timestamp>().unwrap().as_millisecond()).unwrap()
}

fn shown(ms: u64) -> String {
    Timestamp::from_millisecond(i64::try_from(ms).unwrap()).unwrap().to_string()
}

fn cron(text: &str, zone: &str) -> Cron {
    Cron::parse(text).unwrap().in_zone(zone).unwrap()
}

/// The runs after one time and up to another.
fn runs(cron: &Cron, from: &str, to: &str) -> Vec<u64> {
    let to = at(to);
    let next = |last: &u64| cron.next_ms(*last);
    let runs = std::iter::successors(next(&at(from)), next);
    runs.take_while(|run| *run <= to).collect()
}

fn texts(runs: &[u64]) -> Vec<String> {
    runs.iter().map(|run| shown(*run)).collect()
}

#[test]
fn five_fields_begin_with_the_minute() {
    let quarter = Cron::parse("*/15 * * * *").unwrap();
    let noon_ms = 1_764_072_000_000;
    assert_eq!(quarter.next_ms(noon_ms), Some(noon_ms + 15 * 60_000));
    let seconds = Cron::parse("*/10 * * * * *").unwrap();
    assert_eq!(seconds.next_ms(noon_ms), Some(noon_ms + 10_000));
}

#[test]
fn what_is_no_cron_expression_is_refused_with_words() {
    let said = |text: &str| Cron::parse(text).unwrap_err().to_string();
    assert!(said("hourly").contains("it has 1 field; write five"), "{}", said("hourly"));
    assert!(said("* *").contains("it has 2 fields"));
    for (text, why) in [
        ("61 * * * *", "the minute is \"61\"; it may be 0 to 59"),
        ("*/61 * * * *", "the minute is \"*/61\"; it may be 0 to 59"),
        ("0 24 * * *", "the hour is \"24\"; it may be 0 to 23"),
        ("0 0 * * 0", "the weekday is \"0\"; it may be 1 (Sunday) to 7"),
        ("75 0 0 * * *", "the second is \"75\""),
        ("0 0 * nope *", "the month is \"nope\""),
    ] {
        let said = said(text);
        assert!(said.starts_with(&format!("{text:?} is no cron expression: ")), "{said}");
        assert!(said.contains(why) && !said.contains('\n'), "{said}");
    }
}

#[test]
fn each_limit_that_a_refusal_names_is_accepted() {
    for text in ["0 0 1 1 1", "59 23 31 12 7", "0 0 * jan sun", "59 0 0 1 1 7 2100"] {
        assert!(Cron::parse(text).is_ok(), "{text}");
    }
}

#[test]
fn a_name_that_is_no_time_zone_is_refused_with_the_nearest_one() {
    let said = |name: &str| {
        let daily = Cron::parse("0 3 * * *").unwrap();
        daily.in_zone(name).unwrap_err().to_string()
    };
    assert!(said("Europe/Berln").contains("\"Europe/Berln\" is no time zone"));
    assert!(said("Europe/Berln").contains("did you mean `Europe/Berlin`?"));
    for name in ["", "../../etc/passwd", "CEST+2", "\n"] {
        assert!(said(name).contains("is no time zone"), "{name:?}");
    }
}

#[test]
fn a_time_that_does_not_exist_runs_once_at_the_end_of_the_gap() {
    let daily = cron("30 2 * * *", "Europe/Berlin");
    let found = runs(&daily, "2026-03-28T00:00:00Z", "2026-03-30T12:00:00Z");
    let expected = ["2026-03-28T01:30:00Z", "2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"];
    assert_eq!(texts(&found), expected);
    let many = cron("*/15 2 * * *", "Europe/Berlin");
    let found = runs(&many, "2026-03-28T12:00:00Z", "2026-03-29T12:00:00Z");
    assert_eq!(texts(&found), ["2026-03-29T01:00:00Z"]);
}

#[test]
fn a_time_that_exists_twice_runs_once() {
    let daily = cron("30 2 * * *", "Europe/Berlin");
    let found = runs(&daily, "2026-10-24T12:00:00Z", "2026-10-26T12:00:00Z");
    assert_eq!(texts(&found), ["2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"]);
    // Also for a process that starts within the repeated hour.
    let again = daily.next_ms(at("2026-10-25T01:10:00Z")).unwrap();
    assert_eq!(shown(again), "2026-10-26T01:30:00Z");
}

#[test]
fn an_hourly_or_quarterly_schedule_neither_stops_nor_doubles_where_clocks_change() {
    for zone in ZONES {
        for (text, period_ms) in [("0 * * * *", HOUR_MS), ("*/15 * * * *", 15 * MINUTE_MS)] {
            let found = runs(&cron(text, zone), "2026-01-01T00:00:00Z", "2029-01-01T00:00:00Z");
            // Half an hour is no multiple of an hour, so there the wall clock itself is uneven.
            let is_even = zone != "Australia/Lord_Howe" || text.starts_with("*/15");
            for pair in found.windows(2) {
                let apart_ms = pair[1] - pair[0];
                let is_kept = if is_even {
                    apart_ms == period_ms
                } else {
                    (HOUR_MS / 2..=HOUR_MS * 3 / 2).contains(&apart_ms)
                };
                assert!(is_kept, "{zone} {text}: {} to {}", shown(pair[0]), shown(pair[1]));
            }
            let count = (at("2029-01-01T00:00:00Z") - at("2026-01-01T00:00:00Z")) / period_ms;
            let missed = found.len().abs_diff(usize::try_from(count).unwrap());
            assert!(missed <= if is_even { 1 } else { 3 }, "{zone} {text}: {missed}");
        }
    }
}

#[test]
fn each_day_of_ten_years_has_exactly_one_run_of_a_daily_schedule_in_each_zone() {
    for zone in ZONES {
        let tz = TimeZone::get(zone).unwrap();
        for text in ["0 3 * * *", "15 2 * * *", "0 0 * * *", "59 23 * * *"] {
            let found = runs(&cron(text, zone), "2025-12-30T12:00:00Z", "2036-01-02T12:00:00Z");
            let mut days = BTreeMap::new();
            for run in found {
                let time = Timestamp::from_millisecond(i64::try_from(run).unwrap()).unwrap();
                *days.entry(tz.to_datetime(time).date()).or_insert(0) += 1;
            }
            let mut day = jiff::civil::date(2026, 1, 1);
            while day < jiff::civil::date(2036, 1, 1) {
                assert_eq!(days.get(&day), Some(&1), "{zone} {text} {day}");
                day = day.tomorrow().unwrap();
            }
        }
    }
}

#[test]
fn times_rise_from_every_start_around_a_change() {
    for (zone, from) in [
        ("Europe/Berlin", "2026-03-28T22:00:00Z"),
        ("Europe/Berlin", "2026-10-24T22:00:00Z"),
        ("Australia/Lord_Howe", "2026-04-04T12:00:00Z"),
        ("Australia/Lord_Howe", "2026-10-03T12:00:00Z"),
    ] {
        for text in ["0 3 * * *", "10 2 * * *", "*/20 * * * *", "*/20 1-3 * * *"] {
            let cron = cron(text, zone);
            let mut last = 0;
            for minute in 0..8 * 60 {
                let after = at(from) + minute * MINUTE_MS;
                let next = cron.next_ms(after).unwrap();
                assert!(next > after && next >= last, "{zone} {text} {}", shown(after));
                last = next;
            }
        }
    }
}

#[test]
fn a_delay_moves_each_time_and_leaves_the_intervals() {
    let mut hourly = Cron::parse("0 * * * *").unwrap();
    hourly.delay(90_000);
    let found = runs(&hourly, "2026-01-01T00:00:00Z", "2026-01-01T03:00:00Z");
    let expected = ["2026-01-01T00:01:30Z", "2026-01-01T01:01:30Z", "2026-01-01T02:01:30Z"];
    assert_eq!(texts(&found), expected);
    let mut exact = Cron::parse("0 0 * * * *").unwrap();
    exact.delay(90_000);
    assert_eq!(shown(exact.next_ms(at("2026-01-01T00:00:00Z")).unwrap()), "2026-01-01T01:00:00Z");
}
