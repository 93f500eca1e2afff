//! What can be done here, and which method and route it is.

use crate::config::client::CALLBACK;
use crate::relay::ROUTE;
use crate::serve::paths::{SIGN_IN, SIGN_OUT};
use axum::http::Method;
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

/// What was done: the id of the API's operation, or a word for what only another door has.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Act {
    Declare,
    DeclareBatch,
    Abandon,
    Acknowledge,
    EndConsumer,
    Check,
    Pull,
    Sweep,
    Plan,
    Apply,
    Resolve,
    PutConnection,
    DeleteConnection,
    Reload,
    MakeToken,
    RevokeToken,
    MakeConnectLink,
    RevokeConnectLink,
    MakeWebhookEndpoint,
    PutWebhookEndpoint,
    DeleteWebhookEndpoint,
    ReplayDeliveries,
    EnableWebhookEndpoint,
    /// A user signed in to the console.
    SignIn,
    SignOut,
    /// A customer gave a credential on the connect page.
    GiveCredential,
    BeginConsent,
    FinishConsent,
    /// A customer had the connection of a link checked.
    CheckLink,
    /// A customer used a connect link up.
    FinishLink,
    /// A command that was relayed and could not be read.
    Command,
    Adopt,
    Import,
    Pause,
    Resume,
    Observe,
    Withdraw,
    Erase,
    UndoErasure,
    Trim,
    Backup,
    ForgetConnection,
    Rekey,
    Receive,
    Connect,
    /// What this version has no word for.
    Unlisted,
}

/// Reads a stored word, also one of a later version.
pub(super) fn stored<'de, D: Deserializer<'de>>(from: D) -> Result<Act, D::Error> {
    let word = serde_json::Value::deserialize(from)?;
    Ok(Act::deserialize(word).unwrap_or(Act::Unlisted))
}

/// What a request is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::serve) enum Kind {
    /// It only reads, or is no act of a user.
    None,
    /// An act of the caller.
    Act(Act),
    /// An act of which only the handler knows whose it is.
    Handled(Act),
}

/// The acts of callers who are known before the handler: method, route, act.
const ROUTES: [(&str, &str, Act); 37] = [
    ("PUT", "/v1/connections/{connection}/desired/{key}", Act::Declare),
    ("POST", "/v1/connections/{connection}/desired", Act::DeclareBatch),
    ("DELETE", "/v1/connections/{connection}/desired/{key}", Act::Abandon),
    ("PUT", "/v1/connections/{connection}/consumers/{consumer}", Act::Acknowledge),
    ("DELETE", "/v1/connections/{connection}/consumers/{consumer}", Act::EndConsumer),
    ("POST", "/v1/connections/{connection}/check", Act::Check),
    ("POST", "/v1/connections/{connection}/pull", Act::Pull),
    ("POST", "/v1/connections/{connection}/sweep", Act::Sweep),
    ("POST", "/v1/connections/{connection}/plan", Act::Plan),
    ("POST", "/v1/connections/{connection}/apply", Act::Apply),
    ("POST", "/v1/connections/{connection}/intents/{intent}/resolve", Act::Resolve),
    ("PUT", "/v1/connections/{connection}", Act::PutConnection),
    ("DELETE", "/v1/connections/{connection}", Act::DeleteConnection),
    ("POST", "/v1/connections/{connection}/pause", Act::Pause),
    ("POST", "/v1/connections/{connection}/resume", Act::Resume),
    ("POST", "/v1/connections/{connection}/erasures", Act::Erase),
    ("POST", "/v1/connections/{connection}/erasures/undo", Act::UndoErasure),
    ("POST", "/v1/backups", Act::Backup),
    ("POST", "/v1/reload", Act::Reload),
    ("POST", "/v1/tokens", Act::MakeToken),
    ("DELETE", "/v1/tokens/{name}", Act::RevokeToken),
    ("POST", "/v1/connect-links", Act::MakeConnectLink),
    ("DELETE", "/v1/connect-links/{link}", Act::RevokeConnectLink),
    ("POST", "/v1/webhook-endpoints", Act::MakeWebhookEndpoint),
    ("PUT", "/v1/webhook-endpoints/{endpoint}", Act::PutWebhookEndpoint),
    ("DELETE", "/v1/webhook-endpoints/{endpoint}", Act::DeleteWebhookEndpoint),
    ("POST", "/v1/webhook-endpoints/{endpoint}/replay", Act::ReplayDeliveries),
    ("POST", "/v1/webhook-endpoints/{endpoint}/enable", Act::EnableWebhookEndpoint),
    ("POST", SIGN_OUT, Act::SignOut),
    ("POST", "/console/connections/{connection}/check", Act::Check),
    ("POST", "/console/connections/{connection}/pull", Act::Pull),
    ("POST", "/console/connections/{connection}/sweep", Act::Sweep),
    ("POST", "/console/connections/{connection}/plan", Act::Plan),
    ("POST", "/console/connections/{connection}/jobs/{job}/apply", Act::Apply),
    ("POST", "/console/connections/{connection}/intents/{intent}/resolve", Act::Resolve),
    ("POST", "/console/webhooks/{endpoint}/replay", Act::ReplayDeliveries),
    ("POST", "/console/webhooks/{endpoint}/enable", Act::EnableWebhookEndpoint),
];
/// The acts of which only the handler knows whose they are: the token of a sign-in, the link of a
/// customer, the command.
const HANDLED: [(&str, &str, Act); 7] = [
    ("POST", SIGN_IN, Act::SignIn),
    ("POST", "/connect/{token}/credential", Act::GiveCredential),
    ("POST", "/connect/{token}/consent", Act::BeginConsent),
    ("GET", CALLBACK, Act::FinishConsent),
    ("POST", "/connect/{token}/check", Act::CheckLink),
    ("POST", "/connect/{token}/finish", Act::FinishLink),
    ("POST", ROUTE, Act::Command),
];
/// What an ATS sends, and the answer to a question of a command: no act of its own.
const NONE: [&str; 2] = ["/hooks/{connection}/{part}", "/v1/commands/{question}"];

