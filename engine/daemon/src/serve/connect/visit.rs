//! A request to a connect page: its link and its browser, checked before anything else.

use super::begun::parameter;
use super::browser::Browser;
use super::link::{self, Found, Phase};
use super::refused::Refused;
use super::state::ConnectPages;
use crate::open::Opened;
use crate::serve::audit::deed::{Actor, Deed};
use crate::serve::audit::entry::By;
use crate::serve::html::form;
use crate::serve::problem::{Problem, ProblemType};
use atsync::{Clock, SystemClock};
use axum::extract::{FromRequest, FromRequestParts, Path, RawQuery, Request};
use axum::http::header;
use axum::http::request::Parts;
use axum::response::Response;

/// A browser asks for a page of a link.
#[derive(Debug)]
pub(super) struct Visit {
    pub(super) opened: Opened,
    /// As it is in the path.
    pub(super) token: String,
    pub(super) found: Found,
    pub(super) browser: Browser,
    /// The word of the query that says what went wrong.
    pub(super) why: Option<String>,
}

/// A browser sends a form of a link, which is bound to it from here on.
pub(super) struct Sent {
    pub(super) visit: Visit,
    pub(super) body: Vec<u8>,
}

fn no_randomness() -> Refused {
    let why = "The system gives no randomness; see its log.";
    Problem::new(ProblemType::NoRandomness, why).into()
}

impl Visit {
    /// The path of the link.
    pub(super) fn at(&self) -> String {
        format!("/connect/{}", self.token)
    }

    /// Adds the cookie of a new browser.
    pub(super) fn known_by(&self, pages: &ConnectPages, mut response: Response) -> Response {
        let left_ms = self.found.link.ends_ms.saturating_sub(SystemClock.now_ms());
        if let Some(cookie) = self.browser.header(&self.found, left_ms, pages.is_secure) {
            response.headers_mut().append(header::SET_COOKIE, cookie);
        }
        response
    }

    /// Begins the entry of the audit log.
    ///
    /// # Errors
    /// When it cannot be written: then nothing may be done.
    pub(super) async fn begins(&self, deed: &Deed) -> Result<(), Problem> {
        let Found { key, link, .. } = &self.found;
        let id = link::id_of(key);
        // It may be a connection that the link is to make.
        let connection = Some(link.connection.as_str());
        let actor = Actor { by: By::Link, who: Some(&id), connection, key: None };
        deed.begin(&self.opened.engine, actor).await
    }

    /// Whether it is the browser that used the link up.
    pub(super) fn is_done(&self) -> bool {
        self.found.link.phase() == Phase::Used && self.browser.uses(&self.found)
    }
}

impl FromRequestParts<ConnectPages> for Visit {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, pages: &ConnectPages) -> Result<Self, Refused> {
        let path = Path::<String>::from_request_parts(parts, pages).await;
        let Path(token) = path.map_err(|_| Refused::Unknown)?;
        let Ok(RawQuery(query)) = RawQuery::from_request_parts(parts, pages).await;
        let opened = pages.opened()?;
        let found = link::find(&opened.engine, &token).await?.ok_or(Refused::Unknown)?;
        let browser = Browser::of(&parts.headers, &found).ok_or_else(no_randomness)?;
        let why = query.and_then(|query| parameter(&query, "why"));
        let visit = Self { opened, token, found, browser, why };
        match visit.found.link.phase() {
            Phase::Used if !visit.is_done() => Err(Refused::Used),
            Phase::Ended => Err(Refused::Ended),
            _ if !visit.browser.may_use(&visit.found) => Err(Refused::Elsewhere),
            _ => Ok(visit),
        }
    }
}

impl FromRequest<ConnectPages> for Sent {
    type Rejection = Refused;

    async fn from_request(request: Request, pages: &ConnectPages) -> Result<Self, Refused> {
        let (mut parts, body) = request.into_parts();
        let deed = parts.extensions.get::<Deed>().cloned();
        let mut visit = Visit::from_request_parts(&mut parts, pages).await?;
        if visit.found.link.phase() != Phase::Open {
            return Err(Refused::Used);
        }
        let body = form::read(body).await?;
        let proof = form::proof(&parts.headers, &body)?;
        if !visit.browser.sent(&proof) {
            let why = "Nothing was changed. Open your link again, and send the form anew. The \
                       browser has to accept cookies.";
            return Err(Problem::new(ProblemType::ForgedForm, why).into());
        }
        if visit.found.link.browser.is_none() {
            let mark = visit.browser.mark();
            let engine = visit.opened.engine.clone();
            // Of two browsers at once the first one has it.
            if !visit.found.change(&engine, |link| link.browser = Some(mark)).await? {
                return Err(Refused::Elsewhere);
            }
        }
        if let Some(deed) = deed {
            visit.begins(&deed).await?;
        }
        Ok(Self { visit, body })
    }
}
