//! A change as it is sent: id and body. Pure.
//!
//! The id has the connection, the serial in its feed and the time of the change, so that it is the
//! same in every attempt, and another one for a feed that began anew after a restore.

use super::held::Brief;
use crate::words::time;
use atsync::{Change, ChangeWhat};
use percent_encoding::{NON_ALPHANUMERIC, percent_encode};
use serde::Serialize;

/// The body of a delivery.
#[derive(Serialize)]
struct Body<'a> {
    r#type: String,
    timestamp: String,
    connection: &'a str,
    data: &'a Change,
}

/// A delivery.
pub(super) struct Parcel {
    pub(super) id: String,
    pub(super) body: Vec<u8>,
}

/// The word of what happened, as the feed writes it.
fn word(what: ChangeWhat) -> String {
    let word = serde_json::to_value(what).unwrap_or_default();
    word.as_str().unwrap_or_default().to_owned()
}

impl Parcel {
    /// The delivery of a change.
    pub(super) fn of(connection: &str, change: &Change) -> Self {
        let name = percent_encode(connection.as_bytes(), NON_ALPHANUMERIC);
        let body = Body {
            r#type: format!("{}.{}", change.kind, word(change.what)),
            timestamp: time(change.at_ms),
            connection,
            data: change,
        };
        Self {
            id: format!("{name}_{}_{}", change.serial, change.at_ms),
            body: serde_json::to_vec(&body).unwrap_or_default(),
        }
    }
}

/// What is known of a change while it is sent.
pub(super) fn brief(change: &Change) -> Brief {
    let record = |id: &str| (change.kind.clone(), id.to_owned());
    let mut records = vec![record(&change.id)];
    if change.what == ChangeWhat::Moved {
        let id = change.after.get("id").and_then(|id| id.as_str());
        records.extend(id.map(record));
    }
    Brief { serial: change.serial, at_ms: change.at_ms, records }
}

#[cfg(test)]
mod tests {
    use super::{Parcel, brief};
    use atsync::Change;
    use serde_json::{Value, json};

    fn change(value: Value) -> Change {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn the_id_has_no_full_stop_and_the_body_names_type_time_and_connection() {
        let change = change(json!({ "serial": 7, "at_ms": 1_778_507_624_000_u64,
            "kind": "candidates", "id": "12", "what": "updated", "cause": { "cause": "observed" },
            "after": { "title": "Engineer" } }));
        let parcel = Parcel::of("acme.de", &change);
        assert_eq!(parcel.id, "acme%2Ede_7_1778507624000");
        let body: Value = serde_json::from_slice(&parcel.body).unwrap();
        assert_eq!(body["type"], "candidates.updated");
        assert_eq!(body["timestamp"], "2026-05-11T13:53:44Z");
        assert_eq!(body["connection"], "acme.de");
        assert_eq!(body["data"]["after"]["title"], "Engineer");
    }

    #[test]
    fn a_record_that_became_another_one_is_about_both() {
        let change = change(json!({ "serial": 7, "at_ms": 1, "kind": "candidates", "id": "12",
            "what": "moved", "cause": { "cause": "observed" }, "after": { "id": "13" } }));
        let ids: Vec<String> = brief(&change).records.into_iter().map(|(_, id)| id).collect();
        assert_eq!(ids, ["12", "13"]);
    }
}
