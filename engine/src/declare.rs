//! Desired records as they come in: from a file, from a host. Parsed, checked, and refused with a place.
//!
//! A file is JSON Lines or one JSON array. A batch is taken in as a whole or not at all, so a mistake in line 40 never leaves
//! thirty-nine records behind. Bounds: [`atsync_model::desired::limits`] and [`RECORDS_MAX`]. Left out: whether references
//! resolve; that needs the observed state and is the plan's.

use crate::error::{Error, ErrorKind};
use crate::store::Declaration;
use atsync_model::desired::{ApplicationKind, DesiredCandidate, Reference, limits};
use std::collections::BTreeSet;

/// Records of one batch: what the store takes in one transaction.
pub const RECORDS_MAX: usize = crate::store::limits::DECLARATION_RECORDS_MAX;

/// Parses a desired file. `name` is used in messages.
///
/// # Errors
/// [`ErrorKind::Input`] with file, line and field.
pub fn parse(name: &str, text: &str) -> Result<Vec<DesiredCandidate>, Error> {
    let trimmed = text.trim_start_matches('\u{feff}').trim_start();
    let mut records = Vec::new();
    if trimmed.starts_with('[') {
        let offset = text.len() - trimmed.len();
        let lines_before = text.get(..offset).map_or(0, |before| before.matches('\n').count());
        let parsed: Vec<DesiredCandidate> = serde_json::from_str(trimmed)
            .map_err(|error| input(format!("{name}:{}: {}", lines_before + error.line(), reason(&error))))?;
        for (index, record) in parsed.into_iter().enumerate() {
            check(&record).map_err(|problem| input(format!("{name}: record {}: {problem}", index + 1)))?;
            records.push(record);
        }
    } else {
        for (index, line) in text.lines().enumerate() {
            let line = line.trim_start_matches('\u{feff}').trim();
            if line.is_empty() {
                continue;
            }
            let place = format!("{name}:{}", index + 1);
            let record: DesiredCandidate =
                serde_json::from_str(line).map_err(|error| input(format!("{place}: {}", reason(&error))))?;
            check(&record).map_err(|problem| input(format!("{place}: {problem}")))?;
            records.push(record);
        }
    }
    Ok(records)
}

fn input(message: String) -> Error {
    Error::new(ErrorKind::Input, message)
}

/// Serde's words without its own line and column, which count from the start of a line here; the column is kept.
fn reason(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let cut = text.rfind(" at line ").and_then(|at| text.get(..at)).unwrap_or(&text);
    let hint = if cut.starts_with("unknown field") { "; `atsync schema` prints the shape of a record" } else { "" };
    format!("{cut} (column {}){hint}", error.column())
}

/// Checks one record by itself.
///
/// # Errors
/// A sentence that names the field.
pub fn check(record: &DesiredCandidate) -> Result<(), String> {
    key("key", &record.key, true)?;
    if record.kind != atsync_model::kinds::CANDIDATES {
        return Err(format!("`kind` is {:?}; only `candidates` can be declared", record.kind));
    }
    for (field, contacts) in [("emails", &record.emails), ("phones", &record.phones), ("links", &record.links)] {
        for contact in contacts.iter().flatten() {
            text(field, contact.value())?;
            if contact.value().trim().is_empty() {
                return Err(format!("`{field}` has an empty entry"));
            }
            if field == "emails" && !contact.value().contains('@') {
                return Err(format!("`emails` has {:?}, which is no e-mail address", contact.value()));
            }
        }
        entries(field, contacts.as_ref().map_or(0, Vec::len))?;
    }
    entries("tags", record.tags.as_ref().map_or(0, Vec::len))?;
    for tag in record.tags.iter().flatten() {
        key("tags", tag, false)?;
    }
    entries("notes", record.notes.len())?;
    entries("applications", record.applications.len())?;
    let mut applications = BTreeSet::new();
    for application in &record.applications {
        let place = format!("applications[{}]", application.key);
        key(&format!("{place}.key"), &application.key, true)?;
        if !applications.insert(application.key.as_str()) {
            return Err(format!("`applications` has the key {:?} twice", application.key));
        }
        if application.kind == ApplicationKind::Application {
            if application.job.is_none() {
                return Err(format!("`{place}.job` is missing; an application is to a job (a prospect need not be)"));
            }
            if application.pool.is_some() || application.pool_stage.is_some() {
                return Err(format!("`{place}.pool` is for prospects only; set `\"kind\": \"prospect\"`"));
            }
        }
        if application.pool_stage.is_some() && application.pool.is_none() {
            return Err(format!("`{place}.pool_stage` needs `pool`"));
        }
        for (field, reference) in [
            ("job", &application.job),
            ("pool", &application.pool),
            ("source", &application.source),
            ("referrer", &application.referrer),
            ("stage", &application.stage),
        ] {
            if matches!(reference, Some(Reference::Bare(text)) if text.trim().is_empty()) {
                return Err(format!("`{place}.{field}` is empty"));
            }
        }
        let mut attachments = BTreeSet::new();
        for file in &application.attachments {
            key(&format!("{place}.attachments.key"), &file.key, true)?;
            if !attachments.insert(file.key.as_str()) {
                return Err(format!("`{place}.attachments` has the key {:?} twice", file.key));
            }
        }
    }
    let mut notes = BTreeSet::new();
    for note in &record.notes {
        key("notes.key", &note.key, true)?;
        text("notes.body", &note.body)?;
        if note.body.trim().is_empty() {
            return Err(format!("`notes[{}].body` is empty", note.key));
        }
        if !notes.insert(note.key.as_str()) {
            return Err(format!("`notes` has the key {:?} twice", note.key));
        }
        if let Some(application) = &note.application
            && !applications.contains(application.as_str())
        {
            return Err(format!(
                "`notes[{}].application` is {application:?}, which `applications` does not have",
                note.key
            ));
        }
    }
    for field in record.policy.keys() {
        policy_field(field)?;
    }
    Ok(())
}

