//! The schedules of several connections at once.
//!
//! Each connection runs in a task of its own on the caller's runtime, so that one that blocks or
//! panics does not delay the others.
//!
//! Left out: starting one of them while the others run. A host that needs it spawns
//! [`Connection::run`] itself; [`Connection::close`] ends one.

#![expect(clippy::disallowed_methods, reason = "runs each connection in a task")]

use super::{Crons, Round};
use crate::engine::{Connection, Engine};
use crate::error::{Error, ErrorKind};
use crate::runtime;
use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;
use tokio::sync::watch;
use tokio::task::JoinSet;

impl Engine {
    /// Runs the schedules of several connections, each as [`Connection::run`] does, until `stop`
    /// completes and each has ended. A permanent error ends one connection and no other. `tell` is
    /// called after each round, with the connection's name.
    ///
    /// Returns the errors that ended connections early, by name; empty when all ended at the stop.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`] where there is no tokio runtime.
    ///
    /// # Panics
    /// When a connection's task did, once all others have ended.
    pub async fn run(
        connections: impl IntoIterator<Item = (Connection, Crons)>,
        stop: impl Future<Output = ()>,
        tell: impl Fn(&str, &Round<'_>) + Send + Sync + 'static,
    ) -> Result<BTreeMap<String, Error>, Error> {
        runtime::required().map_err(|why| Error::new(ErrorKind::Configuration, why))?;
        let tell = Arc::new(tell);
        let (stopping, stopped) = watch::channel(false);
        let mut tasks = JoinSet::new();
        for (connection, crons) in connections {
            let (tell, mut stopped) = (Arc::clone(&tell), stopped.clone());
            tasks.spawn(async move {
                let name = connection.name().to_owned();
                // A dropped sender is a stop too.
                let stop = async { drop(stopped.wait_for(|stop| *stop).await) };
                let ended = connection.run(crons, stop, |round| tell(&name, round)).await;
                (name, ended)
            });
        }
        drop(stopped);
        let mut early = BTreeMap::new();
        let mut panicked = None;
        let mut take =
            |joined: Result<(String, Result<(), Error>), tokio::task::JoinError>| match joined {
                Ok((_, Ok(()))) => {}
                Ok((name, Err(error))) => drop(early.insert(name, error)),
                Err(error) => panicked = error.try_into_panic().ok(),
            };
        let mut stop = std::pin::pin!(stop);
        loop {
            tokio::select! {
                () = &mut stop => break,
                joined = tasks.join_next() => match joined {
                    Some(joined) => take(joined),
                    None => break,
                },
            }
        }
        let _ = stopping.send(true);
        while let Some(joined) = tasks.join_next().await {
            take(joined);
        }
        match panicked {
            Some(panic) => std::panic::resume_unwind(panic),
            None => Ok(early),
        }
    }
}
