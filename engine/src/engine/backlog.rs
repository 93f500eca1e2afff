//! What a connection still has to do: counts that the store keeps, so that a monitor may ask often.

use super::Connection;
use crate::error::Error;
use crate::journal::IntentState;
use serde::Serialize;
use std::collections::BTreeMap;

/// What a connection still has to do; see [`Connection::backlog`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Backlog {
    /// Desired records.
    pub desired: u64,
    /// Of those, the ones that the next plan includes.
    pub dirty: u64,
    /// Intents by state.
    pub intents: BTreeMap<String, u64>,
    /// When the oldest intent that is in doubt was first sent, in milliseconds since 1970.
    pub oldest_in_doubt_ms: Option<u64>,
    /// When the last complete pass of each kind ended, in milliseconds since 1970.
    pub pulled_ms: BTreeMap<String, u64>,
}

impl Connection {
    /// What the connection still has to do. Reads counts and the open intents, and no record: for a
    /// monitor that asks every few seconds. [`Connection::status`] says more and costs more.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Store`].
    pub async fn backlog(&self) -> Result<Backlog, Error> {
        let work = self.work()?;
        let store = &work.context.store;
        let (desired, dirty) = store.desired_counts().await?;
        let open = store.open_intents().await?;
        let in_doubt =
            open.iter().filter(|intent| matches!(intent.state, IntentState::InDoubt { .. }));
        let scans = store.scan_states().await?.into_iter();
        Ok(Backlog {
            desired,
            dirty,
            intents: store.intent_counts().await?.into_iter().collect(),
            oldest_in_doubt_ms: in_doubt.map(|intent| intent.first_sent.wall_ms).min(),
            pulled_ms: scans
                .filter_map(|(kind, _, state)| Some((kind, state.completed_ms?)))
                .collect(),
        })
    }
}
