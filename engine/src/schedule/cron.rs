//! Cron expressions, in UTC.
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

impl FromStr for Cron {
    type Err = CronError;

    fn from_str(text: &str) -> Result<Self, CronError> {
        Self::parse(text)
    }
}

impl Cron {
    /// Reads an expression of five or six fields.
    ///
    /// # Errors
    /// [`CronError`] says what is wrong.
    pub fn parse(text: &str) -> Result<Self, CronError> {
        let refused = |why: String| CronError { text: text.to_owned(), why };
        let fields = text.split_whitespace().count();
        let full = match fields {
            5 => format!("0 {text}"),
            6 | 7 => text.to_owned(),
            _ => {
                return Err(refused(format!(
                    "it has {fields} fields, and five are expected (minute hour day month weekday)"
                )));
            }
        };
        let schedule =
            ::cron::Schedule::from_str(&full).map_err(|error| refused(error.to_string()))?;
        Ok(Self(Box::new(schedule)))
    }

    /// The first time after `after_ms`; none when there is none.
    pub fn next_ms(&self, after_ms: u64) -> Option<u64> {
        let after = DateTime::<Utc>::from_timestamp_millis(i64::try_from(after_ms).ok()?)?;
        let next = self.0.after(&after).next()?;
        u64::try_from(next.timestamp_millis()).ok()
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
        assert!(said("hourly").contains("five are expected"));
        assert!(said("61 * * * *").contains("61 * * * *"));
    }
}
