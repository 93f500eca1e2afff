//! Checks the texts of a manifest: plain text, and hosts in ASCII.
//!
//! A manifest is shown to people who decide about an adapter, by `inspect`, in errors and on pages
//! of hosts. So no text of it has a character that controls a terminal or is invisible, and a host
//! is written in its ASCII form, where a letter that looks like another one shows as `xn--…`.

use atsync_model::manifest::Manifest;
use atsync_model::plain;
use serde_json::Value;

/// Refuses a text that is not plain, in any member.
pub(super) fn are_plain(manifest: &Manifest) -> Result<(), String> {
    let all = serde_json::to_value(manifest)
        .map_err(|error| format!("the manifest cannot be read: {error}"))?;
    walk("", &all)
}

fn walk(place: &str, value: &Value) -> Result<(), String> {
    match value {
        Value::String(text) => is_plain(place, text),
        Value::Array(items) => items.iter().try_for_each(|item| walk(&format!("{place}[]"), item)),
        Value::Object(members) => members.iter().try_for_each(|(name, member)| {
            is_plain(&format!("{place}: the name of a member"), name)?;
            let place = if place.is_empty() { name.clone() } else { format!("{place}.{name}") };
            walk(&place, member)
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) => Ok(()),
    }
}

fn is_plain(place: &str, text: &str) -> Result<(), String> {
    match text.chars().find(|letter| !plain::is_plain(*letter)) {
        Some(letter) => Err(format!(
            "{place}: it has the character U+{:04X}, which steers a terminal or shows nothing; \
             leave it out",
            u32::from(letter)
        )),
        None => Ok(()),
    }
}

/// Refuses a host that is not written in ASCII, and names its ASCII form.
pub(super) fn host_is_ascii(place: &str, host: &str) -> Result<(), String> {
    if host.is_ascii() {
        return Ok(());
    }
    let bare = host.trim_start_matches('.');
    let ascii = url::Host::parse(bare).map_or_else(|_| "none".to_owned(), |host| host.to_string());
    Err(format!(
        "{place}: the host has letters beyond ASCII; write it in its ASCII form, which is {ascii}"
    ))
}
