//! The time zones of cron expressions.
//!
//! A time zone is found by its name in the tz database: the system's where there is one, which its
//! operator keeps up to date, and otherwise the copy inside this library, so that an image without
//! a database works too. The library `cron` computes on civil times; this module maps those to
//! instants, so that only it knows of transitions.
//!
//! Left out: which civil times an expression names; see [`super::cron`].

use crate::near::did_you_mean;
use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, Offset, TimeZone, TimeZoneDatabase};
use jiff::{SignedDuration, Timestamp};

/// A time zone of the tz database.
#[derive(Clone, Debug)]
pub(super) struct Zone(TimeZone);

impl Zone {
    /// Coordinated universal time.
    pub(super) fn utc() -> Self {
        Self(TimeZone::UTC)
    }

    /// A zone by its name in the tz database.
    ///
    /// # Errors
    /// Why there is none, with the nearest known name.
    pub(super) fn named(name: &str) -> Result<Self, String> {
        let system = jiff::tz::db();
        if let Ok(zone) = system.get(name).or_else(|_| TimeZoneDatabase::bundled().get(name)) {
            return Ok(Self(zone));
        }
        let known: Vec<String> =
            TimeZoneDatabase::bundled().available().map(|known| known.to_string()).collect();
        let hint = did_you_mean(name, known.iter().map(String::as_str));
        Err(format!("the tz database does not have it{hint}; write a name such as `Europe/Berlin`"))
    }

    /// The civil time at an instant, and the offset that is in force there.
    pub(super) fn civil(&self, at: Timestamp) -> (DateTime, Offset) {
        let offset = self.0.to_offset(at);
        (offset.to_datetime(at), offset)
    }

    /// The one instant of a civil time: the first where it exists twice, and the end of the gap
    /// where it does not exist. None beyond the years that instants have.
    pub(super) fn instant(&self, civil: DateTime) -> Option<Timestamp> {
        match self.0.to_ambiguous_timestamp(civil).offset() {
            AmbiguousOffset::Unambiguous { offset } => offset.to_timestamp(civil).ok(),
            AmbiguousOffset::Fold { before, .. } => before.to_timestamp(civil).ok(),
            AmbiguousOffset::Gap { after, .. } => {
                // The later offset gives an instant before the transition.
                let before_gap = after.to_timestamp(civil).ok()?;
                self.next_transition(before_gap)
            }
        }
    }

    /// The first instant after this one at which another offset is in force.
    pub(super) fn next_transition(&self, after: Timestamp) -> Option<Timestamp> {
        let now = self.0.to_offset(after);
        let changed = |transition: &jiff::tz::TimeZoneTransition<'_>| transition.offset() != now;
        self.0.following(after).find(changed).map(|transition| transition.timestamp())
    }
}

/// An instant one millisecond earlier.
pub(super) fn just_before(at: Timestamp) -> Option<Timestamp> {
    at.checked_sub(SignedDuration::from_millis(1)).ok()
}
