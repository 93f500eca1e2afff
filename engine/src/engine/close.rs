//! Closing a connection and an engine.
//!
//! A call begins by [`Connection::work`], which counts it as under way and refuses it once the
//! connection is closed. [`Connection::close`] interrupts calls that only read, since the next one
//! resumes where they stopped, and waits for the others. [`Engine::close`] refuses while a
//! connection is open, so that it interrupts nobody.
//!
//! Bounds: no write begins during a close, so it waits for one write and its answer, and for the
//! reads of a call that it does not interrupt: a settle finishes its probes, a registration of
//! webhooks their list, and a sync the reads of the batch that it plans, which grow with what
//! changed in the ATS. Left out: closing without the owner's call, after a time without use.

use super::open::Work;
use super::{Connection, Engine};
use crate::error::{Error, ErrorKind};
use std::future::Future;

impl Connection {
    /// Counts a call as under way, until what this returns is dropped.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`] once the connection is closed.
    pub(crate) fn work(&self) -> Result<Work<'_>, Error> {
        self.open.begin(&self.reconciler).ok_or_else(|| self.was_closed())
    }

    fn was_closed(&self) -> Error {
        let message = format!("{}: the connection was closed; connect it again", self.name());
        Error::new(ErrorKind::Configuration, message)
    }

    /// Whether the connection is closed.
    pub(crate) fn is_closed(&self) -> bool {
        self.open.is_closed()
    }

    /// Completes when the connection is closed.
    pub(crate) async fn closed(&self) {
        self.open.closed().await;
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
    /// steps that are left are reported as not sent. [`Connection::pull`], [`Connection::sweep`],
    /// [`Connection::plan`], [`Connection::check`] and [`Connection::hint`] end at once with an
    /// error, and resume where they stopped when the connection is opened again;
    /// [`Connection::run`] ends as at its stop. [`Connection::sync`] finishes the reads and the
    /// plan of its batch and sends nothing.
    ///
    /// When this returns, no request of the connection is under way, its name is free for
    /// [`Engine::connect`], and every later call of a clone, a stream or a planner is refused.
    /// Cancelling this leaves the connection closed.
    ///
    /// Not to be awaited within a call of the same connection, such as the stop of a
    /// [`Connection::run`]: that call would be waited for.
    pub async fn close(self) {
        // First, so that no other call allows writes again.
        let closing = self.open.close();
        self.reconciler.context.hold_effects();
        closing.await;
        // A refresh ends although the call that began it was interrupted.
        self.reconciler.context.session.settled().await;
    }
}

impl Engine {
    /// Closes the engine, for every clone of it, and its store. Writes under way are finished. When
    /// this returns, the store's file is closed: another engine, of this process or another, can
    /// open it at once. A store in memory keeps its contents.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`] while a connection is open, or a call of a closed one is still
    /// ending. The message names each one and how many handles it has; clones, streams and planners
    /// count. Nothing is changed then: close or drop them, and close a clone of the engine again.
    pub async fn close(self) -> Result<(), Error> {
        if let Err(handles) = self.open.close() {
            let message = format!(
                "the engine stays open, because connections are open: {}; close them \
                 (`Connection::close`) or drop their handles, then close the engine",
                handles.join(", ")
            );
            return Err(Error::new(ErrorKind::Configuration, message));
        }
        Ok(self.store.close().await?)
    }
}
