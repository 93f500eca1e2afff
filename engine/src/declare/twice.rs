//! Refuses what one record declares twice: the second would create a duplicate or contradict the
//! first. Pure.
//!
//! - Two applications to one job, or two prospects of one pool and no job, unless all but one set
//!   `another`. References are compared as written; two spellings of one job meet at the plan.
//! - Two notes of the same body, visibility and application, and two files of the same name and
//!   type on one application: a retry could not tell which one its probe found.
//! - Two options of a custom field, and two keys of `custom_fields`, with one normal form, by which
//!   the plan knows them.
//! - Two entries of a contact list with the same value and different types. The same value with the
//!   same type is one entry, and a tag named twice is one tag.
//!
//! Left out: rules between records ([`super::declarations`] refuses two records of one key).

use crate::plan::contacts::List;
use atsync_model::declarable::VALUES_MEMBER;
use atsync_model::desired::{
    ApplicationKind, DesiredApplication, DesiredAttachment, DesiredCandidate, DesiredContact,
    DesiredNote, FullReference, Reference,
};
use atsync_model::normal;
use std::collections::BTreeMap;

/// Checks a candidate's lists for duplicates.
///
/// # Errors
/// A sentence that names both entries and says what to do.
pub(super) fn check(record: &DesiredCandidate) -> Result<(), String> {
    applications(&record.applications)?;
    notes(&record.notes)?;
    for application in &record.applications {
        attachments(application)?;
    }
    for (list, contacts) in [
        (List::Emails, &record.emails),
        (List::Phones, &record.phones),
        (List::Links, &record.links),
    ] {
        types(list, contacts.as_deref().unwrap_or_default())?;
    }
    labels(VALUES_MEMBER, record.custom_fields.keys().map(String::as_str))?;
    record.applications.iter().try_for_each(|application| {
        let place = format!("applications[{}].custom_fields", application.key);
        labels(&place, application.custom_fields.keys().map(String::as_str))
    })
}

/// Checks that these labels have different normal forms.
///
/// # Errors
/// A sentence that names the label, and both spellings where there are two.
pub(super) fn labels<'l>(field: &str, labels: impl Iterator<Item = &'l str>) -> Result<(), String> {
    let mut known: BTreeMap<String, &str> = BTreeMap::new();
    for label in labels {
        match known.insert(normal::label(label), label) {
            Some(first) if first == label => return Err(format!("`{field}` has {label:?} twice")),
            Some(first) => {
                return Err(format!(
                    "`{field}` has {label:?} twice, spelled \"{}\" and \"{}\"; remove one of \
                     them",
                    first.escape_default(),
                    label.escape_default()
                ));
            }
            None => {}
        }
    }
    Ok(())
}

/// Returns the meaning of a reference as far as its text tells: a bare name and the same name
/// spelled out are one.
fn written(reference: &Reference) -> (&'static str, String) {
    match reference {
        Reference::Bare(text) => ("name", normal::name(text)),
        Reference::Full(FullReference::Name(name)) => ("name", normal::name(name)),
        Reference::Full(FullReference::Id(id)) => ("id", id.clone()),
        Reference::Full(FullReference::Email(email)) => ("email", normal::email(email)),
        Reference::Full(FullReference::RequisitionId(id)) => ("requisition id", normal::name(id)),
    }
}

fn applications(all: &[DesiredApplication]) -> Result<(), String> {
    let mut plain: BTreeMap<_, &str> = BTreeMap::new();
    for application in all.iter().filter(|application| !application.another) {
        let goal = match (&application.job, application.kind) {
            (Some(job), _) => ("job", Some(written(job))),
            (None, ApplicationKind::Prospect) => ("pool", application.pool.as_ref().map(written)),
            // [`super::check`] refuses an application without a job.
            (None, ApplicationKind::Application) => continue,
        };
        let place = match &goal {
            ("job", _) => "for the same job",
            (_, Some(_)) => "prospects of the same pool",
            (_, None) => "prospects of no job and no pool",
        };
        if let Some(first) = plain.insert(goal, &application.key) {
            return Err(format!(
                "`applications` has two {place}: {first:?} and {:?}; remove one of them, or set \
                 `\"another\": true` on the second to keep both",
                application.key
            ));
        }
    }
    Ok(())
}

fn notes(all: &[DesiredNote]) -> Result<(), String> {
    let mut known: BTreeMap<_, &str> = BTreeMap::new();
    for note in all {
        let place = (
            normal::text(&note.body),
            note.application.as_deref(),
            format!("{:?}", note.visibility),
        );
        if let Some(first) = known.insert(place, &note.key) {
            return Err(format!(
                "`notes` has the same note twice, {first:?} and {:?}; remove one of them, or make \
                 them differ",
                note.key
            ));
        }
    }
    Ok(())
}

