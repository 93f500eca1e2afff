//! A test's access to the sandbox besides its API: its records, the logs of writes and requests,
//! and handles that change its behaviour while it runs.

use atsync_sandbox::webhooks::HookDelivery;
use atsync_sandbox::{Fault, Logged, Write};
use serde_json::Value;

use crate::access::Access;
use crate::model::COLLECTIONS;
use crate::quirks::Quirks;
use crate::sandbox::{Sandbox, State, bucket};
use crate::webhooks::NewWebhook;

impl State {
    fn shown(&self, collection: &str, id: &str) -> Option<Value> {
        Some(self.model.show(collection, self.model.get(collection, id)?, self.quirks.nulls))
    }
}

impl Sandbox {
    /// Adds a fault; the first rule that is due wins.
    pub fn add_fault(&self, fault: Fault) {
        self.lock().front.faults.rules.push(fault);
    }

    /// Removes every fault.
    pub fn clear_faults(&self) {
        self.lock().front.faults.rules.clear();
    }

    /// Returns the faults, each with its remaining counts.
    #[must_use]
    pub fn faults(&self) -> Vec<Fault> {
        self.lock().front.faults.rules.clone()
    }

    /// Changes switches, from the next request on.
    pub fn set_quirks(&self, change: impl FnOnce(&mut Quirks)) {
        change(&mut self.lock().quirks);
    }

    /// Returns the switches.
    #[must_use]
    pub fn quirks(&self) -> Quirks {
        self.lock().quirks.clone()
    }

    /// Changes what the key may do, from the next request on.
    pub fn set_access(&self, change: impl FnOnce(&mut Access)) {
        change(&mut self.lock().access);
    }

    /// Returns what the key may do.
    #[must_use]
    pub fn access(&self) -> Access {
        self.lock().access.clone()
    }

    /// Sets the sustained rate in requests per second; the bucket is full.
    pub fn set_rate_limit(&self, per_second: u32) {
        self.lock().bucket = bucket(per_second);
    }

    /// Advances the sandbox's time, relative to its clock.
    pub fn advance_ms(&self, by_ms: i64) {
        let mut state = self.lock();
        state.clock_offset_ms = state.clock_offset_ms.saturating_add(by_ms);
        drop(state);
        self.signals().wake();
    }

    /// Returns the sandbox's time.
    #[must_use]
    pub fn now_ms(&self) -> i64 {
        self.lock().model.now_ms()
    }

    /// Makes webhooks as an admin does, and pings each. Returns their ids.
    ///
    /// # Errors
    /// The reason, in the API's wording.
    pub fn add_webhook(&self, new: &NewWebhook) -> Result<Vec<String>, String> {
        let mut state = self.lock();
        let now_ms = state.model.now_ms();
        let state_ref = &mut *state;
        let made = state_ref.hooks.add_all(new, &state_ref.quirks.webhooks, now_ms);
        drop(state);
        self.signals().wake();
        made.map_err(|refusal| refusal.text())
    }

    /// Enables a webhook, as an admin does. Returns whether it exists.
    #[must_use]
    pub fn enable_webhook(&self, id: &str) -> bool {
        self.lock().hooks.enable(id)
    }

    /// Lists the deliveries of webhooks, in the order of their events.
    #[must_use]
    pub fn hook_deliveries(&self) -> Vec<HookDelivery> {
        self.lock().hooks.deliveries()
    }

    /// Fires an event with data of the caller's, true or not.
    ///
    /// # Errors
    /// When there is no such event.
    pub fn fire_webhook(&self, event: &str, data: Value) -> Result<(), String> {
        let mut state = self.lock();
        let now_ms = state.model.now_ms();
        let state_ref = &mut *state;
        let fired = state_ref.hooks.fire_named(event, data, &state_ref.quirks.webhooks, now_ms);
        drop(state);
        self.signals().wake();
        fired
    }

    /// Counts the records of every collection.
    #[must_use]
    pub fn counts(&self) -> Vec<(&'static str, usize)> {
        let state = self.lock();
        COLLECTIONS.iter().map(|name| (*name, state.model.documents.count(name))).collect()
    }

    /// Counts the records of a collection, hidden ones included.
    #[must_use]
    pub fn count(&self, collection: &str) -> usize {
        self.lock().model.documents.count(collection)
    }

    /// Returns one record as the API would show it, hidden or not.
    #[must_use]
    pub fn row(&self, collection: &str, id: &str) -> Option<Value> {
        self.lock().shown(collection, id)
    }

    /// Returns every record of a collection, by id. Meant for small ones.
    #[must_use]
    pub fn rows(&self, collection: &str) -> Vec<Value> {
        let state = self.lock();
        let all = state.model.documents.all(collection);
        all.map(|one| state.model.show(collection, one, state.quirks.nulls)).collect()
    }

    /// Returns the records of a collection with a text in a member.
    #[must_use]
    pub fn rows_where(&self, collection: &str, member: &str, value: &str) -> Vec<Value> {
        // Notes do not name their candidate in an answer.
        let member = if member == "candidate_id" { "_candidate" } else { member };
        let state = self.lock();
        let ids = state.model.find(collection, member, value);
        ids.iter().filter_map(|id| state.shown(collection, id)).collect()
    }

    /// Returns the candidates with an e-mail address, compared without case.
    #[must_use]
    pub fn candidates_by_email(&self, email: &str) -> Vec<Value> {
        let state = self.lock();
        let ids = state.model.with_email(email);
        ids.iter().filter_map(|id| state.shown("candidates", id)).collect()
    }

    /// Returns the log of writes since the start, or since it was cleared.
    #[must_use]
    pub fn writes(&self) -> Vec<Write<String>> {
        self.lock().model.documents.writes.list()
    }

    /// Counts the records of a collection that were created since the start, or since the log was
    /// cleared.
    #[must_use]
    pub fn creates(&self, collection: &str) -> usize {
        self.lock().model.documents.writes.creates(collection)
    }

    /// Returns the log of requests, control calls excepted.
    #[must_use]
    pub fn requests(&self) -> Vec<Logged> {
        self.lock().front.requests.list()
    }

    /// Clears both logs.
    pub fn clear_logs(&self) {
        let mut state = self.lock();
        state.front.requests.clear();
        state.model.documents.writes.clear();
    }
}
