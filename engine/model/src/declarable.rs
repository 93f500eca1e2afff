//! The kinds that a host can declare, in one table: where each is declared, how it is identified,
//! its fields, and the default policy of each field.
//!
//! The planner walks a desired record by this table. The checks of a declaration and of its shape,
//! the parser of paths and the tables of default policies in the documentation read it too. A
//! member that is more than a field has a [`Form`], and the planner has one function per form: a
//! kind gets contacts, labels or custom values by a row here.
//!
//! Left out: the types of the records ([`crate::desired`]), and what is special to an ATS, which
//! its manifest says.

use crate::desired::Policy;
use crate::{kinds, normal};

/// A kind that a host can declare.
#[derive(Debug)]
pub struct Declarable {
    /// The kind.
    pub kind: &'static str,
    /// Its singular, for messages.
    pub noun: &'static str,
    /// The list in which it is declared; none for a desired record itself.
    pub below: Option<Below>,
    /// What identifies one of them.
    pub known_by: KnownBy,
    /// Its fields, in the order in which a plan names them. Members with a form of their own, such
    /// as contacts and custom values, are not among them.
    pub fields: &'static [Field],
    /// Its members that are more than fields.
    pub others: &'static [Other],
    /// The default policies, as the documentation lists them.
    pub policies: &'static [PolicyRow],
    /// Whether its fields hold personal data, which may have been erased in the ATS.
    pub personal: bool,
    /// The members of its creation without which the new record means the same.
    pub optional: Optional,
}

/// Some members of a creation's input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Optional {
    /// These.
    Only(&'static [&'static str]),
    /// All but these.
    AllBut(&'static [&'static str]),
}

impl Optional {
    /// Whether the member is one of them.
    pub fn has(self, member: &str) -> bool {
        match self {
            Self::Only(members) => members.contains(&member),
            Self::AllBut(members) => !members.contains(&member),
        }
    }
}

/// Where a kind is declared below another.
#[derive(Debug)]
pub struct Below {
    /// The kind above.
    pub kind: &'static str,
    /// The list in the declaration, and in paths.
    pub list: &'static str,
    /// The member of an operation's input that names the record above.
    pub member: &'static str,
}

/// What identifies a record of a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KnownBy {
    /// The host's key; the planner of the kind finds it in the ATS.
    Key,
    /// What it defines: the key or address in its path.
    Definition,
    /// Its label.
    Label,
    /// The host's key, and in the ATS a probe: it is created once and never changed. The word is
    /// the participle for messages: "it has not been attached yet".
    Once(&'static str),
    /// Its content: it has no key, and is added and removed, never changed.
    Content,
}

/// One field.
#[derive(Debug)]
pub struct Field {
    /// Its place in the desired record: `name.first`.
    pub place: &'static str,
    /// Its member in an operation's input, and its name in plans and policies.
    pub member: &'static str,
    /// Its place in the unified record.
    pub shown: &'static str,
    /// What it holds.
    pub value: Holds,
    /// How it is handled once the record exists.
    pub mode: Mode,
    /// Whether a declaration must name it.
    pub presence: Presence,
}

/// Whether a declaration must name a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// It must.
    Required,
    /// It may leave the member out, or set it to null, which means the same.
    Optional,
    /// It may leave the member out, but not set it to null.
    Absent,
}

/// A member that is more than a field.
#[derive(Debug)]
pub struct Other {
    /// Its name in the desired record and, where it shows there, in the unified record.
    pub place: &'static str,
    /// What it is.
    pub form: Form,
    /// Whether a declaration must name it.
    pub presence: Presence,
}

/// The form of a member that is more than a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// It identifies the record or controls its creation, and is not written by itself.
    Says(Holds),
    /// A list of addresses, numbers or links.
    Contacts,
    /// Labels, each a record of a vocabulary.
    Labels(Labels),
    /// Values, each under the key of the field that defines it.
    Values(Values),
    /// A state that steps lead to: a stage, an outcome and what belongs to it.
    Course(Holds),
}

/// The kinds behind labels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Labels {
    /// The kind of the labels themselves, which all records share.
    pub vocabulary: &'static str,
    /// The kind of the records that tie a label to a record.
    pub tie: &'static str,
}

/// The kinds that define values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Values {
    /// The kind of the fields, each with the type of its values.
    pub field: &'static str,
    /// The kind of the options that a field offers.
    pub option: &'static str,
}

