//! `atsync connect`: makes a connection in the store, or gives it another credential, and prints
//! what the credential may do.
//!
//! The credential is tried before anything is stored: the ATS has to accept it, and, where the
//! store has records of this connection, it has to belong to the same customer. Missing permissions
//! do not prevent the connection. Left out: a consent, which a person gives on the connect page.

use super::check;
use crate::cli;
use crate::config::made::Made;
use crate::config::scheme::Scheme;
use crate::failure::{DONE, Ended, Failure};
use crate::made::{self, MadeSecrets};
use crate::makeable;
use crate::open::Opened;
use crate::output::Output;
use crate::place::Place;
use atsync::model::manifest::{AuthRule, Manifest};
use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use serde_json::Value;
use std::collections::BTreeMap;

/// Connects. The future is on the heap: every command is polled from one frame, and the stack of a
/// thread is small.
pub(super) fn connect<'a>(
    place: &'a Place,
    options: &'a cli::Connect,
    output: &'a Output,
) -> LocalBoxFuture<'a, Ended> {
    connected(place, options, output).boxed_local()
}

async fn connected(place: &Place, options: &cli::Connect, output: &Output) -> Ended {
    let opened = place.administration().await?;
    let name = options.name.as_deref().unwrap_or(&options.adapter);
    let unmakeable = |why: makeable::Unmakeable| Failure::new(why.to_string());
    let before = makeable::changeable(&opened, name).await.map_err(unmakeable)?;
    makeable::check(&opened, &options.adapter, false, before.is_none()).map_err(unmakeable)?;
    let adapter = opened.adapter(&options.adapter).await?;
    let scheme = scheme(adapter.manifest(), options.client_id.is_some())?;
    let record = record(&opened, options, scheme, before.as_ref())?;
    let reach = record.allow_private_network;
    makeable::check(&opened, &options.adapter, reach, before.is_none()).map_err(unmakeable)?;
    let secret = place.secret()?;
    if secret.expose().is_empty() {
        return Err(Failure::new("there is no secret: type it, or send it to stdin"));
    }
    let mut secrets = match scheme {
        Scheme::ClientCredentials => {
            MadeSecrets { client_secret: Some(secret), ..MadeSecrets::default() }
        }
        _ => MadeSecrets { key: Some(secret), ..MadeSecrets::default() },
    };
    let credential = secrets.credential(&record)?;
    let trial = opened.try_out(name, &record, credential.clone(), None).await?;
    let results = trial.check().await?;
    trial.close().await;
    // With other origins the running connection would send the new secret to the old ones; the
    // reload opens it anew.
    if before.as_ref().is_some_and(|before| before.origins == record.origins) {
        let runs = opened.config.connections.contains_key(name);
        let opened = if runs { opened.clone() } else { opened.again().await? };
        let present = opened.credential(name);
        let connection = opened.connect(name, &output.clone().without_progress()).await?;
        makeable::take_over(&connection, present, credential).await?;
    }
    let (vault, kept) = (&opened.vault, before.as_ref());
    made::keep_webhook(vault, name, kept, &mut secrets).await.map_err(Failure::new)?;
    let change = (before.as_ref(), &record);
    made::put(&opened.engine, &opened.vault, name, change, &secrets).await?;
    let opened = place.renewed(&opened).await?;
    if let Some(why) = opened.refused.get(name) {
        return Err(Failure::new(why.clone()));
    }
    check::checklist(&results, output);
    let verb = if before.is_some() { "changed" } else { "made" };
    output.note(&format!("{verb} the connection {name}"));
    let code = check::exit_code(&results);
    output.note(&match place {
        _ if code != DONE => {
            format!("next: grant what is missing, and run `atsync check {name}`")
        }
        Place::Alone(_) => {
            format!("next: `atsync serve` keeps it in step, or `atsync pull {name}` reads once")
        }
        Place::Within(_) => format!(
            "next: nothing; the running process keeps it in step, and `atsync status {name}` \
             shows it"
        ),
    });
    Ok(code)
}

/// The scheme that the adapter takes and the arguments fit.
fn scheme(manifest: &Manifest, has_client_id: bool) -> Result<Scheme, Failure> {
    let schemes = manifest.auth.iter().filter_map(|rule| match rule {
        AuthRule::Oauth2ClientCredentials { .. } => Some(Scheme::ClientCredentials),
        AuthRule::BasicKey { .. } => Some(Scheme::BasicKey),
        AuthRule::Bearer {} => Some(Scheme::Bearer),
        AuthRule::Header { .. } => Some(Scheme::Header),
        _ => None,
    });
    let schemes: Vec<Scheme> = schemes.collect();
    let is_client = |scheme: &&Scheme| (**scheme == Scheme::ClientCredentials) == has_client_id;
    schemes.iter().find(is_client).copied().ok_or_else(|| {
        let adapter = &manifest.name;
        Failure::new(match (schemes.is_empty(), has_client_id) {
            (true, _) => format!("the adapter {adapter} takes no credential that is given here"),
            (_, true) => format!("the adapter {adapter} takes a key; leave --client-id out"),
            (_, false) => format!(
                "the adapter {adapter} takes a client's id and secret: give the id with \
                 --client-id, and the secret when it is asked for"
            ),
        })
    })
}

/// The record, as the successor of another one.
fn record(
    opened: &Opened,
    options: &cli::Connect,
    scheme: Scheme,
    before: Option<&Made>,
) -> Result<Made, Failure> {
    let revision = before.map_or(0, |before| before.revision).saturating_add(1);
    let mut made = before.cloned().unwrap_or_else(|| Made::new(&options.adapter, scheme));
    if made.adapter != options.adapter {
        return Err(Failure::new(format!(
            "the connection of this name has the adapter {}; give another name with --name",
            made.adapter
        )));
    }
    made.scheme = scheme;
    made.client_id = options.client_id.clone();
    made.client = None;
    (made.revision, made.secrets) = (revision, made::draw());
    for (name, url) in pairs("--origin", &options.origins)? {
        drop(made.origins.insert(name, url));
    }
    for (name, text) in pairs("--setting", &options.settings)? {
        let value = serde_json::from_str(&text).unwrap_or(Value::String(text));
        drop(made.settings.insert(name, value));
    }
    let is_clear = made.origins.values().any(|url| url.starts_with("http://"));
    made.allow_private_network =
        is_clear || (!made.origins.is_empty() && opened.config.serve.allow_private_network);
    Ok(made)
}

/// The values of a repeated argument, each `NAME=VALUE`.
fn pairs(argument: &str, given: &[String]) -> Result<BTreeMap<String, String>, Failure> {
    let pair = |text: &String| {
        let (name, value) = text.split_once('=')?;
        Some((name.trim().to_owned(), value.trim().to_owned()))
    };
    let wrong =
        |text: &String| Failure::new(format!("{argument} {text:?}: it has the form NAME=VALUE"));
    given.iter().map(|text| pair(text).ok_or_else(|| wrong(text))).collect()
}
