//! A member of a row that may be absent, `null`, a value, or a value of another shape.
//!
//! The four states have four consequences, and [`Record::field`](super::Record::field) draws them:
//! an absent member leaves its field unknown, `null` says that the field is empty, a value fills
//! it, and a value of another shape leaves it unknown and is reported. So a member is wrapped in
//! [`Got`] unless a row without it is no record, as with its id.
//!
//! A row is first read strictly, in one pass. If that fails, it is read once more, and each bad
//! member by itself becomes [`Got::Bad`], at any depth. `serde` calls no visitor for a member that
//! is missing, which is how `Got` distinguishes it from `null`; so no `#[serde(default)]` is
//! needed.
//!
//! Left out: members below `#[serde(flatten)]` or in an untagged enum. `serde` copies those before
//! they are read, and a bad one costs the row.

use crate::members::Members;
use serde::de::{Deserialize, Deserializer, Visitor};
use serde_json::value::RawValue;
use std::cell::Cell;
use std::fmt;
use std::marker::PhantomData;

/// The state of a member of a row.
///
/// ```
/// use atsync_adapter::kit::Got;
///
/// #[derive(serde::Deserialize)]
/// struct Job { id: u64, title: Got<String>, notes: Got<String> }
///
/// let job: Job = serde_json::from_str(r#"{"id": 7, "title": null}"#).unwrap();
/// assert_eq!((job.id, job.title, job.notes), (7, Got::Empty, Got::Absent));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Got<T> {
    /// The row does not have the member: the field is unknown.
    #[default]
    Absent,
    /// `null`: the field is empty.
    Empty,
    /// A value.
    Here(T),
    /// A value of an undocumented shape: the field is unknown, and the row has a problem.
    Bad(Bad),
}

/// Where a bad value lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bad {
    /// The address of its text, which lies within the row's; 0 where it is not known.
    address: usize,
    is_null: bool,
}

impl Bad {
    pub(crate) const UNKNOWN: Self = Self { address: 0, is_null: false };

    /// The name of the row's member that it lies in.
    pub(crate) fn member(self, row: &str) -> Option<String> {
        let members: Members<'_> = serde_json::from_str(row).ok()?;
        let holds = |value: &RawValue| {
            let from = value.get().as_ptr().addr();
            (from..from.saturating_add(value.get().len())).contains(&self.address)
        };
        let mut members = members.0.into_iter();
        members.find(|(_, value)| holds(value)).map(|(name, _)| name.into_owned())
    }

    /// What is wrong, for users.
    pub(crate) fn fault(self) -> &'static str {
        if self.is_null {
            "is null, which is not documented"
        } else {
            "differs from the documented shape"
        }
    }
}

impl<T> Got<T> {
    /// Converts the value.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Got<U> {
        match self {
            Self::Absent => Got::Absent,
            Self::Empty => Got::Empty,
            Self::Here(value) => Got::Here(change(value)),
            Self::Bad(bad) => Got::Bad(bad),
        }
    }

    /// Converts the value; `None` means that it is bad.
    pub fn try_map<U>(self, change: impl FnOnce(T) -> Option<U>) -> Got<U> {
        match self.map(change) {
            Got::Here(Some(value)) => Got::Here(value),
            Got::Here(None) => Got::Bad(Bad::UNKNOWN),
            Got::Absent => Got::Absent,
            Got::Empty => Got::Empty,
            Got::Bad(bad) => Got::Bad(bad),
        }
    }

    /// Converts the value to the member that it leads to, such as one of an object.
    pub fn and_then<U>(self, inner: impl FnOnce(T) -> Got<U>) -> Got<U> {
        match self {
            Self::Absent => Got::Absent,
            Self::Empty => Got::Empty,
            Self::Here(value) => inner(value),
            Self::Bad(bad) => Got::Bad(bad),
        }
    }

    /// Joins two members that fill one field: known only if both are, each `None` where it is
    /// empty.
    pub fn with<U>(self, other: Got<U>) -> Got<(Option<T>, Option<U>)> {
        match (self, other) {
            (Self::Bad(bad), _) | (_, Got::Bad(bad)) => Got::Bad(bad),
            (Self::Absent, _) | (_, Got::Absent) => Got::Absent,
            (one, other) => Got::Here((one.value(), other.value())),
        }
    }

    /// Takes the first of two members that is there: ATSs move members, and rows of both forms are
    /// in use.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        if matches!(self, Self::Absent) { other } else { self }
    }

    /// Takes this value where the member is `null`.
    #[must_use]
    pub fn or_value(self, value: T) -> Self {
        if matches!(self, Self::Empty) { Self::Here(value) } else { self }
    }

    /// States that the ATS documents no `null` here: one is reported, and empties nothing.
    #[must_use]
    pub fn never_null(self) -> Self {
        match self {
            Self::Empty => Self::Bad(Bad { address: 0, is_null: true }),
            other => other,
        }
    }

    /// Returns the value, whatever the reason why there is none.
    pub fn value(self) -> Option<T> {
        match self {
            Self::Here(value) => Some(value),
            Self::Absent | Self::Empty | Self::Bad(_) => None,
        }
    }

    /// Borrows the value.
    pub fn as_ref(&self) -> Option<&T> {
        match self {
            Self::Here(value) => Some(value),
            Self::Absent | Self::Empty | Self::Bad(_) => None,
        }
    }
}

