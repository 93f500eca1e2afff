//! Signatures of the Standard Webhooks specification: HMAC-SHA256 over id, time and body. Pure.
//!
//! A secret is `whsec_` and base64 of 24 to 64 bytes, as the specification says.

use atsync::{Entropy, Secret};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// What a secret begins with.
const PREFIX: &str = "whsec_";
/// Bytes of a secret.
const BYTES: std::ops::RangeInclusive<usize> = 24..=64;

fn key(text: &str) -> Option<Vec<u8>> {
    let bytes = STANDARD.decode(text.strip_prefix(PREFIX)?).ok()?;
    BYTES.contains(&bytes.len()).then_some(bytes)
}

/// Reads a given secret; none where it is not one.
pub(super) fn read(text: &str) -> Option<Secret> {
    key(text).map(|_| Secret::new(text))
}

/// Makes a secret; none where the system has no randomness.
pub(super) fn made(entropy: &dyn Entropy) -> Option<Secret> {
    let mut drawn = [0; 32];
    entropy.fill(&mut drawn);
    (drawn != [0; 32]).then(|| Secret::new(format!("{PREFIX}{}", STANDARD.encode(drawn))))
}

/// The value of `webhook-signature`; none where the secret is not one.
pub(super) fn signature(secret: &Secret, id: &str, at_s: u64, body: &[u8]) -> Option<String> {
    let mut mac = Hmac::<Sha256>::new_from_slice(&key(secret.expose())?).ok()?;
    mac.update(format!("{id}.{at_s}.").as_bytes());
    mac.update(body);
    Some(format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())))
}

#[cfg(test)]
mod tests {
    use super::{made, read, signature};
    use atsync::{Secret, SystemEntropy};

    #[test]
    fn the_example_of_the_specification_has_its_signature() {
        let secret = Secret::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        let id = "msg_p5jXN8AQM9LWM0D4loKWxJek";
        let signed = signature(&secret, id, 1_614_265_330, br#"{"test": 2432232314}"#).unwrap();
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn a_secret_that_is_too_short_or_not_encoded_is_refused() {
        for bad in ["", "whsec_", "whsec_aGk=", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_%%%"] {
            assert!(read(bad).is_none(), "{bad}");
        }
        let long = format!("whsec_{}", "QUFB".repeat(22));
        assert!(read(&long).is_none());
        let own = made(&SystemEntropy).unwrap();
        assert!(read(own.expose()).is_some());
    }
}
