//! The body as it is signed, and its signature (webhooks.md §2).

use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::Value;
use sha2::Sha256;

/// Writes a body as Greenhouse does: some characters are escapes, and the signature is over those.
/// They occur only within strings, so replacing them keeps the JSON.
pub(super) fn body(value: &Value) -> Vec<u8> {
    let escapes = [('<', "\\u003c"), ('>', "\\u003e"), ('&', "\\u0026"), ('\u{2028}', "\\u2028")];
    let mut text = value.to_string();
    for (character, escape) in escapes {
        text = text.replace(character, escape);
    }
    text.into_bytes()
}

/// Returns the value of the header `Signature`.
pub(super) fn signature(secret: &str, body: &[u8]) -> String {
    let mut out = "sha256 ".to_owned();
    // HMAC accepts keys of any length.
    if let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) {
        mac.update(body);
        out.extend(mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 4231, test case 2.
    #[test]
    fn the_signature_is_hmac_sha256_in_lower_case_hex() {
        assert_eq!(
            signature("Jefe", b"what do ya want for nothing?"),
            "sha256 5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
    }

    #[test]
    fn a_body_escapes_angle_brackets_and_stays_the_same_json() {
        let value = serde_json::json!({"name": "<b>Ada & Søn</b>"});
        let body = body(&value);
        assert_eq!(
            String::from_utf8_lossy(&body),
            r#"{"name":"\u003cb\u003eAda \u0026 Søn\u003c/b\u003e"}"#
        );
        assert_eq!(serde_json::from_slice::<Value>(&body).ok(), Some(value));
    }
}
