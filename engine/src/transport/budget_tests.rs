//! The budget against a model of the server: a counter per window on a clock of its own.
//!
//! Each law measures how many requests the model refused, and which share of its windows was used.

use super::*;
use crate::clock::{Clock, rfc3339};
use crate::entropy::Entropy;
use crate::testing::{ManualClock, SeededEntropy};
use crate::transport::budgets::{Budget, Budgets};
use futures_util::future::join_all;
use std::cell::RefCell;
use std::sync::Arc;

const WINDOW_MS: u64 = 30_000;
const T0: u64 = 1_778_507_624_000; // 14 s into a window

fn rule() -> RateRule {
    let mut rule = RateRule::new("api", ["api"], 50, WINDOW_MS);
    rule.aligned = true;
    rule.limit_header = Some("x-ratelimit-limit".into());
    rule.remaining_header = Some("X-RateLimit-Remaining".into());
    rule
}

fn rule_with(change: impl FnOnce(&mut RateRule)) -> RateRule {
    let mut rule = rule();
    change(&mut rule);
    rule
}

fn field(name: &str, value: impl ToString) -> Field {
    Field { name: name.into(), value: value.to_string() }
}

/// The model of the server.
struct Model {
    limit: u32,
    /// Its clock is ahead by this much, and its windows begin this much later than multiples of
    /// their length.
    skew_ms: i64,
    shift_ms: u64,
    /// Requests of other integrations at the beginning of each window.
    others: u32,
    window: u64,
    used: u32,
    served: Vec<u64>,
    refused: u32,
}

impl Model {
    fn new(limit: u32) -> Self {
        Self {
            limit,
            skew_ms: 0,
            shift_ms: 0,
            others: 0,
            window: 0,
            used: 0,
            served: Vec::new(),
            refused: 0,
        }
    }

    fn hit(&mut self, now_ms: u64) -> (u16, Vec<Field>) {
        let own_ms = now_ms.checked_add_signed(self.skew_ms).unwrap();
        let window = (own_ms - self.shift_ms) / WINDOW_MS;
        if window != self.window {
            (self.window, self.used) = (window, self.others);
        }
        let date = httpdate::fmt_http_date(
            std::time::UNIX_EPOCH + std::time::Duration::from_millis(own_ms),
        );
        let mut headers = vec![
            field("date", date),
            field("x-ratelimit-limit", self.limit),
            field("x-ratelimit-reset", own_ms / 1000 + 30),
        ];
        if self.used >= self.limit {
            self.refused += 1;
            headers.push(field("x-ratelimit-remaining", 0));
            headers.push(field("retry-after", 3));
            return (429, headers);
        }
        self.used += 1;
        self.served.push(window);
        headers.push(field("x-ratelimit-remaining", self.limit - self.used));
        (200, headers)
    }

    /// The used share of the windows between the first and the last, other integrations included.
    fn share(&self) -> f64 {
        let (first, last) = (*self.served.first().unwrap(), *self.served.last().unwrap());
        let inner =
            self.served.iter().filter(|window| **window != first && **window != last).count();
        inner as f64 / ((last - first - 1) as f64 * f64::from(self.limit - self.others))
    }
}

/// Lets `workers` send as fast as the budget allows for `windows` windows; each request takes up to
/// `latency_ms`.
fn saturate(model: Model, seed: u64, workers: usize, latency_ms: u64, windows: u64) -> Model {
    let clock = ManualClock::at(T0);
    let entropy = SeededEntropy::new(seed);
    let budget = Arc::new(Budget::new(&rule(), clock.clone(), entropy.clone()));
    let model = RefCell::new(model);
    let end_ms = T0 + windows * WINDOW_MS;
    let work = (0..workers).map(|_| async {
        while clock.now_ms() < end_ms {
            let permit = budget.acquire(Priority::Backfill, u64::MAX).await.unwrap();
            clock.sleep(1 + entropy.below(latency_ms / 2)).await;
            let (status, headers) = model.borrow_mut().hit(clock.now_ms());
            clock.sleep(1 + entropy.below(latency_ms / 2)).await;
            permit.settle(Ended::Answered { status, headers: &headers });
        }
    });
    clock.drive(join_all(work));
    model.into_inner()
}

