//! Pins: the declarations of an adapter that it may not change later. They say where requests go,
//! which of them carry the credential, and which are repeated.
//!
//! An adapter writes its own manifest, and a component can be replaced by another of the same name.
//! So the store keeps what the connection's adapter declared first ([`Pin`]). An adapter that
//! declares more is refused before a request leaves; the refusal says what changed and how to
//! accept it. An adapter with other code that declares the same, or less, is an update and is
//! accepted.
//!
//! An origin that the operator gives is always accepted. A component that the host does not vouch
//! for ([`crate::adapter::Adapter::is_vouched_for`]) gets *all* its origins from the operator. For
//! the rest the operator accepts a change by [`crate::ConnectionOptions::accept`]: a digest of the
//! declaration as the refusal shows it, so that accepting one change accepts no later one.
//!
//! [`losses`] has what a version can no longer do; the same token accepts it.
//!
//! Left out: the secret of webhooks, which the session writes only into bodies for origins that get
//! the credential; stores of versions before this one, which have no pin; the declaration at the
//! first start is pinned. Signatures of components.

pub(crate) mod losses;

use crate::adapter::Adapter;
use crate::near::did_you_mean;
use crate::store::Pin;
use crate::transport::auth::digest;
use atsync_model::manifest::{AuthRule, BasicHalf, Manifest, Origin, OriginBase};
use losses::Loss;
use std::collections::{BTreeMap, BTreeSet};
use url::Url;

/// The URL of every origin, from the operator and the manifest.
///
/// # Errors
/// A sentence: which origin, and what to do.
pub(crate) fn origins(
    adapter: &dyn Adapter,
    given: &BTreeMap<String, String>,
) -> Result<BTreeMap<String, Url>, String> {
    let manifest = adapter.manifest();
    if let Some(unknown) = given.keys().find(|name| manifest.origin(name).is_none()) {
        let names: Vec<&str> = manifest.origins.iter().map(|origin| origin.name.as_str()).collect();
        let hint = did_you_mean(unknown, names.iter().copied());
        let adapter = &manifest.name;
        return Err(format!(
            "origins.{unknown} is unknown to the adapter {adapter}{hint} (origins: {})",
            names.join(", ")
        ));
    }
    if !adapter.is_vouched_for()
        && manifest.origins.iter().any(|origin| !given.contains_key(&origin.name))
    {
        return Err(must_be_given(manifest, given));
    }
    let mut granted = BTreeMap::new();
    for origin in &manifest.origins {
        let text = match (given.get(&origin.name), &origin.base) {
            (Some(text), _) => text.clone(),
            (None, OriginBase::Fixed { url }) => url.clone(),
            (None, OriginBase::Operator { hint }) => {
                return Err(format!("origins.{} must be given: {hint}", origin.name));
            }
            (None, OriginBase::Discovered { .. }) => {
                return Err(format!(
                    "origins.{} is discovered from a reply, which this version does not do",
                    origin.name
                ));
            }
        };
        let url = Url::parse(&text).map_err(|error| {
            format!("origins.{} is {text:?}, which is no URL: {error}", origin.name)
        })?;
        granted.insert(origin.name.clone(), url);
    }
    Ok(granted)
}

/// The line that the operator adds after reading it.
fn must_be_given(manifest: &Manifest, given: &BTreeMap<String, String>) -> String {
    let line = manifest.origins.iter().map(|origin| {
        let url = match (given.get(&origin.name), &origin.base) {
            (Some(url), _) | (None, OriginBase::Fixed { url }) => url.as_str(),
            (None, _) => "https://...",
        };
        format!("{} = {url:?}", toml_key(&origin.name))
    });
    format!(
        "the adapter {} is a component that did not ship with this program, so where it sends \
         requests and the credential is for you to say; \
         where these are the ATS's own addresses, add to the connection: origins = {{ {} }}",
        manifest.name,
        line.collect::<Vec<_>>().join(", ")
    )
}

fn toml_key(name: &str) -> String {
    let bare =
        name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
    if bare { name.to_owned() } else { format!("{name:?}") }
}

/// What an adapter declares.
pub(crate) fn declared(adapter: &dyn Adapter) -> Pin {
    let manifest = adapter.manifest();
    Pin {
        code: adapter.code_hash().map(str::to_owned),
        origins: manifest.origins.iter().filter_map(fixed).collect(),
        credential: manifest.credential_origins().map(str::to_owned).collect(),
        auth: manifest.auth.iter().map(rule).collect(),
        safe: manifest
            .safe
            .iter()
            .map(|safe| format!("{} {} at {}", safe.method, safe.path, safe.origin))
            .collect(),
    }
}

fn fixed(origin: &Origin) -> Option<(String, String)> {
    match &origin.base {
        OriginBase::Fixed { url } => Some((origin.name.clone(), url.clone())),
        OriginBase::Operator { .. } | OriginBase::Discovered { .. } => None,
    }
}

