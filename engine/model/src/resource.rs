//! What the engine knows about each kind of an ATS, in one table.
//!
//! The store, the pull, the sweep, erasure and merges read this table, so that none of them names a
//! kind: the indexes of a record, whose data it holds, what is hidden with it, where a merge or
//! drift shows. A kind that is not in the table is an adapter's own: it is indexed by `name`,
//! belongs to the candidate that it names, and needs no other care.
//!
//! Left out: what can be declared ([`crate::declarable`]), and what an adapter can do with a kind,
//! which its manifest says.

use crate::kinds;

/// The index by e-mail address.
pub const EMAIL: &str = "email";
/// The index by name or title.
pub const NAME: &str = "name";
/// The index by the candidate that a record belongs to.
pub const CANDIDATE: &str = "candidate";
/// The index by the record that holds it: a stage by its job, an option by its custom field.
pub const PARENT: &str = "parent";
/// The index by user.
pub const USER: &str = "user";
/// The index by a key of the customer: a custom field's key, a job's requisition id.
pub const KEY: &str = "key";
/// The index of records that some users do not see, by what they apply to.
pub const PRIVATE: &str = "private";

/// The kind of candidates: erasure, merges and hidden records depend on it.
pub const PERSON: &str = kinds::CANDIDATES;
/// The member by which other records name a candidate.
pub const PERSON_MEMBER: &str = "candidate";

/// A kind that an ATS holds.
#[derive(Debug)]
pub struct Resource {
    /// The kind.
    pub kind: &'static str,
    /// The member by which other records name one of these: `{"candidate": {"id": …}}`.
    pub member: &'static str,
    /// The member that names a record of it in messages.
    pub label: &'static str,
    /// Its indexes.
    pub indexes: &'static [Index],
    /// Whose data it is.
    pub of: Of,
    /// A user who cannot see one of these may not see the records that name it.
    pub hides: bool,
    /// A declared candidate's drift shows here, so it is read before each plan of candidates. Kinds
    /// that are known by their content are read only once records declared some.
    pub drifts: bool,
    /// A withdrawal may remove some of these, so they are read before.
    pub withdrawn: bool,
    /// The member that reveals a merge: a record that names another candidate than before shows
    /// that the two may have been merged.
    pub tells_merge: Option<&'static str>,
    /// A conversion turns one of these into another record.
    pub converts: bool,
    /// The kind of the record that it names and that shows it as well, so that both are read back
    /// when one is created.
    pub shown_in: Option<&'static str>,
}

/// Whose data a record holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Of {
    /// It is a candidate; the records that name it are that candidate's.
    Person,
    /// It is a candidate's, and so are the records that name it.
    Persons,
    /// It belongs to the candidate that it names, directly or through a record that is a
    /// candidate's; to none where it names none.
    WhomItNames,
}

/// An index of a kind.
#[derive(Debug)]
pub struct Index {
    /// Its name.
    pub name: &'static str,
    /// Where its terms are in the unified record.
    pub from: From,
}

