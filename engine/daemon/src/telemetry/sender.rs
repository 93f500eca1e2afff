//! Sends spans to a collector: OTLP, protobuf over HTTP, through the engine's transport.
//!
//! Spans wait in a queue of [`QUEUE_SPANS_MAX`]. The task sends what came within [`BATCH_MS`], at
//! most [`BATCH_SPANS_MAX`] in one request, one request at a time. What the collector does not
//! accept is counted and not sent again: traces explain, and the journal proves. The beginning of
//! an outage is one line of the log, and its end another.
//!
//! Left out: compression; a partial success, which counts as a success.

#![expect(clippy::disallowed_methods, reason = "sends beside the schedules")]

use super::tally::Tally;
use crate::config::telemetry::TelemetryConfig;
use atsync::{
    Clock, Delivery, HttpOptions, HttpTransport, Secret, SystemClock, Transport, WireRequest,
};
use opentelemetry::KeyValue;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::transform::common::tonic::ResourceAttributesWithSchema;
use opentelemetry_proto::transform::trace::tonic::group_spans_by_resource_and_scope;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SpanData;
use prost::Message as _;
use std::path::Path;
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use url::Url;

/// Spans that wait. More are lost; each takes about a kilobyte.
const QUEUE_SPANS_MAX: usize = 2_048;
/// Spans of one request.
const BATCH_SPANS_MAX: usize = 512;
/// How long spans wait for others.
const BATCH_MS: u64 = 1_000;
/// How long a request may take.
const EXCHANGE_MS: u64 = 10_000;
/// Bytes of an answer that are read.
const ANSWER_BYTES_MAX: usize = 64 * 1024;
/// How long the last spans may take when the process ends.
const FINISH_MS: u64 = 3_000;

/// Where spans go.
pub(super) struct Collector {
    url: Url,
    headers: Vec<(String, Secret)>,
    transport: HttpTransport,
    resource: ResourceAttributesWithSchema,
}

impl Collector {
    /// The collector of a configuration; paths of references are relative to the directory.
    ///
    /// # Errors
    /// A sentence that names the header.
    pub(super) async fn of(config: &TelemetryConfig, directory: &Path) -> Result<Self, String> {
        let headers = config.read(directory).await?;
        let mut options = HttpOptions::default();
        options.exchange_timeout_ms = EXCHANGE_MS;
        options.connect_timeout_ms = EXCHANGE_MS / 2;
        options.response_bytes_max = ANSWER_BYTES_MAX;
        let transport = HttpTransport::new(options).map_err(|error| error.to_string())?;
        let resource = Resource::builder_empty()
            .with_attributes([
                KeyValue::new("service.name", "atsync"),
                KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
            ])
            .build();
        let resource = ResourceAttributesWithSchema::from(&resource);
        Ok(Self { url: config.endpoint.clone(), headers, transport, resource })
    }

    /// Sends spans.
    ///
    /// # Errors
    /// Why they were not accepted, without the address and the headers.
    async fn send(&self, spans: Vec<SpanData>) -> Result<(), String> {
        let message = ExportTraceServiceRequest {
            resource_spans: group_spans_by_resource_and_scope(spans, &self.resource),
        };
        let mut headers = vec![("content-type".to_owned(), "application/x-protobuf".to_owned())];
        headers.extend(
            self.headers.iter().map(|(name, value)| (name.clone(), value.expose().to_owned())),
        );
        let request = WireRequest {
            method: "POST".to_owned(),
            url: self.url.clone(),
            headers,
            body: message.encode_to_vec(),
            // The operator names the address.
            private_network: true,
        };
        match self.transport.exchange(request).await {
            Delivery::Answered(response) if (200..300).contains(&response.status) => Ok(()),
            Delivery::Answered(response) => Err(format!("it answered {}", response.status)),
            Delivery::NotSent(why) => Err(why.to_string()),
            Delivery::Unclear(why) => Err(why),
            _ => Err("the transport gives no answer".to_owned()),
        }
    }
}

/// The task that sends.
#[derive(Debug)]
pub(super) struct Sending {
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Sending {
    /// Sends what comes into the queue from now on.
    pub(super) fn start(collector: Collector, tally: Arc<Tally>) -> (Self, mpsc::Sender<SpanData>) {
        let (queue, spans) = mpsc::channel(QUEUE_SPANS_MAX);
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(run(collector, tally, spans, stopped));
        (Self { stop, task }, queue)
    }

    /// Sends what waits, for [`FINISH_MS`] at most.
    pub(super) async fn finish(self) {
        let _ = self.stop.send(());
        tokio::select! {
            _ = self.task => {}
            () = SystemClock.sleep(FINISH_MS) => {}
        }
    }
}

async fn run(
    collector: Collector,
    tally: Arc<Tally>,
    mut spans: mpsc::Receiver<SpanData>,
    mut stopped: oneshot::Receiver<()>,
) {
    let (mut is_down, mut is_stopping) = (false, false);
    loop {
        let first = tokio::select! {
            first = spans.recv() => first,
            _ = &mut stopped, if !is_stopping => {
                is_stopping = true;
                // What waits is still received.
                spans.close();
                continue;
            }
        };
        let Some(first) = first else { return };
        let mut batch = vec![first];
        let mut wait = SystemClock.sleep(if is_stopping { 0 } else { BATCH_MS });
        while batch.len() < BATCH_SPANS_MAX {
            tokio::select! {
                biased;
                next = spans.recv() => match next {
                    Some(span) => batch.push(span),
                    None => break,
                },
                () = &mut wait => break,
                _ = &mut stopped, if !is_stopping => {
                    is_stopping = true;
                    spans.close();
                }
            }
        }
        drop(wait);
        let count = u64::try_from(batch.len()).unwrap_or(u64::MAX);
        match collector.send(batch).await {
            Ok(()) => {
                tally.add_sent(count);
                if std::mem::take(&mut is_down) {
                    tracing::warn!("the collector of traces accepts them again");
                }
            }
            Err(why) => {
                tally.add_lost(count);
                if !std::mem::replace(&mut is_down, true) {
                    tracing::warn!(
                        why,
                        "the collector of `telemetry.endpoint` does not accept traces; they are \
                         lost meanwhile, and nothing else is affected"
                    );
                }
            }
        }
    }
}
