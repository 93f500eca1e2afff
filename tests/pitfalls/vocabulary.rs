//! Section F: set-up and vocabulary.

use super::{
    ADA, ada, apply, blocked, bodies, bring, converge, declare, id_of, open_jobs, plain_candidates,
    plan, recruiter, the_candidate, world, world_of,
};
use atsync::model::manifest::KindRule;
use atsync_greenhouse_sandbox::{Recruiter, VendorSource};
use atsync_tests::World;
use futures_util::TryStreamExt;
use serde_json::{Value, json};

fn with_application(world: &World, more: &Value) -> Value {
    let mut application = json!({"key": "a1", "job": {"id": open_jobs(world)[0].to_string()}});
    application.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    ada(&json!({"applications": [application]}))
}

/// Entry 51: the source is enabled by hand and matched by name. If it is missing, renamed or
/// duplicate, nothing is sent without it or with another, and both plan and check say so.
#[test]
fn a_missing_renamed_or_duplicate_source_blocks_the_record() {
    for (source, renamed, said) in [
        (VendorSource::Missing, false, "no source with the name"),
        (VendorSource::Duplicate, false, "2 sources have the name"),
        (VendorSource::Present, true, "no source with the name"),
    ] {
        println!("{source:?}, renamed: {renamed}");
        let mut world = world_of(|options| options.company.vendor_source = source);
        world.settings.insert("source".into(), json!("Acme Referrals"));
        if renamed {
            let rows = world.sandbox.rows("sources");
            let id = id_of(rows.iter().find(|row| row["name"] == "Acme Referrals").unwrap());
            let values = json!({"name": "Referrals (Acme)"}).as_object().unwrap().clone();
            recruiter(&world, &Recruiter::Set { collection: "sources".into(), id, values });
        }
        let acme = world.connect();
        declare(&world, &acme, &[with_application(&world, &json!({"source": "Acme Referrals"}))]);
        let planned = plan(&world, &acme);
        assert!(blocked(&planned).contains(said), "{}", blocked(&planned));
        apply(&world, &acme, &planned);
        assert_eq!(world.written(), Vec::<String>::new());
        let results = world.run(acme.check()).unwrap();
        let checked = results.iter().find(|result| result.permission == "setup:source").unwrap();
        assert_eq!(checked.verdict, "missing", "{}", checked.detail);
    }
}

/// Entry 52: a referrer's id is not a user's. The adapter finds it through the user, by any of
/// their addresses, and a user without an entry among the referrers is credited with nothing rather
/// than by their user id.
#[test]
fn a_user_id_is_never_sent_for_a_referrer() {
    let world = world(|_| {});
    let acme = world.connect();
    let referrers = world.sandbox.rows("referrers");
    let users = world.sandbox.rows("users");
    let entry = |user: &Value| referrers.iter().find(|row| row["user_id"] == user["id"]).map(id_of);
    let listed = users.iter().find(|user| entry(user).is_some()).unwrap();
    let unlisted =
        users.iter().find(|user| entry(user).is_none() && user["primary_email"] != "").unwrap();
    declare(
        &world,
        &acme,
        &[with_application(&world, &json!({"referrer": unlisted["primary_email"]}))],
    );
    let planned = plan(&world, &acme);
    assert!(blocked(&planned).contains("is not among the referrers"), "{}", blocked(&planned));
    apply(&world, &acme, &planned);
    assert_eq!(world.written(), Vec::<String>::new());
    bring(&world, &acme, &with_application(&world, &json!({"referrer": listed["primary_email"]})));
    let candidate = id_of(&the_candidate(&world, ADA));
    let credited = world.sandbox.applications_of(candidate)[0]["referrer_id"].as_i64();
    assert_eq!(credited, entry(listed));
    assert_ne!(credited, listed["id"].as_i64());
    converge(&world, &acme, 1);
}

