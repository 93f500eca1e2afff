//! A description, run with answers.

use atsync_adapter::contract::*;
use atsync_described::{baked, interpret, read, validate};
use serde_json::{Value, json};

pub(crate) struct Described {
    baked: String,
    settings: Value,
}

/// A description without a mistake and without a function in Rust.
pub(crate) fn described(text: &str, settings: Value) -> Described {
    let read = read(text).unwrap_or_else(|error| panic!("{error}"));
    validate(&read).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(read.description.escapes, Vec::<String>::new());
    Described { baked: baked(&read.description).unwrap(), settings }
}

impl Described {
    fn given(&self) -> Given {
        Given {
            now_ms: 1_790_000_000_000,
            settings: self.settings.to_string(),
            tenant: Some("{}".into()),
            mark: None,
            grant: None,
        }
    }

    fn start(&self, task: Task) -> Step {
        interpret::start(&self.baked, &[], task, &self.given()).unwrap()
    }

    fn resume(&self, state: Vec<u8>, reply: Reply) -> Result<Step, Failure> {
        interpret::resume(&self.baked, &[], state, &self.given(), reply)
    }

    /// The first request of a task.
    pub(crate) fn sent(&self, task: Task) -> Request {
        match self.start(task) {
            Step::Send(send) => send.request,
            other => panic!("{other:?}"),
        }
    }

    /// A task of one request, with its answer.
    pub(crate) fn run(&self, task: Task, status: u16, body: &Value) -> Result<Outcome, Failure> {
        let Step::Send(send) = self.start(task) else { panic!("a request") };
        let body = body.to_string().into_bytes();
        let response = Response { status, headers: Vec::new(), body };
        match self.resume(send.state, Reply::Response(response))? {
            Step::Done(outcome) => Ok(outcome),
            other => panic!("{other:?}"),
        }
    }

    /// The records of a page of a kind, by kind and id, without those of the kinds inside it.
    pub(crate) fn page(&self, kind: &str, answer: &Value) -> Vec<(String, Value)> {
        let task = Task::Scan(Scan {
            kind: kind.into(),
            parent: None,
            since: Since::Everything,
            cursor: None,
            page_size: 100,
        });
        let Ok(Outcome::Page(page)) = self.run(task, 200, answer) else { panic!("a page") };
        let one = |item: &Item| (item.id.clone(), serde_json::from_str(&item.body).unwrap());
        page.items.iter().filter(|item| item.kind == kind).map(one).collect()
    }

    /// The answer to a request that nothing signs and that gives no hint.
    pub(crate) fn greeted(&self, headers: &[(&str, &str)], body: &str) -> Response {
        let headers = headers.iter().map(|(name, value)| Field::new(*name, *value)).collect();
        match self.start(Task::Hook(Hook { headers, body: body.as_bytes().to_vec() })) {
            Step::Done(Outcome::Hooked(hooked)) => {
                assert_eq!(hooked.hints, []);
                hooked.answer
            }
            other => panic!("{other:?}"),
        }
    }

    /// What is signed of a webhook, with the signatures; nothing where it is refused at once.
    pub(crate) fn signed(&self, headers: &[(&str, &str)], body: &str) -> Option<Verify> {
        let headers = headers.iter().map(|(name, value)| Field::new(*name, *value)).collect();
        match self.start(Task::Hook(Hook { headers, body: body.as_bytes().to_vec() })) {
            Step::Verify(verify) => Some(verify),
            Step::Done(Outcome::Hooked(hooked)) => {
                assert_eq!((hooked.answer.status, hooked.hints), (401, vec![]));
                None
            }
            other => panic!("{other:?}"),
        }
    }

    /// The hints of a webhook whose signature is valid, and the time of it.
    pub(crate) fn hinted(&self, verify: Verify) -> (Vec<Hint>, Option<u64>) {
        match self.resume(verify.state, Reply::Verified(true)) {
            Ok(Step::Done(Outcome::Hooked(hooked))) => (hooked.hints, hooked.signed_at_ms),
            other => panic!("{other:?}"),
        }
    }
}

pub(crate) fn changed(kind: &str, id: &str) -> Hint {
    Hint::Changed(RemoteRef::new(kind, id))
}

pub(crate) fn write(name: &str, input: &Value) -> Task {
    let operation = Operation { name: name.into(), target: None, input: input.to_string() };
    Task::Write(Write { operation, observed: None })
}

/// The JSON body of a request.
pub(crate) fn body(request: &Request) -> Value {
    match &request.body {
        Body::Json(text) => serde_json::from_str(text).unwrap(),
        Body::Bytes((_, bytes)) => serde_json::from_slice(bytes).unwrap(),
        _ => json!(null),
    }
}
