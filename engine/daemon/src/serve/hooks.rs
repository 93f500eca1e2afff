//! Webhooks of an ATS: `POST /hooks/{connection}/{part}`, where the part cannot be guessed.
//!
//! What is not for a connection here is refused before its body is read, with the same answer
//! whether the connection, the part or the signature is wrong. While the connection is being opened
//! or closed, the answer is 503, and the ATS sends it again. An authentic delivery is durable
//! before it is answered 200; the schedules fetch what it names. Bodies of answers are empty: the
//! sender is a program that looks at the status.
//!
//! Bounds: [`HOOKS_AT_ONCE`](super::served::HOOKS_AT_ONCE) deliveries at once,
//! [`Connection::WEBHOOK_BODY_BYTES_MAX`] bytes each. Left out: this route in the OpenAPI document,
//! which is for hosts.

use super::body;
use super::problem::ProblemType;
use super::served::Served;
use crate::config::Config;
use atsync::{Connection, ErrorKind, Secret};
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use std::sync::Arc;

/// The beginning of the route.
pub(super) const PREFIX: &str = "/hooks/";
/// The path of a connection's webhooks; none when it has no webhook secret.
pub(super) fn path_of(connection: &Connection) -> Option<String> {
    let name: &[u8] = connection.name().as_bytes();
    let name = percent_encoding::percent_encode(name, percent_encoding::NON_ALPHANUMERIC);
    connection.webhook_path().map(|part| format!("{PREFIX}{name}/{part}"))
}

/// The URL of a connection's webhooks by a configuration; none when it has no webhook secret, or
/// this server listens on no address.
pub(crate) fn url_of(served: &Served, config: &Config, connection: &Connection) -> Option<Secret> {
    let path = path_of(connection).filter(|_| served.has_address())?;
    let origin = served.origin(config.serve.public_url.as_ref())?;
    Some(Secret::new(format!("{origin}{path}")))
}

/// Receives one delivery.
pub(super) async fn receive(
    State(served): State<Arc<Served>>,
    Path((name, part)): Path<(String, String)>,
    headers: HeaderMap,
    body: Body,
) -> StatusCode {
    let connection = match served.connection(&name) {
        Ok(connection) if connection.is_webhook_path(&part) => connection,
        // The ATS sends it again.
        Err(problem) if problem.status() == StatusCode::SERVICE_UNAVAILABLE => {
            return StatusCode::SERVICE_UNAVAILABLE;
        }
        _ => return StatusCode::UNAUTHORIZED,
    };
    let Ok(_place) = served.hooks.try_acquire() else { return StatusCode::SERVICE_UNAVAILABLE };
    let length = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok());
    let length: Option<usize> = length.and_then(|length| length.parse().ok());
    if length.is_some_and(|length| length > Connection::WEBHOOK_BODY_BYTES_MAX) {
        return StatusCode::PAYLOAD_TOO_LARGE;
    }
    let read = match body::bytes(body, Connection::WEBHOOK_BODY_BYTES_MAX).await {
        Ok(read) => read,
        Err(problem) if problem.what() == ProblemType::TooLarge => {
            return StatusCode::PAYLOAD_TOO_LARGE;
        }
        Err(_) => return StatusCode::BAD_REQUEST,
    };
    match connection.accept(&headers, read).await {
        Ok(received) => {
            served.hook(&name, received.status == 200);
            StatusCode::from_u16(received.status).unwrap_or(StatusCode::UNAUTHORIZED)
        }
        Err(error) => {
            tracing::warn!(connection = name, error = %error, "a webhook was not accepted");
            match error.kind() {
                // An adapter's fault will be one again; the schedules read the record.
                ErrorKind::Adapter | ErrorKind::Configuration => StatusCode::UNAUTHORIZED,
                _ => StatusCode::SERVICE_UNAVAILABLE,
            }
        }
    }
}
