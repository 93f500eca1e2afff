//! `atsync run` and `atsync serve`: run the schedules of all connections in the foreground until
//! SIGINT or SIGTERM. Both serve the HTTP API on the socket beside the store, for the commands of
//! this user; `serve` also on an address.
//!
//! Each connection runs in a task of its own; one that cannot start, or fails permanently, is
//! reported and does not stop the others. A round prints one line without candidates' data.
//!
//! On SIGHUP it reads configuration and secrets again. Each connection's part is checked before it
//! changes: a mistake is reported, and that connection continues unchanged. A connection whose part
//! of the file is unchanged only gets its credential again; a changed one stops as at SIGTERM, with
//! time for open writes, and restarts; so does one whose adapter has another component by now, and
//! one that had failed permanently. A change of the adapters' folder is the same as SIGHUP.

#![expect(clippy::disallowed_methods, reason = "runs each connection in a task")]

use crate::adapters::shelf::Shelf;
use crate::adapters::watch::Watch;
use crate::cli;
use crate::commands::outcome;
use crate::config::ConnectionConfig;
use crate::failure::{DONE, Ended, Failure};
use crate::notify;
use crate::oauth_clients;
use crate::open::{self, Opened, Use};
use crate::output::Output;
use crate::serve::audit::act::Act;
use crate::serve::audit::request::by_signal;
use crate::serve::{self, LoopNotice, Notice, Reloaded, Served, Server};
use crate::signals::{Hangup, Reread, Stop};
use crate::words::{count, time};
use atsync::{
    Clock, Connection, Crons, ErrorKind, Round, Secret, SystemClock, WebhookEnd, WebhooksBlocked,
    WebhooksReport,
};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use futures_util::stream::{FuturesUnordered, StreamExt};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use tokio::sync::watch;

/// The default schedule.
const SCHEDULE_DEFAULT: [(&str, &str); 3] =
    [("applications", "*/5 * * * *"), ("candidates", "*/5 * * * *"), ("jobs", "*/15 * * * *")];

/// How long a reload may take before it counts as hanging: it waits for the writes of the
/// connections that it stops, for commands that print secrets, and for the compiler.
const RELOAD_MS: u64 = 10 * 60_000;
/// How often loops that hang are looked for.
const LOOK_MS: u64 = 30_000;

pub(crate) async fn run(config: &Path, options: &cli::Run, output: &Output) -> Ended {
    supervised(config, Api::Socket, options, output).await
}

/// As [`run`], with the HTTP API on the configured address too. It goes on when no connection can
/// start, so that the API says why.
pub(crate) async fn serve(config: &Path, options: &cli::Run, output: &Output) -> Ended {
    supervised(config, Api::Address, options, output).await
}

/// Attends the connections to their end. Meanwhile it reports to the service manager that the
/// process is alive, and loops that hang.
async fn supervised(config: &Path, api: Api, options: &cli::Run, output: &Output) -> Ended {
    let served = Arc::new(Served::new());
    let report = &Report { is_json: options.json, output: output.clone(), served };
    let is_stuck = || !report.served.late_for_all().is_empty();
    tokio::select! {
        ended = attended(config, api, report) => ended,
        never = notify::alive(is_stuck) => match never {},
        never = report.loops() => match never {},
    }
}

/// Where the HTTP API is served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Api {
    /// On the socket beside the store, for the commands of this user.
    Socket,
    /// There, and on the address of the configuration.
    Address,
}

