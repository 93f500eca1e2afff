//! Renders rows as JSON bytes.
//!
//! Custom field values are stored as written (option ids) and rendered as read (labels, with the
//! field's present name), so renaming a field or an option changes every row at once, as in
//! Greenhouse.

use serde_json::Value;

use super::Model;
use super::cell::{Cell, Row, write_int, write_text};
use crate::quirks::{Quirks, Rows};
use crate::schema::{Field, Kind};

/// Flags that may be null (openapi-v3.json), with the value for which null is rendered.
const NULLABLE_FLAGS: [(Kind, &str, bool); 5] = [
    (Kind::Applications, "needs_decision", false),
    (Kind::Candidates, "private", false),
    (Kind::CustomFields, "active", true),
    (Kind::CustomFields, "api_only", false),
    (Kind::Jobs, "is_template", false),
];

/// The parts of a row that are rendered.
#[derive(Debug, Clone, Default)]
pub(crate) struct View {
    /// Only these columns, if given.
    pub(crate) columns: Option<Vec<usize>>,
    /// Whether private custom fields are left out.
    pub(crate) hide_private_fields: bool,
    /// Whether to add a field that the reference does not know.
    pub(crate) unknown_field: bool,
    /// Whether to render only the members of the OpenAPI document.
    pub(crate) official: bool,
    /// Whether nullable flags are rendered as null.
    pub(crate) null_flags: bool,
}

impl View {
    /// Chooses the parts of a row in an answer to a write, by the switches.
    pub(crate) fn of(quirks: &Quirks) -> Self {
        Self {
            official: quirks.rows == Rows::Official,
            null_flags: quirks.null_flags,
            ..Self::default()
        }
    }
}

impl Model {
    /// Writes a row as a JSON object.
    pub(crate) fn write_row(&self, out: &mut Vec<u8>, kind: Kind, row: &Row, view: &View) {
        let fields: &[Field] = kind.endpoint().map_or(&[], |endpoint| &endpoint.fields);
        out.push(b'{');
        let mut first = true;
        for (at, field) in fields.iter().enumerate() {
            let wanted = view.columns.as_ref().is_none_or(|columns| columns.contains(&at));
            if !wanted || field.stub_only || (view.official && field.newer) {
                continue;
            }
            write_key(out, field.name, &mut first);
            let is_null = |value: bool| {
                view.null_flags && NULLABLE_FLAGS.contains(&(kind, field.name, value))
            };
            match row.cell(at) {
                Cell::Bool(value) if is_null(*value) => Cell::Null.write(out),
                Cell::Fields(values) => self.write_fields(out, values, view.hide_private_fields),
                cell => cell.write(out),
            }
        }
        if view.unknown_field && view.columns.is_none() {
            write_key(out, "not_in_any_reference", &mut first);
            out.extend_from_slice(b"{\"since\":\"yesterday\"}");
        }
        out.push(b'}');
    }

    /// Returns a whole row as a JSON value, for tests.
    pub(crate) fn row_json(&self, kind: Kind, id: i64) -> Option<Value> {
        self.row_seen(kind, id, &View::default())
    }

    /// Returns a row as a JSON value, as an answer to a write shows it.
    pub(crate) fn row_seen(&self, kind: Kind, id: i64, view: &View) -> Option<Value> {
        let row = self.row(kind, id)?;
        let mut out = Vec::new();
        self.write_row(&mut out, kind, row, view);
        serde_json::from_slice(&out).ok()
    }

    fn write_fields(&self, out: &mut Vec<u8>, values: &[(i64, Box<str>)], hide_private: bool) {
        out.push(b'{');
        let mut first = true;
        for (field_id, value) in values {
            let Some(key) = self.text(Kind::CustomFields, *field_id, "name_key") else { continue };
            if hide_private && self.flag(Kind::CustomFields, *field_id, "private") {
                continue;
            }
            let value_type =
                self.text(Kind::CustomFields, *field_id, "value_type").unwrap_or_default();
            if !first {
                out.push(b',');
            }
            first = false;
            write_text(out, key);
            out.extend_from_slice(b":{\"name\":");
            write_text(out, self.text(Kind::CustomFields, *field_id, "name").unwrap_or_default());
            out.extend_from_slice(b",\"type\":");
            write_text(out, value_type);
            out.extend_from_slice(b",\"value\":");
            match value_type {
                "single_select" | "multi_select" => self.write_labels(out, value),
                _ => out.extend_from_slice(value.as_bytes()),
            }
            out.push(b'}');
        }
        out.push(b'}');
    }

    /// Writes the labels of option ids.
    fn write_labels(&self, out: &mut Vec<u8>, value: &str) {
        let label = |id: &str| {
            id.trim().parse().ok().and_then(|id| self.text(Kind::CustomFieldOptions, id, "name"))
        };
        let Some(list) = value.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) else {
            match label(value) {
                Some(label) => write_text(out, label),
                None => out.extend_from_slice(b"null"),
            }
            return;
        };
        out.push(b'[');
        for (at, label) in list.split(',').filter_map(label).enumerate() {
            if at > 0 {
                out.push(b',');
            }
            write_text(out, label);
        }
        out.push(b']');
    }
}

fn write_key(out: &mut Vec<u8>, name: &str, first: &mut bool) {
    out.extend_from_slice(if *first { b"\"" } else { b",\"" });
    *first = false;
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\":");
}

/// Formats whole numbers as a JSON array, which is how select values are stored.
pub(crate) fn ids_text(ids: &[i64]) -> Box<str> {
    let mut out = Vec::new();
    out.push(b'[');
    for (at, id) in ids.iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        write_int(&mut out, *id);
    }
    out.push(b']');
    String::from_utf8(out).unwrap_or_default().into()
}
