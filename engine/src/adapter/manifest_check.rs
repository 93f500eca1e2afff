//! Checks a manifest, once at load.
//!
//! A manifest is trusted afterwards: every name in it resolves, every number can be used, and no
//! two members contradict each other. Refusals name the place, in the words of the JSON
//! (`kinds[candidates].page_max`), what is wrong and what to do. [`MEMBERS`] says for every member
//! of a manifest where it is enforced: here, against each answer, or nowhere and why; a test
//! compares it with the manifest's own JSON and breaks each member once. A manifest of an older
//! contract is brought into the form of today first ([`REWRITES`]).
//!
//! Left out: what needs a connection (origins that the operator must fill in) and whether
//! `settings_schema` is a good JSON Schema, beyond the properties that the manifest names.

mod basics;
mod kind;
mod members;
mod operation;
mod parse;
mod rewrites;
mod sunsets;
mod texts;
mod webhooks;

pub use members::{Held, MEMBERS};
pub use rewrites::{Becomes, REWRITES, Rewrite, rewrite};

use super::contract::{OURS, Version, loadable};
use super::limits::{MANIFEST_BYTES_MAX, NAME_BYTES_MAX};
use atsync_model::manifest::{
    AuthRule, FormRule, Manifest, Origin, OriginBase, Permission, RateRule, ResetReading,
    SafeRequest,
};
use atsync_model::plain;
use basics::{
    known_kind, known_origin, known_permission, known_setting, sentence, span, unique, written_kind,
};
use serde_json::Value;

/// The shortest life of a refresh token. Arbitrary: no ATS is known with less than hours.
const REFRESH_LIFE_MS_MIN: u64 = 60_000;

/// Reads a manifest from what `describe` returned.
///
/// # Errors
/// A sentence: the place and what is wrong there.
pub fn read(text: &str) -> Result<Manifest, String> {
    read_by(REWRITES, text)
}

/// Reads a manifest by a table of rewrites.
///
/// # Errors
/// A sentence: the place and what is wrong there.
pub fn read_by(rewrites: &[Rewrite], text: &str) -> Result<Manifest, String> {
    // A refusal may quote the adapter's text.
    parsed(rewrites, text).map_err(|refusal| plain::line(&refusal).into_owned())
}

fn parsed(rewrites: &[Rewrite], text: &str) -> Result<Manifest, String> {
    if text.len() > MANIFEST_BYTES_MAX {
        return Err(format!(
            "the manifest has {} bytes, of at most {MANIFEST_BYTES_MAX}",
            text.len()
        ));
    }
    // The contract comes first: a manifest of another version may have members that this one does
    // not know.
    let mut value = serde_json::from_str::<Value>(text).unwrap_or_default();
    let contract = value.get("contract").and_then(Value::as_str);
    let is_rewritten = match contract.map(is_loaded).transpose()? {
        Some(version) => rewrite(rewrites, version, &mut value),
        None => false,
    };
    // The text as it came keeps members that occur twice.
    let manifest = if is_rewritten {
        parse::members(&value, value.clone())
    } else {
        parse::text(&value, text)
    };
    let manifest =
        manifest.map_err(|fault| format!("the manifest is not as documented: {fault}"))?;
    check(&manifest)?;
    Ok(manifest)
}

/// Checks a manifest.
///
/// # Errors
/// A sentence: the place and what is wrong there.
pub fn check(manifest: &Manifest) -> Result<(), String> {
    is_loaded(&manifest.contract)?;
    texts::are_plain(manifest)?;
    let letters = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if manifest.name.is_empty() || manifest.name.len() > 64 || !manifest.name.bytes().all(letters) {
        return Err("name: 1 to 64 lower-case letters, digits and - are allowed".into());
    }
    if manifest.version.is_empty() || manifest.version.len() > 64 {
        return Err("version: it is empty or longer than 64 bytes".into());
    }
    unique("origins", manifest.origins.iter().map(|origin| &origin.name))?;
    unique("kinds", manifest.kinds.iter().map(|kind| &kind.name))?;
    unique("operations", manifest.operations.iter().map(|operation| &operation.name))?;
    unique("permissions", manifest.permissions.iter().map(|permission| &permission.id))?;
    unique("rates", manifest.rates.iter().map(|rate| &rate.name))?;
    for origin in &manifest.origins {
        origin_base(origin)?;
    }
    manifest.auth.iter().try_for_each(|rule| auth(manifest, rule))?;
    if !manifest.auth.is_empty()
        && !manifest.origins.is_empty()
        && manifest.credential_origins().next().is_none()
    {
        return Err("origins: there are several, and none is named for the credential; set \
            `\"credential\": true` at those whose \
                    requests carry it"
            .into());
    }
    manifest.safe.iter().try_for_each(|request| safe(manifest, request))?;
    manifest.rates.iter().try_for_each(|rule| rate(manifest, rule))?;
    manifest.permissions.iter().try_for_each(permission)?;
    if !manifest.operations.is_empty() && !manifest.describes_tenant {
        return Err(
            "describes_tenant: an adapter with operations must say which customer it would write \
             to; answer the task describe-tenant"
                .into(),
        );
    }
    match &manifest.settings_schema {
        Value::Null | Value::Object(_) => {}
        _ => return Err("settings_schema: it must be a JSON object".into()),
    }
    manifest.kinds.iter().try_for_each(|rule| kind::check(manifest, rule))?;
    manifest.operations.iter().try_for_each(|rule| operation::check(manifest, rule))?;
    manifest.webhooks.as_ref().map_or(Ok(()), |rule| webhooks::check(manifest, rule))?;
    sentence("title", &manifest.title)?;
    manifest.lossy.iter().try_for_each(|text| sentence("lossy", text))?;
    forms(manifest)?;
    sunsets::check(manifest)
}

