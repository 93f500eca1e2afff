//! Refusals as problem documents (RFC 9457).
//!
//! A client branches on `type`, which is one of [`ProblemType`] and never changes its meaning;
//! `title` and `detail` are for people. The answer to a changing request has its id as
//! `x-request-id`, which the audit log has too. A connection that a token may not use and one that
//! does not exist give the same bytes.

use atsync::model::plain;
use atsync::{DesiredRefusal, ErrorKind, StoreError};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::{ToResponse, ToSchema};

/// The media type.
pub(super) const PROBLEM_JSON: &str = "application/problem+json";

/// The kinds of problems.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ProblemType {
    /// There is no such route.
    NoSuchRoute,
    /// The route has no such method.
    MethodNotAllowed,
    /// There is no such connection, or the token may not use it.
    NoSuchConnection,
    /// The adapter of the connection has no such kind.
    NoSuchKind,
    /// There is no such record.
    NoSuchRecord,
    /// The request is not valid; nothing was done.
    Invalid,
    /// The connection is declared in the configuration file and changed there.
    DeclaredInFile,
    /// `If-Match` or `If-None-Match` does not hold.
    PreconditionFailed,
    /// The idempotency key stands for another request.
    KeyReused,
    /// The action of the idempotency key is under way.
    InProgress,
    /// The body is larger than allowed.
    TooLarge,
    /// The body has another media type than the route takes.
    WrongMediaType,
    /// The token is missing or unknown.
    Unauthenticated,
    /// The token's scope does not allow it.
    Forbidden,
    /// `Host` or `Origin` is not one of this server.
    ForeignOrigin,
    /// The next change was trimmed from the feed.
    ChangesTrimmed,
    /// The feed has not reached this serial: the store was restored from an earlier state.
    ChangesAhead,
    /// A form was not sent by a page of its session.
    ForgedForm,
    /// As many requests are under way as this server takes.
    Busy,
    /// The system gives no randomness, so that no session can begin.
    NoRandomness,
    /// The connection is being opened. A later attempt may succeed.
    Starting,
    /// The server is stopping.
    Stopping,
    /// The configuration or the settings of the connection are wrong.
    Configuration,
    /// The ATS refused the credential.
    CredentialRefused,
    /// The credential lacks a permission.
    PermissionMissing,
    /// The adapter does not support it.
    NotSupported,
    /// The ATS is unavailable. A later attempt may succeed.
    Unavailable,
    /// The adapter failed.
    AdapterFailed,
    /// The store failed.
    StoreFailed,
}

impl ProblemType {
    /// Status, last part of the type's URI, title.
    fn parts(self) -> (StatusCode, &'static str, &'static str) {
        use StatusCode as S;
        match self {
            Self::NoSuchRoute => (S::NOT_FOUND, "no-such-route", "There is no such route"),
            Self::MethodNotAllowed => {
                (S::METHOD_NOT_ALLOWED, "method-not-allowed", "The route has no such method")
            }
            Self::NoSuchConnection => {
                (S::NOT_FOUND, "no-such-connection", "There is no such connection")
            }
            Self::NoSuchKind => (S::NOT_FOUND, "no-such-kind", "There is no such kind"),
            Self::NoSuchRecord => (S::NOT_FOUND, "no-such-record", "There is no such record"),
            Self::Invalid => (S::UNPROCESSABLE_ENTITY, "invalid", "The request is not valid"),
            Self::DeclaredInFile => {
                (S::CONFLICT, "declared-in-file", "The connection is declared in the file")
            }
            Self::PreconditionFailed => {
                (S::PRECONDITION_FAILED, "precondition-failed", "The precondition does not hold")
            }
            Self::KeyReused => {
                (S::UNPROCESSABLE_ENTITY, "key-reused", "The key stands for another request")
            }
            Self::InProgress => (S::CONFLICT, "in-progress", "The action is under way"),
            Self::TooLarge => (S::PAYLOAD_TOO_LARGE, "too-large", "The body is too large"),
            Self::WrongMediaType => {
                (S::UNSUPPORTED_MEDIA_TYPE, "wrong-media-type", "The body has a wrong media type")
            }
            Self::Unauthenticated => {
                (S::UNAUTHORIZED, "unauthenticated", "The token is missing or unknown")
            }
            Self::Forbidden => (S::FORBIDDEN, "forbidden", "The token does not allow this"),
            Self::ForeignOrigin => (S::FORBIDDEN, "foreign-origin", "The request is not for here"),
            Self::ChangesTrimmed => {
                (S::GONE, "changes-trimmed", "The next change was removed from the feed")
            }
            Self::ChangesAhead => {
                (S::CONFLICT, "changes-ahead", "The feed has not reached this serial")
            }
            Self::ForgedForm => (S::FORBIDDEN, "forged-form", "The form is not of this session"),
            Self::NoRandomness => {
                (S::INTERNAL_SERVER_ERROR, "no-randomness", "No session can begin")
            }
            Self::Busy => (S::SERVICE_UNAVAILABLE, "busy", "Too many requests are under way"),
            Self::Starting => (S::SERVICE_UNAVAILABLE, "starting", "The server is starting"),
            Self::Stopping => (S::SERVICE_UNAVAILABLE, "stopping", "The server is stopping"),
            Self::Configuration => (S::CONFLICT, "configuration", "The configuration is wrong"),
            Self::CredentialRefused => {
                (S::BAD_GATEWAY, "credential-refused", "The ATS refused the credential")
            }
            Self::PermissionMissing => {
                (S::BAD_GATEWAY, "permission-missing", "The credential lacks a permission")
            }
            Self::NotSupported => {
                (S::UNPROCESSABLE_ENTITY, "not-supported", "The adapter does not support this")
            }
            Self::Unavailable => (S::SERVICE_UNAVAILABLE, "unavailable", "The ATS is unavailable"),
            Self::AdapterFailed => (S::BAD_GATEWAY, "adapter-failed", "The adapter failed"),
            Self::StoreFailed => (S::INTERNAL_SERVER_ERROR, "store-failed", "The store failed"),
        }
    }
}