fn attachments(application: &DesiredApplication) -> Result<(), String> {
    let mut known: BTreeMap<_, &str> = BTreeMap::new();
    for DesiredAttachment { key, filename, kind, .. } in &application.attachments {
        if let Some(first) = known.insert((normal::text(filename), kind.as_str()), key) {
            return Err(format!(
                "`applications[{}].attachments` has two files of type {kind} named {filename:?}, \
                 {first:?} and {key:?}; give one of them another filename",
                application.key
            ));
        }
    }
    Ok(())
}

fn types(list: List, contacts: &[DesiredContact]) -> Result<(), String> {
    let mut known: BTreeMap<String, &DesiredContact> = BTreeMap::new();
    for contact in contacts {
        let normal = list.normal(contact.value());
        if let Some(first) = known.insert(normal, contact)
            && let (Some(one), Some(other)) = (first.kind(), contact.kind())
            && one != other
        {
            return Err(format!(
                "`{}` has {:?} twice, with the types {one} and {other}; it can have one",
                list.field(),
                contact.value()
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::check;
    use atsync_model::desired::DesiredCandidate;

    fn checked(members: &str) -> Result<(), String> {
        let record: DesiredCandidate =
            serde_json::from_str(&format!(r#"{{"key":"a",{members}}}"#)).unwrap();
        check(&record)
    }

    #[test]
    fn two_keys_for_one_job_are_refused_unless_all_but_one_say_another() {
        for (one, other) in [
            (r#""Engineer""#, r#""Engineer""#),
            (r#""Engineer""#, r#"{"name":" engineer"}"#),
            (r#"{"id":"7"}"#, r#"{"id":"7"}"#),
            (r#"{"requisition_id":"R-1"}"#, r#"{"requisition_id":"r-1"}"#),
        ] {
            let two = |more: &str| {
                checked(&format!(
                    r#""applications":[{{"key":"a1","job":{one}}},{{"key":"a2","job":{other}{more}}}]"#
                ))
            };
            let refusal = two("").unwrap_err();
            assert!(
                refusal.contains("\"a1\" and \"a2\"") && refusal.contains("another"),
                "{refusal}"
            );
            assert_eq!(two(r#","another":true"#), Ok(()));
        }
        let apart = r#""applications":[{"key":"a1","job":"Engineer"},{"key":"a2","job":"Chef"}]"#;
        assert_eq!(checked(apart), Ok(()));
        let both =
            r#""applications":[{"key":"a","job":"X"},{"key":"p","kind":"prospect","job":"X"}]"#;
        assert!(checked(both).is_err());
        let prospects = |pool: &str| {
            checked(&format!(
                r#""applications":[{{"key":"p","kind":"prospect","pool":"A"}},{{"key":"q","kind":"prospect"{pool}}}]"#
            ))
        };
        assert!(prospects(r#","pool":"A""#).is_err());
        assert_eq!(prospects(r#","pool":"B""#), Ok(()));
        assert_eq!(prospects(""), Ok(()));
    }

    #[test]
    fn items_that_no_retry_could_tell_apart_are_refused() {
        let notes = |other: &str| {
            checked(&format!(r#""notes":[{{"key":"n","body":"Hi\nthere"}},{{"key":"m",{other}}}]"#))
        };
        assert!(notes(r#""body":"Hi\r\nthere ""#).unwrap_err().contains("\"n\" and \"m\""));
        assert_eq!(notes(r#""body":"Hi\nthere","visibility":"private""#), Ok(()));
        let files = |other: &str| {
            checked(&format!(
                r#""applications":[{{"key":"a","job":"X","attachments":[{{"key":"f","filename":"cv.pdf","type":"resume","url":"https://x/1"}},{{"key":"g","filename":"cv.pdf",{other},"url":"https://x/2"}}]}}]"#
            ))
        };
        assert!(files(r#""type":"resume""#).unwrap_err().contains("cv.pdf"));
        assert_eq!(files(r#""type":"other""#), Ok(()));
    }

    #[test]
    fn one_value_of_two_types_contradicts_itself() {
        let emails = |other: &str| {
            checked(&format!(r#""emails":[{{"value":"a@x.com","type":"work"}},{other}]"#))
        };
        assert!(
            emails(r#"{"value":"A@x.com","type":"personal"}"#)
                .unwrap_err()
                .contains("work and personal")
        );
        assert_eq!(emails(r#"{"value":"A@x.com","type":"work"}"#), Ok(()));
        assert_eq!(emails(r#""A@x.com""#), Ok(()));
    }
}
