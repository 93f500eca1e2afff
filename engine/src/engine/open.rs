//! Which connections of an engine are open, and closing them.
//!
//! Each [`Engine::connect`] registers an [`OpenConnection`], which the handles of the connection
//! share: its clones, its streams and planners. A call begins by [`Connection::work`], which counts
//! it as under way and refuses it once the connection is closed. [`Connection::close`] interrupts
//! calls that only read, since the next one resumes where they stopped, and waits for the others.
//! [`Engine::close`] refuses while a connection is open, so that it interrupts nobody.
//!
//! Bounds: a close waits for one request and its answer, since effects are held; a settle under
//! way finishes its probes. Left out: closing without the owner's call, after a time without use.

use super::{Connection, Engine};
use crate::error::{Error, ErrorKind};
use crate::reconcile::Reconciler;
use crate::reconcile::underway::Underway;
use std::collections::BTreeMap;
use std::future::Future;
use std::ops::Deref;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use tokio::sync::watch;

/// The open connections of an engine, shared by its clones.
#[derive(Clone, Debug, Default)]
pub(super) struct OpenConnections(Arc<Mutex<Known>>);

#[derive(Debug, Default)]
struct Known {
    is_closed: bool,
    by_name: BTreeMap<String, Named>,
}

/// The open connections of one name.
#[derive(Debug, Default)]
struct Named {
    underway: Weak<Underway>,
    open: Vec<Weak<OpenConnection>>,
}

/// One connection that [`Engine::connect`] opened, as its handles share it.
#[derive(Debug, Default)]
pub(crate) struct OpenConnection {
    state: watch::Sender<State>,
}

#[derive(Debug, Default)]
struct State {
    is_closed: bool,
    /// Calls that are under way.
    calls: usize,
}

impl OpenConnections {
    /// Registers a connection that is being opened. Connections of one name share their locks on
    /// records.
    pub(super) fn begin(&self, name: &str) -> Result<(Arc<Underway>, Arc<OpenConnection>), Error> {
        let mut known = self.known();
        if known.is_closed {
            let message = format!("{name}: the engine was closed; build another one");
            return Err(Error::new(ErrorKind::Configuration, message));
        }
        known.forget_closed();
        let named = known.by_name.entry(name.to_owned()).or_default();
        let underway = named.underway.upgrade().unwrap_or_default();
        named.underway = Arc::downgrade(&underway);
        let open = Arc::new(OpenConnection::default());
        named.open.push(Arc::downgrade(&open));
        Ok((underway, open))
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    /// Drops what is known of connections that are closed, unless their locks are still in use.
    fn forget_closed(&mut self) {
        self.by_name.retain(|_, named| {
            let is_open = |open: &Weak<OpenConnection>| {
                open.upgrade().is_some_and(|open| !open.state.borrow().is_closed)
            };
            named.open.retain(is_open);
            !named.open.is_empty() || named.underway.strong_count() > 0
        });
    }

    /// The open connections and how many handles each has.
    fn handles(&self) -> Vec<String> {
        let count = |named: &Named| named.open.iter().map(Weak::strong_count).sum::<usize>();
        let named = self.by_name.iter().map(|(name, named)| (name, count(named)));
        let open = named.filter(|(_, handles)| *handles > 0);
        open.map(|(name, handles)| match handles {
            1 => format!("{name:?} (1 handle)"),
            _ => format!("{name:?} ({handles} handles)"),
        })
        .collect()
    }
}

/// A call that is under way: the parts of the connection, until it is dropped.
#[derive(Debug)]
pub(crate) struct Work<'a> {
    reconciler: &'a Reconciler,
    open: &'a OpenConnection,
}

impl Deref for Work<'_> {
    type Target = Reconciler;

    fn deref(&self) -> &Reconciler {
        self.reconciler
    }
}

impl Drop for Work<'_> {
    fn drop(&mut self) {
        self.open.state.send_modify(|state| state.calls = state.calls.saturating_sub(1));
    }
}

impl Connection {
    /// Counts a call as under way, until what this returns is dropped.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`] once the connection is closed.
    pub(crate) fn work(&self) -> Result<Work<'_>, Error> {
        let is_open = self.open.state.send_if_modified(|state| {
            state.calls = state.calls.saturating_add(usize::from(!state.is_closed));
            !state.is_closed
        });
        if is_open {
            Ok(Work { reconciler: &self.reconciler, open: &self.open })
        } else {
            Err(self.was_closed())
        }
    }

    fn was_closed(&self) -> Error {
        let message = format!("{}: the connection was closed; connect it again", self.name());
        Error::new(ErrorKind::Configuration, message)
    }

    /// Completes when the connection is closed.
    pub(crate) async fn closed(&self) {
        let mut state = self.open.state.subscribe();
        // The sender lives as long as `self`.
        drop(state.wait_for(|state| state.is_closed).await);
    }

    /// A call that may be interrupted at any point and resumed by the next one: a close does not
    /// wait for it.
    pub(crate) async fn unless_closed<T>(
        &self,
        call: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        tokio::select! {
            biased;
            () = self.closed() => Err(self.was_closed()),
            ended = call => ended,
        }
    }

    /// Closes the connection, for every clone of this handle: [`Connection::hold_effects`], then
    /// waits for the calls that are under way. A write whose request has left gets its answer; the
    /// steps that are left are reported as not sent. Pulls, sweeps, plans and checks end at once
    /// with an error, and resume where they stopped when the connection is opened again;
    /// [`Connection::run`] ends as at its stop.
    ///
    /// When this returns, no request of the connection is under way, its name is free for
    /// [`Engine::connect`], and every later call of a clone, a stream or a planner is refused.
    /// Cancelling this leaves the connection closed.
    ///
    /// Not to be awaited within a call of the same connection, such as the stop of a
    /// [`Connection::run`]: that call would be waited for.
    pub async fn close(self) {
        self.reconciler.hold_effects();
        let mut state = self.open.state.subscribe();
        self.open.state.send_modify(|state| state.is_closed = true);
        // The sender lives as long as `self`.
        drop(state.wait_for(|state| state.calls == 0).await);
    }
}

impl Engine {
    /// Closes the engine, for every clone of it, and its store. Writes under way are finished. When
    /// this returns, the store's file is closed: another engine, of this process or another, can
    /// open it at once. A store in memory keeps its contents.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`] while a connection is open. The message names each one and how
    /// many handles it has; clones, streams and planners count. Nothing is changed then: close or
    /// drop them, and close a clone of the engine again.
    pub async fn close(self) -> Result<(), Error> {
        {
            let mut known = self.open.known();
            known.forget_closed();
            let handles = known.handles();
            if !handles.is_empty() {
                let message = format!(
                    "the engine stays open, because connections are open: {}; close them \
                     (`Connection::close`) or drop their handles, then close the engine",
                    handles.join(", ")
                );
                return Err(Error::new(ErrorKind::Configuration, message));
            }
            known.is_closed = true;
        }
        Ok(self.store.close().await?)
    }
}
