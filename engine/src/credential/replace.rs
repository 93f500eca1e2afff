//! Replacing the credential of a connection that runs.
//!
//! Nothing is sent by it. Left out: noticing that a secret changed; that is the host's.

use super::{Credential, auth};
use crate::engine::Connection;
use crate::error::{Error, ErrorKind};

impl Connection {
    /// Replaces the credential of the connection, for every clone of this handle. Nothing is sent.
    ///
    /// A refusal of the old credential no longer stands: the next request tries the new one at
    /// once, and [`Connection::run`] begins again without waiting. The same credential may be
    /// given again, to say that the ATS accepts it by now, or gave it a right: writes that were
    /// refused because of the credential and wait for a person are tried again too. Before the next
    /// record is read or written the ATS is asked which customer it belongs to;
    /// [`Connection::verify_tenant`] asks at once.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`] when the credential does not fit the adapter; the old one stays
    /// in use then.
    pub async fn replace_credential(&self, credential: Credential) -> Result<(), Error> {
        let reconciler = self.work()?;
        let problem = |message: String| {
            Error::new(ErrorKind::Configuration, format!("{}: {message}", self.name()))
        };
        let auth = auth(self.manifest(), &reconciler.settings, &credential)
            .map_err(|why| problem(why).of_option("credential"))?;
        reconciler
            .session
            .replace_credential(&auth)
            .await
            .map_err(|error| problem(error.to_string()))?;
        reconciler.credential_given();
        self.credentials().send_modify(|given| *given = given.saturating_add(1));
        Ok(())
    }
}
