//! The part of a webhook's URL that cannot be guessed.
//!
//! A second secret keeps strangers from costing a verification, and shows that a delivery is for
//! another connection before anything is read. It is made from the webhook's secret, so that there
//! is nothing more to configure, and shows nothing of it.
//!
//! Left out: the rest of the URL, which is the host's.

use super::Webhooks;
use crate::engine::Connection;
use hmac::digest::KeyInit;
use hmac::{Hmac, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;

/// Characters of a part: 128 bits in hexadecimal.
const CHARACTERS: usize = 32;

/// The part for a connection and a secret.
fn part(connection: &str, secret: &str) -> String {
    // HMAC takes keys of any length.
    let Ok(mut code) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else {
        return String::new();
    };
    code.update(b"atsync: the path of webhooks\0");
    code.update(connection.as_bytes());
    let bytes = code.finalize().into_bytes();
    let mut hexadecimal: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    hexadecimal.truncate(CHARACTERS);
    hexadecimal
}

impl Webhooks {
    fn parts(&self, connection: &str) -> impl Iterator<Item = String> {
        self.secrets.iter().map(move |secret| part(connection, secret.expose()))
    }
}

impl Connection {
    /// A part for the URL to which the ATS sends this connection's webhooks: 32 characters that
    /// cannot be guessed, made from the newest webhook secret. None when there is no secret.
    pub fn webhook_path(&self) -> Option<String> {
        self.webhooks().parts(self.name()).next()
    }

    /// Whether a part of a URL is that of one of the connection's webhook secrets. Compared in
    /// constant time.
    pub fn is_webhook_path(&self, given: &str) -> bool {
        // All are compared, so that the time says nothing about them.
        self.webhooks()
            .parts(self.name())
            .fold(false, |found, part| found | bool::from(part.as_bytes().ct_eq(given.as_bytes())))
    }
}

#[cfg(test)]
mod tests {
    use super::part;

    #[test]
    fn a_part_differs_by_connection_and_by_secret() {
        let parts = [part("acme", "a"), part("acme", "b"), part("acmf", "a"), part("acme", "")];
        let different: std::collections::BTreeSet<&String> = parts.iter().collect();
        assert_eq!(different.len(), 4);
        assert!(parts.iter().all(|part| part.len() == 32));
    }
}
