//! Requests to a token endpoint: one form, the client authenticated by HTTP Basic, and what the
//! answer says about it.
//!
//! It is shared by the grants. What an answer means differs by grant, so [`Answer`] keeps apart
//! what was refused, what may have been carried out without a usable answer, and what never left.
//!
//! RFC 6749 §2.3.1 wants client id and secret form-encoded inside Basic. Many servers take them
//! raw, and some clients send them so. For text without reserved characters both are the same;
//! where they differ, the encoded form is tried first, and after `invalid_client` the raw form
//! once; the one that worked is remembered. A refused client has no effect, so the second form
//! redeems nothing twice.
//!
//! Bounds: [`TOKEN_WAIT_MS_MAX`] for the budget, the transport's own for the exchange. Left out:
//! parameters in the query, which a guide shows and no client uses.

use super::auth::{basic, sent_as, set_header};
use super::budget::{Ended, retry_after_ms};
use super::budgets::Budget;
use super::headers::check_value;
use super::hold::HOLD_MS_MIN;
use super::redact::Redactor;
use super::token::{Code, error_code};
use super::{Delivery, NotSent, Priority, Transport, WireRequest};
use crate::clock::Clock;
use crate::entropy::Entropy;
use crate::secret::Secret;
use atsync_model::contract::Response;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use url::Url;

/// How long a request for a token may wait for the token endpoint's budget.
const TOKEN_WAIT_MS_MAX: u64 = 60_000;

/// A client of a token endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// The token endpoint, proven to lie within a granted origin.
    pub token_url: Url,
    /// The client's id.
    pub client_id: String,
    /// The client's secret.
    pub client_secret: Secret,
    /// Whether the token endpoint may lie on the private network.
    pub private_network: bool,
}

impl Client {
    /// Refuses an id and secret that cannot stand in a header.
    ///
    /// # Errors
    /// A sentence, which shows no secret.
    pub(super) fn check(&self) -> Result<(), String> {
        if self.client_id.is_empty() {
            return Err("the client id is empty".to_owned());
        }
        check_value("authorization", basic(&self.client_id, self.client_secret.expose()).expose())
    }

    /// The secrets that a reply may contain.
    pub(super) fn secrets(&self) -> [Secret; 3] {
        let (id, secret) = (&self.client_id, self.client_secret.expose());
        let raw = sent_as(basic(id, secret).expose());
        let encoded = sent_as(basic(&form_encode(id), &form_encode(secret)).expose());
        [self.client_secret.clone(), raw, encoded]
    }
}

/// The parts that a source of tokens uses.
#[derive(Clone, Debug)]
pub struct TokenMeans {
    /// Sends the requests for tokens.
    pub transport: Arc<dyn Transport>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness for jitter.
    pub entropy: Arc<dyn Entropy>,
    /// The token endpoint's own budgets.
    pub budgets: Vec<Arc<Budget>>,
}

/// A token endpoint, as one client uses it.
#[derive(Debug)]
pub(super) struct Endpoint {
    pub(super) client: Client,
    pub(super) means: TokenMeans,
    requests: AtomicU64,
    /// The raw spelling of id and secret is the one that works.
    raw: AtomicBool,
}

/// What a token endpoint answered.
#[derive(Debug)]
pub(super) enum Answer {
    /// Success, and the steady time at which the request left.
    Given(Response, u64),
    /// The request was refused, and has had no effect.
    Refused(Refusal),
    /// The endpoint is busy, and the request has had no effect.
    Throttled {
        /// When it may be retried, by the wall clock.
        until_ms: u64,
    },
    /// It failed: what the request did is unknown.
    Failed(String),
    /// No complete answer came: what the request did is unknown.
    Lost(String),
    /// The request did not leave.
    NotSent(NotSent),
}

/// A refusal of the token endpoint.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) status: u16,
    /// The code of RFC 6749 §5.2, if the body has one.
    pub(super) code: Option<Code>,
    /// The body is a JSON object, as a token endpoint answers.
    pub(super) is_object: bool,
    /// For people; it shows no secret.
    pub(super) text: String,
}

impl Endpoint {
    pub(super) fn new(client: Client, means: TokenMeans) -> Self {
        Self { client, means, requests: AtomicU64::new(0), raw: AtomicBool::new(false) }
    }

    /// How many requests were sent.
    pub(super) fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// Sends a form. `secrets` are removed from what is quoted of the answer.
    pub(super) async fn ask(&self, form: &[(&str, &str)], secrets: &[Secret]) -> Answer {
        let (id, secret) = (&self.client.client_id, self.client.client_secret.expose());
        let raw_header = (!id.contains(':')).then(|| basic(id, secret));
        let encoded_header = basic(&form_encode(id), &form_encode(secret));
        if let Some(raw_header) = raw_header.as_ref().filter(|_| self.raw.load(Ordering::Relaxed)) {
            return self.judge(self.send(raw_header, form).await, secrets);
        }
        let answer = self.judge(self.send(&encoded_header, form).await, secrets);
        let is_mistaken = matches!(&answer, Answer::Refused(refusal)
            if refusal.code == Some(Code::InvalidClient));
        match raw_header.filter(|header| is_mistaken && *header != encoded_header) {
            Some(raw_header) => {
                let answer = self.judge(self.send(&raw_header, form).await, secrets);
                if matches!(answer, Answer::Given(..)) {
                    self.raw.store(true, Ordering::Relaxed);
                }
                answer
            }
            None => answer,
        }
    }

