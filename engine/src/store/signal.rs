//! Wakes the readers of a feed when events of their connection were committed.
//!
//! It carries no events: a woken reader reads the store, so it misses none and sees none twice, and
//! a slow reader delays no other. It is woken once for any number of commits.
//!
//! Bounds: two entries for each connection with a reader, or some dozens ([`Tidy`]). Left out:
//! other processes; they cannot have the same store open.

use crate::tidy::Tidy;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

/// The waiting readers, by connection. Clones share them.
#[derive(Clone, Debug, Default)]
pub(in crate::store) struct Signals(Arc<Mutex<Waiting>>);

#[derive(Debug, Default)]
struct Waiting {
    by_connection: HashMap<String, watch::Sender<()>>,
    tidy: Tidy,
}

impl Signals {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for events of a connection from now on.
    pub(in crate::store) fn watch(&self, connection: &str) -> watch::Receiver<()> {
        let mut waiting = self.lock();
        if waiting.tidy.is_due(waiting.by_connection.len()) {
            waiting.by_connection.retain(|_, sender| sender.receiver_count() > 0);
            let left = waiting.by_connection.len();
            waiting.tidy.walked(left);
        }
        let sender = waiting.by_connection.entry(connection.to_owned());
        sender.or_insert_with(|| watch::Sender::new(())).subscribe()
    }

    /// Wakes the readers of a connection after a commit with events.
    pub(in crate::store) fn wake(&self, connection: &str) {
        if let Some(sender) = self.lock().by_connection.get(connection) {
            sender.send_replace(());
        }
    }
}
