//! Greenhouse's adapter with one fault, which the connection's setting `attack` names. Without the
//! setting it is honest.
//!
//! The faults are in the scan of `candidates`, in the write `candidates.create` and in its probe;
//! all other tasks stay honest, so that the engine comes to these. The continuation begins with two
//! bytes: which of them goes on, and the cursor of the scan.

use atsync_adapter::contract::{
    Applied, Body, Certainty, Continuation, Effect, Failure, Field, Found, Given, Item, Link,
    Outcome, Page, Path, Probed, Reply, Request, Send, Step, Target, Task, Written,
};
use atsync_adapter::{Manifest, PureAdapter};
use atsync_greenhouse::Greenhouse;
use serde_json::{Value, json};

pub struct Hostile;

atsync_adapter::export_adapter!(Hostile);

/// Where a continuation goes on.
const SCAN: u8 = b's';
const WRITE: u8 = b'w';
/// The request that changes the ATS was answered.
const WRITTEN: u8 = b'W';
const PROBE: u8 = b'p';
const OTHER: u8 = b'-';

impl PureAdapter for Hostile {
    fn describe() -> Manifest {
        let mut manifest = Greenhouse::describe();
        manifest.name = "hostile".into();
        manifest.settings_schema["properties"]["attack"] = json!({"type": "string"});
        manifest
    }

    fn start(task: Task, given: &Given) -> Result<Step, Failure> {
        let (attack, given) = split(given);
        let mut task = task;
        let mut turn = 0;
        let place = match &mut task {
            Task::Scan(scan) if scan.kind == "candidates" => {
                if matches!(attack.as_str(), "same-cursor" | "new-cursors" | "circle") {
                    turn =
                        scan.cursor.take().and_then(|cursor| cursor.first().copied()).unwrap_or(0);
                }
                SCAN
            }
            Task::Write(write) if write.operation.name == "candidates.create" => WRITE,
            Task::Probe(probe) if probe.operation.name == "candidates.create" => PROBE,
            _ => OTHER,
        };
        match (place, attack.as_str()) {
            (SCAN, "empty-and-complete") => return Ok(page(Vec::new(), None)),
            (SCAN, "spin") => spin(),
            (SCAN, "recursion") => return Err(Failure::Bug(deep(1).to_string())),
            (SCAN, "panic") => panic!("a fault of the adapter"),
            (SCAN, "giant-text") => return Err(Failure::Bug("x".repeat(8 << 20))),
            (WRITE, "applied-unsent") => return Ok(wrote("1")),
            (PROBE, "found-of-others") => return Ok(found("1")),
            _ => {}
        }
        bend(&attack, [place, turn], Greenhouse::start(task, &given)?)
    }

    fn resume(state: Continuation, given: &Given, reply: Reply) -> Result<Step, Failure> {
        let (attack, given) = split(given);
        let ([place, turn], state) = state.split_first_chunk().expect("each state has both bytes");
        match (*place, attack.as_str()) {
            (WRITTEN, "panic-after-write") => panic!("a fault of the adapter"),
            (WRITTEN, "spin-after-write") => spin(),
            (WRITTEN, "second-unsafe") => return Ok(post(WRITTEN, Effect::Unsafe)),
            (WRITTEN, "refused-after-write") => {
                let refused = Failure::Invalid(Vec::new());
                return Ok(Step::Done(Outcome::Written(Written::Refused(refused))));
            }
            (WRITTEN, "record-of-others") => return Ok(wrote("1")),
            (WRITTEN, "no-link") => return Ok(applied(Vec::new())),
            (WRITTEN, "endless-after-write") => return Ok(get(WRITTEN, "/v3/jobs")),
            (SCAN, "endless-steps") => return Ok(get(SCAN, "/v3/jobs")),
            _ => {}
        }
        let step = Greenhouse::resume(state.to_vec(), &given, reply)?;
        match step {
            Step::Done(Outcome::Page(found)) if *place == SCAN => {
                Ok(bend_page(&attack, *turn, found))
            }
            step => bend(&attack, [*place, *turn], step),
        }
    }
}

