//! The cost of one page of 100 opportunities of Lever through the interpreter, and through the same
//! mapping by hand in Rust: `cargo run --release -p atsync-described --features host --example
//! page`.

#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "an example that measures"
)]

use atsync_adapter::contract::{
    Field, Given, Item, Outcome, Reply, Response, Scan, Since, Step, Task,
};
use atsync_adapter::model::unified::{
    Application, ApplicationStage, Candidate, Contact, Name, Privacy, Ref, Word,
};
use atsync_adapter::{json, rows};
use atsync_described::interpret;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::time::Instant;

const ROUNDS: u32 = 200;

fn main() {
    let text = include_str!("../lever.yaml");
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
    let scan = Scan {
        kind: "applications".into(),
        parent: None,
        since: Since::Everything,
        cursor: None,
        page_size: 100,
    };
    let Ok(Step::Send(send)) = interpret::start(&baked, &[], Task::Scan(scan), &given) else {
        return;
    };
    let (mut items, mut by_hand) = (0, 0);
    let described = time(|| {
        let headers = vec![Field::new("content-type", "application/json")];
        let reply = Reply::Response(Response { status: 200, headers, body: body.clone() });
        let step = interpret::resume(&baked, &[], send.state.clone(), &given, reply);
        if let Ok(Step::Done(Outcome::Page(page))) = step {
            items = page.items.len();
        }
    });
    let empty = time(|| {
        let body = br#"{"data":[],"hasNext":false}"#.to_vec();
        let reply = Reply::Response(Response { status: 200, headers: Vec::new(), body });
        let _ = interpret::resume(&baked, &[], send.state.clone(), &given, reply);
    });
    let rust = time(|| by_hand = hand(&body.clone()).len());
    println!(
        "described: {described:.0} µs for {items} records, {empty:.0} µs of it for an empty page"
    );
    println!("by hand:   {rust:.0} µs for {by_hand} records");
    println!("ratio:     {:.2}", described / rust);
}

/// Microseconds of one call; the best of some rounds, since others use the machine too.
fn time(mut call: impl FnMut()) -> f64 {
    let mut best = f64::MAX;
    for _ in 0..ROUNDS {
        let begin = Instant::now();
        call();
        best = best.min(begin.elapsed().as_secs_f64() * 1e6);
    }
    best
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

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    data: &'a RawValue,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Row<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
    #[serde(borrow)]
    contact: Person<'a>,
    archived: Option<Archived>,
    sources: Vec<Cow<'a, str>>,
    stage_changes: Vec<Change>,
    owner: Option<Cow<'a, str>>,
    applications: Vec<Inner>,
    created_at: Option<i64>,
    updated_at: Option<i64>,
    last_interaction_at: Option<i64>,
    opportunity_location: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Person<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(borrow)]
    headline: Cow<'a, str>,
    emails: Vec<Cow<'a, str>>,
    phones: Vec<Phone>,
    is_anonymized: bool,
}

