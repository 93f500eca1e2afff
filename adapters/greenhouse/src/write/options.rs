//! Resolves stored labels to option ids, so that a complete set of custom fields can be sent back.
//!
//! It runs only if options of other users have to be preserved: it reads the definitions of the
//! fields, then the options of those fields. The target is read again afterwards, and the set is
//! made from that row, so the read stays right before the write. The acting user cannot see values
//! of other users' private fields; for those there is only a warning. Bounds: [`PAGES_MAX`] pages
//! of each, options of at most 50 fields; options beyond that count as not found.

use crate::request;
use crate::write::custom::{CustomEdit, StoredOption};
use crate::write::op::Op;
use crate::write::pages::{self, Page};
use crate::write::row;
use atsync_adapter::contract::{Failure, Request, Response};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The most pages of definitions or options that are read: 10,000 rows. Arbitrary.
const PAGES_MAX: u32 = 20;

/// Values that cannot be preserved: key and reason.
pub(crate) type Unsendable = Vec<(String, String)>;

/// The state of resolving labels.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Lookup {
    /// The operation that continues afterwards.
    pub(crate) op: Op,
    /// The pool that the operation needed.
    pub(crate) pool: Option<String>,
    /// The stored options to resolve.
    stored_options: Vec<StoredOption>,
    /// The keys that the row shows or the write sets.
    known: Vec<String>,
    /// Key and id of the fields whose options are needed.
    fields: Vec<(String, String)>,
    options: Vec<Known>,
    /// Keys of fields that are archived.
    #[serde(default)]
    archived: Vec<String>,
    pages: u32,
    /// Warnings for the host if the write succeeds.
    pub(crate) warnings: Vec<String>,
}

/// The next request of a lookup.
pub(crate) enum Next {
    /// A page of definitions.
    Definitions(Request, Lookup),
    /// A page of options.
    Options(Request, Lookup),
    /// No request: the lookup is complete.
    Done(Lookup),
}

/// An option that was read. `field` is the id of its field.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Known {
    field: String,
    label: String,
    id: u64,
    active: bool,
}

impl Lookup {
    /// Starts a lookup with a request for the definitions.
    pub(crate) fn begin(op: Op, pool: Option<String>, custom: CustomEdit) -> Next {
        let mut known = custom.shown;
        known.extend(custom.merge.ready.into_iter().map(|(key, _)| key));
        let request = pages::list("custom_fields", &[("field_type", custom.field_type)]);
        let (stored_options, warnings) = (custom.merge.stored_options, Vec::new());
        let lookup = Self {
            op,
            pool,
            stored_options,
            known,
            fields: Vec::new(),
            options: Vec::new(),
            archived: Vec::new(),
            pages: 0,
            warnings,
        };
        Next::Definitions(request, lookup)
    }

    /// Reads a page of definitions.
    pub(crate) fn definitions(mut self, response: &Response) -> Result<Next, Failure> {
        let Page { rows, next } = pages::read(response, "custom_fields")?;
        for definition in &rows {
            let key = row::text(definition, "name_key");
            let is_chosen = self.stored_options.iter().any(|option| option.key == key);
            if let Some(id) = row::id(definition, "id").filter(|_| is_chosen) {
                self.fields.push((key.to_owned(), id));
            }
            let is_private = row::flag(definition, "private") == Some(true);
            let is_active = row::flag(definition, "active") != Some(false);
            if !is_active && self.known.iter().any(|known| known == key) {
                self.archived.push(key.to_owned());
            }
            if is_private && is_active && !self.known.iter().any(|known| known == key) {
                self.warnings.push(format!(
                    "the private custom field {key} is not shown to the acting user; if it has a \
                     value here, this update may have removed it"
                ));
            }
        }
        self.pages += 1;
        if let Some(link) = next.filter(|_| self.pages < PAGES_MAX) {
            return Ok(Next::Definitions(request::follow(link), self));
        }
        self.pages = 0;
        let ids: Vec<&str> =
            self.fields.iter().map(|(_, id)| id.as_str()).take(request::IDS_MAX).collect();
        if ids.is_empty() {
            return Ok(Next::Done(self));
        }
        let request = pages::list("custom_field_options", &[("custom_field_ids", &ids.join(","))]);
        Ok(Next::Options(request, self))
    }

    /// Reads a page of options.
    pub(crate) fn options(mut self, response: &Response) -> Result<Next, Failure> {
        let Page { rows, next } = pages::read(response, "custom_field_options")?;
        for option in &rows {
            let label = row::text(option, "name");
            let is_wanted = self
                .stored_options
                .iter()
                .any(|option| option.labels.iter().any(|wanted| wanted == label));
            let field = row::id(option, "custom_field_id").filter(|_| is_wanted);
            if let Some((field, id)) = field.zip(option.get("id").and_then(Value::as_u64)) {
                let active = row::flag(option, "active") != Some(false);
                self.options.push(Known { field, label: label.into(), id, active });
            }
        }
        self.pages += 1;
        Ok(match next.filter(|_| self.pages < PAGES_MAX) {
            Some(link) => Next::Options(request::follow(link), self),
            None => Next::Done(self),
        })
    }

    /// Whether these options are the resolved ones; another one may have been stored between the
    /// reads.
    pub(crate) fn covers(&self, stored_options: &[StoredOption]) -> bool {
        let asked = |key: &str, label: &String| {
            self.stored_options
                .iter()
                .any(|option| option.key == key && option.labels.contains(label))
        };
        stored_options
            .iter()
            .all(|option| option.labels.iter().all(|label| asked(&option.key, label)))
    }

    /// Whether a field is archived.
    pub(crate) fn is_archived(&self, key: &str) -> bool {
        self.archived.iter().any(|archived| archived == key)
    }

    /// Converts a stored option to option ids, and says whether a new value could be this one.
    ///
    /// # Errors
    /// The reason why a label has no single option: then the value can only be sent back as it was
    /// read.
    pub(crate) fn resolve(&self, option: &StoredOption) -> Result<(Value, bool), String> {
        let field =
            self.fields.iter().find(|(key, _)| *key == option.key).map(|(_, id)| id.as_str());
        let mut ids = Vec::new();
        let mut is_usual = true;
        for label in &option.labels {
            let option = self.one(field, label)?;
            is_usual &= option.active;
            ids.push(Value::from(option.id));
        }
        match ids.as_slice() {
            [one] if !option.multi => Ok((one.clone(), is_usual)),
            _ => Ok((Value::Array(ids), is_usual)),
        }
    }

    /// Returns the one option with this label.
    ///
    /// Archived options still occur in stored values, and may share a label with an active one
    /// (pitfalls.md 32); then the active one is used, since users cannot tell them apart.
    fn one(&self, field: Option<&str>, label: &str) -> Result<&Known, String> {
        let fits = |option: &&Known| Some(option.field.as_str()) == field && option.label == label;
        let fits: Vec<&Known> = self.options.iter().filter(fits).collect();
        let active: Vec<&Known> = fits.iter().copied().filter(|option| option.active).collect();
        match (fits.as_slice(), active.as_slice()) {
            ([one], _) | (_, [one]) => Ok(one),
            ([], _) => Err(format!("no option is called {label:?}")),
            _ => Err(format!("{} options are called {label:?}", fits.len())),
        }
    }
}
