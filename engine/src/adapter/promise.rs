//! Checks an adapter's answer about a write against the promises of its manifest. Pure.
//!
//! [`super::check`] checks an answer by itself; a promise is about an operation. An answer that
//! breaks one is a named fault of the adapter. It proves nothing about the ATS: the request may
//! have had its effect, so the caller neither uses the answer nor sends again.

use atsync_model::contract::{Link, RemoteRef};
use atsync_model::manifest::Manifest;

/// The role of the main record that an operation creates or changes.
pub const SUBJECT: &str = "subject";

/// A promise that an adapter broke.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BrokenPromise {
    /// The adapter.
    pub adapter: String,
    /// The operation.
    pub operation: String,
    /// The promise.
    pub promise: Promise,
}

/// What was promised.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Promise {
    /// The operation creates a record of this kind, and the answer names none as its subject.
    Subject {
        /// The kind.
        kind: String,
    },
    /// The operation creates a record of one kind, and the answer names one of another kind.
    Kind {
        /// The kind that was promised.
        promised: String,
        /// The kind that the answer names.
        found: String,
    },
    /// The operation changes its target, and the answer names another record.
    Target {
        /// The target.
        target: RemoteRef,
        /// The record that the answer names.
        found: RemoteRef,
    },
    /// A page has more records than the manifest's `page_max`.
    PageMax {
        /// What was promised.
        page_max: u32,
        /// How many records came.
        rows: usize,
    },
    /// The answer names one record in two places, or two records in one.
    Twice {
        /// The role.
        role: String,
    },
}

impl std::fmt::Display for BrokenPromise {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "the adapter {} broke a promise of its manifest: {} ",
            self.adapter, self.operation
        )?;
        match &self.promise {
            Promise::Subject { kind } => {
                write!(
                    f,
                    "makes a record of {kind}, and the answer does not name it (no link with the \
                     role `{SUBJECT}`)"
                )
            }
            Promise::Kind { promised, found } => {
                write!(f, "makes a record of {promised}, and the answer names one of {found}")
            }
            Promise::Target { target, found } => {
                write!(f, "changes {target}, and the answer names {found}")
            }
            Promise::PageMax { page_max, rows } => {
                write!(f, "has {rows} records, and `page_max` says at most {page_max}")
            }
            Promise::Twice { role } => write!(f, "names two records with the role `{role}`"),
        }
    }
}

impl std::error::Error for BrokenPromise {}

/// An operation whose answers are checked against its promises.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// Its name.
    pub operation: &'a str,
    /// What it changes; none for a create.
    pub target: Option<&'a RemoteRef>,
    /// The created record is to be linked.
    pub makes: bool,
}

/// Checks that an answer which reports success names the records that the manifest promises.
///
/// # Errors
/// The promise that it breaks.
pub fn kept(
    manifest: &Manifest,
    asked: Asked<'_>,
    links: &[Link],
) -> Result<(), Box<BrokenPromise>> {
    let broken = |promise: Promise| {
        Box::new(BrokenPromise {
            adapter: manifest.name.clone(),
            operation: asked.operation.to_owned(),
            promise,
        })
    };
    let rule = manifest.operation(asked.operation);
    let promised = rule.map(|rule| rule.materialises.first().unwrap_or(&rule.kind));
    let makes = asked.makes
        || (asked.target.is_none() && rule.is_some_and(|rule| !rule.materialises.is_empty()));
    let mut subjects = links.iter().filter(|link| link.role == SUBJECT);
    let (subject, second) = (subjects.next(), subjects.next());
    if second.is_some() {
        return Err(broken(Promise::Twice { role: SUBJECT.to_owned() }));
    }
    match (subject, promised) {
        (None, Some(kind)) if makes => Err(broken(Promise::Subject { kind: kind.clone() })),
        (Some(link), Some(kind)) if makes && link.kind != *kind => {
            Err(broken(Promise::Kind { promised: kind.clone(), found: link.kind.clone() }))
        }
        (Some(link), _) if !makes && rule.is_some_and(|rule| rule.materialises.is_empty()) => {
            match asked.target {
                Some(target) if link.kind != target.kind || link.id != target.id => {
                    Err(broken(Promise::Target {
                        target: target.clone(),
                        found: RemoteRef::new(link.kind.as_str(), link.id.as_str()),
                    }))
                }
                _ => Ok(()),
            }
        }
        _ => Ok(()),
    }
}
