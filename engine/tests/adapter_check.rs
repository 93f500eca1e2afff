//! Lies in well-formed answers: the checks are the same for natively compiled adapters and for
//! components.
//!
//! Method: the test makes one member of an honest step wrong; the table lists the words that the
//! refusal must have.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests fail like tests"
)]

use atsync::internals::adapter::check::{Answer, answer, receive};
use atsync::internals::adapter::native::Functions;
use atsync::internals::adapter::{
    Adapter, AdapterError, NativeAdapter, TaskGuard, limits, manifest_check,
};
use atsync_model::contract::*;
use atsync_model::manifest::Manifest;
use serde_json::{Value, json};

fn manifest_json() -> Value {
    json!({
        "name": "liar", "version": "1.0.0", "title": "Liar", "contract": "ats:adapter@0.1.0",
        "origins": [{"name": "api", "base": {"how": "fixed", "url": "https://ats.example"}}],
        "auth": [{"scheme": "bearer"}],
        "rates": [{"name": "all", "origins": ["api"], "window_ms": 1000, "limit_initial": 5}],
        "kinds": [{"name": "jobs", "scan": {"how": "list"}, "page_max": 100,
            "fields": ["title", "state", "departments"], "permission": "read"}],
        "describes_tenant": true,
        "operations": [{"name": "jobs.create", "kind": "jobs", "verb": "create",
            "class": "probeable", "refused_statuses": [422],
            "calls": 1, "permissions": ["read"], "opt_in": "writes"}],
        "permissions": [{"id": "read", "label": "Read", "grant_at": "there",
            "without_it": "nothing"}],
        "settings_schema": {"type": "object", "properties": {"writes": {"type": "boolean"}}}
    })
}

fn manifest() -> Manifest {
    manifest_check::read(&manifest_json().to_string()).unwrap()
}

fn item() -> Item {
    let body = r#"{"title": "Baker"}"#.into();
    Item {
        kind: "jobs".into(),
        id: "7".into(),
        version: None,
        mask: 0,
        body,
        raw: Some(Span { offset: 0, length: 10 }),
    }
}

fn page() -> Page {
    let masks = vec![vec!["title".into()]];
    Page { items: vec![item()], masks, next: None, checkpoint: None, complete: true }
}

fn send() -> Send {
    let request = Request {
        origin: "api".into(),
        method: "GET".into(),
        target: Target::Path(Path { path: "/jobs".into(), query: Vec::new() }),
        headers: Vec::new(),
        body: Body::None,
    };
    Send { request, state: Vec::new(), effect: Effect::Safe, secrets: Vec::new() }
}

fn checked(step: Result<Step, Failure>) -> Result<(), AdapterError> {
    answer(&manifest(), Answer { answer: &step, reply_bytes: Some(10) })
}

#[track_caller]
fn refused(result: Result<(), AdapterError>, words: &str) {
    let text = result.unwrap_err().to_string();
    assert!(text.contains(words), "{text}");
}

#[track_caller]
fn page_refused(change: impl FnOnce(&mut Page), words: &str) {
    let mut page = page();
    change(&mut page);
    refused(checked(Ok(Step::Done(Outcome::Page(page)))), words);
}

#[track_caller]
fn send_refused(change: impl FnOnce(&mut Send), words: &str) {
    let mut send = send();
    change(&mut send);
    refused(checked(Ok(Step::Send(send))), words);
}

#[test]
fn honest_answers_pass() {
    checked(Ok(Step::Done(Outcome::Page(page())))).unwrap();
    checked(Ok(Step::Send(send()))).unwrap();
    checked(Err(Failure::Denied(Denied { permission: "read".into(), message: String::new() })))
        .unwrap();
}

#[test]
fn a_page_that_contradicts_itself_is_refused() {
    page_refused(|page| page.complete = false, "no next page");
    page_refused(|page| page.next = Some(vec![1]), "next page is named");
    page_refused(
        |page| (page.complete, page.next, page.checkpoint) = (false, Some(vec![1]), Some(vec![1])),
        "checkpoint",
    );
    page_refused(
        |page| page.checkpoint = Some(vec![0; limits::CURSOR_BYTES_MAX + 1]),
        "bytes of a cursor",
    );
    page_refused(|page| page.items = vec![item(); limits::ITEMS_MAX + 1], "records: 10001");
    page_refused(|page| page.masks = vec![Vec::new(); limits::MASKS_MAX + 1], "masks");
}

