//! The requests that an adapter returns.
//!
//! Checks only the form that the contract prescribes. The transport, which builds the URL, checks
//! that it stays within its origin and which headers are refused; here are the checks that need no
//! URL.

use super::{bounded, broke, json, name};
use crate::adapter::AdapterError;
use crate::adapter::limits::{LIST_MAX, REQUEST_BODY_BYTES_MAX, TEXT_BYTES_MAX, URL_BYTES_MAX};
use atsync_model::contract::{Body, Effect, Field, Request, Send, Target};
use atsync_model::manifest::Manifest;

/// The methods of the contract.
const METHODS: &[&str] = &["GET", "POST", "PUT", "PATCH", "DELETE"];

pub(super) fn send(manifest: &Manifest, send: &Send) -> Result<(), AdapterError> {
    if !send.secrets.is_empty() {
        return Err(broke("secrets in replies are reserved; this engine does not offer them"));
    }
    if send.effect == Effect::Consuming {
        return Err(broke("reads that consume are reserved; this engine does not offer them"));
    }
    request(manifest, &send.request)?;
    effect(manifest, send)
}

/// Checks a request against its declared effect, by method and path: a request that the engine
/// repeats by itself, and sends without an intent, is a GET, or a POST that the manifest lists.
///
/// # Errors
/// [`AdapterError::Contract`] for any other.
pub(crate) fn effect(manifest: &Manifest, send: &Send) -> Result<(), AdapterError> {
    let word = match send.effect {
        Effect::Safe => "safe",
        Effect::Scratch => "scratch",
        Effect::Unsafe | Effect::Consuming => return Ok(()),
    };
    let request = &send.request;
    let listed = match (request.method.as_str(), &request.target) {
        ("GET", _) => true,
        ("POST", Target::Path(path)) => {
            manifest.safe.iter().any(|safe| safe.covers("POST", &request.origin, &path.path))
        }
        _ => false,
    };
    if listed {
        return Ok(());
    }
    let why = match request.method.as_str() {
        "POST" => "a POST that the manifest does not list under `safe`",
        "PUT" => "a PUT, which never is",
        "PATCH" => "a PATCH, which never is",
        "DELETE" => "a DELETE, which never is",
        _ => "of no method of the contract",
    };
    Err(broke(format!("a request is called {word}, and it is {why}; it was not sent")))
}

fn request(manifest: &Manifest, request: &Request) -> Result<(), AdapterError> {
    if manifest.origin(&request.origin).is_none() {
        return Err(broke("a request goes to an origin that the manifest does not list"));
    }
    if !METHODS.contains(&request.method.as_str()) {
        return Err(broke("a request has a method other than GET, POST, PUT, PATCH and DELETE"));
    }
    target(&request.target)?;
    bounded("headers", request.headers.len(), LIST_MAX)?;
    request.headers.iter().try_for_each(header)?;
    body(&request.body)
}

fn target(target: &Target) -> Result<(), AdapterError> {
    match target {
        Target::Link(link) if link.is_empty() => Err(broke("a link is empty")),
        Target::Link(link) => bounded("bytes of a link", link.len(), URL_BYTES_MAX),
        Target::Path(path) => {
            if !path.path.starts_with('/') {
                return Err(broke("a request's path does not begin with /"));
            }
            let query =
                path.query.iter().map(|field| field.name.len().saturating_add(field.value.len()));
            let bytes = query.fold(path.path.len(), usize::saturating_add);
            bounded("fields of a query", path.query.len(), LIST_MAX)?;
            bounded("bytes of a path with its query", bytes, URL_BYTES_MAX)
        }
    }
}

/// A header's name is a word, its value one line.
pub(super) fn header(header: &Field) -> Result<(), AdapterError> {
    name("the name of a header", &header.name)?;
    bounded("bytes of a header", header.value.len(), TEXT_BYTES_MAX)?;
    let word = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if !header.name.bytes().all(word)
        || header.value.bytes().any(|byte| byte.is_ascii_control() && byte != b'\t')
    {
        return Err(broke("a header has a byte that headers cannot have"));
    }
    Ok(())
}

fn body(body: &Body) -> Result<(), AdapterError> {
    match body {
        Body::None => Ok(()),
        Body::Json(text) => {
            bounded("bytes of a request's body", text.len(), REQUEST_BODY_BYTES_MAX)?;
            json("a request's body", text)
        }
        Body::Form(fields) => {
            bounded("fields of a form", fields.len(), LIST_MAX)?;
            let bytes =
                fields.iter().map(|field| field.name.len().saturating_add(field.value.len()));
            bounded(
                "bytes of a request's body",
                bytes.fold(0, usize::saturating_add),
                REQUEST_BODY_BYTES_MAX,
            )
        }
        Body::Bytes((content_type, bytes)) => {
            name("a content type", content_type)?;
            bounded("bytes of a request's body", bytes.len(), REQUEST_BODY_BYTES_MAX)
        }
        Body::Multipart(_) => {
            Err(broke("multipart bodies are reserved; this engine does not offer them"))
        }
    }
}
