//! The write task: reads before, refusals, the one changing request, reads after, and the records
//! that were made.
//!
//! A fault before the changing request ends the task as a failure: nothing was sent. After it, a
//! fault leaves the write in doubt (`unclear`), and a probe settles it.

use super::answer::{Answer, Meaning, Table, accepted, optional};
use super::ground::Ground;
use super::refuse::{Refusals, When};
use super::request::{self, Extra, Plan};
use super::scan::reference;
use super::state::{self, At, Known, State};
use super::{Context, lacking, mistake};
use crate::description::{Link as LinkRule, Operation, OutcomeRule, Refusal, Step as StepRule};
use crate::expression::{Compiled, Fault, Scope};
use crate::json::Json;
use crate::shape::is_id;
use crate::template::Made;
use atsync_adapter::contract::{
    Applied, Effect, Failure, FieldError, Given, Link, Outcome, RemoteRef, Response, Step, Write,
    Written,
};
use atsync_model::normal;
use serde_json::Value;
use std::collections::BTreeMap;

/// Begins a write.
pub(crate) fn start(context: &Context<'_>, task: Write, given: &Given) -> Result<Step, Failure> {
    let name = task.operation.name.clone();
    let operation = context.baked.operation(&name)?;
    let plan = OperationPlan::of(&name, &operation, context)?;
    let input: Value = json(&task.operation.input)?;
    let observed = task.observed.as_deref().map(json).transpose()?.unwrap_or_default();
    let mut known = Known {
        operation: name.clone(),
        target: task.operation.target,
        input,
        observed,
        kept: BTreeMap::new(),
    };
    {
        let ground = ground(context, given, &name)?;
        let values = Values::of(&known);
        let names = values.names(&ground);
        plan.refused(When::Early, Scope { shared: &names, own: &[] })?;
    }
    let all = plan.reads(false);
    known.prune(&all, !operation.guards.is_empty());
    advance(context, &plan, known, given, 0)
}

/// Continues a write.
pub(crate) fn resume(
    context: &Context<'_>,
    state: state::Write,
    given: &Given,
    response: &Response,
) -> Result<Step, Failure> {
    let state::Write { mut known, at } = state;
    let operation = context.baked.operation(&known.operation)?;
    let name = known.operation.clone();
    let plan = OperationPlan::of(&name, &operation, context)?;
    let ground = ground(context, given, &name)?;
    let answer = Answer::of(response);
    match at {
        At::Before(index) => {
            let step = plan.before.get(index).ok_or_else(lost)?;
            step.keep(&answer, &ground, &mut known, plan.permission(), plan.kind)?;
            advance(context, &plan, known, given, index.saturating_add(1))
        }
        At::Sent => sent(&operation, &plan, known, &ground, context, &answer),
        At::After(index) => {
            let step = plan.after.get(index).ok_or_else(lost)?;
            if let Err(failure) =
                step.keep(&answer, &ground, &mut known, plan.permission(), plan.kind)
            {
                return unclear(format!(
                    "it was accepted, and the read after it failed: {failure}"
                ));
            }
            after(&plan, known, &ground, index.saturating_add(1), &answer)
        }
    }
}

fn lost() -> Failure {
    Failure::Bug("a continuation of another description".into())
}

pub(crate) fn json(text: &str) -> Result<Value, Failure> {
    serde_json::from_str(text)
        .map_err(|error| Failure::Bug(format!("the engine gave no JSON: {error}")))
}

pub(crate) fn ground<'g>(
    context: &Context<'_>,
    given: &'g Given,
    operation: &str,
) -> Result<Ground<'g>, Failure> {
    let names = [format!("operation/{operation}"), "common".to_owned()];
    let texts = names.map(|name| context.baked.text(&name).unwrap_or_default());
    Ground::of(given, &texts)
}

/// Sends the next read before the write, or decides and sends the write.
fn advance(
    context: &Context<'_>,
    plan: &OperationPlan<'_>,
    mut known: Known,
    given: &Given,
    mut index: usize,
) -> Result<Step, Failure> {
    let ground = ground(context, given, &known.operation)?;
    while let Some(step) = plan.before.get(index) {
        let request = {
            let values = Values::of(&known);
            let names = values.names(&ground);
            let scope = Scope { shared: &names, own: &[] };
            if step.is_wanted(scope).map_err(lacking)? {
                Some(step.request.request(scope, Extra::default()).map_err(request::unmade)?)
            } else {
                None
            }
        };
        if let Some(request) = request {
            let state = state::Write { known, at: At::Before(index) };
            return request::safe(request, &State::Write(state));
        }
        known.kept.insert(step.name.to_owned(), Value::Null);
        index = index.saturating_add(1);
    }
    let request = {
        let values = Values::of(&known);
        let names = values.names(&ground);
        let scope = Scope { shared: &names, own: &[] };
        if let Some(step) = plan.decide(&known, scope)? {
            return Ok(step);
        }
        plan.request.request(scope, Extra::default()).map_err(request::unmade)?
    };
    let late = plan.reads(true);
    known.prune(&late, false);
    let state = state::Write { known, at: At::Sent };
    request::send(request, &State::Write(state), Effect::Unsafe)
}