/// Where the terms of an index are.
#[derive(Debug)]
pub enum From {
    /// A text.
    Text(&'static str),
    /// A list of texts.
    Texts(&'static str),
    /// A list of entries with a `value` each.
    Values(&'static str),
    /// The id of a named record of this kind.
    Id(&'static str, &'static str),
    /// A member, where a flag is set: the flag, then the member.
    Flagged(&'static str, &'static str),
}

/// The index of kinds that are not in the table.
const NAMED: &[Index] = &[by(NAME, From::Text("name"))];
const OF_PERSON: &[Index] = &[by(CANDIDATE, From::Id("candidate", kinds::CANDIDATES))];
const OF_APPLICATION: &[Index] = &[by(PARENT, From::Id("application", kinds::APPLICATIONS))];
const OF_JOB: &[Index] = &[by(PARENT, From::Id("job", kinds::JOBS))];

const fn by(name: &'static str, from: From) -> Index {
    Index { name, from }
}

const fn plain(kind: &'static str, member: &'static str) -> Resource {
    Resource {
        kind,
        member,
        label: "name",
        indexes: NAMED,
        of: Of::WhomItNames,
        hides: false,
        drifts: false,
        withdrawn: false,
        tells_merge: None,
        converts: false,
        shown_in: None,
    }
}

/// All kinds that the engine knows.
pub static TABLE: &[Resource] = &[
    Resource {
        indexes: &[by(EMAIL, From::Values("emails"))],
        of: Of::Person,
        hides: true,
        drifts: true,
        withdrawn: true,
        ..plain(kinds::CANDIDATES, PERSON_MEMBER)
    },
    Resource {
        indexes: OF_PERSON,
        of: Of::Persons,
        hides: true,
        drifts: true,
        tells_merge: Some(PERSON_MEMBER),
        converts: true,
        ..plain(kinds::APPLICATIONS, "application")
    },
    Resource {
        label: "title",
        indexes: &[by(NAME, From::Text("title")), by(KEY, From::Text("requisition_id"))],
        hides: true,
        ..plain(kinds::JOBS, "job")
    },
    plain(kinds::POSTINGS, "posting"),
    Resource { indexes: OF_JOB, ..plain(kinds::OPENINGS, "opening") },
    Resource { indexes: OF_JOB, ..plain(kinds::HIRING_MANAGERS, "hiring_manager") },
    Resource { indexes: OF_JOB, ..plain(kinds::JOB_OWNERS, "job_owner") },
    Resource {
        indexes: &[by(NAME, From::Text("name")), by(PARENT, From::Id("parent", kinds::JOBS))],
        ..plain(kinds::STAGES, "stage")
    },
    Resource { indexes: OF_APPLICATION, ..plain(kinds::APPLICATION_STAGES, "application_stage") },
    Resource { indexes: OF_APPLICATION, ..plain(kinds::REJECTIONS, "rejection") },
    plain(kinds::REJECT_REASONS, "reject_reason"),
    plain(kinds::CLOSE_REASONS, "close_reason"),
    plain(kinds::SOURCES, "source"),
    Resource {
        indexes: &[by(NAME, From::Text("name")), by(USER, From::Id("user", kinds::USERS))],
        ..plain(kinds::REFERRERS, "referrer")
    },
    plain(kinds::TAGS, "tag"),
    Resource {
        indexes: OF_PERSON,
        drifts: true,
        withdrawn: true,
        shown_in: Some(kinds::CANDIDATES),
        ..plain(kinds::APPLIED_TAGS, "applied_tag")
    },
    Resource {
        indexes: OF_PERSON,
        drifts: true,
        withdrawn: true,
        ..plain(kinds::EDUCATIONS, "education")
    },
    Resource {
        indexes: OF_PERSON,
        drifts: true,
        withdrawn: true,
        ..plain(kinds::EMPLOYMENTS, "employment")
    },
    Resource {
        indexes: &[by(EMAIL, From::Text("email")), by(EMAIL, From::Texts("emails"))],
        ..plain(kinds::USERS, "user")
    },
    Resource {
        indexes: &[by(EMAIL, From::Text("email")), by(USER, From::Id("user", kinds::USERS))],
        ..plain(kinds::USER_EMAILS, "user_email")
    },
    plain(kinds::DEPARTMENTS, "department"),
    plain(kinds::OFFICES, "office"),
    Resource { indexes: OF_PERSON, ..plain(kinds::NOTES, "note") },
    Resource { indexes: OF_APPLICATION, ..plain(kinds::ATTACHMENTS, "attachment") },
    plain(kinds::POOLS, "pool"),
    Resource {
        indexes: &[by(NAME, From::Text("name")), by(PARENT, From::Id("parent", kinds::POOLS))],
        ..plain(kinds::POOL_STAGES, "pool_stage")
    },
    Resource { indexes: OF_APPLICATION, ..plain(kinds::POOL_PLACEMENTS, "pool_placement") },
    Resource {
        label: "key",
        indexes: &[
            by(NAME, From::Text("name")),
            by(KEY, From::Text("key")),
            by(PRIVATE, From::Flagged("private", "applies_to")),
        ],
        ..plain(kinds::CUSTOM_FIELDS, "custom_field")
    },
    Resource {
        indexes: &[
            by(NAME, From::Text("name")),
            by(PARENT, From::Id("custom_field", kinds::CUSTOM_FIELDS)),
        ],
        ..plain(kinds::CUSTOM_FIELD_OPTIONS, "custom_field_option")
    },
];

/// Returns the entry of a kind; none for an adapter's own.
pub fn of(kind: &str) -> Option<&'static Resource> {
    TABLE.iter().find(|resource| resource.kind == kind)
}

/// Returns the indexes of a kind.
pub fn indexes(kind: &str) -> &'static [Index] {
    of(kind).map_or(NAMED, |resource| resource.indexes)
}

/// Returns the kind whose ids are the terms of a kind's index.
pub fn named_by(kind: &str, index: &str) -> Option<&'static str> {
    indexes(kind).iter().find(|known| known.name == index).and_then(Index::of)
}