async fn attended(config: &Path, api: Api, report: &Report) -> Ended {
    let mut stop = Stop::listen(Hangup::Rereads)?;
    let mut reread = Reread::listen()?;
    let mut opened = open::open(config, None, Use::Online).await?;
    let address = opened.config.serve.listen.filter(|_| api == Api::Address);
    // Before the first request, which may come at once.
    report.served.runs(&opened);
    let server =
        match (Server::start(&opened.config, address, (&report.served, &opened.engine)).await, api)
        {
            (Ok(server), Api::Socket) => Some(server),
            (Ok(server), Api::Address) => {
                report.output.note(&format!("serving on {}", server.places));
                Some(server)
            }
            // The schedules need no socket.
            (Err(why), Api::Socket) => {
                report
                    .output
                    .note(&format!("other commands cannot use the store meanwhile: {why}"));
                None
            }
            (Err(why), Api::Address) => return Err(why.into()),
        };
    if let Some(server) = &server {
        server.deliver().await;
    }
    let mut reloads = report.served.reloads();
    let mut runs: BTreeMap<String, Running> = BTreeMap::new();
    let mut ends = FuturesUnordered::new();
    let refused = opened.refused.clone().into_iter();
    let mut refused: Vec<(String, String)> = refused.collect();
    for name in opened.names() {
        match prepare(&opened, &name, report).await {
            Ok(prepared) => ends.push(start(prepared, &mut runs, report)),
            Err(why) => refused.push((name, why.to_string())),
        }
    }
    for (name, why) in &refused {
        report.ended(name, why);
    }
    for why in of_folder(&opened.adapters.shelf).values() {
        report.output.error(why);
    }
    for why in oauth_clients::faults(&opened.config).await {
        report.output.error(&why);
    }
    if ends.is_empty() && api == Api::Socket {
        stop_serving(server).await;
        return Err(Failure::Said);
    }
    notify::ready(&server.as_ref().map_or(String::new(), |server| server.places.clone()));
    let mut is_clean = refused.is_empty();
    let mut is_stopping = false;
    let heartbeat = opened.engine.heartbeat("reload", None);
    let mut watch = Watch::default();
    loop {
        heartbeat.rests();
        let shelf = Arc::clone(&opened.adapters.shelf);
        tokio::select! {
            Some((name, ok)) = ends.next(), if !ends.is_empty() => {
                is_clean &= ok;
                if let Some(ended) = runs.get_mut(&name) {
                    ended.is_over = true;
                }
            }
            () = stop.came() => {
                if is_stopping {
                    report.output.note("second signal: open writes are interrupted, and settled \
                        by the next run");
                    return Err(Failure::Said);
                }
                is_stopping = true;
                notify::stopping();
                runs.values().for_each(Running::stop);
            }
            () = reread.came(), if !is_stopping => {
                heartbeat.acts_within(RELOAD_MS);
                let work = reload(&mut opened, (&mut runs, &mut ends), server.as_ref(), report);
                drop(by_signal(&report.served, Act::Reload, work).await);
            }
            () = watch.changed(&shelf), if !is_stopping => {
                heartbeat.acts_within(RELOAD_MS);
                let work = reload(&mut opened, (&mut runs, &mut ends), server.as_ref(), report);
                drop(by_signal(&report.served, Act::Reload, work).await);
            }
            Some(asked) = reloads.recv(), if !is_stopping => {
                heartbeat.acts_within(RELOAD_MS);
                let done =
                    reload(&mut opened, (&mut runs, &mut ends), server.as_ref(), report).await;
                // The caller may have left.
                drop(asked.send(done));
            }
        }
        if ends.is_empty() && (is_stopping || api == Api::Socket) {
            heartbeat.rests();
            // Its requests end before the connections close.
            stop_serving(server).await;
            for run in runs.into_values() {
                run.connection.close().await;
            }
            opened.engine.close().await?;
            return if is_clean { Ok(DONE) } else { Err(Failure::Said) };
        }
    }
}

/// Reads the configuration again and starts what is new.
async fn reload(
    opened: &mut Opened,
    (runs, ends): (&mut BTreeMap<String, Running>, &mut FuturesUnordered<End>),
    server: Option<&Server>,
    report: &Report,
) -> Result<Reloaded, String> {
    match changed(opened, runs, ends, report).await {
        // Started: each is counted from here on.
        Ok((started, mut refused)) => {
            for prepared in started {
                ends.push(start(prepared, runs, report));
            }
            let is_running = |name: &str| runs.get(name).is_some_and(|run| !run.is_over);
            report.served.reread(&refused, is_running);
            let mut faults = Vec::new();
            if let Some(server) = server
                && let Err(why) = server.reread(&opened.config).await
            {
                faults.push(format!("{why}; the tokens stay as they are"));
            }
            faults.extend(oauth_clients::faults(&opened.config).await);
            faults.iter().for_each(|why| report.output.error(why));
            if !faults.is_empty() {
                refused.insert("serve".to_owned(), faults.join("\n"));
            }
            let adapters = of_folder(&opened.adapters.shelf);
            adapters.values().for_each(|why| report.output.error(why));
            Ok(Reloaded { refused, adapters })
        }
        Err(error) => {
            let why = error.to_string();
            report.output.error(&format!(
                "the configuration was not read again, and all connections continue unchanged: \
                 {why}"
            ));
            Err(why)
        }
    }
}

