//! Operations: a function that writes and, for a create, one that finds out whether it happened.

use super::adapter::State;
use super::ats::{Kept, Why};
use super::{About, Ats, Id, Refusals, Stop, check};
use crate::contract::{
    self, Applied, Certainty, Failure, FieldError, Found, Given, Link, Mark, Outcome, Probed,
    RemoteRef, Response, Step, Written,
};
use crate::model::manifest::{EffectClass, FieldMode, SideEffectKind};
use crate::model::normal;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::panic::Location;

/// A function that writes: it returns what was applied. If it returns without [`Ats::send`], there
/// was nothing to do.
pub type Write = fn(&mut Ats<'_>, &Op<'_>) -> Result<Applied, Stop>;
/// A function that finds out whether a write happened.
pub type Probe = fn(&mut Ats<'_>, &Op<'_>) -> Result<Probed, Stop>;

/// An operation that the adapter can do.
#[derive(Clone, Copy, Debug)]
pub struct Operation {
    pub(crate) name: &'static str,
    pub(crate) class: EffectClass,
    pub(crate) members: &'static [(&'static str, FieldMode)],
    pub(crate) required: &'static [&'static str],
    pub(crate) refused: &'static [u16],
    pub(crate) materialises: &'static [&'static str],
    pub(crate) carries: &'static [(&'static str, &'static [&'static str])],
    pub(crate) permissions: &'static [&'static str],
    pub(crate) opt_in: Option<&'static str>,
    pub(crate) side_effects: &'static [(SideEffectKind, &'static str)],
    pub(crate) calls: u32,
    pub(crate) write: Write,
    pub(crate) probe: Option<Probe>,
    pub(crate) settle_ms: u64,
    pub(crate) at: &'static Location<'static>,
}

impl Operation {
    /// An operation `<kind>.<verb>` of `wit/operations.md`, how it behaves when it is sent again,
    /// and the function that writes it.
    #[track_caller]
    pub const fn new(name: &'static str, class: EffectClass, write: Write) -> Self {
        check::is_operation(name);
        Self {
            name,
            class,
            members: &[],
            required: &[],
            refused: &[],
            materialises: &[],
            carries: &[],
            permissions: &[],
            opt_in: None,
            side_effects: &[],
            calls: 1,
            write,
            probe: None,
            settle_ms: 0,
            at: Location::caller(),
        }
    }

    /// Lists the members of its input that it writes, and how.
    #[track_caller]
    pub const fn members(mut self, all: &'static [(&'static str, FieldMode)]) -> Self {
        check::are_members(self.name, all);
        self.members = all;
        self
    }

    /// Lists the members of its input that must be there, such as `name.first`.
    #[track_caller]
    pub const fn required(mut self, all: &'static [&'static str]) -> Self {
        check::are_required(self.name, all, self.members);
        self.required = all;
        self
    }

    /// Lists the statuses of an answer that mean: refused, nothing was changed. Any other leaves
    /// the write in doubt.
    #[track_caller]
    pub const fn refused(mut self, statuses: &'static [u16]) -> Self {
        check::are_refusals(self.name, statuses);
        self.refused = statuses;
        self
    }

    /// Lists the kinds of the records that one request makes, main one first; a create makes one of
    /// its own kind unless said.
    pub const fn makes(mut self, kinds: &'static [&'static str]) -> Self {
        self.materialises = kinds;
        self
    }

    /// Lists the kinds of the records that its input may include, to be created by the same
    /// request, each with the members of theirs that the request can take.
    pub const fn may_carry(
        mut self,
        kinds: &'static [(&'static str, &'static [&'static str])],
    ) -> Self {
        self.carries = kinds;
        self
    }

    /// Lists the permissions that it needs.
    pub const fn permissions(mut self, ids: &'static [&'static str]) -> Self {
        self.permissions = ids;
        self
    }

    /// The engine plans it only where this setting, a flag, is true.
    pub const fn opt_in(mut self, setting: &'static str) -> Self {
        self.opt_in = Some(setting);
        self
    }

    /// Lists what it sets off, with a sentence each for the plan.
    pub const fn side_effects(mut self, all: &'static [(SideEffectKind, &'static str)]) -> Self {
        self.side_effects = all;
        self
    }

    /// Sets how many requests it costs as a rule; 1 unless said.
    pub const fn calls(mut self, requests: u32) -> Self {
        self.calls = requests;
        self
    }

    /// Sets how the adapter finds out whether it happened, and how long a record that it made may
    /// take to show.
    pub const fn probe(mut self, probe: Probe, visible_within_ms: u64) -> Self {
        self.probe = Some(probe);
        self.settle_ms = visible_within_ms;
        self
    }

    /// The kind, which the name begins with.
    pub(crate) fn kind(&self) -> &'static str {
        self.name.split_once('.').map_or(self.name, |(kind, _)| kind)
    }

    fn permission(&self) -> &'static str {
        // Of several, the answer does not say which.
        match self.permissions {
            [one] => one,
            _ => "",
        }
    }
}

