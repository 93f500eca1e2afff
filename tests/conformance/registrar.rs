//! An ATS whose webhooks are registered by its API: the smallest whole adapter, with a list of
//! webhooks.

use crate::mutants::broken_of;
use crate::{http, plainlist};
use atsync::model::contract::{
    Body, Continuation, Denied, Effect, Failure, Field, Given, Outcome, Path, Registered,
    Registering, Registration, Reply, Request, Response, Send, Step, Target, Task,
};
use atsync::model::manifest::{Manifest, WebhookRule};
use atsync::{Adapter, AdapterError};
use atsync_conformance::{Described, Options, Promise, test};
use serde_json::{Value, json};
use std::sync::Arc;

type Answer = Result<Step, Failure>;

#[derive(Debug)]
struct Registrar {
    inner: Arc<dyn Adapter>,
    manifest: Manifest,
    way: Way,
}

/// How it registers.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Way {
    Right,
    /// Says that a webhook was changed, and leaves its URL.
    LeavesUrls,
    /// Takes any answer to a removal for done.
    Hopes,
}

fn registrar(way: Way) -> Arc<dyn Adapter> {
    let inner = plainlist();
    let mut manifest = inner.manifest().clone();
    manifest.webhooks = Some(WebhookRule::new(["person.updated"], "secret", "Settings > Hooks"));
    Arc::new(Registrar { inner, manifest, way })
}

/// The adapter's sandbox, with a collection of webhooks.
fn sandbox() -> String {
    let text = include_str!("../../examples/adapter-minimal/sandbox.yaml");
    let hooks = "resources:\n  hooks:\n    path: /hooks\n    item: \"/hooks/{id}\"\n    \
                 create: {required: [event, url, secret]}\n    update: true\n    delete: true\n    \
                 rows: [{id: 1, event: job.updated, url: \"https://other.example\"}]\n";
    text.replace("resources:\n", hooks)
}

fn send(method: &str, path: String, body: Option<Value>, state: &Value) -> Answer {
    let effect = if method == "GET" { Effect::Safe } else { Effect::Unsafe };
    let query = Vec::<Field>::new();
    let request = Request {
        origin: "api".into(),
        method: method.into(),
        target: Target::Path(Path { path, query }),
        headers: Vec::new(),
        body: body.map_or(Body::None, |body| Body::Json(body.to_string())),
    };
    let state = format!("register{state}").into_bytes();
    Ok(Step::Send(Send { request, state, effect, secrets: Vec::new() }))
}

fn registered(row: &Value, url: Option<&Value>) -> Registered {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    Registered {
        id: row["id"].to_string(),
        event: text(&row["event"]),
        url: text(url.unwrap_or(&row["url"])),
        active: true,
    }
}

/// What an answer means.
fn read(way: Way, task: &Value, response: &Response) -> Answer {
    let row: Value = serde_json::from_slice(&response.body).unwrap_or_default();
    let wait = || {
        let seconds = response.header("retry-after")?.parse::<u64>().ok()?;
        Some(seconds * 1000)
    };
    let failure = match response.status {
        401 => Failure::Auth("refused".into()),
        403 => Failure::Denied(Denied { permission: String::new(), message: "refused".into() }),
        404 | 410 => Failure::NotFound("gone".into()),
        429 => Failure::Throttled(wait()),
        _ => Failure::Unavailable("later".into()),
    };
    let found = match (response.status, task["do"].as_str()) {
        (200, Some("list")) => {
            let Value::Array(rows) = row else {
                return Err(Failure::Protocol("no list".into()));
            };
            Registration::Listed(rows.iter().map(|row| registered(row, None)).collect())
        }
        (_, Some("list")) => return Err(failure),
        (201, Some("create")) if row["id"].is_u64() => Registration::Kept(registered(&row, None)),
        (200, Some("change")) if row["id"].is_u64() => {
            Registration::Kept(registered(&row, Some(&task["url"])))
        }
        (204, Some("remove")) => Registration::Removed,
        (_, Some("remove")) if way == Way::Hopes => Registration::Removed,
        (401 | 403 | 404 | 410 | 429, _) => Registration::Refused(failure),
        _ => Registration::Unclear("no row".into()),
    };
    Ok(Step::Done(Outcome::Registration(found)))
}

impl Adapter for Registrar {
    fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    fn start(&self, task: Task, given: Given) -> Result<Answer, AdapterError> {
        let Task::Register(registering) = task else { return self.inner.start(task, given) };
        Ok(match registering {
            Registering::List => send("GET", "/hooks".into(), None, &json!({"do": "list"})),
            Registering::Create(hook) => {
                let body = json!({"event": hook.event, "url": hook.url});
                send("POST", "/hooks".into(), Some(body), &json!({"do": "create"}))
            }
            Registering::Change(change) => {
                let url = &change.webhook.url;
                let body = match self.way {
                    Way::LeavesUrls => json!({"event": change.webhook.event}),
                    _ => json!({"event": change.webhook.event, "url": url}),
                };
                let state = json!({"do": "change", "url": url});
                send("PATCH", format!("/hooks/{}", change.id), Some(body), &state)
            }
            Registering::Remove(id) => {
                send("DELETE", format!("/hooks/{id}"), None, &json!({"do": "remove"}))
            }
        })
    }

    fn resume(
        &self,
        state: Continuation,
        given: Given,
        reply: Reply,
    ) -> Result<Answer, AdapterError> {
        match (state.strip_prefix(b"register"), &reply) {
            (Some(task), Reply::Response(response)) => {
                Ok(read(self.way, &serde_json::from_slice(task).unwrap(), response))
            }
            _ => self.inner.resume(state, given, reply),
        }
    }
}

#[tokio::test]
async fn webhooks_that_are_registered_changed_and_removed_are_fine() {
    let stage = Described::open(&sandbox()).await.unwrap();
    let report = test(registrar(Way::Right), &stage, http(), &Options::default()).await.unwrap();
    assert!(report.is_clean(), "{report}");
    let held = report.findings.iter().any(|one| one.promise == Promise::Registering);
    assert!(held && report.not_tried().next().is_none(), "{report}");
}

#[tokio::test]
async fn a_change_of_a_webhook_that_leaves_its_url_is_noticed() {
    let found = broken_of(registrar(Way::LeavesUrls), &sandbox()).await;
    assert_eq!(found, [Promise::Registering].into());
}

#[tokio::test]
async fn a_removal_that_any_answer_proves_is_noticed() {
    let found = broken_of(registrar(Way::Hopes), &sandbox()).await;
    assert_eq!(found, [Promise::Registering].into());
}
