//! Users: e-mail addresses are unique over all users, deactivated ones included.

use serde_json::Value;

use super::{Done, WriteContext};
use crate::body::Body;
use crate::model::cell::Cell;
use crate::quirks::UserCreation;
use crate::refusal::Refusal;
use crate::schema::Kind;

/// The form of one user.
pub(super) const FORM: &str = "first_name!:name last_name!:name primary_email!:name \
    send_email_invite:bool \
    job_title:text employee_id:text office_ids:ids external_office_ids:texts department_ids:ids \
    external_department_ids:texts interviewer_tag_ids:ids custom_fields:list";

pub(super) fn create(context: &mut WriteContext<'_>, body: &[u8]) -> Result<Done, Refusal> {
    if context.quirks.user_creation == UserCreation::BulkOnly {
        return Err(Refusal::NotFound);
    }
    let body = Body::read(body, FORM)?;
    let id = add(context, &body)?;
    Ok(context.created(Kind::Users, id))
}

/// Adds one checked user.
pub(super) fn add(context: &mut WriteContext<'_>, body: &Body) -> Result<i64, Refusal> {
    let email = body.text("primary_email").unwrap_or_default();
    let plausible =
        email.split_once('@').is_some_and(|(name, host)| !name.is_empty() && host.contains('.'));
    if !plausible {
        return Err(Refusal::invalid("primary_email", "is invalid"));
    }
    let column = Kind::UserEmails.column("email").unwrap_or_default();
    let taken = context.model.rows(Kind::UserEmails).any(|row| {
        row.cell(column).text().is_some_and(|held| held.to_lowercase() == email.to_lowercase())
    });
    if taken {
        return Err(Refusal::invalid("primary_email", "has already been taken"));
    }
    for (kind, name) in [(Kind::Offices, "office_ids"), (Kind::Departments, "department_ids")] {
        for id in body.ids(name).unwrap_or_default() {
            context.must_know(kind, name, Some(id))?;
        }
    }
    let (first, last) =
        (body.text("first_name").unwrap_or_default(), body.text("last_name").unwrap_or_default());
    let id = context.model.insert(
        Kind::Users,
        &[
            ("deactivated", false.into()),
            ("department_ids", body.ids("department_ids").unwrap_or_default().into()),
            ("emails", Cell::json(&Value::from(vec![email]))),
            ("employee_id", body.text("employee_id").into()),
            ("first_name", first.into()),
            ("job_title", body.text("job_title").into()),
            ("last_name", last.into()),
            ("name", format!("{first} {last}").into()),
            ("office_ids", body.ids("office_ids").unwrap_or_default().into()),
            ("primary_email", email.into()),
            ("site_admin", false.into()),
        ],
    );
    let cells = [("email", email.into()), ("user_id", Cell::Int(id)), ("verified", false.into())];
    context.model.insert(Kind::UserEmails, &cells);
    Ok(id)
}