/// Where a record shows a name as one text, and the parts that this text joins. Some ATSs keep no
/// parts.
pub const WHOLE_NAME: (&str, [&str; 2]) = ("name.full", ["name.first", "name.last"]);

/// The values that a record has under the custom fields of the customer.
pub const CUSTOM_VALUES: Values =
    Values { field: kinds::CUSTOM_FIELDS, option: kinds::CUSTOM_FIELD_OPTIONS };
/// The member of a record, desired or unified, that holds its custom values.
pub const VALUES_MEMBER: &str = "custom_fields";

/// What a field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holds {
    /// A text; an empty one clears it.
    Text,
    /// True or false.
    Flag,
    /// One of these words. A plan does not show the first, the usual one.
    Word(&'static [&'static str]),
    /// A day, a month or a year.
    Date,
    /// The address that the ATS fetches a file from, once: another address alone makes no other
    /// file.
    Address,
    /// A record of this kind, by name or id.
    Reference(&'static str),
    /// A record of this kind within the one that another field names.
    Within(&'static str, &'static str),
    /// The host's key of a sibling item of this kind.
    Beside(&'static str),
}

/// How a field is handled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// It is kept in step by its policy.
    Kept,
    /// As [`Self::Kept`], but the ATS has no other form of it: it is decided when the record is
    /// created.
    Decided,
    /// It identifies the record, and is set only at its creation.
    Made,
    /// As [`Self::Made`], and no plan shows it, since another field does.
    Silent,
}

/// Fields that share a default policy.
#[derive(Debug)]
pub struct PolicyRow {
    /// The fields, by the name that `policy` gives them.
    pub fields: &'static [&'static str],
    /// The policy where the record names none.
    pub policy: Policy,
}

const fn field(place: &'static str, value: Holds, mode: Mode) -> Field {
    Field { place, member: place, shown: place, value, mode, presence: Presence::Optional }
}

const fn required(field: Field) -> Field {
    Field { presence: Presence::Required, ..field }
}

const fn absent(field: Field) -> Field {
    Field { presence: Presence::Absent, ..field }
}

const fn other(place: &'static str, form: Form) -> Other {
    Other { place, form, presence: Presence::Optional }
}

const VALUES: Other =
    Other { place: VALUES_MEMBER, form: Form::Values(CUSTOM_VALUES), presence: Presence::Absent };

const fn text(place: &'static str) -> Field {
    field(place, Holds::Text, Mode::Kept)
}

const fn made(place: &'static str, value: Holds) -> Field {
    field(place, value, Mode::Made)
}

const fn named(field: Field, member: &'static str, shown: &'static str) -> Field {
    Field { member, shown, ..field }
}

const fn row(fields: &'static [&'static str], policy: Policy) -> PolicyRow {
    PolicyRow { fields, policy }
}

