//! Reads the reply to the changing request: did Greenhouse apply it?
//!
//! A 2xx that cannot be read, or does not name the created record, is `unclear`: a probe settles
//! it. A 4xx is a refusal without effect (harvest-v3.md §6), if the manifest lists its status.
//! Where the reference is uncertain, every reading is accepted: answers wrapped or bare (§9.1), 204
//! or a body (§6), the `{message}` stub (§7), 202 for later (harvest-v1.md §6). Left out: sending
//! again, which the engine decides.

use crate::answer;
use crate::state::Continued;
use crate::write::members::input_member;
use crate::write::op;
use crate::write::row;
use atsync_adapter::contract::{Applied, Failure, FieldError, Link, Misread, Response, Written};
use atsync_adapter::model::kinds;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The state while the changing request is sent.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Sent {
    /// The operation's name.
    pub(crate) operation: String,
    /// The form of a success.
    pub(crate) success: Success,
    /// A cause of a refusal other than the record itself.
    #[serde(default)]
    pub(crate) refusal: Refusal,
    /// Warnings for the host if it succeeds.
    #[serde(default)]
    pub(crate) warnings: Vec<String>,
}

impl Continued for Sent {
    const TASK: &str = "sent";
}

/// The form of a success.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Success {
    /// A new candidate, wrapped or bare, and its application if the request had one.
    Candidate {
        /// Whether the request had an application.
        carried: bool,
    },
    /// A new record, whose id is in the answer or in the member of this name.
    Made {
        /// Its unified kind.
        kind: String,
        /// The member of a wrapped answer.
        member: String,
    },
    /// A PATCH: the record, a stub or nothing.
    Patched {
        /// The unified kind.
        kind: String,
        /// The target.
        id: String,
    },
    /// A lifecycle call: no body is documented, but there may be one.
    Done {
        /// The application.
        id: String,
    },
    /// A conversion: a new application.
    Converted {
        /// The prospect's application, which stays as `converted`.
        old: String,
    },
    /// A deletion: `{id, message}` or nothing.
    Deleted,
}

/// A cause of a refusal other than the record itself.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) enum Refusal {
    /// None.
    #[default]
    Plain,
    /// A 422 may come from the wrong reading of an uncertain fact. It applies only if `about` is
    /// empty or occurs in the answer.
    Reading {
        /// The other reading, to try next.
        other: String,
        /// The member that the answer must name.
        about: String,
    },
    /// A 422 may come from other users' values in the request: key and type of each.
    Others {
        /// The values.
        foreign: Vec<(String, String)>,
    },
    /// A 404 or 405 says that this form of the endpoint does not exist.
    Form {
        /// The other form, to try next.
        other: String,
    },
    /// A 404 means that it was removed already.
    DeletedAlready,
    /// A name or address may be taken.
    Unique,
    /// The author may be at fault; it came from the settings, or there was none.
    Author,
}

impl Sent {
    /// Reads a complete reply.
    pub(crate) fn read(self, response: &Response) -> Written {
        match response.status {
            200..=299 => self.accepted(response),
            // A time-out within Greenhouse leaves the outcome unknown.
            408 => Written::Unclear(format!("status 408: {}", answer::said(response))),
            404 if matches!(self.refusal, Refusal::DeletedAlready) => Written::Applied(Applied {
                warnings: vec!["it was removed before".into()],
                ..applied(Vec::new(), Vec::new())
            }),
            400..=499 => Written::Refused(self.refused(response)),
            status => Written::Unclear(format!("status {status}: {}", answer::said(response))),
        }
    }