/// Reads the answer of the changing request.
fn sent(
    operation: &Operation,
    plan: &OperationPlan<'_>,
    mut known: Known,
    ground: &Ground<'_>,
    context: &Context<'_>,
    answer: &Answer<'_>,
) -> Result<Step, Failure> {
    let refused = operation.refused.as_ref().unwrap_or(&context.common.refused);
    let meaning = {
        let values = Values::of(&known);
        let names = values.names(ground);
        match plan.outcomes.read(answer, &names, plan.permission(), plan.kind) {
            Ok(meaning) => meaning,
            Err(failure) => return unclear(format!("the answer cannot be read: {failure}")),
        }
    };
    match meaning {
        Meaning::Ok => {}
        Meaning::Pending(text) => return written(Written::Pending(text)),
        Meaning::Unclear(text) | Meaning::Verdict(_, text) => return unclear(text),
        Meaning::Failure { failure, is_ruled } => {
            return if is_ruled || refused.contains(&answer.status) {
                written(Written::Refused(failure))
            } else {
                unclear(failure.to_string())
            };
        }
    }
    if let Some(keep) = &plan.keep {
        match keep_of(keep, answer, ground, &known) {
            Ok(value) => {
                known.kept.insert("sent".to_owned(), value);
            }
            Err(failure) => {
                return unclear(format!("it was accepted, and not as described: {failure}"));
            }
        }
    }
    after(plan, known, ground, 0, answer)
}

/// Sends the next read after the write, or ends it.
fn after(
    plan: &OperationPlan<'_>,
    mut known: Known,
    ground: &Ground<'_>,
    mut index: usize,
    answer: &Answer<'_>,
) -> Result<Step, Failure> {
    while let Some(step) = plan.after.get(index) {
        let request = {
            let values = Values::of(&known);
            let names = values.names(ground);
            let scope = Scope { shared: &names, own: &[] };
            let wanted = step.is_wanted(scope);
            wanted.and_then(|is_wanted| {
                is_wanted.then(|| step.request.request(scope, Extra::default())).transpose()
            })
        };
        match request {
            Ok(Some(request)) => {
                let state = state::Write { known, at: At::After(index) };
                return request::safe(request, &State::Write(state));
            }
            Ok(None) => {}
            Err(fault) => {
                return unclear(format!("it was accepted, and cannot be read back: {fault}"));
            }
        }
        known.kept.insert(step.name.to_owned(), Value::Null);
        index = index.saturating_add(1);
    }
    let values = Values::of(&known);
    let names = values.names(ground);
    let own = answer.names();
    let scope = Scope { shared: &names, own: &own };
    match plan.applied(scope, known.target.as_ref()) {
        Ok(applied) => written(Written::Applied(applied)),
        Err(fault) => {
            unclear(format!("it was accepted, and the answer lacks what it made: {fault}"))
        }
    }
}

fn written(written: Written) -> Result<Step, Failure> {
    Ok(Step::Done(Outcome::Written(written)))
}

fn unclear(text: String) -> Result<Step, Failure> {
    written(Written::Unclear(text))
}

/// What is kept of an answer.
fn keep_of(
    keep: &Made<'_>,
    answer: &Answer<'_>,
    ground: &Ground<'_>,
    known: &Known,
) -> Result<Value, Failure> {
    let values = Values::of(known);
    let names = values.names(ground);
    let own = answer.names();
    let value = keep.value(Scope { shared: &names, own: &own }).map_err(lacking)?;
    serde_json::to_value(&*value).map_err(|_| Failure::Bug("what is kept is no JSON".into()))
}

/// The values of what is known, as expressions read them.
#[derive(Debug)]
pub(crate) struct Values<'k> {
    input: Json<'static>,
    observed: Json<'static>,
    target: Json<'static>,
    kept: Vec<(&'k str, Json<'static>)>,
}