/// The version of a contract that this engine loads.
fn is_loaded(found: &str) -> Result<Version, String> {
    loadable(found).map_err(|why| {
        let advice = why.advice();
        format!(
            "contract: it was built against {found:.64}, and this engine speaks {OURS}: {advice}"
        )
    })
}

/// The name of a header that is read from answers.
fn header(place: &str, name: &str) -> Result<(), String> {
    let letters = |byte: u8| {
        byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"!#$%&'*+-.^_`|~".contains(&byte)
    };
    if !name.is_empty() && name.bytes().all(letters) {
        return Ok(());
    }
    Err(format!("{place}: {name:.64?} is no header in lower case"))
}

fn permission(found: &Permission) -> Result<(), String> {
    let place = format!("permissions[{}]", found.id);
    for (member, text) in
        [("label", &found.label), ("grant_at", &found.grant_at), ("without_it", &found.without_it)]
    {
        sentence(&format!("{place}.{member}"), text)?;
    }
    Ok(())
}

/// The lists whose values have a form of their own. Left out: `emails`. An address identifies a
/// person, and a form that makes two of them equal would merge two people.
const WITH_FORMS: [&str; 3] = ["phones", "links", "addresses"];

fn forms(manifest: &Manifest) -> Result<(), String> {
    let mut seen: Vec<(&str, &str)> = Vec::new();
    for FormRule { kind, field, .. } in &manifest.forms {
        let place = format!("forms[{kind}.{field}]");
        written_kind(manifest, &format!("{place}.kind"), kind)?;
        if !WITH_FORMS.contains(&field.as_str()) {
            return Err(format!("{place}.field: only {} have forms", WITH_FORMS.join(", ")));
        }
        if manifest.kind(kind).is_some_and(|rule| !rule.fields.contains(field)) {
            return Err(format!(
                "{place}.field: {field} is none of the fields of {kind}; list it there, or take \
                 the form out"
            ));
        }
        if seen.contains(&(kind, field)) {
            return Err(format!("{place}: the field has two forms; leave one"));
        }
        seen.push((kind, field));
    }
    Ok(())
}

fn origin_base(origin: &Origin) -> Result<(), String> {
    let name = &origin.name;
    let url = match &origin.base {
        OriginBase::Fixed { url } => url,
        OriginBase::Operator { hint } => return sentence(&format!("origins[{name}].hint"), hint),
        OriginBase::Discovered { suffixes } => {
            let is_bad = |suffix: &String| {
                !suffix.starts_with('.') || suffix.len() < 4 || suffix.len() > NAME_BYTES_MAX
            };
            if suffixes.is_empty() || suffixes.iter().any(is_bad) {
                return Err(format!(
                    "origins[{name}].suffixes: name at least one, each like .example.com"
                ));
            }
            let place = format!("origins[{name}].suffixes");
            return suffixes.iter().try_for_each(|suffix| texts::host_is_ascii(&place, suffix));
        }
    };
    let parsed = url::Url::parse(url).map_err(|error| format!("origins[{name}].url: {error}"))?;
    let host =
        url.split_once("://").map_or(url.as_str(), |(_, rest)| rest).split(['/', '?', '#']).next();
    texts::host_is_ascii(&format!("origins[{name}].url"), host.unwrap_or_default())?;
    if parsed.scheme() != "https" {
        return Err(format!("origins[{name}].url: it must begin with https://"));
    }
    if !parsed.username().is_empty()
        || parsed.password().is_some()
        || parsed.query().is_some()
        || parsed.fragment().is_some()
    {
        return Err(format!(
            "origins[{name}].url: scheme, host, port and base path are all that it may have"
        ));
    }
    Ok(())
}

