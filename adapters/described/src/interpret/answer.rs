//! What answers mean: the tables of outcomes, and the usual reading of a status behind them.
//!
//! Messages quote the ATS's own words where the description says where they are, cut to
//! [`MESSAGE_CHARS_MAX`] characters.

use super::{Context, is_success, lacking, mistake};
use crate::description::{Expr, OutcomeRule, Statuses, Then};
use crate::expression::{Compiled, Engine, Fault, Scope};
use crate::json::Json;
use atsync_adapter::contract::{
    Denied, Failure, Field, FieldError, RemoteRef, Response, Restart, Verdict,
};
use std::borrow::Cow;

/// Characters of a message that is quoted.
pub(crate) const MESSAGE_CHARS_MAX: usize = 300;
/// The longest wait that an answer can request. Arbitrary.
const WAIT_MS_MAX: u64 = 60 * 60 * 1000;

/// An answer, read as far as expressions can read it.
#[derive(Debug)]
pub(crate) struct Answer<'r> {
    pub(crate) status: u16,
    /// The JSON body, or absent.
    pub(crate) reply: Json<'r>,
    status_value: Json<'r>,
    headers: Json<'r>,
    /// The body is empty.
    pub(crate) is_empty: bool,
    retry_after: Option<&'r str>,
}

impl<'r> Answer<'r> {
    /// Reads a response; what is no JSON is absent.
    pub(crate) fn of(response: &'r Response) -> Self {
        let text = std::str::from_utf8(&response.body).unwrap_or_default();
        Self::with(response, Json::parse(text).unwrap_or_default())
    }

    /// A response whose body was read already.
    pub(crate) fn with(response: &'r Response, reply: Json<'r>) -> Self {
        Self {
            status: response.status,
            reply,
            status_value: Json::Int(i64::from(response.status)),
            headers: headers(&response.headers),
            // Under another status an empty body is no answer: a list would end there.
            is_empty: response.status == 204 && response.body.trim_ascii().is_empty(),
            retry_after: response.header("retry-after"),
        }
    }

    /// Whether it claims success with a body that is no JSON, such as a gateway's page.
    pub(crate) fn is_unreadable(&self) -> bool {
        (200..300).contains(&self.status) && !self.is_empty && matches!(self.reply, Json::Absent)
    }

    /// The names that it adds to a scope.
    pub(crate) fn names(&self) -> [(&str, &Json<'r>); 3] {
        [("reply", &self.reply), ("status", &self.status_value), ("headers", &self.headers)]
    }
}

/// Headers by their names in lower case. Of several with one name the first counts.
pub(crate) fn headers(all: &[Field]) -> Json<'_> {
    let one = |field: &'_ Field| {
        (Cow::Owned(field.name.to_ascii_lowercase()), Json::text(field.value.clone()))
    };
    Json::Map(all.iter().rev().map(one).collect())
}

/// A table of outcomes.
#[derive(Debug)]
pub(crate) struct Table<'e> {
    rules: Vec<Rule<'e>>,
    message: Option<Compiled<'e>>,
    title: &'e str,
}

#[derive(Debug)]
struct Rule<'e> {
    status: Option<Statuses>,
    when: Option<Compiled<'e>>,
    then: Then,
    message: Option<Compiled<'e>>,
    permission: Option<String>,
    wait_ms: Option<Compiled<'e>>,
    field: Option<Compiled<'e>>,
    id: Option<Compiled<'e>>,
}

/// What an answer means.
#[derive(Debug)]
pub(crate) enum Meaning {
    Ok,
    Pending(String),
    Unclear(String),
    Failure {
        failure: Failure,
        /// A rule of the description says so, not the status alone.
        is_ruled: bool,
    },
    Verdict(Verdict, String),
}

impl<'e> Table<'e> {
    /// Compiles the rules of a request with those that all requests share.
    pub(crate) fn of(own: &[OutcomeRule], context: &'e Context<'_>) -> Result<Self, Failure> {
        let engine = &context.engine;
        let rules = own
            .iter()
            .chain(&context.common.outcomes)
            .map(|rule| Rule::of(rule, engine))
            .collect::<Result<_, Fault>>()
            .map_err(mistake)?;
        let message = optional(context.common.message.as_ref(), engine).map_err(mistake)?;
        Ok(Self { rules, message, title: &context.common.title })
    }