/// The refused files of the adapters' folder, or the folder itself, each with why.
fn of_folder(shelf: &Shelf) -> BTreeMap<String, String> {
    let files = shelf.refused().map(|(name, refusal)| {
        let why = &refusal.why;
        let text =
            format!("adapters: {why}; connections on an earlier version of it keep that one");
        (name.to_owned(), text)
    });
    let folder = shelf.fault().map(|fault| (String::new(), fault.why.clone()));
    files.chain(folder).collect()
}

async fn stop_serving(server: Option<Server>) {
    if let Some(server) = server {
        server.stop().await;
    }
}

/// Where the rounds are reported.
#[derive(Clone)]
struct Report {
    is_json: bool,
    output: Output,
    /// What the HTTP API serves.
    served: Arc<Served>,
}

impl Report {
    fn tell(&self, name: &str, what: &str, value: Value, text: &str) {
        self.tell_of(Some(name), what, value, text);
    }

    /// `name`: the connection; none for what is about all of them.
    fn tell_of(&self, name: Option<&str>, what: &str, value: Value, text: &str) {
        let at_ms = SystemClock.now_ms();
        if self.is_json {
            self.output.json(
                &json!({ "at": time(at_ms), "connection": name, "round": what, "report": value }),
            );
        } else {
            let name = name.unwrap_or("all connections:");
            self.output.data(&format!("{} {name} {text}", time(at_ms)));
        }
    }

    /// Reports each loop that hangs, and each that acts again. Never ends.
    async fn loops(&self) -> std::convert::Infallible {
        loop {
            SystemClock.sleep(LOOK_MS).await;
            self.served.loop_notices().iter().for_each(|notice| self.of_loop(notice));
        }
    }

    fn of_loop(&self, notice: &LoopNotice) {
        let (connection, what, value, text) = match notice {
            LoopNotice::Late { name, connection, age_ms } => (
                connection,
                "stalled",
                json!({ "loop": name, "age_ms": age_ms }),
                format!(
                    "stalled: the loop `{name}` hangs, and has not acted for {} minutes; restart \
                     the process, which loses nothing",
                    age_ms / 60_000
                ),
            ),
            LoopNotice::Recovered { name, connection, lasted_ms } => (
                connection,
                "progressing",
                json!({ "loop": name, "lasted_ms": lasted_ms }),
                format!(
                    "progressing: the loop `{name}` acts again; it hung for {} minutes",
                    lasted_ms.div_ceil(60_000)
                ),
            ),
        };
        self.tell_of(connection.as_deref(), what, value, &text);
    }

    /// A connection ended with an error, or could not start.
    fn ended(&self, name: &str, why: &str) {
        self.served.ended(name, why);
        self.tell(name, "ended", json!({ "error": why }), &format!("error: {why}"));
    }

    fn round(&self, name: &str, round: &Round<'_>) {
        let notice = self.served.round(name, round);
        if let Some((what, value, text)) = words(name, round) {
            self.tell(name, what, value, &text);
        }
        match notice {
            Some(Notice::Failing { why, message }) => {
                let text = format!("failing from now on: {message}");
                self.tell(name, "failing", json!({ "reason": why, "error": message }), &text);
            }
            Some(Notice::Recovered { lasted_ms }) => {
                let minutes = lasted_ms.div_ceil(60_000);
                let text = format!("recovered; its rounds failed for {minutes} minutes");
                self.tell(name, "recovered", json!({ "lasted_ms": lasted_ms }), &text);
            }
            None => {}
        }
    }
}

/// A connection to run.
struct Prepared {
    name: String,
    /// Where the ATS sends its webhooks.
    webhooks: Option<Secret>,
    connection: Connection,
    crons: Crons,
    config: ConnectionConfig,
}

/// A running connection.
struct Running {
    connection: Connection,
    config: ConnectionConfig,
    webhooks: Option<Secret>,
    stop: watch::Sender<bool>,
    /// It ended with an error that a retry does not resolve.
    is_over: bool,
}

impl Running {
    fn stop(&self) {
        let _ = self.stop.send(true);
    }
}

/// Opens a connection and reads its schedule.
async fn prepare(opened: &Opened, name: &str, report: &Report) -> Result<Prepared, Failure> {
    let quiet = report.output.clone().without_progress();
    let connection = opened.connect(name, &quiet).await?;
    let config = opened.config.connection(name)?.clone();
    let known =
        SCHEDULE_DEFAULT.iter().filter(|(kind, _)| connection.manifest().kind(kind).is_some());
    let usual = known.map(|(kind, cron)| ((*kind).to_owned(), (*cron).to_owned())).collect();
    let crons = config.crons(usual).map_err(|error| Failure::Message(error.to_string()))?;
    let webhooks = serve::webhook_url(&report.served, &opened.config, &connection);
    let crons = crons.with_webhooks(webhooks.clone());
    Ok(Prepared { name: name.to_owned(), webhooks, connection, crons, config })
}

