//! Reads applications, their stages, rejections, pool placements, notes and files.
//!
//! `stage_id` of an application is the row of `application_stages`; the stage definition is
//! `job_interview_stage_id`, which the official schema lacks: there only `stage_name` gives the
//! stage, and the unified stage has a name and no id. Without `rejection_reason_id` the reason is
//! unknown (harvest-v3.md §9.2 \[2nd\]). The status in a row is `in_process` where the filter says
//! `active`. A row names a reason but not its type, so only the reason's own record says which side
//! ended the application.
//!
//! Left out: a file's `url`. It is a secret while it is valid (§9.14), so the raw record of
//! attachments is not stored either.

use super::custom::{CustomMap, values};
use super::{Read, Unreadable, record, word, word_of};
use crate::wire::{Got, Id, Lacking, Str, Time, row};
use atsync_adapter::rows::Element;
use atsync_model::unified::{
    Application, ApplicationStage, Attachment, Note, PoolPlacement, Ref, Rejection,
};
use serde_json::Value;
use std::borrow::Cow;

row!(
    /// harvest-v3.md §9.2. Left to the raw record: `agency_note_id`.
    ApplicationRow {
        candidate_id: Id<'a>, job_id: Id<'a>, prospect not null: bool,
            prospective_job_ids not null: Vec<Id<'a>>, status: Str<'a>, stage_id: Id<'a>,
        job_interview_stage_id: Id<'a>, stage_name: Str<'a>, needs_decision: bool,
            source_id: Id<'a>, referrer_id: Id<'a>,
        recruiter_id: Id<'a>, coordinator_id: Id<'a>, job_post_id: Id<'a>, rejected_at: Time<'a>,
            rejection_reason_id: Id<'a>,
        location_address: Str<'a>, answers: Vec<Value>, custom_fields: CustomMap<'a>,
            last_activity_at: Time<'a>, created_at: Time<'a>,
        updated_at: Time<'a>,
    }
);
/// The members of an application that the reader reads.
pub(crate) const APPLICATION_READS: &[&str] = ApplicationRow::READS;
/// Its flags and lists that are never null.
pub(crate) const APPLICATION_NEVER_NULL: &[&str] = ApplicationRow::NEVER_NULL;
/// The unified fields of an application.
pub(crate) const APPLICATION_FIELDS: &[&str] = &[
    "candidate",
    "job",
    "kind",
    "prospective_jobs",
    "outcome",
    "stage",
    "application_stage",
    "source",
    "referrer",
    "recruiter",
    "coordinator",
    "posting",
    "reject_reason",
    "rejected_at",
    "location",
    "needs_decision",
    "answers",
    "custom_fields",
    "odd_forms",
    "last_activity_at",
    "created_at",
    "updated_at",
];

/// Reads an application.
pub(crate) fn application(element: &Element<'_>) -> Result<Read, Unreadable> {
    let row = ApplicationRow::read(element)?;
    let mut lacking = Lacking::default();
    let stage = stage(row.job_interview_stage_id, row.stage_name, &mut lacking);
    let kind = match row.prospect.take("kind", &mut lacking) {
        Some(true) => "prospect",
        Some(false) => "application",
        // Left out of the body, since it is unknown.
        None => "",
    };
    let (custom_fields, odd_forms) = values(row.custom_fields, &mut lacking);
    let unified = Application {
        candidate: row.candidate_id.some_reference("candidate", &mut lacking),
        job: row.job_id.reference("job", &mut lacking),
        kind: Cow::Borrowed(kind),
        prospective_jobs: row.prospective_job_ids.references("prospective_jobs", &mut lacking),
        outcome: word_of(row.status, "outcome", &mut lacking, outcome),
        stage,
        application_stage: row.stage_id.reference("application_stage", &mut lacking),
        source: row.source_id.reference("source", &mut lacking),
        referrer: row.referrer_id.reference("referrer", &mut lacking),
        recruiter: row.recruiter_id.reference("recruiter", &mut lacking),
        coordinator: row.coordinator_id.reference("coordinator", &mut lacking),
        posting: row.job_post_id.reference("posting", &mut lacking),
        reject_reason: row.rejection_reason_id.reference("reject_reason", &mut lacking),
        rejected_at: row.rejected_at.text("rejected_at", &mut lacking),
        location: row.location_address.text("location", &mut lacking),
        needs_decision: row.needs_decision.take("needs_decision", &mut lacking),
        answers: row.answers.take("answers", &mut lacking).unwrap_or_default(),
        custom_fields,
        odd_forms,
        last_activity_at: row.last_activity_at.text("last_activity_at", &mut lacking),
        created_at: row.created_at.text("created_at", &mut lacking),
        updated_at: row.updated_at.text("updated_at", &mut lacking),
    };
    Ok(record(row.id, &unified, element, lacking)?.changed(unified.updated_at.as_ref()))
}