    /// Reads an answer. `permission` is what the request needs, `kind` that of a moved record.
    pub(crate) fn read(
        &self,
        answer: &Answer<'_>,
        shared: &[(&str, &Json<'_>)],
        permission: Option<&str>,
        kind: &str,
    ) -> Result<Meaning, Failure> {
        let own = answer.names();
        let scope = Scope { shared, own: &own };
        for rule in &self.rules {
            if rule.status.as_ref().is_some_and(|statuses| !statuses.cover(answer.status)) {
                continue;
            }
            if let Some(when) = &rule.when
                && !when.is_true(scope).map_err(lacking)?
            {
                continue;
            }
            return self.ruled(rule, answer, scope, permission, kind);
        }
        if (200..300).contains(&answer.status) {
            return Ok(Meaning::Ok);
        }
        let message = self.message(None, answer, scope);
        let then = usual(answer.status);
        let failure = self.failure(then, message, answer, permission);
        Ok(Meaning::Failure { failure, is_ruled: false })
    }

    fn ruled(
        &self,
        rule: &Rule<'_>,
        answer: &Answer<'_>,
        scope: Scope<'_, '_>,
        permission: Option<&str>,
        kind: &str,
    ) -> Result<Meaning, Failure> {
        let message = self.message(rule.message.as_ref(), answer, scope);
        let text = |expression: &Option<Compiled<'_>>| {
            let value = expression.as_ref().map(|expression| expression.eval(scope)).transpose();
            value
                .map(|value| value.and_then(|value| value.scalar().map(Cow::into_owned)))
                .map_err(lacking)
        };
        let verdict = match rule.then {
            Then::Granted => Some(Verdict::Granted),
            Then::Missing => Some(Verdict::Missing),
            Then::Actor => Some(Verdict::Actor),
            Then::Refused => Some(Verdict::Refused),
            Then::Unknown => Some(Verdict::Unknown),
            _ => None,
        };
        if let Some(verdict) = verdict {
            return Ok(Meaning::Verdict(verdict, message));
        }
        let failure = match rule.then {
            Then::Ok => return Ok(Meaning::Ok),
            Then::Pending => return Ok(Meaning::Pending(message)),
            Then::Unclear => return Ok(Meaning::Unclear(message)),
            Then::Invalid => Failure::Invalid(vec![FieldError {
                field: text(&rule.field)?.unwrap_or_default(),
                message,
            }]),
            Then::Moved => match text(&rule.id)?.filter(|id| crate::shape::is_id(id)) {
                Some(id) => Failure::Moved(RemoteRef::new(kind, id)),
                None => Failure::NotFound(message),
            },
            Then::Throttled => {
                let wait = text(&rule.wait_ms)?.and_then(|text| whole(&text));
                Failure::Throttled(
                    wait.map(|wait| wait.min(WAIT_MS_MAX)).or_else(|| answer.wait_ms()),
                )
            }
            Then::Quota => match text(&rule.wait_ms)?.and_then(|text| whole(&text)) {
                Some(until_ms) => Failure::Quota(until_ms),
                None => Failure::Throttled(answer.wait_ms()),
            },
            then => {
                let permission = rule.permission.as_deref().or(permission);
                self.failure(then, message, answer, permission)
            }
        };
        Ok(Meaning::Failure { failure, is_ruled: true })
    }

    fn failure(
        &self,
        then: Then,
        message: String,
        answer: &Answer<'_>,
        permission: Option<&str>,
    ) -> Failure {
        match then {
            Then::Auth => Failure::Auth(message),
            Then::Denied => Failure::Denied(Denied {
                permission: permission.unwrap_or_default().to_owned(),
                message,
            }),
            Then::NotFound => Failure::NotFound(message),
            Then::Gone => Failure::Gone(message),
            Then::Conflict => Failure::Conflict(message),
            Then::Invalid => Failure::Invalid(vec![FieldError { field: String::new(), message }]),
            Then::Misconfigured => Failure::Misconfigured(message),
            Then::RestartPass => Failure::Restart(Restart::Pass),
            Then::RestartEverything => Failure::Restart(Restart::Everything),
            Then::Throttled | Then::Quota => Failure::Throttled(answer.wait_ms()),
            Then::Unavailable => Failure::Unavailable(message),
            _ => Failure::Protocol(message),
        }
    }

    /// The words of an answer. A message that cannot be read is left out: it never hides what the
    /// answer means.
    fn message(
        &self,
        own: Option<&Compiled<'_>>,
        answer: &Answer<'_>,
        scope: Scope<'_, '_>,
    ) -> String {
        let read = |expression: &Compiled<'_>| {
            expression.eval(scope).ok().and_then(|value| value.scalar().map(|text| clipped(&text)))
        };
        let said =
            own.or(self.message.as_ref()).and_then(read).filter(|text| !text.trim().is_empty());
        match said {
            Some(said) => said,
            None => format!("{} answered with status {}", self.title, answer.status),
        }
    }
}

