//! A desired file too long for one plan: planned part by part, declared as a whole, applied part by
//! part.
//!
//! Method: all but two of its candidates are in the ATS already and are declared by id, so that
//! most parts write nothing.

#![allow(clippy::disallowed_methods, reason = "tests use the disk, programs and tasks")]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test stops where something does not hold"
)]

mod cli_support;

use cli_support::Site;
use serde_json::{Value, json};

/// One more than a part has.
const RECORDS: usize = 5_001;
const FIRST: &str = "first@new.example.com";
const LAST: &str = "last@new.example.com";

fn desired_candidate(key: &str, email: &str) -> Value {
    json!({ "key": key, "name": { "first": "Ada", "last": key }, "emails": [email],
        "tags": ["Shared By Parts"] })
}

/// Two new candidates, one in each part, and candidates of the company between them.
fn records(site: &Site) -> Vec<Value> {
    let known = site.sandbox().rows("candidates");
    let known =
        known.iter().filter(|row| row["private"] != true && is_named(row)).take(RECORDS - 2);
    let mut records = vec![desired_candidate("first", FIRST)];
    records.extend(known.map(|row| {
        let id = row["id"].to_string();
        json!({ "key": format!("known-{id}"), "id": id,
            "name": { "first": row["first_name"], "last": row["last_name"] } })
    }));
    records.push(desired_candidate("last", LAST));
    assert_eq!(records.len(), RECORDS);
    records
}

/// An anonymised candidate has no name.
fn is_named(row: &Value) -> bool {
    ["first_name", "last_name"]
        .iter()
        .all(|name| row[name].as_str().is_some_and(|name| !name.is_empty()))
}

fn lines(records: &[Value]) -> String {
    records.iter().map(|record| format!("{record}\n")).collect()
}

#[tokio::test]
async fn a_file_in_parts_is_declared_as_a_whole_or_not_at_all_and_creates_each_candidate_once() {
    let site = Site::sized(RECORDS + 600).await;
    let mut records = records(&site);
    let apply = ["apply", "acme", "--desired", "r.jsonl", "--yes"];
    let made = || [FIRST, LAST].map(|email| site.sandbox().candidates_by_email(email).len());

    // A record of the last part is blocked, so no record of the first one is declared or written.
    records[RECORDS - 1]["applications"] = json!([{ "key": "x", "job": "No Such Job At All" }]);
    site.write("r.jsonl", &lines(&records));
    let blocked = site.run(&apply).await;
    assert!(
        blocked.code == 1 && blocked.error().contains("nothing was declared or written"),
        "{}",
        blocked.err
    );
    assert_eq!((made(), desired(&site).await), ([0, 0], 0));

    records[RECORDS - 1].as_object_mut().unwrap().remove("applications");
    site.write("r.jsonl", &lines(&records));
    let done = site.run(&apply).await;
    assert_eq!(done.code, 0, "{}{}", done.out, done.err);
    assert_eq!((made(), desired(&site).await), ([1, 1], RECORDS as u64));
    let shared = site
        .sandbox()
        .rows("candidate_tags")
        .into_iter()
        .filter(|row| row["name"] == "Shared By Parts");
    assert_eq!(shared.count(), 1, "a tag that the parts share is created once");

    let writes = site.sandbox().writes().len();
    let again = site.run(&apply).await;
    assert_eq!(
        (again.code, site.sandbox().writes().len()),
        (0, writes),
        "{}{}",
        again.out,
        again.err
    );
    assert!(again.out.contains("Nothing to do"), "{}", again.out);
}

/// The number of declared records.
async fn desired(site: &Site) -> u64 {
    let status = site.run(&["status", "acme", "--json"]).await;
    status.json()[0]["desired"].as_u64().unwrap()
}
