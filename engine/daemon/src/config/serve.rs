//! The table `[serve]` of the configuration: where the HTTP API listens, and who may use it.
//!
//! Without an address the API is on the unix socket beside the store alone. An address of another
//! machine's reach needs a token, and the word that a proxy ends TLS before it: this program speaks
//! clear text.

use super::client::{self, ClientConfig};
use super::period::AuditAge;
use atsync::SecretRef;
use clap::ValueEnum;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use url::Url;
use utoipa::ToSchema;

/// How long entries of the audit log are kept where the configuration does not say: 400 days, so
/// that a year can be compared with the one before.
const AUDIT_MS_DEFAULT: u64 = 400 * 24 * 60 * 60 * 1_000;

/// The table. Every member has a default, so that it may be missing.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ServeConfig {
    /// The address and port of the API; none for the unix socket alone.
    pub(crate) listen: Option<SocketAddr>,
    /// Names that a request's `Host` and `Origin` may have besides the address: those of a proxy.
    #[serde(default)]
    pub(crate) hosts: Vec<String>,
    /// A proxy ends TLS before this program.
    #[serde(default)]
    pub(crate) behind_tls_proxy: bool,
    /// The key that seals the secrets of connections that are made at run time: one reference, or
    /// several while the first replaces the others. Without one none can be made.
    #[serde(default, deserialize_with = "super::one_or_many")]
    pub(crate) seal_key: Vec<SecretRef>,
    /// Whether connections that are made at run time may use private addresses and clear text.
    #[serde(default)]
    pub(crate) allow_private_network: bool,
    /// How long entries of the audit log are kept.
    pub(crate) audit_retention: Option<AuditAge>,
    /// The origin under which browsers reach this server; connect links begin with it.
    pub(crate) public_url: Option<String>,
    /// The host's OAuth clients, to which the administrators of customers consent.
    #[serde(default)]
    pub(crate) clients: BTreeMap<String, ClientConfig>,
    /// Tokens by name.
    #[serde(default)]
    pub(crate) tokens: BTreeMap<String, TokenConfig>,
}

/// A token, and what it allows.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TokenConfig {
    /// Where the token is, or two of them while one replaces the other.
    #[serde(deserialize_with = "super::one_or_many")]
    pub(crate) secret: Vec<SecretRef>,
    /// What it allows.
    pub(crate) scope: Scope,
    /// The connections that it is limited to; none for all.
    pub(crate) connections: Option<Vec<String>>,
}

/// What a token allows. Each includes the ones before it.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema, ValueEnum,
)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Scope {
    /// Read records, changes and status.
    Read,
    /// Declare records, pull, apply.
    Write,
    /// Decide writes in doubt, erase, back up; make and remove connections, connect links, tokens
    /// and webhook endpoints; reload; read the audit log.
    Admin,
}

impl Scope {
    /// Its word in the configuration.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Admin => "admin",
        }
    }
}

impl ServeConfig {
    /// How long entries of the audit log are kept, in milliseconds.
    pub(crate) fn audit_ms(&self) -> u64 {
        self.audit_retention.map_or(AUDIT_MS_DEFAULT, AuditAge::ms)
    }

    /// Checks what its types do not.
    ///
    /// # Errors
    /// One sentence that says what to change.
    pub(crate) fn check(&self) -> Result<(), String> {
        if let Some(url) = &self.public_url {
            client::check_origin(url).map_err(|why| format!("public_url: {why}"))?;
        }
        let is_public =
            |url: &String| !Url::parse(url).is_ok_and(|url| client::is_of_this_machine(&url));
        let is_proxied = self.behind_tls_proxy
            || !self.hosts.is_empty()
            || self.public_url.as_ref().is_some_and(is_public);
        if self.tokens.is_empty() && is_proxied {
            return Err(
                "a proxy leads others here (`behind_tls_proxy`, `hosts`, `public_url`), so \
                        `[serve.tokens.NAME]` must name a token"
                    .to_owned(),
            );
        }
        let Some(listen) = self.listen.filter(|listen| !listen.ip().is_loopback()) else {
            return Ok(());
        };
        if self.tokens.is_empty() {
            return Err(format!(
                "other machines can reach {listen}, so `[serve.tokens.NAME]` must name a token; or \
                 listen on 127.0.0.1"
            ));
        }
        if !self.behind_tls_proxy {
            return Err(format!(
                "other machines can reach {listen}, and the API speaks clear text: put a proxy \
                 that ends TLS before it and say so with `behind_tls_proxy = true`; or listen on \
                 127.0.0.1"
            ));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::ServeConfig;

    fn parsed(text: &str) -> Result<(), String> {
        toml::from_str::<ServeConfig>(text).map_err(|error| error.to_string())?.check()
    }

    #[test]
    fn an_address_that_others_reach_needs_a_token_and_a_proxy() {
        let token = "tokens.a = { secret = { env = \"T\" }, scope = \"read\" }\n";
        assert!(parsed("").is_ok());
        assert!(
            parsed("listen = \"127.0.0.1:1\"").is_ok() && parsed("listen = \"[::1]:1\"").is_ok()
        );
        let open = "listen = \"0.0.0.0:1\"\n";
        assert!(parsed(open).unwrap_err().contains("must name a token"));
        assert!(parsed(&format!("{open}{token}")).unwrap_err().contains("behind_tls_proxy"));
        assert!(parsed(&format!("{open}behind_tls_proxy = true\n{token}")).is_ok());
        for proxied in [
            "behind_tls_proxy = true",
            "hosts = [\"sync.example\"]",
            "public_url = \"https://sync.example\"",
        ] {
            let local = format!("listen = \"127.0.0.1:1\"\n{proxied}\n");
            assert!(parsed(&local).unwrap_err().contains("must name a token"), "{proxied}");
            assert!(parsed(&format!("{local}{token}")).is_ok(), "{proxied}");
        }
        assert!(parsed("public_url = \"http://127.0.0.1:8470\"").is_ok());
    }

    #[test]
    fn entries_of_the_audit_log_are_kept_for_400_days_or_as_long_as_the_file_says() {
        let kept = |text: &str| toml::from_str::<ServeConfig>(text).map(|one| one.audit_ms());
        let day_ms = 24 * 60 * 60 * 1_000;
        assert_eq!(kept(""), Ok(400 * day_ms));
        assert_eq!(kept("audit_retention = \"30d\""), Ok(30 * day_ms));
        let short = kept("audit_retention = \"23h\"").unwrap_err().to_string();
        assert!(short.contains("from 1d"), "{short}");
    }

    #[test]
    fn an_unknown_member_or_scope_is_refused() {
        assert!(parsed("lisen = \"127.0.0.1:1\"").is_err());
        assert!(parsed("tokens.a = { secret = { env = \"T\" }, scope = \"root\" }").is_err());
    }
}
