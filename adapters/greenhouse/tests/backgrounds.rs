//! Tests educations and employments: records from rows, requests, and probes.
//!
//! School, degree and discipline are ids of options in Greenhouse and texts for a host, so most
//! laws here concern the conversion between the two.
#![allow(clippy::panic, clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod write_support;

use atsync_adapter::PureAdapter;
use atsync_adapter::contract::*;
use atsync_greenhouse::Greenhouse;
use serde_json::{Value, json};
use write_support::{
    AFTER, BEFORE, NOW_MS, SENT_MS, case, empty, links, more, other_reading, reply,
};

fn given() -> Given {
    Given { now_ms: NOW_MS, settings: "{}".into(), tenant: None, mark: None, grant: None }
}

/// Runs a task and returns its requests, records and masks.
fn run(task: Task, replies: Vec<Response>) -> (Vec<String>, Vec<(Value, Vec<String>)>) {
    let mut asked = Vec::new();
    let mut replies = replies.into_iter();
    let mut step = Greenhouse::start(task, &given()).unwrap();
    let (items, masks) = loop {
        match step {
            Step::Send(send) => {
                assert!(send.state.len() <= CONTINUATION_BYTES_MAX);
                let Target::Path(path) = &send.request.target else { panic!("a path") };
                let ids = path.query.iter().find(|field| field.name == "ids");
                asked.push(format!("{} {}", path.path, ids.map_or("", |field| &field.value)));
                let reply = Reply::Response(replies.next().unwrap());
                step = Greenhouse::resume(send.state, &given(), reply).unwrap();
            }
            Step::Done(Outcome::Page(page)) => break (page.items, page.masks),
            Step::Done(Outcome::Fetched(fetched)) => break (fetched.items, fetched.masks),
            other => panic!("{other:?}"),
        }
    };
    let read = items.iter().map(|item| {
        assert!(item.raw.is_none() && item.version.is_none(), "{item:?}");
        let mask = masks[usize::try_from(item.mask).unwrap()].clone();
        (serde_json::from_str(&item.body).unwrap(), mask)
    });
    (asked, read.collect())
}

fn scan() -> Task {
    Task::Scan(Scan {
        kind: "educations".into(),
        parent: None,
        since: Since::Everything,
        cursor: None,
        page_size: 500,
    })
}

fn row(id: u64, more: Value) -> Value {
    let mut row = json!({"id": id, "candidate_id": 1, "latest": true,
        "school_name_custom_field_option_id": 501, "degree_custom_field_option_id": 502,
        "discipline_custom_field_option_id": null, "start_at": null, "start_date_month": 9,
        "start_date_year": 2016, "end_at": null, "end_date_month": null, "end_date_year": null,
        "created_at": AFTER, "updated_at": AFTER});
    for (name, value) in more.as_object().unwrap() {
        row[name] = value.clone();
    }
    row
}

fn names() -> Response {
    reply(200, json!([{"id": 501, "name": "ETH Zürich"}, {"id": 502, "name": "Master's"}]))
}

#[test]
fn each_option_of_a_page_is_requested_once_and_the_rest_of_the_row_is_unchanged() {
    let page = reply(200, json!([row(1, json!({})), row(2, json!({}))]));
    let (asked, read) = run(scan(), vec![page, names()]);
    assert_eq!(asked, ["/v3/candidate_educations ", "/v3/custom_field_options 501,502"]);
    assert_eq!(
        read[0].0,
        json!({"candidate": {"id": "1"}, "school": "ETH Zürich", "degree": "Master's",
            "started_on": "2016-09", "latest": true, "created_at": AFTER, "updated_at": AFTER})
    );
    assert_eq!(read[1], read[0]);
    assert!(read[0].1.contains(&"discipline".to_owned()), "null means no discipline");
    assert!(read[0].1.contains(&"ended_on".to_owned()), "null means no end");
}

