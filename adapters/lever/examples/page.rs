//! The cost of one page of 100 opportunities through this adapter, and through the description of
//! the same ATS: `cargo run --release -p atsync-lever --example page`.

#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::panic,
    reason = "an example that measures"
)]

use atsync_adapter::PureAdapter;
use atsync_adapter::contract::{
    Failure, Field, Given, Outcome, Reply, Response, Scan, Since, Step, Task,
};
use atsync_described::interpret;
use atsync_lever::Lever;
use std::time::Instant;

const ROUNDS: u32 = 200;

fn main() {
    let text = include_str!("../../described/lever.yaml");
    let description = atsync_described::read(text).unwrap().description;
    let baked = atsync_described::baked(&description).unwrap();
    let body = page();
    println!("{} bytes of YAML, {} baked, a page of {} bytes", text.len(), baked.len(), body.len());
    let given = Given {
        now_ms: 0,
        settings: "{}".into(),
        tenant: Some(r#"{"hired":"r9"}"#.into()),
        mark: None,
        grant: None,
    };
    let task = || {
        Task::Scan(Scan {
            kind: "applications".into(),
            parent: None,
            since: Since::Everything,
            cursor: None,
            page_size: 100,
        })
    };
    let state = |step: Result<Step, Failure>| match step {
        Ok(Step::Send(send)) => send.state,
        other => panic!("{other:?}"),
    };
    let described = state(interpret::start(&baked, &[], task(), &given));
    let rust = state(Lever::start(task(), &given));
    let reply = |body: &[u8]| {
        let headers = vec![Field::new("content-type", "application/json")];
        Reply::Response(Response { status: 200, headers, body: body.to_vec() })
    };
    let by_description =
        |body: &[u8]| interpret::resume(&baked, &[], described.clone(), &given, reply(body));
    let by_rust = |body: &[u8]| Lever::resume(rust.clone(), &given, reply(body));
    let empty = br#"{"data":[],"hasNext":false}"#;
    for (name, whole, none) in [
        ("described", time(|| by_description(&body)), time(|| by_description(empty))),
        ("in Rust", time(|| by_rust(&body)), time(|| by_rust(empty))),
    ] {
        let ((micros, records), (empty, _)) = (whole, none);
        println!("{name:9}: {micros:.0} µs for {records} records, {empty:.0} µs for an empty page");
    }
}

/// Microseconds of one call, the best of some rounds, since others use the machine too; and the
/// records.
fn time(mut call: impl FnMut() -> Result<Step, Failure>) -> (f64, usize) {
    let (mut best, mut records) = (f64::MAX, 0);
    for _ in 0..ROUNDS {
        let begin = Instant::now();
        let step = call();
        best = best.min(begin.elapsed().as_secs_f64() * 1e6);
        match step {
            Ok(Step::Done(Outcome::Page(page))) => records = page.items.len(),
            other => panic!("{other:?}"),
        }
    }
    (best, records)
}

/// A page of 100 rows with the members that Lever documents.
fn page() -> Vec<u8> {
    let row = |at: u64| {
        let time = 1_491_435_120_000 + at;
        serde_json::json!({
            "id": format!("5599cc20-0000-4000-8000-{at:012}"), "name": format!("Dana Example {at}"),
            "headline": "Engineer, Example Company", "location": "Berlin",
            "contact": {
                "id": format!("77aa0020-0000-4000-8000-{at:012}"),
                "name": format!("Dana Example {at}"),
                "headline": "Engineer, Example Company", "isAnonymized": false,
                "location": {"name": "Berlin"}, "emails": [format!("dana{at}@example.com")],
                "phones": [{"type": "mobile", "value": "+49 30 1234"}], "dataProtection": null
            },
            "emails": [format!("dana{at}@example.com")],
            "phones": [{"type": "mobile", "value": "+49 30 1234"}],
            "confidentiality": "non-confidential", "links": ["https://example.com/dana"],
            "archived": if at.is_multiple_of(3) {
                serde_json::json!({"reason": format!("r{}", at % 10), "archivedAt": time})
            } else {
                serde_json::Value::Null
            },
            "tags": ["Engineering", "Berlin", "Full-time"], "sources": ["Referral"],
            "stageChanges": [
                {"toStageId": "lead-new", "toStageIndex": 0, "userId": null, "updatedAt": time},
                {"toStageId": "applicant-new", "toStageIndex": 3, "userId": null, "updatedAt": time}
            ],
            "origin": "referred", "sourcedBy": null,
            "owner": "8d49b010-cc6a-4f40-ace5-e86061c677ed",
            "followers": ["8d49b010-cc6a-4f40-ace5-e86061c677ed"],
            "applications": [{
                "id": format!("99bb0020-0000-4000-8000-{at:012}"), "type": "posting",
                "posting": "f2f01e16-27f8-4711-a728-7d49499795a0", "user": null, "comments": "",
                "name": format!("Dana Example {at}"), "email": "dana@example.com",
                "company": "Example Company", "customQuestions": [], "archived": null,
                "createdAt": time
            }],
            "createdAt": time, "updatedAt": time, "lastInteractionAt": time, "lastAdvancedAt": time,
            "snoozedUntil": null, "isAnonymized": false, "dataProtection": null,
            "urls": {
                "list": "https://hire.lever.co/candidates",
                "show": "https://hire.lever.co/candidates/1"
            },
            "opportunityLocation": "Berlin"
        })
    };
    let rows: Vec<serde_json::Value> = (0..100).map(row).collect();
    serde_json::json!({"data": rows, "hasNext": true, "next": "%5B3%2C1%5D"})
        .to_string()
        .into_bytes()
}