impl ProblemType {
    /// The last part of the type's URI.
    pub(super) fn word(self) -> &'static str {
        self.parts().1
    }

    /// Notes on a response that it is about this problem, for the audit log.
    pub(super) fn mark(self, response: &mut Response) {
        let _ = response.extensions_mut().insert(self);
    }
}

/// A refusal.
#[derive(Clone, Debug)]
pub(crate) struct Problem {
    what: ProblemType,
    detail: String,
    errors: Vec<PlacedError>,
}

/// The document.
#[derive(Debug, Serialize, ToResponse, ToSchema)]
#[response(description = "A refusal", content_type = "application/problem+json")]
#[schema(as = Problem)]
pub(crate) struct ProblemDocument {
    /// What it is: `urn:atsync:problem:` and a word that a client may branch on.
    r#type: String,
    /// The same for people.
    title: &'static str,
    /// The HTTP status.
    status: u16,
    /// What happened, and what to do.
    detail: String,
    /// The parts of the request that are wrong.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<PlacedError>,
}

/// One wrong part of a request.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct PlacedError {
    /// A JSON pointer into the body, the line of a batch, or the name of a parameter.
    pub(super) pointer: String,
    /// What is wrong with it.
    pub(super) detail: String,
}

impl Problem {
    /// A refusal with this explanation. Its text becomes one plain line.
    pub(crate) fn new(what: ProblemType, detail: impl AsRef<str>) -> Self {
        Self { what, detail: plain::line(detail.as_ref()).into_owned(), errors: Vec::new() }
    }

    /// The refusal of one part of a request.
    pub(crate) fn invalid(pointer: &str, detail: impl AsRef<str>) -> Self {
        let problem = Self::new(ProblemType::Invalid, &detail);
        let detail = problem.detail.clone();
        Self { errors: vec![PlacedError { pointer: pointer.to_owned(), detail }], ..problem }
    }

    /// The refusal of a body with bad records, each with its line.
    pub(super) fn refused(refusals: &[DesiredRefusal]) -> Self {
        let placed = |refusal: &DesiredRefusal| PlacedError {
            pointer: format!("line {}", refusal.line),
            detail: plain::line(&refusal.problem).into_owned(),
        };
        let detail = "nothing was declared: records of the body are not valid, see `errors`";
        let errors = refusals.iter().map(placed).collect();
        Self { errors, ..Self::new(ProblemType::Invalid, detail) }
    }

    /// The refusal of a connection that is not there, or not for this caller.
    pub(crate) fn no_such_connection() -> Self {
        Self::new(
            ProblemType::NoSuchConnection,
            "there is no such connection, or the token may not use it; GET /v1/connections lists \
             those that it may",
        )
    }

    /// What it is.
    pub(super) fn what(&self) -> ProblemType {
        self.what
    }

    /// Its HTTP status.
    pub(super) fn status(&self) -> StatusCode {
        self.what.parts().0
    }

    /// What it is, for people.
    pub(super) fn title(&self) -> &'static str {
        self.what.parts().2
    }

    /// What happened, and what to do.
    pub(super) fn detail(&self) -> &str {
        &self.detail
    }
}

impl From<atsync::Error> for Problem {
    fn from(error: atsync::Error) -> Self {
        let what = match error.cause::<StoreError>() {
            Some(StoreError::ChangesGone { .. }) => ProblemType::ChangesTrimmed,
            Some(StoreError::ChangesAhead { .. }) => ProblemType::ChangesAhead,
            _ => match error.kind() {
                ErrorKind::Configuration => ProblemType::Configuration,
                ErrorKind::Input => ProblemType::Invalid,
                ErrorKind::Auth => ProblemType::CredentialRefused,
                ErrorKind::Denied => ProblemType::PermissionMissing,
                ErrorKind::NotSupported => ProblemType::NotSupported,
                ErrorKind::Unavailable => ProblemType::Unavailable,
                ErrorKind::Adapter => ProblemType::AdapterFailed,
                _ => ProblemType::StoreFailed,
            },
        };
        Self::new(what, error.to_string())
    }
}

impl Problem {
    /// The document as JSON.
    pub(super) fn document(&self) -> String {
        let (status, word, title) = self.what.parts();
        let document = ProblemDocument {
            r#type: format!("urn:atsync:problem:{word}"),
            title,
            status: status.as_u16(),
            detail: self.detail.clone(),
            errors: self.errors.clone(),
        };
        serde_json::to_string(&document).unwrap_or_default()
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let (status, ..) = self.what.parts();
        let mut response = (status, self.document()).into_response();
        self.what.mark(&mut response);
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        let may_be_repeated = matches!(
            self.what,
            ProblemType::Busy
                | ProblemType::Unavailable
                | ProblemType::Starting
                | ProblemType::Stopping
        );
        if may_be_repeated {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
        }
        response
    }
}
