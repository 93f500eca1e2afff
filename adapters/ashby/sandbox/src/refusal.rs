//! Refusals. Those for business reasons have status 200: the body says it.

use atsync_sandbox::Answer;
use serde_json::json;

/// The reason for a refusal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// A code, with status 200.
    Code(&'static str, String),
    /// No key.
    Unauthorized,
    /// A key that is wrong or deactivated, or a right that is missing: by its code.
    Forbidden(&'static str),
    /// No such path.
    NoPath,
    /// Another method than POST.
    NoMethod,
}

impl Refusal {
    /// Refuses a value of a request.
    pub(crate) fn input(text: impl Into<String>) -> Self {
        Self::Code("invalid_input", text.into())
    }

    /// Refuses with a code alone.
    pub(crate) fn code(code: &'static str) -> Self {
        Self::Code(code, code.replace('_', " "))
    }

    /// Returns the reason in one line.
    pub(crate) fn text(&self) -> String {
        match self {
            Self::Code(_, text) => text.clone(),
            Self::Unauthorized => "Unauthorized".to_owned(),
            Self::Forbidden(code) => code.replace('_', " "),
            Self::NoPath => "Not found".to_owned(),
            Self::NoMethod => "Method not allowed".to_owned(),
        }
    }

    /// Builds the answer.
    pub(crate) fn answer(&self, request_id: &str) -> Answer {
        let (status, code) = match self {
            Self::Code(code, _) => (200, *code),
            Self::Unauthorized => (401, "unauthorized"),
            Self::Forbidden(code) => (403, *code),
            Self::NoPath => (404, "not_found"),
            Self::NoMethod => (405, "method_not_allowed"),
        };
        let info = json!({"code": code, "message": self.text(), "requestId": request_id});
        Answer::value(status, &json!({"success": false, "errors": [code], "errorInfo": info}))
    }
}