/// An operation that is carried out, with its arguments.
#[derive(Debug)]
pub struct Op<'a> {
    rule: &'a Operation,
    given: &'a Given,
    of: &'a Asked,
}

/// An operation, as a continuation holds it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Asked {
    name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    target: Option<RemoteRef>,
    /// As JSON.
    input: String,
    /// Absent for a write; of a probe, when the write was first sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    first_sent_ms: Option<u64>,
    is_probe: bool,
}

impl Asked {
    pub(crate) fn write(operation: contract::Operation) -> Self {
        let contract::Operation { name, target, input } = operation;
        Self { name, target, input, first_sent_ms: None, is_probe: false }
    }

    pub(crate) fn probe(task: contract::Probe) -> Self {
        let first_sent_ms = task.first_sent_ms;
        Self { first_sent_ms, is_probe: true, ..Self::write(task.operation) }
    }
}

impl Op<'_> {
    /// The operation's name.
    pub fn name(&self) -> &str {
        &self.of.name
    }

    /// The id of the record that is changed; empty for a create. Requests name it `{target}`.
    pub fn target(&self) -> &str {
        self.of.target.as_ref().map_or("", |target| target.id.as_str())
    }

    /// Reads the input.
    ///
    /// # Errors
    /// [`Failure::Invalid`] when it has another shape.
    pub fn input<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        serde_json::from_str(&self.of.input).map_err(|error| {
            let (field, message) = (String::new(), format!("the input cannot be read: {error}"));
            Failure::Invalid(vec![FieldError { field, message }])
        })
    }

    /// Ends a change with a conflict where the record, read right before it, shows another value
    /// than the plan allows (`seen`, which the operation must list): each field with what it shows,
    /// an id or a word.
    ///
    /// # Errors
    /// [`Failure::Conflict`]; [`Failure::Bug`] for a field that the plan protects and that is not
    /// among these.
    pub fn unchanged(&self, shown: &[(&str, Option<&str>)]) -> Result<(), Failure> {
        let input: Value = self.input()?;
        let Some(seen) = input.get("seen").and_then(Value::as_object) else { return Ok(()) };
        for (field, may_show) in seen {
            let Some((_, shown)) = shown.iter().find(|(name, _)| name == field) else {
                return Err(Failure::Bug(format!(
                    "{} does not read `{field}`, which the plan protects",
                    self.rule.name
                )));
            };
            if !shows(*shown, may_show) {
                return Err(Failure::Conflict(format!(
                    "`{field}` has changed since the plan was made, so it is not overwritten; the \
                     next plan decides"
                )));
            }
        }
        Ok(())
    }

    /// What a write stores so that a probe can recognise the record; none for the probe before a
    /// create.
    pub fn mark(&self) -> Option<&Mark> {
        self.given.mark.as_ref()
    }

    /// When the write was first sent; `None` for the probe before a create, and for a write.
    pub fn first_sent_ms(&self) -> Option<u64> {
        self.of.first_sent_ms
    }

    /// The write made a record of the operation's kind.
    pub fn made(&self, id: impl Into<String>) -> Applied {
        Applied { links: vec![self.subject(id)], deduplicated: false, warnings: Vec::new() }
    }

    /// The write changed its target, or found nothing to do.
    pub fn done(&self) -> Applied {
        let link = self.of.target.as_ref().map(|target| Link {
            role: "subject".into(),
            kind: target.kind.clone(),
            id: target.id.clone(),
        });
        Applied { links: link.into_iter().collect(), deduplicated: false, warnings: Vec::new() }
    }

    /// A record that the write made or touched beside the main one, for [`Applied::links`].
    pub fn link(&self, kind: &str, id: impl Into<String>) -> Link {
        Link { role: kind.to_owned(), kind: kind.to_owned(), id: id.into() }
    }

    fn subject(&self, id: impl Into<String>) -> Link {
        Link { role: "subject".into(), kind: self.rule.kind().into(), id: id.into() }
    }

    /// The result of a probe that compared content: none means absent, one found, several
    /// ambiguous.
    pub fn matched(&self, ids: Vec<Id>) -> Probed {
        let mut ids = ids;
        ids.dedup();
        let kind = self.rule.kind();
        match <[Id; 1]>::try_from(ids) {
            Ok([id]) => Probed::Found(Found {
                links: vec![self.subject(id)],
                certainty: Certainty::Matched,
            }),
            Err(ids) if ids.is_empty() => Probed::Absent(self.rule.settle_ms),
            Err(ids) => {
                Probed::Ambiguous(ids.into_iter().map(|id| RemoteRef::new(kind, id)).collect())
            }
        }
    }

    /// The result of a probe that found the mark, or a key that only this write can have made.
    pub fn marked(&self, id: impl Into<String>) -> Probed {
        Probed::Found(Found { links: vec![self.subject(id)], certainty: Certainty::Marked })
    }

    /// The result of a probe of a change: whether the target shows it.
    pub fn shown(&self, is_shown: bool) -> Probed {
        if !is_shown {
            return Probed::Absent(self.rule.settle_ms);
        }
        Probed::Found(Found { links: self.done().links, certainty: Certainty::Matched })
    }
}

