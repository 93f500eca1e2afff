//! The questions of relayed commands that wait for an answer from their own process.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use tokio::sync::oneshot;

/// Bounds: one entry for each command under way.
#[derive(Debug, Default)]
pub(crate) struct Questions(Mutex<Waiting>);

#[derive(Debug, Default)]
struct Waiting {
    last: u64,
    answers: BTreeMap<u64, oneshot::Sender<bool>>,
}

impl Questions {
    /// A new question, and the place of its answer.
    pub(crate) fn ask(&self) -> (u64, oneshot::Receiver<bool>) {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Those of commands that ended.
        waiting.answers.retain(|_, answer| !answer.is_closed());
        waiting.last = waiting.last.wrapping_add(1);
        let (number, (answer, answered)) = (waiting.last, oneshot::channel());
        drop(waiting.answers.insert(number, answer));
        (number, answered)
    }

    /// Answers a question; false when no command waits for it.
    pub(crate) fn answer(&self, number: u64, yes: bool) -> bool {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.answers.remove(&number).is_some_and(|answer| answer.send(yes).is_ok())
    }
}