/// Returns the member that names a record of a kind in messages.
pub fn label(kind: &str) -> &'static str {
    of(kind).map_or("name", |resource| resource.label)
}

/// Iterates over the kinds that are a candidate's and pass that on to what names them: candidates
/// first.
pub fn of_people() -> impl Iterator<Item = &'static Resource> {
    TABLE.iter().filter(|resource| resource.of != Of::WhomItNames)
}

/// Iterates over the kinds that hide what names them.
pub fn hiding() -> impl Iterator<Item = &'static Resource> {
    TABLE.iter().filter(|resource| resource.hides)
}

/// Iterates over the kinds in which a candidate's drift shows: candidates first.
pub fn drifting() -> impl Iterator<Item = &'static Resource> {
    TABLE.iter().filter(|resource| resource.drifts)
}

/// Iterates over the kinds of which a withdrawal may remove records: candidates first.
pub fn withdrawn() -> impl Iterator<Item = &'static Resource> {
    TABLE.iter().filter(|resource| resource.withdrawn)
}

/// Iterates over the kinds that reveal a merge of candidates.
pub fn telling_merges() -> impl Iterator<Item = &'static Resource> {
    TABLE.iter().filter(|resource| resource.tells_merge.is_some())
}

/// Whether the records of a kind reveal a merge of candidates.
pub fn tells_merges(kind: &str) -> bool {
    telling_merges().any(|resource| resource.kind == kind)
}

/// Returns the kind of the addresses that are listed separately for records of a kind.
pub fn addresses_of(kind: &str) -> Option<&'static str> {
    let lists = |of: &&Resource| {
        of.indexes.iter().any(|index| index.name == EMAIL) && named_by(of.kind, USER) == Some(kind)
    };
    TABLE.iter().find(lists).map(|of| of.kind)
}

/// Returns the singular of a kind, for messages.
pub fn singular(kind: &str) -> String {
    let member = of(kind).map_or_else(|| kind.strip_suffix('s').unwrap_or(kind), |of| of.member);
    member.replace('_', " ")
}

/// Iterates over the kinds whose records are held by one of a kind.
pub fn within(kind: &str) -> impl Iterator<Item = &'static Resource> {
    TABLE.iter().filter(move |resource| named_by(resource.kind, PARENT) == Some(kind))
}

impl Index {
    /// Returns the kind whose ids are its terms.
    pub fn of(&self) -> Option<&'static str> {
        match self.from {
            From::Id(_, kind) => Some(kind),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{From, Of, PERSON, PERSON_MEMBER, TABLE, of};
    use crate::kinds;
    use crate::unified::REFERENCES;

    #[test]
    fn each_kind_has_one_entry_and_a_member_of_its_own() {
        assert_eq!(TABLE.len(), kinds::ALL.len());
        for kind in kinds::ALL {
            assert_eq!(TABLE.iter().filter(|of| of.kind == *kind).count(), 1, "{kind}");
        }
        for resource in TABLE {
            let same = TABLE.iter().filter(|of| of.member == resource.member).count();
            assert_eq!(same, 1, "{}", resource.member);
        }
    }

    #[test]
    fn candidates_are_the_one_kind_of_people_and_come_first() {
        let people: Vec<_> = TABLE.iter().filter(|of| of.of == Of::Person).collect();
        assert!(matches!(people.as_slice(), [person] if person.kind == PERSON));
        assert_eq!(TABLE[0].kind, PERSON);
        assert_eq!(TABLE[0].member, PERSON_MEMBER);
    }

    #[test]
    fn an_index_of_ids_reads_a_reference_to_a_kind_of_the_table() {
        for index in TABLE.iter().flat_map(|resource| resource.indexes) {
            if let From::Id(member, kind) = index.from {
                assert!(REFERENCES.contains(&member), "{member}");
                assert!(of(kind).is_some(), "{kind}");
                assert!(member == "parent" || of(kind).is_some_and(|of| of.member == member));
            }
        }
    }
}
