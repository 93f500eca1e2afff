//! Webhooks: which exist, what fires them, and their deliveries.
//!
//! A webhook is one event, one URL and one secret of its owner's choice. It is made by an admin or
//! by `webhook.create`; each creation and change sends a `ping`, and a ping that is not accepted
//! disables it. [`events`] finds the events of a write from its net effect, so a recruiter's change
//! and a request fire the same ones. A delivery says neither when it was sent nor which one it is.
//!
//! Bound: [`WEBHOOKS_MAX`] webhooks. Left out: events without rows here (transitions of plans,
//! requests for signatures, pushes to an HRIS), which a test fires by hand.

mod events;

use std::collections::BTreeMap;

use atsync_sandbox::Touched;
use atsync_sandbox::webhooks::{
    Fired, HookAttempt, HookCopies, HookDelivery, HookRequest, HookState, Leaving, PING, Part,
    Place, Queue, Schedule, Signing,
};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::ids::uuid;
use crate::model::Model;
use crate::quirks::HookQuirks;
use crate::refusal::Refusal;

/// Every event that a webhook may be for.
pub const WEBHOOK_EVENTS: [&str; 21] = [
    "applicationSubmit",
    "applicationUpdate",
    "candidateHire",
    "candidateStageChange",
    "candidateDelete",
    "candidateMerge",
    "interviewPlanTransition",
    "interviewScheduleCreate",
    "interviewScheduleUpdate",
    "jobCreate",
    "jobUpdate",
    "jobPostingUpdate",
    "jobPostingPublish",
    "jobPostingUnpublish",
    "offerCreate",
    "offerUpdate",
    "offerDelete",
    "openingCreate",
    "pushToHRIS",
    "signatureRequestUpdate",
    "surveySubmit",
];

/// The most webhooks. The real limit is unknown.
const WEBHOOKS_MAX: usize = 200;
/// The waits before the second to the tenth attempt: (2ⁿ − 1) × 10 s.
const SCHEDULE: Schedule = Schedule {
    waits_ms: &[10_000, 30_000, 70_000, 150_000, 310_000, 630_000, 1_270_000, 2_550_000, 5_110_000],
    accepts: |status| (200..300).contains(&status),
};
/// The attempts of a delivery.
const ATTEMPTS: u32 = 10;
/// Answers after which no further attempt follows.
const FINAL: [u16; 5] = [401, 403, 404, 405, 410];
/// The signature.
const SIGNING: Signing =
    Signing { message: &[Part::Body], prefix: "sha256=", place: Place::Header("Ashby-Signature") };

/// Webhooks as an admin makes them on the screens: one per event.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewWebhook {
    /// The endpoint.
    pub url: String,
    /// The secret.
    #[serde(default)]
    pub secret: Option<String>,
    /// The events; all if none is named.
    #[serde(default)]
    pub events: Vec<String>,
}

/// One webhook.
#[derive(Debug, Clone, PartialEq)]
struct Webhook {
    id: String,
    event: &'static str,
    url: String,
    secret: String,
    enabled: bool,
}

/// Returns the event of this name.
fn event_named(name: &str) -> Option<&'static str> {
    WEBHOOK_EVENTS.into_iter().find(|event| *event == name)
}

/// Every webhook, with its deliveries.
#[derive(Debug)]
pub(crate) struct Webhooks {
    all: BTreeMap<i64, Webhook>,
    queue: Queue,
    seed: u64,
    serial: u64,
    next: i64,
}

impl Webhooks {
    pub(crate) fn new(seed: u64) -> Self {
        Self { all: BTreeMap::new(), queue: Queue::new(SCHEDULE), seed, serial: 0, next: 1 }
    }

    /// Lists the webhooks as `webhook.info` shows each.
    pub(crate) fn list(&self) -> Vec<Value> {
        self.all.values().map(|webhook| shown(webhook, false)).collect()
    }

