//! How many calls of guests run at once.
//!
//! The pool of memory has room for so many and refuses one more; a call that finds no room waits here instead. A call computes and is bounded in
//! time, so the wait is too. Left out: fairness; who waits longest is not served first.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Places that are free, and who waits for one.
#[derive(Debug)]
pub(crate) struct Places {
    free: Mutex<u32>,
    freed: Condvar,
}

/// One place, taken for as long as this lives.
#[derive(Debug)]
pub(crate) struct Place<'a>(&'a Places);

impl Places {
    /// So many places, at least one.
    pub(crate) fn new(count: u32) -> Self {
        Self { free: Mutex::new(count.max(1)), freed: Condvar::new() }
    }

    /// Takes a place; waits for one when all are taken.
    pub(crate) fn take(&self) -> Place<'_> {
        let waited = self.freed.wait_while(self.lock(), |free| *free == 0);
        let mut free = waited.unwrap_or_else(PoisonError::into_inner);
        *free = free.saturating_sub(1);
        Place(self)
    }

    /// A panic while the lock was held would leave a number that is still a number.
    fn lock(&self) -> MutexGuard<'_, u32> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut free = self.0.lock();
        *free = free.saturating_add(1);
        drop(free);
        self.0.freed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::Places;
    use std::sync::atomic::{AtomicU32, Ordering};

    #[test]
    fn no_more_run_at_once_than_there_are_places_and_all_come_to_run() {
        let (places, running, ran) = (Places::new(2), AtomicU32::new(0), AtomicU32::new(0));
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..100 {
                        let _place = places.take();
                        assert!(running.fetch_add(1, Ordering::SeqCst) < 2);
                        std::thread::yield_now();
                        running.fetch_sub(1, Ordering::SeqCst);
                        ran.fetch_add(1, Ordering::SeqCst);
                    }
                });
            }
        });
        assert_eq!(ran.load(Ordering::SeqCst), 800);
    }
}
