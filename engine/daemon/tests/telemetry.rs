//! Traces over OTLP, as a collector on a real socket receives them from `atsync serve`.
//!
//! The workspace's tests are built with the feature `otel`; without it there is nothing to test but
//! the refusal, which a unit test of the configuration has.

#![cfg(all(unix, feature = "otel"))]
#![allow(clippy::disallowed_methods, reason = "tests use the disk, programs and tasks")]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test stops where something does not hold"
)]

mod cli_support;
mod serve_support;

use cli_support::Site;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;
use serve_support::{ADA, HOOK, Served};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// The head of a request, and its body.
type Request = (String, Vec<u8>);

/// What a collector received.
#[derive(Clone, Default)]
struct Got(Arc<Mutex<Vec<Request>>>);

impl Got {
    fn bodies(&self) -> Vec<Vec<u8>> {
        self.0.lock().unwrap().iter().map(|(_, body)| body.clone()).collect()
    }

    fn messages(&self) -> Vec<ExportTraceServiceRequest> {
        let decoded = |body: Vec<u8>| ExportTraceServiceRequest::decode(body.as_slice()).unwrap();
        self.bodies().into_iter().map(decoded).collect()
    }

    fn spans(&self) -> Vec<Span> {
        let resources = self.messages().into_iter().flat_map(|message| message.resource_spans);
        let scopes = resources.flat_map(|resource| resource.scope_spans);
        scopes.flat_map(|scope| scope.spans).collect()
    }
}

/// A collector that accepts everything, or never answers; its address.
async fn collector(answers: bool) -> (String, Got) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/v1/traces", listener.local_addr().unwrap());
    let got = Got::default();
    let all = got.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(receive(stream, all.clone(), answers));
        }
    });
    (url, got)
}

async fn receive(stream: TcpStream, got: Got, answers: bool) {
    let mut stream = BufReader::new(stream);
    loop {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if stream.read_line(&mut head).await.unwrap_or(0) == 0 {
                return;
            }
        }
        let head = head.to_ascii_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let mut body = vec![0; length.unwrap().trim().parse().unwrap()];
        stream.read_exact(&mut body).await.unwrap();
        got.0.lock().unwrap().push((head, body));
        if !answers {
            return std::future::pending().await;
        }
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await.unwrap();
    }
}

async fn served(telemetry: &str) -> Served {
    let site = Site::start().await;
    let config = format!("{}\n[telemetry]\n{telemetry}\n", site.config());
    Served::start_with(site, &config, "").await
}

fn text(span: &Span, key: &str) -> Option<String> {
    let attribute = span.attributes.iter().find(|attribute| attribute.key == key)?;
    match attribute.value.clone()?.value? {
        Value::StringValue(text) => Some(text),
        Value::IntValue(number) => Some(number.to_string()),
        _ => None,
    }
}

#[tokio::test]
async fn a_collector_receives_a_span_of_each_pass_and_write_and_no_data_of_a_candidate() {
    let (url, got) = collector(true).await;
    let served =
        served(&format!("endpoint = \"{url}\"\nheaders.x-key = {{ env = \"HOOK\" }}")).await;
    let acme = "/v1/connections/acme";
    assert_eq!(served.put(&format!("{acme}/desired/ada"), ADA).await.status, 201);
    assert_eq!(served.post(&format!("{acme}/apply"), "").await.status, 200);
    // What waits is sent before the process ends.
    assert_eq!(served.end().await, 0);

    let spans = got.spans();
    let pass = |kind: &str| {
        spans.iter().any(|span| {
            let kind_of = text(span, "kind");
            span.name == "pass"
                && kind_of.as_deref() == Some(kind)
                && text(span, "connection").as_deref() == Some("acme")
                && span.parent_span_id.is_empty()
        })
    };
    let names: Vec<&str> = spans.iter().map(|span| span.name.as_str()).collect();
    assert!(pass("candidates") && pass("jobs"), "{spans:#?}");
    let intent = spans.iter().find(|span| span.name == "intent");
    let intent = intent.unwrap_or_else(|| panic!("{names:?}"));
    let members = ["connection", "intent", "operation"].map(|key| text(intent, key).unwrap());
    assert_eq!(members, ["acme", "1", "candidates.create"]);
    assert!(intent.end_time_unix_nano > intent.start_time_unix_nano);
    let resource = got.messages()[0].resource_spans[0].resource.clone().unwrap();
    let service = resource.attributes.iter().find(|attribute| attribute.key == "service.name");
    assert!(format!("{service:?}").contains("atsync"), "{resource:?}");
    assert!(got.0.lock().unwrap().iter().all(|(head, _)| {
        head.starts_with("post /v1/traces ")
            && head.contains(&format!("x-key: {}", HOOK.to_ascii_lowercase()))
            && head.contains("content-type: application/x-protobuf")
    }));
    for body in got.bodies() {
        let text = String::from_utf8_lossy(&body).into_owned();
        for data in ["Ada", "Obi", "ada@new.example.com", HOOK] {
            assert!(!text.contains(data), "{data} was sent");
        }
    }
}

#[tokio::test]
async fn a_collector_that_never_answers_delays_no_write_and_no_end() {
    let (url, got) = collector(false).await;
    let served = served(&format!("endpoint = \"{url}\"")).await;
    let acme = "/v1/connections/acme";
    assert_eq!(served.put(&format!("{acme}/desired/ada"), ADA).await.status, 201);
    assert_eq!(served.post(&format!("{acme}/apply"), "").await.status, 200);
    assert_eq!(served.site.sandbox().writes().len(), 1);
    while got.bodies().is_empty() {
        tokio::task::yield_now().await;
    }
    assert_eq!(served.end().await, 0);
}

#[tokio::test]
async fn spans_that_a_collector_does_not_accept_are_counted() {
    // Bound and closed: nothing listens there.
    let nowhere = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let served = served(&format!("endpoint = \"http://{nowhere}/v1/traces\"")).await;
    let lost = |text: &str| {
        let line =
            text.lines().find_map(|line| line.strip_prefix("atsync_telemetry_spans_lost_total "));
        line.unwrap().parse::<u64>().unwrap()
    };
    while lost(&served.get("/metrics").await.body) == 0 {}
    assert_eq!(served.get("/status").await.status, 200, "traces are no part of the health");
    let said = Arc::clone(&served.said);
    assert_eq!(served.end().await, 0);
    let said = said.lock().unwrap();
    assert_eq!(said.matches("does not accept traces").count(), 1, "{said}");
}

#[tokio::test]
async fn a_header_that_cannot_be_read_is_an_error_that_names_it() {
    let site = Site::start().await;
    let telemetry =
        "[telemetry]\nendpoint = \"http://127.0.0.1:1/\"\nheaders.x-key = { env = \"NONE\" }\n";
    site.write("acme.toml", &format!("{}\n{telemetry}", site.config()));
    let ran = site.run(&["run"]).await;
    assert_eq!(ran.code, 1);
    let error = ran.error();
    assert!(error.contains("telemetry: headers.x-key") && error.contains("NONE"), "{error}");
}
