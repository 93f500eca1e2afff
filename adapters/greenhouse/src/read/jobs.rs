//! Reads jobs, their posts, openings, stages and hiring teams.
//!
//! `is_template` and `department_id` may be `null`, `office_ids` `[]` or `null` (harvest-v3.md
//! §9.5, REC \[ok\]; §3 \[2nd\]). Job posts, stages and openings of a job are rows of their own
//! that name the job.

use super::custom::{CustomMap, values};
use super::{Read, Unreadable, record, word_of};
use crate::wire::{Id, Lacking, Str, Time, row};
use atsync_adapter::rows::Element;
use atsync_model::unified::{Job, Named, Opening, Posting, TeamMember, Word};
use serde_json::Value;
use std::borrow::Cow;

row!(
    /// harvest-v3.md §9.5, as recorded.
    JobRow {
        name: Str<'a>, requisition_id: Str<'a>, notes: Str<'a>, confidential not null: bool,
            created_at: Time<'a>, updated_at: Time<'a>,
        is_template: bool, copied_from_id: Id<'a>, opened_at: Time<'a>, closed_at: Time<'a>,
            status: Str<'a>, office_ids: Vec<Id<'a>>,
        department_id: Id<'a>, custom_fields: CustomMap<'a>,
    }
);
/// The members of a job that the reader reads.
pub(crate) const JOB_READS: &[&str] = JobRow::READS;
/// Its flags and lists that are never null.
pub(crate) const JOB_NEVER_NULL: &[&str] = JobRow::NEVER_NULL;
/// The unified fields of a job.
pub(crate) const JOB_FIELDS: &[&str] = &[
    "title",
    "requisition_id",
    "state",
    "confidential",
    "template",
    "copied_from",
    "departments",
    "offices",
    "notes",
    "custom_fields",
    "opened_at",
    "closed_at",
    "created_at",
    "updated_at",
];

/// Reads a job.
pub(crate) fn job(element: &Element<'_>) -> Result<Read, Unreadable> {
    let row = JobRow::read(element)?;
    let mut lacking = Lacking::default();
    let unified = Job {
        title: row.name.some_text("title", &mut lacking),
        requisition_id: row.requisition_id.text("requisition_id", &mut lacking),
        state: word_of(row.status, "state", &mut lacking, |source| {
            ["draft", "pending", "open", "on_hold", "closed", "archived"]
                .into_iter()
                .find(|known| *known == source)
        }),
        confidential: row.confidential.take("confidential", &mut lacking),
        template: row.is_template.take("template", &mut lacking),
        copied_from: row.copied_from_id.reference("copied_from", &mut lacking),
        departments: row.department_id.reference("departments", &mut lacking).into_iter().collect(),
        offices: row.office_ids.references("offices", &mut lacking),
        notes: row.notes.text("notes", &mut lacking),
        custom_fields: values(row.custom_fields, &mut lacking).0,
        opened_at: row.opened_at.text("opened_at", &mut lacking),
        closed_at: row.closed_at.text("closed_at", &mut lacking),
        created_at: row.created_at.text("created_at", &mut lacking),
        updated_at: row.updated_at.text("updated_at", &mut lacking),
    };
    Ok(record(row.id, &unified, element, lacking)?.changed(unified.updated_at.as_ref()))
}

row!(
    /// harvest-v3.md §9.6. Left to the raw record: `demographic_question_set_id`.
    PostingRow {
        job_id: Id<'a>, job_board_id: Id<'a>, title: Str<'a>, internal not null: bool,
            active not null: bool,
        live not null: bool, featured not null: bool,
        first_published_at: Time<'a>, content: Str<'a>, internal_content: Str<'a>,
            language: Str<'a>, public_url: Str<'a>,
        questions not null: Vec<Value>, created_at: Time<'a>, updated_at: Time<'a>,
    }
);
/// The members of a job post that the reader reads.
pub(crate) const POSTING_READS: &[&str] = PostingRow::READS;
/// Its flags and lists that are never null.
pub(crate) const POSTING_NEVER_NULL: &[&str] = PostingRow::NEVER_NULL;
/// The unified fields of a job post.
pub(crate) const POSTING_FIELDS: &[&str] = &[
    "job",
    "title",
    "active",
    "live",
    "internal",
    "featured",
    "board",
    "url",
    "language",
    "content",
    "internal_content",
    "questions",
    "published_at",
    "created_at",
    "updated_at",
];

