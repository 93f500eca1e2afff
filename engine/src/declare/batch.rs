//! Checks the records of one batch and makes declarations of them.
//!
//! Each record is checked by itself; together they must have different keys. Bounds:
//! [`RECORDS_MAX`] and [`limits::RECORD_BYTES_MAX`]. Left out: reading ([`super::read`]) and
//! storing.

use super::check;
use crate::declaration::{Declaration, RECORDS_MAX};
use crate::error::{Error, ErrorKind};
use atsync_model::desired::{Desired, DesiredCandidate, DesiredCustomField, DesiredUser, limits};
use serde::Serialize;
use std::collections::BTreeSet;

/// A record that can be declared: [`Desired`] and each of its variants.
pub trait Declare: Serialize + sealed::Sealed {
    /// Returns the key that identifies it within its connection.
    fn key(&self) -> String;

    /// Checks the record by itself.
    ///
    /// # Errors
    /// A sentence that names the field.
    fn check(&self) -> Result<(), String>;
}

mod sealed {
    /// Stored records are read back as one of the model's types.
    pub trait Sealed {}
}

impl sealed::Sealed for DesiredCandidate {}
impl sealed::Sealed for DesiredCustomField {}
impl sealed::Sealed for DesiredUser {}
impl sealed::Sealed for Desired {}

impl Declare for DesiredCandidate {
    fn key(&self) -> String {
        self.key.clone()
    }

    fn check(&self) -> Result<(), String> {
        check::candidate(self)
    }
}

impl Declare for DesiredCustomField {
    fn key(&self) -> String {
        self.path()
    }

    fn check(&self) -> Result<(), String> {
        check::custom_field(self)
    }
}

impl Declare for DesiredUser {
    fn key(&self) -> String {
        self.path()
    }

    fn check(&self) -> Result<(), String> {
        check::user(self)
    }
}

impl Declare for Desired {
    fn key(&self) -> String {
        Self::key(self)
    }

    fn check(&self) -> Result<(), String> {
        check::check(self)
    }
}

pub(super) fn input(message: String) -> Error {
    Error::new(ErrorKind::Input, message)
}

/// Checks a batch and makes declarations of it.
///
/// # Errors
/// [`ErrorKind::Input`] naming the record.
pub fn declarations<R: Declare>(records: &[R]) -> Result<Vec<Declaration>, Error> {
    if records.len() > RECORDS_MAX {
        return Err(input(format!(
            "{} records at once; at most {RECORDS_MAX} are allowed",
            records.len()
        )));
    }
    let mut keys = BTreeSet::new();
    let mut declarations = Vec::with_capacity(records.len());
    for (index, record) in records.iter().enumerate() {
        let key = match record.key() {
            key if key.is_empty() || key.len() > limits::KEY_BYTES_MAX => {
                format!("record {} of {}", index.saturating_add(1), records.len())
            }
            key => key,
        };
        record.check().map_err(|problem| input(format!("{key}: {problem}")))?;
        if !keys.insert(key.clone()) {
            return Err(input(format!("{key}: two records have this key")));
        }
        let body = serde_json::to_string(record)
            .map_err(|error| input(format!("{key}: it cannot be written as JSON: {error}")))?;
        if body.len() > limits::RECORD_BYTES_MAX {
            return Err(input(format!(
                "{key}: it has {} bytes; at most {} are allowed",
                body.len(),
                limits::RECORD_BYTES_MAX
            )));
        }
        declarations.push(Declaration { key, body });
    }
    Ok(declarations)
}
