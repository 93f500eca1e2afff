//! Reads answers: values of their JSON, and refusals.
//!
//! Each status has one consequence, the usual one; an adapter whose ATS refuses in another way says
//! so in [`Adapter::failure`](super::Adapter::failure). Nothing of a body is quoted but the message
//! that the ATS wrote for people. Bounds: [`TEXT_CHARS_MAX`] of such a message.

use super::{Id, Refusals};
use crate::contract::{Denied, Failure, FieldError, Reply, Response};
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::cell::OnceCell;

/// The most characters of a message of the ATS that are passed on.
const TEXT_CHARS_MAX: usize = 300;
/// The longest wait that an answer can request; a longer one is a mistake.
const RETRY_AFTER_MAX_MS: u64 = 60 * 60 * 1000;

/// A complete answer of the ATS.
#[derive(Debug)]
pub struct Answer<'a> {
    pub(crate) response: &'a Response,
    body: OnceCell<Option<Value>>,
}

impl<'a> Answer<'a> {
    /// An answer to read.
    pub fn new(response: &'a Response) -> Self {
        Self { response, body: OnceCell::new() }
    }

    /// Its status.
    pub fn status(&self) -> u16 {
        self.response.status
    }

    /// The first header of this name, in lower case.
    pub fn header(&self, name: &str) -> Option<&'a str> {
        self.response.header(name)
    }

    /// Its body.
    pub fn body(&self) -> &'a [u8] {
        &self.response.body
    }

    /// The value at a JSON pointer; `None` where there is none, or no JSON.
    pub fn at(&self, pointer: &str) -> Option<&Value> {
        let body = self.body.get_or_init(|| serde_json::from_str(text(self.response).ok()?).ok());
        body.as_ref()?.pointer(pointer)
    }

    /// The text at a JSON pointer.
    pub fn text(&self, pointer: &str) -> Option<&str> {
        self.at(pointer).and_then(Value::as_str)
    }

    /// The id at a JSON pointer.
    ///
    /// # Errors
    /// [`Failure::Protocol`] when there is none.
    pub fn id(&self, pointer: &str) -> Result<Id, Failure> {
        let id = self.at(pointer).and_then(Id::of);
        id.ok_or_else(|| Failure::Protocol(format!("the answer has no id at `{pointer}`")))
    }

    /// Reads the whole body.
    ///
    /// # Errors
    /// [`Failure::Protocol`] when it has another shape.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        serde_json::from_str(text(self.response)?)
            .map_err(|error| unreadable(self.response, &error))
    }

    /// Reads the value at a JSON pointer.
    ///
    /// # Errors
    /// [`Failure::Protocol`] when it is not there, or has another shape.
    pub fn get<T: DeserializeOwned>(&self, pointer: &str) -> Result<T, Failure> {
        let value = self.at(pointer).cloned();
        let read = value.and_then(|value| serde_json::from_value(value).ok());
        read.ok_or_else(|| {
            Failure::Protocol(format!(
                "the answer has nothing of the documented shape at `{pointer}`"
            ))
        })
    }

    /// The ATS's own message, in one line.
    pub fn message(&self) -> String {
        const PLACES: &[&str] = &[
            "/message",
            "/error/message",
            "/errorInfo/message",
            "/error",
            "/errors/0/message",
            "/errors/0",
            "/detail",
            "/error_description",
            "/title",
        ];
        let said = PLACES.iter().find_map(|place| self.text(place));
        match said {
            Some(text) => clipped(text),
            None if is_html(self.response) => {
                format!("a web page with status {} instead of JSON", self.status())
            }
            None => format!("status {} without a message", self.status()),
        }
    }

    /// The usual failure for the answer's status; `None` for a 2xx. `permission` is the one that
    /// the request needed, or empty.
    pub fn refusal(&self, permission: &str) -> Option<Failure> {
        let said = || self.message();
        let field = || FieldError { field: String::new(), message: self.message() };
        Some(match self.status() {
            200..=299 => return None,
            401 => Failure::Auth(said()),
            // A page in HTML comes from a firewall, and says nothing about permissions.
            403 if is_html(self.response) => {
                Failure::Denied(Denied { permission: String::new(), message: said() })
            }
            403 => Failure::Denied(Denied { permission: permission.into(), message: said() }),
            404 => Failure::NotFound(said()),
            410 => Failure::Gone(said()),
            409 => Failure::Conflict(said()),
            400 | 413 | 422 => Failure::Invalid(vec![field()]),
            429 => Failure::Throttled(self.retry_after_ms()),
            408 | 500..=599 => {
                Failure::Unavailable(format!("status {}: {}", self.status(), said()))
            }
            status => Failure::Protocol(format!("status {status}: {}", said())),
        })
    }

    /// The failure that the adapter reads from the answer. It does not know which permission the
    /// request needed, so a missing one that it leaves unnamed is this one.
    pub(crate) fn own_failure(&self, refusals: Refusals, permission: &str) -> Option<Failure> {
        match refusals(self) {
            Some(Failure::Denied(denied)) if denied.permission.is_empty() => {
                Some(Failure::Denied(Denied { permission: permission.into(), ..denied }))
            }
            other => other,
        }
    }

    /// As [`Answer::own_failure`], and else the usual one.
    pub(crate) fn failure(&self, refusals: Refusals, permission: &str) -> Option<Failure> {
        self.own_failure(refusals, permission).or_else(|| self.refusal(permission))
    }

    /// The wait that the header `Retry-After` names, in whole seconds.
    pub fn retry_after_ms(&self) -> Option<u64> {
        let seconds: u64 = self.header("retry-after")?.trim().parse().ok()?;
        Some(seconds.saturating_mul(1000).min(RETRY_AFTER_MAX_MS))
    }
}

/// The body as text.
///
/// # Errors
/// [`Failure::Protocol`] when it is none. JSON is UTF-8, and reading it as text alone keeps a
/// component small.
pub(crate) fn text(response: &Response) -> Result<&str, Failure> {
    let none = |_| Failure::Protocol("a body that is not UTF-8".to_owned());
    std::str::from_utf8(&response.body).map_err(none)
}

/// The failure for a body that cannot be read, without quoting it.
pub(crate) fn unreadable(response: &Response, error: &serde_json::Error) -> Failure {
    if is_html(response) {
        return Failure::Protocol(format!(
            "a web page with status {} instead of JSON",
            response.status
        ));
    }
    let what = match error.classify() {
        serde_json::error::Category::Eof => "JSON that ends early",
        serde_json::error::Category::Syntax => "a body that is not JSON",
        _ => "JSON that differs from the documented shape",
    };
    Failure::Protocol(format!("{what}, at line {} column {}", error.line(), error.column()))
}

fn is_html(response: &Response) -> bool {
    match response.header("content-type") {
        Some(kind) => kind.trim_start().to_ascii_lowercase().starts_with("text/html"),
        None => response.body.trim_ascii_start().starts_with(b"<"),
    }
}

fn clipped(text: &str) -> String {
    text.chars().take(TEXT_CHARS_MAX).map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// The response in a reply to a request.
///
/// # Errors
/// [`Failure::Bug`] for any other reply.
pub(crate) fn response(reply: Reply) -> Result<Response, Failure> {
    match reply {
        Reply::Response(response) => Ok(response),
        Reply::Verified(_) | Reply::Transferred(_) => {
            Err(Failure::Bug("a reply to a step that was not sent".into()))
        }
    }
}
