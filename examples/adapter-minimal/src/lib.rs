//! A minimal adapter: it lists the jobs of an imaginary ATS, "Plainlist".
//!
//! Plainlist answers `GET /jobs?page=N&per_page=M` with `{"jobs": [{"id": 7, "title": "Baker",
//! "status": "live", "updated_at": "…"}]}`, and the last page is shorter than requested. Copy this
//! crate to start an adapter; the README beside it says how to build and load it.
//!
//! The work is in two functions at the bottom: [`scan`] requests a page, [`page`] reads the answer.

use atsync_adapter::contract::{
    Body, Continuation, Effect, Failure, Field, Given, Item, Outcome, Page, Path, Reply, Request,
    Response, Scan, Send, Since, Step, Target, Task,
};
use atsync_adapter::manifest::{AuthRule, KindRule, Origin, ScanRule};
use atsync_adapter::{Manifest, PureAdapter, model::kinds::JOBS, rows, state};
use serde::{Deserialize, Serialize};
use serde_json::json;
use serde_json::value::RawValue;

/// The fields of a unified job that Plainlist can fill: the only mask of every page.
const JOB_FIELDS: &[&str] = &["title", "state"];

/// The adapter. It has no state.
#[derive(Debug)]
pub struct Plainlist;

atsync_adapter::export_adapter!(Plainlist);

impl PureAdapter for Plainlist {
    fn describe() -> Manifest {
        let mut jobs = KindRule::new(JOBS, ScanRule::List {}, JOB_FIELDS.iter().copied());
        jobs.absence_proves = true;
        jobs.expected = jobs.fields.clone();

        let mut manifest = Manifest::new("plainlist", env!("CARGO_PKG_VERSION"));
        manifest.title = "Plainlist (imaginary)".into();
        manifest.origins = vec![Origin::fixed("api", "https://plainlist.example")];
        manifest.auth = vec![AuthRule::Bearer {}];
        manifest.kinds = vec![jobs];
        manifest.settings_schema = json!({ "type": "object", "additionalProperties": false });
        manifest
    }

    fn start(task: Task, _given: &Given) -> Result<Step, Failure> {
        match task {
            Task::Scan(task) => scan(&task),
            // The manifest offers no other task, so the engine starts none.
            _ => Err(Failure::Bug("only scans were offered".into())),
        }
    }

    fn resume(state: Continuation, _given: &Given, reply: Reply) -> Result<Step, Failure> {
        match reply {
            Reply::Response(response) => page(&state::decode(&state)?, &response),
            _ => Err(Failure::Bug("only a request was sent".into())),
        }
    }
}

/// The state between `scan` and `page`. The engine carries it as bytes.
#[derive(Debug, Serialize, Deserialize)]
struct Asked {
    page: u32,
    page_size: u32,
}

/// Requests one page. The cursor is this adapter's own: the page number, as text.
fn scan(task: &Scan) -> Result<Step, Failure> {
    if task.since != Since::Everything {
        return Err(Failure::Bug("Plainlist lists no changes".into()));
    }
    let page = match &task.cursor {
        None => 1,
        Some(cursor) => state::decode(cursor)?,
    };
    let request = Request {
        origin: "api".into(),
        method: "GET".into(),
        target: Target::Path(Path {
            path: "/jobs".into(),
            query: vec![
                Field::new("page", page.to_string()),
                Field::new("per_page", task.page_size.to_string()),
            ],
        }),
        headers: Vec::new(),
        body: Body::None,
    };
    let state = state::encode(&Asked { page, page_size: task.page_size })?;
    Ok(Step::Send(Send { request, state, effect: Effect::Safe, secrets: Vec::new() }))
}

/// One job as Plainlist writes it. Unused members are left out.
#[derive(Deserialize)]
struct Job {
    id: u64,
    title: String,
    status: String,
    updated_at: String,
}

/// Reads the answer.
fn page(asked: &Asked, response: &Response) -> Result<Step, Failure> {
    match response.status {
        200 => {}
        401 => return Err(Failure::Auth("Plainlist refused the key".into())),
        429 => return Err(Failure::Throttled(None)),
        status => return Err(Failure::Unavailable(format!("Plainlist answered {status}"))),
    }
    #[derive(Deserialize)]
    struct Body<'a> {
        #[serde(borrow)]
        jobs: Vec<&'a RawValue>,
    }
    let body: Body<'_> = serde_json::from_slice(&response.body).map_err(unreadable)?;
    let items = body
        .jobs
        .iter()
        .map(|text| item(&response.body, text))
        .collect::<Result<Vec<Item>, Failure>>()?;
    let complete = (items.len() as u64) < u64::from(asked.page_size);
    Ok(Step::Done(Outcome::Page(Page {
        items,
        masks: vec![JOB_FIELDS.iter().map(|&field| field.into()).collect()],
        next: if complete { None } else { Some(state::encode(&asked.page.saturating_add(1))?) },
        checkpoint: None,
        complete,
    })))
}

/// One job in unified form, with the span of its JSON in the answer.
fn item(body: &[u8], text: &RawValue) -> Result<Item, Failure> {
    let job: Job = serde_json::from_str(text.get()).map_err(unreadable)?;
    // Plainlist's "live" is the unified model's "open"; unknown words are kept as they are.
    let word = match job.status.as_str() {
        "live" => "open",
        "closed" => "closed",
        _ => "other",
    };
    Ok(Item {
        kind: JOBS.into(),
        id: job.id.to_string(),
        version: Some(job.updated_at),
        mask: 0,
        body: json!({ "title": job.title, "state": { "value": word, "source": job.status } })
            .to_string(),
        raw: Some(rows::row(body, text).span),
    })
}

/// The failure for an undocumented response. It never quotes the body, which may hold personal
/// data.
fn unreadable(error: serde_json::Error) -> Failure {
    Failure::Protocol(format!(
        "line {}, column {} of the response is not as documented",
        error.line(),
        error.column()
    ))
}