    /// Makes webhooks as an admin does. Returns their ids.
    pub(crate) fn add_all(
        &mut self,
        new: &NewWebhook,
        quirks: &HookQuirks,
        now_ms: i64,
    ) -> Result<Vec<String>, Refusal> {
        let named = new.events.iter().map(|name| {
            event_named(name).ok_or_else(|| Refusal::input(format!("there is no event `{name}`")))
        });
        let mut events = named.collect::<Result<Vec<&'static str>, Refusal>>()?;
        if events.is_empty() {
            events = WEBHOOK_EVENTS.to_vec();
        }
        let secret = new.secret.clone().unwrap_or_else(|| "sandbox-secret".to_owned());
        let mut ids = Vec::new();
        for event in events {
            let number = self.add(event, &new.url, &secret, quirks, now_ms)?;
            ids.extend(self.all.get(&number).map(|made| made.id.clone()));
        }
        Ok(ids)
    }

    fn add(
        &mut self,
        event: &'static str,
        url: &str,
        secret: &str,
        quirks: &HookQuirks,
        now_ms: i64,
    ) -> Result<i64, Refusal> {
        check_url(url, quirks)?;
        if self.all.len() >= WEBHOOKS_MAX {
            return Err(Refusal::input("there are too many webhooks"));
        }
        let number = self.next;
        self.next = number.saturating_add(1);
        let id = uuid(self.seed, "webhooks", number.unsigned_abs());
        let (url, secret) = (url.to_owned(), secret.to_owned());
        self.all.insert(number, Webhook { id, event, url, secret, enabled: true });
        self.ping(number, now_ms);
        Ok(number)
    }

    fn ping(&mut self, number: i64, now_ms: i64) {
        let body = json!({"action": PING, "data": {"webhookActionType": PING}});
        let fired = self.fired(number, PING, &body, now_ms);
        self.queue.push(fired);
    }

    fn number(&self, id: &str) -> Option<i64> {
        self.all.iter().find(|(_, webhook)| webhook.id == id).map(|(number, _)| *number)
    }

    /// Enables a webhook. Returns whether it exists.
    pub(crate) fn enable(&mut self, id: &str) -> bool {
        let number = self.number(id);
        match number.and_then(|number| self.all.get_mut(&number)) {
            Some(held) => {
                held.enabled = true;
                true
            }
            None => false,
        }
    }

    /// Removes a webhook. Returns whether it existed.
    pub(crate) fn remove(&mut self, id: &str) -> bool {
        let Some(number) = self.number(id) else { return false };
        self.queue.drop_of(number);
        self.all.remove(&number).is_some()
    }

    /// Answers `webhook.create`, `webhook.info`, `webhook.update` and `webhook.delete`, whose body
    /// fits its form.
    pub(crate) fn serve(
        &mut self,
        path: &str,
        body: &Map<String, Value>,
        quirks: &HookQuirks,
        now_ms: i64,
    ) -> Result<Value, Refusal> {
        let text = |name: &str| body.get(name).and_then(Value::as_str);
        if path == "webhook.create" {
            let event = text("webhookType").and_then(event_named);
            let event = event.ok_or_else(|| Refusal::input("webhookType is not valid"))?;
            let (url, secret) = (text("requestUrl"), text("secretToken"));
            let (Some(url), Some(secret)) = (url, secret) else {
                return Err(Refusal::input("requestUrl and secretToken must be strings"));
            };
            let number = self.add(event, url, secret, quirks, now_ms)?;
            return Ok(self.all.get(&number).map(|made| shown(made, true)).unwrap_or_default());
        }
        let id = text("webhookId").unwrap_or_default();
        let number = self.number(id).ok_or_else(|| Refusal::code("webhook_not_found"))?;
        match path {
            "webhook.delete" => {
                self.remove(id);
                Ok(json!({ "webhookId": id }))
            }
            "webhook.update" => {
                if let Some(url) = text("requestUrl") {
                    check_url(url, quirks)?;
                }
                if let Some(held) = self.all.get_mut(&number) {
                    held.url = text("requestUrl").map_or_else(|| held.url.clone(), str::to_owned);
                    let secret = text("secretToken").map(str::to_owned);
                    held.secret = secret.unwrap_or_else(|| held.secret.clone());
                    let enabled = body.get("enabled").and_then(Value::as_bool);
                    held.enabled = enabled.unwrap_or(held.enabled);
                }
                self.ping(number, now_ms);
                Ok(self.all.get(&number).map(|held| shown(held, true)).unwrap_or_default())
            }
            _ => Ok(self.all.get(&number).map(|held| shown(held, false)).unwrap_or_default()),
        }
    }

