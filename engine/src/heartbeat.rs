//! Heartbeats: whether each loop acts when it said that it would.
//!
//! A loop that hangs fails no call and logs nothing. So each loop that must make progress says when
//! it acts next ([`Heartbeat::acts_within`]), or that it waits for an event of no known time
//! ([`Heartbeat::rests`]). A loop is late when that moment is [`GRACE_MS`] ago. Nothing watches:
//! whoever asks ([`Heartbeats::loops`]) compares the clock with what the loops said. A loop that is
//! late and acts again is no longer late, and remembers when that was.
//!
//! The work of a loop is many calls deep, so its heartbeat is in scope of its task
//! ([`Heartbeat::scope`]), as a span is: each request and each call of the store says that the loop
//! works ([`works`]), and each wait of a known length says so ([`waits`]). A pull of hours is
//! therefore not late. A loop that goes round in circles is not late either: that is a failure of
//! another kind.
//!
//! Bounds: one entry for each loop that is alive. Left out: who is notified; a loop without an
//! entry, such as the ticker of the adapter runtime, whose failure shows as a late schedule.

use crate::clock::Clock;
use serde::Serialize;
use std::collections::BTreeMap;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How long after the moment that it named a loop counts as late. Longer than anything that a loop
/// awaits without a word: a refresh of tokens takes up to four exchanges of a minute, a call of an
/// adapter two seconds and the wait for a core.
pub(crate) const GRACE_MS: u64 = 5 * 60_000;

tokio::task_local! {
    static CURRENT: Heartbeat;
}

/// How a loop of an engine or of its host is; see [`Engine::loops`](crate::Engine::loops).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct LoopStatus {
    /// Its name: `schedule` and `writer` are the engine's, others are the host's.
    #[serde(rename = "loop")]
    pub name: &'static str,
    /// The connection that it works for; none if it works for all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connection: Option<String>,
    /// How long ago it last acted, in milliseconds; 0 while it waits for an event.
    pub age_ms: u64,
    /// Whether it did not act when it said that it would.
    pub is_late: bool,
    /// Since when it is late, or is not, in milliseconds since 1970.
    pub since_ms: u64,
}

/// What is known of one loop.
#[derive(Debug)]
struct Entry {
    name: &'static str,
    connection: Option<String>,
    said: Mutex<Said>,
}

/// What a loop said last.
#[derive(Clone, Copy, Debug)]
struct Said {
    /// When, in steady time.
    at_ms: u64,
    /// When it is late, in steady time and in wall time; none while it rests.
    late: Option<(u64, u64)>,
    /// When it began, or acted after it was late, in wall time.
    well_since_ms: u64,
}

impl Entry {
    fn said(&self) -> MutexGuard<'_, Said> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn status(&self, now_ms: u64) -> LoopStatus {
        let said = *self.said();
        let late = said.late.filter(|(late_ms, _)| now_ms > *late_ms);
        LoopStatus {
            name: self.name,
            connection: self.connection.clone(),
            age_ms: said.late.map_or(0, |_| now_ms.saturating_sub(said.at_ms)),
            is_late: late.is_some(),
            since_ms: late.map_or(said.well_since_ms, |(_, wall_ms)| wall_ms),
        }
    }
}

#[derive(Debug, Default)]
struct Entries {
    last: u64,
    by_number: BTreeMap<u64, Arc<Entry>>,
}

/// The loops of one engine. Clones share them.
#[derive(Clone, Debug)]
pub struct Heartbeats {
    clock: Arc<dyn Clock>,
    entries: Arc<Mutex<Entries>>,
}

impl Heartbeats {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, entries: Arc::default() }
    }

    fn entries(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Knows a loop until its heartbeat is dropped. It rests at first.
    pub(crate) fn begin(&self, name: &'static str, connection: Option<&str>) -> Heartbeat {
        let said =
            Said { at_ms: self.clock.steady_ms(), late: None, well_since_ms: self.clock.now_ms() };
        let connection = connection.map(str::to_owned);
        let entry = Arc::new(Entry { name, connection, said: Mutex::new(said) });
        let mut entries = self.entries();
        entries.last = entries.last.saturating_add(1);
        let number = entries.last;
        entries.by_number.insert(number, Arc::clone(&entry));
        drop(entries);
        Heartbeat(Arc::new(Beating { entry, number, of: self.clone() }))
    }

    /// How each loop is, in the order in which they began.
    pub(crate) fn loops(&self) -> Vec<LoopStatus> {
        let entries: Vec<Arc<Entry>> = self.entries().by_number.values().cloned().collect();
        // After the reading of what they said, so that no loop said it in the future.
        entries.iter().map(|entry| entry.status(self.clock.steady_ms())).collect()
    }
}

#[derive(Debug)]
struct Beating {
    entry: Arc<Entry>,
    number: u64,
    of: Heartbeats,
}

impl Drop for Beating {
    fn drop(&mut self) {
        self.of.entries().by_number.remove(&self.number);
    }
}

/// The heartbeat of one loop; see [`Engine::heartbeat`](crate::Engine::heartbeat). The loop is
/// known until the last clone is dropped.
#[derive(Clone, Debug)]
pub struct Heartbeat(Arc<Beating>);

impl Heartbeat {
    /// The loop acted now, and acts again within this time. It is late five minutes after that.
    pub fn acts_within(&self, wait_ms: u64) {
        let allowed_ms = wait_ms.saturating_add(GRACE_MS);
        self.says(Some(allowed_ms));
    }

