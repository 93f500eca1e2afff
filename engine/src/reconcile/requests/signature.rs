//! Checks whether a signature was made with a secret. Pure.
//!
//! Computed and compared by `hmac` and `subtle`, in time that does not depend on where two
//! signatures begin to differ. Every signature that the adapter names is tried with every secret.
//!
//! Left out: what was signed; the adapter composes it.

use crate::secret::Secret;
use atsync_model::contract::{Algorithm, Encoding, Verify};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use hmac::digest::KeyInit;
use hmac::{Hmac, Mac};
use sha1::Sha1;
use sha2::{Sha256, Sha512};
use subtle::ConstantTimeEq;

/// Candidates that are compared; the others are not. Senders give two while a secret is replaced.
const CANDIDATES_MAX: usize = 16;

/// Whether one of the candidates was made with one of the secrets.
pub(super) fn matches(asked: &Verify, secrets: &[Secret]) -> bool {
    let mut found = false;
    for candidate in asked.candidates.iter().take(CANDIDATES_MAX) {
        for secret in secrets {
            // No short cut: the time says nothing of which one it was.
            found |= one(asked, candidate, secret);
        }
    }
    found
}

fn one(asked: &Verify, candidate: &str, secret: &Secret) -> bool {
    let key = secret.expose().as_bytes();
    if asked.algorithm == Algorithm::Plain {
        return !key.is_empty() && bool::from(candidate.as_bytes().ct_eq(key));
    }
    let Some(code) = decode(candidate, asked.encoding) else { return false };
    match asked.algorithm {
        Algorithm::HmacSha256 => made_with::<Hmac<Sha256>>(key, &asked.message, &code),
        Algorithm::HmacSha512 => made_with::<Hmac<Sha512>>(key, &asked.message, &code),
        Algorithm::HmacSha1 => made_with::<Hmac<Sha1>>(key, &asked.message, &code),
        Algorithm::Plain => false,
    }
}

fn made_with<M: Mac + KeyInit>(key: &[u8], message: &[u8], code: &[u8]) -> bool {
    // HMAC takes keys of any length.
    let Ok(mut mac) = <M as KeyInit>::new_from_slice(key) else { return false };
    mac.update(message);
    mac.verify_slice(code).is_ok()
}

/// The bytes of a code; none when it is not well-formed.
fn decode(text: &str, encoding: Encoding) -> Option<Vec<u8>> {
    match encoding {
        Encoding::Hex => {
            let digit =
                |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
            let (pairs, rest) = text.as_bytes().as_chunks::<2>();
            if !rest.is_empty() {
                return None;
            }
            pairs.iter().map(|[high, low]| Some((digit(*high)? << 4) | digit(*low)?)).collect()
        }
        Encoding::Base64 => {
            let engines = [STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD];
            engines.iter().find_map(|engine| engine.decode(text).ok())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::matches;
    use crate::secret::Secret;
    use atsync_model::contract::{Algorithm, Encoding, Verify};

    fn asked(
        algorithm: Algorithm,
        encoding: Encoding,
        message: &str,
        candidates: &[&str],
    ) -> Verify {
        Verify {
            secret_name: "webhook".into(),
            algorithm,
            message: message.into(),
            candidates: candidates.iter().map(|text| (*text).to_owned()).collect(),
            encoding,
            state: Vec::new(),
        }
    }

    /// RFC 4231 (cases 2) and RFC 2202 (case 2): key `Jefe`, message `what do ya want for
    /// nothing?`.
    const MESSAGE: &str = "what do ya want for nothing?";
    const SHA256: &str = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
    const SHA1: &str = "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79";
    const SHA512: &str = "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737";

    #[test]
    fn the_published_vectors_match_and_a_flipped_bit_does_not() {
        let jefe = [Secret::new("Jefe")];
        for (algorithm, code) in [
            (Algorithm::HmacSha256, SHA256),
            (Algorithm::HmacSha1, SHA1),
            (Algorithm::HmacSha512, SHA512),
        ] {
            let hex = |message: &str, code: &str| asked(algorithm, Encoding::Hex, message, &[code]);
            assert!(matches(&hex(MESSAGE, code), &jefe));
            assert!(matches(&hex(MESSAGE, &code.to_uppercase()), &jefe));
            assert!(!matches(&hex(MESSAGE, code), &[Secret::new("jefe")]));
            assert!(!matches(&hex(&MESSAGE.replace('?', "!"), code), &jefe));
            for wrong in
                ["", "zz", &code[1..], &code[2..], &format!("{code}00"), &code.replace('5', "6")]
            {
                assert!(!matches(&hex(MESSAGE, wrong), &jefe), "{wrong}");
            }
        }
    }

    #[test]
    fn any_secret_of_several_and_any_candidate_of_several_will_do() {
        let secrets = [Secret::new("old"), Secret::new("Jefe")];
        let two = asked(Algorithm::HmacSha256, Encoding::Hex, MESSAGE, &[SHA1, SHA256]);
        assert!(matches(&two, &secrets));
        assert!(!matches(&two, &secrets[..1]));
        assert!(!matches(&two, &[]));
        let base64 = "W9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEM=";
        assert!(matches(
            &asked(Algorithm::HmacSha256, Encoding::Base64, MESSAGE, &[base64]),
            &secrets
        ));
    }

    #[test]
    fn a_plain_secret_is_compared_whole() {
        let plain = |text: &str| asked(Algorithm::Plain, Encoding::Hex, "", &[text]);
        assert!(matches(&plain("Jefe"), &[Secret::new("Jefe")]));
        assert!(!matches(&plain("Jef"), &[Secret::new("Jefe")]));
        assert!(!matches(&plain(""), &[Secret::new("")]));
    }
}
