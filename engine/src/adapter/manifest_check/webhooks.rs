//! Checks the rule of the webhooks that an adapter registers.
//!
//! The secret of the webhooks goes where the credential goes, and nowhere else; that is checked for
//! each request, by the session. Bounds: [`EVENTS_MAX`], and for the URL those of a request. Left
//! out: whether the ATS has these events; it refuses one that it does not know.

use super::basics::{known_permission, sentence, unique};
use crate::adapter::limits::{NAME_BYTES_MAX, URL_BYTES_MAX};
use atsync_model::manifest::{Manifest, WebhookRule, WebhookSecret};

/// Events of one adapter, and so webhooks of one connection. An ATS has some dozens.
const EVENTS_MAX: usize = 200;
/// The shortest limit of a URL: a host's name, and a path that cannot be guessed.
const URL_BYTES_MIN: u32 = 100;

pub(super) fn check(manifest: &Manifest, rule: &WebhookRule) -> Result<(), String> {
    if rule.events.is_empty() || rule.events.len() > EVENTS_MAX {
        return Err(format!("webhooks.events: name 1 to {EVENTS_MAX} events"));
    }
    unique("webhooks.events", rule.events.iter())?;
    match &rule.secret {
        WebhookSecret::Given { member } if member.is_empty() || member.len() > NAME_BYTES_MAX => {
            return Err(format!(
                "webhooks.secret.member: it is empty or longer than {NAME_BYTES_MAX} bytes"
            ));
        }
        WebhookSecret::Given { .. } => {}
        WebhookSecret::Answered {} => {
            return Err("webhooks.secret.how: `answered` is reserved; this engine does not take \
                        secrets from answers"
                .into());
        }
    }
    for id in &rule.permissions {
        known_permission(manifest, "webhooks.permissions", id)?;
    }
    let bytes = usize::try_from(rule.url_bytes_max).unwrap_or(usize::MAX);
    if rule.url_bytes_max < URL_BYTES_MIN || bytes > URL_BYTES_MAX {
        return Err(format!("webhooks.url_bytes_max: it is {URL_BYTES_MIN} to {URL_BYTES_MAX}"));
    }
    sentence("webhooks.by_hand_at", &rule.by_hand_at)
}
