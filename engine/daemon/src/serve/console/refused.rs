//! A refusal as a page.

use super::show::brand;
use crate::serve::html::document::Document;
use crate::serve::problem::{Problem, ProblemType};
use axum::response::{IntoResponse, Response};
use maud::html;

/// A problem that a page shows.
pub(super) struct Refused(Problem);

impl From<Problem> for Refused {
    fn from(problem: Problem) -> Self {
        Self(problem)
    }
}

impl From<atsync::Error> for Refused {
    fn from(error: atsync::Error) -> Self {
        Self(error.into())
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let problem = self.0;
        let detail = match problem.what() {
            ProblemType::NoSuchConnection => "It does not exist, or your token may not use it.",
            _ => problem.detail(),
        };
        let status = problem.status();
        let header = html! { header.top { (brand()) } };
        let main = html! {
            div.narrow {
                h1 { (problem.title()) }
                p.detail { (detail) }
                p { a href="/console" { "All connections" } }
                p.muted { "Status " (status.as_u16()) }
            }
        };
        let mut response = Document { title: problem.title(), header, main }.respond(status);
        problem.what().mark(&mut response);
        response
    }
}
