//! Decides whether a request is sent again, and when. Pure.
//!
//! | became of it | safe, scratch | unsafe, consuming |
//! | --- | --- | --- |
//! | 401, first time | renew the credential, repeat | the same: it was not executed |
//! | 429, first time | wait for the budget, repeat | the same: it was not executed |
//! | 429 again | wait by itself, repeat, a few times | the same: it was not executed |
//! | 500, 502, 503, 504 | back off, repeat, a few times | handed over |
//! | not sent: no connection | back off, repeat, a few times | handed over: the journal decides |
//! | unclear | back off, repeat, a few times | handed over: in doubt |
//! | anything else | handed over | handed over |
//!
//! A call that gets 429 again after the budget's pause is throttled alone: the ATS may throttle one
//! path, and a call that paused the whole connection each time would block all others without end.
//! So each call pauses the budget once. If the ATS throttles the whole connection after all, the
//! next call is refused too and pauses it again, for longer.

use super::budget::retry_after_ms;
use super::{Delivery, NotSent};
use atsync_model::contract::Effect;

/// Repeats after a temporary failure, per call.
pub const FAILED_REPEATS_MAX: u32 = 3;
/// Repeats after 429, per call. The budget waits before the first.
pub const THROTTLED_REPEATS_MAX: u32 = 4;
/// How long a call alone waits after its second 429 without a `Retry-After`; doubled with each
/// further one.
const REST_MS: u64 = 60_000;
/// The shortest such wait.
const REST_MS_MIN: u64 = 1_000;
/// The first pause after a failure; doubled with each further one.
const PAUSE_MS_MIN: u64 = 500;
/// The longest `Retry-After` of a 503 that a call waits for by itself.
const PAUSE_MS_MAX: u64 = 30_000;

/// The history of a call.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tries {
    /// The credential was renewed.
    pub renewed: bool,
    /// Repeats after a failure.
    pub failed: u32,
    /// Repeats after 429.
    pub throttled: u32,
}

/// The next action of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Return the result.
    HandOver,
    /// Fetch another credential, then repeat.
    Renew,
    /// Repeat when the budget allows it.
    AwaitBudget,
    /// Repeat after so many milliseconds, if the caller waits that long.
    Rest(u64),
    /// Repeat after a pause of so many milliseconds, of which at most half is left out at random.
    Pause(u64),
}