/// Entry 53: types are closed lists, and the effect of two equal values in one list is unknown. No
/// other word and no value twice is ever sent.
#[test]
fn only_words_of_the_closed_lists_are_sent_and_no_value_twice() {
    let world = world(|_| {});
    let acme = world.connect();
    let record = |more: Value| {
        ada(&json!({
            "emails": [ADA, ADA.to_uppercase(), {"value": "x@x.example", "type": "skype"},
                more["email"]],
            "phones": ["+44 20 1234", "+44 (20) 12-34", {"value": "5", "type": "company"},
                more["phone"]],
            "links": ["https://ada.example", "http://ada.example/",
                {"value": "y.example", "type": "skype"}, more["link"]]
        }))
    };
    let report =
        bring(&world, &acme, &record(json!({"email": ADA, "phone": "5", "link": "ada.example"})));
    assert!(report.is_complete());
    converge(&world, &acme, 1);
    world.sandbox.clear_logs();
    let more = json!({"email": {"value": "z@z.example", "type": "blog"},
        "phone": {"value": "6", "type": "portfolio"},
        "link": {"value": "z.example", "type": "mobile"}});
    let report = bring(&world, &acme, &record(more));
    assert!(report.is_complete());
    let row = the_candidate(&world, ADA);
    for (list, words, entries) in [
        ("email_addresses", &["personal", "work", "other"][..], 3),
        ("phone_numbers", &["home", "work", "mobile", "skype", "other"][..], 3),
        ("website_addresses", &["personal", "company", "portfolio", "blog", "other"][..], 3),
    ] {
        let stored = row[list].as_array().unwrap();
        assert_eq!(stored.len(), entries, "{list}: {stored:?}");
        assert!(
            stored.iter().all(|entry| words.contains(&entry["type"].as_str().unwrap())),
            "{list}: {stored:?}"
        );
    }
    converge(&world, &acme, 1);
}

/// Entry 54: a file depends on an application and a new resume replaces the former. Nothing is
/// attached twice or written repeatedly, and no file's address is stored.
#[test]
fn a_file_is_attached_once_and_its_url_is_kept_nowhere() {
    let world = world(|_| {});
    let acme = world.connect();
    let file = |key: &str, kind: &str| {
        json!({"key": key, "filename": format!("{key}.pdf"),
        "type": kind, "url": format!("https://files.example.com/{key}.pdf")})
    };
    bring(
        &world,
        &acme,
        &with_application(
            &world,
            &json!({"attachments": [file("cv1", "resume"), file("letter", "cover_letter")]}),
        ),
    );
    let both = json!({"attachments": [file("cv1", "resume"), file("letter", "cover_letter"),
        file("cv2", "resume")]});
    bring(&world, &acme, &with_application(&world, &both));
    converge(&world, &acme, 2);
    let candidate = id_of(&the_candidate(&world, ADA));
    let application = world.sandbox.applications_of(candidate)[0]["id"].clone();
    let rows = world.sandbox.rows_of_candidate("attachments", candidate);
    let names: Vec<&Value> = rows.iter().map(|row| &row["filename"]).collect();
    assert_eq!(names, ["letter.pdf", "cv2.pdf"], "the former resume stays replaced");
    assert!(rows.iter().all(|row| row["application_id"] == application));
    world.run(acme.pull_full("attachments")).unwrap();
    let stored: Vec<_> = world.run(acme.observed("attachments").try_collect::<Vec<_>>()).unwrap();
    assert!(stored.len() >= 2);
    for row in stored {
        assert!(row.raw.is_none() && !row.body.contains("://"), "{}", row.body);
    }
}

/// Entry 55: tags are case-sensitive.
#[test]
fn tags_that_differ_in_case_are_two_tags() {
    let world = world(|_| {});
    let acme = world.connect();
    recruiter(
        &world,
        &Recruiter::AddTag { candidate_id: plain_candidates(&world)[0], tag: "INTRO".into() },
    );
    bring(&world, &acme, &ada(&json!({"tags": ["Intro", "intro"]})));
    let candidate = id_of(&the_candidate(&world, ADA));
    let mut tags: Vec<String> =
        serde_json::from_value(world.sandbox.row("candidates", candidate).unwrap()["tags"].clone())
            .unwrap();
    tags.sort();
    assert_eq!(tags, ["Intro", "intro"]);
    let all = world.sandbox.rows("candidate_tags");
    let like: Vec<&Value> =
        all.iter().filter(|tag| tag["name"].as_str().unwrap().to_lowercase() == "intro").collect();
    assert_eq!(like.len(), 3);
    converge(&world, &acme, 1);
}

/// Entry 57: whatever public examples show, every path is of v3, and none is unknown.
#[test]
fn every_request_goes_to_a_known_path_of_v3() {
    let world = world(|_| {});
    let acme = world.connect();
    // A customer's own credential lists no webhooks, and no settings name a sensitive kind.
    let is_read = |kind: &&KindRule| kind.opt_in.is_none() && kind.name != "raw_webhooks";
    for kind in acme.manifest().kinds.clone().iter().filter(is_read) {
        world.run(acme.pull_full(&kind.name)).unwrap();
    }
    bring(&world, &acme, &super::ada_with_everything(&world));
    world.run(acme.check()).unwrap();
    let requests = world.sandbox.requests();
    assert!(requests.len() > 40);
    for request in requests {
        assert!(request.path.starts_with("/v3/") || request.path == "/token", "{}", request.path);
        assert_ne!(request.status, 404, "{}", request.path);
    }
    assert_eq!(bodies(&world, "POST", "/v3/notes").len(), 1);
}