    /// The loop acted now, and waits for an event of no known time. It is not late, however long
    /// that takes.
    pub fn rests(&self) {
        self.says(None);
    }

    fn says(&self, allowed_ms: Option<u64>) {
        let clock = &self.0.of.clock;
        let (steady_ms, wall_ms) = (clock.steady_ms(), clock.now_ms());
        let mut said = self.0.entry.said();
        let was_late = said.late.is_some_and(|(late_ms, _)| steady_ms > late_ms);
        *said = Said {
            at_ms: steady_ms,
            late: allowed_ms.map(|allowed_ms| {
                (steady_ms.saturating_add(allowed_ms), wall_ms.saturating_add(allowed_ms))
            }),
            well_since_ms: if was_late { wall_ms } else { said.well_since_ms },
        };
    }

    /// Runs the work of the loop, whose requests and calls of the store beat for it.
    pub(crate) fn scope<T>(&self, work: impl Future<Output = T>) -> impl Future<Output = T> {
        CURRENT.scope(self.clone(), work)
    }
}

/// The loop of this task works; nothing where the task is no loop.
pub(crate) fn works() {
    waits(0);
}

/// The loop of this task works, and now awaits something that takes up to this long.
pub(crate) fn waits(wait_ms: u64) {
    // An error means that the task is no loop.
    let _ = CURRENT.try_with(|heartbeat| heartbeat.acts_within(wait_ms));
}

#[cfg(test)]
mod tests {
    use super::{GRACE_MS, Heartbeats, works};
    use crate::clock::Clock;
    use crate::testing::ManualClock;
    use std::sync::Arc;

    const BEGIN_MS: u64 = 1_795_514_400_000;

    fn pass(clock: &ManualClock, ms: u64) {
        clock.set(clock.now_ms() + ms);
    }

    #[test]
    fn a_loop_is_late_when_the_moment_it_named_is_the_grace_ago() {
        let clock = ManualClock::at(BEGIN_MS);
        let all = Heartbeats::new(Arc::<ManualClock>::clone(&clock));
        let heartbeat = all.begin("schedule", Some("acme"));
        heartbeat.acts_within(60_000);
        pass(&clock, 60_000 + GRACE_MS);
        let loops = all.loops();
        assert!(!loops[0].is_late && loops[0].age_ms == 60_000 + GRACE_MS, "{loops:?}");
        pass(&clock, 1);
        assert!(all.loops()[0].is_late);
        assert_eq!(all.loops()[0].connection.as_deref(), Some("acme"));
    }

    #[test]
    fn a_loop_that_rests_is_never_late() {
        let clock = ManualClock::at(BEGIN_MS);
        let all = Heartbeats::new(Arc::<ManualClock>::clone(&clock));
        let heartbeat = all.begin("writer", None);
        pass(&clock, 24 * 3_600_000);
        heartbeat.rests();
        pass(&clock, 24 * 3_600_000);
        assert!(!all.loops()[0].is_late && all.loops()[0].age_ms == 0);
    }

    /// Whatever the wall clock does meanwhile.
    #[test]
    fn since_moves_only_when_a_loop_becomes_late_or_acts_again() {
        let clock = ManualClock::at(BEGIN_MS);
        let all = Heartbeats::new(Arc::<ManualClock>::clone(&clock));
        let heartbeat = all.begin("schedule", None);
        let since = || (all.loops()[0].is_late, all.loops()[0].since_ms);
        heartbeat.acts_within(0);
        pass(&clock, 1_000);
        heartbeat.acts_within(0);
        assert_eq!(since(), (false, BEGIN_MS));
        pass(&clock, GRACE_MS + 5);
        let late = (true, BEGIN_MS + 1_000 + GRACE_MS);
        assert_eq!(since(), late);
        clock.jump(-3_600_000);
        assert_eq!(since(), late);
        clock.jump(3_600_000);
        pass(&clock, 70_000);
        heartbeat.acts_within(0);
        let well = (false, BEGIN_MS + 1_000 + GRACE_MS + 5 + 70_000);
        assert_eq!(since(), well);
        pass(&clock, 1_000);
        heartbeat.rests();
        assert_eq!(since(), well);
    }

    #[test]
    fn a_loop_that_ended_is_not_known() {
        let all = Heartbeats::new(ManualClock::at(BEGIN_MS));
        let heartbeat = all.begin("schedule", Some("acme"));
        let clone = heartbeat.clone();
        drop(heartbeat);
        assert_eq!(all.loops().len(), 1);
        drop(clone);
        assert!(all.loops().is_empty());
    }

    #[test]
    fn what_a_loop_awaits_beats_for_it_and_for_no_other() {
        let clock = ManualClock::at(BEGIN_MS);
        let all = Heartbeats::new(Arc::<ManualClock>::clone(&clock));
        let heartbeats = ["a", "b"].map(|name| all.begin(name, None));
        heartbeats.iter().for_each(|heartbeat| heartbeat.acts_within(0));
        clock.drive(heartbeats[0].scope(async {
            for _ in 0..10 {
                clock.sleep(60_000).await;
                works();
            }
        }));
        works();
        let late: Vec<bool> = all.loops().iter().map(|one| one.is_late).collect();
        assert_eq!(late, [false, true]);
    }
}
