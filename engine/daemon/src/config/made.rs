//! The record of a connection that was made at run time.
//!
//! Left out: its secrets, which are sealed, and where both are kept; see [`crate::made`].

use super::period::Jitter;
use super::scheme::Scheme;
use super::timing::{Retention, TimeZone};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

impl Made {
    /// The first record of a connection, with nothing but an adapter and a scheme.
    pub(crate) fn new(adapter: &str, scheme: Scheme) -> Self {
        Self {
            adapter: adapter.to_owned(),
            scheme,
            client_id: None,
            client: None,
            origins: BTreeMap::new(),
            accept: None,
            settings: Map::new(),
            schedule: BTreeMap::new(),
            sweeps: BTreeMap::new(),
            timezone: None,
            jitter: None,
            retention: Retention::default(),
            allow_private_network: false,
            has_webhook_secret: false,
            revision: 1,
            secrets: 1,
        }
    }
}

/// The record of a made connection.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Made {
    pub(crate) adapter: String,
    pub(crate) scheme: Scheme,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) client_id: Option<String>,
    /// The OAuth client of the host that a consent was given to, by its name in the configuration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) client: Option<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) origins: BTreeMap<String, String>,
    /// See [`atsync::ConnectionOptions::accept`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) accept: Option<String>,
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub(crate) settings: Map<String, Value>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) schedule: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) sweeps: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) timezone: Option<TimeZone>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) jitter: Option<Jitter>,
    #[serde(default, skip_serializing_if = "Retention::is_none")]
    pub(crate) retention: Retention,
    #[serde(default)]
    pub(crate) allow_private_network: bool,
    /// Whether there is a webhook secret.
    #[serde(default)]
    pub(crate) has_webhook_secret: bool,
    /// Rises with each change.
    pub(crate) revision: u64,
    /// The change that brought the secrets.
    pub(crate) secrets: u64,
}
