//! Permissions: what the credential may, one by one, without changing anything.

use super::Reconciler;
use super::drive::{REPLACED_MAX, TaskError};
use crate::error::{Error, ErrorKind};
use crate::transport::{NotSent, Priority};
use atsync_model::contract::{Checked, Failure, Outcome, Task, Verdict};
use serde::Serialize;
use std::sync::atomic::Ordering;

/// What is done while the customer is asked for, in messages.
const ASKING: &str = "asking which customer this is";

/// What was found out about one permission.
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
            let row = self.store.connection().await?.unwrap_or_default();
            let row = crate::store::ConnectionRow { rights_found: Some(self.moment()), ..row };
            self.store.put_connection(row).await?;
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
        self.verify(false).await
    }

    /// As [`Reconciler::verify_tenant`], once per process and credential, before the first record
    /// is read or written: a credential of another customer must neither bring their records into
    /// this store nor write into them what was planned for this one. Where the adapter cannot tell
    /// customers apart, or the credential may not read what does, there is nothing to compare.
    pub(super) async fn verify_tenant_once(&self) -> Result<(), Error> {
        self.verify(true).await
    }

    async fn verify(&self, once: bool) -> Result<(), Error> {
        for _ in 0..REPLACED_MAX {
            let _alone = self.verifying.lock().await;
            let credential = self.session.credential_number();
            if once && self.is_proven(credential) {
                return Ok(());
            }
            let error = match self.ask_tenant(credential).await {
                Ok(answer) => return self.compare_tenant(credential, answer).await,
                Err(TaskError::NotSent(NotSent::Replaced)) => continue,
                Err(error) => self.task_error(ASKING, error),
            };
            if !once || error.kind() != ErrorKind::Denied {
                return Err(error);
            }
            tracing::warn!(connection = %self.name, "the credential may not read what tells \
                customers apart");
            self.prove(credential);
            return Ok(());
        }
        Err(self.task_error(ASKING, TaskError::NotSent(NotSent::Replaced)))
    }

    /// Whether records may be read and written with the credential of this number.
    pub(super) fn is_proven(&self, credential: u64) -> bool {
        !self.adapter.manifest().describes_tenant
            || self.tenant_verified.load(Ordering::SeqCst) == credential.saturating_add(1)
    }

    fn prove(&self, credential: u64) {
        self.tenant_verified.fetch_max(credential.saturating_add(1), Ordering::SeqCst);
    }

    async fn ask_tenant(&self, credential: u64) -> Result<Outcome, TaskError> {
        let row = self.store.connection().await;
        let known = row.map_err(|error| TaskError::Tenant(error.into()))?.unwrap_or_default();
        let asked = self.drive_tenant(known.catalogue, credential, Priority::Interactive).await;
        asked.map(|finished| finished.outcome)
    }

    /// Holds an answer against what the store knows of the customer.
    async fn compare_tenant(&self, credential: u64, answer: Outcome) -> Result<(), Error> {
        let Outcome::Tenant(tenant) = answer else {
            return Err(self.error(
                ErrorKind::Adapter,
                "the adapter answered describe-tenant with something else",
            ));
        };
        let row = self.store.connection().await?.unwrap_or_default();
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
        self.store.put_connection(row).await?;
        self.prove(credential);
        Ok(())
    }
}