    fn accepted(self, response: &Response) -> Written {
        let empty = response.body.trim_ascii().is_empty();
        let body: Value = match serde_json::from_slice(&response.body) {
            Ok(body) => body,
            Err(_) if empty => Value::Null,
            Err(error) => {
                return Written::Unclear(answer::unreadable(response, &error).to_string());
            }
        };
        if let Some(handle) = body.get("bulk_action_uuid").and_then(Value::as_str) {
            return Written::Pending(handle.to_owned());
        }
        let warnings = self.warnings;
        match self.success {
            Success::Candidate { carried } => candidate(&body, carried, warnings),
            Success::Made { kind, member } => {
                match row::id(&body, "id").or_else(|| inner(&body, &member)) {
                    Some(id) => Written::Applied(applied(vec![subject(&kind, id)], warnings)),
                    None => unnamed(response, &body),
                }
            }
            Success::Converted { old } => converted(response, &body, old, warnings),
            Success::Patched { kind, id } => {
                let shown = row::id(&body, "id")
                    .or_else(|| body.as_object()?.values().find_map(|inner| row::id(inner, "id")));
                match shown {
                    Some(shown) if shown != id => {
                        Written::Unclear(format!("the answer shows {kind}/{shown} instead of {id}"))
                    }
                    None if !empty => unnamed(response, &body),
                    _ => Written::Applied(applied(vec![subject(&kind, id)], warnings)),
                }
            }
            Success::Done { .. } if response.status == 202 => unnamed(response, &body),
            Success::Done { id } => {
                Written::Applied(applied(vec![subject(kinds::APPLICATIONS, id)], warnings))
            }
            Success::Deleted => Written::Applied(applied(Vec::new(), warnings)),
        }
    }

    fn refused(&self, response: &Response) -> Failure {
        let failure = answer::refusal(response, op::scope(&self.operation));
        match (&self.refusal, failure) {
            (Refusal::Form { other }, _) if matches!(response.status, 404 | 405) => {
                Failure::Misread(Misread {
                    message: "this form of the endpoint does not exist".to_owned(),
                    reading: other.clone(),
                })
            }
            (_, Failure::Protocol(text)) if response.status == 405 => Failure::Misconfigured(text),
            (refusal, Failure::Invalid(errors)) => self.invalid(refusal, errors),
            (_, failure) => failure,
        }
    }

    fn invalid(&self, refusal: &Refusal, errors: Vec<FieldError>) -> Failure {
        let errors: Vec<FieldError> = errors
            .into_iter()
            .map(|error| FieldError {
                field: input_member(&self.operation, &error.field),
                message: error.message,
            })
            .collect();
        let said = Failure::Invalid(errors.clone()).to_string();
        let field = |word: &str| input_member(&self.operation, word);
        let names = |word: &str| {
            errors.iter().any(|error| error.field == field(word) || error.message.contains(word))
        };
        match refusal {
            Refusal::Reading { other, about } if about.is_empty() || names(about) => {
                Failure::Misread(Misread { message: said, reading: other.clone() })
            }
            Refusal::Others { foreign } => Failure::Invalid(with_others(errors, &said, foreign)),
            // No error text is documented for a name that exists (harvest-v3.md §9.4), so the
            // answer is searched for the usual words.
            Refusal::Unique | Refusal::Form { .. }
                if ["taken", "already", "exist", "unique", "duplicate"]
                    .iter()
                    .any(|word| said.to_lowercase().contains(word)) =>
            {
                Failure::Conflict(said)
            }
            Refusal::Author if names("user_id") || names("author") => {
                Failure::Misconfigured(format!(
                    "Greenhouse refused the note's author; check the setting note_author: \
                     {said}"
                ))
            }
            _ => Failure::Invalid(errors),
        }
    }
}

/// The most values of other users that a refusal names.
const OTHERS_MAX: usize = 10;

