//! Days and moments, of which some ATSs write more than they mean.

/// A day as `2026-11-24`. A moment at midnight of UTC is the day that it begins. None for anything
/// else.
pub fn date(text: &str) -> Option<String> {
    let text = text.trim();
    let (day, rest) = text.split_at_checked(10)?;
    let (year, month, day_of_month) = civil(day)?;
    if !rest.is_empty()
        && moment(text)? != days(year, month, day_of_month).checked_mul(86_400_000)?
    {
        return None;
    }
    Some(format!("{year:04}-{month:02}-{day_of_month:02}"))
}

/// The number of a day like `2026-11-24`, counted from 1970-01-01. None for anything else.
pub fn day_number(text: &str) -> Option<i64> {
    let (year, month, day) = civil(text)?;
    Some(days(year, month, day))
}

/// A day, a month or a year as `2016-09-01`, `2016-09` or `2016`. None for anything else.
pub fn part_date(text: &str) -> Option<String> {
    let text = text.trim();
    let mut parts = text.split('-');
    match (parts.next(), parts.next(), parts.next()) {
        (Some(year), None, None) => figure(year, 4).map(|year| format!("{year:04}")),
        (Some(year), Some(month), None) => {
            let (year, month) = (figure(year, 4)?, figure(month, 2)?);
            (1..=12).contains(&month).then(|| format!("{year:04}-{month:02}"))
        }
        _ => date(text),
    }
}

/// Whether two dates agree as far as both go: a month is the same as each of its days.
///
/// Text that is no date is the same as the same text.
pub fn is_same_date(one: &str, other: &str) -> bool {
    match (part_date(one), part_date(other)) {
        (Some(one), Some(other)) => one.starts_with(&other) || other.starts_with(&one),
        _ => one.trim() == other.trim(),
    }
}

/// A moment (RFC 3339) as `2026-11-24T10:00:00.000Z`. None for anything else.
pub fn date_time(text: &str) -> Option<String> {
    let ms = moment(text.trim())?;
    let (day, of_day) = (ms.div_euclid(86_400_000), ms.rem_euclid(86_400_000));
    let (year, month, day) = civil_of(day);
    let (seconds, ms) = (of_day / 1000, of_day % 1000);
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    Some(format!("{year:04}-{month:02}-{day:02}T{hours:02}:{minutes:02}:{seconds:02}.{ms:03}Z"))
}

fn figure(text: &str, len: usize) -> Option<i64> {
    let is_figure = text.len() == len && text.bytes().all(|byte| byte.is_ascii_digit());
    is_figure.then(|| text.parse().ok()).flatten()
}

fn civil(text: &str) -> Option<(i64, i64, i64)> {
    let mut parts = text.split('-');
    let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
    let (year, month, day) = (figure(year, 4)?, figure(month, 2)?, figure(day, 2)?);
    let is_day = parts.next().is_none() && civil_of(days(year, month, day)) == (year, month, day);
    is_day.then_some((year, month, day))
}

/// Milliseconds since 1970.
fn moment(text: &str) -> Option<i64> {
    let (day, rest) = text.split_at_checked(10)?;
    let (year, month, day) = civil(day)?;
    let rest = rest.strip_prefix(['T', 't', ' '])?;
    let (time, rest) = rest.split_at_checked(8)?;
    let mut parts = time.split(':');
    let (hours, minutes, seconds) = (parts.next()?, parts.next()?, parts.next()?);
    let (hours, minutes, seconds) = (figure(hours, 2)?, figure(minutes, 2)?, figure(seconds, 2)?);
    if hours > 23 || minutes > 59 || seconds > 60 || parts.next().is_some() {
        return None;
    }
    let (ms, zone) = match rest.strip_prefix('.') {
        None => (0, rest),
        Some(rest) => {
            let end = rest.find(|letter: char| !letter.is_ascii_digit())?;
            let (fraction, zone) = rest.split_at_checked(end)?;
            let padded = format!("{fraction:0<3}");
            (figure(padded.get(..3)?, 3)?, zone)
        }
    };
    let offset_minutes = match zone {
        "Z" | "z" => 0,
        _ => {
            let sign = if zone.starts_with('-') { -1 } else { 1 };
            let (hours, minutes) = zone.strip_prefix(['+', '-'])?.split_once(':')?;
            sign * (figure(hours, 2)? * 60 + figure(minutes, 2)?)
        }
    };
    let of_day = (hours * 60 + minutes - offset_minutes) * 60 + seconds;
    days(year, month, day).checked_mul(86_400_000)?.checked_add(of_day * 1000 + ms)
}

/// Days from 1970-01-01, after Howard Hinnant's `days_from_civil`.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

fn civil_of(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let years = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * years + years / 4 - years / 100);
    let shifted_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (years + era * 400 + i64::from(month <= 2), month, day)
}

/// A day by its number, for tests of the way there and back.
#[cfg(test)]
pub(super) fn tests_civil(day: i64) -> String {
    let (year, month, day) = civil_of(day);
    format!("{year:04}-{month:02}-{day:02}")
}
