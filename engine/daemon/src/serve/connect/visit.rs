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

    /// Begins the entry of the audit log, then binds the link to the browser.
    ///
    /// # Errors
    /// When the entry cannot be written: then the link is as it was. When another browser came
    /// first.
    async fn bind(&mut self, deed: Option<&Deed>) -> Result<(), Refused> {
        if let Some(deed) = deed {
            self.begins(deed).await?;
        }
        if self.found.link.browser.is_none() {
            let mark = self.browser.mark();
            let engine = self.opened.engine.clone();
            // Of two browsers at once the first one has it.
            if !self.found.change(&engine, |link| link.browser = Some(mark)).await? {
                return Err(Refused::Elsewhere);
            }
        }
        Ok(())
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
        visit.bind(deed.as_ref()).await?;
        Ok(Self { visit, body })
    }
}

#[cfg(test)]
mod tests {
    use super::super::browser::Browser;
    use super::super::link::{self, Link};
    use super::Visit;
    use crate::open::{self, Use};
    use crate::serve::audit::act::Act;
    use crate::serve::audit::deed::Deed;
    use crate::serve::audit::log::Log;
    use axum::http::HeaderMap;
    use std::collections::BTreeMap;
    use std::sync::Arc;

    #[expect(clippy::disallowed_methods, reason = "a test writes a configuration file")]
    #[tokio::test]
    async fn a_link_is_bound_to_a_browser_only_after_the_entry_of_its_first_form() {
        let directory = tempfile::tempdir().unwrap();
        let config = directory.path().join("acme.toml");
        let table = "store = \"acme.redb\"\n[serve]\nseal_key = { file = \"key\" }\n";
        std::fs::write(&config, table).unwrap();
        let key: String = (0..32).map(|byte| format!("{byte:02x}")).collect();
        std::fs::write(directory.path().join("key"), key).unwrap();
        let opened = open::open(&config, None, Use::Online).await.unwrap();
        let link = Link {
            connection: "beta".to_owned(),
            adapter: "greenhouse".to_owned(),
            client: None,
            origins: BTreeMap::new(),
            settings: serde_json::Map::new(),
            allow_private_network: false,
            return_url: None,
            theme: None,
            created_ms: 0,
            ends_ms: u64::MAX,
            browser: None,
            checked: None,
            used_ms: None,
        };
        let (token, _) = link::make(&opened.engine, &link).await.unwrap();
        let token = token.expose().to_owned();
        let found = async || link::find(&opened.engine, &token).await.unwrap().unwrap();
        let browser = Browser::of(&HeaderMap::new(), &found().await).unwrap();
        let (token, opened) = (token.clone(), opened.clone());
        let mut visit = Visit { opened, token, found: found().await, browser, why: None };
        let log = Arc::new(Log::default());
        // The log was not read yet, so no entry can be written.
        let deed = Deed::new(&log, Act::GiveCredential);
        assert!(visit.bind(Some(&deed)).await.is_err());
        assert_eq!(found().await.link.browser, None);
        log.load(&visit.opened.engine).await.unwrap();
        visit.bind(Some(&deed)).await.unwrap();
        assert_eq!(found().await.link.browser, Some(visit.browser.mark()));
    }
}
