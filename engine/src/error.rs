//! The engine's public error: few kinds, one for each thing that a caller can do about it.
//!
//! The text says what happened, to which connection or record, and what to do. It is for people and
//! may change.

use crate::adapter::AdapterError;
use crate::reason::AuthReason;
use crate::store::StoreError;
use crate::transport::NotSent;
use atsync_model::contract::Failure;
use atsync_model::plain;
use std::error::Error as StdError;

/// The kind of an error, by what the caller can do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The configuration or the settings are wrong. Correct them; nothing was sent.
    Configuration,
    /// The input is not valid. Correct it; nothing was stored.
    Input,
    /// The ATS refused the credential. A person must act.
    Auth,
    /// A right is missing. An administrator must grant it; the message names it.
    Denied,
    /// The adapter has no such kind, or cannot list it. Only operations that need it fail.
    NotSupported,
    /// The ATS or the network is unavailable. Try again later.
    Unavailable,
    /// The adapter failed, or the ATS returned an undocumented response. Report it.
    Adapter,
    /// The store failed. The message says what to do about it.
    Store,
}

impl ErrorKind {
    /// Whether a retry of the same call may succeed. Every other error stays until a person acts.
    pub fn is_temporary(self) -> bool {
        match self {
            Self::Unavailable => true,
            Self::Configuration
            | Self::Input
            | Self::Auth
            | Self::Denied
            | Self::NotSupported
            | Self::Adapter
            | Self::Store => false,
        }
    }
}

/// An error of the engine.
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    message: String,
    option: Option<String>,
    cause: Option<Box<dyn StdError + Send + Sync>>,
    of_one_request: bool,
}

impl Error {
    /// An error without a cause. Its text becomes one plain line ([`plain`]), since it may quote
    /// text from outside.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        let message = plain::line(&message.into()).into_owned();
        Self { kind, message, option: None, cause: None, of_one_request: false }
    }

    /// An error of a part of the engine as one of the engine: with its text, and as
    /// [`Error::cause`].
    pub(crate) fn made_of(kind: ErrorKind, cause: impl StdError + Send + Sync + 'static) -> Self {
        let mut error = Self::new(kind, cause.to_string());
        error.cause = Some(Box::new(cause));
        error
    }

    /// The same error with a cause, which its text has in other words.
    #[must_use]
    pub(crate) fn caused_by(mut self, cause: AdapterError) -> Self {
        self.cause = Some(Box::new(cause));
        self
    }

    /// The cause, where that is a `T`: a [`StoreError`], [`AdapterError`] or [`NotSent`]. The
    /// message has the cause's text already; [`StdError::source`] gives the cause's own source.
    pub fn cause<T: StdError + 'static>(&self) -> Option<&T> {
        self.cause.as_ref()?.downcast_ref()
    }

    /// With the option of the connection that caused it.
    #[must_use]
    pub(crate) fn of_option(mut self, option: impl Into<String>) -> Self {
        self.option = Some(option.into());
        self
    }

    /// The same error with a place before its text.
    #[must_use]
    pub fn at(mut self, place: &str) -> Self {
        self.message = format!("{}: {}", plain::line(place), self.message);
        self
    }

    /// The same error, marked as one of a single request: others may continue.
    #[must_use]
    pub(crate) fn of_one_request(mut self) -> Self {
        self.of_one_request = true;
        self
    }

    /// Whether it is an error of a single request.
    pub(crate) fn is_of_one_request(&self) -> bool {
        self.of_one_request
    }

    /// The panic message of the adapter, where that is the cause. It may quote data of candidates:
    /// it is for the author of the adapter, and never for a log above debug.
    pub fn adapter_said(&self) -> Option<&str> {
        match self.cause::<AdapterError>()? {
            AdapterError::Trap(crash) => crash.said(),
            _ => None,
        }
    }

    /// The one of [`crate::ConnectionOptions`] that is wrong, where it is known: `credential`,
    /// `origins`, or `settings` and the setting's name with a dot between. For a host that can name
    /// the place in its configuration.
    pub fn option(&self) -> Option<&str> {
        self.option.as_deref()
    }

    /// The reason why the credential was refused or could not be had, or why a consent failed;
    /// none for other errors. It distinguishes a wrong client secret from a consent that a person
    /// has to give again.
    pub fn auth_reason(&self) -> Option<AuthReason> {
        match self.cause::<NotSent>() {
            Some(NotSent::Consent { reason, .. }) => Some(*reason),
            _ => (self.kind == ErrorKind::Auth).then_some(AuthReason::CredentialRefused),
        }
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
        self.cause.as_ref()?.source()
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        let kind = match &error {
            StoreError::NoRuntime | StoreError::Closed => ErrorKind::Configuration,
            _ => ErrorKind::Store,
        };
        Self::made_of(kind, error)
    }
}

impl From<AdapterError> for Error {
    fn from(error: AdapterError) -> Self {
        Self::made_of(ErrorKind::Adapter, error)
    }
}

/// What a caller can do about a consent that gives no credential.
fn kind_of(reason: AuthReason) -> ErrorKind {
    match reason {
        AuthReason::ConsentUnclear | AuthReason::PairNotKept | AuthReason::ConsentFailed => {
            ErrorKind::Unavailable
        }
        AuthReason::StateMissing
        | AuthReason::StateMismatch
        | AuthReason::StateUsed
        | AuthReason::StateExpired
        | AuthReason::CodeMissing => ErrorKind::Input,
        AuthReason::ScopeRefused => ErrorKind::Configuration,
        AuthReason::CredentialRefused
        | AuthReason::ConsentMissing
        | AuthReason::ConsentRevoked
        | AuthReason::ConsentDenied
        | AuthReason::CodeRefused
        | AuthReason::Other => ErrorKind::Auth,
    }
}