/// All kinds that can be declared.
pub static DECLARABLE: &[Declarable] = &[
    Declarable {
        kind: kinds::CANDIDATES,
        noun: "candidate",
        below: None,
        known_by: KnownBy::Key,
        fields: &[
            text("name.first"),
            text("name.last"),
            text("name.preferred"),
            text("company"),
            text("title"),
            named(field("private", Holds::Flag, Mode::Decided), "private", "privacy.private"),
        ],
        others: &[
            other("id", Form::Says(Holds::Text)),
            other("emails", Form::Contacts),
            other("phones", Form::Contacts),
            other("links", Form::Contacts),
            VALUES,
            other(
                "tags",
                Form::Labels(Labels { vocabulary: kinds::TAGS, tie: kinds::APPLIED_TAGS }),
            ),
        ],
        policies: &[
            row(&["name", "emails", "phones", "links", "company", "title", "tags"], Policy::Yield),
            row(&["educations", "employments"], Policy::Yield),
            row(&["custom_fields"], Policy::Enforce),
            row(&["private"], Policy::Seed),
        ],
        personal: true,
        optional: Optional::AllBut(&["name", "application"]),
    },
    Declarable {
        kind: kinds::APPLICATIONS,
        noun: "application",
        below: Some(Below { kind: kinds::CANDIDATES, list: "applications", member: "candidate" }),
        known_by: KnownBy::Key,
        fields: &[
            absent(made("kind", Holds::Word(&["application", "prospect"]))),
            made("job", Holds::Reference(kinds::JOBS)),
            made("pool", Holds::Reference(kinds::POOLS)),
            made("pool_stage", Holds::Within(kinds::POOL_STAGES, "pool")),
            named(
                field("source", Holds::Reference(kinds::SOURCES), Mode::Kept),
                "source",
                "source.id",
            ),
            named(
                field("referrer", Holds::Reference(kinds::REFERRERS), Mode::Kept),
                "referrer",
                "referrer.id",
            ),
        ],
        others: &[
            VALUES,
            other("stage", Form::Course(Holds::Within(kinds::STAGES, "job"))),
            other("outcome", Form::Course(Holds::Word(&["active", "rejected", "hired"]))),
            other("reject_reason", Form::Course(Holds::Reference(kinds::REJECT_REASONS))),
            other("opening", Form::Course(Holds::Within(kinds::OPENINGS, "job"))),
            Other { place: "another", form: Form::Says(Holds::Flag), presence: Presence::Absent },
        ],
        policies: &[
            row(&["source", "referrer"], Policy::Fill),
            row(&["stage", "outcome", "reject_reason"], Policy::Yield),
            row(&["custom_fields"], Policy::Enforce),
        ],
        personal: true,
        optional: Optional::Only(&[
            "source",
            "referrer",
            "recruiter",
            "coordinator",
            "stage",
            "pool_stage",
        ]),
    },
    Declarable {
        kind: kinds::NOTES,
        noun: "note",
        below: Some(Below { kind: kinds::CANDIDATES, list: "notes", member: "candidate" }),
        known_by: KnownBy::Once("left"),
        fields: &[
            required(made("body", Holds::Text)),
            absent(made("visibility", Holds::Word(&["public", "private", "admin_only"]))),
            field("application", Holds::Beside(kinds::APPLICATIONS), Mode::Silent),
        ],
        others: &[],
        policies: &[],
        personal: true,
        optional: Optional::Only(&["application"]),
    },
    Declarable {
        kind: kinds::ATTACHMENTS,
        noun: "file",
        below: Some(Below {
            kind: kinds::APPLICATIONS,
            list: "attachments",
            member: "application",
        }),
        known_by: KnownBy::Once("attached"),
        fields: &[
            required(made("filename", Holds::Text)),
            required(field("type", Holds::Text, Mode::Silent)),
            required(field("url", Holds::Address, Mode::Silent)),
        ],
        others: &[],
        policies: &[],
        personal: true,
        optional: Optional::Only(&[]),
    },
    Declarable {
        kind: kinds::EDUCATIONS,
        noun: "education",
        below: Some(Below { kind: kinds::CANDIDATES, list: "educations", member: "candidate" }),
        known_by: KnownBy::Content,
        fields: &[
            made("school", Holds::Text),
            made("degree", Holds::Text),
            made("discipline", Holds::Text),
            made("started_on", Holds::Date),
            made("ended_on", Holds::Date),
        ],
        others: &[],
        policies: &[],
        personal: true,
        optional: Optional::Only(&[]),
    },
    Declarable {
        kind: kinds::EMPLOYMENTS,
        noun: "employment",
        below: Some(Below { kind: kinds::CANDIDATES, list: "employments", member: "candidate" }),
        known_by: KnownBy::Content,
        fields: &[
            made("company", Holds::Text),
            made("title", Holds::Text),
            made("started_on", Holds::Date),
            made("ended_on", Holds::Date),
        ],
        others: &[],
        policies: &[],
        personal: true,
        optional: Optional::Only(&[]),
    },
    Declarable {
        kind: kinds::CUSTOM_FIELDS,
        noun: "custom field",
        below: None,
        known_by: KnownBy::Definition,
        fields: &[
            text("name"),
            field("private", Holds::Flag, Mode::Kept),
            text("description"),
            required(made("applies_to", Holds::Text)),
            required(made("type", Holds::Text)),
        ],
        others: &[Other {
            place: "key",
            form: Form::Says(Holds::Text),
            presence: Presence::Required,
        }],
        policies: &[row(&["name", "private", "description", "options"], Policy::Yield)],
        personal: false,
        optional: Optional::Only(&["description", "options"]),
    },
    Declarable {
        kind: kinds::CUSTOM_FIELD_OPTIONS,
        noun: "option",
        below: Some(Below { kind: kinds::CUSTOM_FIELDS, list: "options", member: "custom_field" }),
        known_by: KnownBy::Label,
        fields: &[text("name")],
        others: &[],
        policies: &[],
        personal: false,
        optional: Optional::Only(&[]),
    },
    Declarable {
        kind: kinds::USERS,
        noun: "user",
        below: None,
        known_by: KnownBy::Definition,
        fields: &[
            named(made("name.first", Holds::Text), "first", "first_name"),
            named(made("name.last", Holds::Text), "last", "last_name"),
            required(made("email", Holds::Text)),
            made("job_title", Holds::Text),
            named(made("employee_id", Holds::Text), "employee_id", "external_id"),
            absent(made("invite", Holds::Flag)),
        ],
        others: &[other("name.preferred", Form::Says(Holds::Text))],
        policies: &[],
        personal: false,
        optional: Optional::Only(&["job_title", "employee_id"]),
    },
];