/// Returns the stage definition.
///
/// The official schema has only its name, newer rows have the id too; one of them is enough.
/// `stage_id` is not the definition: it is the row of `application_stages` (harvest-v3.md §9.2
/// \[2nd\], pitfalls.md 10).
fn stage<'a>(id: Got<Id<'a>>, name: Got<Str<'a>>, lacking: &mut Lacking) -> Option<Ref<'a>> {
    if id.is_absent() && name.is_absent() {
        lacking.note("stage");
        return None;
    }
    let id = if id.is_absent() { None } else { id.take("stage", lacking) };
    let id = id.map(|id| id.0).filter(|id| !id.is_empty());
    let name = if name.is_absent() { None } else { name.text("stage", lacking) };
    (id.is_some() || name.is_some()).then_some(Ref { id, name })
}

/// Converts a status. A row says `in_process` where filters and webhooks say `active`
/// (harvest-v3.md §9.2).
fn outcome(source: &str) -> Option<&'static str> {
    Some(match source {
        "in_process" | "active" => "active",
        "rejected" => "rejected",
        "hired" => "hired",
        "converted" => "converted",
        _ => return None,
    })
}

row!(
    /// harvest-v3.md §9.3. Left to the raw record: `days_in_stage`, which follows from the times.
    ApplicationStageRow {
        application_id: Id<'a>, job_interview_stage_id: Id<'a>, current not null: bool,
            entered_at: Time<'a>, exited_at: Time<'a>, created_at: Time<'a>,
        updated_at: Time<'a>,
    }
);
/// The members of an application's stage that the reader reads.
pub(crate) const APPLICATION_STAGE_READS: &[&str] = ApplicationStageRow::READS;
/// Its flags and lists that are never null.
pub(crate) const APPLICATION_STAGE_NEVER_NULL: &[&str] = ApplicationStageRow::NEVER_NULL;
/// The unified fields of an application's stage.
pub(crate) const APPLICATION_STAGE_FIELDS: &[&str] =
    &["application", "stage", "current", "entered_at", "exited_at", "created_at", "updated_at"];

/// Reads an application's stage.
pub(crate) fn application_stage(element: &Element<'_>) -> Result<Read, Unreadable> {
    let row = ApplicationStageRow::read(element)?;
    let mut lacking = Lacking::default();
    let unified = ApplicationStage {
        application: row.application_id.some_reference("application", &mut lacking),
        stage: row.job_interview_stage_id.some_reference("stage", &mut lacking),
        current: row.current.take("current", &mut lacking),
        entered_at: row.entered_at.text("entered_at", &mut lacking),
        exited_at: row.exited_at.text("exited_at", &mut lacking),
        created_at: row.created_at.text("created_at", &mut lacking),
        updated_at: row.updated_at.text("updated_at", &mut lacking),
    };
    Ok(record(row.id, &unified, element, lacking)?.changed(unified.updated_at.as_ref()))
}

