//! `atsync get`: observed records, from the store alone.

use crate::cli;
use crate::failure::{DONE, Ended, Failure};
use crate::open::Use;
use crate::output::Output;
use crate::place::Place;
use crate::words::count;
use atsync::{Connection, Filter, ObservedRow};
use futures_util::TryStreamExt;
use serde_json::{Value, json};

/// Width of the id's column: the longest ids of Greenhouse, and a margin.
const ID_WIDTH: usize = 14;

pub(super) async fn get(place: &Place, options: &cli::Get, output: &Output) -> Ended {
    let opened = place.open(Some(&options.name), Use::StoreOnly).await?;
    let connection = opened.connect(&options.name, output).await?;
    connection.check_kind(&options.kind)?;
    if let Some(id) = &options.id {
        let Some(row) = connection.observed_one(&options.kind, id).await? else {
            return Err(Failure::new(format!(
                "the store has no {} {id:?}; `atsync pull {} --kinds {}` reads what the ATS has",
                options.kind, options.name, options.kind
            )));
        };
        show(&row, options, output)?;
        return Ok(DONE);
    }
    let (mut shown, mut without) = (0_u64, 0_u64);
    let mut each = |row: &ObservedRow| {
        if options.raw && row.raw.is_none() {
            without += 1;
            return Ok(());
        }
        shown += 1;
        show(row, options, output)
    };
    if let Some(email) = &options.email {
        let filter = Filter::Email(email.clone());
        let mut cursor = None;
        loop {
            let rows_max = Connection::PAGE_ROWS_MAX;
            let page =
                connection.observed_page(&options.kind, &filter, cursor.as_deref(), rows_max);
            let page = page.await?;
            page.rows.iter().try_for_each(&mut each)?;
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
        }
    } else {
        let rows = connection.observed(&options.kind);
        futures_util::pin_mut!(rows);
        while let Some(row) = rows.try_next().await? {
            each(&row)?;
        }
    }
    let (name, kind) = (&options.name, &options.kind);
    match (shown, without) {
        (0, 0) if let Some(email) = &options.email => {
            output.note(&format!(
                "the store has no {kind} of {name} with the address {email}; `atsync pull {name} \
                 --kinds {kind}` reads what the ATS has"
            ));
        }
        (0, 0) => {
            output.note(&format!(
                "the store has no {kind} of {name}; `atsync pull {name} --kinds {kind}` reads them"
            ));
        }
        (_, 0) => {}
        (0, _) => return Err(no_raw(&count(without, "record"), kind)),
        (_, _) => output.note(&no_raw(&count(without, "record"), kind).to_string()),
    }
    Ok(DONE)
}

/// The error for records whose JSON of the ATS is not stored.
fn no_raw(whom: &str, kind: &str) -> Failure {
    Failure::new(format!(
        "the store has no JSON of the ATS for {whom} of the kind {kind}: a kind that comes inside \
         another one has \
         none of its own; `--json` prints what is known"
    ))
}

fn show(row: &ObservedRow, options: &cli::Get, output: &Output) -> Result<(), Failure> {
    if options.raw {
        let raw =
            row.raw.as_ref().ok_or_else(|| no_raw(&format!("the record {}", row.id), &row.kind))?;
        output.raw_json(raw);
        return Ok(());
    }
    let body = body(row)?;
    if options.json {
        output.json(&shape(row, &body));
        return Ok(());
    }
    let name = title(&body);
    if options.id.is_some() {
        output.data(&format!("{} {} {name}", row.kind, row.id));
        output.lines(&serde_json::to_string_pretty(&body).unwrap_or_default());
        return Ok(());
    }
    output.data(&format!("{:<ID_WIDTH$} {name}", row.id));
    Ok(())
}

fn body(row: &ObservedRow) -> Result<Value, Failure> {
    serde_json::from_str(&row.body).map_err(|error| {
        Failure::new(format!("{} {} in the store cannot be read: {error}", row.kind, row.id))
    })
}

/// Renders a record as JSON, for programs.
fn shape(row: &ObservedRow, body: &Value) -> Value {
    json!({
        "kind": row.kind,
        "id": row.id,
        "version": row.version,
        "gone": row.gone,
        "changed_ms": row.changed_ms,
        "known": row.known,
        "body": body,
    })
}

/// The record's name, or that of the record it belongs to.
fn title(body: &Value) -> String {
    let text = |path: &str| body.pointer(path).and_then(Value::as_str).map(str::to_owned);
    let whole = [text("/name/first"), text("/name/last")]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .join(" ");
    if !whole.is_empty() {
        return whole;
    }
    let plain = ["/name", "/title", "/email", "/filename", "/key"].into_iter().find_map(text);
    plain.unwrap_or_else(|| {
        let hangs_on = ["candidate", "application", "job", "stage", "tag", "pool", "user"];
        let parts = hangs_on.iter().filter_map(|member| {
            let id = body.pointer(&format!("/{member}/id")).and_then(Value::as_str)?;
            let name = body.pointer(&format!("/{member}/name")).and_then(Value::as_str);
            Some(format!("{member} {}", name.unwrap_or(id)))
        });
        parts.collect::<Vec<_>>().join(", ")
    })
}

#[cfg(test)]
mod tests {
    use super::title;
    use serde_json::json;

    #[test]
    fn a_record_is_called_what_people_call_it() {
        assert_eq!(title(&json!({"name": {"first": "Ada", "last": "Obi"}})), "Ada Obi");
        assert_eq!(title(&json!({"title": "Engineer"})), "Engineer");
        assert_eq!(
            title(&json!({"candidate": {"id": "7"}, "tag": {"id": "3", "name": "vip"}})),
            "candidate 7, tag vip"
        );
    }
}
