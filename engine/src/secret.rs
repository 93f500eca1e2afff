//! Secrets: a type that cannot be printed and overwrites its memory, and references to where one is
//! stored.

mod command;
pub mod limits;
mod reference;
mod seal;
pub(crate) mod written;

pub use reference::{SecretRef, TextRef};
pub use seal::{SealError, SealKeys};

use zeroize::Zeroizing;

/// A credential or a part of one.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes ownership of the text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// The text. Call it only where it is sent.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(\u{2026})")
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_secret_cannot_be_printed() {
        assert_eq!(format!("{:?}", super::Secret::new("hunter2")), "Secret(\u{2026})");
    }
}
