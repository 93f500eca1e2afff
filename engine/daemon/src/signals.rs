//! What the program is told by signals.
//!
//! SIGTERM and SIGINT ask it to stop: no new effect begins, and what is on its way is given time to
//! end. SIGHUP asks `run` to read its configuration again; the other commands have nothing to read
//! again and take it for the end of their terminal. Bounds: [`Connection::STOP_GRACE_MS`]. Where
//! there are no such signals, Ctrl-C alone asks to stop.

use crate::failure::Failure;
use crate::output::Output;
use atsync::{Clock, Connection, SystemClock};

/// Listens for what asks the program to stop, from the moment on that it is made.
#[derive(Debug)]
pub(crate) struct Stop {
    #[cfg(unix)]
    signals: Vec<tokio::signal::unix::Signal>,
}

#[cfg(unix)]
impl Stop {
    /// SIGTERM and SIGINT, and SIGHUP when `hangup` says that it means the same.
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

    /// Completes at the next of them.
    pub(crate) async fn told(&mut self) {
        let told = self.signals.iter_mut().map(|signal| Box::pin(signal.recv()));
        futures_util::future::select_all(told).await;
    }
}

#[cfg(not(unix))]
impl Stop {
    pub(crate) fn listen(_: Hangup) -> Result<Self, Failure> {
        Ok(Self {})
    }

    pub(crate) async fn told(&mut self) {
        let _ = tokio::signal::ctrl_c().await;
    }
}

/// What SIGHUP means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hangup {
    /// The same as SIGTERM.
    Stops,
    /// To read the configuration again.
    Rereads,
}

/// Listens for what asks to read the configuration again.
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

    /// Completes at the next one; never where there are none.
    pub(crate) async fn told(&mut self) {
        #[cfg(unix)]
        self.signal.recv().await;
        #[cfg(not(unix))]
        std::future::pending::<()>().await;
    }
}

/// Does work that has effects. Told to stop, it begins no new one and waits for those on their way,
/// for [`Connection::STOP_GRACE_MS`] or until it is told again; what is cut then is settled by the
/// next run.
///
/// # Errors
/// When the work was cut.
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
        () = stop.told() => {}
    }
    connection.hold_effects();
    output.note("told to stop: no new effect begins, and what is on its way may end");
    tokio::select! {
        biased;
        done = &mut work => Ok(done),
        () = stop.told() => Err(cut()),
        () = SystemClock.sleep(Connection::STOP_GRACE_MS) => Err(cut()),
    }
}

fn cut() -> Failure {
    Failure::new(
        "stopped before everything on its way had ended; the same command settles that first and \
         goes on",
    )
}
