//! Replaces the credential of an open connection.
//!
//! It sends nothing. Left out: detecting that a secret changed; the host does it.

use super::{Credential, auth};
use crate::engine::Connection;
use crate::error::{Error, ErrorKind};

impl Connection {
    /// Replaces the credential of the connection, for every clone of this handle. Nothing is sent.
    ///
    /// A refusal of the old credential no longer counts: the next request uses the new one at once,
    /// and [`Connection::run`] continues without waiting. Give the same credential again when the
    /// ATS accepts it by now, or granted it a right: writes that were refused because of the
    /// credential, and now wait for a person, are sent again too. Before the next record is read or
    /// written the engine asks the ATS which customer it belongs to; [`Connection::verify_tenant`]
    /// asks at once.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`] when the credential does not fit the adapter; then the old one
    /// stays in use.
    pub async fn replace_credential(&self, credential: Credential) -> Result<(), Error> {
        let reconciler = self.work()?;
        let problem = |message: String| {
            Error::new(ErrorKind::Configuration, format!("{}: {message}", self.name()))
        };
        let auth = auth(self.manifest(), &reconciler.context.settings, &credential)
            .map_err(|why| problem(why).of_option("credential"))?;
        reconciler
            .context
            .session
            .replace_credential(&auth)
            .await
            .map_err(|error| problem(error.to_string()))?;
        reconciler.backoff.rights_given();
        self.credentials().send_modify(|given| *given = given.saturating_add(1));
        Ok(())
    }
}
