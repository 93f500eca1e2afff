//! Webhooks: which exist, what fires them, and their deliveries.
//!
//! A webhook is one event, one endpoint and one signature token. [`events`] finds the events of a
//! write from its net effect, so a recruiter's change and a request fire the same ones; the queue
//! of atsync-sandbox holds the deliveries. The signature stands in the body and covers the token
//! and the time of the delivery, not its data. Bound: [`WEBHOOKS_MAX`] webhooks. Left out:
//! interviews, which have no rows; a test may fire their events by hand.

mod events;
mod requests;

use std::collections::BTreeMap;

use atsync_sandbox::Touched;
use atsync_sandbox::webhooks::{
    Fired, HookAttempt, HookCopies, HookDelivery, HookRequest, Leaving, Part, Place, Queue,
    Schedule, Signing,
};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::ids::{token, uuid};
use crate::model::Model;
use crate::quirks::HookQuirks;
use crate::refusal::Refusal;

/// Every event that a webhook may be for.
pub const WEBHOOK_EVENTS: [&str; 10] = [
    "applicationCreated",
    "candidateHired",
    "candidateStageChange",
    "candidateArchiveChange",
    "candidateDeleted",
    "interviewCreated",
    "interviewUpdated",
    "interviewDeleted",
    "contactCreated",
    "contactUpdated",
];

/// The most webhooks. The real limit is unknown.
const WEBHOOKS_MAX: usize = 200;
/// The waits between attempts. Lever publishes neither count nor spacing; five are said to be.
const SCHEDULE: Schedule = Schedule {
    waits_ms: &[60_000, 300_000, 1_800_000, 7_200_000],
    accepts: |status| (200..300).contains(&status),
};
/// The attempts of a delivery.
const ATTEMPTS: u32 = 5;
/// The signature.
const SIGNING: Signing = Signing {
    message: &[Part::Member("token"), Part::Member("triggeredAt")],
    prefix: "",
    place: Place::Member("signature"),
};