    /// One request. The error says that it did not leave.
    async fn send(
        &self,
        authorization: &Secret,
        form: &[(&str, &str)],
    ) -> Result<(Delivery, u64), NotSent> {
        let deadline_ms = self.means.clock.steady_ms().saturating_add(TOKEN_WAIT_MS_MAX);
        let mut permits = Vec::with_capacity(self.means.budgets.len());
        for budget in &self.means.budgets {
            let permit = budget.acquire(Priority::Interactive, deadline_ms).await;
            permits.push(
                permit.map_err(|exhausted| NotSent::Throttled { until_ms: exhausted.until_ms })?,
            );
        }
        let asked_ms = self.means.clock.steady_ms();
        self.requests.fetch_add(1, Ordering::Relaxed);
        let delivery = self.means.transport.exchange(self.request(authorization, form)).await;
        let ended = match &delivery {
            Delivery::Answered(response) => {
                Ended::Answered { status: response.status, headers: &response.headers }
            }
            Delivery::NotSent(_) => Ended::NotSent,
            Delivery::Unclear(_) => Ended::Unclear,
        };
        permits.into_iter().for_each(|permit| permit.settle(ended));
        Ok((delivery, asked_ms))
    }

    fn request(&self, authorization: &Secret, fields: &[(&str, &str)]) -> WireRequest {
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        form.extend_pairs(fields);
        let mut request = WireRequest {
            method: "POST".to_owned(),
            url: self.client.token_url.clone(),
            headers: vec![
                ("accept".to_owned(), "application/json".to_owned()),
                ("content-type".to_owned(), "application/x-www-form-urlencoded".to_owned()),
            ],
            body: form.finish().into_bytes(),
            private_network: self.client.private_network,
        };
        set_header(&mut request, "authorization", authorization.expose());
        request
    }

    fn judge(&self, sent: Result<(Delivery, u64), NotSent>, secrets: &[Secret]) -> Answer {
        let (response, asked_ms) = match sent {
            Ok((Delivery::Answered(response), asked_ms)) => (response, asked_ms),
            Ok((Delivery::NotSent(why), _)) | Err(why) => return Answer::NotSent(why),
            Ok((Delivery::Unclear(why), _)) => return Answer::Lost(why),
        };
        let now_ms = self.means.clock.now_ms();
        match response.status {
            200..=299 => Answer::Given(response, asked_ms),
            429 => {
                let wait_ms =
                    retry_after_ms(&response.headers, now_ms).unwrap_or(0).max(HOLD_MS_MIN);
                Answer::Throttled { until_ms: now_ms.saturating_add(wait_ms) }
            }
            // Too early, or too slow: the same request may be answered next time.
            status @ (408 | 425 | 500..=599) => {
                Answer::Failed(format!("it answered {status}: {}", said(response, secrets)))
            }
            // Any other answer refuses the credential or the endpoint.
            status => Answer::Refused(Refusal {
                status,
                code: error_code(&response.body),
                is_object: serde_json::from_slice::<serde_json::Map<_, _>>(&response.body).is_ok(),
                text: format!("the token endpoint answered {status}: {}", said(response, secrets)),
            }),
        }
    }
}

/// The message for a refusal by the token endpoint. Of its body it has only an OAuth2 error code,
/// since a body may repeat the request.
fn said(mut response: Response, secrets: &[Secret]) -> String {
    Redactor::new(secrets).response(&mut response);
    if let Some(code) = error_code(&response.body) {
        return code.as_str().to_owned();
    }
    let header = |name: &str| {
        let found = response.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name));
        found.map(|header| {
            header.value.chars().filter(|c| !c.is_control()).take(200).collect::<String>()
        })
    };
    if (300..400).contains(&response.status) {
        let to = header("location").unwrap_or_else(|| "nowhere".to_owned());
        let to = to.split('?').next().unwrap_or_default().to_owned();
        return format!(
            "a redirect to {to}, which is not followed; check the origin of the token endpoint"
        );
    }
    let what = match header("content-type") {
        _ if response.body.is_empty() => "an empty body".to_owned(),
        Some(kind) => format!("a body of type {kind}"),
        None => "a body of no stated type".to_owned(),
    };
    format!(
        "{what} without an OAuth2 error code; the credential is wrong, or something else than the \
         token endpoint answered (a proxy, a wrong origin)"
    )
}

fn form_encode(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}
