//! What lies below an opportunity and is listed there: notes and résumés. Their ids are composite,
//! since Lever addresses them below their opportunity.

use crate::common::{list, one, reference};
use atsync_adapter::kit::*;
use serde::Deserialize;
use serde_json::Value;

pub(crate) const NOTES: Kind = Kind::of::<Note>("notes")
    .fields(&["application", "author", "type", "visibility", "body", "created_at"])
    .under("applications")
    .list(list("/opportunities/{parent}/notes"))
    .fetch(one("/opportunities/{id.0}/notes/{id.1}"))
    .deletes(&[DeleteSign::GoneOnFetch])
    .permission("notes:read");

pub(crate) const ATTACHMENTS: Kind = Kind::of::<Resume>("attachments")
    .fields(&["application", "type", "filename", "created_at"])
    .under("applications")
    .list(list("/opportunities/{parent}/resumes"))
    .permission("resumes:read");

/// A note is a form with one field for each comment.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Note {
    id: Id,
    fields: Got<Vec<Field>>,
    user: Got<Id>,
    secret: Got<bool>,
    created_at: Got<Millis>,
    deleted_at: Got<Millis>,
}

#[derive(Deserialize)]
pub(crate) struct Field {
    value: Option<Value>,
}

/// The texts of a note's fields, a line each; `None` where one is no text.
pub(crate) fn body(fields: Vec<Field>) -> Option<String> {
    let mut lines = Vec::new();
    for field in fields {
        match field.value {
            None | Some(Value::Null) => {}
            Some(Value::String(text)) if text.is_empty() => {}
            Some(Value::String(text)) => lines.push(text),
            Some(value @ (Value::Number(_) | Value::Bool(_))) => lines.push(value.to_string()),
            Some(Value::Array(_) | Value::Object(_)) => return None,
        }
    }
    Some(lines.join("\n"))
}

impl Row for Note {
    fn record(self, source: &Source<'_>) -> Record {
        if matches!(self.deleted_at, Got::Here(_)) {
            return Record::none();
        }
        let visibility = |secret: bool| word(if secret { "private" } else { "public" });
        Record::new(Id::join([source.parent_id(), self.id.as_str()]))
            .value("application", Id::from(source.parent_id()).reference())
            .field("author", reference(self.user))
            .value("type", word("note"))
            .field("visibility", self.secret.or_value(false).map(visibility))
            .field("body", self.fields.try_map(body))
            .field("created_at", self.created_at)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Resume {
    id: Id,
    file: Got<File>,
    created_at: Got<Millis>,
}

#[derive(Deserialize)]
struct File {
    name: Got<String>,
}

impl Row for Resume {
    fn record(self, source: &Source<'_>) -> Record {
        Record::new(Id::join([source.parent_id(), self.id.as_str()]))
            .value("application", Id::from(source.parent_id()).reference())
            .value("type", word("resume"))
            .field("filename", self.file.and_then(|file| file.name))
            .field("created_at", self.created_at)
    }
}
