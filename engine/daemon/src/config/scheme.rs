//! The schemes of a credential, as configurations and the API write them.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How requests are authenticated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) enum Scheme {
    /// OAuth2 client credentials.
    #[serde(rename = "oauth2-client-credentials")]
    ClientCredentials,
    /// OAuth2 authorization code: an administrator of the customer consents on the connect page.
    #[serde(rename = "oauth2-authorization-code")]
    AuthorizationCode,
    /// A key as half of HTTP Basic.
    #[serde(rename = "basic-key")]
    BasicKey,
    /// A bearer token.
    #[serde(rename = "bearer")]
    Bearer,
    /// A header of its own.
    #[serde(rename = "header")]
    Header,
}
