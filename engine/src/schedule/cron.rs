//! Cron expressions, in UTC or in a named time zone.
//!
//! Two kinds of expressions meet a change of the clocks differently, as in other crons. One that
//! names hours means times of the day: each runs once a day, at the end of the gap where a time
//! does not exist, and the first time where it exists twice. One whose hours are all hours means
//! an interval: it runs whenever the clock on the wall shows a matching time, so it neither pauses
//! in the repeated hour nor runs a second time at the end of a gap.
//!
//! The parser of the library `cron` rewrites a faulty text, spans several lines and names other
//! limits than it has. So a refusal is worded here: the first field that is refused by itself, and
//! what it may be.
//!
//! Bounds: [`TRANSITIONS_MAX`] changes of the clocks are searched for the next time. Left out: what
//! a jump of the clock means for the times; see [`super::due`].

use super::zone::{Zone, just_before};
use ::cron::TimeUnitSpec;
use chrono::{DateTime, Datelike, NaiveDate, Timelike, Utc};
use jiff::Timestamp;
use jiff::civil;
use std::str::FromStr;

/// Changes of the clocks that are searched for the next time: more than a zone has in the years
/// that an expression can name.
const TRANSITIONS_MAX: usize = 1_000;
/// Hours of a day.
const HOURS: usize = 24;

/// A cron expression, in UTC unless [`Cron::in_zone`] gave it another zone.
#[derive(Clone, Debug)]
pub struct Cron(Box<Parsed>);

#[derive(Clone, Debug)]
struct Parsed {
    /// Its times, as if the civil times of its zone were UTC.
    civil: ::cron::Schedule,
    zone: Zone,
    has_seconds: bool,
    /// How much later than its times it is due.
    delay_ms: u64,
}

/// The error of a text that is not a cron expression, or not a time zone. Its message quotes the
/// text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no {what}: {why}")]
pub struct CronError {
    text: String,
    what: &'static str,
    why: String,
}

/// The fields of an expression, in order: the name, and what it may be.
const FIELDS: [(&str, &str); 7] = [
    ("second", "0 to 59"),
    ("minute", "0 to 59"),
    ("hour", "0 to 23"),
    ("day", "1 to 31"),
    ("month", "1 to 12, or jan to dec"),
    ("weekday", "1 (Sunday) to 7 (Saturday), or sun to sat"),
    ("year", "1970 to 2100"),
];

impl FromStr for Cron {
    type Err = CronError;

    fn from_str(text: &str) -> Result<Self, CronError> {
        Self::parse(text)
    }
}

impl Cron {
    /// Reads an expression of five fields (minute, hour, day, month, weekday), of six with the
    /// second before them, or of seven with the year behind them. Weekdays count from 1, Sunday.
    ///
    /// # Errors
    /// [`CronError`] says in one line which field is wrong, and what it may be.
    pub fn parse(text: &str) -> Result<Self, CronError> {
        let refused = |why| CronError { text: text.to_owned(), what: "cron expression", why };
        let mut fields: Vec<&str> = text.split_whitespace().collect();
        let has_seconds = fields.len() > 5;
        match fields.len() {
            5 => fields.insert(0, "0"),
            6 | 7 => {}
            count => {
                let has = if count == 1 { "1 field".to_owned() } else { format!("{count} fields") };
                return Err(refused(format!(
                    "it has {has}; write five (minute hour day month weekday), as in \"*/15 * * * \
                     *\", or six with the second before them"
                )));
            }
        }
        match ::cron::Schedule::from_str(&fields.join(" ")) {
            Ok(civil) => {
                let zone = Zone::utc();
                Ok(Self(Box::new(Parsed { civil, zone, has_seconds, delay_ms: 0 })))
            }
            Err(_) => Err(refused(fault(&fields))),
        }
    }

    /// The same expression in a time zone of the tz database, such as `Europe/Berlin`.
    ///
    /// Where the clocks change, an expression that names hours runs once for each of its times: at
    /// the end of the gap when the time does not exist, and the first time when it exists twice.
    /// An expression of every hour, such as `*/15 * * * *`, runs whenever the clock on the wall
    /// shows one of its times.
    ///
    /// # Errors
    /// [`CronError`] when there is no such time zone.
    pub fn in_zone(mut self, name: &str) -> Result<Self, CronError> {
        self.0.zone = Zone::named(name).map_err(|why| CronError {
            text: name.to_owned(),
            what: "time zone",
            why,
        })?;
        Ok(self)
    }

