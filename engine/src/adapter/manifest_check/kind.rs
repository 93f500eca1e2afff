//! Checks the rule of one kind.
//!
//! The name alone distinguishes a raw kind from a unified one, so that neither can take the other's
//! place.

use super::super::limits::{ITEMS_MAX, NAME_BYTES_MAX};
use super::{known_kind, known_permission, known_setting, span, unique};
use atsync_model::manifest::{ChangeRule, DeleteSign, KindRule, Manifest, ScanRule};
use atsync_model::raw::{CONTENT, RAW_FIELDS, RAW_PREFIX, is_raw};
use serde_json::Value;

pub(super) fn check(manifest: &Manifest, rule: &KindRule) -> Result<(), String> {
    let place = format!("kinds[{}]", rule.name);
    scan(manifest, rule, &place)?;
    let pages = has_pages(rule);
    if pages && rule.page_max == 0 {
        return Err(format!("{place}.page_max: it must be at least 1"));
    }
    let most = u32::try_from(ITEMS_MAX).unwrap_or(u32::MAX);
    if rule.page_max > most || rule.ids_max > most {
        return Err(format!("{place}: page_max and ids_max must be at most {ITEMS_MAX}"));
    }
    changes(rule, &place)?;
    deletes(rule, &place)?;
    raw(rule, &place)?;
    opt_in(manifest, rule, &place)?;
    if let Some(permission) = &rule.permission {
        known_permission(manifest, &format!("{place}.permission"), permission)?;
    }
    if let Some(scope) = &rule.scope {
        known_kind(manifest, &format!("{place}.scope"), scope)?;
        if *scope == rule.name {
            return Err(format!(
                "{place}.scope: the ids of a kind cannot be good only within itself"
            ));
        }
    }
    unique(&format!("{place}.fields"), rule.fields.iter())?;
    if rule
        .fields
        .iter()
        .any(|field| field.len() > NAME_BYTES_MAX || field.contains(char::is_control))
    {
        return Err(format!("{place}.fields: a field is too long, or has control characters"));
    }
    unique(&format!("{place}.expected"), rule.expected.iter())?;
    if let Some(field) = rule.expected.iter().find(|field| !rule.fields.contains(field)) {
        return Err(format!(
            "{place}.expected: {field} is none of its fields; list it there, or take it out here"
        ));
    }
    span(&format!("{place}.overlap_ms"), rule.overlap_ms)?;
    span(&format!("{place}.visible_within_ms"), rule.visible_within_ms)
}

/// A raw kind has a name that no unified kind can have, and the fields of a raw record.
fn raw(rule: &KindRule, place: &str) -> Result<(), String> {
    if rule.raw != is_raw(&rule.name) {
        return Err(format!(
            "{place}.raw: the name of a raw kind begins with {RAW_PREFIX}, and no other's does; \
             change the name, or set `raw`"
        ));
    }
    if !rule.raw {
        return Ok(());
    }
    if let Some(field) = rule.fields.iter().find(|field| !RAW_FIELDS.contains(&field.as_str())) {
        return Err(format!(
            "{place}.fields: a raw kind has no field {field}, only {}; what the ATS calls so is \
             in its {CONTENT}",
            RAW_FIELDS.join(", ")
        ));
    }
    if !rule.fields.iter().any(|field| field == CONTENT) {
        return Err(format!("{place}.fields: {CONTENT} is missing, which a raw kind is read for"));
    }
    Ok(())
}

/// The setting is a list, in which a connection names the kinds.
fn opt_in(manifest: &Manifest, rule: &KindRule, place: &str) -> Result<(), String> {
    let Some(setting) = &rule.opt_in else { return Ok(()) };
    let schema = known_setting(manifest, &format!("{place}.opt_in"), setting)?;
    if schema.get("type").and_then(Value::as_str) != Some("array") {
        return Err(format!(
            "{place}.opt_in: the property {setting} of settings_schema must be of the type array"
        ));
    }
    Ok(())
}

/// Whether a scan of the kind has pages of its own.
fn has_pages(rule: &KindRule) -> bool {
    matches!(rule.scan, ScanRule::List {} | ScanRule::ByParent { .. })
}

/// Checks how the records of a kind are listed: by a chain of parents that ends at a listed kind.
fn scan(manifest: &Manifest, rule: &KindRule, place: &str) -> Result<(), String> {
    let mut passed: Vec<&str> = Vec::new();
    let mut at = rule;
    loop {
        if passed.contains(&at.name.as_str()) {
            return Err(format!(
                "{place}.scan: a kind cannot come from itself, and {} does; name a parent that is \
                 listed",
                at.name
            ));
        }
        passed.push(&at.name);
        let (parent, is_inside) = match &at.scan {
            ScanRule::ByParent { parent } => (parent, false),
            ScanRule::Inside { kind } => (kind, true),
            ScanRule::List {} | ScanRule::None {} => return Ok(()),
        };
        known_kind(manifest, &format!("kinds[{}].scan", at.name), parent)?;
        let Some(next) = manifest.kind(parent) else { return Ok(()) };
        if matches!(next.scan, ScanRule::None {}) {
            return Err(format!(
                "{place}.scan: it comes from {parent}, which cannot be listed, so it could never \
                 be read; name a kind that is listed"
            ));
        }
        if is_inside && !has_pages(next) {
            return Err(format!(
                "{place}.scan: {parent} has no pages of its own that it could come with; name the \
                 kind that has"
            ));
        }
        at = next;
    }
}

fn changes(rule: &KindRule, place: &str) -> Result<(), String> {
    let place = format!("{place}.changes");
    for (index, change) in rule.changes.iter().enumerate() {
        if rule.changes.iter().take(index).any(|earlier| earlier == change) {
            return Err(format!("{place}: a way occurs twice"));
        }
    }
    if !rule.changes.is_empty() && !has_pages(rule) {
        return Err(format!(
            "{place}: a kind without pages of its own cannot be asked for changes; take them out"
        ));
    }
    if rule.changes.contains(&ChangeRule::Queue) {
        return Err(format!("{place}: `queue` is reserved; this engine does not offer it"));
    }
    Ok(())
}

fn deletes(rule: &KindRule, place: &str) -> Result<(), String> {
    for (index, sign) in rule.deletes.iter().enumerate() {
        if rule.deletes.iter().take(index).any(|earlier| earlier == sign) {
            return Err(format!("{place}.deletes: a sign occurs twice"));
        }
    }
    if rule.deletes.contains(&DeleteSign::GoneOnFetch) && rule.ids_max == 0 {
        return Err(format!(
            "{place}.deletes: `gone-on-fetch` needs a fetch, and ids_max is 0; set it, or take the \
             sign out"
        ));
    }
    if rule.deletes.contains(&DeleteSign::GoneFromWalk) && !has_pages(rule) {
        return Err(format!(
            "{place}.deletes: `gone-from-walk` needs a list of its own; take the sign out"
        ));
    }
    if rule.absence_proves && !has_pages(rule) {
        return Err(format!(
            "{place}.absence_proves: a kind that is not listed is never walked whole; set it to \
             false"
        ));
    }
    Ok(())
}
