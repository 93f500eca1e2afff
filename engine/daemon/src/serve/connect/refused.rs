//! A refusal of the connect page, for a customer: what happened, and what to do.

use super::view;
use crate::serve::problem::{Problem, ProblemType};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

/// Why a page is not shown.
#[derive(Debug)]
pub(super) enum Refused {
    /// No link has the token.
    Unknown,
    /// The link's time is over.
    Ended,
    /// The link was used.
    Used,
    /// Another browser uses the link.
    Elsewhere,
    /// A callback belongs to no consent of this browser.
    NotBegun,
    /// Something of the server's.
    Problem(Problem),
}

impl From<Problem> for Refused {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

impl From<atsync::Error> for Refused {
    fn from(error: atsync::Error) -> Self {
        Self::Problem(error.into())
    }
}

impl Refused {
    /// The same as a program branches on it.
    pub(super) fn problem(&self) -> ProblemType {
        match self {
            Self::Unknown | Self::Ended | Self::Used => ProblemType::NoSuchRecord,
            Self::Elsewhere | Self::NotBegun => ProblemType::ForgedForm,
            Self::Problem(problem) => problem.what(),
        }
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let ask = "Ask whoever sent it for a new one.";
        let (status, title, text) = match &self {
            Self::Unknown => (
                StatusCode::NOT_FOUND,
                "This link is not known",
                format!("It may be cut short: open the whole link. {ask}"),
            ),
            Self::Ended => (StatusCode::GONE, "This link has ended", ask.to_owned()),
            Self::Used => (StatusCode::GONE, "This link was used", ask.to_owned()),
            Self::Elsewhere => (
                StatusCode::FORBIDDEN,
                "This link is in use in another browser",
                format!("Go on in the browser in which it was begun. {ask}"),
            ),
            Self::NotBegun => (
                StatusCode::BAD_REQUEST,
                "This answer belongs to no consent of this browser",
                "Nothing was connected. Open your link again, and begin anew.".to_owned(),
            ),
            Self::Problem(problem) => {
                let text = match problem.what() {
                    // For the operator, not for a customer.
                    ProblemType::StoreFailed
                    | ProblemType::AdapterFailed
                    | ProblemType::Configuration => {
                        tracing::error!(why = problem.detail(), "a connect page failed");
                        "Something failed here, and is in the log of the server. Tell whoever sent \
                         this link."
                    }
                    _ => problem.detail(),
                };
                (problem.status(), problem.title(), text.to_owned())
            }
        };
        let mut response = view::refusal(status, title, &text);
        self.problem().mark(&mut response);
        response
    }
}