#[derive(Deserialize)]
struct Phone {
    #[serde(rename = "type")]
    kind: String,
    value: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Archived {
    reason: String,
    archived_at: i64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Change {
    to_stage_id: String,
    updated_at: i64,
}

#[derive(Deserialize)]
struct Inner {
    posting: Option<String>,
}

/// The text of a time, by the standard library of calendars that the adapters have: none. The same
/// digits are written as by the interpreter.
fn moment(ms: i64) -> String {
    let (days, left) = (ms.div_euclid(86_400_000) + 719_468, ms.rem_euclid(86_400_000));
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year + era * 400 + i64::from(month <= 2);
    let (hour, minute, second) = (left / 3_600_000, left / 60_000 % 60, left / 1000 % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{:03}Z", left % 1000)
}

fn by_id(id: impl Into<String>) -> Ref<'static> {
    Ref { id: Some(id.into().into()), name: None }
}

/// The records of a page, by hand.
fn hand(body: &[u8]) -> Vec<Item> {
    let envelope: Envelope<'_> = serde_json::from_slice(body).unwrap();
    let mut items = Vec::new();
    rows::each(envelope.data.get().as_bytes(), |element| {
        let row: Row<'_> = element.read().unwrap();
        let mut add = |kind: &str, id: String, body: String| {
            items.push(Item {
                kind: kind.into(),
                id,
                version: None,
                mask: 0,
                body,
                raw: Some(element.span()),
            });
        };
        let gone = row.archived.as_ref().filter(|archived| archived.reason != "r9");
        let posting = row.applications.first().and_then(|one| one.posting.clone());
        let outcome = match (&row.archived, gone) {
            (None, _) => "active",
            (_, Some(_)) => "rejected",
            _ => "hired",
        };
        let application = Application {
            candidate: Ref {
                id: Some(row.contact.id.clone()),
                name: Some(row.contact.name.clone()),
            },
            job: posting.clone().map(by_id),
            kind: if row.applications.is_empty() {
                "prospect".into()
            } else {
                "application".into()
            },
            prospective_jobs: Vec::new(),
            outcome: Word {
                value: outcome.into(),
                source: row.archived.as_ref().map(|archived| archived.reason.clone().into()),
            },
            stage: None,
            application_stage: None,
            source: row
                .sources
                .first()
                .map(|name| Ref { id: Some(name.clone()), name: Some(name.clone()) }),
            referrer: None,
            recruiter: row.owner.as_deref().map(by_id),
            coordinator: None,
            posting: posting.map(by_id),
            reject_reason: gone.map(|archived| by_id(archived.reason.clone())),
            rejected_at: gone.map(|archived| moment(archived.archived_at).into()),
            location: row.opportunity_location.clone(),
            needs_decision: None,
            answers: Vec::new(),
            custom_fields: Default::default(),
            odd_forms: Default::default(),
            last_activity_at: row.last_interaction_at.map(|ms| moment(ms).into()),
            created_at: row.created_at.map(|ms| moment(ms).into()),
            updated_at: row.updated_at.map(|ms| moment(ms).into()),
        };
        add("applications", row.id.to_string(), json::write(&application, 1024).unwrap());
        for change in &row.stage_changes {
            let stage = ApplicationStage {
                application: by_id(row.id.to_string()),
                stage: by_id(change.to_stage_id.clone()),
                entered_at: Some(moment(change.updated_at).into()),
                ..ApplicationStage::default()
            };
            let id = format!("{}/{}/{}", row.id, change.updated_at, change.to_stage_id);
            add("application_stages", id, json::write(&stage, 256).unwrap());
        }
        let contact = |value: &str| Contact { value: value.to_owned().into(), kind: None };
        let candidate = Candidate {
            name: Name { full: Some(row.contact.name.clone()), ..Name::default() },
            headline: Some(row.contact.headline.clone()),
            emails: row.contact.emails.iter().map(|email| contact(email)).collect(),
            phones: row
                .contact
                .phones
                .iter()
                .map(|phone| Contact {
                    kind: Some(Word {
                        value: phone.kind.clone().into(),
                        source: Some(phone.kind.clone().into()),
                    }),
                    ..contact(&phone.value)
                })
                .collect(),
            privacy: Privacy { anonymized: Some(row.contact.is_anonymized), ..Privacy::default() },
            ..Candidate::default()
        };
        add("candidates", row.contact.id.to_string(), json::write(&candidate, 512).unwrap());
        if let Some(archived) = gone {
            let rejection = atsync_adapter::model::unified::Rejection {
                application: by_id(row.id.to_string()),
                reject_reason: Some(by_id(archived.reason.clone())),
                rejected_at: Some(moment(archived.archived_at).into()),
                ..Default::default()
            };
            add("rejections", row.id.to_string(), json::write(&rejection, 256).unwrap());
        }
    })
    .unwrap();
    items
}
