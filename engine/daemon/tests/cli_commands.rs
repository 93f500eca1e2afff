//! The commands against a sandbox over real HTTP: exit codes, the shape of machine-readable output,
//! and a clean stop.

#![allow(clippy::disallowed_methods, reason = "tests use the disk, programs and tasks")]
#![allow(
    clippy::indexing_slicing,
    reason = "a helper of tests stops where something is not as it must be"
)]

mod cli_support;

use atsync_greenhouse_sandbox::{Fault, FaultKind, Recruiter};
use cli_support::{Site, atsync, finish};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::json;
use sha2::Sha256;
use std::process::Stdio;
use tokio::io::{AsyncBufReadExt, BufReader};

const ADA: &str =
    r#"{"key":"a","name":{"first":"Ada","last":"Obi"},"emails":["ada@new.example.com"]}"#;

#[tokio::test]
async fn a_plan_says_with_its_exit_code_whether_there_is_something_to_do() {
    let site = Site::start().await;
    site.write("r.jsonl", ADA);
    let plan = ["plan", "acme", "--desired", "r.jsonl"];
    let before = site.run(&plan).await;
    assert_eq!(before.code, 2, "{before:?}");
    assert!(
        before.out.contains("candidates.create") && site.sandbox().creates("candidates") == 0,
        "{before:?}"
    );
    let applied = site.run(&["apply", "acme", "--desired", "r.jsonl", "--yes"]).await;
    assert_eq!(applied.code, 0, "{applied:?}");
    assert_eq!(site.sandbox().candidates_by_email("ada@new.example.com").len(), 1);
    let after = site.run(&plan).await;
    assert_eq!(after.code, 0, "{after:?}");
    let again = site.run(&["apply", "acme", "--desired", "r.jsonl", "--yes", "--json"]).await;
    assert_eq!((again.code, again.json()[0]["report"]["steps"].clone()), (0, json!([])));
    assert_eq!(site.sandbox().creates("candidates"), 1);
    assert_eq!(site.run(&["plan", "acme", "--all"]).await.code, 0);
}

#[tokio::test]
async fn blocked_records_stop_all_and_with_keep_going_only_themselves() {
    let site = Site::start().await;
    let lost = json!({ "key": "b", "name": { "first": "Bo", "last": "Li" },
        "emails": ["bo@new.example.com"],
        "applications": [{ "key": "x", "job": "No Such Job At All" }] });
    site.write("r.jsonl", &format!("{ADA}\n{lost}"));
    assert_eq!(site.run(&["plan", "acme", "--desired", "r.jsonl"]).await.code, 1);
    assert_eq!(site.run(&["apply", "acme", "--desired", "r.jsonl", "--yes"]).await.code, 1);
    assert_eq!(site.sandbox().creates("candidates"), 0);
    let ran = site.run(&["apply", "acme", "--desired", "r.jsonl", "--yes", "--keep-going"]).await;
    assert_eq!(ran.code, 1, "{ran:?}");
    assert_eq!(site.sandbox().creates("candidates"), 1);
    assert_eq!(site.sandbox().candidates_by_email("bo@new.example.com").len(), 0);
}

#[tokio::test]
async fn get_and_changes_give_json_lines_of_a_fixed_shape() {
    let site = Site::start().await;
    let pulled =
        site.run(&["pull", "acme", "--kinds", "candidates,applications,stages", "--json"]).await;
    assert_eq!(pulled.code, 0, "{pulled:?}");
    let kinds: Vec<_> = pulled.json().iter().map(|line| line["kind"].clone()).collect();
    assert_eq!(kinds, ["candidates", "applications", "stages"]);
    let candidates = site.run(&["get", "acme", "candidates", "--json"]).await.json();
    assert_eq!(candidates.len(), site.sandbox().count("candidates"));
    for line in &candidates {
        assert_eq!(line["kind"], "candidates");
        assert!(
            line["id"].is_string() && line["known"].is_array() && line["body"].is_object(),
            "{line}"
        );
    }
    let id = candidates[0]["id"].as_str().unwrap();
    assert_eq!(
        site.run(&["get", "acme", "candidates", id, "--json"]).await.json()[0],
        candidates[0]
    );
    assert_eq!(
        site.run(&["get", "acme", "candidates", id, "--raw"]).await.json()[0]["id"].to_string(),
        id
    );
    assert_eq!(site.run(&["get", "acme", "candidates", "0"]).await.code, 1);
    let email = candidates[0]["body"]["emails"][0]["value"].as_str().unwrap().to_uppercase();
    let found = site.run(&["get", "acme", "candidates", "--email", &email, "--json"]).await;
    assert_eq!(found.json()[0], candidates[0], "{found:?}");
    let none = site.run(&["get", "acme", "candidates", "--email", "no@example.com"]).await;
    assert!(none.code == 0 && none.err.contains("with the address no@example.com"), "{none:?}");

    let feed = site.run(&["changes", "acme", "--after", "0", "--json"]).await.json();
    assert_eq!(feed[0]["serial"], 1);
    let last = feed.last().unwrap()["serial"].as_u64().unwrap();
    assert_eq!(last, feed.len() as u64);
    let row = candidates[0].clone();
    let candidate_id = row["id"].as_str().unwrap().parse().unwrap();
    let deed =
        Recruiter::Rename { candidate_id, first_name: "Zoë".into(), last_name: "Renamed".into() };
    site.sandbox().recruiter(&deed).unwrap();
    assert_eq!(site.run(&["pull", "acme", "--kinds", "candidates"]).await.code, 0);
    let consumer = ["changes", "acme", "--consumer", "crm", "--ack", "--json"];
    assert_eq!(site.run(&consumer).await.json().len() as u64, last + 1);
    assert!(site.run(&consumer).await.json().is_empty(), "acknowledged changes are not repeated");
    let news = site.run(&["changes", "acme", "--after", &last.to_string(), "--json"]).await.json();
    assert_eq!(
        (news.len(), &news[0]["kind"], &news[0]["id"], &news[0]["what"]),
        (1, &json!("candidates"), &row["id"], &json!("updated"))
    );
}

