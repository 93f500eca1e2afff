//! Signals: SIGTERM, SIGINT and SIGHUP.
//!
//! On SIGTERM and SIGINT the program stops: no new write starts, and the one that was sent gets
//! time to finish. On SIGHUP `run` reads its configuration again; the other commands have nothing
//! to read again and stop. Bound: [`Connection::STOP_GRACE_MS`]. On systems without these signals,
//! only Ctrl-C stops the program.

use crate::failure::Failure;
use crate::output::Output;
use atsync::{Clock, Connection, SystemClock};

/// Listens for the signals that stop the program, from its creation on.
#[derive(Debug)]
pub(crate) struct Stop {
    #[cfg(unix)]
    signals: Vec<tokio::signal::unix::Signal>,
}

#[cfg(unix)]
impl Stop {
    /// Listens for SIGTERM and SIGINT, and for SIGHUP if `hangup` is [`Hangup::Stop`].
    ///
    /// # Errors
    /// When the system refuses.
    pub(crate) fn listen(hangup: Hangup) -> Result<Self, Failure> {
        use tokio::signal::unix::{SignalKind, signal};
        let mut signals = vec![signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?];
        if hangup == Hangup::Stops {
            signals.push(signal(SignalKind::hangup())?);
        }
        Ok(Self { signals })
    }

    /// Completes at the next signal.
    pub(crate) async fn came(&mut self) {
        let signals = self.signals.iter_mut().map(|signal| Box::pin(signal.recv()));
        futures_util::future::select_all(signals).await;
    }
}

#[cfg(not(unix))]
impl Stop {
    pub(crate) fn listen(_: Hangup) -> Result<Self, Failure> {
        Ok(Self {})
    }

    pub(crate) async fn came(&mut self) {
        let _ = tokio::signal::ctrl_c().await;
    }
}

/// The meaning of SIGHUP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hangup {
    /// The same as SIGTERM.
    Stops,
    /// Read the configuration again.
    Rereads,
}

/// Listens for the signal to read the configuration again.
#[derive(Debug)]
pub(crate) struct Reread {
    #[cfg(unix)]
    signal: tokio::signal::unix::Signal,
}

impl Reread {
    /// # Errors
    /// When the system refuses.
    #[cfg(unix)]
    pub(crate) fn listen() -> Result<Self, Failure> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { signal: signal(SignalKind::hangup())? })
    }

    #[cfg(not(unix))]
    pub(crate) fn listen() -> Result<Self, Failure> {
        Ok(Self {})
    }

    /// Completes at the next signal; never on systems without it.
    pub(crate) async fn came(&mut self) {
        #[cfg(unix)]
        self.signal.recv().await;
        #[cfg(not(unix))]
        std::future::pending::<()>().await;
    }
}

/// Runs work that writes. After a signal it starts no new write and waits for the one that was
/// sent, for [`Connection::STOP_GRACE_MS`] or until a second signal; the next run settles an
/// interrupted write.
///
/// # Errors
/// When the work was interrupted.
pub(crate) async fn effects<T>(
    connection: &Connection,
    output: &Output,
    work: impl Future<Output = T>,
) -> Result<T, Failure> {
    let mut stop = Stop::listen(Hangup::Stops)?;
    tokio::pin!(work);
    tokio::select! {
        biased;
        done = &mut work => return Ok(done),
        () = stop.came() => {}
        () = output.left() => {}
    }
    connection.hold_effects();
    output.note("stopping: no new write starts, and the one that was sent may finish");
    tokio::select! {
        biased;
        done = &mut work => Ok(done),
        () = stop.came() => Err(cut()),
        () = SystemClock.sleep(Connection::STOP_GRACE_MS) => Err(cut()),
    }
}

fn cut() -> Failure {
    Failure::new(
        "stopped before the last write had finished; the same command settles it first and \
         goes on",
    )
}