#[test]
fn more_options_than_a_filter_takes_are_requested_in_turn() {
    let rows: Vec<Value> = (0..40)
        .map(|at| {
            row(
                at + 1,
                json!({"school_name_custom_field_option_id": 1000 + at,
                "degree_custom_field_option_id": 2000 + at}),
            )
        })
        .collect();
    let named = |from: u64, to: u64| {
        let all = (from..to).flat_map(|at| [1000 + at, 2000 + at]);
        reply(200, all.map(|id| json!({"id": id, "name": format!("n{id}")})).collect())
    };
    let replies = vec![reply(200, json!(rows)), named(0, 25), named(25, 40)];
    let (asked, read) = run(scan(), replies);
    assert_eq!(asked.len(), 3);
    assert_eq!(read[39].0["school"], "n1039");
    assert_eq!(read[39].0["degree"], "n2039");
}

#[test]
fn an_option_that_is_not_shown_leaves_its_field_unknown_and_never_empty() {
    for (names, known) in [
        (reply(200, json!([{"id": 501, "name": "ETH Zürich"}])), vec!["school"]),
        (reply(200, json!([])), vec![]),
        (reply(403, json!({"message": "Forbidden"})), vec![]),
    ] {
        let (_, read) = run(scan(), vec![reply(200, json!([row(1, json!({}))])), names]);
        for field in ["school", "degree"] {
            let is_known = known.contains(&field);
            assert_eq!(read[0].1.contains(&field.to_owned()), is_known, "{field}");
            assert_eq!(read[0].0.get(field).is_some(), is_known, "{field}");
        }
        assert!(read[0].1.contains(&"started_on".to_owned()), "the other fields are known");
    }
}

#[test]
fn a_fetch_names_options_as_a_scan_does() {
    let task = Task::Fetch(Fetch { kind: "educations".into(), ids: vec!["1".into()] });
    let (asked, read) = run(task, vec![reply(200, json!([row(1, json!({}))])), names()]);
    assert_eq!(asked, ["/v3/candidate_educations 1", "/v3/custom_field_options 501,502"]);
    assert_eq!(read[0].0["school"], "ETH Zürich");
}

#[test]
fn a_row_that_has_the_names_needs_no_further_request() {
    let older = row(1, json!({"school_name": "ETH Zürich", "degree": "Master's"}));
    let (asked, read) = run(scan(), vec![reply(200, json!([older]))]);
    assert_eq!(asked.len(), 1);
    assert_eq!(read[0].0["degree"], "Master's");
}

#[test]
fn a_date_is_as_precise_as_the_row_has_it() {
    for (members, date) in [
        (json!({"start_date_year": 2016, "start_date_month": 9}), Some("2016-09")),
        (json!({"start_date_year": 2016, "start_date_month": null}), Some("2016")),
        (
            json!({"start_date_year": 2016, "start_date_month": 9,
                "start_at": "2016-09-01T00:00:00.000Z"}),
            Some("2016-09"),
        ),
        (
            json!({"start_date_year": 2016, "start_date_month": 9,
                "start_at": "2016-09-15T00:00:00.000Z"}),
            Some("2016-09-15"),
        ),
        (
            json!({"start_date_year": null, "start_date_month": null,
                "start_at": "2016-09-01T00:00:00.000Z"}),
            Some("2016-09-01"),
        ),
        (json!({"start_date_year": null, "start_date_month": null}), None),
    ] {
        let mut members = members;
        members["school_name"] = json!("A");
        members["degree"] = json!("B");
        let (_, read) = run(scan(), vec![reply(200, json!([row(1, members.clone())]))]);
        assert_eq!(read[0].0.get("started_on").and_then(Value::as_str), date, "{members}");
        assert!(read[0].1.contains(&"started_on".to_owned()));
    }
}

fn ada() -> Response {
    reply(200, json!([{"id": 1, "first_name": "Ada", "last_name": "Byron"}]))
}

fn education() -> Value {
    json!({"candidate": "1", "school": "ETH Zürich", "degree": "Master's",
        "started_on": "2016-09", "ended_on": "2018"})
}

