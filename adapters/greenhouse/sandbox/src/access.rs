//! The rights of the credential and its acting user: scopes, the Site Admin rule, and visibility.
//!
//! [`crate::sandbox`] checks them for each request, so a test can change them while the sandbox
//! runs.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::schema::endpoints;
use crate::writes::WRITE_SCOPES;

/// The rights of the credential and its acting user. A change applies at once, also to issued
/// tokens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Access {
    /// Granted scopes, `harvest:<resource>:<action>`.
    pub scopes: BTreeSet<String>,
    /// Whether the acting user is a Site Admin. If not, every list answers 403.
    pub site_admin: bool,
    /// Whether the acting user sees private candidates.
    pub sees_private_candidates: bool,
    /// Whether the acting user sees confidential jobs.
    pub sees_confidential_jobs: bool,
}

impl Default for Access {
    fn default() -> Self {
        Self {
            scopes: all_scopes(),
            site_admin: true,
            sees_private_candidates: true,
            sees_confidential_jobs: true,
        }
    }
}

/// Lists every scope that the sandbox checks.
#[must_use]
pub fn all_scopes() -> BTreeSet<String> {
    let lists = endpoints().iter().map(|endpoint| scope(endpoint.resource, "list"));
    let writes = WRITE_SCOPES
        .iter()
        .flat_map(|(resource, actions)| actions.iter().map(|action| scope(resource, action)));
    lists.chain(writes).collect()
}

pub(crate) fn scope(resource: &str, action: &str) -> String {
    format!("harvest:{resource}:{action}")
}
