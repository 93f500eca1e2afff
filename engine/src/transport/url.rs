//! Builds URLs: granted origin plus parts, then a proof that the result is within that origin.
//!
//! An adapter names an origin and gives parts; it never gives a URL that is sent unchecked.
//! [`build_url`] joins the text, parses it as a URL, and compares the result with the grant:
//! scheme, host, effective port, base path, and the path byte for byte. If the parser rewrites
//! anything, the proof fails and the request is refused.
//!
//! Laws: an accepted URL is at or below the granted base path of the granted origin;
//! percent-encoding by the ATS (an opaque cursor) stays as it is; nothing here panics, whatever the
//! text.
//!
//! Left out: what the host resolves to ([`super::egress`]). Doubly encoded dots (`%252e`) pass: a
//! server that decodes twice must check by itself.

use super::NotSent;
use super::limits::URL_BYTES_MAX;
use atsync_model::contract::{Field, Path, Target};
use url::Url;

/// Why no URL is built.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// The URL is well formed and leads out of the grant: the ATS or the grant names another place.
    #[error("{0}")]
    Outside(String),
    /// The parts are not what a URL may be made of: the fault of who gave them.
    #[error("{0}")]
    Form(String),
}

impl From<UrlError> for NotSent {
    fn from(error: UrlError) -> Self {
        match error {
            UrlError::Outside(why) => Self::Refused(why),
            UrlError::Form(why) => Self::Malformed(why),
        }
    }
}

impl From<String> for UrlError {
    fn from(text: String) -> Self {
        Self::Form(text)
    }
}

/// Whether a URL can stand as a granted origin: `http` or `https`, a host, a base path at most.
///
/// # Errors
/// A sentence that says what is wrong.
pub fn check_origin(origin: &Url) -> Result<(), String> {
    if !matches!(origin.scheme(), "http" | "https") {
        return Err(format!("an origin is http or https, not `{}`", origin.scheme()));
    }
    if origin.host_str().is_none_or(str::is_empty) {
        return Err("an origin needs a host".to_owned());
    }
    if !origin.username().is_empty() || origin.password().is_some() {
        return Err("an origin carries no user or password".to_owned());
    }
    if origin.query().is_some() || origin.fragment().is_some() {
        return Err("an origin ends with its base path: no query, no fragment".to_owned());
    }
    match base_path(origin) {
        "" => Ok(()),
        base => check_path(base),
    }
}

/// Builds the URL of a request and proves that it lies within the granted origin.
///
/// # Errors
/// A sentence that says which rule the parts break. It shows no query.
pub fn build_url(origin: &Url, target: &Target) -> Result<Url, UrlError> {
    check_origin(origin)?;
    match target {
        Target::Path(path) => from_parts(origin, path),
        Target::Link(link) => from_link(origin, link),
    }
}

fn from_parts(origin: &Url, target: &Path) -> Result<Url, UrlError> {
    if target.path.contains(['?', '#']) {
        return Err(form("a path holds no `?` and no `#`; the query has a place of its own"));
    }
    check_path(&target.path)?;
    let path = format!("{}{}", base_path(origin), target.path);
    let mut text = format!("{}{path}", origin.origin().ascii_serialization());
    let mut separator = '?';
    for Field { name, value } in &target.query {
        text.push(separator);
        encode_into(&mut text, name);
        text.push('=');
        encode_into(&mut text, value);
        separator = '&';
        if text.len() > URL_BYTES_MAX {
            break;
        }
    }
    prove(origin, &text, &path)
}

/// A link is an absolute URL or an absolute path. A reference relative to the page before it is
/// refused: the engine keeps no such page.
fn from_link(origin: &Url, link: &str) -> Result<Url, UrlError> {
    if link.len() > URL_BYTES_MAX {
        return Err(too_long().into());
    }
    if !link.bytes().all(|byte| byte.is_ascii_graphic()) || link.contains('\\') {
        return Err(form("a link is printable ASCII without a backslash"));
    }
    if link.contains('#') {
        return Err(form("a link carries no fragment"));
    }
    let (text, reference) = if link.starts_with('/') {
        (format!("{}{link}", origin.origin().ascii_serialization()), link)
    } else {
        let (scheme, rest) = link
            .split_once("://")
            .ok_or_else(|| form("a link is an absolute URL or begins with `/`"))?;
        if !scheme.eq_ignore_ascii_case(origin.scheme()) {
            return Err(leaves(
                origin,
                &Url::parse(link).map_or_else(|_| scheme.to_owned(), |url| origin_of(&url)),
            ));
        }
        let authority_ends = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, reference) = rest.split_at(authority_ends);
        if authority.contains('@') {
            return Err(form("a link carries no user or password"));
        }
        (link.to_owned(), reference)
    };
    let path = reference.split_once('?').map_or(reference, |(path, _)| path);
    let path = if path.is_empty() { "/" } else { path };
    check_path(path)?;
    prove(origin, &text, path)
}

