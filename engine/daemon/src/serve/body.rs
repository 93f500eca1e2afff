//! Bodies, parameters and pages of requests: read within limits, refused as problems.

use super::problem::{Problem, ProblemType};
use axum::body::Body;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::de::{DeserializeOwned, Error};
use serde::{Deserialize, Deserializer};
use std::time::Duration;
use utoipa::IntoParams;

/// Bytes of a body, but for declarations of many records.
const BODY_BYTES_MAX: usize = 1024 * 1024;
/// How long a body may take to arrive, in milliseconds.
const BODY_MS: u64 = 30_000;
/// Bytes of the body of a refused request that are read in vain, and the milliseconds for that.
const DISCARDED_BYTES_MAX: usize = 64 * 1024;
const DISCARD_MS: u64 = 1_000;
/// Bytes of a name, key, id or address in a path or query: those that the store takes.
pub(super) const WORD_BYTES_MAX: usize = 512;
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

/// Reads a number of a query that clients of every language have.
pub(super) fn number<'de, D: Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
    let number = u64::deserialize(from)?;
    i64::try_from(number)
        .map(|_| number)
        .map_err(|_| D::Error::custom(format!("a number is 0 to {}", i64::MAX)))
}

/// As [`number`], where there may be none.
pub(super) fn number_if_any<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u64>, D::Error> {
    number(from).map(Some)
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

/// Reads the body of a request in vain that is refused without it: a connection that is closed with
/// bytes unread is reset, and its peer may lose the answer.
pub(super) async fn discard(body: Body) {
    let read = Limited::new(body, DISCARDED_BYTES_MAX).collect();
    drop(tokio::time::timeout(Duration::from_millis(DISCARD_MS), read).await);
}

/// A body as JSON.
pub(super) struct Given<T>(pub(super) T);

/// A body as JSON; the default when it is empty or `null`.
pub(super) struct GivenIfAny<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Given<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let none = || Problem::invalid("", "the request needs a body");
        json(request).await?.map(Self).ok_or_else(none)
    }
}

impl<T: DeserializeOwned + Default, S: Send + Sync> FromRequest<S> for GivenIfAny<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        Ok(Self(json(request).await?.unwrap_or_default()))
    }
}

/// Reads a body as JSON; none when it is empty or `null`.
async fn json<T: DeserializeOwned>(request: Request) -> Result<Option<T>, Problem> {
    let (head, body) = request.into_parts();
    let read = bytes(body, BODY_BYTES_MAX).await?;
    if read.is_empty() {
        return Ok(None);
    }
    let media = head.headers.get(header::CONTENT_TYPE).and_then(|media| media.to_str().ok());
    let media = media.unwrap_or_default().split(';').next().unwrap_or_default().trim();
    if !media.eq_ignore_ascii_case("application/json") {
        return Err(Problem::new(
            ProblemType::WrongMediaType,
            format!("the body has the media type {media:?}; send application/json"),
        ));
    }
    serde_json::from_slice(&read).map_err(|error| Problem::invalid("", error.to_string()))
}

/// Compares `If-Match` and `If-None-Match` with the tag of what is stored; none when nothing is.
///
/// # Errors
/// When one of them does not hold (RFC 9110 §13.1).
pub(super) fn matches(headers: &HeaderMap, stored: Option<&str>) -> Result<(), Problem> {
    let has = |given: &str| {
        let mut tags = given.split(',').map(str::trim);
        match stored {
            Some(stored) => tags.any(|tag| tag == "*" || tag == stored),
            None => false,
        }
    };
    // The lines of a header are one list (RFC 9110 §5.3).
    let text = |name: header::HeaderName| -> Result<Option<String>, Problem> {
        let lines = headers.get_all(&name).iter().map(|value| value.to_str());
        let lines: Result<Vec<&str>, _> = lines.collect();
        let unreadable = |_| Problem::invalid(name.as_str(), "a tag has printable ASCII alone");
        let lines = lines.map_err(unreadable)?;
        Ok((!lines.is_empty()).then(|| lines.join(",")))
    };
    let refused = |why: &str| Err(Problem::new(ProblemType::PreconditionFailed, why));
    if text(header::IF_MATCH)?.is_some_and(|given| !has(&given)) {
        return refused("what is stored has another tag than `If-Match` names; read it again");
    }
    if text(header::IF_NONE_MATCH)?.is_some_and(|given| has(&given)) {
        return refused("it exists already, and `If-None-Match` says that it must not");
    }
    Ok(())
}

/// The parameters of a page.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct PageOf {
    /// `next` of the page before.
    pub(super) cursor: Option<String>,
    /// Rows of the page.
    #[param(minimum = 1, maximum = 1000)]
    pub(super) limit: Option<usize>,
}
