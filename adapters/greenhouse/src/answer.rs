//! Reads answers other than the expected one: refusals, errors and proxy pages.
//!
//! This module alone reads statuses and error bodies, so that each status has one consequence
//! (harvest-v3.md §6). The members of `errors` are texts, one-key objects `{field: text}` or the
//! older `{message, field}`; all three occur, with and without a `message` beside them. An HTML
//! page comes from a proxy or a maintenance server, never from Greenhouse's API. Bounds: at most
//! [`MESSAGES_MAX`] messages of [`MESSAGE_CHARS_MAX`] characters, and [`TEXT_BYTES_MAX`] bytes of a
//! text made of them; serde's own error text is dropped, because it quotes the unreadable body.
//! Left out: the meaning of a *missing* answer (the engine decides) and whether a write happened
//! (the write task decides).

use atsync_adapter::contract::{
    Denied, Failure, FieldError, Outcome, Probed, Registration, Reply, Response, Restart, Step,
    Written,
};
use serde::de::DeserializeOwned;
use serde_json::Value;

/// The most messages of an answer that are passed on.
pub const MESSAGES_MAX: usize = 20;
/// The most characters of each message.
pub const MESSAGE_CHARS_MAX: usize = 300;
/// The most bytes of a text that quotes several of them, or a word of the task. The contract allows
/// 8 KiB.
pub const TEXT_BYTES_MAX: usize = 4 * 1024;
/// The longest wait that an answer can request; a longer one is a mistake. Arbitrary.
const RETRY_AFTER_MAX_MS: u64 = 60 * 60 * 1000;

/// Returns the response in a reply to a `send`.
///
/// # Errors
/// [`Failure::Bug`] for any other reply.
pub fn response(reply: Reply) -> Result<Response, Failure> {
    match reply {
        Reply::Response(response) => Ok(response),
        Reply::Verified(_) | Reply::Transferred(_) => {
            Err(Failure::Bug("a reply to a step that was not sent".into()))
        }
    }
}

/// Cuts the texts of an adapter's answer to the contract's limits, whatever they quote.
///
/// # Errors
/// Those of the answer itself.
pub fn cut(mut answer: Result<Step, Failure>) -> Result<Step, Failure> {
    match &mut answer {
        Err(failure)
        | Ok(Step::Done(
            Outcome::Written(Written::Refused(failure))
            | Outcome::Registration(Registration::Refused(failure)),
        )) => shorten(failure),
        Ok(Step::Done(
            Outcome::Written(Written::Unclear(text))
            | Outcome::Registration(Registration::Unclear(text))
            | Outcome::Probed(Probed::Blind(text)),
        )) => short(text),
        Ok(Step::Done(Outcome::Checked(checked))) => short(&mut checked.detail),
        Ok(_) => {}
    }
    answer
}

fn short(text: &mut String) {
    text.truncate(text.floor_char_boundary(TEXT_BYTES_MAX));
}

fn shorten(failure: &mut Failure) {
    match failure {
        Failure::Auth(text)
        | Failure::NotFound(text)
        | Failure::Gone(text)
        | Failure::Conflict(text)
        | Failure::Misconfigured(text)
        | Failure::Unavailable(text)
        | Failure::Protocol(text)
        | Failure::Bug(text) => short(text),
        Failure::Denied(denied) => short(&mut denied.message),
        Failure::Misread(misread) => short(&mut misread.message),
        Failure::Invalid(errors) => errors.iter_mut().for_each(|error| {
            short(&mut error.field);
            short(&mut error.message);
        }),
        Failure::Moved(_) | Failure::Restart(_) | Failure::Throttled(_) | Failure::Quota(_) => {}
    }
}

/// Accepts an answer with a 2xx status, and turns any other into a failure.
///
/// `permission` is the scope that the request needs.
///
/// # Errors
/// The failure that [`refusal`] reads from the answer.
pub fn accepted(response: &Response, permission: &str) -> Result<(), Failure> {
    if (200..300).contains(&response.status) { Ok(()) } else { Err(refusal(response, permission)) }
}

/// Parses the body of an accepted answer as JSON of a known shape.
///
/// # Errors
/// [`Failure::Protocol`] when it has another shape.
pub fn json<T: DeserializeOwned>(response: &Response) -> Result<T, Failure> {
    serde_json::from_slice(&response.body).map_err(|error| unreadable(response, &error))
}

/// Returns the failure for a body that cannot be read, without quoting it.
pub fn unreadable(response: &Response, error: &serde_json::Error) -> Failure {
    if is_html(response) {
        return Failure::Protocol(format!(
            "a web page instead of JSON, with status {}{}",
            response.status,
            trace(response)
        ));
    }
    let what = match error.classify() {
        serde_json::error::Category::Eof => "JSON that ends early",
        serde_json::error::Category::Syntax => "a body that is not JSON",
        serde_json::error::Category::Data | serde_json::error::Category::Io => {
            "JSON that differs from the documented shape"
        }
    };
    Failure::Protocol(format!(
        "{what}, at line {} column {}{}",
        error.line(),
        error.column(),
        trace(response)
    ))
}