fn policy_field(field: &str) -> Result<(), String> {
    const FIELDS: [&str; 13] = [
        "name",
        "name.first",
        "name.last",
        "name.preferred",
        "emails",
        "phones",
        "links",
        "company",
        "title",
        "tags",
        "source",
        "referrer",
        "stage",
    ];
    if FIELDS.contains(&field) || field == "outcome" || field == "custom_fields" || field.starts_with("custom_fields.")
    {
        return Ok(());
    }
    Err(format!(
        "`policy` names {field:?}, which is no owned field; they are {}, outcome, custom_fields.<key>",
        FIELDS.join(", ")
    ))
}

fn key(field: &str, value: &str, is_path: bool) -> Result<(), String> {
    if value.is_empty() || value.len() > limits::KEY_BYTES_MAX {
        return Err(format!("`{field}` must have 1 to {} bytes and has {}", limits::KEY_BYTES_MAX, value.len()));
    }
    if value.chars().any(char::is_control) || value.trim() != value {
        return Err(format!("`{field}` is {value:?}; control characters and blanks around it are not allowed"));
    }
    if is_path && (value.contains('/') || value.starts_with(crate::plan::SHARED_PREFIX)) {
        return Err(format!("`{field}` is {value:?}; it may not contain `/` or begin with `~`"));
    }
    Ok(())
}

fn text(field: &str, value: &str) -> Result<(), String> {
    if value.len() > limits::TEXT_BYTES_MAX {
        return Err(format!(
            "`{field}` has a text of {} bytes; at most {} are allowed",
            value.len(),
            limits::TEXT_BYTES_MAX
        ));
    }
    Ok(())
}

fn entries(field: &str, count: usize) -> Result<(), String> {
    if count > limits::LIST_ENTRIES_MAX {
        return Err(format!("`{field}` has {count} entries; at most {} are allowed", limits::LIST_ENTRIES_MAX));
    }
    Ok(())
}

/// Checks a batch and makes declarations of it.
///
/// # Errors
/// [`ErrorKind::Input`] naming the record.
pub fn declarations(records: &[DesiredCandidate]) -> Result<Vec<Declaration>, Error> {
    if records.len() > RECORDS_MAX {
        return Err(input(format!("{} records at once; at most {RECORDS_MAX} are allowed", records.len())));
    }
    let mut keys = BTreeSet::new();
    let mut declarations = Vec::with_capacity(records.len());
    for record in records {
        check(record).map_err(|problem| input(format!("{}: {problem}", record.key)))?;
        if !keys.insert(record.key.as_str()) {
            return Err(input(format!("{}: two records have this key", record.key)));
        }
        let body = serde_json::to_string(record)
            .map_err(|error| input(format!("{}: it cannot be written as JSON: {error}", record.key)))?;
        if body.len() > limits::RECORD_BYTES_MAX {
            return Err(input(format!(
                "{}: it has {} bytes; at most {} are allowed",
                record.key,
                body.len(),
                limits::RECORD_BYTES_MAX
            )));
        }
        declarations.push(Declaration { key: record.key.clone(), body });
    }
    Ok(declarations)
}

#[cfg(test)]
mod tests {
    use super::{declarations, parse};

    fn refusal(text: &str) -> String {
        parse("r.jsonl", text).unwrap_err().to_string()
    }

    #[test]
    fn lines_and_arrays_say_the_same() {
        let line = r#"{"key":"a","emails":["a@x.com"]}"#;
        assert_eq!(parse("f", line).unwrap(), parse("f", &format!("\n[{line}]")).unwrap());
        assert_eq!(parse("f", "\n\n").unwrap(), vec![]);
    }

    #[test]
    fn a_refusal_says_where_and_what() {
        let text = "{\"key\":\"a\"}\n{\"key\":\"b\",\"emial\":[]}";
        assert!(refusal(text).starts_with("r.jsonl:2: unknown field `emial`"), "{}", refusal(text));
        assert!(refusal("{\"key\":1}").starts_with("r.jsonl:1: invalid type: integer `1`"));
        assert!(refusal("[\n{\"key\":\"a\"},\n{\"kee\":1}]").starts_with("r.jsonl:3: unknown field `kee`"));
        assert!(refusal(r#"{"key":"a/b"}"#).contains("may not contain `/`"));
        assert!(refusal(r#"{"key":"a","applications":[{"key":"1"}]}"#).contains("applications[1].job"));
        assert!(refusal(r#"{"key":"a","policy":{"colour":"seed"}}"#).contains("\"colour\""));
    }

    #[test]
    fn each_limit_refuses() {
        let long = "x".repeat(70_000);
        assert!(refusal(&format!(r#"{{"key":"{long}"}}"#)).contains("1 to 200 bytes"));
        assert!(
            refusal(&format!(r#"{{"key":"a","notes":[{{"key":"n","body":"{long}"}}]}}"#)).contains("at most 65536")
        );
        let many: Vec<String> = (0..201).map(|n| format!("\"t{n}\"")).collect();
        assert!(refusal(&format!(r#"{{"key":"a","tags":[{}]}}"#, many.join(","))).contains("at most 200"));
    }

    #[test]
    fn two_records_with_one_key_are_refused() {
        let records = parse("f", "{\"key\":\"a\"}\n{\"key\":\"a\"}").unwrap();
        assert!(declarations(&records).unwrap_err().to_string().contains("two records have this key"));
    }
}