#[test]
fn a_saturated_window_is_used_to_98_percent_without_refusals_under_any_clock_skew() {
    for (round, skew_ms) in
        [0, 400, -700, 5_000, -12_345, 3_600_000, -86_400_123].into_iter().enumerate()
    {
        for latency_ms in [40, 600, 2_000] {
            let model = Model { skew_ms, ..Model::new(150) };
            let model = saturate(model, 0xb0d9_0000 + round as u64, 16, latency_ms, 8);
            assert_eq!(model.refused, 0, "skew {skew_ms} latency {latency_ms}");
            assert!(
                model.share() >= 0.98,
                "skew {skew_ms} latency {latency_ms}: {}",
                model.share()
            );
        }
    }
}

#[test]
fn the_budget_leaves_other_integrations_their_share() {
    let model = saturate(Model { others: 60, ..Model::new(150) }, 0xb0d9_0100, 16, 300, 8);
    assert_eq!(model.refused, 0);
    assert!(model.share() >= 0.98, "{}", model.share());
}

/// Method: the model's windows begin later than assumed. The budget cannot know the first turn; it
/// learns from each refusal's `Retry-After` of 3 s.
#[test]
fn shifted_windows_are_learned_at_the_cost_of_a_few_single_refusals() {
    for shift_ms in [1_500, 13_000, 29_000] {
        let model = saturate(Model { shift_ms, ..Model::new(150) }, 0xb0d9_0200, 16, 300, 20);
        assert!(model.refused <= 5, "shift {shift_ms}: {}", model.refused);
        assert!(model.share() >= 0.90, "shift {shift_ms}: {}", model.share());
    }
}

#[test]
fn a_limit_smaller_than_assumed_is_learned_from_the_first_answer() {
    let model = saturate(Model::new(12), 0xb0d9_0300, 16, 300, 6);
    assert_eq!(model.refused, 0);
    assert!(model.share() >= 0.98, "{}", model.share());
}

#[test]
fn an_interactive_request_is_served_at_once_while_a_backfill_has_used_its_share() {
    let mut window = Window::new(&rule_with(|rule| {
        rule.remaining_header = None;
        rule.limit_initial = 100;
        rule.concurrency_max = Some(200);
    }));
    let now_ms = T0 - 12_000; // two seconds into a window
    let mut went = 0;
    while window.ask(now_ms, Priority::Backfill) == Decision::Go {
        went += 1;
    }
    assert!((95..=96).contains(&went), "{went}");
    let Decision::WaitUntil(until_ms) = window.ask(now_ms, Priority::Incremental) else {
        panic!("the reserve was given away")
    };
    assert!(
        until_ms > now_ms && until_ms < now_ms + WINDOW_MS,
        "the reserve melts before the window ends"
    );
    assert_eq!(window.ask(now_ms, Priority::Interactive), Decision::Go);
    let Decision::WaitUntil(melted_ms) = window.ask(now_ms, Priority::Incremental) else {
        panic!("the reserve was given away")
    };
    assert!(melted_ms > until_ms && melted_ms < now_ms + WINDOW_MS);
    assert_eq!(window.ask(melted_ms, Priority::Incremental), Decision::Go);
}

