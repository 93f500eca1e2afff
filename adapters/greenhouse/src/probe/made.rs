//! Probes a new note, tag, file, user or definition: did Greenhouse create it?
//!
//! Each is searched in a list, with the filters that Greenhouse has, and compared member by member.
//! Time does not matter where Greenhouse allows only one such record, or where a second one of the
//! same name would be useless. Notes are the strictest, because a duplicate cannot be deleted
//! (pitfalls.md 7): an equal note that is too old is reported as ambiguous, never as absent.

use super::next::{Next, Sent, absent, ambiguous, ask, blind, matched};
use crate::answer::invalid;
use crate::request::{self, id_number};
use crate::write::input::AppliedTagNew;
use crate::write::op::Op;
use crate::write::{normal, pages, records, row, words};
use atsync_adapter::contract::{Failure, Request, Response};
use atsync_adapter::model::kinds;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The most pages that are read. Tags cannot be filtered by name (harvest-v3.md §9.4), so this is
/// 10,000 of them.
const PAGES_MAX: u32 = 20;

/// The record to find.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) enum Want {
    Note {
        candidate: String,
        application: Option<String>,
        body: String,
        visibility: String,
    },
    Tag {
        name: String,
    },
    AppliedTag {
        candidate: String,
        tag: String,
    },
    Attachment {
        application: String,
        filename: String,
        kind: String,
    },
    User {
        email: String,
    },
    /// The same user by any of its addresses.
    UserEmail {
        email: String,
    },
    Field {
        name: String,
        field_type: String,
        value_type: String,
    },
    FieldOption {
        field: String,
        name: String,
    },
}

/// A probe for one record.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Search {
    want: Want,
    seen: Vec<String>,
    /// Equal records that are too old.
    old: Vec<String>,
    pages: u32,
}

/// Starts the probe.
pub(super) fn begin(want: Want) -> Next<Search> {
    let request = want.request();
    ask(request, Search { want, seen: Vec::new(), old: Vec::new(), pages: 0 })
}

