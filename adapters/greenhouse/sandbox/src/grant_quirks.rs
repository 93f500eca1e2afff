//! The switches of the authorization code grant: where the reference marks an account uncertain, or
//! accounts differ.
//!
//! They are members of [`crate::Quirks`]; each default is what the official guide or most sources
//! say. Sources are the sections of atsync's reference `harvest-v3.md`, with its source codes.

use serde::{Deserialize, Serialize};

/// A day.
const DAY_MS: i64 = 86_400_000;
/// The short lifetime of a refresh token.
const REFRESH_SHORT_MS: i64 = DAY_MS;
/// The long lifetime of a refresh token.
const REFRESH_LONG_MS: i64 = 14 * DAY_MS;

/// The lifetime of a refresh token, from its issue (§2.3, marked uncertain).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefreshLifetime {
    /// 24 hours: the stored official guide (D-partner), Airbyte, Okta.
    #[default]
    OneDay,
    /// 14 days: docs.sim.ai and docs.unified.to.
    FourteenDays,
}

impl RefreshLifetime {
    /// Returns the lifetime in milliseconds.
    #[must_use]
    pub const fn ms(self) -> i64 {
        match self {
            Self::OneDay => REFRESH_SHORT_MS,
            Self::FourteenDays => REFRESH_LONG_MS,
        }
    }
}

/// The effect of a refresh token that was used before. It is `invalid_grant` in both readings
/// (§2.7); §2.3 says that losing the race "kills the connection", not whether the winner's pair
/// dies too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReusedRefresh {
    /// The request is refused; the pair that replaced it is still good.
    #[default]
    Refused,
    /// The consent is revoked, as the OAuth security guidance (RFC 9700 §4.14.2) recommends.
    RevokesConsent,
}

/// The answer of the consent page to a scope that the client may not ask for (§2.7, marked
/// uncertain). Both refuse the whole consent (§2.3, AB PR #86428).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefusedScope {
    /// A redirect with `error=invalid_scope`.
    #[default]
    Redirect,
    /// A page with status 400, so that the integration hears nothing.
    Page,
}

/// Whether a code challenge protects a code. PKCE is not part of the guide (§2.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pkce {
    /// A challenge is stored, and the exchange needs its verifier.
    #[default]
    Checked,
    /// Challenge and verifier are ignored like any unknown parameter.
    Ignored,
}

/// Where the token endpoint reads the parameters of a partner's grant. The guide is reported to
/// show the query string, working clients send a form (§2.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GrantParameters {
    /// The form in the body.
    #[default]
    Form,
    /// The query string.
    Query,
    /// Both; a parameter in both is refused as repeated.
    Either,
}

/// The status of `invalid_grant` and `unauthorized_client` (§2.7: "400 / 401").
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GrantErrorStatus {
    /// 400, as RFC 6749 §5.2 says.
    #[default]
    BadRequest,
    /// 401.
    Unauthorized,
}

/// The body of a refusal of the token endpoint (§2.7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GrantErrorBody {
    /// `{"error": "invalid_grant"}`
    #[default]
    Error,
    /// `{"error": "invalid_grant", "error_description": …}`
    Described,
    /// `{"message": …}`, the shape in the guide, which no client saw.
    Message,
}
