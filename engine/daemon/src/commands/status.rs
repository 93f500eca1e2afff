//! `atsync status`: the state of the connections, from the store alone, and the loops that hang in
//! the process that holds it, which make the exit code 1.

use crate::cli;
use crate::failure::{DONE, Ended, Failure};
use crate::open::Use;
use crate::output::{Output, table};
use crate::place::Place;
use crate::words::{brief_of, count, time};
use atsync::Status;

/// The number of records not in step that are printed; `--json` has all that the engine returns.
const SHOWN_MAX: usize = 20;

pub(super) async fn status(place: &Place, options: &cli::Status, output: &Output) -> Ended {
    let opened = place.open(options.name.as_deref(), Use::StoreOnly).await?;
    let mut refused = opened.refused.clone();
    let mut is_late = false;
    // A relayed command sees every connection of the process that holds the store.
    let is_asked = |name: &String| options.name.as_ref().is_none_or(|only| only == name);
    for name in opened.names().into_iter().filter(is_asked) {
        let connection = match opened.connect(&name, output).await {
            Ok(connection) => connection,
            Err(why) => {
                drop(refused.insert(name, why.to_string()));
                continue;
            }
        };
        let status = connection.status().await?;
        is_late |= !status.late.is_empty();
        if options.json {
            output.json(&status);
        } else {
            for line in lines(&status) {
                output.data(&line);
            }
            if let Some(refusal) = opened.kept.get(&status.connection) {
                let since = time(refusal.since_ms);
                output.data(&format!(
                    "  another version of its adapter is refused since {since}: {}",
                    refusal.why
                ));
            }
        }
    }
    refused.values().for_each(|why| output.error(why));
    if refused.is_empty() && !is_late { Ok(DONE) } else { Err(Failure::Said) }
}

fn lines(status: &Status) -> Vec<String> {
    let component =
        status.component.as_deref().map(|code| format!(", component {}", brief_of(code)));
    let component = component.unwrap_or_default();
    let mut lines = vec![format!("{} ({}{component})", status.connection, status.adapter)];
    let rows: Vec<Vec<String>> = status
        .observed
        .iter()
        .map(|(kind, records)| {
            let pulled = status
                .pulled_ms
                .get(kind)
                .map_or("not read completely yet".to_owned(), |at| time(*at));
            let unfinished =
                if status.unfinished.contains(kind) { "a pass is unfinished" } else { "" };
            vec![format!("  {kind}"), count(*records, "record"), pulled, unfinished.to_owned()]
        })
        .collect();
    lines.extend(table(&rows));
    lines.push(format!(
        "  desired: {}, {} to be planned; changes up to {}",
        count(status.desired, "record"),
        status.dirty,
        status.changes_last
    ));
    if !status.intents.is_empty() {
        let intents: Vec<String> =
            status.intents.iter().map(|(state, number)| format!("{number} {state}")).collect();
        lines.push(format!("  writes: {}", intents.join(", ")));
    }
    if let Some(since_ms) = status.writes_paused_ms {
        let (name, since) = (&status.connection, time(since_ms));
        lines.push(format!(
            "  its writes are paused since {since}; `atsync resume {name}` allows them"
        ));
    }
    if let Some(at_ms) = status.next_look_ms {
        let (name, at) = (&status.connection, time(at_ms));
        lines.push(format!(
            "  open writes and writes in doubt are settled from {at} on, by `atsync run` or the \
             next `atsync apply {name}`"
        ));
    }
    if status.waiting_for_person > 0 {
        let writes = count(status.waiting_for_person, "write");
        let name = &status.connection;
        lines.push(format!(
            "  for a user to decide: {writes}; see below, then `atsync resolve {name} INTENT \
             adopt|retry|abandon`"
        ));
    }
    for (kind, sweep) in &status.sweeps {
        let seen = count(sweep.rows, "record");
        lines.push(match &sweep.held {
            Some(hold) => {
                format!("  sweep of {kind} held since {}: {}", time(hold.at_ms), hold.why)
            }
            None => {
                format!("  sweep of {kind} under way since {}: {seen} seen", time(sweep.started_ms))
            }
        });
    }
    for problem in status.problems.iter().take(SHOWN_MAX) {
        let since = time(problem.since_ms);
        lines.push(format!("  not readable since {since}: {problem}"));
    }
    if status.problems.len() > SHOWN_MAX {
        lines.push(format!("  and {} more; --json shows them", status.problems.len() - SHOWN_MAX));
    }
    for late in &status.late {
        lines.push(format!(
            "  its loop `{}` hangs since {}: it did not act when it said that it would; restart \
             the process that holds the store, which loses nothing",
            late.name,
            time(late.since_ms)
        ));
    }
    if let Some(clocks) = &status.clocks {
        lines.push(format!("  {clocks}"));
    }
    for warning in &status.sunsets {
        lines.push(format!("  {warning}"));
    }
    for (key, message) in status.not_in_step.iter().take(SHOWN_MAX) {
        // A message about the record itself begins with its path, which is the key.
        let message = message.strip_prefix(&format!("{key}: ")).unwrap_or(message);
        lines.push(format!("  not in step: {key}: {message}"));
    }
    if status.not_in_step.len() > SHOWN_MAX {
        lines.push(format!(
            "  and {} more; --json shows them",
            status.not_in_step.len() - SHOWN_MAX
        ));
    }
    if status.not_in_step_unread > 0 {
        let unread = count(status.not_in_step_unread, "desired record");
        lines.push(format!(
            "  {unread} not read here; `atsync plan {} --all` plans each",
            status.connection
        ));
    }
    lines
}
