//! A consent: the page that leads to the ATS, and the way back.
//!
//! The browser goes to the ATS by a link of the page, not by a redirect of a form: the page's
//! policy lets forms end at this server alone.
//!
//! A callback is checked in this order: its state is that of a consent under way, which it uses up;
//! the cookie is that of the link's browser; the link may still be used; the connection is still
//! the one that the consent was begun for. Only then the code leaves. The tokens are sealed and
//! durable before the connection's record names them: killed in between, the link begins anew.

use super::begun::{Begun, parameter};
use super::browser::Browser;
use super::fitting;
use super::give;
use super::link::{self, Phase};
use super::refused::Refused;
use super::state::ConnectPages;
use super::trouble::Trouble;
use super::view;
use super::visit::{Sent, Visit};
use crate::config::made::Made;
use crate::config::scheme::Scheme;
use crate::made::MadeSecrets;
use crate::serve::audit::deed::Deed;
use crate::serve::problem::{Problem, ProblemType};
use crate::serve::tasks;
use atsync::{ConnectionOptions, Credential};
use axum::Extension;
use axum::extract::{RawQuery, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Redirect, Response};
use tokio::sync::OwnedSemaphorePermit;

fn configuration(why: &impl std::fmt::Display) -> Problem {
    Problem::new(ProblemType::Configuration, why.to_string())
}

/// The credential of a record, and what the engine needs for a consent to it.
async fn options(visit: &Visit, record: &Made) -> Result<(ConnectionOptions, Credential), Refused> {
    let name = &visit.found.link.connection;
    let credential = visit.opened.credential_of(name, record, &MadeSecrets::default()).await;
    let credential = credential.map_err(|why| configuration(&why))?;
    let options = visit.opened.consent_options(name, record, credential.clone()).await;
    Ok((options.map_err(|why| configuration(&why))?, credential))
}

/// Begins a consent.
pub(super) async fn begin(
    State(pages): State<ConnectPages>,
    sent: Sent,
) -> Result<Response, Refused> {
    let Sent { visit, .. } = sent;
    let none = || Problem::invalid("", "This ATS is connected by a credential of yours.");
    let client = visit.found.link.client.clone().ok_or_else(none)?;
    let before = give::changeable(&visit).await?;
    let mut record = fitting::record(&visit.found.link, before.as_ref(), Scheme::AuthorizationCode);
    record.client = Some(client.clone());
    let keeper = visit.opened.consents.keeper(&visit.found.link.connection, record.secrets);
    let (options, _) = options(&visit, &record).await?;
    let clients = &visit.opened.config.serve.clients;
    let scopes = clients.get(&client).map(|client| client.scopes.clone()).unwrap_or_default();
    let scopes: Vec<&str> = scopes.iter().map(String::as_str).collect();
    let redirect_uri = pages.redirect_uri()?;
    let start = visit.opened.engine.begin_consent(&options, &redirect_uri, &scopes).await?;
    let begun = Begun {
        token: atsync::Secret::new(visit.token.as_str()),
        url: start.url,
        remember: start.remember,
        ends_ms: start.ends_ms,
        record,
        _keeper: keeper,
    };
    if !pages.begun.begin(&visit.found.key, begun) {
        let why = "Too many consents are under way; try it again in some minutes.";
        return Err(Problem::new(ProblemType::Busy, why).into());
    }
    Ok(Redirect::to(&format!("{}/consent", visit.at())).into_response())
}

/// Shows the way to the ATS.
pub(super) async fn page(
    State(pages): State<ConnectPages>,
    visit: Visit,
) -> Result<Response, Refused> {
    let is_theirs = visit.browser.uses(&visit.found);
    let Some(begun) = pages.begun.of(&visit.found.key).filter(|_| is_theirs) else {
        return Ok(Redirect::to(&visit.at()).into_response());
    };
    let adapter = visit.opened.adapter(&visit.found.link.adapter).await;
    let adapter = adapter.map_err(|why| configuration(&why))?;
    Ok(view::to_the_ats(&visit.found.link, &visit.at(), &adapter.manifest().title, &begun.url))
}

/// The way back from the ATS.
pub(super) async fn callback(
    State(pages): State<ConnectPages>,
    RawQuery(query): RawQuery,
    Extension(deed): Extension<Deed>,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    let query = query.unwrap_or_default();
    let state = parameter(&query, "state").ok_or(Refused::NotBegun)?;
    let key = pages.begun.key(&state).ok_or(Refused::NotBegun)?;
    let opened = pages.opened()?;
    let found = link::find_by_key(&opened.engine, key.clone()).await?.ok_or(Refused::NotBegun)?;
    // Another browser learns nothing, and does not end the consent of the right one.
    let browser = Browser::known(&headers, &key).filter(|browser| browser.uses(&found));
    let browser = browser.ok_or(Refused::NotBegun)?;
    let place = pages.place()?;
    let begun = pages.begun.take(&key).ok_or(Refused::NotBegun)?;
    match found.link.phase() {
        Phase::Open => {}
        Phase::Ended => return Err(Refused::Ended),
        Phase::Used => return Err(Refused::Used),
    }
    let token = begun.token.expose().to_owned();
    let visit = Visit { opened, token, found, browser, why: None };
    let at = visit.at();
    visit.begins(&deed).await?;
    let finished = tasks::to_the_end(finish(pages, place, visit, begun, query)).await?;
    let Some(trouble) = finished? else { return Ok(Redirect::to(&at).into_response()) };
    let mut response = Redirect::to(&format!("{at}?why={}", trouble.word())).into_response();
    trouble.problem().mark(&mut response);
    Ok(response)
}

/// Exchanges the code, and puts the tokens into use.
async fn finish(
    pages: ConnectPages,
    place: OwnedSemaphorePermit,
    visit: Visit,
    begun: Begun,
    query: String,
) -> Result<Option<Trouble>, Refused> {
    let before = give::changeable(&visit).await?;
    let revision = before.as_ref().map_or(0, |before| before.revision).saturating_add(1);
    if revision != begun.record.revision {
        return Ok(Some(Trouble::Changed));
    }
    let (options, credential) = options(&visit, &begun.record).await?;
    let finished = visit.opened.engine.finish_consent(&options, &begun.remember, &query).await;
    if let Err(error) = finished {
        tracing::info!(connection = visit.found.link.connection, %error, "a consent failed");
        return Ok(Some(Trouble::of(&error)));
    }
    let change = (before, begun.record.clone());
    let stored =
        give::store(pages, place, visit, change, MadeSecrets::default(), credential).await?;
    Ok(stored.1)
}
