//! The mistakes of operations.

use super::names::{Names, near};
use super::{ANSWER, Check, Place, SHARED, below};
use crate::description::{Link, Operation, Probe, Refusal, Step};
use crate::manifest::setting;
use atsync_model::input::{self, ADDED, INPUTS};
use atsync_model::manifest::EffectClass;
use atsync_model::shape;

/// The names that an operation's expressions have.
const NAMES: &[&str] = &["input", "target", "observed"];
/// The names that a step cannot take.
const TAKEN: &[&str] = &[
    "settings",
    "tenant",
    "mark",
    "now_ms",
    "input",
    "target",
    "observed",
    "reply",
    "status",
    "headers",
    "row",
    "sent",
    "first_sent_ms",
];

impl Check<'_> {
    pub(super) fn operation(&mut self, at: &str, name: &str, operation: &Operation) {
        let Some(inputs) = input::of(name) else {
            let hint = near(name, INPUTS.iter().map(|(known, _)| *known));
            self.mistake(at, format!("no plan names the operation `{name}`{hint}"));
            return;
        };
        let kind = name.split('.').next().unwrap_or(name);
        self.known_kind(at, kind);
        for (index, id) in operation.permissions.iter().enumerate() {
            self.permission(&format!("{at}/permissions/{index}"), id);
        }
        for field in operation.fields.keys() {
            if !inputs.contains(&field.as_str()) && !ADDED.contains(&field.as_str()) {
                let hint = near(field, inputs.iter().copied());
                let place = below(&below(at, "fields"), field);
                self.mistake(&place, format!("the input of {name} has no member `{field}`{hint}"));
            }
        }
        for (index, path) in operation.required.iter().enumerate() {
            let top = path.split('.').next().unwrap_or_default();
            if !operation.fields.contains_key(top) {
                let place = format!("{at}/required/{index}");
                self.mistake(&place, format!("`{top}` is none of its fields; list it there"));
            }
        }
        if let Some(name) = &operation.opt_in {
            let kind = setting(self.description, name).map(|schema| schema.get("type"));
            if kind.is_none_or(|kind| kind.and_then(|kind| kind.as_str()) != Some("boolean")) {
                let message = format!("`{name}` is no setting of `type: boolean`");
                self.mistake(&below(at, "opt_in"), message);
            }
        }
        if operation.class == EffectClass::Probeable && operation.probe.is_none() {
            self.mistake(at, "a `probeable` operation needs a `probe`");
        }
        if operation.class == EffectClass::Unsafe && operation.probe.is_some() {
            self.mistake(&below(at, "probe"), "no probe of an `unsafe` operation can be trusted");
        }
        if operation.request.method == crate::description::Method::Get {
            self.mistake(&below(at, "request"), "a GET changes nothing; name another method");
        }
        if name.ends_with(".create") && operation.links.is_empty() {
            self.mistake(at, "a create names what it made; add `links`");
        }
        let refused = operation.refused.as_ref().unwrap_or(&self.description.refused);
        if let Some(status) = refused.iter().find(|status| !(400..500).contains(*status)) {
            let message = format!("{status}: only a 4xx proves that nothing was changed");
            self.mistake(&below(at, "refused"), message);
        }
        for (index, kind) in operation.materialises.iter().flatten().enumerate() {
            self.known_kind(&format!("{at}/materialises/{index}"), kind);
        }
        self.write(at, kind, operation);
        if let Some(probe) = &operation.probe {
            self.probe(&below(at, "probe"), kind, probe, operation);
        }
        for field in operation.guards.keys() {
            let top = field.split('.').next().unwrap_or_default();
            if shape::shape(kind, top).is_none() {
                let hint =
                    near(top, shape::fields(kind).into_iter().flatten().map(|(known, _)| *known));
                let place = below(&below(at, "guards"), field);
                self.mistake(&place, format!("{kind} have no field `{top}`{hint}"));
            }
        }
    }

    fn write(&mut self, at: &str, kind: &str, operation: &Operation) {
        let mut names = Names::of(&[SHARED, NAMES]);
        self.steps(&below(at, "before"), &operation.before, &mut names);
        self.refusals(at, &operation.refuse, &names);
        self.optional(&below(at, "conflict"), operation.conflict.as_ref(), &names);
        self.optional(&below(at, "unneeded"), operation.unneeded.as_ref(), &names);
        for (field, shown) in &operation.guards {
            self.expression(&below(&below(at, "guards"), field), shown, &names);
        }
        self.request(&below(at, "request"), &operation.request, &names, false);
        let mut answer = names.clone();
        for name in ANSWER {
            answer = answer.with(name);
        }
        self.outcomes(&below(at, "outcomes"), &operation.outcomes, &answer, Place::Write);
        if let Some(keep) = &operation.keep {
            self.mapping(&below(at, "keep"), keep, &answer);
            names = names.with("sent");
            answer = answer.with("sent");
        }
        self.steps(&below(at, "after"), &operation.after, &mut names);
        for step in &operation.after {
            answer = answer.with(&step.name);
        }
        self.links(&below(at, "links"), kind, &operation.links, &answer);
        self.optional(&below(at, "deduplicated"), operation.deduplicated.as_ref(), &answer);
        for (index, warning) in operation.warnings.iter().enumerate() {
            self.expression(&format!("{at}/warnings/{index}"), warning, &answer);
        }
    }

    /// Refusals of a write or a probe, which read what the steps before kept, too.
    fn refusals(&mut self, at: &str, rules: &[Refusal], names: &Names) {
        for (index, rule) in rules.iter().enumerate() {
            self.expression(&format!("{at}/refuse/{index}/when"), &rule.when, names);
        }
    }

    /// Steps in their order: each reads what those before it kept.
    fn steps(&mut self, at: &str, steps: &[Step], names: &mut Names) {
        for (index, step) in steps.iter().enumerate() {
            let at = format!("{at}/{index}");
            if TAKEN.contains(&step.name.as_str()) || names.has(&step.name) {
                self.mistake(&below(&at, "name"), format!("the name `{}` is taken", step.name));
            }
            self.optional(&below(&at, "when"), step.when.as_ref(), names);
            self.request(&below(&at, "request"), &step.request, names, true);
            let mut answer = names.clone();
            for name in ANSWER {
                answer = answer.with(name);
            }
            self.outcomes(&below(&at, "outcomes"), &step.outcomes, &answer, Place::Read);
            self.mapping(&below(&at, "keep"), &step.keep, &answer);
            *names = names.with(&step.name);
        }
    }

    fn links(&mut self, at: &str, kind: &str, links: &[Link], names: &Names) {
        for (index, link) in links.iter().enumerate() {
            let at = format!("{at}/{index}");
            let usual = if link.role == "subject" { kind } else { &link.role };
            self.known_kind(&at, link.kind.as_deref().unwrap_or(usual));
            self.expression(&below(&at, "id"), &link.id, names);
            self.optional(&below(&at, "when"), link.when.as_ref(), names);
        }
    }

    fn probe(&mut self, at: &str, kind: &str, probe: &Probe, operation: &Operation) {
        let mut names = Names::of(&[SHARED, NAMES, &["first_sent_ms"]]);
        for (index, need) in probe.needs.iter().enumerate() {
            if need.split('.').next() != Some("row") {
                self.mistake(&format!("{at}/needs/{index}"), "a path begins with `row`");
            }
        }
        self.steps(&below(at, "before"), &probe.before, &mut names);
        self.refusals(at, &probe.refuse, &names);
        self.request(&below(at, "request"), &probe.request, &names, true);
        let mut answer = names.clone();
        for name in ANSWER.iter().chain(&["count", "size", "page", "offset"]) {
            answer = answer.with(name);
        }
        self.outcomes(&below(at, "outcomes"), &probe.outcomes, &answer, Place::Read);
        self.paging(&below(at, "paging"), probe.paging.as_ref(), &answer);
        let row = answer.with("row");
        self.expression(&below(at, "match"), &probe.matches, &row);
        self.optional(&below(at, "marked"), probe.marked.as_ref(), &row);
        self.links(&below(at, "links"), kind, &probe.links, &row);
        if probe.links.is_empty() != operation.links.is_empty() {
            self.mistake(
                at,
                "the probe finds the records that the operation makes; both have `links`, or none",
            );
        }
    }
}
