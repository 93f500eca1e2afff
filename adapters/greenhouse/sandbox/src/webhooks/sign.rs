//! The body as it is signed, and its signature as data (webhooks.md §2).

use atsync_sandbox::webhooks::{Part, Place, Signing};
use serde_json::Value;

/// The signature.
pub(super) const SIGNING: Signing =
    Signing { message: &[Part::Body], prefix: "sha256 ", place: Place::Header("Signature") };

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

#[cfg(test)]
mod tests {
    use super::*;

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
