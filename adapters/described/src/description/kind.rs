//! Kinds: how their rows are listed and fetched, and how a row becomes a record.

use super::{Expr, Mapping, OutcomeRule, Request};
use atsync_model::manifest::DeleteSign;
use serde::de::{Deserializer, Error, MapAccess, SeqAccess, Visitor, value::MapAccessDeserializer};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// One kind of records. It is listed by itself (`list`), comes with the pages of another kind
/// (`inside`), or can only be fetched.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "host", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Kind {
    /// How its rows are listed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub list: Option<List>,
    /// Its rows come with the pages of another kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inside: Option<Inside>,
    /// How rows are fetched by id. Left out: they cannot be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fetch: Option<Fetch>,
    /// The permission that reading needs; an id of `permissions`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub permission: Option<String>,
    /// Which rows are records of this kind: a condition over `row`. Left out: all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<Expr>,
    /// The record's id: an expression over `row`. A composite id joins its parts:
    /// `row.job_id ~ '/' ~ row.id`.
    pub id: Expr,
    /// A text that changes whenever the record changes: an expression over `row`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<Expr>,
    /// The fields of the unified record. Each is an expression over `row` (the row), `outer` (the
    /// row that it came in), `parent` (the parent's `id`), `reply` (the answer without its rows:
    /// what it includes beside them), `settings` and `tenant`. A field is known when the row has
    /// every member that its expression reads; a member that is null or an empty text makes the
    /// field known to be empty. A kind of the model has at least one.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub fields: BTreeMap<String, Field>,
    /// Of a raw kind, whose name begins with `raw_`: the members of the row that name records, and
    /// the kind of those. Its records are the rows themselves: `content` is the row, `references`
    /// has these members, with the parent before them, and `fields` can have `created_at` and
    /// `updated_at` alone. Such a kind is read by connections that name it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub references: BTreeMap<String, Reference>,
    /// The fields that every row has, if only empty. The engine reports when a page has none of
    /// one: the ATS has renamed a member.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub expected: Vec<String>,
    /// How a deletion can be detected.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub deletes: Vec<DeleteSign>,
    /// Whether a complete pass proves that a record which it did not show is deleted.
    #[serde(default)]
    pub absence_proves: bool,
    /// Rows may become hidden from a credential that could see them before.
    #[serde(default)]
    pub confidential: bool,
    /// How long a write may take to show in reads, in milliseconds.
    #[serde(default)]
    pub visible_within_ms: u64,
    /// Ids are unique only within a record of this kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// A setting, a list of kinds, that must name this kind before the engine reads it: its records
    /// are sensitive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opt_in: Option<String>,
}

/// The record that a member of a raw row names: the kind, or all of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "host", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum Reference {
    /// The kind; the member has the id, or a list of ids.
    Kind(String),
    /// All of it.
    Long(LongReference),
}

/// A reference spelled out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "host", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct LongReference {
    /// The kind.
    pub kind: String,
    /// The id, or a list of ids: an expression over `row`.
    pub id: Expr,
}

impl Reference {
    /// The kind.
    #[must_use]
    pub fn kind(&self) -> &str {
        match self {
            Self::Kind(kind) | Self::Long(LongReference { kind, .. }) => kind,
        }
    }

    /// The expression of the id, where it is not the member itself.
    #[must_use]
    pub fn id(&self) -> Option<&Expr> {
        match self {
            Self::Kind(_) => None,
            Self::Long(long) => Some(&long.id),
        }
    }
}

