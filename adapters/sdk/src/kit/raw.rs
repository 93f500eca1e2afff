//! Rows of raw kinds: the ATS's own JSON whole, its times, and the records that it names.
//!
//! A record that is listed under another one names it, too, by the word [`PARENT`], which is no
//! member of the content. A reference that cannot be read is reported and the others stand, since
//! an erasure follows them. An absent member names nothing.

use super::got::Bad;
use super::{Got, Id, Millis, Record, Source, Time};
use crate::members::Members;
use crate::model::raw::{CONTENT, REFERENCES, RawReference};
use serde::de::Error;
use serde_json::value::RawValue;

/// What stands for the member that names the parent.
const PARENT: &str = "parent";

/// How the rows of a raw kind are read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Raw {
    /// The members that name records, and of which kind.
    pub(crate) names: &'static [(&'static str, &'static str)],
    /// The members with the times of creation and of the last change.
    pub(crate) times: (&'static str, &'static str),
}

/// Reads a row.
pub(crate) fn record(
    raw: &Raw,
    row: &str,
    source: &Source<'_>,
) -> Result<Record, serde_json::Error> {
    let content: &RawValue = serde_json::from_str(row)?;
    let members: Members<'_> = serde_json::from_str(row)?;
    let id = members.get("id").ok_or_else(|| serde_json::Error::missing_field("id"))?;
    let updated_at = time(&members, raw.times.1);
    let (references, odd) = references(raw, &members, source);
    let mut record = Record::new(serde_json::from_str::<Id>(id.get())?)
        .version(&updated_at)
        .value(REFERENCES, references)
        .value(CONTENT, content)
        .field("created_at", time(&members, raw.times.0))
        .field("updated_at", updated_at);
    record.odd = odd;
    Ok(record)
}

fn references(
    raw: &Raw,
    members: &Members<'_>,
    source: &Source<'_>,
) -> (Vec<RawReference<'static>>, Vec<String>) {
    let mut odd = Vec::new();
    let of = source.parent.map(|of| RawReference::new(PARENT, of.kind.clone(), of.id.clone()));
    let mut all: Vec<RawReference<'static>> = of.into_iter().collect();
    for (member, kind) in raw.names {
        let Some(value) = members.get(member).map(RawValue::get) else { continue };
        let ids = match value {
            "null" | "\"\"" => Ok(Vec::new()),
            list if list.starts_with('[') => serde_json::from_str::<Vec<Id>>(list),
            one => serde_json::from_str::<Id>(one).map(|id| vec![id]),
        };
        match ids {
            Ok(ids) => all.extend(
                ids.into_iter().map(|id| RawReference::new(*member, *kind, String::from(id))),
            ),
            Err(_) => odd.push(format!("{REFERENCES}.{member}")),
        }
    }
    (all, odd)
}

/// A time in the form in which the ATS writes it: a text, or milliseconds since 1970.
fn time(members: &Members<'_>, name: &str) -> Got<String> {
    let Some(value) = members.get(name).map(RawValue::get) else { return Got::Absent };
    if value == "null" {
        return Got::Empty;
    }
    let ms = serde_json::from_str::<Millis>(value).map(|at| super::text_of(at.0));
    let text = ms.or_else(|_| serde_json::from_str::<Time>(value).map(|at| at.as_str().to_owned()));
    text.map_or(Got::Bad(Bad::UNKNOWN), Got::Here)
}

#[cfg(test)]
mod tests {
    use super::{Raw, record};
    use crate::contract::{Given, RemoteRef};
    use crate::kit::Source;

    #[test]
    fn the_row_is_kept_whole_with_its_times_and_what_it_names() {
        let given =
            Given { now_ms: 0, settings: "{}".into(), tenant: None, mark: None, grant: None };
        let raw = Raw { names: &[("user", "users"), ("jobs", "jobs")], times: ("at", "changed") };
        let of = RemoteRef::new("applications", "o-1");
        let source = Source { kind: "raw_offers", parent: Some(&of), given: &given };
        let row = r#"{"id": 7, "user": "u-1", "jobs": [1, 2], "at": 0, "changed": null, "x": {}}"#;
        let read = record(&raw, row, &source).unwrap();
        let body: serde_json::Value = serde_json::from_str(&format!("{{{}}}", read.body)).unwrap();
        assert_eq!(body["content"], serde_json::from_str::<serde_json::Value>(row).unwrap());
        let named: Vec<(&str, &str)> = crate::model::raw::references_of(&body).collect();
        let expected = [("applications", "o-1"), ("users", "u-1"), ("jobs", "1"), ("jobs", "2")];
        assert_eq!(named, expected);
        assert_eq!(body["created_at"], "1970-01-01T00:00:00.000Z");
        assert_eq!(read.known, ["references", "content", "created_at", "updated_at"]);
        let odd = record(&raw, r#"{"id": 7, "user": {"id": 1}}"#, &source).unwrap();
        assert_eq!(
            (odd.known, odd.odd.as_slice()),
            (vec!["references", "content"], &["references.user".to_owned()][..])
        );
        assert!(odd.body.contains("o-1"), "the others stand");
        assert!(record(&raw, r#"{"user": 1}"#, &source).is_err());
    }
}
