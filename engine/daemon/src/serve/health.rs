//! Conditions of a connection: whether it makes progress, and since when, from its rounds.
//!
//! As in Kubernetes, a condition has a status, a reason from a closed list, a message, and the
//! moment of its last change. That moment moves only when the status does, so that it tells how
//! long an outage lasts, whatever its messages say meanwhile. Pure: rounds come in, conditions go
//! out.
//!
//! Left out: what the store knows (records that are not in step, writes in doubt); `Status` has it.

use atsync::{
    AuthReason, Error, ErrorKind, LoopStatus, Round, WebhookEnd, WebhooksBlocked, WebhooksReport,
};
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// What a condition is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, ToSchema)]
pub(super) enum About {
    /// The schedules run.
    Running,
    /// The ATS accepts the credential.
    Connected,
    /// The credential has the permissions that the rounds need.
    Permitted,
    /// Pulls succeed.
    Pulling,
    /// Writes succeed.
    Writing,
    /// Webhooks arrive, and what they name can be fetched. Known since the first webhook.
    WebhooksArriving,
    /// Each loop that works for the connection acts when it said that it would.
    Progressing,
}

impl About {
    /// Its word.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Connected => "connected",
            Self::Permitted => "permitted",
            Self::Pulling => "pulling",
            Self::Writing => "writing",
            Self::WebhooksArriving => "webhooks_arriving",
            Self::Progressing => "progressing",
        }
    }

    /// The word for a condition that does not hold.
    pub(super) fn failed(self) -> &'static str {
        match self {
            Self::Running => "not running",
            Self::Connected => "not connected",
            Self::Permitted => "not permitted",
            Self::Pulling => "not pulling",
            Self::Writing => "not writing",
            Self::WebhooksArriving => "no webhooks",
            Self::Progressing => "not progressing",
        }
    }
}

/// Why a condition is as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
pub(crate) enum Why {
    /// The last round succeeded.
    Succeeded,
    /// An authentic webhook arrived.
    WebhookArrived,
    /// Webhooks arrive that no secret of the connection signed.
    SignatureRefused,
    /// The webhooks are registered in the ATS, and enabled.
    WebhooksRegistered,
    /// The ATS has disabled webhooks: it could not reach this server, or was not answered 200.
    WebhooksDisabled,
    /// The ATS refuses to register a webhook.
    WebhooksRefused,
    /// Whether a webhook is registered is not known: the answers of the ATS were lost.
    WebhooksUnclear,
    /// The ATS sends no webhooks to the URL of this server.
    WebhookUrlRefused,
    /// The schedules run.
    Started,
    /// Each loop acts when it said that it would.
    Acting,
    /// A loop hangs: it did not act when it said that it would.
    Stalled,
    /// The ATS refused the credential.
    CredentialRefused,
    /// The person's consent was revoked or has ended; they must consent again.
    ConsentRevoked,
    /// Whether the consent still holds is not known: the answer to a refresh was lost.
    ConsentUnclear,
    /// A permission is missing.
    PermissionMissing,
    /// The ATS is unavailable.
    AtsUnavailable,
    /// The configuration is wrong.
    Configuration,
    /// The adapter failed.
    AdapterFailed,
    /// The store failed.
    StoreFailed,
    /// The schedules ended with an error that no retry resolves, or never started.
    Ended,
}

impl Why {
    /// The reason of the error of a round.
    pub(super) fn of(error: &Error) -> Self {
        if let Some(why) = error.auth_reason().and_then(Self::of_consent) {
            return why;
        }
        match error.kind() {
            ErrorKind::Auth => Self::CredentialRefused,
            ErrorKind::Denied => Self::PermissionMissing,
            ErrorKind::Unavailable => Self::AtsUnavailable,
            ErrorKind::Configuration | ErrorKind::Input => Self::Configuration,
            ErrorKind::Store => Self::StoreFailed,
            _ => Self::AdapterFailed,
        }
    }

