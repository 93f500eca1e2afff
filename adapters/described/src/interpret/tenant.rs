//! The task that identifies the customer.

use super::answer::{Answer, Meaning, Table, accepted, no_json};
use super::ground::Ground;
use super::request::{self, Extra, Plan};
use super::state::State;
use super::{Context, lacking, mistake};
use crate::description::Tenant as Rule;
use crate::expression::Scope;
use crate::json::Json;
use crate::template::Made;
use atsync_adapter::contract::{Failure, Given, Outcome, Response, Step, Tenant};

/// Bytes of a fingerprint.
const FINGERPRINT_BYTES_MAX: usize = 512;
/// Bytes of a catalogue.
const CATALOGUE_BYTES_MAX: usize = 512 * 1024;

/// Sends the request.
pub(crate) fn start(context: &Context<'_>, given: &Given) -> Result<Step, Failure> {
    let rule = rule(context)?;
    let ground = Ground::of(given, &[context.baked.text("tenant").unwrap_or_default()])?;
    let shared = ground.names();
    let plan = Plan::of(&rule.request, context)?;
    let request =
        plan.request(Scope { shared: &shared, own: &[] }, Extra::default()).map_err(|fault| {
            Failure::Misconfigured(format!("the customer cannot be identified: {fault}"))
        })?;
    request::safe(request, &State::Tenant)
}

/// Reads the fingerprint and the catalogue.
pub(crate) fn resume(
    context: &Context<'_>,
    given: &Given,
    response: &Response,
) -> Result<Step, Failure> {
    let rule = rule(context)?;
    let sections = ["tenant", "common"].map(|name| context.baked.text(name).unwrap_or_default());
    let ground = Ground::of(given, &sections)?;
    let shared = ground.names();
    let answer = Answer::of(response);
    let meaning = Table::of(&rule.outcomes, context)?.read(&answer, &shared, None, "")?;
    if matches!((&meaning, &answer.reply), (Meaning::Ok, Json::Absent)) {
        return Err(no_json(response));
    }
    accepted(meaning)?;
    let own = answer.names();
    let scope = Scope { shared: &shared, own: &own };
    let fingerprint = context.engine.compile(rule.fingerprint.text()).map_err(mistake)?;
    let value = fingerprint.eval(scope).map_err(lacking)?;
    let fingerprint = value
        .scalar()
        .filter(|text| !text.trim().is_empty() && text.len() <= FINGERPRINT_BYTES_MAX)
        .ok_or_else(|| {
            Failure::Protocol(format!(
                "the answer does not identify the customer: `{}` is {}",
                fingerprint.text(),
                value.shape()
            ))
        })?
        .into_owned();
    let catalogue = match &rule.catalogue {
        None => "{}".to_owned(),
        Some(mapping) => {
            let made = Made::mapping(mapping, &context.engine).map_err(mistake)?;
            let value = made.value(scope).map_err(lacking)?;
            serde_json::to_string(&*value)
                .map_err(|_| Failure::Bug("a catalogue that is no JSON".into()))?
        }
    };
    if catalogue.len() > CATALOGUE_BYTES_MAX {
        return Err(Failure::Protocol(format!(
            "the tenant's catalogue has {} bytes; {CATALOGUE_BYTES_MAX} are allowed",
            catalogue.len()
        )));
    }
    Ok(Step::Done(Outcome::Tenant(Tenant { fingerprint, catalogue })))
}

fn rule(context: &Context<'_>) -> Result<Rule, Failure> {
    context.baked.tenant()?.ok_or_else(|| Failure::Bug("the description has no tenant".into()))
}