impl<'k> Values<'k> {
    pub(crate) fn of(known: &'k Known) -> Self {
        Self {
            input: Json::from(&known.input),
            observed: Json::from(&known.observed),
            target: known.target.as_ref().map(reference).unwrap_or_default(),
            kept: known
                .kept
                .iter()
                .map(|(name, value)| (name.as_str(), Json::from(value)))
                .collect(),
        }
    }

    pub(crate) fn names<'s, 'g: 's>(
        &'s self,
        ground: &'s Ground<'g>,
    ) -> Vec<(&'s str, &'s Json<'g>)> {
        let mut names = ground.names();
        names.push(("input", &self.input));
        names.push(("observed", &self.observed));
        names.push(("target", &self.target));
        names.extend(self.kept.iter().map(|(name, value)| (*name, value)));
        names
    }
}

impl Known {
    /// Leaves out the members that no expression reads.
    pub(crate) fn prune(&mut self, reads: &[Vec<String>], seen: bool) {
        for (root, value) in [("input", &mut self.input), ("observed", &mut self.observed)] {
            let of_root: Vec<&Vec<String>> = reads
                .iter()
                .filter(|read| read.first().is_some_and(|first| first == root))
                .collect();
            if of_root.iter().any(|read| read.len() == 1) {
                continue;
            }
            if let Value::Object(members) = value {
                members.retain(|name, _| {
                    (seen && name == "seen") || of_root.iter().any(|read| read.get(1) == Some(name))
                });
            }
        }
    }
}

/// A step whose parts are compiled.
#[derive(Debug)]
pub(crate) struct StepPlan<'e> {
    name: &'e str,
    when: Option<Compiled<'e>>,
    pub(crate) request: Plan<'e>,
    outcomes: Table<'e>,
    keep: Made<'e>,
    /// What is kept comes from the body.
    reads_body: bool,
}

impl<'e> StepPlan<'e> {
    pub(crate) fn of(step: &'e StepRule, context: &'e Context<'_>) -> Result<Self, Failure> {
        let keep = Made::mapping(&step.keep, &context.engine).map_err(mistake)?;
        let mut reads_body = false;
        keep.each(&mut |expression| {
            let reads = expression.reads();
            reads_body |= reads.iter().any(|path| path.first().is_some_and(|name| name == "reply"));
        });
        Ok(Self {
            name: &step.name,
            when: optional(step.when.as_ref(), &context.engine).map_err(mistake)?,
            request: Plan::of(&step.request, context)?,
            outcomes: Table::of(&step.outcomes, context)?,
            keep,
            reads_body,
        })
    }

    pub(crate) fn name(&self) -> &str {
        self.name
    }

    pub(crate) fn is_wanted(&self, scope: Scope<'_, '_>) -> Result<bool, Fault> {
        self.when.as_ref().map_or(Ok(true), |when| when.is_true(scope))
    }

    /// Keeps what it keeps of its answer.
    pub(crate) fn keep(
        &self,
        answer: &Answer<'_>,
        ground: &Ground<'_>,
        known: &mut Known,
        permission: Option<&str>,
        kind: &str,
    ) -> Result<(), Failure> {
        let meaning = {
            let values = Values::of(known);
            let names = values.names(ground);
            self.outcomes.read(answer, &names, permission, kind)?
        };
        accepted(meaning)?;
        if self.reads_body && answer.is_unreadable() {
            let text = format!("the answer to the read `{}` is no JSON", self.name);
            return Err(Failure::Protocol(text));
        }
        let value = keep_of(&self.keep, answer, ground, known)?;
        known.kept.insert(self.name.to_owned(), value);
        Ok(())
    }

    pub(crate) fn each<'p>(&'p self, visit: &mut dyn FnMut(&'p Compiled<'e>)) {
        self.when.iter().for_each(&mut *visit);
        self.request.each(visit);
        self.keep.each(visit);
    }
}

/// The records that an operation makes, compiled.
#[derive(Debug)]
pub(crate) struct LinkPlan<'e> {
    role: &'e str,
    kind: &'e str,
    id: Compiled<'e>,
    when: Option<Compiled<'e>>,
}

impl<'e> LinkPlan<'e> {
    pub(crate) fn of(
        link: &'e LinkRule,
        kind: &'e str,
        context: &'e Context<'_>,
    ) -> Result<Self, Failure> {
        let usual = if link.role == "subject" { kind } else { &link.role };
        Ok(Self {
            role: &link.role,
            kind: link.kind.as_deref().unwrap_or(usual),
            id: context.engine.compile(link.id.text()).map_err(mistake)?,
            when: optional(link.when.as_ref(), &context.engine).map_err(mistake)?,
        })
    }

