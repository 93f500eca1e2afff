//! The commands for single records, against a sandbox over real HTTP: what they change, and what
//! they leave unchanged.

#![allow(clippy::disallowed_methods, reason = "tests use the disk, programs and tasks")]

mod cli_support;

use atsync_greenhouse_sandbox::Fault;
use atsync_greenhouse_sandbox::FaultKind;
use cli_support::Site;
use serde_json::json;

const EMAIL: &str = "ada@new.example.com";
const ADA: &str = r#"{"key":"a","name":{"first":"Ada","last":"Obi"},"emails":["ada@new.example.com"],"tags":["vip"]}"#;

async fn applied() -> Site {
    let site = Site::start().await;
    site.write("r.jsonl", ADA);
    let ran = site.run(&["apply", "acme", "--desired", "r.jsonl", "--yes"]).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    site
}

#[tokio::test]
async fn explain_shows_each_field_and_the_intents_by_key_and_by_id() {
    let site = applied().await;
    let told = site.run(&["explain", "acme", "candidates", "a", "--json"]).await;
    assert_eq!(told.code, 0, "{told:?}");
    let told = told.json()[0].clone();
    let fields: Vec<&str> = told["fields"]
        .as_array()
        .unwrap()
        .iter()
        .map(|field| field["field"].as_str().unwrap())
        .collect();
    assert_eq!(fields, ["name.first", "name.last", "emails", "tags"]);
    assert!(
        told["fields"].as_array().unwrap().iter().all(|field| field["decision"] == "in_step"),
        "{told}"
    );
    let operations: Vec<&str> = told["intents"]
        .as_array()
        .unwrap()
        .iter()
        .map(|intent| intent["operation"].as_str().unwrap())
        .collect();
    // The candidate's create carried the tag.
    assert_eq!(operations, ["candidates.create"]);
    let id = told["links"][0]["remote"]["id"].as_str().unwrap();
    let words = site.run(&["explain", "acme", "candidates", id]).await;
    assert!(words.code == 0 && words.out.contains("name.first [yield]: in step"), "{words:?}");
    assert!(!words.out.contains("\"added\"") && words.out.contains(EMAIL), "{words:?}");
    assert_eq!(site.run(&["explain", "acme", "candidates", "nobody"]).await.code, 1);
}

#[tokio::test]
async fn pause_observe_resume_and_abandon_change_the_store_alone() {
    let site = applied().await;
    site.write("r.jsonl", &ADA.replace("\"vip\"", "\"vip\",\"star\""));
    let tags = || site.sandbox().creates("applied_candidate_tags");
    let before = tags();
    assert_eq!(site.run(&["pause", "acme", "a"]).await.code, 0);
    site.run(&["apply", "acme", "--desired", "r.jsonl", "--yes"]).await;
    assert_eq!(site.run(&["observe", "acme", "a"]).await.code, 0);
    site.run(&["apply", "acme", "--all", "--yes"]).await;
    assert_eq!(tags(), before, "neither paused nor observed records are written");
    assert_eq!(site.run(&["resume", "acme", "a"]).await.code, 0);
    assert_eq!(site.run(&["apply", "acme", "--all", "--yes"]).await.code, 0);
    assert_eq!(tags(), before + 1);
    assert_eq!(site.run(&["abandon", "acme", "a"]).await.code, 0);
    assert_eq!(site.run(&["abandon", "acme", "a"]).await.code, 1);
    assert_eq!(site.sandbox().candidates_by_email(EMAIL).len(), 1);
}

#[tokio::test]
async fn apply_without_a_terminal_does_not_advise_the_same_command_again() {
    let site = Site::start().await;
    site.write("r.jsonl", ADA);
    let ran = site.run(&["apply", "acme", "--desired", "r.jsonl"]).await;
    assert!(ran.code == 1 && ran.err.contains("nothing was declared or written"), "{ran:?}");
    assert!(
        ran.err.contains("--yes") && !ran.err.contains("run the same command again"),
        "{ran:?}"
    );
}

