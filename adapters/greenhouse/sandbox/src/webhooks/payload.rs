//! Renders records in the words of v1, which webhooks still have (webhooks.md §4).
//!
//! A payload is whole: it has private custom fields and personal data, whatever the scopes of a
//! credential are. Of a record that is gone only the documented members are rendered.

use atsync_sandbox::format_ms;
use serde_json::{Map, Value, json};

use crate::hook_quirks::HookQuirks;
use crate::model::Model;
use crate::model::cell::{Cell, Row};
use crate::schema::Kind;

/// Renders an application with its candidate and job.
pub(super) fn application(model: &Model, id: i64, quirks: &HookQuirks) -> Value {
    let kind = Kind::Applications;
    let of = |name: &str| model.int(kind, id, name);
    let status = match model.text(kind, id, "status").unwrap_or_default() {
        "in_process" => "active",
        other => other,
    };
    let prospective = model.cell(kind, id, "prospective_job_ids").ids().iter().copied();
    let jobs: Vec<Value> =
        of("job_id").into_iter().chain(prospective).map(|job_id| job(model, job_id)).collect();
    let mut person = of("candidate_id").map_or(Value::Null, |id| candidate(model, id));
    if let Some(map) = person.as_object_mut() {
        map.insert("recruiter".to_owned(), user(model, of("recruiter_id")));
        map.insert("coordinator".to_owned(), user(model, of("coordinator_id")));
    }
    json!({
        "id": id,
        "status": status,
        "prospect": model.flag(kind, id, "prospect"),
        "applied_at": time(model.cell(kind, id, "created_at")),
        "rejected_at": time(model.cell(kind, id, "rejected_at")),
        "last_activity_at": time(model.cell(kind, id, "last_activity_at")),
        "source": of("source_id").map(|source| {
            let name = model.text(Kind::Sources, source, "name");
            json!({"id": source, quirks.source_name.name(): name})
        }),
        "credited_to": of("referrer_id").map(|referrer| {
            let user_id = model.int(Kind::Referrers, referrer, "user_id");
            let name = json!({"name": model.text(Kind::Referrers, referrer, "name")});
            if user_id.is_some() { user(model, user_id) } else { name }
        }),
        "rejection_reason": of("rejection_reason_id").map(|reason| {
            let row = model.row_json(Kind::RejectionReasons, reason).unwrap_or_default();
            json!({"id": reason, "name": row.get("name"), "type": row.get("type")})
        }),
        "current_stage": of("job_interview_stage_id").map(|stage| {
            let name = model.text(Kind::JobInterviewStages, stage, "name");
            json!({"id": stage, "name": name, "interviews": []})
        }),
        "candidate": person,
        "jobs": jobs,
        "attachments": files(model, "application_id", id),
        "custom_fields": custom_fields(model, kind, id, "application"),
    })
}

/// Renders a candidate.
pub(super) fn candidate(model: &Model, id: i64) -> Value {
    let kind = Kind::Candidates;
    let text = |name: &str| model.text(kind, id, name);
    let list = |name: &str| model.cell(kind, id, name).value();
    json!({
        "id": id,
        "first_name": text("first_name"),
        "last_name": text("last_name"),
        "title": text("title"),
        "company": text("company"),
        "external_id": null,
        "photo_url": null,
        "is_private": model.flag(kind, id, "private"),
        "can_email": model.flag(kind, id, "can_email"),
        "created_at": time(model.cell(kind, id, "created_at")),
        "phone_numbers": list("phone_numbers"),
        "email_addresses": list("email_addresses"),
        "addresses": list("addresses"),
        "website_addresses": list("website_addresses"),
        "social_media_addresses": list("social_media_addresses"),
        "tags": list("tags"),
        "educations": educations(model, id),
        "employments": employments(model, id),
        "recruiter": null,
        "coordinator": null,
        "attachments": files(model, "candidate_id", id),
        "custom_fields": custom_fields(model, kind, id, "candidate"),
    })
}

