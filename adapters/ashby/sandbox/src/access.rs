//! What the API key may do: rights by module. Ashby lets an admin change them.

use atsync_sandbox::{PermissionChange, Permissions};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeSet;

/// The modules, as rights name them.
const MODULES: [&str; 8] = [
    "candidates",
    "jobs",
    "interviews",
    "hiringProcessMetadata",
    "organization",
    "offers",
    "approvals",
    "apiKeys",
];

/// What the key may do. A change applies to the next request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Access {
    /// Granted rights, such as `candidatesRead`.
    pub scopes: BTreeSet<String>,
    /// Whether the key was deactivated.
    pub deactivated: bool,
    /// Whether it sees confidential jobs and their applications.
    pub confidential: bool,
}

impl Default for Access {
    fn default() -> Self {
        let both = |module: &str| [format!("{module}Read"), format!("{module}Write")];
        let scopes = MODULES.into_iter().flat_map(both).collect();
        Self { scopes, deactivated: false, confidential: true }
    }
}

#[derive(Deserialize)]
struct Change {
    #[serde(default)]
    deactivated: Option<bool>,
    #[serde(default)]
    confidential: Option<bool>,
    #[serde(flatten)]
    others: serde_json::Map<String, Value>,
}

impl Access {
    /// Changes rights and switches.
    pub(crate) fn change(&mut self, change: &Value) -> Result<(), String> {
        let read = |error: serde_json::Error| error.to_string();
        let change: Change = serde_json::from_value(change.clone()).map_err(read)?;
        let scopes: PermissionChange =
            serde_json::from_value(change.others.into()).map_err(read)?;
        let mut held = Permissions(std::mem::take(&mut self.scopes));
        held.change(scopes);
        self.scopes = held.0;
        self.deactivated = change.deactivated.unwrap_or(self.deactivated);
        self.confidential = change.confidential.unwrap_or(self.confidential);
        Ok(())
    }

    /// The rights as `apiKey.info` shows them, `candidates:read`.
    pub(crate) fn shown(&self) -> Vec<String> {
        let shown = |scope: &String| {
            let (module, direction) = match scope.strip_suffix("Read") {
                Some(module) => (module, "read"),
                None => (scope.strip_suffix("Write").unwrap_or(scope), "write"),
            };
            format!("{module}:{direction}")
        };
        self.scopes.iter().map(shown).collect()
    }
}
