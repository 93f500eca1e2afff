//! The command line `atsync`: configuration, secrets and words around the engine.
//!
//! [`cli`] says what can be typed, [`config`] what a file may hold, [`open`] makes connections of
//! it, and each command has a file below [`commands`]. All that is printed goes through [`output`]:
//! data to stdout, progress and errors to stderr.
//!
//! Exit codes: 0 done, `run` told to stop by SIGTERM or SIGINT included; 1 an error, a wrong
//! command line and an `apply` that was told to stop included; 2 only from `plan`, when there is
//! something to do.
//!
//! Left out: the HTTP interface, webhooks and the console of the daemon.

mod adapters;
mod cli;
mod commands;
mod config;
mod failure;
mod input;
mod open;
mod output;
mod signals;
mod words;

use clap::Parser;
use cli::Cli;
use output::{Output, PlainLog};
use std::process::ExitCode;

/// Reads the command line, does what it says and gives the exit code.
pub fn main() -> ExitCode {
    let output = Output::default();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Clap would answer 2, which is `plan`'s for "something to do".
            let code = if error.use_stderr() { 1 } else { 0 };
            let _ = error.print();
            return ExitCode::from(code);
        }
    };
    start_log(cli.verbose);
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            output.error(&format!("the system gives no threads: {error}"));
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(commands::run(cli, &output)) {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            output.failure(&failure);
            ExitCode::FAILURE
        }
    }
}

/// Warnings to stderr; more with `-v`. `RUST_LOG` overrides both.
fn start_log(verbose: u8) {
    let level = match verbose {
        0 => "warn",
        1 => "warn,atsync=debug,atsync_daemon=debug",
        _ => "warn,atsync=trace,atsync_daemon=trace",
    };
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new(level));
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(false)
        .with_writer(|| PlainLog)
        .try_init();
}
