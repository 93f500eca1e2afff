//! The engine of today loads and runs the components of each released version of the contract, and
//! reads its manifests (`wit/README.md`).
//!
//! Method: the folder of a version has two small adapters for the imaginary Plainlist as they were
//! built then, one in Rust and one described, and manifests, one of them with every member. The
//! answers of the ATS stand here. Left out: a component in TypeScript, which has 12 MB.

#![allow(clippy::disallowed_methods, reason = "tests use the disk, threads and tasks")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests fail like tests"
)]

mod adapter_support;

use adapter_support::{given, host, jobs, scan};
use atsync::internals::adapter::contract::{OURS, Version};
use atsync::internals::adapter::manifest_check::{
    self, Becomes, MEMBERS, REWRITES, Rewrite, rewrite,
};
use atsync::internals::adapter::{Adapter, ComponentAdapter, TaskGuard};
use atsync_model::contract::{
    Certainty, Effect, Failure, Fetch, Hint, Hook, Operation, Outcome, Probe, Probed, RemoteRef,
    Reply, Response, Scan, Since, Step, Target, Task, Verdict, Write, Written,
};
use flate2::read::GzDecoder;
use serde_json::{Value, json};
use std::io::Read as _;
use std::path::{Path, PathBuf};

/// The folders of the released versions, oldest first.
fn released() -> Vec<(Version, PathBuf)> {
    let wit = Path::new(env!("CARGO_MANIFEST_DIR")).join("../wit");
    let entries = std::fs::read_dir(wit).unwrap().map(|entry| entry.unwrap().path());
    let mut all: Vec<(Version, PathBuf)> = entries
        .filter_map(|path| {
            let name = path.file_name()?.to_str()?;
            Some((Version::of(&format!("ats:adapter@{name}"))?, path))
        })
        .collect();
    all.sort();
    assert!(!all.is_empty(), "no version of the contract is frozen");
    all
}

/// The files of the released versions whose names end so.
fn files(ending: &str) -> Vec<(Version, PathBuf)> {
    let of = |(version, folder): (Version, PathBuf)| {
        let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        let files: Vec<PathBuf> =
            files.filter(|path| path.to_string_lossy().ends_with(ending)).collect();
        assert!(!files.is_empty(), "{version} has no {ending}");
        files.into_iter().map(move |path| (version, path))
    };
    released().into_iter().flat_map(of).collect()
}

fn component(path: &Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    GzDecoder::new(std::fs::File::open(path).unwrap()).read_to_end(&mut bytes).unwrap();
    bytes
}

fn json_of(path: &Path) -> Value {
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// What a value has and the other one lacks or has otherwise, with its place. An absent option may
/// be written as null or left out.
fn lost(place: &str, before: &Value, now: Option<&Value>, found: &mut Vec<String>) {
    match (before, now) {
        (Value::Null, None) => {}
        (Value::Object(before), Some(Value::Object(now))) => {
            for (name, value) in before {
                lost(&format!("{place}.{name}"), value, now.get(name), found);
            }
        }
        (Value::Array(before), Some(Value::Array(now))) if before.len() == now.len() => {
            for (at, value) in before.iter().enumerate() {
                lost(&format!("{place}[{at}]"), value, now.get(at), found);
            }
        }
        (before, Some(now)) if before == now => {}
        _ => found.push(format!("{place} ({before})")),
    }
}

#[test]
fn every_member_of_a_released_manifest_is_still_read() {
    for (version, path) in files(".json") {
        let (shown, mut before) = (path.display(), json_of(&path));
        assert_eq!(before["contract"], version.to_string(), "{shown}");
        let manifest = manifest_check::read(&before.to_string()).unwrap_or_else(|refusal| {
            panic!(
                "{shown}: {refusal}. Adapters of {version} have such manifests: register what \
                 became of the member (engine/src/adapter/manifest_check/rewrites.rs)"
            )
        });
        rewrite(REWRITES, version, &mut before);
        let mut found = Vec::new();
        lost("", &before, Some(&serde_json::to_value(&manifest).unwrap()), &mut found);
        assert!(found.is_empty(), "{shown}: not read: {found:?}");
    }
}

#[test]
fn the_newest_released_version_has_every_member_that_its_manifests_can_have() {
    let (version, folder) = released().pop().unwrap();
    if version != OURS {
        return;
    }
    let manifest = json_of(&folder.join("every_member.json"));
    for (path, _) in MEMBERS {
        let mut found = vec![&manifest];
        for step in path.split('.') {
            let (name, is_list) = (step.trim_end_matches("[]"), step.ends_with("[]"));
            found = found.into_iter().filter_map(|value| value.get(name)).collect();
            if is_list {
                found = found.into_iter().filter_map(Value::as_array).flatten().collect();
            }
        }
        assert!(
            !found.is_empty(),
            "{path} is no member of {version}: an engine of that version refuses it. Begin a new \
             version of the contract (wit/README.md)"
        );
    }
}

/// The fault of a released manifest whose member was renamed, without a line and with one.
#[test]
fn a_member_that_was_renamed_is_read_through_its_line_of_the_table() {
    const RENAMED: &[Rewrite] = &[
        Rewrite {
            until: OURS,
            member: "operations[].refusals",
            becomes: Becomes::Renamed("refused_statuses"),
        },
        Rewrite { until: OURS, member: "lossy", becomes: Becomes::Rewritten(|text| json!([text])) },
    ];
    let (_, folder) = released().pop().unwrap();
    let now = json_of(&folder.join("every_member.json"));
    let mut old = now.clone();
    for operation in old["operations"].as_array_mut().unwrap() {
        let statuses = operation.as_object_mut().unwrap().remove("refused_statuses").unwrap();
        operation["refusals"] = statuses;
    }
    old["lossy"] = old["lossy"][0].clone();
    let refusal = manifest_check::read(&old.to_string()).unwrap_err();
    assert!(refusal.contains("not as documented"), "{refusal}");
    let read = manifest_check::read_by(RENAMED, &old.to_string()).unwrap();
    assert_eq!(read, manifest_check::read(&now.to_string()).unwrap());
    // What no line is about stays a fault.
    old["more"] = json!(1);
    let refusal = manifest_check::read_by(RENAMED, &old.to_string()).unwrap_err();
    assert!(refusal.contains("unknown field `more`"), "{refusal}");
}

/// A task of an adapter under way, followed as the engine follows it.
struct Under<'a> {
    adapter: &'a ComponentAdapter,
    guard: TaskGuard,
    step: Step,
}

