//! One webhook, and the checks of its parameters.

use atsync_sandbox::format_ms;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::refusal::Refusal;

/// Every event that a webhook may be for: the enum of openapi-v3.json.
pub const WEBHOOK_EVENTS: [&str; 29] = [
    "application_updated",
    "candidate_anonymized",
    "candidate_stage_change",
    "delete_application",
    "delete_candidate",
    "department_deleted",
    "hire_candidate",
    "interview_deleted",
    "job_approved",
    "job_created",
    "job_deleted",
    "job_interview_stage_deleted",
    "job_post_created",
    "job_post_deleted",
    "job_post_updated",
    "job_updated",
    "merge_candidate",
    "new_candidate_application",
    "new_prospect_application",
    "offer_approved",
    "offer_created",
    "offer_deleted",
    "offer_updated",
    "office_deleted",
    "reject_candidate",
    "scorecard_deleted",
    "unhire_candidate",
    "unreject_candidate",
    "update_candidate",
];

/// The attempts of a webhook that does not say (webhooks.md §1).
pub(super) const ATTEMPTS: u32 = 7;
/// Headers that a customer cannot set.
const RESERVED: [&str; 6] = [
    "content-type",
    "content-length",
    "greenhouse-event-id",
    "authorization",
    "user-agent",
    "signature",
];

/// The most characters of a name and of an endpoint. The document states none; 255 is what it
/// states for other short texts.
const CHARS_MAX: usize = 255;

/// Webhooks as an admin makes them in the Dev Center: one per event, with one endpoint and secret.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewWebhook {
    /// The endpoint.
    pub url: String,
    /// The secret that signs the deliveries.
    pub secret: String,
    /// The events; all if none is named.
    #[serde(default)]
    pub events: Vec<String>,
    /// The name.
    #[serde(default = "name")]
    pub name: String,
}

impl NewWebhook {
    /// Makes webhooks for every event.
    #[must_use]
    pub fn new(url: &str, secret: &str) -> Self {
        Self { url: url.to_owned(), secret: secret.to_owned(), events: Vec::new(), name: name() }
    }
}

fn name() -> String {
    "Sandbox webhook".to_owned()
}

/// One webhook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Webhook {
    pub(super) id: i64,
    pub(super) name: String,
    pub(super) endpoint_url: String,
    pub(super) event: &'static str,
    pub(super) secret: String,
    pub(super) basic_user: Option<String>,
    pub(super) basic_password: Option<String>,
    /// Lines of `Name: value`.
    pub(super) additional_headers: Option<String>,
    pub(super) error_recipient: Option<String>,
    pub(super) max_attempts: u32,
    pub(super) deactivated: bool,
    pub(super) last_delivered_ms: Option<i64>,
    pub(super) created_ms: i64,
    pub(super) updated_ms: i64,
}

impl Webhook {
    /// Makes a webhook without the optional parts.
    pub(super) fn new(name: &str, url: &str, secret: &str, event: &'static str) -> Self {
        Self {
            id: 0,
            name: name.to_owned(),
            endpoint_url: url.to_owned(),
            event,
            secret: secret.to_owned(),
            basic_user: None,
            basic_password: None,
            additional_headers: None,
            error_recipient: None,
            max_attempts: ATTEMPTS,
            deactivated: false,
            last_delivered_ms: None,
            created_ms: 0,
            updated_ms: 0,
        }
    }

    /// Returns the webhook as the API shows it: without secret and password.
    pub(super) fn shown(&self) -> Value {
        json!({
            "id": self.id,
            "name": self.name,
            "endpoint_url": self.endpoint_url,
            "event_action_type": self.event,
            "max_attempts": self.max_attempts,
            "additional_headers": self.additional_headers,
            "error_recipient_email": self.error_recipient,
            "deactivated": self.deactivated,
            "last_delivered": self.last_delivered_ms.map(format_ms),
            "created_at": format_ms(self.created_ms),
            "updated_at": format_ms(self.updated_ms),
        })
    }

    /// Lists the additional headers.
    pub(super) fn headers(&self) -> impl Iterator<Item = (&str, &str)> {
        let lines = self.additional_headers.as_deref().unwrap_or_default().lines();
        lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.trim(), value.trim()))
    }

    /// Refuses parameters that Greenhouse refuses.
    pub(super) fn check(&self, https_only: bool) -> Result<(), Refusal> {
        let scheme = self.endpoint_url.split_once("://").map(|(scheme, _)| scheme);
        match scheme {
            Some("https") => {}
            Some("http") if !https_only => {}
            _ => return Err(Refusal::invalid("endpoint_url", "must be an https URL")),
        }
        for (name, text) in [("name", &self.name), ("endpoint_url", &self.endpoint_url)] {
            if text.chars().count() > CHARS_MAX {
                return Err(Refusal::invalid(name, "is too long (maximum is 255 characters)"));
            }
        }
        if self.secret.trim().is_empty() {
            return Err(Refusal::invalid("secret_key", "can't be blank"));
        }
        let reserved = |(name, _): (&str, &str)| RESERVED.contains(&&*name.to_ascii_lowercase());
        let lines = self.additional_headers.as_deref().unwrap_or_default().lines();
        if self.headers().any(reserved)
            || lines.filter(|line| !line.trim().is_empty()).any(|line| !line.contains(':'))
        {
            return Err(Refusal::invalid("additional_headers", "is invalid"));
        }
        Ok(())
    }
}

/// Returns the event of this name.
pub(super) fn event_named(name: &str) -> Option<&'static str> {
    WEBHOOK_EVENTS.into_iter().find(|event| *event == name)
}
