//! Warnings that a vendor ends something that an adapter depends on. Pure.
//!
//! The manifest names the day ([`atsync_model::manifest::Sunset`]). A warning begins
//! [`WARNED_DAYS`] days before: a newer adapter has to be built, tested and rolled out to each
//! host by then. It stays after the day, since the vendor may go on for a while. Days are those of
//! UTC.
//!
//! Left out: stopping anything. What still works is used; what the vendor refuses fails as any
//! request does.

use crate::reason::SunsetReason;
use atsync_model::Manifest;
use atsync_model::manifest::Sunset;
use serde::Serialize;
use std::fmt;

/// How many days before the last one the warning begins.
const WARNED_DAYS: i64 = 180;

/// A warning about an announced end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct SunsetWarning {
    /// Why it is given.
    pub reason: SunsetReason,
    /// The adapter, as people call it.
    pub adapter: String,
    /// The version of the API that ends; none for all that the adapter uses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api: Option<String>,
    /// The last day, as `2026-08-31`.
    pub last_day: String,
    /// Days until then: 0 on the last day, negative after it.
    pub days_left: i64,
    /// Where the vendor announced it.
    pub announced_at: String,
    /// What to use instead, in a sentence.
    pub instead: String,
}

impl SunsetWarning {
    /// The warnings about an adapter at a moment, in milliseconds since 1970; none is the usual
    /// case.
    pub fn all(manifest: &Manifest, now_ms: u64) -> Vec<Self> {
        manifest.sunsets.iter().filter_map(|sunset| Self::of(manifest, sunset, now_ms)).collect()
    }

    fn of(manifest: &Manifest, sunset: &Sunset, now_ms: u64) -> Option<Self> {
        let days_left = sunset.days_left(now_ms).filter(|days| *days <= WARNED_DAYS)?;
        Some(Self {
            reason: if days_left < 0 { SunsetReason::Ended } else { SunsetReason::EndsSoon },
            adapter: manifest.title.clone(),
            api: sunset.api.clone(),
            last_day: sunset.last_day.clone(),
            days_left,
            announced_at: sunset.announced_at.clone(),
            instead: sunset.instead.clone(),
        })
    }
}

/// The warning as a sentence.
impl fmt::Display for SunsetWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { adapter, last_day, announced_at, instead, .. } = self;
        match &self.api {
            Some(api) => write!(f, "{adapter}: {api} ")?,
            None => write!(f, "{adapter}: what this adapter uses ")?,
        }
        match self.days_left {
            0 => write!(f, "works for the last day today, {last_day}")?,
            1 => write!(f, "ends in 1 day, after {last_day}")?,
            days if days > 0 => write!(f, "ends in {days} days, after {last_day}")?,
            _ => write!(f, "has ended on {last_day}, and may fail at any time")?,
        }
        write!(f, " ({announced_at}). {instead}")
    }
}

#[cfg(test)]
mod tests {
    use super::SunsetWarning;
    use crate::reason::SunsetReason;
    use atsync_model::Manifest;
    use atsync_model::manifest::Sunset;

    const DAY_MS: u64 = 86_400_000;
    /// 2026-12-01T00:00:00Z.
    const DAWN_MS: u64 = 1_796_083_200_000;

    fn manifest(last_day: &str) -> Manifest {
        let mut manifest = Manifest::new("plainlist", "1.0.0");
        let mut sunset = Sunset::new(last_day, "https://plainlist.example/news", "Use v2.");
        sunset.api = Some("v1".into());
        manifest.sunsets = vec![sunset];
        manifest
    }

    #[test]
    fn the_warning_begins_180_days_before_the_last_one_and_stays() {
        let manifest = manifest("2026-12-01");
        let at = |days: u64, of_day_ms: u64| {
            SunsetWarning::all(&manifest, DAWN_MS - days * DAY_MS + of_day_ms)
        };
        assert_eq!(at(181, 0), []);
        assert_eq!(at(181, DAY_MS - 1), []);
        for (days, reason) in [(180, SunsetReason::EndsSoon), (0, SunsetReason::EndsSoon)] {
            for of_day_ms in [0, DAY_MS - 1] {
                let found = at(days, of_day_ms);
                assert_eq!(found.len(), 1, "{days}");
                assert_eq!(found[0].days_left, i64::try_from(days).unwrap());
                assert_eq!(found[0].reason, reason, "{days}");
            }
        }
        for days in [1, 400] {
            let found = SunsetWarning::all(&manifest, DAWN_MS + days * DAY_MS);
            assert_eq!(found[0].reason, SunsetReason::Ended);
            assert_eq!(found[0].days_left, -i64::try_from(days).unwrap());
        }
        assert_eq!(SunsetWarning::all(&Manifest::new("plainlist", "1.0.0"), DAWN_MS), []);
    }

    #[test]
    fn the_sentence_says_what_ends_when_where_it_is_said_and_what_to_do() {
        let said = |last_day: &str| {
            let found = SunsetWarning::all(&manifest(last_day), DAWN_MS);
            found.iter().map(ToString::to_string).collect::<String>()
        };
        let rest = "(https://plainlist.example/news). Use v2.";
        for (last_day, words) in [
            ("2026-12-03", "plainlist: v1 ends in 2 days, after 2026-12-03"),
            ("2026-12-02", "plainlist: v1 ends in 1 day, after 2026-12-02"),
            ("2026-12-01", "plainlist: v1 works for the last day today, 2026-12-01"),
            ("2026-11-30", "plainlist: v1 has ended on 2026-11-30, and may fail at any time"),
        ] {
            assert_eq!(said(last_day), format!("{words} {rest}"));
        }
        let mut whole = manifest("2026-12-02");
        whole.sunsets[0].api = None;
        let found = SunsetWarning::all(&whole, DAWN_MS);
        assert!(found[0].to_string().starts_with("plainlist: what this adapter uses ends in"));
    }
}
