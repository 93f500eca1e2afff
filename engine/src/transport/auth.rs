//! Authentication of requests. The host owns every credential; an adapter never sees one.
//!
//! [`Authenticator`] writes the credential into a request and may fetch a new one. The schemes with
//! a fixed key are here; OAuth2 client credentials are in [`super::oauth`], the refresh tokens of
//! an authorization code in [`super::rotating`].

use super::headers::{check_credential_header, check_value};
use super::keeper::TokenKeeper;
use super::{NotSent, WireRequest};
use crate::secret::Secret;
use atsync_model::contract::Grant;
use atsync_model::manifest::BasicHalf;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::future::BoxFuture;
use sha2::{Digest, Sha256};
use std::fmt::Debug;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A connection's credential, as the host gives it. `Debug` shows no secret.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum AuthConfig {
    /// No credential.
    Nothing,
    /// OAuth2 client credentials (RFC 6749 §4.4).
    ClientCredentials {
        /// The name of the token endpoint's origin; one of the session's origins.
        token_origin: String,
        /// Its path.
        token_path: String,
        /// The client's id.
        client_id: String,
        /// The client's secret.
        client_secret: Secret,
        /// Further form fields, for example `sub`. Each combination has a token of its own.
        form: Vec<(String, String)>,
    },
    /// HTTP Basic with the key as one half.
    BasicKey {
        /// Which half the key is.
        half: BasicHalf,
        /// The other half.
        other: String,
        /// The key.
        key: Secret,
    },
    /// `Authorization: Bearer <key>`.
    Bearer {
        /// The key.
        key: Secret,
    },
    /// A header of its own.
    Header {
        /// The header.
        name: String,
        /// Written before the key.
        prefix: String,
        /// The key.
        key: Secret,
    },
    /// OAuth2 authorization code (RFC 6749 §4.1) with refresh tokens that rotate.
    AuthorizationCode {
        /// The name of the token endpoint's origin.
        token_origin: String,
        /// Its path.
        token_path: String,
        /// The client's id.
        client_id: String,
        /// The client's secret.
        client_secret: Secret,
        /// Where the tokens are kept.
        keeper: Arc<dyn TokenKeeper>,
        /// The age at which an unused refresh token is refreshed.
        keep_alive_ms: u64,
    },
}

/// The credential that a request was sent with.
#[derive(Clone, Debug)]
pub struct Ticket {
    generation: u64,
    consent: u64,
    accepted: Arc<AtomicBool>,
}

impl Ticket {
    /// A ticket for the n-th version of the credential.
    pub fn new(generation: u64, accepted: Arc<AtomicBool>) -> Self {
        Self { generation, consent: 0, accepted }
    }

    /// The same for a token of the n-th consent.
    #[must_use]
    pub fn of_consent(self, consent: u64) -> Self {
        Self { consent, ..self }
    }

    /// The number of the consent that the token comes from.
    pub fn consent(&self) -> u64 {
        self.consent
    }

    /// The version.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// Records that the ATS accepted it: the answer was not 401.
    pub fn accept(&self) {
        self.accepted.store(true, Ordering::Relaxed);
    }
}

/// Writes credentials into requests.
///
/// # Expected flow
/// [`ready`](Authenticator::ready), then the wait for the budget, then
/// [`authorize`](Authenticator::authorize); if it has no credential (the token expired during the
/// wait), `ready` again. Fetching a credential may need the rate budget of the same origin, so
/// `ready` must not be called while holding a place in it.
pub trait Authenticator: Debug + Send + Sync {
    /// Makes sure that there is a valid credential, and fetches one if needed.
    ///
    /// # Errors
    /// [`NotSent::Auth`] when a person must act, another [`NotSent`] when it may work later. The
    /// request must not be sent then.
    fn ready(&self) -> BoxFuture<'_, Result<(), NotSent>>;

    /// Adds the present credential; `None` when there is no valid one.
    fn authorize(&self, request: &mut WireRequest) -> Option<Ticket>;

    /// After a 401: makes sure that the next request is sent with another credential than `used`,
    /// and fetches at most one for all callers. `false` when there is no other; then the 401 is the
    /// result.
    ///
    /// # Errors
    /// As [`Authenticator::ready`].
    fn renew<'a>(&'a self, used: &'a Ticket) -> BoxFuture<'a, Result<bool, NotSent>>;

    /// Ends the pause after a refusal of the credential, so that it is tried at once.
    fn end_pause(&self) -> BoxFuture<'_, ()> {
        Box::pin(std::future::ready(()))
    }

    /// The secrets that a reply may contain: those that are sent, or were sent recently.
    fn secrets(&self) -> Vec<Secret>;

    /// Rises with every change of [`Authenticator::secrets`].
    fn secrets_version(&self) -> u64 {
        0
    }

    /// The rights that the present credential states; `None` when it states none or there is no
    /// credential.
    fn grant(&self) -> Option<Grant>;

    /// The number of the consent in use: 0 for the first, one more for each other one. Records are
    /// read or written with it only after the ATS has said whose it is.
    fn consent(&self) -> u64 {
        0
    }

    /// How many requests for credentials were sent. Shared credentials count for each of their
    /// sessions.
    fn token_requests(&self) -> u64 {
        0
    }
}

/// A fixed key: one header, always the same.
#[derive(Clone, Debug)]
pub struct FixedKey {
    header: Option<(String, Secret)>,
    /// The key, and the parts of the header that are made from it.
    secrets: Vec<Secret>,
}

impl FixedKey {
    /// No credential.
    pub fn none() -> Self {
        Self { header: None, secrets: Vec::new() }
    }

