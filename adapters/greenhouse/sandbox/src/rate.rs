//! Rate budgets: fixed windows on the wall clock, and a misleading `Reset` header, as recorded.

/// A budget of requests per window of the wall clock.
#[derive(Debug, Clone)]
pub(crate) struct Budget {
    pub(crate) limit: u32,
    window_ms: i64,
    window: i64,
    used: u32,
}

/// The result of spending one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Spent {
    pub(crate) limit: u32,
    pub(crate) remaining: u32,
    /// The header's value: always now plus a whole window, although the counter refills at the
    /// window's end.
    pub(crate) reset_s: i64,
    /// Whole seconds until the window ends, if the budget was empty.
    pub(crate) over_for_s: Option<i64>,
}

impl Budget {
    pub(crate) fn new(limit: u32, window_ms: i64) -> Self {
        Self { limit, window_ms, window: i64::MIN, used: 0 }
    }

    pub(crate) fn spend(&mut self, now_ms: i64) -> Spent {
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
}
