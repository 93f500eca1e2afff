//! Lengths of time in the configuration: a number and a unit, as `90d`.
//!
//! One form alone, so that a file reads the same to everyone: no blanks, no fractions, no sums, and
//! neither months nor years, whose length differs. The bounds are part of the type, so a value out
//! of them is refused where it is read, with its line.

use serde::de::{Error, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The units, from the greatest on, in seconds.
const UNITS: [(&str, u64); 4] = [("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)];

/// A hundred years.
const CENTURY_S: u64 = 36_525 * 86_400;

/// How much later than its times a schedule may be due: up to an hour.
pub(crate) type Jitter = Period<0, 3_600>;
/// The age of events, from an hour on.
pub(crate) type FeedAge = Period<3_600, CENTURY_S>;
/// The age of ended intents, from [`atsync::Connection::JOURNAL_AGE_MIN_MS`] on.
pub(crate) type JournalAge = Period<2_592_000, CENTURY_S>;

/// The age of entries of the audit log, from a day on.
pub(crate) type AuditAge = Period<86_400, CENTURY_S>;

/// A length of time between two bounds in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Period<const LEAST_S: u64, const MOST_S: u64>(u64);

impl<const LEAST_S: u64, const MOST_S: u64> Period<LEAST_S, MOST_S> {
    /// In milliseconds.
    pub(crate) fn ms(self) -> u64 {
        self.0.saturating_mul(1_000)
    }

    fn parse(text: &str) -> Result<Self, String> {
        let bounds = || format!("from {} to {}", shown(LEAST_S), shown(MOST_S));
        let (number, unit) = text.split_at(text.bytes().take_while(u8::is_ascii_digit).count());
        let unit = UNITS.iter().find(|(known, _)| *known == unit);
        let (Ok(number), Some((_, seconds))) = (number.parse::<u64>(), unit) else {
            return Err(format!(
                "{text:?} is no length of time; write a number and `s`, `m`, `h` or `d`, as in \
                 \"90d\", {}",
                bounds()
            ));
        };
        let length_s = number.saturating_mul(*seconds);
        if !(LEAST_S..=MOST_S).contains(&length_s) {
            return Err(format!("{text:?} is out of bounds; it may be {}", bounds()));
        }
        Ok(Self(length_s))
    }
}

/// A length in the greatest unit that has no fraction.
fn shown(length_s: u64) -> String {
    let unit = UNITS.iter().find(|(_, seconds)| length_s > 0 && length_s.is_multiple_of(*seconds));
    let (unit, seconds) = unit.unwrap_or(&("s", 1));
    format!("{}{unit}", length_s / seconds)
}

impl<const LEAST_S: u64, const MOST_S: u64> Serialize for Period<LEAST_S, MOST_S> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&shown(self.0))
    }
}

impl<'de, const LEAST_S: u64, const MOST_S: u64> Deserialize<'de> for Period<LEAST_S, MOST_S> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl Visitor<'_> for Text {
            type Value = String;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a length of time such as \"90d\"")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<String, E> {
                if text.is_empty() {
                    return Err(E::invalid_value(Unexpected::Str(text), &self));
                }
                Ok(text.to_owned())
            }
        }
        let text = deserializer.deserialize_str(Text)?;
        Self::parse(&text).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::{FeedAge, Jitter, JournalAge};

    #[test]
    fn a_length_of_time_is_a_number_and_a_unit() {
        let read = |text: &str| Jitter::parse(text).map(Jitter::ms);
        assert_eq!(read("0s"), Ok(0));
        assert_eq!(read("90s"), Ok(90_000));
        assert_eq!(read("1h"), Ok(3_600_000));
        assert_eq!(FeedAge::parse("90d").map(FeedAge::ms), Ok(90 * 86_400_000));
        for text in
            ["", "90", "d", "1.5h", "-1h", "+1h", "1 h", " 1h", "1h30m", "1H", "1w", "٣h", "1mo"]
        {
            let why = read(text).unwrap_err();
            assert!(why.contains("is no length of time; write a number and `s`"), "{why}");
        }
    }

    #[test]
    fn a_length_of_time_out_of_its_bounds_is_refused_with_them() {
        let why = Jitter::parse("61m").unwrap_err();
        assert_eq!(why, "\"61m\" is out of bounds; it may be from 0s to 1h");
        let why = JournalAge::parse("29d").unwrap_err();
        assert_eq!(why, "\"29d\" is out of bounds; it may be from 30d to 36525d");
        assert!(FeedAge::parse("99999999999999999d").is_err());
        assert!(FeedAge::parse("999999999999999999999999d").is_err());
        let least = JournalAge::parse("30d").map(JournalAge::ms);
        assert_eq!(least, Ok(atsync::Connection::JOURNAL_AGE_MIN_MS));
    }

    #[test]
    fn a_length_of_time_is_written_as_it_is_read() {
        for text in ["0s", "90s", "45m", "1h"] {
            let read: Jitter = serde_json::from_value(text.into()).unwrap();
            assert_eq!(serde_json::to_value(read).unwrap(), text);
        }
    }
}