/// How the rows of a kind are listed. Members that are left out are those of `lists`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "host", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct List {
    /// The request of a page, without the parameters of paging, size and window. A POST must change
    /// nothing.
    pub request: Request,
    /// The parent kind: the list is requested once for each of its records, whose id is
    /// `parent.id`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub under: Option<String>,
    /// Where the rows lie in the answer: member names joined by dots. Empty: the answer is the list
    /// itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<String>,
    /// How the next page is requested.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paging: Option<Paging>,
    /// The parameter with the number of rows per page. Empty: there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<String>,
    /// The most rows per page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page_max: Option<u32>,
    /// Where the parameters of paging, size and window are written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parameters: Option<Place>,
    /// The parameters that limit the list to what changed in a span of time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<Window>,
    /// The time by which windows overlap, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overlap_ms: Option<u64>,
    /// The token by which the ATS lists what changed since the last pass.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<Token>,
    /// What answers mean.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outcomes: Vec<OutcomeRule>,
}

/// Where parameters are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "host", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Place {
    /// In the query.
    #[default]
    Query,
    /// In the JSON body, as top members.
    Body,
}

/// How the next page is requested.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "host", derive(schemars::JsonSchema))]
#[serde(tag = "style", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Paging {
    /// There is one page.
    None {},
    /// The header `Link` has its URL with `rel="next"` (RFC 8288).
    LinkHeader {},
    /// The answer has its URL.
    NextUrl {
        /// The URL: an expression over `reply` (the answer without its rows) and `headers`. The
        /// last page has none.
        from: Expr,
    },
    /// The answer has a cursor or offset token, which the next request repeats.
    Cursor {
        /// The parameter that takes it.
        parameter: String,
        /// The cursor: an expression over `reply` and `headers`. The last page has none.
        from: Expr,
        /// Whether there is another page: an expression over `reply`. Left out: the cursor shows
        /// it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        more: Option<Expr>,
    },
    /// Pages are numbered.
    Page {
        /// The parameter that takes the number.
        parameter: String,
        /// The number of the first page; 1 when left out.
        #[serde(default = "one")]
        first: u32,
        /// Whether there is another page: an expression over `reply`, `page` (the number), `count`
        /// (the rows so far on this page) and `size`. Left out: a page with as many rows as
        /// requested has a successor.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        more: Option<Expr>,
    },
    /// The next page is requested by the number of rows before it.
    Offset {
        /// The parameter that takes the number.
        parameter: String,
        /// Whether there is another page: as for `page`, and `offset` is the number of rows before
        /// this page.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        more: Option<Expr>,
    },
}

/// The parameters that limit a list to what changed in a span of time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "host", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Window {
    /// The parameter with the first time.
    pub from: String,
    /// The parameter with the last time. Left out: the ATS has none, and lists everything since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// How the times are written. Left out: as the description's `times`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<Times>,
}

/// The token by which the ATS lists what changed since the last pass.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "host", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Token {
    /// The parameter that takes it.
    pub parameter: String,
    /// The token of the next pass, in the last page's answer: an expression over `reply`.
    pub from: Expr,
}

/// How times are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "host", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Times {
    /// As text by RFC 3339 or ISO 8601.
    #[default]
    Rfc3339,
    /// As milliseconds since 1970.
    EpochMs,
    /// As seconds since 1970.
    EpochS,
}

/// Rows that come with the pages of another kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "host", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Inside {
    /// The other kind. It has a list of its own.
    pub kind: String,
    /// Where they lie in its row, which is `row` here: an expression that yields an object or a
    /// list of objects. Left out: the row itself. Where it yields nothing, there is no record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub each: Option<Expr>,
}

/// How rows are fetched by id.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "host", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Fetch {
    /// The request. One by one: the path names `{{ id }}`. Many at once: the parameter `ids` takes
    /// them.
    pub request: Request,
    /// The parameter that takes several ids, joined by commas (in a body: as a list).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ids: Option<String>,
    /// The most ids in one request, where `ids` is given; 50 when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ids_max: Option<u32>,
    /// Where the row, or the list of rows, lies in the answer. Left out: where the rows of a list
    /// lie. Empty: the answer is the row.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<String>,
    /// The parent's id, for kinds that are listed under one: an expression over `id`. Its fields
    /// read it as `parent.id`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<Expr>,
    /// What answers mean. `not-found` and `gone` mean that the ids are missing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outcomes: Vec<OutcomeRule>,
}

