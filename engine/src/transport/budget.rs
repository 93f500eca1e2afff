//! The rate budget of one rule for one credential: a pure state machine.
//!
//! Every method takes the time and returns a decision; [`super::budgets`] adds the waiting. Its
//! goals: to use the whole window when saturated, and to cause no refusal that it could have
//! avoided.
//!
//! # How the count is known
//! `used = max(counted by the ATS, counted here) + under way + straddling`.
//! - *Counted by the ATS* is the largest `limit - remaining` in an answer of this window. A counter
//!   only rises within a window, so an answer that arrives late or out of order changes nothing,
//!   and it includes the use by other integrations of the same customer.
//! - *Under way* are requests without an answer yet. When one is answered its share moves into the
//!   counter, so the sum is exact whenever nothing is under way.
//! - *Straddling* are requests that may have been counted in either of two windows, until an answer
//!   to a later request shows which.
//!
//! # When a window turns
//! Aligned windows turn at multiples of their length on the *server's* clock. The `date` header
//! bounds the difference of the clocks from both sides, and each answer narrows the bounds. The new
//! window is used when it has certainly begun. After a heavily used window, one request goes first;
//! if it is refused, the windows turn at another time than assumed, and that time is learned. Rules
//! without aligned windows slide: in any span of the window's length at most the limit is sent,
//! which holds for every kind of window. A reset header is read only where the manifest says that
//! it can be trusted, and counts for at most [`REST_MS_MAX`] or the window's length.
//!
//! All times are steady ones ([`crate::clock`]): our wall clock may jump and the server's may be
//! wrong, and neither makes a wait longer than that.
//!
//! # After a refusal (429)
//! `Retry-After` is obeyed, at least a second, plus jitter; without it the budget waits for the
//! next turn, longer after each further refusal. Then a single request goes first, as at the very
//! beginning where answers have the headers. A request that is refused again after this wait pauses
//! the others for a second only: see [`super::retry`].

use super::Priority;
use atsync_model::contract::Field;
use atsync_model::manifest::{RateRule, ResetReading};
use std::collections::VecDeque;

/// The decision for one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// One request may leave; it is counted.
    Go,
    /// Not before this time, unless an answer arrives earlier and changes the count.
    WaitUntil(u64),
}

/// How an allowed request ended.
#[derive(Clone, Copy, Debug)]
pub enum Ended<'a> {
    /// With a complete answer.
    Answered {
        /// Its status.
        status: u16,
        /// Its headers, names in lower case.
        headers: &'a [Field],
    },
    /// With 429 again after the pause for its first 429: the cause may be this request alone.
    RefusedAgain {
        /// The answer's headers, names in lower case.
        headers: &'a [Field],
    },
    /// It never left: nothing is counted.
    NotSent,
    /// Its outcome is unknown. It is counted.
    Unclear,
}

/// A `Retry-After`, or a window's end, further away than this is cut: a wrong header must not stop
/// a connection for days. Arbitrary.
pub(super) const REST_MS_MAX: u64 = 3_600_000;
/// The shortest pause after a refusal.
const PAUSE_MS_MIN: u64 = 1_000;
/// The longest pause without a `Retry-After`. Arbitrary.
const PAUSE_MS_MAX: u64 = 600_000;
/// Requests under way at once where the rule does not say. Arbitrary; enough to use 150 requests in
/// 30 s at 3 s latency.
const CONCURRENCY_DEFAULT: u32 = 16;
/// The largest difference between the server's and our wall clock before the first `date` header.
/// Arbitrary: synchronised machines are far better.
const SKEW_UNKNOWN_MS: i64 = 1_000;
/// Wait this much longer than computed, since timers and servers round.
const GUARD_MS: u64 = 5;