#[tokio::test]
async fn import_prints_a_record_that_plans_nothing_and_withdraw_prints_its_plan_first() {
    let site = Site::start().await;
    let id = site.sandbox().rows("candidates")[0]["id"].to_string();
    let imported = site.run(&["import", "acme", &id, "x", "--declare"]).await;
    assert_eq!(imported.code, 0, "{imported:?}");
    assert_eq!(imported.json()[0]["key"], "x");
    let plan = site.run(&["plan", "acme", "--all"]).await;
    assert_eq!(plan.code, 0, "{plan:?}");
    let mut record = imported.json()[0].clone();
    record["tags"] = json!(["put on by atsync"]);
    site.write("r.jsonl", &record.to_string());
    assert_eq!(site.run(&["apply", "acme", "--desired", "r.jsonl", "--yes"]).await.code, 0);
    let tags =
        || site.sandbox().rows_of_candidate("applied_candidate_tags", id.parse().unwrap()).len();
    let with = tags();
    let shown = site.run(&["withdraw", "acme", "x"]).await;
    assert!(
        shown.code == 0 && shown.out.contains("applied_tags.delete") && tags() == with,
        "{shown:?}"
    );
    let done = site.run(&["withdraw", "acme", "x", "--yes"]).await;
    assert_eq!((done.code, tags()), (0, with - 1), "{done:?}");
    let told = site.run(&["explain", "acme", "candidates", "x"]).await;
    assert!(told.out.contains(", which is no longer in the ATS"), "{told:?}");
}

#[tokio::test]
async fn erase_needs_a_yes_and_blocks_the_import_until_undone() {
    let site = applied().await;
    let by_email = ["erase", "acme", "--email", EMAIL];
    assert_eq!(site.run(&by_email).await.code, 1);
    assert_eq!(site.run(&["erase", "acme", "--yes"]).await.code, 1, "no candidate is named");
    let done = site.run(&["erase", "acme", "--email", EMAIL, "--yes"]).await;
    assert!(done.code == 0 && done.out.contains("1 desired"), "{done:?}");
    assert_eq!(site.run(&["pull", "acme", "--kinds", "candidates", "--full"]).await.code, 0);
    let candidates = site.run(&["get", "acme", "candidates", "--json"]).await;
    assert!(!candidates.out.contains(EMAIL));
    assert_eq!(candidates.json().len(), site.sandbox().count("candidates") - 1);
    let again = site.run(&["apply", "acme", "--desired", "r.jsonl", "--yes"]).await;
    // An apply that meets an erased candidate reports it, does nothing for them, and succeeds.
    assert_eq!((again.code, site.sandbox().creates("candidates")), (0, 1), "{again:?}");
    assert!(again.out.contains("was erased here"), "{again:?}");
    assert!(again.out.contains("`atsync erase acme --key a --undo`"), "{again:?}");
    assert_eq!(site.run(&["erase", "acme", "--key", "a", "--undo"]).await.code, 0);
    assert_eq!(site.run(&["apply", "acme", "--desired", "r.jsonl", "--yes"]).await.code, 0);
    assert_eq!(site.sandbox().creates("candidates"), 1, "found again, not made again");
}

#[tokio::test]
async fn a_trimmed_feed_is_reported_to_a_consumer_and_skipped_only_on_request() {
    let site = Site::start().await;
    assert_eq!(site.run(&["pull", "acme", "--kinds", "jobs"]).await.code, 0);
    let trimmed = site.run(&["trim", "acme", "--days", "0", "--unread-too"]).await;
    assert!(trimmed.code == 0 && !trimmed.out.starts_with("0 "), "{trimmed:?}");
    let late = site.run(&["changes", "acme", "--consumer", "mirror"]).await;
    assert!(late.code == 1 && late.error().contains("read the records anew"), "{late:?}");
    assert_eq!(site.run(&["changes", "acme", "--consumer", "mirror", "--skip-gone"]).await.code, 0);
    assert_eq!(site.run(&["changes", "acme"]).await.code, 0);
}