    /// The record, where it was made.
    pub(crate) fn read(&self, scope: Scope<'_, '_>) -> Result<Option<(String, RemoteRef)>, Fault> {
        if !self.when.as_ref().map_or(Ok(true), |when| when.is_true(scope))? {
            return Ok(None);
        }
        let id = self.id.id(scope)?;
        let id = id
            .scalar()
            .filter(|id| is_id(id))
            .ok_or_else(|| Fault(format!("`{}` is {} and no id", self.id.text(), id.shape())))?;
        Ok(Some((self.role.to_owned(), RemoteRef::new(self.kind, id))))
    }

    pub(crate) fn each<'p>(&'p self, visit: &mut dyn FnMut(&'p Compiled<'e>)) {
        visit(&self.id);
        self.when.iter().for_each(visit);
    }
}

/// The links of records.
pub(crate) fn links(found: Vec<(String, RemoteRef)>) -> Vec<Link> {
    found.into_iter().map(|(role, of)| Link { role, kind: of.kind, id: of.id }).collect()
}

/// The target of a change, which is what it touched where the description names nothing else.
pub(crate) fn subject(target: Option<&RemoteRef>) -> Option<Link> {
    let of = target?;
    Some(Link { role: "subject".to_owned(), kind: of.kind.clone(), id: of.id.clone() })
}

/// An operation, compiled.
#[derive(Debug)]
struct OperationPlan<'e> {
    kind: &'e str,
    permission: Option<&'e str>,
    before: Vec<StepPlan<'e>>,
    refuse: Refusals<'e>,
    conflict: Option<Compiled<'e>>,
    guards: Vec<(&'e str, Compiled<'e>)>,
    unneeded: Option<Compiled<'e>>,
    request: Plan<'e>,
    outcomes: Table<'e>,
    keep: Option<Made<'e>>,
    after: Vec<StepPlan<'e>>,
    links: Vec<LinkPlan<'e>>,
    deduplicated: Option<Compiled<'e>>,
    warnings: Vec<Compiled<'e>>,
    rules: &'e [OutcomeRule],
    context: &'e Context<'e>,
}

