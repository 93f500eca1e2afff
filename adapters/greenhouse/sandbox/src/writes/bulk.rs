//! Bulk creation: 202 at once, and a status to poll for the outcome. Rows that fail do not stop the
//! others.

use serde_json::{Value, json};

use super::{Done, WriteContext, custom, users};
use crate::body::Body;
use crate::model::cell::Cell;
use crate::refusal::Refusal;
use crate::schema::Kind;

/// The time for which results are kept. The reference does not say; a week is arbitrary.
const RESULTS_KEPT_MS: i64 = 7 * 24 * 3_600_000;

pub(super) fn create_users(context: &mut WriteContext<'_>, body: &[u8]) -> Result<Done, Refusal> {
    run(context, "POST /v3/users/bulk", body, |context, row| {
        let body = Body::check(row, users::FORM)?;
        users::add(context, &body)
    })
}

pub(super) fn create_options(context: &mut WriteContext<'_>, body: &[u8]) -> Result<Done, Refusal> {
    run(context, "POST /v3/custom_field_options/bulk", body, |context, row| {
        let body = Body::check(row, custom::OPTION)?;
        custom::add_option(context, &body)
    })
}

fn run(
    context: &mut WriteContext<'_>,
    api_endpoint: &str,
    body: &[u8],
    each: impl Fn(&mut WriteContext<'_>, &Value) -> Result<i64, Refusal>,
) -> Result<Done, Refusal> {
    let body = Body::read(body, "data!:list")?;
    let rows = body.get("data").and_then(Value::as_array).cloned().unwrap_or_default();
    if rows.is_empty() {
        return Err(Refusal::invalid("data", "can't be empty"));
    }
    let created = rows.iter().filter(|row| each(context, row).is_ok()).count();
    let number = |count: usize| Cell::Int(i64::try_from(count).unwrap_or(i64::MAX));
    let (high, low) = (context.model.rng.next(), context.model.rng.next());
    let uuid = format!(
        "{:08x}-{:04x}-4{:03x}-a{:03x}-{:012x}",
        high >> 32,
        (high >> 16) & 0xffff,
        high & 0xfff,
        (low >> 48) & 0xfff,
        low & 0xffff_ffff_ffff
    );
    let now = context.model.now_ms;
    let done_ms = now.saturating_add(context.quirks.bulk_delay_ms);
    let cells = [
        ("api_endpoint", api_endpoint.into()),
        ("bulk_action_uuid", uuid.clone().into()),
        ("completed_at", Cell::Time(done_ms)),
        ("expires_at", Cell::Time(done_ms.saturating_add(RESULTS_KEPT_MS))),
        ("failure_count", number(rows.len().saturating_sub(created))),
        ("record_count", number(rows.len())),
        ("requested_at", Cell::Time(now)),
        ("requested_by_user_id", context.actor_id.into()),
        ("status", "completed".into()),
        ("success_count", number(created)),
    ];
    context.model.insert(Kind::BulkRequests, &cells);
    let status_url = format!("/v3/bulk_requests/{uuid}");
    Ok(Done::Accepted(
        json!({"bulk_action_uuid": uuid, "status": "building", "status_url": status_url}),
    ))
}

/// Returns the present status of a bulk request: `building` until its delay ends.
pub(crate) fn status(model: &crate::model::Model, uuid: &str) -> Result<Value, Refusal> {
    let found = model.find_text(Kind::BulkRequests, "bulk_action_uuid", uuid).first().copied();
    let id = found.ok_or(Refusal::NotFound)?;
    let mut value = model.row_json(Kind::BulkRequests, id).unwrap_or_default();
    let more = [
        "failure_results_url",
        "results_urls_expire_at",
        "results_urls_expire_in",
        "success_results_url",
    ];
    if let Some(map) = value.as_object_mut() {
        map.extend(more.map(|name| (name.to_owned(), Value::Null)));
        if model
            .cell(Kind::BulkRequests, id, "completed_at")
            .time_ms()
            .is_some_and(|at| at > model.now_ms)
        {
            map.insert("status".to_owned(), "building".into());
            map.extend(
                ["completed_at", "success_count", "failure_count"]
                    .map(|name| (name.to_owned(), Value::Null)),
            );
        }
    }
    Ok(value)
}