#[tokio::test]
async fn a_write_in_doubt_is_abandoned_from_the_command_line() {
    let site = Site::start().await;
    site.write("r.jsonl", ADA);
    site.sandbox().faults().add(Fault::once("POST", "/v3/candidates", FaultKind::DropBefore));
    let mut blind = Fault::always("/v3/candidates", FaultKind::Unauthorized);
    blind.method = Some("GET".into());
    site.sandbox().faults().add(blind.after(2));
    let ran = site.run(&["apply", "acme", "--desired", "r.jsonl", "--yes"]).await;
    assert_eq!(ran.code, 1, "{ran:?}");
    site.sandbox().faults().clear();
    let told = site.run(&["explain", "acme", "candidates", "a", "--json"]).await.json();
    let intent = told[0]["intents"][0].clone();
    assert!(intent["state"] == "in_doubt" || intent["state"] == "sending", "{told:?}");
    let number = intent["id"].to_string();
    let done = site.run(&["resolve", "acme", &number, "abandon"]).await;
    assert!(done.code == 0 && done.out.contains("abandoned"), "{done:?}");
    assert_eq!(site.run(&["resolve", "acme", &number, "retry"]).await.code, 1);
    assert_eq!(site.sandbox().creates("candidates"), 0);
}

/// Every plan names an erased candidate, and the compacted file holds no byte of them.
#[tokio::test]
async fn an_erased_candidate_is_reported_and_compacting_leaves_no_byte_of_them() {
    let site = applied().await;
    let holds = || {
        let bytes = std::fs::read(site.path("acme.redb")).unwrap();
        bytes.windows(EMAIL.len()).any(|window| window == EMAIL.as_bytes())
    };
    // Several versions of the record, so that the erasure frees whole pages.
    for title in ["Engineer", "Countess"] {
        site.write(
            "later.jsonl",
            &ADA.replacen("\"key\":\"a\"", &format!("\"key\":\"a\",\"title\":\"{title}\""), 1),
        );
        let ran = site.run(&["apply", "acme", "--desired", "later.jsonl", "--yes"]).await;
        assert_eq!(ran.code, 0, "{ran:?}");
    }
    let erased = site.run(&["erase", "acme", "--key", "a", "--yes"]).await;
    assert!(erased.code == 0 && erased.err.contains("atsync compact"), "{erased:?}");
    // Later writes may use the pages again.
    assert!(holds(), "unused pages keep removed bytes, or this test proves nothing");
    let writes = site.sandbox().writes().len();
    let plan = site.run(&["plan", "acme", "--desired", "r.jsonl"]).await;
    assert!(
        plan.code == 0 && plan.out.contains("was erased") && plan.out.contains("Nothing to do"),
        "{plan:?}"
    );
    let apply = site.run(&["apply", "acme", "--desired", "r.jsonl", "--yes"]).await;
    assert_eq!(apply.code, 0, "{apply:?}");
    assert_eq!(site.sandbox().writes().len(), writes);
    let compact = site.run(&["compact", "--json"]).await;
    assert_eq!(compact.code, 0, "{compact:?}");
    assert!(compact.json()[0]["rows"].as_u64().unwrap() > 100, "{compact:?}");
    assert!(!holds());
    assert_eq!(site.run(&["status", "acme"]).await.code, 0);
    let nowhere = tempfile::tempdir().unwrap();
    let missing = cli_support::finish(cli_support::atsync(nowhere.path(), &["compact"])).await;
    assert_eq!(missing.code, 1, "{missing:?}");
}

#[tokio::test]
async fn erasing_an_unknown_candidate_is_reported_and_blocks_their_import() {
    let site = applied().await;
    for (option, name) in
        [("--key", "unknown"), ("--email", "unknown@example.com"), ("--candidate", "999999")]
    {
        let done = site.run(&["erase", "acme", option, name, "--yes"]).await;
        assert!(done.code == 0 && done.out.contains("Nothing was stored under"), "{done:?}");
        assert!(done.out.contains("blocked from now on"), "{done:?}");
        assert!(
            done.out.contains(&format!("atsync erase acme {option} {name} --undo")),
            "{done:?}"
        );
    }
    let known = site.run(&["erase", "acme", "--key", "a", "--yes"]).await;
    assert!(known.out.starts_with("Erased: 1 desired"), "{known:?}");
    let unknown =
        r#"{"key":"unknown","name":{"first":"No","last":"Body"},"emails":["no@new.example.com"]}"#;
    site.write("r.jsonl", unknown);
    let barred = site.run(&["plan", "acme", "--desired", "r.jsonl"]).await;
    assert!(barred.code == 0 && barred.out.contains("was erased here"), "{barred:?}");
    assert_eq!(site.run(&["erase", "acme", "--key", "unknown", "--undo"]).await.code, 0);
    assert_eq!(site.run(&["plan", "acme", "--desired", "r.jsonl"]).await.code, 2);
}
