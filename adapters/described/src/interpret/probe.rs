//! The probe task: finds out whether an operation has happened, by a search.
//!
//! Every row is compared; pages are followed up to the probe's limit, beyond which it is blind
//! rather than wrong. A row that cannot be compared counts as neither: if nothing else matches, the
//! probe fails this time, since `absent` could make a duplicate.

use super::answer::{Answer, Meaning, Table, accepted, no_json, optional};
use super::ground::Ground;
use super::paging::{Cursor, Pager};
use super::record::{dotted, is_absent};
use super::refuse::{Refusals, When};
use super::request::{self, Extra, Plan};
use super::scan::Envelope;
use super::state::{self, Known, Search, State};
use super::write::{LinkPlan, StepPlan, Values, ground, json, links, subject};
use super::{Context, lacking, mistake};
use crate::description::{Operation, Place, Probe as Rule, ProbeCertainty};
use crate::expression::{Compiled, Fault, Scope};
use crate::json::Json;
use crate::manifest;
use atsync_adapter::contract::{
    Certainty, Failure, Found, Given, Outcome, Probe, Probed, RemoteRef, Response, Step, Target,
};
use atsync_adapter::manifest::EffectClass;
use serde_json::Value;
use std::collections::BTreeMap;

/// Pages of a search where nothing is said.
const PAGES_MAX: u32 = 5;
/// Matches that a search remembers. Two are ambiguous already.
const MATCHES_MAX: usize = 20;

/// Begins a probe.
pub(crate) fn start(context: &Context<'_>, task: Probe, given: &Given) -> Result<Step, Failure> {
    let Probe { operation: task, first_sent_ms } = task;
    let operation = context.baked.operation(&task.name)?;
    let Some(rule) = &operation.probe else {
        // An idempotent operation can be sent again whatever happened.
        return done(if operation.class == EffectClass::Idempotent {
            Probed::Absent(0)
        } else {
            Probed::Blind(format!("{} does not show whether it happened", context.common.title))
        });
    };
    let name = task.name.clone();
    let plan = ProbePlan::of(&name, rule, context)?;
    let known = Known {
        operation: task.name,
        target: task.target,
        input: json(&task.input)?,
        observed: Value::Null,
        kept: BTreeMap::new(),
    };
    let mut state =
        state::Probe { known, first_sent_ms, before: Some(0), search: Search::default() };
    let ground = ground(context, given, &name)?;
    if let Some(refused) = refused(&plan, When::Early, &state, &ground) {
        return refused;
    }
    state.known.prune(&plan.reads(), false);
    advance(context, &plan, state, given)
}

/// The end of a probe that refuses by the conditions that are decided now.
fn refused(
    plan: &ProbePlan<'_>,
    now: When,
    state: &state::Probe,
    ground: &Ground<'_>,
) -> Option<Result<Step, Failure>> {
    let values = Values::of(&state.known);
    let sent = first_sent(state);
    let mut names = values.names(ground);
    names.push(("first_sent_ms", &sent));
    match plan.refuse.first(now, Scope { shared: &names, own: &[] }) {
        Ok(None) => None,
        Ok(Some(rule)) if rule.misconfigured => {
            Some(Err(Failure::Misconfigured(rule.message.clone())))
        }
        Ok(Some(rule)) => Some(done(Probed::Blind(rule.message.clone()))),
        Err(failure) => Some(Err(failure)),
    }
}

/// Continues a probe.
pub(crate) fn resume(
    context: &Context<'_>,
    mut state: state::Probe,
    given: &Given,
    response: &Response,
) -> Result<Step, Failure> {
    let operation = context.baked.operation(&state.known.operation)?;
    let rule = rule(&operation)?;
    let name = state.known.operation.clone();
    let plan = ProbePlan::of(&name, rule, context)?;
    let ground = ground(context, given, &name)?;
    match state.before {
        Some(index) => {
            let step = plan
                .before
                .get(index)
                .ok_or_else(|| Failure::Bug("a continuation of another description".into()))?;
            let answer = Answer::of(response);
            step.keep(&answer, &ground, &mut state.known, None, plan.kind)?;
            state.before = Some(index.saturating_add(1));
            advance(context, &plan, state, given)
        }
        None => page(context, rule, &plan, state, &ground, response),
    }
}

fn rule(operation: &Operation) -> Result<&Rule, Failure> {
    operation.probe.as_ref().ok_or_else(|| Failure::Bug("the operation has no probe".into()))
}

