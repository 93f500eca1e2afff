//! Deliveries: what waits, when its next attempt is due, and what became of it.
//!
//! A delivery is attempted as often as its [`Schedule`] says; then its event is lost. Each has its
//! own next attempt, so a failing one delays no other, and the order of arrival is not that of the
//! events. A ping leaves before all events, once.
//! Bounds: [`WAITING_MAX`] waiting deliveries, beyond which events are lost at once, and
//! [`ENDED_MAX`] ended ones without their bodies.

use std::collections::{BTreeMap, VecDeque};

use serde::Serialize;

use super::quirks::HookOrder;

/// When an ATS attempts a delivery again, and what it takes for a success.
#[derive(Debug, Clone, Copy)]
pub struct Schedule {
    /// The waits between attempts.
    pub waits_ms: &'static [i64],
    /// Whether a status is a success.
    pub accepts: fn(u16) -> bool,
}

/// The most waiting deliveries.
const WAITING_MAX: usize = 4_096;
/// The most ended deliveries that are listed.
const ENDED_MAX: usize = 10_000;

/// One attempt to deliver a webhook, for its sender.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HookRequest {
    /// The delivery's number, by which its answer is reported.
    pub number: u64,
    /// The endpoint.
    pub url: String,
    /// The headers.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

/// What became of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum HookState {
    /// An attempt is due, now or later.
    Waiting,
    /// It was accepted.
    Delivered,
    /// No attempt was accepted, or too many deliveries waited.
    Lost,
    /// Its webhook was deactivated or deleted before.
    Dropped,
}

/// One attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct HookAttempt {
    /// The time at which it ended, in milliseconds since 1970.
    pub at_ms: i64,
    /// The status of the answer; none without an answer.
    pub status: Option<u16>,
}

/// A delivery, as a test sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HookDelivery {
    /// Its number, ascending in the order of events.
    pub number: u64,
    /// The webhook's number in the sandbox.
    pub webhook_id: i64,
    /// The event, or `ping`.
    pub action: &'static str,
    /// The id of the event, as far as the ATS sends one.
    pub event_id: String,
    /// The attempts so far.
    pub attempts: Vec<HookAttempt>,
    /// What became of it.
    pub state: HookState,
    /// When the next attempt is due, while it waits.
    pub due_ms: Option<i64>,
}

/// A waiting delivery.
#[derive(Debug, Clone)]
struct Waiting {
    delivery: HookDelivery,
    body: Vec<u8>,
    due_ms: i64,
    in_flight: bool,
}

/// A delivery to be queued.
#[derive(Debug, Clone)]
pub struct Fired {
    /// The webhook's number.
    pub webhook_id: i64,
    /// The event, or [`PING`].
    pub action: &'static str,
    /// The id of the event.
    pub event_id: String,
    /// The body, as it is sent.
    pub body: Vec<u8>,
    /// When the first attempt is due.
    pub due_ms: i64,
}

/// The event of a ping.
pub const PING: &str = "ping";

/// An attempt that leaves.
#[derive(Debug)]
pub struct Leaving<'a> {
    /// The delivery.
    pub delivery: &'a HookDelivery,
    /// Its body.
    pub body: &'a [u8],
}

/// Every delivery.
#[derive(Debug)]
pub struct Queue {
    schedule: Schedule,
    serial: u64,
    waiting: BTreeMap<u64, Waiting>,
    ended: VecDeque<HookDelivery>,
}

impl Queue {
    /// Makes an empty queue.
    #[must_use]
    pub fn new(schedule: Schedule) -> Self {
        Self { schedule, serial: 0, waiting: BTreeMap::new(), ended: VecDeque::new() }
    }

    /// Queues a delivery.
    pub fn push(&mut self, fired: Fired) {
        self.serial = self.serial.saturating_add(1);
        let delivery = HookDelivery {
            number: self.serial,
            webhook_id: fired.webhook_id,
            action: fired.action,
            event_id: fired.event_id,
            attempts: Vec::new(),
            state: HookState::Waiting,
            due_ms: Some(fired.due_ms),
        };
        if self.waiting.len() >= WAITING_MAX {
            self.end(delivery, HookState::Lost);
            return;
        }
        let waiting =
            Waiting { delivery, body: fired.body, due_ms: fired.due_ms, in_flight: false };
        self.waiting.insert(self.serial, waiting);
    }