/// Adds the custom fields of other users that may be the cause of a refusal: those that the answer
/// names by key or by type, otherwise all that were sent. None if the answer does not mention
/// custom fields.
fn with_others(
    mut errors: Vec<FieldError>,
    said: &str,
    foreign: &[(String, String)],
) -> Vec<FieldError> {
    let names = |word: &str| {
        said.split(|char: char| !char.is_alphanumeric() && char != '_').any(|part| part == word)
    };
    let is_named = |other: &&(String, String)| names(&other.0) || names(&other.1);
    let mut meant: Vec<&(String, String)> = foreign.iter().filter(is_named).collect();
    if meant.is_empty() && (said.contains("custom_field") || said.contains("custom field")) {
        meant = foreign.iter().collect();
    }
    errors.extend(meant.into_iter().take(OTHERS_MAX).map(|(key, kind)| FieldError {
        field: format!("custom_fields.{key}"),
        message: format!(
            "this value of another user (a {kind}) was sent too, since an update may replace \
                 the whole set, and the plan did not allow to leave it out; if Greenhouse refuses \
                 this value, correct it in Greenhouse"
        ),
    }));
    errors
}

/// Builds the outcome of a success.
pub(crate) fn applied(links: Vec<Link>, warnings: Vec<String>) -> Applied {
    Applied { links, deduplicated: false, warnings }
}

/// Links the main record of an operation.
pub(crate) fn subject(kind: &str, id: String) -> Link {
    Link { role: "subject".into(), kind: kind.into(), id }
}

/// Links the application in the answer for a candidate.
pub(crate) fn carried(id: String) -> Link {
    Link { role: kinds::APPLICATIONS.into(), kind: kinds::APPLICATIONS.into(), id }
}

/// Links the prospect's application that a conversion leaves behind.
pub(crate) fn converted_from(id: String) -> Link {
    Link { role: "converted_from".into(), kind: kinds::APPLICATIONS.into(), id }
}

fn inner(body: &Value, member: &str) -> Option<String> {
    body.get(member).and_then(|inner| row::id(inner, "id"))
}

/// Judges an answer that names no record: pending with status 202, otherwise unclear.
fn unnamed(response: &Response, body: &Value) -> Written {
    match row::text(body, "message") {
        "" if response.status == 202 => Written::Pending("accepted for later".into()),
        "" => Written::Unclear(format!("status {} without the record", response.status)),
        _ => Written::Pending(answer::said(response)),
    }
}

/// Reads `{candidate, application}` or the bare candidate (harvest-v3.md §9.1 [?]); either may be a
/// stub without an id (§7 [?]).
fn candidate(body: &Value, with_application: bool, mut warnings: Vec<String>) -> Written {
    let wrapped = body.get("candidate").filter(|inner| inner.is_object());
    let shown = wrapped.unwrap_or(body);
    let Some(id) = row::id(shown, "id") else {
        return match row::text(shown, "message") {
            "" => Written::Unclear("the answer does not name the candidate".into()),
            message => Written::Pending(message.chars().take(answer::MESSAGE_CHARS_MAX).collect()),
        };
    };
    let mut links = vec![subject(kinds::CANDIDATES, id)];
    if with_application {
        match inner(body, "application")
            .or_else(|| row::ids(shown, "application_ids").into_iter().next())
        {
            Some(id) => links.push(carried(id)),
            None => warnings
                .push("the answer does not name the application; a probe must find it".into()),
        }
    }
    Written::Applied(applied(links, warnings))
}

/// Reads the new application, in each shape that is reported for v1 and v3; if it is missing, a
/// probe finds it.
fn converted(response: &Response, body: &Value, old: String, warnings: Vec<String>) -> Written {
    let new = row::id(body, "new_application_id")
        .or_else(|| inner(body, "application"))
        .or_else(|| row::id(body, "application_id"))
        .or_else(|| row::id(body, "id"))
        .filter(|new| *new != old);
    match new {
        Some(new) => Written::Applied(applied(
            vec![subject(kinds::APPLICATIONS, new), converted_from(old)],
            warnings,
        )),
        None if response.status == 202 => unnamed(response, body),
        None => Written::Unclear("the answer does not name the new application".into()),
    }
}
