//! The values that rows are made of: ids, times, words.

use super::Got;
use crate::model::normal;
use crate::model::unified::{Contact, Ref, Word};
use serde::de::{Deserialize, Deserializer, Error, Visitor};
use serde::{Serialize, Serializer};
use serde_json::Value;
use std::borrow::Cow;
use std::fmt;

/// The most bytes of an id.
const ID_BYTES_MAX: usize = 512;

/// The id of a record: a text, or a whole number that is kept as text.
///
/// An id is opaque and compared byte for byte. A text that cannot be an id (blank, with blanks at
/// its edges, with control characters, longer than 512 bytes) is refused when it is read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Id(String);

impl Id {
    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Joins ids to the id of a record that has none of its own, with `/` between them. Requests
    /// name the parts again: `{id.0}`, `{id.1}`.
    ///
    /// ```
    /// use atsync_adapter::kit::Id;
    ///
    /// assert_eq!(Id::join(["opp-1", "note-2"]).as_str(), "opp-1/note-2");
    /// ```
    pub fn join<T: AsRef<str>>(parts: impl IntoIterator<Item = T>) -> Self {
        let mut all = String::new();
        for (index, part) in parts.into_iter().enumerate() {
            if index > 0 {
                all.push('/');
            }
            all.push_str(part.as_ref());
        }
        Self(all)
    }

    /// A reference to the record of this id.
    pub fn reference(self) -> Ref<'static> {
        Ref { id: Some(Cow::Owned(self.0)), name: None }
    }

    /// Reads an id from a value: a text or a whole number.
    pub fn of(value: &Value) -> Option<Self> {
        let text = match value {
            Value::String(text) => text.clone(),
            Value::Number(number) if number.is_u64() || number.is_i64() => number.to_string(),
            _ => return None,
        };
        is_id(&text).then_some(Self(text))
    }
}

/// Whether a text can be an id.
pub(crate) fn is_id(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= ID_BYTES_MAX
        && !text.contains(char::is_control)
        && text.trim().len() == text.len()
}

impl AsRef<str> for Id {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<Id> for String {
    fn from(id: Id) -> Self {
        id.0
    }
}

impl From<&str> for Id {
    /// Makes a text an id, as it is: of a record that is known by its name, say. A record whose id
    /// is none is reported and left out.
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl From<String> for Id {
    /// As for `&str`.
    fn from(text: String) -> Self {
        Self(text)
    }
}

struct IdVisitor;

impl Visitor<'_> for IdVisitor {
    type Value = Id;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an id: a text or a whole number")
    }
    fn visit_str<E: Error>(self, text: &str) -> Result<Id, E> {
        if is_id(text) { Ok(Id(text.to_owned())) } else { Err(E::custom("not an id")) }
    }
    fn visit_u64<E: Error>(self, number: u64) -> Result<Id, E> {
        Ok(Id(number.to_string()))
    }
    fn visit_i64<E: Error>(self, number: i64) -> Result<Id, E> {
        Ok(Id(number.to_string()))
    }
}

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(IdVisitor)
    }
}

impl Got<Id> {
    /// A reference to the record of this id.
    pub fn reference(self) -> Got<Ref<'static>> {
        self.map(Id::reference)
    }
}

impl Got<Vec<Id>> {
    /// References to the records of these ids.
    pub fn references(self) -> Got<Vec<Ref<'static>>> {
        self.map(|ids| ids.into_iter().map(Id::reference).collect())
    }
}

/// A time or a day as the ATS writes it: RFC 3339, or `2026-05-11`. Any other text is bad, since it
/// could not be compared. An empty one is known to be empty.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Time(String);

impl Time {
    /// The time as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Milliseconds since 1970; `None` for a day.
    pub fn ms(&self) -> Option<i64> {
        ms_of(&self.0)
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let is_time = text.is_empty() || ms_of(&text).is_some() || normal::date(&text).is_some();
        if is_time { Ok(Self(text)) } else { Err(D::Error::custom("not a time")) }
    }
}

/// A time that the ATS writes as milliseconds since 1970. A record has it as text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Deserialize)]
#[serde(transparent)]
pub struct Millis(pub i64);

impl Serialize for Millis {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&text_of(self.0))
    }
}

const DAY_MS: i64 = 86_400_000;

/// Writes milliseconds since 1970 as RFC 3339.
///
/// ```
/// assert_eq!(atsync_adapter::kit::text_of(1_789_999_999_123), "2026-09-21T14:13:19.123Z");
/// ```
pub fn text_of(ms: i64) -> String {
    // Days from the civil calendar's 0000-03-01, in eras of 400 years.
    let days = ms.div_euclid(DAY_MS).saturating_add(719_468);
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let of_day = ms.rem_euclid(DAY_MS);
    let (hour, minute) = (of_day / 3_600_000, of_day / 60_000 % 60);
    let (second, ms) = (of_day / 1000 % 60, of_day % 1000);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{ms:03}Z")
}