    /// Fires the events of a write.
    pub(crate) fn announce(
        &mut self,
        model: &Model,
        touched: &[Touched],
        merged: &[(String, String)],
        nulls: bool,
        quirks: &HookQuirks,
    ) {
        if self.all.is_empty() {
            return;
        }
        for event in events::of(model, touched, merged, nulls) {
            self.fire(&event, quirks, model.now_ms());
        }
    }

    /// Fires an event with data of the caller's.
    pub(crate) fn fire_named(
        &mut self,
        name: &str,
        data: Value,
        quirks: &HookQuirks,
        now_ms: i64,
    ) -> Result<(), String> {
        let action = event_named(name).ok_or_else(|| format!("there is no event `{name}`"))?;
        self.fire(&events::Event { action, data }, quirks, now_ms);
        Ok(())
    }

    fn fire(&mut self, event: &events::Event, quirks: &HookQuirks, now_ms: i64) {
        let is_for = |one: &Webhook| one.enabled && one.event == event.action;
        let to: Vec<i64> =
            self.all.iter().filter(|(_, one)| is_for(one)).map(|(number, _)| *number).collect();
        let body = json!({"action": event.action, "data": event.data});
        let due_ms = now_ms.saturating_add(quirks.delay_ms);
        for number in to {
            let copies = if quirks.copies == HookCopies::One { 1 } else { 2 };
            for _ in 0..copies {
                let fired = self.fired(number, event.action, &body, due_ms);
                self.queue.push(fired);
            }
        }
    }

    fn fired(&mut self, number: i64, action: &'static str, body: &Value, due_ms: i64) -> Fired {
        self.serial = self.serial.saturating_add(1);
        let event_id = uuid(self.seed, "deliveries", self.serial);
        let body = body.to_string().into_bytes();
        Fired { webhook_id: number, action, event_id, body, due_ms }
    }

    /// Takes the next attempt that is due.
    pub(crate) fn next(&mut self, quirks: &HookQuirks, now_ms: i64) -> Option<HookRequest> {
        let Leaving { delivery, body } = self.queue.next(now_ms, quirks.order)?;
        // A delivery ends with its webhook.
        let webhook = self.all.get(&delivery.webhook_id)?;
        let (body, signature) = SIGNING.sign(&webhook.secret, body);
        let mut headers = vec![("Content-Type".to_owned(), "application/json".to_owned())];
        headers.extend(signature);
        Some(HookRequest { number: delivery.number, url: webhook.url.clone(), headers, body })
    }

    /// Takes the answer to an attempt: its status, or none without one.
    pub(crate) fn answered(&mut self, number: u64, status: Option<u16>, now_ms: i64) {
        let is_final = status.is_some_and(|status| FINAL.contains(&status));
        let attempts = if is_final { 1 } else { ATTEMPTS };
        let attempt = HookAttempt { at_ms: now_ms, status };
        let Some(delivery) = self.queue.answered(number, attempt, attempts) else { return };
        if delivery.action == PING
            && delivery.state != HookState::Delivered
            && let Some(held) = self.all.get_mut(&delivery.webhook_id)
        {
            held.enabled = false;
            self.queue.drop_of(delivery.webhook_id);
        }
    }

    /// Lists the deliveries, in the order of their events.
    pub(crate) fn deliveries(&self) -> Vec<HookDelivery> {
        self.queue.list()
    }

    /// Whether an attempt is due or under way.
    pub(crate) fn is_due(&self, now_ms: i64) -> bool {
        self.queue.is_due(now_ms)
    }

    /// Whether a delivery waits.
    pub(crate) fn is_waiting(&self) -> bool {
        self.queue.is_waiting()
    }
}

fn check_url(url: &str, quirks: &HookQuirks) -> Result<(), Refusal> {
    match url.split_once("://").map(|(scheme, _)| scheme) {
        Some("https") => Ok(()),
        Some("http") if !quirks.https_only => Ok(()),
        _ => Err(Refusal::input("requestUrl must be an https URL")),
    }
}

/// Shows a webhook; the answers to its creation and change have the secret.
fn shown(webhook: &Webhook, with_secret: bool) -> Value {
    let mut shown = json!({"id": webhook.id, "enabled": webhook.enabled,
        "requestUrl": webhook.url, "webhookType": webhook.event});
    if let (true, Some(members)) = (with_secret, shown.as_object_mut()) {
        members.insert("secretToken".to_owned(), webhook.secret.as_str().into());
    }
    shown
}
