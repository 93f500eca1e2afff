//! The laws of reading: order, cursors, parameters, windows, visibility.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "helpers of tests; the lint exempts only the tests themselves"
)]

mod common;

use atsync_greenhouse_sandbox::{LastLink, endpoint_shapes};
use common::{NOW_MS, World, id, ids, next_path};
use serde_json::{Value, json};

#[test]
fn a_walk_sees_every_row_once_and_ids_only_fall() {
    let world = World::new();
    let (rows, pages) = world.walk("/v3/candidates?per_page=50");
    assert_eq!((rows.len(), pages), (120, 3));
    assert!(ids(&rows).windows(2).all(|pair| pair[0] > pair[1]));
    assert!(ids(&rows).iter().all(|id| (5_000_000_000..10_000_000_000_000).contains(id)));
}

#[test]
fn the_last_page_has_an_empty_link_or_none_at_all() {
    let world = World::new();
    assert_eq!(world.get("/v3/offices").header("link"), Some(""));
    world.sandbox.set_quirks(|quirks| quirks.last_link = LastLink::Absent);
    assert_eq!(world.get("/v3/offices").header("link"), None);
}

#[test]
fn a_cursor_allows_no_other_parameter() {
    let world = World::new();
    let next = next_path(&world.get("/v3/candidates?per_page=5")).expect("a next page");
    let answer = world.get(&format!("{next}&per_page=5"));
    assert_eq!(answer.status, 422);
    let words = "When passing a cursor, do not include other query params.";
    assert_eq!(answer.body_json(), json!({"errors": [words]}));
    assert_eq!(world.get("/v3/jobs?cursor=bm9uc2Vuc2U%3D").status, 422);
}

#[test]
fn a_cursor_expires_only_if_the_switch_says_so() {
    let world = World::new();
    let next = next_path(&world.get("/v3/candidates?per_page=5")).expect("a next page");
    world.clock.advance_ms(10_000);
    assert_eq!(world.get(&next).status, 200);
    world.sandbox.set_quirks(|quirks| quirks.cursor_lifetime_ms = 9_000);
    assert_eq!(world.get(&next).status, 422);
}

#[test]
fn rows_added_during_a_walk_do_not_shift_pages() {
    let world = World::new();
    let first = world.get("/v3/candidates?per_page=60");
    world.create_candidate("late@example.com");
    let second = world.list(&next_path(&first).expect("a next page"));
    let mut seen = ids(first.body_json().as_array().expect("rows"));
    seen.extend(ids(&second));
    assert_eq!(seen.len(), 120);
    assert!(seen.windows(2).all(|pair| pair[0] > pair[1]));
}

#[test]
fn an_unknown_parameter_is_refused() {
    let world = World::new();
    let many = vec!["1"; 51].join(",");
    for query in [
        "job_ids=1",
        "per_page=501",
        "per_page=0",
        "per_page=ten",
        &format!("ids={many}"),
        "ids=one",
        "ids[]=1",
        "private=true&private=true",
        "private=maybe",
        "updated_at=2026-01-01T00:00:00Z",
        "updated_at=eq|2026-01-01T00:00:00Z",
        "created_at=gte|2026-01-01T00:00:00Z&updated_at=gte|2026-01-01T00:00:00Z",
        "fields=id,surname",
    ] {
        assert_eq!(world.get(&format!("/v3/candidates?{query}")).status, 422, "{query}");
    }
    assert_eq!(world.get("/v3/applications?status=in_process").status, 422);
    assert_eq!(
        world.get("/v3/demographic_questions?updated_at=gte|2026-01-01T00:00:00Z").status,
        422
    );
}

