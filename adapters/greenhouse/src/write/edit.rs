//! A PATCH on its way: what it changes, and the reads that a complete set of custom fields takes.
//!
//! The set must be complete, and stored choices are labels where ids are wanted (see [`crate::write::custom`]). So, only when somebody else's choices have
//! to be preserved, the definitions of the fields are read, then the options of those fields, in the same task. What cannot be sent
//! back, because it has no option of that label, or several, or no writable form, would be lost if a PATCH replaces the set. Then all
//! custom values are held back: the rest of the PATCH goes out with a warning, and if there is no rest the record is refused with the reason.
//! Values of private fields that the acting user cannot see can only be warned of.

use crate::answer::invalid;
use crate::request;
use crate::write::custom::{self, Merge};
use crate::write::pages::{self, Page};
use crate::write::row;
use crate::write::sent::{Refusal, Sent, Success, applied, subject};
use crate::write::{State, look, outcome, send};
use atsync_adapter::contract::{Failure, Response, Step, Written};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Pages of definitions or options that are read at most: 10,000 rows. What lies beyond counts as not found.
const PAGES_MAX: u32 = 20;

/// A PATCH on its way.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Edit {
    /// The operation's name.
    pub(crate) operation: String,
    /// Greenhouse's collection.
    pub(crate) collection: String,
    /// The unified kind.
    pub(crate) kind: String,
    /// The target.
    pub(crate) id: String,
    /// The attributes that change, without custom fields.
    pub(crate) body: Map<String, Value>,
    /// The custom fields, if they change.
    pub(crate) custom: Option<CustomEdit>,
    /// What the host should know if it works.
    pub(crate) warnings: Vec<String>,
}

/// The custom fields of a PATCH.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct CustomEdit {
    /// Which definitions: a `field_type`.
    pub(crate) field_type: String,
    /// The set.
    pub(crate) merge: Merge,
    /// The keys that the row shows.
    pub(crate) shown: Vec<String>,
    /// Key and id of the fields whose options are needed.
    #[serde(default)]
    fields: Vec<(String, String)>,
    /// Options that carry a wanted label.
    #[serde(default)]
    options: Vec<Known>,
    #[serde(default)]
    pages: u32,
}

/// The values that cannot be preserved: key and reason.
type Stuck = Vec<(String, String)>;

/// An option: `field` is the id of its field.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Known {
    field: String,
    label: String,
    id: u64,
    active: bool,
}

impl CustomEdit {
    /// A set with the keys that the stored map shows.
    pub(crate) fn new(field_type: &str, merge: Merge, stored: &Value) -> Self {
        let shown = stored.as_object().map(|map| map.keys().cloned().collect()).unwrap_or_default();
        Self { field_type: field_type.into(), merge, shown, fields: Vec::new(), options: Vec::new(), pages: 0 }
    }
}

impl Edit {
    /// Whether nothing is left to change.
    pub(crate) fn is_done(&self) -> bool {
        self.body.is_empty() && self.custom.is_none()
    }

    /// Goes on after the target's row was read: looks for option ids if some are needed, else sends.
    pub(crate) fn begin(self) -> Result<Step, Failure> {
        match &self.custom {
            Some(custom) if !custom.merge.choices.is_empty() => {
                let request = pages::list("custom_fields", &[("field_type", &custom.field_type)]);
                look(request, State::Definitions(self))
            }
            _ => self.finish(),
        }
    }

    /// Takes a page of definitions.
    pub(crate) fn definitions(mut self, response: &Response) -> Result<Step, Failure> {
        let Page { rows, next } = pages::read(response, "custom_fields")?;
        let Some(custom) = &mut self.custom else { return self.finish() };
        for definition in &rows {
            let key = row::text(definition, "name_key");
            if let (true, Some(id)) =
                (custom.merge.choices.iter().any(|choice| choice.key == key), row::id(definition, "id"))
            {
                custom.fields.push((key.to_owned(), id));
            }
            let written = custom.merge.ready.iter().any(|(ready, _)| ready == key);
            let hidden = !written && !custom.shown.iter().any(|shown| shown == key);
            if hidden
                && row::flag(definition, "private") == Some(true)
                && row::flag(definition, "active") != Some(false)
            {
                self.warnings.push(format!(
                    "the private custom field {key} is not shown to the acting user; if it has a value here, this update may have removed it"
                ));
            }
        }
        custom.pages += 1;
        if let Some(link) = next.filter(|_| custom.pages < PAGES_MAX) {
            return look(request::follow(link), State::Definitions(self));
        }
        custom.pages = 0;
        let ids: Vec<&str> = custom.fields.iter().map(|(_, id)| id.as_str()).take(request::IDS_MAX).collect();
        if ids.is_empty() {
            return self.finish();
        }
        let request = pages::list("custom_field_options", &[("custom_field_ids", &ids.join(","))]);
        look(request, State::Options(self))
    }

