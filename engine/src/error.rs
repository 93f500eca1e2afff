//! The engine's public error: few kinds, told apart only where the caller acts differently.
//!
//! The text says what happened, to which connection or record, and what to do; it is for people and not part of the interface.

use crate::adapter::AdapterError;
use crate::store::StoreError;
use crate::transport::NotSent;
use atsync_model::contract::Failure;
use std::error::Error as StdError;

/// What the caller can do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The configuration or the settings are wrong. Correct them; nothing was sent.
    Configuration,
    /// What was declared is not valid. Correct it; nothing was stored.
    Input,
    /// The credential was not accepted. A person must act.
    Auth,
    /// A right is missing. An administrator must grant it; the message names it.
    Denied,
    /// The ATS or the network is not there just now. Try again later.
    Unavailable,
    /// The adapter failed, or the ATS answered what its documentation does not allow. Report it.
    Adapter,
    /// The store failed. The message says what to do about it.
    Store,
}

/// An error of the engine.
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    message: String,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    /// An error without a cause below it.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), source: None }
    }

    /// With the error that caused it.
    #[must_use]
    pub fn caused_by(mut self, source: impl StdError + Send + Sync + 'static) -> Self {
        self.source = Some(Box::new(source));
        self
    }

    /// The same error with words before it: where it happened.
    #[must_use]
    pub fn at(mut self, place: &str) -> Self {
        self.message = format!("{place}: {}", self.message);
        self
    }

    /// What the caller can do about it.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_ref().map(|source| source.as_ref() as &(dyn StdError + 'static))
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        let kind = match &error {
            StoreError::NoRuntime => ErrorKind::Configuration,
            _ => ErrorKind::Store,
        };
        Self::new(kind, error.to_string()).caused_by(error)
    }
}

impl From<AdapterError> for Error {
    fn from(error: AdapterError) -> Self {
        Self::new(ErrorKind::Adapter, error.to_string()).caused_by(error)
    }
}

impl From<NotSent> for Error {
    fn from(error: NotSent) -> Self {
        let kind = match &error {
            NotSent::Refused(_) => ErrorKind::Configuration,
            NotSent::Auth(_) => ErrorKind::Auth,
            _ => ErrorKind::Unavailable,
        };
        Self::new(kind, error.to_string()).caused_by(error)
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        let kind = match &failure {
            Failure::Auth(_) => ErrorKind::Auth,
            Failure::Denied(_) => ErrorKind::Denied,
            Failure::Invalid(_) => ErrorKind::Input,
            Failure::Misconfigured(_) => ErrorKind::Configuration,
            Failure::Throttled(_) | Failure::Quota(_) | Failure::Unavailable(_) => ErrorKind::Unavailable,
            _ => ErrorKind::Adapter,
        };
        Self::new(kind, failure.to_string())
    }
}
