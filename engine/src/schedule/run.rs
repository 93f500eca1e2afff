//! Keeps a connection in step, round by round, until it is stopped.

use super::crons::Crons;
use super::round::Round;
use super::rounds::{Cut, Rounds, STOP_GRACE_MS};
use crate::engine::Connection;
use crate::error::Error;
use std::future::Future;
use tracing::Instrument;

impl Connection {
    /// How long writes under way may take after [`Connection::run`] was stopped.
    pub const STOP_GRACE_MS: u64 = STOP_GRACE_MS;

    /// Runs the schedules of the connection until `stop` completes or the connection is closed.
    /// Then pulls end at once (their pages are committed), no new write begins, and a write under
    /// way may take [`STOP_GRACE_MS`] to end.
    ///
    /// # Errors
    /// Only permanent ones: a wrong configuration, a failed store, and before anything is read a
    /// schedule of a kind that the adapter does not have or that has no list of its own
    /// ([`ErrorKind::Input`](crate::error::ErrorKind::Input)). A refused credential does not
    /// end it: nothing is sent until [`Connection::replace_credential`] gives another, or the wait
    /// that [`Round::failure`] reports is over.
    pub async fn run(
        &self,
        crons: Crons,
        stop: impl Future<Output = ()>,
        tell: impl FnMut(&Round<'_>),
    ) -> Result<(), Error> {
        let stop = async {
            tokio::select! {
                () = stop => {}
                () = self.closed() => {}
            }
        };
        let rounds = async {
            let mut stop = std::pin::pin!(stop);
            let mut rounds = Rounds::begin(self, crons, tell).await?;
            loop {
                match rounds.round(stop.as_mut()).await {
                    Ok(()) | Err(Cut::Refused) => {}
                    Err(Cut::Stopped) => return Ok(()),
                    Err(Cut::Failed(error)) => return Err(error),
                }
            }
        };
        let heartbeat = self.heartbeats().begin("schedule", Some(self.name()));
        heartbeat.acts_within(0);
        let rounds = rounds.instrument(tracing::warn_span!("run", connection = self.name()));
        heartbeat.scope(rounds).await
    }
}
