//! Traces for OpenTelemetry: each pass, sweep and write of `atsync run` and `atsync serve` is a
//! span that a collector receives by OTLP over HTTP.
//!
//! [`spans`] makes them of the engine's own spans, and [`sender`] sends them, in a task of its own:
//! a span that ends is put into a queue or counted as lost, so a collector that is slow or down
//! delays nothing. A span has what the log's lines have from `info` on, so no data of a candidate;
//! the span of a run is left out, because it ends with the process, and a trace that begins with it
//! would have no end: each pass, sweep or write begins a trace.
//!
//! The messages are those of `opentelemetry-proto`, and the engine's transport sends them:
//! `opentelemetry-otlp` would add an HTTP client, a thread, and settings from the environment that
//! the configuration does not show.
//!
//! Bounds: [`sender`]. Left out: metrics, which `/metrics` has; logs; a reload of the table, which
//! needs a restart.

#[cfg(feature = "otel")]
mod sender;
#[cfg(feature = "otel")]
mod spans;
mod tally;

use crate::cli::Cli;
#[cfg(feature = "otel")]
use crate::config::Config;
use crate::failure::Failure;
#[cfg(feature = "otel")]
use std::sync::Arc;
use tracing_subscriber::{Layer, Registry};

pub(crate) use tally::Tally;

/// A layer of the log's subscriber.
pub(crate) type Traces = Box<dyn Layer<Registry> + Send + Sync>;

/// The sending, while it runs.
#[derive(Debug, Default)]
pub(crate) struct Telemetry {
    #[cfg(feature = "otel")]
    sending: Option<sender::Sending>,
}

/// Sends traces from now on, where the command runs schedules and the configuration names a
/// collector. A configuration that cannot be read is reported by the command.
///
/// # Errors
/// When a header cannot be read.
#[cfg(feature = "otel")]
pub(crate) async fn start(cli: &Cli) -> Result<(Telemetry, Option<Traces>), Failure> {
    let config = cli.command.has_schedules().then(|| Config::read(&cli.config).ok()).flatten();
    let Some((config, telemetry)) =
        config.as_ref().and_then(|config| Some((config, config.telemetry.as_ref()?)))
    else {
        return Ok((Telemetry::default(), None));
    };
    let collector = sender::Collector::of(telemetry, config.directory())
        .await
        .map_err(|why| Failure::new(format!("{}: telemetry: {why}", config.path.display())))?;
    let tally = Tally::begun();
    let (sending, queue) = sender::Sending::start(collector, Arc::clone(&tally));
    let traces = spans::layer(queue, tally, telemetry.sample);
    Ok((Telemetry { sending: Some(sending) }, Some(traces)))
}

/// Without OpenTelemetry; the configuration refuses its table.
#[cfg(not(feature = "otel"))]
pub(crate) async fn start(_cli: &Cli) -> Result<(Telemetry, Option<Traces>), Failure> {
    Ok((Telemetry::default(), None))
}

impl Telemetry {
    /// Sends what waits, and ends.
    #[cfg(feature = "otel")]
    pub(crate) async fn finish(self) {
        if let Some(sending) = self.sending {
            sending.finish().await;
        }
    }

    /// Nothing waits.
    #[cfg(not(feature = "otel"))]
    pub(crate) async fn finish(self) {}
}
