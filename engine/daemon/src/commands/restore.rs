//! `atsync restore`: makes the store from a backup, or only checks the backup.

#![expect(clippy::disallowed_methods, reason = "reads the backup on a blocking thread")]

use crate::cli;
use crate::config::Config;
use crate::failure::{DONE, Ended, Failure};
use crate::output::Output;
use crate::words::{count, time};
use atsync::{Backup, RedbStore, SystemClock};
use std::path::Path;

/// The table with a row for each write that was not settled when the backup was made.
const OPEN: &str = "open_intents";

pub(super) async fn restore(config: &Path, options: &cli::Restore, output: &Output) -> Ended {
    let file = options.file.clone();
    let store = if options.verify { None } else { Some(Config::read(config)?.store) };
    let to = store.clone();
    let reading = tokio::task::spawn_blocking(move || match to {
        Some(store) => RedbStore::restore(&file, &store, &SystemClock),
        None => RedbStore::verify_backup(&file),
    });
    let backup = reading
        .await
        .map_err(|error| Failure::new(format!("the backup cannot be read: {error}")))?
        .map_err(atsync::Error::from)?;
    if options.json {
        output.json(&backup);
    }
    match store {
        None if !options.json => output.data(&format!(
            "{}: a whole backup of {}; nothing was changed.",
            options.file.display(),
            about(&backup)
        )),
        Some(store) => {
            if !options.json {
                let about = about(&backup);
                output.data(&format!("{}: restored, {about}.", store.display()));
            }
            explain(&backup, output);
        }
        None => {}
    }
    Ok(DONE)
}

fn about(backup: &Backup) -> String {
    format!("{} as of {}", count(backup.rows_total(), "row"), time(backup.created_ms))
}

/// What a person must know of a store that goes on in the past.
fn explain(backup: &Backup, output: &Output) {
    output.note(
        "The writes of every connection are paused: the ATS may have received writes that the \
         backup does not know. Pull, read `atsync plan NAME`, then `atsync resume NAME`.",
    );
    let open = backup.rows.get(OPEN).copied().unwrap_or_default();
    if open > 0 {
        output.note(&format!(
            "{} not settled when it was made: in doubt, and settled by probes.",
            if open == 1 { "1 write was".to_owned() } else { format!("{open} writes were") }
        ));
    }
    output.note(&format!(
        "Candidates who were erased after {} are in it again: erase them again.",
        time(backup.created_ms)
    ));
}