impl<T> From<Option<T>> for Got<T> {
    /// `None` is known to be empty.
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Empty, Self::Here)
    }
}

thread_local! {
    static IS_TOLERANT: Cell<bool> = const { Cell::new(false) };
}

/// Reads a row, if it must be without its bad members.
///
/// # Errors
/// The error of the strict reading, when the row stays unreadable.
pub(crate) fn read<T: serde::de::DeserializeOwned>(row: &str) -> Result<T, serde_json::Error> {
    let strict = match serde_json::from_str(row) {
        Ok(read) => return Ok(read),
        Err(error) => error,
    };
    IS_TOLERANT.set(true);
    let tolerant = serde_json::from_str(row);
    IS_TOLERANT.set(false);
    tolerant.map_err(|_| strict)
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Got<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut is_there = false;
        let visitor = Member { is_there: &mut is_there, of: PhantomData };
        match deserializer.deserialize_newtype_struct("Got", visitor) {
            Err(_) if !is_there => Ok(Self::Absent),
            read => read,
        }
    }
}

struct Member<'a, T> {
    is_there: &'a mut bool,
    of: PhantomData<T>,
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for Member<'_, T> {
    type Value = Got<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a member")
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, value: D) -> Result<Got<T>, D::Error> {
        *self.is_there = true;
        if !IS_TOLERANT.get() {
            return Option::deserialize(value).map(Got::from);
        }
        let text = <&RawValue>::deserialize(value)?.get();
        let bad = Bad { address: text.as_ptr().addr(), is_null: false };
        Ok(serde_json::from_str::<Option<T>>(text).map_or(Got::Bad(bad), Got::from))
    }
}

#[cfg(test)]
mod tests {
    use super::{Bad, Got, read};
    use serde::Deserialize;

    #[derive(Debug, Deserialize, PartialEq)]
    struct Row {
        id: u64,
        name: Got<String>,
        stage: Got<Stage>,
        tags: Got<Vec<String>>,
    }

    #[derive(Debug, Deserialize, PartialEq)]
    struct Stage {
        title: Got<String>,
        rank: Got<u32>,
    }

    fn stage(title: Got<String>, rank: Got<u32>) -> Got<Stage> {
        Got::Here(Stage { title, rank })
    }

    #[test]
    fn absent_null_and_a_value_are_told_apart() {
        let row: Row = read(r#"{"id":1,"name":null,"stage":{"title":"Screen"}}"#).unwrap();
        let stage = stage(Got::Here("Screen".into()), Got::Absent);
        assert_eq!(row, Row { id: 1, name: Got::Empty, stage, tags: Got::Absent });
    }

    #[test]
    fn a_bad_member_at_any_depth_costs_that_member_and_is_named() {
        let text = r#"{"id":1,"name":7,"stage":{"title":"Screen","rank":"x"},"tags":["a"]}"#;
        let row: Row = read(text).unwrap();
        let Got::Bad(name) = row.name else { unreachable!("a number is no text") };
        assert_eq!(name.member(text).as_deref(), Some("name"));
        let Got::Here(Stage { title, rank: Got::Bad(rank) }) = row.stage else {
            unreachable!("only the rank is bad")
        };
        assert_eq!(
            (title, rank.member(text).as_deref()),
            (Got::Here("Screen".into()), Some("stage"))
        );
        assert_eq!(row.tags, Got::Here(vec!["a".into()]));
        assert_eq!(Bad::UNKNOWN.member(text), None);
    }

    #[test]
    fn a_row_without_a_needed_member_is_refused_and_the_next_one_is_read_strictly() {
        for row in [r#"{"name":"Ada"}"#, r#"{"id":"x"}"#, "null", "[]", "7"] {
            assert!(read::<Row>(row).is_err(), "{row}");
        }
        assert!(serde_json::from_str::<Row>(r#"{"id":1,"name":7}"#).is_err());
    }

    #[test]
    fn two_members_of_one_field_are_known_together() {
        let here = |text: &str| Got::Here(text.to_owned());
        assert_eq!(here("a").with(here("b")), Got::Here((Some("a".into()), Some("b".into()))));
        assert_eq!(here("a").with(Got::<u8>::Empty), Got::Here((Some("a".into()), None)));
        assert_eq!(here("a").with(Got::<u8>::Absent), Got::Absent);
        assert!(matches!(Got::<u8>::Empty.never_null().with(here("a")), Got::Bad(_)));
    }

    #[test]
    fn members_below_flatten_are_read() {
        #[derive(Deserialize)]
        struct Outer {
            #[serde(flatten)]
            row: Row,
        }
        let outer: Outer = read(r#"{"id":1,"name":"Ada"}"#).unwrap();
        assert_eq!((outer.row.name, outer.row.tags), (Got::Here("Ada".into()), Got::Absent));
    }
}
