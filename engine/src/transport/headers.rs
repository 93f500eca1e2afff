//! The headers that an adapter may set.
//!
//! Headers that frame the message, route it or authenticate it are refused: the engine sets those.
//! They are refused rather than dropped, because a silently dropped header is a bug that is hard to
//! find. Pure.

use super::limits::{HEADER_VALUE_BYTES_MAX, HEADERS_MAX};
use atsync_model::contract::Field;

/// The engine's `user-agent`.
pub const USER_AGENT: &str = concat!("atsync/", env!("CARGO_PKG_VERSION"));

/// In lower case. With [`REFUSED_PREFIXES`], everything that frames, routes or authenticates.
const REFUSED: &[&str] = &[
    "accept-charset",
    "accept-encoding",
    "authorization",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "cookie",
    "cookie2",
    "expect",
    "forwarded",
    "host",
    "http2-settings",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
    "via",
    // They replace the method that was checked.
    "x-http-method",
    "x-http-method-override",
    "x-method-override",
];

const REFUSED_PREFIXES: &[&str] = &["proxy-", "sec-", "x-forwarded-"];

/// Bytes of a header's name; arbitrary, longer than any known one.
const NAME_BYTES_MAX: usize = 128;

/// Checks an adapter's headers and returns them with names in lower case.
///
/// # Errors
/// A sentence that names the header, never its value.
pub fn check_headers(fields: &[Field]) -> Result<Vec<(String, String)>, String> {
    if fields.len() > HEADERS_MAX {
        return Err(format!("a request has at most {HEADERS_MAX} headers of its own"));
    }
    let mut checked: Vec<(String, String)> = Vec::with_capacity(fields.len() + 4);
    for field in fields {
        let name = check_name(&field.name)?;
        if checked.iter().any(|(other, _)| *other == name) {
            return Err(format!("the header `{name}` is given twice"));
        }
        check_value(&name, &field.value)?;
        checked.push((name, field.value.clone()));
    }
    Ok(checked)
}

/// Whether a name may carry a credential (`header` auth scheme): a token that does not frame or
/// route the message.
///
/// # Errors
/// A sentence that names the header.
pub fn check_credential_header(name: &str) -> Result<String, String> {
    let lower = token(name)?;
    match lower.as_str() {
        "authorization" => Ok(lower),
        _ => check_name(&lower),
    }
}

fn check_name(name: &str) -> Result<String, String> {
    let lower = token(name)?;
    if lower == "content-type" {
        return Err("the header `content-type` follows from the body's kind".to_owned());
    }
    // A CGI gateway passes both spellings to the application as one.
    let read = lower.replace('_', "-");
    let refused = REFUSED.contains(&read.as_str())
        || REFUSED_PREFIXES.iter().any(|prefix| read.starts_with(prefix));
    if refused { Err(format!("the header `{lower}` is the engine's to set")) } else { Ok(lower) }
}

/// RFC 9110 §5.6.2.
fn token(name: &str) -> Result<String, String> {
    let fits = !name.is_empty()
        && name.len() <= NAME_BYTES_MAX
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte));
    if fits {
        Ok(name.to_ascii_lowercase())
    } else {
        Err(format!("`{}` is no header name", name.escape_debug()))
    }
}

/// Whether text can stand as a header's value: visible ASCII, spaces and nothing else.
///
/// # Errors
/// A sentence that names the header, never its value.
pub fn check_value(name: &str, value: &str) -> Result<(), String> {
    if value.len() > HEADER_VALUE_BYTES_MAX {
        return Err(format!("the header `{name}` is longer than {HEADER_VALUE_BYTES_MAX} bytes"));
    }
    if value.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()) {
        Ok(())
    } else {
        Err(format!("the header `{name}` holds a byte outside printable ASCII"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(name: &str, value: &str) -> Field {
        Field { name: name.to_owned(), value: value.to_owned() }
    }

    #[test]
    fn what_frames_routes_or_authenticates_is_refused_in_any_spelling() {
        for name in [
            "Host",
            "AUTHORIZATION",
            "cookie",
            "Proxy-Authorization",
            "proxy-connection",
            "Connection",
            "Transfer-Encoding",
            "content-Length",
            "TE",
            "Upgrade",
            "keep-alive",
            "Expect",
            "Trailer",
            "User-Agent",
            "Content-Type",
            "X-Forwarded-For",
            "Forwarded",
            "Accept-Encoding",
            "Content-Encoding",
            "Via",
            "X-HTTP-Method-Override",
            "x-http-method",
            "X_HTTP_Method_Override",
            "X-METHOD-OVERRIDE",
        ] {
            assert!(check_headers(&[field(name, "x")]).is_err(), "{name}");
        }
    }

    #[test]
    fn an_ordinary_header_passes_with_its_name_in_lower_case() {
        let checked =
            check_headers(&[field("If-Match", "W/\"1\""), field("On-Behalf-Of", "42")]).unwrap();
        assert_eq!(
            checked,
            [
                ("if-match".to_owned(), "W/\"1\"".to_owned()),
                ("on-behalf-of".to_owned(), "42".to_owned())
            ]
        );
    }

    #[test]
    fn a_name_is_a_token_and_a_value_holds_no_line_break() {
        for (name, value) in [
            ("", "x"),
            ("a b", "x"),
            ("a:b", "x"),
            ("a\r\nhost", "x"),
            ("ä", "x"),
            ("a", "x\r\nhost: y"),
            ("a", "x\0"),
            ("a", "\u{7f}"),
            ("a", "é"),
        ] {
            assert!(check_headers(&[field(name, value)]).is_err(), "{name:?} {value:?}");
        }
    }

    #[test]
    fn too_many_too_long_and_doubled_are_refused_and_the_message_keeps_the_value_back() {
        let many: Vec<Field> = (0..=HEADERS_MAX).map(|n| field(&format!("x-{n}"), "v")).collect();
        assert!(check_headers(&many).is_err());
        let long = "s3cret".repeat(HEADER_VALUE_BYTES_MAX);
        let message = check_headers(&[field("x-a", &long)]).unwrap_err();
        assert!(!message.contains("s3cret"), "{message}");
        assert!(check_headers(&[field("x-a", "1"), field("X-A", "2")]).is_err());
    }

    #[test]
    fn a_credential_may_sit_in_authorization_or_a_header_of_its_own_but_not_in_host() {
        assert_eq!(check_credential_header("X-SmartToken").unwrap(), "x-smarttoken");
        assert_eq!(check_credential_header("Authorization").unwrap(), "authorization");
        assert!(check_credential_header("Host").is_err());
    }
}