fn start<'a>(adapter: &'a ComponentAdapter, task: &Task) -> Under<'a> {
    let mut guard = TaskGuard::held_to(adapter.manifest(), task);
    let step = adapter.start(task.clone(), given()).unwrap().unwrap();
    guard.step(&step, None).unwrap();
    Under { adapter, guard, step }
}

impl Under<'_> {
    /// Method and path of the request, without its query.
    fn line(&self) -> String {
        let Step::Send(send) = &self.step else { panic!("no request: {:?}", self.step) };
        let Target::Path(path) = &send.request.target else { panic!("no path") };
        format!("{} {}", send.request.method, path.path)
    }

    fn asks(self, line: &str, effect: Effect) -> Self {
        assert_eq!(self.line(), line);
        let Step::Send(send) = &self.step else { panic!("no request") };
        assert_eq!(send.effect, effect, "{line}");
        self
    }

    fn answered(mut self, status: u16, body: &str) -> Result<Outcome, Failure> {
        let Step::Send(send) = self.step else { panic!("no request") };
        let response = Response { status, headers: Vec::new(), body: body.into() };
        let reply = Reply::Response(response.clone());
        let step = self.adapter.resume(send.state, given(), reply).unwrap()?;
        self.guard.step(&step, Some(&response)).unwrap();
        match step {
            Step::Done(outcome) => Ok(outcome),
            step => panic!("no outcome: {step:?}"),
        }
    }
}

fn note() -> Operation {
    let input = r#"{"candidate": "11", "body": "Prefers mail"}"#.into();
    Operation { name: "notes.create".into(), target: None, input }
}

const PEOPLE: &str = "/people/11/notes";

#[test]
fn a_released_component_describes_itself_as_it_did() {
    for (version, path) in files(".wasm.gz") {
        let adapter = host().load(&path.to_string_lossy(), &component(&path)).unwrap();
        assert_eq!(adapter.manifest().contract, version.to_string());
        let recorded = path.to_string_lossy().replace(".wasm.gz", ".json");
        let recorded = manifest_check::read(&json_of(Path::new(&recorded)).to_string()).unwrap();
        assert_eq!(*adapter.manifest(), recorded, "{}", path.display());
    }
}

#[test]
fn a_released_component_reads_writes_and_probes() {
    for (_, path) in files(".wasm.gz") {
        println!("{}", path.display());
        let adapter = host().load(&path.to_string_lossy(), &component(&path)).unwrap();
        lists(&adapter);
        fetches(&adapter);
        writes(&adapter);
        probes(&adapter);
        checks(&adapter);
        names_its_customer(&adapter);
        takes_a_hook(&adapter);
    }
}

