//! `atsync compact`: rewrites the store's file without the bytes of removed records.

#![expect(clippy::disallowed_methods, reason = "rewrites the store on a blocking thread")]

use crate::cli;
use crate::config::Config;
use crate::failure::{DONE, Ended, Failure};
use crate::output::Output;
use crate::place::Place;
use crate::words::count;
use atsync::{RedbOptions, RedbStore, SystemEntropy};

pub(super) async fn compact(place: &Place, options: &cli::Compact, output: &Output) -> Ended {
    let store = Config::read(place.config())?.store;
    if !store.exists() {
        return Err(Failure::new(format!(
            "there is no store {} yet, so there is nothing to compact",
            store.display()
        )));
    }
    let path = store.clone();
    let compacting = tokio::task::spawn_blocking(move || {
        RedbStore::compact(&path, RedbOptions::default(), &SystemEntropy)
    });
    let done = compacting
        .await
        .map_err(|error| Failure::new(format!("the store cannot be compacted: {error}")))?
        .map_err(atsync::Error::from)?;
    if options.json {
        output.json(&done);
        return Ok(DONE);
    }
    output.data(&format!(
        "{}: {} bytes, {} before; {} copied. It no longer contains removed or erased records; \
         copies made before are your part.",
        store.display(),
        done.after,
        done.before,
        count(done.rows, "row")
    ));
    Ok(DONE)
}
