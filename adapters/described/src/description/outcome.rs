//! What an answer means.

use super::Expr;
use serde::de::{Deserializer, Error, SeqAccess, Visitor};
use serde::{Deserialize, Serialize, Serializer};
use std::fmt;

/// One row of a table of outcomes: which answers it covers, and what they mean. The first row that
/// covers an answer decides.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "host", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct OutcomeRule {
    /// The statuses that it covers: `404`, `4xx`, or a list of them. Left out: every one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<Statuses>,
    /// A condition on the answer: an expression over `reply`, `status` and `headers`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<Expr>,
    /// What the answer means.
    pub then: Then,
    /// Words for users: an expression. Left out: the description's `message`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<Expr>,
    /// `denied`: the permission that is missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub permission: Option<String>,
    /// `throttled`: how many milliseconds to wait; `quota`: when to retry, in milliseconds since
    /// 1970. An expression.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait_ms: Option<Expr>,
    /// `invalid`: the member of the operation's input that was refused. An expression.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<Expr>,
    /// `moved`: the id that the record has now. An expression.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<Expr>,
}

/// What an answer means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "host", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Then {
    /// It is the expected answer; a write has happened.
    Ok,
    /// A write was accepted for later; the message is passed to the next probe.
    Pending,
    /// The answer does not say whether the write happened: a probe settles it.
    Unclear,
    /// The credential was refused.
    Auth,
    /// A right is missing.
    Denied,
    /// The record does not exist or is not visible.
    NotFound,
    /// The record was deleted.
    Gone,
    /// The record has another id now.
    Moved,
    /// The record was changed after the plan.
    Conflict,
    /// A value was refused.
    Invalid,
    /// A setting of the connection is wrong.
    Misconfigured,
    /// The cursor expired: the pass begins again.
    RestartPass,
    /// The token expired: a full pass is needed.
    RestartEverything,
    /// Too many requests.
    Throttled,
    /// A long-term budget is used up.
    Quota,
    /// The ATS is unavailable.
    Unavailable,
    /// The answer is undocumented.
    Protocol,
    /// Checks: the permission is granted.
    Granted,
    /// Checks: the permission is not granted to the credential.
    Missing,
    /// Checks: the user that the credential acts as lacks the right.
    Actor,
    /// Checks: refused, by the credential or the account.
    Refused,
    /// Checks: it cannot be found out.
    Unknown,
}

impl Then {
    /// Whether only a check can end so.
    #[must_use]
    pub fn is_verdict(self) -> bool {
        matches!(self, Self::Granted | Self::Missing | Self::Actor | Self::Refused | Self::Unknown)
    }

    /// Whether only a write can end so.
    #[must_use]
    pub fn is_of_writes(self) -> bool {
        matches!(self, Self::Pending | Self::Unclear)
    }
}

/// Statuses: each a range.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "host", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "host", schemars(with = "StatusesForm"))]
pub struct Statuses(pub Vec<StatusRange>);

/// Statuses: one, or a list.
#[cfg(feature = "host")]
#[derive(schemars::JsonSchema)]
#[serde(untagged)]
#[allow(dead_code, reason = "the form that the schema shows")]
enum StatusesForm {
    /// One status.
    One(StatusForm),
    /// Several.
    Several(Vec<StatusForm>),
}

/// A status such as `404`, or a class such as `4xx`.
#[cfg(feature = "host")]
#[derive(schemars::JsonSchema)]
#[serde(untagged)]
#[allow(dead_code, reason = "the form that the schema shows")]
enum StatusForm {
    /// One status.
    Status(u16),
    /// A class of statuses: `2xx`, `3xx`, `4xx` or `5xx`.
    Class(#[schemars(regex(pattern = "^[1-5]xx$"))] String),
}

/// A status, or a class of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StatusRange {
    /// The first status.
    pub from: u16,
    /// The last status.
    pub to: u16,
}

impl Statuses {
    /// Whether a status is one of them.
    #[must_use]
    pub fn cover(&self, status: u16) -> bool {
        self.0.iter().any(|range| (range.from..=range.to).contains(&status))
    }
}

impl Serialize for Statuses {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(&self.0)
    }
}

impl Serialize for StatusRange {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.from == self.to {
            serializer.serialize_u16(self.from)
        } else {
            serializer.collect_str(&format_args!("{}xx", self.from / 100))
        }
    }
}

impl<'de> Deserialize<'de> for Statuses {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Several)
    }
}

impl<'de> Deserialize<'de> for StatusRange {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(One)
    }
}

struct One;

impl Visitor<'_> for One {
    type Value = StatusRange;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a status such as 404, or a class such as 4xx")
    }

    fn visit_u64<E: Error>(self, status: u64) -> Result<StatusRange, E> {
        match u16::try_from(status) {
            Ok(status @ 100..=599) => Ok(StatusRange { from: status, to: status }),
            _ => Err(E::custom(format!("{status} is no status; there are 100 to 599"))),
        }
    }

    fn visit_i64<E: Error>(self, status: i64) -> Result<StatusRange, E> {
        self.visit_u64(u64::try_from(status).unwrap_or_default())
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<StatusRange, E> {
        if let Ok(status) = text.parse::<u64>() {
            return self.visit_u64(status);
        }
        let class = text.strip_suffix("xx").and_then(|class| class.parse::<u16>().ok());
        match class {
            Some(class @ 1..=5) => {
                let from = class.saturating_mul(100);
                Ok(StatusRange { from, to: from.saturating_add(99) })
            }
            _ => Err(E::custom(format!("{text:.20} is no status; write 404 or 4xx"))),
        }
    }
}

struct Several;

impl<'de> Visitor<'de> for Several {
    type Value = Statuses;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a status such as 404, a class such as 4xx, or a list of them")
    }

    fn visit_u64<E: Error>(self, status: u64) -> Result<Statuses, E> {
        One.visit_u64(status).map(|one| Statuses(vec![one]))
    }

    fn visit_i64<E: Error>(self, status: i64) -> Result<Statuses, E> {
        One.visit_i64(status).map(|one| Statuses(vec![one]))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Statuses, E> {
        One.visit_str(text).map(|one| Statuses(vec![one]))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Statuses, A::Error> {
        let mut all = Vec::new();
        while let Some(one) = list.next_element()? {
            all.push(one);
        }
        Ok(Statuses(all))
    }
}