impl<'e> OperationPlan<'e> {
    fn of(
        name: &'e str,
        operation: &'e Operation,
        context: &'e Context<'e>,
    ) -> Result<Self, Failure> {
        let engine = &context.engine;
        let compile = |expression: &crate::description::Expr| {
            engine.compile(expression.text()).map_err(mistake)
        };
        let steps = |steps: &'e [StepRule]| {
            steps
                .iter()
                .map(|step| StepPlan::of(step, context))
                .collect::<Result<Vec<_>, Failure>>()
        };
        let kind = name.split('.').next().unwrap_or(name);
        let keep = operation.keep.as_ref();
        let before = steps(&operation.before)?;
        Ok(Self {
            kind,
            permission: operation.permissions.first().map(String::as_str),
            refuse: Refusals::of(&operation.refuse, &before, context)?,
            before,
            conflict: optional(operation.conflict.as_ref(), engine).map_err(mistake)?,
            guards: operation
                .guards
                .iter()
                .map(|(field, shown)| Ok((field.as_str(), compile(shown)?)))
                .collect::<Result<_, Failure>>()?,
            unneeded: optional(operation.unneeded.as_ref(), engine).map_err(mistake)?,
            request: Plan::of(&operation.request, context)?,
            outcomes: Table::of(&operation.outcomes, context)?,
            keep: keep.map(|keep| Made::mapping(keep, engine).map_err(mistake)).transpose()?,
            after: steps(&operation.after)?,
            links: operation
                .links
                .iter()
                .map(|link| LinkPlan::of(link, kind, context))
                .collect::<Result<_, _>>()?,
            deduplicated: optional(operation.deduplicated.as_ref(), engine).map_err(mistake)?,
            warnings: operation.warnings.iter().map(compile).collect::<Result<_, _>>()?,
            rules: &operation.outcomes,
            context,
        })
    }

    fn permission(&self) -> Option<&str> {
        self.permission
    }

    /// The paths that its expressions read; `late`: only those after the changing request.
    fn reads(&self, late: bool) -> Vec<Vec<String>> {
        let mut reads: Vec<Vec<String>> = Vec::new();
        let mut add = |expression: &Compiled<'_>| {
            reads.extend(expression.reads().into_iter().map(std::borrow::Cow::into_owned));
        };
        if !late {
            self.before.iter().for_each(|step| step.each(&mut add));
            self.refuse.each_late(&mut add);
            self.conflict.iter().chain(&self.unneeded).for_each(&mut add);
            self.guards.iter().for_each(|(_, shown)| add(shown));
            self.request.each(&mut add);
        }
        self.after.iter().for_each(|step| step.each(&mut add));
        self.links.iter().for_each(|link| link.each(&mut add));
        self.keep.iter().for_each(|keep| keep.each(&mut add));
        self.deduplicated.iter().chain(&self.warnings).for_each(&mut add);
        // The conditions of outcomes, too.
        for rule in self.rules.iter().chain(&self.context.common.outcomes) {
            let expressions = [&rule.when, &rule.message, &rule.field, &rule.wait_ms, &rule.id];
            for expression in expressions.into_iter().flatten() {
                if let Ok(compiled) = self.context.engine.compile(expression.text()) {
                    add(&compiled);
                }
            }
        }
        reads
    }

    /// Refuses the write by the conditions that are decided now.
    fn refused(&self, now: When, scope: Scope<'_, '_>) -> Result<(), Failure> {
        self.refuse.first(now, scope)?.map_or(Ok(()), |rule| Err(refusal(rule)))
    }

    /// Refuses the write, or finds that there is nothing to do.
    fn decide(&self, known: &Known, scope: Scope<'_, '_>) -> Result<Option<Step>, Failure> {
        self.refused(When::Late, scope)?;
        let changed = |what: &str| {
            Failure::Conflict(format!(
                "{what} has changed since the plan was made, so it is not overwritten; the next \
                 plan decides"
            ))
        };
        if let Some(conflict) = &self.conflict
            && conflict.is_true(scope).map_err(lacking)?
        {
            return Err(changed("the record"));
        }
        if let Some(Value::Object(seen)) =
            known.input.get("seen").filter(|_| !self.guards.is_empty())
        {
            for (field, may_show) in seen {
                let Some((_, guard)) = self.guards.iter().find(|(name, _)| name == field) else {
                    return Err(Failure::Bug(format!(
                        "the description has no guard for `{field}`, which the plan protects"
                    )));
                };
                let shown = guard.eval(scope).map_err(lacking)?;
                if !shows(&shown, may_show) {
                    return Err(changed(&format!("`{field}`")));
                }
            }
        }
        if let Some(unneeded) = &self.unneeded
            && unneeded.is_true(scope).map_err(lacking)?
        {
            let links = subject(known.target.as_ref()).into_iter().collect();
            let applied = Applied { links, deduplicated: false, warnings: Vec::new() };
            return written(Written::Unneeded(applied)).map(Some);
        }
        Ok(None)
    }

    fn applied(&self, scope: Scope<'_, '_>, target: Option<&RemoteRef>) -> Result<Applied, Fault> {
        let mut found = Vec::new();
        for link in &self.links {
            found.extend(link.read(scope)?);
        }
        let mut links = links(found);
        if self.links.is_empty() {
            links.extend(subject(target));
        }
        let deduplicated = self.deduplicated.as_ref().map(|is| is.is_true(scope)).transpose()?;
        let mut warnings = Vec::new();
        for warning in &self.warnings {
            // A warning that cannot be made is none.
            let text = warning.eval(scope).ok().and_then(|text| text.scalar());
            warnings.extend(
                text.filter(|text| !text.is_empty()).map(|text| super::answer::clipped(&text)),
            );
        }
        Ok(Applied { links, deduplicated: deduplicated.unwrap_or_default(), warnings })
    }
}

/// The failure that a refusal is.
fn refusal(rule: &Refusal) -> Failure {
    let (field, message) = (rule.field.clone(), rule.message.clone());
    if rule.misconfigured {
        Failure::Misconfigured(message)
    } else {
        Failure::Invalid(vec![FieldError { field, message }])
    }
}

/// Whether a value is one of those that the plan allows, in the model's form of a text.
fn shows(shown: &Json<'_>, may_show: &Value) -> bool {
    let one;
    let all = match may_show {
        Value::Array(all) => all.as_slice(),
        other => {
            one = [other.clone()];
            one.as_slice()
        }
    };
    // A reference or a word is compared by what identifies it.
    let core = |value: &Json<'_>| match value {
        Json::Map(_) => ["id", "name", "value"]
            .iter()
            .map(|name| value.get(name).clone().into_owned())
            .find(|member| !member.is_empty())
            .unwrap_or_default(),
        other => other.clone().into_owned(),
    };
    let shown = core(shown);
    all.iter().map(Json::from).map(|seen| core(&seen)).any(|seen| {
        if shown.is_empty() || seen.is_empty() {
            return shown.is_empty() && seen.is_empty();
        }
        match (shown.as_text(), seen.as_text()) {
            (Some(shown), Some(seen)) => normal::text(shown) == normal::text(seen),
            _ => shown == seen,
        }
    })
}