#[tokio::test]
async fn a_lost_answer_is_settled_by_a_probe_and_counts_as_done() {
    let site = Site::start().await;
    site.write("r.jsonl", ADA);
    site.sandbox().faults().add(Fault::once("POST", "/v3/candidates", FaultKind::DropAfter));
    let ran = site.run(&["apply", "acme", "--desired", "r.jsonl", "--yes"]).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(
        ran.out.contains("1 in doubt and found to have happened")
            && ran.out.contains("1 record in step, 0 not"),
        "{ran:?}"
    );
    assert_eq!(site.sandbox().creates("candidates"), 1);
}

#[tokio::test]
async fn the_schema_needs_no_configuration_and_names_every_member() {
    let nowhere = tempfile::tempdir().unwrap();
    let ran = finish(atsync(nowhere.path(), &["schema"])).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    let schema: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    let candidate = &schema["$defs"]["DesiredCandidate"]["properties"];
    assert!(candidate["applications"].is_object() && candidate["emails"].is_object());
    assert_eq!(
        schema["$defs"]["DesiredCustomField"]["properties"]["kind"]["const"],
        "custom_fields"
    );
    assert!(schema["$defs"]["DesiredUser"]["properties"]["email"].is_object());
}

#[tokio::test]
async fn a_run_pulls_the_due_kinds_and_stops_cleanly_on_a_signal() {
    let site = Site::start().await;
    let mut child = site
        .command(&["run", "--json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut pulled = Vec::new();
    while pulled.len() < 2 {
        let line: serde_json::Value =
            serde_json::from_str(&lines.next_line().await.unwrap().unwrap()).unwrap();
        if line["round"] == "pulled" {
            pulled.push(line["report"]["kind"].as_str().unwrap().to_owned());
        }
    }
    assert_eq!(pulled, ["candidates", "jobs"]);
    let id = child.id().unwrap().to_string();
    assert!(
        tokio::process::Command::new("kill").args(["-TERM", &id]).status().await.unwrap().success()
    );
    let mut rounds = Vec::new();
    while let Some(line) = lines.next_line().await.unwrap() {
        rounds.push(serde_json::from_str::<serde_json::Value>(&line).unwrap()["round"].clone());
    }
    assert_eq!(rounds.last().unwrap(), "stopped");
    assert_eq!(child.wait().await.unwrap().code(), Some(0));
    assert_eq!(site.run(&["status", "acme"]).await.code, 0, "the store was closed");
}

/// The admin role is lost between pull and sweep: the exit code is 1 with the reason, and `status`
/// shows it until a later sweep has finished.
#[tokio::test]
async fn a_sweep_that_lost_a_right_is_held_and_resumes_when_it_is_back() {
    let site = Site::start().await;
    assert_eq!(site.run(&["pull", "acme", "--kinds", "candidates"]).await.code, 0);
    site.sandbox().set_access(|access| access.site_admin = false);
    let ran = site.run(&["sweep", "acme", "--kinds", "candidates"]).await;
    assert_eq!(ran.code, 1, "{ran:?}");
    let said = ran.error();
    assert!(said.contains("Site Admin") && said.contains("sweep again"), "{said}");
    let status = site.run(&["status", "acme"]).await;
    assert!(
        status.code == 0 && status.out.contains("sweep of candidates held since"),
        "{status:?}"
    );
    let told = site.run(&["status", "acme", "--json"]).await.json()[0].clone();
    assert_eq!(told["sweeps"]["candidates"]["held"]["by"], "right", "{told}");
    site.sandbox().set_access(|access| access.site_admin = true);
    let ran = site.run(&["sweep", "acme", "--kinds", "candidates"]).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    let status = site.run(&["status", "acme"]).await;
    assert!(!status.out.contains("sweep of"), "{status:?}");
}

#[tokio::test]
async fn the_demo_passes_all_its_checks() {
    let nowhere = tempfile::tempdir().unwrap();
    let ran = finish(atsync(nowhere.path(), &["demo"])).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.out.lines().count() < 70 && ran.out.contains("All checks passed"), "{ran:?}");
    assert_eq!(std::fs::read_dir(nowhere.path()).unwrap().count(), 0, "it leaves nothing behind");
}

#[tokio::test]
async fn get_raw_prints_the_json_of_the_ats_and_refuses_a_kind_without_any() {
    let site = Site::start().await;
    assert_eq!(site.run(&["pull", "acme", "--kinds", "jobs,candidates"]).await.code, 0);
    let raw = site.run(&["get", "acme", "jobs", "--raw"]).await;
    assert_eq!(raw.code, 0, "{raw:?}");
    let names: Vec<_> = raw.json().iter().map(|row| row["name"].clone()).collect();
    let known = site.run(&["get", "acme", "jobs", "--json"]).await.json();
    assert_eq!(names, known.iter().map(|row| row["body"]["title"].clone()).collect::<Vec<_>>());
    assert_eq!(raw.json().iter().map(|row| row["id"].to_string()).collect::<Vec<_>>(), ids(&known));
    let none = site.run(&["get", "acme", "offices", "--raw"]).await;
    assert!(none.code == 0 && none.out.is_empty() && none.err.contains("atsync pull"), "{none:?}");
    let both = site.run(&["get", "acme", "jobs", "--raw", "--json"]).await;
    assert_eq!(both.code, 1, "{both:?}");
}

fn ids(rows: &[serde_json::Value]) -> Vec<String> {
    rows.iter().map(|row| row["id"].as_str().unwrap_or_default().to_owned()).collect()
}

#[tokio::test]
async fn a_built_in_adapter_is_inspected_by_its_name_with_settings_operations_and_permissions() {
    let site = Site::start().await;
    let told = site.run(&["adapter", "inspect", "greenhouse"]).await;
    assert_eq!(told.code, 0, "{told:?}");
    for line in [
        "user_invitations",
        "\"single\" or \"bulk\"",
        "default false",
        "candidates.create",
        "harvest:jobs:list",
        "reads webhooks that the secret `webhook` signs: HMAC-SHA-256",
        "registers webhooks for ",
    ] {
        assert!(told.out.contains(line), "{line}: {told:?}");
    }
    let json = site.run(&["adapter", "inspect", "greenhouse", "--json"]).await;
    assert_eq!(json.json()[0]["name"], "greenhouse");
    let unknown = site.run(&["adapter", "inspect", "greenhous"]).await;
    assert!(
        unknown.code == 1 && unknown.error().contains("did you mean `greenhouse`"),
        "{unknown:?}"
    );
}

/// `receive` fetches the record of a webhook that the connection's secret signed; for any other
/// webhook it reads nothing.
#[tokio::test]
async fn a_webhook_from_stdin_is_accepted_only_when_it_is_signed() {
    let site = Site::start().await;
    let id = site.sandbox().rows("candidates")[0]["id"].clone();
    let body = json!({ "action": "update_candidate", "payload": { "candidate": { "id": id } } })
        .to_string();
    site.write("body", &body);
    let mut mac = Hmac::<Sha256>::new_from_slice(b"hook secret").unwrap();
    mac.update(body.as_bytes());
    let hex: String =
        mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    let right = format!("Signature: sha256 {hex}");
    let receive = |header: &str| {
        let mut command = site.command(&["receive", "acme", "--header", header]);
        command.env("HOOK", "hook secret").stdin(std::fs::File::open(site.path("body")).unwrap());
        finish(command)
    };
    let without = receive(&right).await;
    assert!(without.code == 1 && without.err.contains("webhook_secret"), "{without:?}");
    site.write("acme.toml", &format!("{}webhook_secret = {{ env = \"HOOK\" }}\n", site.config()));
    let taken = receive(&right).await;
    assert_eq!((taken.code, taken.out.as_str()), (0, "200 accepted: read anew\n"), "{taken:?}");
    site.sandbox().clear_logs();
    for wrong in [right.replace("sha256 ", "sha256 0"), "X: y".to_owned()] {
        let refused = receive(&wrong).await;
        assert!(refused.code == 1 && refused.out.starts_with("401 refused"), "{refused:?}");
    }
    assert!(site.sandbox().requests().is_empty(), "nothing is read for a forged one");
    let odd = receive("no colon").await;
    assert!(odd.code == 1 && odd.err.contains("Name: value"), "{odd:?}");
}