/// The decision.
pub fn next(effect: Effect, delivery: &Delivery, tries: Tries, now_ms: u64) -> Next {
    let repeatable =
        matches!(effect, Effect::Safe | Effect::Scratch) && tries.failed < FAILED_REPEATS_MAX;
    let pause = Next::Pause(PAUSE_MS_MIN << tries.failed.min(FAILED_REPEATS_MAX));
    match delivery {
        Delivery::Answered(response) => match response.status {
            401 if !tries.renewed => Next::Renew,
            429 if tries.throttled == 0 => Next::AwaitBudget,
            429 if tries.throttled < THROTTLED_REPEATS_MAX => {
                let asked_ms = retry_after_ms(&response.headers, now_ms);
                Next::Rest(
                    asked_ms.unwrap_or(REST_MS << (tries.throttled - 1).min(8)).max(REST_MS_MIN),
                )
            }
            500 | 502 | 503 | 504 if repeatable => {
                match retry_after_ms(&response.headers, now_ms) {
                    Some(asked_ms) if asked_ms > PAUSE_MS_MAX => Next::HandOver,
                    // Doubled, because at most half of a pause is left out.
                    Some(asked_ms) => Next::Pause(
                        asked_ms
                            .saturating_mul(2)
                            .max(PAUSE_MS_MIN << tries.failed.min(FAILED_REPEATS_MAX)),
                    ),
                    None => pause,
                }
            }
            _ => Next::HandOver,
        },
        Delivery::NotSent(NotSent::Unreachable(_)) | Delivery::Unclear(_) if repeatable => pause,
        Delivery::NotSent(_) | Delivery::Unclear(_) => Next::HandOver,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use atsync_model::contract::{Field, Response};

    fn answer(status: u16) -> Delivery {
        Delivery::Answered(Response { status, headers: Vec::new(), body: Vec::new() })
    }

    const EFFECTS: [Effect; 4] = [Effect::Safe, Effect::Scratch, Effect::Unsafe, Effect::Consuming];

    #[test]
    fn what_was_not_executed_is_repeated_whatever_its_effect_but_not_for_ever() {
        for effect in EFFECTS {
            assert_eq!(next(effect, &answer(401), Tries::default(), 0), Next::Renew);
            assert_eq!(
                next(effect, &answer(401), Tries { renewed: true, ..Tries::default() }, 0),
                Next::HandOver
            );
            assert_eq!(next(effect, &answer(429), Tries::default(), 0), Next::AwaitBudget);
            let again =
                |throttled| next(effect, &answer(429), Tries { throttled, ..Tries::default() }, 0);
            assert_eq!([again(1), again(2), again(3)], [60_000, 120_000, 240_000].map(Next::Rest));
            assert_eq!(
                next(
                    effect,
                    &answer(429),
                    Tries { throttled: THROTTLED_REPEATS_MAX, ..Tries::default() },
                    0
                ),
                Next::HandOver
            );
        }
    }

    #[test]
    fn what_may_have_been_executed_is_repeated_only_when_that_does_no_harm() {
        let doubtful = [
            answer(500),
            answer(502),
            answer(503),
            answer(504),
            Delivery::Unclear("cut".into()),
            Delivery::NotSent(NotSent::Unreachable("dns".into())),
        ];
        for delivery in &doubtful {
            for effect in [Effect::Safe, Effect::Scratch] {
                assert_eq!(
                    next(effect, delivery, Tries::default(), 0),
                    Next::Pause(500),
                    "{delivery:?}"
                );
                assert_eq!(
                    next(effect, delivery, Tries { failed: 2, ..Tries::default() }, 0),
                    Next::Pause(2_000),
                    "{delivery:?}"
                );
                assert_eq!(
                    next(
                        effect,
                        delivery,
                        Tries { failed: FAILED_REPEATS_MAX, ..Tries::default() },
                        0
                    ),
                    Next::HandOver,
                    "{delivery:?}"
                );
            }
            for effect in [Effect::Unsafe, Effect::Consuming] {
                assert_eq!(
                    next(effect, delivery, Tries::default(), 0),
                    Next::HandOver,
                    "{delivery:?}"
                );
            }
        }
    }

    #[test]
    fn a_final_answer_or_refusal_is_handed_over() {
        let last = [
            answer(200),
            answer(302),
            answer(400),
            answer(403),
            answer(404),
            answer(422),
            answer(501),
            Delivery::NotSent(NotSent::Refused("rule".into())),
            Delivery::NotSent(NotSent::Moot("gone".into())),
            Delivery::NotSent(NotSent::Auth("key".into())),
            Delivery::NotSent(NotSent::Throttled { until_ms: 1 }),
        ];
        for effect in EFFECTS {
            for delivery in &last {
                assert_eq!(
                    next(effect, delivery, Tries::default(), 0),
                    Next::HandOver,
                    "{delivery:?}"
                );
            }
        }
    }

    #[test]
    fn a_503_that_says_when_is_believed_up_to_a_point() {
        let with = |seconds: &str| {
            Delivery::Answered(Response {
                status: 503,
                headers: vec![Field { name: "retry-after".into(), value: seconds.into() }],
                body: Vec::new(),
            })
        };
        assert_eq!(next(Effect::Safe, &with("7"), Tries::default(), 0), Next::Pause(14_000));
        assert_eq!(next(Effect::Safe, &with("3600"), Tries::default(), 0), Next::HandOver);
    }
}
