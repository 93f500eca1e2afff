//! Runs a write or probe against prepared replies, and keeps its requests in order.
#![allow(
    dead_code,
    unreachable_pub,
    missing_docs,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test kit that each file uses in part"
)]

use atsync_adapter::PureAdapter;
use atsync_adapter::contract::*;
use atsync_greenhouse::Greenhouse;
use serde_json::{Value, json};

/// The engine's clock: 2026-11-24T06:00:00Z.
pub const NOW_MS: u64 = 1_795_500_000_000;
/// The time when a write in doubt was sent: half a minute ago.
pub const SENT_MS: u64 = NOW_MS - 30_000;
/// A time after that, and one long before.
pub const AFTER: &str = "2026-11-24T05:59:31.000Z";
pub const BEFORE: &str = "2026-11-20T00:00:00.000Z";

/// One request that the engine would send.
#[derive(Clone, Debug)]
pub struct Asked {
    pub effect: Effect,
    /// `GET /v3/candidates?ids=1`, or a link.
    pub line: String,
    pub body: Value,
}

/// The requests of a task, and its end.
#[derive(Debug)]
pub struct Run {
    pub asked: Vec<Asked>,
    pub end: Result<Outcome, Failure>,
}

pub struct Case {
    pub operation: &'static str,
    pub target: Option<(&'static str, &'static str)>,
    pub input: Value,
    pub settings: Value,
    pub replies: Vec<Response>,
}

pub fn case(operation: &'static str, input: Value) -> Case {
    Case {
        operation,
        target: None,
        input,
        settings: Value::Object(serde_json::Map::new()),
        replies: Vec::new(),
    }
}

/// Makes a reply.
pub fn reply(status: u16, body: Value) -> Response {
    Response { status, headers: vec![], body: body.to_string().into_bytes() }
}

/// Makes a reply without a body.
pub fn empty(status: u16) -> Response {
    Response { status, headers: vec![], body: Vec::new() }
}

/// Makes a page with a link to a next page.
pub fn more(body: Value) -> Response {
    let link = "<https://harvest.greenhouse.io/v3/x?cursor=abc>; rel=\"next\"";
    Response {
        status: 200,
        headers: vec![Field::new("link", link)],
        body: body.to_string().into_bytes(),
    }
}

impl Case {
    pub fn on(mut self, kind: &'static str, id: &'static str) -> Self {
        self.target = Some((kind, id));
        self
    }

    pub fn settings(mut self, settings: Value) -> Self {
        self.settings = settings;
        self
    }

    pub fn replies(mut self, replies: Vec<Response>) -> Self {
        self.replies = replies;
        self
    }

    fn operation(&self) -> Operation {
        Operation {
            name: self.operation.into(),
            target: self.target.map(|(kind, id)| RemoteRef::new(kind, id)),
            input: self.input.to_string(),
        }
    }

    pub fn write(self) -> Run {
        let task = Task::Write(Write { operation: self.operation(), observed: None });
        let run = self.run(task);
        let changes = run.asked.iter().filter(|asked| asked.effect == Effect::Unsafe).count();
        assert!(changes <= 1, "at most one changing request per task: {:?}", run.asked);
        if changes == 1 {
            assert_eq!(
                run.asked.last().unwrap().effect,
                Effect::Unsafe,
                "nothing follows the changing request"
            );
        }
        run
    }

    /// Prepends a reply that shows the parent of the new record.
    pub fn of_parent(mut self) -> Self {
        let id = |member: &str| self.input[member].as_str().map(|id| id.parse::<u64>().unwrap());
        let row = match self.operation {
            "attachments.create" => json!({"id": id("application")}),
            "notes.create" | "applications.create" | "applied_tags.create" => {
                json!({"id": id("candidate"), "first_name": "Ada", "last_name": "Byron"})
            }
            _ => return self,
        };
        self.replies.insert(0, reply(200, json!([row])));
        self
    }

    pub fn probe(self, first_sent_ms: Option<u64>) -> Run {
        let task = Task::Probe(Probe { operation: self.operation(), first_sent_ms });
        let run = self.run(task);
        assert!(
            run.asked.iter().all(|asked| asked.effect == Effect::Safe),
            "a probe changes nothing: {:?}",
            run.asked
        );
        run
    }

