//! Seals secrets, so that they can be stored: XChaCha20-Poly1305 with a key that is stored
//! elsewhere.
//!
//! A sealed secret is one line of text: the form's version, the key's id, and nonce and ciphertext
//! in base64. Its *place* (a connection and a purpose) is authenticated with it, so that a sealed
//! secret that was copied to another place does not open there. The nonce is random: 192 bits
//! repeat for no number of secrets that a store can hold.
//!
//! Several keys may be known while one replaces another: the first one seals, each one opens.
//!
//! Bounds: [`SECRET_BYTES_MAX`]. Left out: where keys are kept (see [`super::SecretRef`]), and
//! where sealed secrets are (see `vault`).

use super::Secret;
use super::limits::SECRET_BYTES_MAX;
use crate::entropy::Entropy;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

/// The form of a sealed secret.
const FORM: &str = "s1";
/// Bytes of a key.
const KEY_BYTES: usize = 32;
/// Bytes of a nonce.
const NONCE_BYTES: usize = 24;

/// Why a secret was not sealed or opened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SealError {
    /// No key was given.
    #[error("no key for sealed secrets is known; without one no secret is stored")]
    NoKey,
    /// A key is not 32 random bytes.
    #[error(
        "a key for sealed secrets is 32 random bytes, in hexadecimal or base64; \
         `openssl rand -hex 32` makes one"
    )]
    BadKey,
    /// The secret was sealed with a key that is not known.
    #[error("the secret was sealed with the key {0}, which is not among the known ones")]
    UnknownKey(String),
    /// The sealed secret was changed, or belongs to another place.
    #[error("the sealed secret was changed, or was sealed for another place")]
    Damaged,
    /// The secret is too large.
    #[error("a secret has more than {SECRET_BYTES_MAX} bytes")]
    TooLarge,
    /// The system has no randomness, without which nothing may be sealed.
    #[error("the system has no randomness, so nothing can be sealed")]
    NoRandomness,
}

/// One key. `Debug` shows its id alone.
#[derive(Clone)]
struct SealKey {
    id: String,
    cipher: XChaCha20Poly1305,
}

impl std::fmt::Debug for SealKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.id)
    }
}

/// The keys that seal secrets: the first one seals, each one opens.
#[derive(Clone, Debug, Default)]
pub struct SealKeys(Vec<SealKey>);

/// The place of a secret: the connection and the purpose, each with its length.
fn place(connection: &str, purpose: &str) -> Vec<u8> {
    format!("{}:{connection}{}:{purpose}", connection.len(), purpose.len()).into_bytes()
}

fn key_bytes(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let text = text.trim();
    let is_hexadecimal = text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let decoded = if text.len() == KEY_BYTES * 2 && is_hexadecimal {
        let pairs = text.as_bytes().chunks(2);
        let bytes = pairs.map(|pair| {
            let pair = std::str::from_utf8(pair).ok()?;
            u8::from_str_radix(pair, 16).ok()
        });
        bytes.collect::<Option<Vec<u8>>>()
    } else {
        STANDARD.decode(text).or_else(|_| STANDARD_NO_PAD.decode(text)).ok()
    };
    let decoded = Zeroizing::new(decoded?);
    // Bytes that are all the same were not drawn.
    let first = decoded.first().copied()?;
    let is_drawn = decoded.len() == KEY_BYTES && decoded.iter().any(|byte| *byte != first);
    is_drawn.then_some(decoded)
}

impl SealKeys {
    /// Keys as text, the one that seals first: 32 bytes in hexadecimal or base64.
    ///
    /// # Errors
    /// [`SealError::BadKey`].
    pub fn new(keys: impl IntoIterator<Item = Secret>) -> Result<Self, SealError> {
        let read = |key: Secret| {
            let bytes = key_bytes(key.expose()).ok_or(SealError::BadKey)?;
            let cipher =
                XChaCha20Poly1305::new_from_slice(&bytes).map_err(|_| SealError::BadKey)?;
            let mut hash = Sha256::new();
            hash.update(b"atsync: the id of a key for sealed secrets");
            hash.update(&bytes);
            let id = hash.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect();
            Ok(SealKey { id, cipher })
        };
        keys.into_iter().map(read).collect::<Result<_, _>>().map(Self)
    }

    /// Whether there is a key to seal with.
    pub fn can_seal(&self) -> bool {
        !self.0.is_empty()
    }

    /// Seals a secret for a place.
    ///
    /// # Errors
    /// [`SealError::NoKey`], [`SealError::TooLarge`], [`SealError::NoRandomness`].
    pub(crate) fn seal(
        &self,
        (connection, purpose): (&str, &str),
        secret: &Secret,
        entropy: &dyn Entropy,
    ) -> Result<String, SealError> {
        let key = self.0.first().ok_or(SealError::NoKey)?;
        if secret.expose().len() > SECRET_BYTES_MAX {
            return Err(SealError::TooLarge);
        }
        let mut nonce = [0; NONCE_BYTES];
        entropy.fill(&mut nonce);
        if nonce == [0; NONCE_BYTES] {
            return Err(SealError::NoRandomness);
        }
        let aad = place(connection, purpose);
        let payload = Payload { msg: secret.expose().as_bytes(), aad: &aad };
        let sealed = key.cipher.encrypt(&nonce.into(), payload).map_err(|_| SealError::TooLarge)?;
        let bytes: Vec<u8> = nonce.into_iter().chain(sealed).collect();
        Ok(format!("{FORM}.{}.{}", key.id, STANDARD.encode(bytes)))
    }