/// A field of the unified record. A text is short for its `value`.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "host", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "host", schemars(with = "FieldForm"))]
pub struct Field {
    /// The value.
    pub value: Mapping,
    /// The list whose entries become the field's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub each: Option<Expr>,
    /// The members of the row without which the field is unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub needs: Option<Vec<String>>,
    /// Whether the field is known, in place of `needs`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub known: Option<Expr>,
    /// The ATS's words and the unified ones.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub words: BTreeMap<String, String>,
    /// The unified word for any other.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub other: Option<String>,
    /// How a scalar refers to a record.
    #[serde(rename = "as", skip_serializing_if = "Option::is_none")]
    pub form: Option<RefForm>,
    /// How the ATS writes this time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub times: Option<Times>,
}

/// A field: its value, or all of it.
#[cfg(feature = "host")]
#[derive(schemars::JsonSchema)]
#[serde(untagged)]
#[allow(dead_code, reason = "the form that the schema shows")]
enum FieldForm {
    /// An expression.
    Short(Expr),
    /// All of it.
    Long(LongField),
}

/// A field spelled out.
#[derive(Deserialize)]
#[cfg_attr(feature = "host", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
struct LongField {
    /// The value: an expression, or an object of them. It is brought into the field's shape: a
    /// scalar becomes a reference by id, a text becomes a word or a contact, a number becomes a
    /// time.
    value: Mapping,
    /// A list, by an expression: `value` is evaluated for each of its entries, which is `entry`
    /// there.
    #[serde(default)]
    each: Option<Expr>,
    /// The members without which the field is unknown, as dotted paths: `row.state`. Left out: all
    /// that its expressions read.
    #[serde(default)]
    needs: Option<Vec<String>>,
    /// Whether the row says what the field is: a condition, in place of `needs`. Where it does not
    /// hold, the field is unknown.
    #[serde(default)]
    known: Option<Expr>,
    /// For fields that are words, and for the types of contacts: the ATS's words and the unified
    /// ones.
    #[serde(default)]
    words: BTreeMap<String, String>,
    /// The unified word for any word that `words` does not name; `other` when left out.
    #[serde(default)]
    other: Option<String>,
    /// How a scalar refers to a record; `id` when left out.
    #[serde(rename = "as", default)]
    form: Option<RefForm>,
    /// How the ATS writes this time, where it differs from `times` of the description.
    #[serde(default)]
    times: Option<Times>,
}

/// How a scalar refers to a record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "host", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum RefForm {
    /// It is the id.
    #[default]
    Id,
    /// It is the name.
    Name,
    /// It is both: records of the kind have no other id than their name.
    IdAndName,
}

impl Field {
    /// A field that is mapped by a value alone.
    #[must_use]
    pub fn of(value: Mapping) -> Self {
        Self {
            value,
            each: None,
            needs: None,
            known: None,
            words: BTreeMap::new(),
            other: None,
            form: None,
            times: None,
        }
    }
}

impl From<LongField> for Field {
    fn from(long: LongField) -> Self {
        let LongField { value, each, needs, known, words, other, form, times } = long;
        Self { value, each, needs, known, words, other, form, times }
    }
}

impl<'de> Deserialize<'de> for Field {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Form)
    }
}

struct Form;

impl<'de> Visitor<'de> for Form {
    type Value = Field;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an expression, or a field with its members")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Field, E> {
        Ok(Field::of(Mapping::Expr(Expr::from(text))))
    }

    fn visit_bool<E: Error>(self, flag: bool) -> Result<Field, E> {
        Ok(Field::of(Mapping::Constant(flag.into())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, _: A) -> Result<Field, A::Error> {
        Err(A::Error::custom("a list is no field; write an expression, or `value` with the list"))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Field, A::Error> {
        LongField::deserialize(MapAccessDeserializer::new(map)).map(Field::from)
    }
}

fn one() -> u32 {
    1
}
