//! Reads the query of a callback: a code, or why there is none. Pure.

use crate::reason::AuthReason;
use crate::secret::Secret;
use subtle::ConstantTimeEq;

/// Bytes of a query. Arbitrary, that of usual servers.
const QUERY_BYTES_MAX: usize = 8 * 1024;

/// Why a callback gives no code: the reason, and for people what to do.
pub(super) type Refusal = (AuthReason, &'static str);

/// Whether a callback has the expected state.
///
/// # Errors
/// [`AuthReason::StateMissing`] or [`AuthReason::StateMismatch`].
pub(super) fn check_state(query: &str, expected: &str) -> Result<(), Refusal> {
    let state = one(query, "state").map_err(|()| {
        (AuthReason::StateMissing, "the callback's query is too long, or has several states")
    })?;
    let state = state.ok_or((AuthReason::StateMissing, "the callback has no state"))?;
    if bool::from(state.expose().as_bytes().ct_eq(expected.as_bytes())) {
        Ok(())
    } else {
        Err((
            AuthReason::StateMismatch,
            "the callback belongs to another consent than this session began; begin it again",
        ))
    }
}

/// The code of a callback whose state is right.
///
/// # Errors
/// The reason that the ATS states, or [`AuthReason::CodeMissing`].
pub(super) fn code(query: &str) -> Result<Secret, Refusal> {
    let twice = |()| (AuthReason::CodeMissing, "the callback names several codes or errors");
    if let Some(error) = one(query, "error").map_err(twice)? {
        // The codes of RFC 6749 §4.1.2.1. The description beside them is anyone's text.
        return Err(match error.expose() {
            "access_denied" => (AuthReason::ConsentDenied, "the person refused the consent"),
            "invalid_scope" => (
                AuthReason::ScopeRefused,
                "the client may not ask for one of the scopes, and the ATS then refuses them all; \
                 have the scope registered for the client, or ask for fewer",
            ),
            "unauthorized_client" => (
                AuthReason::CredentialRefused,
                "the client may not use this grant; check how it is registered",
            ),
            _ => (AuthReason::ConsentFailed, "the ATS ended the consent; begin it again"),
        });
    }
    let code = one(query, "code").map_err(twice)?.filter(|code| !code.expose().is_empty());
    code.ok_or((AuthReason::CodeMissing, "the callback has neither a code nor an error"))
}

/// The value of a parameter; an error where there are several, or the query is too long.
fn one(query: &str, name: &str) -> Result<Option<Secret>, ()> {
    let query = query.strip_prefix('?').unwrap_or(query);
    if query.len() > QUERY_BYTES_MAX {
        return Err(());
    }
    let mut found = url::form_urlencoded::parse(query.as_bytes())
        .filter(|(other, _)| other == name)
        .map(|(_, value)| Secret::new(value));
    match (found.next(), found.next()) {
        (value, None) => Ok(value),
        (_, Some(_)) => Err(()),
    }
}

#[cfg(test)]
mod tests {
    use super::{QUERY_BYTES_MAX, check_state, code};
    use crate::reason::AuthReason;

    #[test]
    fn only_the_exact_state_once_is_accepted() {
        assert_eq!(check_state("?code=c&state=right", "right"), Ok(()));
        assert_eq!(check_state("state=r%69ght", "right"), Ok(()));
        for (query, reason) in [
            ("", AuthReason::StateMissing),
            ("code=c&State=right", AuthReason::StateMissing),
            ("state=right&state=right", AuthReason::StateMissing),
            ("state=", AuthReason::StateMismatch),
            ("state=righ", AuthReason::StateMismatch),
            ("state=right2", AuthReason::StateMismatch),
            ("state=Right", AuthReason::StateMismatch),
        ] {
            assert_eq!(check_state(query, "right").unwrap_err().0, reason, "{query}");
        }
        let long = format!("state=right&x={}", "x".repeat(QUERY_BYTES_MAX));
        assert_eq!(check_state(&long, "right").unwrap_err().0, AuthReason::StateMissing);
    }

    #[test]
    fn an_error_is_read_before_a_code_and_never_by_its_description() {
        assert_eq!(code("state=s&code=a%2Fb").unwrap().expose(), "a/b");
        for (query, reason) in [
            ("error=access_denied", AuthReason::ConsentDenied),
            ("code=c&error=access_denied", AuthReason::ConsentDenied),
            ("error=invalid_scope&error_description=access_denied", AuthReason::ScopeRefused),
            ("error=unauthorized_client", AuthReason::CredentialRefused),
            ("error=server_error", AuthReason::ConsentFailed),
            ("error=%3Cscript%3E", AuthReason::ConsentFailed),
            ("error=access_denied&error=x", AuthReason::CodeMissing),
            ("code=a&code=b", AuthReason::CodeMissing),
            ("code=", AuthReason::CodeMissing),
            ("", AuthReason::CodeMissing),
        ] {
            assert_eq!(code(query).unwrap_err().0, reason, "{query}");
        }
    }
}