#[test]
fn every_endpoint_answers_and_refuses_unknown_parameters_and_words() {
    let world = World::new();
    for shape in endpoint_shapes().iter().filter(|shape| !shape.path.contains('{')) {
        assert_eq!(world.get(&shape.path).status, 200, "{}", shape.path);
        assert_eq!(
            world.get(&format!("{}?no_such_filter=1", shape.path)).status,
            422,
            "{}",
            shape.path
        );
        assert_eq!(
            world.get(&format!("{}?per_page=501", shape.path)).status,
            422,
            "{}",
            shape.path
        );
        for (name, kind, words) in &shape.params {
            if !words.is_empty() {
                assert_eq!(
                    world.get(&format!("{}?{name}=no_such_word", shape.path)).status,
                    422,
                    "{}",
                    shape.path
                );
            } else if *kind == "boolean" {
                assert_eq!(
                    world.get(&format!("{}?{name}=true", shape.path)).status,
                    200,
                    "{} {name}",
                    shape.path
                );
            }
        }
    }
}

#[test]
fn a_row_has_exactly_the_fields_of_its_endpoint() {
    let world = World::new();
    let application = world.apply("fields@example.com", world.open_job(0).0);
    world.post(
        "/v3/attachments",
        json!({"application_id": application, "filename": "a.pdf", "type": "other",
            "url": "https://a.b/c"}),
    );
    for shape in endpoint_shapes().iter().filter(|shape| !shape.path.contains('{')) {
        let mut known: Vec<&str> = shape.fields.iter().map(|(name, _)| name.as_str()).collect();
        known.extend(shape.newer_fields.iter().map(String::as_str));
        known.retain(|name| *name != "message");
        known.sort_unstable();
        for row in world.list(&format!("{}?per_page=500", shape.path)) {
            let mut keys: Vec<&str> =
                row.as_object().expect("an object").keys().map(String::as_str).collect();
            keys.sort_unstable();
            assert_eq!(keys, known, "{}", shape.path);
            for (name, kind) in &shape.fields {
                let value = &row[name];
                let fits = match *kind {
                    "integer" => value.is_i64(),
                    "string" => value.is_string(),
                    "boolean" => value.is_boolean(),
                    "array" => value.is_array(),
                    "object" => value.is_object(),
                    _ => value.is_number(),
                };
                assert!(fits || value.is_null(), "{} {name}: {value}", shape.path);
            }
        }
    }
}

#[test]
fn every_collection_that_the_engine_reads_has_rows() {
    let world = World::new();
    for (collection, count) in world.sandbox.counts() {
        let made_by_writes_alone = ["attachments", "bulk_requests"].contains(&collection);
        assert_eq!(count > 0, !made_by_writes_alone, "{collection}");
    }
}

#[test]
fn fields_trims_rows_and_an_unknown_field_may_be_added() {
    let world = World::new();
    assert_eq!(
        world.list("/v3/jobs?fields=id,name")[0].as_object().map(serde_json::Map::len),
        Some(2)
    );
    world.sandbox.set_quirks(|quirks| quirks.unknown_field = true);
    assert!(world.list("/v3/jobs")[0].get("not_in_any_reference").is_some());
}

#[test]
fn one_record_is_read_by_ids_and_never_by_path() {
    let world = World::new();
    let row = &world.list("/v3/candidates?per_page=1")[0];
    assert_eq!(world.get(&format!("/v3/candidates/{}", id(row))).status, 404);
    assert_eq!(&world.list(&format!("/v3/candidates?ids={},1", id(row)))[0], row);
    assert_eq!(world.list("/v3/candidates?ids=1"), Vec::<Value>::new());
    let reason = id(&world.list("/v3/rejection_reasons")[0]);
    assert_eq!(id(&world.get(&format!("/v3/rejection_reasons/{reason}")).body_json()), reason);
}

#[test]
fn a_closed_window_returns_exactly_the_rows_that_changed_in_it() {
    let world = World::new();
    let all = world.walk("/v3/candidates?per_page=500").0;
    let (from, to) = ("2025-06-01T00:00:00Z", "2026-03-01T00:00:00.000Z");
    let expected: Vec<i64> = all
        .iter()
        .filter(|row| (from..=to).contains(&row["updated_at"].as_str().expect("a stamp")))
        .map(id)
        .collect();
    let got =
        world.list(&format!("/v3/candidates?per_page=500&updated_at=gte%7C{from}%7Clte%7C{to}"));
    assert!(!expected.is_empty());
    assert_eq!(ids(&got), expected);
}

