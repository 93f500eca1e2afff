//! `atsync backup`: writes a backup of the store, also while it is in use.

#![expect(clippy::disallowed_methods, reason = "copies the store on a blocking thread")]

use crate::cli;
use crate::failure::{DONE, Ended, Failure};
use crate::output::Output;
use crate::place::Place;
use crate::words::count;
use atsync::{SystemClock, SystemEntropy};

pub(super) async fn backup(place: &Place, options: &cli::Backup, output: &Output) -> Ended {
    let file = place.path(&options.file)?;
    let store = place.store().await?;
    let to = file.clone();
    let copying =
        tokio::task::spawn_blocking(move || store.back_up(&to, &SystemClock, &SystemEntropy));
    let made = copying
        .await
        .map_err(|error| Failure::new(format!("the backup was broken off: {error}")))?
        .map_err(atsync::Error::from)?;
    if options.json {
        output.json(&made);
        return Ok(DONE);
    }
    output.data(&format!(
        "{}: a backup of {} in {}. It holds candidates' data in clear.",
        file.display(),
        count(made.rows_total(), "row"),
        count(made.bytes, "byte"),
    ));
    Ok(DONE)
}
