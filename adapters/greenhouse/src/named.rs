//! Adds the names of custom field options to rows that have only their ids.
//!
//! School, degree and discipline of an education are ids of options (openapi: candidate_education),
//! which mean nothing to a host. So after a page of such rows the adapter requests the names, at
//! most [`request::IDS_MAX`] at a time, puts them into the rows, and reads the rows like any other.
//! Each option of a page is requested once.
//!
//! Bounds: between two steps the continuation holds the needed members of the rows, within
//! [`ROWS_BYTES_MAX`]. Beyond that, and where the options may not be listed, the fields stay
//! unknown: an unknown name must not lose the row.

use crate::kinds::{self, Kind};
use crate::page::{self, Rows};
use crate::write::row;
use crate::{answer, request};
use atsync_adapter::contract::{Failure, Request, Response};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// The most bytes of rows and names between two steps. The engine keeps 64 KiB; the rest is for
/// links and ids.
const ROWS_BYTES_MAX: usize = 44 * 1024;

/// Rows, and the names of their options that were read so far.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Naming {
    rows: Vec<Value>,
    /// The options still to request.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    ids: Vec<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    names: BTreeMap<String, String>,
}

/// The next step of naming.
pub(crate) enum Reading {
    /// A request for more names.
    Ask(Box<Request>, Naming),
    /// The rows, read into records.
    Done(Rows),
}

/// Reads the answer to a list, or to the request for names.
///
/// # Errors
/// Those of [`page::rows`], and refusals of the request for the names.
pub(crate) fn read(
    kind: &'static Kind,
    response: &Response,
    naming: Option<Naming>,
) -> Result<Reading, Failure> {
    let naming = match naming {
        Some(naming) => naming.answered(response)?,
        None => match Naming::of(kind, response) {
            Some(naming) => naming,
            None => return Ok(Reading::Done(page::rows(kind, response)?)),
        },
    };
    if !naming.ids.is_empty() && naming.fits() {
        let ids: Vec<&str> = naming.batch().collect();
        let request = kinds::by_ids("custom_field_options", &ids)?;
        return Ok(Reading::Ask(Box::new(request), naming));
    }
    let named = Response { status: 200, headers: Vec::new(), body: naming.rows(kind) };
    Ok(Reading::Done(page::rows(kind, &named)?))
}

impl Naming {
    /// Takes the rows of a page, if any of them names an option by its id alone.
    fn of(kind: &'static Kind, response: &Response) -> Option<Self> {
        if kind.options.is_empty() {
            return None;
        }
        // A body that is not a list of rows is reported by the reader of the page.
        let mut rows: Vec<Value> = serde_json::from_slice(&response.body).ok()?;
        let mut ids: Vec<String> = Vec::new();
        for row in &mut rows {
            if let Some(members) = row.as_object_mut() {
                members.retain(|name, _| kind.reads.contains(&name.as_str()));
            }
            for id in unnamed(kind, row).filter_map(|(id, _)| row::id(row, id)) {
                if !ids.contains(&id) {
                    ids.push(id);
                }
            }
        }
        (!ids.is_empty()).then_some(Self { rows, ids, names: BTreeMap::new() })
    }

    fn batch(&self) -> impl Iterator<Item = &str> {
        self.ids.iter().take(request::IDS_MAX).map(String::as_str)
    }

    fn fits(&self) -> bool {
        serde_json::to_vec(self).is_ok_and(|bytes| bytes.len() <= ROWS_BYTES_MAX)
    }

    /// Stores the names of an answer.
    fn answered(mut self, response: &Response) -> Result<Self, Failure> {
        if response.status == 403 {
            self.ids.clear();
            return Ok(self);
        }
        answer::accepted(response, "harvest:custom_field_options:list")?;
        for option in answer::json::<Vec<Value>>(response)? {
            let name = row::text(&option, "name");
            if let Some(id) = row::id(&option, "id").filter(|_| !name.trim().is_empty()) {
                self.names.insert(id, name.to_owned());
            }
        }
        self.ids.drain(..self.ids.len().min(request::IDS_MAX));
        Ok(self)
    }

    /// Puts the names into the rows, and returns them as the body of an answer.
    fn rows(mut self, kind: &'static Kind) -> Vec<u8> {
        for row in &mut self.rows {
            let found: Vec<(&str, &String)> = unnamed(kind, row)
                .filter_map(|(id, name)| Some((name, self.names.get(&row::id(row, id)?)?)))
                .collect();
            if let Some(members) = row.as_object_mut() {
                let found = found.into_iter();
                members.extend(found.map(|(name, text)| (name.to_owned(), text.clone().into())));
            }
        }
        Value::from(self.rows).to_string().into_bytes()
    }
}

/// Lists the options of which a row has the id and not the name: the member of the id, and that of
/// the name.
fn unnamed<'a>(
    kind: &'static Kind,
    row: &'a Value,
) -> impl Iterator<Item = (&'static str, &'static str)> + 'a {
    let is_blank = |name: &str| row.get(name).is_none_or(|name| name.is_null() || name == "");
    kind.options.iter().copied().filter(move |(_, name)| row.is_object() && is_blank(name))
}
