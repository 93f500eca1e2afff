//! Credentials: the host's value, the scheme of the adapter that it fits, and replacement while the
//! connection is open.
//!
//! A credential is replaced while the connection stays open: requests under way end, or are
//! repeated with the new one where the old one was refused. Before a record is read or written with
//! the new one, repeats included, the engine asks the ATS which customer it belongs to.
//!
//! Left out: where secrets are kept (see [`crate::secret::SecretRef`]) and detecting that one
//! changed: the host does it, or the daemon at SIGHUP.

mod replace;

use crate::secret::Secret;
use crate::transport::{AuthConfig, TokenKeeper};
use atsync_model::manifest::{AuthRule, Manifest};
use serde_json::{Map, Value};
use std::sync::Arc;

/// A credential as the host holds it. `Debug` shows no secret.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Credential {
    /// OAuth2 client credentials.
    ClientCredentials {
        /// The client's id.
        client_id: String,
        /// The client's secret.
        client_secret: Secret,
    },
    /// OAuth2 authorization code: a person consents in the ATS, and the engine refreshes the tokens
    /// that this gives. See [`Engine::begin_consent`](crate::Engine::begin_consent).
    AuthorizationCode {
        /// The client's id.
        client_id: String,
        /// The client's secret.
        client_secret: Secret,
        /// Keeps the tokens; the same one for every connection that uses the consent.
        keeper: Arc<dyn TokenKeeper>,
    },
    /// A key, sent as the adapter's manifest says: half of HTTP Basic, a bearer token, or a header.
    Key(Secret),
}

/// The age at which an unused refresh token is refreshed at the latest.
const KEEP_ALIVE_MS_MAX: u64 = 12 * 60 * 60 * 1000;

/// The age at which an unused refresh token is refreshed: half of its life, where that is known.
fn keep_alive_ms(life_ms: Option<u64>) -> u64 {
    life_ms.map_or(KEEP_ALIVE_MS_MAX, |life_ms| (life_ms / 2).min(KEEP_ALIVE_MS_MAX))
}

/// The first of the manifest's schemes that the credential fits.
pub(crate) fn auth(
    manifest: &Manifest,
    settings: &Map<String, Value>,
    credential: &Credential,
) -> Result<AuthConfig, String> {
    let fitting = manifest.auth.iter().find_map(|rule| match (rule, credential) {
        (
            AuthRule::Oauth2ClientCredentials { token_origin, token_path, form_settings },
            Credential::ClientCredentials { client_id, client_secret },
        ) => {
            let form = form_settings.iter().filter_map(|field| {
                let value = settings.get(&field.setting)?;
                let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                Some((field.field.clone(), text))
            });
            Some(AuthConfig::ClientCredentials {
                token_origin: token_origin.clone(),
                token_path: token_path.clone(),
                client_id: client_id.clone(),
                client_secret: client_secret.clone(),
                form: form.collect(),
            })
        }
        (
            AuthRule::Oauth2AuthorizationCode { token_origin, token_path, refresh_life_ms, .. },
            Credential::AuthorizationCode { client_id, client_secret, keeper },
        ) => Some(AuthConfig::AuthorizationCode {
            token_origin: token_origin.clone(),
            token_path: token_path.clone(),
            client_id: client_id.clone(),
            client_secret: client_secret.clone(),
            keeper: Arc::clone(keeper),
            keep_alive_ms: keep_alive_ms(*refresh_life_ms),
        }),
        (AuthRule::BasicKey { half, other }, Credential::Key(key)) => {
            Some(AuthConfig::BasicKey { half: *half, other: other.clone(), key: key.clone() })
        }
        (AuthRule::Bearer {}, Credential::Key(key)) => {
            Some(AuthConfig::Bearer { key: key.clone() })
        }
        (AuthRule::Header { name, prefix }, Credential::Key(key)) => Some(AuthConfig::Header {
            name: name.clone(),
            prefix: prefix.clone(),
            key: key.clone(),
        }),
        _ => None,
    });
    fitting.ok_or_else(|| {
        let given = match credential {
            Credential::ClientCredentials { .. } => "OAuth2 client credentials",
            Credential::AuthorizationCode { .. } => "an OAuth2 authorization code",
            Credential::Key(_) => "a key",
        };
        let taken: Vec<&str> = manifest.auth.iter().filter_map(scheme).collect();
        let taken = if taken.is_empty() {
            "none that can be given here".to_owned()
        } else {
            taken.join(", ")
        };
        format!("the adapter {} does not take {given}; it takes: {taken}", manifest.name)
    })
}

/// The name of a scheme that a [`Credential`] can fit, as manifests and configurations write it.
fn scheme(rule: &AuthRule) -> Option<&'static str> {
    match rule {
        AuthRule::Oauth2ClientCredentials { .. } => Some("oauth2-client-credentials"),
        AuthRule::Oauth2AuthorizationCode { .. } => Some("oauth2-authorization-code"),
        AuthRule::BasicKey { .. } => Some("basic-key"),
        AuthRule::Bearer {} => Some("bearer"),
        AuthRule::Header { .. } => Some("header"),
        _ => None,
    }
}
