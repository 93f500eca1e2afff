//! The places for calls of guests: how many run at once, and which waiting call runs next.
//!
//! The pool of memory has room for so many and refuses one more; a call that finds no room waits
//! here instead. A call computes and is bounded in time, so the wait is too. Calls are told apart
//! by the code that they run: however many callers one component has, it has no more than its
//! *share* of the machine, all cores but one, so that a neighbour's call finds one; and a place
//! that becomes free goes to the component with the fewest calls running, among equals to the one
//! that was served longest ago. Within a component the order is that of arrival.
//!
//! Left out: taking a place back from a call that runs; its time limit ends it
//! ([`super::limiter`]). Connections that use one and the same component share its share.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Which code a call runs.
pub(crate) type Who = u64;

/// Places that are free, and who waits for one.
#[derive(Debug)]
pub(crate) struct Places {
    state: Mutex<State>,
    changed: Condvar,
    share: u32,
}

#[derive(Debug)]
struct State {
    free: u32,
    /// Counts arrivals and services.
    turn: u64,
    lines: BTreeMap<Who, Line>,
}

/// The calls of one component.
#[derive(Debug)]
struct Line {
    running: u32,
    waiting: VecDeque<u64>,
    /// When it was served last.
    served: u64,
}

/// One place, taken for as long as this lives.
#[derive(Debug)]
pub(crate) struct Place<'a> {
    places: &'a Places,
    who: Who,
}

impl State {
    fn tick(&mut self) -> u64 {
        self.turn = self.turn.saturating_add(1);
        self.turn
    }

    /// The arrival whose turn it is.
    fn next(&self, share: u32) -> Option<u64> {
        if self.free == 0 {
            return None;
        }
        let may =
            self.lines.values().filter(|line| line.running < share && !line.waiting.is_empty());
        may.min_by_key(|line| (line.running, line.served))
            .and_then(|line| line.waiting.front().copied())
    }
}

impl Places {
    /// So many places, at least one, and a share of them for each component, at least one.
    pub(crate) fn new(count: u32, share: u32) -> Self {
        let state = State { free: count.max(1), turn: 0, lines: BTreeMap::new() };
        Self { state: Mutex::new(state), changed: Condvar::new(), share: share.max(1) }
    }

    /// All cores but one.
    pub(crate) fn share_of_this_machine() -> u32 {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        u32::try_from(cores.saturating_sub(1)).unwrap_or(u32::MAX).max(1)
    }

    /// Takes a place for a call of this component; waits for its turn.
    pub(crate) fn take(&self, who: Who) -> Place<'_> {
        let mut state = self.lock();
        let arrival = state.tick();
        let served = arrival;
        let line =
            state.lines.entry(who).or_insert(Line { running: 0, waiting: VecDeque::new(), served });
        line.waiting.push_back(arrival);
        let waited =
            self.changed.wait_while(state, |state| state.next(self.share) != Some(arrival));
        let mut state = waited.unwrap_or_else(PoisonError::into_inner);
        state.free = state.free.saturating_sub(1);
        let served = state.tick();
        if let Some(line) = state.lines.get_mut(&who) {
            line.waiting.pop_front();
            line.running = line.running.saturating_add(1);
            line.served = served;
        }
        self.wake(state);
        Place { places: self, who }
    }

    /// Wakes the waiting calls if one of them may run, and none otherwise: a neighbour's calls must
    /// not wake the many calls of a component that has its share already.
    fn wake(&self, state: MutexGuard<'_, State>) {
        let is_due = state.next(self.share).is_some();
        drop(state);
        if is_due {
            self.changed.notify_all();
        }
    }

    /// A panic while the lock was held would leave numbers that are still numbers.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut state = self.places.lock();
        state.free = state.free.saturating_add(1);
        if let Some(line) = state.lines.get_mut(&self.who) {
            line.running = line.running.saturating_sub(1);
            if line.running == 0 && line.waiting.is_empty() {
                state.lines.remove(&self.who);
            }
        }
        self.places.wake(state);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::disallowed_methods, reason = "the tests contend from threads")]

    use super::{Places, Who};
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicU32, Ordering};

    const HOSTILE: Who = 1;
    const GOOD: Who = 2;
    const OTHER: Who = 3;

    /// Waits until so many calls of a component wait for their turn.
    fn until_waiting(places: &Places, who: Who, count: usize) {
        while places.lock().lines.get(&who).map_or(0, |line| line.waiting.len()) < count {
            std::thread::yield_now();
        }
    }

    #[test]
    fn no_more_run_at_once_than_there_are_places_and_all_come_to_run() {
        let (places, running, ran) = (Places::new(2, 2), AtomicU32::new(0), AtomicU32::new(0));
        std::thread::scope(|scope| {
            for n in 0..8 {
                let (places, running, ran) = (&places, &running, &ran);
                scope.spawn(move || {
                    for _ in 0..100 {
                        let _place = places.take(n % 3);
                        assert!(running.fetch_add(1, Ordering::SeqCst) < 2);
                        std::thread::yield_now();
                        running.fetch_sub(1, Ordering::SeqCst);
                        ran.fetch_add(1, Ordering::SeqCst);
                    }
                });
            }
        });
        assert_eq!(ran.load(Ordering::SeqCst), 800);
        assert!(places.lock().lines.is_empty(), "nobody is remembered who is gone");
    }

    #[test]
    fn however_many_call_one_component_it_has_its_share_and_a_neighbour_finds_a_place() {
        for callers in [16, 64] {
            let (places, running) = (Places::new(64, 3), AtomicU32::new(0));
            std::thread::scope(|scope| {
                let held: Vec<_> = (0..3).map(|_| places.take(HOSTILE)).collect();
                for _ in 0..callers {
                    scope.spawn(|| {
                        let _place = places.take(HOSTILE);
                        assert!(running.fetch_add(1, Ordering::SeqCst) < 3, "more than the share");
                        running.fetch_sub(1, Ordering::SeqCst);
                    });
                }
                until_waiting(&places, HOSTILE, callers);
                // Returns although none of the hostile calls has ended.
                for _ in 0..10 {
                    drop(places.take(GOOD));
                }
                drop(held);
            });
        }
    }

    #[test]
    fn a_place_that_becomes_free_goes_to_the_component_with_the_fewest_calls_and_then_in_turn() {
        let (places, order) = (Places::new(2, 2), Mutex::new(Vec::new()));
        std::thread::scope(|scope| {
            let (first, second) = (places.take(HOSTILE), places.take(HOSTILE));
            for (who, calls) in [(HOSTILE, 5), (GOOD, 2), (OTHER, 2)] {
                for _ in 0..calls {
                    let (places, order) = (&places, &order);
                    scope.spawn(move || {
                        let place = places.take(who);
                        order.lock().unwrap().push(who);
                        drop(place);
                    });
                }
                until_waiting(&places, who, calls);
            }
            // With one place in play they come one after the other.
            drop(first);
            while order.lock().unwrap().len() < 4 {
                std::thread::yield_now();
            }
            drop(second);
        });
        let order = order.into_inner().unwrap();
        assert_eq!(order[..4], [GOOD, OTHER, GOOD, OTHER], "{order:?}");
    }
}
