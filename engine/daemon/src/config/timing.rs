//! The members of a connection that say how its schedules are read, and how long it keeps old rows.

use super::period::{FeedAge, Jitter, JournalAge};
use atsync::Cron;
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

/// The jitter of a connection that names none: a minute, so that the connections of one expression
/// are not due in the same second, and each is due in the minute that it names or the next one.
const JITTER_DEFAULT_MS: u64 = 60_000;

/// A time zone of the tz database.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct TimeZone(String);

impl TimeZone {
    pub(crate) fn name(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for TimeZone {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        let zoned = Cron::parse("* * * * *").and_then(|every| every.in_zone(&name));
        zoned.map(|_| Self(name)).map_err(serde::de::Error::custom)
    }
}

/// How long old rows are kept; without a member, for good.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Retention {
    /// Events of the feed, as `90d`. One that a consumer has not acknowledged is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub(crate) feed: Option<FeedAge>,
    /// Writes that have ended, as `400d`. One that decides about a later write is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub(crate) journal: Option<JournalAge>,
}

impl Retention {
    /// Whether nothing is removed.
    pub(crate) fn is_none(&self) -> bool {
        *self == Self::default()
    }
}

/// The jitter in milliseconds.
pub(crate) fn jitter_ms(given: Option<Jitter>) -> u64 {
    given.map_or(JITTER_DEFAULT_MS, Jitter::ms)
}
