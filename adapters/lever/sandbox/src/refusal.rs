//! Refusals: a status, and `{code, message}`. The reference says that the codes are not enumerated;
//! these are examples.

use atsync_sandbox::Answer;
use serde_json::json;

/// The reason for a refusal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refusal {
    BadRequest(String),
    Unauthorized,
    Forbidden(String),
    /// Unknown, or not visible.
    NotFound(&'static str),
    TooLarge,
}

impl Refusal {
    /// Refuses a value of a request.
    pub(crate) fn bad(text: impl Into<String>) -> Self {
        Self::BadRequest(text.into())
    }

    /// Returns the reason in one line.
    pub(crate) fn text(&self) -> String {
        match self {
            Self::BadRequest(text) | Self::Forbidden(text) => text.clone(),
            Self::Unauthorized => "API key is not valid".to_owned(),
            Self::NotFound(what) => format!("{what} was not found"),
            Self::TooLarge => "Request is too large".to_owned(),
        }
    }

    /// Builds the answer.
    pub(crate) fn answer(&self) -> Answer {
        let (status, code) = match self {
            Self::BadRequest(_) => (400, "BadRequest"),
            Self::Unauthorized => (401, "Unauthorized"),
            Self::Forbidden(_) => (403, "Forbidden"),
            Self::NotFound(_) => (404, "ResourceNotFound"),
            Self::TooLarge => (413, "RequestEntityTooLarge"),
        };
        Answer::value(status, &json!({"code": code, "message": self.text()}))
    }
}