    /// Whether it is about webhooks that arrived, however they are set up.
    fn is_of_deliveries(self) -> bool {
        matches!(self, Self::WebhookArrived | Self::SignatureRefused | Self::Succeeded)
    }

    /// The reason of an error that is about a person's consent.
    fn of_consent(reason: AuthReason) -> Option<Self> {
        match reason {
            AuthReason::ConsentMissing | AuthReason::ConsentRevoked => Some(Self::ConsentRevoked),
            AuthReason::ConsentUnclear => Some(Self::ConsentUnclear),
            _ => None,
        }
    }
}

/// One condition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(super) struct Condition {
    /// What it is about.
    pub(super) r#type: About,
    /// Whether it holds.
    pub(super) status: bool,
    /// Why.
    pub(super) reason: Why,
    /// The same for people.
    pub(super) message: String,
    /// When `status` last changed, in milliseconds since 1970.
    pub(super) since_ms: u64,
}

/// The conditions of one connection.
#[derive(Clone, Debug, Default)]
pub(super) struct Health(BTreeMap<About, Condition>);

impl Health {
    /// All conditions that are known.
    pub(super) fn conditions(&self) -> Vec<Condition> {
        self.0.values().cloned().collect()
    }

    /// Whether every known condition holds.
    pub(super) fn is_healthy(&self) -> bool {
        self.0.values().all(|condition| condition.status)
    }

    /// The schedules started.
    pub(super) fn started(&mut self, now_ms: u64) {
        self.set(About::Running, true, Why::Started, "its schedules run", now_ms);
    }

    /// The schedules ended, or could not start.
    pub(super) fn ended(&mut self, message: &str, now_ms: u64) {
        self.set(About::Running, false, Why::Ended, message, now_ms);
    }

    /// A round ended.
    pub(super) fn round(&mut self, round: &Round<'_>, now_ms: u64) {
        let about = match round {
            Round::Pulled(_) | Round::Swept(_) | Round::PullFailed { .. } => About::Pulling,
            Round::SweepFailed { .. } => About::Pulling,
            Round::KeepAliveFailed { .. } => About::Connected,
            Round::Registered(report) => return self.registered(report, now_ms),
            Round::Hinted(_) | Round::HintsFailed { .. } | Round::RegisterFailed { .. } => {
                About::WebhooksArriving
            }
            Round::Applied(_) | Round::InStep | Round::ApplyFailed { .. } => About::Writing,
            _ => return,
        };
        if let Some((error, _)) = round.failure() {
            return self.failed(about, error, now_ms);
        }
        for about in [about, About::Connected, About::Permitted] {
            self.set(about, true, Why::Succeeded, "the last round succeeded", now_ms);
        }
    }

    /// The webhooks were registered, or compared with what is registered. After a change the next
    /// comparison shows whether it worked. Of webhooks that a person sets up nothing is known but
    /// what arrives.
    fn registered(&mut self, report: &WebhooksReport, now_ms: u64) {
        let has = |end: WebhookEnd| report.events.values().any(|one| *one == end);
        let (is_good, why, message) = match report.blocked {
            Some(WebhooksBlocked::UrlRefused) => {
                (false, Why::WebhookUrlRefused, "the ATS cannot send webhooks here")
            }
            Some(WebhooksBlocked::NotPermitted | WebhooksBlocked::Unsupported) => {
                let about = About::WebhooksArriving;
                if self.0.get(&about).is_some_and(|one| !one.reason.is_of_deliveries()) {
                    drop(self.0.remove(&about));
                }
                return;
            }
            Some(_) => return,
            None if has(WebhookEnd::Refused) => {
                (false, Why::WebhooksRefused, "the ATS refuses to register a webhook")
            }
            None if has(WebhookEnd::Inactive) => {
                let message = "the ATS has disabled webhooks: it does not reach this server by \
                               `public_url`, or was not answered 200";
                (false, Why::WebhooksDisabled, message)
            }
            None if has(WebhookEnd::Unknown) => {
                let message = "the answers to three creations of a webhook were lost, and the ATS \
                               has no list: look there whether it exists more than once";
                (false, Why::WebhooksUnclear, message)
            }
            None if report.has_changed() => return,
            None => (true, Why::WebhooksRegistered, "the webhooks are registered"),
        };
        let message = match &report.message {
            Some(said) => format!("{message}: {said}"),
            None => message.to_owned(),
        };
        self.set(About::WebhooksArriving, is_good, why, &message, now_ms);
    }