row!(
    /// harvest-v3.md §9.3.
    RejectionRow {
        application_id: Id<'a>, rejection_reason_id: Id<'a>, rejected_by_id: Id<'a>,
            rejected_at: Time<'a>, rejection_note_id: Id<'a>,
        question_custom_fields: CustomMap<'a>, created_at: Time<'a>, updated_at: Time<'a>,
    }
);
/// The members of a rejection that the reader reads.
pub(crate) const REJECTION_READS: &[&str] = RejectionRow::READS;
/// Its flags and lists that are never null.
pub(crate) const REJECTION_NEVER_NULL: &[&str] = RejectionRow::NEVER_NULL;
/// The unified fields of a rejection.
pub(crate) const REJECTION_FIELDS: &[&str] = &[
    "application",
    "reject_reason",
    "rejected_by",
    "note",
    "custom_fields",
    "rejected_at",
    "created_at",
    "updated_at",
];

/// Reads a rejection.
pub(crate) fn rejection(element: &Element<'_>) -> Result<Read, Unreadable> {
    let row = RejectionRow::read(element)?;
    let mut lacking = Lacking::default();
    let unified = Rejection {
        application: row.application_id.some_reference("application", &mut lacking),
        reject_reason: row.rejection_reason_id.reference("reject_reason", &mut lacking),
        rejected_by: row.rejected_by_id.reference("rejected_by", &mut lacking),
        note: row.rejection_note_id.reference("note", &mut lacking),
        custom_fields: values(row.question_custom_fields, &mut lacking).0,
        rejected_at: row.rejected_at.text("rejected_at", &mut lacking),
        created_at: row.created_at.text("created_at", &mut lacking),
        updated_at: row.updated_at.text("updated_at", &mut lacking),
    };
    Ok(record(row.id, &unified, element, lacking)?.changed(unified.updated_at.as_ref()))
}

row!(
    /// harvest-v3.md §9.12.
    PlacementRow {
        application_id: Id<'a>, pool_id: Id<'a>, pool_stage_id: Id<'a>, prospect_owner_id: Id<'a>,
            department_id: Id<'a>, office_id: Id<'a>,
        created_at: Time<'a>, updated_at: Time<'a>,
    }
);
/// The members of a pool placement that the reader reads.
pub(crate) const PLACEMENT_READS: &[&str] = PlacementRow::READS;
/// Its flags and lists that are never null.
pub(crate) const PLACEMENT_NEVER_NULL: &[&str] = PlacementRow::NEVER_NULL;
/// The unified fields of a pool placement.
pub(crate) const PLACEMENT_FIELDS: &[&str] = &[
    "application",
    "pool",
    "pool_stage",
    "owner",
    "department",
    "office",
    "created_at",
    "updated_at",
];

/// Reads a pool placement.
pub(crate) fn placement(element: &Element<'_>) -> Result<Read, Unreadable> {
    let row = PlacementRow::read(element)?;
    let mut lacking = Lacking::default();
    let unified = PoolPlacement {
        application: row.application_id.some_reference("application", &mut lacking),
        pool: row.pool_id.reference("pool", &mut lacking),
        pool_stage: row.pool_stage_id.reference("pool_stage", &mut lacking),
        owner: row.prospect_owner_id.reference("owner", &mut lacking),
        department: row.department_id.reference("department", &mut lacking),
        office: row.office_id.reference("office", &mut lacking),
        created_at: row.created_at.text("created_at", &mut lacking),
        updated_at: row.updated_at.text("updated_at", &mut lacking),
    };
    Ok(record(row.id, &unified, element, lacking)?.changed(unified.updated_at.as_ref()))
}

