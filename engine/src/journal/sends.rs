//! Decides how often a request is sent again, and when, from the journal. Pure.
//!
//! A request that provably had no effect is sent again after a growing wait; after [`SENDS_MAX`]
//! sends it waits for a person, with the result of each as evidence. The count is the intent's
//! `attempt`, so it survives a restart. A refused write is a new intent each time it is planned, so
//! the refusals of one path, operation and generation are counted together. Writes that were
//! answered as done and never showed count too: an ATS that answers 200 and ignores the value gets
//! it no more often than one that refuses it.
//!
//! A refusal of the credential (not accepted, or without a right) counts like any other: if every
//! request is refused, no plan is made, so a single refused request has its own cause. Another
//! credential, or the same one given again, restarts the count. Only a quota of the whole
//! connection does not count towards a person's decision; the engine waits after it all the same.
//!
//! A removal is counted by its target: an id that was removed and still shows was not removed.
//!
//! Left out: reads, which change nothing and have their own waits ([`look_again_ms`]).

use super::intent::{Intent, IntentId, IntentState, Try, look_again_ms};
use super::moment::Moment;
use crate::clock::rfc3339;
use serde_json::Value;

/// How often a request leaves before a person decides. Stated in the threat model.
pub const SENDS_MAX: u32 = 5;
/// The wait before the third send; the second one waits for the settle window alone.
const SEND_WAIT_FIRST_MS: u64 = 60_000;
/// The longest wait between two sends. Arbitrary: a cause that refused four times rarely ends
/// within minutes.
pub const SEND_WAIT_MAX_MS: u64 = 16 * 60_000;
/// Characters kept of the result of one send.
const SAW_CHARS_MAX: usize = 300;

/// How long after its last send a request that left so often may leave again: four times as long
/// each time, up to [`SEND_WAIT_MAX_MS`].
pub fn send_wait_ms(sends: u32) -> u64 {
    match sends {
        0 | 1 => 0,
        _ => SEND_WAIT_FIRST_MS.saturating_mul(1 << (2 * (sends - 2).min(8))).min(SEND_WAIT_MAX_MS),
    }
}

/// Whether a request may leave, given the earlier tries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Leave {
    /// It may leave.
    Now,
    /// It had no effect, and waits.
    Later {
        /// Not before this time.
        at_ms: u64,
        /// How often it was sent.
        sends: u32,
        /// How the last one ended.
        came: Came,
        /// The last intent.
        intent: IntentId,
        /// The result of its send.
        reason: String,
    },
    /// A read before it failed, or forbids it; it waits.
    Unread {
        /// Not before this time.
        at_ms: u64,
        /// How often it was tried.
        times: u32,
        /// The result of the last try.
        reason: String,
    },
    /// It had no effect too often: a person decides.
    Person {
        /// The last refusal was about the credential: another one restarts the count.
        by_credential: bool,
        /// How often it was sent.
        sends: u32,
        /// How the last one ended.
        came: Came,
        /// The last intent: what `resolve` names.
        intent: IntentId,
        /// The result of each send, oldest first.
        tries: Vec<Try>,
    },
}

/// Why a send had no effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Came {
    /// The ATS refused it.
    Refused,
    /// The ATS answered that it was done, and does not show it.
    Ignored,
}

/// A request that is about to be sent, and what decides which earlier sends count.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// The generation that it is planned from.
    pub generation: u64,
    /// The operation's input.
    pub input: &'a Value,
    /// The first intent of its path and operation whose effect the ATS has not shown since it was
    /// answered as done.
    pub unseen_since: Option<IntentId>,
    /// It removes its target, which the ATS may show for this long afterwards.
    pub ends_within_ms: Option<u64>,
    /// The credential that it would be sent with.
    pub credential: &'a CredentialGiven,
}

/// The credential in use.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CredentialGiven {
    /// Its [mark](crate::transport::AuthConfig::mark).
    pub mark: String,
    /// When the host last gave it again, or a check last found every right; `None` before either.
    pub at: Option<Moment>,
}

impl CredentialGiven {
    /// Whether a refusal was of another credential, or before the host gave this one again.
    fn is_after(&self, intent: &Intent, refused: Option<&str>) -> bool {
        let Some(refused) = refused else { return false };
        refused != self.mark || self.at.is_some_and(|at| at.later(intent.changed) == at)
    }
}

impl Wanted<'_> {
    /// Whether an intent that was answered as done was for this request, and the ATS has not shown
    /// its effect since.
    fn was_ignored(&self, intent: &Intent) -> bool {
        if self.ends_within_ms.is_some() {
            return true;
        }
        let sent = || serde_json::from_str::<Value>(&intent.input);
        self.unseen_since.is_some_and(|since| intent.id >= since)
            && sent().is_ok_and(|sent| holds(&sent, self.input))
    }
}

/// Whether an input has all values of another one.
fn holds(input: &Value, part: &Value) -> bool {
    match (input, part) {
        (Value::Object(input), Value::Object(part)) => {
            part.iter().all(|(name, part)| input.get(name).is_some_and(|value| holds(value, part)))
        }
        _ => input == part,
    }
}