    /// A webhook arrived. A forged one counts only before the first authentic one: later it may be
    /// from a stranger, and must not turn the condition.
    pub(super) fn hook(&mut self, is_authentic: bool, now_ms: u64) {
        let about = About::WebhooksArriving;
        if is_authentic {
            self.set(about, true, Why::WebhookArrived, "webhooks arrive", now_ms);
        } else if self.0.get(&about).is_none_or(|known| !known.status) {
            let message = "webhooks arrive that no webhook secret of the connection signed; check \
                           the secret in the ATS";
            self.set(about, false, Why::SignatureRefused, message, now_ms);
        }
    }

    /// The loops that work for the connection are so. One that hangs is not one that fails: its
    /// work neither ends nor goes on, and no round reports it.
    pub(super) fn loops(&mut self, loops: &[LoopStatus], now_ms: u64) {
        let about = About::Progressing;
        if loops.is_empty() {
            drop(self.0.remove(&about));
        } else if let Some(late) = loops.iter().find(|one| one.is_late) {
            let (name, minutes) = (late.name, late.age_ms / 60_000);
            let message = format!(
                "the loop `{name}` hangs: it has not acted for {minutes} minutes, although it said \
                 that it would; restart the process, which loses nothing, and report it with the \
                 log of `RUST_LOG=atsync=debug`"
            );
            self.set(about, false, Why::Stalled, &message, late.since_ms);
        } else {
            let message = "each loop acts when it said that it would";
            self.set(about, true, Why::Acting, message, now_ms);
        }
    }

    fn failed(&mut self, about: About, error: &Error, now_ms: u64) {
        let why = Why::of(error);
        let cause = match why {
            Why::CredentialRefused | Why::ConsentRevoked | Why::ConsentUnclear => {
                Some(About::Connected)
            }
            Why::PermissionMissing => Some(About::Permitted),
            _ => None,
        };
        for about in [Some(about), cause].into_iter().flatten() {
            self.set(about, false, why, &error.to_string(), now_ms);
        }
    }

    fn set(&mut self, about: About, status: bool, reason: Why, message: &str, now_ms: u64) {
        let message = atsync::model::plain::line(message).into_owned();
        let fresh = Condition { r#type: about, status, reason, message, since_ms: now_ms };
        let held = self.0.entry(about).or_insert_with(|| fresh.clone());
        let since_ms = if held.status == status { held.since_ms } else { now_ms };
        *held = Condition { since_ms, ..fresh };
    }
}

#[cfg(test)]
mod tests {
    use super::{About, Health, Why};
    use atsync::testing::ManualClock;
    use atsync::{
        Clock, Engine, Error, ErrorKind, PullReport, Round, WebhookEnd, WebhooksBlocked,
        WebhooksReport,
    };
    use std::sync::Arc;

    fn failed(health: &mut Health, kind: ErrorKind, at: u64) {
        let error = Error::new(kind, format!("no at {at}"));
        health.round(&Round::PullFailed { kind: "jobs", error: &error, wait_ms: 1 }, at);
    }