    fn run(self, task: Task) -> Run {
        let given = Given {
            now_ms: NOW_MS,
            settings: self.settings.to_string(),
            tenant: None,
            mark: Some(Mark { text: "atsync-42".into(), time_ms: NOW_MS }),
            grant: None,
        };
        let mut replies = self.replies.into_iter();
        let mut asked = Vec::new();
        let mut step = Greenhouse::start(task, &given);
        loop {
            let send = match step {
                Ok(Step::Send(send)) => send,
                Ok(Step::Done(outcome)) => {
                    assert!(replies.next().is_none(), "a reply was not used; requests: {asked:#?}");
                    return Run { asked, end: Ok(outcome) };
                }
                Ok(other) => panic!("an unexpected step: {other:?}"),
                Err(failure) => return Run { asked, end: Err(failure) },
            };
            assert!(send.state.len() <= CONTINUATION_BYTES_MAX);
            asked.push(shown(&send));
            let Some(reply) = replies.next() else {
                panic!("no reply is left; requests: {asked:#?}")
            };
            step = Greenhouse::resume(send.state, &given, Reply::Response(reply));
        }
    }
}

fn shown(send: &Send) -> Asked {
    let line = match &send.request.target {
        Target::Path(path) => {
            let query: Vec<String> = path
                .query
                .iter()
                .filter(|field| field.name != "per_page")
                .map(|field| format!("{}={}", field.name, field.value))
                .collect();
            let mark = if query.is_empty() { "" } else { "?" };
            format!("{} {}{mark}{}", send.request.method, path.path, query.join("&"))
        }
        Target::Link(link) => link.clone(),
    };
    let body = match &send.request.body {
        Body::None => Value::Null,
        Body::Json(text) => serde_json::from_str(text).unwrap(),
        other => panic!("an unexpected body: {other:?}"),
    };
    Asked { effect: send.effect, line, body }
}

impl Run {
    pub fn lines(&self) -> Vec<&str> {
        self.asked.iter().map(|asked| asked.line.as_str()).collect()
    }

    /// Returns the changing request.
    pub fn sent(&self) -> &Asked {
        self.asked
            .iter()
            .find(|asked| asked.effect == Effect::Unsafe)
            .unwrap_or_else(|| panic!("nothing was sent: {self:?}"))
    }

    pub fn written(&self) -> &Written {
        match &self.end {
            Ok(Outcome::Written(written)) => written,
            other => panic!("no outcome of a write: {other:?}"),
        }
    }

    pub fn applied(&self) -> &Applied {
        match self.written() {
            Written::Applied(applied) => applied,
            other => panic!("not applied: {other:?}"),
        }
    }

    pub fn unneeded(&self) -> &Applied {
        assert!(self.asked.iter().all(|asked| asked.effect == Effect::Safe));
        match self.written() {
            Written::Unneeded(applied) => applied,
            other => panic!("not unneeded: {other:?}"),
        }
    }

    pub fn refused(&self) -> &Failure {
        match self.written() {
            Written::Refused(failure) => failure,
            other => panic!("not refused: {other:?}"),
        }
    }

    pub fn failure(&self) -> &Failure {
        assert!(
            self.asked.iter().all(|asked| asked.effect == Effect::Safe),
            "a failure after the changing request"
        );
        self.end.as_ref().err().unwrap_or_else(|| panic!("no failure: {self:?}"))
    }

    pub fn probed(&self) -> &Probed {
        match &self.end {
            Ok(Outcome::Probed(probed)) => probed,
            other => panic!("no outcome of a probe: {other:?}"),
        }
    }

    /// Formats a verdict: `found candidates/1 marked`, `absent 30000`, `ambiguous a/1 a/2`,
    /// `blind`.
    pub fn verdict(&self) -> String {
        match self.probed() {
            Probed::Found(found) => {
                format!("found {} {:?}", links(&found.links), found.certainty).trim().to_lowercase()
            }
            Probed::Absent(ms) => format!("absent {ms}"),
            Probed::Ambiguous(refs) => {
                format!(
                    "ambiguous {}",
                    refs.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
                )
            }
            Probed::Blind(_) => "blind".into(),
        }
    }
}

/// Formats links: `subject:candidates/1 applications:applications/2`.
pub fn links(links: &[Link]) -> String {
    links
        .iter()
        .map(|link| format!("{}:{}/{}", link.role, link.kind, link.id))
        .collect::<Vec<_>>()
        .join(" ")
}

/// Returns the other reading that a refusal names.
pub fn other_reading(failure: &Failure) -> Option<&str> {
    match failure {
        Failure::Misread(misread) => Some(&misread.reading),
        _ => None,
    }
}
