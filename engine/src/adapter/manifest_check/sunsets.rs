//! Checks the announced ends of a manifest.
//!
//! A warning that names no real day, or leads nowhere, is of no use to the operator who reads it.
//! Bounds: [`SUNSETS_MAX`]. Left out: whether the vendor said so.

use super::basics::sentence;
use atsync_model::manifest::{Manifest, Sunset};
use url::Url;

/// Ends of one adapter. An ATS has a few versions of its API at a time.
const SUNSETS_MAX: usize = 20;

pub(super) fn check(manifest: &Manifest) -> Result<(), String> {
    let all = &manifest.sunsets;
    if all.len() > SUNSETS_MAX {
        return Err(format!("sunsets: there are more than {SUNSETS_MAX}"));
    }
    for (index, found) in all.iter().enumerate() {
        let what = found.api.as_deref().unwrap_or("all");
        let place = format!("sunsets[{what:.64}]");
        if all.iter().take(index).any(|earlier| earlier.api == found.api) {
            return Err(format!("{place}: it ends twice; leave the earlier day"));
        }
        one(found, &place)?;
    }
    Ok(())
}

fn one(found: &Sunset, place: &str) -> Result<(), String> {
    if let Some(api) = &found.api {
        said(&format!("{place}.api"), api)?;
    }
    if found.days_left(0).is_none() {
        return Err(format!(
            "{place}.last_day: {:.64?} is no day; write it as 2026-08-31",
            found.last_day
        ));
    }
    let announced_at = &found.announced_at;
    sentence(&format!("{place}.announced_at"), announced_at)?;
    let url = Url::parse(announced_at).ok().filter(|url| {
        url.scheme() == "https" && url.username().is_empty() && url.password().is_none()
    });
    if url.is_none() {
        return Err(format!(
            "{place}.announced_at: name the page of the announcement, a URL that begins with \
             https://"
        ));
    }
    said(&format!("{place}.instead"), &found.instead)
}

/// A text for people that is not empty.
fn said(place: &str, text: &str) -> Result<(), String> {
    sentence(place, text)?;
    if text.trim().is_empty() {
        return Err(format!("{place}: it says nothing; the warning shows it to the operator"));
    }
    Ok(())
}