#[test]
fn a_new_education_carries_the_ids_of_the_options_it_names() {
    let run = case("educations.create", education())
        .replies(vec![
            more(json!([{"id": 500, "name": "USP", "active": true}])),
            reply(200, json!([{"id": 501, "name": "ETH Zürich", "active": true}])),
            reply(
                200,
                json!([
                    {"id": 499, "name": "Master's", "active": false},
                    {"id": 502, "name": "Master's", "active": true},
                ]),
            ),
            ada(),
            reply(201, json!({"id": 77})),
        ])
        .write();
    let lines = run.lines();
    assert_eq!(lines[0], "GET /v3/custom_field_options?custom_field_key=school_name&active=true");
    assert_eq!(lines[2], "GET /v3/custom_field_options?custom_field_key=degree&active=true");
    assert_eq!(lines[3..], ["GET /v3/candidates?ids=1", "POST /v3/candidate_educations"]);
    assert_eq!(
        run.sent().body,
        json!({"candidate_id": 1, "school_name_custom_field_option_id": 501,
            "degree_custom_field_option_id": 502, "start_date_year": 2016, "start_date_month": 9,
            "end_date_year": 2018})
    );
    assert_eq!(links(&run.applied().links), "subject:educations/77");
}

#[test]
fn an_option_that_the_account_does_not_have_is_refused_before_anything_is_sent() {
    let run = case("educations.create", education())
        .replies(vec![reply(200, json!([{"id": 501, "name": "ETH", "active": true}]))])
        .write();
    let Failure::Invalid(errors) = run.failure() else { panic!("{}", run.failure()) };
    assert_eq!(errors[0].field, "school");
    for (input, field) in [
        (json!({"candidate": "1"}), "school"),
        (json!({"candidate": "x", "school": "A"}), "candidate"),
        (json!({"candidate": "1", "started_on": "autumn"}), "started_on"),
    ] {
        let run = case("educations.create", input).write();
        let Failure::Invalid(errors) = run.failure() else { panic!("{}", run.failure()) };
        assert_eq!(errors[0].field, field);
    }
}

#[test]
fn the_dates_of_a_new_education_are_parts_or_a_moment() {
    let make = |reading: Option<&str>, setting: &str, answer: Response| {
        let mut input = json!({"candidate": "1", "started_on": "2016-09-15"});
        if let Some(reading) = reading {
            input["reading"] = json!(reading);
        }
        case("educations.create", input)
            .settings(json!({"background_dates_reading": setting}))
            .replies(vec![ada(), answer])
            .write()
    };
    let refusal = |member: &str| reply(422, json!({"errors": [{member: "is not accepted"}]}));
    for (reading, member, written, other) in [
        ("parts", "start_date", "2016-09-15", "moment"),
        ("moment", "start_at", "2016-09-15T00:00:00.000Z", "parts"),
    ] {
        let run = make(None, reading, reply(201, json!({"id": 7})));
        assert_eq!(run.sent().body, json!({"candidate_id": 1, member: written}));
        let run = make(None, reading, refusal(member));
        assert_eq!(other_reading(run.refused()), Some(other), "{}", run.refused());
        let run = make(Some(reading), other, refusal(member));
        let Failure::Invalid(errors) = run.refused() else { panic!("{}", run.refused()) };
        assert_eq!(errors[0].field, "started_on", "a chosen reading is followed by no other");
    }
    let run = make(None, "parts", refusal("candidate_id"));
    assert!(matches!(run.refused(), Failure::Invalid(_)), "the refusal does not concern the date");
}

