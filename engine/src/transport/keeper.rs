//! Where the tokens of a consent are kept: the host's, since only the host can seal them.

use crate::secret::Secret;
use futures_util::future::BoxFuture;
use std::fmt::Debug;

/// Keeps the tokens of one consent, for [`Credential::AuthorizationCode`].
///
/// What is kept is one text of some kilobytes, which only the engine reads and writes: a JSON
/// object. A host that has a refresh token from elsewhere may keep `{"refresh_token": "..."}`, and
/// the engine continues from it. The text is as secret as a password and needs to be sealed at
/// rest.
///
/// # Guarantees asked of an implementation
/// - When `store` returns `Ok`, the text survives a crash; until then `load` returns the old one,
///   never a part.
/// - One keeper belongs to one consent. Connections that share the consent share the same `Arc`:
///   then they also share each access token, and one refresh serves them all. Two keepers over the
///   same text would refresh twice, and a refresh token is good for one refresh.
/// - The engine never makes two calls of one keeper at once. Across processes the implementation
///   must see to it that one process uses a consent at a time, as the store's lock does.
///
/// [`Credential::AuthorizationCode`]: crate::Credential::AuthorizationCode
pub trait TokenKeeper: Debug + Send + Sync {
    /// The text as last stored; none before the first.
    fn load(&self) -> BoxFuture<'_, Result<Option<Secret>, String>>;

    /// Stores the text in place of the old one, durably. The access token in it is not used before
    /// this returns `Ok`. After an error the engine keeps the text in memory and tries again.
    fn store<'a>(&'a self, text: &'a Secret) -> BoxFuture<'a, Result<(), String>>;
}
