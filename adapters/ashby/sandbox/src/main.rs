//! Runs the sandbox as a program: one account behind one port, until a signal stops it.

use std::net::SocketAddr;
use std::process::ExitCode;

use atsync_ashby_sandbox::{Fault, Quirks, Sandbox, SandboxOptions, parse_fault};
use clap::Parser;
use tokio::signal::unix::{SignalKind, signal};

/// A local test server for the Ashby API.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// The address to listen on. The control surface has no lock: keep it on loopback.
    #[arg(long, default_value = "127.0.0.1:8099")]
    listen: SocketAddr,
    /// The company's seed: the same seed gives the same company.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The number of candidates.
    #[arg(long, default_value_t = 200)]
    candidates: usize,
    /// The API key, the user name of HTTP Basic; the password is empty.
    #[arg(long, default_value = "sandbox-key")]
    api_key: String,
    /// Requests per second; bursts up to twice as many pass.
    #[arg(long, default_value_t = 10)]
    rate_limit: u32,
    /// A fault from the start: "POST /candidate.create drop_after x1 +2" (times, skipped first).
    /// May be given repeatedly.
    #[arg(long, value_parser = parse_fault)]
    fault: Vec<Fault>,
    /// Switches as JSON: '{"partner_throttle": true}'.
    #[arg(long, value_parser = parse_quirks)]
    quirks: Option<Quirks>,
}

fn parse_quirks(text: &str) -> Result<Quirks, String> {
    serde_json::from_str(text).map_err(|error| error.to_string())
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say_to_stderr(&format!("atsync-ashby-sandbox: {error}"));
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> std::io::Result<()> {
    let options = SandboxOptions {
        listen: arguments.listen,
        api_key: arguments.api_key,
        rate_limit: arguments.rate_limit,
        faults: arguments.fault,
        quirks: arguments.quirks.unwrap_or_default(),
        ..SandboxOptions::sized(arguments.seed, arguments.candidates)
    };
    // Signal handlers are installed before the port is printed, so that a reader of that line may
    // stop the program at once.
    let mut terminate = signal(SignalKind::terminate())?;
    let running = Sandbox::start(options).await?;
    let base = running.base_url();
    say(&format!("listening on {base} (point atsync's origin `api` at {base})"));
    tokio::select! {
        _ = terminate.recv() => {}
        interrupted = tokio::signal::ctrl_c() => interrupted?,
    }
    running.shutdown().await;
    Ok(())
}

#[allow(clippy::print_stdout, reason = "a program's one line of output")]
fn say(line: &str) {
    println!("{line}");
}

#[allow(clippy::print_stderr, reason = "a program's last message when it cannot start")]
fn say_to_stderr(line: &str) {
    eprintln!("{line}");
}