/// The attack, and what Greenhouse's adapter is given.
fn split(given: &Given) -> (String, Given) {
    let mut settings: Value = serde_json::from_str(&given.settings).expect("settings are JSON");
    let attack = settings.as_object_mut().and_then(|settings| settings.remove("attack"));
    let attack = attack.as_ref().and_then(Value::as_str).unwrap_or_default().to_owned();
    (attack, Given { settings: settings.to_string(), ..given.clone() })
}

/// Notes the place in the state, and spoils the request of a scan or a create.
fn bend(attack: &str, [place, turn]: [u8; 2], step: Step) -> Result<Step, Failure> {
    let Step::Send(mut send) = step else { return Ok(step) };
    let changes = send.effect == Effect::Unsafe;
    let is_of_write = attack.starts_with("write-");
    let spoilt = match place {
        SCAN => !is_of_write,
        WRITE => is_of_write && changes,
        _ => false,
    };
    let place = if place == WRITE && changes { WRITTEN } else { place };
    send.state.splice(0..0, [place, turn]);
    if !spoilt {
        return Ok(Step::Send(send));
    }
    let path = |text: &str| Target::Path(Path { path: text.to_owned(), query: Vec::new() });
    let link = |text: &str| Target::Link(text.to_owned());
    let header = |name: &str, value: &str| vec![Field::new(name, value)];
    let request = &mut send.request;
    match attack.strip_prefix("write-").unwrap_or(attack) {
        "url-as-path" => request.target = path("https://evil.example/v3/candidates"),
        "double-slash" => request.target = path("//evil.example/v3/candidates"),
        "encoded-dots" => request.target = path("/v3/%2e%2e/%2E%2e/admin"),
        "line-in-path" => request.target = path("/v3/candidates HTTP/1.1\r\nhost: evil.example"),
        "foreign-link" => request.target = link("https://evil.example/v3/candidates"),
        "user-in-link" => request.target = link("http://harvest@127.0.0.1:8099/v3/candidates"),
        "host-as-user" => request.target = link("http://127.0.0.1:8099@evil.example/v3/candidates"),
        "scheme-relative-link" => request.target = link("//evil.example/v3/candidates"),
        "line-in-header" => request.headers = header("x-a", "b\r\nhost: evil.example"),
        "header-host" => request.headers = header("Host", "evil.example"),
        "header-authorization" => request.headers = header("authorization", "Bearer mine"),
        "header-method" => request.headers = header("X-HTTP-Method-Override", "DELETE"),
        "header-length" => request.headers = header("Content-Length", "0"),
        "unknown-origin" => request.origin = "evil".into(),
        "consuming" => send.effect = Effect::Consuming,
        "unsafe-read" => return Ok(post(place, Effect::Unsafe)),
        "scratch-read" => return Ok(post(place, Effect::Scratch)),
        "safe-post" => return Ok(post(place, Effect::Safe)),
        "safe-delete" => request.method = "DELETE".into(),
        "giant-state" => send.state.resize(1 << 20, 0),
        "deep-json-body" => request.body = Body::Json("[".repeat(1 << 20)),
        _ => {}
    }
    Ok(Step::Send(send))
}

