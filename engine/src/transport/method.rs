//! Checks that no field of a request replaces its method.
//!
//! The method decides which requests may be repeated, and which need a durable intent. Many web
//! frameworks let a POST name another method: by a header ([`super::headers`] refuses those), by a
//! field `_method` of the query, of a form or of a JSON object. Such a request is refused. Left
//! out: an ATS that changes something at a GET, which the request does not show.

use atsync_model::contract::{Body, Effect};
use serde::Deserialize;
use serde::de::IgnoredAny;
use std::collections::BTreeMap;
use url::Url;

/// The field by which frameworks read another method.
const OVERRIDE: &str = "_method";

/// Whether a request may be repeated as its effect asks.
///
/// # Errors
/// A sentence for a PUT, PATCH or DELETE that is declared safe.
pub fn repeatable(method: &str, effect: Effect) -> Result<(), String> {
    match (effect, method) {
        (Effect::Safe | Effect::Scratch, "PUT" | "PATCH" | "DELETE") => Err(format!(
            "a {method} is never safe to repeat; the adapter must send it as the effect of a write"
        )),
        _ => Ok(()),
    }
}

/// Whether no field of a request names another method.
///
/// # Errors
/// A sentence that says where the field is.
pub fn is_what_it_says(url: &Url, body: &Body) -> Result<(), String> {
    let refused = |place: &str| {
        Err(format!(
            "the {place} has a field `{OVERRIDE}`, which makes another method of the request"
        ))
    };
    if url.query_pairs().any(|(name, _)| is_override(&name)) {
        return refused("query");
    }
    let hides = match body {
        Body::None | Body::Multipart(_) => false,
        Body::Form(fields) => fields.iter().any(|field| is_override(&field.name)),
        Body::Json(text) => in_json(text.as_bytes()),
        Body::Bytes((kind, bytes)) => in_bytes(kind, bytes),
    };
    if hides { refused("body") } else { Ok(()) }
}

fn is_override(name: &str) -> bool {
    // Some read `_method[]` as the same field.
    name.split('[').next().is_some_and(|name| name.trim().eq_ignore_ascii_case(OVERRIDE))
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Top {
    Object(BTreeMap<String, IgnoredAny>),
    Other(IgnoredAny),
}

fn in_json(text: &[u8]) -> bool {
    match serde_json::from_slice(text) {
        Ok(Top::Object(members)) => members.keys().any(|name| is_override(name)),
        Ok(Top::Other(_)) | Err(_) => false,
    }
}

/// A body of raw bytes is read by its content type.
fn in_bytes(kind: &str, bytes: &[u8]) -> bool {
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if kind == "application/x-www-form-urlencoded" {
        return url::form_urlencoded::parse(bytes).any(|(name, _)| is_override(&name));
    }
    if kind.starts_with("multipart/") {
        let word = OVERRIDE.as_bytes();
        return bytes.windows(word.len()).any(|window| window.eq_ignore_ascii_case(word));
    }
    in_json(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use atsync_model::contract::Field;

    fn judged(query: &str, body: Body) -> Result<(), String> {
        is_what_it_says(&Url::parse(&format!("https://ats.test/a{query}")).unwrap(), &body)
    }

    #[test]
    fn no_field_makes_another_method_of_a_request() {
        let bytes = |kind: &str, text: &str| Body::Bytes((kind.into(), text.as_bytes().to_vec()));
        for (query, body) in [
            ("?_method=DELETE", Body::None),
            ("?a=1&%5Fmethod=DELETE", Body::None),
            ("?_METHOD=delete", Body::None),
            ("", Body::Form(vec![Field { name: "_method".into(), value: "DELETE".into() }])),
            ("", Body::Json(r#"{"a":1,"_method":"DELETE"}"#.into())),
            ("", Body::Json(r#"{"\u005fmethod":"DELETE"}"#.into())),
            ("", bytes("application/x-www-form-urlencoded; charset=utf-8", "a=1&_method=DELETE")),
            (
                "",
                bytes(
                    "multipart/form-data; boundary=x",
                    "\x2d-x\r\nContent-Disposition: form-data; name=\"_method\"\r\n\r\nDELETE",
                ),
            ),
            ("", bytes("application/vnd.api+json", r#"{"_method":"DELETE"}"#)),
        ] {
            assert!(judged(query, body.clone()).is_err(), "{query} {body:?}");
        }
        for (query, body) in [
            ("?method=x", Body::None),
            ("", Body::Json(r#"{"note":"_method","a":{"_method":1}}"#.into())),
            ("", Body::Json("[1]".into())),
            ("", bytes("image/png", "_method=DELETE")),
        ] {
            judged(query, body).unwrap();
        }
    }

    #[test]
    fn no_effect_makes_a_put_patch_or_delete_one_that_is_repeated() {
        for method in ["PUT", "PATCH", "DELETE"] {
            assert!(
                repeatable(method, Effect::Safe).is_err()
                    && repeatable(method, Effect::Scratch).is_err()
            );
            repeatable(method, Effect::Unsafe).unwrap();
        }
        repeatable("GET", Effect::Safe).unwrap();
    }
}