/// Webhooks as an admin makes them in the settings: one per event.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewWebhook {
    /// The endpoint.
    pub url: String,
    /// The signature token; the sandbox makes one if it is not given.
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
    conditions: Value,
    secret: String,
    created_ms: i64,
    updated_ms: i64,
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

    /// Lists the webhooks as the API shows them: without signature tokens.
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
            event_named(name).ok_or_else(|| Refusal::bad(format!("there is no event \"{name}\"")))
        });
        let mut events = named.collect::<Result<Vec<&'static str>, Refusal>>()?;
        if events.is_empty() {
            events = WEBHOOK_EVENTS.to_vec();
        }
        let mut ids = Vec::new();
        for event in events {
            let made = self.add(event, &new.url, json!({}), new.secret.clone(), quirks, now_ms)?;
            ids.push(made.id);
        }
        Ok(ids)
    }

    fn add(
        &mut self,
        event: &'static str,
        url: &str,
        conditions: Value,
        secret: Option<String>,
        quirks: &HookQuirks,
        now_ms: i64,
    ) -> Result<Webhook, Refusal> {
        check_url(url, quirks)?;
        if self.all.len() >= WEBHOOKS_MAX {
            return Err(Refusal::bad("there are too many webhooks"));
        }
        let number = self.next;
        self.next = number.saturating_add(1);
        let webhook = Webhook {
            id: uuid(self.seed, "webhooks", number.unsigned_abs()),
            event,
            url: url.to_owned(),
            conditions,
            secret: secret
                .unwrap_or_else(|| token(self.seed, "signature token", number.unsigned_abs())),
            created_ms: now_ms,
            updated_ms: now_ms,
        };
        self.all.insert(number, webhook.clone());
        Ok(webhook)
    }

    fn number(&self, id: &str) -> Option<i64> {
        self.all.iter().find(|(_, webhook)| webhook.id == id).map(|(number, _)| *number)
    }

    /// Whether a webhook exists.
    pub(crate) fn has(&self, id: &str) -> bool {
        self.number(id).is_some()
    }

    /// Removes a webhook. Returns whether it existed.
    pub(crate) fn remove(&mut self, id: &str) -> bool {
        let Some(number) = self.number(id) else { return false };
        self.queue.drop_of(number);
        self.all.remove(&number).is_some()
    }

    /// Fires the events of a write.
    pub(crate) fn announce(&mut self, model: &Model, touched: &[Touched], quirks: &HookQuirks) {
        if self.all.is_empty() {
            return;
        }
        for event in events::of(model, touched) {
            self.fire(&event, quirks, model.now_ms());
        }
    }

    /// Fires an event with a payload of the caller's.
    pub(crate) fn fire_named(
        &mut self,
        name: &str,
        payload: Value,
        quirks: &HookQuirks,
        now_ms: i64,
    ) -> Result<(), String> {
        let action = event_named(name).ok_or_else(|| format!("there is no event `{name}`"))?;
        self.fire(&events::Event { action, data: payload, origin: None }, quirks, now_ms);
        Ok(())
    }

    fn fire(&mut self, event: &events::Event, quirks: &HookQuirks, now_ms: i64) {
        let origin_fits = |webhook: &Webhook| {
            let origins = webhook.conditions.get("origins").and_then(Value::as_array);
            match (origins, &event.origin) {
                (Some(origins), Some(origin)) => origins.iter().any(|one| one == origin.as_str()),
                _ => true,
            }
        };
        let is_for = |webhook: &Webhook| webhook.event == event.action && origin_fits(webhook);
        let to: Vec<i64> =
            self.all.iter().filter(|(_, one)| is_for(one)).map(|(number, _)| *number).collect();
        for number in to {
            let fired = self.fired(number, event, quirks, now_ms);
            match quirks.copies {
                HookCopies::One => {}
                HookCopies::SameId => self.queue.push(fired.clone()),
                HookCopies::AnotherId => {
                    let another = self.fired(number, event, quirks, now_ms);
                    self.queue.push(another);
                }
            }
            self.queue.push(fired);
        }
    }

    fn fired(
        &mut self,
        number: i64,
        event: &events::Event,
        quirks: &HookQuirks,
        now_ms: i64,
    ) -> Fired {
        self.serial = self.serial.saturating_add(1);
        let event_id = uuid(self.seed, "deliveries", self.serial);
        let token = token(self.seed, "deliveries", self.serial);
        let body = json!({"id": event_id, "event": event.action, "triggeredAt": now_ms,
            "token": token, "data": event.data});
        Fired {
            webhook_id: number,
            action: event.action,
            event_id,
            body: body.to_string().into_bytes(),
            due_ms: now_ms.saturating_add(quirks.delay_ms),
        }
    }

    /// Takes the next attempt that is due.
    pub(crate) fn next(&mut self, quirks: &HookQuirks, now_ms: i64) -> Option<HookRequest> {
        let Leaving { delivery, body } = self.queue.next(now_ms, quirks.order)?;
        // A delivery ends with its webhook.
        let webhook = self.all.get(&delivery.webhook_id)?;
        let (body, _) = SIGNING.sign(&webhook.secret, body);
        let headers = vec![("Content-Type".to_owned(), "application/json".to_owned())];
        Some(HookRequest { number: delivery.number, url: webhook.url.clone(), headers, body })
    }

    /// Takes the answer to an attempt: its status, or none without one.
    pub(crate) fn answered(&mut self, number: u64, status: Option<u16>, now_ms: i64) {
        self.queue.answered(number, HookAttempt { at_ms: now_ms, status }, ATTEMPTS);
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
        _ => Err(Refusal::bad("\"url\" must be an https URL")),
    }
}

/// Shows a webhook. Only the answer to its creation has the signature token.
fn shown(webhook: &Webhook, with_secret: bool) -> Value {
    let mut configuration = json!({"conditions": webhook.conditions});
    if let (true, Some(map)) = (with_secret, configuration.as_object_mut()) {
        map.insert("signatureToken".to_owned(), json!(webhook.secret));
    }
    json!({"id": webhook.id, "event": webhook.event, "url": webhook.url,
        "configuration": configuration, "createdAt": webhook.created_ms,
        "updatedAt": webhook.updated_ms})
}
