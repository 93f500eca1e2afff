//! What has to hold before a connection is made or changed at run time, whoever asks: the API, the
//! command line, or a customer on the connect page.
//!
//! Left out: whether adapter, settings and credential fit; [`Opened::try_out`] says that.

use crate::config::made::Made;
use crate::made::{self, MADE_MAX};
use crate::open::Opened;
use atsync::{Connection, Credential, ErrorKind, did_you_mean};

/// Bytes of a connection's name.
const NAME_BYTES_MAX: usize = 100;

/// Why a connection cannot be made or changed here.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unmakeable {
    /// The file has it.
    #[error("{0} is declared in {1}; change it there, then reload: POST /v1/reload, or SIGHUP")]
    OfFile(String, String),
    /// Nothing could be sealed.
    #[error(
        "there is no key to seal secrets with, so none can be taken; add it to the table [serve] \
         of {0}: seal_key = {{ env = \"ATSYNC_SEAL_KEY\" }} (`openssl rand -hex 32` makes one)"
    )]
    NoKey(String),
    /// No adapter of this program or of the folder has the name.
    #[error("there is no such adapter{0}; there are: {1}")]
    NoAdapter(String, String),
    /// The configuration forbids it.
    #[error(
        "the configuration does not allow private addresses and clear text: set \
         `allow_private_network = true` in the table [serve] of {0}"
    )]
    PrivateNetwork(String),
    /// The name is too long.
    #[error("a connection's name has at most {NAME_BYTES_MAX} bytes")]
    Name,
    /// There are as many as there may be.
    #[error("there are {MADE_MAX} connections already")]
    TooMany,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] atsync::Error),
}

/// The record of a connection that may be made or changed here; none for a new one.
///
/// # Errors
/// See [`Unmakeable`].
pub(crate) async fn changeable(opened: &Opened, name: &str) -> Result<Option<Made>, Unmakeable> {
    if name.len() > NAME_BYTES_MAX {
        return Err(Unmakeable::Name);
    }
    let of_file = opened.config.connections.get(name).is_some_and(|one| one.made.is_none());
    let before = made::one(&opened.engine, name).await?;
    if of_file || (before.is_none() && opened.config.refused.contains_key(name)) {
        let file = opened.config.path.display().to_string();
        return Err(Unmakeable::OfFile(name.to_owned(), file));
    }
    Ok(before)
}

/// Whether a connection with this adapter and reach may be made.
///
/// # Errors
/// See [`Unmakeable`].
pub(crate) fn check(
    opened: &Opened,
    adapter: &str,
    allow_private_network: bool,
    is_new: bool,
) -> Result<(), Unmakeable> {
    let file = || opened.config.path.display().to_string();
    if !opened.vault.can_seal() {
        return Err(Unmakeable::NoKey(file()));
    }
    let known = opened.adapters.names();
    if !known.contains(&adapter) {
        let hint = did_you_mean(adapter, known.iter().copied());
        return Err(Unmakeable::NoAdapter(hint, known.join(", ")));
    }
    if allow_private_network && !opened.config.serve.allow_private_network {
        return Err(Unmakeable::PrivateNetwork(file()));
    }
    let count = opened.config.connections.values().filter(|one| one.made.is_some()).count();
    if is_new && count >= MADE_MAX {
        return Err(Unmakeable::TooMany);
    }
    Ok(())
}

/// Puts a credential into use where its connection is open, if it belongs to the customer whose
/// records are in the store. Otherwise the present one stays in use.
///
/// # Errors
/// As for [`Connection::verify_tenant`].
pub(crate) async fn take_over(
    connection: &Connection,
    present: Option<Credential>,
    new: Credential,
) -> Result<(), atsync::Error> {
    connection.replace_credential(new).await?;
    let verified = connection.verify_tenant().await;
    // A right that is missing shows in the check; it says nothing about the customer.
    let is_refused = verified.as_ref().is_err_and(|error| error.kind() != ErrorKind::Denied);
    if let Some(present) = present.filter(|_| is_refused) {
        connection.replace_credential(present).await?;
    }
    if is_refused { verified } else { Ok(()) }
}
