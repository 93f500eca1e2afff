//! The checks that every part of a manifest shares: known names, and texts.

use crate::adapter::limits::{NAME_BYTES_MAX, TEXT_BYTES_MAX};
use atsync_model::manifest::Manifest;
use serde_json::Value;
use std::collections::BTreeSet;

/// The longest time that a manifest may name: a year. A longer one is a wrong unit.
const SPAN_MS_MAX: u64 = 366 * 24 * 60 * 60 * 1000;

/// Names are keys: not empty, not long, not twice.
pub(super) fn unique<'a>(
    place: &str,
    names: impl Iterator<Item = &'a String>,
) -> Result<(), String> {
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

pub(super) fn known_origin(manifest: &Manifest, place: &str, name: &str) -> Result<(), String> {
    if manifest.origin(name).is_some() {
        return Ok(());
    }
    Err(format!("{place}: there is no origin {name}"))
}

pub(super) fn known_kind(manifest: &Manifest, place: &str, name: &str) -> Result<(), String> {
    if manifest.kind(name).is_some() {
        return Ok(());
    }
    Err(format!("{place}: there is no kind {name}"))
}

/// A kind that an operation, or a rule about values, may refer to: raw records are only read.
pub(super) fn written_kind(manifest: &Manifest, place: &str, name: &str) -> Result<(), String> {
    known_kind(manifest, place, name)?;
    if manifest.kind(name).is_some_and(|rule| rule.raw) {
        return Err(format!(
            "{place}: {name} is a raw kind, and raw records are only read; name a unified kind"
        ));
    }
    Ok(())
}

pub(super) fn known_permission(manifest: &Manifest, place: &str, id: &str) -> Result<(), String> {
    if manifest.permission(id).is_some() {
        return Ok(());
    }
    Err(format!("{place}: there is no permission {id}"))
}

pub(super) fn span(place: &str, span_ms: u64) -> Result<(), String> {
    if span_ms <= SPAN_MS_MAX {
        return Ok(());
    }
    Err(format!("{place}: {span_ms} ms is more than a year"))
}

/// A text for people.
pub(super) fn sentence(place: &str, text: &str) -> Result<(), String> {
    if text.len() <= TEXT_BYTES_MAX {
        return Ok(());
    }
    Err(format!("{place}: a text has {} bytes, of at most {TEXT_BYTES_MAX}", text.len()))
}

/// A setting that the manifest relies on: a connection can set only properties of the schema.
pub(super) fn known_setting<'m>(
    manifest: &'m Manifest,
    place: &str,
    setting: &str,
) -> Result<&'m Value, String> {
    let found =
        manifest.settings_schema.get("properties").and_then(|properties| properties.get(setting));
    found.ok_or_else(|| {
        format!(
            "{place}: settings_schema has no property {setting}, so no connection can set it; \
            add it there"
        )
    })
}
