//! Forms that a browser sends: read within limits, and checked before a handler sees them.
//!
//! Bounds: [`FORM_BYTES_MAX`]; the time of a body as elsewhere.

use crate::serve::body;
use crate::serve::problem::{Problem, ProblemType};
use axum::body::Body;
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, header};
use maud::{Markup, html};
use serde::de::DeserializeOwned;

/// Bytes of a form.
const FORM_BYTES_MAX: usize = 16 * 1024;
/// The field of the value that a session's forms carry.
const FIELD: &str = "csrf";

/// The fields of a form, without the one that proves its origin.
pub(in crate::serve) struct Form<T>(pub(in crate::serve) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Form<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let (head, body) = request.into_parts();
        let fields = fields(&head.headers, &read(body).await?)?;
        let refused = |error: &dyn std::fmt::Display| Problem::invalid("", error.to_string());
        let rest: Vec<_> = fields.into_iter().filter(|(name, _)| name != FIELD).collect();
        let rest = serde_urlencoded::to_string(rest).map_err(|error| refused(&error))?;
        serde_urlencoded::from_str(&rest).map(Self).map_err(|error| refused(&error))
    }
}

/// Reads the body of a form.
pub(in crate::serve) async fn read(body: Body) -> Result<Vec<u8>, Problem> {
    body::bytes(body, FORM_BYTES_MAX).await
}

/// The value that a form carries as proof of its origin; empty where it has none.
///
/// # Errors
/// When the body is not a form.
pub(in crate::serve) fn proof(headers: &HeaderMap, body: &[u8]) -> Result<String, Problem> {
    let mut fields = fields(headers, body)?.into_iter();
    Ok(fields.find(|(name, _)| name == FIELD).map(|(_, value)| value).unwrap_or_default())
}

fn fields(headers: &HeaderMap, body: &[u8]) -> Result<Vec<(String, String)>, Problem> {
    let media = headers.get(header::CONTENT_TYPE).and_then(|media| media.to_str().ok());
    let media = media.unwrap_or_default().split(';').next().unwrap_or_default().trim();
    if !media.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        return Err(Problem::new(
            ProblemType::WrongMediaType,
            format!("the form has the media type {media:?}"),
        ));
    }
    serde_urlencoded::from_bytes(body).map_err(|error| Problem::invalid("", error.to_string()))
}

/// A form that changes something, with the value that proves its origin.
pub(in crate::serve) fn form(action: &str, proof: &str, fields: Markup) -> Markup {
    html! {
        form method="post" action=(action) {
            input type="hidden" name=(FIELD) value=(proof);
            (fields)
        }
    }
}
