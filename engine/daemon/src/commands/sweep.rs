//! `atsync sweep`: finds deleted records by a complete scan, and confirms them one by one.
//!
//! A sweep is held if it would report too large a share of a kind as deleted, or lost a right: it
//! reports no deletion, exits with 1 and says what to check. `--force` overrides the share, never a
//! right.

use super::render::calls;
use crate::cli;
use crate::failure::{DONE, Ended, Failure};
use crate::open::Use;
use crate::output::{Output, table};
use crate::place::Place;
use crate::words::count;
use atsync::{SweepOptions, SweepReport};
use serde_json::json;

pub(super) async fn sweep(place: &Place, options: &cli::Sweep, output: &Output) -> Ended {
    let opened = place.open(Some(&options.name), Use::Online).await?;
    let connection = opened.connect(&options.name, output).await?;
    options.kinds.iter().try_for_each(|kind| connection.check_kind(kind))?;
    let mut held = Vec::new();
    let mut rows = Vec::new();
    for kind in &options.kinds {
        let report = connection.sweep(kind, SweepOptions::default().force(options.force)).await?;
        if options.json {
            output.json(&json!(report));
        }
        rows.push(row(&report));
        held.extend(report.held);
    }
    output.end();
    if !options.json {
        for line in table(&rows) {
            output.data(&line);
        }
        output.data(&format!("{}.", count(calls(&connection), "call")));
    }
    for text in &held {
        output.error(text);
    }
    if held.is_empty() { Ok(DONE) } else { Err(Failure::Said) }
}

fn row(report: &SweepReport) -> Vec<String> {
    vec![
        report.kind.clone(),
        format!("{} seen", report.seen),
        format!("{} suspected", report.suspected),
        format!("{} gone", report.confirmed),
        format!("{} moved", report.moved),
        format!("{} still there", report.still_there),
        excused(report),
    ]
}

/// The records that are missing and no suspects.
fn excused(report: &SweepReport) -> String {
    let mut words = Vec::new();
    for (number, what) in [
        (report.young, "too new to tell"),
        (report.hidden, "perhaps hidden"),
        (report.unproven, "missing without proof"),
    ] {
        if number > 0 {
            words.push(format!("{number} {what}"));
        }
    }
    words.join(", ")
}
