//! Statements with parameters of stated types, and the reading of their rows.
//!
//! A parameter's type stands beside it, so a statement is parsed, bound and run in one round trip
//! without a name in the session: that is what a pooler that lends a session for one transaction
//! allows. Numbers of the engine have 64 bits without a sign; the database's have one.

use crate::store::StoreError;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio_postgres::Row;
use tokio_postgres::error::SqlState;

/// The parameters of a statement, each with its type: `typed![id => BYTEA, serial => INT8]`.
macro_rules! typed {
    ($($value:expr => $of:ident),* $(,)?) => {
        &[$((
            &$value as &(dyn tokio_postgres::types::ToSql + Sync),
            tokio_postgres::types::Type::$of,
        )),*]
    };
}
pub(super) use typed;

impl From<tokio_postgres::Error> for StoreError {
    /// The text of a database's error names no value of a row: those stand in its detail, which is
    /// left out.
    fn from(error: tokio_postgres::Error) -> Self {
        let text = match error.as_db_error() {
            Some(said) => format!("PostgreSQL says {} ({})", said.message(), said.code().code()),
            None => format!("PostgreSQL: {error}"),
        };
        match error.code() {
            Some(code) if *code == SqlState::UNDEFINED_TABLE => Self::Unusable(text),
            _ => Self::Io(text),
        }
    }
}

/// The error for a stored value that cannot be read.
pub(super) fn damaged(what: &str) -> StoreError {
    StoreError::Unusable(format!("the store is damaged: {what} cannot be read"))
}

/// A number as the database keeps it. None of the engine's is larger, but for the limits that a
/// caller may name, which then mean as much as the largest.
pub(super) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// The number of the database's.
pub(super) fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

/// How many rows a read asks for.
pub(super) fn limit(rows_max: usize) -> i64 {
    i64::try_from(rows_max).unwrap_or(i64::MAX)
}

/// How many there are.
pub(super) fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

/// Reads a column of bytes.
pub(super) fn bytes(row: &Row, at: usize) -> Result<&[u8], StoreError> {
    Ok(row.try_get(at)?)
}

/// Reads a column that holds a text as bytes.
pub(super) fn text(row: &Row, at: usize) -> Result<String, StoreError> {
    let bytes = row.try_get::<_, Vec<u8>>(at)?;
    String::from_utf8(bytes).map_err(|_| damaged("a text"))
}

/// Reads a column that holds a text as bytes, or nothing.
pub(super) fn some_text(row: &Row, at: usize) -> Result<Option<String>, StoreError> {
    let bytes = row.try_get::<_, Option<Vec<u8>>>(at)?;
    bytes.map(|bytes| String::from_utf8(bytes).map_err(|_| damaged("a text"))).transpose()
}

/// Reads a column with a number.
pub(super) fn number(row: &Row, at: usize) -> Result<u64, StoreError> {
    Ok(unsigned(row.try_get(at)?))
}

/// Reads a column with a number that may be missing.
pub(super) fn some_number(row: &Row, at: usize) -> Result<Option<u64>, StoreError> {
    Ok(row.try_get::<_, Option<i64>>(at)?.map(unsigned))
}

/// Reads a column that holds a value as JSON.
pub(super) fn json<T: DeserializeOwned>(row: &Row, at: usize, what: &str) -> Result<T, StoreError> {
    serde_json::from_slice(bytes(row, at)?).map_err(|_| damaged(what))
}

/// The JSON of a value.
pub(super) fn to_json(value: &impl Serialize) -> Result<Vec<u8>, StoreError> {
    serde_json::to_vec(value)
        .map_err(|error| StoreError::Invalid(format!("a value has no JSON: {error}")))
}

/// The bytes of texts, for a parameter that is a list.
pub(super) fn list<'t>(texts: impl IntoIterator<Item = &'t str>) -> Vec<&'t [u8]> {
    texts.into_iter().map(str::as_bytes).collect()
}