/// Reads a job post.
pub(crate) fn posting(element: &Element<'_>) -> Result<Read, Unreadable> {
    let row = PostingRow::read(element)?;
    let mut lacking = Lacking::default();
    let unified = Posting {
        job: row.job_id.some_reference("job", &mut lacking),
        title: row.title.some_text("title", &mut lacking),
        active: row.active.take("active", &mut lacking),
        live: row.live.take("live", &mut lacking),
        internal: row.internal.take("internal", &mut lacking),
        featured: row.featured.take("featured", &mut lacking),
        board: row.job_board_id.reference("board", &mut lacking),
        url: row.public_url.text("url", &mut lacking),
        language: row.language.text("language", &mut lacking),
        content: row.content.text("content", &mut lacking),
        internal_content: row.internal_content.text("internal_content", &mut lacking),
        questions: row.questions.take("questions", &mut lacking).unwrap_or_default(),
        published_at: row.first_published_at.text("published_at", &mut lacking),
        created_at: row.created_at.text("created_at", &mut lacking),
        updated_at: row.updated_at.text("updated_at", &mut lacking),
    };
    Ok(record(row.id, &unified, element, lacking)?.changed(unified.updated_at.as_ref()))
}

row!(
    /// harvest-v3.md §9.5.
    OpeningRow {
        job_id: Id<'a>, opening_id: Str<'a>, open not null: bool, opened_at: Time<'a>,
            closed_at: Time<'a>, application_id: Id<'a>,
        close_reason_id: Id<'a>, target_start_on: Time<'a>, sort_order: i64,
            custom_fields: CustomMap<'a>, created_at: Time<'a>,
        updated_at: Time<'a>,
    }
);
/// The members of an opening that the reader reads.
pub(crate) const OPENING_READS: &[&str] = OpeningRow::READS;
/// Its flags and lists that are never null.
pub(crate) const OPENING_NEVER_NULL: &[&str] = OpeningRow::NEVER_NULL;
/// The unified fields of an opening.
pub(crate) const OPENING_FIELDS: &[&str] = &[
    "job",
    "external_id",
    "state",
    "application",
    "close_reason",
    "order",
    "target_start_on",
    "custom_fields",
    "opened_at",
    "closed_at",
    "created_at",
    "updated_at",
];

/// Reads an opening.
pub(crate) fn opening(element: &Element<'_>) -> Result<Read, Unreadable> {
    let row = OpeningRow::read(element)?;
    let mut lacking = Lacking::default();
    let state = match row.open.take("state", &mut lacking) {
        Some(true) => "open",
        Some(false) => "closed",
        None => "other",
    };
    let unified = Opening {
        job: row.job_id.some_reference("job", &mut lacking),
        external_id: row.opening_id.text("external_id", &mut lacking),
        state: Word { value: Cow::Borrowed(state), source: None },
        application: row.application_id.reference("application", &mut lacking),
        close_reason: row.close_reason_id.reference("close_reason", &mut lacking),
        order: row.sort_order.take("order", &mut lacking),
        target_start_on: row.target_start_on.text("target_start_on", &mut lacking),
        custom_fields: values(row.custom_fields, &mut lacking).0,
        opened_at: row.opened_at.text("opened_at", &mut lacking),
        closed_at: row.closed_at.text("closed_at", &mut lacking),
        created_at: row.created_at.text("created_at", &mut lacking),
        updated_at: row.updated_at.text("updated_at", &mut lacking),
    };
    Ok(record(row.id, &unified, element, lacking)?.changed(unified.updated_at.as_ref()))
}

