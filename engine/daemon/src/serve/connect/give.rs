//! The credential that a customer gives: checked at the ATS, then stored, then used.
//!
//! A credential that the ATS refuses, or that belongs to another customer than the records in the
//! store, changes nothing. One that lacks permissions is stored: the page lists them.

use super::check;
use super::fitting::{record, scheme};
use super::page;
use super::refused::Refused;
use super::state::ConnectPages;
use super::trouble::Trouble;
use super::visit::{Sent, Visit};
use crate::config::Config;
use crate::config::made::Made;
use crate::config::scheme::Scheme;
use crate::made::{self, MadeSecrets};
use crate::makeable;
use crate::open::Opened;
use crate::serve::problem::{Problem, ProblemType};
use crate::serve::tasks;
use atsync::{Credential, ErrorKind, Secret};
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use tokio::sync::OwnedSemaphorePermit;

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
    let place = pages.place()?;
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
        return page::start(&visit, Some(Trouble::of(&error))).await;
    }
    let stored = tasks::to_the_end(store(
        pages.clone(),
        place,
        visit,
        (before, record),
        secrets,
        credential,
    ));
    let (visit, stored) = stored.await??;
    match stored {
        Some(trouble) => page::start(&visit, Some(trouble)).await,
        None => Ok(Redirect::to(&visit.at()).into_response()),
    }
}

/// The record of the link's connection.
pub(super) async fn changeable(visit: &Visit) -> Result<Option<Made>, Refused> {
    let (opened, link) = (&visit.opened, &visit.found.link);
    // The configuration may be another than when the link was made.
    Config::read(&opened.config.path)
        .map_err(|why| Problem::new(ProblemType::Configuration, why.to_string()))?;
    let before = makeable::changeable(opened, &link.connection).await.map_err(Problem::from)?;
    makeable::check(opened, &link.adapter, link.allow_private_network, before.is_none())
        .map_err(Problem::from)?;
    Ok(before)
}

/// Puts a credential into use that the ATS accepted, stores it, and checks the connection. What is
/// returned beside the visit is why it was not done.
pub(super) async fn store(
    pages: ConnectPages,
    // Held to the end, also when the browser leaves.
    _place: OwnedSemaphorePermit,
    mut visit: Visit,
    (before, mut record): (Option<Made>, Made),
    mut secrets: MadeSecrets,
    credential: Credential,
) -> Result<(Visit, Option<Trouble>), Refused> {
    let name = visit.found.link.connection.clone();
    let Opened { engine, vault, .. } = visit.opened.clone();
    made::keep_webhook(&vault, &name, before.as_ref(), &mut secrets)
        .await
        .map_err(|why| Problem::new(ProblemType::Configuration, why))?;
    let adapter = visit.opened.adapter(&record.adapter).await;
    let adapter =
        adapter.map_err(|why| Problem::new(ProblemType::Configuration, why.to_string()))?;
    if adapter.manifest().webhooks.is_some() {
        made::draw_webhook(&mut record, &mut secrets);
    }
    if let Some(running) = before.as_ref().and_then(|_| pages.served.connection(&name).ok()) {
        let present = visit.opened.credential(&name);
        if let Err(error) = makeable::take_over(&running, present, credential).await {
            let trouble = match error.kind() {
                ErrorKind::Configuration => Trouble::Elsewhere,
                _ => Trouble::of(&error),
            };
            return Ok((visit, Some(trouble)));
        }
    }
    let making = pages.served.making.lock().await;
    let put = made::put(&engine, &vault, &name, (before.as_ref(), &record), &secrets).await;
    if let Err(error) = put {
        // The running connection goes back to the credential that the store has.
        if let Err(why) = pages.served.reload().await {
            not_reloaded(&name, &why);
        }
        return if made::is_stale(&error) {
            Ok((visit, Some(Trouble::Changed)))
        } else {
            Err(error.into())
        };
    }
    let reloaded = pages.served.reload().await;
    drop(making);
    match reloaded {
        Ok(reloaded) => {
            if let Some(why) = reloaded.refused.get(&name) {
                return Err(Problem::new(ProblemType::Configuration, why).into());
            }
        }
        // A connection that runs uses the credential already; a new one does not run.
        Err(why) if pages.served.connection(&name).is_err() => return Err(why.into()),
        Err(why) => not_reloaded(&name, &why),
    }
    let failed = check::run(&pages, &mut visit).await?;
    Ok((visit, failed))
}

/// Logs that a reload failed which does not decide what the customer is answered.
fn not_reloaded(name: &str, why: &Problem) {
    tracing::error!(connection = name, why = why.detail(), "the configuration was not read again");
}