#[test]
fn the_status_is_active_in_filters_and_in_process_in_rows() {
    let world = World::new();
    let rows = world.list("/v3/applications?status=active&per_page=500");
    assert!(!rows.is_empty() && rows.iter().all(|row| row["status"] == "in_process"));
}

#[test]
fn stage_ids_of_the_wrong_kind_find_nothing() {
    let world = World::new();
    let rows = world.list("/v3/applications?status=active&prospect=false&per_page=500");
    let definition = rows[0]["job_interview_stage_id"].as_i64().expect("a stage");
    assert_eq!(world.list(&format!("/v3/applications?stage_ids={definition}")).len(), 0);
    assert!(
        !world.list(&format!("/v3/applications?job_interview_stage_ids={definition}")).is_empty()
    );
    let own = rows[0]["stage_id"].as_i64().expect("a row");
    assert_eq!(ids(&world.list(&format!("/v3/applications?stage_ids={own}"))), [id(&rows[0])]);
}

#[test]
fn an_email_is_found_exactly_without_case_and_may_be_shared() {
    let world = World::new();
    let first = world.create_candidate("Twice@Example.com");
    let second = world.create_candidate("twice@example.com");
    assert_eq!(ids(&world.list("/v3/candidates?email=TWICE@example.com")), [second, first]);
    assert_eq!(world.list("/v3/candidates?email=twice@example.co").len(), 0);
    assert_eq!(world.sandbox.candidates_by_email("twice@example.com").len(), 2);
}

#[test]
fn some_rows_are_listed_only_on_request() {
    let world = World::new();
    let posts = world.list("/v3/job_posts?per_page=500").len();
    let deleted = world.list("/v3/job_posts?active=false&per_page=500").len();
    assert!(deleted > 0);
    assert_eq!(posts + deleted, world.sandbox.count("job_posts"));
    let reasons = world.list("/v3/rejection_reasons").len();
    assert!(world.list("/v3/rejection_reasons?include_defaults=true").len() > reasons);
    let users = world.list("/v3/users?per_page=500").len();
    let all = world.list("/v3/users?show_service_accounts=true&per_page=500");
    assert_eq!(all.len(), users + 1);
    assert!(all.iter().any(|user| user["primary_email"] == ""));
    // Archived custom fields are the opposite: they are listed unless the request excludes them.
    assert!(
        world.list("/v3/custom_fields").len() > world.list("/v3/custom_fields?active=true").len()
    );
}

#[test]
fn private_candidates_and_confidential_jobs_are_hidden_with_their_dependents() {
    let world = World::with(|options| options.company.jobs = Some(30));
    let count = |path: &str| world.walk(path).0.len();
    let before = ["/v3/candidates", "/v3/applications", "/v3/jobs", "/v3/job_posts"].map(count);
    world.sandbox.set_access(|access| {
        access.sees_private_candidates = false;
        access.sees_confidential_jobs = false;
    });
    let after = ["/v3/candidates", "/v3/applications", "/v3/jobs", "/v3/job_posts"].map(count);
    assert!(
        after.iter().zip(before).all(|(after, before)| *after < before),
        "{before:?} {after:?}"
    );
    let private = world
        .sandbox
        .rows("candidates")
        .into_iter()
        .find(|row| row["private"] == true)
        .expect("one");
    assert_eq!(
        world.patch(&format!("/v3/candidates/{}", id(&private)), json!({"company": "X"})).status,
        404
    );
}

#[test]
fn lists_show_a_write_only_after_its_delay() {
    let world = World::with(|options| options.quirks.visibility_delay_ms = 5_000);
    let new = world.create_candidate("slow@example.com");
    let old = id(&world.list("/v3/candidates?per_page=1")[0]);
    assert_ne!(old, new);
    let before = world.list(&format!("/v3/candidates?ids={old}"))[0]["company"].clone();
    world.patch(&format!("/v3/candidates/{old}"), json!({"company": "Changed"}));
    world
        .sandbox
        .recruiter(&atsync_greenhouse_sandbox::Recruiter::DeleteCandidate { candidate_id: old })
        .expect("deleted");
    assert_eq!(world.list(&format!("/v3/candidates?ids={old},{new}")).len(), 1);
    assert_eq!(world.list(&format!("/v3/candidates?ids={old}"))[0]["company"], before);
    assert_eq!(world.list("/v3/candidates?email=slow@example.com").len(), 0);
    world.clock.advance_ms(5_000);
    assert_eq!(ids(&world.list(&format!("/v3/candidates?ids={old},{new}"))), [new]);
    assert_eq!(world.list("/v3/candidates?email=slow@example.com").len(), 1);
}