#[test]
fn a_late_answer_does_not_raise_the_remaining_count() {
    let mut window = Window::new(&rule_with(|rule| rule.limit_initial = 10));
    let said = |remaining: u32| {
        [field("x-ratelimit-limit", 10), field("x-ratelimit-remaining", remaining)]
    };
    assert_eq!(window.ask(T0, Priority::Interactive), Decision::Go);
    window.end(T0, T0 + 10, Ended::Answered { status: 200, headers: &said(9) }, 0);
    for _ in 0..3 {
        assert_eq!(window.ask(T0 + 20, Priority::Interactive), Decision::Go);
    }
    for remaining in [2, 8, 5] {
        window.end(T0 + 20, T0 + 40, Ended::Answered { status: 200, headers: &said(remaining) }, 0);
        assert_eq!(window.left(T0 + 40) + window.under_way, 2);
    }
}

#[test]
fn a_request_that_never_left_costs_nothing_and_an_unclear_one_costs_one() {
    let mut window = Window::new(&rule_with(|rule| {
        rule.limit_initial = 20;
        rule.remaining_header = None;
    }));
    assert_eq!(window.ask(T0, Priority::Interactive), Decision::Go);
    window.end(T0, T0 + 5, Ended::NotSent, 0);
    assert_eq!(window.left(T0 + 5), 20);
    assert_eq!(window.ask(T0 + 5, Priority::Interactive), Decision::Go);
    window.end(T0 + 5, T0 + 9, Ended::Unclear, 0);
    assert_eq!(window.left(T0 + 9), 19);
}

#[test]
fn after_a_refusal_retry_after_is_obeyed_but_never_less_than_a_second() {
    for (value, expected_ms) in [
        (Some("7"), 7_000),
        (Some("0"), 1_000),
        (Some("999999"), 3_600_000),
        (Some("soon"), 16_000),
        (None, 16_000),
    ] {
        let mut window = Window::new(&rule());
        assert_eq!(window.ask(T0, Priority::Interactive), Decision::Go);
        let mut headers = vec![field(
            "date",
            httpdate::fmt_http_date(std::time::UNIX_EPOCH + std::time::Duration::from_millis(T0)),
        )];
        headers.extend(value.map(|value| field("retry-after", value)));
        window.end(T0, T0, Ended::Answered { status: 429, headers: &headers }, 250);
        let Decision::WaitUntil(until_ms) = window.ask(T0, Priority::Interactive) else {
            panic!("went on after a refusal")
        };
        assert_eq!(until_ms - T0, expected_ms + 250, "{value:?} {}", rfc3339(until_ms));
        assert_eq!(window.ask(until_ms, Priority::Interactive), Decision::Go);
        assert!(
            window.ask(until_ms, Priority::Interactive) != Decision::Go,
            "one request alone probes first"
        );
    }
}

#[test]
fn consecutive_refusals_lengthen_the_pause_up_to_a_bound_and_concurrent_ones_count_once() {
    let mut window = Window::new(&rule_with(|rule| rule.remaining_header = None));
    for _ in 0..5 {
        assert_eq!(window.ask(T0, Priority::Interactive), Decision::Go);
    }
    for _ in 0..5 {
        window.end(T0, T0 + 10, Ended::Answered { status: 429, headers: &[] }, 0);
    }
    assert_eq!(window.strikes, 1);
    let mut now_ms = window.blocked_until(0);
    let mut last_ms = 0;
    for _ in 0..12 {
        assert_eq!(window.ask(now_ms, Priority::Interactive), Decision::Go);
        window.end(now_ms, now_ms, Ended::Answered { status: 429, headers: &[] }, 0);
        let pause_ms = window.blocked_until(0) - now_ms;
        assert!(pause_ms <= PAUSE_MS_MAX && pause_ms + WINDOW_MS >= last_ms);
        (last_ms, now_ms) = (pause_ms, now_ms + pause_ms);
    }
    assert_eq!(last_ms, PAUSE_MS_MAX);
}

