//! Compares the customer that a credential belongs to with the store's.
//!
//! A credential of another customer must neither bring their records into this store nor write into
//! theirs. So the ATS is asked once per process and credential, before the first record is read or
//! written. An adapter that cannot tell customers apart is not asked.

use super::Requests;
use super::drive::{REPLACED_MAX, TaskError};
use crate::error::{Error, ErrorKind};
use crate::transport::{NotSent, Priority};
use atsync_model::contract::Outcome;

/// What is done while the customer is asked for, in messages.
const ASKING: &str = "asking which customer this is";

impl Requests {
    /// Asks which customer this is and compares it with the store; the first answer is stored.
    pub(crate) async fn verify_tenant(&self) -> Result<(), Error> {
        self.verify(false).await
    }

    /// As [`Self::verify_tenant`], once per process and credential, before the first record is read
    /// or written: a credential of another customer must neither bring their records into this
    /// store nor write into them what was planned for this one. Where the adapter cannot tell
    /// customers apart, or the credential may not read what does, there is nothing to compare.
    pub(crate) async fn verify_tenant_once(&self) -> Result<(), Error> {
        self.verify(true).await
    }

    async fn verify(&self, once: bool) -> Result<(), Error> {
        for _ in 0..REPLACED_MAX {
            let _alone = self.verifying.lock().await;
            let credential = self.context.session.credential_number();
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
            tracing::warn!(connection = %self.context.name, "the credential may not read what \
                tells customers apart");
            self.proven.prove(credential);
            return Ok(());
        }
        Err(self.task_error(ASKING, TaskError::NotSent(NotSent::Replaced)))
    }

    /// Whether records may be read and written with the credential of this number.
    pub(crate) fn is_proven(&self, credential: u64) -> bool {
        self.proven.covers(credential)
    }

    async fn ask_tenant(&self, credential: u64) -> Result<Outcome, TaskError> {
        let asked = self.drive_tenant(credential, Priority::Interactive).await;
        asked.map(|finished| finished.outcome)
    }

    /// Compares an answer with what the store knows of the customer.
    async fn compare_tenant(&self, credential: u64, answer: Outcome) -> Result<(), Error> {
        let Outcome::Tenant(tenant) = answer else {
            return Err(self.context.error(
                ErrorKind::Adapter,
                "the adapter answered describe-tenant with something else",
            ));
        };
        let row = self.context.store.connection().await?.unwrap_or_default();
        if let Some(known) = &row.fingerprint
            && *known != tenant.fingerprint
        {
            let message = format!(
                "the credential belongs to another customer ({}) than the records in the store \
                 ({known}); use another connection name or another store",
                tenant.fingerprint
            );
            return Err(self.context.error(ErrorKind::Configuration, message));
        }
        let catalogue = tenant.catalogue.clone();
        self.context
            .change_row(|row| {
                row.fingerprint = Some(tenant.fingerprint);
                row.catalogue = Some(tenant.catalogue);
            })
            .await?;
        self.catalogue.keep(Some(catalogue));
        self.proven.prove(credential);
        Ok(())
    }
}
