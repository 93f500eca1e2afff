//! The decision of a user on a write in doubt, for the API and the console.

use super::problem::{Problem, ProblemType};
use super::tasks;
use atsync::{Connection, Intent, Resolution};

/// The intent with this number, as a path names it.
///
/// # Errors
/// [`ProblemType::NoSuchRecord`].
pub(super) async fn intent(connection: &Connection, number: &str) -> Result<Intent, Problem> {
    let none = || Problem::new(ProblemType::NoSuchRecord, "no intent has this number");
    let number = number.parse().map_err(|_| none())?;
    connection.intent(number).await?.ok_or_else(none)
}

/// Decides an intent in doubt, after one more probe, which may settle it. It runs to its end, also
/// when its caller leaves.
pub(super) async fn decide(
    connection: Connection,
    number: u64,
    resolution: Resolution,
) -> Result<Intent, Problem> {
    let decided = tasks::to_the_end(async move {
        connection.verify_tenant().await?;
        connection.settle_without_sending().await?;
        connection.resolve(number, resolution).await
    });
    Ok(decided.await??)
}
