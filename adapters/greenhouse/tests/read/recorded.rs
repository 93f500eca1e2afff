//! Replays real answers through the scan of jobs.
//!
//! Method: the pairs of a recording are replayed in their order. The proof that nothing is dropped:
//! every span of raw JSON parses to its row, and every value of the row is found in the unified
//! record.

use crate::recording::{RECORDINGS, answers, carried};
use crate::support::*;
use atsync_adapter::PureAdapter;
use atsync_adapter::contract::*;
use atsync_greenhouse::Greenhouse;
use serde_json::Value;

fn recordings() -> Vec<(String, Vec<Response>)> {
    let mut all = Vec::new();
    for file in RECORDINGS {
        if let Some(path) = shared(&format!("greenhouse/recorded/{file}")) {
            all.push((file.to_owned(), answers(&std::fs::read_to_string(path).unwrap())));
        }
    }
    all
}

#[test]
fn a_recorded_page_of_jobs_is_read_completely() {
    for (file, answers) in recordings() {
        assert!(!answers.is_empty(), "{file} holds a page");
        for response in answers {
            let send = start(Task::Scan(Scan { page_size: 2, ..everything("jobs") }), &given());
            assert_eq!(asked(&send), "/v3/jobs?per_page=2");
            let originals: Vec<Value> = serde_json::from_slice(&response.body).unwrap();
            let body = response.body.clone();
            let linked = response.header("link").is_some_and(|link| !link.is_empty());
            let Ok(Step::Done(Outcome::Page(page))) =
                Greenhouse::resume(send.state, &given(), Reply::Response(response))
            else {
                panic!("a page")
            };
            assert_eq!(page.items.len(), originals.len());
            assert_eq!(page.next.is_some(), linked, "{file}: the next page is found");
            assert_eq!(page.masks.len(), 1, "recorded rows have every documented member");
            for (item, original) in page.items.iter().zip(&originals) {
                let span = item.raw.clone().unwrap();
                let (from, to) = (span.offset as usize, (span.offset + span.length) as usize);
                assert_eq!(serde_json::from_slice::<Value>(&body[from..to]).unwrap(), *original);
                let unified: Value = serde_json::from_str(&item.body).unwrap();
                for (name, value) in original.as_object().unwrap() {
                    assert!(
                        carried(name, value, item, &unified),
                        "{file}: {name} = {value} is lost in {unified}"
                    );
                }
            }
        }
    }
}