/// Renders a job.
pub(super) fn job(model: &Model, id: i64) -> Value {
    let kind = Kind::Jobs;
    let department = model.int(kind, id, "department_id");
    let department = department.and_then(|id| model.row(Kind::Departments, id));
    let row = model.row_json(kind, id).unwrap_or_default();
    let offices = row.get("office_ids").and_then(Value::as_array).into_iter().flatten();
    let offices = offices.filter_map(Value::as_i64).filter_map(|id| model.row(Kind::Offices, id));
    json!({
        "id": id,
        "name": row.get("name"),
        "requisition_id": row.get("requisition_id"),
        "notes": row.get("notes"),
        "status": row.get("status"),
        "created_at": row.get("created_at"),
        "opened_at": row.get("opened_at"),
        "closed_at": row.get("closed_at"),
        "departments": [department.map(|row| named(Kind::Departments, row))],
        "offices": offices.map(|row| named(Kind::Offices, row)).collect::<Vec<Value>>(),
        "custom_fields": custom_fields(model, kind, id, "job"),
    })
}

/// Renders a job post, which is the payload itself.
pub(super) fn job_post(model: &Model, id: i64) -> Value {
    let row = model.row_json(Kind::JobPosts, id).unwrap_or_default();
    let mut post = json!({"external": row.get("internal").map(|internal| internal != true)});
    for name in
        ["id", "title", "internal", "active", "live", "first_published_at", "job_id", "content"]
    {
        if let Some(map) = post.as_object_mut() {
            map.insert(name.to_owned(), row.get(name).cloned().unwrap_or_default());
        }
    }
    post
}

/// Renders the offer of a hire. The sandbox has no offers of its own, so it has no id.
pub(super) fn offer(model: &Model, application: i64) -> Value {
    let opening = model.find(Kind::Openings, "application_id", application).first().copied();
    json!({
        "id": null,
        "version": 1,
        "status": "accepted",
        "opening_id": opening.and_then(|id| model.text(Kind::Openings, id, "opening_id")),
        "created_at": format_ms(model.now_ms),
        "custom_fields": {},
    })
}

/// Renders a candidate that is gone.
pub(super) fn person(before: &Row) -> Value {
    let text = |name: &str| column(Kind::Candidates, before, name).text();
    json!({"id": before.id, "first_name": text("first_name"), "last_name": text("last_name"),
        "external_id": null})
}

/// Renders an application that is gone.
pub(super) fn deleted_application(before: &Row) -> Value {
    let kind = Kind::Applications;
    json!({
        "id": before.id,
        "candidate_id": column(kind, before, "candidate_id").int(),
        "job_id": column(kind, before, "job_id").int(),
        "prospect": column(kind, before, "prospect").bool(),
        "applied_at": time(column(kind, before, "created_at")),
    })
}

/// Renders a record by its id and name.
pub(super) fn named(kind: Kind, row: &Row) -> Value {
    let text = |name: &str| column(kind, row, name).text();
    json!({"id": row.id, "name": text("name"), "external_id": text("external_id")})
}

/// A column of a row; null where the kind has none of that name.
pub(super) fn column<'a>(kind: Kind, row: &'a Row, name: &str) -> &'a Cell {
    static NULL: Cell = Cell::Null;
    kind.column(name).map_or(&NULL, |at| row.cell(at))
}

fn time(cell: &Cell) -> Option<String> {
    cell.time_ms().map(format_ms)
}

fn user(model: &Model, id: Option<i64>) -> Value {
    let Some(id) = id.filter(|id| model.has(Kind::Users, *id)) else { return Value::Null };
    let text = |name: &str| model.text(Kind::Users, id, name);
    json!({"id": id, "first_name": text("first_name"), "last_name": text("last_name"),
        "name": text("name"), "email": text("primary_email"), "employee_id": text("employee_id")})
}

fn files(model: &Model, column: &str, id: i64) -> Vec<Value> {
    let file = |id: i64| {
        let text = |name: &str| model.text(Kind::Attachments, id, name);
        json!({"filename": text("filename"), "url": text("url"), "type": text("type")})
    };
    model.find(Kind::Attachments, column, id).into_iter().map(file).collect()
}

