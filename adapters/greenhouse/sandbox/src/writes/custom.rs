//! Custom fields and their options.
//!
//! The key of a field comes from its first name and never changes. DELETE archives an option, so
//! two options of one field can share a label.

use super::{Done, WriteContext};
use crate::body::Body;
use crate::model::Touch;
use crate::model::cell::Cell;
use crate::quirks::RepeatedOption;
use crate::refusal::Refusal;
use crate::schema::Kind;

const CREATE_FIELD: &str = "name!:name field_type!:one(job|opening|offer|candidate|referral_question|application|\
rejection_question|form|agency_question|user_attribute) \
value_type!:one(short_text|long_text|yes_no|single_select|\
multi_select|currency|currency_range|number|number_range|date|url|user) private:bool \
description:text \
    generate_email_token:bool required:bool require_approval:bool trigger_new_version:bool \
    expose_in_job_board_api:bool api_only:bool active:bool custom_field_options:list";
const UPDATE_FIELD: &str = "name:name private:bool description:text required:bool \
    require_approval:bool \
    trigger_new_version:bool expose_in_job_board_api:bool api_only:bool active:bool";
/// The form of one option.
pub(super) const OPTION: &str = "custom_field_id!:int name!:name sort_order:int external_id:text";

/// Makes the key from a field's first name: a lossy slug, as recorded.
pub(crate) fn name_key(name: &str) -> String {
    name.to_lowercase().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect()
}

pub(super) fn create_field(context: &mut WriteContext<'_>, body: &[u8]) -> Result<Done, Refusal> {
    let body = Body::read(body, CREATE_FIELD)?;
    let name = body.text("name").unwrap_or_default();
    let field_type = body.text("field_type").unwrap_or_default();
    let value_type = body.text("value_type").unwrap_or_default();
    let options = body
        .get("custom_field_options")
        .and_then(|list| list.as_array())
        .cloned()
        .unwrap_or_default();
    if !options.is_empty() && !value_type.ends_with("_select") {
        return Err(Refusal::invalid("custom_field_options", "are for select fields only"));
    }
    let options = options
        .iter()
        .map(|option| Body::check(option, "name!:name sort_order:int external_id:text"));
    let options = options.collect::<Result<Vec<_>, _>>()?;
    let key = name_key(name);
    let model = &mut *context.model;
    let taken = model.find_text(Kind::CustomFields, "name_key", &key);
    if taken.iter().any(|id| model.text(Kind::CustomFields, *id, "field_type") == Some(field_type))
    {
        return Err(Refusal::invalid("name", "has already been taken"));
    }
    let sort_order = i64::try_from(model.count(Kind::CustomFields)).unwrap_or(0);
    let flag = |name: &str| Cell::Bool(body.bool(name).unwrap_or(false));
    let token = flag("generate_email_token") == Cell::Bool(true);
    let id = model.insert(
        Kind::CustomFields,
        &[
            ("active", true.into()),
            ("api_only", flag("api_only")),
            ("default_value", Cell::Null),
            ("description", body.text("description").into()),
            ("expose_in_job_board_api", flag("expose_in_job_board_api")),
            ("field_type", field_type.into()),
            ("name", name.into()),
            ("name_key", key.clone().into()),
            ("private", flag("private")),
            ("require_approval", flag("require_approval")),
            ("required", flag("required")),
            ("sort_order", sort_order.into()),
            (
                "template_token_string",
                token.then(|| format!("{{{{{}}}}}", key.to_uppercase())).into(),
            ),
            ("trigger_new_version", flag("trigger_new_version")),
            ("updated_by_id", context.actor_id.into()),
            ("use_for_job_approvals", false.into()),
            ("use_for_offer_approvals", false.into()),
            ("value_type", value_type.into()),
        ],
    );
    for (at, option) in options.iter().enumerate() {
        insert_option(context, id, option, i64::try_from(at).unwrap_or(0));
    }
    Ok(context.created(Kind::CustomFields, id))
}