fn lists(adapter: &ComponentAdapter) {
    let Reply::Response(Response { body, .. }) = jobs() else { panic!("no answer") };
    let body = String::from_utf8(body).unwrap();
    let listed = start(adapter, &scan()).asks("GET /jobs", Effect::Safe).answered(200, &body);
    let Ok(Outcome::Page(page)) = listed else { panic!("{listed:?}") };
    assert!(page.complete && page.next.is_none() && page.items.len() == 1);
    let (item, job) = (&page.items[0], serde_json::from_str::<Value>(&page.items[0].body).unwrap());
    assert_eq!((item.kind.as_str(), item.id.as_str()), ("jobs", "7"));
    let state = json!({"value": "open", "source": "live"});
    assert_eq!((&job["title"], &job["state"]), (&json!("Baker"), &state));
    let (raw, at) = (item.raw.as_ref().unwrap(), |place: u32| usize::try_from(place).unwrap());
    assert!(body[at(raw.offset)..][..at(raw.length)].starts_with(r#"{"id": 7"#));
    // A page of people leads to the next, by the cursor that the ATS gave.
    let people = |cursor| {
        let since = Since::Everything;
        let kind = "candidates".into();
        Task::Scan(Scan { kind, parent: None, since, cursor, page_size: 100 })
    };
    let first = start(adapter, &people(None)).asks("GET /people", Effect::Safe);
    let body =
        r#"{"people": [{"id": 11, "first": "Ada", "email": "ada@example.com"}], "next": "x"}"#;
    let Ok(Outcome::Page(page)) = first.answered(200, body) else { panic!("no page") };
    assert!(!page.complete && page.items[0].id == "11");
    let second = start(adapter, &people(page.next)).answered(200, r#"{"people": []}"#);
    assert!(matches!(&second, Ok(Outcome::Page(page)) if page.complete), "{second:?}");
    let throttled = start(adapter, &scan()).answered(429, "");
    assert!(matches!(throttled, Err(Failure::Throttled(_))), "{throttled:?}");
}

fn fetches(adapter: &ComponentAdapter) {
    let task = Task::Fetch(Fetch { kind: "candidates".into(), ids: vec!["11".into()] });
    let found = start(adapter, &task).asks("GET /people/11", Effect::Safe).answered(404, "");
    let Ok(Outcome::Fetched(fetched)) = found else { panic!("{found:?}") };
    assert_eq!(fetched.missing, ["11"]);
}

fn writes(adapter: &ComponentAdapter) {
    let task = Task::Write(Write { operation: note(), observed: None });
    let written = |status, body| {
        let sent = start(adapter, &task).asks(&format!("POST {PEOPLE}"), Effect::Unsafe);
        match sent.answered(status, body) {
            Ok(Outcome::Written(written)) => written,
            end => panic!("not written: {end:?}"),
        }
    };
    let Written::Applied(applied) = written(201, r#"{"id": 8}"#) else { panic!("not applied") };
    let link = &applied.links[0];
    let named = (link.role.as_str(), link.kind.as_str(), link.id.as_str());
    assert_eq!(named, ("subject", "notes", "8"));
    assert!(matches!(written(422, "{}"), Written::Refused(_)));
    assert!(matches!(written(500, ""), Written::Unclear(_)));
}

fn probes(adapter: &ComponentAdapter) {
    let task = Task::Probe(Probe { operation: note(), first_sent_ms: Some(1) });
    let probed = |rows: &str| {
        let asked = start(adapter, &task).asks(&format!("GET {PEOPLE}"), Effect::Safe);
        match asked.answered(200, &format!(r#"{{"notes": [{rows}]}}"#)) {
            Ok(Outcome::Probed(probed)) => probed,
            end => panic!("not probed: {end:?}"),
        }
    };
    let row = |id: u32| format!(r#"{{"id": {id}, "text": "Prefers mail"}}"#);
    let Probed::Found(found) = probed(&row(6)) else { panic!("not found") };
    assert_eq!((found.links[0].id.as_str(), found.certainty), ("6", Certainty::Matched));
    assert_eq!(probed(""), Probed::Absent(10_000));
    assert!(matches!(probed(&format!("{},{}", row(6), row(7))), Probed::Ambiguous(_)));
}

fn checks(adapter: &ComponentAdapter) {
    let verdict = |status| {
        let asked = start(adapter, &Task::Check("people".into())).asks("GET /people", Effect::Safe);
        match asked.answered(status, r#"{"people": []}"#) {
            Ok(Outcome::Checked(checked)) => checked.verdict,
            end => panic!("not checked: {end:?}"),
        }
    };
    assert_eq!((verdict(200), verdict(403)), (Verdict::Granted, Verdict::Missing));
}

fn names_its_customer(adapter: &ComponentAdapter) {
    let asked = start(adapter, &Task::DescribeTenant).asks("GET /account", Effect::Safe);
    let named = asked.answered(200, r#"{"id": "acme"}"#);
    assert!(
        matches!(&named, Ok(Outcome::Tenant(of)) if of.fingerprint.contains("acme")),
        "{named:?}"
    );
}

fn takes_a_hook(adapter: &ComponentAdapter) {
    let headers = vec![atsync_model::contract::Field::new("x-plainlist-signature", "sha256=ab12")];
    let body = br#"{"event": "person.updated", "person": {"id": 11}}"#.to_vec();
    let verify = start(adapter, &Task::Hook(Hook { headers, body }));
    let Step::Verify(asked) = &verify.step else { panic!("no signature: {:?}", verify.step) };
    assert_eq!(asked.candidates, ["ab12"]);
    let end = adapter.resume(asked.state.clone(), given(), Reply::Verified(true)).unwrap();
    let Ok(Step::Done(Outcome::Hooked(hooked))) = end else { panic!("not hooked: {end:?}") };
    assert_eq!(hooked.hints, [Hint::Changed(RemoteRef::new("candidates", "11"))]);
}
