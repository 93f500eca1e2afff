//! Rate budgets: fixed windows on the wall clock, with the misleading `Reset` header that some ATSs
//! send, and token buckets.

/// A budget of requests per window of the wall clock.
#[derive(Debug, Clone)]
pub struct Budget {
    /// The requests of a window.
    pub limit: u32,
    window_ms: i64,
    window: i64,
    used: u32,
}

/// The result of spending one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spent {
    /// The requests of a window.
    pub limit: u32,
    /// How many are left.
    pub remaining: u32,
    /// The header's value: always now plus a whole window, although the counter refills at the
    /// window's end.
    pub reset_s: i64,
    /// Whole seconds until the window ends, if the budget was empty.
    pub over_for_s: Option<i64>,
}

impl Budget {
    /// Makes a full budget.
    #[must_use]
    pub fn new(limit: u32, window_ms: i64) -> Self {
        Self { limit, window_ms, window: i64::MIN, used: 0 }
    }

    /// Spends one request.
    pub fn spend(&mut self, now_ms: i64) -> Spent {
        let window = now_ms.div_euclid(self.window_ms);
        if window != self.window {
            self.window = window;
            self.used = 0;
        }
        let over = self.used >= self.limit;
        if !over {
            self.used = self.used.saturating_add(1);
        }
        let turns_in_ms = self.window_ms.saturating_sub(now_ms.rem_euclid(self.window_ms));
        Spent {
            limit: self.limit,
            remaining: self.limit.saturating_sub(self.used),
            reset_s: now_ms.saturating_add(self.window_ms).div_euclid(1000),
            over_for_s: over.then(|| turns_in_ms.saturating_add(999).div_euclid(1000)),
        }
    }
}

/// A bucket that fills at a steady rate: bursts up to its size pass at once.
#[derive(Debug, Clone)]
pub struct Bucket {
    /// The most requests at once.
    pub size: u32,
    /// Requests that it gains per second.
    pub per_second: u32,
    /// What it holds, in thousandths of a request.
    held: u64,
    filled_ms: i64,
}

impl Bucket {
    /// Makes a full bucket.
    #[must_use]
    pub fn new(size: u32, per_second: u32) -> Self {
        Self { size, per_second, held: u64::from(size).saturating_mul(1000), filled_ms: i64::MIN }
    }

    /// Takes one request; false when the bucket is empty.
    pub fn take(&mut self, now_ms: i64) -> bool {
        let passed_ms = now_ms.saturating_sub(self.filled_ms).max(0).unsigned_abs();
        let gained = passed_ms.saturating_mul(u64::from(self.per_second));
        self.filled_ms = self.filled_ms.max(now_ms);
        self.held = self.held.saturating_add(gained).min(u64::from(self.size).saturating_mul(1000));
        match self.held.checked_sub(1000) {
            Some(left) => {
                self.held = left;
                true
            }
            None => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_counter_refills_at_the_half_minute_and_the_reset_header_misleads() {
        let mut budget = Budget::new(2, 30_000);
        let first = budget.spend(29_000);
        assert_eq!((first.remaining, first.reset_s, first.over_for_s), (1, 59, None));
        assert_eq!(budget.spend(29_500).remaining, 0);
        assert_eq!(budget.spend(29_600).over_for_s, Some(1));
        assert_eq!(budget.spend(30_000).remaining, 1);
    }

    #[test]
    fn a_bucket_passes_a_burst_and_then_its_rate() {
        let mut bucket = Bucket::new(3, 10);
        let passed: Vec<bool> = (0..4).map(|_| bucket.take(5_000)).collect();
        assert_eq!(passed, [true, true, true, false]);
        assert!(!bucket.take(5_099));
        assert!(bucket.take(5_100));
        assert!(!bucket.take(5_100));
        assert!((0..3).all(|_| bucket.take(90_000)), "it never holds more than its size");
        assert!(!bucket.take(90_000));
    }
}