/// Where a rule sends a secret to, or writes it.
fn rule(rule: &AuthRule) -> String {
    match rule {
        AuthRule::Oauth2ClientCredentials { token_origin, token_path, .. } => {
            format!("the client's secret to {token_origin}{token_path}")
        }
        AuthRule::Oauth2AuthorizationCode { token_origin, authorize_path, token_path, .. } => {
            format!(
                "consent at {token_origin}{authorize_path}, the client's secret to \
                 {token_origin}{token_path}"
            )
        }
        AuthRule::BasicKey { half: BasicHalf::Username, .. } => {
            "the key as the user of HTTP Basic".to_owned()
        }
        AuthRule::BasicKey { half: BasicHalf::Password, .. } => {
            "the key as the password of HTTP Basic".to_owned()
        }
        AuthRule::Bearer {} => "the key as a bearer token".to_owned(),
        AuthRule::Header { name, .. } => {
            format!("the key in the header {}", name.to_ascii_lowercase())
        }
        AuthRule::QueryParameter { name } => format!("the key in the query parameter {name}"),
        AuthRule::LoginExchange {} => "a login exchange".to_owned(),
        AuthRule::SamlBearer {} => "a SAML assertion".to_owned(),
        AuthRule::RequestSigning {} => "a signature of each request".to_owned(),
        AuthRule::BodyPlaceholder {} => "the key in the body".to_owned(),
    }
}

/// Losses that a refusal names; it counts the rest.
const LOSSES_NAMED_MAX: usize = 20;

/// The token that accepts a declaration and losses: other code with the same is accepted too.
fn word(pin: &Pin, losses: &[Loss]) -> String {
    let mut parts = Vec::new();
    for (name, url) in &pin.origins {
        parts.extend(["origin", name, url]);
    }
    for (what, list) in [("credential", &pin.credential), ("auth", &pin.auth), ("safe", &pin.safe)]
    {
        for entry in list {
            parts.extend([what, entry]);
        }
    }
    parts.extend(losses.iter().flat_map(Loss::words));
    digest(&parts)
}

/// Compares what an adapter declares with the pin of the connection, and returns the new pin.
/// `losses`: what it can no longer do.
///
/// # Errors
/// A sentence: what changed or is lost, and how to accept it.
pub(crate) fn hold(
    kept: Option<&Pin>,
    now: Pin,
    given: &BTreeMap<String, String>,
    accept: Option<&str>,
    losses: &[Loss],
) -> Result<Pin, String> {
    let word = word(&now, losses);
    let Some(kept) = kept.filter(|_| accept != Some(word.as_str())) else { return Ok(now) };
    let mut changes = Vec::new();
    for (name, url) in now.origins.iter().filter(|(name, _)| !given.contains_key(*name)) {
        match kept.origins.get(name) {
            Some(before) if before == url => {}
            Some(before) => changes.push(format!("the origin {name} was {before} and is {url}")),
            None => changes.push(format!("the origin {name} is new: {url}")),
        }
    }
    let more = |before: &BTreeSet<String>, now: &BTreeSet<String>, what: &str| -> Vec<String> {
        now.difference(before).map(|entry| format!("{what}: {entry}")).collect()
    };
    changes.extend(more(
        &kept.credential,
        &now.credential,
        "an origin gets the credential that did not",
    ));
    changes.extend(more(&kept.auth, &now.auth, "a secret goes where it did not"));
    changes.extend(more(&kept.safe, &now.safe, "a request counts as safe that did not"));
    let declares = format!(
        "the adapter declares something else than this connection was used with, so nothing is \
         sent: {}",
        changes.join("; ")
    );
    match (changes.is_empty(), losses.is_empty()) {
        (true, true) => Ok(Pin { code: now.code, ..kept.clone() }),
        (false, true) => {
            Err(format!("{declares}; if that is right, add to the connection: accept = {word:?}"))
        }
        (true, false) => Err(format!(
            "{}; use a version that can, or, to do without, add to the connection: accept = \
             {word:?}",
            lacks(losses)
        )),
        (false, false) => Err(format!(
            "{declares}; {}; if both are right, add to the connection: accept = {word:?}",
            lacks(losses)
        )),
    }
}

fn lacks(losses: &[Loss]) -> String {
    let mut named: Vec<String> =
        losses.iter().take(LOSSES_NAMED_MAX).map(Loss::to_string).collect();
    if losses.len() > LOSSES_NAMED_MAX {
        named.push(format!("and {} more", losses.len().saturating_sub(LOSSES_NAMED_MAX)));
    }
    format!("this version of the adapter lacks what the connection uses: {}", named.join("; "))
}

#[cfg(test)]
#[path = "pin_tests.rs"]
mod tests;
