//! One delivery over HTTP: a POST that is signed, and what its answer means.
//!
//! It goes through the engine's transport: private addresses are refused unless the configuration
//! allows them, redirects are not followed, and answers have limits. An answer that may have been
//! lost counts as a failure, so that the delivery is repeated with the same id.

use super::parcel::Parcel;
use super::signing::signature;
use super::standing::{Failure, Reason};
use atsync::model::contract::Response;
use atsync::{
    Clock, Delivery, HttpTransport, NotSent, Secret, SystemClock, Transport, WireRequest,
};
use url::Url;

/// Characters of a detail.
const DETAIL_MAX: usize = 300;

/// Where a delivery goes.
pub(super) struct To<'a> {
    pub(super) url: &'a Url,
    pub(super) secret: &'a Secret,
    pub(super) private_network: bool,
}

/// Sends a delivery.
///
/// # Errors
/// When the receiver did not accept it, or may not have.
pub(super) async fn send(
    transport: &HttpTransport,
    to: To<'_>,
    parcel: Parcel,
) -> Result<(), Failure> {
    let at_s = SystemClock.now_ms() / 1_000;
    let Some(signature) = signature(to.secret, &parcel.id, at_s, &parcel.body) else {
        return Err(failure(Reason::Refused, "the secret cannot be used; give another one"));
    };
    let headers = [
        ("content-type", "application/json".to_owned()),
        ("webhook-id", parcel.id),
        ("webhook-timestamp", at_s.to_string()),
        ("webhook-signature", signature),
    ];
    let request = WireRequest {
        method: "POST".to_owned(),
        url: to.url.clone(),
        headers: headers.map(|(name, value)| (name.to_owned(), value)).to_vec(),
        body: parcel.body,
        private_network: to.private_network,
    };
    match transport.exchange(request).await {
        Delivery::Answered(response) => answered(&response),
        Delivery::NotSent(NotSent::Unreachable(why)) => Err(failure(Reason::Unreachable, &why)),
        Delivery::NotSent(why) => Err(failure(Reason::Refused, &why.to_string())),
        Delivery::Unclear(why) => Err(failure(Reason::NoAnswer, &why)),
        _ => Err(failure(Reason::NoAnswer, "the transport gives no answer")),
    }
}

fn failure(reason: Reason, detail: &str) -> Failure {
    let detail = detail.chars().take(DETAIL_MAX).collect();
    Failure { reason, status: None, asked_ms: None, detail }
}

/// What a complete answer means.
fn answered(response: &Response) -> Result<(), Failure> {
    let reason = match response.status {
        200..=299 => return Ok(()),
        410 => Reason::Gone,
        300..=399 => Reason::Redirect,
        _ => Reason::Status,
    };
    let asked = response.headers.iter().find(|field| field.name == "retry-after");
    let asked_s: Option<u64> = asked.and_then(|field| field.value.trim().parse().ok());
    Err(Failure {
        status: Some(response.status),
        asked_ms: asked_s.map(|seconds| seconds.saturating_mul(1_000)),
        ..failure(reason, &format!("it answered {}", response.status))
    })
}

#[cfg(test)]
mod tests {
    use super::{Reason, answered};
    use atsync::model::contract::{Field, Response};

    #[test]
    fn only_a_status_of_2xx_accepts() {
        let of = |status| {
            let value = "120".to_owned();
            let headers = vec![Field { name: "retry-after".to_owned(), value }];
            answered(&Response { status, headers, body: Vec::new() })
        };
        for status in [200, 201, 204, 299] {
            assert_eq!(of(status), Ok(()));
        }
        for (status, reason) in [
            (301, Reason::Redirect),
            (304, Reason::Redirect),
            (400, Reason::Status),
            (410, Reason::Gone),
            (429, Reason::Status),
            (500, Reason::Status),
        ] {
            let failure = of(status).unwrap_err();
            assert_eq!((failure.reason, failure.status), (reason, Some(status)));
            assert_eq!(failure.asked_ms, Some(120_000));
        }
    }
}