/// The state of one rate rule.
#[derive(Debug)]
pub struct Window {
    window_ms: u64,
    aligned: bool,
    limit_header: Option<String>,
    remaining_header: Option<String>,
    reset: ResetReading,
    concurrency_max: u32,
    limit: u32,
    skew: Skew,
    /// When this window began and ends, at the latest by our clock; `None` before the first request
    /// and for sliding windows.
    span: Option<Span>,
    said: u32,
    counted: u32,
    straddling: Vec<u64>,
    /// When requests of the last window length were answered; sliding windows and turns are counted
    /// from it.
    recent: VecDeque<u64>,
    under_way: u32,
    /// Sliding windows only: use by others, from the answers, and until when it counts.
    others: (u32, u64),
    /// The next request is the only one until it is answered.
    looking: bool,
    /// A new window has begun by our clock, and no answer from it has arrived yet.
    turned: bool,
    /// How much later than multiples of their length the windows turn; learned from refusals right
    /// after a turn.
    shift_ms: u64,
    blocked_until_ms: u64,
    strikes: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Span {
    begin_ms: u64,
    /// From here on it is certainly over.
    end_ms: u64,
    /// From here on it may be over.
    end_earliest_ms: u64,
    /// The number of an aligned window.
    index: u64,
}

/// Bounds of (server's clock - our steady time).
#[derive(Clone, Copy, Debug)]
struct Skew {
    least_ms: i64,
    most_ms: i64,
    measured: bool,
}

impl Window {
    /// A window as the manifest describes it.
    pub fn new(rule: &RateRule) -> Self {
        Self {
            window_ms: rule.window_ms.max(1),
            aligned: rule.aligned,
            limit_header: rule.limit_header.as_ref().map(|name| name.to_ascii_lowercase()),
            remaining_header: rule.remaining_header.as_ref().map(|name| name.to_ascii_lowercase()),
            reset: rule.reset.clone(),
            concurrency_max: rule.concurrency_max.unwrap_or(CONCURRENCY_DEFAULT).max(1),
            limit: rule.limit_initial.max(1),
            skew: Skew { least_ms: -SKEW_UNKNOWN_MS, most_ms: SKEW_UNKNOWN_MS, measured: false },
            span: None,
            said: 0,
            counted: 0,
            straddling: Vec::new(),
            recent: VecDeque::new(),
            under_way: 0,
            others: (0, 0),
            looking: rule.remaining_header.is_some(),
            turned: false,
            shift_ms: 0,
            blocked_until_ms: 0,
            strikes: 0,
        }
    }

    /// Sets our wall clock at a steady time: the only estimate of the server's clock before its
    /// first answer.
    pub fn at(mut self, wall_ms: u64, steady_ms: u64) -> Self {
        let signed = |ms: u64| i64::try_from(ms).unwrap_or(i64::MAX);
        let offset_ms = signed(wall_ms).saturating_sub(signed(steady_ms));
        self.skew = Skew {
            least_ms: offset_ms.saturating_sub(SKEW_UNKNOWN_MS),
            most_ms: offset_ms.saturating_add(SKEW_UNKNOWN_MS),
            measured: false,
        };
        self
    }

    /// The limit by the last answer.
    pub fn limit(&self) -> u32 {
        self.limit
    }

    /// How many requests the current window still allows, the reserve included.
    pub fn left(&mut self, now_ms: u64) -> u32 {
        self.turn(now_ms);
        self.limit.saturating_sub(self.used(now_ms))
    }

    /// Until when a refusal blocks all requests; `now_ms` when none does.
    pub fn blocked_until(&self, now_ms: u64) -> u64 {
        self.blocked_until_ms.max(now_ms)
    }

    /// Asks for one request; [`Decision::Go`] counts it.
    pub fn ask(&mut self, now_ms: u64, priority: Priority) -> Decision {
        self.turn(now_ms);
        if now_ms < self.blocked_until_ms {
            return Decision::WaitUntil(self.blocked_until_ms);
        }
        if self.under_way >= self.concurrency_max || (self.looking && self.under_way > 0) {
            return Decision::WaitUntil(now_ms.saturating_add(self.window_ms));
        }
        if self.span.is_none() && self.announced() {
            // Without an answer that gives its end, a window begins with its first request.
            self.span = Some(Span::plain(now_ms, now_ms.saturating_add(self.window_ms)));
        }
        let used = self.used(now_ms);
        let kept = if priority == Priority::Interactive { 0 } else { self.reserve(now_ms) };
        if used.saturating_add(kept) < self.limit {
            self.under_way += 1;
            return Decision::Go;
        }
        Decision::WaitUntil(self.free_at(now_ms, used).max(now_ms.saturating_add(1)))
    }

