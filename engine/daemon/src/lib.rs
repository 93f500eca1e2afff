//! The command line `atsync`: configuration, secrets and output around the engine.
//!
//! [`cli`] defines the arguments and [`config`] the configuration file; [`open`] opens the
//! connections, and each command has a file below [`commands`]. All output goes through [`output`]:
//! data to stdout, progress and errors to stderr.
//!
//! Exit codes: 0 success, also of a `run` that SIGTERM or SIGINT stopped; 1 error, also for a wrong
//! command line and for an `apply` that was stopped; 2 only from `plan`, when there are steps.
//!
//! `atsync serve` adds the HTTP API, the console and the connect page of [`serve`].

mod adapters;
mod cli;
#[cfg(unix)]
mod client;
mod commands;
mod config;
mod consents;
mod failure;
mod input;
mod listed;
mod made;
mod makeable;
mod notify;
mod oauth_clients;
mod open;
mod output;
mod place;
mod prompt;
mod questions;
mod relay;
mod run;
mod serve;
mod signals;
mod telemetry;
mod tokens;
mod words;

use clap::Parser;
use cli::{Cli, Command, LogFormat};
use output::{Output, PlainLog};
use std::process::ExitCode;
use telemetry::Traces;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;

/// The stack of a thread: as the main thread has it on most systems.
const STACK_BYTES: usize = 8 * 1024 * 1024;

/// Runs the command line and returns the exit code.
pub fn main() -> ExitCode {
    let output = Output::default();
    // Clap has refused what is no UTF-8 by the time they are used.
    let arguments =
        std::env::args_os().skip(1).filter_map(|text| text.into_string().ok()).collect();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Clap would exit with 2, which means "there are steps" from `plan`.
            let code = if error.use_stderr() { 1 } else { 0 };
            let _ = error.print();
            return ExitCode::from(code);
        }
    };
    output::set_form(cli.log_format);
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    // A relayed command runs on a worker: with the stack that the same command has on the main
    // thread. In a debug build an apply needs more than tokio's two megabytes.
    runtime.thread_stack_size(STACK_BYTES);
    if !cli.command.is_long() {
        // Each thread that allocates keeps memory of its own.
        runtime.worker_threads(1);
    }
    let runtime = match runtime.enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            output.error(&format!("the system provides no threads: {error}"));
            return ExitCode::FAILURE;
        }
    };
    let ended = runtime.block_on(async {
        let (telemetry, traces) = telemetry::start(&cli).await?;
        start_log(cli.verbose, cli.log_format, traces);
        let ended = match &cli.command {
            Command::Run(options) => run::run(&cli.config, options, &output).await,
            Command::Serve(options) => run::serve(&cli.config, options, &output).await,
            _ => commands::run(&cli, arguments, &output).await,
        };
        telemetry.finish().await;
        ended
    });
    match ended {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            output.failure(&failure);
            ExitCode::FAILURE
        }
    }
}

/// Warnings to stderr, as text or JSON; more with `-v`. `RUST_LOG` overrides that: levels by
/// module, such as `warn,atsync=debug`. The engine's spans (run, pass, intent) are as loud as
/// warnings, so that each warning says what it is about. `traces` receives the spans too.
fn start_log(verbose: u8, format: LogFormat, traces: Option<Traces>) {
    let level = match verbose {
        0 => "warn",
        1 => "warn,atsync=debug,atsync_daemon=debug",
        _ => "warn,atsync=trace,atsync_daemon=trace",
    };
    let chosen = std::env::var("RUST_LOG").ok();
    let filter = chosen
        .and_then(|text| text.parse::<Targets>().ok())
        .or_else(|| level.parse().ok())
        .unwrap_or_default();
    let lines = tracing_subscriber::fmt::layer().with_ansi(false).with_writer(|| PlainLog);
    let registry = tracing_subscriber::registry().with(traces);
    let _ = match format {
        LogFormat::Text => registry.with(lines.with_filter(filter)).try_init(),
        LogFormat::Json => {
            let lines = lines.json().flatten_event(true).with_current_span(false);
            registry.with(lines.with_filter(filter)).try_init()
        }
    };
}
