//! Whether a manifest makes sense, checked once at load.
//!
//! A manifest is trusted afterwards: every name in it resolves, every number can be used. Refusals name the place, in the
//! words of the JSON: `kinds[candidates].page_max`. Left out: what needs a connection (origins that the operator must fill in) and
//! whether `settings_schema` is a good JSON Schema, beyond its being an object.

use super::limits::{ITEMS_MAX, MANIFEST_BYTES_MAX, NAME_BYTES_MAX};
use atsync_model::manifest::{AuthRule, KindRule, Manifest, OperationRule, OriginBase, RateRule, ScanRule};
use serde_json::Value;
use std::collections::BTreeSet;

/// The contract of this engine.
pub const CONTRACT: &str = "ats:adapter@0.1.0";

/// The longest time that a manifest may name: a year. Longer ones are slips of the unit.
const SPAN_MS_MAX: u64 = 366 * 24 * 60 * 60 * 1000;

/// Reads a manifest from what `describe` returned.
///
/// # Errors
/// A sentence: the place and what is wrong there.
pub fn read(text: &str) -> Result<Manifest, String> {
    if text.len() > MANIFEST_BYTES_MAX {
        return Err(format!("the manifest has {} bytes, of at most {MANIFEST_BYTES_MAX}", text.len()));
    }
    // The contract comes first: a manifest of another version may have members that this one does not know.
    let contract = serde_json::from_str::<Value>(text).ok();
    if let Some(found) = contract.as_ref().and_then(|manifest| manifest.get("contract")).and_then(Value::as_str) {
        is_our_contract(found)?;
    }
    let manifest = serde_json::from_str(text).map_err(|error| format!("the manifest is not as documented: {error}"))?;
    check(&manifest)?;
    Ok(manifest)
}

/// Checks a manifest.
///
/// # Errors
/// A sentence: the place and what is wrong there.
pub fn check(manifest: &Manifest) -> Result<(), String> {
    is_our_contract(&manifest.contract)?;
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
        origin_base(&origin.name, &origin.base)?;
    }
    manifest.auth.iter().try_for_each(|rule| auth(manifest, rule))?;
    manifest.rates.iter().try_for_each(|rule| rate(manifest, rule))?;
    manifest.kinds.iter().try_for_each(|rule| kind(manifest, rule))?;
    manifest.operations.iter().try_for_each(|rule| operation(manifest, rule))?;
    match &manifest.settings_schema {
        Value::Null | Value::Object(_) => Ok(()),
        _ => Err("settings_schema: it must be a JSON object".into()),
    }
}

fn is_our_contract(found: &str) -> Result<(), String> {
    if found == CONTRACT {
        return Ok(());
    }
    Err(format!("contract: it was built against {found:.64}, and this engine speaks {CONTRACT}"))
}

/// Names are keys: not empty, not long, not twice.
fn unique<'a>(place: &str, names: impl Iterator<Item = &'a String>) -> Result<(), String> {
    let mut seen = BTreeSet::new();
    for name in names {
        if name.is_empty() || name.len() > NAME_BYTES_MAX {
            return Err(format!("{place}: a name is empty or longer than {NAME_BYTES_MAX} bytes"));
        }
        if !seen.insert(name) {
            return Err(format!("{place}: {name} occurs twice"));
        }
    }
    Ok(())
}

fn known_origin(manifest: &Manifest, place: &str, name: &str) -> Result<(), String> {
    if manifest.origin(name).is_some() {
        return Ok(());
    }
    Err(format!("{place}: there is no origin {name}"))
}

fn known_kind(manifest: &Manifest, place: &str, name: &str) -> Result<(), String> {
    if manifest.kind(name).is_some() {
        return Ok(());
    }
    Err(format!("{place}: there is no kind {name}"))
}

fn known_permission(manifest: &Manifest, place: &str, id: &str) -> Result<(), String> {
    if manifest.permission(id).is_some() {
        return Ok(());
    }
    Err(format!("{place}: there is no permission {id}"))
}

fn span(place: &str, span_ms: u64) -> Result<(), String> {
    if span_ms <= SPAN_MS_MAX {
        return Ok(());
    }
    Err(format!("{place}: {span_ms} ms is more than a year"))
}

fn origin_base(name: &str, base: &OriginBase) -> Result<(), String> {
    let OriginBase::Fixed { url } = base else { return Ok(()) };
    let parsed = url::Url::parse(url).map_err(|error| format!("origins[{name}].url: {error}"))?;
    if parsed.scheme() != "https" {
        return Err(format!("origins[{name}].url: it must begin with https://"));
    }
    if !parsed.username().is_empty()
        || parsed.password().is_some()
        || parsed.query().is_some()
        || parsed.fragment().is_some()
    {
        return Err(format!("origins[{name}].url: scheme, host, port and base path are all that it may have"));
    }
    Ok(())
}