    /// Records how a request ended. `jitter_ms` is added to a pause that the answer requires.
    pub fn end(&mut self, sent_ms: u64, now_ms: u64, ended: Ended<'_>, jitter_ms: u64) {
        self.under_way = self.under_way.saturating_sub(1);
        match ended {
            Ended::NotSent => {}
            Ended::Unclear => {
                self.turn(now_ms);
                self.recent.push_back(now_ms);
                self.straddling.push(now_ms);
            }
            Ended::RefusedAgain { headers } => {
                if let Some(date_ms) = date(headers) {
                    self.skew.narrow(sent_ms, now_ms, date_ms);
                    self.align(now_ms);
                }
                self.turn(now_ms);
                self.recent.push_back(now_ms);
                // Another request goes first.
                self.looking = true;
                let until_ms = now_ms.saturating_add(PAUSE_MS_MIN).saturating_add(jitter_ms);
                self.blocked_until_ms = self.blocked_until_ms.max(until_ms);
            }
            Ended::Answered { status, headers } => {
                if let Some(date_ms) = date(headers) {
                    self.skew.narrow(sent_ms, now_ms, date_ms);
                    self.align(now_ms);
                }
                self.turn(now_ms);
                self.recent.push_back(now_ms);
                if status == 429 {
                    self.pause(sent_ms, now_ms, headers, jitter_ms);
                } else {
                    self.learn(sent_ms, now_ms, headers);
                }
            }
        }
        self.forget(now_ms);
    }

    fn learn(&mut self, sent_ms: u64, now_ms: u64, headers: &[Field]) {
        // An answer to a request from before a refusal shows nothing about the time after it.
        if sent_ms >= self.blocked_until_ms {
            self.strikes = 0;
            self.looking = false;
        }
        if let Some(limit) =
            number(headers, self.limit_header.as_deref()).filter(|limit| *limit > 0)
        {
            self.limit = limit;
        }
        let said = number(headers, self.remaining_header.as_deref())
            .map(|remaining| self.limit.saturating_sub(remaining));
        if let Some(end_ms) = self.reset_at(headers, now_ms)
            && end_ms > now_ms
        {
            let begin_ms = self.span.map_or(now_ms, |span| span.begin_ms);
            self.span = Some(Span::plain(begin_ms, end_ms));
        }
        match (self.span, said) {
            (Some(span), said) => {
                let within = sent_ms >= span.begin_ms && now_ms < span.end_earliest_ms;
                if !within {
                    self.straddling.push(now_ms);
                    return;
                }
                self.turned = false;
                self.counted += 1;
                if let Some(said) = said {
                    self.said = self.said.max(said);
                    // The counter in this answer includes every request that was answered before
                    // this one was sent.
                    self.straddling.retain(|answered_ms| *answered_ms > sent_ms);
                }
            }
            (None, Some(said)) => {
                let ours = count(self.recent.len()).saturating_add(self.under_way);
                self.others = (said.saturating_sub(ours), now_ms.saturating_add(self.window_ms));
            }
            (None, None) => {}
        }
    }

    fn pause(&mut self, sent_ms: u64, now_ms: u64, headers: &[Field], jitter_ms: u64) {
        // Refusals of requests that were under way together count as one.
        if sent_ms >= self.blocked_until_ms {
            self.strikes = self.strikes.saturating_add(1);
        }
        self.looking = true;
        self.said = 0;
        self.counted = 0;
        self.straddling.clear();
        self.others = (0, 0);
        let pause_ms = retry_after_ms(headers, self.skew.server_ms(now_ms)).unwrap_or_else(|| {
            let to_turn =
                self.span.map_or(self.window_ms, |span| span.end_ms.saturating_sub(now_ms));
            let doublings = self.strikes.saturating_sub(1).min(16);
            let growth = self.window_ms.saturating_mul((1_u64 << doublings) - 1);
            to_turn.saturating_add(growth).min(PAUSE_MS_MAX)
        });
        let until = now_ms.saturating_add(pause_ms.max(PAUSE_MS_MIN)).saturating_add(jitter_ms);
        self.blocked_until_ms = self.blocked_until_ms.max(until);
        if self.aligned && self.turned && self.span.is_some_and(|span| sent_ms >= span.begin_ms) {
            self.turned = false;
            self.shift(now_ms, pause_ms);
        }
    }

    /// The first request after a turn was refused: the server's window turns later than at
    /// multiples of its length.
    fn shift(&mut self, now_ms: u64, pause_ms: u64) {
        self.shift_ms = self.skew.server_ms(now_ms.saturating_add(pause_ms)) % self.window_ms;
        self.span = Some(self.aligned_span(now_ms, self.certain_index(now_ms)));
    }

