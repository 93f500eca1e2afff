//! `atsync changes`: the feed, from the store alone.
//!
//! The store keeps a consumer's position; only `--ack` advances it, and only past printed changes.

use crate::cli;
use crate::failure::{DONE, Ended, Failure};
use crate::open::Use;
use crate::output::Output;
use crate::place::Place;
use crate::words::time;
use atsync::{Cause, Change, ChangeWhat, Connection, Proof};
use futures_util::TryStreamExt;
use serde_json::{Map, Value};

/// Fields that change with every update; the text output omits them.
const STAMPS: [&str; 2] = ["updated_at", "last_activity_at"];
/// The longest value in the text output.
const VALUE_CHARS_MAX: usize = 40;

pub(super) async fn changes(place: &Place, options: &cli::Changes, output: &Output) -> Ended {
    let opened = place.open(Some(&options.name), Use::StoreOnly).await?;
    let connection = opened.connect(&options.name, output).await?;
    let after = match (&options.consumer, options.after) {
        (Some(consumer), _) => {
            let offset = connection.offset(consumer).await?;
            // Only on request: trimmed changes are never skipped silently.
            if options.skip_gone { offset.max(oldest(&connection).await?) } else { offset }
        }
        (None, Some(after)) => after,
        (None, None) => oldest(&connection).await?,
    };
    let mut last = None;
    let feed = connection.changes(after);
    futures_util::pin_mut!(feed);
    while let Some(change) = feed.try_next().await? {
        if options.json {
            output.json(&change);
        } else {
            output.data(&line(&change));
        }
        last = Some(change.serial);
    }
    if let (Some(consumer), Some(last), true) = (&options.consumer, last, options.ack) {
        connection.acknowledge(consumer, last).await?;
    }
    if last.is_none() && !options.json {
        output.note(&format!("no changes after {after}"));
    }
    Ok(DONE)
}

/// The position before the oldest change that is left.
async fn oldest(connection: &Connection) -> Result<u64, Failure> {
    Ok(connection.changes_first().await?.saturating_sub(1))
}

/// Renders a change: its fields, and short values of updates.
pub(super) fn line(change: &Change) -> String {
    let what = match change.what {
        ChangeWhat::Created => "created",
        ChangeWhat::Updated => "updated",
        ChangeWhat::Deleted => "deleted",
        ChangeWhat::Moved => "moved",
        ChangeWhat::Anonymized => "anonymised",
        ChangeWhat::Erased => "erased",
        ChangeWhat::Unread => "not readable",
        _ => "changed",
    };
    let cause = match change.cause {
        Cause::Applied { .. } => " (by atsync)".to_owned(),
        Cause::Swept { proof } => format!(" (a sweep; {})", words_of(proof)),
        Cause::Hinted { proof } => format!(" (a webhook; {})", words_of(proof)),
        Cause::Doubted { proof } => format!(" (a write in doubt; {})", words_of(proof)),
        _ => String::new(),
    };
    let fields = match change.what {
        ChangeWhat::Updated => fields(&change.before, &change.after),
        _ => String::new(),
    };
    format!(
        "{} {} {} {} {what}{cause}{fields}",
        change.serial,
        time(change.at_ms),
        change.kind,
        change.id
    )
}

/// Renders the proof of a change.
fn words_of(proof: Proof) -> &'static str {
    match proof {
        Proof::Fetched => "asked for by id",
        Proof::Hook => "its word alone",
        Proof::HookAndFetch => "and asked for by id",
        Proof::Walk => "a complete walk",
        _ => "confirmed",
    }
}

fn fields(before: &Map<String, Value>, after: &Map<String, Value>) -> String {
    let moved = before.keys().chain(after.keys());
    let mut names: Vec<&String> = moved.filter(|name| !STAMPS.contains(&name.as_str())).collect();
    names.sort();
    names.dedup();
    let parts: Vec<String> = names
        .into_iter()
        .map(|name| {
            format!("{name}: {} \u{2192} {}", short(before.get(name)), short(after.get(name)))
        })
        .collect();
    if parts.is_empty() { String::new() } else { format!("  {}", parts.join(", ")) }
}

/// Shortens a value; a reference becomes its name.
fn short(value: Option<&Value>) -> String {
    let text = match value {
        None | Some(Value::Null) => return "nothing".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Object(object)) => {
            let named =
                ["name", "value", "id"].into_iter().find_map(|member| object.get(member)?.as_str());
            named.map_or_else(|| Value::Object(object.clone()).to_string(), str::to_owned)
        }
        Some(other) => other.to_string(),
    };
    if text.chars().count() > VALUE_CHARS_MAX {
        return text.chars().take(VALUE_CHARS_MAX).collect::<String>() + "\u{2026}";
    }
    text
}

#[cfg(test)]
mod tests {
    use super::line;
    use atsync::{Cause, Change, ChangeWhat};
    use serde_json::json;

    #[test]
    fn an_update_says_what_was_and_what_is() {
        let member = |stage: &str| {
            json!({ "stage": { "id": "1", "name": stage } }).as_object().cloned().unwrap()
        };
        let change = Change {
            serial: 7,
            at_ms: 1_778_507_624_000,
            kind: "applications".into(),
            id: "12".into(),
            what: ChangeWhat::Updated,
            before: member("Phone"),
            after: member("Onsite"),
            cause: Cause::Observed,
        };
        assert_eq!(
            line(&change),
            "7 2026-05-11T13:53:44Z applications 12 updated  stage: Phone \u{2192} Onsite"
        );
    }
}