/// Sends the next request before the search, or the search.
fn advance(
    context: &Context<'_>,
    plan: &ProbePlan<'_>,
    mut state: state::Probe,
    given: &Given,
) -> Result<Step, Failure> {
    let ground = ground(context, given, &state.known.operation)?;
    while let Some(index) = state.before {
        let Some(step) = plan.before.get(index) else {
            state.before = None;
            if let Some(refused) = refused(plan, When::Late, &state, &ground) {
                return refused;
            }
            break;
        };
        let request = {
            let values = Values::of(&state.known);
            let names = values.names(&ground);
            let scope = Scope { shared: &names, own: &[] };
            let is_wanted = step.is_wanted(scope).map_err(lacking)?;
            let request = is_wanted.then(|| step.request.request(scope, Extra::default()));
            request.transpose().map_err(request::unmade)?
        };
        if let Some(request) = request {
            return request::safe(request, &State::Probe(state));
        }
        state.known.kept.insert(step.name().to_owned(), Value::Null);
        state.before = Some(index.saturating_add(1));
    }
    search(context, plan, state, &ground)
}

/// Sends the search for a page.
fn search(
    context: &Context<'_>,
    plan: &ProbePlan<'_>,
    state: state::Probe,
    ground: &Ground<'_>,
) -> Result<Step, Failure> {
    let cursor = state.search.cursor.as_ref();
    let place: Place = context.common.lists.parameters.unwrap_or_default();
    let mut parameters: Vec<(String, Json<'static>)> =
        plan.pager.parameter(cursor)?.into_iter().collect();
    if let Some(size) = page_size(context, plan) {
        let name = context.common.lists.size.clone().unwrap_or_default();
        parameters.push((name, Json::number(u64::from(size))));
    }
    let mut request = {
        let values = Values::of(&state.known);
        let sent = first_sent(&state);
        let mut names = values.names(ground);
        names.push(("first_sent_ms", &sent));
        let scope = Scope { shared: &names, own: &[] };
        plan.request.request(scope, Extra { place, parameters }).map_err(request::unmade)?
    };
    if let Some(Cursor::Url(url)) = cursor {
        request.target = Target::Link(url.clone());
    }
    request::safe(request, &State::Probe(state))
}

/// The rows that a page of the search requests, where their number shows the end.
fn page_size(context: &Context<'_>, plan: &ProbePlan<'_>) -> Option<u32> {
    let lists = &context.common.lists;
    let has_size = lists.size.as_ref().is_some_and(|name| !name.is_empty());
    (plan.pager.counts() && has_size).then(|| lists.page_max.unwrap_or(manifest::PAGE_MAX))
}

fn first_sent(state: &state::Probe) -> Json<'static> {
    state.first_sent_ms.map(Json::number).unwrap_or_default()
}

/// Compares the rows of a page.
fn page(
    context: &Context<'_>,
    rule: &Rule,
    plan: &ProbePlan<'_>,
    mut state: state::Probe,
    ground: &Ground<'_>,
    response: &Response,
) -> Result<Step, Failure> {
    let lists = &context.common.lists;
    let path = rule.rows.as_deref().or(lists.rows.as_deref()).unwrap_or_default();
    let envelope = Envelope::of(&response.body, path);
    let reply = envelope.as_ref().map(|envelope| envelope.reply.clone()).unwrap_or_default();
    let answer = Answer::with(response, reply);
    let next = {
        let values = Values::of(&state.known);
        let sent = first_sent(&state);
        let mut names = values.names(ground);
        names.push(("first_sent_ms", &sent));
        match plan.outcomes.read(&answer, &names, None, plan.kind)? {
            Meaning::Failure { failure: Failure::NotFound(_) | Failure::Gone(_), .. } => {
                return conclude(rule, state);
            }
            Meaning::Ok if envelope.is_none() && !answer.is_empty => return Err(no_json(response)),
            meaning => accepted(meaning)?,
        }
        // `absent` makes the write go out, so it needs a list, or a record, that is there.
        let is_rows =
            |rows: &&str| rows.starts_with(['[', '{']) || (!path.is_empty() && *rows == "null");
        let text = match envelope {
            None => "null",
            Some(envelope) => envelope
                .rows
                .filter(is_rows)
                .ok_or_else(|| Failure::Protocol("the answer to the search has no rows".into()))?,
        };
        let found = Json::parse(text)
            .map_err(|_| Failure::Protocol("the rows are no JSON that can be kept".into()))?;
        let rows = match &found {
            Json::List(rows) => rows.as_slice(),
            Json::Absent | Json::Null => &[],
            one => std::slice::from_ref(one),
        };
        for row in rows {
            compare(plan, row, &names, &answer, &mut state.search);
        }
        plan.pager.next(
            state.search.cursor.as_ref(),
            rows.len(),
            page_size(context, plan),
            &answer,
            response,
            &names,
        )?
    };
    state.search.pages = state.search.pages.saturating_add(1);
    let pages_max = rule.pages_max.unwrap_or(PAGES_MAX);
    match next {
        // What carries the mark needs no further search.
        Some(_) if state.search.marked.is_empty() && state.search.pages >= pages_max => {
            done(Probed::Blind(format!("the search has more than {pages_max} pages")))
        }
        Some(next) if state.search.marked.is_empty() => {
            state.search.cursor = Some(next);
            search(context, plan, state, ground)
        }
        _ => conclude(rule, state),
    }
}

