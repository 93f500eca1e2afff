//! The terms by which a store finds the observed records that name a candidate or an application,
//! without reading the others, and the records that an event names. Pure; the durable stores use
//! it.
//!
//! Most kinds have an index of the record that theirs belong to (`model::resource`): applications
//! by candidate, rejections by application. Its terms serve here, so these kinds store nothing
//! more. A body may name more than its kind has an index of: a note its application, an attachment
//! its candidate, a record of an adapter's own kind either. Such a reference gets a term of the
//! store's own, in an index that the model does not have. [`found_by`] decides which of both it is,
//! for the writer and for the reader, so that no reference is without one. A reference of a raw
//! record to another raw record has such a term too.
//!
//! Left out: which kinds are a candidate's; the model's table says it. Terms of the model are
//! normalised, so a reader checks the body.

use super::{ChangeWhat, check, erase, merge};
use crate::index;
use atsync_model::raw::{self, REFERENCES};
use atsync_model::resource::{self, From, Index, Resource};
use std::collections::BTreeSet;

/// Index and term of each.
pub(crate) type Terms = Vec<(&'static str, String)>;

/// The index of references that the model has none for.
const NAMED: &str = "~named";

/// The terms of a record: the model's, and those of the references that these leave out.
pub(crate) fn terms(kind: &str, body: &str) -> Terms {
    if body.is_empty() {
        return Vec::new();
    }
    let mut terms = index::terms(kind, body);
    complete(kind, body, &mut terms);
    terms
}

/// The index of a kind that has the records which a member names.
fn index_of(kind: &str, of: &Resource) -> Option<&'static Index> {
    let names = |index: &&Index| match index.from {
        From::Id(member, named) => (member, named) == (of.member, of.kind),
        _ => false,
    };
    resource::indexes(kind).iter().find(names)
}

/// The index and the term by which a record of a kind is found when it names this record. None
/// where no candidate is found by such a record.
pub(crate) fn found_by(kind: &str, (named, id): (&str, &str)) -> Option<(&'static str, String)> {
    let Some(of) = resource::of_people().find(|of| of.kind == named) else {
        return raw::is_raw(named).then(|| (NAMED, format!("{named}/{id}")));
    };
    // A blank text is no term.
    Some(match index_of(kind, of).filter(|_| !id.trim().is_empty()) {
        Some(index) => (index.name, index::form(index.name, id)),
        None => (NAMED, format!("{}/{id}", of.member)),
    })
}

/// Adds the terms of the references that the model's terms of the record leave out.
fn complete(kind: &str, body: &str, terms: &mut Terms) {
    // Whether a member may name a record that no term has. Most records need not be read for it.
    let is_open = |of: &Resource| {
        let has_term = |index: &Index| terms.iter().any(|(name, _)| *name == index.name);
        index::has_member(body, of.member) && !index_of(kind, of).is_some_and(has_term)
    };
    if !resource::of_people().any(is_open) && !index::has_member(body, REFERENCES) {
        return;
    }
    for (named, id) in erase::named(body) {
        let Some(term) = found_by(kind, (&named, &id)) else { continue };
        if !terms.contains(&term) {
            terms.push(term);
        }
    }
}

/// The records that an event is about or names, with the one that its record continues as.
pub(crate) fn of_event(
    (kind, id): (&str, &str),
    what: ChangeWhat,
    before: &str,
    after: &str,
) -> BTreeSet<(String, String)> {
    let mut records = BTreeSet::from([(kind.to_owned(), id.to_owned())]);
    for (kind, id) in erase::named(before).into_iter().chain(erase::named(after)) {
        records.insert((kind.into_owned(), id));
    }
    if what == ChangeWhat::Moved
        && let Ok(after) = merge::object(after)
        && let Some(to) = check::moved_to(what, &after)
    {
        records.insert((kind.to_owned(), to.to_owned()));
    }
    records
}

#[cfg(test)]
mod tests {
    use super::{found_by, terms};
    use atsync_model::resource;
    use proptest::prelude::*;

    /// The members of a body, each with an id, in one of the shapes that JSON allows.
    fn references() -> impl Strategy<Value = String> {
        let id = prop_oneof!["[aAé7 ]{0,3}", Just("7".repeat(600)), Just("\u{200b}".to_owned())];
        let member = prop_oneof![
            Just("candidate"),
            Just("application"),
            Just("parent"),
            Just("job"),
            Just("name")
        ];
        let value = prop_oneof![
            4 => id.clone().prop_map(|id| format!("{{\"id\":{}}}", serde_json::json!(id))),
            1 => id.clone().prop_map(|id| format!("{{\"id\":7,\"id\":{}}}", serde_json::json!(id))),
            1 => id.prop_map(|id| format!("[{}]", serde_json::json!(id))),
            1 => Just("null".to_owned()),
            1 => Just("\"candidate\"".to_owned()),
        ];
        let members = prop::collection::vec((member, value), 0..5);
        members.prop_map(|members| {
            let members: Vec<String> =
                members.iter().map(|(name, value)| format!("\"{name}\" :{value}")).collect();
            format!("{{{}}}", members.join(","))
        })
    }

    proptest! {
        #[test]
        fn a_record_of_any_kind_is_found_by_each_candidate_and_application_it_names(
            body in references(), kind in 0..40_usize,
        ) {
            let kind = resource::TABLE.get(kind).map_or("an_adapters_own", |of| of.kind);
            let terms = terms(kind, &body);
            for (named, id) in crate::store::erase::named(&body) {
                let is_found = terms.contains(&found_by(kind, (&named, &id)).unwrap());
                prop_assert!(is_found, "{} {} {:?}", kind, body, terms);
            }
        }
    }

    #[test]
    fn a_reference_with_an_index_has_one_term_and_another_one_of_its_own() {
        let both = r#"{"candidate":{"id":"7"},"application":{"id":"1"}}"#;
        let words = |kind: &str| {
            let words = terms(kind, both).into_iter();
            words.map(|(index, term)| format!("{index}={term}")).collect::<Vec<_>>()
        };
        assert_eq!(words("notes"), ["candidate=7", "~named=application/1"]);
        assert_eq!(words("attachments"), ["parent=1", "~named=candidate/7"]);
        assert_eq!(words("an_adapters_own"), ["~named=candidate/7", "~named=application/1"]);
        let raw = r#"{"references":[{"kind":"jobs","id":"3"},{"kind":"raw_cards","id":"5"},
            {"kind":"applications","id":"1"}],"content":{"candidate":{"id":"9"}}}"#;
        let found = terms("raw_marks", raw);
        assert_eq!(
            found,
            [("~named", "raw_cards/5".to_owned()), ("~named", "application/1".to_owned())]
        );
        let application = r#"{"candidate":{"id":"7"},"kind":"application"}"#;
        assert_eq!(terms("applications", application), [("candidate", "7".to_owned())]);
    }
}
