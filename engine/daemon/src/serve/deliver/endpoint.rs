//! An endpoint: where changes are sent, and which.
//!
//! Left out: its secret, which is in the vault under its id and [`Endpoint::secret`].

use super::standing::Reason;
use serde::{Deserialize, Serialize};
use url::Url;
use utoipa::ToSchema;

/// Endpoints that can be made. Each has a task, and a lane for each connection.
pub(in crate::serve) const ENDPOINTS_MAX: usize = 20;
/// Bytes of a URL.
const URL_BYTES_MAX: usize = 2_000;
/// Entries of a filter.
const FILTER_MAX: usize = 200;

/// An endpoint as the store has it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(in crate::serve) struct Endpoint {
    pub(super) url: String,
    /// The kinds that are sent; none for all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) kinds: Option<Vec<String>>,
    /// The connections whose changes are sent; none for all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) connections: Option<Vec<String>>,
    pub(super) enabled: bool,
    /// Why it was disabled, where it was not by a user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) disabled: Option<Disabled>,
    /// The number of the change that brought its secret.
    pub(super) secret: u64,
    pub(super) revision: u64,
    pub(super) created_ms: u64,
}

/// Why an endpoint was disabled.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub(in crate::serve) struct Disabled {
    pub(in crate::serve) reason: Reason,
    /// The status of the last answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::serve) status: Option<u16>,
    pub(in crate::serve) at_ms: u64,
    /// The connection whose change was tried last.
    pub(in crate::serve) connection: String,
    /// That change, which is sent first when the endpoint is enabled.
    pub(in crate::serve) serial: u64,
}

impl Endpoint {
    /// Whether changes of a connection are sent.
    pub(super) fn wants_connection(&self, name: &str) -> bool {
        self.connections.as_ref().is_none_or(|names| names.iter().any(|one| one == name))
    }

    /// Whether changes of a kind are sent.
    pub(super) fn wants_kind(&self, kind: &str) -> bool {
        self.kinds.as_ref().is_none_or(|kinds| kinds.iter().any(|one| one == kind))
    }
}

/// Checks a URL.
///
/// # Errors
/// One sentence that says what is wrong.
pub(super) fn checked(url: &str, allow_private: bool) -> Result<Url, &'static str> {
    if url.len() > URL_BYTES_MAX {
        return Err("a URL has at most 2000 bytes");
    }
    let url = Url::parse(url).map_err(|_| "it is no URL; write https://host/path")?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err("a URL has no user and no password; the signature authenticates a delivery");
    }
    match url.scheme() {
        "https" => Ok(url),
        "http" if allow_private => Ok(url),
        _ => Err("use https; http is for private addresses, and needs `allow_private_network` of \
                  the table [serve]"),
    }
}

/// Checks the entries of a filter.
///
/// # Errors
/// One sentence that says what is wrong.
pub(super) fn checked_filter(entries: Option<&[String]>) -> Result<(), &'static str> {
    match entries {
        Some([]) => Err("an empty list sends nothing; leave it out for all, or disable"),
        Some(entries) if entries.len() > FILTER_MAX => Err("it has more than 200 entries"),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::{FILTER_MAX, checked, checked_filter};

    #[test]
    fn clear_text_needs_the_private_network_and_a_url_has_no_password() {
        assert!(checked("https://host.example/hooks?a=b", false).is_ok());
        for bad in ["", "host.example", "http://host.example/", "ftp://host.example/"] {
            assert!(checked(bad, false).is_err(), "{bad}");
        }
        assert!(checked("http://127.0.0.1:8080/", true).is_ok());
        for bad in ["https://user:secret@host.example/", "https://user@host.example/"] {
            assert!(checked(bad, true).is_err(), "{bad}");
        }
        assert!(checked(&format!("https://host.example/{}", "a".repeat(2_000)), true).is_err());
    }

    #[test]
    fn a_filter_has_one_to_two_hundred_entries() {
        let of = |count| vec!["jobs".to_owned(); count];
        assert!(checked_filter(None).is_ok());
        assert!(checked_filter(Some(&of(FILTER_MAX))).is_ok());
        assert!(checked_filter(Some(&of(0))).is_err());
        assert!(checked_filter(Some(&of(FILTER_MAX + 1))).is_err());
    }
}
