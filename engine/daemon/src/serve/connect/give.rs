//! The credential that a customer gives: checked at the ATS, then stored, then used.
//!
//! A credential that the ATS refuses, or that belongs to another customer than the records in the
//! store, changes nothing. One that lacks permissions is stored: the page lists them.

use super::check;
use super::link::Link;
use super::page;
use super::refused::Refused;
use super::state::ConnectPages;
use super::trouble::Trouble;
use super::visit::{Sent, Visit};
use crate::config::made::Made;
use crate::config::scheme::Scheme;
use crate::made::{self, MadeSecrets};
use crate::makeable;
use crate::open::Opened;
use crate::serve::problem::{Problem, ProblemType};
use crate::serve::tasks;
use atsync::model::manifest::{AuthRule, Manifest};
use atsync::{AuthReason, Credential, ErrorKind, Secret};
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

/// The fields of the form.
#[derive(Deserialize)]
struct Given {
    #[serde(default)]
    client_id: String,
    #[serde(default)]
    secret: String,
    /// Proves where the form is from; checked before.
    #[serde(rename = "csrf")]
    _proof: String,
}

/// The scheme of the credential that a customer makes in their ATS; none where there is none.
pub(super) fn scheme(manifest: &Manifest) -> Option<Scheme> {
    manifest.auth.iter().find_map(|rule| match rule {
        AuthRule::Oauth2ClientCredentials { .. } => Some(Scheme::ClientCredentials),
        AuthRule::BasicKey { .. } => Some(Scheme::BasicKey),
        AuthRule::Bearer {} => Some(Scheme::Bearer),
        AuthRule::Header { .. } => Some(Scheme::Header),
        _ => None,
    })
}

/// The record of a link's connection, as the successor of another one: what the link says holds, and
/// the schedules stay.
pub(super) fn record(link: &Link, before: Option<&Made>, scheme: Scheme) -> Made {
    let revision = before.map_or(0, |before| before.revision).saturating_add(1);
    let mut made = before.cloned().unwrap_or_else(|| Made::new(&link.adapter, scheme));
    made.scheme = scheme;
    (made.client_id, made.client) = (None, None);
    if before.is_none() || !link.origins.is_empty() {
        made.origins = link.origins.clone();
        made.allow_private_network = link.allow_private_network;
    }
    for (name, value) in &link.settings {
        drop(made.settings.insert(name.clone(), value.clone()));
    }
    made.has_webhook_secret = false;
    (made.revision, made.secrets) = (revision, revision);
    made
}

/// Takes a credential.
pub(super) async fn credential(
    State(pages): State<ConnectPages>,
    sent: Sent,
) -> Result<Response, Refused> {
    let Sent { visit, body } = sent;
    let given: Given = serde_urlencoded::from_bytes(&body)
        .map_err(|error| Problem::invalid("", error.to_string()))?;
    let adapter = visit.opened.adapter(&visit.found.link.adapter).await;
    let adapter =
        adapter.map_err(|why| Problem::new(ProblemType::Configuration, why.to_string()))?;
    let Some(scheme) = scheme(adapter.manifest()) else {
        return Err(Problem::invalid("", "This ATS is connected by a consent.").into());
    };
    let (id, secret) = (given.client_id.trim(), given.secret.trim());
    if secret.is_empty() || (scheme == Scheme::ClientCredentials && id.is_empty()) {
        return page::start(&visit, Some(Trouble::Incomplete)).await;
    }
    let secret = Secret::new(secret);
    let (secrets, client_id) = match scheme {
        Scheme::ClientCredentials => (
            MadeSecrets { client_secret: Some(secret), ..MadeSecrets::default() },
            Some(id.to_owned()),
        ),
        _ => (MadeSecrets { key: Some(secret), ..MadeSecrets::default() }, None),
    };
    let _place = pages.place()?;
    let before = changeable(&visit).await?;
    let mut record = record(&visit.found.link, before.as_ref(), scheme);
    record.client_id = client_id;
    let name = visit.found.link.connection.clone();
    let credential = visit.opened.credential_of(&name, &record, &secrets).await;
    let credential = credential.map_err(|why| Problem::new(ProblemType::Configuration, why))?;
    let trial = visit.opened.try_out(&name, &record, credential.clone(), None).await;
    let trial = trial.map_err(|why| Problem::new(ProblemType::Configuration, why.to_string()))?;
    let tried = trial.check().await;
    trial.close().await;
    if let Err(error) = tried {
        return page::start(&visit, Some(trouble(&error))).await;
    }
    let stored =
        tasks::to_the_end(store(pages.clone(), visit, (before, record), secrets, credential));
    let (visit, stored) = stored.await??;
    match stored {
        Some(trouble) => page::start(&visit, Some(trouble)).await,
        None => Ok(Redirect::to(&visit.at()).into_response()),
    }
}

/// The record of the link's connection.
pub(super) async fn changeable(visit: &Visit) -> Result<Option<Made>, Refused> {
    let before = makeable::changeable(&visit.opened, &visit.found.link.connection).await;
    Ok(before.map_err(Problem::from)?)
}

/// Puts a credential into use that the ATS accepted, stores it, and checks the connection. What is
/// returned beside the visit is why it was not done.
pub(super) async fn store(
    pages: ConnectPages,
    mut visit: Visit,
    (before, record): (Option<Made>, Made),
    secrets: MadeSecrets,
    credential: Credential,
) -> Result<(Visit, Option<Trouble>), Refused> {
    let name = visit.found.link.connection.clone();
    let Opened { engine, vault, .. } = visit.opened.clone();
    if let Some(running) = before.as_ref().and_then(|_| pages.served.connection(&name).ok()) {
        let present = visit.opened.credential(&name);
        if let Err(error) = makeable::take_over(&running, present, credential).await {
            return Ok((visit, Some(trouble(&error))));
        }
    }
    let put = made::put(&engine, &vault, &name, (before.as_ref(), &record), &secrets).await;
    match put {
        Ok(()) => {}
        Err(error) if made::is_stale(&error) => return Ok((visit, Some(Trouble::Changed))),
        Err(error) => return Err(error.into()),
    }
    let reloaded = pages.served.reload().await?;
    if let Some(why) = reloaded.refused.get(&name) {
        return Err(Problem::new(ProblemType::Configuration, why).into());
    }
    let failed = check::run(&pages, &mut visit).await?;
    Ok((visit, failed))
}

/// What an error of the ATS means for the customer.
pub(super) fn trouble(error: &atsync::Error) -> Trouble {
    match (error.auth_reason(), error.kind()) {
        (Some(AuthReason::ConsentDenied), _) => Trouble::Denied,
        (Some(AuthReason::ScopeRefused), _) => Trouble::Scope,
        (
            Some(AuthReason::CodeRefused | AuthReason::ConsentUnclear | AuthReason::CodeMissing),
            _,
        ) => Trouble::Consent,
        (_, ErrorKind::Auth) => Trouble::Refused,
        (_, ErrorKind::Unavailable) => Trouble::Unavailable,
        (_, ErrorKind::Configuration) => Trouble::Elsewhere,
        _ => Trouble::Failed,
    }
}
