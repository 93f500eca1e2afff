//! An entry of the audit log: who did what, when, to what, and how it ended. Plain data.
//!
//! Nothing in it is of a candidate; see the module above.

use super::act::{Act, stored};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Bytes of a text. A longer one is cut: names of tokens and connections are mostly shorter.
pub(crate) const TEXT_BYTES_MAX: usize = 200;

/// How the caller is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum By {
    /// By a token, whose name `who` is.
    Token,
    /// By a session of the console; `who` is the name of its token, none where none is needed.
    Console,
    /// By the socket beside the store: the user of this process.
    Socket,
    /// By an address of this machine, where no token is needed.
    Local,
    /// By a connect link, whose id `who` is.
    Link,
    /// By a signal, or a change of the configuration file.
    Signal,
    /// Not at all: the request was refused.
    Stranger,
}

impl By {
    /// Its word.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::Console => "console",
            Self::Socket => "socket",
            Self::Local => "local",
            Self::Link => "link",
            Self::Signal => "signal",
            Self::Stranger => "stranger",
        }
    }
}

/// How an act ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Outcome {
    Done,
    /// It was refused, or failed; `problem` says why.
    Refused,
    /// A command ended with an error.
    Failed,
    /// An earlier request with the same idempotency key was carried out.
    Replayed,
    /// The caller left before the answer; what was committed stays.
    Left,
    /// It is under way.
    Underway,
    /// The process ended before the result was stored.
    Unknown,
}

impl Outcome {
    /// Its word.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Refused => "refused",
            Self::Failed => "failed",
            Self::Replayed => "replayed",
            Self::Left => "left",
            Self::Underway => "underway",
            Self::Unknown => "unknown",
        }
    }
}

/// See the module.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = AuditEntry)]
pub(crate) struct Entry {
    /// When it began, in milliseconds since 1970.
    pub(crate) at_ms: u64,
    pub(crate) by: By,
    /// The name of the token, or the id of the link.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) who: Option<String>,
    #[serde(deserialize_with = "stored")]
    pub(crate) what: Act,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) connection: Option<String>,
    /// What it was about: the number of an intent, the id of a plan, an endpoint or a link, the
    /// name of a token or a consumer, kinds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) target: Option<String>,
    /// A keyed digest of the desired record's key; the parameter `key` finds it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) record: Option<String>,
    /// How many: records of a batch, steps that an apply ended, requests that were refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) count: Option<u64>,
    /// None in the store until the act has ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(required)]
    pub(crate) result: Option<Outcome>,
    /// The last part of the type of the problem.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) problem: Option<String>,
    /// The id of the request, which the answer has as `x-request-id`, and the log.
    pub(crate) request: String,
}

impl Entry {
    /// An entry of an act that begins now.
    pub(super) fn new(at_ms: u64, by: By, what: Act, request: &str) -> Self {
        Self {
            at_ms,
            by,
            who: None,
            what,
            connection: None,
            target: None,
            record: None,
            count: None,
            result: None,
            problem: None,
            request: request.to_owned(),
        }
    }
}

/// A text within its limit.
pub(super) fn bounded(text: &str) -> String {
    let mut end = text.len().min(TEXT_BYTES_MAX);
    while !text.is_char_boundary(end) {
        end = end.saturating_sub(1);
    }
    text.get(..end).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::{By, Outcome, TEXT_BYTES_MAX, bounded};
    use serde_json::json;

    #[test]
    fn a_text_is_cut_at_a_character() {
        assert_eq!(bounded("acme"), "acme");
        let long = format!("a{}", "\u{e9}".repeat(TEXT_BYTES_MAX));
        let cut = bounded(&long);
        assert_eq!(cut.len(), TEXT_BYTES_MAX - 1);
        assert!(long.starts_with(&cut));
    }

    #[test]
    fn the_words_are_those_that_are_stored() {
        for by in [By::Token, By::Console, By::Socket, By::Local, By::Link, By::Signal] {
            assert_eq!(json!(by), by.word());
        }
        for outcome in [Outcome::Done, Outcome::Refused, Outcome::Left, Outcome::Unknown] {
            assert_eq!(json!(outcome), outcome.word());
        }
    }
}
