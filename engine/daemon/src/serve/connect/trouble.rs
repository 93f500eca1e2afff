//! Why a credential or a consent did not lead to a connection, for the customer.
//!
//! A word of the enum goes through the address of a page, so that a callback can lead back to the
//! link's page. Its text is made here alone.

use crate::serve::problem::ProblemType;
use atsync::{AuthReason, Error, ErrorKind};

/// See the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// A field is empty.
    Incomplete,
    /// The ATS refused the credential.
    Refused,
    /// The customer refused the consent.
    Denied,
    /// The client may not ask for a scope.
    Scope,
    /// The consent has no code, or it was not accepted.
    Consent,
    /// The credential belongs to another customer.
    Elsewhere,
    /// Another request changed the connection meanwhile.
    Changed,
    /// The ATS did not answer.
    Unavailable,
    /// Something else.
    Failed,
}

const WORDS: [(Trouble, &str); 9] = [
    (Trouble::Incomplete, "incomplete"),
    (Trouble::Refused, "refused"),
    (Trouble::Denied, "denied"),
    (Trouble::Scope, "scope"),
    (Trouble::Consent, "consent"),
    (Trouble::Elsewhere, "elsewhere"),
    (Trouble::Changed, "changed"),
    (Trouble::Unavailable, "unavailable"),
    (Trouble::Failed, "failed"),
];

impl Trouble {
    /// What an error of the ATS means for the customer.
    pub(super) fn of(error: &Error) -> Self {
        match (error.auth_reason(), error.kind()) {
            (Some(AuthReason::ConsentDenied), _) => Self::Denied,
            (Some(AuthReason::ScopeRefused), _) => Self::Scope,
            (
                Some(
                    AuthReason::CodeRefused | AuthReason::ConsentUnclear | AuthReason::CodeMissing,
                ),
                _,
            ) => Self::Consent,
            (_, ErrorKind::Auth) => Self::Refused,
            (_, ErrorKind::Unavailable) => Self::Unavailable,
            _ => Self::Failed,
        }
    }

    /// The same among the problems of the server, for the audit log.
    pub(super) fn problem(self) -> ProblemType {
        match self {
            Self::Incomplete => ProblemType::Invalid,
            Self::Refused | Self::Denied | Self::Consent => ProblemType::CredentialRefused,
            Self::Scope => ProblemType::PermissionMissing,
            Self::Elsewhere => ProblemType::Configuration,
            Self::Changed => ProblemType::PreconditionFailed,
            Self::Unavailable => ProblemType::Unavailable,
            Self::Failed => ProblemType::AdapterFailed,
        }
    }

    /// Its word in an address.
    pub(super) fn word(self) -> &'static str {
        WORDS.iter().find(|(trouble, _)| *trouble == self).map_or("failed", |(_, word)| word)
    }

    /// The trouble of a word.
    pub(super) fn read(word: &str) -> Option<Self> {
        WORDS.iter().find(|(_, known)| *known == word).map(|(trouble, _)| *trouble)
    }

    /// What happened with this ATS, and what to do.
    pub(super) fn text(self, ats: &str) -> String {
        match self {
            Self::Incomplete => {
                "A field is empty. Fill in every field, and send the form again.".to_owned()
            }
            Self::Refused => format!(
                "{ats} refused the credential. Compare it with the one that {ats} shows, or make a \
                 new one there."
            ),
            Self::Denied => format!(
                "The consent was refused in {ats}, so nothing was connected. Begin again to allow \
                 it."
            ),
            Self::Scope => format!(
                "{ats} does not let the application ask for a permission, so it refused all of \
                 them. Whoever sent this link has to have it registered at {ats}."
            ),
            Self::Consent => "The consent did not come through. Begin it again.".to_owned(),
            Self::Elsewhere => format!(
                "The credential belongs to another account of {ats} than the one that is connected \
                 already. The connection was not changed. Use a credential of the same account."
            ),
            Self::Changed => "The connection was changed meanwhile. Begin again.".to_owned(),
            Self::Unavailable => format!("{ats} does not answer at the moment. Try it again."),
            Self::Failed => format!(
                "Talking to {ats} failed. Try it again; if it happens again, tell whoever sent \
                 this link."
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Trouble, WORDS};

    #[test]
    fn every_trouble_is_read_from_its_word_and_has_a_text() {
        for (trouble, word) in WORDS {
            assert_eq!((Trouble::read(word), trouble.word()), (Some(trouble), word));
            assert!(trouble.text("Greenhouse").ends_with('.'));
        }
        assert_eq!(Trouble::read("<script>"), None);
    }
}
