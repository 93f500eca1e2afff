//! Makes a desired record from what the ATS holds. Pure.
//!
//! It names the candidate by `id`, so declaring it links this candidate and creates none, whoever
//! shares an address. It lists name, contacts, company, title, tags, custom fields, and the
//! applications that a plan can tell apart by job. Declared unchanged it plans nothing; the host
//! edits from there.
//!
//! Left out, so never owned: stages and outcomes, so that an import moves nobody; referrers, who
//! are credited in the ATS; notes; prospects, which have no job. A reader finds what the ATS holds
//! and the record does not name in [`Imported::left_out`].

use super::{Record, contacts, observed_custom};
use atsync_model::declarable::VALUES_MEMBER;
use atsync_model::desired::{
    CONTACT_TYPES, DesiredApplication, DesiredCandidate, DesiredContact, DesiredName,
    FullReference, Reference, TypedContact,
};
use atsync_model::normal::{address_fault, link_fault};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The records that a desired record is made from.
#[derive(Debug)]
pub struct Source<'a> {
    /// The candidate.
    pub person: &'a Record,
    /// The names of the candidate's tags.
    pub tags: Vec<String>,
    /// The candidate's applications.
    pub applications: &'a [Arc<Record>],
}

/// A desired record made from a candidate.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Imported {
    /// The record. Nothing is declared yet.
    pub record: DesiredCandidate,
    /// What the ATS holds of the candidate and the record does not name, a sentence each.
    pub left_out: Vec<String>,
}

/// Makes the desired record of this key. `writes`: whether a custom field can be written as it is,
/// by key, type and value.
pub fn desired(
    key: &str,
    source: &Source<'_>,
    writes: impl Fn(&str, &str, &Value) -> bool,
) -> Imported {
    let candidate = source.person;
    let text =
        |path: &str| candidate.text(path).filter(|text| !text.trim().is_empty()).map(str::to_owned);
    let name = DesiredName {
        first: text("name.first"),
        last: text("name.last"),
        preferred: text("name.preferred"),
    };
    let mut left_out = Vec::new();
    let mut custom_fields = BTreeMap::new();
    if let Some(fields) = candidate.body.get(VALUES_MEMBER).and_then(Value::as_object) {
        for (field, value) in fields {
            let kind = value.get("type").and_then(Value::as_str).unwrap_or("unknown");
            let plain = observed_custom::observed_plain(candidate, field, kind);
            if plain.is_null() {
                continue;
            }
            if writes(field, kind, &plain) {
                custom_fields.insert(field.clone(), plain);
            } else {
                left_out.push(format!(
                    "the custom field {field}: its value cannot be written as it is"
                ));
            }
        }
    }
    let record = DesiredCandidate {
        key: key.to_owned(),
        kind: DesiredCandidate::KIND.to_owned(),
        id: Some(candidate.id.clone()),
        name: (name != DesiredName::default()).then_some(name),
        emails: list(candidate, contacts::List::Emails, &mut left_out),
        phones: list(candidate, contacts::List::Phones, &mut left_out),
        links: list(candidate, contacts::List::Links, &mut left_out),
        company: text("company"),
        title: text("title"),
        tags: (!source.tags.is_empty()).then(|| source.tags.clone()),
        custom_fields,
        applications: applications(source.applications, &mut left_out),
        ..DesiredCandidate::default()
    };
    Imported { record, left_out }
}

fn list(
    candidate: &Record,
    list: contacts::List,
    left_out: &mut Vec<String>,
) -> Option<Vec<DesiredContact>> {
    let entry = |entry: &Value| {
        let value =
            entry.get("value").and_then(Value::as_str).filter(|value| !value.trim().is_empty())?;
        let fault = match list {
            contacts::List::Emails => address_fault(value),
            contacts::List::Links => link_fault(value),
            contacts::List::Phones => None,
        };
        if let Some(fault) = fault {
            // It could not be declared, and no candidate is found by it.
            left_out.push(format!("an entry of `{}`: {fault}", list.field()));
            return None;
        }
        let kind = entry.get("type").and_then(|kind| kind.get("value")).and_then(Value::as_str);
        Some(match kind.filter(|kind| CONTACT_TYPES.contains(kind)) {
            Some(kind) => DesiredContact::Typed(TypedContact {
                value: value.to_owned(),
                kind: Some(kind.to_owned()),
            }),
            None => DesiredContact::Bare(value.to_owned()),
        })
    };
    let entries: Vec<DesiredContact> =
        candidate.list(list.field()).iter().filter_map(entry).collect();
    (!entries.is_empty()).then_some(entries)
}

