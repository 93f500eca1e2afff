//! The webhooks of a company, and what happens to them: made, changed, fired, answered, disabled.
//!
//! Making or changing an active webhook sends a ping; a failed ping leaves it disabled until an
//! admin or the partner enables it again (webhooks.md §1). Bound: [`WEBHOOKS_MAX`] webhooks.

use std::collections::BTreeMap;

use atsync_sandbox::format_ms;
use atsync_sandbox::webhooks::{
    Fired, HookAttempt, HookDelivery, HookRequest, HookState, Leaving, PING, Queue, Schedule,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::events::{self, Event};
use super::sign;
use super::webhook::{ATTEMPTS, Webhook};
use crate::hook_quirks::{HookCopies, HookEventId, HookQuirks};
use crate::model::Model;
use crate::model::watch::Effects;
use crate::refusal::Refusal;

/// The most webhooks. The real limit is unknown; a webhook per event is 29.
const WEBHOOKS_MAX: usize = 200;
/// The first id, beyond 32 bits like those of other records.
const FIRST_ID: i64 = 4_001_693_002;

/// The waits between attempts, and the only status that is a success (webhooks.md §1).
const SCHEDULE: Schedule = Schedule {
    waits_ms: &[60_000, 900_000, 3_600_000, 7_200_000, 14_400_000, 28_800_000],
    accepts: |status| status == 200,
};

/// Every webhook, with its deliveries.
#[derive(Debug)]
pub(crate) struct Webhooks {
    all: BTreeMap<i64, Webhook>,
    pub(super) queue: Queue,
    next_id: i64,
    /// What event ids are made of, besides their number.
    seed: u64,
    serial: u64,
}

impl Webhooks {
    pub(crate) fn new(seed: u64) -> Self {
        let queue = Queue::new(SCHEDULE);
        Self { all: BTreeMap::new(), queue, next_id: FIRST_ID, seed, serial: 0 }
    }

    /// Whether there is any; without one, writes are not watched.
    pub(crate) fn any(&self) -> bool {
        !self.all.is_empty()
    }

    /// Lists the webhooks as the API shows them, newest first.
    pub(super) fn list(&self) -> Vec<Value> {
        self.all.values().rev().map(Webhook::shown).collect()
    }

    pub(super) fn get(&self, id: i64) -> Option<&Webhook> {
        self.all.get(&id)
    }

    /// Adds a webhook and sends its ping. Returns it as the API shows it.
    pub(super) fn add(
        &mut self,
        webhook: Webhook,
        quirks: &HookQuirks,
        now_ms: i64,
    ) -> Result<Value, Refusal> {
        webhook.check(quirks.https_only)?;
        if self.all.len() >= WEBHOOKS_MAX {
            return Err(Refusal::invalid("base", "there are too many webhooks"));
        }
        let id = self.next_id;
        self.next_id = id.saturating_add(1000);
        self.all.insert(id, Webhook { id, created_ms: now_ms, ..webhook });
        Ok(self.saved(id, now_ms))
    }

    /// Replaces a webhook of the same id.
    pub(super) fn replace(
        &mut self,
        webhook: Webhook,
        quirks: &HookQuirks,
        now_ms: i64,
    ) -> Result<Value, Refusal> {
        webhook.check(quirks.https_only)?;
        let id = webhook.id;
        self.all.insert(id, webhook);
        Ok(self.saved(id, now_ms))
    }

    /// Removes a webhook. Returns whether it existed.
    pub(super) fn remove(&mut self, id: i64) -> bool {
        self.queue.drop_of(id);
        self.all.remove(&id).is_some()
    }

    /// Enables a webhook that was disabled, as an admin does by hand. Returns whether it exists.
    pub(super) fn enable(&mut self, id: i64, now_ms: i64) -> bool {
        let Some(webhook) = self.all.get_mut(&id) else { return false };
        webhook.deactivated = false;
        self.saved(id, now_ms);
        true
    }

    /// Stamps a webhook, and sends its ping if it is active.
    fn saved(&mut self, id: i64, now_ms: i64) -> Value {
        let Some(webhook) = self.all.get_mut(&id) else { return Value::Null };
        webhook.updated_ms = now_ms;
        let shown = webhook.shown();
        if webhook.deactivated {
            self.queue.drop_of(id);
            return shown;
        }
        let payload = json!({
            "web_hook_id": id,
            "endpoint_url": webhook.endpoint_url,
            "created_at": format_ms(webhook.created_ms),
            "updated_at": format_ms(now_ms),
            "name": webhook.name,
            "event": webhook.event,
            "active": true,
            "content-type": "application/json",
        });
        let event_id = self.event_id();
        let body = sign::body(&json!({"action": PING, "payload": payload}));
        self.queue.push(Fired { webhook_id: id, action: PING, event_id, body, due_ms: now_ms });
        shown
    }

    /// Fires the events of a write.
    pub(crate) fn announce(&mut self, model: &Model, effects: Effects, quirks: &HookQuirks) {
        let fired = events::of(model, &effects, quirks, self.has_active("merge_candidate"));
        for event in fired {
            self.fire(event, quirks, model.now_ms);
        }
    }

    /// Whether an active webhook is for an event.
    fn has_active(&self, event: &str) -> bool {
        self.all.values().any(|webhook| webhook.event == event && !webhook.deactivated)
    }

    /// Queues an event for every active webhook that is for it.
    pub(super) fn fire(&mut self, event: Event, quirks: &HookQuirks, now_ms: i64) {
        let is_for = |webhook: &&Webhook| webhook.event == event.action && !webhook.deactivated;
        let to: Vec<i64> = self.all.values().filter(is_for).map(|webhook| webhook.id).collect();
        let mut envelope = json!({"action": event.action, "payload": event.payload});
        if let (true, Some(map)) = (quirks.organization, envelope.as_object_mut()) {
            map.insert("organization_id".to_owned(), json!(1_001));
            map.insert("organization_name".to_owned(), json!("Sandbox Industries"));
        }
        let body = sign::body(&envelope);
        for webhook_id in to {
            let event_id = self.event_id();
            let fired = Fired {
                webhook_id,
                action: event.action,
                event_id,
                body: body.clone(),
                due_ms: now_ms.saturating_add(quirks.delay_ms),
            };
            match quirks.copies {
                HookCopies::One => {}
                HookCopies::SameId => self.queue.push(fired.clone()),
                HookCopies::AnotherId => {
                    let event_id = self.event_id();
                    self.queue.push(Fired { event_id, ..fired.clone() });
                }
            }
            self.queue.push(fired);
        }
    }

    /// Takes the next attempt that is due.
    pub(super) fn next(&mut self, quirks: &HookQuirks, now_ms: i64) -> Option<HookRequest> {
        let Leaving { delivery, body } = self.queue.next(now_ms, quirks.order)?;
        // A delivery ends with its webhook.
        let webhook = self.all.get(&delivery.webhook_id)?;
        let event_id = match quirks.event_id {
            HookEventId::PerEvent => delivery.event_id.clone(),
            HookEventId::PerAttempt => {
                format!("{}-{}", delivery.event_id, delivery.attempts.len().saturating_add(1))
            }
        };
        let mut headers: Vec<(String, String)> =
            webhook.headers().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        if let Some(user) = &webhook.basic_user {
            let password = webhook.basic_password.as_deref().unwrap_or_default();
            let basic = STANDARD.encode(format!("{user}:{password}"));
            headers.push(("Authorization".to_owned(), format!("Basic {basic}")));
        }
        headers.extend([
            ("Content-Type".to_owned(), "application/json".to_owned()),
            ("Greenhouse-Event-ID".to_owned(), event_id),
        ]);
        let (body, signature) = sign::SIGNING.sign(&webhook.secret, body);
        headers.extend(signature);
        Some(HookRequest {
            number: delivery.number,
            url: webhook.endpoint_url.clone(),
            headers,
            body,
        })
    }

    /// Takes the answer to an attempt: its status, or none without one.
    pub(super) fn answered(&mut self, number: u64, status: Option<u16>, now_ms: i64) {
        let webhook = self.queue.webhook_of(number).and_then(|id| self.all.get_mut(&id));
        let Some(webhook) = webhook else { return };
        let attempts_max = webhook.max_attempts.min(ATTEMPTS);
        let attempt = HookAttempt { at_ms: now_ms, status };
        let Some(ended) = self.queue.answered(number, attempt, attempts_max) else { return };
        match ended.state {
            HookState::Delivered => webhook.last_delivered_ms = Some(now_ms),
            HookState::Lost if ended.action == PING => {
                webhook.deactivated = true;
                self.queue.drop_of(ended.webhook_id);
            }
            _ => {}
        }
    }

    /// Lists the deliveries, in the order of their events.
    pub(super) fn deliveries(&self) -> Vec<HookDelivery> {
        self.queue.list()
    }

    /// Makes an id that no other delivery has, and that a simulation repeats.
    fn event_id(&mut self) -> String {
        self.serial = self.serial.saturating_add(1);
        let digest = Sha256::digest(format!("event {} {}", self.seed, self.serial));
        digest.iter().take(12).map(|byte| format!("{byte:02x}")).collect()
    }
}
