//! Why a command ends with exit code 1.

use atsync::ErrorKind;

/// A failure of a command. Its text is one message: what, where, what to do.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The engine's.
    #[error("{error}{hint}", error = .0, hint = hint(.0))]
    Engine(#[from] atsync::Error),
    /// The command line's own.
    #[error("{0}")]
    Message(String),
    /// The command line's own, on several lines.
    #[error("{}", .0.join("\n"))]
    Several(Vec<String>),
    /// The message was printed already.
    #[error("it did not all come about")]
    Said,
}

/// The help for an error of the engine, where its text has none.
fn hint(error: &atsync::Error) -> &'static str {
    match error.kind() {
        ErrorKind::Auth => {
            "; check the id and the secret that `auth` refers to, or make a new credential in the \
             ATS"
        }
        ErrorKind::Unavailable => {
            "; what was done so far is kept, and the same command goes on from there: try it again \
             later"
        }
        ErrorKind::Adapter => "; if it happens again, please report it with the output of -v",
        _ => "",
    }
}

impl Failure {
    /// One of the command line's own.
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self::Message(message.into())
    }
}

impl From<String> for Failure {
    fn from(message: String) -> Self {
        Self::Message(message)
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::Message(error.to_string())
    }
}

/// How a command ends: with its exit code, or with an error.
pub(crate) type Ended = Result<u8, Failure>;

/// Nothing to do, or all done.
pub(crate) const DONE: u8 = 0;
/// `plan`: something to do.
pub(crate) const TO_DO: u8 = 2;
