//! A session with an ATS as a file: recorded, and replayed without a network.
//!
//! [`Recorder`] stands between an adapter and another courier and keeps what passes; what is
//! written to a file goes through [`crate::redact`] first. [`Replayer`] answers the same requests
//! from a recording. Requests are compared by method, target and body, since an adapter's request
//! is the same each time; one that was not recorded is an error that says so.

use crate::wire::{Courier, encoded};
use atsync::model::contract::{Body, Effect, Field, Request, Response, Target};
use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};
use std::sync::{Arc, Mutex, PoisonError};
use url::Url;

/// Bytes of a recording that is read.
pub const RECORDING_BYTES_MAX: usize = 64 * 1024 * 1024;

/// A session.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recording {
    /// The adapter that it was recorded with.
    pub adapter: String,
    /// The exchanges in order.
    pub exchanges: Vec<Exchange>,
}

/// A request and its answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exchange {
    /// The method.
    pub method: String,
    /// The path, with the query.
    pub target: String,
    /// The body of the request, where it had one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sent: Option<String>,
    /// The status of the answer.
    pub status: u16,
    /// Its headers.
    #[serde(default)]
    pub headers: Vec<(String, String)>,
    /// Its body.
    pub body: String,
}

impl Recording {
    /// Reads a recording.
    ///
    /// # Errors
    /// A sentence with the place of the mistake.
    pub fn read(text: &str) -> Result<Self, String> {
        if text.len() > RECORDING_BYTES_MAX {
            return Err(format!(
                "the recording has {} bytes, and {RECORDING_BYTES_MAX} are allowed",
                text.len()
            ));
        }
        serde_json::from_str(text).map_err(|error| format!("the recording cannot be read: {error}"))
    }
}

/// Path and query of a request, without an origin.
fn target(request: &Request) -> String {
    match &request.target {
        Target::Path(path) => {
            let query = encoded(&path.query);
            let mark = if query.is_empty() { "" } else { "?" };
            format!("{}{mark}{query}", path.path)
        }
        Target::Link(link) => match Url::parse(link) {
            Ok(url) => {
                let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
                format!("{}{query}", url.path())
            }
            Err(_) => link.clone(),
        },
    }
}

fn sent(request: &Request) -> Option<String> {
    match &request.body {
        Body::None | Body::Multipart(_) => None,
        Body::Json(text) => Some(text.clone()),
        Body::Form(fields) => Some(encoded(fields)),
        Body::Bytes((_, bytes)) => Some(String::from_utf8_lossy(bytes).into_owned()),
    }
}

/// Keeps what passes.
#[derive(Debug)]
pub struct Recorder {
    inner: Arc<dyn Courier>,
    kept: Mutex<Vec<Exchange>>,
}

impl Recorder {
    /// In front of another courier.
    pub fn new(inner: Arc<dyn Courier>) -> Self {
        Self { inner, kept: Mutex::default() }
    }

    /// What passed so far. It has personal data: [`crate::redact::redacted`] removes it.
    pub fn taken(&self) -> Vec<Exchange> {
        std::mem::take(&mut *self.kept.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Courier for Recorder {
    fn send<'a>(
        &'a self,
        request: &'a Request,
        effect: Effect,
    ) -> BoxFuture<'a, Result<Response, String>> {
        Box::pin(async move {
            if effect == Effect::Unsafe {
                return Err("a recording only reads; the request was not sent".to_owned());
            }
            let response = self.inner.send(request, effect).await?;
            let exchange = Exchange {
                method: request.method.clone(),
                target: target(request),
                sent: sent(request),
                status: response.status,
                headers: response
                    .headers
                    .iter()
                    .map(|field| (field.name.clone(), field.value.clone()))
                    .collect(),
                body: String::from_utf8_lossy(&response.body).into_owned(),
            };
            self.kept.lock().unwrap_or_else(PoisonError::into_inner).push(exchange);
            Ok(response)
        })
    }
}

/// Answers from a recording.
#[derive(Debug)]
pub struct Replayer {
    recording: Recording,
}

impl Replayer {
    /// Answers the requests of a recording.
    pub fn new(recording: Recording) -> Self {
        Self { recording }
    }
}

impl Courier for Replayer {
    fn send<'a>(
        &'a self,
        request: &'a Request,
        _: Effect,
    ) -> BoxFuture<'a, Result<Response, String>> {
        let (target, sent) = (target(request), sent(request));
        let same = |exchange: &&Exchange| {
            exchange.method == request.method && exchange.target == target && exchange.sent == sent
        };
        let found = self.recording.exchanges.iter().find(same).map(|exchange| Response {
            status: exchange.status,
            // A recording can be edited, and an adapter reads names in lower case.
            headers: exchange
                .headers
                .iter()
                .map(|(name, value)| Field::new(name.to_ascii_lowercase(), value))
                .collect(),
            body: exchange.body.clone().into_bytes(),
        });
        let answer = found.ok_or_else(|| {
            format!(
                "{} {target} is not in the recording; record it, or add its answer",
                request.method
            )
        });
        Box::pin(std::future::ready(answer))
    }
}