row!(
    /// openapi: job_hiring_manager.
    ManagerRow { job_id: Id<'a>, user_id: Id<'a>, created_at: Time<'a>, updated_at: Time<'a> }
);
/// The members of a hiring manager that the reader reads.
pub(crate) const MANAGER_READS: &[&str] = ManagerRow::READS;
/// Its flags and lists that are never null.
pub(crate) const MANAGER_NEVER_NULL: &[&str] = ManagerRow::NEVER_NULL;
/// The unified fields of a hiring manager.
pub(crate) const MANAGER_FIELDS: &[&str] = &["job", "user", "role", "created_at", "updated_at"];

/// Reads a hiring manager of a job.
pub(crate) fn manager(element: &Element<'_>) -> Result<Read, Unreadable> {
    let row = ManagerRow::read(element)?;
    let mut lacking = Lacking::default();
    let unified = TeamMember {
        job: row.job_id.some_reference("job", &mut lacking),
        user: row.user_id.some_reference("user", &mut lacking),
        role: Word { value: Cow::Borrowed("hiring_manager"), source: None },
        responsible: None,
        created_at: row.created_at.text("created_at", &mut lacking),
        updated_at: row.updated_at.text("updated_at", &mut lacking),
    };
    Ok(record(row.id, &unified, element, lacking)?.changed(unified.updated_at.as_ref()))
}

row!(
    /// openapi: job_owner.
    OwnerRow {
        job_id: Id<'a>, user_id: Id<'a>, kind as "type": Str<'a>, responsible not null: bool,
            created_at: Time<'a>, updated_at: Time<'a>,
    }
);
/// The members of an owner that the reader reads.
pub(crate) const OWNER_READS: &[&str] = OwnerRow::READS;
/// Its flags and lists that are never null.
pub(crate) const OWNER_NEVER_NULL: &[&str] = OwnerRow::NEVER_NULL;
/// The unified fields of an owner.
pub(crate) const OWNER_FIELDS: &[&str] =
    &["job", "user", "role", "responsible", "created_at", "updated_at"];

/// Reads a recruiter, coordinator or sourcer of a job.
pub(crate) fn owner(element: &Element<'_>) -> Result<Read, Unreadable> {
    let row = OwnerRow::read(element)?;
    let mut lacking = Lacking::default();
    let unified = TeamMember {
        job: row.job_id.some_reference("job", &mut lacking),
        user: row.user_id.some_reference("user", &mut lacking),
        role: word_of(row.kind, "role", &mut lacking, |source| {
            ["recruiter", "coordinator", "sourcer"].into_iter().find(|known| *known == source)
        }),
        responsible: row.responsible.take("responsible", &mut lacking),
        created_at: row.created_at.text("created_at", &mut lacking),
        updated_at: row.updated_at.text("updated_at", &mut lacking),
    };
    Ok(record(row.id, &unified, element, lacking)?.changed(unified.updated_at.as_ref()))
}

row!(
    /// harvest-v3.md §9.7. Inactive stages stay listed.
    StageRow { job_id: Id<'a>, name: Str<'a>, sort_order: i64, active not null: bool,
        created_at: Time<'a>, updated_at: Time<'a> }
);
/// The members of a stage that the reader reads.
pub(crate) const STAGE_READS: &[&str] = StageRow::READS;
/// Its flags and lists that are never null.
pub(crate) const STAGE_NEVER_NULL: &[&str] = StageRow::NEVER_NULL;
/// The unified fields of a stage.
pub(crate) const STAGE_FIELDS: &[&str] =
    &["name", "active", "parent", "order", "created_at", "updated_at"];

/// Reads a stage of a job.
pub(crate) fn stage(element: &Element<'_>) -> Result<Read, Unreadable> {
    let row = StageRow::read(element)?;
    let mut lacking = Lacking::default();
    let unified = Named {
        name: row.name.some_text("name", &mut lacking),
        active: row.active.take("active", &mut lacking),
        parent: row.job_id.reference("parent", &mut lacking),
        order: row.sort_order.take("order", &mut lacking),
        created_at: row.created_at.text("created_at", &mut lacking),
        updated_at: row.updated_at.text("updated_at", &mut lacking),
        ..Named::default()
    };
    Ok(record(row.id, &unified, element, lacking)?.changed(unified.updated_at.as_ref()))
}
