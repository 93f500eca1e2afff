//! Calls of the database whose panics become errors.

use crate::store::{StoreError, codec};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Does the work. Pages are verified when they are read, so no damage is known that makes the
/// database panic; if one does, it is a failure like others.
pub(super) fn guarded<T>(work: impl FnOnce() -> Result<T, StoreError>) -> Result<T, StoreError> {
    catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|_| Err(codec::damaged("what is stored (the database panicked)")))
}
