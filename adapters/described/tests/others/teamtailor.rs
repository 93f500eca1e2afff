//! Teamtailor: the records beside the rows, and the signature of its webhooks.

use super::support::{Described, body, changed, described, write};
use atsync_adapter::contract::*;
use serde_json::{Value, json};

fn teamtailor() -> Described {
    described(include_str!("../../teamtailor.yaml"), json!({"user_id": "81"}))
}

/// A job application, in this stage and rejected for this reason.
fn application(id: &str, stage: &str, reason: Option<&str>) -> Value {
    let one = |kind: &str, id: &str| json!({"data": {"type": kind, "id": id}});
    json!({
        "id": id, "type": "job-applications",
        "attributes": {
            "created-at": "2026-01-01T09:00:00.150+01:00",
            "updated-at": "2026-02-01T09:00:00.150+01:00",
            "rejected-at": reason.map(|_| "2026-02-01T09:00:00.150+01:00"), "referring-site": null
        },
        "relationships": {
            "candidate": one("candidates", "11"), "job": one("jobs", "26"),
            "stage": one("stages", stage),
            "reject-reason": reason.map_or(json!({"data": null}), |id| one("reject-reasons", id))
        }
    })
}

#[test]
fn an_outcome_follows_from_the_stage_and_the_reason_beside_the_rows() {
    let rows = [
        application("1", "202", None),
        application("2", "203", None),
        // Of the same number as the stage of hires.
        application("3", "202", Some("203")),
        application("4", "203", Some("2")),
    ];
    let stage = |id: &str, name: &str, of: &str| {
        let attributes = json!({"name": name, "stage-type": of});
        json!({"type": "stages", "id": id, "attributes": attributes})
    };
    let reason = |id: &str, text: &str, is_own: bool| {
        let attributes = json!({"reason": text, "rejected-by-company": is_own});
        json!({"type": "reject-reasons", "id": id, "attributes": attributes})
    };
    let beside = [
        reason("2", "Took another job", false),
        reason("203", "Underqualified", true),
        stage("202", "Interview", "In process"),
        stage("203", "Hired", "Hired"),
    ];
    let answer = json!({"data": rows, "included": beside, "links": {}});
    let page = teamtailor().page("applications", &answer);
    let outcomes: Vec<&Value> = page.iter().map(|(_, body)| &body["outcome"]).collect();
    assert_eq!(
        outcomes,
        [
            &json!({"value": "active"}),
            &json!({"value": "hired"}),
            &json!({"value": "rejected", "source": "Underqualified"}),
            &json!({"value": "withdrawn", "source": "Took another job"}),
        ]
    );
    assert_eq!(page[0].1["stage"], json!({"id": "202", "name": "Interview"}));
    assert_eq!(page[2].1["reject_reason"], json!({"id": "203", "name": "Underqualified"}));
    // Without them a hire cannot be told from what is under way.
    let page = teamtailor().page("applications", &json!({"data": rows, "links": {}}));
    assert_eq!(page[1].1.get("outcome"), None);
    assert_eq!(page[1].1["stage"], json!({"id": "203"}));
}

#[test]
fn a_write_is_a_document_of_json_api_under_a_named_version() {
    let input = json!({
        "name": {"first": "Ada", "last": "Byron"}, "emails": [{"value": "ada@example.com"}]
    });
    let sent = teamtailor().sent(write("candidates.create", &input));
    assert!(matches!(&sent.body, Body::Bytes((kind, _)) if kind == "application/vnd.api+json"));
    assert!(sent.headers.iter().any(|field| field.name == "x-api-version"));
    assert_eq!(
        body(&sent)["data"],
        json!({"type": "candidates", "attributes":
            {"first-name": "Ada", "last-name": "Byron", "email": "ada@example.com"}})
    );
    // The address of another candidate.
    let refusal = json!({"errors": [{"title": "has already been taken", "status": "422"}]});
    let refused = teamtailor().run(write("candidates.create", &input), 422, &refusal);
    let Ok(Outcome::Written(Written::Refused(Failure::Invalid(errors)))) = refused else {
        panic!("{refused:?}")
    };
    assert!(errors[0].message.contains("has already been taken"), "{errors:?}");
}

#[test]
fn a_webhook_is_signed_by_version_two_alone() {
    let text = r#"{"payload": {"event_name": "job_application.update", "data": {"id": "634"}}}"#;
    // t=1790000000,v2=ab12cd
    let header = [("TT-Signature", "dD0xNzkwMDAwMDAwLHYyPWFiMTJjZA==")];
    let verify = teamtailor().signed(&header, text).unwrap();
    assert_eq!(verify.candidates, ["ab12cd"]);
    assert_eq!(verify.message, format!("1790000000.{text}").into_bytes());
    let (hints, at) = teamtailor().hinted(verify);
    assert_eq!((hints, at), (vec![changed("applications", "634")], Some(1_790_000_000_000)));
    // Version 1 is hexadecimal digits of the id alone.
    for sign in ["YzU1N2FhOTUwMjlkNTFi", "", "ab12cd"] {
        assert_eq!(teamtailor().signed(&[("TT-Signature", sign)], text), None, "{sign}");
    }
    assert_eq!(teamtailor().signed(&[], text), None);
}