row!(
    /// harvest-v3.md §9.13. Left to the raw record: the e-mail's parties and files,
    /// `body_with_tags`, `import_hash`.
    NoteRow {
        candidate_id: Id<'a>, application_id: Id<'a>, user_id: Id<'a>, kind as "type": Str<'a>,
            visibility: Str<'a>, subject: Str<'a>,
        body: Str<'a>, created_at: Time<'a>, updated_at: Time<'a>,
    }
);
/// The members of a note that the reader reads.
pub(crate) const NOTE_READS: &[&str] = NoteRow::READS;
/// Its flags and lists that are never null.
pub(crate) const NOTE_NEVER_NULL: &[&str] = NoteRow::NEVER_NULL;
/// The unified fields of a note.
pub(crate) const NOTE_FIELDS: &[&str] = &[
    "candidate",
    "application",
    "author",
    "type",
    "visibility",
    "subject",
    "body",
    "created_at",
    "updated_at",
];

/// Reads a note.
pub(crate) fn note(element: &Element<'_>) -> Result<Read, Unreadable> {
    let row = NoteRow::read(element)?;
    let mut lacking = Lacking::default();
    let unified = Note {
        candidate: row.candidate_id.reference("candidate", &mut lacking).unwrap_or_default(),
        application: row.application_id.reference("application", &mut lacking),
        author: row.user_id.reference("author", &mut lacking),
        kind: word_of(row.kind, "type", &mut lacking, note_word),
        // May be null (openapi: note.visibility), which has no unified word.
        visibility: word(row.visibility.text("visibility", &mut lacking), visibility),
        subject: row.subject.text("subject", &mut lacking),
        body: row.body.text("body", &mut lacking),
        created_at: row.created_at.text("created_at", &mut lacking),
        updated_at: row.updated_at.text("updated_at", &mut lacking),
    };
    Ok(record(row.id, &unified, element, lacking)?.changed(unified.updated_at.as_ref()))
}

fn note_word(source: &str) -> Option<&'static str> {
    ["note", "activity", "email"].into_iter().find(|known| known.eq_ignore_ascii_case(source))
}

/// Converts a visibility. It is written as `public` and read as `publicly_visible` (harvest-v3.md
/// §7, §9.13); both are accepted, so that a comparison reports no drift.
fn visibility(source: &str) -> Option<&'static str> {
    Some(match source {
        "public" | "publicly_visible" => "public",
        "private" | "privately_visible" => "private",
        "admin_only" | "admin_only_visible" => "admin_only",
        _ => return None,
    })
}

row!(
    /// harvest-v3.md §9.14. `url` is left out on purpose.
    AttachmentRow {
        application_id: Id<'a>, candidate_id: Id<'a>, kind as "type": Str<'a>, filename: Str<'a>,
            created_at: Time<'a>, updated_at: Time<'a>,
    }
);
/// The members of a file that the reader reads.
pub(crate) const ATTACHMENT_READS: &[&str] = AttachmentRow::READS;
/// Its flags and lists that are never null.
pub(crate) const ATTACHMENT_NEVER_NULL: &[&str] = AttachmentRow::NEVER_NULL;
/// The unified fields of a file.
pub(crate) const ATTACHMENT_FIELDS: &[&str] =
    &["candidate", "application", "type", "filename", "created_at", "updated_at"];

/// Reads the entry of a file.
pub(crate) fn attachment(element: &Element<'_>) -> Result<Read, Unreadable> {
    let row = AttachmentRow::read(element)?;
    let mut lacking = Lacking::default();
    let unified = Attachment {
        candidate: row.candidate_id.reference("candidate", &mut lacking),
        application: row.application_id.reference("application", &mut lacking),
        kind: word_of(row.kind, "type", &mut lacking, |source| {
            Some(match source {
                "resume" => "resume",
                "cover_letter" => "cover_letter",
                "offer_packet" | "offer_letter" | "signed_offer_letter" => "offer",
                _ => return None,
            })
        }),
        filename: row.filename.some_text("filename", &mut lacking),
        created_at: row.created_at.text("created_at", &mut lacking),
        updated_at: row.updated_at.text("updated_at", &mut lacking),
    };
    Ok(record(row.id, &unified, element, lacking)?.changed(unified.updated_at.as_ref()))
}
