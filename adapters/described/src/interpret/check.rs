//! The check task: one permission, by a harmless request.

use super::Context;
use super::answer::{Answer, Meaning, Table};
use super::ground::Ground;
use super::request::{self, Extra, Plan};
use super::state::State;
use crate::expression::Scope;
use atsync_adapter::contract::{Checked, Failure, Given, Outcome, Response, Step, Verdict};

/// Sends the request; where there is none, the verdict is `unknown`.
pub(crate) fn start(context: &Context<'_>, id: &str, given: &Given) -> Result<Step, Failure> {
    let Some(check) = context.baked.check(id)? else {
        let title = &context.common.title;
        return Ok(done(
            Verdict::Unknown,
            format!("{title} does not show whether it is granted without a change in the account"),
        ));
    };
    let section = context.baked.text(&format!("permission/{id}")).unwrap_or_default();
    let ground = Ground::of(given, &[section])?;
    let shared = ground.names();
    let plan = Plan::of(&check.request, context)?;
    match plan.request(Scope { shared: &shared, own: &[] }, Extra::default()) {
        Ok(request) => request::safe(request, &State::Check(id.to_owned())),
        // A setting that the request needs is not made yet.
        Err(fault) => Ok(done(Verdict::Unknown, format!("the check cannot be made: {fault}"))),
    }
}

/// Reads the verdict.
pub(crate) fn resume(
    context: &Context<'_>,
    id: &str,
    given: &Given,
    response: &Response,
) -> Result<Step, Failure> {
    let Some(check) = context.baked.check(id)? else {
        return Err(Failure::Bug("a reply to a check that sends nothing".into()));
    };
    let section = context.baked.text(&format!("permission/{id}")).unwrap_or_default();
    let common = context.baked.text("common").unwrap_or_default();
    let ground = Ground::of(given, &[section, common])?;
    let shared = ground.names();
    let answer = Answer::of(response);
    let meaning = Table::of(&check.outcomes, context)?.read(&answer, &shared, Some(id), "")?;
    let (verdict, detail) = match meaning {
        Meaning::Verdict(verdict, detail) => (verdict, detail),
        Meaning::Ok => {
            (Verdict::Granted, format!("a read by it was answered with status {}", answer.status))
        }
        Meaning::Failure { failure: Failure::Denied(denied), .. } => {
            (Verdict::Missing, denied.message)
        }
        Meaning::Failure { failure: Failure::NotFound(text) | Failure::Gone(text), .. } => {
            (Verdict::Unknown, text)
        }
        Meaning::Failure { failure: Failure::Invalid(errors), .. } => {
            let text = errors.into_iter().next().map(|error| error.message).unwrap_or_default();
            (Verdict::Unknown, text)
        }
        Meaning::Failure { failure, .. } => return Err(failure),
        Meaning::Pending(text) | Meaning::Unclear(text) => (Verdict::Unknown, text),
    };
    Ok(done(verdict, detail))
}

fn done(verdict: Verdict, detail: String) -> Step {
    Step::Done(Outcome::Checked(Checked { verdict, detail }))
}
