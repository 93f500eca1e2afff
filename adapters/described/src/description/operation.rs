//! Operations: what is read before a write, the one changing request, and how a probe finds out
//! whether it happened.

use super::{Expr, Mapping, OutcomeRule, Paging, Request};
use atsync_model::manifest::{Carry, EffectClass, FieldMode, SettingIs, SideEffect};
use serde::de::{Deserializer, Error, MapAccess, Visitor, value::MapAccessDeserializer};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// One operation. Its expressions read `input`, `target.id`, `observed`, `settings`, `tenant`,
/// `mark.text`, `mark.time_ms`, `now_ms`, and what steps before it kept, by their names.
///
/// A write runs `before`, then refuses (`refuse`, `conflict`, `guards`) or finds nothing to do
/// (`unneeded`), then sends `request`, which is the only one that may change anything, then runs
/// `after`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "host", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Operation {
    /// How it behaves when it is sent again.
    pub class: EffectClass,
    /// The permissions that it needs, ids of `permissions`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub permissions: Vec<String>,
    /// The members of its input and how each is written. `seen` is added where there are `guards`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub fields: BTreeMap<String, OperationField>,
    /// Members of the input that must be there, dotted one level deep at most: `name.first`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub required: Vec<String>,
    /// What its input may include, to be created by the same request.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub may_carry: Vec<Carry>,
    /// The kinds that one request creates, main one first. Left out: the operation's kind for a
    /// create, and none for any other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub materialises: Option<Vec<String>>,
    /// The statuses that mean: refused, nothing was changed. Left out: the description's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<Vec<u16>>,
    /// How long to wait before a probe can be trusted, in milliseconds.
    #[serde(default)]
    pub settle_window_ms: u64,
    /// Its side effects.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub side_effects: Vec<SideEffect>,
    /// A setting, a flag, that must be true before the engine plans it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opt_in: Option<String>,
    /// How many requests it costs as a rule. Left out: its steps, its request and its probe.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calls: Option<u32>,
    /// Requests before the changing one: a fresh read, a look-up of an id by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub before: Vec<Step>,
    /// What the adapter refuses by itself, before anything is changed; and before anything is sent,
    /// where the condition reads nothing that `before` keeps.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refuse: Vec<Refusal>,
    /// True: the record was changed after the plan, and nothing is written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conflict: Option<Expr>,
    /// The values that the fresh read shows, by the fields that `input.seen` can name. A field that
    /// shows another value than `input.seen` allows ends the write with `conflict`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub guards: BTreeMap<String, Expr>,
    /// True: the reads before show that there is nothing to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unneeded: Option<Expr>,
    /// The one request that changes the ATS.
    pub request: Request,
    /// What its answers mean.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outcomes: Vec<OutcomeRule>,
    /// What is kept of its answer for `after` and `links`, as `sent`: expressions over `reply` and
    /// `headers`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keep: Option<Mapping>,
    /// Requests after it: a read back. If one fails, the write is in doubt and a probe settles it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<Step>,
    /// The records that it made or touched: expressions over `reply` and `headers` too. Left out of
    /// a change: its target.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<Link>,
    /// True: the ATS returned an existing record instead of creating one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deduplicated: Option<Expr>,
    /// What the host should know although the write succeeded: each an expression that yields a
    /// text, or nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<Expr>,
    /// How to find out whether it happened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probe: Option<Probe>,
}

/// A request that changes nothing, and what is kept of its answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "host", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// The name by which later expressions read what it kept.
    pub name: String,
    /// Whether it is sent: an expression. Left out: always.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<Expr>,
    /// The request.
    pub request: Request,
    /// What answers mean.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outcomes: Vec<OutcomeRule>,
    /// What is kept of the answer: expressions over `reply` and `headers`. Keep little: it has to
    /// fit into 64 KiB with everything else that a task remembers.
    pub keep: Mapping,
}

/// A refusal by the adapter itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "host", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Refusal {
    /// When it is refused: an expression.
    pub when: Expr,
    /// The member of the input that is at fault.
    #[serde(default)]
    pub field: String,
    /// Why, for users.
    pub message: String,
    /// A setting of the connection is at fault, not the record.
    #[serde(default)]
    pub misconfigured: bool,
}

