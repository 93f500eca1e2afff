//! Webhooks as an admin sees them in the Dev Center, and their deliveries as a sender sees them.

use atsync_sandbox::webhooks::{HookSignals, HookSource};
use atsync_sandbox::{Answer, Request};
use serde_json::Value;

use super::events::Event;
use super::requests;
use super::webhook::{NewWebhook, WEBHOOK_EVENTS, Webhook, event_named};
use super::{HookDelivery, HookRequest};
use crate::refusal::Refusal;
use crate::sandbox::{Sandbox, State};

impl State {
    /// Answers a request to `/v3/webhooks`. The caller checks the scope.
    pub(crate) fn webhooks(
        &mut self,
        request: &Request<'_>,
        segments: &[&str],
    ) -> Result<Answer, Refusal> {
        let quirks = &self.quirks.webhooks;
        requests::serve(&mut self.hooks, quirks, self.model.now_ms, request, segments)
    }
}

impl Sandbox {
    /// Makes webhooks as an admin does: one for each event. Each gets a ping. Returns their ids.
    ///
    /// # Errors
    /// The reason, in the API's wording.
    pub fn add_webhook(&self, new: &NewWebhook) -> Result<Vec<i64>, String> {
        let named = new
            .events
            .iter()
            .map(|name| event_named(name).ok_or_else(|| format!("there is no event `{name}`")));
        let mut events = named.collect::<Result<Vec<&'static str>, String>>()?;
        if events.is_empty() {
            events = WEBHOOK_EVENTS.to_vec();
        }
        let mut guard = self.lock();
        let state = &mut *guard;
        let now_ms = state.model.now_ms;
        let mut ids = Vec::new();
        for event in events {
            let webhook = Webhook::new(&new.name, &new.url, &new.secret, event);
            let shown = state.hooks.add(webhook, &state.quirks.webhooks, now_ms);
            let shown = shown.map_err(|refusal| refusal.text())?;
            ids.extend(shown.get("id").and_then(Value::as_i64));
        }
        drop(guard);
        self.hook_signals().wake();
        Ok(ids)
    }

    /// Enables a webhook that a failed ping disabled; it gets another ping. Returns whether it
    /// exists.
    pub fn enable_webhook(&self, id: i64) -> bool {
        let mut state = self.lock();
        let now_ms = state.model.now_ms;
        let exists = state.hooks.enable(id, now_ms);
        drop(state);
        self.hook_signals().wake();
        exists
    }

    /// Removes a webhook with its waiting deliveries. Returns whether it existed.
    pub fn remove_webhook(&self, id: i64) -> bool {
        self.lock().hooks.remove(id)
    }

    /// Returns the webhooks as the API shows them, newest first.
    #[must_use]
    pub fn webhooks(&self) -> Vec<Value> {
        self.lock().hooks.list()
    }

    /// Fires an event with a payload of the caller's, true or not: what the sandbox never fires by
    /// itself, or what an attacker with the secret could send.
    ///
    /// # Errors
    /// When there is no such event.
    pub fn fire_webhook(&self, event: &str, payload: Value) -> Result<(), String> {
        let action = event_named(event).ok_or_else(|| format!("there is no event `{event}`"))?;
        let mut guard = self.lock();
        let state = &mut *guard;
        let event = Event { action, payload };
        state.hooks.fire(event, &state.quirks.webhooks, state.model.now_ms);
        drop(guard);
        self.hook_signals().wake();
        Ok(())
    }

    /// Takes the next delivery that is due, to send it and to report its answer by
    /// [`Sandbox::hook_answered`]. The server does so by itself.
    #[must_use]
    pub fn next_hook(&self) -> Option<HookRequest> {
        let mut guard = self.lock();
        let state = &mut *guard;
        state.hooks.next(&state.quirks.webhooks, state.model.now_ms)
    }

    /// Reports the answer to a delivery: its status, or none if there was no answer in time. Only
    /// 200 is a success.
    pub fn hook_answered(&self, number: u64, status: Option<u16>) {
        let mut state = self.lock();
        let now_ms = state.model.now_ms;
        state.hooks.answered(number, status, now_ms);
        drop(state);
        self.hook_signals().ended();
    }

    /// Returns the deliveries, pings included, in the order of their events.
    #[must_use]
    pub fn hook_deliveries(&self) -> Vec<HookDelivery> {
        self.lock().hooks.deliveries()
    }

    /// How many deliveries were accepted, without a copy of them: for a test that looks often.
    #[must_use]
    pub fn hooks_delivered(&self) -> usize {
        self.lock().hooks.queue.delivered()
    }

    /// Whether an attempt is due or under way.
    #[must_use]
    pub fn is_hook_due(&self) -> bool {
        let state = self.lock();
        state.hooks.queue.is_due(state.model.now_ms)
    }
}

impl HookSource for Sandbox {
    fn hook_signals(&self) -> &HookSignals {
        Sandbox::hook_signals(self)
    }

    fn next_hook(&self) -> Option<HookRequest> {
        Sandbox::next_hook(self)
    }

    fn hook_answered(&self, number: u64, status: Option<u16>) {
        Sandbox::hook_answered(self, number, status);
    }

    fn is_hook_due(&self) -> bool {
        Sandbox::is_hook_due(self)
    }

    fn is_hook_waiting(&self) -> bool {
        self.lock().hooks.queue.is_waiting()
    }
}