/// The message for a URL outside of the grant. It names only the origin: the rest may be a secret.
fn leaves(granted: &Url, other: &str) -> UrlError {
    UrlError::Outside(format!(
        "the URL leads to {other}, outside of the granted origin {}; nothing was sent there. If \
         the ATS names its own address so, connect to that one",
        origin_of(granted)
    ))
}

fn form(text: &str) -> UrlError {
    UrlError::Form(text.to_owned())
}

fn origin_of(url: &Url) -> String {
    url.origin().ascii_serialization()
}

/// Parses the text and compares the result with the grant.
fn prove(origin: &Url, text: &str, path: &str) -> Result<Url, UrlError> {
    if text.len() > URL_BYTES_MAX {
        return Err(too_long().into());
    }
    let url = Url::parse(text).map_err(|error| format!("this makes no URL: {error}"))?;
    if url.as_str().len() > URL_BYTES_MAX {
        return Err(too_long().into());
    }
    let within = url.scheme() == origin.scheme()
        && url.host() == origin.host()
        && url.port_or_known_default() == origin.port_or_known_default()
        && url.username().is_empty()
        && url.password().is_none()
        && url.fragment().is_none();
    if !within {
        return Err(leaves(origin, &origin_of(&url)));
    }
    if url.path() != path {
        return Err(form(
            "a path is percent-encoded where it needs to be; this one would be rewritten",
        ));
    }
    let base = base_path(origin);
    match url.path().strip_prefix(base) {
        Some(rest) if rest.is_empty() || rest.starts_with('/') => Ok(url),
        _ => Err(UrlError::Outside(format!("the URL leaves the granted base path {base}"))),
    }
}

/// The base path without its trailing slash; empty for the root.
fn base_path(origin: &Url) -> &str {
    origin.path().trim_end_matches('/')
}

fn check_path(path: &str) -> Result<(), String> {
    if path.len() > URL_BYTES_MAX {
        return Err(too_long());
    }
    let Some(segments) = path.strip_prefix('/') else {
        return Err("a path begins with `/`".to_owned());
    };
    if path.contains("//") {
        return Err("a path holds no empty segment (`//`)".to_owned());
    }
    if !path.bytes().all(|byte| byte.is_ascii_graphic()) || path.contains('\\') {
        return Err(
            "a path is printable ASCII without a backslash, the rest percent-encoded".to_owned()
        );
    }
    segments.split('/').try_for_each(check_segment)
}

/// Checked as a server might read it: percent-decoded once, path parameters (`;`) cut off.
fn check_segment(segment: &str) -> Result<(), String> {
    let mut decoded = Vec::with_capacity(segment.len());
    let mut bytes = segment.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            decoded.push(byte);
            continue;
        }
        let pair = (bytes.next().and_then(hex), bytes.next().and_then(hex));
        let (Some(high), Some(low)) = pair else {
            return Err("a `%` in a path is followed by two hexadecimal digits".to_owned());
        };
        let value = high * 16 + low;
        if matches!(value, b'/' | b'\\') || value.is_ascii_control() {
            return Err("a path encodes no slash, backslash or control byte".to_owned());
        }
        decoded.push(value);
    }
    let plain = decoded.split(|byte| *byte == b';').next().unwrap_or_default();
    if matches!(plain, b"." | b"..") {
        return Err("a path holds no `.` or `..` segment".to_owned());
    }
    Ok(())
}

fn hex(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

/// Everything but letters, digits, `-._~,:` is encoded; a space becomes `%20`, which form and URI
/// decoders both read.
fn encode_into(text: &mut String, part: &str) {
    for byte in part.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b',' | b':') {
            text.push(char::from(byte));
        } else {
            text.push('%');
            for nibble in [byte >> 4, byte & 15] {
                text.extend(
                    char::from_digit(u32::from(nibble), 16).map(|digit| digit.to_ascii_uppercase()),
                );
            }
        }
    }
}

fn too_long() -> String {
    format!("a URL is at most {URL_BYTES_MAX} bytes long")
}

#[cfg(test)]
#[path = "url_tests.rs"]
mod tests;