/// A record that a write made or touched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "host", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Link {
    /// `subject` for the main record (when left out), else a kind of `materialises`.
    #[serde(default = "subject")]
    pub role: String,
    /// Its kind. Left out: the operation's kind for the subject, and the role for any other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Its id: an expression.
    pub id: Expr,
    /// Whether it was made: an expression. Left out: always.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<Expr>,
}

/// How to find out whether an operation happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "host", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Probe {
    /// When nothing is searched, because the search could not decide: the probe is `blind`, or the
    /// setting is at fault (`misconfigured`). As in a write, a condition that reads nothing that
    /// `before` keeps is decided before anything is sent, and any other after these requests.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refuse: Vec<Refusal>,
    /// Requests before the search.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub before: Vec<Step>,
    /// The search: a list, or the record itself.
    pub request: Request,
    /// What answers of the search mean. `not-found` and `gone` mean that nothing matches.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outcomes: Vec<OutcomeRule>,
    /// Where the rows lie in the answer. Left out: where the rows of a list lie. An object there is
    /// one row.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<String>,
    /// How the next page is requested; as for lists when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paging: Option<Paging>,
    /// The most pages that are read; 5 when left out. If more would be needed, the probe is blind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pages_max: Option<u32>,
    /// Whether a row is what the operation makes: a condition over `row`, `input` and `mark`
    /// (`first_sent_ms` is the time of the first sending, and nothing before it).
    #[serde(rename = "match")]
    pub matches: Expr,
    /// The members of a row, as dotted paths, without which it cannot be compared. Where one is
    /// missing and no other row is a match, the probe fails, since `absent` could make a duplicate.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub needs: Vec<String>,
    /// The records, as in the operation, over `row`. Left out: the operation has no links.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<Link>,
    /// How sure a match is.
    #[serde(default)]
    pub certainty: ProbeCertainty,
    /// A condition over `row` by which a match is certain, whatever `certainty` says. If one row of
    /// several has it, that one was found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub marked: Option<Expr>,
    /// How long a write may take to show, in milliseconds.
    #[serde(default)]
    pub visible_within_ms: u64,
}

/// How sure a match is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "host", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum ProbeCertainty {
    /// It carries the mark, or a key that only this intent can have created.
    Marked,
    /// It has the same content, but may have been created by another user.
    #[default]
    Matched,
}

/// A member of an operation's input. A text is short for its `mode`.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "host", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "host", schemars(with = "FieldWriting"))]
pub struct OperationField {
    /// How it is written.
    pub mode: FieldMode,
    /// The setting by which entries that are not sent stay.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub merged_when: Option<SettingIs>,
    /// The types of custom fields that the ATS shows and does not accept.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unwritable: Vec<String>,
}

/// How a member of an operation's input is written: its mode, or all of it.
#[derive(Deserialize)]
#[cfg_attr(feature = "host", derive(schemars::JsonSchema))]
#[serde(untagged)]
#[allow(private_interfaces, dead_code, reason = "the form that the schema shows")]
pub enum FieldWriting {
    /// How it is written.
    Mode(FieldMode),
    /// All of it.
    Long(LongWriting),
}

impl fmt::Debug for FieldWriting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FieldWriting")
    }
}

/// A member spelled out.
#[derive(Deserialize)]
#[cfg_attr(feature = "host", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
struct LongWriting {
    /// How it is written.
    mode: FieldMode,
    /// The connection's setting by which entries of a `replace-all` member that are not sent stay.
    #[serde(default)]
    merged_when: Option<SettingIs>,
    /// Of `custom_fields`: the types whose values the ATS shows and does not accept in any form.
    #[serde(default)]
    unwritable: Vec<String>,
}

impl<'de> Deserialize<'de> for OperationField {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Form)
    }
}

struct Form;

impl<'de> Visitor<'de> for Form {
    type Value = OperationField;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a mode such as `set`, or a member with its mode")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<OperationField, E> {
        let mode = FieldMode::deserialize(serde::de::value::StrDeserializer::new(text))?;
        Ok(OperationField { mode, merged_when: None, unwritable: Vec::new() })
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<OperationField, A::Error> {
        let LongWriting { mode, merged_when, unwritable } =
            LongWriting::deserialize(MapAccessDeserializer::new(map))?;
        Ok(OperationField { mode, merged_when, unwritable })
    }
}

fn subject() -> String {
    "subject".to_owned()
}
