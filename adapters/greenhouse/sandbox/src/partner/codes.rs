//! Authorization codes: single use, one minute, bound to client, redirect URI and code challenge.
//!
//! A used code is kept, so that its second use is recognised whenever it comes. A refused attempt
//! has no effect on an unused code. Bound: [`CODES_MAX`]. Sources: harvest-v3.md §2.3 (D-partner)
//! for the minute, RFC 6749 §4.1.2 for the binding, RFC 7636 for the challenge.

use std::collections::{HashMap, VecDeque};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

/// The lifetime of a code.
const LIFETIME_MS: i64 = 60_000;
/// The most codes that are stored, used and expired ones included; the oldest is forgotten.
const CODES_MAX: usize = 10_000;
/// The length of a challenge: a SHA-256 in base64url.
const CHALLENGE_BYTES: usize = 43;
/// The shortest verifier.
const VERIFIER_BYTES_MIN: usize = 43;
/// The longest verifier.
const VERIFIER_BYTES_MAX: usize = 128;

/// What a code is bound to.
#[derive(Debug, Clone)]
pub(super) struct Binding {
    pub(super) client_id: String,
    pub(super) redirect_uri: String,
    /// The S256 challenge.
    pub(super) challenge: Option<String>,
}

/// What an exchange proves.
#[derive(Debug, Clone, Copy)]
pub(super) enum Proof<'a> {
    Verifier(Option<&'a str>),
    /// The sandbox plays a server without PKCE.
    Ignored,
}

/// The result of an attempt to redeem a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Redeemed {
    /// The consent that the code stands for.
    Good(u64),
    /// The code was used before, for this consent.
    Twice(u64),
    Bad,
}

#[derive(Debug)]
struct Code {
    to: Binding,
    consent: u64,
    expires_ms: i64,
    used: bool,
}

/// Every code.
#[derive(Debug, Default)]
pub(super) struct Codes {
    codes: HashMap<String, Code>,
    order: VecDeque<String>,
}

impl Codes {
    pub(super) fn add(&mut self, code: String, to: Binding, consent: u64, now_ms: i64) {
        if self.order.len() >= CODES_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.codes.remove(&oldest);
        }
        let expires_ms = now_ms.saturating_add(LIFETIME_MS);
        self.order.push_back(code.clone());
        self.codes.insert(code, Code { to, consent, expires_ms, used: false });
    }

    /// Checks a code that a client presents with a redirect URI; changes nothing.
    pub(super) fn redeem(
        &self,
        code: &str,
        (client_id, redirect_uri): (&str, &str),
        proof: Proof<'_>,
        now_ms: i64,
    ) -> Redeemed {
        // Another client learns nothing and breaks nothing.
        let Some(code) = self.codes.get(code).filter(|code| code.to.client_id == client_id) else {
            return Redeemed::Bad;
        };
        if code.used {
            return Redeemed::Twice(code.consent);
        }
        let good = now_ms < code.expires_ms
            && code.to.redirect_uri == redirect_uri
            && proves(proof, code.to.challenge.as_deref());
        if good { Redeemed::Good(code.consent) } else { Redeemed::Bad }
    }

    /// Marks a code as used.
    pub(super) fn use_up(&mut self, code: &str) {
        if let Some(code) = self.codes.get_mut(code) {
            code.used = true;
        }
    }
}

/// Whether a challenge has the form of one.
pub(super) fn is_challenge(text: &str) -> bool {
    text.len() == CHALLENGE_BYTES && URL_SAFE_NO_PAD.decode(text).is_ok()
}

/// A verifier without a challenge is refused: the challenge was removed on the way (RFC 9700
/// §2.1.1).
fn proves(proof: Proof<'_>, challenge: Option<&str>) -> bool {
    match (proof, challenge) {
        (Proof::Ignored, _) | (Proof::Verifier(None), None) => true,
        (Proof::Verifier(Some(verifier)), Some(challenge)) => {
            (VERIFIER_BYTES_MIN..=VERIFIER_BYTES_MAX).contains(&verifier.len())
                && URL_SAFE_NO_PAD.encode(Sha256::digest(verifier)) == challenge
        }
        (Proof::Verifier(None), Some(_)) | (Proof::Verifier(Some(_)), None) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_rfc_7636_proves_its_challenge() {
        let challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
        assert!(is_challenge(challenge));
        let verifier = Some("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
        assert!(proves(Proof::Verifier(verifier), Some(challenge)));
        for (proof, challenge) in [
            (Proof::Verifier(None), Some(challenge)),
            (Proof::Verifier(verifier), None),
            (Proof::Verifier(Some("too-short")), Some(challenge)),
        ] {
            assert!(!proves(proof, challenge));
        }
    }
}
