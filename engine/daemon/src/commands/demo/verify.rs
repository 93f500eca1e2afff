//! Checks the demo's claim "exactly once" against the sandbox's own rows, without API and engine.

use crate::failure::Failure;
use crate::words::count;
use atsync::model::desired::{Desired, DesiredApplication, Reference};
use atsync_greenhouse_sandbox::Sandbox;
use serde_json::Value;

/// Checks that each desired record exists once.
///
/// # Errors
/// The first record that exists twice or not at all.
pub(super) fn exactly_one(sandbox: &Sandbox, records: &[Desired]) -> Result<Vec<String>, Failure> {
    let (mut people, mut applications, mut notes, mut tags) = (0_u64, 0_u64, 0_u64, 0_u64);
    for record in records.iter().filter_map(Desired::candidate) {
        let email = record.emails.iter().flatten().next().map_or("", |email| email.value());
        let found = sandbox.candidates_by_email(email);
        once(&record.key, "the person", found.len())?;
        people += 1;
        let Some(id) = found.first().and_then(|row| row.get("id")).and_then(Value::as_i64) else {
            continue;
        };
        let rows = sandbox.applications_of(id);
        for application in &record.applications {
            let fitting: Vec<&Value> =
                rows.iter().filter(|row| fits(sandbox, row, application)).collect();
            once(&record.key, &format!("application {}", application.key), fitting.len())?;
            credited(&record.key, application, fitting.first())?;
            applications += 1;
        }
        for note in &record.notes {
            let hits = sandbox.notes_of(id).iter().filter(|row| says(row, &note.body)).count();
            once(&record.key, &format!("note {}", note.key), hits)?;
            notes += 1;
        }
        for tag in record.tags.iter().flatten() {
            let ids: Vec<Value> = named(sandbox, "candidate_tags", tag);
            once(&record.key, &format!("the tag {tag:?} itself"), ids.len())?;
            let applied = sandbox.rows_of_candidate("applied_candidate_tags", id);
            let hits = applied
                .iter()
                .filter(|row| row.get("candidate_tag_id").is_some_and(|id| ids.contains(id)))
                .count();
            once(&record.key, &format!("tag {tag:?}"), hits)?;
            tags += 1;
        }
    }
    let mut choices = 0_u64;
    for record in records {
        let Desired::CustomField(field) = record else { continue };
        let ids = named(sandbox, "custom_fields", field.name.as_deref().unwrap_or_default());
        once(&field.key, "the custom field", ids.len())?;
        for label in field.options.iter().flatten() {
            once(
                &field.key,
                &format!("the option {label:?}"),
                named(sandbox, "custom_field_options", label).len(),
            )?;
            choices += 1;
        }
    }
    let made = sandbox.creates("candidates") as u64;
    if made + 1 != people {
        return Err(Failure::new(format!(
            "{} were created for {} new candidates",
            count(made, "candidate"),
            people - 1
        )));
    }
    Ok(vec![
        format!(
            "exactly one of each: {people} candidates ({made} created, 1 found by e-mail and not \
             created again),"
        ),
        format!(
            "{}, {}, {} on candidates, a custom field with {}, each exactly once.",
            count(applications, "application"),
            count(notes, "note"),
            count(tags, "tag"),
            count(choices, "choice")
        ),
    ])
}

fn once(key: &str, what: &str, hits: usize) -> Result<(), Failure> {
    if hits == 1 {
        Ok(())
    } else {
        Err(Failure::new(format!("{key}: {what} exists {hits} times instead of once")))
    }
}

/// Checks source, referrer and custom fields.
fn credited(key: &str, wanted: &DesiredApplication, row: Option<&&Value>) -> Result<(), Failure> {
    let is_set =
        |column: &str| row.and_then(|row| row.get(column)).is_some_and(|value| !value.is_null());
    let has_fields = wanted.custom_fields.keys().all(|field| {
        row.and_then(|row| row.pointer(&format!("/custom_fields/{field}")))
            .is_some_and(|value| !value.is_null())
    });
    if (wanted.source.is_some() && !is_set("source_id"))
        || (wanted.referrer.is_some() && !is_set("referrer_id"))
    {
        return Err(Failure::new(format!(
            "{key}: the application does not have the declared source and referrer"
        )));
    }
    if !has_fields {
        return Err(Failure::new(format!(
            "{key}: the application does not have the declared custom fields"
        )));
    }
    Ok(())
}

fn named(sandbox: &Sandbox, collection: &str, name: &str) -> Vec<Value> {
    let rows = sandbox.rows(collection);
    let fitting =
        rows.into_iter().filter(|row| row.get("name").and_then(Value::as_str) == Some(name));
    fitting.filter_map(|row| row.get("id").cloned()).collect()
}

/// Whether a row is the desired application: by its job, or as a prospect.
fn fits(sandbox: &Sandbox, row: &Value, wanted: &DesiredApplication) -> bool {
    match &wanted.job {
        Some(Reference::Bare(title)) => {
            let jobs = named(sandbox, "jobs", title);
            row.get("job_id").is_some_and(|id| jobs.contains(id))
        }
        _ => row.get("prospect").and_then(Value::as_bool) == Some(true),
    }
}

fn says(row: &Value, text: &str) -> bool {
    row.get("body").and_then(Value::as_str).is_some_and(|body| body.contains(text))
}