/// Runs a connection in a task of its own, so that neither blocking nor a panic delays another. The
/// returned future completes when it has ended, and says whether it ended without an error.
fn start(prepared: Prepared, runs: &mut BTreeMap<String, Running>, report: &Report) -> End {
    let Prepared { name, webhooks, connection, crons, config } = prepared;
    let (stop, stopped) = watch::channel(false);
    let kinds: Vec<&str> = crons.pulls.keys().map(String::as_str).collect();
    let text = format!("keeping {} in step", kinds.join(", "));
    report.tell(&name, "started", json!({ "kinds": kinds }), &text);
    report.served.started(&connection, crons.pulls.keys().cloned().collect());
    runs.insert(
        name.clone(),
        Running { connection: connection.clone(), config, webhooks, stop, is_over: false },
    );
    let task = tokio::spawn(one(connection, crons, stopped, report.clone()));
    let report = report.clone();
    async move {
        let is_clean = task.await.unwrap_or_else(|_| {
            let text = "it panicked, which is a bug in atsync; its journal has the open writes";
            report.ended(&name, text);
            false
        });
        (name, is_clean)
    }
    .boxed()
}

/// The end of a connection's task: its name, and whether it ended without an error.
type End = BoxFuture<'static, (String, bool)>;

/// Reads the configuration again: stops removed and changed connections, replaces the credentials
/// of unchanged ones, and returns those to start, and those that were refused with why. A
/// connection with a mistake in its part continues unchanged; if the file cannot be read, all do.
async fn changed(
    opened: &mut Opened,
    runs: &mut BTreeMap<String, Running>,
    ends: &mut FuturesUnordered<End>,
    report: &Report,
) -> Result<(Vec<Prepared>, BTreeMap<String, String>), Failure> {
    let mut again = opened.again().await?;
    let mut refused: BTreeMap<String, String> = again.refused.clone();
    for (name, refusal) in again.kept.iter() {
        let place = again.config.place(name, "adapter");
        drop(refused.insert(name.clone(), format!("{place}: {name}: adapter: {}", refusal.why)));
    }
    let mut begin = Vec::new();
    for name in again.names() {
        let config = again.config.connection(&name)?;
        let present = runs.get(&name).filter(|run| !run.is_over);
        let going = present.filter(|run| {
            // Its webhooks follow another public URL.
            let url = serve::webhook_url(&report.served, &again.config, &run.connection);
            run.config.runs_as(config)
                && run.connection.component() == again.component(&name)
                && run.webhooks == url
        });
        let outcome = match (going, again.credential(&name)) {
            (Some(run), Some(credential)) => {
                run.connection.replace_credential(credential).await.map_err(Failure::from)
            }
            (Some(_), None) => Ok(()),
            (None, _) => prepare(&again, &name, report).await.map(|prepared| begin.push(prepared)),
        };
        if let Err(why) = outcome {
            let why = why.to_string();
            if going.is_none() && present.is_some() {
                again.goes_on(&name, opened, &why);
            }
            drop(refused.insert(name, why));
        }
    }
    for (name, why) in &refused {
        let rest = if runs.get(name).is_some_and(|run| !run.is_over) {
            "; it goes on as before"
        } else {
            ""
        };
        report.output.error(&format!("{why}{rest}"));
    }
    let is_begun = |name: &str| begin.iter().any(|prepared| prepared.name == name);
    let is_gone = |name: &str| {
        again.config.connections.keys().chain(refused.keys()).all(|known| known != name)
    };
    let ending: Vec<String> =
        runs.keys().filter(|name| is_begun(name) || is_gone(name)).cloned().collect();
    for name in &ending {
        if let Some(run) = runs.get(name) {
            run.stop();
        }
    }
    // Two runs of one connection never overlap. The others continue meanwhile.
    while runs.iter().any(|(name, run)| ending.contains(name) && !run.is_over) {
        let Some((name, _)) = ends.next().await else { break };
        if let Some(run) = runs.get_mut(&name) {
            run.is_over = true;
        }
    }
    for name in &ending {
        if let Some(run) = runs.remove(name) {
            report.served.removed(name);
            run.connection.close().await;
        }
    }
    report.output.note(&format!("read {} again", again.config.path.display()));
    *opened = again;
    report.served.runs(opened);
    Ok((begin, refused))
}