pub(super) fn update_field(
    context: &mut WriteContext<'_>,
    id: i64,
    body: &[u8],
) -> Result<Done, Refusal> {
    context.must_find(Kind::CustomFields, id)?;
    let body = Body::read(body, UPDATE_FIELD)?;
    let mut cells = vec![("updated_by_id", Cell::Int(context.actor_id))];
    for name in ["name", "description"] {
        if body.has(name) {
            cells.push((name, body.text(name).into()));
        }
    }
    for name in [
        "private",
        "required",
        "require_approval",
        "trigger_new_version",
        "expose_in_job_board_api",
        "api_only",
        "active",
    ] {
        if let Some(value) = body.bool(name) {
            cells.push((name, value.into()));
        }
    }
    context.model.set(Kind::CustomFields, id, Touch::Stamp, &cells);
    Ok(context.shown(Kind::CustomFields, id))
}

pub(super) fn create_option(context: &mut WriteContext<'_>, body: &[u8]) -> Result<Done, Refusal> {
    let body = Body::read(body, OPTION)?;
    let id = add_option(context, &body)?;
    Ok(context.created(Kind::CustomFieldOptions, id))
}

/// Adds one checked option.
pub(super) fn add_option(context: &mut WriteContext<'_>, body: &Body) -> Result<i64, Refusal> {
    let field = body.int("custom_field_id").unwrap_or(0);
    context.must_know(Kind::CustomFields, "custom_field_id", Some(field))?;
    let select = context
        .model
        .text(Kind::CustomFields, field, "value_type")
        .is_some_and(|kind| kind.ends_with("_select"));
    if !select {
        return Err(Refusal::invalid("custom_field_id", "is not a select field"));
    }
    let siblings = context.model.find(Kind::CustomFieldOptions, "custom_field_id", field);
    let same = siblings.iter().any(|id| {
        context.model.flag(Kind::CustomFieldOptions, *id, "active")
            && context.model.text(Kind::CustomFieldOptions, *id, "name") == body.text("name")
    });
    if same && context.quirks.repeated_option == RepeatedOption::Refuse {
        return Err(Refusal::invalid("name", "has already been taken"));
    }
    Ok(insert_option(context, field, body, i64::try_from(siblings.len()).unwrap_or(0)))
}

fn insert_option(context: &mut WriteContext<'_>, field: i64, body: &Body, sort_order: i64) -> i64 {
    context.model.insert(
        Kind::CustomFieldOptions,
        &[
            ("active", true.into()),
            ("custom_field_id", field.into()),
            ("external_id", body.text("external_id").into()),
            ("name", body.text("name").into()),
            ("sort_order", body.int("sort_order").unwrap_or(sort_order).into()),
        ],
    )
}

pub(super) fn update_option(
    context: &mut WriteContext<'_>,
    id: i64,
    body: &[u8],
) -> Result<Done, Refusal> {
    context.must_find(Kind::CustomFieldOptions, id)?;
    let body = Body::read(body, "name:name sort_order:int external_id:text")?;
    let mut cells = Vec::new();
    for name in ["name", "external_id"] {
        if body.has(name) {
            cells.push((name, Cell::from(body.text(name))));
        }
    }
    if let Some(sort_order) = body.int("sort_order") {
        cells.push(("sort_order", sort_order.into()));
    }
    context.model.set(Kind::CustomFieldOptions, id, Touch::Stamp, &cells);
    Ok(context.shown(Kind::CustomFieldOptions, id))
}

pub(super) fn archive_option(context: &mut WriteContext<'_>, id: i64) -> Result<Done, Refusal> {
    context.must_find(Kind::CustomFieldOptions, id)?;
    context.model.set(Kind::CustomFieldOptions, id, Touch::Stamp, &[("active", false.into())]);
    Ok(context.deleted(id, "Custom field option"))
}