    /// Takes the next attempt that is due; it is in flight until [`Queue::answered`].
    pub fn next(&mut self, now_ms: i64, order: HookOrder) -> Option<Leaving<'_>> {
        let due = self.waiting.values_mut().filter(|held| !held.in_flight && held.due_ms <= now_ms);
        let chosen = match order {
            HookOrder::InOrder => {
                due.min_by_key(|held| (!held.is_ping(), held.due_ms, held.delivery.number))
            }
            HookOrder::Reversed => due.max_by_key(|held| (held.is_ping(), held.delivery.number)),
        }?;
        chosen.in_flight = true;
        Some(Leaving { delivery: &chosen.delivery, body: &chosen.body })
    }

    /// Ends an attempt. Returns the delivery if it was in flight.
    pub fn answered(
        &mut self,
        number: u64,
        attempt: HookAttempt,
        attempts_max: u32,
    ) -> Option<HookDelivery> {
        let held = self.waiting.get_mut(&number).filter(|held| held.in_flight)?;
        held.in_flight = false;
        let made = held.delivery.attempts.len();
        held.delivery.attempts.push(attempt);
        let is_last = held.is_ping() || made.saturating_add(1) >= attempts_max as usize;
        let accepts = self.schedule.accepts;
        let state = match (attempt.status, self.schedule.waits_ms.get(made)) {
            (Some(status), _) if accepts(status) => HookState::Delivered,
            (_, Some(wait_ms)) if !is_last => {
                held.due_ms = attempt.at_ms.saturating_add(*wait_ms);
                held.delivery.due_ms = Some(held.due_ms);
                return Some(held.delivery.clone());
            }
            _ => HookState::Lost,
        };
        let delivery = self.waiting.remove(&number)?.delivery;
        Some(self.end(delivery, state))
    }

    /// Ends the deliveries of a webhook that waits no more.
    pub fn drop_of(&mut self, webhook_id: i64) {
        let of = self.waiting.values().filter(|held| held.delivery.webhook_id == webhook_id);
        let numbers: Vec<u64> = of.map(|held| held.delivery.number).collect();
        for number in numbers {
            if let Some(held) = self.waiting.remove(&number) {
                self.end(held.delivery, HookState::Dropped);
            }
        }
    }

    /// Returns the webhook of a waiting delivery.
    #[must_use]
    pub fn webhook_of(&self, number: u64) -> Option<i64> {
        self.waiting.get(&number).map(|held| held.delivery.webhook_id)
    }

    /// Whether a delivery waits.
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Whether an attempt is due or in flight.
    #[must_use]
    pub fn is_due(&self, now_ms: i64) -> bool {
        self.waiting.values().any(|held| held.in_flight || held.due_ms <= now_ms)
    }

    /// How many were delivered, of those that are kept.
    #[must_use]
    pub fn delivered(&self) -> usize {
        self.ended.iter().filter(|delivery| delivery.state == HookState::Delivered).count()
    }

    /// Lists all, in the order of their events.
    #[must_use]
    pub fn list(&self) -> Vec<HookDelivery> {
        let waiting = self.waiting.values().map(|held| &held.delivery);
        let mut all: Vec<HookDelivery> = self.ended.iter().chain(waiting).cloned().collect();
        all.sort_by_key(|delivery| delivery.number);
        all
    }

    fn end(&mut self, delivery: HookDelivery, state: HookState) -> HookDelivery {
        let delivery = HookDelivery { state, due_ms: None, ..delivery };
        if self.ended.len() >= ENDED_MAX {
            self.ended.pop_front();
        }
        self.ended.push_back(delivery.clone());
        delivery
    }
}

impl Waiting {
    fn is_ping(&self) -> bool {
        self.delivery.action == PING
    }
}