/// Returns the failure for a complete answer whose status is not 2xx.
///
/// `permission` is the scope that the request needed; empty when there is none.
pub fn refusal(response: &Response, permission: &str) -> Failure {
    let said = said(response);
    match response.status {
        401 => Failure::Auth(said),
        // A page in HTML comes from a firewall, and says nothing about scopes.
        403 if is_html(response) => {
            Failure::Denied(Denied { permission: String::new(), message: said })
        }
        403 => Failure::Denied(Denied {
            permission: permission.into(),
            message: format!(
                "{said} (the scope is missing, or the acting user is not a Site Admin or may not \
                 see it)"
            ),
        }),
        404 => Failure::NotFound(said),
        409 => Failure::Conflict(said),
        // 413: a file or text that is too large is a fault of the record too.
        400 | 413 | 422 => Failure::Invalid(errors(response)),
        429 => Failure::Throttled(retry_after_ms(response)),
        408 | 500..=599 => Failure::Unavailable(format!("status {}: {said}", response.status)),
        status => Failure::Protocol(format!("status {status}: {said}")),
    }
}

/// Returns the failure for a complete answer to a request with a cursor.
///
/// A cursor is the only parameter of such a request, so an answer that refuses a parameter refuses
/// the cursor: it has expired, and the pass begins again (harvest-v3.md §4 [?]: expiry exists, its
/// text and the lifetime are unknown). The one exception is the known text for parameters beside
/// the cursor, which would come again in a new pass.
pub fn cursor_refusal(response: &Response, permission: &str) -> Failure {
    match refusal(response, permission) {
        Failure::Invalid(errors)
            if errors.iter().any(|error| error.message.contains("do not include other query")) =>
        {
            Failure::Protocol(format!("a cursor was sent with other parameters{}", trace(response)))
        }
        Failure::Invalid(_) => Failure::Restart(Restart::Pass),
        other => other,
    }
}

/// Refuses one field.
pub fn invalid(field: impl Into<String>, message: impl Into<String>) -> Failure {
    Failure::Invalid(vec![FieldError { field: field.into(), message: message.into() }])
}

/// Lists the refused fields of an answer. Never empty.
pub fn errors(response: &Response) -> Vec<FieldError> {
    let mut found = Vec::new();
    let body: Option<Value> = serde_json::from_slice(&response.body).ok();
    if let Some(body) = &body {
        match body.get("errors").or_else(|| body.get("error")) {
            Some(Value::Array(members)) => {
                members.iter().for_each(|member| error(member, &mut found))
            }
            Some(member) => error(member, &mut found),
            None => {}
        }
        if found.is_empty()
            && let Some(message) = body.get("message").and_then(Value::as_str)
        {
            found.push(FieldError { field: String::new(), message: clipped(message) });
        }
    }
    if found.is_empty() {
        found.push(FieldError {
            field: String::new(),
            message: format!("status {} without a reason", response.status),
        });
    }
    found.truncate(MESSAGES_MAX);
    found
}

/// Reads one member of `errors`, in each of its shapes.
fn error(member: &Value, found: &mut Vec<FieldError>) {
    match member {
        Value::String(text) => {
            found.push(FieldError { field: String::new(), message: clipped(text) })
        }
        Value::Object(object) => {
            if let Some(message) = object.get("message").and_then(Value::as_str) {
                let field = object.get("field").and_then(Value::as_str).unwrap_or_default();
                found.push(FieldError { field: clipped(field), message: clipped(message) });
                return;
            }
            for (field, texts) in object {
                match texts {
                    Value::String(text) => {
                        found.push(FieldError { field: clipped(field), message: clipped(text) })
                    }
                    Value::Array(texts) => found.extend(texts.iter().map(|text| FieldError {
                        field: clipped(field),
                        message: clipped(text.as_str().unwrap_or("not accepted")),
                    })),
                    _ => found
                        .push(FieldError { field: clipped(field), message: "not accepted".into() }),
                }
            }
        }
        _ => {}
    }
}

/// Returns the answer's own text in one line, with the id that Greenhouse's support needs.
pub fn said(response: &Response) -> String {
    if is_html(response) {
        return format!(
            "a web page with status {}, so not from Greenhouse's API{}",
            response.status,
            trace(response)
        );
    }
    let mut text = String::new();
    let message = serde_json::from_slice::<Value>(&response.body).ok();
    let message =
        message.as_ref().and_then(|body| body.get("message")).and_then(Value::as_str).map(clipped);
    let has_errors = serde_json::from_slice::<Value>(&response.body)
        .is_ok_and(|body| body.get("errors").is_some());
    if let Some(message) = &message {
        text.push_str(message);
    }
    if has_errors || message.is_none() {
        for error in errors(response) {
            if !text.is_empty() {
                text.push_str("; ");
            }
            if !error.field.is_empty() {
                text.push_str(&error.field);
                text.push_str(": ");
            }
            text.push_str(&error.message);
        }
    }
    text + &trace(response)
}

fn trace(response: &Response) -> String {
    response
        .header("x-request-id")
        .map(|id| format!(" [request {}]", clipped(id)))
        .unwrap_or_default()
}

/// Whether the body is a web page: by its type, or by its first characters where the type is
/// missing.
fn is_html(response: &Response) -> bool {
    if let Some(kind) = response.header("content-type") {
        return kind.trim_start().to_ascii_lowercase().starts_with("text/html");
    }
    response.body.trim_ascii_start().starts_with(b"<")
}

/// Returns the wait of a 429: whole seconds (harvest-v3.md §5 \[ok\]). `x-ratelimit-reset` is
/// ignored, since it is not the end of the window.
fn retry_after_ms(response: &Response) -> Option<u64> {
    let seconds: u64 = response.header("retry-after")?.trim().parse().ok()?;
    Some(seconds.saturating_mul(1000).min(RETRY_AFTER_MAX_MS))
}

/// Cuts a text to [`MESSAGE_CHARS_MAX`] characters, and drops control characters.
fn clipped(text: &str) -> String {
    text.chars().take(MESSAGE_CHARS_MAX).map(|c| if c.is_control() { ' ' } else { c }).collect()
}
