//! The way of a request to a page: its session, what the session may do, and where a form is from.
//!
//! A browser without a session is sent to the sign-in page; where no token is configured, it gets a
//! session at once, so that its forms have a value to prove. Every form that changes something is
//! checked here, before routing, so that no handler can leave it out.

use super::refused::Refused;
use super::state::Console;
use super::visitor::Visitor;
use crate::serve::access::{Access, Door, SignedIn, Visit};
use crate::serve::audit::entry::By;
use crate::serve::audit::request::Sender;
use crate::serve::html::form;
use crate::serve::html::session::NoRandomness;
use crate::serve::paths::SIGN_IN;
use crate::serve::problem::{Problem, ProblemType};
use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderValue, Method};
use axum::response::{IntoResponse, Redirect, Response};

/// A request that may go on.
pub(in crate::serve) struct Admitted {
    pub(in crate::serve) request: Request,
    /// Who sends it, for the log.
    pub(in crate::serve) who: String,
    /// Whether they have a session.
    pub(in crate::serve) is_known: bool,
    /// The name of the token that they signed in with.
    pub(in crate::serve) token: Option<String>,
    /// Sets the cookie of a session that began with it.
    pub(in crate::serve) cookie: Option<HeaderValue>,
}

impl From<NoRandomness> for Problem {
    fn from(_: NoRandomness) -> Self {
        Self::new(ProblemType::NoRandomness, "The system gives no randomness; see its log.")
    }
}

/// Admits a request, or answers it. The answer is with who sent it.
pub(in crate::serve) async fn admitted(
    console: &Console,
    access: &Access,
    door: Door,
    request: Request,
) -> Result<Admitted, (Sender, Response)> {
    let user = console.sessions.of(request.headers()).map(|session| session.user);
    enter(console, access, door, request).await.map_err(|answer| {
        let caller = user.and_then(|user| access.caller_of(user));
        let by = if caller.is_some() { By::Console } else { By::Stranger };
        let who = caller.as_ref().and_then(|caller| caller.token()).map(str::to_owned);
        let answer = match answer {
            Answer::Refusal(problem) => Refused::from(problem).into_response(),
            Answer::SignIn => Redirect::to(SIGN_IN).into_response(),
        };
        (Sender { by, who }, answer)
    })
}

enum Answer {
    Refusal(Problem),
    SignIn,
}

impl From<Problem> for Answer {
    fn from(problem: Problem) -> Self {
        Self::Refusal(problem)
    }
}

async fn enter(
    console: &Console,
    access: &Access,
    door: Door,
    mut request: Request,
) -> Result<Admitted, Answer> {
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let mut session = console.sessions.of(request.headers());
    let mut cookie = None;
    let is_form = method == Method::POST;
    let user = session.as_ref().map(|session| session.user);
    let mut visit = access.visit(door, &method, &path, request.headers(), user)?;
    if visit == Visit::Stranger && !access.has_tokens() && !is_form {
        let (begun, set) = console.sessions.begin(SignedIn::Locally).map_err(Problem::from)?;
        visit = access.visit(door, &method, &path, request.headers(), Some(begun.user))?;
        (session, cookie) = (Some(begun), Some(set));
    }
    let visitor = match (visit, session) {
        (Visit::Open, _) => None,
        (Visit::By(caller), Some(session)) => Some(Visitor { caller, session }),
        _ if is_form => {
            return Err(Problem::new(
                ProblemType::Unauthenticated,
                "The session has ended, and nothing was changed. Sign in and send the form again.",
            )
            .into());
        }
        _ => return Err(Answer::SignIn),
    };
    if is_form {
        // Read here, so that a slow one takes no place among the requests under way.
        let (head, body) = request.into_parts();
        let body = form::read(body).await?;
        if let Some(visitor) = &visitor {
            let proof = form::proof(&head.headers, &body)?;
            if !visitor.session.sent(&proof) {
                return Err(Problem::new(
                    ProblemType::ForgedForm,
                    "Nothing was changed. Load the page again and send its form anew.",
                )
                .into());
            }
        }
        request = Request::from_parts(head, Body::from(body));
    }
    let who = visitor.as_ref().map_or_else(String::new, |visitor| visitor.caller.name.clone());
    let is_known = visitor.is_some();
    let token = visitor.as_ref().and_then(|visitor| visitor.caller.token().map(str::to_owned));
    if let Some(visitor) = visitor {
        drop(request.extensions_mut().insert(visitor));
    }
    Ok(Admitted { request, who, is_known, token, cookie })
}
