//! Cron expressions, in UTC.
//!
//! The parser of the library `cron` rewrites a faulty text, spans several lines and names other
//! limits than it has. So a refusal is worded here: the first field that is refused by itself, and
//! what it may be.
//!
//! Left out: what a jump of the clock means for the times; see [`super::due`].

use chrono::{DateTime, Utc};
use std::str::FromStr;

/// A cron expression.
#[derive(Clone, Debug)]
pub struct Cron(Box<::cron::Schedule>);

/// The error of a text that is not a cron expression. Its message quotes the text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no cron expression: {why}")]
pub struct CronError {
    text: String,
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
        let refused = |why: String| CronError { text: text.to_owned(), why };
        let mut fields: Vec<&str> = text.split_whitespace().collect();
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
            Ok(schedule) => Ok(Self(Box::new(schedule))),
            Err(_) => Err(refused(fault(&fields))),
        }
    }

    /// The first time after `after_ms`; none when there is none.
    pub fn next_ms(&self, after_ms: u64) -> Option<u64> {
        let after = DateTime::<Utc>::from_timestamp_millis(i64::try_from(after_ms).ok()?)?;
        let next = self.0.after(&after).next()?;
        u64::try_from(next.timestamp_millis()).ok()
    }
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
mod tests {
    use super::Cron;

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
}
