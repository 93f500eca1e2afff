//! The fetch task: records by their ids, one by one or many in one request.

use super::answer::{Answer, Meaning, Table, accepted, no_json};
use super::ground::Ground;
use super::record::{At, Mapper, Records};
use super::request::{self, Extra, Plan};
use super::scan::{Envelope, offset_in};
use super::state::{self, State};
use super::{Context, lacking, mistake};
use crate::description::{Fetch as Rule, Kind, Place};
use crate::expression::Scope;
use crate::json::Json;
use atsync_adapter::contract::{Failure, Fetch, Fetched, Given, Outcome, Response, Span, Step};
use atsync_adapter::rows;
use std::borrow::Cow;

/// Requests the records.
pub(crate) fn start(context: &Context<'_>, task: Fetch, given: &Given) -> Result<Step, Failure> {
    let Fetch { kind: name, ids } = task;
    let kind = context.baked.kind(&name)?;
    let rule = fetched(&kind, &name)?;
    let section = context.baked.text(&format!("kind/{name}")).unwrap_or_default();
    let ground = Ground::of(given, &[section])?;
    let shared = ground.names();
    let lists = &context.common.lists;
    let mut extra = Extra::default();
    let id = match &rule.ids {
        Some(parameter) => {
            extra.place = lists.parameters.unwrap_or_default();
            let value = match extra.place {
                Place::Query => Json::text(ids.join(",")),
                Place::Body => Json::List(ids.iter().map(|id| Json::text(id.clone())).collect()),
            };
            extra.parameters.push((parameter.clone(), value));
            Json::Absent
        }
        None => match ids.as_slice() {
            [id] => Json::text(id.clone()),
            _ => {
                return Err(Failure::Bug(
                    "a fetch of several ids, and the manifest offers one".into(),
                ));
            }
        },
    };
    let own = [("id", &id)];
    let plan = Plan::of(&rule.request, context)?;
    let request =
        plan.request(Scope { shared: &shared, own: &own }, extra).map_err(request::unmade)?;
    request::safe(request, &State::Fetch(state::Fetch { kind: name, ids }))
}

/// Reads the records.
pub(crate) fn resume(
    context: &Context<'_>,
    state: state::Fetch,
    given: &Given,
    response: &Response,
) -> Result<Step, Failure> {
    let state::Fetch { kind: name, ids } = state;
    let kind = context.baked.kind(&name)?;
    let rule = fetched(&kind, &name)?;
    let section = context.baked.text(&format!("kind/{name}")).unwrap_or_default();
    let common = context.baked.text("common").unwrap_or_default();
    let ground = Ground::of(given, &[section, common])?;
    let parent = parent(context, rule, &ids)?;
    let mut shared = ground.names();
    shared.push(("parent", &parent));
    let lists = &context.common.lists;
    let path = rule.rows.as_deref().or(lists.rows.as_deref()).unwrap_or_default();
    let envelope = Envelope::of(&response.body, path);
    let reply = envelope.as_ref().map(|envelope| envelope.reply.clone()).unwrap_or_default();
    let answer = Answer::with(response, reply);
    let table = Table::of(&rule.outcomes, context)?;
    let meaning = table.read(&answer, &shared, kind.permission.as_deref(), &name)?;
    if let Meaning::Failure { failure: Failure::NotFound(_) | Failure::Gone(_), .. } = meaning {
        return Ok(done(Records::default(), ids));
    }
    if let Meaning::Ok = meaning
        && envelope.is_none()
        && !answer.is_empty
    {
        return Err(no_json(response));
    }
    accepted(meaning)?;
    shared.push(("reply", &answer.reply));

    let mapper = Mapper::of(&name, &kind, context)?;
    let mut records = Records::default();
    let shapeless = || Failure::Protocol(format!("the answer has no record at `{path}`"));
    // Without a record in it, an answer does not say that there is none.
    let text = match envelope {
        None => "null",
        Some(envelope) => {
            envelope.rows.filter(|rows| rows.starts_with(['[', '{'])).ok_or_else(shapeless)?
        }
    };
    let offset = offset_in(&response.body, text);
    if text.starts_with('[') {
        rows::each(text.as_bytes(), |element| {
            let row = element.read::<Json<'_>>();
            let span = element.span();
            let span = Span { offset: span.offset.saturating_add(offset), ..span };
            match row {
                Ok(row) => {
                    let at = At { span, text: element.text().unwrap_or_default() };
                    mapper.row(&row, &Json::Absent, &at, &shared, &mut records);
                }
                Err(_) => records.lost(&name, None, "the row is no JSON that can be kept"),
            }
        })
        .map_err(|_| shapeless())?;
    } else {
        let row = Json::parse(text).map_err(|_| shapeless())?;
        if !row.is_empty() {
            let length = u32::try_from(text.len()).unwrap_or(u32::MAX);
            let at = At { span: Span { offset, length }, text };
            mapper.row(&row, &Json::Absent, &at, &shared, &mut records);
        }
    }
    Ok(done(records, ids))
}

/// The parent, where the only id of the fetch shows it.
fn parent(context: &Context<'_>, rule: &Rule, ids: &[String]) -> Result<Json<'static>, Failure> {
    let (Some(expression), [id]) = (&rule.parent, ids) else { return Ok(Json::Absent) };
    let id = Json::text(id.clone());
    let own = [("id", &id)];
    let expression = context.engine.compile(expression.text()).map_err(mistake)?;
    let value = expression.eval(Scope { shared: &[], own: &own }).map_err(lacking)?;
    Ok(Json::Map(vec![(Cow::Borrowed("id"), value.into_owned().into_owned())]))
}

/// The result. While the id of a bad row is unknown, no id is called missing.
fn done(records: Records, ids: Vec<String>) -> Step {
    let Records { items, masks, problems, .. } = records;
    let is_unsure = problems.iter().any(|problem| problem.id.is_none());
    let is_seen = |id: &String| {
        is_unsure
            || items.iter().any(|item| item.id == *id)
            || problems.iter().any(|problem| problem.id.as_ref() == Some(id))
    };
    let missing = ids.into_iter().filter(|id| !is_seen(id)).collect();
    Step::Done(Outcome::fetched(Fetched { items, masks, missing }, problems))
}

fn fetched<'k>(kind: &'k Kind, name: &str) -> Result<&'k Rule, Failure> {
    kind.fetch.as_ref().ok_or_else(|| Failure::Bug(format!("{name} cannot be fetched")))
}