    /// A lower bound of the server's count.
    fn used(&self, now_ms: u64) -> u32 {
        let known = if self.sliding() {
            let (others, until_ms) = self.others;
            count(self.recent.len()).saturating_add(if now_ms < until_ms { others } else { 0 })
        } else {
            self.said.max(self.counted).saturating_add(count(self.straddling.len()))
        };
        known.saturating_add(self.under_way)
    }

    /// The reserve for requests that a person waits for. In a window with a known end it decreases
    /// evenly to nought, since unused requests are lost at the end. A sliding window has no such
    /// end and keeps a fiftieth.
    fn reserve(&self, now_ms: u64) -> u32 {
        let Some(span) = self.span else {
            return (self.limit / 50).max(u32::from(self.limit >= 10));
        };
        let left_ms = span.end_ms.saturating_sub(now_ms).min(self.window_ms);
        let share = u64::from(self.reserve_whole()).saturating_mul(left_ms) / self.window_ms;
        u32::try_from(share).unwrap_or(u32::MAX)
    }

    /// A twentieth, at least two; nothing where the limit is too small to be divided.
    fn reserve_whole(&self) -> u32 {
        if self.limit < 10 { 0 } else { (self.limit / 20).max(2) }
    }

    /// When a request may leave if no answer arrives.
    fn free_at(&self, now_ms: u64, used: u32) -> u64 {
        let Some(span) = self.span else {
            let oldest = self.recent.front().map(|oldest| oldest.saturating_add(self.window_ms));
            return oldest
                .unwrap_or(now_ms.saturating_add(self.window_ms))
                .saturating_add(GUARD_MS);
        };
        let over = span.end_ms.saturating_add(GUARD_MS);
        let whole = u64::from(self.reserve_whole());
        if used >= self.limit || whole == 0 {
            return over;
        }
        // The reserve is below `free` once less than `free / whole` of the window is left.
        let free = u64::from(self.limit - used);
        let melted = span
            .end_ms
            .saturating_sub(free.saturating_mul(self.window_ms) / whole)
            .saturating_add(1);
        if melted > now_ms { melted.min(over) } else { over }
    }

    fn announced(&self) -> bool {
        !self.aligned && self.reset != ResetReading::Ignore
    }

    fn sliding(&self) -> bool {
        !self.aligned && self.reset == ResetReading::Ignore
    }

    /// Changes to the next window when it has certainly begun.
    fn turn(&mut self, now_ms: u64) {
        let Some(span) = self.span else {
            if self.aligned {
                self.span = Some(self.aligned_span(now_ms, self.certain_index(now_ms)));
            }
            self.forget(now_ms);
            return;
        };
        if now_ms < span.end_ms {
            return;
        }
        let next = self.aligned.then(|| self.aligned_span(now_ms, self.certain_index(now_ms)));
        // After a heavily used window, one request goes first, to find out whether the server's
        // window has turned.
        self.looking |=
            self.remaining_header.is_some() && self.used(now_ms).saturating_mul(2) > self.limit;
        self.turned = true;
        self.begin(next, span.end_earliest_ms);
    }

    /// Applies new bounds of the clocks' difference to the present window.
    fn align(&mut self, now_ms: u64) {
        let Some(old) = self.span.filter(|_| self.aligned) else { return };
        let new = self.aligned_span(now_ms, self.certain_index(now_ms));
        if new.index == old.index {
            self.span = Some(Span { begin_ms: old.begin_ms, ..new });
        } else {
            self.begin(Some(new), old.end_earliest_ms);
        }
    }

    /// Restarts the count; requests that were answered since the window may have begun are counted
    /// until an answer shows otherwise.
    fn begin(&mut self, span: Option<Span>, ended_earliest_ms: u64) {
        let since_ms = span
            .map_or(ended_earliest_ms, |span| span.end_earliest_ms.saturating_sub(self.window_ms));
        self.said = 0;
        self.counted = 0;
        self.straddling =
            self.recent.iter().copied().filter(|answered_ms| *answered_ms >= since_ms).collect();
        self.span = span;
    }

    /// The last aligned window that has certainly begun.
    fn certain_index(&self, now_ms: u64) -> u64 {
        self.skew.server_ms(now_ms).saturating_sub(self.shift_ms) / self.window_ms
    }