/// Runs one connection to its end; returns whether it ended without an error.
async fn one(
    connection: Connection,
    crons: Crons,
    mut stopped: watch::Receiver<bool>,
    report: Report,
) -> bool {
    let name = connection.name().to_owned();
    let stop = async move {
        // An error means that the sender was dropped, which ends the run too.
        let _ = stopped.wait_for(|stop| *stop).await;
    };
    match connection.run(crons, stop, |round| report.round(&name, round)).await {
        Ok(()) => {
            report.tell(&name, "stopped", json!({}), "stopped");
            true
        }
        Err(error) => {
            let text = Failure::from(error).to_string();
            report.ended(&name, text.strip_prefix(&format!("{name}: ")).unwrap_or(&text));
            false
        }
    }
}

/// What is printed about a round; nothing where nothing was to be done.
fn words(name: &str, round: &Round<'_>) -> Option<(&'static str, Value, String)> {
    let said = match round {
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
                None => format!(
                    "swept {}: {} gone, {} moved",
                    report.kind, report.confirmed, report.moved
                ),
            },
        ),
        Round::Applied(report) => {
            ("applied", json!(report), format!("applied: {}", outcome(name, report)))
        }
        Round::Hinted(report) => (
            "hinted",
            json!(report),
            format!("webhooks: {} read anew", count(report.handled, "record")),
        ),
        Round::Registered(report) => return registered(report),
        Round::Trimmed { events, intents } => (
            "trimmed",
            json!({ "events": events, "intents": intents }),
            format!(
                "removed what `retention` does not keep: {}, {}",
                count(*events, "event"),
                count(*intents, "intent")
            ),
        ),
        Round::HintsFailed { error, wait_ms } => failed("webhooks", error, *wait_ms),
        Round::RegisterFailed { error, wait_ms } => failed("registering webhooks", error, *wait_ms),
        Round::KeepAliveFailed { error, wait_ms } => failed("consent", error, *wait_ms),
        Round::PullFailed { kind, error, wait_ms } => failed(kind, error, *wait_ms),
        Round::SweepFailed { kind, error, wait_ms } => {
            failed(&format!("sweep of {kind}"), error, *wait_ms)
        }
        Round::ApplyFailed { error, wait_ms } => failed("apply", error, *wait_ms),
        _ => return None,
    };
    Some(said)
}

/// What came of registering webhooks; nothing when all is as it was.
fn registered(report: &WebhooksReport) -> Option<(&'static str, Value, String)> {
    let of = |end: WebhookEnd| report.events.values().filter(|one| **one == end).count() as u64;
    let said = report.message.as_ref().map_or_else(String::new, |said| format!(": {said}"));
    let text = match report.blocked {
        Some(WebhooksBlocked::Unsupported | WebhooksBlocked::NoSecret) => return None,
        Some(WebhooksBlocked::NotPermitted) => format!(
            "webhooks are not registered, since the credential may not do it; create them by hand \
             if you want them{said}"
        ),
        Some(_) => format!("webhooks are not registered{said}"),
        None if !report.has_changed() => return None,
        None => {
            let bad = of(WebhookEnd::Inactive)
                .saturating_add(of(WebhookEnd::Refused))
                .saturating_add(of(WebhookEnd::Unknown));
            format!(
                "webhooks registered: {} created, {} changed, {} removed, {bad} not in order{said}",
                of(WebhookEnd::Created),
                of(WebhookEnd::Changed),
                report.removed
            )
        }
    };
    Some(("registered", json!(report), text))
}

fn failed(what: &str, error: &atsync::Error, wait_ms: u64) -> (&'static str, Value, String) {
    let hint = hint(error);
    (
        "failed",
        json!({ "what": what, "error": error.to_string(), "wait_ms": wait_ms }),
        format!("failed {what}, again in {} s: {error}{hint}", wait_ms.div_ceil(1000)),
    )
}

/// The help for an error while the schedule continues; none if a retry resolves it.
fn hint(error: &atsync::Error) -> &'static str {
    match error.kind() {
        ErrorKind::Auth => {
            "; check the id and the secret of `auth`, or create a new credential in the \
             ATS, then send SIGHUP"
        }
        ErrorKind::Denied => {
            "; `atsync check` says which permission is missing and where to grant it"
        }
        _ => "",
    }
}
