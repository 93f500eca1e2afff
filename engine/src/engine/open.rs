//! The open connections of an engine, and the calls of each that are under way.
//!
//! [`crate::Engine::connect`] registers an [`OpenConnection`], which the handles of the connection
//! share: its clones, its streams and planners. A connection that is being opened counts as open.
//! A dropped one is forgotten by a later registration ([`Tidy`]).
//!
//! Bounds: two entries for each open connection, or some dozens. Left out: what closing does; see
//! `close`.

use crate::error::{Error, ErrorKind};
use crate::reconcile::Reconciler;
use crate::reconcile::underway::Underway;
use crate::tidy::Tidy;
use crate::webhook::Hints;
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
    tidy: Tidy,
}

/// The open connections of one name.
#[derive(Debug, Default)]
struct Named {
    underway: Weak<Underway>,
    hints: Weak<Hints>,
    open: Vec<Weak<OpenConnection>>,
    /// None may be opened while this is held.
    alone: Weak<Alone>,
}

/// Keeps a name from being opened until it is dropped.
#[derive(Debug)]
pub(super) struct Alone;

/// A registered connection, and what it shares with the others of its name.
pub(super) struct Begun {
    pub(super) underway: Arc<Underway>,
    pub(super) hints: Arc<Hints>,
    pub(super) open: Arc<OpenConnection>,
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
    /// records, and their accepted webhooks.
    pub(super) fn begin(&self, name: &str) -> Result<Begun, Error> {
        let mut known = self.known();
        let named = known.named(name)?;
        let underway = named.underway.upgrade().unwrap_or_default();
        named.underway = Arc::downgrade(&underway);
        let hints = named.hints.upgrade().unwrap_or_default();
        named.hints = Arc::downgrade(&hints);
        let open = Arc::new(OpenConnection::default());
        named.open.push(Arc::downgrade(&open));
        Ok(Begun { underway, hints, open })
    }

    /// Keeps a name from being opened.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`] while it is open.
    pub(super) fn begin_alone(&self, name: &str) -> Result<Arc<Alone>, Error> {
        let mut known = self.known();
        let named = known.named(name)?;
        if !named.open.is_empty() {
            let message = format!("{name}: the connection is open; close it first");
            return Err(Error::new(ErrorKind::Configuration, message));
        }
        let alone = Arc::new(Alone);
        named.alone = Arc::downgrade(&alone);
        Ok(alone)
    }

    /// Refuses every later registration.
    ///
    /// # Errors
    /// The open connections, each with the number of its handles; then nothing changes.
    pub(super) fn close(&self) -> Result<(), Vec<String>> {
        let mut known = self.known();
        known.forget_closed();
        let handles = known.handles();
        known.is_closed |= handles.is_empty();
        if handles.is_empty() { Ok(()) } else { Err(handles) }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    /// What is known of a name that may be opened.
    fn named(&mut self, name: &str) -> Result<&mut Named, Error> {
        let refused =
            |why: &str| Err(Error::new(ErrorKind::Configuration, format!("{name}: {why}")));
        if self.is_closed {
            return refused("the engine was closed; build another one");
        }
        if self.tidy.is_due(self.by_name.len()) {
            self.forget_closed();
        }
        let named = self.by_name.entry(name.to_owned()).or_default();
        named.forget_closed();
        if named.alone.strong_count() > 0 {
            return refused("the connection is being forgotten; open it afterwards");
        }
        Ok(named)
    }

    /// Drops what is known of connections that are closed, unless their locks are still in use. One
    /// whose calls are still ending counts as open: the store is needed for their answers.
    fn forget_closed(&mut self) {
        self.by_name.retain(|_, named| {
            named.forget_closed();
            !named.open.is_empty()
                || named.underway.strong_count() > 0
                || named.alone.strong_count() > 0
        });
        self.tidy.walked(self.by_name.len());
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

impl Named {
    fn forget_closed(&mut self) {
        self.open.retain(|open| {
            let is_in_use = |state: &State| !state.is_closed || state.calls > 0;
            open.upgrade().is_some_and(|open| is_in_use(&open.state.borrow()))
        });
    }
}

/// A call that is under way: the parts of the connection, until it is dropped.
#[derive(Debug)]
pub(crate) struct Work<'a> {
    reconciler: &'a Reconciler,
    open: &'a OpenConnection,
}

impl<'a> Work<'a> {
    /// The parts of the connection, for as long as its handle.
    pub(crate) fn reconciler(&self) -> &'a Reconciler {
        self.reconciler
    }
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

impl OpenConnection {
    /// Counts a call as under way until it is dropped; none once the connection is closed.
    pub(super) fn begin<'a>(&'a self, reconciler: &'a Reconciler) -> Option<Work<'a>> {
        let is_open = self.state.send_if_modified(|state| {
            state.calls = state.calls.saturating_add(usize::from(!state.is_closed));
            !state.is_closed
        });
        is_open.then_some(Work { reconciler, open: self })
    }

    /// Does something unless the connection is closed; a close waits for it.
    pub(super) fn if_open(&self, deed: impl FnOnce()) {
        let state = self.state.borrow();
        if !state.is_closed {
            deed();
        }
    }

    /// Whether the connection is closed.
    pub(super) fn is_closed(&self) -> bool {
        self.state.borrow().is_closed
    }

    /// Completes when the connection is closed.
    pub(super) async fn closed(&self) {
        let mut state = self.state.subscribe();
        // The sender lives as long as `self`.
        drop(state.wait_for(|state| state.is_closed).await);
    }

    /// Refuses each later call, from now on; the future completes when none is under way.
    pub(super) fn close(&self) -> impl Future<Output = ()> + Send + use<'_> {
        let mut state = self.state.subscribe();
        self.state.send_modify(|state| state.is_closed = true);
        // The sender lives as long as `self`.
        async move { drop(state.wait_for(|state| state.calls == 0).await) }
    }
}
