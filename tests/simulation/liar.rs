//! The times that an ATS, or a cache on the way, may report: dates that are old, ahead by years, or
//! different with each answer; headers that ask for centuries of waiting.
//!
//! None of them is true, and none may make a write twice, lose one, or keep a write in doubt or a
//! request waiting beyond its bound. They are drawn separately from everything else of a history,
//! so that the same seed without lies is the same history.

use crate::chance::Chance;
use crate::faults::Counts;
use atsync::internals::transport::WireRequest;
use atsync::model::contract::{Field, Response};
use std::time::{Duration, UNIX_EPOCH};

/// The names of the lies.
pub(crate) const LIES: &[&str] =
    &["dates from a cache", "dates years ahead", "another date with each answer", "absurd headers"];

const MINUTE_MS: i64 = 60_000;
const DECADE_MS: i64 = 10 * 366 * 24 * 60 * MINUTE_MS;

/// The liar of one life.
pub(crate) struct Liar {
    lie: &'static str,
    chance: Chance,
    /// Until the first write was answered, in milliseconds.
    off_ms: i64,
    has_written: bool,
    counts: Counts,
}

impl Liar {
    pub(crate) fn new(seed: u64, life: u64, counts: Counts) -> Self {
        let mut chance = Chance::of(seed, &format!("lies {life}"));
        let lie = *chance.pick(LIES);
        let off_ms = match lie {
            "dates from a cache" => -(1 + i64::try_from(chance.below(10)).unwrap()) * MINUTE_MS,
            _ => *chance.pick(&[DECADE_MS, 2 * MINUTE_MS]),
        };
        Self { lie, chance, off_ms, has_written: false, counts }
    }

    /// Changes an answer as if its sender did not know the time. `now_ms`: the true time there.
    pub(crate) fn edit(&mut self, request: &WireRequest, response: &mut Response, now_ms: i64) {
        let off_ms = match self.lie {
            "another date with each answer" => {
                (i64::try_from(self.chance.below(21)).unwrap() - 10) * MINUTE_MS
                    + i64::from(self.has_written)
            }
            "absurd headers" if self.chance.one_in(3) => {
                *self.chance.pick(&[-now_ms, DECADE_MS, 40 * DECADE_MS])
            }
            "absurd headers" => 0,
            _ if self.has_written => 0,
            _ => self.off_ms,
        };
        if self.lie == "absurd headers" {
            response.headers.retain(|header| header.name != "retry-after");
            response.headers.push(Field::new(
                "retry-after",
                *self.chance.pick(&["4294967296", "18446744073709551615"]),
            ));
            response.headers.push(Field::new("x-ratelimit-reset", "4294967296"));
        }
        if off_ms != 0 {
            self.counts.fired(self.lie);
        }
        let date = Duration::from_millis(u64::try_from(now_ms + off_ms).unwrap());
        response.headers.retain(|header| header.name != "date");
        response.headers.push(Field::new("date", httpdate::fmt_http_date(UNIX_EPOCH + date)));
        self.has_written |= request.method != "GET" && request.url.path() != "/token";
    }
}
