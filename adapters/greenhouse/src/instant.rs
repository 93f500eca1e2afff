//! Converts Greenhouse's times to milliseconds since 1970, and back.
//!
//! ISO 8601 in UTC with milliseconds is the rule; times without milliseconds and with numeric
//! offsets are accepted too (harvest-v3.md §3 \[ok\]/\[2nd\]). The calendar is the proleptic
//! Gregorian one; leap seconds do not occur. Any other text is `None`: an unreadable time proves
//! nothing.

/// The most that Greenhouse's clock and the engine's may differ. Arbitrary, and generous for
/// synchronised machines.
pub(crate) const SKEW_MS: u64 = 2 * 60 * 1000;

/// Reads a time. A time before 1970 counts as 1970; one without a zone is in UTC.
pub(crate) fn parse(text: &str) -> Option<u64> {
    usual(text.as_bytes()).or_else(|| any(text))
}

/// Reads the form that Greenhouse writes, with or without milliseconds: `2026-11-24T06:00:00.123Z`.
/// A row has several, so this form has a reader of its own.
fn usual(text: &[u8]) -> Option<u64> {
    let (head, rest) = text.split_first_chunk()?;
    #[rustfmt::skip]
    let [y0, y1, y2, y3, b'-', m0, m1, b'-', d0, d1, b'T', h0, h1, b':', i0, i1, b':', s0, s1] =
        *head else { return None };
    let milli = match *rest {
        [b'Z'] => 0,
        [b'.', f0, f1, f2, b'Z'] => figure([f0, f1, f2])?,
        _ => return None,
    };
    let day = day_of(figure([y0, y1, y2, y3])?, figure([m0, m1])?, figure([d0, d1])?)?;
    ms(day, figure([h0, h1])?, figure([i0, i1])?, figure([s0, s1])?, milli, 0)
}

/// Reads digits.
fn figure<const N: usize>(digits: [u8; N]) -> Option<i64> {
    digits.iter().try_fold(0, |number, digit| {
        digit.is_ascii_digit().then(|| number * 10 + i64::from(digit - b'0'))
    })
}

/// Reads any form.
fn any(text: &str) -> Option<u64> {
    let (date, time) = text.split_once(['T', 't', ' '])?;
    let day = day(date)?;
    let (clock, zone) = time.split_at(time.find(['Z', 'z', '+', '-']).unwrap_or(time.len()));
    let mut clock = clock.split(':');
    let (hour, minute) = (number(clock.next()?, 2)?, number(clock.next()?, 2)?);
    let (second, fraction) =
        clock.next().map_or(("00", "0"), |rest| rest.split_once('.').unwrap_or((rest, "0")));
    let second = number(second, 2)?;
    let is_fraction = !fraction.is_empty() && fraction.bytes().all(|byte| byte.is_ascii_digit());
    if clock.next().is_some() || !is_fraction {
        return None;
    }
    let milli: i64 = format!("{fraction:0<3}").get(..3)?.parse().ok()?;
    ms(day, hour, minute, second, milli, offset_minutes(zone)?)
}

/// Converts a time of a day in a zone so many minutes ahead of UTC.
fn ms(day: i64, hour: i64, minute: i64, second: i64, milli: i64, offset: i64) -> Option<u64> {
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let minutes = (day * 24 + hour) * 60 + minute - offset;
    u64::try_from(((minutes * 60 + second) * 1000 + milli).max(0)).ok()
}

/// Whether a text is a day of the calendar, `2026-11-24`.
pub(crate) fn is_day(text: &str) -> bool {
    day(text).is_some()
}

/// Counts the days from 1970-01-01 to a date.
fn day(text: &str) -> Option<i64> {
    let mut parts = text.split('-');
    let (year, month, day) =
        (number(parts.next()?, 4)?, number(parts.next()?, 2)?, number(parts.next()?, 2)?);
    day_of(year, month, day).filter(|_| parts.next().is_none())
}

/// Counts the days from 1970-01-01 to a date, if the calendar has it.
fn day_of(year: i64, month: i64, day: i64) -> Option<i64> {
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let length = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if is_leap => 29,
        2 => 28,
        _ => return None,
    };
    (1..=length).contains(&day).then(|| days(year, month, day))
}

/// Reads a number of so many digits.
fn number(text: &str, digits: usize) -> Option<i64> {
    let is_number = text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| is_number)
}

