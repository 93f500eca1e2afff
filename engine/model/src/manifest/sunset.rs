//! The day on which a vendor ends something that an adapter depends on, as data.
//!
//! Vendors announce such a day long before. An adapter repeats it in its manifest, so that the
//! engine can warn the operator of each connection in time. Left out: when the engine begins to
//! warn, which is the engine's own decision.

use crate::normal;
use serde::{Deserialize, Serialize};

/// An announced end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Sunset {
    /// The version of the ATS's API that ends, in the vendor's words: `Harvest v1`. Absent: all
    /// that the adapter uses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api: Option<String>,
    /// The last day on which the vendor promises that it works, in UTC: `2026-08-31`.
    pub last_day: String,
    /// Where the vendor announced it: a URL.
    pub announced_at: String,
    /// What to use instead, in a sentence.
    pub instead: String,
}

/// A day in milliseconds.
const DAY_MS: u64 = 86_400_000;

impl Sunset {
    /// The end of all that an adapter uses.
    pub fn new(
        last_day: impl Into<String>,
        announced_at: impl Into<String>,
        instead: impl Into<String>,
    ) -> Self {
        Self {
            api: None,
            last_day: last_day.into(),
            announced_at: announced_at.into(),
            instead: instead.into(),
        }
    }

    /// The days from the moment's day to the last one, in UTC: 0 on the last day, negative after
    /// it. None when `last_day` is no day.
    pub fn days_left(&self, now_ms: u64) -> Option<i64> {
        let today = i64::try_from(now_ms / DAY_MS).ok()?;
        normal::day_number(&self.last_day)?.checked_sub(today)
    }
}

#[cfg(test)]
mod tests {
    use super::Sunset;

    #[test]
    fn days_are_counted_from_midnight_to_midnight_of_utc() {
        // 2026-12-01T00:00:00Z.
        const DAWN_MS: u64 = 1_796_083_200_000;
        let left = |day: &str, now_ms| Sunset::new(day, "", "").days_left(now_ms);
        assert_eq!(left("2026-12-01", DAWN_MS), Some(0));
        assert_eq!(left("2026-12-01", DAWN_MS + 86_399_999), Some(0));
        assert_eq!(left("2026-12-01", DAWN_MS + 86_400_000), Some(-1));
        assert_eq!(left("2026-12-02", DAWN_MS - 1), Some(2));
        assert_eq!(left("2028-02-29", DAWN_MS), Some(455));
        for no_day in ["", "2026-02-29", "2026-13-01", "2026-12-1", "tomorrow"] {
            assert_eq!(left(no_day, DAWN_MS), None, "{no_day}");
        }
    }
}