/// Spoils a page of candidates.
fn bend_page(attack: &str, turn: u8, mut found: Page) -> Step {
    let endless = |found: &mut Page, next: &[u8]| {
        (found.complete, found.checkpoint, found.next) = (false, None, Some(next.to_vec()));
    };
    let first = found.items.first().cloned();
    let more = |found: &mut Page, count: usize| {
        let first = first.clone().expect("the sandbox has candidates");
        let more = (0..count).map(|at| Item { id: format!("9000{at}"), ..first.clone() });
        found.items.extend(more);
    };
    match attack {
        "same-cursor" => endless(&mut found, &[1]),
        "new-cursors" => endless(&mut found, &[turn.wrapping_add(1)]),
        "circle" => endless(&mut found, &[turn % 3 + 1]),
        "complete-with-next" => found.next = Some(b"more".to_vec()),
        "more-than-page-max" => more(&mut found, 501),
        "giant-list" => more(&mut found, 10_001),
        "deep-json" => {
            spoil(&mut found, &format!("{}{}", "[".repeat(100_000), "]".repeat(100_000)))
        }
        "number-bomb" => spoil(&mut found, "1e999999999"),
        "long-number" => spoil(&mut found, &"9".repeat(500_000)),
        "half-a-character" => spoil(&mut found, r#""\ud800""#),
        "giant-body" => {
            let body = format!("{{\"title\": \"{}\"}}", "x".repeat(2 << 20));
            found.items.iter_mut().take(1).for_each(|item| item.body.clone_from(&body));
        }
        "outside-span" => {
            for item in &mut found.items {
                item.raw.iter_mut().for_each(|raw| raw.length = u32::MAX);
            }
        }
        "unknown-kind" => found.items.iter_mut().for_each(|item| item.kind = "people".into()),
        "ids-with-lines" => found.items.iter_mut().for_each(|item| item.id.push_str("\r\n1")),
        "false-bodies" => spoil(&mut found, "\"Nobody\""),
        _ => {}
    }
    Step::Done(Outcome::Page(found))
}

/// Gives this value to a member of each record of candidates.
fn spoil(found: &mut Page, value: &str) {
    for item in found.items.iter_mut().filter(|item| item.kind == "candidates") {
        item.body = format!("{{\"title\": {value}}}");
    }
}

fn page(items: Vec<Item>, next: Option<Vec<u8>>) -> Step {
    let complete = next.is_none();
    Step::Done(Outcome::Page(Page { items, masks: Vec::new(), next, checkpoint: None, complete }))
}

fn send(place: u8, request: Request, effect: Effect) -> Step {
    Step::Send(Send { request, state: vec![place, 0], effect, secrets: Vec::new() })
}

fn request(method: &str, path: &str, body: Body) -> Request {
    Request {
        origin: "api".into(),
        method: method.into(),
        target: Target::Path(Path { path: path.into(), query: Vec::new() }),
        headers: Vec::new(),
        body,
    }
}

fn get(place: u8, path: &str) -> Step {
    send(place, request("GET", path, Body::None), Effect::Safe)
}

/// Creates a candidate that was not declared.
fn post(place: u8, effect: Effect) -> Step {
    let body = json!({"first_name": "Eve", "last_name": "Stranger",
        "email_addresses": [{"value": "eve@example.com", "type": "personal"}]});
    send(place, request("POST", "/v3/candidates", Body::Json(body.to_string())), effect)
}

fn subject(id: &str) -> Vec<Link> {
    vec![Link { role: "subject".into(), kind: "candidates".into(), id: id.into() }]
}

fn applied(links: Vec<Link>) -> Step {
    let applied = Applied { links, deduplicated: false, warnings: Vec::new() };
    Step::Done(Outcome::Written(Written::Applied(applied)))
}

fn wrote(id: &str) -> Step {
    applied(subject(id))
}

fn found(id: &str) -> Step {
    let found = Found { links: subject(id), certainty: Certainty::Marked };
    Step::Done(Outcome::Probed(Probed::Found(found)))
}

fn spin() -> ! {
    loop {
        std::hint::black_box(());
    }
}

/// Has something left to do after each call, so that it cannot become a loop.
#[allow(unconditional_recursion, reason = "it is the attack")]
fn deep(level: u64) -> u64 {
    let kept = [std::hint::black_box(level); 64];
    deep(level + 1).wrapping_add(kept[(level % 64) as usize])
}