#[test]
fn a_sliding_window_never_holds_more_than_the_limit_in_any_span() {
    let clock = ManualClock::at(T0);
    let entropy = SeededEntropy::new(0xb0d9_0400);
    let rule = rule_with(|rule| {
        rule.aligned = false;
        rule.window_ms = 10_000;
        rule.limit_initial = 40;
        rule.limit_header = None;
        rule.remaining_header = None;
    });
    let budget = Arc::new(Budget::new(&rule, clock.clone(), entropy.clone()));
    let arrivals = RefCell::new(Vec::new());
    clock.drive(join_all((0..8).map(|_| async {
        while clock.now_ms() < T0 + 100_000 {
            let permit = budget.acquire(Priority::Backfill, u64::MAX).await.unwrap();
            clock.sleep(entropy.below(200)).await;
            arrivals.borrow_mut().push(clock.now_ms());
            permit.settle(Ended::Answered { status: 200, headers: &[] });
        }
    })));
    let arrivals = arrivals.into_inner();
    for (at, first) in arrivals.iter().enumerate() {
        let held = arrivals[at..].iter().take_while(|time| **time < first + 10_000).count();
        assert!(held <= 40, "{held} from {first}");
    }
    assert!(arrivals.len() > 40 * 9, "{}", arrivals.len());
}

#[test]
fn a_trusted_reset_header_ends_the_window() {
    let rule = rule_with(|rule| {
        rule.aligned = false;
        rule.limit_initial = 2;
        rule.reset = ResetReading::SecondsLeft { header: "x-reset".into() };
    });
    let mut window = Window::new(&rule);
    for (at, remaining) in [(0, 1), (10, 0)] {
        assert_eq!(window.ask(T0 + at, Priority::Interactive), Decision::Go);
        let headers = [
            field("x-ratelimit-remaining", remaining),
            field("x-ratelimit-limit", 2),
            field("x-reset", 4),
        ];
        window.end(T0 + at, T0 + at + 5, Ended::Answered { status: 200, headers: &headers }, 0);
    }
    let Decision::WaitUntil(until_ms) = window.ask(T0 + 20, Priority::Interactive) else {
        panic!("went over the limit")
    };
    assert!((T0 + 4_000..T0 + 5_100).contains(&until_ms), "{}", until_ms - T0);
    assert_eq!(window.ask(until_ms, Priority::Interactive), Decision::Go);
}

#[test]
fn no_reset_header_keeps_a_window_from_ending_for_longer_than_an_hour() {
    let readings = [
        ResetReading::EpochSeconds { header: "x-reset".into() },
        ResetReading::SecondsLeft { header: "x-reset".into() },
    ];
    for reset in readings {
        for (said, date) in [
            ("4294967296", None),
            ("18446744073709551615", None),
            ("4294967296", Some("Thu, 01 Jan 1970 00:00:00 GMT")),
        ] {
            let rule = rule_with(|rule| {
                rule.aligned = false;
                rule.limit_initial = 1;
                rule.reset = reset.clone();
            });
            let mut window = Window::new(&rule).at(T0, 0);
            assert_eq!(window.ask(0, Priority::Interactive), Decision::Go);
            let mut headers = vec![
                field("x-ratelimit-remaining", 0),
                field("x-ratelimit-limit", 1),
                field("x-reset", said),
            ];
            headers.extend(date.map(|date| field("date", date)));
            window.end(0, 5, Ended::Answered { status: 200, headers: &headers }, 0);
            let Decision::WaitUntil(until_ms) = window.ask(6, Priority::Interactive) else {
                panic!("went over the limit")
            };
            assert!(until_ms <= REST_MS_MAX + 1_000, "{said}: {until_ms} ms");
            assert_eq!(window.ask(REST_MS_MAX + 1_000, Priority::Interactive), Decision::Go);
        }
    }
}

