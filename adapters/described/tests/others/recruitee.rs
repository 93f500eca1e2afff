//! Recruitee: the shapes of its recorded answers, and its webhooks.

use super::support::{Described, body, changed, described, write};
use atsync_adapter::contract::*;
use serde_json::json;

fn recruitee() -> Described {
    described(include_str!("../../recruitee.yaml"), json!({}))
}

#[test]
fn a_placement_is_disqualified_where_it_says_so() {
    let placement = |id: u32, more: serde_json::Value| {
        let mut row = json!({
            "id": id, "candidate_id": 1, "offer_id": 2, "stage_id": 3, "hired_at": null,
            "created_at": "2022-12-18T13:28:05.451549Z",
            "updated_at": "2023-01-04T11:47:16.388666Z"
        });
        row.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        row
    };
    let placements = [
        placement(10, json!({})),
        placement(11, json!({"disqualify_kind": "admin", "disqualify_reason": "Wrong skill set"})),
        placement(12, json!({"hired_at": "2023-01-04T11:22:49.178555Z"})),
    ];
    let row = json!({"id": 1, "name": "Ada Byron", "emails": [], "phones": [],
        "source": "career_site", "placements": placements});
    let task = Task::Scan(Scan {
        kind: "candidates".into(),
        parent: None,
        since: Since::Everything,
        cursor: None,
        page_size: 100,
    });
    let answer = json!({"candidates": [row]});
    let Ok(Outcome::Page(page)) = recruitee().run(task, 200, &answer) else { panic!() };
    let all = page.items.iter().filter(|item| item.kind == "applications");
    let all: Vec<serde_json::Value> =
        all.map(|item| serde_json::from_str(&item.body).unwrap()).collect();
    assert_eq!(all[0]["outcome"], json!({"value": "active"}));
    assert_eq!(all[1]["outcome"], json!({"value": "rejected", "source": "Wrong skill set"}));
    assert_eq!(all[1]["reject_reason"], json!({"name": "Wrong skill set"}));
    assert_eq!(all[2]["outcome"], json!({"value": "hired"}));
    assert_eq!(all[0]["stage"], json!({"id": "2/3"}));
    assert_eq!(page.items.iter().filter(|item| item.kind == "rejections").count(), 1);
}

#[test]
fn a_candidate_is_created_for_the_number_of_its_job() {
    let input = json!({"name": {"first": "Ada", "last": "Byron"},
        "emails": [{"value": "ada@example.com"}], "application": {"job": "1181300"}});
    assert_eq!(
        body(&recruitee().sent(write("candidates.create", &input))),
        json!({"candidate": {"name": "Ada Byron", "emails": ["ada@example.com"], "phones": [],
            "links": []}, "offers": [1181300]})
    );
}

#[test]
fn a_webhook_is_signed_and_a_test_is_answered_without() {
    let text = r#"{"event_type": "candidate_moved", "payload": {"candidate": {"id": 7}}}"#;
    let verify = recruitee().signed(&[("X-Recruitee-Signature", "ab12")], text).unwrap();
    assert_eq!(verify.message, text.as_bytes());
    assert_eq!(recruitee().hinted(verify).0, [changed("candidates", "7")]);
    assert_eq!(recruitee().signed(&[], text), None);
    let answer = recruitee().greeted(&[], r#"{"test": true}"#);
    assert_eq!((answer.status, answer.headers), (200, vec![]));
}
