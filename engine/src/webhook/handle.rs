//! Handles accepted webhooks: fetches the records that their hints name.
//!
//! The schedules call it ([`crate::Connection::run`]), after the pulls that are due and a turn at a
//! time, so that a storm of webhooks delays no scheduled read.
//!
//! Left out: accepting; see [`super::receive`].

use super::waiting::WaitingHint;
use crate::engine::Connection;
use crate::error::{Error, ErrorKind};
use serde::Serialize;

/// Failures, for a reason that waiting does not mend, after which a hint is dropped. The next pull
/// or sweep reads what it named.
const FAILURES_MAX: u32 = 5;

/// What came of accepted webhooks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct HintsReport {
    /// Hints whose record was fetched.
    pub handled: u64,
    /// Hints that were dropped: five fetches failed for a reason that waiting does not mend. A pull
    /// or a sweep reads what they named.
    pub dropped: u64,
    /// Whether more hints wait.
    pub more: bool,
}

impl Connection {
    /// Fetches the records that accepted webhooks name ([`Connection::accept`]), at most so many.
    /// [`Connection::run`] does it; a host that does not run the schedules calls it until
    /// [`HintsReport::more`] is false.
    ///
    /// # Errors
    /// As for [`Connection::hint`]. What was not fetched still waits.
    pub async fn handle_accepted(&self, hints_max: usize) -> Result<HintsReport, Error> {
        let work = self.work()?;
        let store = &work.context.store;
        let hints = &self.webhooks().hints;
        let _turn = hints.handling.lock().await;
        let waiting = &hints.waiting;
        let (taken, more) = waiting.lock().await.take(store, hints_max).await?;
        let mut report = HintsReport { more, ..HintsReport::default() };
        let mut rest = taken.iter();
        while let Some(one) = rest.next() {
            match self.unless_closed(work.ingest.hint(one.hint.clone())).await {
                Ok(_) => {
                    waiting.lock().await.done(store, one).await?;
                    report.handled = report.handled.saturating_add(1);
                }
                Err(error) if is_of_this_hint(error.kind()) => {
                    let dropped = self.fail(one, &error).await?;
                    report.dropped = report.dropped.saturating_add(dropped);
                    report.more |= dropped == 0;
                }
                Err(error) => {
                    let mut waiting = waiting.lock().await;
                    waiting.again(one);
                    rest.for_each(|other| waiting.again(other));
                    return Err(error.at("fetching what a webhook names"));
                }
            }
        }
        Ok(report)
    }

    /// Counts a failure of one hint. Returns 1 when it was dropped.
    async fn fail(&self, one: &WaitingHint, error: &Error) -> Result<u64, Error> {
        let work = self.work()?;
        let (store, mut waiting) =
            (&work.context.store, self.webhooks().hints.waiting.lock().await);
        if one.failures.saturating_add(1) < FAILURES_MAX {
            waiting.failed(store, one).await?;
            return Ok(0);
        }
        tracing::warn!(
            connection = self.name(),
            kind = ?error.kind(),
            "what a webhook named could not be fetched; it is left to the next pull"
        );
        waiting.done(store, one).await?;
        Ok(1)
    }
}

/// Whether a failure is about the one record and not about the connection.
fn is_of_this_hint(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::Adapter | ErrorKind::Denied | ErrorKind::Input | ErrorKind::NotSupported
    )
}
