//! The accepted webhooks of a connection, as all handles of its name share them.
//!
//! A host may accept webhooks through one connection and run the schedules of another that it
//! opened under the same name. Each must know what the other stored and fetched.

use super::waiting::Waiting;
use tokio::sync::{Mutex, Notify};

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Hints {
    pub(super) waiting: Mutex<Waiting>,
    /// The turn to fetch: one handler at a time takes rows and removes them.
    pub(super) handling: Mutex<()>,
    /// Notified when hints were stored.
    pub(crate) stored: Notify,
}
