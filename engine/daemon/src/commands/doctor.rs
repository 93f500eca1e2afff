//! `atsync doctor`: says what a file is, and what to do.

#![expect(clippy::disallowed_methods, reason = "reads the file on a blocking thread")]

use crate::cli;
use crate::config::Config;
use crate::failure::{DONE, Ended, Failure};
use crate::output::{Output, table};
use crate::words::time;
use atsync::{RedbStore, StoreFile};
use serde_json::json;
use std::collections::BTreeMap;
use std::path::Path;

pub(super) async fn doctor(config: &Path, options: &cli::Doctor, output: &Output) -> Ended {
    let file = match &options.file {
        Some(file) => file.clone(),
        None => Config::read(config)?.store,
    };
    let path = file.clone();
    let reading = tokio::task::spawn_blocking(move || RedbStore::inspect(&path));
    let found = reading
        .await
        .map_err(|error| Failure::new(format!("the file cannot be read: {error}")))?
        .map_err(atsync::Error::from)?;
    let (is_good, advice) = advice(&found);
    let (oldest, newest) = RedbStore::LAYOUTS;
    if options.json {
        output.json(&json!({
            "file": file.display().to_string(),
            "found": found,
            "good": is_good,
            "advice": advice,
            "layout_oldest": oldest,
            "layout_newest": newest,
        }));
    } else {
        output.data(&format!("{} {found}.", file.display()));
        for line in details(&found) {
            output.data(&line);
        }
        output.data(&format!("What to do: {advice}."));
        output.data(&format!(
            "This version writes stores of layout {newest}; the oldest layout that it upgrades is \
             {oldest}."
        ));
    }
    if is_good { Ok(DONE) } else { Err(Failure::Said) }
}

fn details(found: &StoreFile) -> Vec<String> {
    let mut lines = Vec::new();
    let (rows, lineage): (&BTreeMap<String, u64>, &str) = match found {
        StoreFile::Store { rows, lineage, .. } => (rows, lineage),
        StoreFile::Backup(backup) => {
            lines.push(format!("  made {}", time(backup.created_ms)));
            (&backup.rows, &backup.lineage)
        }
        _ => return lines,
    };
    lines.push(format!("  store {lineage}"));
    let rows = rows.iter().filter(|(_, rows)| **rows > 0);
    let rows: Vec<Vec<String>> =
        rows.map(|(name, rows)| vec![format!("  {name}"), rows.to_string()]).collect();
    lines.extend(table(&rows));
    lines
}

/// Whether this version reads the file, and what to do.
fn advice(found: &StoreFile) -> (bool, &'static str) {
    match found {
        StoreFile::Store { .. } => (true, "nothing; it is whole"),
        StoreFile::InUse => (
            true,
            "nothing; to read all of it, make a backup by `atsync backup FILE` and check that one \
             by `atsync doctor FILE`, or stop the process that has it open",
        ),
        StoreFile::LeftOpen => {
            (true, "start `atsync serve` or any other command on it; the first one repairs it")
        }
        StoreFile::Backup(_) => {
            (true, "nothing; `atsync restore FILE` makes the store from it, where there is none")
        }
        StoreFile::Missing => (
            false,
            "check the path; `atsync pull NAME` makes a new store, and `atsync restore FILE` one \
             from a backup",
        ),
        StoreFile::NoRegularFile => (false, "name a file"),
        StoreFile::Empty => (
            false,
            "restore a backup. If no store was ever there, remove the file: `atsync pull NAME` \
             makes a new one",
        ),
        StoreFile::Unfinished => (
            false,
            "remove it; the process that wrote it was stopped. Make another one by `atsync backup \
             FILE`",
        ),
        StoreFile::OtherVersion { found, newest, .. } if found > newest => {
            (false, "use the version of atsync that wrote it, or a newer one; nothing is lost")
        }
        StoreFile::OtherVersion { .. } => (
            false,
            "use the version of atsync that wrote it; this one does not upgrade what is so old",
        ),
        StoreFile::Compressed { .. } => {
            (false, "decompress it, and run `atsync doctor FILE` on the result")
        }
        StoreFile::Foreign { .. } => {
            (false, "correct `store` in the configuration, or name another file")
        }
        StoreFile::Damaged { .. } => (
            false,
            "keep it, move it away and restore a backup by `atsync restore FILE`. Without one, \
             pull again: what the ATS holds comes back, but the declared records, the links and \
             the journal do not",
        ),
        _ => (false, "use a newer version of this program"),
    }
}
