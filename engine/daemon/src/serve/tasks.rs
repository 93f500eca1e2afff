//! Work beside the requests: the server itself, writes that end when their caller has left, and
//! relayed commands.

use super::problem::{Problem, ProblemType};
use tokio::task::JoinHandle;

#[expect(clippy::disallowed_methods, reason = "the server runs beside the schedules")]
pub(super) fn spawn<T: Send + 'static>(
    work: impl Future<Output = T> + Send + 'static,
) -> JoinHandle<T> {
    tokio::spawn(work)
}

#[expect(clippy::disallowed_methods, reason = "the work waits for a disk or for its reader")]
pub(super) fn spawn_blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> JoinHandle<T> {
    tokio::task::spawn_blocking(work)
}

/// Runs work that writes to its end, also when its caller leaves.
pub(super) async fn to_the_end<T: Send + 'static>(
    work: impl Future<Output = T> + Send + 'static,
) -> Result<T, Problem> {
    spawn(work).await.map_err(|_| {
        Problem::new(
            ProblemType::StoreFailed,
            "the work panicked, which is a bug in atsync; its journal has the open writes",
        )
    })
}
