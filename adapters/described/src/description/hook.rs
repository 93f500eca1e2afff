//! Incoming webhooks.

use super::{Expr, Template};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How webhooks are verified, and which records they suggest to read. Expressions read `body` (the
/// JSON), `raw` (the text as received) and `headers` (by their names in lower case).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "host", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Hook {
    /// How the sender signs.
    pub signature: Signature,
    /// Requests that are answered with 200 although nothing signs them: those by which the ATS
    /// finds out whether there is a receiver. They give no hint. The first whose condition holds
    /// answers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub handshakes: Vec<Handshake>,
    /// When the sender signed it, in the description's `times`: an expression.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signed_at: Option<Expr>,
    /// The records that a webhook names. Every rule whose condition holds adds hints.
    pub hints: Vec<Hint>,
}

/// A request of the ATS that only wants an answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "host", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Handshake {
    /// The requests: a condition.
    pub when: Expr,
    /// The headers of the answer, by name: an ATS may want one of its own repeated.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, Template>,
}

/// How the sender signs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "host", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Signature {
    /// The name of the secret that the operator sets; `webhook` when left out.
    #[serde(default = "webhook")]
    pub secret: String,
    /// The algorithm.
    pub algorithm: SignatureAlgorithm,
    /// The encoding of the signature.
    pub encoding: SignatureEncoding,
    /// The signed message: text with `{{ expression }}` in it. Left out: the body as received, byte
    /// for byte.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The signature, or a list of them of which one must match: an expression.
    pub from: Expr,
    /// What stands before the signature, such as `sha256=`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub prefix: String,
}

/// The algorithm of a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "host", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum SignatureAlgorithm {
    /// HMAC with SHA-256.
    HmacSha256,
    /// HMAC with SHA-1.
    HmacSha1,
    /// HMAC with SHA-512.
    HmacSha512,
    /// The secret itself.
    Plain,
}

/// The encoding of a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "host", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum SignatureEncoding {
    /// Hexadecimal.
    Hex,
    /// Base64.
    Base64,
}

/// A record that a webhook names. Exactly one of `changed`, `deleted`, `erased` and `merged` is
/// given: an expression that yields the id, or a list of ids.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "host", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Hint {
    /// The webhooks that name one: a condition. Left out: all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<Expr>,
    /// The kind of the record.
    pub kind: String,
    /// The id of a record that changed or is new.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changed: Option<Expr>,
    /// The id of a record that was deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted: Option<Expr>,
    /// The id of a record whose personal data must be erased.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub erased: Option<Expr>,
    /// The id of a record that was merged into another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merged: Option<Expr>,
    /// `merged`: the id of the record that it lives on as.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub into: Option<Expr>,
}

fn webhook() -> String {
    "webhook".to_owned()
}
