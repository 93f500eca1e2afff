//! The journal of writes: the states of each intent, and the allowed changes. Pure.
//!
//! `sending(attempt n) → applied | refused | not_sent | in_doubt → applied | sending(n + 1) |
//! abandoned`. An intent begins as `sending`: it is written durably just before its one request
//! leaves, so that a crash can never lose a request. After a start every `sending` row is in doubt.
//! Attempt numbers give the order, never the wall time. At most one intent is open per object and
//! operation.
//!
//! A request that provably had no effect is sent again after growing waits, and after [`SENDS_MAX`]
//! sends waits for a person: see [`sends`].
//!
//! An inconclusive probe is followed by the next one after [`look_again_ms`], longer each time; the
//! intent stores that time.
//!
//! Left out: sending and storing; see [`crate::reconcile`] and [`crate::store`].

pub mod intent;
pub mod moment;
pub mod sends;

pub use intent::{GivenUpBy, Intent, IntentId, IntentState, LOOK_WAIT_MAX_MS, Try, look_again_ms};
pub use moment::Moment;
pub use sends::{Came, CredentialGiven, Leave, SENDS_MAX, Wanted};
