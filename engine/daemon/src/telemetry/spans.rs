//! The layer of the log that makes OpenTelemetry's spans of the engine's.

use super::tally::Tally;
use opentelemetry::Context;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{
    Sampler, SdkTracerProvider, Span, SpanData, SpanLimits, SpanProcessor,
};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tracing::Level;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::{Layer, Registry};

/// Events of one span, and attributes of each. The engine's spans have five attributes.
const PARTS_MAX: u32 = 32;
/// The span of a schedule that runs.
const RUN: &str = "run";

/// The layer. Spans that end go into the queue.
pub(super) fn layer(
    queue: mpsc::Sender<SpanData>,
    tally: Arc<Tally>,
    sample: f64,
) -> Box<dyn Layer<Registry> + Send + Sync> {
    let limits = SpanLimits {
        max_events_per_span: PARTS_MAX,
        max_attributes_per_span: PARTS_MAX,
        max_links_per_span: PARTS_MAX,
        max_attributes_per_event: PARTS_MAX,
        max_attributes_per_link: PARTS_MAX,
    };
    let provider = SdkTracerProvider::builder()
        .with_span_processor(Queued { queue, tally })
        .with_sampler(Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(sample))))
        .with_span_limits(limits)
        .with_resource(Resource::builder_empty().build())
        .build();
    let layer = tracing_opentelemetry::layer()
        .with_tracer(provider.tracer("atsync"))
        .with_location(false)
        .with_threads(false)
        .with_target(false)
        .with_tracked_inactivity(false);
    // Below `info` a line may have data of a candidate.
    let is_sent = filter_fn(|metadata| {
        *metadata.level() <= Level::INFO
            && metadata.target().starts_with("atsync")
            && !(metadata.is_span() && metadata.name() == RUN)
    });
    Box::new(layer.with_filter(is_sent))
}

/// Puts the spans that end into the queue, and never waits.
#[derive(Debug)]
struct Queued {
    queue: mpsc::Sender<SpanData>,
    tally: Arc<Tally>,
}

impl SpanProcessor for Queued {
    fn on_start(&self, _span: &mut Span, _context: &Context) {}

    fn on_end(&self, span: SpanData) {
        if span.span_context.is_sampled() && self.queue.try_send(span).is_err() {
            self.tally.add_lost(1);
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _timeout: Duration) -> OTelSdkResult {
        Ok(())
    }
}
