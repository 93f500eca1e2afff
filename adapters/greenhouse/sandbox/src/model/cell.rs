//! One value of a row, and the row itself: compact, positional, written straight to JSON bytes.
//!
//! A company of 20,000 candidates has some 200,000 rows, so a row is one boxed slice of small cells
//! in the order of its collection's columns, not a map. Nested arrays without a filter are kept as
//! the JSON text that lists serve.

use atsync_sandbox::format_ms;

/// One value.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) enum Cell {
    #[default]
    Null,
    Bool(bool),
    Int(i64),
    /// Milliseconds since 1970.
    Time(i64),
    Text(Box<str>),
    Ids(Box<[i64]>),
    /// JSON text, served unchanged.
    Json(Box<str>),
    /// Custom field values: (field id, value as written, JSON text). Select values are option ids.
    Fields(Box<[(i64, Box<str>)]>),
}

impl From<bool> for Cell {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i64> for Cell {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<&str> for Cell {
    fn from(value: &str) -> Self {
        Self::Text(value.into())
    }
}

impl From<String> for Cell {
    fn from(value: String) -> Self {
        Self::Text(value.into())
    }
}

impl From<Vec<i64>> for Cell {
    fn from(value: Vec<i64>) -> Self {
        Self::Ids(value.into())
    }
}

impl<T: Into<Cell>> From<Option<T>> for Cell {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

impl Cell {
    /// Makes a cell of JSON text.
    pub(crate) fn json(value: &serde_json::Value) -> Self {
        Self::Json(value.to_string().into())
    }

    pub(crate) fn int(&self) -> Option<i64> {
        match self {
            Self::Int(value) => Some(*value),
            _ => None,
        }
    }

    pub(crate) fn time_ms(&self) -> Option<i64> {
        match self {
            Self::Time(value) => Some(*value),
            _ => None,
        }
    }

    pub(crate) fn bool(&self) -> Option<bool> {
        match self {
            Self::Bool(value) => Some(*value),
            _ => None,
        }
    }

    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(value) => Some(value),
            _ => None,
        }
    }

    pub(crate) fn ids(&self) -> &[i64] {
        match self {
            Self::Ids(ids) => ids,
            _ => &[],
        }
    }

    pub(crate) fn fields(&self) -> &[(i64, Box<str>)] {
        match self {
            Self::Fields(fields) => fields,
            _ => &[],
        }
    }

    /// Parses a JSON cell.
    pub(crate) fn value(&self) -> serde_json::Value {
        match self {
            Self::Json(text) => serde_json::from_str(text).unwrap_or_default(),
            _ => serde_json::Value::Null,
        }
    }

    /// Writes the cell as JSON; the model writes custom fields, since it knows their names.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Null => out.extend_from_slice(b"null"),
            Self::Bool(true) => out.extend_from_slice(b"true"),
            Self::Bool(false) => out.extend_from_slice(b"false"),
            Self::Int(value) => write_int(out, *value),
            Self::Time(at_ms) => {
                out.push(b'"');
                out.extend_from_slice(format_ms(*at_ms).as_bytes());
                out.push(b'"');
            }
            Self::Text(text) => write_text(out, text),
            Self::Ids(ids) => {
                out.push(b'[');
                for (at, id) in ids.iter().enumerate() {
                    if at > 0 {
                        out.push(b',');
                    }
                    write_int(out, *id);
                }
                out.push(b']');
            }
            Self::Json(text) => out.extend_from_slice(text.as_bytes()),
            Self::Fields(_) => out.extend_from_slice(b"{}"),
        }
    }
}

/// Writes a whole number.
pub(crate) fn write_int(out: &mut Vec<u8>, value: i64) {
    use std::io::Write as _;
    // Writing to a Vec cannot fail.
    let _ = write!(out, "{value}");
}

/// Writes a JSON string.
pub(crate) fn write_text(out: &mut Vec<u8>, text: &str) {
    // Writing a string to a Vec cannot fail.
    let _ = serde_json::to_writer(out, text);
}

/// One row.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Row {
    pub(crate) id: i64,
    /// Whether a default listing hides it: a service user, or one of Greenhouse's own rejection
    /// reasons.
    pub(crate) special: bool,
    pub(crate) cells: Box<[Cell]>,
}

impl Row {
    /// Returns the cell of a column; null when there is no such column.
    pub(crate) fn cell(&self, column: usize) -> &Cell {
        static NULL: Cell = Cell::Null;
        self.cells.get(column).unwrap_or(&NULL)
    }
}
