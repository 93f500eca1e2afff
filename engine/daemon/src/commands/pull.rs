//! `atsync pull`: reads what changed in the ATS into the store.
//!
//! A kind that the credential may not read is reported and does not block the others. It fails the
//! command if it was requested by name, or if it is required.

use super::render::calls;
use crate::cli;
use crate::failure::{DONE, Ended, Failure};
use crate::open::Use;
use crate::output::{Output, table};
use crate::place::Place;
use crate::words::count;
use atsync::model::manifest::{Manifest, ScanRule};
use atsync::{ErrorKind, PullReport};
use serde_json::json;

pub(super) async fn pull(place: &Place, options: &cli::Pull, output: &Output) -> Ended {
    let opened = place.open(Some(&options.name), Use::Online).await?;
    let connection = opened.connect(&options.name, output).await?;
    let scheduled: Vec<String> =
        opened.config.connection(&options.name)?.schedule().into_keys().collect();
    let asked = if options.kinds.is_empty() { scheduled } else { options.kinds.clone() };
    asked.iter().try_for_each(|kind| connection.check_kind(kind))?;
    let by_name = !asked.is_empty();
    let kinds = if by_name { asked } else { listable(connection.manifest()) };
    let mut reports: Vec<PullReport> = Vec::new();
    let mut denied: Vec<(String, String)> = Vec::new();
    for kind in &kinds {
        let pulled = if options.full {
            connection.pull_full(kind).await
        } else {
            connection.pull(kind).await
        };
        match pulled {
            Ok(report) => reports.push(report),
            Err(error) if error.kind() == ErrorKind::Denied => {
                denied.push((kind.clone(), error.to_string()))
            }
            Err(error) => {
                output.end();
                show(&reports, options.json, output);
                return Err(error.into());
            }
        }
    }
    output.end();
    show(&reports, options.json, output);
    for (kind, message) in &denied {
        let place = format!("{}: reading {kind}: ", options.name);
        let line = format!("{kind} not read: {}", message.strip_prefix(&place).unwrap_or(message));
        if by_name {
            output.error(&line);
        } else {
            output.note(&line);
        }
    }
    if !options.json {
        output.data(&format!("{}.", count(calls(&connection), "call")));
    }
    if reports.is_empty() || (by_name && !denied.is_empty()) {
        return Err(Failure::Said);
    }
    Ok(DONE)
}

fn show(reports: &[PullReport], as_json: bool, output: &Output) {
    if as_json {
        for report in reports {
            output.json(&json!(report));
        }
        return;
    }
    let rows: Vec<Vec<String>> = reports
        .iter()
        .map(|report| {
            let what = if report.full { "everything" } else { "what changed" };
            vec![
                report.kind.clone(),
                count(report.records, "record"),
                format!("{} new", report.created),
                format!("{} changed", report.updated),
                count(report.pages, "page"),
                if report.resumed { format!("{what}, resumed") } else { what.to_owned() },
            ]
        })
        .collect();
    for line in table(&rows) {
        output.data(&line);
    }
    for report in reports {
        if report.unread > 0 || report.unread_fields > 0 {
            let (rows, fields) =
                (count(report.unread, "row"), count(report.unread_fields, "field"));
            output.note(&format!(
                "{}: {rows} and {fields} could not be read; `status` shows them until they can",
                report.kind
            ));
        }
        for warning in &report.warnings {
            output.note(warning);
        }
    }
}

/// The kinds that can be listed as a whole, in the manifest's order, less those that a connection
/// reads only when it names them: raw ones and sensitive ones.
pub(super) fn listable(manifest: &Manifest) -> Vec<String> {
    let listed = manifest
        .kinds
        .iter()
        .filter(|kind| !kind.raw && kind.opt_in.is_none())
        .filter(|kind| matches!(kind.scan, ScanRule::List {} | ScanRule::ByParent { .. }));
    listed.map(|kind| kind.name.clone()).collect()
}
