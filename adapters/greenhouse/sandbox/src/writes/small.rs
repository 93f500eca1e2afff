//! Rejection details, notes and attachments. Notes cannot be edited or removed, so a duplicate is
//! permanent.

use serde_json::Value;

use super::{Done, WriteContext, fields};
use crate::body::Body;
use crate::model::Touch;
use crate::model::cell::Cell;
use crate::refusal::Refusal;
use crate::schema::Kind;

pub(super) fn update_rejection(
    context: &mut WriteContext<'_>,
    id: i64,
    body: &[u8],
) -> Result<Done, Refusal> {
    context.must_find(Kind::RejectionDetails, id)?;
    let body = Body::read(body, "rejection_reason_id:int custom_fields:list")?;
    let reason = body.int("rejection_reason_id");
    context.must_know(Kind::RejectionReasons, "rejection_reason_id", reason)?;
    let mut cells = Vec::new();
    if let Some(reason) = reason {
        cells.push(("rejection_reason_id", Cell::Int(reason)));
    }
    if let Some(list) = body.get("custom_fields").filter(|value| !value.is_null()) {
        let former = context.model.cell(Kind::RejectionDetails, id, "question_custom_fields");
        cells.push((
            "question_custom_fields",
            fields::apply(context, "rejection_question", list, former, true)?,
        ));
    }
    context.model.set(Kind::RejectionDetails, id, Touch::Stamp, &cells);
    if let (Some(reason), Some(application)) =
        (reason, context.model.int(Kind::RejectionDetails, id, "application_id"))
    {
        let cells = [("rejection_reason_id", Cell::Int(reason))];
        context.model.set(Kind::Applications, application, Touch::Stamp, &cells);
    }
    Ok(context.shown(Kind::RejectionDetails, id))
}

pub(super) fn create_note(context: &mut WriteContext<'_>, body: &[u8]) -> Result<Done, Refusal> {
    let form = "candidate_id!:int application_id:int user_id:int body!:name \
        note_type!:one(NOTE|ACTIVITY|EMAIL) \
        visibility!:one(admin_only|private|public) subject:text email_to:texts email_from:texts \
        email_cc:texts";
    let body = Body::read(body, form)?;
    let (candidate, application) =
        (body.int("candidate_id").unwrap_or(0), body.int("application_id"));
    // Greenhouse accepts a note for a deleted candidate, which becomes an orphan (a single source's
    // live probe). It refuses a candidate that is only hidden from the acting user, and an id that
    // never existed.
    if context.model.has(Kind::Candidates, candidate)
        || !context.model.had(Kind::Candidates, candidate)
    {
        context.must_know(Kind::Candidates, "candidate_id", Some(candidate))?;
    }
    context.must_know(Kind::Users, "user_id", body.int("user_id"))?;
    if application.is_some_and(|id| {
        context.model.int(Kind::Applications, id, "candidate_id") != Some(candidate)
    }) {
        return Err(Refusal::invalid("application_id", "is not an application of the candidate"));
    }
    let mail = body.text("note_type") == Some("EMAIL");
    if !mail && ["subject", "email_to", "email_from", "email_cc"].iter().any(|name| body.has(name))
    {
        return Err(Refusal::invalid("note_type", "must be EMAIL for e-mail parameters"));
    }
    let visibility = match body.text("visibility") {
        Some("public") => "publicly_visible",
        Some("private") => "privately_visible",
        _ => "admin_only_visible",
    };
    let text = body.text("body").unwrap_or_default();
    let joined = |name: &str| body.texts(name).map(|list| list.join(", "));
    let id = context.model.insert(
        Kind::Notes,
        &[
            ("application_id", application.into()),
            ("body", text.into()),
            ("body_with_tags", text.into()),
            ("candidate_id", candidate.into()),
            ("email_cc", Cell::json(&Value::from(body.texts("email_cc").unwrap_or_default()))),
            ("email_from", joined("email_from").into()),
            ("email_to", joined("email_to").into()),
            ("subject", body.text("subject").into()),
            ("type", body.text("note_type").into()),
            ("user_id", body.int("user_id").unwrap_or(context.actor_id).into()),
            ("visibility", visibility.into()),
        ],
    );
    context.note_activity(candidate);
    Ok(context.created(Kind::Notes, id))
}

/// Adds a public note in the actor's name.
pub(crate) fn add_note(
    context: &mut WriteContext<'_>,
    candidate: i64,
    application: Option<i64>,
    text: &str,
) -> i64 {
    let id = context.model.insert(
        Kind::Notes,
        &[
            ("application_id", application.into()),
            ("body", text.into()),
            ("body_with_tags", text.into()),
            ("candidate_id", candidate.into()),
            ("type", "NOTE".into()),
            ("user_id", context.actor_id.into()),
            ("visibility", "publicly_visible".into()),
        ],
    );
    context.note_activity(candidate);
    id
}

pub(super) fn create_attachment(
    context: &mut WriteContext<'_>,
    body: &[u8],
) -> Result<Done, Refusal> {
    use base64::Engine as _;
    let form = "application_id!:int filename!:name \
        type!:one(resume|cover_letter|take_home_test|offer_packet|\
offer_letter|signed_offer_letter|other|form_attachment|midfunnel_agreement|automated_agreement) \
content:file \
        url:name visibility:one(public|private|admin_only)";
    let body = Body::read(body, form)?;
    let application = body.int("application_id").unwrap_or(0);
    context.must_know(Kind::Applications, "application_id", Some(application))?;
    match (body.text("content"), body.text("url")) {
        (Some(content), None) => {
            let readable = base64::engine::general_purpose::STANDARD
                .decode(content)
                .is_ok_and(|file| !file.is_empty());
            if !readable {
                return Err(Refusal::invalid("content", "is not base64"));
            }
        }
        (None, Some(url)) if url.starts_with("https://") || url.starts_with("http://") => {}
        (None, Some(_)) => return Err(Refusal::invalid("url", "is not a URL")),
        _ => return Err(Refusal::invalid("content", "exactly one of content and url is required")),
    }
    let kind = body.text("type").unwrap_or_default();
    if kind == "resume" {
        // A new resume replaces the former one.
        for former in context.model.find(Kind::Attachments, "application_id", application) {
            if context.model.text(Kind::Attachments, former, "type") == Some("resume") {
                context.model.remove(Kind::Attachments, former);
            }
        }
    }
    let candidate = context.model.int(Kind::Applications, application, "candidate_id");
    let filename = body.text("filename").unwrap_or_default();
    let signature = context.model.rng.next();
    let url =
        format!("https://files.sandbox.invalid/{application}/{signature:016x}?expires_in=604800");
    let id = context.model.insert(
        Kind::Attachments,
        &[
            ("application_id", application.into()),
            ("candidate_id", candidate.into()),
            ("filename", filename.into()),
            ("type", kind.into()),
            ("url", url.into()),
        ],
    );
    if let Some(candidate) = candidate {
        context.note_activity(candidate);
    }
    Ok(context.created(Kind::Attachments, id))
}
