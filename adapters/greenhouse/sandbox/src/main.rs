//! Runs the sandbox as a program: one company behind one port, until a signal stops it.

use std::net::SocketAddr;
use std::process::ExitCode;

use atsync_greenhouse_sandbox::{
    Client, Fault, NewWebhook, PartnerClient, Quirks, RunningSandbox, Sandbox, SandboxOptions,
    parse_fault,
};
use clap::Parser;
use tokio::signal::unix::{SignalKind, signal};

/// A local test server for Greenhouse Harvest v3.
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
    /// The client id that may request tokens.
    #[arg(long, default_value = "sandbox")]
    client_id: String,
    /// The client's secret.
    #[arg(long, default_value = "sandbox-secret")]
    client_secret: String,
    /// A redirect URI of a partner, whose users consent at `/authorize`. May be given repeatedly;
    /// without one there is no partner.
    #[arg(long)]
    redirect_uri: Vec<String>,
    /// The partner's client id.
    #[arg(long, default_value = "sandbox-partner")]
    partner_id: String,
    /// The partner's secret.
    #[arg(long, default_value = "sandbox-partner-secret")]
    partner_secret: String,
    /// The endpoint of webhooks that the program makes at its start, as an admin would. It must
    /// answer their pings with 200.
    #[arg(long)]
    webhook_url: Option<String>,
    /// The secret that signs them.
    #[arg(long, default_value = "sandbox-webhook-secret")]
    webhook_secret: String,
    /// An event that there is a webhook for. May be given repeatedly; all events without one.
    #[arg(long, requires = "webhook_url")]
    webhook_event: Vec<String>,
    /// API requests per half minute.
    #[arg(long, default_value_t = 150)]
    rate_limit: u32,
    /// A fault from the start: "POST /v3/candidates drop_after x1 +2" (times, skipped first). May
    /// be given repeatedly.
    #[arg(long, value_parser = parse_fault)]
    fault: Vec<Fault>,
    /// Switches as JSON: '{"create_answer": "bare"}'.
    #[arg(long, value_parser = parse_quirks)]
    quirks: Option<Quirks>,
}

fn parse_quirks(text: &str) -> Result<Quirks, String> {
    serde_json::from_str(text).map_err(|error| error.to_string())
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(arguments).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say_to_stderr(&format!("atsync-greenhouse-sandbox: {error}"));
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> std::io::Result<()> {
    let partners = partners(&arguments);
    let webhook = arguments.webhook_url.as_deref().map(|url| NewWebhook {
        events: arguments.webhook_event.clone(),
        ..NewWebhook::new(url, &arguments.webhook_secret)
    });
    let options = SandboxOptions {
        listen: arguments.listen,
        client: Client { id: arguments.client_id.clone(), secret: arguments.client_secret },
        partners,
        rate_limit: arguments.rate_limit,
        faults: arguments.fault,
        quirks: arguments.quirks.unwrap_or_default(),
        ..SandboxOptions::sized(arguments.seed, arguments.candidates)
    };
    // Signal handlers are installed before the port is printed, so that a reader of that line may
    // stop the program at once.
    let mut terminate = signal(SignalKind::terminate())?;
    let running = Sandbox::start(options).await?;
    if let Some(webhook) = webhook {
        let made = running.sandbox().add_webhook(&webhook);
        made.map_err(|reason| std::io::Error::other(format!("a webhook is refused: {reason}")))?;
    }
    say(&announcement(&running, &arguments.client_id));
    tokio::select! {
        _ = terminate.recv() => {}
        interrupted = tokio::signal::ctrl_c() => interrupted?,
    }
    running.shutdown().await;
    Ok(())
}

fn partners(arguments: &Arguments) -> Vec<PartnerClient> {
    let client = arguments.redirect_uri.first().map(|uri| PartnerClient {
        redirect_uris: arguments.redirect_uri.clone(),
        ..PartnerClient::new(&arguments.partner_id, &arguments.partner_secret, uri)
    });
    client.into_iter().collect()
}

/// Formats the line with the address and how to point atsync at it.
fn announcement(running: &RunningSandbox, client_id: &str) -> String {
    let base = running.base_url();
    format!(
        "listening on {base} (point atsync's origins `api` and `auth` at {base}, client id \
         {client_id})"
    )
}

#[allow(clippy::print_stdout, reason = "a program's one line of output")]
fn say(line: &str) {
    println!("{line}");
}

#[allow(clippy::print_stderr, reason = "a program's last message when it cannot start")]
fn say_to_stderr(line: &str) {
    eprintln!("{line}");
}