fn auth(manifest: &Manifest, rule: &AuthRule) -> Result<(), String> {
    match rule {
        AuthRule::Oauth2ClientCredentials { token_origin, token_path, .. }
        | AuthRule::Oauth2AuthorizationCode { token_origin, token_path, .. } => {
            known_origin(manifest, "auth.token_origin", token_origin)?;
            if token_path.starts_with('/') { Ok(()) } else { Err("auth.token_path: it must begin with /".into()) }
        }
        AuthRule::Header { name, .. } | AuthRule::QueryParameter { name } if name.is_empty() => {
            Err("auth.name: it is empty".into())
        }
        _ => Ok(()),
    }
}

fn rate(manifest: &Manifest, rule: &RateRule) -> Result<(), String> {
    let place = format!("rates[{}]", rule.name);
    rule.origins.iter().try_for_each(|origin| known_origin(manifest, &format!("{place}.origins"), origin))?;
    if rule.window_ms == 0 || rule.limit_initial == 0 || rule.concurrency_max == Some(0) {
        return Err(format!("{place}: window_ms, limit_initial and concurrency_max must be at least 1"));
    }
    span(&format!("{place}.window_ms"), rule.window_ms)
}

fn kind(manifest: &Manifest, rule: &KindRule) -> Result<(), String> {
    let place = format!("kinds[{}]", rule.name);
    let parent = match &rule.scan {
        ScanRule::ByParent { parent } => Some(parent),
        ScanRule::Inside { kind } => Some(kind),
        ScanRule::List {} | ScanRule::None {} => None,
    };
    if let Some(parent) = parent {
        known_kind(manifest, &format!("{place}.scan"), parent)?;
        if *parent == rule.name {
            return Err(format!("{place}.scan: a kind cannot come from itself"));
        }
    }
    let pages = matches!(rule.scan, ScanRule::List {} | ScanRule::ByParent { .. });
    if pages && rule.page_max == 0 {
        return Err(format!("{place}.page_max: it must be at least 1"));
    }
    let most = u32::try_from(ITEMS_MAX).unwrap_or(u32::MAX);
    if rule.page_max > most || rule.ids_max > most {
        return Err(format!("{place}: page_max and ids_max must be at most {ITEMS_MAX}"));
    }
    if let Some(permission) = &rule.permission {
        known_permission(manifest, &format!("{place}.permission"), permission)?;
    }
    if let Some(scope) = &rule.scope {
        known_kind(manifest, &format!("{place}.scope"), scope)?;
    }
    unique(&format!("{place}.fields"), rule.fields.iter())?;
    if rule
        .fields
        .iter()
        .any(|field| field.is_empty() || field.len() > NAME_BYTES_MAX || field.contains(char::is_control))
    {
        return Err(format!("{place}.fields: a field is empty, too long, or has control characters"));
    }
    if let Some(field) = rule.expected.iter().find(|field| !rule.fields.contains(field)) {
        return Err(format!("{place}.expected: {field} is none of its fields"));
    }
    span(&format!("{place}.overlap_ms"), rule.overlap_ms)?;
    span(&format!("{place}.visible_within_ms"), rule.visible_within_ms)
}

fn operation(manifest: &Manifest, rule: &OperationRule) -> Result<(), String> {
    let place = format!("operations[{}]", rule.name);
    known_kind(manifest, &format!("{place}.kind"), &rule.kind)?;
    for kind in rule.materialises.iter().chain(rule.may_carry.iter().map(|carry| &carry.kind)) {
        known_kind(manifest, &format!("{place}: materialises and may_carry"), kind)?;
    }
    for id in &rule.permissions {
        known_permission(manifest, &format!("{place}.permissions"), id)?;
    }
    unique(&format!("{place}.fields"), rule.fields.iter().map(|field| &field.name))?;
    // A refusal proves that nothing was changed. No other class of status can.
    if let Some(status) = rule.refused_statuses.iter().find(|status| !(400..=499).contains(*status)) {
        return Err(format!("{place}.refused_statuses: {status} is none of 400 to 499"));
    }
    if let Some(setting) = &rule.opt_in
        && manifest.settings_schema.pointer(&format!("/properties/{setting}")).is_none()
    {
        return Err(format!("{place}.opt_in: settings_schema has no property {setting}"));
    }
    if rule.calls == 0 {
        return Err(format!("{place}.calls: it must be at least 1"));
    }
    span(&format!("{place}.settle_window_ms"), rule.settle_window_ms)
}
