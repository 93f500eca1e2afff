//! Compares the adapter with Ashby's own OpenAPI document: every request fits its schema, and rows
//! made of the document's schemas are read without a problem, whole and with required members
//! alone.
#![allow(clippy::panic, clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]
#![allow(clippy::indexing_slicing, clippy::missing_assert_message, reason = "tests")]

#[path = "../openapi/schema.rs"]
mod schema;

use atsync_adapter::PureAdapter;
use atsync_adapter::contract::*;
use atsync_adapter::manifest::ScanRule;
use atsync_ashby::Ashby;
use serde_json::{Value, json};

fn given() -> Given {
    Given { now_ms: 0, settings: "{}".into(), tenant: None, mark: None, grant: None }
}

fn sent(step: Step) -> (String, Value, Vec<u8>) {
    let Step::Send(send) = step else { panic!("{step:?}") };
    assert_eq!((send.request.method.as_str(), send.effect), ("POST", Effect::Safe));
    let Target::Path(path) = send.request.target else { panic!("no path") };
    let Body::Json(body) = send.request.body else { panic!("no body") };
    (path.path, serde_json::from_str(&body).unwrap(), send.state)
}

fn reply(body: &Value) -> Reply {
    let body = body.to_string().into_bytes();
    Reply::Response(Response { status: 200, headers: Vec::new(), body })
}

fn end(state: Vec<u8>, body: &Value) -> (Vec<Item>, Vec<Problem>) {
    match Ashby::resume(state, &given(), reply(body)) {
        Ok(Step::Done(Outcome::Page(page))) => (page.items, Vec::new()),
        Ok(Step::Done(Outcome::FlawedPage((page, problems)))) => (page.items, problems),
        Ok(Step::Done(Outcome::Fetched(fetched))) => (fetched.items, Vec::new()),
        Ok(Step::Done(Outcome::FlawedFetched((fetched, problems)))) => (fetched.items, problems),
        other => panic!("{other:?}"),
    }
}

#[test]
fn lists_ask_as_the_document_says_and_read_its_rows_whole_and_bare() {
    let Some(document) = schema::document() else { return };
    for kind in Ashby::describe().kinds {
        let parent = match &kind.scan {
            ScanRule::List {} => None,
            ScanRule::ByParent { parent } => Some(RemoteRef::new(parent, "p")),
            _ => continue,
        };
        for since in [Since::Everything, Since::Token(b"t".to_vec())] {
            let has_token = format!("{:?}", kind.changes).contains("Token");
            if matches!(since, Since::Token(_)) && !has_token {
                continue;
            }
            let (name, parent) = (kind.name.clone(), parent.clone());
            let scan = Scan { kind: name.clone(), parent, since, cursor: None, page_size: 100 };
            let (path, body, state) = sent(Ashby::start(Task::Scan(scan), &given()).unwrap());
            let faults = document.faults(document.request(&path), &body, true);
            assert!(faults.is_empty(), "{name} {path} {body}: {faults:?}");
            for whole in [true, false] {
                let mut page = document.example(document.answer(&path), whole, 0);
                page["success"] = json!(true);
                page["moreDataAvailable"] = json!(false);
                // The document does not always require the rows.
                if page["results"].is_null() {
                    page["results"] = json!([]);
                }
                let (items, problems) = end(state.clone(), &page);
                assert_eq!(problems, [], "{name} {page}");
                let rows = page["results"].as_array().map_or(1, Vec::len);
                let of_kind = items.iter().filter(|item| item.kind == name).count();
                assert_eq!(of_kind, rows, "{name} {page}");
            }
        }
    }
}

#[test]
fn fetches_ask_as_the_document_says_and_read_its_record() {
    let Some(document) = schema::document() else { return };
    for kind in Ashby::describe().kinds.into_iter().filter(|kind| kind.ids_max > 0) {
        let fetch = Fetch { kind: kind.name.clone(), ids: vec!["7".into()] };
        let (path, body, state) = sent(Ashby::start(Task::Fetch(fetch), &given()).unwrap());
        let faults = document.faults(document.request(&path), &body, true);
        assert!(faults.is_empty(), "{path} {body}: {faults:?}");
        let mut answer = document.example(document.answer(&path), true, 0);
        answer["success"] = json!(true);
        answer["results"]["id"] = json!("7");
        let (items, problems) = end(state, &answer);
        assert_eq!((items.len(), problems), (1, Vec::new()), "{path}");
    }
}

#[test]
fn hints_are_read_of_every_documented_webhook_that_names_a_record() {
    let Some(document) = schema::document() else { return };
    for (name, kinds) in [
        ("candidateDelete", &["candidates"][..]),
        ("candidateHire", &["applications", "candidates"]),
        ("candidateStageChange", &["applications", "candidates"]),
        ("applicationUpdate", &["applications", "candidates"]),
        ("jobUpdate", &["jobs"]),
        ("openingCreate", &["openings"]),
    ] {
        let body = document.example(document.webhook(name), true, 0);
        let headers = vec![Field::new("Ashby-Signature", "sha256=AB")];
        let hook = Hook { headers, body: body.to_string().into_bytes() };
        let Ok(Step::Verify(verify)) = Ashby::start(Task::Hook(hook), &given()) else { panic!() };
        assert_eq!(verify.candidates, ["ab"]);
        let end = Ashby::resume(verify.state, &given(), Reply::Verified(true)).unwrap();
        let Step::Done(Outcome::Hooked(hooked)) = end else { panic!("{end:?}") };
        let hinted: Vec<String> = hooked
            .hints
            .into_iter()
            .map(|hint| match hint {
                Hint::Changed(of) | Hint::Deleted(of) => of.kind,
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(hinted, kinds, "{name} {body}");
    }
}
