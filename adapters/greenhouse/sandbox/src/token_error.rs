//! Refusals of the token endpoint, by the codes of RFC 6749 §5.2.
//!
//! Status and body differ between accounts (harvest-v3.md §2.7), so two switches choose them.

use atsync_sandbox::Answer;
use serde_json::json;

use crate::quirks::Quirks;
use crate::{GrantErrorBody, GrantErrorStatus};

/// The reason for a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TokenError {
    InvalidRequest,
    InvalidClient,
    InvalidGrant,
    /// The client exists, but may not use this grant.
    UnauthorizedClient,
    UnsupportedGrantType,
}

impl TokenError {
    fn code(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::InvalidClient => "invalid_client",
            Self::InvalidGrant => "invalid_grant",
            Self::UnauthorizedClient => "unauthorized_client",
            Self::UnsupportedGrantType => "unsupported_grant_type",
        }
    }

    fn description(self) -> &'static str {
        match self {
            Self::InvalidRequest => "A parameter is missing, repeated or malformed.",
            Self::InvalidClient => "Client authentication failed.",
            Self::InvalidGrant => {
                "The code, refresh token or user is invalid, expired, revoked, or belongs to \
                 another client or redirect URI."
            }
            Self::UnauthorizedClient => "The client may not use this grant type.",
            Self::UnsupportedGrantType => "The grant type is not supported.",
        }
    }

    /// Builds the answer.
    pub(crate) fn answer(self, quirks: &Quirks) -> Answer {
        let status = match (self, quirks.grant_error_status) {
            (Self::InvalidClient, _)
            | (Self::InvalidGrant | Self::UnauthorizedClient, GrantErrorStatus::Unauthorized) => {
                401
            }
            _ => 400,
        };
        let body = match quirks.grant_error_body {
            GrantErrorBody::Error => json!({"error": self.code()}),
            GrantErrorBody::Described => {
                json!({"error": self.code(), "error_description": self.description()})
            }
            GrantErrorBody::Message => json!({"message": self.description()}),
        };
        Answer::value(status, &body)
    }
}