#[test]
fn a_new_employment_has_whole_days() {
    let input = json!({"candidate": "1", "company": "Acme", "title": "Engineer",
        "started_on": "2016-09", "ended_on": "2018"});
    let run = case("employments.create", input)
        .replies(vec![ada(), reply(201, json!({"candidate_employment": {"id": 77}}))])
        .write();
    assert_eq!(run.lines(), ["GET /v3/candidates?ids=1", "POST /v3/candidate_employments"]);
    assert_eq!(
        run.sent().body,
        json!({"candidate_id": 1, "company_name": "Acme", "title": "Engineer",
            "start_date": "2016-09-01", "end_date": "2018-01-01"})
    );
    assert_eq!(links(&run.applied().links), "subject:employments/77");
    for field in ["company", "title", "started_on"] {
        let mut input = json!({"candidate": "1", "company": "A", "title": "B",
            "started_on": "2016"});
        input[field] = json!(" ");
        let run = case("employments.create", input).write();
        let Failure::Invalid(errors) = run.failure() else { panic!("{}", run.failure()) };
        assert_eq!(errors[0].field, field);
    }
}

#[test]
fn nothing_is_added_to_a_deleted_or_anonymised_candidate() {
    for (operation, input) in [
        ("educations.create", json!({"candidate": "1", "started_on": "2016"})),
        (
            "employments.create",
            json!({"candidate": "1", "company": "A", "title": "B", "started_on": "2016"}),
        ),
    ] {
        let run = case(operation, input.clone()).replies(vec![reply(200, json!([]))]).write();
        assert!(matches!(run.failure(), Failure::NotFound(_)), "{operation}");
        let erased = json!([{"id": 1, "first_name": null, "last_name": null}]);
        let run = case(operation, input).replies(vec![reply(200, erased)]).write();
        assert!(run.failure().to_string().contains("anonymised"), "{operation}");
    }
}

#[test]
fn an_entry_is_removed_only_while_it_shows_what_the_plan_saw() {
    let seen = json!({"seen": {"school": ["ETH Zürich"], "degree": ["Master's"],
        "discipline": [null], "started_on": ["2016-09"]}});
    let changed = |more: Value| row(7, more);
    for (law, row, names, is_sent) in [
        ("the same", changed(json!({})), names(), true),
        (
            "another month",
            changed(json!({"start_date_month": 10, "start_at": null})),
            names(),
            false,
        ),
        (
            "another school",
            changed(json!({"school_name_custom_field_option_id": 502})),
            names(),
            false,
        ),
        ("a school whose option was deleted", changed(json!({})), reply(200, json!([])), true),
        ("a school whose name may not be read", changed(json!({})), reply(403, json!({})), false),
    ] {
        let run = case("educations.destroy", seen.clone())
            .on("educations", "7")
            .replies(vec![reply(200, json!([row])), names, empty(204)])
            .write();
        assert_eq!(run.lines()[0], "GET /v3/candidate_educations?ids=7", "{law}");
        let last = *run.lines().last().unwrap();
        assert_eq!(last == "DELETE /v3/candidate_educations/7", is_sent, "{law}: {last}");
        if law.starts_with("another") {
            assert!(matches!(run.failure(), Failure::Conflict(_)), "{law}: {}", run.failure());
        }
    }
    // One that does not show may be deleted already, which the request proves.
    let run = case("educations.destroy", seen)
        .on("educations", "7")
        .replies(vec![reply(200, json!([])), reply(404, json!({"message": "no"}))])
        .write();
    assert_eq!(run.lines().last().copied().unwrap(), "DELETE /v3/candidate_educations/7");
    assert_eq!(run.applied().warnings.len(), 1);
}

#[test]
fn an_entry_that_no_longer_exists_is_a_success_and_proves_its_removal() {
    for (kind, collection) in
        [("educations", "candidate_educations"), ("employments", "candidate_employments")]
    {
        let operation: &'static str =
            if kind == "educations" { "educations.destroy" } else { "employments.destroy" };
        for (answer, warnings) in [(empty(204), 0), (reply(404, json!({"message": "no"})), 1)] {
            let run = case(operation, json!({})).on(kind, "7").replies(vec![answer]).write();
            assert_eq!(run.lines(), [format!("DELETE /v3/{collection}/7")]);
            assert_eq!(run.applied().warnings.len(), warnings);
        }
        for (rows, verdict) in [(json!([]), "found  matched"), (json!([{"id": 7}]), "absent 10000")]
        {
            let run = case(operation, json!({}))
                .on(kind, "7")
                .replies(vec![reply(200, rows)])
                .probe(Some(SENT_MS));
            assert_eq!(run.lines(), [format!("GET /v3/{collection}?ids=7")]);
            assert_eq!(run.verdict(), verdict);
        }
    }
}