impl Answer<'_> {
    /// The wait that the header `Retry-After` names in seconds.
    fn wait_ms(&self) -> Option<u64> {
        let seconds: u64 = self.retry_after?.trim().parse().ok()?;
        Some(seconds.saturating_mul(1000).min(WAIT_MS_MAX))
    }
}

impl<'e> Rule<'e> {
    fn of(rule: &OutcomeRule, engine: &'e Engine) -> Result<Self, Fault> {
        Ok(Self {
            status: rule.status.clone(),
            when: optional(rule.when.as_ref(), engine)?,
            then: rule.then,
            message: optional(rule.message.as_ref(), engine)?,
            permission: rule.permission.clone(),
            wait_ms: optional(rule.wait_ms.as_ref(), engine)?,
            field: optional(rule.field.as_ref(), engine)?,
            id: optional(rule.id.as_ref(), engine)?,
        })
    }
}

/// Compiles an expression that may be left out.
pub(crate) fn optional<'e>(
    expression: Option<&Expr>,
    engine: &'e Engine,
) -> Result<Option<Compiled<'e>>, Fault> {
    expression.map(|expression| engine.compile(expression.text())).transpose()
}

fn usual(status: u16) -> Then {
    match status {
        401 => Then::Auth,
        403 => Then::Denied,
        404 => Then::NotFound,
        409 => Then::Conflict,
        410 => Then::Gone,
        400 | 413 | 422 => Then::Invalid,
        429 => Then::Throttled,
        408 | 500..=599 => Then::Unavailable,
        _ => Then::Protocol,
    }
}

fn whole(text: &str) -> Option<u64> {
    text.split('.').next()?.parse().ok()
}

/// Cuts a text, and drops control characters.
pub(crate) fn clipped(text: &str) -> String {
    text.chars()
        .take(MESSAGE_CHARS_MAX)
        .map(|sign| if sign.is_control() { ' ' } else { sign })
        .collect()
}

/// Accepts an answer of a read.
///
/// # Errors
/// What the table says about any other.
pub(crate) fn accepted(meaning: Meaning) -> Result<(), Failure> {
    match meaning {
        Meaning::Ok => Ok(()),
        Meaning::Failure { failure, .. } => Err(failure),
        Meaning::Pending(text) | Meaning::Unclear(text) | Meaning::Verdict(_, text) => {
            Err(Failure::Protocol(text))
        }
    }
}

/// The failure for a body that is not JSON although the answer was accepted.
pub(crate) fn no_json(response: &Response) -> Failure {
    let is_page = response.header("content-type").is_some_and(|kind| kind.contains("html"))
        || response.body.trim_ascii_start().starts_with(b"<");
    let what = if is_page { "a web page instead of JSON" } else { "a body that is not JSON" };
    let status = response.status;
    if is_success(response) {
        Failure::Protocol(format!("{what}, with status {status}"))
    } else {
        Failure::Unavailable(format!("{what}, with status {status}"))
    }
}