    /// Prepares a fixed scheme.
    ///
    /// # Errors
    /// A sentence when the key or the header's name cannot stand in a request, or the scheme has no
    /// fixed key. It shows no secret.
    pub fn from_config(config: &AuthConfig) -> Result<Self, String> {
        let mut secrets = Vec::new();
        if let AuthConfig::Bearer { key }
        | AuthConfig::BasicKey { key, .. }
        | AuthConfig::Header { key, .. } = config
        {
            secrets.push(key.clone());
        }
        let header = match config {
            AuthConfig::Nothing => return Ok(Self::none()),
            AuthConfig::Bearer { key } => {
                Ok(("authorization".to_owned(), format!("Bearer {}", key.expose())))
            }
            AuthConfig::BasicKey { half, other, key } => basic_key(*half, other, key),
            AuthConfig::Header { name, prefix, key } => check_credential_header(name)
                .map(|name| (name, format!("{prefix}{}", key.expose()))),
            AuthConfig::ClientCredentials { .. } | AuthConfig::AuthorizationCode { .. } => {
                return Err("the scheme has no fixed key".to_owned());
            }
        };
        let (name, text) = header?;
        check_value(&name, &text)?;
        if let AuthConfig::BasicKey { .. } = config {
            secrets.push(sent_as(&text));
        }
        Ok(Self { header: Some((name, Secret::new(text))), secrets })
    }
}

fn basic_key(half: BasicHalf, other: &str, key: &Secret) -> Result<(String, String), String> {
    let (user, password) = match half {
        BasicHalf::Username => (key.expose(), other),
        BasicHalf::Password => (other, key.expose()),
    };
    if user.contains(':') {
        return Err("the user half of Basic cannot hold a colon".to_owned());
    }
    Ok(("authorization".to_owned(), basic(user, password).expose().to_owned()))
}

/// The value of `Authorization` for HTTP Basic.
pub fn basic(user: &str, password: &str) -> Secret {
    let pair = Secret::new(format!("{user}:{password}"));
    Secret::new(format!("Basic {}", STANDARD.encode(pair.expose())))
}

/// The part of a header's value after the word that names the scheme.
pub(super) fn sent_as(value: &str) -> Secret {
    Secret::new(value.split_once(' ').map_or(value, |(_, credential)| credential))
}

/// Sets a header, in place of any of that name.
pub fn set_header(request: &mut WireRequest, name: &str, value: &str) {
    request.headers.retain(|(other, _)| other != name);
    request.headers.push((name.to_owned(), value.to_owned()));
}

impl Authenticator for FixedKey {
    fn ready(&self) -> BoxFuture<'_, Result<(), NotSent>> {
        Box::pin(std::future::ready(Ok(())))
    }

    fn authorize(&self, request: &mut WireRequest) -> Option<Ticket> {
        if let Some((name, value)) = &self.header {
            set_header(request, name, value.expose());
        }
        Some(Ticket::new(0, Arc::default()))
    }

    fn renew<'a>(&'a self, _used: &'a Ticket) -> BoxFuture<'a, Result<bool, NotSent>> {
        Box::pin(std::future::ready(Ok(false)))
    }

    fn secrets(&self) -> Vec<Secret> {
        self.secrets.clone()
    }

    fn grant(&self) -> Option<Grant> {
        None
    }
}

impl AuthConfig {
    /// Identifies the credential without the secret: connections with the same one share budgets.
    /// `place` keeps equal keys of different services apart.
    pub fn identity(&self, place: &str) -> String {
        match self {
            Self::Nothing => digest(&["nothing", place]),
            Self::ClientCredentials { client_id, token_path, .. } => {
                digest(&["client-credentials", place, token_path, client_id])
            }
            Self::BasicKey { key, .. } => digest(&["basic", place, key.expose()]),
            Self::Bearer { key } => digest(&["bearer", place, key.expose()]),
            Self::Header { name, key, .. } => digest(&["header", place, name, key.expose()]),
            // One client serves all customers of a partner, and each has a consent of its own.
            Self::AuthorizationCode { keeper, .. } => {
                digest(&["authorization-code", place, &address(keeper)])
            }
        }
    }

    /// Identifies the client at its token endpoint: credentials with the same one share the
    /// endpoint's budgets. None where there is no such endpoint.
    pub fn client_identity(&self, place: &str) -> Option<(&str, String)> {
        match self {
            Self::ClientCredentials { token_origin, .. } => {
                Some((token_origin, self.identity(place)))
            }
            Self::AuthorizationCode { token_origin, token_path, client_id, .. } => {
                Some((token_origin, digest(&["client", place, token_path, client_id])))
            }
            _ => None,
        }
    }

    /// Distinguishes this credential from another one of the same connection, after a restart too.
    /// Eight digits of a digest: too few to find the secret by trying.
    pub fn mark(&self) -> String {
        let mut mark = match self {
            Self::ClientCredentials { client_secret, .. } => {
                digest(&["mark", &self.identity(""), client_secret.expose()])
            }
            // Not where the keeper is: that differs between two runs of one program.
            Self::AuthorizationCode { token_path, client_id, client_secret, .. } => {
                digest(&["mark", "code", token_path, client_id, client_secret.expose()])
            }
            _ => digest(&["mark", &self.identity(""), ""]),
        };
        mark.truncate(8);
        mark
    }
}

/// Distinguishes two shared values, as long as both exist.
pub(super) fn address<T: ?Sized>(shared: &Arc<T>) -> String {
    Arc::as_ptr(shared).cast::<()>().addr().to_string()
}

/// A digest of parts, each with its length, in hexadecimal.
pub fn digest(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.len().to_string());
        hash.update(":");
        hash.update(part);
    }
    hash.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}