#[test]
fn a_record_that_is_not_what_it_says_is_refused() {
    page_refused(|page| page.items[0].id.clear(), "record 0: an id is empty");
    page_refused(|page| page.items[0].id = "7".repeat(limits::NAME_BYTES_MAX + 1), "an id: 513");
    page_refused(|page| page.items[0].kind = "people".into(), "manifest does not list");
    page_refused(
        |page| page.items[0].mask = 1,
        "record 0 (jobs 7): its mask is none of the page's (it names number 1)",
    );
    page_refused(
        |page| page.masks[0].push("salary".into()),
        "record 0 (jobs 7): its mask has a field that the manifest does not list for its \
         kind: \"salary\" of jobs",
    );
    page_refused(
        |page| page.items[0].raw = Some(Span { offset: 1, length: 10 }),
        "outside of the reply",
    );
    page_refused(
        |page| page.items[0].raw = Some(Span { offset: u32::MAX, length: u32::MAX }),
        "outside of the reply",
    );
    for body in
        ["", "[]", "null", "\"x\"", "{", r#"{"title":}"#, r#"{"title":1} {}"#, r#"{"state":1}"#]
    {
        page_refused(|page| page.items[0].body = body.into(), "its body");
    }
    page_refused(
        |page| page.items[0].body = " ".repeat(limits::ITEM_BODY_BYTES_MAX + 1),
        "bytes of its body",
    );
}

#[test]
fn a_refusal_quotes_nothing_that_the_adapter_wrote() {
    let mut page = page();
    page.items[0].body = r#"{"Ada Lovelace": 1}"#.into();
    let text = checked(Ok(Step::Done(Outcome::Page(page)))).unwrap_err().to_string();
    assert!(!text.contains("Ada"), "{text}");
}

#[test]
fn a_request_that_the_contract_does_not_know_is_refused() {
    send_refused(|send| send.request.origin = "elsewhere".into(), "origin");
    send_refused(|send| send.request.method = "get".into(), "method");
    send_refused(|send| send.request.method = "CONNECT".into(), "method");
    send_refused(|send| send.request.target = Target::Link(String::new()), "link is empty");
    send_refused(
        |send| send.request.target = Target::Path(Path { path: "jobs".into(), query: Vec::new() }),
        "begin with /",
    );
    send_refused(|send| send.request.headers = vec![Field::new("a b", "")], "header");
    send_refused(|send| send.request.headers = vec![Field::new("a", "b\r\nHost: c")], "header");
    send_refused(|send| send.request.body = Body::Json("{".into()), "body");
    send_refused(|send| send.request.body = Body::Multipart(Vec::new()), "reserved");
    send_refused(|send| send.effect = Effect::Consuming, "reserved");
    send_refused(
        |send| send.state = vec![0; CONTINUATION_BYTES_MAX + 1],
        "bytes of the state: 65537, of at most 65536",
    );
    let secret = ReplySecret { pointer: "/x".into(), secret_name: "x".into() };
    send_refused(|send| send.secrets = vec![secret], "reserved");
    let transfer = Transfer {
        url_pointer: "/u".into(),
        blob: "b".into(),
        direction: Direction::Upload,
        state: Vec::new(),
    };
    refused(checked(Ok(Step::Transfer(transfer))), "reserved");
}

#[test]
fn a_failure_names_only_what_the_manifest_lists() {
    refused(
        checked(Err(Failure::Denied(Denied { permission: "x".into(), message: String::new() }))),
        "permission",
    );
    refused(checked(Err(Failure::Moved(RemoteRef::new("people", "1")))), "kind");
    refused(
        checked(Err(Failure::Bug("x".repeat(limits::TEXT_BYTES_MAX + 1)))),
        "text of a failure",
    );
}

fn operation() -> Operation {
    Operation { name: "jobs.create".into(), target: None, input: "{}".into() }
}

fn write() -> TaskGuard {
    TaskGuard::new(&Task::Write(Write { operation: operation(), observed: None }))
}

fn applied() -> Applied {
    Applied { links: Vec::new(), deduplicated: false, warnings: Vec::new() }
}

fn sends(effect: Effect) -> Step {
    Step::Send(Send { effect, ..send() })
}

fn wrote(written: Written) -> Step {
    Step::Done(Outcome::Written(written))
}

#[test]
fn a_write_has_one_effect() {
    let mut guard = write();
    for effect in [Effect::Safe, Effect::Scratch, Effect::Safe, Effect::Unsafe, Effect::Safe] {
        guard.step(&sends(effect), None).unwrap();
    }
    assert!(guard.changed());
    refused(guard.step(&sends(Effect::Unsafe), None), "second request");
    guard.step(&wrote(Written::Applied(applied())), None).unwrap();
}

#[test]
fn an_idempotent_write_alone_may_have_several_effects() {
    let task = Task::Write(Write { operation: operation(), observed: None });
    let mut idempotent = manifest_json();
    idempotent["operations"][0]["class"] = json!("idempotent");
    let idempotent = manifest_check::read(&idempotent.to_string()).unwrap();
    let mut guard = TaskGuard::held_to(&idempotent, &task);
    for effect in [Effect::Unsafe, Effect::Safe, Effect::Unsafe] {
        guard.step(&sends(effect), None).unwrap();
    }
    guard.step(&wrote(Written::Applied(applied())), None).unwrap();
    let mut guard = TaskGuard::held_to(&manifest(), &task);
    guard.step(&sends(Effect::Unsafe), None).unwrap();
    refused(guard.step(&sends(Effect::Unsafe), None), "second request");
}

#[test]
fn a_write_names_its_effect() {
    refused(write().step(&wrote(Written::Applied(applied())), None), "no request");
    refused(write().step(&wrote(Written::Unclear(String::new())), None), "no request");
    write().step(&wrote(Written::Unneeded(applied())), None).unwrap();
    let mut guard = write();
    guard.step(&sends(Effect::Unsafe), None).unwrap();
    refused(guard.step(&wrote(Written::Unneeded(applied())), None), "unneeded");
}

#[test]
fn a_reading_task_may_send_no_changing_request() {
    let probe = Task::Probe(Probe { operation: operation(), first_sent_ms: None });
    for task in [Task::DescribeTenant, Task::Check("read".into()), probe] {
        for effect in [Effect::Unsafe, Effect::Scratch] {
            refused(TaskGuard::new(&task).step(&sends(effect), None), "only looks");
        }
        refused(
            TaskGuard::new(&task).step(&wrote(Written::Applied(applied())), None),
            "another task's",
        );
    }
}

#[test]
fn a_webhook_is_changed_by_one_request_and_listed_by_none() {
    let done = |registration| Step::Done(Outcome::Registration(registration));
    let url = || "https://host.example/hooks".to_owned();
    let kept = || {
        let (id, event) = ("7".to_owned(), "hired".to_owned());
        Registration::Kept(Registered { id, event, url: url(), active: true })
    };
    let list = || TaskGuard::new(&Task::Register(Registering::List));
    refused(list().step(&sends(Effect::Unsafe), None), "only looks");
    refused(list().step(&done(kept()), None), "another task's");
    list().step(&done(Registration::Listed(Vec::new())), None).unwrap();
    list().step(&done(Registration::Unlisted), None).unwrap();
    let webhook = Webhook { event: "hired".into(), url: url() };
    let create = || TaskGuard::new(&Task::Register(Registering::Create(webhook.clone())));
    let remove = || TaskGuard::new(&Task::Register(Registering::Remove("7".into())));
    refused(create().step(&done(kept()), None), "no request");
    refused(remove().step(&done(Registration::Removed), None), "no request");
    refused(create().step(&sends(Effect::Scratch), None), "only looks");
    for (mut guard, right, wrong) in
        [(create(), kept(), Registration::Removed), (remove(), Registration::Removed, kept())]
    {
        guard.step(&sends(Effect::Unsafe), None).unwrap();
        refused(guard.step(&sends(Effect::Unsafe), None), "a second request");
        refused(guard.step(&done(wrong), None), "is said to be");
        refused(guard.step(&done(Registration::Unlisted), None), "another task's");
        guard.step(&done(right), None).unwrap();
    }
}

#[test]
fn a_fetch_misses_only_what_it_was_asked_for() {
    let fetched = |missing: &str| {
        let item = Item { raw: None, ..item() };
        Step::Done(Outcome::Fetched(Fetched {
            items: vec![item],
            masks: page().masks,
            missing: vec![missing.into()],
        }))
    };
    let task = Task::Fetch(Fetch { kind: "jobs".into(), ids: vec!["7".into(), "8".into()] });
    TaskGuard::new(&task).step(&fetched("8"), None).unwrap();
    refused(TaskGuard::new(&task).step(&fetched("9"), None), "not asked for");
    refused(TaskGuard::new(&task).step(&fetched("7"), None), "said to be missing");
}

#[test]
fn a_task_follows_no_link_twice_so_a_circle_of_pages_ends_it() {
    let follow = |link: &str| {
        let request = Request { target: Target::Link(link.into()), ..send().request };
        Step::Send(Send { request, ..send() })
    };
    let mut guard = TaskGuard::new(&Task::DescribeTenant);
    for page in ["/jobs?a", "/jobs?b", "/jobs?c"] {
        guard.step(&follow(page), None).unwrap();
    }
    refused(guard.step(&follow("/jobs?a"), None), "circle");
    let mut guard = write();
    guard.step(&follow("/jobs?a"), None).unwrap();
    guard.step(&sends(Effect::Unsafe), None).unwrap();
    guard.step(&follow("/jobs?a"), None).unwrap();
    refused(guard.step(&follow("/jobs?a"), None), "circle");
}

#[test]
fn an_endless_task_is_ended() {
    let mut guard = TaskGuard::new(&Task::DescribeTenant);
    for _ in 0..limits::STEPS_MAX {
        guard.step(&sends(Effect::Safe), None).unwrap();
    }
    assert!(matches!(guard.step(&sends(Effect::Safe), None), Err(AdapterError::Limit(_))));
}

#[test]
fn a_manifest_is_refused_by_place() {
    let faults: &[(&str, Value, &str)] = &[
        (
            "/contract",
            json!("ats:adapter@0.2.0"),
            "contract: it was built against ats:adapter@0.2.0",
        ),
        ("/name", json!("Big Name"), "name:"),
        ("/origins/0/base/url", json!("http://ats.example"), "origins[api].url"),
        ("/rates/0/origins/0", json!("nowhere"), "rates[all].origins: there is no origin nowhere"),
        ("/rates/0/window_ms", json!(0), "rates[all]"),
        ("/kinds/0/page_max", json!(0), "kinds[jobs].page_max"),
        ("/kinds/0/permission", json!("x"), "kinds[jobs].permission: there is no permission x"),
        (
            "/kinds/0/scan",
            json!({"how": "by-parent", "parent": "x"}),
            "kinds[jobs].scan: there is no kind x",
        ),
        ("/operations/0/kind", json!("x"), "operations[jobs.create].kind"),
        ("/operations/0/refused_statuses", json!([500]), "500 is none of 400 to 499"),
        ("/operations/0/opt_in", json!("x"), "operations[jobs.create].opt_in"),
        ("/settings_schema", json!([]), "settings_schema"),
        ("/auth/0", json!({"scheme": "magic"}), "magic"),
    ];
    for (place, value, words) in faults {
        let mut wrong = manifest_json();
        *wrong.pointer_mut(place).unwrap() = value.clone();
        let text = manifest_check::read(&wrong.to_string()).unwrap_err();
        assert!(text.contains(words), "{place}: {text}");
    }
    let mut twice = manifest_json();
    let kind = twice["kinds"][0].clone();
    twice["kinds"].as_array_mut().unwrap().push(kind);
    assert_eq!(manifest_check::read(&twice.to_string()).unwrap_err(), "kinds: jobs occurs twice");
}

#[test]
fn a_panic_of_a_native_adapter_is_its_crash() {
    let functions = Functions {
        describe: manifest,
        start: |_, _| panic!("Ada Lovelace"),
        resume: |_, _, _| Err(Failure::Bug(String::new())),
    };
    let adapter = NativeAdapter::new(functions).unwrap();
    let given = Given { now_ms: 0, settings: "{}".into(), tenant: None, mark: None, grant: None };
    let error = adapter.start(Task::DescribeTenant, given).unwrap_err();
    let AdapterError::Trap(crash) = error else { panic!("{error:?}") };
    assert_eq!((crash.to_string().as_str(), crash.said()), ("it panicked", Some("Ada Lovelace")));
}

/// Checks an answer as the adapter runtimes do.
fn received(page: Page) -> (Page, Vec<Problem>) {
    let mut step = Ok(Step::Done(Outcome::Page(page)));
    receive(&manifest(), &mut step, Some(10)).unwrap();
    let taken = match step.clone().unwrap() {
        Step::Done(Outcome::Page(page)) => (page, Vec::new()),
        Step::Done(Outcome::FlawedPage(flawed)) => flawed,
        other => panic!("{other:?}"),
    };
    // What passed here passes the strict check too.
    checked(step).unwrap();
    taken
}

#[test]
fn a_record_that_breaks_a_rule_costs_itself_and_not_the_page() {
    type Fault = (&'static str, fn(&mut Item));
    let faults: [Fault; 12] = [
        ("no id", |item| item.id.clear()),
        ("a blank before the id", |item| item.id = " 8".into()),
        ("a line's end in the id", |item| item.id = "8\n8".into()),
        ("a NUL in the id", |item| item.id = "8\0".into()),
        ("a long id", |item| item.id = "7".repeat(limits::NAME_BYTES_MAX + 1)),
        ("a strange kind", |item| item.kind = "people".into()),
        ("no mask", |item| item.mask = 9),
        ("no JSON", |item| item.body = "{".into()),
        ("no object", |item| item.body = "[]".into()),
        ("a large body", |item| {
            item.body = format!("{{\"title\":\"{}\"}}", " ".repeat(limits::ITEM_BODY_BYTES_MAX))
        }),
        ("a member of no kind", |item| item.body = r#"{"Ada Lovelace":1}"#.into()),
        ("two bodies", |item| item.body = "{} {}".into()),
    ];
    for (what, fault) in faults {
        let mut page = page();
        let (mut bad, good) = (Item { id: "8".into(), ..item() }, item());
        fault(&mut bad);
        let named = bad.id == "8";
        page.items = vec![bad, good.clone()];
        let (taken, problems) = received(page);
        assert_eq!(taken.items, [good], "{what}");
        let [problem] = problems.as_slice() else { panic!("{what}: {problems:?}") };
        assert_eq!(
            (problem.id.as_deref(), &problem.field),
            (named.then_some("8"), &None),
            "{what}"
        );
        assert!(!problem.message.contains("Ada"), "{}", problem.message);
    }
}

#[test]
fn a_member_that_cannot_be_kept_costs_that_member() {
    let deep = format!("{}{}", "[".repeat(127), "]".repeat(127));
    for value in ["1e999", "\"\\ud800\"", &deep, "{\"\\udc00\":1}"] {
        let mut page = page();
        page.masks = vec![vec!["title".into(), "state".into()]];
        page.items[0].body = format!("{{\"title\":{value},\"state\":\"open\"}}");
        let (taken, problems) = received(page);
        let [item] = taken.items.as_slice() else { panic!("{value}") };
        assert_eq!(item.body, r#"{"state":"open"}"#);
        assert_eq!(taken.masks[item.mask as usize], ["state"], "the field is unknown");
        assert_eq!(
            problems.iter().map(|problem| problem.field.as_deref()).collect::<Vec<_>>(),
            [Some("title")]
        );
    }
}

#[test]
fn a_reference_without_an_id_is_unknown_and_never_known_to_be_empty() {
    let with = |value: &str| {
        let mut page = page();
        page.masks = vec![vec!["title".into(), "departments".into()]];
        page.items[0].body = format!("{{\"title\":\"Baker\",\"departments\":{value}}}");
        page
    };
    for bad in [
        "{}",
        "{\"id\":\"\"}",
        "{\"id\":\" 7\"}",
        "{\"id\":\"7\\n\"}",
        "{\"id\":7}",
        "{\"id\":null}",
        "{\"name\":\"\"}",
        "\"7\"",
        "7",
        "true",
        "[null]",
        "[\"7\"]",
        "[[]]",
        "[{}]",
        "[{\"id\":\"7\"},{\"id\":\"\"}]",
        "{\"id\":\"7\",\"more\":1e999}",
    ] {
        let (taken, problems) = received(with(bad));
        assert_eq!(taken.items[0].body, r#"{"title":"Baker"}"#, "{bad}");
        assert_eq!(
            taken.masks[taken.items[0].mask as usize],
            ["title"],
            "{bad}: the field is unknown"
        );
        assert_eq!(problems[0].field.as_deref(), Some("departments"), "{bad}");
    }
    for good in [
        "null",
        "[]",
        "{\"name\":\"R&D\"}",
        "{\"id\":\"a/b\"}",
        "[{\"id\":\"7\",\"name\":null},{\"name\":\"x\"}]",
    ] {
        assert_eq!(received(with(good)).1, [], "{good}");
    }
}

#[test]
fn an_invalid_id_is_accepted_nowhere() {
    for bad in ["", " ", "7 ", "\t7", "7\u{7f}", &"7".repeat(limits::NAME_BYTES_MAX + 1)] {
        let reference = RemoteRef::new("jobs", bad);
        let link = Link { role: "subject".into(), kind: "jobs".into(), id: bad.into() };
        for step in [
            Ok(Step::Done(Outcome::Written(Written::Applied(Applied {
                links: vec![link],
                ..applied()
            })))),
            Ok(Step::Done(Outcome::Probed(Probed::Ambiguous(vec![reference.clone()])))),
            Err(Failure::Moved(reference)),
        ] {
            let said = format!("{step:?}");
            assert!(checked(step).is_err(), "{bad:?}: {said}");
        }
    }
}

#[test]
fn an_adapters_problems_are_cut_to_the_limits() {
    let long = Problem::row("people", Some("x".repeat(1_000)), "y".repeat(10_000));
    let mut step = Ok(Step::Done(Outcome::FlawedPage((page(), vec![long.clone()]))));
    refused(checked(step.clone()), "manifest does not list");
    receive(&manifest(), &mut step, Some(10)).unwrap();
    let Ok(Step::Done(Outcome::FlawedPage((_, problems)))) = &step else { panic!("{step:?}") };
    assert_eq!((problems[0].kind.as_str(), &problems[0].id), ("", &None));
    assert_eq!(problems[0].message.len(), limits::PROBLEM_BYTES_MAX);
    let mut step = Ok(Step::Done(Outcome::FlawedPage((page(), vec![long; limits::ITEMS_MAX + 1]))));
    refused(receive(&manifest(), &mut step, Some(10)), "problems: 10001");
}

#[test]
fn a_record_that_could_not_be_read_is_not_missing() {
    let fetched =
        || Fetched { items: Vec::new(), masks: Vec::new(), missing: vec!["7".into(), "8".into()] };
    for (id, left) in [(Some("7".to_owned()), vec!["8".to_owned()]), (None, Vec::new())] {
        let problems = vec![Problem::row("jobs", id, "bad")];
        let mut step = Ok(Step::Done(Outcome::FlawedFetched((fetched(), problems))));
        receive(&manifest(), &mut step, Some(10)).unwrap();
        let Ok(Step::Done(Outcome::FlawedFetched((fetched, _)))) = step else { panic!("{step:?}") };
        assert_eq!(fetched.missing, left);
    }
}

/// A manifest that reads candidates.
fn of_candidates() -> Manifest {
    let mut manifest = manifest_json();
    let kind = json!({"name": "candidates", "scan": {"how": "list"}, "page_max": 100,
        "fields": ["title", "emails", "tags", "custom_fields"]});
    manifest["kinds"].as_array_mut().unwrap().push(kind);
    manifest_check::read(&manifest.to_string()).unwrap()
}

/// The rest of a candidate's body, the known fields, and the places of the problems.
fn taken(body: &str) -> (Value, Vec<String>, Vec<String>) {
    let mut page = page();
    page.masks = vec![["title", "emails", "tags", "custom_fields"].map(str::to_owned).to_vec()];
    page.items[0] = Item { kind: "candidates".into(), body: body.into(), ..item() };
    let mut step = Ok(Step::Done(Outcome::Page(page)));
    let manifest = of_candidates();
    receive(&manifest, &mut step, Some(10)).unwrap();
    answer(&manifest, Answer { answer: &step, reply_bytes: Some(10) }).unwrap();
    let (page, problems) = match step.unwrap() {
        Step::Done(Outcome::Page(page)) => (page, Vec::new()),
        Step::Done(Outcome::FlawedPage(flawed)) => flawed,
        other => panic!("{other:?}"),
    };
    let places = problems.into_iter().map(|problem| problem.field.unwrap_or_default()).collect();
    let known = page.masks[page.items[0].mask as usize].clone();
    (serde_json::from_str(&page.items[0].body).unwrap(), known, places)
}

#[test]
fn a_custom_value_that_cannot_be_stored_costs_its_key_and_is_not_empty() {
    let sound = json!({"type": "number", "value": 1});
    for bad in [
        r#"{"type":"number","value":1e999}"#,
        r#"{"type":"text","value":"\ud800"}"#,
        "5",
        "[]",
        r#"{"type":"text"}"#,
    ] {
        let body = format!(r#"{{"title":"x","custom_fields":{{"a":{bad},"b":{sound},"c":null}}}}"#);
        let (body, known, places) = taken(&body);
        let unreadable = json!({"type": "unreadable", "value": null});
        assert_eq!(body["custom_fields"], json!({"a": unreadable, "b": sound, "c": null}), "{bad}");
        assert_eq!(known, ["title", "emails", "tags", "custom_fields"], "{bad}");
        assert_eq!(places, ["custom_fields.a"], "{bad}");
    }
    let (body, known, places) = taken(r#"{"title":"x","custom_fields":[1]}"#);
    assert_eq!((body, places), (json!({"title": "x"}), vec!["custom_fields".to_owned()]));
    assert!(!known.contains(&"custom_fields".to_owned()));
}

#[test]
fn a_list_with_an_entry_that_cannot_be_read_is_unknown_and_not_empty() {
    for (field, bad) in [
        ("emails", r#""a@x.com""#),
        ("emails", r#"["a@x.com"]"#),
        ("emails", r#"[{"value":"a@x.com"},{"value":null}]"#),
        ("emails", r#"[{"value":"a@x.com"},{"type":"work"}]"#),
        ("emails", r#"[{"value":"a@x.com"},null]"#),
        ("tags", r#"[{"name":"vip"},null]"#),
        ("tags", r#"[{"name":"vip"},7]"#),
        ("tags", "{}"),
    ] {
        let (body, known, places) = taken(&format!(r#"{{"title":"x","{field}":{bad}}}"#));
        assert_eq!(
            (body, places),
            (json!({"title": "x"}), vec![field.to_owned()]),
            "{field}: {bad}"
        );
        assert!(!known.contains(&field.to_owned()), "{field}: {bad}");
    }
    for (field, sound) in [
        ("emails", r#"[{"value":"a@x.com","type":{"value":"work"}}]"#),
        ("emails", "null"),
        ("tags", r#"[{"name":"vip"},{"id":"1","name":"top"}]"#),
    ] {
        let (_, known, places) = taken(&format!(r#"{{"{field}":{sound}}}"#));
        assert!(places.is_empty() && known.contains(&field.to_owned()), "{field}: {sound}");
    }
}