/// Reads RFC 3339 as milliseconds since 1970; `None` for any other text.
///
/// ```
/// assert_eq!(atsync_adapter::kit::ms_of("2026-09-21T16:13:19.123+02:00"), Some(1_789_999_999_123));
/// ```
pub fn ms_of(text: &str) -> Option<i64> {
    // The model writes each moment in one form: `2026-11-24T10:00:00.000Z`.
    let text = normal::date_time(text)?;
    let figure = |from: usize, to: usize| text.get(from..to)?.parse::<i64>().ok();
    let (year, month, day) = (figure(0, 4)?, figure(5, 7)?, figure(8, 10)?);
    let year = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let shifted = if month > 2 { month - 3 } else { month + 9 };
    let of_year = (153 * shifted + 2) / 5 + day - 1;
    let days = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468;
    let (hour, minute, second) = (figure(11, 13)?, figure(14, 16)?, figure(17, 19)?);
    Some(days * DAY_MS + hour * 3_600_000 + minute * 60_000 + second * 1000 + figure(20, 23)?)
}

/// A table of words: the ATS's own and the unified one for each.
///
/// ```
/// use atsync_adapter::kit::Words;
///
/// const STATES: Words = Words(&[("live", "open"), ("closed", "closed")]);
/// assert_eq!(STATES.read("live").value, "open");
/// assert_eq!(STATES.read("parked").value, "other");
/// assert_eq!(STATES.write("open"), Some("live"));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Words(pub &'static [(&'static str, &'static str)]);

impl Words {
    /// Translates the ATS's word, which the result keeps. An unknown one is `other`.
    pub fn read(&self, source: impl Into<String>) -> Word<'static> {
        let source = source.into();
        let known = self.0.iter().find(|(theirs, _)| *theirs == source);
        let value = known.map_or("other", |(_, ours)| *ours);
        Word { value: Cow::Borrowed(value), source: Some(Cow::Owned(source)) }
    }

    /// The ATS's word for a unified one: the first that the table has.
    pub fn write(&self, unified: &str) -> Option<&'static str> {
        self.0.iter().find(|(_, ours)| *ours == unified).map(|(theirs, _)| *theirs)
    }
}

impl Got<String> {
    /// Translates the ATS's word by a table; an empty one is known to be empty.
    pub fn word(self, words: &Words) -> Got<Word<'static>> {
        match self {
            Self::Here(source) if source.is_empty() => Got::Empty,
            other => other.map(|source| words.read(source)),
        }
    }
}

/// A word that the ATS has none for: the row itself says it.
pub fn word(unified: &'static str) -> Word<'static> {
    Word { value: Cow::Borrowed(unified), source: None }
}

/// One address of a candidate, with the kind that the ATS names, if it does.
pub fn contact(value: impl Into<String>, kind: Option<Word<'static>>) -> Contact<'static> {
    Contact { value: Cow::Owned(value.into()), kind }
}

#[cfg(test)]
mod tests {
    use super::{Id, Millis, Time, ms_of, text_of};
    use crate::kit::Got;
    use serde_json::json;

    #[test]
    fn an_id_is_a_text_or_a_whole_number_of_any_length() {
        let read = |value: serde_json::Value| serde_json::from_value::<Id>(value).ok();
        assert_eq!(read(json!("a-1")), Some(Id::from("a-1")));
        assert_eq!(read(json!(9_007_199_254_740_993_u64)), Some(Id::from("9007199254740993")));
        for odd in
            [json!(""), json!(" 7"), json!("7\n"), json!(1.5), json!(null), json!(true), json!([])]
        {
            assert_eq!(read(odd.clone()), None, "{odd}");
            assert_eq!(Id::of(&odd), None, "{odd}");
        }
    }

    #[test]
    fn times_of_each_form_become_text_that_can_be_compared() {
        for (ms, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (-1, "1969-12-31T23:59:59.999Z"),
            (1_789_999_999_123, "2026-09-21T14:13:19.123Z"),
        ] {
            assert_eq!((text_of(ms).as_str(), ms_of(text)), (text, Some(ms)));
            assert_eq!(serde_json::to_value(Millis(ms)).unwrap(), json!(text));
        }
        let time = |text: &str| serde_json::from_value::<Time>(json!(text));
        assert!(time("2026-05-11").is_ok() && time("").is_ok());
        assert!(time("yesterday").is_err());
        assert!(matches!(serde_json::from_str::<Got<Time>>("null").unwrap(), Got::Empty));
    }
}
