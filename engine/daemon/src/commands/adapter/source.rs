//! What answers an adapter that its author tries: a sandbox, a recording, or the ATS itself.

#![expect(clippy::disallowed_methods, reason = "reads the files that the author names")]

use crate::failure::Failure;
use atsync::{HttpOptions, HttpTransport, Secret, Transport};
use atsync_conformance::wire::{Credential, Destination};
use atsync_conformance::{Described, HttpStage, Script, Stage};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use url::Url;

/// The environment's key, and the id and secret of a client.
const KEY: &str = "ATSYNC_ADAPTER_KEY";
const CLIENT_ID: &str = "ATSYNC_ADAPTER_CLIENT_ID";
const CLIENT_SECRET: &str = "ATSYNC_ADAPTER_CLIENT_SECRET";

/// The HTTP client.
pub(super) fn http() -> Result<Arc<dyn Transport>, Failure> {
    let transport = HttpTransport::new(HttpOptions::default());
    Ok(Arc::new(transport.map_err(|error| Failure::new(error.to_string()))?))
}

/// Reads a text file.
pub(super) fn text(path: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(path)
        .map_err(|error| Failure::new(format!("{} cannot be read: {error}", path.display())))
}

/// A sandbox: the URL of one that runs, or the file of one that is described.
pub(super) async fn stage(
    sandbox: &str,
    script: Option<&Path>,
    transport: &Arc<dyn Transport>,
) -> Result<Box<dyn Stage>, Failure> {
    let script = script.map(read_script).transpose()?;
    if sandbox.starts_with("http://") || sandbox.starts_with("https://") {
        let base = Url::parse(sandbox)
            .map_err(|error| Failure::new(format!("--sandbox {sandbox} is no URL: {error}")))?;
        return Ok(Box::new(HttpStage::open(Arc::clone(transport), base, script).await?));
    }
    if script.is_some() {
        return Err(Failure::new(
            "--script is for the URL of a sandbox; a described sandbox has all of it in its file",
        ));
    }
    let described = Described::open(&text(Path::new(sandbox))?).await;
    Ok(Box::new(described.map_err(|why| Failure::new(format!("{sandbox}: {why}")))?))
}

fn read_script(path: &Path) -> Result<Script, Failure> {
    serde_json::from_str(&text(path)?)
        .map_err(|error| Failure::new(format!("{} cannot be read: {error}", path.display())))
}

/// The destination of a real ATS, with the credential of the environment.
pub(super) fn live(origins: &[String], settings: &[String]) -> Result<Destination, Failure> {
    let mut known = BTreeMap::new();
    for origin in origins {
        let url =
            origin.split_once('=').and_then(|(name, url)| Some((name, Url::parse(url).ok()?)));
        let (name, url) = url.ok_or_else(|| {
            Failure::new(format!("--origin {origin}: write NAME=URL, for example api=https://…"))
        })?;
        let _ = known.insert(name.to_owned(), url);
    }
    Ok(Destination {
        origins: known,
        credential: credential()?,
        settings: parsed(settings)?,
        ..Destination::default()
    })
}

/// Settings of the command line: a value is JSON, or a text.
pub(super) fn parsed(settings: &[String]) -> Result<Map<String, Value>, Failure> {
    let mut known = Map::new();
    for setting in settings {
        let (name, value) = setting
            .split_once('=')
            .ok_or_else(|| Failure::new(format!("--setting {setting}: write NAME=VALUE")))?;
        let value = serde_json::from_str(value).unwrap_or_else(|_| Value::from(value));
        drop(known.insert(name.to_owned(), value));
    }
    Ok(known)
}

fn credential() -> Result<Credential, Failure> {
    let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    match (set(KEY), set(CLIENT_ID), set(CLIENT_SECRET)) {
        (Some(key), None, None) => Ok(Credential::Key(Secret::new(key))),
        (None, Some(id), Some(secret)) => {
            Ok(Credential::Client { id, secret: Secret::new(secret) })
        }
        _ => Err(Failure::new(format!(
            "the credential is not in the environment: set {KEY}, or {CLIENT_ID} and \
             {CLIENT_SECRET}"
        ))),
    }
}
