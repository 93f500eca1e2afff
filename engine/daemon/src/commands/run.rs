//! `atsync run`: every connection in step on its schedule, in the foreground, until SIGINT or SIGTERM.
//!
//! Connections run side by side; one that fails for good says so and does not stop the others. A round is one line without candidate data.

use super::apply;
use super::pull::known;
use crate::cli;
use crate::failure::{DONE, Ended, Failure};
use crate::open::{self, Use};
use crate::output::Output;
use crate::words::{count, time};
use atsync::schedule::{self, Cron, Crons, Round};
use atsync::{Clock, Connection, SystemClock};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use tokio::sync::watch;

/// The schedule of a connection that has none.
const SCHEDULE_DEFAULT: [(&str, &str); 3] =
    [("applications", "*/5 * * * *"), ("candidates", "*/5 * * * *"), ("jobs", "*/15 * * * *")];

pub(super) async fn run(config: &Path, options: &cli::Run, output: &Output) -> Ended {
    let opened = open::open(config, None, Use::Online).await?;
    let quiet = output.clone().without_progress();
    let mut runs = Vec::new();
    for name in opened.names() {
        let connection = opened.connect(&name, &quiet).await?;
        let mut crons = opened.config.connection(&name)?.schedule();
        if crons.is_empty() {
            let known = SCHEDULE_DEFAULT.iter().filter(|(kind, _)| connection.manifest().kind(kind).is_some());
            crons = known.map(|(kind, cron)| ((*kind).to_owned(), (*cron).to_owned())).collect();
        }
        let kinds: Vec<String> = crons.keys().cloned().collect();
        known(connection.manifest(), &kinds).map_err(|error| {
            Failure::new(format!("{}: connections.{name}.schedule: {error}", opened.config.path.display()))
        })?;
        let sweeps = opened.config.connection(&name)?.sweeps();
        let swept: Vec<String> = sweeps.keys().cloned().collect();
        known(connection.manifest(), &swept).map_err(|error| {
            Failure::new(format!("{}: connections.{name}.sweeps: {error}", opened.config.path.display()))
        })?;
        runs.push((connection, Crons { pulls: parsed(crons)?, sweeps: parsed(sweeps)? }));
    }
    let (stop, stopped) = watch::channel(false);
    let told_to_stop = signal()?;
    let signal = tokio::spawn(async move {
        told_to_stop.await;
        let _ = stop.send(true);
    });
    for (connection, crons) in &runs {
        let kinds: Vec<&str> = crons.pulls.keys().map(String::as_str).collect();
        tell(
            options,
            output,
            connection.name(),
            "started",
            json!({ "kinds": kinds }),
            &format!("keeping {} in step", kinds.join(", ")),
        );
    }
    let all = runs.into_iter().map(|(connection, crons)| one(connection, crons, stopped.clone(), options, output));
    let ended = futures_util::future::join_all(all).await;
    signal.abort();
    if ended.iter().all(|ok| *ok) { Ok(DONE) } else { Err(Failure::Said) }
}

fn parsed(crons: BTreeMap<String, String>) -> Result<BTreeMap<String, Cron>, Failure> {
    crons
        .into_iter()
        .map(|(kind, text)| Cron::parse(&text).map(|cron| (kind, cron)).map_err(Failure::Message))
        .collect()
}

/// Runs one connection to its end; whether that end is a clean one.
async fn one(
    connection: Connection,
    crons: Crons,
    mut stopped: watch::Receiver<bool>,
    options: &cli::Run,
    output: &Output,
) -> bool {
    let name = connection.name().to_owned();
    let stop = async move {
        // An error means that the sender is gone, which is the end as well.
        let _ = stopped.wait_for(|stop| *stop).await;
    };
    let ended = schedule::run_all(&connection, crons, stop, |round| {
        let (what, value, text) = words(round);
        tell(options, output, &name, what, value, &text);
    })
    .await;
    match ended {
        Ok(()) => {
            tell(options, output, &name, "stopped", json!({}), "stopped");
            true
        }
        Err(error) => {
            let text = Failure::from(error).to_string();
            let text = text.strip_prefix(&format!("{name}: ")).unwrap_or(&text);
            tell(options, output, &name, "ended", json!({ "error": text }), &format!("error: {text}"));
            false
        }
    }
}

fn words(round: &Round<'_>) -> (&'static str, Value, String) {
    match round {
        Round::Pulled(report) => (
            "pulled",
            json!(report),
            format!(
                "pulled {}: {}, {} new, {} changed",
                report.kind,
                count(report.records, "record"),
                report.created,
                report.updated
            ),
        ),
        Round::Swept(report) => (
            "swept",
            json!(report),
            match &report.held {
                Some(text) => format!("sweep held: {text}"),
                None => format!("swept {}: {} gone, {} moved", report.kind, report.confirmed, report.moved),
            },
        ),
        Round::Applied(report) => ("applied", json!(report), format!("applied: {}", apply::outcome(report))),
        Round::Failed { what, error, wait_ms } => (
            "failed",
            json!({ "what": what, "error": error.to_string(), "wait_ms": wait_ms }),
            format!("failed {what}, again in {} s: {error}", wait_ms.div_ceil(1000)),
        ),
        _ => ("round", json!({}), "a round".to_owned()),
    }
}

fn tell(options: &cli::Run, output: &Output, name: &str, what: &str, value: Value, text: &str) {
    let at_ms = SystemClock.now_ms();
    if options.json {
        output.json(&json!({ "at": time(at_ms), "connection": name, "round": what, "report": value }));
    } else {
        output.data(&format!("{} {name} {text}", time(at_ms)));
    }
}

/// Listens from now on; completes at SIGINT or SIGTERM.
#[cfg(unix)]
fn signal() -> Result<impl Future<Output = ()>, Failure> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

/// Completes at Ctrl-C.
#[cfg(not(unix))]
fn signal() -> Result<impl Future<Output = ()>, Failure> {
    Ok(async {
        let _ = tokio::signal::ctrl_c().await;
    })
}