fn auth(manifest: &Manifest, rule: &AuthRule) -> Result<(), String> {
    let path = |place: &str, path: &str| {
        if path.starts_with('/') { Ok(()) } else { Err(format!("{place}: it must begin with /")) }
    };
    match rule {
        AuthRule::Oauth2ClientCredentials { token_origin, token_path, form_settings } => {
            known_origin(manifest, "auth.token_origin", token_origin)?;
            path("auth.token_path", token_path)?;
            for form in form_settings {
                known_setting(manifest, "auth.form_settings.setting", &form.setting)?;
                if form.field.is_empty() || form.field.len() > NAME_BYTES_MAX {
                    return Err("auth.form_settings.field: it is empty or too long".into());
                }
            }
            Ok(())
        }
        AuthRule::Oauth2AuthorizationCode {
            token_origin,
            authorize_path,
            token_path,
            scopes,
            refresh_life_ms,
            pkce: _,
        } => {
            known_origin(manifest, "auth.token_origin", token_origin)?;
            path("auth.authorize_path", authorize_path)?;
            path("auth.token_path", token_path)?;
            scopes.iter().try_for_each(|name| scope("auth.scopes", name))?;
            refresh_life(*refresh_life_ms)
        }
        AuthRule::Header { name, .. } => header("auth.name", &name.to_ascii_lowercase()),
        AuthRule::QueryParameter { name } if name.is_empty() => {
            Err("auth.name: it is empty".into())
        }
        _ => Ok(()),
    }
}

/// A scope (RFC 6749 §3.3): several stand in one text, with spaces between them.
fn scope(place: &str, name: &str) -> Result<(), String> {
    let is_sign = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\');
    if (1..=NAME_BYTES_MAX).contains(&name.len()) && name.bytes().all(is_sign) {
        return Ok(());
    }
    Err(format!(
        "{place}: a scope has 1 to {NAME_BYTES_MAX} visible ASCII characters, none of them \" or \\"
    ))
}

fn refresh_life(life_ms: Option<u64>) -> Result<(), String> {
    let Some(life_ms) = life_ms else { return Ok(()) };
    if life_ms < REFRESH_LIFE_MS_MIN {
        return Err(format!(
            "auth.refresh_life_ms: {life_ms} ms is less than {REFRESH_LIFE_MS_MIN} ms; an idle \
             connection would refresh all the time"
        ));
    }
    span("auth.refresh_life_ms", life_ms)
}

fn safe(manifest: &Manifest, request: &SafeRequest) -> Result<(), String> {
    let place = format!("safe[{:.64}]", request.path);
    if request.method != "POST" {
        return Err(format!(
            "{place}.method: only a POST is listed; GET needs no entry, and PUT, PATCH and DELETE \
             are never safe"
        ));
    }
    known_origin(manifest, &format!("{place}.origin"), &request.origin)?;
    let wild = request.path.split('/').skip(1).all(|segment| segment == "*");
    if !request.path.starts_with('/')
        || request.path.len() > NAME_BYTES_MAX
        || request.path.contains(['?', '#'])
        || wild
    {
        return Err(format!(
            "{place}.path: it begins with /, has at most {NAME_BYTES_MAX} bytes, no query, and a \
             segment that is not *"
        ));
    }
    Ok(())
}

fn rate(manifest: &Manifest, rule: &RateRule) -> Result<(), String> {
    let place = format!("rates[{}]", rule.name);
    if rule.origins.is_empty() {
        return Err(format!(
            "{place}.origins: it counts the requests of no origin; name one, or take the rule out"
        ));
    }
    rule.origins
        .iter()
        .try_for_each(|origin| known_origin(manifest, &format!("{place}.origins"), origin))?;
    if rule.window_ms == 0 || rule.limit_initial == 0 || rule.concurrency_max == Some(0) {
        return Err(format!(
            "{place}: window_ms, limit_initial and concurrency_max must be at least 1"
        ));
    }
    let reset = match &rule.reset {
        ResetReading::Ignore => None,
        ResetReading::EpochSeconds { header } | ResetReading::SecondsLeft { header } => {
            Some(header)
        }
    };
    for (member, name) in [
        ("limit_header", rule.limit_header.as_ref()),
        ("remaining_header", rule.remaining_header.as_ref()),
        ("reset", reset),
    ] {
        name.map_or(Ok(()), |name| header(&format!("{place}.{member}"), name))?;
    }
    span(&format!("{place}.window_ms"), rule.window_ms)
}