    fn said(health: &Health, about: About) -> (bool, Why, u64) {
        let all = health.conditions();
        let one = all.iter().find(|condition| condition.r#type == about).unwrap();
        (one.status, one.reason, one.since_ms)
    }

    #[test]
    fn since_moves_only_when_the_status_does() {
        let mut health = Health::default();
        health.started(1);
        failed(&mut health, ErrorKind::Unavailable, 2);
        failed(&mut health, ErrorKind::Auth, 3);
        assert_eq!(said(&health, About::Pulling), (false, Why::CredentialRefused, 2));
        assert_eq!(said(&health, About::Connected), (false, Why::CredentialRefused, 3));
        assert!(!health.is_healthy());
        health.round(&Round::Pulled(&PullReport::default()), 9);
        assert_eq!(said(&health, About::Pulling), (true, Why::Succeeded, 9));
        assert_eq!(said(&health, About::Connected), (true, Why::Succeeded, 9));
        assert!(health.is_healthy());
    }

    #[test]
    fn a_loop_that_hangs_makes_the_connection_red_until_it_acts() {
        let clock = ManualClock::at(1_000);
        let engine = Engine::builder().clock(Arc::<ManualClock>::clone(&clock)).build().unwrap();
        let heartbeat = engine.heartbeat("schedule", Some("acme"));
        heartbeat.acts_within(0);
        let mut health = Health::default();
        let mut minute = || {
            clock.set(clock.now_ms() + 60_000);
            health.loops(&engine.loops(), clock.now_ms());
            (said(&health, About::Progressing), health.is_healthy())
        };
        let well = (true, Why::Acting, 61_000);
        assert_eq!([minute(), minute(), minute(), minute(), minute()], [(well, true); 5]);
        let late = (false, Why::Stalled, 301_000);
        assert_eq!([minute(), minute()], [(late, false); 2]);
        heartbeat.acts_within(60_000);
        assert_eq!(minute(), ((true, Why::Acting, 481_000), true));
        drop(heartbeat);
        health.loops(&engine.loops(), clock.now_ms());
        assert!(health.conditions().is_empty());
    }

    #[test]
    fn webhooks_that_the_ats_disabled_show_and_those_set_up_by_hand_do_not() {
        let mut health = Health::default();
        let mut report = WebhooksReport::default();
        report.blocked = Some(WebhooksBlocked::NotPermitted);
        health.round(&Round::Registered(&report), 1);
        assert!(health.conditions().is_empty());
        report.blocked = None;
        for (end, expected, at) in [
            (WebhookEnd::Inactive, (false, Why::WebhooksDisabled, 2), 2),
            (WebhookEnd::Refused, (false, Why::WebhooksRefused, 2), 3),
            (WebhookEnd::Unknown, (false, Why::WebhooksUnclear, 2), 4),
            (WebhookEnd::Changed, (false, Why::WebhooksUnclear, 2), 5),
            (WebhookEnd::InStep, (true, Why::WebhooksRegistered, 6), 6),
        ] {
            report.events.insert("hired".to_owned(), end);
            health.round(&Round::Registered(&report), at);
            assert_eq!(said(&health, About::WebhooksArriving), expected, "{end:?}");
        }
    }

    #[test]
    fn what_the_registration_said_is_cleared_when_webhooks_are_set_up_by_hand() {
        let mut by_hand = WebhooksReport::default();
        by_hand.blocked = Some(WebhooksBlocked::NotPermitted);
        let mut disabled = WebhooksReport::default();
        disabled.events.insert("hired".to_owned(), WebhookEnd::Inactive);
        let error = Error::new(ErrorKind::Unavailable, "no answer");
        let failed = Round::RegisterFailed { error: &error, wait_ms: 1 };
        for before in [Round::Registered(&disabled), failed] {
            let mut health = Health::default();
            health.round(&before, 1);
            assert!(!health.is_healthy());
            health.round(&Round::Registered(&by_hand), 2);
            assert!(health.conditions().is_empty());
        }
        // What arrived is known, whoever set the webhooks up.
        for is_authentic in [false, true] {
            let mut health = Health::default();
            health.hook(is_authentic, 1);
            health.round(&Round::Registered(&by_hand), 2);
            assert_eq!(said(&health, About::WebhooksArriving).0, is_authentic);
        }
    }

    #[test]
    fn an_outage_does_not_say_that_the_credential_is_refused() {
        let mut health = Health::default();
        failed(&mut health, ErrorKind::Unavailable, 2);
        assert!(health.conditions().iter().all(|condition| condition.r#type == About::Pulling));
    }
}
