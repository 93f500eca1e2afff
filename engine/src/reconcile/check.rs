//! Permissions: what the credential may, one by one, without changing anything.

use super::Reconciler;
use super::drive::TaskError;
use crate::error::{Error, ErrorKind};
use crate::transport::Priority;
use atsync_model::contract::{Checked, Failure, Outcome, Task, Verdict};
use serde::Serialize;
use std::sync::atomic::Ordering;

/// What was found out about one permission.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
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

fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Granted => "granted",
        Verdict::Missing => "missing",
        Verdict::Actor => "actor",
        Verdict::Refused => "refused",
        Verdict::Unknown => "unknown",
    }
}

impl Reconciler {
    /// Checks every permission of the manifest.
    ///
    /// # Errors
    /// When the credential itself is refused or the ATS is not there; a missing permission is a
    /// result.
    pub(crate) async fn check(&self) -> Result<Vec<CheckResult>, Error> {
        let mut results = Vec::new();
        let mut lacks_any = false;
        for permission in &self.adapter.manifest().permissions {
            let checked = self.check_one(&permission.id).await?;
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
            let row = self.store.connection(&self.name).await?.unwrap_or_default();
            let row = crate::store::ConnectionRow { rights_found: Some(self.moment()), ..row };
            self.store.put_connection(&self.name, row).await?;
            self.rights_given();
        }
        Ok(results)
    }

    /// Checks one permission.
    pub(super) async fn check_one(&self, permission: &str) -> Result<Checked, Error> {
        let grant =
            self.session.grant().await.map_err(|reason| Error::from(reason).at(&self.name))?;
        match self.drive(Task::Check(permission.to_owned()), grant, Priority::Interactive).await {
            Ok(finished) => match finished.outcome {
                Outcome::Checked(checked) => Ok(checked),
                _ => Err(self
                    .error(ErrorKind::Adapter, "the adapter answered a check with something else")),
            },
            Err(TaskError::Failed(Failure::Denied(denied))) => {
                Ok(Checked { verdict: Verdict::Refused, detail: denied.message })
            }
            Err(error) => Err(self.task_error(&format!("checking {permission}"), error)),
        }
    }

    /// Asks which customer this is and holds it against what the store knows; the first answer is
    /// remembered.
    pub(crate) async fn verify_tenant(&self) -> Result<(), Error> {
        let row = self.store.connection(&self.name).await?.unwrap_or_default();
        let finished = self
            .drive_tenant(row.catalogue.clone(), Priority::Interactive)
            .await
            .map_err(|error| self.task_error("asking which customer this is", error))?;
        let Outcome::Tenant(tenant) = finished.outcome else {
            return Err(self.error(
                ErrorKind::Adapter,
                "the adapter answered describe-tenant with something else",
            ));
        };
        if let Some(known) = &row.fingerprint
            && *known != tenant.fingerprint
        {
            let message = format!(
                "the credential belongs to another customer ({}) than the records in the store \
                 ({known}); use another connection name or another store",
                tenant.fingerprint
            );
            return Err(self.error(ErrorKind::Configuration, message));
        }
        let row = crate::store::ConnectionRow {
            fingerprint: Some(tenant.fingerprint),
            catalogue: Some(tenant.catalogue),
            ..row
        };
        self.store.put_connection(&self.name, row).await?;
        self.tenant_verified.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// As [`Reconciler::verify_tenant`], once per process and credential, before the first record
    /// is read or written: a credential of another customer must neither bring their records into
    /// this store nor write into them what was planned for this one. Where the adapter cannot tell
    /// customers apart, or the credential may not read what does, there is nothing to compare.
    pub(super) async fn verify_tenant_once(&self) -> Result<(), Error> {
        if !self.adapter.manifest().describes_tenant || self.tenant_verified.load(Ordering::Relaxed)
        {
            return Ok(());
        }
        match self.verify_tenant().await {
            Err(error) if error.kind() == ErrorKind::Denied => {
                tracing::warn!(connection = %self.name, "the credential may not read what tells \
                    customers apart");
                self.tenant_verified.store(true, Ordering::Relaxed);
                Ok(())
            }
            verified => verified,
        }
    }
}
