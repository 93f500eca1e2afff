//! Reads the small lists that resolve names: tags, sources, reasons, departments, offices, pools.
//!
//! Customers edit the names, so no meaning is derived from them. The type of a rejection reason is
//! read by its `key` (harvest-v3.md §9.9), which alone says which side ended an application.

use super::{Read, Unreadable, record, word};
use crate::wire::{GroupRow, Id, Lacking, Location, Str, Time, row};
use atsync_adapter::rows::Element;
use atsync_model::unified::{Named, Pool, Word};

row!(
    /// Tags and close reasons: harvest-v3.md §9.4, §9.9.
    PlainRow { name: Str<'a>, created_at: Time<'a>, updated_at: Time<'a> }
);
/// The members that the reader reads of a row that is only a name.
pub(crate) const PLAIN_READS: &[&str] = PlainRow::READS;
/// Its flags and lists that are never null.
pub(crate) const PLAIN_NEVER_NULL: &[&str] = PlainRow::NEVER_NULL;
/// Its unified fields.
pub(crate) const PLAIN_FIELDS: &[&str] = &["name", "created_at", "updated_at"];

/// Reads a row that is only a name.
pub(crate) fn plain(element: &Element<'_>) -> Result<Read, Unreadable> {
    let row = PlainRow::read(element)?;
    let mut lacking = Lacking::default();
    let unified = Named {
        name: row.name.some_text("name", &mut lacking),
        created_at: row.created_at.text("created_at", &mut lacking),
        updated_at: row.updated_at.text("updated_at", &mut lacking),
        ..Named::default()
    };
    Ok(record(row.id, &unified, element, lacking)?.changed(unified.updated_at.as_ref()))
}

row!(
    /// Sources and rejection reasons: harvest-v3.md §9.9.
    GroupedRow { name: Str<'a>, kind as "type": GroupRow<'a>, created_at: Time<'a>,
        updated_at: Time<'a> }
);
/// The members of a row with a group that the reader reads.
pub(crate) const GROUPED_READS: &[&str] = GroupedRow::READS;
/// Its flags and lists that are never null.
pub(crate) const GROUPED_NEVER_NULL: &[&str] = GroupedRow::NEVER_NULL;
/// Its unified fields.
pub(crate) const GROUPED_FIELDS: &[&str] = &["name", "type", "created_at", "updated_at"];

/// Reads a source or a rejection reason.
pub(crate) fn grouped(element: &Element<'_>) -> Result<Read, Unreadable> {
    let row = GroupedRow::read(element)?;
    let mut lacking = Lacking::default();
    let unified = Named {
        name: row.name.some_text("name", &mut lacking),
        kind: row.kind.take("type", &mut lacking).map(group),
        created_at: row.created_at.text("created_at", &mut lacking),
        updated_at: row.updated_at.text("updated_at", &mut lacking),
        ..Named::default()
    };
    Ok(record(row.id, &unified, element, lacking)?.changed(unified.updated_at.as_ref()))
}

fn group(row: GroupRow<'_>) -> Word<'_> {
    word(Some(row.0), |source| match source {
        "WE_REJECTED_THEM" => Some("organisation"),
        "THEY_REJECTED_US" => Some("candidate"),
        _ => None,
    })
}

row!(
    /// harvest-v3.md §9.8.
    DepartmentRow { name: Str<'a>, parent_id: Id<'a>, external_id: Str<'a>, created_at: Time<'a>,
        updated_at: Time<'a> }
);
/// The members of a department that the reader reads.
pub(crate) const DEPARTMENT_READS: &[&str] = DepartmentRow::READS;
/// Its flags and lists that are never null.
pub(crate) const DEPARTMENT_NEVER_NULL: &[&str] = DepartmentRow::NEVER_NULL;
/// The unified fields of a department.
pub(crate) const DEPARTMENT_FIELDS: &[&str] =
    &["name", "parent", "external_id", "created_at", "updated_at"];

/// Reads a department.
pub(crate) fn department(element: &Element<'_>) -> Result<Read, Unreadable> {
    let row = DepartmentRow::read(element)?;
    let mut lacking = Lacking::default();
    let unified = Named {
        name: row.name.some_text("name", &mut lacking),
        parent: row.parent_id.reference("parent", &mut lacking),
        external_id: row.external_id.text("external_id", &mut lacking),
        created_at: row.created_at.text("created_at", &mut lacking),
        updated_at: row.updated_at.text("updated_at", &mut lacking),
        ..Named::default()
    };
    Ok(record(row.id, &unified, element, lacking)?.changed(unified.updated_at.as_ref()))
}

row!(
    /// harvest-v3.md §9.8. `location` is a text in v3 and was an object in v1. Left to the raw
    /// record: `primary_in_house_contact_user_id`.
    OfficeRow {
        name: Str<'a>, parent_id: Id<'a>, external_id: Str<'a>, location: Location<'a>,
            created_at: Time<'a>, updated_at: Time<'a>,
    }
);
/// The members of an office that the reader reads.
pub(crate) const OFFICE_READS: &[&str] = OfficeRow::READS;
/// Its flags and lists that are never null.
pub(crate) const OFFICE_NEVER_NULL: &[&str] = OfficeRow::NEVER_NULL;
/// The unified fields of an office.
pub(crate) const OFFICE_FIELDS: &[&str] =
    &["name", "parent", "external_id", "location", "created_at", "updated_at"];

/// Reads an office.
pub(crate) fn office(element: &Element<'_>) -> Result<Read, Unreadable> {
    let row = OfficeRow::read(element)?;
    let mut lacking = Lacking::default();
    let location = row.location.take("location", &mut lacking).and_then(|location| location.0);
    let unified = Named {
        name: row.name.some_text("name", &mut lacking),
        parent: row.parent_id.reference("parent", &mut lacking),
        external_id: row.external_id.text("external_id", &mut lacking),
        location,
        created_at: row.created_at.text("created_at", &mut lacking),
        updated_at: row.updated_at.text("updated_at", &mut lacking),
        ..Named::default()
    };
    Ok(record(row.id, &unified, element, lacking)?.changed(unified.updated_at.as_ref()))
}

row!(
    /// harvest-v3.md §9.12.
    PoolRow {
        name: Str<'a>, active not null: bool, description: Str<'a>,
            department_ids not null: Vec<Id<'a>>,
        office_ids not null: Vec<Id<'a>>, job_ids not null: Vec<Id<'a>>, created_at: Time<'a>,
            updated_at: Time<'a>,
    }
);
/// The members of a pool that the reader reads.
pub(crate) const POOL_READS: &[&str] = PoolRow::READS;
/// Its flags and lists that are never null.
pub(crate) const POOL_NEVER_NULL: &[&str] = PoolRow::NEVER_NULL;
/// The unified fields of a pool.
pub(crate) const POOL_FIELDS: &[&str] = &[
    "name",
    "active",
    "description",
    "departments",
    "offices",
    "jobs",
    "created_at",
    "updated_at",
];

/// Reads a pool.
pub(crate) fn pool(element: &Element<'_>) -> Result<Read, Unreadable> {
    let row = PoolRow::read(element)?;
    let mut lacking = Lacking::default();
    let unified = Pool {
        name: row.name.some_text("name", &mut lacking),
        active: row.active.take("active", &mut lacking),
        description: row.description.text("description", &mut lacking),
        departments: row.department_ids.references("departments", &mut lacking),
        offices: row.office_ids.references("offices", &mut lacking),
        jobs: row.job_ids.references("jobs", &mut lacking),
        created_at: row.created_at.text("created_at", &mut lacking),
        updated_at: row.updated_at.text("updated_at", &mut lacking),
    };
    Ok(record(row.id, &unified, element, lacking)?.changed(unified.updated_at.as_ref()))
}

row!(
    /// harvest-v3.md §9.12.
    PoolStageRow { prospect_pool_id: Id<'a>, name: Str<'a>, sort_order: i64, created_at: Time<'a>,
        updated_at: Time<'a> }
);
/// The members of a pool's stage that the reader reads.
pub(crate) const POOL_STAGE_READS: &[&str] = PoolStageRow::READS;
/// Its flags and lists that are never null.
pub(crate) const POOL_STAGE_NEVER_NULL: &[&str] = PoolStageRow::NEVER_NULL;
/// The unified fields of a pool's stage.
pub(crate) const POOL_STAGE_FIELDS: &[&str] =
    &["name", "parent", "order", "created_at", "updated_at"];

/// Reads a stage of a pool.
pub(crate) fn pool_stage(element: &Element<'_>) -> Result<Read, Unreadable> {
    let row = PoolStageRow::read(element)?;
    let mut lacking = Lacking::default();
    let unified = Named {
        name: row.name.some_text("name", &mut lacking),
        parent: row.prospect_pool_id.reference("parent", &mut lacking),
        order: row.sort_order.take("order", &mut lacking),
        created_at: row.created_at.text("created_at", &mut lacking),
        updated_at: row.updated_at.text("updated_at", &mut lacking),
        ..Named::default()
    };
    Ok(record(row.id, &unified, element, lacking)?.changed(unified.updated_at.as_ref()))
}