    fn aligned_span(&self, now_ms: u64, index: u64) -> Span {
        let end_server =
            index.saturating_add(1).saturating_mul(self.window_ms).saturating_add(self.shift_ms);
        let end_server = i64::try_from(end_server).unwrap_or(i64::MAX);
        let ours = |skew_ms: i64| u64::try_from(end_server.saturating_sub(skew_ms)).unwrap_or(0);
        let (end_ms, end_earliest_ms) = (ours(self.skew.least_ms), ours(self.skew.most_ms));
        Span { begin_ms: now_ms.min(end_ms), end_ms, end_earliest_ms, index }
    }

    fn forget(&mut self, now_ms: u64) {
        while self
            .recent
            .front()
            .is_some_and(|answered_ms| answered_ms.saturating_add(self.window_ms) <= now_ms)
        {
            self.recent.pop_front();
        }
    }

    fn reset_at(&self, headers: &[Field], now_ms: u64) -> Option<u64> {
        if self.aligned {
            return None;
        }
        let left_ms = match &self.reset {
            ResetReading::Ignore => return None,
            ResetReading::EpochSeconds { header } => {
                let end_ms = wide_number(headers, header)?.saturating_mul(1000);
                end_ms.saturating_sub(self.skew.server_ms(now_ms))
            }
            ResetReading::SecondsLeft { header } => {
                wide_number(headers, header)?.saturating_add(1).saturating_mul(1000)
            }
        };
        Some(now_ms.saturating_add(left_ms.min(self.window_ms.max(REST_MS_MAX))))
    }
}

impl Span {
    fn plain(begin_ms: u64, end_ms: u64) -> Self {
        Self { begin_ms, end_ms, end_earliest_ms: end_ms, index: 0 }
    }
}

impl Skew {
    /// A lower bound of the server's clock.
    fn server_ms(self, steady_ms: u64) -> u64 {
        let server_ms = i64::try_from(steady_ms).unwrap_or(i64::MAX).saturating_add(self.least_ms);
        u64::try_from(server_ms).unwrap_or(0)
    }

    /// The server stamped its answer between sending and arrival, and its stamp is cut to the
    /// second.
    fn narrow(&mut self, sent_ms: u64, now_ms: u64, date_ms: u64) {
        let signed = |ms: u64| i64::try_from(ms).unwrap_or(i64::MAX);
        let (sent_ms, now_ms, date_ms) = (signed(sent_ms), signed(now_ms), signed(date_ms));
        let (least_ms, most_ms) =
            (date_ms.saturating_sub(now_ms), date_ms.saturating_add(999).saturating_sub(sent_ms));
        if least_ms > most_ms {
            return; // Our clock was set between the two.
        }
        let (kept_least, kept_most) = (self.least_ms.max(least_ms), self.most_ms.min(most_ms));
        (self.least_ms, self.most_ms) = if self.measured && kept_least <= kept_most {
            (kept_least, kept_most)
        } else {
            (least_ms, most_ms)
        };
        self.measured = true;
    }
}

/// The wait of a `Retry-After`: seconds, or a date (relative to the answer's own `date` where it
/// has one).
pub fn retry_after_ms(headers: &[Field], now_ms: u64) -> Option<u64> {
    let text = value(headers, "retry-after")?.trim();
    let wait_ms = match text.parse::<u64>() {
        Ok(seconds) => seconds.saturating_mul(1000),
        Err(_) => http_date_ms(text)?.saturating_sub(date(headers).unwrap_or(now_ms)),
    };
    Some(wait_ms.min(REST_MS_MAX))
}

/// The answer's own `date` in milliseconds.
pub fn date(headers: &[Field]) -> Option<u64> {
    http_date_ms(value(headers, "date")?)
}

fn http_date_ms(text: &str) -> Option<u64> {
    let since = httpdate::parse_http_date(text).ok()?.duration_since(std::time::UNIX_EPOCH).ok()?;
    u64::try_from(since.as_millis()).ok()
}

fn value<'a>(headers: &'a [Field], name: &str) -> Option<&'a str> {
    headers.iter().find(|field| field.name == name).map(|field| field.value.as_str())
}

fn number(headers: &[Field], name: Option<&str>) -> Option<u32> {
    value(headers, &name?.to_ascii_lowercase())?.trim().parse().ok()
}

fn wide_number(headers: &[Field], name: &str) -> Option<u64> {
    value(headers, &name.to_ascii_lowercase())?.trim().parse().ok()
}

fn count(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

#[cfg(test)]
#[path = "budget_tests.rs"]
mod tests;
