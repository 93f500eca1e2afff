//! Times: from the forms that ATSs write to RFC 3339, and back.
//!
//! Left out: leap seconds, and years outside 0 to 9999, which RFC 3339 has no text for.

/// The first millisecond that has no RFC 3339 text: 10000-01-01.
const MS_MAX: i64 = 253_402_300_800_000;
/// The first one that has: 0000-01-01.
const MS_MIN: i64 = -62_167_219_200_000;

const DAY_MS: i64 = 86_400_000;

/// Writes milliseconds since 1970 as RFC 3339 in UTC: `2026-12-01T00:00:00.000Z`.
pub(crate) fn from_ms(ms: i64) -> Option<String> {
    if !(MS_MIN..MS_MAX).contains(&ms) {
        return None;
    }
    let (days, left) = (ms.div_euclid(DAY_MS), ms.rem_euclid(DAY_MS));
    let (year, month, day) = civil(days);
    let (hour, minute) = (left / 3_600_000, left / 60_000 % 60);
    let (second, milli) = (left / 1000 % 60, left % 1000);
    let mut text = [0_u8; 24];
    let mut put = |at: usize, digits: usize, mut number: i64| {
        for place in (at..at.saturating_add(digits)).rev() {
            if let Some(byte) = text.get_mut(place) {
                *byte = b'0'.saturating_add(u8::try_from(number % 10).unwrap_or_default());
            }
            number /= 10;
        }
    };
    put(0, 4, year);
    put(5, 2, month);
    put(8, 2, day);
    put(11, 2, hour);
    put(14, 2, minute);
    put(17, 2, second);
    put(20, 3, milli);
    for (at, sign) in
        [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':'), (19, b'.'), (23, b'Z')]
    {
        if let Some(byte) = text.get_mut(at) {
            *byte = sign;
        }
    }
    String::from_utf8(text.to_vec()).ok()
}

/// Reads an RFC 3339 text, or an ISO 8601 day, as milliseconds since 1970. A time without a zone is
/// UTC.
pub(crate) fn to_ms(text: &str) -> Option<i64> {
    let text = text.trim();
    let digits = |from: usize, to: usize| -> Option<i64> {
        let part = text.get(from..to)?;
        if part.bytes().all(|byte| byte.is_ascii_digit()) { part.parse().ok() } else { None }
    };
    let sign = |at: usize| text.as_bytes().get(at).copied();
    let (year, month, day) = (digits(0, 4)?, digits(5, 7)?, digits(8, 10)?);
    if sign(4) != Some(b'-') || sign(7) != Some(b'-') || !(1..=12).contains(&month) {
        return None;
    }
    if day < 1 || day > days_of(year, month) {
        return None;
    }
    let midnight = days(year, month, day).checked_mul(DAY_MS)?;
    if text.len() == 10 {
        return Some(midnight);
    }
    if !matches!(sign(10), Some(b'T' | b't' | b' ')) || sign(13) != Some(b':') {
        return None;
    }
    let (hour, minute) = (digits(11, 13)?, digits(14, 16)?);
    let (mut at, mut second, mut milli) = (16, 0, 0);
    if sign(16) == Some(b':') {
        second = digits(17, 19)?;
        at = 19;
        if matches!(sign(19), Some(b'.' | b',')) {
            let fraction: String =
                text.get(20..)?.chars().take_while(char::is_ascii_digit).collect();
            if fraction.is_empty() {
                return None;
            }
            at = 20_usize.checked_add(fraction.len())?;
            milli = format!("{fraction:0<3.3}").parse().ok()?;
        }
    }
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let zone = zone_ms(text.get(at..)?)?;
    let time = hour * 3_600_000 + minute * 60_000 + second.min(59) * 1000 + milli;
    midnight.checked_add(time)?.checked_sub(zone)
}

fn zone_ms(text: &str) -> Option<i64> {
    let text = text.trim_start();
    if matches!(text, "" | "Z" | "z" | "UTC") {
        return Some(0);
    }
    let (way, rest) = match text.split_at_checked(1)? {
        ("+", rest) => (1, rest),
        ("-", rest) => (-1, rest),
        _ => return None,
    };
    let digits: String = rest.chars().filter(|sign| *sign != ':').collect();
    if !matches!(digits.len(), 2 | 4) || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let hours: i64 = digits.get(..2)?.parse().ok()?;
    let minutes: i64 = digits
        .get(2..)
        .filter(|text| !text.is_empty())
        .map_or(Some(0), |text| text.parse().ok())?;
    if hours > 23 || minutes > 59 {
        return None;
    }
    Some(way * (hours * 3_600_000 + minutes * 60_000))
}

/// The days from 1970-01-01 to a date (Howard Hinnant, "chrono-compatible low-level date
/// algorithms").
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * (if month > 2 { month - 3 } else { month + 9 }) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// The date that is so many days after 1970-01-01.
fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

fn days_of(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::{from_ms, to_ms};

    #[test]
    fn a_time_survives_both_ways() {
        for (ms, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (1_491_435_120_000, "2017-04-05T23:32:00.000Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (-1, "1969-12-31T23:59:59.999Z"),
            (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
        ] {
            assert_eq!(from_ms(ms).as_deref(), Some(text));
            assert_eq!(to_ms(text), Some(ms), "{text}");
        }
        assert_eq!(from_ms(253_402_300_800_000), None);
        assert_eq!(from_ms(i64::MIN), None);
    }

    #[test]
    fn the_forms_of_ats_are_read() {
        for text in [
            "2017-04-05T23:32:00Z",
            "2017-04-05 23:32:00 UTC",
            "2017-04-05T23:32",
            "2017-04-06T01:32:00+02:00",
            "2017-04-06T01:32:00.000+0200",
        ] {
            assert_eq!(to_ms(text), Some(1_491_435_120_000), "{text}");
        }
        for text in [
            "",
            "2017",
            "2017-13-01",
            "2017-02-29",
            "yesterday",
            "2017-04-05T25:00:00Z",
            "2017-04-05T23:32:00X",
        ] {
            assert_eq!(to_ms(text), None, "{text}");
        }
    }
}