#[test]
fn anonymised_rows_stay_with_blanks() {
    let world = World::new();
    let blank = world
        .walk("/v3/candidates")
        .0
        .into_iter()
        .filter(|row| row["first_name"].is_null())
        .count();
    assert!(blank > 0);
}

#[test]
fn the_same_seed_is_the_same_company_and_another_is_not() {
    let bytes = |seed| {
        let world = World::with(|options| options.company.seed = seed);
        world.get("/v3/candidates?per_page=500").body
    };
    assert_eq!(bytes(3), bytes(3));
    assert_ne!(bytes(3), bytes(4));
}

#[test]
fn headers_are_on_every_answer() {
    let world = World::new();
    for path in ["/v3/jobs", "/v3/nowhere", "/v3/jobs?x=1"] {
        let answer = world.get(path);
        for name in
            ["x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset", "x-request-id"]
        {
            assert!(answer.header(name).is_some(), "{path} {name}");
        }
        assert_eq!(
            answer.header("x-ratelimit-reset"),
            Some((NOW_MS / 1000 + 30).to_string().as_str())
        );
    }
    assert!(world.get("/v3/jobs").header("etag").is_some_and(|tag| tag.starts_with("W/\"")));
}

#[test]
fn a_company_of_forty_has_every_rare_case() {
    let world = World::with(|options| options.company.candidates = 40);
    let has = |collection: &str, rare: &dyn Fn(&Value) -> bool| {
        assert!(world.sandbox.rows(collection).iter().any(rare), "{collection}");
    };
    has("candidates", &|row| row["private"] == true);
    has("candidates", &|row| row["first_name"].is_null());
    has("candidates", &|row| row["custom_fields"].get("languages").is_some());
    for status in ["in_process", "rejected", "hired", "converted"] {
        has("applications", &|row| row["status"] == status);
    }
    has("applications", &|row| row["prospect"] == true && row["job_id"].is_null());
    has("applications", &|row| row["prospect"] == true && row["job_id"].is_i64());
    has("prospect_details", &|row| row["pool_stage_id"].is_i64());
    has("jobs", &|row| row["confidential"] == true && row["status"] == "open");
    for status in ["open", "closed", "draft"] {
        has("jobs", &|row| row["status"] == status);
    }
    has("jobs", &|row| row["department_id"].is_null());
    has("users", &|row| row["deactivated"] == true);
    has("job_posts", &|row| row["active"] == false);
    has("job_interview_stages", &|row| row["active"] == false);
    let emails: Vec<String> = world
        .sandbox
        .rows("candidates")
        .iter()
        .filter_map(|row| Some(row["email_addresses"][0]["value"].as_str()?.to_owned()))
        .collect();
    assert!(emails.iter().any(|email| world.sandbox.candidates_by_email(email).len() > 1));
    let keys: std::collections::BTreeSet<String> = world
        .sandbox
        .rows("rejection_reasons")
        .iter()
        .filter_map(|row| Some(row["type"]["key"].as_str()?.to_owned()))
        .collect();
    assert_eq!(keys.len(), 4);
}

#[test]
fn the_vendors_source_exists_once_twice_or_not_at_all() {
    use atsync_greenhouse_sandbox::{VENDOR_SOURCE, VendorSource};
    for (stands, count) in
        [(VendorSource::Present, 1), (VendorSource::Missing, 0), (VendorSource::Duplicate, 2)]
    {
        let world = World::with(|options| options.company.vendor_source = stands);
        let sources = world.list("/v3/sources");
        assert_eq!(sources.iter().filter(|source| source["name"] == VENDOR_SOURCE).count(), count);
    }
}
