//! A described adapter that is called natively.

use atsync_adapter::contract::*;
use atsync_described::{Description, baked, interpret};
use serde_json::{Value, json};

pub const DESCRIPTION: &str = include_str!("../../lever.yaml");

pub struct Lever(String);

pub fn description() -> Description {
    let read = atsync_described::read(DESCRIPTION).unwrap_or_else(|error| panic!("{error}"));
    read.description
}

pub fn lever() -> Lever {
    Lever(baked(&description()).unwrap())
}

pub fn given() -> Given {
    Given {
        now_ms: 1_790_000_000_000,
        settings: json!({ "perform_as": "user-1" }).to_string(),
        tenant: Some(json!({ "hired": "reason-hired" }).to_string()),
        mark: Some(Mark { text: "mark".into(), time_ms: 1_789_999_999_123 }),
        grant: None,
    }
}

impl Lever {
    pub fn start(&self, task: Task) -> Result<Step, Failure> {
        interpret::start(&self.0, &[], task, &given())
    }

    pub fn resume(&self, state: Vec<u8>, reply: Reply) -> Result<Step, Failure> {
        interpret::resume(&self.0, &[], state, &given(), reply)
    }

    /// Runs a task with these answers, and returns the requests and the result.
    pub fn run(
        &self,
        task: Task,
        answers: &[(u16, Value)],
    ) -> (Vec<Send>, Result<Outcome, Failure>) {
        let mut answers = answers.iter();
        let mut sent = Vec::new();
        let mut step = self.start(task);
        loop {
            match step {
                Err(failure) => return (sent, Err(failure)),
                Ok(Step::Done(outcome)) => return (sent, Ok(outcome)),
                Ok(Step::Send(send)) => {
                    let (status, body) = answers.next().expect("a further answer");
                    let state = send.state.clone();
                    sent.push(send);
                    step = self.resume(state, answer(*status, body));
                }
                Ok(_) => panic!("no such step is expected"),
            }
        }
    }
}

pub fn answer(status: u16, body: &Value) -> Reply {
    let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
    Reply::Response(Response { status, headers: Vec::new(), body })
}

pub fn scan(kind: &str) -> Scan {
    Scan { kind: kind.into(), parent: None, since: Since::Everything, cursor: None, page_size: 100 }
}

pub fn path(send: &Send) -> (String, String) {
    let Target::Path(path) = &send.request.target else { panic!("a path") };
    let query: Vec<String> =
        path.query.iter().map(|field| format!("{}={}", field.name, field.value)).collect();
    (format!("{} {}", send.request.method, path.path), query.join("&"))
}

pub fn body(send: &Send) -> Value {
    let Body::Json(text) = &send.request.body else { panic!("a JSON body") };
    serde_json::from_str(text).unwrap()
}

pub fn page(outcome: Outcome) -> (Page, Vec<Problem>) {
    match outcome {
        Outcome::Page(page) => (page, Vec::new()),
        Outcome::FlawedPage((page, problems)) => (page, problems),
        other => panic!("{other:?}"),
    }
}

pub fn record(item: &Item) -> Value {
    serde_json::from_str(&item.body).unwrap()
}

pub fn opportunity() -> Value {
    json!({
        "id": "opp-1", "name": "Dana Example", "headline": "", "location": "Berlin",
        "contact": {
            "id": "contact-1", "name": "Dana Example", "headline": "Engineer",
            "isAnonymized": false, "location": {"name": "Berlin"},
            "emails": ["dana@example.com"], "phones": [{"type": "mobile", "value": "+49 30 1234"}]
        },
        "emails": ["dana@example.com"], "links": [], "stage": "applicant-new", "archived": null,
        "tags": ["Engineering"], "sources": ["Referral"], "origin": "referred", "owner": null,
        "applications": [{"id": "app-1", "posting": "posting-1", "customQuestions": []}],
        "stageChanges": [
            {"toStageId": "applicant-new", "toStageIndex": 3, "updatedAt": 1_491_435_120_000_u64, "userId": null}
        ],
        "createdAt": 1_491_435_120_000_u64, "updatedAt": null, "lastInteractionAt": 1_491_435_120_001_u64
    })
}