impl From<NotSent> for Error {
    fn from(error: NotSent) -> Self {
        let kind = match &error {
            NotSent::Refused(_) => ErrorKind::Configuration,
            NotSent::Malformed(_) => ErrorKind::Adapter,
            NotSent::Moot(_) => ErrorKind::Input,
            NotSent::Auth(_) => ErrorKind::Auth,
            NotSent::Consent { reason, .. } => kind_of(*reason),
            NotSent::Unreachable(_)
            | NotSent::Open { .. }
            | NotSent::Throttled { .. }
            | NotSent::Replaced => ErrorKind::Unavailable,
        };
        Self::made_of(kind, error)
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        let kind = match &failure {
            Failure::Auth(_) => ErrorKind::Auth,
            Failure::Denied(_) => ErrorKind::Denied,
            Failure::Invalid(_) | Failure::Misread(_) => ErrorKind::Input,
            Failure::Misconfigured(_) => ErrorKind::Configuration,
            Failure::Throttled(_) | Failure::Quota(_) | Failure::Unavailable(_) => {
                ErrorKind::Unavailable
            }
            // A retry reads again, or begins the pass again, so it may succeed.
            Failure::Conflict(_) | Failure::Restart(_) => ErrorKind::Unavailable,
            Failure::NotFound(_)
            | Failure::Gone(_)
            | Failure::Moved(_)
            | Failure::Protocol(_)
            | Failure::Bug(_) => ErrorKind::Adapter,
        };
        Self::new(kind, failure.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::{Error, ErrorKind};
    use crate::adapter::AdapterError;
    use crate::store::StoreError;
    use crate::transport::NotSent;
    use atsync_model::contract::{Denied, Failure, Misread, RemoteRef, Restart};

    /// A host that prints an error and then its sources prints no text twice.
    #[test]
    fn no_source_repeats_the_message_above_it() {
        let errors = [
            Error::from(StoreError::NoRuntime),
            Error::from(AdapterError::Circle),
            Error::from(NotSent::Unreachable("why".into())).at("acme"),
        ];
        for error in errors {
            let mut above: &dyn std::error::Error = &error;
            while let Some(source) = above.source() {
                assert!(!above.to_string().contains(&source.to_string()), "{above}");
                above = source;
            }
        }
    }

    #[test]
    fn a_permanent_refusal_is_never_called_temporary() {
        let text = || "why".to_owned();
        let denied = Denied { permission: "p".into(), message: text() };
        let misread = Misread { message: text(), reading: "date".into() };
        let failures = [
            (Failure::Auth(text()), ErrorKind::Auth),
            (Failure::Denied(denied), ErrorKind::Denied),
            (Failure::NotFound(text()), ErrorKind::Adapter),
            (Failure::Gone(text()), ErrorKind::Adapter),
            (Failure::Moved(RemoteRef::new("jobs", "1")), ErrorKind::Adapter),
            (Failure::Conflict(text()), ErrorKind::Unavailable),
            (Failure::Misread(misread), ErrorKind::Input),
            (Failure::Invalid(Vec::new()), ErrorKind::Input),
            (Failure::Misconfigured(text()), ErrorKind::Configuration),
            (Failure::Restart(Restart::Pass), ErrorKind::Unavailable),
            (Failure::Restart(Restart::Everything), ErrorKind::Unavailable),
            (Failure::Throttled(None), ErrorKind::Unavailable),
            (Failure::Quota(1), ErrorKind::Unavailable),
            (Failure::Unavailable(text()), ErrorKind::Unavailable),
            (Failure::Protocol(text()), ErrorKind::Adapter),
            (Failure::Bug(text()), ErrorKind::Adapter),
        ];
        for (failure, kind) in failures {
            let name = format!("{failure:?}");
            assert_eq!(Error::from(failure).kind(), kind, "{name}");
        }
        let not_sent = [
            (NotSent::Refused(text()), ErrorKind::Configuration),
            (NotSent::Malformed(text()), ErrorKind::Adapter),
            (NotSent::Moot(text()), ErrorKind::Input),
            (NotSent::Unreachable(text()), ErrorKind::Unavailable),
            (NotSent::Open { until_ms: 1 }, ErrorKind::Unavailable),
            (NotSent::Replaced, ErrorKind::Unavailable),
            (NotSent::Auth(text()), ErrorKind::Auth),
            (NotSent::Throttled { until_ms: 1 }, ErrorKind::Unavailable),
        ];
        for (reason, kind) in not_sent {
            let name = format!("{reason:?}");
            assert_eq!(Error::from(reason).kind(), kind, "{name}");
        }
        let temporary: Vec<ErrorKind> = [
            ErrorKind::Configuration,
            ErrorKind::Input,
            ErrorKind::Auth,
            ErrorKind::Denied,
            ErrorKind::NotSupported,
            ErrorKind::Unavailable,
            ErrorKind::Adapter,
            ErrorKind::Store,
        ]
        .into_iter()
        .filter(|kind| kind.is_temporary())
        .collect();
        assert_eq!(temporary, [ErrorKind::Unavailable]);
    }
}
