//! The tables `[serve.clients.NAME]`: the host's OAuth clients, and the origin that browsers use.
//!
//! A client is registered at the ATS once, for all customers. Its redirect URI is
//! [`CALLBACK`] below `serve.public_url`, letter for letter as it is registered.

use atsync::{Secret, SecretRef, TextRef};
use serde::Deserialize;
use std::path::Path;
use url::Url;

/// The path of the redirect URI.
pub(crate) const CALLBACK: &str = "/connect/callback";

/// An OAuth client of the host.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ClientConfig {
    /// The adapter whose ATS has registered it.
    pub(crate) adapter: String,
    /// Its id, in clear or by reference.
    client_id: TextRef,
    /// Its secret.
    client_secret: SecretRef,
    /// The scopes that are asked for; empty for all that the adapter uses.
    #[serde(default)]
    pub(crate) scopes: Vec<String>,
}

impl ClientConfig {
    /// Its id and secret.
    ///
    /// # Errors
    /// One sentence that names the member.
    pub(crate) async fn read(&self, directory: &Path) -> Result<(String, Secret), String> {
        let at = |field: &'static str| move |error: atsync::Error| format!("{field}: {error}");
        let id = self.client_id.read(directory).await.map_err(at("client_id"))?;
        let secret = self.client_secret.read(directory).await.map_err(at("client_secret"))?;
        Ok((id, secret))
    }
}

/// The `host:port` of an origin, as a `Host` header has it.
pub(crate) fn authority(origin: &str) -> &str {
    origin.split_once("://").map_or(origin, |(_, rest)| rest)
}

/// Whether a URL's host is this machine.
pub(crate) fn is_of_this_machine(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// Whether browsers may be sent to a URL: it is `https`, or `http` on this machine, and names no
/// user.
pub(crate) fn is_safe_url(text: &str) -> bool {
    let Ok(url) = Url::parse(text) else { return false };
    let is_local = is_of_this_machine(&url);
    // Browsers read a backslash as a slash.
    text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\')
        && (url.scheme() == "https" || (url.scheme() == "http" && is_local))
        && url.username().is_empty()
        && url.password().is_none()
        && url.fragment().is_none()
}

/// Refuses what is no origin: `https://`, or `http://` on this machine, without a path.
///
/// # Errors
/// One sentence that says what an origin looks like.
pub(crate) fn check_origin(url: &str) -> Result<(), String> {
    if is_safe_url(url) && !authority(url).contains(['/', '?', '#']) {
        return Ok(());
    }
    Err(format!(
        "{url:?} is no origin; write `https://sync.example.com` without a path, or \
         `http://127.0.0.1:8470` on this machine"
    ))
}

#[cfg(test)]
mod tests {
    use super::{check_origin, is_safe_url};

    #[test]
    fn a_url_that_browsers_are_sent_to_is_https_or_on_this_machine() {
        for url in [
            "https://host.example/a?b=c",
            "https://host.example:8443",
            "http://127.0.0.1:8470",
            "http://localhost/x",
            "http://[::1]:1/",
        ] {
            assert!(is_safe_url(url), "{url}");
        }
        for url in [
            "http://host.example/",
            "http://localhost.host.example/",
            "http://127.0.0.1@host.example/",
            "https://user@host.example/",
            "https://",
            "https://host.example\\@evil.example",
            "https://host.example/a b",
            "javascript:alert(1)",
            "//host.example",
            "/x",
            "",
        ] {
            assert!(!is_safe_url(url), "{url}");
        }
    }

    #[test]
    fn an_origin_has_no_path() {
        assert!(check_origin("https://sync.example").is_ok());
        for url in ["https://sync.example/", "https://sync.example/x", "http://sync.example"] {
            assert!(check_origin(url).unwrap_err().contains("without a path"), "{url}");
        }
    }
}
