//! The states whose callback was finished in this engine, until their consents would end anyway.
//!
//! A code that is sent twice ends the consent that it gave, so a callback that a browser repeats
//! must not reach the ATS. Bound: [`USED_MAX`]. Left out: other engines and processes; the host
//! takes a remembered text once.

use crate::transport::auth::digest;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// States that are remembered; more consents in ten minutes are refused. Arbitrary.
const USED_MAX: usize = 10_000;

/// See the module. Its clones share the states.
#[derive(Clone, Debug, Default)]
pub(crate) struct UsedStates(Arc<Mutex<BTreeMap<String, u64>>>);

/// Why a state cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unusable {
    /// It was used.
    Used,
    /// Too many others were used lately.
    Full,
}

impl UsedStates {
    /// Uses a state up, until the time at which it ends.
    pub(super) fn take(&self, state: &str, ends_ms: u64, now_ms: u64) -> Result<(), Unusable> {
        let mut used = self.used();
        if used.len() >= USED_MAX {
            used.retain(|_, ends_ms| *ends_ms > now_ms);
        }
        let key = digest(&["state", state]);
        if used.contains_key(&key) {
            return Err(Unusable::Used);
        }
        if used.len() >= USED_MAX {
            return Err(Unusable::Full);
        }
        used.insert(key, ends_ms);
        Ok(())
    }

    /// Allows a state again: its code did not leave.
    pub(super) fn give_back(&self, state: &str) {
        self.used().remove(&digest(&["state", state]));
    }

    fn used(&self) -> MutexGuard<'_, BTreeMap<String, u64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::{USED_MAX, Unusable, UsedStates};

    #[test]
    fn a_state_is_used_once_and_the_list_is_bounded() {
        let used = UsedStates::default();
        assert_eq!(used.take("a", 10, 1), Ok(()));
        assert_eq!(used.clone().take("a", 10, 1), Err(Unusable::Used));
        used.give_back("a");
        for number in 0..USED_MAX {
            assert_eq!(used.take(&number.to_string(), 10, 1), Ok(()));
        }
        assert_eq!(used.take("a", 20, 9), Err(Unusable::Full));
        assert_eq!(used.take("a", 20, 10), Ok(()));
    }
}