impl Want {
    /// Returns the record of a creation; `None` for an operation on an existing record.
    pub(super) fn of(op: &Op) -> Result<Option<Self>, Failure> {
        Ok(Some(match op {
            Op::NoteCreate { input, .. } => {
                id_number("candidate", &input.candidate)?;
                Self::Note {
                    candidate: input.candidate.clone(),
                    application: input.application.clone(),
                    body: normal::fingerprint(&input.body),
                    visibility: input.visibility.clone(),
                }
            }
            Op::TagCreate { input, .. } => Self::Tag { name: input.name.clone() },
            Op::AppliedTagCreate { input, .. } => {
                id_number("candidate", &input.candidate)?;
                Self::AppliedTag { candidate: input.candidate.clone(), tag: input.tag.clone() }
            }
            Op::AttachmentCreate { input, .. } => {
                id_number("application", &input.application)?;
                Self::Attachment {
                    application: input.application.clone(),
                    filename: input.filename.clone(),
                    kind: words::attachment_type(&input.r#type).into(),
                }
            }
            Op::UserCreate { input, .. } => Self::User { email: input.email.trim().into() },
            Op::FieldCreate { input, .. } => Self::Field {
                name: input.name.clone(),
                field_type: words::field_type(&input.applies_to)
                    .ok_or_else(|| invalid("applies_to", "not known"))?
                    .into(),
                value_type: words::value_type(&input.r#type)
                    .ok_or_else(|| invalid("type", "not known"))?
                    .into(),
            },
            Op::OptionCreate { input, .. } => {
                id_number("custom_field", &input.custom_field)?;
                Self::FieldOption { field: input.custom_field.clone(), name: input.name.clone() }
            }
            _ => return Ok(None),
        }))
    }

    /// Returns the collection and the unified kind of its records.
    fn place(&self) -> (&'static str, &'static str) {
        match self {
            Self::Note { .. } => ("notes", kinds::NOTES),
            Self::Tag { .. } => ("candidate_tags", kinds::TAGS),
            Self::AppliedTag { .. } => ("applied_candidate_tags", kinds::APPLIED_TAGS),
            Self::Attachment { .. } => ("attachments", kinds::ATTACHMENTS),
            Self::User { .. } => ("users", kinds::USERS),
            Self::UserEmail { .. } => ("user_emails", kinds::USERS),
            Self::Field { .. } => ("custom_fields", kinds::CUSTOM_FIELDS),
            Self::FieldOption { .. } => ("custom_field_options", kinds::CUSTOM_FIELD_OPTIONS),
        }
    }

    fn request(&self) -> Request {
        let filter: Option<(&str, &str)> = match self {
            Self::Note { candidate, .. } | Self::AppliedTag { candidate, .. } => {
                Some(("candidate_ids", candidate))
            }
            Self::Tag { .. } => None,
            Self::Attachment { application, .. } => Some(("application_ids", application)),
            Self::User { email } => Some(("primary_email", email)),
            Self::UserEmail { email } => Some(("email", email)),
            Self::Field { field_type, .. } => Some(("field_type", field_type)),
            Self::FieldOption { field, .. } => Some(("custom_field_ids", field)),
        };
        pages::list(self.place().0, filter.as_slice())
    }

    /// Returns the id of a row that is this record.
    fn fits(&self, row: &Value) -> Option<String> {
        let text = |member: &str| row::text(row, member);
        let same = match self {
            Self::Note { candidate, application, body, visibility } => {
                let body_is = |member: &str| {
                    !text(member).is_empty() && normal::fingerprint(text(member)) == *body
                };
                let application_is = application.is_none()
                    || row::id(row, "application_id")
                        .is_none_or(|id| Some(&id) == application.as_ref());
                row::id(row, "candidate_id").is_none_or(|id| id == *candidate)
                    && (body_is("body") || body_is("body_with_tags"))
                    && words::visibility_is(text("visibility"), visibility)
                    && application_is
            }
            Self::Tag { name } => normal::is_option(text("name"), name),
            Self::AppliedTag { candidate, tag } => {
                let new = AppliedTagNew { candidate: candidate.clone(), tag: tag.clone() };
                return records::applied_row(std::slice::from_ref(row), &new);
            }
            Self::Attachment { filename, kind, .. } => {
                normal::text(text("filename")) == normal::text(filename) && text("type") == kind
            }
            Self::User { email } => {
                let email = normal::email(email);
                normal::email(text("primary_email")) == email
                    || row::list(row, "emails")
                        .iter()
                        .filter_map(Value::as_str)
                        .any(|held| normal::email(held) == email)
            }
            Self::UserEmail { email } => {
                return (normal::email(text("email")) == normal::email(email))
                    .then(|| row::id(row, "user_id"))
                    .flatten();
            }
            Self::Field { name, field_type, value_type } => {
                normal::is_option(text("name"), name)
                    && text("value_type") == value_type
                    && text("field_type") == field_type
                    && row::flag(row, "active") != Some(false)
            }
            Self::FieldOption { field, name } => {
                normal::is_option(text("name"), name)
                    && row::id(row, "custom_field_id").as_ref() == Some(field)
                    && row::flag(row, "active") != Some(false)
            }
        };
        same.then(|| row::id(row, "id")).flatten()
    }

    /// Whether a record created before the write is excluded.
    fn depends_on_time(&self) -> bool {
        matches!(self, Self::Note { .. } | Self::Attachment { .. })
    }
}

/// Returns the lowest id.
fn lowest(ids: &[String]) -> Vec<String> {
    ids.iter().min_by_key(|id| (id.len(), id.as_str())).into_iter().cloned().collect()
}

impl Search {
    /// Reads a page.
    pub(super) fn next(mut self, response: &Response, sent: Sent) -> Result<Next<Search>, Failure> {
        let (collection, kind) = self.want.place();
        // The second request needs another scope. Without it the result of the first request
        // counts: Greenhouse refuses an address in use anyway.
        if matches!(self.want, Want::UserEmail { .. }) && matches!(response.status, 403 | 404 | 422)
        {
            return Ok(absent(kind));
        }
        let page = pages::read(response, collection)?;
        for row in &page.rows {
            let Some(id) = self.want.fits(row) else { continue };
            let list = if self.want.depends_on_time() && !sent.can_have_made(row) {
                &mut self.old
            } else {
                &mut self.seen
            };
            if !list.contains(&id) {
                list.push(id);
            }
        }
        self.pages += 1;
        match page.next {
            Some(_) if self.pages >= PAGES_MAX && self.seen.is_empty() => {
                return Ok(blind("too many records to search"));
            }
            Some(link) if self.pages < PAGES_MAX => {
                return Ok(ask(request::follow(link), self));
            }
            _ => {}
        }
        match &self.want {
            Want::User { email } if self.seen.is_empty() => {
                Ok(begin(Want::UserEmail { email: email.clone() }))
            }
            Want::Note { .. } if self.seen.is_empty() && !self.old.is_empty() => {
                Ok(ambiguous(kind, &self.old))
            }
            // Equal records have the same meaning; the probe returns the same one each time.
            Want::Tag { .. } | Want::AppliedTag { .. } | Want::FieldOption { .. } => {
                Ok(matched(kind, lowest(&self.seen).as_slice()))
            }
            _ => Ok(matched(kind, &self.seen)),
        }
    }
}