/// Makes one application per job; a job with several is left out, since a plan could not tell them
/// apart.
fn applications(rows: &[Arc<Record>], left_out: &mut Vec<String>) -> Vec<DesiredApplication> {
    let mut jobs: BTreeMap<&str, Vec<&Arc<Record>>> = BTreeMap::new();
    for row in rows {
        match row.text("job.id").filter(|_| row.text("kind") == Some("application")) {
            Some(job) => jobs.entry(job).or_default().push(row),
            None => left_out.push(format!("{}: it has no job to be known by", row.remote())),
        }
    }
    let reference = |id: &str| Some(Reference::Full(FullReference::Id(id.to_owned())));
    let mut found = Vec::new();
    for (job, rows) in jobs {
        let [row] = rows.as_slice() else {
            let ids: Vec<&str> = rows.iter().map(|row| row.id.as_str()).collect();
            let ids = ids.join(", ");
            left_out.push(format!(
                "the applications {ids}: all are for jobs/{job}, and a plan could not tell them \
                 apart"
            ));
            continue;
        };
        if let Some(referrer) = row.text("referrer.id") {
            left_out.push(format!(
                "the referrer of {} (referrers/{referrer}): the ATS keeps the credit",
                row.remote()
            ));
        }
        found.push(DesiredApplication {
            key: format!("a{}", row.id),
            job: reference(job),
            source: row.text("source.id").and_then(reference),
            ..DesiredApplication::default()
        });
    }
    found
}

#[cfg(test)]
mod tests {
    use super::{Source, desired};
    use crate::plan::Record;
    use serde_json::{Value, json};
    use std::sync::Arc;

    fn record(kind: &str, id: &str, body: &Value) -> Record {
        let body = body.as_object().unwrap().clone();
        Record {
            kind: kind.to_owned(),
            id: id.to_owned(),
            known: body.keys().cloned().collect(),
            body,
            moved_in: false,
        }
    }

    #[test]
    fn what_an_imported_record_does_not_name_is_listed_beside_it() {
        let candidate = json!({"emails": [{"value": "Ada <ada@example.com>"},
            {"value": "ada@example.com"}],
            "custom_fields": {"cv": {"type": "file", "value": "cv.pdf"}}});
        let rows = [
            ("1", json!({"kind": "application", "job": {"id": "7"}, "referrer": {"id": "5"}})),
            ("2", json!({"kind": "application", "job": {"id": "8"}})),
            ("3", json!({"kind": "application", "job": {"id": "8"}})),
            ("4", json!({"kind": "prospect"})),
        ];
        let applications = rows.map(|(id, body)| Arc::new(record("applications", id, &body)));
        let candidate = record("candidates", "9", &candidate);
        let source = Source { person: &candidate, tags: Vec::new(), applications: &applications };
        let imported = desired("x", &source, |_, _, _| false);
        let jobs: Vec<&str> =
            imported.record.applications.iter().map(|one| one.key.as_str()).collect();
        assert_eq!(jobs, ["a1"]);
        let begins = [
            "the custom field cv: ",
            "an entry of `emails`: ",
            "applications/4: it has no job",
            "the referrer of applications/1 (referrers/5): ",
            "the applications 2, 3: ",
        ];
        assert_eq!(imported.left_out.len(), begins.len(), "{:?}", imported.left_out);
        for (what, begin) in imported.left_out.iter().zip(begins) {
            assert!(what.starts_with(begin), "{what}");
        }
    }
}