/// Renders a day as v1 does: `MM/DD/YYYY`.
fn day(text: Option<&str>) -> Option<String> {
    let mut parts = text?.get(..10)?.split('-');
    let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
    Some(format!("{month}/{day}/{year}"))
}

fn educations(model: &Model, candidate: i64) -> Vec<Value> {
    let kind = Kind::CandidateEducations;
    let one = |id: i64| {
        let label = |column: &str| {
            let option = model.int(kind, id, column)?;
            model.text(Kind::CustomFieldOptions, option, "name")
        };
        let at = |column: &str| day(time(model.cell(kind, id, column)).as_deref());
        json!({
            "id": id,
            "school_name": label("school_name_custom_field_option_id"),
            "degree": label("degree_custom_field_option_id"),
            "discipline": label("discipline_custom_field_option_id"),
            "start_date": at("start_at"),
            "end_date": at("end_at"),
        })
    };
    model.find(kind, "candidate_id", candidate).into_iter().map(one).collect()
}

fn employments(model: &Model, candidate: i64) -> Vec<Value> {
    let kind = Kind::CandidateEmployments;
    let one = |id: i64| {
        let text = |name: &str| model.text(kind, id, name);
        json!({
            "id": id,
            "company_name": text("company_name"),
            "title": text("title"),
            "start_date": day(text("start_date")),
            "end_date": day(text("end_date")),
        })
    };
    model.find(kind, "candidate_id", candidate).into_iter().map(one).collect()
}

/// Renders the custom fields of a record: those with a value, and the others that are active.
fn custom_fields(model: &Model, kind: Kind, id: i64, field_type: &str) -> Value {
    let row = model.row_json(kind, id).unwrap_or_default();
    let held = row.get("custom_fields").and_then(Value::as_object).cloned().unwrap_or_default();
    let mut fields = Map::new();
    for (key, field) in held {
        let value_type = field.get("type").and_then(Value::as_str).unwrap_or_default();
        let value = field.get("value").cloned().unwrap_or_default();
        let value = worded(model, value_type, value);
        let field =
            json!({"name": field.get("name"), "type": type_word(value_type), "value": value});
        fields.insert(key, field);
    }
    for row in model.rows(Kind::CustomFields) {
        let text = |name: &str| model.text(Kind::CustomFields, row.id, name).unwrap_or_default();
        let is_of =
            text("field_type") == field_type && model.flag(Kind::CustomFields, row.id, "active");
        if is_of && !fields.contains_key(text("name_key")) {
            let empty = if text("value_type") == "multi_select" { json!([]) } else { Value::Null };
            let field = json!({"name": text("name"), "type": type_word(text("value_type")),
                "value": empty});
            fields.insert(text("name_key").to_owned(), field);
        }
    }
    fields.into()
}

fn type_word(value_type: &str) -> &str {
    if value_type == "yes_no" { "boolean" } else { value_type }
}

/// Renames the members of a value.
fn worded(model: &Model, value_type: &str, value: Value) -> Value {
    let renamed = |names: &[(&str, &str)]| {
        let map = value.as_object()?;
        let member = |(from, to): &(&str, &str)| Some(((*to).to_owned(), map.get(*from)?.clone()));
        Some(Value::from(names.iter().filter_map(member).collect::<Map<_, _>>()))
    };
    let named = match value_type {
        "currency" => renamed(&[("amount", "amount"), ("currency_code", "unit")]),
        "currency_range" => renamed(&[
            ("min_amount", "min_value"),
            ("max_amount", "max_value"),
            ("currency_code", "unit"),
        ]),
        "user" => value.as_i64().map(|id| {
            let text = |name: &str| model.text(Kind::Users, id, name);
            json!({"user_id": id, "name": text("name"), "email": text("primary_email"),
                "employee_id": text("employee_id")})
        }),
        _ => None,
    };
    named.unwrap_or(value)
}