/// Returns the entry of a kind; none where it cannot be declared.
pub fn of(kind: &str) -> Option<&'static Declarable> {
    DECLARABLE.iter().find(|entry| entry.kind == kind)
}

/// Whether records of a kind are entries that are known by their content.
pub fn is_known_by_content(kind: &str) -> bool {
    of(kind).is_some_and(|of| of.known_by == KnownBy::Content)
}

/// Iterates over the kinds that are declared below one.
pub fn below(kind: &str) -> impl Iterator<Item = (&'static Declarable, &'static Below)> {
    DECLARABLE
        .iter()
        .filter_map(|entry| Some((entry, entry.below.as_ref()?)))
        .filter(move |(_, below)| below.kind == kind)
}

/// Returns the kind whose records are identified by the host's key alone: a record without a kind
/// is one.
pub fn root() -> Option<&'static Declarable> {
    DECLARABLE.iter().find(|of| of.below.is_none() && of.known_by == KnownBy::Key)
}

/// Whether records of a kind tie a label to a record.
pub fn is_tie(kind: &str) -> bool {
    DECLARABLE.iter().filter_map(Declarable::labels).any(|(_, labels)| labels.tie == kind)
}

/// Whether records of a kind define values, or the options of values.
pub fn defines_values(kind: &str) -> bool {
    let values = DECLARABLE.iter().flat_map(|of| of.others);
    values.into_iter().any(|other| match other.form {
        Form::Values(values) => values.field == kind || values.option == kind,
        _ => false,
    })
}

impl Declarable {
    /// Returns the member of this place that is more than a field.
    pub fn other(&self, place: &str) -> Option<&'static Other> {
        self.others.iter().find(|other| other.place == place)
    }

    /// Returns the kinds that define the values of a record of this kind; none where it has no
    /// values.
    pub fn values(&self) -> Option<Values> {
        self.others.iter().find_map(|other| match other.form {
            Form::Values(values) => Some(values),
            _ => None,
        })
    }

    /// Returns the labels of a record of this kind, with the list that declares them.
    pub fn labels(&self) -> Option<(&'static str, Labels)> {
        self.others.iter().find_map(|other| match other.form {
            Form::Labels(labels) => Some((other.place, labels)),
            _ => None,
        })
    }

    /// Returns the kind of the records that a member names.
    pub fn named(&self, place: &str) -> Option<&'static str> {
        let field = self.fields.iter().find(|field| field.place == place);
        let other = self.other(place).and_then(|other| other.form.holds());
        field.map(|field| field.value).or(other)?.named()
    }

    /// Iterates over the fields that the planner keeps in step.
    pub fn kept(&self) -> impl Iterator<Item = &'static Field> {
        self.fields.iter().filter(|field| field.mode.is_kept())
    }

    /// Returns the name of an operation on it, by the verb: `create`, `update`, `destroy`.
    pub fn operation(&self, verb: &str) -> String {
        format!("{}.{verb}", self.kind)
    }

    /// Lists the operations that the planner uses by this table.
    pub fn operations(&self) -> Vec<String> {
        let changes = self.kept().next().map(|_| "update");
        let ends = (self.known_by == KnownBy::Content).then_some("destroy");
        let verbs = ["create"].into_iter().chain(changes).chain(ends);
        let own = verbs.map(|verb| self.operation(verb));
        let labels = self.labels().map(|(_, labels)| labels);
        let labels = labels.map(|labels| [labels.making(), labels.tying(), labels.removal()]);
        own.chain(labels.into_iter().flatten()).collect()
    }

    /// Returns the noun with its article.
    pub fn a_noun(&self) -> String {
        let article = if self.noun.starts_with(['a', 'e', 'i', 'o']) { "an" } else { "a" };
        format!("{article} {}", self.noun)
    }
}