    /// Makes it due this much later than its times. One with seconds stays: it asks for its second.
    pub(super) fn delay(&mut self, delay_ms: u64) {
        if !self.0.has_seconds {
            self.0.delay_ms = delay_ms;
        }
    }

    /// The first time after `after_ms`; none when there is none.
    pub fn next_ms(&self, after_ms: u64) -> Option<u64> {
        let undelayed_ms = after_ms.saturating_sub(self.0.delay_ms);
        let after = Timestamp::from_millisecond(i64::try_from(undelayed_ms).ok()?).ok()?;
        let next = if self.0.civil.hours().iter().count() == HOURS {
            self.0.next_shown(after)
        } else {
            self.0.next_of_day(after)
        };
        Some(u64::try_from(next?.as_millisecond()).ok()?.saturating_add(self.0.delay_ms))
    }
}

impl Parsed {
    /// The next instant at which the clock on the wall shows a matching time.
    fn next_shown(&self, after: Timestamp) -> Option<Timestamp> {
        let (mut civil, mut offset) = self.zone.civil(after);
        let mut from = after;
        for _ in 0..TRANSITIONS_MAX {
            let found = self.times(civil)?.next().and_then(civil_of)?;
            let found = offset.to_timestamp(found).ok()?;
            let Some(end) = self.zone.next_transition(from).filter(|end| *end <= found) else {
                return Some(found);
            };
            // The times from the transition on are shown by its own offset.
            offset = self.zone.civil(end).1;
            civil = offset.to_datetime(just_before(end)?);
            from = end;
        }
        None
    }

    /// The next time of the day, each of which runs once.
    fn next_of_day(&self, after: Timestamp) -> Option<Timestamp> {
        let (civil, _) = self.zone.civil(after);
        // In a repeated hour the times that ran are skipped.
        let instants = self.times(civil)?.map(|time| self.zone.instant(civil_of(time)?));
        instants.take_while(Option::is_some).flatten().find(|instant| *instant > after)
    }

    /// The matching civil times after one, in order.
    fn times(&self, after: civil::DateTime) -> Option<impl Iterator<Item = DateTime<Utc>> + '_> {
        let (date, time) = (after.date(), after.time());
        let part = |part: i8| u32::try_from(part).ok();
        let day =
            NaiveDate::from_ymd_opt(date.year().into(), part(date.month())?, part(date.day())?)?;
        let millis = u32::try_from(time.subsec_nanosecond()).ok()? / 1_000_000;
        let (hour, minute, second) =
            (part(time.hour())?, part(time.minute())?, part(time.second())?);
        let from = day.and_hms_milli_opt(hour, minute, second, millis)?.and_utc();
        Some(self.civil.after(&from).map(|time| time.to_utc()))
    }
}

/// A civil time of the library `cron`, for jiff.
fn civil_of(time: DateTime<Utc>) -> Option<civil::DateTime> {
    let part = |part: u32| i8::try_from(part).ok();
    civil::DateTime::new(
        i16::try_from(time.year()).ok()?,
        part(time.month())?,
        part(time.day())?,
        part(time.hour())?,
        part(time.minute())?,
        part(time.second())?,
        0,
    )
    .ok()
}

/// Says which field is refused, and what it may be.
fn fault(fields: &[&str]) -> String {
    let is_refused = |at: &usize, field: &str| {
        let alone: Vec<&str> =
            (0..fields.len()).map(|other| if other == *at { field } else { "*" }).collect();
        ::cron::Schedule::from_str(&alone.join(" ")).is_err()
    };
    let mut named = fields.iter().zip(FIELDS).enumerate();
    match named.find(|(at, (field, _))| is_refused(at, field)) {
        Some((_, (field, (name, range)))) => format!(
            "the {name} is {field:?}; it may be {range}, `*`, a list, a range or a step such as \
             `*/2`"
        ),
        None => "its fields do not fit together".to_owned(),
    }
}

#[cfg(test)]
#[path = "cron_tests.rs"]
mod tests;
