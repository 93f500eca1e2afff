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

use crate::cli::Cli;
#[cfg(feature = "otel")]
use crate::config::Config;
use crate::failure::Failure;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use tracing_subscriber::{Layer, Registry};

/// Whether this program can send traces.
pub(crate) const IS_BUILT: bool = cfg!(feature = "otel");

/// A layer of the log's subscriber.
pub(crate) type Traces = Box<dyn Layer<Registry> + Send + Sync>;

/// Spans since the process started.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    sent: AtomicU64,
    lost: AtomicU64,
}

/// The process has one subscriber, so one tally; none while no traces are sent.
static TALLY: OnceLock<Arc<Tally>> = OnceLock::new();

impl Tally {
    /// Spans that the collector accepted.
    pub(crate) fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    /// Spans that it did not.
    pub(crate) fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }
}

/// The spans that were sent and lost; none while no traces are sent.
pub(crate) fn tally() -> Option<Arc<Tally>> {
    TALLY.get().cloned()
}

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
    let tally = Arc::clone(TALLY.get_or_init(Arc::default));
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