impl Act {
    /// Its word in an entry.
    pub(crate) fn word(self) -> String {
        let word = serde_json::to_value(self).unwrap_or_default();
        word.as_str().unwrap_or_default().to_owned()
    }

    /// Whether it waits for its entry to be durable, and its answer for the result. The others
    /// change this store alone, and are many.
    pub(super) fn waits(self) -> bool {
        !matches!(
            self,
            Self::Declare
                | Self::DeclareBatch
                | Self::Abandon
                | Self::Acknowledge
                | Self::EndConsumer
        )
    }
}

/// What a request is, by its method and by the route that it found; none where it found none.
pub(in crate::serve) fn of(method: &Method, route: Option<&str>) -> Kind {
    let Some(route) = route else { return Kind::None };
    let find = |all: &[(&str, &str, Act)]| {
        let mut all = all.iter().filter(|(verb, path, _)| method == verb && *path == route);
        all.next().map(|(_, _, act)| *act)
    };
    match (find(&ROUTES), find(&HANDLED)) {
        (Some(act), _) => Kind::Act(act),
        (None, Some(act)) => Kind::Handled(act),
        (None, None) if matches!(*method, Method::GET | Method::HEAD) => Kind::None,
        (None, None) if NONE.contains(&route) => Kind::None,
        (None, None) => Kind::Handled(Act::Unlisted),
    }
}

#[cfg(test)]
mod tests {
    use super::{Act, Kind, NONE, of};
    use crate::relay::ROUTE;
    use axum::http::Method;

    #[test]
    fn a_changing_request_of_an_unknown_route_is_an_act_without_a_word_and_a_reading_one_is_none() {
        let unlisted = Kind::Handled(Act::Unlisted);
        assert_eq!(of(&Method::PATCH, Some("/v1/connections")), unlisted);
        assert_eq!(of(&Method::POST, Some("/v1/not-yet-known")), unlisted);
        assert_eq!(of(&Method::GET, Some("/v1/not-yet-known")), Kind::None);
        assert_eq!(of(&Method::POST, None), Kind::None);
        assert_eq!(of(&Method::POST, Some(NONE[0])), Kind::None);
        assert_eq!(NONE[1], format!("{ROUTE}/{{question}}"));
    }

    #[test]
    fn a_word_of_a_later_version_is_read_as_none_that_is_known() {
        let read = super::stored(serde_json::json!("undreamt_of")).unwrap();
        assert_eq!(read, Act::Unlisted);
        assert!(serde_json::from_str::<Act>("\"undreamt_of\"").is_err());
        assert_eq!(Act::MakeConnectLink.word(), "make_connect_link");
    }
}