    /// Opens a secret that was sealed for this place.
    ///
    /// # Errors
    /// [`SealError::NoKey`], [`SealError::UnknownKey`], [`SealError::Damaged`].
    pub(crate) fn open(
        &self,
        (connection, purpose): (&str, &str),
        sealed: &str,
    ) -> Result<Secret, SealError> {
        let mut parts = sealed.split('.');
        let (Some(FORM), Some(id), Some(bytes), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(SealError::Damaged);
        };
        if self.0.is_empty() {
            return Err(SealError::NoKey);
        }
        let key = self.0.iter().find(|key| key.id == id);
        let key = key.ok_or_else(|| SealError::UnknownKey(id.chars().take(16).collect()))?;
        let bytes = STANDARD.decode(bytes).map_err(|_| SealError::Damaged)?;
        let (nonce, text) = bytes.split_at_checked(NONCE_BYTES).ok_or(SealError::Damaged)?;
        let nonce: [u8; NONCE_BYTES] = nonce.try_into().map_err(|_| SealError::Damaged)?;
        let aad = place(connection, purpose);
        let opened = key.cipher.decrypt(&nonce.into(), Payload { msg: text, aad: &aad });
        let opened = Zeroizing::new(opened.map_err(|_| SealError::Damaged)?);
        std::str::from_utf8(&opened).map(Secret::new).map_err(|_| SealError::Damaged)
    }

    /// Whether a sealed secret was sealed with the key that seals now.
    pub(crate) fn is_current(&self, sealed: &str) -> bool {
        let id = sealed.split('.').nth(1);
        self.0.first().is_some_and(|key| id == Some(&key.id))
    }
}

#[cfg(test)]
mod tests {
    use super::{SealError, SealKeys};
    use crate::entropy::{Entropy, SystemEntropy};
    use crate::secret::Secret;
    use crate::secret::limits::SECRET_BYTES_MAX;

    const OLD: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
    const NEW: &str = "ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8=";
    const PLACE: (&str, &str) = ("acme", "client_secret");

    fn keys(texts: &[&str]) -> SealKeys {
        SealKeys::new(texts.iter().map(|text| Secret::new(*text))).unwrap()
    }

    fn sealed(keys: &SealKeys) -> String {
        keys.seal(PLACE, &Secret::new("hunter2"), &SystemEntropy).unwrap()
    }

    #[test]
    fn a_sealed_secret_opens_at_its_place_with_its_key_alone() {
        let old = keys(&[OLD]);
        let text = sealed(&old);
        assert!(!text.contains("hunter2"));
        assert_ne!(text, sealed(&old), "each has a nonce of its own");
        assert_eq!(old.open(PLACE, &text).unwrap().expose(), "hunter2");
        for place in [("acme", "key"), ("other", "client_secret"), ("acmec", "lient_secret")] {
            assert_eq!(old.open(place, &text).unwrap_err(), SealError::Damaged);
        }
        assert!(matches!(keys(&[NEW]).open(PLACE, &text), Err(SealError::UnknownKey(_))));
        assert_eq!(keys(&[]).open(PLACE, &text).unwrap_err(), SealError::NoKey);
    }

    #[test]
    fn a_changed_byte_of_a_sealed_secret_is_found() {
        let keys = keys(&[OLD]);
        let text = sealed(&keys);
        for at in 0..text.len() {
            let mut changed = text.clone().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).unwrap();
            assert!(keys.open(PLACE, &changed).is_err(), "byte {at}");
        }
        for cut in 0..text.len() {
            assert!(keys.open(PLACE, &text[..cut]).is_err());
        }
    }

    #[test]
    fn the_first_key_seals_and_each_opens() {
        let (old, both) = (keys(&[OLD]), keys(&[NEW, OLD]));
        let text = sealed(&old);
        assert_eq!(both.open(PLACE, &text).unwrap().expose(), "hunter2");
        assert!(old.is_current(&text) && !both.is_current(&text));
        assert!(both.is_current(&sealed(&both)));
    }

    #[test]
    fn what_is_no_key_is_refused_and_not_shown() {
        for bad in
            ["", "hunter2", &OLD[1..], &"ab".repeat(32), &"z".repeat(64), &OLD.replace("0f", "+f")]
        {
            let refused = SealKeys::new([Secret::new(bad)]).unwrap_err();
            assert_eq!(refused, SealError::BadKey);
        }
        assert!(!format!("{:?}", keys(&[OLD])).contains(&OLD[..8]));
    }

    #[test]
    fn without_randomness_nothing_is_sealed() {
        #[derive(Debug)]
        struct None;
        impl Entropy for None {
            fn fill(&self, _: &mut [u8]) {}
        }
        let seal = |text: &str| keys(&[OLD]).seal(PLACE, &Secret::new(text), &None);
        assert_eq!(seal("a").unwrap_err(), SealError::NoRandomness);
        assert_eq!(seal(&"a".repeat(SECRET_BYTES_MAX + 1)).unwrap_err(), SealError::TooLarge);
        let none = keys(&[]).seal(PLACE, &Secret::new("a"), &SystemEntropy);
        assert_eq!(none.unwrap_err(), SealError::NoKey);
    }
}
