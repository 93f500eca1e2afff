//! Reports to a service manager that the program is ready, stops, and is alive.
//!
//! systemd (`Type=notify`) waits for the first before it starts what needs this service, and
//! restarts the service when the third is missing for longer than `WatchdogSec`. Without a service
//! manager nothing is sent.
//!
//! Alive means that a task of the runtime ran, as for `/livez`, and that no loop is late that works
//! for all connections, such as the store's writer: a process that can do nothing for any
//! connection is restarted. A schedule or a delivery that hangs is reported and not restarted,
//! because a restart interrupts the work of all the others. An ATS that does not answer or a
//! refused credential does not count, because a restart mends neither; the conditions of the
//! connections report it. A disk that refused a write does: the store takes no more until it is
//! opened again.
//!
//! Left out: systems without such sockets.

#![expect(clippy::disallowed_methods, reason = "asks the runtime to run a task")]

#[cfg(unix)]
use atsync::{Clock, SystemClock};
#[cfg(unix)]
use sd_notify::NotifyState;

/// It is ready, and serves there.
pub(crate) fn ready(places: &str) {
    #[cfg(unix)]
    tell(&[NotifyState::Ready, NotifyState::Status(&atsync::model::plain::line(places))]);
    #[cfg(not(unix))]
    let _ = places;
}

/// It stops, and lets the writes under way finish.
pub(crate) fn stopping() {
    #[cfg(unix)]
    tell(&[NotifyState::Stopping, NotifyState::Status("stopping")]);
}

/// Says that it is alive, twice in each interval that the service manager allows, unless it is
/// stuck. Never ends.
pub(crate) async fn alive(is_stuck: impl Fn() -> bool) -> std::convert::Infallible {
    #[cfg(unix)]
    if let Some(interval) = sd_notify::watchdog_enabled() {
        let half_ms = u64::try_from(interval.as_millis() / 2).unwrap_or(u64::MAX).max(1);
        loop {
            // By a worker of the runtime, so that it is silent when all of them are stuck.
            if tokio::spawn(async {}).await.is_ok() && !is_stuck() {
                tell(&[NotifyState::Watchdog]);
            }
            SystemClock.sleep(half_ms).await;
        }
    }
    #[cfg(not(unix))]
    let _ = is_stuck;
    std::future::pending().await
}

#[cfg(unix)]
fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::debug!(%error, "the report to the service manager failed");
    }
}