/// Whether a value is one of those that the plan allows, each a text, a reference or a word.
fn shows(shown: Option<&str>, may_show: &Value) -> bool {
    let all = may_show.as_array().map_or(std::slice::from_ref(may_show), Vec::as_slice);
    let core = |value: &Value| {
        let members = ["id", "name", "value"].iter().find_map(|name| value.get(name)?.as_str());
        let text = value.as_str().or(members).filter(|text| !text.is_empty());
        text.map(normal::text)
    };
    let shown = shown.filter(|text| !text.is_empty()).map(normal::text);
    all.iter().any(|seen| core(seen) == shown)
}

/// Runs a write or a probe until its next request.
pub(crate) fn run(
    about: &About,
    of: Asked,
    kept: Kept,
    given: &Given,
    reply: Option<Response>,
    refusals: Refusals,
) -> Result<Step, Failure> {
    let rule = about.operation(&of.name)?;
    let mut ats = Ats {
        about,
        given,
        refusals,
        permission: rule.permission(),
        refused: (!of.is_probe).then_some(rule.refused),
        may_repeat: rule.class == EffectClass::Idempotent,
        kept,
        next: 0,
        reply,
    };
    let op = Op { rule, given, of: &of };
    let ended = if of.is_probe {
        match rule.probe {
            Some(probe) => probe(&mut ats, &op).map(Outcome::Probed),
            None => Ok(Outcome::Probed(Probed::Blind(format!("{} cannot be probed", rule.name)))),
        }
    } else {
        let applied = (rule.write)(&mut ats, &op);
        let has_sent = ats.has_sent();
        applied.map(|applied| {
            Outcome::Written(if has_sent {
                Written::Applied(applied)
            } else {
                Written::Unneeded(applied)
            })
        })
    };
    match ended {
        Ok(outcome) => Ok(Step::Done(outcome)),
        Err(Stop(why)) => {
            let target = of.target.as_ref().map_or("", |target| target.id.as_str()).to_owned();
            let is_ask = matches!(why, Why::Ask(..));
            let values = [("target", target.as_str())];
            let values = if is_ask && !target.is_empty() { &values[..] } else { &[] };
            ats.stop(why, values, |kept| State::Operation { of, kept })
        }
    }
}