/// Compares one row.
fn compare(
    plan: &ProbePlan<'_>,
    row: &Json<'_>,
    shared: &[(&str, &Json<'_>)],
    answer: &Answer<'_>,
    search: &mut Search,
) {
    let [reply, status, headers] = answer.names();
    let own = [reply, status, headers, ("row", row)];
    let scope = Scope { shared, own: &own };
    let read = || {
        let is_marked = plan.marked.as_ref().map_or(Ok(false), |marked| marked.is_true(scope))?;
        if !is_marked {
            if let Some(path) = plan.needs.iter().find(|path| is_absent(path, scope)) {
                return Err(Fault(format!("the row has no `{}`", path.join("."))));
            }
            if !plan.matches.is_true(scope)? {
                return Ok(None);
            }
        }
        let mut made = Vec::new();
        for link in &plan.links {
            made.extend(link.read(scope)?);
        }
        Ok::<_, Fault>(Some((is_marked, made)))
    };
    match read() {
        Ok(None) => {}
        Ok(Some((is_marked, made))) => {
            let list = if is_marked { &mut search.marked } else { &mut search.matched };
            if list.len() < MATCHES_MAX {
                list.push(made);
            }
        }
        Err(_) => search.unsure = search.unsure.saturating_add(1),
    }
}

fn conclude(rule: &Rule, state: state::Probe) -> Result<Step, Failure> {
    let Search { marked, matched, unsure, .. } = state.search;
    let target = state.known.target.as_ref();
    let certainty = match (marked.is_empty(), rule.certainty) {
        (false, _) | (true, ProbeCertainty::Marked) => Certainty::Marked,
        (true, ProbeCertainty::Matched) => Certainty::Matched,
    };
    let mut found = if marked.is_empty() { matched } else { marked };
    // One record that several rows show is one.
    found.sort_unstable();
    found.dedup();
    let has_links = !rule.links.is_empty();
    match found.len() {
        0 if unsure > 0 => Err(Failure::Protocol(format!(
            "{unsure} rows of the search cannot be compared with what was written"
        ))),
        0 => done(Probed::Absent(rule.visible_within_ms)),
        // One that names no records shows whether the target was changed.
        _ if !has_links => {
            let links = subject(target).into_iter().collect();
            done(Probed::Found(Found { links, certainty }))
        }
        1 => {
            done(Probed::Found(Found { links: links(found.pop().unwrap_or_default()), certainty }))
        }
        _ => {
            let subjects = found.into_iter().filter_map(|made| made.into_iter().next());
            done(Probed::Ambiguous(subjects.map(|(_, of): (String, RemoteRef)| of).collect()))
        }
    }
}

fn done(probed: Probed) -> Result<Step, Failure> {
    Ok(Step::Done(Outcome::Probed(probed)))
}

/// A probe, compiled.
#[derive(Debug)]
struct ProbePlan<'e> {
    kind: &'e str,
    before: Vec<StepPlan<'e>>,
    refuse: Refusals<'e>,
    request: Plan<'e>,
    outcomes: Table<'e>,
    pager: Pager<'e>,
    matches: Compiled<'e>,
    needs: Vec<Vec<String>>,
    marked: Option<Compiled<'e>>,
    links: Vec<LinkPlan<'e>>,
}

impl<'e> ProbePlan<'e> {
    fn of(name: &'e str, rule: &'e Rule, context: &'e Context<'_>) -> Result<Self, Failure> {
        let engine = &context.engine;
        let kind = name.split('.').next().unwrap_or(name);
        let paging = manifest::paging(rule.paging.as_ref(), context.common.lists.paging.as_ref());
        let before: Vec<StepPlan<'e>> =
            rule.before.iter().map(|step| StepPlan::of(step, context)).collect::<Result<_, _>>()?;
        Ok(Self {
            kind,
            refuse: Refusals::of(&rule.refuse, &before, context)?,
            before,
            request: Plan::of(&rule.request, context)?,
            outcomes: Table::of(&rule.outcomes, context)?,
            pager: Pager::of(paging, engine)?,
            matches: engine.compile(rule.matches.text()).map_err(mistake)?,
            needs: dotted(&rule.needs),
            marked: optional(rule.marked.as_ref(), engine).map_err(mistake)?,
            links: rule
                .links
                .iter()
                .map(|link| LinkPlan::of(link, kind, context))
                .collect::<Result<_, _>>()?,
        })
    }

    fn reads(&self) -> Vec<Vec<String>> {
        let mut reads: Vec<Vec<String>> = Vec::new();
        let mut add = |expression: &Compiled<'_>| {
            reads.extend(expression.reads().into_iter().map(std::borrow::Cow::into_owned));
        };
        self.before.iter().for_each(|step| step.each(&mut add));
        self.refuse.each_late(&mut add);
        self.request.each(&mut add);
        add(&self.matches);
        self.marked.iter().for_each(&mut add);
        self.links.iter().for_each(|link| link.each(&mut add));
        // The conditions of outcomes may read the input, too; they read the answer as a rule, so
        // none of them keeps a member.
        reads
    }
}