/// Writes a time in UTC with milliseconds.
pub(crate) fn format(ms: u64) -> String {
    let seconds = i64::try_from(ms / 1000).unwrap_or(0);
    let (day, rest) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    // The inverse of `days`, after H. Hinnant's description of the civil calendar (400 years have
    // 146,097 days).
    let shifted = day + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let (hour, minute, second) = (rest / 3600, rest / 60 % 60, rest % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{:03}Z", ms % 1000)
}

/// Counts the days from 1970-01-01 to a date.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let shifted_month = (month + 9) % 12;
    let of_year = (153 * shifted_month + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + of_year - 719_468
}

fn offset_minutes(zone: &str) -> Option<i64> {
    let sign = match zone.as_bytes().first() {
        None => return Some(0),
        Some(b'Z' | b'z') => return (zone.len() == 1).then_some(0),
        Some(b'-') => -1,
        Some(_) => 1,
    };
    let (hours, minutes) = zone.get(1..)?.split_at_checked(2)?;
    let minutes = minutes.strip_prefix(':').unwrap_or(minutes);
    let minutes = if minutes.is_empty() { 0 } else { number(minutes, 2)? };
    let hours = number(hours, 2)?;
    (hours < 24 && minutes < 60).then_some(sign * (hours * 60 + minutes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_read_in_every_form_that_occurs() {
        for (text, ms) in [
            ("1970-01-01T00:00:00.000Z", Some(0)),
            ("2026-11-24T06:00:00.123Z", Some(1_795_500_000_123)),
            ("2026-11-24T06:00:00Z", Some(1_795_500_000_000)),
            ("2026-11-24T07:30:00.5+01:30", Some(1_795_500_000_500)),
            ("2026-11-23T22:00:00-0800", Some(1_795_500_000_000)),
            ("2000-02-29T12:00:00Z", Some(951_825_600_000)),
            ("2026-11-24", None),
            ("2026-11-24 06:00", Some(1_795_500_000_000)),
            ("2026-11-24T06:00:00", Some(1_795_500_000_000)),
            ("yesterday", None),
            ("2026-02-29T00:00:00Z", None),
            ("2027-13-45T99:99:99Z", None),
            ("2026-11-24T06:00:00.Z", None),
            ("2026-11-24T06:00:00Zulu", None),
            ("2026-11-24T06:00:00+1", None),
            ("2026-11-24T06:00:00:00Z", None),
            ("-026-11-24T06:00:00Z", None),
            ("2026-11-24-01T06:00:00Z", None),
            ("2026-13-01T00:00:00Z", None),
        ] {
            assert_eq!(parse(text), ms, "{text}");
        }
    }

    #[test]
    fn the_usual_form_is_read_as_any_other() {
        for text in [
            "2026-11-24T06:00:00.123Z",
            "2026-11-24T06:00:00Z",
            "1969-12-31T23:59:59.999Z",
            "2000-02-29T23:59:60.000Z",
            "1900-02-29T00:00:00.000Z",
            "2026-11-24T24:00:00.000Z",
            "2026-11-24T06:60:00.000Z",
            "2026-11-24T06:00:61.000Z",
            "2026-00-24T06:00:00.000Z",
            "2026-11-00T06:00:00.000Z",
            "2026-11-24T06:00:00.00:Z",
            "2026-11-24T06:00:0/.000Z",
        ] {
            assert_eq!(usual(text.as_bytes()), any(text), "{text}");
        }
        for other in ["2026-11-24T06:00:00.12Z", "2026-11-24 06:00:00Z", "2026-11-24T06:00:00z"] {
            assert!(usual(other.as_bytes()).is_none() && any(other).is_some(), "{other}");
        }
    }

    #[test]
    fn a_day_must_exist_in_the_calendar() {
        assert!(is_day("2026-11-24") && is_day("2000-02-29"));
        for odd in [
            "",
            "2026-11-31",
            "1900-02-29",
            "2026-1-2",
            "24/11/2026",
            "2026-11-24T00:00:00Z",
            "2026-11",
        ] {
            assert!(!is_day(odd), "{odd}");
        }
    }

    #[test]
    fn a_written_time_is_read_back() {
        for ms in [0, 951_825_600_000, 1_795_500_000_123, 4_102_444_799_999] {
            assert_eq!(parse(&format(ms)), Some(ms), "{}", format(ms));
        }
        assert_eq!(format(1_795_500_000_123), "2026-11-24T06:00:00.123Z");
    }
}
