//! Permissions: checks one by one what the credential may do, without changing anything.

use crate::error::Error;
use crate::reconcile::backoff::Backoff;
use crate::reconcile::context::Context;
use crate::reconcile::requests::Requests;
use atsync_model::contract::Verdict;
use serde::Serialize;
use std::sync::Arc;

/// The result of checking one permission.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct CheckResult {
    /// Its id.
    pub permission: String,
    /// As the administrator sees it.
    pub label: String,
    /// `granted`, `missing`, `actor`, `refused` or `unknown`.
    pub verdict: &'static str,
    /// What was seen.
    pub detail: String,
    /// What does not work without it.
    pub without_it: String,
    /// Where it is granted.
    pub grant_at: String,
    /// The connection is of use without it.
    pub optional: bool,
}

impl CheckResult {
    /// Makes the verdict on a required permission: `granted`, `missing`, `actor`, `refused` or
    /// `unknown`.
    pub fn new(permission: impl Into<String>, verdict: &'static str) -> Self {
        Self {
            permission: permission.into(),
            label: String::new(),
            verdict,
            detail: String::new(),
            without_it: String::new(),
            grant_at: String::new(),
            optional: false,
        }
    }
}

fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Granted => "granted",
        Verdict::Missing => "missing",
        Verdict::Actor => "actor",
        Verdict::Refused => "refused",
        Verdict::Unknown => "unknown",
    }
}

/// Checks what the credential may.
pub(crate) struct Permissions {
    context: Arc<Context>,
    requests: Arc<Requests>,
    backoff: Arc<Backoff>,
}

impl Permissions {
    pub(crate) fn new(
        context: Arc<Context>,
        requests: Arc<Requests>,
        backoff: Arc<Backoff>,
    ) -> Self {
        Self { context, requests, backoff }
    }

    /// Checks the permissions of the manifest. Those that raw kinds alone need are left out, unless
    /// the connection reads one of these kinds, or it is among `kinds`.
    ///
    /// # Errors
    /// When the credential itself is refused or the ATS does not answer; a missing permission is a
    /// result.
    pub(crate) async fn check(&self, kinds: &[&str]) -> Result<Vec<CheckResult>, Error> {
        let mut results = Vec::new();
        let mut lacks_any = false;
        for permission in &self.context.manifest().permissions {
            if !self.is_needed(&permission.id, kinds).await? {
                continue;
            }
            let checked = self.requests.check_one(&permission.id).await?;
            lacks_any |= !permission.optional
                && matches!(checked.verdict, Verdict::Missing | Verdict::Actor | Verdict::Refused);
            results.push(CheckResult {
                permission: permission.id.clone(),
                label: permission.label.clone(),
                verdict: word(checked.verdict),
                detail: checked.detail,
                without_it: permission.without_it.clone(),
                grant_at: permission.grant_at.clone(),
                optional: permission.optional,
            });
        }
        if !lacks_any {
            let found = self.context.moments.moment();
            self.context.change_row(|row| row.rights_found = Some(found)).await?;
            self.backoff.rights_given();
        }
        Ok(results)
    }

    async fn is_needed(&self, permission: &str, named: &[&str]) -> Result<bool, Error> {
        let manifest = self.context.manifest();
        if !manifest.is_for_raw_alone(permission) {
            return Ok(true);
        }
        for kind in manifest.kinds.iter().filter(|k| k.permission.as_deref() == Some(permission)) {
            if named.contains(&kind.name.as_str()) || self.context.was_pulled(&kind.name).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