#[test]
fn waiters_are_served_by_priority_then_arrival_and_one_that_gives_up_blocks_no_other() {
    let clock = ManualClock::at(T0);
    let rule = rule_with(|rule| {
        rule.concurrency_max = Some(1);
        rule.remaining_header = None;
    });
    let budget = Arc::new(Budget::new(&rule, clock.clone(), SeededEntropy::new(1)));
    let order = RefCell::new(Vec::new());
    let one = |name: &'static str, after_ms: u64, priority: Priority, patience_ms: u64| {
        let (clock, budget, order) = (clock.clone(), budget.clone(), &order);
        async move {
            clock.sleep(after_ms).await;
            match budget.acquire(priority, after_ms + patience_ms).await {
                Ok(permit) => {
                    order.borrow_mut().push(name);
                    clock.sleep(100).await;
                    permit.settle(Ended::Answered { status: 200, headers: &[] });
                }
                Err(_) => order.borrow_mut().push("gave up"),
            }
        }
    };
    clock.drive(join_all([
        one("first", 0, Priority::Backfill, 9_000),
        one("backfill 1", 1, Priority::Backfill, 9_000),
        one("backfill 2", 2, Priority::Backfill, 9_000),
        one("impatient", 3, Priority::Interactive, 20),
        one("incremental", 4, Priority::Incremental, 9_000),
        one("interactive 1", 5, Priority::Interactive, 9_000),
        one("interactive 2", 6, Priority::Interactive, 9_000),
    ]));
    assert_eq!(
        *order.borrow(),
        [
            "first",
            "gave up",
            "interactive 1",
            "interactive 2",
            "incremental",
            "backfill 1",
            "backfill 2"
        ]
    );
}

#[test]
fn a_dropped_permit_counts_as_spent_and_equal_credentials_share_a_budget() {
    let clock = ManualClock::at(T0);
    let (clock, entropy): (Arc<dyn Clock>, Arc<dyn Entropy>) = (clock, SeededEntropy::new(1));
    let budgets = Budgets::default();
    let rule = rule_with(|rule| {
        rule.limit_initial = 20;
        rule.remaining_header = None;
    });
    let budget = budgets.of("id", &rule, &clock, &entropy);
    drop(futures_util::FutureExt::now_or_never(budget.acquire(Priority::Interactive, 0)));
    assert_eq!(budgets.of("id", &rule, &clock, &entropy).level(), (20, 19));
    assert_eq!(budgets.of("other", &rule, &clock, &entropy).level(), (20, 20));
}

#[test]
fn a_request_around_a_windows_turn_counts_in_the_new_window_until_an_answer_shows_it() {
    // `T0` is 14 s into a window of 30 s. The date bounds the difference of the clocks to -100 ms
    // and +999 ms, so the window ends between 15,001 and 16,100 ms after `T0`.
    let mut window = Window::new(&rule_with(|rule| {
        rule.remaining_header = None;
        rule.limit_header = None;
    }));
    let date =
        httpdate::fmt_http_date(std::time::UNIX_EPOCH + std::time::Duration::from_millis(T0));
    let answered = [field("date", date)];
    assert_eq!(window.ask(T0, Priority::Interactive), Decision::Go);
    window.end(T0, T0 + 100, Ended::Answered { status: 200, headers: &answered }, 0);
    assert_eq!(window.ask(T0 + 15_500, Priority::Interactive), Decision::Go);
    window.end(T0 + 15_500, T0 + 15_600, Ended::Answered { status: 200, headers: &[] }, 0);
    assert_eq!(window.left(T0 + 15_700), 48, "both count in the old one");
    assert_eq!(window.left(T0 + 16_200), 49, "the second may have been counted in the new one");
}

#[test]
fn a_date_in_retry_after_is_compared_with_the_date_of_its_own_answer() {
    let at = |ms: u64| {
        httpdate::fmt_http_date(std::time::UNIX_EPOCH + std::time::Duration::from_millis(ms))
    };
    // The server's clock is two hours ahead of ours.
    let theirs_ms = T0 + 7_200_000;
    let headers = [field("date", at(theirs_ms)), field("retry-after", at(theirs_ms + 30_000))];
    assert_eq!(retry_after_ms(&headers, T0), Some(30_000));
    assert_eq!(retry_after_ms(&[field("retry-after", at(T0 + 30_000))], T0), Some(30_000));
}
