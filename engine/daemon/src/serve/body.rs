//! Bodies, parameters and pages of requests: read within limits, refused as problems.

use super::problem::{Problem, ProblemType};
use axum::body::Body;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::de::DeserializeOwned;
use std::time::Duration;

/// Bytes of a body, but for declarations of many records.
pub(super) const BODY_BYTES_MAX: usize = 1024 * 1024;
/// How long a body may take to arrive, in milliseconds.
const BODY_MS: u64 = 30_000;
/// Rows of a page when the request does not say.
pub(super) const ROWS_DEFAULT: usize = 100;

/// A parsed query. Unknown parameters and wrong values are refused by name.
pub(super) struct Query<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let query = parts.uri.query().unwrap_or_default();
        let parsed = serde_urlencoded::from_str(query);
        parsed.map(Self).map_err(|error| Problem::invalid("query", error.to_string()))
    }
}

/// Reads a body of at most so many bytes.
pub(super) async fn bytes(body: Body, bytes_max: usize) -> Result<Vec<u8>, Problem> {
    let read = Limited::new(body, bytes_max).collect();
    let read = tokio::time::timeout(Duration::from_millis(BODY_MS), read).await;
    let late = |_| {
        Problem::new(
            ProblemType::Invalid,
            format!("the body did not arrive within {} s", BODY_MS / 1_000),
        )
    };
    match read.map_err(late)? {
        Ok(read) => Ok(read.to_bytes().to_vec()),
        Err(error) if error.is::<LengthLimitError>() => Err(Problem::new(
            ProblemType::TooLarge,
            format!("the body has more than {bytes_max} bytes"),
        )),
        Err(error) => {
            Err(Problem::new(ProblemType::Invalid, format!("the body was cut short: {error}")))
        }
    }
}

/// Reads a body as JSON; none when it is empty or `null`.
pub(super) async fn json_if_any<T: DeserializeOwned>(
    headers: &HeaderMap,
    body: Body,
) -> Result<Option<T>, Problem> {
    let read = bytes(body, BODY_BYTES_MAX).await?;
    if read.is_empty() {
        return Ok(None);
    }
    let media = headers.get(header::CONTENT_TYPE).and_then(|media| media.to_str().ok());
    let media = media.unwrap_or_default().split(';').next().unwrap_or_default().trim();
    if !media.eq_ignore_ascii_case("application/json") {
        return Err(Problem::new(
            ProblemType::WrongMediaType,
            format!("the body has the media type {media:?}; send application/json"),
        ));
    }
    let parsed = serde_json::from_slice(&read);
    parsed.map_err(|error| Problem::invalid("", error.to_string()))
}

/// Reads a body as JSON.
pub(super) async fn json<T: DeserializeOwned>(
    headers: &HeaderMap,
    body: Body,
) -> Result<T, Problem> {
    let read = json_if_any(headers, body).await?;
    read.ok_or_else(|| Problem::invalid("", "the request needs a body"))
}
