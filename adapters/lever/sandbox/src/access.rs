//! What the API key may do: its scopes, one for each endpoint and direction, and the switch for
//! confidential records.
//!
//! Lever fixes both when a key is made; the sandbox lets a test change them, as if the customer had
//! made another key with the same secret.

use std::collections::BTreeSet;

use atsync_sandbox::{PermissionChange, Permissions};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The endpoints, with whether they have writes.
const ENDPOINTS: [(&str, bool); 22] = [
    ("applications", false),
    ("archive_reasons", false),
    ("contacts", true),
    ("disposition_stages", false),
    ("feedback", false),
    ("files", false),
    ("forms", false),
    ("interviews", false),
    ("notes", true),
    ("offers", false),
    ("opportunities", true),
    ("panels", false),
    ("postings", true),
    ("referrals", false),
    ("requisitions", false),
    ("requisition_fields", false),
    ("resumes", false),
    ("sources", false),
    ("stages", false),
    ("tags", false),
    ("users", false),
    ("webhooks", true),
];

/// What the key may do. A change applies to the next request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Access {
    /// Granted scopes, `<endpoint>:<read or write>`.
    pub scopes: BTreeSet<String>,
    /// Whether the key sees confidential records, if the query asks for them.
    pub confidential: bool,
}

impl Default for Access {
    fn default() -> Self {
        Self { scopes: all_scopes(), confidential: true }
    }
}

#[derive(Deserialize)]
struct Change {
    #[serde(default)]
    confidential: Option<bool>,
    #[serde(flatten)]
    others: serde_json::Map<String, Value>,
}

impl Access {
    /// Changes scopes and the switch.
    pub(crate) fn change(&mut self, change: &Value) -> Result<(), String> {
        let read = |error: serde_json::Error| error.to_string();
        let change: Change = serde_json::from_value(change.clone()).map_err(read)?;
        let scopes: PermissionChange =
            serde_json::from_value(change.others.into()).map_err(read)?;
        let mut held = Permissions(std::mem::take(&mut self.scopes));
        held.change(scopes);
        self.scopes = held.0;
        self.confidential = change.confidential.unwrap_or(self.confidential);
        Ok(())
    }
}

/// Lists every scope that the sandbox checks.
#[must_use]
pub fn all_scopes() -> BTreeSet<String> {
    let reads = ENDPOINTS.iter().map(|(endpoint, _)| scope(endpoint, false));
    let writes = ENDPOINTS.iter().filter(|(_, writes)| *writes);
    reads.chain(writes.map(|(endpoint, _)| scope(endpoint, true))).collect()
}

pub(crate) fn scope(endpoint: &str, writes: bool) -> String {
    format!("{endpoint}:{}", if writes { "write" } else { "read" })
}