impl Field {
    /// Whether two texts of the field are the same: dates as far as both are given, other texts by
    /// the form of labels.
    pub fn is_same(&self, one: &str, other: &str) -> bool {
        let (one, other) = (one.trim(), other.trim());
        match self.value {
            _ if one.is_empty() || other.is_empty() => one == other,
            Holds::Date => normal::is_same_date(one, other),
            _ => normal::is_option(one, other),
        }
    }

    /// Returns the form of a text that all its spellings share.
    pub fn form(&self, text: &str) -> String {
        match self.value {
            Holds::Date => normal::part_date(text).unwrap_or_else(|| text.trim().to_owned()),
            _ => normal::label(text),
        }
    }
}

impl Labels {
    /// Returns the operation that creates a label.
    pub fn making(self) -> String {
        format!("{}.create", self.vocabulary)
    }

    /// Returns the operation that ties a label to a record.
    pub fn tying(self) -> String {
        format!("{}.create", self.tie)
    }

    /// Returns the operation that removes a label from a record.
    pub fn removal(self) -> String {
        format!("{}.delete", self.tie)
    }
}

impl Form {
    /// Returns what it holds, where that is a single value.
    pub fn holds(self) -> Option<Holds> {
        match self {
            Self::Says(holds) | Self::Course(holds) => Some(holds),
            Self::Contacts | Self::Labels(_) | Self::Values(_) => None,
        }
    }

    /// Whether the engine writes it, so that its policy counts.
    pub fn is_written(self) -> bool {
        !matches!(self, Self::Says(_))
    }
}

impl KnownBy {
    /// Whether its name in a path is a key, so that other items may be below it.
    pub fn is_key(self) -> bool {
        matches!(self, Self::Key | Self::Once(_))
    }
}

impl Holds {
    /// Whether it names a sibling item.
    pub fn is_beside(self) -> bool {
        matches!(self, Self::Beside(_))
    }

    /// Whether a word is the usual one, which a plan does not show.
    pub fn is_usual(self, word: &str) -> bool {
        matches!(self, Self::Word(words) if words.first() == Some(&word))
    }

    /// Returns the kind of the records that it names.
    pub fn named(self) -> Option<&'static str> {
        match self {
            Self::Reference(kind) | Self::Within(kind, _) => Some(kind),
            _ => None,
        }
    }
}

impl Mode {
    /// Whether a field is compared and changed once its record exists.
    pub fn is_kept(self) -> bool {
        matches!(self, Self::Kept | Self::Decided)
    }
}

#[cfg(test)]
mod tests {
    use super::{DECLARABLE, KnownBy, of};
    use crate::resource;

    #[test]
    fn each_kind_below_another_has_a_list_of_its_own() {
        let mut lists: Vec<(&str, &str)> = Vec::new();
        for below in DECLARABLE.iter().filter_map(|entry| entry.below.as_ref()) {
            assert!(of(below.kind).is_some(), "{}", below.kind);
            lists.push((below.kind, below.list));
        }
        let known = lists.len();
        lists.sort_unstable();
        lists.dedup();
        assert_eq!(lists.len(), known);
    }

    #[test]
    fn a_kind_known_by_content_is_indexed_by_the_record_that_holds_it() {
        for entry in DECLARABLE.iter().filter(|entry| entry.known_by == KnownBy::Content) {
            let below = entry.below.as_ref().unwrap();
            let is_it = |index: &resource::Index| index.of() == Some(below.kind);
            assert!(resource::indexes(entry.kind).iter().any(is_it), "{}", entry.kind);
        }
    }

    #[test]
    fn a_field_has_one_default_and_one_place() {
        for entry in DECLARABLE {
            let mut fields: Vec<&str> =
                entry.policies.iter().flat_map(|row| row.fields).copied().collect();
            let mut places: Vec<&str> = entry.fields.iter().map(|field| field.place).collect();
            for names in [&mut fields, &mut places] {
                let known = names.len();
                names.sort_unstable();
                names.dedup();
                assert_eq!(names.len(), known, "{}", entry.kind);
            }
        }
    }

    #[test]
    fn a_field_that_is_kept_in_step_has_a_default_or_never_overwrites() {
        for entry in DECLARABLE.iter().filter(|entry| entry.known_by != KnownBy::Label) {
            for field in entry.kept() {
                let whole = field.place.split('.').next().unwrap();
                let row = entry.policies.iter().find(|row| row.fields.contains(&whole));
                assert!(row.is_some(), "{} {}", entry.kind, field.place);
            }
        }
    }
}
