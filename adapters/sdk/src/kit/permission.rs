//! Permissions, each with a harmless probe; and the account that a credential belongs to.

use super::adapter::State;
use super::ats::{Kept, Why};
use super::{About, Answer, Ask, Ats, Refusals, Stop, check};
use crate::contract::{Checked, Failure, Given, Outcome, Response, Step, Tenant, Verdict};
use std::panic::Location;

/// A function that checks a permission without changing anything.
pub type Check = fn(&mut Ats<'_>) -> Result<Checked, Stop>;

/// A right that an administrator grants.
#[derive(Clone, Copy, Debug)]
pub struct Permission {
    pub(crate) id: &'static str,
    pub(crate) label: &'static str,
    pub(crate) grant_at: &'static str,
    pub(crate) without_it: &'static str,
    pub(crate) optional: bool,
    pub(crate) how: How,
    pub(crate) at: &'static Location<'static>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum How {
    Ask(Ask),
    By(Check),
    Unknown(&'static str),
}

impl Permission {
    /// A permission: its id, as the ATS names it, and its label, as the administrator sees it.
    #[track_caller]
    pub const fn new(id: &'static str, label: &'static str) -> Self {
        check::is_permission(id);
        Self {
            id,
            label,
            grant_at: "",
            without_it: "",
            optional: false,
            how: How::Unknown("no request shows it without a change of the account"),
            at: Location::caller(),
        }
    }

    /// Says where it is granted, as a path through the ATS's screens.
    pub const fn grant_at(mut self, place: &'static str) -> Self {
        self.grant_at = place;
        self
    }

    /// Says what will not work without it.
    pub const fn without_it(mut self, what: &'static str) -> Self {
        self.without_it = what;
        self
    }

    /// The connection is of use without it.
    pub const fn optional(mut self) -> Self {
        self.optional = true;
        self
    }

    /// Checks it by this request, which must change nothing: 2xx means granted, 403 missing.
    pub const fn ask(mut self, ask: Ask) -> Self {
        self.how = How::Ask(ask);
        self
    }

    /// Checks it by a function.
    pub const fn by(mut self, check: Check) -> Self {
        self.how = How::By(check);
        self
    }

    /// It cannot be checked, for this reason, in a sentence for the administrator.
    pub const fn unknown(mut self, why: &'static str) -> Self {
        self.how = How::Unknown(why);
        self
    }
}

/// Runs a check until its next request.
pub(crate) fn run(
    about: &About,
    id: &str,
    kept: Kept,
    given: &Given,
    reply: Option<Response>,
    refusals: Refusals,
) -> Result<Step, Failure> {
    let permission = about.permission(id)?;
    let mut ats = Ats {
        about,
        given,
        refusals,
        permission: id,
        refused: None,
        may_repeat: false,
        kept,
        next: 0,
        reply,
    };
    let ended = match permission.how {
        How::By(check) => check(&mut ats),
        How::Unknown(why) => Ok(by_grant(permission, given, why)),
        How::Ask(ask) => match ats.read(ask, |_| Ok(true)) {
            Ok(_) => Ok(checked(Verdict::Granted, "it can be read")),
            Err(Stop(Why::Failed(Failure::Denied(denied)))) => {
                Ok(checked(Verdict::Missing, denied.message))
            }
            Err(Stop(Why::Failed(
                failure @ (Failure::NotFound(_)
                | Failure::Gone(_)
                | Failure::Invalid(_)
                | Failure::Conflict(_)
                | Failure::Protocol(_)),
            ))) => Ok(checked(Verdict::Unknown, failure.to_string())),
            Err(other) => Err(other),
        },
    };
    match ended {
        Ok(checked) => Ok(Step::Done(Outcome::Checked(checked))),
        Err(Stop(why)) => {
            ats.stop(why, &[], |kept| State::Check { permission: id.to_owned(), kept })
        }
    }
}

/// Reads a permission from the token, where that names its scopes.
fn by_grant(permission: &Permission, given: &Given, why: &str) -> Checked {
    let scopes = given.grant.as_ref().and_then(|grant| grant.scopes.as_ref());
    match scopes.map(|scopes| scopes.iter().any(|scope| scope == permission.id)) {
        Some(true) => checked(Verdict::Granted, "the token names it"),
        Some(false) => checked(Verdict::Missing, "the token does not name it"),
        None => checked(Verdict::Unknown, why),
    }
}

fn checked(verdict: Verdict, detail: impl Into<String>) -> Checked {
    Checked { verdict, detail: detail.into() }
}

/// A function that identifies the account.
pub type Identify = fn(&mut Ats<'_>) -> Result<Tenant, Stop>;

/// How the account that a credential belongs to is identified. An adapter that writes needs it.
#[derive(Clone, Copy, Debug)]
pub struct Account(pub(crate) By);

#[derive(Clone, Copy, Debug)]
pub(crate) enum By {
    Ask(Ask, &'static str),
    Function(Identify),
}

impl Account {
    /// By the id at this JSON pointer of the answer to a request. It must never change while the
    /// credential belongs to the same customer.
    pub const fn at(ask: Ask, pointer: &'static str) -> Self {
        Self(By::Ask(ask, pointer))
    }

    /// By a function.
    pub const fn by(identify: Identify) -> Self {
        Self(By::Function(identify))
    }
}

/// Runs the task until its next request.
pub(crate) fn identify(
    about: &About,
    kept: Kept,
    given: &Given,
    reply: Option<Response>,
    refusals: Refusals,
) -> Result<Step, Failure> {
    let account = about
        .account
        .ok_or_else(|| Failure::Bug("the manifest says that no account is identified".into()))?;
    let mut ats = Ats {
        about,
        given,
        refusals,
        permission: "",
        refused: None,
        may_repeat: false,
        kept,
        next: 0,
        reply,
    };
    let ended = match account.0 {
        By::Function(identify) => identify(&mut ats),
        By::Ask(ask, pointer) => {
            let id = ats.read(ask, |answer: &Answer<'_>| answer.id(pointer).map(String::from));
            id.map(|id| Tenant {
                fingerprint: format!("{}:{id}", about.name),
                catalogue: "{}".into(),
            })
        }
    };
    match ended {
        Ok(tenant) => Ok(Step::Done(Outcome::Tenant(tenant))),
        Err(Stop(why)) => ats.stop(why, &[], |kept| State::Account { kept }),
    }
}
