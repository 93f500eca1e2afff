//! Deliveries: what waits, when its next attempt is due, and what became of it.
//!
//! A delivery is attempted up to seven times, with the documented waits (webhooks.md §1); then its
//! event is lost. Each has its own next attempt, so a failing one delays no other, and the
//! order of arrival is not that of the events. A ping leaves before all events, once.
//! Bounds: [`WAITING_MAX`] waiting deliveries, beyond which events are lost at once, and
//! [`ENDED_MAX`] ended ones without their bodies.

use std::collections::{BTreeMap, VecDeque};

use serde::Serialize;

use crate::hook_quirks::HookOrder;

/// The waits between attempts.
const WAITS_MS: [i64; 6] = [60_000, 900_000, 3_600_000, 7_200_000, 14_400_000, 28_800_000];
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
    /// It was answered 200.
    Delivered,
    /// No attempt was answered 200, or too many deliveries waited.
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
    /// The webhook.
    pub webhook_id: i64,
    /// The event, or `ping`.
    pub action: &'static str,
    /// The `Greenhouse-Event-ID`.
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
pub(super) struct Fired {
    pub(super) webhook_id: i64,
    pub(super) action: &'static str,
    pub(super) event_id: String,
    pub(super) body: Vec<u8>,
    pub(super) due_ms: i64,
}

/// The event of a ping.
pub(super) const PING: &str = "ping";

/// An attempt that leaves.
pub(super) struct Leaving<'a> {
    pub(super) delivery: &'a HookDelivery,
    pub(super) body: &'a [u8],
}

/// Every delivery.
#[derive(Debug, Default)]
pub(super) struct Queue {
    serial: u64,
    waiting: BTreeMap<u64, Waiting>,
    ended: VecDeque<HookDelivery>,
}

impl Queue {
    /// Queues a delivery.
    pub(super) fn push(&mut self, fired: Fired) {
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
    pub(super) fn next(&mut self, now_ms: i64, order: HookOrder) -> Option<Leaving<'_>> {
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
    pub(super) fn answered(
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
        let state = match (attempt.status, WAITS_MS.get(made)) {
            (Some(200), _) => HookState::Delivered,
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
    pub(super) fn drop_of(&mut self, webhook_id: i64) {
        let of = self.waiting.values().filter(|held| held.delivery.webhook_id == webhook_id);
        let numbers: Vec<u64> = of.map(|held| held.delivery.number).collect();
        for number in numbers {
            if let Some(held) = self.waiting.remove(&number) {
                self.end(held.delivery, HookState::Dropped);
            }
        }
    }

    /// Returns the webhook of a waiting delivery.
    pub(super) fn webhook_of(&self, number: u64) -> Option<i64> {
        self.waiting.get(&number).map(|held| held.delivery.webhook_id)
    }

    /// Whether a delivery waits.
    pub(super) fn is_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Whether an attempt is due or in flight.
    pub(super) fn is_due(&self, now_ms: i64) -> bool {
        self.waiting.values().any(|held| held.in_flight || held.due_ms <= now_ms)
    }

    /// How many were delivered, of those that are kept.
    pub(super) fn delivered(&self) -> usize {
        self.ended.iter().filter(|delivery| delivery.state == HookState::Delivered).count()
    }

    /// Lists all, in the order of their events.
    pub(super) fn list(&self) -> Vec<HookDelivery> {
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
