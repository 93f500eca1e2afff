//! `atsync audit`: the audit log, from the store alone; the oldest of the printed entries first.

use crate::cli;
use crate::failure::{DONE, Ended};
use crate::output::{Output, table};
use crate::place::Place;
use crate::serve::audit::entry::Outcome;
use crate::serve::audit::read::{self, Filter, Numbered, ROWS_MAX};
use crate::words::time;
use atsync::Engine;
use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;

/// Runs the command. The future is on the heap, as that of [`super::connect`].
pub(super) fn audit<'a>(
    place: &'a Place,
    options: &'a cli::Audit,
    output: &'a Output,
) -> LocalBoxFuture<'a, Ended> {
    ran(place, options, output).boxed_local()
}

async fn ran(place: &Place, options: &cli::Audit, output: &Output) -> Ended {
    let engine = &place.notes().await?;
    let mut filter = Filter {
        connection: options.connection.clone(),
        who: options.who.clone(),
        ..Filter::default()
    };
    if let (Some(name), Some(key)) = (&options.connection, &options.key) {
        let head = read::bounds(engine).await?;
        let digest = head.and_then(|head| head.digest(name, key));
        filter.record = Some(digest.unwrap_or_default());
    }
    let mut count = 0_usize;
    match options.after {
        Some(mut number) => loop {
            let page = read::after(engine, number, ROWS_MAX, (&filter, &|_| false)).await?;
            count = count.saturating_add(page.entries.len());
            print(&page.entries, options, output);
            if !page.has_more {
                break;
            }
            number = page.looked;
        },
        None => {
            let entries = newest(engine, usize::from(options.last), &filter).await?;
            count = entries.len();
            print(&entries, options, output);
        }
    }
    if count == 0 && !options.json {
        output.note("the audit log has no such entry");
    }
    Ok(DONE)
}

/// The newest entries that fit, the oldest of them first.
async fn newest(
    engine: &Engine,
    wanted: usize,
    filter: &Filter,
) -> Result<Vec<Numbered>, atsync::Error> {
    let (mut found, mut before) = (Vec::new(), None);
    loop {
        let left = wanted.saturating_sub(found.len());
        let page = read::before(engine, before, left, (filter, &|_| false)).await?;
        found.extend(page.entries);
        if !page.has_more || found.len() >= wanted {
            found.reverse();
            return Ok(found);
        }
        before = Some(page.looked);
    }
}

fn print(entries: &[Numbered], options: &cli::Audit, output: &Output) {
    if options.json {
        entries.iter().for_each(|one| output.json(one));
        return;
    }
    let rows: Vec<Vec<String>> = entries.iter().map(row).collect();
    table(&rows).iter().for_each(|line| output.data(line));
}

fn row(one: &Numbered) -> Vec<String> {
    let entry = &one.entry;
    let who = entry.who.as_ref().map(|who| format!(" {who}")).unwrap_or_default();
    let mut about = entry.what.word();
    for part in [&entry.connection, &entry.target, &entry.record].into_iter().flatten() {
        about.push(' ');
        about.push_str(part);
    }
    if let Some(count) = entry.count {
        about.push_str(&format!(" ({count})"));
    }
    let result = entry.result.unwrap_or(Outcome::Unknown).word();
    let problem = entry.problem.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
    vec![
        one.number.to_string(),
        time(entry.at_ms),
        format!("{}{who}", entry.by.word()),
        about,
        format!("{result}{problem}"),
    ]
}