impl Leave {
    /// Why the request may not leave, in a sentence; none when it may.
    pub fn why_not(&self, path: &str, operation: &str) -> Option<String> {
        match self {
            Self::Now => None,
            Self::Later { at_ms, sends, came, intent, reason } => Some(format!(
                "{path}: {operation} was {} (intent {intent}: {reason}); it is sent again from {} \
                 on",
                came.words(*sends),
                rfc3339(*at_ms)
            )),
            Self::Unread { at_ms, times: tries, reason } => Some(format!(
                "{path}: {operation} could not be sent, tried {}: {reason}; it is tried again from \
                 {} on",
                times(*tries),
                rfc3339(*at_ms)
            )),
            Self::Person { by_credential, sends, came, intent, tries } => Some(format!(
                "{path}: {operation} was {} and waits for a person: {}. `Connection::resolve`, \
                 intent {intent}, with `retry` sends it once more; a changed record{} starts anew",
                came.words(*sends),
                evidence(tries),
                if *by_credential {
                    ", the credential given anew, or a check that finds every right \
                     (`Connection::check`)"
                } else {
                    ""
                }
            )),
        }
    }
}

impl Came {
    fn words(self, sends: u32) -> String {
        match self {
            Self::Refused => format!("refused {}", times(sends)),
            Self::Ignored => {
                format!("sent {} and answered as done, and the ATS does not show it", times(sends))
            }
        }
    }
}

/// The result of a send that was answered as done, where the ATS does not show its effect.
const IGNORED: &str = "answered as done, and not shown since";

fn times(sends: u32) -> String {
    if sends == 1 { "once".to_owned() } else { format!("{sends} times") }
}

/// Decides about the next send from those of the same path and operation that had no effect.
/// `newest_first`: its intents. `now_ms` by the clock that the intents' changes carry.
pub fn may_leave<'a>(
    newest_first: impl Iterator<Item = &'a Intent>,
    wanted: Wanted<'_>,
    now_ms: u64,
) -> Leave {
    let (mut counted, mut all) = (0_u32, 0_u32);
    let mut last: Option<(&Intent, Came, &str, bool)> = None;
    let mut tries: Vec<Try> = Vec::new();
    for intent in newest_first {
        let (came, reason, passing, credential) = match &intent.state {
            IntentState::NotSent { .. } => continue,
            _ if intent.generation != wanted.generation => break,
            IntentState::Refused { credential, .. }
                if wanted.credential.is_after(intent, credential.as_deref()) =>
            {
                break;
            }
            IntentState::Refused { reason, passing, credential } => {
                (Came::Refused, reason.as_str(), *passing, credential.is_some())
            }
            IntentState::Applied { .. } if wanted.was_ignored(intent) => {
                (Came::Ignored, IGNORED, false, false)
            }
            _ => break,
        };
        last = last.or(Some((intent, came, reason, credential)));
        all = all.saturating_add(intent.attempt);
        if !passing {
            counted = counted.saturating_add(intent.attempt);
            tries.push(Try { sent_ms: intent.last_sent.wall_ms, saw: shortened(reason) });
        }
        if all >= SENDS_MAX.saturating_mul(2) {
            break;
        }
    }
    let Some((last, came, reason, by_credential)) = last else { return Leave::Now };
    if counted >= SENDS_MAX {
        tries.truncate(usize::try_from(SENDS_MAX).unwrap_or(usize::MAX));
        tries.reverse();
        return Leave::Person { by_credential, sends: counted, came, intent: last.id, tries };
    }
    let wait_ms = send_wait_ms(all).max(wanted.ends_within_ms.unwrap_or(0));
    let at_ms = last.changed.wall_ms.saturating_add(wait_ms);
    // A wait that is longer than any wait was begun before the clock jumped back.
    if at_ms > now_ms && at_ms <= now_ms.saturating_add(wait_ms) {
        return Leave::Later {
            at_ms,
            sends: all,
            came,
            intent: last.id,
            reason: shortened(reason),
        };
    }
    Leave::Now
}

impl Intent {
    /// When its next probe is due. A wait that is longer than the longest that the intent can have
    /// been given was begun before the clock jumped back, and is over: how much of it passed is not
    /// known, and a probe does no harm.
    pub(crate) fn probe_due_ms(&self, probe_after_ms: u64, probes: u32, now_ms: u64) -> u64 {
        let longest_ms = look_again_ms(probes.saturating_sub(1)).max(send_wait_ms(self.attempt));
        if probe_after_ms > now_ms.saturating_add(longest_ms) { now_ms } else { probe_after_ms }
    }

    /// Whether its request was sent as often as the engine sends it.
    pub fn is_spent(&self) -> bool {
        self.attempt >= SENDS_MAX
    }

    /// Why a request that left too often waits for a person, with the evidence.
    pub fn spent(&self) -> String {
        format!(
            "sent {} and it does not show: {}. Is it there all the same, adopt it; else retry or \
             abandon",
            times(self.attempt),
            evidence(&self.tries)
        )
    }

    /// The tries with one more: a request that left and whose outcome is unknown.
    pub(crate) fn tried(&self, sent_ms: u64, saw: &str) -> Vec<Try> {
        let mut tries = self.tries.clone();
        tries.push(Try { sent_ms, saw: shortened(saw) });
        let extra = tries.len().saturating_sub(usize::try_from(SENDS_MAX).unwrap_or(usize::MAX));
        tries.drain(..extra);
        tries
    }
}

fn shortened(text: &str) -> String {
    text.chars().take(SAW_CHARS_MAX).collect()
}

fn evidence(tries: &[Try]) -> String {
    if tries.is_empty() {
        return "what its sends brought is not known".to_owned();
    }
    tries
        .iter()
        .map(|one| format!("{} {}", rfc3339(one.sent_ms), one.saw))
        .collect::<Vec<_>>()
        .join("; ")
}

#[cfg(test)]
#[path = "sends_tests.rs"]
mod tests;