#[test]
fn an_education_is_found_by_all_of_its_members() {
    let same = || row(7, json!({"end_date_year": 2018, "end_at": "2018-01-01T00:00:00Z"}));
    let with = |more: Value| {
        let mut row = same();
        for (name, value) in more.as_object().unwrap() {
            row[name] = value.clone();
        }
        row
    };
    for (law, rows, names, sent, verdict) in [
        ("the same", vec![same()], names(), Some(SENT_MS), "found subject:educations/7 matched"),
        (
            "one of another school",
            vec![with(json!({"school_name_custom_field_option_id": 502}))],
            names(),
            None,
            "absent 10000",
        ),
        (
            "one with a further member",
            vec![with(json!({"discipline_custom_field_option_id": 501}))],
            names(),
            None,
            "absent 10000",
        ),
        (
            "one with a member less",
            vec![with(json!({"degree_custom_field_option_id": null}))],
            names(),
            None,
            "absent 10000",
        ),
        (
            "one of the same month",
            vec![with(json!({"start_at": "2016-09-15T00:00:00Z"}))],
            names(),
            None,
            "found subject:educations/7 matched",
        ),
        (
            "one from before the request",
            vec![with(json!({"created_at": BEFORE}))],
            names(),
            Some(SENT_MS),
            "ambiguous educations/7",
        ),
        (
            "one whose names are not shown",
            vec![same()],
            reply(403, json!({})),
            Some(SENT_MS),
            "ambiguous educations/7",
        ),
        (
            "one whose names are not shown, before the request",
            vec![same()],
            reply(200, json!([])),
            None,
            "absent 10000",
        ),
        (
            "two",
            vec![same(), with(json!({"id": 8}))],
            names(),
            Some(SENT_MS),
            "ambiguous educations/7 educations/8",
        ),
    ] {
        let run = case("educations.create", education())
            .replies(vec![reply(200, json!(rows)), names])
            .probe(sent);
        assert_eq!(run.lines()[0], "GET /v3/candidate_educations?candidate_ids=1", "{law}");
        assert_eq!(run.verdict(), verdict, "{law}");
    }
    let none = case("educations.create", education()).replies(vec![reply(200, json!([]))]);
    assert_eq!(none.probe(None).verdict(), "absent 10000");
}

#[test]
fn an_employment_is_found_by_all_of_its_members() {
    let row = |more: Value| {
        let mut row = json!({"id": 7, "candidate_id": 1, "company_name": "Acme",
            "title": "Engineer", "start_date": "2016-09-01", "end_date": null, "latest": true,
            "created_at": AFTER, "updated_at": AFTER});
        for (name, value) in more.as_object().unwrap() {
            row[name] = value.clone();
        }
        row
    };
    for (law, changes, verdict) in [
        ("the same", json!({}), "found subject:employments/7 matched"),
        (
            "blanks do not count",
            json!({"title": " Engineer "}),
            "found subject:employments/7 matched",
        ),
        ("another title", json!({"title": "Analyst"}), "absent 10000"),
        ("another start", json!({"start_date": "2016-10-01"}), "absent 10000"),
        ("one that has ended", json!({"end_date": "2018-01-31"}), "absent 10000"),
        ("another candidate's", json!({"candidate_id": 2}), "absent 10000"),
    ] {
        let input = json!({"candidate": "1", "company": "Acme", "title": "Engineer",
            "started_on": "2016-09"});
        let run = case("employments.create", input)
            .replies(vec![reply(200, json!([row(changes)]))])
            .probe(Some(SENT_MS));
        assert_eq!(run.lines(), ["GET /v3/candidate_employments?candidate_ids=1"], "{law}");
        assert_eq!(run.verdict(), verdict, "{law}");
    }
}