    /// Takes a page of options.
    pub(crate) fn options(mut self, response: &Response) -> Result<Step, Failure> {
        let Page { rows, next } = pages::read(response, "custom_field_options")?;
        let Some(custom) = &mut self.custom else { return self.finish() };
        for option in &rows {
            let label = row::text(option, "name");
            if !custom.merge.choices.iter().any(|choice| choice.labels.iter().any(|wanted| wanted == label)) {
                continue;
            }
            let (Some(field), Some(id)) =
                (row::id(option, "custom_field_id"), option.get("id").and_then(Value::as_u64))
            else {
                continue;
            };
            custom.options.push(Known {
                field,
                label: label.into(),
                id,
                active: row::flag(option, "active") != Some(false),
            });
        }
        custom.pages += 1;
        if let Some(link) = next.filter(|_| custom.pages < PAGES_MAX) {
            return look(request::follow(link), State::Options(self));
        }
        self.finish()
    }

    /// Sends what is left to change, if anything.
    fn finish(mut self) -> Result<Step, Failure> {
        if let Some(custom) = self.custom.take() {
            match custom.resolved() {
                Ok(values) => {
                    self.body.insert("custom_fields".into(), custom::attribute(&values));
                }
                Err(stuck) => {
                    let reasons: Vec<String> = stuck.iter().map(|(key, why)| format!("{key}: {why}")).collect();
                    let text = format!(
                        "custom fields were not written, because an update may replace the whole set and a stored value of somebody else could not \
                         be preserved ({}); the setting custom_fields_reading = \"merge\" lifts this",
                        reasons.join("; ")
                    );
                    if self.body.is_empty() {
                        return Err(invalid("custom_fields", text));
                    }
                    self.warnings.push(text);
                }
            }
        }
        if self.body.is_empty() {
            let links = vec![subject(&self.kind, self.id)];
            return Ok(outcome(Written::Unneeded(applied(links, self.warnings))));
        }
        let request = request::patch(&self.collection, &self.id, Value::Object(self.body).to_string());
        let success = Success::Patched { kind: self.kind, id: self.id };
        send(request, Sent { operation: self.operation, success, refusal: Refusal::Plain, warnings: self.warnings })
    }
}

impl CustomEdit {
    /// The complete set with choices as option ids; or what cannot be preserved.
    fn resolved(self) -> Result<Vec<(String, Value)>, Stuck> {
        let mut values = self.merge.ready;
        let mut stuck = self.merge.stuck;
        for choice in &self.merge.choices {
            let field = self.fields.iter().find(|(key, _)| *key == choice.key).map(|(_, id)| id.as_str());
            let ids: Result<Vec<Value>, String> =
                choice.labels.iter().map(|label| one(&self.options, field, label)).collect();
            match (ids, choice.multi) {
                (Ok(ids), true) => values.push((choice.key.clone(), Value::Array(ids))),
                (Ok(ids), false) => values.extend(ids.into_iter().map(|id| (choice.key.clone(), id))),
                (Err(why), _) => stuck.push((choice.key.clone(), why)),
            }
        }
        if stuck.is_empty() { Ok(values) } else { Err(stuck) }
    }
}

/// The one option of this label. Archived options still occur in stored values, and may share a label with an active one (pitfalls.md 32);
/// then the active one shows the same to everybody and is taken.
fn one(options: &[Known], field: Option<&str>, label: &str) -> Result<Value, String> {
    let fits: Vec<&Known> =
        options.iter().filter(|option| Some(option.field.as_str()) == field && option.label == label).collect();
    let active: Vec<&Known> = fits.iter().copied().filter(|option| option.active).collect();
    match (fits.as_slice(), active.as_slice()) {
        ([one], _) | (_, [one]) => Ok(one.id.into()),
        ([], _) => Err(format!("no option is called {label:?}")),
        _ => Err(format!("{} options are called {label:?}", fits.len())),
    }
}
