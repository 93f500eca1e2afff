//! The body of a request as bytes, and a secret in it that the adapter does not see.
//!
//! An adapter that registers a webhook leaves its secret out of the JSON body; the engine writes it
//! in, as a member of the outermost object, just before the request is built. Replies pass the
//! redactor ([`super::redact`]), which knows the same secret.
//!
//! Left out: where such a body may go; the session sends it to origins that get the credential.

use crate::secret::Secret;
use atsync_model::contract::Body;
use serde_json::{Map, Value};

/// A secret that becomes a member of a JSON body.
#[derive(Clone, Debug)]
pub(crate) struct BodySecret {
    /// The member's name.
    pub(crate) member: String,
    /// Its value.
    pub(crate) secret: Secret,
}

/// The content type and the bytes of a body.
///
/// # Errors
/// A sentence without content: what cannot be sent.
pub(super) fn written(
    body: &Body,
    secret: Option<&BodySecret>,
) -> Result<(Option<String>, Vec<u8>), String> {
    match (body, secret) {
        (Body::Json(text), None) => {
            serde_json::from_str::<serde::de::IgnoredAny>(text).map_err(|error| no_json(&error))?;
            Ok((Some("application/json".to_owned()), text.clone().into_bytes()))
        }
        (Body::Json(text), Some(secret)) => {
            let mut object: Map<String, Value> =
                serde_json::from_str(text).map_err(|error| no_json(&error))?;
            let value = Value::from(secret.secret.expose());
            if object.insert(secret.member.clone(), value).is_some() {
                return Err(format!(
                    "the adapter has written the member `{}`, which is for the engine's secret",
                    secret.member
                ));
            }
            let bytes = serde_json::to_vec(&object).map_err(|error| no_json(&error))?;
            Ok((Some("application/json".to_owned()), bytes))
        }
        (_, Some(_)) => Err("a secret is written into a JSON body alone".to_owned()),
        (Body::None, None) => Ok((None, Vec::new())),
        (Body::Form(fields), None) => {
            let mut form = url::form_urlencoded::Serializer::new(String::new());
            form.extend_pairs(fields.iter().map(|field| (&field.name, &field.value)));
            Ok((Some("application/x-www-form-urlencoded".to_owned()), form.finish().into_bytes()))
        }
        (Body::Bytes((kind, bytes)), None) => {
            super::headers::check_value("content-type", kind)?;
            Ok((Some(kind.clone()), bytes.clone()))
        }
        (Body::Multipart(_), None) => {
            Err("a multipart body is reserved, and refused in this release".to_owned())
        }
    }
}

fn no_json(error: &serde_json::Error) -> String {
    format!(
        "the JSON body is no JSON as it should be (line {}, column {})",
        error.line(),
        error.column()
    )
}

#[cfg(test)]
mod tests {
    use super::{BodySecret, written};
    use crate::secret::Secret;
    use atsync_model::contract::Body;

    fn sealed() -> BodySecret {
        BodySecret { member: "secret_key".to_owned(), secret: Secret::new("of \"acme\"") }
    }

    #[test]
    fn a_secret_becomes_a_member_of_the_outermost_object() {
        let (kind, bytes) = written(&Body::Json("{\"a\":1}".into()), Some(&sealed())).unwrap();
        assert_eq!(kind.unwrap(), "application/json");
        let sent: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
        assert_eq!(sent, serde_json::json!({"a": 1, "secret_key": "of \"acme\""}));
    }

    #[test]
    fn a_body_that_has_no_place_for_a_secret_is_refused_and_not_quoted() {
        for body in [
            Body::None,
            Body::Json("[1]".into()),
            Body::Json("{".into()),
            Body::Json("{\"secret_key\":\"the adapter's\"}".into()),
            Body::Form(Vec::new()),
            Body::Bytes(("application/json".into(), b"{}".to_vec())),
        ] {
            let refused = written(&body, Some(&sealed())).unwrap_err();
            assert!(!refused.contains("acme") && !refused.contains("the adapter's"), "{refused}");
        }
    }
}
