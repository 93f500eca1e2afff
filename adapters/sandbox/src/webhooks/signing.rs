//! Signatures of webhooks, as data: what is signed, and where the signature stands.
//!
//! Each is HMAC-SHA256 in lower-case hexadecimal digits. Three schemes of the field, in these
//! terms: a header over the body (`Signature: sha256 …`), the same with another prefix
//! (`X-Signature: sha256=…`), and a member of the body over two other members.

use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::Value;
use sha2::Sha256;

/// A part of the signed message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The body's bytes, as they are sent.
    Body,
    /// A member of the body: a text as it is, any other value as JSON.
    Member(&'static str),
}

/// Where the signature stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// A header.
    Header(&'static str),
    /// A member of the body.
    Member(&'static str),
}

/// A scheme.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Signing {
    /// The parts of the message, without separators.
    pub message: &'static [Part],
    /// What stands before the digits.
    pub prefix: &'static str,
    /// Where the signature stands.
    pub place: Place,
}

impl Signing {
    /// Returns the signature of a body, prefix included.
    #[must_use]
    pub fn signature(&self, secret: &str, body: &[u8]) -> String {
        let mut out = self.prefix.to_owned();
        // HMAC accepts keys of any length.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else { return out };
        for part in self.message {
            match part {
                Part::Body => mac.update(body),
                Part::Member(name) => {
                    let value: Value = serde_json::from_slice(body).unwrap_or_default();
                    match value.get(name) {
                        Some(Value::String(text)) => mac.update(text.as_bytes()),
                        Some(other) => mac.update(other.to_string().as_bytes()),
                        None => {}
                    }
                }
            }
        }
        out.extend(mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")));
        out
    }

    /// Signs a body: returns it as it is sent, and the header, if the signature is one.
    #[must_use]
    pub fn sign(&self, secret: &str, body: &[u8]) -> (Vec<u8>, Option<(String, String)>) {
        let signature = self.signature(secret, body);
        match self.place {
            Place::Header(name) => (body.to_vec(), Some((name.to_owned(), signature))),
            Place::Member(name) => {
                let mut value: Value = serde_json::from_slice(body).unwrap_or_default();
                if let Some(map) = value.as_object_mut() {
                    map.insert(name.to_owned(), signature.into());
                }
                (value.to_string().into_bytes(), None)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 4231, test case 2.
    #[test]
    fn the_signature_is_hmac_sha256_in_lower_case_hex() {
        let scheme = Signing {
            message: &[Part::Body],
            prefix: "sha256 ",
            place: Place::Header("Signature"),
        };
        let (body, header) = scheme.sign("Jefe", b"what do ya want for nothing?");
        assert_eq!(body, b"what do ya want for nothing?");
        let digits = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        assert_eq!(header, Some(("Signature".to_owned(), format!("sha256 {digits}"))));
    }

    #[test]
    fn a_signature_in_the_body_is_over_members_without_a_separator() {
        let place = Place::Member("signature");
        let message = &[Part::Member("token"), Part::Member("triggeredAt")];
        let scheme = Signing { message, prefix: "", place };
        let (body, header) = scheme.sign("key", br#"{"token":"ab","triggeredAt":17,"data":{}}"#);
        let over = Signing { message: &[Part::Body], ..scheme }.signature("key", b"ab17");
        let value: Value = serde_json::from_slice(&body).expect("JSON");
        assert_eq!((header, value.get("signature")), (None, Some(&Value::from(over))));
    }
}
