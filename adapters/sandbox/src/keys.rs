//! Permissions by name, and HTTP Basic: what the credentials of most ATSs consist of.
//!
//! A key is good or not; what it may do is a set of permission names that a test changes while the
//! sandbox runs ([`Permissions::change`]). Tokens that a server issues are the ATS's own.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use crate::answer::Request;

/// Returns user name and password of HTTP Basic.
#[must_use]
pub fn basic(request: &Request<'_>) -> Option<(String, String)> {
    let (scheme, encoded) = request.header("authorization")?.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (user, password) = decoded.split_once(':')?;
    Some((user.to_owned(), password.to_owned()))
}

/// A set of permissions.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Permissions(pub BTreeSet<String>);

/// A change of a set of permissions, as the control surface takes it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PermissionChange {
    /// Replaces all permissions by these.
    pub scopes: Option<Vec<String>>,
    /// Adds these.
    pub grant: Vec<String>,
    /// Removes these.
    pub revoke: Vec<String>,
}

impl Permissions {
    /// Whether a permission is granted.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.0.contains(name)
    }

    /// Changes the set.
    pub fn change(&mut self, change: PermissionChange) {
        if let Some(scopes) = change.scopes {
            self.0 = scopes.into_iter().collect();
        }
        self.0.extend(change.grant);
        for name in change.revoke {
            self.0.remove(&name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn basic_takes_an_empty_password_and_refuses_other_schemes() {
        let read = |value: &str| {
            let headers = [("Authorization".to_owned(), value.to_owned())];
            let path_and_query = "/";
            basic(&Request { method: "GET", path_and_query, headers: &headers, body: b"" })
        };
        assert_eq!(read("Basic a2V5Og=="), Some(("key".to_owned(), String::new())));
        assert_eq!(read("basic a2V5Og=="), Some(("key".to_owned(), String::new())));
        assert_eq!(read("Basic a2V5"), None, "no colon");
        assert_eq!(read("Bearer a2V5Og=="), None);
    }
}
